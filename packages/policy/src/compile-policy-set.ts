import {
  type ApprovalTerms,
  type CatalogRelation,
  type ColumnName,
  DETECTOR_KINDS,
  type DetectorKind,
  MASK_NAMES,
  type MaskName,
  type Obligations,
  type PostgresCatalog,
  type Reason,
  type RelationName,
  type RuleReference,
  STATEMENT_CLASSES,
  strictestMask,
} from '@taskgate/core';
import { matchesFunction } from './function-pattern.ts';
import {
  type ColumnPattern,
  formatColumnPattern,
  formatRelationPattern,
  isSystemSchema,
  matchesColumn,
  matchesRelation,
} from './name-pattern.ts';
import { policyApplies, type ResourceFacts } from './policy-applies.ts';
import {
  type AllowRule,
  type DenyRule,
  type HoldRule,
  type MaskRule,
  type PolicyDocument,
  RULE_VERBS,
  type RuleSource,
  type RuleTarget,
  type TaskDocument,
} from './policy-document.ts';

export interface CompiledRule {
  readonly reference: RuleReference;
  readonly target: RuleTarget;
  readonly affectsMax: number | null;
  readonly approvals: ApprovalTerms | null;
  /** `max` of an allow rule, `above` of a hold or deny rule, in rows that the planner expects; `null`: no condition. */
  readonly estimate: number | null;
  readonly dryRun: true | null;
}

export interface CompiledMask {
  readonly reference: RuleReference;
  readonly pattern: ColumnPattern;
  readonly mask: MaskName;
}

/** A rule that does less than it seems to, for whoever wrote it. Never a reason to deny. */
export interface PolicyWarning {
  readonly reference: RuleReference;
  readonly message: string;
  /** As written, where the rule names a relation that the catalog does not have. */
  readonly unknownRelation?: string;
}

/** All that {@link decide} looks at besides the operation. Immutable; made once for a catalog and a set of revisions. */
export interface CompiledPolicySet {
  readonly task: { readonly name: string; readonly revision: number };
  /** The task's allow and hold rules: both allow. */
  readonly allows: readonly CompiledRule[];
  readonly holds: readonly CompiledRule[];
  readonly denies: readonly CompiledRule[];
  readonly masks: readonly CompiledMask[];
  /** Columns by the class that policies put them in. */
  readonly classes: ReadonlyMap<string, readonly ColumnPattern[]>;
  readonly columnMasks: Obligations['columnMasks'];
  readonly detectors: Obligations['detectors'];
  /**
   * The task allows every statement, no policy applies, and no rule takes anything away: there is nothing that a
   * statement could get around, so none has to be understood to be let through. It is recorded, not contained.
   */
  readonly unrestricted: boolean;
  /** Not empty: everything is denied. */
  readonly failures: readonly Reason[];
  readonly warnings: readonly PolicyWarning[];
  /** By {@link relationKey}. */
  readonly relations: ReadonlyMap<string, CatalogRelation>;
  /** What shares rows with a relation: parents and children, by inheritance or as partitions. By {@link relationKey}. */
  readonly kin: ReadonlyMap<string, readonly RelationName[]>;
  readonly isAllowedSystemRelation: (schema: string, name: string) => boolean;
}

export interface PolicySetInput {
  readonly task: { readonly name: string; readonly revision: number; readonly document: TaskDocument };
  /** Those that do not apply to the resource are left out here. */
  readonly policies: readonly { readonly name: string; readonly revision: number; readonly document: PolicyDocument }[];
  readonly resource: ResourceFacts;
  readonly catalog: PostgresCatalog;
  /** System relations that any task may read; none unless given. */
  readonly isAllowedSystemRelation?: (schema: string, name: string) => boolean;
}

/** A NUL cannot be in a name, so no two names share a key. */
export const relationKey = (relation: RelationName): string => `${relation.schema}\0${relation.name}`;

/**
 * Puts a task and its policies in the form that decisions are made on. Never throws: what cannot be compiled becomes
 * a failure, and a set with a failure denies everything.
 */
