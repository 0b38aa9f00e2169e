import type net from 'node:net';
import tls from 'node:tls';
import {
  checkStartupParameters,
  createFrameDecoder,
  createScramServer,
  decodeSaslInitialResponse,
  decodeStartupPacket,
  detectFirstBytes,
  ENCRYPTION_ANSWER,
  encodeBackendMessage,
  encodeFatal,
  encodeNegotiateProtocolVersion,
  encodeNotice,
  FRONTEND_TAG,
  maxFrontendBytes,
  PROTOCOL_LIMITS,
  ProtocolError,
  type ScramChannelBinding,
  type ScramMechanism,
  type StartupPacket,
  splitStartupParameters,
} from '@taskgate/protocol-postgres';
import type { AttemptLimiter } from '../attempt-limiter.ts';
import type { ControlPlane } from '../control-plane.ts';
import { withinDeadline } from '../within-deadline.ts';
import type { CancelRegistry } from './cancel-registry.ts';
import { isLoopback } from './is-loopback.ts';
import { createPreludeReader, PreludeEnded, type PreludeReader } from './prelude-reader.ts';
import { scramCrypto } from './scram-crypto.ts';

/** A client that proved to hold a grant's token, with what it said of itself. */
export interface AcceptedClient {
  readonly socket: net.Socket;
  readonly grantId: string;
  readonly task: string;
  /** As the client gave it; `null`: the user name was meant, as Postgres would have it. */
  readonly database: string | null;
  /** Settings that may go on to the target. */
  readonly settings: ReadonlyMap<string, string>;
  /** Those that only a session that nothing is contained in may have; else it is refused with this. */
  readonly meaningful: MeaningfulSettings | null;
  readonly application: string;
  /** Bytes that came after the last message of the handshake. */
  readonly rest: Uint8Array;
  /** Notices to show once the session is ready. */
  readonly notices: readonly Uint8Array[];
}

export interface MeaningfulSettings {
  readonly settings: ReadonlyMap<string, string>;
  readonly refusal: ClientRefused;
}

/** The client is told why, in the protocol's form, and the connection ends. */
export class ClientRefused extends Error {
  override readonly name = 'ClientRefused';
  readonly response: Uint8Array;

  constructor(sqlstate: string, message: string, hint: string | null) {
    super(message);
    this.response = encodeFatal(sqlstate, message, hint);
  }
}

export interface AcceptPorts {
  readonly controlPlane: ControlPlane;
  readonly cancels: CancelRegistry;
  readonly attempts: AttemptLimiter;
  readonly tls: { readonly context: tls.SecureContext; readonly binding: ScramChannelBinding | null };
  /** The stream that the client reads from now on: a refusal must go through its TLS. */
  readonly onStream: (stream: net.Socket) => void;
}

/**
 * Everything up to the proof of the token. Resolves `null` where the connection was only a cancel request. Throws
 * {@link ClientRefused}, {@link ProtocolError}, or {@link PreludeEnded} for one that just went away. The caller holds
 * the deadline: it destroys the socket.
 */
