import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs, promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { TaskgateError } from '@taskgate/core';
import { isSealedRecording, type RecordingHead, unsealRecording, verifyChain } from '@taskgate/recording';
import { approvalVerdict, readApproval } from '../approval-verdict.ts';
import type { Command } from '../command.ts';
import { Failure, UsageError } from '../failure.ts';

const USAGE = `usage: taskgate verify FILE... [--head HEX --count N]
       taskgate verify approval-<id>.json... [--key K]

Recomputes the chain of recordings (plain or sealed), without the server. Against the head and count that
the server signed (a session's page shows them) it also finds events that were cut off the end.
Exit code 1 when anything was changed; the first event that cannot be trusted is named.

Of a signed approval it says whether the passkey's signature is over exactly what the file says was approved.
  --key K      the key that must have signed, as the reviewer's own Settings show it`;

const MAX_PLAIN_BYTES = 2 ** 31;

export const verify: Command = {
  usage: USAGE,
  run: async ({ print }, args) => {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { head: { type: 'string' }, count: { type: 'string' }, key: { type: 'string' } },
    });
    const expectedHead = headOf(values.head, values.count);
    if (positionals.length === 0) throw new UsageError('name a recording or an approval; see `taskgate help verify`');
    if (expectedHead && positionals.length > 1)
      throw new UsageError('`--head` and `--count` are those of one recording');
    let code = 0;
    let recordings = 0;
    for (const file of positionals) {
      const approval = readApproval(file);
      if (approval === null) recordings += 1;
      if (approval === null && values.key !== undefined) throw new UsageError('`--key` is that of a signed approval');
      const lines =
        approval === null
          ? await verdictLines(file, expectedHead)
          : await approvalVerdict(approval, values.key ?? null);
      if (!lines.ok) code = 1;
      for (const line of lines.text) print(positionals.length > 1 ? `${file}: ${line}` : line);
    }
    if (code === 0 && recordings > 0 && !expectedHead)
      print('events cut off the end would not show: give --head and --count to find that too');
    return code;
  },
};

async function verdictLines(
  file: string,
  expectedHead: RecordingHead | null,
): Promise<{ readonly ok: boolean; readonly text: readonly string[] }> {
  const plain = await readPlain(file);
  if (typeof plain === 'string') return { ok: false, text: [`not consistent: ${plain}`] };
  const verdict = await verifyChain(plain, { sha256, ...(expectedHead ? { expectedHead } : {}) });
  if (verdict.ok)
    return {
      ok: true,
      text: [`consistent: ${verdict.count} events, head ${Buffer.from(verdict.head).toString('hex')}`],
    };
  return {
    ok: false,
    text: [
      `not consistent: ${WHAT[verdict.reason]} at event ${verdict.at}`,
      `  expected ${verdict.expected}`,
      `  found    ${verdict.found}`,
    ],
  };
}

const WHAT = {
  format: 'what is no recording',
  length: 'a length that no event has',
  truncated: 'events are missing',
  hash: 'a byte was changed',
  order: 'another event stands',
  head: 'not the head that was committed to',
} as const;

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();

function headOf(hash: string | undefined, count: string | undefined): RecordingHead | null {
  if (hash === undefined && count === undefined) return null;
  if (hash === undefined || count === undefined) throw new UsageError('`--head` and `--count` go together');
  if (!/^[0-9a-f]{64}$/i.test(hash)) throw new UsageError('`--head` is 64 hex digits');
  if (!/^\d{1,10}$/.test(count)) throw new UsageError('`--count` is a number');
  return { hash: Buffer.from(hash, 'hex'), count: Number(count) };
}

/** The plain bytes, or why the file cannot be a whole recording. */
async function readPlain(file: string): Promise<Uint8Array | string> {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new Failure(`there is no file \`${file}\``);
    throw new Failure(`\`${file}\` cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  try {
    if (!isSealedRecording(bytes)) return bytes;
    return await unsealRecording(bytes, {
      maxBytes: MAX_PLAIN_BYTES,
      decompress: (packed, plainLength) => promisify(gunzip)(packed, { maxOutputLength: Math.max(1, plainLength) }),
    });
  } catch (error) {
    if (error instanceof TaskgateError) return error.message;
    return `a sealed block cannot be unpacked (${(error as Error).message})`;
  }
}