export function compilePolicySet(input: PolicySetInput): CompiledPolicySet {
  const failures: Reason[] = [];
  const warnings: PolicyWarning[] = [];
  const { task, resource, catalog } = input;
  const allows: CompiledRule[] = [];
  const holds: CompiledRule[] = [];
  const denies: CompiledRule[] = [];
  const masks: CompiledMask[] = [];
  const detectors = new Map<DetectorKind, MaskName>();
  const whole = (kind: 'task' | 'policy', of: { name: string; revision: number }): RuleReference => ({
    kind,
    name: of.name,
    revision: of.revision,
    rule: '',
    line: null,
  });
  const attempt = (reference: RuleReference, work: () => void): void => {
    try {
      work();
    } catch {
      const where = reference.rule === '' ? '' : `: \`${reference.rule}\``;
      failures.push({
        code: 'rule-failed',
        rule: reference,
        message: `${reference.kind} \`${reference.name}\` has a rule that cannot be used${where}`,
        wouldAllow: `nothing until the ${reference.kind} is corrected; ask its author`,
        position: null,
      });
    }
  };

  const applying = input.policies.filter((policy) => {
    let applies = true;
    attempt(whole('policy', policy), () => {
      applies = policyApplies(policy.document, resource);
    });
    return applies;
  });

  attempt(whole('task', task), () => {
    if (task.document.resource !== resource.name) throw new Error('a task of another resource');
  });

  const classes = new Map<string, ColumnPattern[]>();
  for (const policy of applying) {
    attempt(whole('policy', policy), () => {
      for (const rule of policy.document.classify)
        classes.set(rule.class, [...(classes.get(rule.class) ?? []), ...rule.columns]);
    });
  }

  const addMask = (reference: RuleReference, rule: MaskRule): void => {
    if (rule.kind === 'kinds') {
      for (const { kind, mask } of rule.kinds) {
        check(DETECTOR_KINDS.includes(kind) && MASK_NAMES.includes(mask));
        detectors.set(kind, strictestMask(detectors.get(kind) ?? null, mask)!);
      }
      return;
    }
    check(MASK_NAMES.includes(rule.mask));
    if (rule.kind === 'class' && !classes.has(rule.class))
      warnings.push({
        reference,
        message: `no policy here classifies a column as \`${rule.class}\`, so this masks nothing`,
      });
    const patterns = rule.kind === 'class' ? (classes.get(rule.class) ?? []) : rule.columns;
    for (const pattern of patterns) {
      // A pattern that cannot be matched must fail here, not in the middle of a decision.
      matchesColumn(pattern, { schema: '', relation: '', column: '' });
      masks.push({ reference, pattern, mask: rule.mask });
      if (
        !catalog.relations.some((relation) =>
          relation.columns.some((column) => matchesColumn(pattern, columnOf(relation, column.name))),
        )
      )
        warnings.push({ reference, message: `\`${formatColumnPattern(pattern)}\` is no column of the database` });
    }
  };

  const documents = [
    { kind: 'task' as const, of: task, document: task.document },
    ...applying.map((policy) => ({ kind: 'policy' as const, of: policy, document: policy.document })),
  ];
  for (const { kind, of, document } of documents) {
    const reference = (source: RuleSource): RuleReference => ({
      ...whole(kind, of),
      rule: source.path,
      line: source.line,
    });
    const each = <R extends { readonly source: RuleSource }>(
      list: () => readonly R[],
      work: (rule: R, at: RuleReference) => void,
    ): void => {
      attempt(whole(kind, of), () => {
        for (const rule of list()) {
          const at = reference(rule.source);
          attempt(at, () => work(rule, at));
        }
      });
    };
    const add = (to: CompiledRule[], rule: AllowRule | HoldRule | DenyRule, at: RuleReference): void => {
      checkTarget(rule.target);
      const affectsMax = 'affectsMax' in rule ? rule.affectsMax : null;
      const approvals = 'approvals' in rule ? rule.approvals : null;
      check(affectsMax === null || (Number.isSafeInteger(affectsMax) && affectsMax >= 0));
      check(approvals === null || (approvals.from.length > 0 && approvals.count >= 1 && approvals.timeoutMs > 0));
      const estimate =
        ('estimateMax' in rule ? rule.estimateMax : null) ??
        ('estimateAbove' in rule ? rule.estimateAbove : null) ??
        null;
      check(estimate === null || (Number.isSafeInteger(estimate) && estimate >= 0));
      const dryRun = 'dryRun' in rule && rule.dryRun === true ? true : null;
      to.push({ reference: at, target: rule.target, affectsMax, approvals, estimate, dryRun });
      const named =
        rule.target.kind === 'access'
          ? rule.target.relations
          : rule.target.kind === 'statements'
            ? (rule.target.on ?? [])
            : [];
      for (const pattern of named) {
        if (
          pattern.schema.exact &&
          pattern.name.exact &&
          !isSystemSchema(pattern.schema.text) &&
          !catalog.relations.some((relation) => matchesRelation(pattern, relation))
        )
          warnings.push({
            reference: at,
            message: `\`${formatRelationPattern(pattern)}\` is no relation of the database`,
            unknownRelation: formatRelationPattern(pattern),
          });
      }
    };
    if (document.kind === 'Task')
      each(
        () => document.allow,
        (rule, at) => add(allows, rule, at),
      );
    each(
      () => document.hold,
      (rule, at) => {
        check(rule.approvals !== null && rule.target.kind !== ('functions' as string));
        add(holds, rule, at);
        if (kind === 'task') allows.push(holds.at(-1)!);
      },
    );
    each(
      () => document.deny,
      (rule, at) => add(denies, rule, at),
    );
    each(
      () => document.mask,
      (rule, at) => addMask(at, rule),
    );
  }

  const kin = kinOf(catalog);
  const columnMasks = catalog.relations.flatMap((relation) =>
    relation.columns.flatMap(({ name, attnum }) => {
      const column = columnOf(relation, name);
      const mask = strictestOf(masks, kin, column)?.mask ?? null;
      return mask === null ? [] : [{ relationOid: relation.oid, attnum, column, mask }];
    }),
  );

  return {
    task: { name: task.name, revision: task.revision },
    unrestricted: failures.length === 0 && applying.length === 0 && takesNothingAway(task.document, allows),
    allows,
    holds,
    denies,
    masks,
    classes,
    columnMasks,
    detectors: DETECTOR_KINDS.flatMap((kind) => {
      const mask = detectors.get(kind);
      return mask === undefined ? [] : [{ kind, mask }];
    }),
    failures,
    warnings,
    relations: new Map(catalog.relations.map((relation) => [relationKey(relation), relation])),
    kin,
    isAllowedSystemRelation: input.isAllowedSystemRelation ?? (() => false),
  };
}

