import {
  type Decision,
  type FunctionCandidate,
  MASK_NAMES,
  type MaskName,
  type PostgresCatalog,
  type RelationAccess,
  type RelationName,
  type SqlOperation,
} from '@taskgate/core';
import type { FunctionPattern } from './function-pattern.ts';
import type { ColumnPattern, NamePattern, RelationPattern } from './name-pattern.ts';
import type { HoldRule, PolicyDocument, RuleTarget, TaskDocument } from './policy-document.ts';

// For tests only. What `decide` must say, written a second time from the rules' meaning: slow, without compiling,
// without messages, sharing none of its code. Where the two differ, one of them is wrong.

export interface OracleInput {
  readonly task: TaskDocument;
  /** Those that apply. */
  readonly policies: readonly PolicyDocument[];
  readonly catalog: PostgresCatalog;
  readonly isAllowedSystemRelation: (schema: string, name: string) => boolean;
}

export interface OracleAnswer {
  readonly outcome: Decision['outcome'];
  readonly outputMasks: readonly (MaskName | null)[];
  readonly affectsMax: number | null;
}

const isName = (pattern: NamePattern, name: string): boolean =>
  pattern.exact
    ? pattern.text === name
    : new RegExp(
        `^${pattern.text
          .split('*')
          .map((part) => part.replace(/[^a-z0-9]/gi, '\\$&'))
          .join('.*')}$`,
        'su',
      ).test(name);
const isSystem = (schema: string): boolean => /^(pg_catalog$|information_schema$|pg_toast)/.test(schema);
const isRelation = (pattern: RelationPattern, { schema, name }: RelationName): boolean =>
  isName(pattern.schema, schema) && isName(pattern.name, name) && (pattern.schema.exact || !isSystem(schema));
const isFunction = (pattern: FunctionPattern, one: FunctionCandidate): boolean =>
  isRelation(pattern, one) &&
  (pattern.arguments === null || `${pattern.arguments}` === (one.arguments === null ? 'none' : `${one.arguments}`));

