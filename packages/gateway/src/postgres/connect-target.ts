import { createHash, X509Certificate } from 'node:crypto';
import net from 'node:net';
import tls from 'node:tls';
import { type SecretValue, TaskgateError } from '@taskgate/core';
import {
  createFrameDecoder,
  createScramClient,
  decodeBackendMessage,
  encodeCancelRequest,
  encodePassword,
  encodeQuery,
  encodeSaslInitialResponse,
  encodeSaslResponse,
  encodeSslRequest,
  encodeStartup,
  encodeTerminate,
  endPointHash,
  type Frame,
  isBackendTag,
  knownSqlstate,
  md5Password,
  type ScramChannelBinding,
} from '@taskgate/protocol-postgres';
import type { LeasedCredential } from '../control-plane.ts';
import { dial } from './direct-socket.ts';
import { isLoopback } from './is-loopback.ts';
import { createPreludeReader, PreludeEnded } from './prelude-reader.ts';
import { scramCrypto } from './scram-crypto.ts';

const CONNECT_DEADLINE_MS = 10_000;
/** Of one message before the target is ready, and of all: real ones take some hundred bytes. */
const MAX_WELCOME_MESSAGE_BYTES = 64 * 1024;
const MAX_WELCOME_BYTES = 1024 * 1024;
/** How long a cancelled backend may take to go before it is terminated by name. */
const CANCEL_GRACE_MS = 400;
/** How often a credential that was refused is asked for again, while another one comes: it may be rotated again meanwhile. */
const MAX_LEASES = 5;

/** A connection to the target, authenticated and ready for a first query. */
export interface TargetConnection {
  readonly socket: net.Socket;
  readonly parameters: ReadonlyMap<string, string>;
  readonly processId: number;
  /** Bytes of the target that came after ReadyForQuery. */
  readonly rest: Uint8Array;
  /** Asks the target to cancel what runs. Resolves when it was told. */
  cancel(): Promise<void>;
}

/** Settings that the gate fixes at the target; clients cannot change them, and RESET ALL comes back to them. */
export function pinnedSettings(searchPath: readonly string[]): ReadonlyMap<string, string> {
  const quoted = searchPath.map((schema) => `"${schema.replaceAll('"', '""')}"`);
  return new Map([
    ['client_encoding', 'UTF8'],
    ['standard_conforming_strings', 'on'],
    // pg_temp last: else a temporary relation shadows an allowed one.
    ['search_path', [...quoted, 'pg_temp'].join(', ')],
    ['row_security', 'on'],
    // `alter role ... set role` would make the session another one than the credential's.
    ['role', 'none'],
  ]);
}

/** `onlyProven`: the password is never sent as it is, even within TLS. */
type Credential = LeasedCredential & { readonly onlyProven?: boolean };

/**
 * Opens the resource with its credential. Throws `resource-unreachable` or `credential-refused`; what the target said
 * goes to the log only, as `cause`.
 */
export async function connectTarget(
  credential: Credential,
  settings: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<TargetConnection> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(CONNECT_DEADLINE_MS)]);
  const socket = await open(credential, deadline);
  try {
    const startup = new Map([...settings, ['user', credential.username], ['database', credential.database]]);
    return await authenticate(socket, credential, startup, deadline);
  } catch (error) {
    socket.destroy();
    if (error instanceof TaskgateError && error.code !== 'bad-input') throw error;
    throw unreachable(deadline.aborted ? 'it did not answer in time' : 'it does not speak the protocol', error);
  }
}

/**
 * The same for what is leased now. While the credential is rotated either of two passwords works; and one that was
 * leased a moment ago may have been rotated since, so that a refused one is leased again.
 */