/** It allows every statement, and has no rule that denies, holds, masks, looks for something or counts. */
function takesNothingAway(task: TaskDocument, allows: readonly CompiledRule[]): boolean {
  return (
    [task.hold, task.deny, task.mask].every((rules) => rules.length === 0) &&
    allows.every(isUnconditional) &&
    allows.some(({ target }) => target.kind === 'statements' && target.classes === '*' && target.on === null)
  );
}

/** Whatever else a rule may carry, now or later, is a condition or a limit: `null` where it has none. */
function isUnconditional({ reference: _reference, target: _target, ...conditions }: CompiledRule): boolean {
  return Object.values(conditions).every((condition) => condition === null);
}

function columnOf(relation: RelationName, column: string): ColumnName {
  return { schema: relation.schema, relation: relation.name, column };
}

function strictestOf(
  masks: readonly CompiledMask[],
  kin: CompiledPolicySet['kin'],
  column: ColumnName,
): CompiledMask | null {
  const same = { schema: column.schema, name: column.relation };
  const columns = [same, ...(kin.get(relationKey(same)) ?? [])].map((relation) => columnOf(relation, column.column));
  let strictest: CompiledMask | null = null;
  for (const mask of masks) {
    if (!columns.some((one) => matchesColumn(mask.pattern, one))) continue;
    if (strictest === null || (strictest.mask !== mask.mask && strictestMask(strictest.mask, mask.mask) === mask.mask))
      strictest = mask;
  }
  return strictest;
}

/** The strictest mask on a column, or on the same column of a relation that shares its rows. */
export function maskOfColumn(set: CompiledPolicySet, column: ColumnName): CompiledMask | null {
  return strictestOf(set.masks, set.kin, column);
}

function check(condition: boolean): asserts condition {
  if (!condition) throw new Error('a rule that cannot be compiled');
}

function checkTarget(target: RuleTarget): void {
  const probe = { schema: '', name: '' };
  switch (target.kind) {
    case 'access':
      check(RULE_VERBS.includes(target.verb));
      for (const pattern of target.relations) matchesRelation(pattern, probe);
      check(target.columns === null || target.columns.every((column) => typeof column.text === 'string'));
      return;
    case 'statements':
      check(target.classes === '*' || target.classes.every((one) => STATEMENT_CLASSES.includes(one)));
      for (const pattern of target.on ?? []) matchesRelation(pattern, probe);
      return;
    case 'functions':
      for (const pattern of target.functions) matchesFunction(pattern, { ...probe, arguments: [] });
      return;
    default:
      check(false);
  }
}

/** A parent shows its children's rows, and a child holds some of its parent's: a rule on one is about the other. */
function kinOf(catalog: PostgresCatalog): ReadonlyMap<string, readonly RelationName[]> {
  const byOid = new Map(catalog.relations.map((relation) => [relation.oid, relation]));
  const kin = new Map<string, Map<string, RelationName>>();
  const link = (a: RelationName, b: RelationName): void => {
    const known = kin.get(relationKey(a)) ?? new Map<string, RelationName>();
    known.set(relationKey(b), { schema: b.schema, name: b.name });
    kin.set(relationKey(a), known);
  };
  for (const relation of catalog.relations) {
    const seen = new Set<number>();
    const open = [...relation.parents];
    for (let oid = open.pop(); oid !== undefined; oid = open.pop()) {
      const parent = byOid.get(oid);
      if (!parent || seen.has(oid)) continue;
      seen.add(oid);
      link(relation, parent);
      link(parent, relation);
      open.push(...parent.parents);
    }
  }
  return new Map([...kin].map(([key, relations]) => [key, [...relations.values()]]));
}
