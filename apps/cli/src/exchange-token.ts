import { setTimeout as delay } from 'node:timers/promises';
import { callOAuth } from './call-oauth.ts';
import type { Cli } from './command.ts';
import { Failure } from './failure.ts';
import type { SubjectToken } from './subject-token.ts';

const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const TYPE = 'urn:ietf:params:oauth:token-type:';
const POLL_MS = 2_000;

export interface ExchangeRequest {
  /** A fresh one each time, where the job can have one: an issuer's tokens may be good for one use. */
  readonly subject: () => Promise<SubjectToken>;
  readonly actor: Pick<SubjectToken, 'token' | 'type'> | null;
  /** A task or a workflow; `null` for a narrower grant of the subject's own task. */
  readonly target: string | null;
  readonly ttlSeconds: number | null;
  readonly reason: string | null;
  readonly ticket: string | null;
  /** JSON. */
  readonly narrow: string | null;
  readonly wait: boolean;
}

export interface Exchanged {
  readonly grantId: string;
  readonly token: string;
  readonly expiresAt: string;
  /** `null` for a workflow, which opens nothing itself. */
  readonly connect: ConnectLines | null;
}

export interface ConnectLines {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly psql: string;
  readonly uri: string;
}

/** RFC 8693; waits for approvals unless told not to. Throws {@link Failure} with what is wider, where something is. */
export async function exchangeToken(cli: Cli, url: string, request: ExchangeRequest): Promise<Exchanged> {
  const { actor } = request;
  const form: Record<string, string> = {
    grant_type: GRANT_TYPE,
    ...(actor === null ? {} : { actor_token: actor.token, actor_token_type: TYPE + actor.type }),
    ...(request.target === null ? {} : { audience: request.target }),
    ...(request.ttlSeconds === null ? {} : { ttl: String(request.ttlSeconds) }),
    ...(request.reason === null ? {} : { reason: request.reason }),
    ...(request.ticket === null ? {} : { ticket: request.ticket }),
    ...(request.narrow === null ? {} : { narrow: request.narrow }),
  };
  for (let told = false; ; await delay(POLL_MS)) {
    const { token, type } = await request.subject();
    const answer = await callOAuth(url, 'token', { ...form, subject_token: token, subject_token_type: TYPE + type });
    if (!('error' in answer)) {
      const body = answer.body as {
        access_token: string;
        grant_id: string;
        expires_at: string;
        connect: Exchanged['connect'];
      };
      return { grantId: body.grant_id, token: body.access_token, expiresAt: body.expires_at, connect: body.connect };
    }
    const { grant_id: grantId, problems } = answer.body as {
      grant_id?: string;
      problems?: readonly { message: string }[];
    };
    if (answer.error !== 'authorization_pending' || grantId === undefined) {
      const more = (problems ?? []).map(({ message }) => `  ${message}`).slice(0, 10);
      throw new Failure(answer.description, [`taskgate: ${answer.description} (${answer.error})`, ...more]);
    }
    if (!request.wait) throw new Failure(`${answer.description}; go on later with the same command`);
    if (!told) cli.note(`${answer.description}: ${url}/requests/${grantId} (Ctrl-C stops waiting)`);
    told = true;
    form.grant_id = grantId;
  }
}
