import type { PostgresCatalog, SqlOperation, Unknown } from '@taskgate/core';
import { type CatalogIndex, createCatalogIndex } from './catalog-index.ts';
import { createCollector } from './collector.ts';
import { expandAccess } from './expand-access.ts';
import { firedEffects } from './fired-effects.ts';
import { type PgNode, toNode } from './node.ts';
import { createSqlParser, type RawStatement, type SqlParser } from './parser.ts';
import { SQL_LIMITS } from './sql-limits.ts';
import { analyzeStatement } from './statements/analyze-statement.ts';
import type { StatementEnv } from './statements/statement-meaning.ts';
import { createTextPositions, type TextPositions } from './text-position.ts';
import { createViewLibrary, type ViewLibrary } from './view-library.ts';

export interface SqlAnalyzer {
  /**
   * What each statement of a message asks for, in order; an empty text gives one `empty` operation. Pure and
   * deterministic, and never throws: a syntax error, a text over `SQL_LIMITS` or with a NUL gives one operation with an
   * unknown. Positions count from the start of the operation's own text. What triggers do is not in `accesses`, and
   * `countsItsWrite` does not count their writes.
   */
  analyze(text: string, catalog: PostgresCatalog): readonly SqlOperation[];
}

/** What is derived from one catalog; kept for the last few. */
interface CatalogWork {
  readonly index: CatalogIndex;
  readonly views: ViewLibrary;
}

const KEPT_CATALOGS = 8;

/**
 * The analysis of SQL text for one major version of Postgres, with that server's own grammar.
 * @throws TaskgateError `not-supported` for another version, naming those that are supported.
 */
export async function createSqlAnalyzer(serverMajor: number): Promise<SqlAnalyzer> {
  const parser = await createSqlParser(serverMajor);
  const works = new Map<string, CatalogWork>();
  const workFor = (catalog: PostgresCatalog): CatalogWork => {
    const known = works.get(catalog.version);
    if (known !== undefined) return known;
    const index = createCatalogIndex(catalog);
    const work = { index, views: createViewLibrary(index, parser) };
    const oldest = works.keys().next();
    if (works.size >= KEPT_CATALOGS && oldest.done !== true) works.delete(oldest.value);
    works.set(catalog.version, work);
    return work;
  };
  return {
    analyze(text, catalog) {
      try {
        return analyzeMessage(text, parser, workFor(catalog));
      } catch (error) {
        // The walk ran out of stack, or met a tree that it does not know: either way nothing may pass.
        const code = error instanceof RangeError ? 'too-large' : 'unsupported';
        const why = error instanceof RangeError ? 'nests too deeply to be analysed' : 'could not be analysed';
        return [unanalysed(text, { code, message: `the statement ${why}; simplify it`, position: null })];
      }
    },
  };
}

function analyzeMessage(text: string, parser: SqlParser, work: CatalogWork): readonly SqlOperation[] {
  const parsed = parser.parse(text);
  if (!parsed.ok) return [unanalysed(text, parsed.unknown)];
  if (parsed.statements.length === 0) return [emptyOperation(text)];
  const positions = createTextPositions(text);
  return parsed.statements.map((raw) => analyzeRaw(text, raw, positions, work));
}

function analyzeRaw(text: string, raw: RawStatement, positions: TextPositions, work: CatalogWork): SqlOperation {
  const slice = text.slice(positions.indexOf(raw.byteStart), positions.indexOf(raw.byteEnd));
  // Only what the server itself takes for white space: a no-break space is part of a name.
  const leading = /^[ \t\n\r\f\v]*/.exec(slice)![0].length;
  const own = slice.slice(leading).replace(/[ \t\n\r\f\v]+$/, '');
  const statement = toNode(raw.tree);
  if (statement === null) {
    return unanalysed(own, { code: 'unsupported', message: 'the statement could not be analysed', position: null });
  }
  return buildOperation(own, statement, work, (location) =>
    location <= 0 ? null : positions.position(location, raw.byteStart + leading),
  );
}

function buildOperation(
  text: string,
  statement: PgNode,
  work: CatalogWork,
  locate: Parameters<typeof createCollector>[0],
): SqlOperation {
  const out = createCollector(locate);
  const inner: SqlOperation[] = [];
  const env: StatementEnv = {
    catalog: work.index,
    searchPath: work.index.catalog.searchPath,
    out,
    views: work.views,
    budget: { left: SQL_LIMITS.steps },
    subLinkNames: new WeakMap(),
    analyzeInner(query) {
      const operation = buildOperation(text, query, work, locate);
      inner.push(operation);
      return operation;
    },
  };
  const { statementClass, label, output, effect, copy, countsItsWrite, plainWrite, hidesWrites, parameterCount } =
    analyzeStatement(env, statement);
  const accesses = [
    ...out.accesses((relation, verb) => expandAccess(env, relation, verb)),
    ...inner.flatMap((one) => one.accesses),
  ];
  return {
    kind: 'sql',
    dialect: 'postgres',
    statementClass,
    label,
    text,
    accesses,
    fires: firedEffects(work.index, accesses),
    functions: [...out.functions(), ...inner.flatMap((one) => one.functions)],
    output,
    uses: [...out.uses(), ...inner.flatMap((one) => one.uses)],
    effect,
    copy,
    countsItsWrite,
    ...(plainWrite ? { plainWrite } : {}),
    ...(hidesWrites ? { hidesWrites } : {}),
    parameterCount,
    unknowns: [...out.unknowns(), ...inner.flatMap((one) => one.unknowns)],
  };
}

function emptyOperation(text: string): SqlOperation {
  return {
    kind: 'sql',
    dialect: 'postgres',
    statementClass: 'empty',
    label: 'EMPTY',
    text,
    accesses: [],
    functions: [],
    output: null,
    uses: [],
    effect: null,
    copy: null,
    countsItsWrite: false,
    parameterCount: 0,
    unknowns: [],
  };
}

/** One operation that says why nothing is known of `text`: no task allows it. */
export function unanalysed(text: string, unknown: Unknown): SqlOperation {
  return { ...emptyOperation(text), statementClass: 'other', label: 'UNKNOWN', unknowns: [unknown] };
}
