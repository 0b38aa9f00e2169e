import { auditRouter } from './audit.ts';
import { directoryRouter } from './directory.ts';
import { documentsRouter } from './documents.ts';
import { grantsRouter } from './grants.ts';
import { holdsRouter } from './holds.ts';
import { implementer } from './implementer.ts';
import { inboxRouter } from './inbox.ts';
import { liveRouter } from './live.ts';
import { operationsRouter } from './operations.ts';
import { peopleRouter } from './people.ts';
import { policiesRouter } from './policies.ts';
import { providersRouter } from './providers.ts';
import { resourcesRouter } from './resources.ts';
import { sessionsRouter } from './sessions.ts';
import { simulationsRouter } from './simulations.ts';
import { tasksRouter } from './tasks.ts';
import { viewsRouter } from './views.ts';

export const router = implementer.router({
  people: peopleRouter,
  providers: providersRouter,
  directory: directoryRouter,
  resources: resourcesRouter,
  tasks: tasksRouter,
  policies: policiesRouter,
  documents: documentsRouter,
  grants: grantsRouter,
  holds: holdsRouter,
  inbox: inboxRouter,
  sessions: sessionsRouter,
  operations: operationsRouter,
  views: viewsRouter,
  simulations: simulationsRouter,
  audit: auditRouter,
  live: liveRouter,
});
