import { encodeCancelRequest } from '@taskgate/protocol-postgres';
import { waitUntil } from '@taskgate/testkit';
import { expect } from 'vitest';
import type { ConsoleProbe } from './console-probe.ts';
import type { MemoryGrant } from './memory-control-plane.ts';
import type { ThreatDoor } from './open-threat-door.ts';
import { type Answer, RawClient } from './raw-client.ts';

/** Ways in which a client can send a statement. Each is a session of its own. */
export const WAYS = ['simple', 'extended', 'extended, binary', 'console'] as const;
export type Way = (typeof WAYS)[number];

/** Sends a statement each way, and tells what it must not have done from what it did. */
export class EveryWay {
  readonly #door: ThreatDoor;
  readonly #clients: Readonly<Record<Way, RawClient | ConsoleProbe>>;

  private constructor(door: ThreatDoor, clients: Readonly<Record<Way, RawClient | ConsoleProbe>>) {
    this.#door = door;
    this.#clients = clients;
  }

  static async open(door: ThreatDoor, grant: MemoryGrant): Promise<EveryWay> {
    const [simple, extended, binary, console] = await Promise.all([
      door.raw(grant),
      door.raw(grant),
      door.raw(grant),
      door.console(grant),
    ]);
    return new EveryWay(door, { simple, extended, 'extended, binary': binary, console });
  }

  async send(way: Way, text: string): Promise<Answer> {
    const client = this.#clients[way];
    if (way === 'simple' || way === 'console' || !('extended' in client)) return client.query(text);
    return client.extended(text, [], way === 'extended' ? 0 : 1);
  }

  /** Runs `check` on what came each way; what came to no client may hold a canary, and every session goes on. */
  async check(text: string, check: (answer: Answer, way: Way) => void, ways: readonly Way[] = WAYS): Promise<void> {
    const answers = await Promise.all(ways.map(async (way) => [way, await this.send(way, text)] as const));
    for (const [way, answer] of answers) {
      const client = this.#clients[way];
      expect([way, text, this.#door.leaksTo(client)]).toEqual([way, text, []]);
      check(answer, way);
      expect([way, text, client.closed, answer.status !== null]).toEqual([way, text, false, true]);
    }
  }

  /** It must not run: one error, no row, nothing copied, and the transaction as it was. */
  async refuses(text: string, ways?: readonly Way[]): Promise<void> {
    await this.check(
      text,
      ({ errors, rows, copied, status }, way) =>
        expect({ way, text, errors: errors.length, rows, copied, status }).toEqual({
          way,
          text,
          errors: 1,
          rows: [],
          copied: '',
          status: 'I',
        }),
      ways,
    );
  }

  /** As the client of that way takes a statement back: on a connection of its own, or by a message of the console. */
  async cancel(way: Way): Promise<void> {
    const client = this.#clients[way];
    if (!('key' in client)) return client.send({ type: 'cancel' });
    const canceller = new RawClient(this.#door.port);
    canceller.send(encodeCancelRequest(client.key!.processId, client.key!.secret));
    await waitUntil(() => canceller.closed);
  }

  /** All sessions answer an ordinary statement. */
  async goOn(): Promise<void> {
    for (const way of WAYS) expect([way, (await this.send(way, "select 'on'")).rows]).toEqual([way, [['on']]]);
  }

  close(): void {
    for (const client of Object.values(this.#clients)) client.close();
  }
}
