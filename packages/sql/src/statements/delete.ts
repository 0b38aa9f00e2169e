import type { Env } from '../env.ts';
import { evaluate } from '../expressions.ts';
import { analyzeFrom } from '../from-clause.ts';
import { bodyAt, type Fields, nodeAt, nodesAt } from '../node.ts';
import { NO_RESULT, type QueryResult } from '../query-result.ts';
import type { Scope } from '../scope.ts';
import { analyzeWith } from '../with-clause.ts';
import { analyzeReturning, noteWrite, resolveWriteTarget } from './write-target.ts';

export function analyzeDelete(env: Env, statement: Fields, outer: Scope): QueryResult {
  const level: Scope = { items: [], ctes: analyzeWith(env, bodyAt(statement, 'withClause'), outer), parent: outer };
  const target = resolveWriteTarget(env, statement, 'delete');
  const others = analyzeFrom(env, nodesAt(statement, 'usingClause'), level);
  if (target === null) return NO_RESULT;
  noteWrite(env, target, 'delete', []);
  const where = nodeAt(statement, 'whereClause');
  if (where !== null) evaluate(env, where, { ...level, items: [target.item, ...others] }, 'predicate');
  return analyzeReturning(env, statement, target, new Map(), others, level);
}
