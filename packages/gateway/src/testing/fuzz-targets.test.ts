import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { fuzzTargets, mutate, randomNumbers } from './fuzz-targets.ts';

const targets = await fuzzTargets();
const kept = path.join(import.meta.dirname, '../fixtures/fuzz');
const EXECUTIONS = { analyzer: 400, scram: 2_000, startup: 3_000, frontend: 3_000, backend: 3_000 };

describe('what comes from a hostile client or target', () => {
  it.each(Object.entries(EXECUTIONS))(
    'keeps what must hold for %s, however it is changed',
    (name, executions) => {
      const { seeds, words, check } = targets[name]!;
      const random = randomNumbers(2_026);
      const corpus = seeds();
      expect(corpus.length).toBeGreaterThan(3);
      for (const input of corpus.slice(0, 100)) check(input);
      for (let turn = 0; turn < executions; turn++)
        check(mutate(corpus[random(corpus.length)]!, corpus[random(corpus.length)]!, words, random));
    },
    60_000,
  );

  it.each(fs.existsSync(kept) ? fs.readdirSync(kept) : [])('%s, which a run found, holds', (file) => {
    const input = Buffer.from(fs.readFileSync(path.join(kept, file), 'utf8').trim(), 'hex');
    targets[file.split('-')[0]!]!.check(new Uint8Array(input));
  });
});
