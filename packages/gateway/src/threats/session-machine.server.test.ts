import {
  ALWAYS_FAILS_STATEMENT,
  decodeFrontendMessage,
  encodeBackendMessage,
  encodeBind,
  encodeBodyless,
  encodeClose,
  encodeCommandComplete,
  encodeCopyData,
  encodeCopyDone,
  encodeCopyFail,
  encodeDataRow,
  encodeDescribe,
  encodeError,
  encodeExecute,
  encodeFlush,
  encodeFunctionCall,
  encodeNotice,
  encodeParameterStatus,
  encodeParse,
  encodeQuery,
  encodeReadyForQuery,
  encodeRowDescription,
  encodeSync,
} from '@taskgate/protocol-postgres';
import { waitUntil } from '@taskgate/testkit';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CANARY, HonestServer, KNOWN, MARKER } from '../testing/honest-server.ts';
import type { MemoryGrant } from '../testing/memory-control-plane.ts';
import { openScriptedDoor, type ScriptedDoor } from '../testing/open-scripted-door.ts';
import { RawClient } from '../testing/raw-client.ts';

/** Executions and seed of a long run; the test run has a short one with a seed of its own. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 60);
const SEED = Number(process.env.FUZZ_SEED ?? 11);
const ANSWER_MS = 45_000;
const LIMIT_MS = 120_000 + RUNS * 300;

let door: ScriptedDoor;
beforeAll(async () => {
  door = await openScriptedDoor();
});
afterAll(async () => {
  await door.close();
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const ALLOWED = Object.keys(KNOWN).filter(
  (text) => text !== MARKER && !text.startsWith('update') && !text.includes('from stdin'),
);
const DENIED = [
  'select ssn from public.customers',
  "update public.orders set status = 'x' where id = 1",
  'copy public.orders from stdin',
  'drop table public.orders',
  'select 1; delete from public.orders',
  'this is no sql',
  "select pg_read_file('/etc/passwd')",
];
const text = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...ALLOWED) }, fc.constantFrom(...DENIED));
const name = fc.constantFrom('', 'a', 'b');
const target = fc.constantFrom('statement' as const, 'portal' as const);

const legal = fc.oneof(
  { weight: 3, arbitrary: text.map((value) => encodeQuery(value)) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(name, text)
      .map(([one, value]) =>
        Buffer.concat([
          encodeParse({ statement: one, text: value, parameterTypes: [] }),
          encodeBind({ portal: one, statement: one, parameterFormats: [], parameters: [], resultFormats: [] }),
          encodeExecute(one, 0),
          encodeSync(),
        ]),
      ),
  },
  fc.tuple(name, text).map(([statement, value]) => encodeParse({ statement, text: value, parameterTypes: [] })),
  fc
    .tuple(name, name)
    .map(([portal, statement]) =>
      encodeBind({ portal, statement, parameterFormats: [], parameters: [], resultFormats: [] }),
    ),
  fc.tuple(target, name).map(([what, one]) => encodeDescribe(what, one)),
  fc.tuple(target, name).map(([what, one]) => encodeClose(what, one)),
  fc.tuple(name, fc.constantFrom(0, 1)).map(([portal, rows]) => encodeExecute(portal, rows)),
  fc.constantFrom(encodeSync(), encodeFlush(), encodeSync()),
);
const illegal = fc.oneof(
  fc.constantFrom(
    encodeCopyData(bytes('1\t2\n')),
    encodeCopyDone(),
    encodeCopyFail('no'),
    encodeFunctionCall({ functionOid: 3826, argumentFormats: [], arguments: [], resultFormat: 0 }),
    Buffer.concat([Buffer.from([0x51, 0, 0, 0, 16]), bytes('select 1\u0000;x\u0000')]),
    encodeBind({ portal: 'x'.repeat(70), statement: '', parameterFormats: [], parameters: [], resultFormats: [] }),
    Buffer.from([0x70, 0, 0, 0, 5, 0]),
    Buffer.from([0x51, 0xff, 0xff, 0xff, 0xff]),
    Buffer.from([0x50, 0, 0, 0, 6, 0x61, 0x62]),
    Buffer.from([0x00, 0, 0, 0, 4]),
  ),
  fc.uint8Array({ minLength: 1, maxLength: 12 }),
);

type Fault = (answers: readonly Uint8Array[]) => readonly Uint8Array[];
const stray = fc.constantFrom(
  encodeReadyForQuery('idle'),
  encodeReadyForQuery('failed'),
  encodeBodyless('parse-complete'),
  encodeBodyless('bind-complete'),
  encodeBodyless('no-data'),
  encodeBodyless('portal-suspended'),
  encodeBodyless('empty-query'),
  encodeBodyless('copy-done'),
  encodeCommandComplete('SELECT 1'),
  encodeCommandComplete('x'),
  encodeError({ severity: 'ERROR', sqlstate: '22000', message: 'stray' }),
  encodeError({ severity: 'FATAL', sqlstate: '57P01', message: 'stray' }),
  encodeNotice({ message: 'stray', severity: 'NOTICE' }),
  encodeParameterStatus('TimeZone', 'UTC'),
  encodeDataRow([bytes('9'), bytes(CANARY)]),
  encodeCopyData(bytes(`9\t${CANARY}\n`)),
  encodeRowDescription(KNOWN['select id, email from public.customers']!.fields!),
  encodeRowDescription([]),
  encodeBackendMessage({ kind: 'copy-out', format: 0, columnFormats: [0, 0] }),
  encodeBackendMessage({ kind: 'copy-in', format: 0, columnFormats: [0] }),
  encodeBackendMessage({ kind: 'notification', processId: 1, channel: 'c', payload: CANARY }),
);
const at = (answers: readonly unknown[], index: number): number => index % Math.max(1, answers.length);
const fault: fc.Arbitrary<Fault> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Fault>((answers) => answers) },
  fc.tuple(fc.nat(9), stray).map<Fault>(
    ([index, message]) =>
      (answers) =>
        answers.toSpliced(at(answers, index), 0, message),
  ),
  fc.nat(9).map<Fault>((index) => (answers) => answers.toSpliced(at(answers, index), 1)),
  fc
    .nat(9)
    .map<Fault>((index) => (answers) => answers.flatMap((one, i) => (i === at(answers, index) ? [one, one] : [one]))),
  fc
    .nat(9)
    .map<Fault>((index) => (answers) => [
      ...answers.slice(at(answers, index)),
      ...answers.slice(0, at(answers, index)),
    ]),
  fc.tuple(fc.nat(9), fc.nat(40), fc.nat(255)).map<Fault>(
    ([index, offset, value]) =>
      (answers) =>
        answers.map((one, i) => {
          if (i !== at(answers, index)) return one;
          const changed = one.slice();
          changed[offset % changed.length] = value;
          return changed;
        }),
  ),
);

/** What the gate sent, checked message by message: the target must never see what was not decided on. */
function checkForwarded(frames: readonly { readonly tag: number; readonly raw: Uint8Array }[]): void {
  for (const frame of frames) {
    const message = decodeFrontendMessage(frame);
    if (message.kind === 'query' || message.kind === 'parse')
      expect([...ALLOWED, MARKER, ALWAYS_FAILS_STATEMENT]).toContain(message.text);
    expect(['function-call', 'authentication', 'copy-data']).not.toContain(message.kind);
  }
}

