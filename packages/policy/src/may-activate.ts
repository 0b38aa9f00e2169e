import type { IdentityKind } from '@taskgate/core';
import { evaluateCondition } from './activation-condition.ts';
import type { TaskDocument } from './policy-document.ts';

/** Who asks for a task. */
export interface Activator {
  readonly kind: IdentityKind;
  /** What tasks call a machine or an agent. */
  readonly name: string;
  /** Of a person; a machine or an agent has its name here. */
  readonly email: string;
  /** Machines and agents have none. */
  readonly groups: readonly string[];
  /** What a machine or an agent may activate at all, by name; nobody looks at a person's. */
  readonly tasks: readonly string[];
  /** Whom an agent acts for, a person or a machine; `null` of these. */
  readonly actsFor: Activator | null;
}

type Answer = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** What of a task, or of a workflow, says who may have it. */
export type Activatable = Pick<TaskDocument, 'name' | 'who'> & {
  readonly access: Pick<TaskDocument['access'], 'when'>;
};

/**
 * Whether this identity may ask for the task at this instant: by `who`, then by `when`. A machine or an agent must be
 * named by the task and have the task in its own list, and an agent may do no more than whom it acts for. A condition
 * that fails to evaluate refuses. `reason` says why not, for who asked.
 */
export function mayActivate(document: Activatable, identity: Activator, now: { readonly epochMs: number }): Answer {
  const named = isNamed(document, identity);
  if (!named.ok) return named;
  if (identity.kind === 'agent') {
    const { actsFor } = identity;
    if (actsFor === null || actsFor.kind === 'agent')
      return { ok: false, reason: `agent \`${identity.name}\` acts for nobody, so it can activate nothing` };
    const theirs = mayActivate(document, actsFor, now);
    if (!theirs.ok)
      return { ok: false, reason: `agent \`${identity.name}\` acts for \`${actsFor.email}\`, and ${theirs.reason}` };
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

/** Empty is never any: what names nobody is for nobody. */
function isNamed({ name, who }: Activatable, identity: Activator): Answer {
  const refuse = (reason: string): Answer => ({ ok: false, reason });
  if (identity.kind === 'person') {
    if (who.groups.some((group) => identity.groups.includes(group))) return { ok: true };
    return refuse(
      who.groups.length === 0
        ? `task \`${name}\` names no group, so no person can activate it`
        : `task \`${name}\` is for members of ${who.groups.map((group) => `\`${group}\``).join(', ')}`,
    );
  }
  const { kind, name: own } = identity;
  if (!(kind === 'machine' ? who.machines : who.agents).includes(own))
    return refuse(`task \`${name}\` does not name the ${kind} \`${own}\` in \`who.${kind}s\``);
  if (!identity.tasks.includes(name))
    return refuse(`the ${kind} \`${own}\` does not have task \`${name}\` in its list`);
  return { ok: true };
}
