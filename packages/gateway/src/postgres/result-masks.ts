import { type MaskName, type OutputColumn, strictestMask } from '@taskgate/core';
import type { FieldDescription } from '@taskgate/protocol-postgres';
import type { DecidedStatement } from './decision-context.ts';

/** Classes whose rows are text that the server made up, with no lineage of its own. */
const TEXT_ANSWERS = new Set(['explain', 'session']);

/**
 * The mask of each column of the result: what the statement's lineage says and what the server's own description says,
 * the strictest of both. `null` where the result cannot be the one decided on.
 */
export function resultMasks(
  decided: DecidedStatement,
  fields: readonly FieldDescription[],
): readonly (MaskName | null)[] | null {
  const { output, statementClass } = decided.operation;
  const { outputMasks, columnMasks } = decided.decision.obligations;
  if (output === null) {
    if (!TEXT_ANSWERS.has(statementClass)) return null;
  } else if (!fitsOutput(output, fields.length)) return null;
  return fields.map((field, index) => {
    let mask = outputMasks[index] ?? null;
    if (field.tableOid !== 0)
      // attnum 0 is the whole row: every column of it.
      for (const masked of columnMasks)
        if (masked.relationOid === field.tableOid && (field.attnum === masked.attnum || field.attnum === 0))
          mask = strictestMask(mask, field.attnum === 0 ? 'redact' : masked.mask);
    return mask;
  });
}

/**
 * Whether a result of so many columns can be the one decided on. An output that ends in `*` has columns that only the
 * server knows; the analysis lets none of ours stand among them, so that any number may come.
 */
export function fitsOutput(output: readonly OutputColumn[], columns: number): boolean {
  if (output.length === columns) return true;
  return output.at(-1)?.name === '*' && output.every(({ sources }) => sources.length === 0);
}
