import type { Reason, SessionEffect, SqlOperation, StatementClass } from '@taskgate/core';
import type { CompiledPolicySet, CompiledRule } from './compile-policy-set.ts';
import { isSystemAccess } from './match-rule.ts';
import { matchesRelation } from './name-pattern.ts';
import { GATE, reasonOfRule, taskReference } from './reason.ts';
import { wouldAllowAtAll } from './would-allow.ts';

/** What must be in the accesses of a class: one that is not there is one that the analysis lost. */
const WRITES: Partial<Record<StatementClass, readonly string[]>> = {
  insert: ['insert'],
  update: ['update'],
  delete: ['delete'],
  truncate: ['truncate'],
  lock: ['lock'],
  merge: ['select', 'insert', 'update', 'delete'],
  'copy-from': ['insert'],
};

const EFFECTS: Partial<Record<StatementClass, readonly SessionEffect['kind'][]>> = {
  transaction: ['begin', 'commit', 'rollback', 'savepoint', 'release', 'rollback-to', 'set-transaction'],
  session: [
    'set',
    'reset',
    'reset-all',
    'show',
    'unlisten',
    'discard-all',
    'discard-plans',
    'discard-temp',
    'discard-sequences',
  ],
  prepared: ['prepare', 'execute', 'deallocate'],
  cursor: ['declare', 'fetch', 'close'],
};

/** Whether the class itself may run, its accesses apart: those are looked at in any case. */
export function checkClass(operation: SqlOperation, set: CompiledPolicySet): readonly Reason[] {
  const { statementClass, effect } = operation;
  const setting = effect === null ? [] : checkSetting(effect);
  if (setting.length > 0) return setting;
  const effects = EFFECTS[statementClass];
  if (effects === undefined ? effect !== null : effect === null || !effects.includes(effect.kind))
    return [notUnderstood(operation, 'it is not clear what it does to the connection')];
  switch (statementClass) {
    case 'select':
    case 'copy-to':
    case 'explain':
    case 'transaction':
    case 'session':
    case 'prepared':
    case 'cursor':
    case 'empty':
      return [];
    case 'insert':
    case 'update':
    case 'delete':
    case 'truncate':
    case 'lock':
    case 'merge':
    case 'copy-from': {
      const verbs = WRITES[statementClass]!;
      if (operation.accesses.some((access) => verbs.includes(access.verb))) return [];
      return [notUnderstood(operation, 'it is not clear which relation it is about')];
    }
    case 'create':
    case 'alter':
    case 'drop':
    case 'grant':
    case 'comment':
    case 'maintenance':
    case 'call':
    case 'notify':
    case 'other':
      if (set.allows.some((rule) => opensClass(rule, operation))) return [];
      return [
        reasonOfRule(
          'not-allowed',
          taskReference(set),
          `task \`${set.task.name}\` does not allow \`${operation.label}\``,
          wouldAllowAtAll(set),
        ),
      ];
    default:
      return [notUnderstood(operation, 'it is of no known class')];
  }
}

function notUnderstood(operation: SqlOperation, why: string): Reason {
  return reasonOfRule('not-understood', GATE, `\`${operation.label}\` is not understood: ${why}`);
}

/**
 * RESET ALL and DISCARD ALL need no rule: what the gate fixes is fixed as the connection starts, and they come back to
 * that. Settings such as the role, the search path or row security are what the gate itself stands on: no rule opens them.
 */
function checkSetting(effect: SessionEffect): readonly Reason[] {
  if (effect.kind === 'set' || effect.kind === 'reset') {
    if (effect.harmless === true) return [];
    return [
      reasonOfRule(
        'setting-not-allowed',
        GATE,
        `setting \`${effect.name}\` may not be changed here`,
        'leave it as the gate set it; display settings such as `datestyle` and `timezone` may be changed',
      ),
    ];
  }
  return [];
}

/** Whether a `statements` rule names the class; one with `on` needs something of that class on those relations. */
function opensClass({ target }: CompiledRule, operation: SqlOperation): boolean {
  if (target.kind !== 'statements') return false;
  const { classes, on } = target;
  if (operation.statementClass === 'other') return classes === '*' && on === null;
  if (classes !== '*' && !classes.includes(operation.statementClass)) return false;
  if (on === null) return true;
  const about = operation.accesses.filter(
    (access) => access.verb === operation.statementClass && !isSystemAccess(access),
  );
  return about.length > 0 && about.every(({ relation }) => on.some((pattern) => matchesRelation(pattern, relation)));
}
