import 'server-only';
import path from 'node:path';
import * as z from 'zod';

const Port = z.coerce.number().int().min(1).max(65_535);

const Environment = z.object({
  NODE_ENV: z.enum(['development', 'test', 'production']).default('production'),
  TASKGATE_HOME: z.string().min(1).default('.taskgate'),
  DATABASE_URL: z.string().min(1).optional(),
  TASKGATE_MASTER_KEY: z.string().min(1).optional(),
  TASKGATE_WEB_PORT: Port.default(3000),
  /** Where browsers find the web; next-auth reads it too. */
  NEXTAUTH_URL: z.url({ protocol: /^https?$/ }).optional(),
  TASKGATE_URL: z.url({ protocol: /^https?$/ }).optional(),
  /** Where psql finds the gate, when that is not the web's own host. */
  TASKGATE_PUBLIC_HOST: z.string().min(1).max(253).optional(),
  TASKGATE_POSTGRES_PORT: Port.default(15_432),
  TASKGATE_CONSOLE_PORT: Port.default(18_081),
  TASKGATE_DEMO: z.enum(['0', '1']).default('0'),
  /** Signs the browser's cookies; without it one is made and kept in the home. Shared by all instances of the web. */
  NEXTAUTH_SECRET: z.string().min(16).optional(),
});

export interface WebEnvironment {
  readonly home: string;
  readonly databaseUrl: string | null;
  readonly masterKey: string | null;
  /** Origin, without a slash at the end. */
  readonly webUrl: string;
  readonly https: boolean;
  readonly postgresHost: string;
  readonly postgresPort: number;
  readonly consolePort: number;
  readonly recordingsDirectory: string;
  readonly spoolDirectory: string;
  readonly webSecret: string | null;
  readonly demo: boolean;
  readonly development: boolean;
}

let parsed: WebEnvironment | null = null;

/** The settings, read at the first use so that a build needs none. The only reader of the environment. */
export function env(): WebEnvironment {
  if (parsed) return parsed;
  // A variable that is set to nothing is not set.
  const values = Environment.parse(Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== '')));
  const home = path.resolve(/* turbopackIgnore: true */ values.TASKGATE_HOME);
  const web = new URL(values.NEXTAUTH_URL ?? values.TASKGATE_URL ?? `http://127.0.0.1:${values.TASKGATE_WEB_PORT}`);
  parsed = {
    home,
    databaseUrl: values.DATABASE_URL ?? null,
    masterKey: values.TASKGATE_MASTER_KEY ?? null,
    webUrl: web.origin,
    https: web.protocol === 'https:',
    postgresHost: values.TASKGATE_PUBLIC_HOST ?? (web.hostname === 'localhost' ? '127.0.0.1' : web.hostname),
    postgresPort: values.TASKGATE_POSTGRES_PORT,
    consolePort: values.TASKGATE_CONSOLE_PORT,
    recordingsDirectory: path.join(home, 'recordings'),
    spoolDirectory: path.join(home, 'spool'),
    webSecret: values.NEXTAUTH_SECRET ?? null,
    demo: values.TASKGATE_DEMO === '1',
    development: values.NODE_ENV === 'development',
  };
  return parsed;
}
