import type { Command } from './command.ts';

interface CommandEntry {
  readonly summary: string;
  /** Read when it is used: `--help` need not load an HTTP client. */
  readonly load: () => Promise<Command>;
}

/** In the order in which help shows them. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  login: {
    summary: 'sign in and keep the sign-in',
    load: async () => (await import('./commands/login.ts')).login,
  },
  logout: { summary: 'forget the kept sign-in', load: async () => (await import('./commands/logout.ts')).logout },
  whoami: { summary: 'show who is signed in', load: async () => (await import('./commands/whoami.ts')).whoami },
  tasks: {
    summary: 'list the tasks and which of them you may activate',
    load: async () => (await import('./commands/tasks.ts')).tasks,
  },
  resources: {
    summary: 'list the resources and their second wall',
    load: async () => (await import('./commands/resources.ts')).resources,
  },
  rotate: {
    summary: 'set a new password of a resource’s credential at the target',
    load: async () => (await import('./commands/rotate.ts')).rotate,
  },
  offboard: {
    summary: 'show all that somebody can reach, and end it',
    load: async () => (await import('./commands/offboard.ts')).offboard,
  },
  grant: {
    summary: 'activate a task and show its token once',
    load: async () => (await import('./commands/grant.ts')).grant,
  },
  connect: {
    summary: 'activate a task and run psql under it',
    load: async () => (await import('./commands/connect.ts')).connect,
  },
  exchange: {
    summary: "exchange a job's or a grant's token for a grant",
    load: async () => (await import('./commands/exchange.ts')).exchange,
  },
  run: {
    summary: 'run a command under a grant, which ends with it',
    load: async () => (await import('./commands/run.ts')).run,
  },
  end: { summary: 'end a grant', load: async () => (await import('./commands/end.ts')).end },
  grants: { summary: 'list your grants', load: async () => (await import('./commands/grants.ts')).grants },
  sessions: {
    summary: 'list the sessions that you may see',
    load: async () => (await import('./commands/sessions.ts')).sessions,
  },
  apply: {
    summary: 'apply a file of tasks, workflows, policies and resources',
    load: async () => (await import('./commands/apply.ts')).apply,
  },
  simulate: {
    summary: 'say what a file would have decided otherwise of what was recorded',
    load: async () => (await import('./commands/simulate.ts')).simulate,
  },
  explain: {
    summary: 'say why a statement was allowed, denied or held',
    load: async () => (await import('./commands/explain.ts')).explain,
  },
  verify: {
    summary: 'check a recording for changes, without the server',
    load: async () => (await import('./commands/verify.ts')).verify,
  },
};
