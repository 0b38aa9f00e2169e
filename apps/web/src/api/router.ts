import { approvalsRouter } from './approvals.ts';
import { auditRouter } from './audit.ts';
import { devicesRouter } from './devices.ts';
import { directoryRouter } from './directory.ts';
import { documentsRouter } from './documents.ts';
import { grantsRouter } from './grants.ts';
import { holdsRouter } from './holds.ts';
import { implementer } from './implementer.ts';
import { inboxRouter } from './inbox.ts';
import { liveRouter } from './live.ts';
import { issuersRouter, machinesRouter } from './machines.ts';
import { operationsRouter } from './operations.ts';
import { passkeysRouter } from './passkeys.ts';
import { peopleRouter } from './people.ts';
import { policiesRouter } from './policies.ts';
import { providersRouter } from './providers.ts';
import { resourcesRouter } from './resources.ts';
import { sessionsRouter } from './sessions.ts';
import { simulationsRouter } from './simulations.ts';
import { tasksRouter } from './tasks.ts';
import { viewsRouter } from './views.ts';
import { workflowsRouter } from './workflows.ts';

export const router = implementer.router({
  people: peopleRouter,
  devices: devicesRouter,
  issuers: issuersRouter,
  machines: machinesRouter,
  passkeys: passkeysRouter,
  providers: providersRouter,
  directory: directoryRouter,
  resources: resourcesRouter,
  tasks: tasksRouter,
  policies: policiesRouter,
  workflows: workflowsRouter,
  documents: documentsRouter,
  grants: grantsRouter,
  holds: holdsRouter,
  approvals: approvalsRouter,
  inbox: inboxRouter,
  sessions: sessionsRouter,
  operations: operationsRouter,
  views: viewsRouter,
  simulations: simulationsRouter,
  audit: auditRouter,
  live: liveRouter,
});
