import {
  type ColumnName,
  type ColumnUseContext,
  type MaskName,
  type Reason,
  type SqlOperation,
  strictestMask,
} from '@taskgate/core';
import { type CompiledMask, type CompiledPolicySet, maskOfColumn } from './compile-policy-set.ts';
import { formatName, formatRelation } from './name-pattern.ts';
import { GATE, reasonOfRule } from './reason.ts';

const IN_WORDS: Readonly<Record<ColumnUseContext, string>> = {
  predicate: 'used in a predicate',
  expression: 'used in an expression',
  sort: 'used for sorting',
  group: 'used for grouping',
  write: 'written elsewhere',
};

/**
 * A masked column may be shown, masked, and nothing else: a predicate, a sort order or an expression over it would
 * tell what the mask hides.
 */
export function checkMasks(operation: SqlOperation, set: CompiledPolicySet): readonly Reason[] {
  const reasons: Reason[] = [];
  const refuse = (column: ColumnName, mask: CompiledMask, how: string, position: Reason['position']): void => {
    const name = formatName(column.column);
    const relation = formatRelation({ schema: column.schema, name: column.relation });
    const message = `column \`${name}\` of \`${relation}\` is masked and is ${how}`;
    reasons.push(
      reasonOfRule('masked-column-used', mask.reference, message, `select \`${name}\` as a plain column`, position),
    );
  };
  for (const { column, context, position } of operation.uses) {
    const mask = maskOfColumn(set, column);
    if (mask) refuse(column, mask, IN_WORDS[context] ?? 'used', position);
  }
  for (const { sources, plain, name } of operation.output ?? []) {
    if (plain === true) continue;
    for (const column of sources) {
      const mask = maskOfColumn(set, column);
      if (mask) refuse(column, mask, `part of what \`${formatName(name)}\` is computed from`, null);
    }
  }
  if (operation.copy?.direction === 'out') {
    // Without an output there is nothing to say which of the copied values to mask.
    if (operation.output === null)
      for (const access of operation.accesses)
        for (const column of access.columns) {
          const full = { schema: access.relation.schema, relation: access.relation.name, column };
          const mask = maskOfColumn(set, full);
          if (mask) refuse(full, mask, 'copied out', null);
        }
    const isMasked = set.detectors.length > 0 || outputMasks(operation, set).some((mask) => mask !== null);
    if (operation.copy.format === 'binary' && isMasked)
      reasons.push(
        reasonOfRule(
          'masked-column-used',
          GATE,
          'a copy in binary format cannot be masked',
          'copy in text or csv format: `copy ... to stdout (format text)`',
        ),
      );
  }
  return reasons;
}

/** One an output column: the strictest mask of all that can flow into it. */
export function outputMasks(operation: SqlOperation, set: CompiledPolicySet): readonly (MaskName | null)[] {
  return (operation.output ?? []).map(({ sources }) =>
    sources.reduce<MaskName | null>(
      (mask, column) => strictestMask(mask, maskOfColumn(set, column)?.mask ?? null),
      null,
    ),
  );
}
