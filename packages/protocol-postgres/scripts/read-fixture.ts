import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeStartupPacket, type StartupPacket } from '../src/startup.ts';

const folder = join(import.meta.dirname, '..', 'src', 'fixtures');

/** One recorded connection, parted where the tagged messages begin. */
export interface Fixture {
  readonly name: string;
  readonly startupBytes: Buffer;
  readonly startup: readonly StartupPacket[];
  /** Tagged messages of either side. */
  readonly client: Buffer;
  readonly server: Buffer;
}

export function readFixtures(): Fixture[] {
  return readdirSync(folder).map((file) => readFixture(file.replace('.hex', '')));
}

export function readFixture(name: string): Fixture {
  const lines = readFileSync(join(folder, `${name}.hex`), 'utf8').split('\n');
  const stream = (direction: string) =>
    Buffer.concat(lines.filter((line) => line[0] === direction).map((line) => Buffer.from(line.slice(2), 'hex')));
  let client = stream('>');
  let server = stream('<');
  const startupBytes = client;
  const startup: StartupPacket[] = [];
  for (;;) {
    const packet = decodeStartupPacket(client);
    if (packet.kind === 'incomplete') throw new Error(`${name} does not begin with a startup packet`);
    startup.push(packet);
    client = client.subarray(packet.bytes);
    if (packet.kind === 'startup' || packet.kind === 'cancel') break;
    server = server.subarray(1);
  }
  return { name, startupBytes: startupBytes.subarray(0, startupBytes.length - client.length), startup, client, server };
}
