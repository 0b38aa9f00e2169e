import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import net from 'node:net';

/** One message of the server: its tag and its body. */
export interface WireMessage {
  readonly tag: string;
  readonly body: Buffer;
}

const READ_DEADLINE_MS = 15_000;
const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const int16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
};
const text = (value: string): Buffer => Buffer.from(`${value}\0`);

/** One message of the client: tag, length, parts. */
export const message = (tag: string, ...parts: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(tag), int32(body.length + 4), body]);
};
export const query = (sql: string): Buffer => message('Q', text(sql));
export const parse = (name: string, sql: string): Buffer => message('P', text(name), text(sql), int16(0));
export const describeStatement = (name: string): Buffer => message('D', Buffer.from('S'), text(name));
export const describePortal = (name: string): Buffer => message('D', Buffer.from('P'), text(name));
/** Text parameters; results all text (0) or all binary (1). */
export const bind = (
  portal: string,
  statement: string,
  values: readonly (string | null)[] = [],
  resultFormat: 0 | 1 = 0,
): Buffer =>
  message(
    'B',
    text(portal),
    text(statement),
    int16(0),
    int16(values.length),
    ...values.flatMap((value) =>
      value === null ? [int32(-1)] : [int32(Buffer.byteLength(value)), Buffer.from(value)],
    ),
    int16(1),
    int16(resultFormat),
  );
export const execute = (portal: string, maxRows = 0): Buffer => message('E', text(portal), int32(maxRows));
export const closePortal = (name: string): Buffer => message('C', Buffer.from('P'), text(name));
export const sync = (): Buffer => message('S');
export const flush = (): Buffer => message('H');
export const terminate = (): Buffer => message('X');
/** Protocol 3.0 startup packet. */
export const startup = (parameters: Readonly<Record<string, string>>): Buffer => {
  const body = Buffer.concat([
    int32(196_608),
    ...Object.entries(parameters).flatMap(([name, value]) => [text(name), text(value)]),
    Buffer.from([0]),
  ]);
  return Buffer.concat([int32(body.length + 4), body]);
};
export const cancelRequest = (processId: number, secret: Buffer): Buffer =>
  Buffer.concat([int32(12 + secret.length), int32(80_877_102), int32(processId), secret]);

/** The fields of an ErrorResponse or NoticeResponse by their letter: C is the SQLSTATE, M the message. */
export function errorFields(answer: WireMessage): Readonly<Record<string, string>> {
  const fields: Record<string, string> = {};
  for (const part of answer.body.toString().split('\0')) if (part !== '') fields[part[0]!] = part.slice(1);
  return fields;
}

/** The cells of a DataRow; `null` is NULL. */
export function cellsOf(row: WireMessage): readonly (Buffer | null)[] {
  const cells: (Buffer | null)[] = [];
  let offset = 2;
  for (let left = row.body.readInt16BE(0); left > 0; left--) {
    const length = row.body.readInt32BE(offset);
    offset += 4;
    cells.push(length < 0 ? null : row.body.subarray(offset, offset + length));
    offset += Math.max(0, length);
  }
  return cells;
}

/** The server answered the sign-in with an error; `fields` as of {@link errorFields}. */
export class SignInRefused extends Error {
  readonly fields: Readonly<Record<string, string>>;
  constructor(fields: Readonly<Record<string, string>>) {
    super(`${fields.C} ${fields.M}`);
    this.fields = fields;
  }
}

