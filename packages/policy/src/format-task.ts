import { type ApprovalTerms, formatDurationMs } from '@taskgate/core';
import { stringify } from 'yaml';
import { formatBytes } from './format-bytes.ts';
import { type FunctionPattern, formatFunctionPattern } from './function-pattern.ts';
import { formatColumnPattern, formatNamePattern, formatRelationPattern } from './name-pattern.ts';
import type { AllowRule, DenyRule, HoldRule, MaskRule, RuleTarget, TaskDocument } from './policy-document.ts';

type Yaml = Readonly<Record<string, unknown>>;

/** The task as YAML that parses to the same document: one text for one meaning, without comments. */
export function formatTask(task: TaskDocument): string {
  const { who, access, limits, record } = task;
  const document = {
    kind: task.kind,
    name: task.name,
    purpose: task.purpose,
    resource: task.resource,
    who: withoutEmpty({ groups: who.groups, machines: who.machines, agents: who.agents }),
    access: withoutEmpty({
      reason: access.reasonRequired ? 'required' : null,
      ticket: access.ticketRequired ? 'required' : null,
      approvals: access.approvals && approvals(access.approvals),
      ttl: formatDurationMs(access.ttlMs),
      when: access.when,
      'step-up': access.stepUp === 'none' ? null : access.stepUp,
    }),
    allow: task.allow.map(allowRule),
    hold: task.hold.map(holdRule),
    deny: task.deny.map(denyRule),
    mask: task.mask.flatMap(maskRules),
    limits: withoutEmpty({
      rows: limits.rows,
      bytes: limits.bytes === null ? null : formatBytes(limits.bytes),
      statements: limits.statements,
      duration: duration(limits.durationMs),
      statement: duration(limits.statementMs),
      idle: duration(limits.idleMs),
      connections: limits.connections,
    }),
    record: {
      ...withoutEmpty({ results: record.results, durability: record.durability }),
      // Nobody reads them: not the same as saying nothing.
      ...(record.readers === null ? {} : { readers: record.readers }),
      ...withoutEmpty({ keep: duration(record.keepMs) }),
    },
  };
  return stringify(document, { version: '1.2', schema: 'core', lineWidth: 0, aliasDuplicateObjects: false });
}

const duration = (ms: number | null): string | null => (ms === null ? null : formatDurationMs(ms));

function withoutEmpty(fields: Yaml): Yaml {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== null && !(Array.isArray(value) && value.length === 0)),
  );
}

const approvals = ({ from, count, timeoutMs, explicitTimeout, stepUp }: ApprovalTerms): Yaml => ({
  from,
  count,
  ...(explicitTimeout === true ? { timeout: formatDurationMs(timeoutMs) } : {}),
  ...(stepUp === true ? { 'step-up': true } : {}),
});

function target(about: RuleTarget): Yaml {
  switch (about.kind) {
    case 'access':
      return {
        [about.verb]: about.relations.map(formatRelationPattern),
        ...(about.columns === null ? {} : { columns: about.columns.map(formatNamePattern) }),
      };
    case 'statements':
      return {
        statements: about.classes,
        ...(about.on === null ? {} : { on: about.on.map(formatRelationPattern) }),
      };
    case 'functions':
      return { functions: about.functions.map(functionName) };
  }
}

/** `*` alone is no function pattern, though `*.*` is one. */
const functionName = (pattern: FunctionPattern): string => {
  const text = formatFunctionPattern(pattern);
  return text === '*' ? '*.*' : text;
};

const affects = (max: number | null): Yaml => (max === null ? {} : { affects: { max } });
const estimate = (key: 'max' | 'above', rows: number | null | undefined): Yaml =>
  typeof rows === 'number' ? { estimate: { [key]: rows } } : {};

const allowRule = (rule: AllowRule): Yaml => ({
  ...target(rule.target),
  ...affects(rule.affectsMax),
  ...estimate('max', rule.estimateMax),
});

const holdRule = (rule: HoldRule): Yaml => ({
  ...target(rule.target),
  ...affects(rule.affectsMax),
  ...estimate('above', rule.estimateAbove),
  ...(rule.dryRun === true ? { dryRun: true } : {}),
  approvals: approvals(rule.approvals),
});

const denyRule = (rule: DenyRule): Yaml => ({
  ...target(rule.target),
  ...estimate('above', rule.estimateAbove),
});

function maskRules(rule: MaskRule): readonly Yaml[] {
  switch (rule.kind) {
    case 'columns':
      return [{ columns: rule.columns.map(formatColumnPattern), as: rule.mask }];
    case 'class':
      return [{ class: rule.class, as: rule.mask }];
    case 'kinds': {
      // As it is written, a rule has one mask for all of its kinds.
      const masks = [...new Set(rule.kinds.map(({ mask }) => mask))];
      return masks.map((mask) => ({
        kinds: rule.kinds.filter((one) => one.mask === mask).map(({ kind }) => kind),
        as: mask,
      }));
    }
  }
}
