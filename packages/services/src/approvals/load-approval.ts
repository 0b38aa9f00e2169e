import type { ApprovalFile } from '@taskgate/approval';
import { contract } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import type { ServiceContext } from '../context.ts';
import { ANSWER_SELECT, GRANT_SELECT } from '../grants/grant-row.ts';
import { isVisibleGrant } from '../grants/visible-grants.ts';
import { isVisibleHold } from '../holds/hold-actions.ts';
import { HOLD_SELECT, toHoldRow } from '../holds/hold-row.ts';
import { readableHolds } from '../holds/load-hold-views.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { requireAnyScope } from '../require-any-scope.ts';
import { toApprovalFile } from './check-signatures.ts';

/** A signed approval, to be verified without us: for those who may read what was approved. Throws `not-found`, `forbidden`. */
export async function loadApproval(ctx: ServiceContext, input: unknown): Promise<ApprovalFile> {
  const actor = requireAnyScope(ctx, ['grant:request', 'grant:review', 'session:read']);
  const { id } = parseInput(inputOf(contract.approvals.get), input);
  const row = await ctx.services.db.approval.findUnique({
    where: { id },
    select: { ...ANSWER_SELECT, hold: { select: HOLD_SELECT }, grant: { select: GRANT_SELECT } },
  });
  const hold = row?.hold ? toHoldRow(row.hold) : null;
  const visible =
    row !== null &&
    ((hold !== null && isVisibleHold(actor, hold)) || (row.grant !== null && isVisibleGrant(actor, row.grant)));
  const file = visible ? toApprovalFile(row) : null;
  if (file === null) throw new TaskgateError('not-found', `there is no signed approval \`${id}\``);
  // What was approved holds the statement, as the hold does.
  if (hold !== null && (await readableHolds(ctx, actor, [hold])).size === 0)
    throw new TaskgateError(
      'forbidden',
      'only who is asked, and the named readers of this session, may read what was approved',
    );
  return file;
}
