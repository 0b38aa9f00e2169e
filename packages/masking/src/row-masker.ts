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
  /** The same for the value that lies in `bytes` from `from` to `to`: a million rows need no view each. */
  maskRange(index: number, bytes: Uint8Array, from: number, to: number): Uint8Array | null | undefined;
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

  const maskCell = (index: number, bytes: Uint8Array, from: number, to: number): Masked => {
    const type = types[index]!;
    const mask = columns[index]!.mask;
    if (mask === null) return detects[index] ? contents[index]!(bytes, from, to) : undefined;
    const masked = maskValue(mask, bytes, from, to, type, ports);
    if (masked === null || !detects[index] || !isTextType(type) || (mask !== 'email' && mask !== 'last4'))
      return masked;
    // These masks show a part of the value, and a detector may ask for more to be hidden: the strictest wins.
    const stricter = contents[index]!(masked, 0, masked.length);
    return stricter === undefined ? masked : stricter;
  };
  const maskRange = (index: number, bytes: Uint8Array, from: number, to: number): Masked => {
    if (index >= columns.length) assert(false, `a row has a column ${index}, ${columns.length} were decided on`);
    const masked = maskCell(index, bytes, from, to);
    if (masked !== undefined) maskedCells += 1;
    return masked;
  };

  return {
    needsValues,
    maskColumn: (index, value) => (value === null ? undefined : maskRange(index, value, 0, value.length)),
    maskRange,
    get maskedCells() {
      return maskedCells;
    },
  };
}

function toType(column: MaskedColumn): ColumnType {
  const { typeOid: oid, typeModifier, format, isText } = column;
  return { oid, typeModifier, format, isText: isText === true };
}
