import { readFileSync } from 'node:fs';
import type { CliEnvironment } from './env.ts';
import { Failure } from './failure.ts';

/** What a job proves with who it is, and where it was found: said to the person who reads its log. */
export interface SubjectToken {
  readonly token: string;
  readonly type: 'jwt' | 'access_token';
  readonly from: string;
}

const ANSWER_DEADLINE_MS = 10_000;
const MAX_BYTES = 65_536;

/**
 * The token to exchange: the named file, the token of the grant that this runs under, the job's ID token, GitHub's own
 * service for one, an API token. `null` where there is none of them.
 */
export async function findSubjectToken(
  env: CliEnvironment,
  named: { readonly file?: string | undefined; readonly audience: string },
): Promise<SubjectToken | null> {
  if (named.file !== undefined) return { ...readTokenFile(named.file), from: named.file };
  const grant = env.variable('TASKGATE_GRANT_TOKEN');
  if (grant !== null) return { token: grant, type: 'access_token', from: 'TASKGATE_GRANT_TOKEN' };
  const idToken = env.variable('TASKGATE_ID_TOKEN');
  if (idToken !== null) return { token: idToken, type: 'jwt', from: 'TASKGATE_ID_TOKEN' };
  const url = env.variable('ACTIONS_ID_TOKEN_REQUEST_URL');
  const bearer = env.variable('ACTIONS_ID_TOKEN_REQUEST_TOKEN');
  if (url !== null && bearer !== null)
    return { token: await fetchGitHubToken(url, bearer, named.audience), type: 'jwt', from: 'GitHub Actions' };
  return env.token === null ? null : { token: env.token, type: 'access_token', from: 'TASKGATE_TOKEN' };
}

/** A file with one token in it; a JWT is told by its three parts. */
export function readTokenFile(path: string): Pick<SubjectToken, 'token' | 'type'> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new Failure(`\`${path}\` cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  if (text === '' || text.length > MAX_BYTES || /\s/.test(text)) throw new Failure(`\`${path}\` holds no token`);
  return { token: text, type: text.split('.').length === 3 ? 'jwt' : 'access_token' };
}

/** As GitHub documents it for jobs with `permissions: id-token: write`. */
async function fetchGitHubToken(url: string, bearer: string, audience: string): Promise<string> {
  const asked = URL.parse(url);
  if (asked === null) throw new Failure('ACTIONS_ID_TOKEN_REQUEST_URL is no address');
  asked.searchParams.set('audience', audience);
  try {
    const response = await fetch(asked, {
      headers: { authorization: `Bearer ${bearer}`, accept: 'application/json' },
      redirect: 'error',
      signal: AbortSignal.timeout(ANSWER_DEADLINE_MS),
    });
    const { value } = (await response.json()) as { value?: unknown };
    if (response.ok && typeof value === 'string') return value;
    throw new Failure(`GitHub gave no ID token (${response.status}); the job needs \`permissions: id-token: write\``);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`GitHub gave no ID token (${(error as Error).name}); try the job again`);
  }
}
