import { APPROVAL_FORMAT, type ApprovalContent, type ApprovedGrant, type ApprovedHold } from '@taskgate/approval';
import type { Transaction } from '@taskgate/db';
import type { GrantRow } from '../grants/grant-row.ts';
import { toPerson } from '../grants/person-ref.ts';
import type { HoldRow } from '../holds/hold-row.ts';
import { webCrypto } from '../passkeys/passkey-row.ts';

/** What only the reviewer, and the moment, know of an approval. */
export type Said = Pick<ApprovalContent, 'reviewer' | 'comment' | 'nonce' | 'site'>;

/** What one yes to the held statement says, from the row as it is now. */
export async function holdContent(tx: Transaction, row: HoldRow, said: Said): Promise<ApprovalContent> {
  const subject: ApprovedHold = {
    kind: 'hold',
    holdId: row.id,
    grantId: row.grantId,
    sessionId: row.sessionId,
    decisionId: row.decisionId,
    binding: row.binding,
    statement: row.statement,
    // Written by `openHold` from typed values and never changed since.
    parameters: row.parameters as ApprovedHold['parameters'],
    affectsMax: row.affectsMax,
  };
  return contentOf(tx, subject, said, {
    grant: row.grant,
    terms: { from: row.approverGroups, count: row.approvalsNeeded, stepUp: row.stepUp },
    window: [row.createdAt, row.expiresAt],
  });
}

/** What one yes to the activation says, for at most `ttlMs`. */
export async function grantContent(
  tx: Transaction,
  row: GrantRow,
  ttlMs: number,
  said: Said,
): Promise<ApprovalContent> {
  const subject: ApprovedGrant = { kind: 'grant', grantId: row.id, ttlMs, reason: row.reason, ticket: row.ticket };
  return contentOf(tx, subject, said, {
    grant: row,
    terms: { from: row.approverGroups, count: row.approvalsNeeded, stepUp: needsSignatures(row) },
    window: [row.requestedAt, row.requestExpiresAt],
  });
}

export const needsSignatures = ({ stepUp }: Pick<GrantRow, 'stepUp'>): boolean =>
  stepUp === 'approval' || stepUp === 'both';

async function contentOf(
  tx: Transaction,
  subject: ApprovalContent['subject'],
  said: Said,
  about: {
    readonly grant: Pick<HoldRow['grant'], 'taskId' | 'taskRevision' | 'task' | 'identity'>;
    readonly terms: ApprovalContent['terms'];
    readonly window: readonly [Date, Date];
  },
): Promise<ApprovalContent> {
  const { taskId, taskRevision, task, identity } = about.grant;
  const { source } = await tx.taskRevision.findUniqueOrThrow({
    where: { taskId_revision: { taskId, revision: taskRevision } },
    select: { source: true },
  });
  const { id, kind, email } = toPerson(identity);
  return {
    format: APPROVAL_FORMAT,
    subject,
    task: {
      name: task.name,
      revision: taskRevision,
      documentSha256: Buffer.from(await webCrypto.sha256(source)).toString('hex'),
    },
    resource: { id: task.resource.id, name: task.resource.name, database: task.resource.database },
    requester: { id, kind, email },
    reviewer: said.reviewer,
    terms: about.terms,
    comment: said.comment,
    window: { notBefore: about.window[0].toISOString(), notAfter: about.window[1].toISOString() },
    nonce: said.nonce,
    site: said.site,
  };
}
