import type { ConnectionOptions } from 'node:tls';
import { TaskgateError } from '@taskgate/core';
import pg from 'pg';
import type { ResourceTarget } from './resource-target.ts';

export type ConnectStage = 'connect' | 'tls' | 'authenticate';

export interface ConnectOptions {
  /** For the whole of connecting. */
  readonly deadlineMs?: number;
  /** False: the password is proven, and never sent as it is, even within TLS. */
  readonly inClear?: false;
  /** Each stage as it is reached. */
  readonly onStage?: (stage: ConnectStage) => void;
}

const CONNECT_MS = 10_000;
/** At the server, and a little later here, should the server not keep to it. */
const STATEMENT_MS = 20_000;
const QUERY_MS = 25_000;

/**
 * A connection with the resource's credential, for reading its catalog and for trying it. Throws `resource-unreachable`
 * or `credential-refused`; the message never repeats what the server said, since it may have been told the password.
 */
export async function connectResource(target: ResourceTarget, options: ConnectOptions = {}): Promise<pg.Client> {
  const { alternative } = target;
  try {
    return await connectWith(target, options);
  } catch (error) {
    if (alternative === undefined || !isRefusal(error)) throw error;
    // What is begun with stays though whoever gave another secret lets anybody be the server: it learns nothing of it.
    return connectWith({ ...target, secret: alternative }, { ...options, inClear: false });
  }
}

export const isRefusal = (error: unknown): boolean =>
  error instanceof TaskgateError && error.code === 'credential-refused';

async function connectWith(target: ResourceTarget, options: ConnectOptions): Promise<pg.Client> {
  const client = target.secret.reveal(
    (password) =>
      new pg.Client({
        host: target.host,
        port: target.port,
        database: target.database,
        user: target.username,
        password,
        ssl: tlsOptions(target.tls),
        connectionTimeoutMillis: options.deadlineMs ?? CONNECT_MS,
        statement_timeout: STATEMENT_MS,
        query_timeout: QUERY_MS,
        application_name: 'taskgate-control',
      }),
  );
  // Without a listener an error between two queries would end the process; the next query fails with it anyway.
  client.on('error', () => {});
  const { connection } = client;
  options.onStage?.('connect');
  connection.on('connect', () => options.onStage?.(target.tls.mode === 'disable' ? 'authenticate' : 'tls'));
  connection.on('sslconnect', () => connection.stream.once('secureConnect', () => options.onStage?.('authenticate')));
  // A server in the middle could ask for the password in clear: with nothing around it, it is not sent.
  if (target.tls.mode === 'disable' || options.inClear === false)
    connection.prependListener('authenticationCleartextPassword', () =>
      connection.stream.destroy(new Error(CLEARTEXT_REFUSED)),
    );
  try {
    await client.connect();
    return client;
  } catch (cause) {
    await client.end().catch(() => {});
    throw toConnectError(cause, target);
  }
}

const CLEARTEXT_REFUSED = 'cleartext password refused';

function tlsOptions(tls: ResourceTarget['tls']): false | ConnectionOptions {
  switch (tls.mode) {
    case 'disable':
      return false;
    case 'require':
      return { rejectUnauthorized: false, minVersion: 'TLSv1.2' };
    case 'verify-ca':
      return { ...verified(tls.ca), checkServerIdentity: () => undefined };
    case 'verify-full':
      return verified(tls.ca);
  }
}

const verified = (ca: string | null): ConnectionOptions => ({
  rejectUnauthorized: true,
  minVersion: 'TLSv1.2',
  ...(ca === null ? {} : { ca }),
});

const SOCKET_MESSAGES: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the name of the host is not known; check its spelling and this machine’s DNS',
  EAI_AGAIN: 'the name of the host cannot be looked up now; check this machine’s DNS',
  ECONNREFUSED: 'nothing listens there; check host and port, and that the server accepts connections from this machine',
  ECONNRESET: 'the server closed the connection; check that it is a Postgres server',
  ETIMEDOUT: 'it does not answer; check host, port and firewalls',
  EHOSTUNREACH: 'there is no route to it; check host and network',
  ENETUNREACH: 'there is no route to it; check host and network',
};
const CERTIFICATE_MESSAGES: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed; give its certificate authority (CA)',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate comes from a certificate authority that is not known; give that CA',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate comes from a certificate authority that is not known; give that CA',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'its certificate comes from a certificate authority that is not known; give that CA',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate comes from a certificate authority that is not known; give that CA',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host name; use that name, or `verify-ca`',
};
const SQLSTATE_MESSAGES: Readonly<Record<string, string>> = {
  '3D000': 'the server has no such database',
  '53300': 'the server has too many connections',
  '57P03': 'the server is starting or stopping',
};

function toConnectError(cause: unknown, target: ResourceTarget): TaskgateError {
  const where = `\`${target.host}:${target.port}\``;
  const unreachable = (why: string): TaskgateError =>
    new TaskgateError('resource-unreachable', `${where} cannot be reached: ${why}`, { cause });
  if (!(cause instanceof Error)) return unreachable('the connection failed');
  const code = 'code' in cause ? String(cause.code) : '';
  if (/^28[0-9A-Z]{3}$/.test(code))
    return new TaskgateError(
      'credential-refused',
      `${where} refuses user \`${target.username}\` or the secret (SQLSTATE ${code}); check both, and its pg_hba.conf`,
      { cause },
    );
  const known = SOCKET_MESSAGES[code] ?? CERTIFICATE_MESSAGES[code] ?? SQLSTATE_MESSAGES[code];
  if (known !== undefined) return unreachable(known);
  if (cause.message === CLEARTEXT_REFUSED)
    return new TaskgateError(
      'credential-refused',
      `${where} asks for the password in clear; let it ask by SCRAM (pg_hba.conf), or use TLS: a new password is never sent so`,
      {
        cause,
      },
    );
  if (/timeout/.test(cause.message)) return unreachable(SOCKET_MESSAGES.ETIMEDOUT!);
  if (/does not support SSL/.test(cause.message))
    return unreachable('it does not offer TLS; choose the TLS mode `disable`, or turn it on');
  if (/SASL|SCRAM/.test(cause.message))
    return new TaskgateError(
      'credential-refused',
      `${where} could not prove that it knows the secret; check the secret`,
      { cause },
    );
  const state = /^[0-9A-Z]{5}$/.test(code) ? ` (SQLSTATE ${code})` : '';
  return unreachable(`the connection failed${state}; check that it is a Postgres server`);
}
