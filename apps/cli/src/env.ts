import { homedir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from './failure.ts';

const DEFAULT_URL = 'http://127.0.0.1:3000';

export interface CliEnvironment {
  /** Origin of the web, without a slash at the end; `null` where none was named. */
  readonly url: string | null;
  readonly defaultUrl: string;
  /** An API token; wins over the kept sign-in. */
  readonly token: string | null;
  readonly password: string | null;
  readonly configFolder: string;
  /** Where programs are looked for. */
  readonly path: string;
  /** A variable that a file to apply refers to. */
  variable(name: string): string | null;
  /** What a client program is started with: ours without our own secrets, and with these. */
  forClient(more: Readonly<Record<string, string>>): NodeJS.ProcessEnv;
}

/** The only place of this app that reads the environment. An empty variable counts as none. */
export function readEnvironment(environment: NodeJS.ProcessEnv): CliEnvironment {
  const variable = (name: string): string | null => environment[name] || null;
  const home = variable('XDG_CONFIG_HOME') ?? join(homedir(), '.config');
  return {
    url: originOf(variable('TASKGATE_URL')),
    defaultUrl: `http://127.0.0.1:${variable('TASKGATE_WEB_PORT') ?? '3000'}`,
    token: variable('TASKGATE_TOKEN'),
    password: variable('TASKGATE_PASSWORD'),
    configFolder: join(home, 'taskgate'),
    path: environment.PATH ?? '',
    variable,
    forClient: (more) => {
      const { TASKGATE_TOKEN: _token, TASKGATE_PASSWORD: _password, ...rest } = environment;
      return { ...rest, ...more };
    },
  };
}

function originOf(text: string | null): string | null {
  if (text === null) return null;
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new UsageError(`TASKGATE_URL is \`${text}\`: give an address such as ${DEFAULT_URL}`);
  return url.origin;
}
