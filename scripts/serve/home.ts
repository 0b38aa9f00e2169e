import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** What the supervisor remembers between starts; absent: not decided yet. */
export interface HomeState {
  /** The demo was installed (or refused) at the first start. */
  readonly demo?: boolean;
  readonly storePort?: number;
  readonly demoShopPort?: number;
  /** The sign-ins have been shown once. */
  readonly announced?: boolean;
}

/** The folder that holds all state (TASKGATE_HOME). Nobody but its owner can enter it. */
export interface Home {
  readonly path: string;
  readonly logs: string;
  /** Processes started from this home, so that the next start can end what a killed one left. */
  readonly processesFile: string;
  state(): HomeState;
  remember(changes: HomeState): void;
  /** A secret kept in a file of mode 0600, made on first use. */
  secret(name: string): string;
  secretFile(name: string): string;
  setSecret(name: string, value: string): void;
}

export function openHome(path: string): Home {
  const home = resolve(path);
  const folders = { logs: join(home, 'logs'), secrets: join(home, 'secrets'), run: join(home, 'run') };
  for (const folder of [home, ...Object.values(folders)]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
  }
  const stateFile = join(home, 'state.json');
  const state = (): HomeState => JSON.parse(readOrNull(stateFile) ?? '{}') as HomeState;
  const secretFile = (name: string): string => join(folders.secrets, name);
  const setSecret = (name: string, value: string): void => replaceFile(secretFile(name), `${value}\n`);
  return {
    path: home,
    logs: folders.logs,
    processesFile: join(folders.run, 'processes.json'),
    state,
    remember: (changes) => replaceFile(stateFile, `${JSON.stringify({ ...state(), ...changes }, null, 2)}\n`),
    secretFile,
    setSecret,
    secret: (name) => {
      const kept = readOrNull(secretFile(name))?.trim();
      if (kept) return kept;
      const made = randomBytes(24).toString('base64url');
      setSecret(name, made);
      return made;
    },
  };
}

/** Whole or not at all, whatever happens in between. */
function replaceFile(path: string, text: string): void {
  const draft = `${path}.${process.pid}.new`;
  rmSync(draft, { force: true });
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
  renameSync(draft, path);
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
