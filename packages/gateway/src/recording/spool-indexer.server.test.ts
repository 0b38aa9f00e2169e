import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createId } from '@taskgate/core';
import { createRecordingWriter } from '@taskgate/recording';
import { runCommand } from '@taskgate/testkit';
import { expect, it } from 'vitest';
import { createSpool } from './spool.ts';

const SESSIONS = 3;
const OPERATIONS = 30_000;
/** Of objects of the language: what is read takes about ten times what it takes in the file. */
const HEAP_MB = 28;

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());

/** A recording of so many operations, each with a statement of its own, as literals make them. */
function writeRecording(directory: string): void {
  const spool = createSpool(directory);
  const sessionId = createId('ses', Date.now(), (length) => randomBytes(length));
  const writer = createRecordingWriter({
    header: { sessionId, createdAt: Date.now(), wrappedKey: new Uint8Array(16) },
    sha256,
    seal: (plain) => plain,
  });
  const file = spool.create(sessionId);
  file.write(writer.headerBytes);
  for (let id = 0; id < OPERATIONS; id++) {
    writer.add(
      {
        kind: 'statement',
        id,
        statementClass: 'select',
        label: 'select public.orders',
        fingerprint: 'f'.repeat(32),
        catalogVersion: 'c'.repeat(32),
        relations: [{ verb: 'select', schema: 'public', name: 'orders', columns: ['id'] }],
        decision: { outcome: 'allow', reasons: [] },
        secret: { statement: `select id from public.orders where id = ${id}` },
      },
      id,
    );
    const decisionId = `dec_${id}`;
    writer.add({ kind: 'operation', decisionId, via: 'simple', statementId: id, secret: { parameters: [] } }, id);
    writer.add(
      {
        kind: 'outcome',
        decisionId,
        outcome: 'done',
        tag: 'SELECT 0',
        rows: 0,
        bytes: 0,
        maskedCells: 0,
        durationMs: 1,
        sqlstate: null,
        secret: { message: null },
      },
      id,
    );
    if (id % 50 === 0) for (let frame = writer.frame(); frame !== null; frame = writer.frame()) file.write(frame);
  }
  file.write(
    writer.append({
      kind: 'session-end',
      at: 1,
      reason: 'client-closed',
      detail: null,
      bytesIn: 0,
      bytesOut: 0,
    }),
  );
  file.close();
}

it('what long sessions left is indexed within a bound of memory, however much it is', async () => {
  const folder = fs.mkdtempSync(path.join(tmpdir(), 'taskgate-index-'));
  try {
    for (let n = 0; n < SESSIONS; n++) writeRecording(path.join(folder, 'spool'));
    const { code, stdout, stderr } = await runCommand(
      process.execPath,
      [
        ...['--disable-warning=ExperimentalWarning', '--max-semi-space-size=4', `--max-old-space-size=${HEAP_MB}`],
        path.join(import.meta.dirname, '../testing/index-spool.ts'),
        ...[path.join(folder, 'spool'), path.join(folder, 'archive')],
      ],
      { timeoutMs: 30_000 },
    );
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({ operations: SESSIONS * OPERATIONS, left: 0 });
    expect(fs.readdirSync(path.join(folder, 'archive'))).toHaveLength(SESSIONS);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}, 200_000);
