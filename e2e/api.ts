import { inject } from 'vitest';

export const EMAIL = {
  admin: 'admin@demo.test',
  engineer: 'engineer@demo.test',
  reviewer: 'reviewer@demo.test',
  auditor: 'auditor@demo.test',
} as const;
export type Person = keyof typeof EMAIL;

export interface Connect {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly psql: string;
  readonly uri: string;
}
export interface OpenGrant {
  readonly id: string;
  readonly token: string;
  readonly connect: Connect;
}
export interface ProblemAnswer {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly problems: readonly { readonly message: string }[];
}

/** An answer that is no success, with the problem details it came with. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly problem: ProblemAnswer;

  constructor(call: string, problem: ProblemAnswer) {
    super(`${call}: ${problem.status} ${problem.code} ${problem.detail}`);
    this.problem = problem;
  }
}

/** One call of the HTTP API; throws {@link ApiProblem}. */
export async function call<T>(token: string | null, method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`${inject('system').webUrl}/api/v1${path}`, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const answer: unknown = text === '' ? null : JSON.parse(text);
  if (!response.ok) throw new ApiProblem(`${method} ${path}`, answer as ProblemAnswer);
  return answer as T;
}

const tokens = new Map<string, Promise<string>>();

/** The API token of a demo user, by the sign-in that everybody has; once a test file. */
export function signIn(person: Person): Promise<string> {
  let token = tokens.get(person);
  if (!token) {
    const body = { email: EMAIL[person], password: inject('system').password };
    token = call<{ token: string }>(null, 'POST', '/login', body).then((answer) => answer.token);
    tokens.set(person, token);
  }
  return token;
}

/** Calls as one of the demo users. */
export const as = (person: Person) => ({
  get: async <T>(path: string): Promise<T> => call<T>(await signIn(person), 'GET', path),
  post: async <T>(path: string, body: unknown = {}): Promise<T> => call<T>(await signIn(person), 'POST', path, body),
  patch: async <T>(path: string, body: unknown): Promise<T> => call<T>(await signIn(person), 'PATCH', path, body),
});

interface GrantView {
  readonly id: string;
  readonly state: string;
}

/** An active grant of the engineer; approved by the reviewer where the task wants that. */
export async function openGrant(
  task: string,
  options: { readonly reason?: string; readonly ttlMs?: number; readonly person?: Person } = {},
): Promise<OpenGrant> {
  const { person = 'engineer', reason = `e2e ${task}`, ttlMs = null } = options;
  const asked = await as(person).post<GrantView>('/grants', { task, reason, ttlMs });
  if (asked.state === 'requested') await as('reviewer').post(`/grants/${asked.id}/approve`);
  const { token, connect } = await as(person).post<{ token: string; connect: Connect }>(`/grants/${asked.id}/activate`);
  return { id: asked.id, token, connect };
}

export const endGrant = (id: string, person: Person = 'engineer'): Promise<unknown> =>
  as(person).post(`/grants/${id}/end`);

/** Applies a document as the admin. */
export const applyDocument = (source: string): Promise<unknown> => as('admin').post('/documents/apply', { source });

export interface HoldView {
  readonly id: string;
  readonly binding: string;
  readonly statement: string;
  readonly state: string;
  readonly task: string;
  readonly sessionId: string;
}

/** The holds that the reviewer may decide now. */
export async function waitingHolds(): Promise<readonly HoldView[]> {
  const { items } = await as('reviewer').get<{ items: readonly { kind: string; hold?: HoldView }[] }>(
    '/inbox?view=mine&limit=200',
  );
  return items.flatMap(({ hold }) => (hold ? [hold] : []));
}

/** Calls with the cookie of a sign-in of the web, as the pages do: for what no API token may. */
export async function inBrowserOf(person: Person): Promise<{
  call<T>(method: string, path: string, body?: unknown): Promise<T>;
}> {
  const { webUrl, password } = inject('system');
  const cookies = new Map<string, string>();
  const send = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { ...(init.headers as Record<string, string>), origin: webUrl, cookie };
    const response = await fetch(webUrl + path, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
      cookies.set(name!, value!);
    }
    return response;
  };
  const { csrfToken } = (await (await send('/api/auth/csrf')).json()) as { csrfToken: string };
  const form = new URLSearchParams({ csrfToken, email: EMAIL[person], password, json: 'true' });
  await send('/api/auth/callback/credentials', { method: 'POST', body: form });
  return {
    async call<T>(method: string, path: string, body?: unknown): Promise<T> {
      const response = await send(`/api/v1${path}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      });
      const answer: unknown = await response.json();
      if (!response.ok) throw new ApiProblem(`${method} ${path}`, answer as ProblemAnswer);
      return answer as T;
    },
  };
}
