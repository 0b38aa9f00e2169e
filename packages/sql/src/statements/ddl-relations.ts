import type { AccessVerb } from '@taskgate/core';
import { checkCastType } from '../casts.ts';
import type { Env } from '../env.ts';
import { noteFunction } from '../function-calls.ts';
import { NO_SOURCE } from '../lineage.ts';
import { bodyAt, type Fields, isFields, namesOf, nodesAt, type PgNode, textAt } from '../node.ts';
import { noteOperator, operatorsOf } from '../operators.ts';
import { resolveRelation, resolveRelationName } from '../resolve-relation.ts';

/** Notes a relation that is to be made. Temporary ones would hide others of their name, so they are an unknown. */
export function noteCreated(env: Env, rangeVar: Fields): void {
  const schema = textAt(rangeVar, 'schemaname') ?? env.searchPath[0] ?? 'public';
  const name = textAt(rangeVar, 'relname') ?? '';
  if (textAt(rangeVar, 'relpersistence') === 't' || schema.startsWith('pg_')) {
    env.out.unknown('unsupported', 'temporary relations are not analysed; use a with clause or a subquery');
  }
  env.out.access('create', { schema, name, oid: null, system: false });
}

/** Notes an existing relation that the statement names. */
export function noteRelation(env: Env, rangeVar: Fields | null, verb: AccessVerb): void {
  if (rangeVar === null) return;
  const found = resolveRelation(env, rangeVar);
  if (found !== null) env.out.access(verb, found.resolved);
}

/** As `noteRelation`, from `schema.name` as a list of strings. */
export function noteNamed(env: Env, names: readonly string[], verb: AccessVerb): void {
  const name = names.at(-1);
  if (name === undefined) return;
  const found = resolveRelationName(env, names.length > 1 ? (names.at(-2) ?? null) : null, name, 0);
  if (found !== null) env.out.access(verb, found.resolved);
}

/** The names of a DDL object: `a`, `s.a` as a list of strings. */
export function objectNames(object: PgNode | null): readonly string[] {
  return object === null ? [] : object.kind === 'List' ? namesOf(nodesAt(object.fields, 'items')) : namesOf([object]);
}

/**
 * Notes every function that a definition calls (in defaults, checks, index expressions, bodies), also by an operator or
 * a conversion, and every other
 * relation that it names (references, inherits, attach partition, like): the latter as altered, the strictest reading.
 */
export function noteMentioned(env: Env, tree: unknown, main: readonly (Fields | null)[]): void {
  const pending: unknown[] = [tree];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (Array.isArray(next)) {
      pending.push(...next);
    } else if (isFields(next)) {
      if (typeof next.relname === 'string' && !main.includes(next)) noteRelation(env, next, 'alter');
      if (Array.isArray(next.funcname) && 'funcformat' in next) noteFunction(env, next);
      const expression = bodyAt(next, 'A_Expr');
      if (expression !== null) {
        const names = namesOf(nodesAt(expression, 'name'));
        for (const operator of operatorsOf(textAt(expression, 'kind') ?? '', names)) noteOperator(env, operator, 0);
      }
      const conversion = bodyAt(bodyAt(next, 'TypeCast') ?? {}, 'typeName');
      if (conversion !== null) checkCastType(env, conversion, NO_SOURCE);
      pending.push(...Object.values(next));
    }
  }
}

/** The last names of all column references in a tree. */
export function columnRefNames(tree: unknown): readonly string[] {
  const names: string[] = [];
  const pending: unknown[] = [tree];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (typeof next !== 'object' || next === null) continue;
    if (isFields(next) && isFields(next.ColumnRef)) names.push(namesOf(nodesAt(next.ColumnRef, 'fields')).at(-1) ?? '');
    pending.push(...Object.values(next));
  }
  return names;
}
