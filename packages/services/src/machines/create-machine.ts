import { contract } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import { newId, type ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { requireMayBe } from '../people/require-may-be.ts';
import { USER_SELECT } from '../people/user-view.ts';
import { withPeople } from '../people/with-people.ts';
import { requireScope } from '../require-scope.ts';
import { loadMachineView } from './load-machines.ts';
import type { MachineView } from './machine-view.ts';
import { putClaimBinding } from './put-claim-binding.ts';

/** A machine, or an agent of somebody. Without a proof and without a static secret nobody can be it. */
export async function createMachine(ctx: ServiceContext, input: unknown): Promise<MachineView> {
  requireScope(ctx, 'people:write');
  const { kind, name, actsFor, tasks, proof } = parseInput(inputOf(contract.machines.create), input);
  return withPeople(ctx, async (tx) => {
    if ((await tx.identity.count({ where: { kind, name } })) > 0)
      throw new TaskgateError(
        'conflict',
        `there is ${kind === 'agent' ? 'an agent' : 'a machine'} \`${name}\` already`,
      );
    const id = newId(ctx.services, kind === 'machine' ? 'mch' : 'agt');
    const made = await tx.identity.create({
      data: {
        id,
        kind,
        name,
        actsForId: kind === 'agent' ? await findActsFor(tx, actsFor) : refuseActsFor(actsFor),
        tasks: [...new Set(tasks)],
        createdAt: new Date(ctx.services.clock.now()),
      },
      select: USER_SELECT,
    });
    // Whoever makes it says what proves it, and so can be it.
    await requireMayBe(tx, ctx, made);
    await putClaimBinding(tx, id, proof);
    const view = await loadMachineView(ctx, tx, id);
    await emitAudit(tx, ctx, { action: `${kind}.create`, subjectKind: kind, subject: id, before: null, after: view });
    await notifyChange(tx, { topic: 'machines', id });
    return view;
  });
}

/** A person by address or a machine by name, and never an agent: whom it acts for would be hidden behind another. */
async function findActsFor(tx: Transaction, label: string | null): Promise<string> {
  if (label === null)
    throw problem('an agent acts for somebody: say for which person (e-mail address) or machine (name)');
  const found = await tx.identity.findFirst({
    where: label.includes('@') ? { kind: 'person', email: label.toLowerCase() } : { kind: 'machine', name: label },
    select: { id: true, disabledAt: true },
  });
  if (found === null) throw problem(`there is no person or machine \`${label}\``);
  if (found.disabledAt !== null) throw problem(`\`${label}\` is disabled`);
  return found.id;
}

function refuseActsFor(label: string | null): null {
  if (label !== null) throw problem('a machine acts for nobody but itself; make an agent instead');
  return null;
}

const problem = (message: string): TaskgateError =>
  new TaskgateError('bad-input', message, { problems: [{ path: 'actsFor', message, position: null }] });
