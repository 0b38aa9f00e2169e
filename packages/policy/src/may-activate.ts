import { evaluateCondition } from './activation-condition.ts';
import type { TaskDocument } from './policy-document.ts';

/**
 * Whether this person may ask for the task at this instant: by `who`, then by `when`. A condition that fails to
 * evaluate refuses. `reason` says why not, for the person.
 */
export function mayActivate(
  document: TaskDocument,
  identity: { readonly email: string; readonly groups: readonly string[]; readonly kind: 'person' },
  now: { readonly epochMs: number },
): { readonly ok: true } | { readonly ok: false; readonly reason: string } {
  const { groups } = document.who;
  if (!groups.some((group) => identity.groups.includes(group))) {
    const reason =
      groups.length === 0
        ? `task \`${document.name}\` names no group, so nobody can activate it`
        : `task \`${document.name}\` is for members of ${groups.map((group) => `\`${group}\``).join(', ')}`;
    return { ok: false, reason };
  }
  const { when } = document.access;
  if (when === null) return { ok: true };
  switch (evaluateCondition(when, { epochMs: now.epochMs, identity })) {
    case 'true':
      return { ok: true };
    case 'false':
      return { ok: false, reason: `task \`${document.name}\` can be activated only when \`${when}\` (times are UTC)` };
    case 'failed':
      return { ok: false, reason: `the condition of task \`${document.name}\` could not be evaluated; ask its author` };
  }
}
