import { ACCESS_VERBS, type AccessVerb, STATEMENT_CLASSES, type StatementClass } from '@taskgate/core';
import { ANY_NAME, ANY_RELATION, type NamePattern, type RelationPattern } from './name-pattern.ts';
import { includesName, includesRelation } from './pattern-inclusion.ts';
import type { AccessTarget, StatementsTarget } from './policy-document.ts';

/** Verbs that a class needs besides the one it is named after. */
export const VERBS_OF_CLASS: Partial<Record<StatementClass, readonly AccessVerb[]>> = {
  'copy-to': ['select'],
  'copy-from': ['insert'],
  merge: ['select', 'insert', 'update', 'delete'],
};

/** A part of what an allow rule opens: one verb on one relation pattern, one column pattern of it. */
export interface Opening {
  readonly verb: AccessVerb;
  /** Only in statements of this class; `null`: in any. */
  readonly within: StatementClass | null;
  readonly relation: RelationPattern;
  /** `null`: the relation without any column, as in `select count(*)`. */
  readonly column: NamePattern | null;
}

const isAccessVerb = (word: StatementClass | AccessVerb): word is AccessVerb =>
  (ACCESS_VERBS as readonly string[]).includes(word);

export const classesOf = ({ classes }: StatementsTarget): readonly StatementClass[] =>
  classes === '*' ? STATEMENT_CLASSES : classes;

/** All that an allow rule opens of relations. */
export function openingsOf(target: AccessTarget | StatementsTarget): readonly Opening[] {
  if (target.kind === 'access') {
    const { verb, relations } = target;
    const columns = target.columns === null ? [ANY_NAME] : target.columns.length === 0 ? [null] : target.columns;
    return relations.flatMap((relation) => columns.map((column) => ({ verb, within: null, relation, column })));
  }
  const on = target.on ?? [ANY_RELATION];
  const verbs =
    target.classes === '*'
      ? ACCESS_VERBS.map((verb) => ({ verb, within: null }))
      : target.classes.flatMap((one) => [
          ...(isAccessVerb(one) ? [{ verb: one, within: null }] : []),
          ...(VERBS_OF_CLASS[one] ?? []).map((verb) => ({ verb, within: one })),
        ]);
  return on.flatMap((relation) => verbs.map((verb) => ({ ...verb, relation, column: ANY_NAME })));
}

/** Whether whatever `inner` is about, the rule opens too. */
export function opensAll(target: AccessTarget | StatementsTarget, inner: Opening): boolean {
  const { verb, within, relation, column } = inner;
  if (target.kind === 'access')
    return (
      target.verb === verb &&
      target.relations.some((outer) => includesRelation(outer, relation)) &&
      (column === null || target.columns === null || target.columns.some((outer) => includesName(outer, column)))
    );
  return (
    opensVerb(target, verb, within) &&
    (target.on === null || target.on.some((outer) => includesRelation(outer, relation)))
  );
}

/** Whether the rule opens the verb on any relation. */
export function opensVerb(
  target: AccessTarget | StatementsTarget,
  verb: AccessVerb,
  within: StatementClass | null,
): boolean {
  if (target.kind === 'access') return target.verb === verb;
  const { classes } = target;
  if (classes === '*' || classes.includes(verb)) return true;
  return within !== null && classes.includes(within) && VERBS_OF_CLASS[within]?.includes(verb) === true;
}

/** A part of what a deny or hold rule is about. */
export type Bar =
  | {
      readonly kind: 'access';
      readonly verb: AccessVerb;
      readonly relation: RelationPattern;
      /** `null`: an access without columns; for a deny rule, only where it names none. */
      readonly column: NamePattern | null;
    }
  | {
      readonly kind: 'class';
      readonly class: StatementClass | '*';
      /** `null`: wherever, and where it reaches nothing. */
      readonly on: RelationPattern | null;
    };

export function barsOf(target: AccessTarget | StatementsTarget, withoutColumns: boolean): readonly Bar[] {
  if (target.kind === 'access') {
    const { verb, relations } = target;
    const bare = withoutColumns || target.columns === null;
    const columns = [...(target.columns ?? [ANY_NAME]), ...(bare ? [null] : [])];
    return relations.flatMap((relation) =>
      columns.map((column) => ({ kind: 'access' as const, verb, relation, column })),
    );
  }
  if (target.on === null) {
    const classes = target.classes === '*' ? (['*'] as const) : target.classes;
    return classes.map((one) => ({ kind: 'class', class: one, on: null }));
  }
  // Wherever it is about relations alone, `'*'` is every verb on them.
  if (target.classes === '*')
    return target.on.flatMap((relation) =>
      ACCESS_VERBS.flatMap((verb) =>
        [null, ANY_NAME].map((column) => ({ kind: 'access' as const, verb, relation, column })),
      ),
    );
  const { on, classes } = target;
  return classes.flatMap((one) => on.map((relation) => ({ kind: 'class' as const, class: one, on: relation })));
}

/** Classes of statements that `statements: '*'` does not hold where they run nothing, though their own name does. */
const RUNS_NOTHING: ReadonlySet<string> = new Set(['explain', 'transaction', 'session', 'prepared', 'cursor', 'empty']);

/** Whether a rule bars all that `bar` stands for. `hold`: as a hold rule, which is also about accesses without columns. */
export function bars(target: AccessTarget | StatementsTarget, bar: Bar, as: 'hold' | 'deny'): boolean {
  if (target.kind === 'access') {
    if (bar.kind !== 'access' || target.verb !== bar.verb) return false;
    if (!target.relations.some((relation) => includesRelation(relation, bar.relation))) return false;
    if (target.columns === null) return true;
    const { column } = bar;
    return column === null ? as === 'hold' : target.columns.some((outer) => includesName(outer, column));
  }
  const named = bar.kind === 'access' ? bar.verb : bar.class;
  const onAll = (relation: RelationPattern): boolean =>
    target.on === null || target.on.some((outer) => includesRelation(outer, relation));
  if (target.classes !== '*' && (named === '*' || !target.classes.includes(named))) return false;
  if (bar.kind === 'access') return onAll(bar.relation);
  if (bar.on !== null) return onAll(bar.on);
  if (target.on !== null) return false;
  return as === 'deny' || target.classes !== '*' || !RUNS_NOTHING.has(named);
}
