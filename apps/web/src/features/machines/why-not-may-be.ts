import { MACHINE_SCOPES, whyEscalates, whyNotAdmin } from '@taskgate/core';
import type { MeView } from '@/lib/me.tsx';
import type { MachineView } from '@/lib/views.ts';

/** Why who is here may make nothing that is a machine or an agent, as far as the page knows: the API asks every document. */
export function whyNotMayBe(me: MeView, { kind, name, actsFor, tasks }: MachineView): string | null {
  if (kind === 'agent' && actsFor?.kind === 'person')
    return actsFor.id === me.id
      ? null
      : whyNotAdmin(me, 'an agent of somebody else can do what they may, also what they may later');
  return (
    whyEscalates(me, [{ name, roles: [], scopes: MACHINE_SCOPES, withheld: [], machine: true }]) ??
    (kind === 'machine' && tasks.some((task) => task.named)
      ? whyNotAdmin(me, `a task, policy or workflow names \`${name}\``)
      : null)
  );
}
