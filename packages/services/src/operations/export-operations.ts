import type * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import type { InstantCursor } from '../grants/instant-cursor.ts';
import { parseInput } from '../parse-input.ts';
import { requireAnyScope } from '../require-any-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { Filter, loadOperationsPage, type OperationRowView } from './load-operations.ts';

const PAGE_ROWS = 500;
/** More are asked for in pieces, by time. The last line of a file that was cut says so. */
const MAX_ROWS = 100_000;

const HEADER = [
  ...['at', 'decision', 'session', 'person', 'task', 'task_revision', 'resource', 'outcome', 'statement', 'label'],
  ...['reached', 'classes', 'result', 'rows', 'masked_cells', 'duration_ms', 'rule', 'reason'],
];

/** The filtered operations as CSV (RFC 4180), written down in the audit before the first line. */
export async function exportOperations(
  ctx: ServiceContext,
  input: z.input<typeof Filter>,
): Promise<AsyncIterable<string>> {
  const actor = requireAnyScope(ctx, ['session:own', 'session:read']);
  const filter = parseInput(Filter, input);
  await withTransaction(ctx, (tx) =>
    emitAudit(tx, ctx, {
      action: 'operations.export',
      subjectKind: 'operations',
      subject: actor.identityId,
      before: null,
      after: { ...filter },
    }),
  );
  return lines();

  async function* lines(): AsyncGenerator<string> {
    yield toLine(HEADER);
    let after: InstantCursor | null = null;
    for (let written = 0; written < MAX_ROWS; written += PAGE_ROWS) {
      const page: Awaited<ReturnType<typeof loadOperationsPage>> = await loadOperationsPage(
        ctx.services.db,
        actor,
        filter,
        { after, limit: PAGE_ROWS },
      );
      yield page.items.map((row) => toLine(toCells(row))).join('');
      if (page.last === null) return;
      after = page.last;
    }
    yield toLine([`cut after ${MAX_ROWS} rows: ask for a shorter time`]);
  }
}

function toCells(row: OperationRowView): readonly string[] {
  const classes = new Set(row.relations.flatMap((relation) => Object.keys(relation.classes ?? {})));
  return [
    row.at,
    row.decisionId,
    row.sessionId,
    row.person.email,
    row.task,
    String(row.taskRevision),
    row.resource,
    row.outcome,
    row.statementClass,
    row.label,
    row.relations
      .map(({ verb, schema, name, columns }) => `${verb} ${schema}.${name}(${columns.join(' ')})`)
      .join('; '),
    [...classes].join(' '),
    row.result ?? '',
    row.rows === null ? '' : String(row.rows),
    String(row.maskedCells),
    row.durationMs === null ? '' : String(row.durationMs),
    row.reason === null
      ? ''
      : `${row.reason.rule.kind} ${row.reason.rule.name} ${row.reason.rule.revision} ${row.reason.rule.rule}`.trim(),
    row.reason?.message ?? '',
  ];
}

const toLine = (cells: readonly string[]): string => `${cells.map(toCell).join(',')}\r\n`;

/** A cell that a spreadsheet would take for a formula is made text: names of columns are what a client typed. */
function toCell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
