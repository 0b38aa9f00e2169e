import { contract } from '@taskgate/contracts';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { endAccess, revokeGrantsBeyond } from '../people/end-access.ts';
import { requireMayBe } from '../people/require-may-be.ts';
import { requireNoMore } from '../people/require-no-escalation.ts';
import { rightsOf } from '../people/rights-of.ts';
import { USER_SELECT } from '../people/user-view.ts';
import { withPeople } from '../people/with-people.ts';
import { requireScope } from '../require-scope.ts';
import { loadMachineView } from './load-machines.ts';
import type { MachineView } from './machine-view.ts';
import { putClaimBinding } from './put-claim-binding.ts';

/**
 * Disabling it ends its static secrets, its grants and their connections, and those of the agents that act for it, in the
 * same transaction; a task taken from its list ends the grants of that task. Whom an agent acts for never changes: its
 * records name them.
 */
export async function updateMachine(ctx: ServiceContext, input: unknown): Promise<MachineView> {
  requireScope(ctx, 'people:write');
  const { id, tasks, proof, disabled } = parseInput(inputOf(contract.machines.update), input);
  return withPeople(ctx, async (tx) => {
    // What proves itself, or makes a secret, at this moment waits here, and finds what is written now.
    await tx.$queryRaw`SELECT id FROM identities WHERE id = ${id} FOR UPDATE`;
    const before = await loadMachineView(ctx, tx, id);
    const row = await tx.identity.findUniqueOrThrow({ where: { id }, select: USER_SELECT });
    // With another proof they could be it; to lock it only ends something.
    if (disabled === true && tasks === undefined && proof === undefined) requireNoMore(ctx, rightsOf(row));
    else await requireMayBe(tx, ctx, row);
    const wasDisabled = before.disabledAt !== null;
    const at = new Date(ctx.services.clock.now());
    await tx.identity.update({
      where: { id },
      data: {
        ...(tasks === undefined ? {} : { tasks: [...new Set(tasks)] }),
        ...(disabled === undefined || disabled === wasDisabled ? {} : { disabledAt: disabled ? at : null }),
      },
    });
    if (proof !== undefined) await putClaimBinding(tx, id, proof);
    if (disabled === true && !wasDisabled) await endAccess(tx, ctx, [id]);
    else if (tasks !== undefined) await revokeGrantsBeyond(tx, ctx, [id]);
    const after = await loadMachineView(ctx, tx, id);
    await emitAudit(tx, ctx, { action: `${after.kind}.update`, subjectKind: after.kind, subject: id, before, after });
    await notifyChange(tx, { topic: 'machines', id });
    return after;
  });
}
