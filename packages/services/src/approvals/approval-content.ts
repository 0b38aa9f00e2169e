import { APPROVAL_FORMAT, type ApprovalContent, type ApprovedGrant, type ApprovedHold } from '@taskgate/approval';
import type { Transaction } from '@taskgate/db';
import { type GrantRow, nameOf, requireTaskGrant } from '../grants/grant-row.ts';
import { readPinned } from '../grants/grant-subject.ts';
import { loadTaskSource } from '../grants/load-terms.ts';
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
  return contentOf(said, subject, {
    requester: row.grant.identity,
    what: await taskOf(tx, row.grant),
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
  return contentOf(said, subject, {
    requester: row.identity,
    what: row.task === null ? await workflowOf(tx, row) : await taskOf(tx, requireTaskGrant(row)),
    terms: { from: row.approverGroups, count: row.approvalsNeeded, stepUp: needsSignatures(row) },
    window: [row.requestedAt, row.requestExpiresAt],
  });
}

export const needsSignatures = ({ stepUp }: Pick<GrantRow, 'stepUp'>): boolean =>
  stepUp === 'approval' || stepUp === 'both';

type What = Pick<ApprovalContent, 'task' | 'resource' | 'limits'>;

/** The task as the grant has it: narrowed, where it is. */
async function taskOf(
  tx: Transaction,
  grant: Pick<HoldRow['grant'], 'taskId' | 'taskRevision' | 'document' | 'limits' | 'task'>,
): Promise<What> {
  const { taskId, taskRevision, document, task } = grant;
  const source = document ?? (await loadTaskSource(tx, taskId, taskRevision));
  return {
    task: { name: task.name, revision: taskRevision, documentSha256: await sha256Hex(source) },
    resource: toApprovedResource(task.resource),
    limits: grant.limits as What['limits'],
  };
}

function toApprovedResource(row: HoldRow['grant']['task']['resource']): What['resource'] {
  const { id, name, host, port, database } = row;
  // Written by `saveResource` from typed values; so are limits, by `insertGrant`.
  return { id, name, host, port, database, labels: row.labels as What['resource']['labels'] };
}

/** A workflow, with the revisions of its steps' tasks that were pinned. It leads to no resource itself. */
async function workflowOf(tx: Transaction, row: GrantRow): Promise<What> {
  const { workflowId, workflowRevision } = row;
  const { source } = await tx.workflowRevision.findUniqueOrThrow({
    where: { workflowId_revision: { workflowId: workflowId!, revision: workflowRevision! } },
    select: { source: true },
  });
  const pinned = Object.entries(readPinned(row)).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    task: {
      // No task has a colon in its name.
      name: `workflow:${nameOf(row)}`,
      revision: workflowRevision!,
      documentSha256: await sha256Hex(JSON.stringify([source, pinned])),
    },
    resource: { id: '', name: '', host: '', port: 0, database: '', labels: {} },
    limits: row.limits as What['limits'],
  };
}

const sha256Hex = async (text: string): Promise<string> => Buffer.from(await webCrypto.sha256(text)).toString('hex');

function contentOf(
  said: Said,
  subject: ApprovalContent['subject'],
  about: {
    readonly requester: Parameters<typeof toPerson>[0];
    readonly what: What;
    readonly terms: ApprovalContent['terms'];
    readonly window: readonly [Date, Date];
  },
): ApprovalContent {
  const { id, kind, email } = toPerson(about.requester);
  return {
    format: APPROVAL_FORMAT,
    subject,
    ...about.what,
    requester: { id, kind, email },
    reviewer: said.reviewer,
    terms: about.terms,
    comment: said.comment,
    window: { notBefore: about.window[0].toISOString(), notAfter: about.window[1].toISOString() },
    nonce: said.nonce,
    site: said.site,
  };
}
