import { TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import type { WorkflowDocument } from '@taskgate/policy';
import { whyNotStep } from './step-states.ts';

/** All that the step comes after has completed. The tree is locked by the caller. Throws `invalid-state`. */
export async function requireStepReady(
  tx: Transaction,
  workflowGrantId: string,
  step: WorkflowDocument['steps'][number],
): Promise<void> {
  const tries = await tx.grant.findMany({
    where: { parentId: workflowGrantId },
    select: { step: true, state: true, endReason: true, exitCode: true, requestedAt: true, id: true },
  });
  const blocked = whyNotStep(step, tries);
  if (blocked !== null) throw new TaskgateError('invalid-state', blocked);
}