const grant = (): MemoryGrant => {
  only ??= door.grant('sales-report', { policies: [] });
  return only;
};
let only: MemoryGrant | null = null;
const servers = new Map<string, { readonly server: HonestServer; readonly faults: readonly Fault[]; turn: number }>();
let runs = 0;

interface Play {
  readonly messages: readonly Uint8Array[];
  readonly faults: readonly Fault[];
  /** Where the network cuts what the client sends. */
  readonly cut: number;
}

/** One session from its start to its record. With two honest sides, everything must be answered and recorded as done. */
async function play({ messages, faults, cut }: Play, honest: boolean): Promise<void> {
  const application = `run-${++runs}`;
  const server = new HonestServer();
  servers.set(application, { server, faults, turn: 0 });
  const client = await RawClient.open(door, grant(), { application_name: application });
  const { sessionId } = door.controlPlane.sessions.find((session) => session.application === application)!;
  const { frames } = door.target.peers.find((peer) => peer.application === application)!;
  client.takeReceived();
  const all = Buffer.concat([...messages, encodeSync()]);
  client.send(all.subarray(0, cut % all.length));
  client.send(all.subarray(cut % all.length));
  if (honest) {
    client.send(encodeQuery(MARKER));
    await answered(client);
  }
  client.socket.end();
  const batches = () =>
    door.controlPlane.batches.filter((one) => one.sessionId === sessionId).map(({ batch }) => batch);
  await waitUntil(() => batches().at(-1)?.end, 45_000, 'the end of the session');
  const operations = batches().flatMap((batch) => batch.operations.map(({ decisionId }) => decisionId));
  const outcomes = batches().flatMap((batch) => batch.outcomes);
  // One record an operation, with one outcome.
  expect(new Set(operations).size).toBe(operations.length);
  expect(outcomes.map(({ decisionId }) => decisionId).toSorted()).toEqual(operations.toSorted());
  if (honest) expect(outcomes.filter(({ outcome }) => outcome === 'done')).toHaveLength(server.completed);
  checkForwarded(frames);
  expect(client.takeReceived().toString('latin1')).not.toContain(CANARY);
  expect(door.logLines.filter((line) => line.startsWith('session failed'))).toEqual([]);
}

