import { bodyAt, type Fields, nodeAt, nodesAt, numberAt, type PgNode, textAt } from '../node.ts';
import { analyzeStatement } from './analyze-statement.ts';
import { isQuery } from './query.ts';
import { meaning, type StatementEnv, type StatementMeaning } from './statement-meaning.ts';

const OPTIONS: ReadonlySet<string> = new Set([
  'analyze',
  'buffers',
  'costs',
  'format',
  'generic_plan',
  'memory',
  'serialize',
  'settings',
  'summary',
  'timing',
  'verbose',
  'wal',
]);

/** With ANALYZE it runs, so it counts as what it runs; its plan shows conditions, so what it reads counts as used. */
export function analyzeExplain(env: StatementEnv, explain: Fields): StatementMeaning {
  const options = nodesAt(explain, 'options');
  for (const option of options) {
    const name = textAt(option.fields, 'defname') ?? '';
    if (!OPTIONS.has(name)) env.out.unknown('unsupported', `explain option \`${name}\` is not known; leave it out`);
  }
  const runs = options.some((option) => textAt(option.fields, 'defname') === 'analyze' && !isOff(option));
  const statement = nodeAt(explain, 'query');
  const output = [{ name: 'QUERY PLAN', sources: [], plain: true }];
  if (statement === null || (!isQuery(statement) && statement.kind !== 'CreateTableAsStmt')) {
    env.out.unknown('unsupported', 'explain of this statement is not analysed; explain the query itself');
    return meaning('other', 'EXPLAIN', { output });
  }
  const inner = analyzeStatement(env, statement);
  if (!runs) return meaning('explain', 'EXPLAIN', { output, parameterCount: inner.parameterCount });
  for (const column of inner.output ?? []) env.out.use(column.sources, 'expression', 0);
  for (const access of env.out.accesses(() => [])) {
    if (access.verb !== 'select' || access.system) continue;
    const { schema, name } = access.relation;
    env.out.use(
      access.columns.map((column) => ({ schema, relation: name, column })),
      'expression',
      0,
    );
  }
  return meaning(inner.statementClass, `EXPLAIN ANALYZE ${inner.label}`, {
    output,
    parameterCount: inner.parameterCount,
    hidesWrites: inner.hidesWrites || (isQuery(statement) && statement.kind !== 'SelectStmt'),
  });
}

/** As the server's defGetBoolean; what it does not know counts as on. */
function isOff(option: PgNode): boolean {
  const arg = nodeAt(option.fields, 'arg');
  if (arg === null) return false;
  if (arg.kind === 'Integer') return numberAt(arg.fields, 'ival') === 0;
  if (arg.kind === 'Boolean') return arg.fields.boolval !== true;
  if (arg.kind === 'A_Const') {
    const integer = bodyAt(arg.fields, 'ival');
    if (integer !== null) return numberAt(integer, 'ival') === 0;
  }
  return /^(false|off)$/i.test(textAt(arg.fields, 'sval') ?? '');
}