/** A Postgres client that sends exactly what it is told: drivers hide what a test wants to see. */
export class WireClient {
  readonly socket: net.Socket;
  #buffer = Buffer.alloc(0);
  #ended = false;
  #wake: () => void = () => undefined;
  /** Of BackendKeyData. */
  processId = 0;
  secret: Buffer = Buffer.alloc(0);

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#buffer = Buffer.concat([this.#buffer, chunk]);
      this.#wake();
    });
    const ended = (): void => {
      this.#ended = true;
      this.#wake();
    };
    socket.on('error', ended).on('close', ended);
  }

  /** A connection that has not said anything yet. */
  static async open(port: number): Promise<WireClient> {
    const socket = net.connect({ host: '127.0.0.1', port, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new WireClient(socket);
  }

  /** Signed in and ready for a query. Throws {@link SignInRefused}. */
  static async connect(options: {
    readonly port: number;
    readonly user: string;
    readonly database: string;
    readonly token: string;
    readonly parameters?: Readonly<Record<string, string>>;
  }): Promise<WireClient> {
    const client = await WireClient.open(options.port);
    client.send(startup({ user: options.user, database: options.database, ...options.parameters }));
    await client.#authenticate(options.token);
    for (const { tag, body } of await client.readUntil('Z'))
      if (tag === 'K') {
        client.processId = body.readInt32BE(0);
        client.secret = Buffer.from(body.subarray(4));
      }
    return client;
  }

  send(...messages: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(messages));
  }

  /** The next message; `null` once the server has closed the connection. */
  async read(deadlineMs = READ_DEADLINE_MS): Promise<WireMessage | null> {
    const until = performance.now() + deadlineMs;
    for (;;) {
      if (this.#buffer.length >= 5) {
        const length = this.#buffer.readInt32BE(1) + 1;
        if (this.#buffer.length >= length) {
          const found = { tag: String.fromCharCode(this.#buffer[0]!), body: this.#buffer.subarray(5, length) };
          this.#buffer = this.#buffer.subarray(length);
          return found;
        }
      }
      if (this.#ended) return null;
      const left = until - performance.now();
      if (left <= 0) throw new Error(`no message in ${deadlineMs} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** All messages up to and with the first with this tag, or up to the end of the connection. */
  async readUntil(tag: string, deadlineMs = READ_DEADLINE_MS): Promise<readonly WireMessage[]> {
    const messages: WireMessage[] = [];
    for (;;) {
      const next = await this.read(deadlineMs);
      if (next === null) return messages;
      messages.push(next);
      if (next.tag === tag) return messages;
    }
  }

  /** Sends, and returns all that comes up to ReadyForQuery. */
  async ask(...messages: readonly Buffer[]): Promise<readonly WireMessage[]> {
    this.send(...messages);
    return this.readUntil('Z');
  }

  close(): void {
    this.socket.end(terminate());
    this.socket.destroySoon();
  }

  /** SCRAM-SHA-256 (RFC 5802, 7677), without channel binding. */
  async #authenticate(token: string): Promise<void> {
    await this.#authenticationOf(10);
    const nonce = randomBytes(18).toString('base64');
    const bare = `n=,r=${nonce}`;
    const first = Buffer.from(`n,,${bare}`);
    this.send(message('p', text('SCRAM-SHA-256'), int32(first.length), first));
    const serverFirst = (await this.#authenticationOf(11)).toString();
    const [, serverNonce = '', salt = '', iterations = '0'] = /^r=([^,]+),s=([^,]+),i=(\d+)/.exec(serverFirst) ?? [];
    const final = `c=biws,r=${serverNonce}`;
    const hmac = (key: Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();
    const salted = pbkdf2Sync(token, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256');
    const clientKey = hmac(salted, 'Client Key');
    const signature = hmac(createHash('sha256').update(clientKey).digest(), `${bare},${serverFirst},${final}`);
    const proof = Buffer.from(clientKey.map((byte, index) => byte ^ signature[index]!)).toString('base64');
    this.send(message('p', Buffer.from(`${final},p=${proof}`)));
    await this.#authenticationOf(12);
    await this.#authenticationOf(0);
  }

  async #authenticationOf(kind: number): Promise<Buffer> {
    const answer = await this.read();
    if (answer === null) throw new Error('the server closed the connection');
    if (answer.tag === 'E') throw new SignInRefused(errorFields(answer));
    if (answer.tag !== 'R' || answer.body.readInt32BE(0) !== kind)
      throw new Error(`authentication ${kind} was expected, not ${answer.tag}`);
    return answer.body.subarray(4);
  }
}

/** What the gate says to bytes of somebody who never signs in, up to the end of the connection. */
export async function answerTo(port: number, bytes: Buffer, deadlineMs = 15_000): Promise<string> {
  const client = await WireClient.open(port);
  const chunks: Buffer[] = [];
  client.socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  client.socket.write(bytes);
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`still open after ${deadlineMs} ms`)), deadlineMs);
    client.socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
  return Buffer.concat(chunks).toString('latin1');
}
