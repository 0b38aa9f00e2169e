import { grants, holds, inbox } from './grants.ts';
import { live } from './live.ts';
import { operations, views } from './operations.ts';
import { people } from './people.ts';
import { resources } from './resources.ts';
import { audit, sessions } from './sessions.ts';
import { simulations } from './simulations.ts';
import { documents, policies, tasks } from './tasks.ts';

/** The HTTP API under `/api/v1`: the web, the CLI and everybody else use this one. */
export const contract = {
  people,
  resources,
  tasks,
  policies,
  documents,
  grants,
  holds,
  inbox,
  sessions,
  operations,
  views,
  simulations,
  audit,
  live,
};

export * from './console-protocol.ts';
export * from './grants.ts';
export * from './live.ts';
export * from './operations.ts';
export * from './people.ts';
export * from './resources.ts';
export * from './sessions.ts';
export * from './shapes.ts';
export * from './simulations.ts';
export * from './tasks.ts';
export * from './verb-scopes.ts';
