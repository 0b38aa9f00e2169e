import net from 'node:net';
import {
  BACKEND_TAG,
  createFrameDecoder,
  createScramClient,
  dataRowValue,
  decodeBackendMessage,
  decodeDataRow,
  decodeErrorFields,
  encodeBind,
  encodeDescribe,
  encodeExecute,
  encodeParse,
  encodeQuery,
  encodeSaslInitialResponse,
  encodeSaslResponse,
  encodeStartup,
  encodeSync,
  type Frame,
  isBackendTag,
  maxBackendBytes,
} from '@taskgate/protocol-postgres';
import { scramCrypto } from '../postgres/scram-crypto.ts';

/** What the door answered, in the protocol's own terms. */
export interface Answer {
  /** Letters of the messages, in order. */
  readonly letters: string;
  readonly rows: readonly (readonly (string | null)[])[];
  readonly errors: readonly { readonly code: string; readonly message: string; readonly fields: string }[];
  readonly commands: readonly string[];
  /** `I`, `T` or `E` of the last ReadyForQuery. */
  readonly status: string | null;
  readonly copied: string;
}

/** What is needed of a door and of a grant to sign in. */
interface OpenDoor {
  readonly port: number;
  readonly database: { readonly name: string };
}
interface SignInGrant {
  readonly token: string;
  readonly grant: { readonly task: { readonly name: string } };
}

/** A client that sends what it likes, message by message, and keeps every byte that came back. */
export class RawClient {
  readonly socket: net.Socket;
  readonly #chunks: Buffer[] = [];
  readonly #frames: Frame[] = [];
  readonly #decoder = createFrameDecoder({ maxBytes: maxBackendBytes, knows: isBackendTag });
  #taken = 0;
  #wake: (() => void)[] = [];
  #searched = 0;
  unframed = false;
  closed = false;
  key: { processId: number; secret: Uint8Array } | null = null;

