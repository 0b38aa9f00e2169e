import { once } from 'node:events';
import type { ConsoleEvent } from '@taskgate/contracts';
import { WebSocket } from 'ws';
import type { Answer } from './raw-client.ts';

/** A browser's console that sends what it likes, and keeps every byte that came back. */
export class ConsoleProbe {
  readonly socket: WebSocket;
  readonly #chunks: Buffer[] = [];
  readonly #events: ConsoleEvent[] = [];
  #taken = 0;
  #searched = 0;
  #wake: (() => void)[] = [];
  #id = 0;
  closed = false;

  constructor(port: number, origin: string) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/console`, { headers: { origin } });
    this.socket.on('message', (data: Buffer) => {
      this.#chunks.push(data);
      this.#events.push(JSON.parse(data.toString('utf8')) as ConsoleEvent);
      this.#awake();
    });
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.closed = true;
      this.#awake();
    });
  }

  static async open(port: number, origin: string, ticket: string): Promise<ConsoleProbe> {
    const probe = new ConsoleProbe(port, origin);
    await once(probe.socket, 'open');
    probe.send({ type: 'open', ticket });
    const [first] = await probe.until('ready');
    if (first?.type !== 'ready') throw new Error(`not let in: ${JSON.stringify(first)}`);
    return probe;
  }

  send(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  #awake(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  /** The events up to the first of `type` since this was last asked for, or to the end of the connection. */
  async until(type: ConsoleEvent['type']): Promise<readonly ConsoleEvent[]> {
    const found = (): number => this.#events.findIndex((event, index) => index >= this.#taken && event.type === type);
    while (found() === -1 && !this.closed) await new Promise<void>((resolve) => this.#wake.push(resolve));
    const end = found();
    const events = this.#events.slice(this.#taken, end === -1 ? undefined : end + 1);
    this.#taken += events.length;
    return events;
  }

  /** Runs a text, and gives what came in the terms of the protocol that it went by. */
  async query(sql: string): Promise<Answer> {
    const id = ++this.#id;
    this.send({ type: 'run', id, sql, maxRows: 10_000 });
    const events = await this.until('done');
    const done = events.at(-1);
    return {
      letters: '',
      rows: events.flatMap((event) => (event.type === 'rows' ? event.rows : [])),
      errors: events.flatMap((event) =>
        event.type === 'error'
          ? [{ code: event.sqlstate, message: event.message, fields: JSON.stringify(event) }]
          : event.type === 'ended'
            ? [{ code: event.code, message: event.message, fields: JSON.stringify(event) }]
            : [],
      ),
      commands: events.flatMap((event) => (event.type === 'complete' ? [event.tag] : [])),
      status: done?.type === 'done' ? { idle: 'I', open: 'T', failed: 'E' }[done.transaction] : null,
      copied: '',
    };
  }

  /** What came since this was last asked for, with a little of what came before. */
  takeReceived(): Buffer {
    const all = Buffer.concat(this.#chunks.slice(Math.max(0, this.#searched - 1)));
    this.#searched = this.#chunks.length;
    return all;
  }

  close(): void {
    this.socket.terminate();
  }
}
