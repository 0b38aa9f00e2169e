import { equalBytes, type MaskName } from '@taskgate/core';
import { createRowMasker, type RowMasker } from '@taskgate/masking';
import { decodeRowDescription, type FieldDescription } from '@taskgate/protocol-postgres';
import type { DecidedStatement } from './decision-context.ts';
import { resultMasks } from './result-masks.ts';

/** The server's result is not the one that was decided on: nothing of it may go to the client. */
export class ShapeMismatch extends Error {
  override readonly name = 'ShapeMismatch';
}

/** A column as the client is told of it, with the mask that holds. */
export interface ShownColumn {
  readonly name: string;
  readonly typeOid: number;
  readonly mask: MaskName | null;
}

/** How the rows of one result are masked. Made once for a statement and a description; shared by its executions. */
export interface ResultPlan {
  readonly fields: readonly FieldDescription[];
  readonly columns: readonly ShownColumn[];
  /** One entry a column, 1 where the masker looks at its values; `null`: at none. */
  readonly looked: Uint8Array | null;
  readonly masker: RowMasker | null;
}

export interface ResultPlans {
  /** The description that the server sent, decoded; the very same list for the same bytes. */
  describe(result: DecidedStatement, rowDescription: Uint8Array): readonly FieldDescription[];
  /** Throws {@link ShapeMismatch} where these are not the columns that were decided on. */
  plan(result: DecidedStatement, fields: readonly FieldDescription[]): ResultPlan;
}

/** Of one statement, in text and in binary, say. */
const MAX_DESCRIPTIONS = 4;

export function createResultPlans(ports: {
  readonly hmacSha256: (bytes: Uint8Array) => Uint8Array;
  readonly knowsRelation: (oid: number) => boolean;
  readonly isTextType: (typeOid: number) => boolean;
  /** False: whatever comes is forwarded as it is, and recorded. */
  readonly contained: boolean;
}): ResultPlans {
  const descriptions = new WeakMap<
    DecidedStatement,
    { readonly raw: Uint8Array; readonly fields: readonly FieldDescription[] }[]
  >();
  const plans = new WeakMap<
    readonly FieldDescription[],
    { readonly result: DecidedStatement; readonly plan: ResultPlan }
  >();

  function makePlan(result: DecidedStatement, fields: readonly FieldDescription[]): ResultPlan {
    if (ports.contained && !fields.every(({ tableOid }) => ports.knowsRelation(tableOid)))
      throw new ShapeMismatch('rows come from a table that is not in the catalog');
    const masks = ports.contained ? resultMasks(result, fields) : fields.map(() => null);
    if (masks === null) throw new ShapeMismatch(`${fields.length} columns came, other than those decided on`);
    const { detectors } = result.decision.obligations;
    const masker =
      detectors.length > 0 || masks.some((mask) => mask !== null)
        ? createRowMasker({
            columns: fields.map(({ typeOid, typeModifier, format }, index) => ({
              mask: masks[index]!,
              typeOid,
              typeModifier,
              isText: ports.isTextType(typeOid),
              format: format === 1 ? 'binary' : 'text',
            })),
            detectors,
            ports,
          })
        : null;
    const looked = masker === null ? null : new Uint8Array(fields.length);
    for (const index of masker?.needsValues ?? []) looked![index] = 1;
    return {
      fields,
      columns: fields.map(({ name, typeOid }, index) => ({ name, typeOid, mask: masks[index]! })),
      looked,
      masker,
    };
  }

  return {
    describe(given, rowDescription) {
      const result = given.like ?? given;
      let known = descriptions.get(result);
      if (known === undefined) {
        known = [];
        descriptions.set(result, known);
      }
      for (const { raw, fields } of known) if (equalBytes(raw, rowDescription)) return fields;
      const fields = decodeRowDescription(rowDescription);
      if (known.length >= MAX_DESCRIPTIONS) known.shift();
      known.push({ raw: rowDescription.slice(), fields });
      return fields;
    },
    plan(given, fields) {
      const result = given.like ?? given;
      const known = plans.get(fields);
      if (known?.result === result) return known.plan;
      const plan = makePlan(result, fields);
      plans.set(fields, { result, plan });
      return plan;
    },
  };
}
