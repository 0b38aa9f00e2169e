import { analyzeFunctionCall, noteFunction } from '../function-calls.ts';
import { bodyAt, type PgNode } from '../node.ts';
import { EMPTY_SCOPE } from '../scope.ts';
import { analyzeCopy } from './copy.ts';
import { analyzeCreateAs, createAsLabel, createAsQuery, splitSelectInto } from './create-as.ts';
import { analyzeDdl } from './ddl.ts';
import { analyzeExplain } from './explain.ts';
import { analyzeQueryStatement, isQuery, requireKnownShape } from './query.ts';
import { analyzeSessionStatement } from './session.ts';
import { meaning, type StatementEnv, type StatementMeaning } from './statement-meaning.ts';

/** Says what a statement is and gathers what it does. A kind that is not known is `other` with an unknown. */
export function analyzeStatement(env: StatementEnv, statement: PgNode): StatementMeaning {
  const into = splitSelectInto(statement);
  if (into !== null) return analyzeCreateAs(env, into.query, into.created, 'SELECT INTO');
  if (isQuery(statement)) return analyzeQueryStatement(env, statement);
  const { kind, fields } = statement;
  switch (kind) {
    case 'ExplainStmt':
      return analyzeExplain(env, fields);
    case 'CopyStmt':
      return analyzeCopy(env, fields);
    case 'CreateTableAsStmt': {
      const created = bodyAt(bodyAt(fields, 'into') ?? {}, 'rel') ?? {};
      return analyzeCreateAs(env, createAsQuery(fields), created, createAsLabel(fields));
    }
    case 'ViewStmt':
      return analyzeCreateAs(env, createAsQuery(fields), bodyAt(fields, 'view') ?? {}, 'CREATE VIEW');
    case 'DoStmt':
      env.out.unknown('unsupported', 'the body of `do` cannot be contained; send its statements one by one');
      return meaning('call', 'DO');
    case 'CallStmt':
      return analyzeCall(env, statement);
  }
  const known = analyzeSessionStatement(env, statement) ?? analyzeDdl(env, statement);
  if (known !== null) return known;
  env.out.unknown('unsupported', `\`${kind}\` is not analysed`);
  return meaning('other', kind.replace(/Stmt$/, '').toUpperCase());
}

/** A procedure may do anything, so it is never harmless. */
function analyzeCall(env: StatementEnv, statement: PgNode): StatementMeaning {
  const call = bodyAt(statement.fields, 'funccall') ?? {};
  const { known, parameterCount } = requireKnownShape(env, { kind: 'FuncCall', fields: call });
  if (known) analyzeFunctionCall(env, call, EMPTY_SCOPE, 'expression');
  else noteFunction(env, call);
  return meaning('call', 'CALL', { parameterCount });
}
