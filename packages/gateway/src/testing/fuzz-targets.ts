import fs from 'node:fs';
import path from 'node:path';
import { buildCatalog, buildRelation } from '@taskgate/core';
import {
  ByteSink,
  checkStartupParameters,
  createFrameDecoder,
  createScramClient,
  createScramServer,
  dataRowValue,
  decodeBackendMessage,
  decodeDataRow,
  decodeFrontendMessage,
  decodeSaslInitialResponse,
  decodeStartupPacket,
  detectFirstBytes,
  encodeBackendMessage,
  encodeFrontendMessage,
  type Frame,
  isBackendTag,
  isFrontendTag,
  maxBackendBytes,
  maxFrontendBytes,
  ProtocolError,
  rewriteDataRow,
} from '@taskgate/protocol-postgres';
import { createSqlAnalyzer, type SqlAnalyzer } from '@taskgate/sql';
import { scramCrypto } from '../postgres/scram-crypto.ts';

/** A decoder, or the analyzer, with what must hold for any bytes. */
export interface FuzzTarget {
  readonly seeds: () => readonly Uint8Array[];
  /** Pieces that mutations put in. */
  readonly words: readonly Uint8Array[];
  /** Throws where something does not hold. */
  readonly check: (input: Uint8Array) => void;
}

const packages = path.join(import.meta.dirname, '../../..');
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const NUMBERS = [0, 1, -1, 4, 5, 0x7fff, 0x7fffffff, -0x80000000].map((value) => {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return new Uint8Array(buffer);
});

/** What real clients and servers said: `>` is the client. */
function captured(direction: '>' | '<'): Uint8Array[] {
  const folder = path.join(packages, 'protocol-postgres/src/fixtures');
  return fs
    .readdirSync(folder)
    .filter((file) => file.endsWith('.hex'))
    .flatMap((file) => fs.readFileSync(path.join(folder, file), 'utf8').split('\n'))
    .filter((line) => line.startsWith(direction))
    .map((line) => new Uint8Array(Buffer.from(line.slice(2).trim(), 'hex')))
    .filter((message) => message.length > 0);
}

function onlyProtocolErrors(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
}

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** The same messages however the network cuts them, and none where one cut gives an error. */
function framesOf(input: Uint8Array, options: Parameters<typeof createFrameDecoder>[0]): Frame[] {
  const read = (chunks: readonly Uint8Array[]): { frames: Frame[]; failed: boolean } => {
    const decoder = createFrameDecoder(options);
    const frames: Frame[] = [];
    let failed = false;
    onlyProtocolErrors(() => {
      failed = true;
      for (const chunk of chunks) frames.push(...decoder.push(chunk));
      failed = false;
    });
    must(decoder.bufferedBytes <= input.length, 'more is held than came');
    return { frames, failed };
  };
  const whole = read([input]);
  const cut = input.length === 0 ? 0 : input[0]! % input.length;
  const parts = read([input.slice(0, cut), input.slice(cut)]);
  must(whole.failed === parts.failed, 'a cut changes whether the bytes are refused');
  if (!whole.failed)
    must(
      whole.frames.length === parts.frames.length &&
        whole.frames.every(({ raw }, index) => same(raw, parts.frames[index]!.raw)),
      'a cut changes the messages',
    );
  return whole.frames;
}

const frontend: FuzzTarget = {
  seeds: () => captured('>'),
  words: [...NUMBERS, ...'QPBEDCSHXdcfpF'.split('').map(bytes)],
  check(input) {
    for (const frame of framesOf(input, { maxBytes: maxFrontendBytes, knows: isFrontendTag }))
      onlyProtocolErrors(() =>
        must(
          same(encodeFrontendMessage(decodeFrontendMessage(frame)), frame.raw),
          'a message is not what it decodes to',
        ),
      );
  },
};

function rewritten(raw: Uint8Array, columns: number, value: null | undefined): Uint8Array {
  const sink = new ByteSink(raw.length);
  rewriteDataRow(raw, 0, sink, new Uint8Array(columns).fill(1), () => value);
  return sink.bytes.slice(0, sink.length);
}

