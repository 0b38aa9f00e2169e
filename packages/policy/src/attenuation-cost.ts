import type { RuleTarget, TaskDocument } from './policy-document.ts';
import { classesOf } from './rule-atoms.ts';

const MAX_COST = 5_000_000;

interface Size {
  /** Patterns as they are written. */
  readonly patterns: number;
  /** Parts that are compared one by one: each relation with each column or class. */
  readonly parts: number;
}

/**
 * Whether the two would take too long to compare: a rule of a thousand relations and a thousand columns has a million
 * parts, and the comparison runs in the process that serves everybody.
 */
export function isTooCostly(parent: TaskDocument, child: TaskDocument): boolean {
  const [outer, inner] = [sizeOf(parent), sizeOf(child)];
  const passes = 1 + parent.hold.length + parent.allow.filter(({ affectsMax }) => affectsMax !== null).length;
  return (
    passes * inner.parts * (outer.patterns + inner.patterns) + outer.parts * (inner.patterns + inner.parts) > MAX_COST
  );
}

function sizeOf({ allow, hold, deny, mask }: TaskDocument): Size {
  const sizes = [
    ...[...allow, ...hold, ...deny].map(({ target }) => sizeOfTarget(target)),
    ...mask.map((rule) => {
      const patterns = rule.kind === 'columns' ? rule.columns.length : rule.kind === 'kinds' ? rule.kinds.length : 1;
      return { patterns, parts: patterns };
    }),
  ];
  return {
    patterns: sizes.reduce((sum, one) => sum + one.patterns, 0),
    parts: sizes.reduce((sum, one) => sum + one.parts, 0),
  };
}

function sizeOfTarget(target: RuleTarget): Size {
  switch (target.kind) {
    case 'access': {
      const columns = target.columns?.length ?? 0;
      return { patterns: target.relations.length + columns, parts: target.relations.length * (columns + 1) };
    }
    case 'statements': {
      const on = target.on?.length ?? 1;
      return { patterns: on + 1, parts: on * classesOf(target).length };
    }
    case 'functions':
      return { patterns: target.functions.length, parts: target.functions.length };
  }
}
