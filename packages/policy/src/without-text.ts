import type { SessionEffect, SqlOperation } from '@taskgate/core';

/**
 * The operation without what its author wrote: no text, no value of a setting. `decide` looks at neither, so it
 * decides the same on what is left.
 */
export function withoutText(operation: SqlOperation): SqlOperation {
  return { ...operation, text: '', effect: operation.effect === null ? null : effectWithoutText(operation.effect) };
}

function effectWithoutText(effect: SessionEffect): SessionEffect {
  switch (effect.kind) {
    case 'prepare':
    case 'declare':
      return { ...effect, statement: withoutText(effect.statement) };
    case 'set':
      return { ...effect, value: null };
    default:
      return effect;
  }
}