export async function connectLeased(
  lease: () => Promise<LeasedCredential>,
  settings: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<TargetConnection> {
  const tried: SecretValue[] = [];
  let refusal: unknown;
  for (let turn = 0; turn < MAX_LEASES; turn++) {
    const credential = await lease();
    const { secret: current, alternative } = credential;
    const given = alternative === undefined ? [current] : [current, alternative];
    const untried = given.filter((secret) => !tried.some((other) => isSame(other, secret)));
    if (untried.length === 0) break;
    for (const secret of untried) {
      tried.push(secret);
      try {
        return await connectTarget({ ...credential, secret, onlyProven: secret === alternative }, settings, signal);
      } catch (error) {
        if (!(error instanceof TaskgateError && error.code === 'credential-refused')) throw error;
        refusal = error;
      }
    }
  }
  throw refusal;
}

const isSame = (a: SecretValue, b: SecretValue): boolean => a.reveal((x) => b.reveal((y) => x === y));

const unreachable = (why: string, cause?: unknown): TaskgateError =>
  new TaskgateError('resource-unreachable', `the resource cannot be reached: ${why}`, { cause });

async function open(
  credential: Pick<LeasedCredential, 'host' | 'port' | 'tls'>,
  signal: AbortSignal,
): Promise<net.Socket> {
  const socket = dial(credential.host, credential.port);
  const abort = (): void => {
    socket.destroy(new Error('deadline'));
  };
  signal.addEventListener('abort', abort, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', (error) => reject(unreachable('no connection', error)));
      socket.once('close', () => reject(unreachable('no connection')));
    });
    if (credential.tls.mode === 'disable') return socket;
    socket.write(encodeSslRequest());
    const prelude = createPreludeReader(socket, 1);
    const answer = await prelude.read((bytes) => ({ value: bytes[0], bytes: 1 }));
    if (answer !== 0x53) throw unreachable('it does not offer TLS, which this resource requires');
    // Bytes in front of the handshake would be read as if they had come through it (CVE-2021-23222).
    if (prelude.release().length > 0) throw unreachable('it sent bytes in front of the TLS handshake');
    return await startTls(socket, credential);
  } catch (error) {
    socket.destroy();
    throw error instanceof PreludeEnded ? unreachable('it closed the connection', error) : error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

async function startTls(
  socket: net.Socket,
  credential: Pick<LeasedCredential, 'host' | 'tls'>,
): Promise<tls.TLSSocket> {
  const { mode, ca } = credential.tls;
  const secured = tls.connect({
    socket,
    ...(net.isIP(credential.host) === 0 ? { servername: credential.host } : {}),
    rejectUnauthorized: mode !== 'require',
    ...(ca === null ? {} : { ca }),
    ...(mode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
    ALPNProtocols: ['postgresql'],
  });
  await new Promise<void>((resolve, reject) => {
    secured.once('secureConnect', resolve);
    secured.once('error', (error) => reject(unreachable('its TLS certificate or handshake is not accepted', error)));
    secured.once('close', () => reject(unreachable('it closed the connection during the TLS handshake')));
  });
  return secured;
}

async function authenticate(
  socket: net.Socket,
  credential: Credential,
  startup: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<TargetConnection> {
  const abort = (): void => {
    socket.destroy();
  };
  signal.addEventListener('abort', abort, { once: true });
  const prelude = createPreludeReader(socket, 4 * MAX_WELCOME_MESSAGE_BYTES);
  let left = MAX_WELCOME_BYTES;
  const next = async (): Promise<Frame> =>
    prelude.read((bytes) => {
      if (bytes.length < 5) return null;
      const length = ((bytes[1]! << 24) | (bytes[2]! << 16) | (bytes[3]! << 8) | bytes[4]!) + 1;
      // One decoder a frame: it checks tag and length as it does on the hot path.
      const frames = createFrameDecoder({ maxBytes: () => MAX_WELCOME_MESSAGE_BYTES, knows: isBackendTag }).push(
        bytes.subarray(0, length),
      );
      if (frames.length !== 1) return null;
      left -= length;
      if (left < 0) throw unreachable('its welcome does not end');
      return { value: frames[0]!, bytes: length };
    });
  socket.write(encodeStartup(startup));
  const parameters = new Map<string, string>();
  let key: { processId: number; secret: Uint8Array } | null = null;
  let scram: ReturnType<typeof createScramClient> | null = null;
  let proven = true;
  try {
    for (;;) {
      const message = decodeBackendMessage(await next());
      switch (message.kind) {
        case 'authentication': {
          const { request } = message;
          switch (request.kind) {
            case 'ok':
              // A server that skips its own proof may not be the one that knows the password.
              if (!proven) throw unreachable('it did not prove that it knows the credential');
              break;
            case 'cleartext':
              if (credential.onlyProven) throw refused('it asks in clear for a password that is being rotated');
              if (!(socket instanceof tls.TLSSocket) && !isLoopback(socket.remoteAddress ?? ''))
                throw refused('it asks for the password in clear over a connection without TLS');
              socket.write(credential.secret.reveal((password) => encodePassword(password)));
              break;
            case 'md5':
              socket.write(
                credential.secret.reveal((password) =>
                  encodePassword(md5Password({ user: credential.username, password, salt: request.salt }, md5Hex)),
                ),
              );
              break;
            case 'sasl': {
              proven = false;
              scram = credential.secret.reveal((password) =>
                createScramClient({ crypto: scramCrypto, password, channelBinding: channelBindingOf(socket) }),
              );
              const { mechanism, message: first } = scram.first(request.mechanisms);
              socket.write(encodeSaslInitialResponse(mechanism, first));
              break;
            }
            case 'sasl-continue':
              if (scram === null) throw refused('it answers an exchange that was not begun');
              socket.write(encodeSaslResponse(scram.final(request.data)));
              break;
            case 'sasl-final':
              if (scram === null) throw refused('it answers an exchange that was not begun');
              scram.verify(request.data);
              proven = true;
              break;
            default:
              throw refused(`it asks for ${request.kind}, which the gate does not speak`);
          }
          break;
        }
        case 'parameter-status':
          parameters.set(message.name, message.value);
          break;
        case 'backend-key':
          key = { processId: message.processId, secret: message.secret.slice() };
          break;
        case 'error': {
          const sqlstate = knownSqlstate(message.fields);
          throw sqlstate.startsWith('28')
            ? refused('the target does not accept it', new Error(`${sqlstate} ${message.fields.get('M')}`))
            : unreachable(`it refuses connections (${sqlstate})`, new Error(`${sqlstate} ${message.fields.get('M')}`));
        }
        case 'ready': {
          const rest = prelude.release();
          const found = key;
          if (found === null) throw unreachable('it gave no key to cancel with');
          return {
            socket,
            parameters,
            processId: found.processId,
            rest,
            cancel: () => sendCancel(credential, found.processId, found.secret),
          };
        }
        case 'notice':
        case 'negotiate-version':
          break;
        default:
          throw unreachable(`it sent ${message.kind} before it was ready`);
      }
    }
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

const refused = (why: string, cause?: unknown): TaskgateError =>
  new TaskgateError('credential-refused', `the credential of the resource was refused: ${why}`, { cause });

/** `null` without TLS, or where RFC 5929 defines no hash for the target's certificate. */
function channelBindingOf(socket: net.Socket): ScramChannelBinding | null {
  if (!(socket instanceof tls.TLSSocket)) return null;
  const der = socket.getPeerCertificate(false).raw as Buffer | undefined;
  return der === undefined ? null : certificateBinding(der);
}

/** The `tls-server-end-point` binding of a certificate in DER. */
export function certificateBinding(der: Uint8Array): ScramChannelBinding | null {
  const certificate = new X509Certificate(der);
  const hash = endPointHash(certificate.signatureAlgorithm ?? certificate.signatureAlgorithmOid ?? '');
  if (hash === null) return null;
  return { kind: 'tls-server-end-point', data: createHash(hash).update(der).digest() };
}

/** On a connection of its own, as the protocol wants. Never throws: a target that cannot be told will be cut off. */
async function sendCancel(
  credential: Pick<LeasedCredential, 'host' | 'port' | 'tls'>,
  processId: number,
  secret: Uint8Array,
): Promise<void> {
  try {
    const socket = await open(credential, AbortSignal.timeout(2_000));
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
      socket.once('error', () => resolve());
      socket.setTimeout(2_000, () => socket.destroy());
      socket.resume();
      socket.end(encodeCancelRequest(processId, secret));
    });
  } catch {
    // Unreachable for a cancel: `terminateTarget` goes on to the backend itself.
  }
}

/**
 * Ends a target connection so that nothing goes on running: cancels what runs, says goodbye, and where the backend
 * lingers, terminates it by name over another connection.
 */
export async function terminateTarget(target: TargetConnection, lease: () => Promise<LeasedCredential>): Promise<void> {
  const { socket } = target;
  if (socket.destroyed) return;
  const closed = new Promise<boolean>((resolve) => socket.once('close', () => resolve(true)));
  socket.resume();
  await target.cancel();
  socket.end(encodeTerminate());
  const gone = await Promise.race([
    closed,
    new Promise<boolean>((resolve) => setTimeout(() => resolve(false), CANCEL_GRACE_MS).unref()),
  ]);
  if (gone) return;
  socket.destroy();
  try {
    const other = await connectLeased(lease, new Map(), AbortSignal.timeout(5_000));
    other.socket.on('error', () => undefined);
    await new Promise<void>((resolve) => {
      other.socket.once('close', () => resolve());
      other.socket.setTimeout(5_000, () => other.socket.destroy());
      other.socket.resume();
      other.socket.write(encodeQuery(`select pg_catalog.pg_terminate_backend(${target.processId | 0})`));
      other.socket.end(encodeTerminate());
    });
  } catch {
    // The target cannot be reached any more, or the credential was revoked: its own keepalive ends the backend.
  }
}

function md5Hex(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}