export function oracle(operation: SqlOperation, input: OracleInput, rows = Infinity): OracleAnswer {
  const { task, policies, catalog } = input;
  const denied: OracleAnswer = {
    outcome: 'deny',
    outputMasks: (operation.output ?? []).map(() => 'redact'),
    affectsMax: 0,
  };
  const takesAway = [task.hold, task.deny, task.mask, policies].some((list) => list.length > 0);
  const opensAll = task.allow.some(
    ({ target }) => target.kind === 'statements' && target.classes === '*' && target.on === null,
  );
  const isPlain = task.allow.every(
    ({ affectsMax, estimateMax }) => affectsMax === null && (estimateMax ?? null) === null,
  );
  if (opensAll && !takesAway && isPlain) {
    if (operation.unknowns.some(({ code }) => code === 'outside')) return denied;
    if (operation.functions.some(({ name }) => /^(pg_read_.*|dblink.*|lo_import)$/.test(name))) return denied;
    return { outcome: 'allow', outputMasks: (operation.output ?? []).map(() => null), affectsMax: null };
  }
  if (operation.unknowns.length > 0) return denied;

  const all = [task, ...policies];
  const system = (access: RelationAccess): boolean => access.system || isSystem(access.relation.schema);
  const deep = (access: RelationAccess): RelationAccess[] => [access, ...access.expands.flatMap(deep)];
  const reached = operation.accesses.flatMap(deep);

  // Relations that share rows, by walking the parents both ways.
  const find = ({ schema, name }: RelationName) =>
    catalog.relations.find((one) => one.schema === schema && one.name === name);
  const above = (oid: number): number[] =>
    catalog.relations
      .filter((one) => one.oid === oid)
      .flatMap(({ parents }) => parents.flatMap((parent) => [parent, ...above(parent)]));
  const related = (relation: RelationName): RelationName[] => {
    const self = find(relation);
    if (!self) return [relation];
    const ancestors = above(self.oid);
    return [
      relation,
      ...catalog.relations.filter((one) => ancestors.includes(one.oid) || above(one.oid).includes(self.oid)),
    ];
  };
  const about = (patterns: readonly RelationPattern[], relation: RelationName): boolean =>
    related(relation).some((one) => patterns.some((pattern) => isRelation(pattern, one)));

  // Masks.
  const classified = (name: string): readonly ColumnPattern[] =>
    policies.flatMap(({ classify }) =>
      classify.filter((rule) => rule.class === name).flatMap(({ columns }) => columns),
    );
  const columnMasks = all.flatMap(({ mask }) =>
    mask.flatMap((rule) => {
      if (rule.kind === 'kinds') return [];
      const patterns = rule.kind === 'class' ? classified(rule.class) : rule.columns;
      return patterns.map((pattern) => ({ pattern, mask: rule.mask }));
    }),
  );
  const maskOf = (column: { schema: string; relation: string; column: string }): MaskName | null =>
    MASK_NAMES.findLast((mask) =>
      columnMasks.some(
        (one) =>
          one.mask === mask &&
          related({ schema: column.schema, name: column.relation }).some((relation) =>
            isRelation(one.pattern, relation),
          ) &&
          isName(one.pattern.column, column.column),
      ),
    ) ?? null;
  const outputMasks = (operation.output ?? []).map(
    ({ sources }) => MASK_NAMES.findLast((mask) => sources.some((source) => maskOf(source) === mask)) ?? null,
  );
  const detects = all.some(({ mask }) => mask.some((rule) => rule.kind === 'kinds' && rule.kinds.length > 0));

  // What the task's rules open.
  const every = [...task.allow, ...task.hold];
  const opening = [...task.allow.filter(({ estimateMax }) => rows <= (estimateMax ?? Infinity)), ...task.hold];
  const isAbove = ({ estimateAbove }: { readonly estimateAbove?: number | null }): boolean =>
    rows > (estimateAbove ?? -1);
  const needed = { 'copy-to': ['select'], 'copy-from': ['insert'], merge: ['select', 'insert', 'update', 'delete'] };
  const opens = (target: RuleTarget, access: RelationAccess): boolean => {
    if (target.kind === 'functions') return false;
    if (target.kind === 'access')
      return target.verb === access.verb && target.relations.some((one) => isRelation(one, access.relation));
    if (target.on !== null && !target.on.some((one) => isRelation(one, access.relation))) return false;
    if (target.classes === '*' || target.classes.includes(access.verb)) return true;
    const { statementClass } = operation;
    const verbs = Object.hasOwn(needed, statementClass) ? needed[statementClass as keyof typeof needed] : [];
    return target.classes.includes(statementClass) && verbs.includes(access.verb);
  };
  const opensColumn = (target: RuleTarget, access: RelationAccess, column: string): boolean =>
    opens(target, access) &&
    (target.kind !== 'access' || target.columns === null || target.columns.some((one) => isName(one, column)));
  const isOpen = (access: RelationAccess): boolean => {
    if (system(access))
      return access.verb === 'select' && input.isAllowedSystemRelation(access.relation.schema, access.relation.name);
    const named =
      opening.some(({ target }) => opens(target, access)) &&
      access.columns.every((column) => opening.some(({ target }) => opensColumn(target, access, column)));
    const { verb, expands } = access;
    const isWritten = verb === 'select' || expands.some((inner) => inner.verb === verb);
    return named || (isWritten && expands.every(isOpen) && !expands.every(system));
  };
  if (!operation.accesses.every(isOpen)) return denied;

  // Where anything is masked, neither unseen code nor another name for it.
  const isMasked = (relation: RelationName): boolean =>
    (find(relation)?.columns ?? []).some(
      ({ name }) => maskOf({ schema: relation.schema, relation: relation.name, column: name }) !== null,
    );
  const anyMasked = catalog.relations.some(isMasked);
  if (anyMasked) {
    const { statementClass, label } = operation;
    if (statementClass === 'other') return denied;
    if (statementClass === 'create' && label !== 'CREATE TABLE') return denied;
    if (statementClass === 'alter' && (reached.length === 0 || reached.some(({ relation }) => isMasked(relation))))
      return denied;
  }

  const everything = opening.some(
    ({ target }) => target.kind === 'statements' && target.classes === '*' && target.on === null,
  );
  for (const { name, candidates } of operation.functions) {
    if (/^(set_config|pg_read_.*|dblink.*|lo_import|query_to_xml)$/.test(name)) return denied;
    const open = candidates.every(
      (one) =>
        one.harmless ||
        (everything && (one.schema === 'pg_catalog' || !anyMasked)) ||
        opening.some(
          ({ target }) =>
            target.kind === 'functions' &&
            target.functions.some(
              (pattern) => isFunction(pattern, one) && (!one.guarded || (pattern.schema.exact && pattern.name.exact)),
            ),
        ),
    );
    if (!open) return denied;
  }

  // The class and what it does to the connection.
  const { statementClass, effect } = operation;
  const kind = effect?.kind ?? 'none';
  const expected: Record<string, RegExp> = {
    transaction: /^(begin|commit|rollback|savepoint|release|rollback-to|set-transaction)$/,
    session: /^(set|reset|reset-all|show|discard-.*)$/,
    prepared: /^(prepare|execute|deallocate)$/,
    cursor: /^(declare|fetch|close)$/,
  };
  if (!(expected[statementClass] ?? /^none$/).test(kind)) return denied;
  if (effect !== null && (effect.kind === 'set' || effect.kind === 'reset') && effect.harmless !== true) return denied;
  if (
    /^(insert|update|delete|truncate|lock)$/.test(statementClass) &&
    !operation.accesses.some(({ verb }) => verb === statementClass)
  )
    return denied;
  if (statementClass === 'copy-from' && !operation.accesses.some(({ verb }) => verb === 'insert')) return denied;
  if (
    statementClass === 'merge' &&
    !operation.accesses.some(({ verb }) => /^(select|insert|update|delete)$/.test(verb))
  )
    return denied;
  if (statementClass === 'other' && !everything) return denied;
  if (/^(create|alter|drop|grant|comment|maintenance|call|notify)$/.test(statementClass)) {
    const named = opening.some(({ target }) => {
      if (target.kind !== 'statements' || (target.classes !== '*' && !target.classes.includes(statementClass)))
        return false;
      if (target.on === null) return true;
      const own = operation.accesses.filter((access) => access.verb === statementClass && !system(access));
      return own.length > 0 && own.every(({ relation }) => target.on!.some((one) => isRelation(one, relation)));
    });
    if (!named) return denied;
  }

  // Denials by rule.
  const touches = (target: RuleTarget, access: RelationAccess, bare: boolean): boolean => {
    if (target.kind === 'functions') return false;
    if (target.kind === 'access') {
      if (target.verb !== access.verb || !about(target.relations, access.relation)) return false;
      if (target.columns === null) return true;
      return access.columns.length === 0
        ? bare
        : access.columns.some((column) => target.columns!.some((one) => isName(one, column)));
    }
    const named =
      target.classes === '*' || target.classes.includes(access.verb) || target.classes.includes(statementClass);
    return named && (target.on === null || about(target.on, access.relation));
  };
  const isDenied = all.some(({ deny }) =>
    deny.filter(isAbove).some(({ target }) => {
      if (target.kind === 'functions')
        return operation.functions.some(({ candidates }) =>
          candidates.some((candidate) => target.functions.some((one) => isFunction(one, candidate))),
        );
      const byClass =
        target.kind === 'statements' &&
        target.on === null &&
        (target.classes === '*' || target.classes.includes(statementClass));
      return byClass || reached.some((access) => touches(target, access, false));
    }),
  );
  if (isDenied) return denied;

  // Masked columns are shown or not touched at all.
  if (operation.uses.some(({ column }) => maskOf(column) !== null)) return denied;
  if (
    (operation.output ?? []).some(({ plain, sources }) => !plain && sources.some((source) => maskOf(source) !== null))
  )
    return denied;
  if (operation.copy?.direction === 'out') {
    const lost = operation.accesses.some(({ relation, columns }) =>
      columns.some((column) => maskOf({ schema: relation.schema, relation: relation.name, column }) !== null),
    );
    if (operation.output === null && lost) return denied;
    if (operation.copy.format === 'binary' && (detects || outputMasks.some((mask) => mask !== null))) return denied;
  }

  // Counted writes.
  const holding: readonly HoldRule[] = all.flatMap(({ hold }) => hold);
  const writes =
    statementClass === 'explain' || effect !== null
      ? []
      : reached.filter(({ verb }) => /^(insert|update|delete|truncate)$/.test(verb));
  const limits = [
    ...every.filter(({ target }) =>
      writes.some(
        (access) =>
          opens(target, access) &&
          (access.columns.length === 0 || access.columns.some((column) => opensColumn(target, access, column))),
      ),
    ),
    ...holding.filter(({ target }) => writes.some((access) => touches(target, access, true))),
  ].flatMap(({ affectsMax }) => (affectsMax === null ? [] : [affectsMax]));
  if (limits.length > 0 && !operation.countsItsWrite) return denied;
  const affectsMax = limits.length === 0 ? null : Math.min(...limits);

  // Statements within.
  const inner = effect?.kind === 'prepare' || effect?.kind === 'declare' ? effect.statement : null;
  if (inner !== null && oracle(inner, input, rows).outcome === 'deny') return denied;

  // Holds.
  const holds = [...heldBy(operation, holding.filter(isAbove), touches, system, deep)];
  if (inner !== null && kind === 'declare') holds.push(...heldByInner(inner, input, isAbove));
  if (holds.length > 0) {
    const groups = holds[0]!.approvals.from.filter((group) =>
      holds.every(({ approvals }) => approvals.from.includes(group)),
    );
    return groups.length === 0 ? denied : { outcome: 'hold', outputMasks, affectsMax };
  }
  return { outcome: 'allow', outputMasks, affectsMax };
}

