import type { SqlOperation } from '@taskgate/core';
import type { Env } from '../env.ts';
import { evaluate } from '../expressions.ts';
import { type Fields, flagAt, locationOf, namesOf, nodeAt, nodesAt, textAt } from '../node.ts';
import { type QueryResult, resultColumn } from '../query-result.ts';
import { referTo, type Scope } from '../scope.ts';
import { analyzeCheckedQuery, outputOf, requireKnownShape } from './query.ts';
import { meaning, type StatementMeaning } from './statement-meaning.ts';
import { noteWritten, requireColumn, resolveWriteTarget, type WriteTarget } from './write-target.ts';

type Copy = NonNullable<SqlOperation['copy']>;

/** Options that leave a text or CSV row as the gate's masker reads it. */
const OUT_OPTIONS: ReadonlySet<string> = new Set(['format', 'header']);
const IN_OPTIONS: ReadonlySet<string> = new Set([
  ...OUT_OPTIONS,
  'default',
  'delimiter',
  'escape',
  'force_not_null',
  'force_null',
  'freeze',
  'log_verbosity',
  'null',
  'on_error',
  'quote',
  'reject_limit',
]);

/** COPY over the connection. Files and programs of the server are never analysed. */
export function analyzeCopy(env: Env, statement: Fields): StatementMeaning {
  const incoming = flagAt(statement, 'is_from');
  const label = incoming ? 'COPY FROM' : 'COPY TO';
  const statementClass = incoming ? 'copy-from' : 'copy-to';
  const isProgram = flagAt(statement, 'is_program');
  if (isProgram || textAt(statement, 'filename') !== null) {
    env.out.unknown(
      isProgram ? 'outside' : 'unsupported',
      'copy with a file or program of the server is not allowed; use stdin or stdout',
    );
  }
  const copy: Copy = { direction: incoming ? 'in' : 'out', ...readOptions(env, statement, incoming) };
  const query = nodeAt(statement, 'query');
  if (query !== null) {
    const { result, parameterCount, hidesWrites } = analyzeCheckedQuery(env, query);
    return meaning(statementClass, label, { output: outputOf(env, result), copy, parameterCount, hidesWrites });
  }
  const target = resolveWriteTarget(env, statement, 'copy');
  if (target === null) return meaning(statementClass, label, { copy });
  const listed = namesOf(nodesAt(statement, 'attlist'));
  for (const name of listed) requireColumn(env, target, name, 0);
  if (!incoming)
    return meaning(statementClass, label, { copy, output: outputOf(env, readTarget(env, target, listed)) });

  const columns = listed.length > 0 ? listed : target.columns.map((column) => column.name);
  noteWritten(env, target, 'insert', columns);
  const where = nodeAt(statement, 'whereClause');
  if (where !== null) {
    const scope: Scope = { items: [target.item], ctes: new Map(), parent: null };
    if (requireKnownShape(env, where).known) evaluate(env, where, scope, 'predicate');
  }
  return meaning(statementClass, label, { copy });
}

function readTarget(env: Env, target: WriteTarget, listed: readonly string[]): QueryResult {
  env.out.access('select', target.found.resolved);
  const columns =
    listed.length === 0 ? target.columns : listed.flatMap((name) => target.columns.filter((one) => one.name === name));
  const open = target.found.known === null;
  return {
    columns: columns.map((column) => resultColumn(column.name, referTo(env.out, column, null, 0))),
    open,
    bases: [],
  };
}

function readOptions(env: Env, statement: Fields, incoming: boolean): Omit<Copy, 'direction'> {
  let format: Copy['format'] = 'text';
  let header = false;
  for (const { fields } of nodesAt(statement, 'options')) {
    const name = textAt(fields, 'defname') ?? '';
    const value = (textAt(nodeAt(fields, 'arg')?.fields ?? {}, 'sval') ?? '').toLowerCase();
    if (name === 'encoding' && /^(utf-?8|unicode)$/.test(value)) continue;
    if (!(incoming ? IN_OPTIONS : OUT_OPTIONS).has(name)) {
      env.out.unknown('unsupported', `copy option \`${name}\` is not analysed; leave it out`, locationOf(fields));
    }
    if (name === 'header') header = isOn(fields);
    if (name !== 'format') continue;
    if (value === 'text' || value === 'csv' || value === 'binary') format = value;
    else env.out.unknown('unsupported', `copy format \`${value}\` is not known; use text or csv`, locationOf(fields));
  }
  return { format, ...(header ? { header } : {}) };
}

/**
 * As the server reads it (`defGetCopyHeaderOption`). What is not known to be on is off, and its header masked as any row: a
 * number too, since decisions are shared by texts that differ in numbers.
 */
function isOn(option: Fields): boolean {
  const arg = nodeAt(option, 'arg');
  if (arg === null) return true;
  if (arg.kind === 'Boolean') return flagAt(arg.fields, 'boolval');
  return ['true', 'on'].includes((textAt(arg.fields, 'sval') ?? '').toLowerCase());
}
