import { devices } from './devices.ts';
import { directory } from './directory.ts';
import { approvals, grants, holds, inbox } from './grants.ts';
import { live } from './live.ts';
import { issuers, machines } from './machines.ts';
import { operations, views } from './operations.ts';
import { passkeys } from './passkeys.ts';
import { people } from './people.ts';
import { providers } from './providers.ts';
import { resources } from './resources.ts';
import { audit, sessions } from './sessions.ts';
import { simulations } from './simulations.ts';
import { documents, policies, tasks, workflows } from './tasks.ts';

/** The HTTP API under `/api/v1`: the web, the CLI and everybody else use this one. */
export const contract = {
  people,
  devices,
  issuers,
  machines,
  passkeys,
  providers,
  directory,
  resources,
  tasks,
  policies,
  workflows,
  documents,
  grants,
  holds,
  approvals,
  inbox,
  sessions,
  operations,
  views,
  simulations,
  audit,
  live,
};

export * from './console-protocol.ts';
export * from './devices.ts';
export * from './directory.ts';
export * from './grants.ts';
export * from './live.ts';
export * from './machines.ts';
export * from './operations.ts';
export * from './passkeys.ts';
export * from './people.ts';
export * from './providers.ts';
export * from './resources.ts';
export * from './sessions.ts';
export * from './shapes.ts';
export * from './simulations.ts';
export * from './tasks.ts';
export * from './verb-scopes.ts';
