import { assert, type MaskName } from '@taskgate/core';
import { createDetector, type DetectorRule } from './detect.ts';
import { createContentMasker, type Masked } from './mask-content.ts';
import { maskValue } from './mask-value.ts';
import { type ColumnType, contentOf, isTextType } from './postgres-type.ts';
import type { MaskingPorts } from './text-mask.ts';

/** One column of a result, as decided and as RowDescription describes it. */
export interface MaskedColumn {
  readonly mask: MaskName | null;
  readonly typeOid: number;
  /** `atttypmod`, -1 for none. */
  readonly typeModifier: number;
  readonly format: 'text' | 'binary';
  /** The type is text under an OID of its own, such as citext. */
  readonly isText?: boolean;
}

export interface RowMasker {
  /**
   * Indexes of the columns that must be given to `maskColumn`, ascending; every other one can be sent as it is. Empty:
   * rows need not be looked at.
   */
  readonly needsValues: readonly number[];
  /**
   * The cell as the client may see it: `undefined` where it stays as it is, `null` for SQL NULL. A NULL stays one.
   */
  maskColumn(index: number, value: Uint8Array | null): Uint8Array | null | undefined;
  /** Cells changed so far. */
  readonly maskedCells: number;
}

/** For one result: made once when its shape is known, then asked cell by cell. */
export function createRowMasker(options: {
  readonly columns: readonly MaskedColumn[];
  readonly detectors: readonly DetectorRule[];
  readonly ports: MaskingPorts;
}): RowMasker {
  const { columns, detectors, ports } = options;
  const maskContentOf = createContentMasker(createDetector(detectors), ports);
  const types = columns.map(toType);
  const contents = types.map(maskContentOf);
  const detects = types.map((type) => detectors.length > 0 && contentOf(type) !== 'none');
  const needsValues = columns.flatMap((column, index) => (column.mask !== null || detects[index] ? [index] : []));
  let maskedCells = 0;

  const maskCell = (index: number, value: Uint8Array): Masked => {
    const type = types[index]!;
    const mask = columns[index]!.mask;
    if (mask === null) return detects[index] ? contents[index]!(value) : undefined;
    const masked = maskValue(mask, value, type, ports);
    if (masked === null || !detects[index] || !isTextType(type) || (mask !== 'email' && mask !== 'last4'))
      return masked;
    // These masks show a part of the value, and a detector may ask for more to be hidden: the strictest wins.
    const stricter = contents[index]!(masked);
    return stricter === undefined ? masked : stricter;
  };

  return {
    needsValues,
    maskColumn(index, value) {
      if (value === null) return undefined;
      if (index >= columns.length) assert(false, `a row has a column ${index}, ${columns.length} were decided on`);
      const masked = maskCell(index, value);
      if (masked !== undefined) maskedCells += 1;
      return masked;
    },
    get maskedCells() {
      return maskedCells;
    },
  };
}

function toType(column: MaskedColumn): ColumnType {
  const { typeOid: oid, typeModifier, format, isText } = column;
  return { oid, typeModifier, format, isText: isText === true };
}