const backend: FuzzTarget = {
  seeds: () => captured('<'),
  words: [...NUMBERS, ...'RKSZTtDCENGHWdcAvV123nsI'.split('').map(bytes)],
  check(input) {
    for (const frame of framesOf(input, { maxBytes: maxBackendBytes, knows: isBackendTag })) {
      onlyProtocolErrors(() => {
        const again = encodeBackendMessage(decodeBackendMessage(frame));
        // Errors and notices are read though they are no UTF-8.
        if (frame.tag !== 0x45 && frame.tag !== 0x4e)
          must(same(again, frame.raw), 'a message is not what it decodes to');
      });
      onlyProtocolErrors(() => {
        const row = decodeDataRow(frame.raw);
        must(same(rewritten(frame.raw, row.columnCount, undefined), frame.raw), 'a row changes by itself');
        const nulled = decodeDataRow(rewritten(frame.raw, row.columnCount, null));
        for (let column = 0; column < row.columnCount; column++)
          must(dataRowValue(nulled, column) === null, 'a masked value is still there');
      });
    }
  },
};

const startup: FuzzTarget = {
  seeds: () => [
    ...captured('>').slice(0, 40),
    bytes('GET / HTTP/1.1\r\n'),
    Uint8Array.of(0, 0, 0, 8, 4, 210, 22, 47),
    Uint8Array.of(0, 0, 0, 16, 4, 210, 22, 46, 0, 0, 0, 7, 1, 2, 3, 4),
  ],
  words: [
    ...NUMBERS,
    ...['user\0', 'database\0', 'options\0', 'replication\0', '_pq_.x\0', 'client_encoding\0'].map(bytes),
  ],
  check(input) {
    onlyProtocolErrors(() => {
      detectFirstBytes(input);
      const packet = decodeStartupPacket(input);
      if (packet.kind !== 'incomplete') must(packet.bytes <= input.length, 'a packet is longer than its bytes');
      if (packet.kind === 'startup') checkStartupParameters(packet.parameters);
    });
  },
};

const scram: FuzzTarget = {
  seeds: () =>
    [
      'n,,n=,r=abcdefghijkl',
      'y,,n=,r=abcdefghijkl',
      'p=tls-server-end-point,,n=,r=abc',
      'c=biws,r=abcdefghijklserver,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
      'r=abcdefghijklserver,s=c2FsdHNhbHQ=,i=4096',
      'v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
      'e=invalid-proof',
    ].map(bytes),
  words: ['n', 'y', 'p=', ',', '=', 'r=', 's=', 'i=', 'c=', 'v=', 'm=', 'biws', '4096', '=2C', '=3D', '\0'].map(bytes),
  check(input) {
    const cut = input.indexOf(0x7c);
    const [first, second] = cut < 0 ? [input, input] : [input.slice(0, cut), input.slice(cut + 1)];
    onlyProtocolErrors(() => void decodeSaslInitialResponse(input));
    onlyProtocolErrors(() => {
      const server = createScramServer({
        crypto: scramCrypto,
        mechanisms: ['SCRAM-SHA-256'],
        channelBinding: null,
        salt: Uint8Array.of(1, 2, 3),
        iterations: 4096,
        nonce: 'server',
      });
      server.first('SCRAM-SHA-256', first);
      const verifier = { storedKey: new Uint8Array(32), serverKey: new Uint8Array(32) };
      must(server.verify(second, [verifier]).matched === null, 'a proof without the key is believed');
    });
    onlyProtocolErrors(() => {
      // Without key derivation: a step of the client's that must fail first.
      const crypto = { ...scramCrypto, pbkdf2Sha256: () => new Uint8Array(32) };
      const client = createScramClient({ crypto, password: 'x', channelBinding: null });
      client.first(['SCRAM-SHA-256']);
      client.final(first);
      client.verify(second);
      must(false, 'a server without the password is believed');
    });
  },
};

