import { buildCatalog } from '@taskgate/core';
import type { Attenuation, AttenuationProblem } from './attenuation.ts';
import { isTooCostly } from './attenuation-cost.ts';
import { compilePolicySet } from './compile-policy-set.ts';
import { droppedDenies } from './dropped-denies.ts';
import type { TaskDocument } from './policy-document.ts';
import { weakerAffects } from './weaker-affects.ts';
import { weakerHolds } from './weaker-holds.ts';
import { weakerMasks } from './weaker-masks.ts';
import { widerOpenings } from './wider-openings.ts';
import { widerTerms } from './wider-terms.ts';

const MAX_PROBLEMS = 50;
const NOTHING = buildCatalog({ relations: [] });

/**
 * Whether whatever the child lets through, the parent does too, on terms at least as strict, whatever the catalog and
 * the policies are. Sound, not complete: what cannot be proven from the two documents alone is refused. Never throws.
 */
export function attenuate(parent: TaskDocument, child: TaskDocument): Attenuation {
  try {
    if (isTooCostly(parent, child))
      return refused('the two documents are too large to be compared; name fewer relations and columns a rule');
    const problems = [
      ...widerTerms(parent, child),
      ...widerOpenings(parent, child),
      ...weakerHolds(parent, child),
      ...droppedDenies(parent, child),
      ...weakerMasks(parent, child),
      ...weakerAffects(parent, child),
      ...widerWhole(parent, child),
    ];
    return problems.length === 0 ? { ok: true } : { ok: false, problems: problems.slice(0, MAX_PROBLEMS) };
  } catch {
    return refused('the two documents could not be compared');
  }
}

/** What the documents mean as a whole. */
function widerWhole(parent: TaskDocument, child: TaskDocument): readonly AttenuationProblem[] {
  const [outer, inner] = [parent, child].map((document) =>
    compilePolicySet({
      task: { name: document.name, revision: 0, document },
      policies: [],
      resource: { name: document.resource, labels: {} },
      catalog: NOTHING,
    }),
  ) as [ReturnType<typeof compilePolicySet>, ReturnType<typeof compilePolicySet>];
  if (outer.failures.length > 0 || inner.failures.length > 0)
    return refused('a rule of the two documents cannot be used').problems;
  // Statements that are not understood run where nothing is taken away at all, and only there.
  return inner.unrestricted && !outer.unrestricted
    ? refused('it takes nothing away at all, the parent has rules that do; keep them').problems
    : [];
}

const refused = (message: string) =>
  ({ ok: false, problems: [{ dimension: 'statement-class', message, rule: null }] }) as const satisfies Attenuation;
