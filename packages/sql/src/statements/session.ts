import type { SessionEffect, StatementClass } from '@taskgate/core';
import { checkCastType } from '../casts.ts';
import type { Env } from '../env.ts';
import { NO_SOURCE } from '../lineage.ts';
import { bodyAt, type Fields, flagAt, nodeAt, nodesAt, numberAt, type PgNode, textAt } from '../node.ts';
import { isHarmlessSetting } from '../settings.ts';
import { isQuery } from './query.ts';
import { meaning, type StatementEnv, type StatementMeaning } from './statement-meaning.ts';

/** Statements about the connection rather than about data. `null`: not one of these. */
export function analyzeSessionStatement(env: StatementEnv, statement: PgNode): StatementMeaning | null {
  const { kind, fields } = statement;
  switch (kind) {
    case 'TransactionStmt':
      return analyzeTransaction(env, fields);
    case 'VariableSetStmt':
      return analyzeSet(env, fields);
    case 'VariableShowStmt':
      return analyzeShow(fields);
    case 'DiscardStmt':
      return analyzeDiscard(env, fields);
    case 'PrepareStmt':
      return analyzePrepare(env, fields);
    case 'ExecuteStmt':
      return analyzeExecute(env, fields);
    case 'DeallocateStmt':
      return meaning('prepared', 'DEALLOCATE', { effect: { kind: 'deallocate', name: textAt(fields, 'name') } });
    case 'DeclareCursorStmt':
      return analyzeDeclare(env, fields);
    case 'FetchStmt': {
      const rows = !flagAt(fields, 'ismove');
      const name = textAt(fields, 'portalname') ?? '';
      return meaning('cursor', rows ? 'FETCH' : 'MOVE', { effect: { kind: 'fetch', name, rows } });
    }
    case 'ClosePortalStmt':
      return meaning('cursor', 'CLOSE', { effect: { kind: 'close', name: textAt(fields, 'portalname') } });
    case 'ListenStmt':
      return meaning('notify', 'LISTEN');
    case 'UnlistenStmt':
      // Drivers clear a connection with it before its next user.
      return meaning('session', 'UNLISTEN', { effect: { kind: 'unlisten' } });
    case 'NotifyStmt':
      return meaning('notify', 'NOTIFY');
    default:
      return null;
  }
}

const TRANSACTIONS: Readonly<
  Record<string, readonly [string, 'begin' | 'commit' | 'rollback' | 'savepoint' | 'release' | 'rollback-to']>
> = {
  TRANS_STMT_BEGIN: ['BEGIN', 'begin'],
  TRANS_STMT_START: ['START TRANSACTION', 'begin'],
  TRANS_STMT_COMMIT: ['COMMIT', 'commit'],
  TRANS_STMT_ROLLBACK: ['ROLLBACK', 'rollback'],
  TRANS_STMT_SAVEPOINT: ['SAVEPOINT', 'savepoint'],
  TRANS_STMT_RELEASE: ['RELEASE', 'release'],
  TRANS_STMT_ROLLBACK_TO: ['ROLLBACK TO', 'rollback-to'],
};

function analyzeTransaction(env: Env, fields: Fields): StatementMeaning {
  const found = TRANSACTIONS[textAt(fields, 'kind') ?? ''];
  if (found === undefined) {
    env.out.unknown('unsupported', 'two-phase commit is not analysed; use commit');
    return meaning('other', 'PREPARE TRANSACTION');
  }
  if (flagAt(fields, 'chain')) env.out.unknown('unsupported', '`and chain` is not analysed; begin again instead');
  const [label, kind] = found;
  return meaning('transaction', label, { effect: { kind } });
}

/** Settings by which a session becomes someone else: never a matter of `set` rules. */
const IDENTITY_SETTINGS: ReadonlySet<string> = new Set(['role', 'session_authorization']);

function analyzeSet(env: Env, fields: Fields): StatementMeaning {
  const kind = textAt(fields, 'kind');
  const name = (textAt(fields, 'name') ?? '').toLowerCase();
  const statementClass: StatementClass = IDENTITY_SETTINGS.has(name) ? 'other' : 'session';
  const local = flagAt(fields, 'is_local');
  const args = nodesAt(fields, 'args').map((arg) => (arg.kind === 'A_Const' ? constantText(arg.fields) : null));
  // `'a, b'` in quotes is one schema of that name.
  const isPinned = args.length === env.searchPath.length && args.every((arg, index) => arg === env.searchPath[index]);
  const options = isPinned ? { pinnedSearchPath: env.searchPath.join(', ') } : {};
  const set = (value: string | null): SessionEffect => {
    const harmless = isHarmlessSetting(name, value, options);
    return { kind: 'set', name, value, local, harmless };
  };
  switch (kind) {
    case 'VAR_SET_VALUE':
      return meaning(statementClass, 'SET', { effect: set(settingValue(env, fields)) });
    case 'VAR_SET_DEFAULT':
      return meaning(statementClass, 'SET', { effect: set(null) });
    case 'VAR_RESET':
      return meaning(statementClass, 'RESET', {
        effect: { kind: 'reset', name, harmless: isHarmlessSetting(name, null) },
      });
    case 'VAR_RESET_ALL':
      return meaning('session', 'RESET ALL', { effect: { kind: 'reset-all' } });
    case 'VAR_SET_MULTI':
      return analyzeSetMulti(env, fields, name);
    default:
      env.out.unknown('unsupported', '`set ... from current` is not analysed');
      return meaning('other', 'SET');
  }
}

