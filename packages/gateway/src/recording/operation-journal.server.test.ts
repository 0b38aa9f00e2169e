import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { SecretValue, type TaskgateError } from '@taskgate/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createOperationJournal, readLeftJournal } from './operation-journal.ts';

const SESSION = 'ses_0000000000000000000000000a';
const CANARY = 'CANARY-7c31';
const key = new SecretValue(randomBytes(32).toString('base64'));
const operation = (seq: number): [Uint8Array, Uint8Array] => [
  Buffer.from(`{"seq":${seq},"kind":"operation","decisionId":"dec_${seq}"}`),
  Buffer.from(`{"parameters":["${CANARY}"]}`),
];

let directory: string;
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'taskgate-journal-'));
});
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));

const open = () => createOperationJournal({ directory, writer: 0, key, randomBytes: (length) => randomBytes(length) });
const written = (journal: ReturnType<typeof open>, seq: number): Promise<TaskgateError | null> =>
  new Promise((resolve) => journal.write(SESSION, ...operation(seq), resolve));
const files = (): string[] => fs.readdirSync(directory).map((name) => path.join(directory, name));
const read = (): string[] =>
  (readLeftJournal(directory, key).events.get(SESSION) ?? []).map(({ clear }) => String(clear.decisionId));

it('what was acknowledged is there after a crash, in its order, and can be read by nobody without the key', async () => {
  const journal = open();
  expect(await Promise.all([written(journal, 1), written(journal, 2)])).toEqual([null, null]);
  expect(await written(journal, 3)).toBeNull();
  expect(read()).toEqual(['dec_1', 'dec_2', 'dec_3']);
  for (const file of files()) expect(fs.readFileSync(file).includes(CANARY)).toBe(false);
  const other = new SecretValue(randomBytes(32).toString('base64'));
  expect(() => readLeftJournal(directory, other)).toThrow('damaged, or of another installation');
});

it('cut at any byte it gives the writes that are whole', async () => {
  const journal = open();
  await written(journal, 1);
  await written(journal, 2);
  const [file] = files() as [string];
  const whole = fs.readFileSync(file);
  const counts = new Set<number>();
  for (let cut = 0; cut <= whole.length; cut++) {
    fs.writeFileSync(file, whole.subarray(0, cut));
    const left = read();
    expect(left).toEqual(['dec_1', 'dec_2'].slice(0, left.length));
    counts.add(left.length);
  }
  expect([...counts]).toEqual([0, 1, 2]);
});

it('a changed byte is not taken for what was written', async () => {
  const journal = open();
  await written(journal, 1);
  const [file] = files() as [string];
  const bytes = fs.readFileSync(file);
  bytes[bytes.length - 3]! ^= 1;
  fs.writeFileSync(file, bytes);
  expect(() => read()).toThrow('damaged');
});

it('a write that fails is told, and the next one can succeed', async () => {
  const journal = open();
  await written(journal, 1);
  const { writeSync } = fs;
  fs.writeSync = ((descriptor: number, bytes: Uint8Array) => {
    writeSync(descriptor, bytes, 0, 5);
    throw new Error('ENOSPC');
  }) as unknown as typeof writeSync;
  const failed = await written(journal, 2);
  fs.writeSync = writeSync;
  expect(failed).toMatchObject({ code: 'record-unavailable' });
  expect(await written(journal, 3)).toBeNull();
  expect(read().filter((id) => id !== 'dec_1')).toEqual(['dec_3']);
});

it('nothing of it is left once the recordings have all of it; what one lacks stays', async () => {
  const journal = open();
  await written(journal, 1);
  let failing = true;
  journal.gather({
    flush: () => {
      if (failing) throw new Error('not yet');
    },
  });
  journal.close();
  expect(read()).toEqual(['dec_1']);
  failing = false;
  const next = open();
  await written(next, 2);
  next.close();
  expect(read()).toEqual(['dec_1']);
  readLeftJournal(directory, key).remove();
  expect(files()).toEqual([]);
});