  constructor(port: number) {
    this.socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    this.socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      // The one byte that answers a request for encryption is no message.
      if (this.unframed) return;
      for (const frame of this.#decoder.push(new Uint8Array(chunk))) this.#frames.push(frame);
      this.#awake();
    });
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.closed = true;
      this.#awake();
    });
  }

  #awake(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  async #wait(done: () => boolean): Promise<void> {
    while (!done() && !this.closed) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  static async open(
    door: OpenDoor,
    grant: SignInGrant,
    startup: Readonly<Record<string, string>> = {},
  ): Promise<RawClient> {
    const client = new RawClient(door.port);
    const answer = await client.signIn(door, grant, startup);
    if (!answer.letters.endsWith('Z')) throw new Error(`not let in: ${JSON.stringify(answer.errors)}`);
    return client;
  }

  async signIn(
    door: OpenDoor,
    grant: SignInGrant,
    startup: Readonly<Record<string, string>> = {},
    password: string = grant.token,
  ): Promise<Answer> {
    this.send(encodeStartup(Object.entries({ user: grant.grant.task.name, database: door.database.name, ...startup })));
    const scram = createScramClient({ crypto: scramCrypto, password, channelBinding: null });
    for (;;) {
      const frame = await this.#next();
      if (frame === null) break;
      if (frame.tag !== BACKEND_TAG.authentication) {
        this.#taken -= 1;
        break;
      }
      const message = decodeBackendMessage(frame);
      if (message.kind !== 'authentication') break;
      const { request } = message;
      if (request.kind === 'sasl') {
        const first = scram.first(request.mechanisms);
        this.send(encodeSaslInitialResponse(first.mechanism, first.message));
      } else if (request.kind === 'sasl-continue') this.send(encodeSaslResponse(scram.final(request.data)));
      else if (request.kind === 'sasl-final') scram.verify(request.data);
      else if (request.kind === 'ok') break;
    }
    await this.#until(1);
    const answer = this.#take();
    for (const frame of this.#frames)
      if (frame.tag === BACKEND_TAG.backendKey) {
        const message = decodeBackendMessage(frame);
        if (message.kind === 'backend-key') this.key = { processId: message.processId, secret: message.secret.slice() };
      }
    return answer;
  }

  async #next(): Promise<Frame | null> {
    await this.#wait(() => this.#frames.length > this.#taken);
    return this.#frames[this.#taken++] ?? null;
  }

  send(...messages: readonly Uint8Array[]): void {
    if (!this.socket.destroyed) this.socket.write(Buffer.concat(messages));
  }

  /** Sends, and waits for `ready` ReadyForQuery messages, or the end of the connection. */
  async exchange(messages: readonly Uint8Array[], ready = 1): Promise<Answer> {
    this.send(...messages);
    await this.#until(ready);
    return this.#take();
  }

  /** Sends, and waits until a message with one of `letters` is there. */
  async until(letters: string, ...messages: readonly Uint8Array[]): Promise<Answer> {
    this.send(...messages);
    await this.#wait(() =>
      this.#frames.slice(this.#taken).some(({ tag }) => letters.includes(String.fromCharCode(tag))),
    );
    return this.#take();
  }

  query(text: string): Promise<Answer> {
    return this.exchange([encodeQuery(text)]);
  }

  /** Parse, Bind, Describe, Execute, Sync of the unnamed. */
  extended(text: string, parameters: readonly (string | null)[] = [], format: 0 | 1 = 0): Promise<Answer> {
    return this.exchange([
      parse('', text),
      bind('', '', parameters, format),
      encodeDescribe('portal', ''),
      encodeExecute('', 0),
      encodeSync(),
    ]);
  }

  async #until(ready: number): Promise<void> {
    await this.#wait(
      () => this.#frames.slice(this.#taken).filter(({ tag }) => tag === BACKEND_TAG.ready).length >= ready,
    );
  }

  #take(): Answer {
    const frames = this.#frames.slice(this.#taken);
    this.#taken = this.#frames.length;
    const of = (tag: number) => frames.filter((frame) => frame.tag === tag);
    return {
      letters: frames.map(({ tag }) => String.fromCharCode(tag)).join(''),
      rows: of(BACKEND_TAG.dataRow).map(({ raw }) => {
        const row = decodeDataRow(raw);
        return Array.from({ length: row.columnCount }, (_, index) => {
          const value = dataRowValue(row, index);
          return value === null ? null : Buffer.from(value).toString();
        });
      }),
      errors: of(BACKEND_TAG.error).map(({ raw }) => {
        const fields = decodeErrorFields(raw);
        return {
          code: fields.get('C') ?? '',
          message: fields.get('M') ?? '',
          fields: [...fields].map(([letter, value]) => `${letter}=${value}`).join('\n'),
        };
      }),
      commands: of(BACKEND_TAG.commandComplete).map(({ raw }) => Buffer.from(raw.subarray(5, -1)).toString()),
      status: of(BACKEND_TAG.ready).length === 0 ? null : String.fromCharCode(of(BACKEND_TAG.ready).at(-1)!.raw[5]!),
      copied: of(BACKEND_TAG.copyData)
        .map(({ raw }) => Buffer.from(raw.subarray(5)).toString())
        .join(''),
    };
  }

  /** What came since this was last asked for, with a little of what came before. */
  takeReceived(): Buffer {
    const all = Buffer.concat(this.#chunks.slice(Math.max(0, this.#searched - 1)));
    this.#searched = this.#chunks.length;
    return all;
  }

  /** Drops what has come so far, for clients that are asked very much. */
  forget(): void {
    this.#chunks.length = 0;
    this.#frames.length = 0;
    this.#taken = 0;
    this.#searched = 0;
  }

  close(): void {
    this.socket.destroy();
  }
}

export const parse = (statement: string, text: string, parameterTypes: readonly number[] = []): Uint8Array =>
  encodeParse({ statement, text, parameterTypes });

export const bind = (
  portal: string,
  statement: string,
  parameters: readonly (string | null)[] = [],
  format: 0 | 1 = 0,
): Uint8Array =>
  encodeBind({
    portal,
    statement,
    parameterFormats: [],
    parameters: parameters.map((value) => (value === null ? null : new TextEncoder().encode(value))),
    resultFormats: [format],
  });
