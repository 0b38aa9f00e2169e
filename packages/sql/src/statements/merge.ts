import type { Env } from '../env.ts';
import { evaluate } from '../expressions.ts';
import { analyzeFromItem } from '../from-clause.ts';
import { eitherOf, type Lineage, NO_SOURCE } from '../lineage.ts';
import { bodyAt, type Fields, nodeAt, nodesAt, textAt } from '../node.ts';
import { NO_RESULT, type QueryResult } from '../query-result.ts';
import type { Scope } from '../scope.ts';
import { analyzeWith } from '../with-clause.ts';
import {
  analyzeReturning,
  evaluateAssignments,
  noteWrite,
  noteWritten,
  resolveWriteTarget,
  type WriteTarget,
} from './write-target.ts';

/** All branches count, whichever of them a row would take. */
export function analyzeMerge(env: Env, merge: Fields, outer: Scope): QueryResult {
  const level: Scope = { items: [], ctes: analyzeWith(env, bodyAt(merge, 'withClause'), outer), parent: outer };
  const target = resolveWriteTarget(env, merge, 'merge');
  const source = nodeAt(merge, 'sourceRelation');
  const others = source === null ? [] : [analyzeFromItem(env, source, level, [])];
  if (target === null) return NO_RESULT;
  const scope: Scope = { ...level, items: [target.item, ...others] };
  const condition = nodeAt(merge, 'joinCondition');
  if (condition !== null) evaluate(env, condition, scope, 'predicate');
  const assigned = new Map<string, Lineage>();
  for (const { fields } of nodesAt(merge, 'mergeWhenClauses')) {
    const when = nodeAt(fields, 'condition');
    if (when !== null) evaluate(env, when, scope, 'predicate');
    for (const [name, lineage] of analyzeBranch(env, fields, target, scope)) {
      assigned.set(name, eitherOf([assigned.get(name) ?? NO_SOURCE, lineage]));
    }
  }
  return analyzeReturning(env, merge, target, assigned, others, level, true);
}

function analyzeBranch(env: Env, when: Fields, target: WriteTarget, scope: Scope): ReadonlyMap<string, Lineage> {
  const targets = nodesAt(when, 'targetList');
  const none = new Map<string, Lineage>();
  switch (textAt(when, 'commandType')) {
    case 'CMD_UPDATE':
      noteWrite(env, target, 'update', targets);
      return evaluateAssignments(env, targets, scope);
    case 'CMD_DELETE':
      noteWrite(env, target, 'delete', []);
      return none;
    case 'CMD_INSERT': {
      if (targets.length > 0) noteWrite(env, target, 'insert', targets);
      else
        noteWritten(
          env,
          target,
          'insert',
          target.columns.map((column) => column.name),
        );
      const names =
        targets.length > 0
          ? targets.map((one) => textAt(one.fields, 'name') ?? '')
          : target.columns.map((column) => column.name);
      const values = nodesAt(when, 'values').map((value) => evaluate(env, value, scope, 'write'));
      return new Map(values.map((value, index) => [names[index] ?? '', value]));
    }
    case 'CMD_NOTHING':
      return none;
    default:
      env.out.unknown('unsupported', 'a branch of merge is not analysed');
      return none;
  }
}
