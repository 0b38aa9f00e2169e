import type { Env } from '../env.ts';
import { evaluate } from '../expressions.ts';
import { analyzeFrom } from '../from-clause.ts';
import { bodyAt, type Fields, nodeAt, nodesAt } from '../node.ts';
import { NO_RESULT, type QueryResult } from '../query-result.ts';
import type { Scope } from '../scope.ts';
import { analyzeWith } from '../with-clause.ts';
import { analyzeReturning, evaluateAssignments, noteWrite, resolveWriteTarget } from './write-target.ts';

export function analyzeUpdate(env: Env, update: Fields, outer: Scope): QueryResult {
  const level: Scope = { items: [], ctes: analyzeWith(env, bodyAt(update, 'withClause'), outer), parent: outer };
  const target = resolveWriteTarget(env, update, 'update');
  const others = analyzeFrom(env, nodesAt(update, 'fromClause'), level);
  if (target === null) return NO_RESULT;
  const targets = nodesAt(update, 'targetList');
  noteWrite(env, target, 'update', targets);
  const scope: Scope = { ...level, items: [target.item, ...others] };
  const assigned = evaluateAssignments(env, targets, scope);
  const where = nodeAt(update, 'whereClause');
  if (where !== null) evaluate(env, where, scope, 'predicate');
  return analyzeReturning(env, update, target, assigned, others, level);
}