/** Many at once; a failure names the play, to be kept as a case of its own. */
async function playAll(
  messages: fc.Arbitrary<Uint8Array>,
  faults: fc.Arbitrary<Fault[]> = fc.constant([]),
  honest = false,
): Promise<void> {
  door.target.script = {
    onFrame: (frame, peer) => {
      const served = servers.get(peer.application);
      // The gate itself, which has a backend terminated that lingers.
      if (served === undefined) return;
      const answers = served.server.answer(frame);
      const apply = served.faults[served.turn++ % Math.max(1, served.faults.length)];
      peer.send(...(apply === undefined ? answers : apply(answers)));
    },
  };
  const plays = fc.sample(
    fc.record({ messages: fc.array(messages, { minLength: 1, maxLength: 10 }), faults, cut: fc.nat(10_000) }),
    { numRuns: RUNS, seed: SEED },
  );
  const failures: string[] = [];
  const next = async (): Promise<void> => {
    for (let one = plays.pop(); one !== undefined; one = plays.pop()) {
      const left = plays.length;
      await play(one, honest).catch((error: unknown) =>
        failures.push(
          `${left}: ${error}\n${one.messages.map((message) => JSON.stringify(Buffer.from(message).toString('latin1'))).join(' | ')}`,
        ),
      );
    }
  };
  await Promise.all(Array.from({ length: 24 }, next));
  expect(failures).toEqual([]);
}

/** Until the marker has come, which is the answer to the last message. */
async function answered(client: RawClient): Promise<void> {
  let letters = '';
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    client.close();
  }, ANSWER_MS);
  while (!letters.endsWith('TDDDDDCZ') && !client.closed) letters += (await client.exchange([], 1)).letters;
  clearTimeout(timer);
  expect({ late, letters }).toMatchObject({ late: false, letters: expect.stringMatching(/TDDDDDCZ$/) });
}

describe('a session, whatever its two sides send', () => {
  it(
    'with an honest target answers each message of a client in order, and records what ran',
    async () => {
      await playAll(legal, undefined, true);
    },
    LIMIT_MS,
  );

  it(
    'with a hostile client goes on or ends with an error of the protocol',
    async () => {
      await playAll(fc.oneof({ weight: 3, arbitrary: legal }, illegal));
    },
    LIMIT_MS,
  );

  it(
    'with a hostile target, or both hostile, never crashes, never shows what is masked',
    async () => {
      await playAll(
        fc.oneof({ weight: 8, arbitrary: legal }, illegal),
        fc.array(fault, { minLength: 1, maxLength: 8 }),
      );
    },
    LIMIT_MS,
  );
});