const table = (oid: number, name: string, columns: readonly string[]) => ({
  ...buildRelation({ oid, name, kind: 'table', definition: null }),
  columns: columns.map((column, index) => ({
    name: column,
    attnum: index + 1,
    typeOid: 25,
    typeName: 'text',
    default: null,
    generatedFrom: [],
  })),
});
const CATALOG = {
  ...buildCatalog({
    serverVersion: 180_000,
    database: 'shop',
    searchPath: ['public'],
    relations: [
      table(16_400, 'customers', ['id', 'name', 'email', 'ssn']),
      table(16_401, 'orders', ['id', 'customer_id', 'status']),
    ],
  }),
  version: 'fuzz',
};
/** No text within the limits may take longer; measured on the thread's own clock. */
const MOST_CPU_MS = 4_000;

function statements(): Uint8Array[] {
  const folder = path.join(packages, 'sql/src/fixtures/understood');
  return fs
    .readdirSync(folder)
    .flatMap((file) => fs.readFileSync(path.join(folder, file), 'utf8').split(/^--- .*$/m))
    .filter((text) => text.trim() !== '' && text.length < 3_000)
    .map(bytes);
}

const analyzer = (analyze: SqlAnalyzer): FuzzTarget => ({
  seeds: statements,
  words:
    "select from where with recursive as ( ) , . * ; customers ssn email orders id lateral join using on union all values insert into update set delete returning merge when matched then copy to stdout declare cursor for prepare execute $1 1 null :: text over partition by order group having grouping sets limit exists in any array row case end = || [ ] not and or is distinct excluded on conflict do nothing E'\\'' $$ -- /* */ U&\"\\0073sn\" xmltable json_table tablesample rows from( ordinality"
      .split(' ')
      .map((word) => bytes(` ${word} `)),
  check(input) {
    const text = new TextDecoder().decode(input);
    const before = process.threadCpuUsage();
    const operations = analyze.analyze(text, CATALOG);
    const used = process.threadCpuUsage(before);
    must(operations.length > 0, 'a text is no operation');
    must((used.user + used.system) / 1_000 < MOST_CPU_MS, 'a text takes too long');
    for (const operation of operations) {
      must(text.includes(operation.text), 'an operation has another text');
      must(
        operation.unknowns.every(({ message }) => message.length < 1_000),
        'a message is very long',
      );
      structuredClone(operation);
    }
  },
});

export async function fuzzTargets(): Promise<Readonly<Record<string, FuzzTarget>>> {
  return { frontend, backend, startup, scram, analyzer: analyzer(await createSqlAnalyzer(18)) };
}

/** Deterministic: the same seed gives the same numbers (mulberry32). */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const MAX_INPUT_BYTES = 8_192;

/** One to five changes of `input`: bytes, pieces of it, words, parts of `other`. */
export function mutate(
  input: Uint8Array,
  other: Uint8Array,
  words: readonly Uint8Array[],
  random: (below: number) => number,
): Uint8Array {
  let result = Buffer.from(input);
  for (let changes = 1 + random(5); changes > 0; changes--) {
    const at = random(result.length + 1);
    const length = random(Math.min(40, result.length - at + 1));
    const part = other.subarray(random(other.length + 1)).subarray(0, random(64));
    switch (random(7)) {
      case 0:
        if (at < result.length) result[at] = random(256);
        break;
      case 1:
        if (at < result.length) result[at]! ^= 1 << random(8);
        break;
      case 2:
        result = Buffer.concat([result.subarray(0, at), result.subarray(at + length)]);
        break;
      case 3:
        result = Buffer.concat([result.subarray(0, at + length), result.subarray(at)]);
        break;
      case 4:
        result = Buffer.concat([result.subarray(0, at), words[random(words.length)]!, result.subarray(at)]);
        break;
      case 5: {
        const word = words[random(words.length)]!;
        result = Buffer.concat([result.subarray(0, at), word, result.subarray(at + word.length)]);
        break;
      }
      default:
        result = Buffer.concat([result.subarray(0, at), part, result.subarray(at + length)]);
    }
  }
  return new Uint8Array(result.subarray(0, MAX_INPUT_BYTES));
}