function analyzeSetMulti(env: Env, fields: Fields, name: string): StatementMeaning {
  const known = ['transaction_isolation', 'transaction_read_only', 'transaction_deferrable'];
  const strange = nodesAt(fields, 'args').some((arg) => !known.includes(textAt(arg.fields, 'defname') ?? ''));
  if (name === 'transaction' && !strange) {
    return meaning('transaction', 'SET TRANSACTION', { effect: { kind: 'set-transaction' } });
  }
  if (name === 'session characteristics' && !strange) {
    return meaning('session', 'SET SESSION CHARACTERISTICS', {
      effect: { kind: 'set', name, value: null, local: false, harmless: true },
    });
  }
  env.out.unknown('unsupported', `\`set ${name}\` is not analysed; leave it out`);
  return meaning('other', 'SET');
}

/** The value as one text, several joined by `, `; `null` with an unknown where it is not made of constants. */
function settingValue(env: Env, fields: Fields): string | null {
  const values: string[] = [];
  for (const arg of nodesAt(fields, 'args')) {
    const value = arg.kind === 'A_Const' ? constantText(arg.fields) : null;
    if (value === null) {
      env.out.unknown('unsupported', 'a setting must be a plain constant');
      return null;
    }
    values.push(value);
  }
  return values.join(', ');
}

function constantText(constant: Fields): string | null {
  const string = bodyAt(constant, 'sval');
  if (string !== null) return textAt(string, 'sval') ?? '';
  const float = bodyAt(constant, 'fval');
  if (float !== null) return textAt(float, 'fval') ?? '0';
  const integer = bodyAt(constant, 'ival');
  return integer === null ? null : String(numberAt(integer, 'ival'));
}

function analyzeShow(fields: Fields): StatementMeaning {
  const name = textAt(fields, 'name') ?? '';
  const columns = name === 'all' ? ['name', 'setting', 'description'] : [name];
  return meaning('session', 'SHOW', {
    output: columns.map((column) => ({ name: column, sources: [], plain: true })),
    effect: { kind: 'show', name },
  });
}

function analyzeDiscard(env: Env, fields: Fields): StatementMeaning {
  switch (textAt(fields, 'target')) {
    case 'DISCARD_ALL':
      return meaning('session', 'DISCARD ALL', { effect: { kind: 'discard-all' } });
    case 'DISCARD_PLANS':
      return meaning('session', 'DISCARD PLANS', { effect: { kind: 'discard-plans' } });
    case 'DISCARD_TEMP':
      return meaning('session', 'DISCARD TEMP', { effect: { kind: 'discard-temp' } });
    case 'DISCARD_SEQUENCES':
      return meaning('session', 'DISCARD SEQUENCES', { effect: { kind: 'discard-sequences' } });
    default:
      env.out.unknown('unsupported', 'this form of discard is not analysed');
      return meaning('other', 'DISCARD');
  }
}

/** What the statement inside does counts for the one around it too: it may run unseen later. */
function analyzePrepare(env: StatementEnv, fields: Fields): StatementMeaning {
  const query = nodeAt(fields, 'query');
  const name = textAt(fields, 'name') ?? '';
  if (query === null || !isQuery(query)) {
    env.out.unknown('unsupported', 'preparing this statement is not analysed; send it directly');
    return meaning('prepared', 'PREPARE');
  }
  for (const type of nodesAt(fields, 'argtypes')) checkCastType(env, type.fields, NO_SOURCE);
  return meaning('prepared', 'PREPARE', { effect: { kind: 'prepare', name, statement: env.analyzeInner(query) } });
}

function analyzeExecute(env: Env, fields: Fields): StatementMeaning {
  for (const param of nodesAt(fields, 'params')) requireConstant(env, param);
  return meaning('prepared', 'EXECUTE', { effect: { kind: 'execute', name: textAt(fields, 'name') ?? '' } });
}

function requireConstant(env: Env, value: PgNode): void {
  if (value.kind === 'A_Const') return;
  const arg = nodeAt(value.fields, 'arg');
  const typeName = bodyAt(value.fields, 'typeName');
  if (value.kind === 'TypeCast' && arg?.kind === 'A_Const' && typeName !== null) {
    checkCastType(env, typeName, NO_SOURCE);
    return;
  }
  env.out.unknown('unsupported', 'the arguments of execute must be constants');
}

function analyzeDeclare(env: StatementEnv, fields: Fields): StatementMeaning {
  const query = nodeAt(fields, 'query');
  const name = textAt(fields, 'portalname') ?? '';
  if (query === null || query.kind !== 'SelectStmt') {
    env.out.unknown('unsupported', 'a cursor must be for a select');
    return meaning('cursor', 'DECLARE CURSOR');
  }
  const statement = env.analyzeInner(query);
  return meaning('cursor', 'DECLARE CURSOR', {
    effect: { kind: 'declare', name, statement },
    parameterCount: statement.parameterCount,
  });
}
