import { readSignIn } from './credentials-file.ts';
import type { CliEnvironment } from './env.ts';

/** Where Taskgate is, for what needs no kept sign-in: as named, else where one is signed in, else on this machine. */
export const serverUrl = (env: CliEnvironment): string =>
  env.url ?? readSignIn(env.configFolder)?.url ?? env.defaultUrl;
