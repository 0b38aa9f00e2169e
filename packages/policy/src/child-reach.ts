import { ACCESS_VERBS, type AccessVerb, type StatementClass } from '@taskgate/core';
import type { RuleSource, TaskDocument } from './policy-document.ts';
import { type Bar, type Opening, openingsOf } from './rule-atoms.ts';

/** Classes that only a `statements` rule opens, and that need reach no relation. */
export const RULED_CLASSES: readonly StatementClass[] = [
  'create',
  'alter',
  'drop',
  'grant',
  'comment',
  'maintenance',
  'call',
  'notify',
];

/** What an access of a verb can reach without being named: a view's relations, and what foreign keys write for it. */
const REACHED: Partial<Record<AccessVerb, readonly AccessVerb[]>> = {
  insert: ['insert', 'select'],
  update: ['update', 'select'],
  delete: ['delete', 'update', 'select'],
  truncate: ['truncate', 'select'],
  lock: ['lock', 'select'],
};
const reaches = (verb: AccessVerb, other: AccessVerb): boolean => (REACHED[verb] ?? [verb]).includes(other);

export interface OpeningOfRule extends Opening {
  readonly source: RuleSource;
}

/** Every part that the document's rules open of relations. */
export function openingsOfTask({ allow, hold }: Pick<TaskDocument, 'allow' | 'hold'>): readonly OpeningOfRule[] {
  return [...allow, ...hold].flatMap(({ target, source }) =>
    target.kind === 'functions' ? [] : openingsOf(target).map((opening) => ({ ...opening, source })),
  );
}

/** The verbs of accesses that make a bar match, and whether it can match a statement that reaches nothing. */
function entriesOf(bar: Bar, task: TaskDocument): { readonly verbs: readonly AccessVerb[]; readonly bare: boolean } {
  if (bar.kind === 'access') return { verbs: [bar.verb], bare: false };
  const opensClass = (isNamed: (classes: readonly StatementClass[] | '*') => boolean): boolean =>
    [...task.allow, ...task.hold].some(({ target }) => target.kind === 'statements' && isNamed(target.classes));
  const callsFunctions = task.allow.some(({ target }) => target.kind === 'functions');
  const one = bar.class;
  switch (one) {
    case '*':
      return {
        verbs: ACCESS_VERBS,
        bare:
          callsFunctions ||
          opensClass((classes) => classes === '*' || classes.some((named) => RULED_CLASSES.includes(named))),
      };
    case 'select':
    case 'copy-to':
      return { verbs: ACCESS_VERBS, bare: callsFunctions || opensClass((classes) => classes === '*') };
    case 'insert':
    case 'update':
    case 'delete':
    case 'truncate':
    case 'lock':
      return { verbs: [one], bare: false };
    case 'copy-from':
      return { verbs: ['insert'], bare: false };
    case 'merge':
      return { verbs: ['select', 'insert', 'update', 'delete'], bare: false };
    case 'create':
    case 'alter':
    case 'drop':
    case 'grant':
    case 'comment':
    case 'maintenance':
    case 'call':
    case 'notify':
      return { verbs: [], bare: opensClass((classes) => classes === '*' || classes.includes(one)) };
    case 'other':
      return { verbs: [], bare: opensClass((classes) => classes === '*') };
    default:
      return { verbs: [], bare: true }; // begin, set, fetch and the like need no rule
  }
}

/**
 * Verbs by which a statement that the task lets through could come to be about the bar. `null`: without any relation,
 * so that nothing can be said. Whether a name is a view is not known, so each may be one.
 */
export function waysTo(bar: Bar, task: TaskDocument): ((verb: AccessVerb) => boolean) | null {
  const { verbs, bare } = entriesOf(bar, task);
  return bare ? null : (verb) => verbs.some((one) => reaches(verb, one));
}
