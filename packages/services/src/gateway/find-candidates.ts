import { createHmac } from 'node:crypto';
import { type Database, Prisma } from '@taskgate/db';
import type { ServiceContext } from '../context.ts';
import { decodeScramVerifier, SCRAM_ITERATIONS } from '../grants/scram-verifier.ts';
import { requireSystem } from '../require-scope.ts';
import { loadSealedKey } from './load-sealed-key.ts';

/** The proof is tried against each: about 15 us a try. */
const MAX_CANDIDATES = 500;
/** Ended grants are tried too, only to say that the token was right and is over. */
const NAMED_AFTER_END_MS = 24 * 3_600_000;
const SALT_BYTES = 16;
const MAX_NAME_LENGTH = 63;

export interface Candidates {
  readonly salt: Uint8Array;
  readonly iterations: number;
  readonly verifiers: readonly {
    readonly grantId: string;
    readonly storedKey: Uint8Array;
    readonly serverKey: Uint8Array;
    readonly status: 'active' | 'expired' | 'ended';
    readonly endReason: string | null;
  }[];
}

interface VerifierRow {
  readonly id: string;
  readonly state: 'active' | 'ended';
  readonly endReason: string | null;
  readonly expiresAt: Date | null;
  readonly verifier: string;
}

/** Whose token could be behind this user name. An unknown task looks the same: a salt of its own, always the same. */
export async function findCandidates(ctx: ServiceContext, task: string): Promise<Candidates> {
  requireSystem(ctx, 'gateway');
  const { db, clock } = ctx.services;
  const mockKey = await loadSealedKey(ctx.services, 'mock-salt-key');
  const known = task.length > MAX_NAME_LENGTH || task.includes('\0') ? null : await findNamed(db, task);
  if (known === null) {
    const salt = createHmac('sha256', mockKey).update(task).digest().subarray(0, SALT_BYTES);
    return { salt: new Uint8Array(salt), iterations: SCRAM_ITERATIONS, verifiers: [] };
  }
  const now = clock.now();
  const rows = await db.$queryRaw<VerifierRow[]>`
    (select id, state, "endReason", "expiresAt", verifier from grants
      where ${known.ofIt} and state = 'active' and verifier is not null
      order by "activatedAt" desc limit ${MAX_CANDIDATES})
    union all
    (select id, state, "endReason", "expiresAt", verifier from grants
      where ${known.ofIt} and state = 'ended' and verifier is not null
        and "endedAt" > ${new Date(now - NAMED_AFTER_END_MS)}
      order by "endedAt" desc limit ${MAX_CANDIDATES})`;
  const active = rows.filter(({ state }) => state === 'active');
  const ended = rows.filter(({ state }) => state === 'ended');
  const verifiers = [...active, ...ended].slice(0, MAX_CANDIDATES).flatMap((row) => {
    const verifier = decodeScramVerifier(row.verifier);
    if (verifier === null) return [];
    const lapsed = row.state === 'active' && row.expiresAt !== null && row.expiresAt.getTime() <= now;
    const status = lapsed || row.endReason === 'expired' ? 'expired' : row.state === 'active' ? 'active' : 'ended';
    return {
      grantId: row.id,
      storedKey: verifier.storedKey,
      serverKey: verifier.serverKey,
      status: status as Candidates['verifiers'][number]['status'],
      endReason: lapsed ? 'expired' : row.endReason,
    };
  });
  return { salt: new Uint8Array(known.salt), iterations: SCRAM_ITERATIONS, verifiers };
}

/** A workflow's grants too: they open nothing, and who tries one is told so. */
async function findNamed(db: Database, name: string) {
  const select = { id: true, salt: true } as const;
  const task = await db.task.findUnique({ where: { name }, select });
  if (task !== null) return { salt: task.salt, ofIt: Prisma.sql`"taskId" = ${task.id}` };
  const workflow = await db.workflow.findUnique({ where: { name }, select });
  return workflow && { salt: workflow.salt, ofIt: Prisma.sql`"workflowId" = ${workflow.id}` };
}