export async function acceptClient(socket: net.Socket, ports: AcceptPorts): Promise<AcceptedClient | null> {
  const address = socket.remoteAddress ?? '';
  const wait = ports.attempts.waitMs(`address:${address}`);
  if (wait > 0)
    throw new ClientRefused(
      '53300',
      `too many failed sign-ins from this address; try again in ${Math.ceil(wait / 1000)} s`,
      null,
    );

  const opened = await readStartup(socket, ports);
  if (opened === null) return null;
  const { packet, stream, prelude } = opened;
  if (packet.major !== 3)
    throw new ClientRefused(
      '0A000',
      `protocol version ${packet.major}.${packet.minor} is not supported`,
      'use a client that speaks protocol 3.0',
    );
  const whole = checkStartupParameters(packet.parameters);
  const { plain, meaningful } = splitStartupParameters(packet.parameters);
  const check = whole.ok ? whole : checkStartupParameters(plain);
  if (!check.ok) throw new ClientRefused(check.sqlstate, check.message, check.hint);
  if (!(stream instanceof tls.TLSSocket) && !isLoopback(address))
    throw new ClientRefused(
      '28000',
      'connections from other machines need TLS',
      'add sslmode=require to the connection string',
    );
  if (packet.minor > 0 || check.unsupportedOptions.length > 0)
    stream.write(encodeNegotiateProtocolVersion(0, check.unsupportedOptions));

  const grantId = await proveToken(stream, prelude, check.user, address, ports);
  return {
    socket: stream,
    grantId,
    task: check.user,
    database: check.database,
    settings: check.forward,
    meaningful: whole.ok
      ? null
      : { settings: meaningful, refusal: new ClientRefused(whole.sqlstate, whole.message, whole.hint) },
    application: check.forward.get('application_name') ?? '',
    rest: prelude.release(),
    notices: check.encodingOverridden
      ? [
          encodeNotice({
            message: 'taskgate: client_encoding is UTF8 here, whatever was asked for',
            severity: 'WARNING',
          }),
        ]
      : [],
  };
}

type Startup = Extract<StartupPacket, { kind: 'startup' }>;

async function readStartup(
  socket: net.Socket,
  ports: AcceptPorts,
): Promise<{ packet: Startup; stream: net.Socket; prelude: PreludeReader } | null> {
  let stream = socket;
  let prelude = createPreludeReader(stream, PROTOCOL_LIMITS.maxStartupBytes);
  const first = await prelude.read((bytes) => {
    const kind = detectFirstBytes(bytes);
    return kind === 'incomplete' ? null : { value: kind, bytes: 0 };
  });
  if (first === 'direct-tls') {
    const early = prelude.release();
    stream = await startServerTls(socket, ports.tls.context, early);
    ports.onStream(stream);
    prelude = createPreludeReader(stream, PROTOCOL_LIMITS.maxStartupBytes);
  } else if (first === 'http')
    throw new ClientRefused(
      '08P01',
      'this port speaks the Postgres protocol, not HTTP',
      'connect with psql or another Postgres client',
    );
  else if (first === 'unknown') throw new ClientRefused('08P01', 'this is not a Postgres client', null);

  let asked = 0;
  for (;;) {
    const packet = await prelude.read((bytes) => {
      const decoded = decodeStartupPacket(bytes);
      return decoded.kind === 'incomplete' ? null : { value: decoded, bytes: decoded.bytes };
    });
    switch (packet.kind) {
      case 'cancel':
        ports.cancels.cancel(packet.processId, packet.secret);
        return null;
      case 'startup':
        return { packet, stream, prelude };
      case 'ssl-request':
      case 'gssenc-request': {
        asked += 1;
        if (asked > 2 || stream instanceof tls.TLSSocket)
          throw new ClientRefused('08P01', 'encryption was asked for more than once', null);
        if (packet.kind === 'gssenc-request') {
          stream.write(ENCRYPTION_ANSWER.refuse);
          break;
        }
        const early = prelude.release();
        // What came in clear behind the request would be read as if it had come through TLS (CVE-2021-23214).
        if (early.length > 0) throw new ClientRefused('08P01', 'bytes came in front of the TLS handshake', null);
        stream.write(ENCRYPTION_ANSWER.accept);
        stream = await startServerTls(socket, ports.tls.context, early);
        ports.onStream(stream);
        prelude = createPreludeReader(stream, PROTOCOL_LIMITS.maxStartupBytes);
      }
    }
  }
}

async function startServerTls(
  socket: net.Socket,
  secureContext: tls.SecureContext,
  early: Uint8Array,
): Promise<tls.TLSSocket> {
  if (early.length > 0) socket.unshift(Buffer.from(early));
  const secured = new tls.TLSSocket(socket, { isServer: true, secureContext, ALPNProtocols: ['postgresql'] });
  await new Promise<void>((resolve, reject) => {
    secured.once('secure', resolve);
    secured.once('error', reject);
    secured.once('close', () => reject(new PreludeEnded('the client went away during the TLS handshake')));
  });
  return secured;
}

