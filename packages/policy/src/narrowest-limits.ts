import type { GrantLimits } from '@taskgate/core';

/** The smallest of each; `null`: none of them limits it. */
export function narrowestLimits(all: readonly GrantLimits[]): GrantLimits {
  const narrowest = (key: keyof GrantLimits): number | null => {
    const set = all.map((limits) => limits[key]).filter((value) => value !== null);
    return set.length === 0 ? null : Math.min(...set);
  };
  return {
    rows: narrowest('rows'),
    bytes: narrowest('bytes'),
    statements: narrowest('statements'),
    durationMs: narrowest('durationMs'),
    statementMs: narrowest('statementMs'),
    idleMs: narrowest('idleMs'),
    connections: narrowest('connections'),
  };
}