/** A DECLARE is held for what its own statement would be held for. */
function heldByInner(
  inner: SqlOperation,
  input: OracleInput,
  isAbove: (rule: HoldRule) => boolean,
): readonly HoldRule[] {
  const one = (rule: HoldRule): boolean => {
    // One hold rule at a time, on a task that opens everything and masks nothing: held is then this rule's doing.
    const open: TaskDocument = {
      ...input.task,
      allow: [{ source: rule.source, target: { kind: 'statements', classes: '*', on: null }, affectsMax: null }],
      hold: [],
      deny: [],
      mask: [],
    };
    const only = { ...input.policies[0]!, classify: [], deny: [], mask: [], hold: [{ ...rule, affectsMax: null }] };
    const free = { ...inner, effect: null, functions: inner.functions, uses: [], copy: null };
    return oracle(free, { ...input, task: open, policies: [only as PolicyDocument] }).outcome === 'hold';
  };
  return [input.task, ...input.policies].flatMap(({ hold }) => hold.filter(isAbove).filter(one));
}

function heldBy(
  operation: SqlOperation,
  holding: readonly HoldRule[],
  touches: (target: RuleTarget, access: RelationAccess, bare: boolean) => boolean,
  system: (access: RelationAccess) => boolean,
  deep: (access: RelationAccess) => RelationAccess[],
): readonly HoldRule[] {
  const { statementClass, effect } = operation;
  const idle = statementClass === 'explain' || (effect !== null && effect.kind !== 'declare');
  const isRead = /^(select|copy-to|explain)$/.test(statementClass);
  const free =
    (isRead || /^(transaction|session|prepared|cursor|empty)$/.test(statementClass)) &&
    operation.accesses.every(system) &&
    operation.functions.every(({ harmless }) => harmless);
  return holding.filter(({ target }) => {
    const byAccess =
      !idle &&
      operation.accesses
        .flatMap(deep)
        .filter((access) => !system(access))
        .some((access) => touches(target, access, true));
    if (byAccess) return true;
    if (target.kind !== 'statements' || target.on !== null) return false;
    if (target.classes === '*') return !free && !idle;
    return target.classes.includes(statementClass) && !(free && isRead);
  });
}