const STORE_DEADLINE_MS = 5_000;

/** For a task that does not exist too: the answer must not tell which do. */
const wrongTokenHint = (task: string, requestUrl: string): string =>
  `the user name is the task, the password a token of it: get one with \`npx taskgate grant ${clipName(task)} --token\`, or at ${requestUrl}; tokens work until their grant ends`;

async function proveToken(
  stream: net.Socket,
  prelude: PreludeReader,
  task: string,
  address: string,
  ports: AcceptPorts,
): Promise<string> {
  const { controlPlane, attempts } = ports;
  const taskWait = attempts.waitMs(`task:${task}:${address}`);
  if (taskWait > 0)
    throw new ClientRefused(
      '53300',
      `too many failed sign-ins for this task; try again in ${Math.ceil(taskWait / 1000)} s`,
      null,
    );
  const candidates = await withinDeadline(controlPlane.findCandidates(task), STORE_DEADLINE_MS);
  const secured = stream instanceof tls.TLSSocket;
  const mechanisms: ScramMechanism[] =
    secured && ports.tls.binding !== null ? ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256'] : ['SCRAM-SHA-256'];
  const scram = createScramServer({
    crypto: scramCrypto,
    mechanisms,
    channelBinding: secured ? ports.tls.binding : null,
    salt: candidates.salt,
    iterations: candidates.iterations,
  });
  const readAnswer = async (): Promise<Uint8Array> =>
    prelude.read((bytes) => {
      if (bytes.length < 5) return null;
      const length = ((bytes[1]! << 24) | (bytes[2]! << 16) | (bytes[3]! << 8) | bytes[4]!) + 1;
      const decoder = createFrameDecoder({
        maxBytes: maxFrontendBytes,
        knows: (tag) => tag === FRONTEND_TAG.authentication || tag === FRONTEND_TAG.terminate,
      });
      const frames = decoder.push(bytes.subarray(0, length));
      if (frames.length === 0) return null;
      if (frames[0]!.tag === FRONTEND_TAG.terminate) throw new PreludeEnded('the client left');
      return { value: frames[0]!.raw.slice(5), bytes: length };
    });

  stream.write(encodeBackendMessage({ kind: 'authentication', request: { kind: 'sasl', mechanisms } }));
  const initial = decodeSaslInitialResponse(await readAnswer());
  const serverFirst = scram.first(initial.mechanism, initial.response ?? new Uint8Array(0));
  stream.write(encodeBackendMessage({ kind: 'authentication', request: { kind: 'sasl-continue', data: serverFirst } }));
  const outcome = scram.verify(await readAnswer(), candidates.verifiers);
  const matched = outcome.matched === null ? null : candidates.verifiers[outcome.matched]!;
  if (matched === null || outcome.matched === null) {
    attempts.failed(`address:${address}`);
    attempts.failed(`task:${task}:${address}`);
    throw new ClientRefused(
      '28P01',
      `wrong token for task "${clipName(task)}"`,
      wrongTokenHint(task, controlPlane.requestUrl(clipName(task))),
    );
  }
  if (matched.status !== 'active') {
    const again = `get a new one with: npx taskgate grant ${clipName(task)}`;
    throw matched.status === 'expired'
      ? new ClientRefused('28P01', 'this token has expired with its grant', again)
      : new ClientRefused('28P01', `the grant of this token has ended (${matched.endReason ?? 'ended'})`, again);
  }
  attempts.succeeded(`task:${task}:${address}`);
  attempts.succeeded(`address:${address}`);
  stream.write(
    encodeBackendMessage({
      kind: 'authentication',
      request: { kind: 'sasl-final', data: outcome.serverFinal(outcome.matched) },
    }),
  );
  return matched.grantId;
}

function clipName(task: string): string {
  return task.length > 63 ? `${task.slice(0, 63)}...` : task;
}
