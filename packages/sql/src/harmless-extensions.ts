import type { CatalogFunction } from '@taskgate/core';

/**
 * Extensions whose functions in C do nothing but compute from their arguments, and whose operators most statements on
 * their types need, up to the volatility given here: stable ones look at their own settings or dictionaries, volatile ones
 * draw random numbers. Extensions that run SQL given as
 * text (`tablefunc`, `xml2`, `dblink`), read files or reach other servers are not here.
 */
const HARMLESS_EXTENSIONS: ReadonlyMap<string, CatalogFunction['volatility']> = new Map([
  ['btree_gin', 'immutable'],
  ['btree_gist', 'immutable'],
  ['citext', 'stable'],
  ['cube', 'stable'],
  ['earthdistance', 'immutable'],
  ['fuzzystrmatch', 'immutable'],
  ['hstore', 'stable'],
  ['intarray', 'immutable'],
  ['isn', 'stable'],
  ['ltree', 'stable'],
  ['pg_trgm', 'stable'],
  ['postgis', 'immutable'],
  ['seg', 'stable'],
  ['unaccent', 'stable'],
  ['pgcrypto', 'volatile'],
  ['uuid-ossp', 'volatile'],
  ['vector', 'stable'],
]);

const ORDER: readonly CatalogFunction['volatility'][] = ['immutable', 'stable', 'volatile'];

/** Only code in C of a listed extension: one in SQL or PL/pgSQL runs names that are looked up when it runs. */
export function isHarmlessExtensionFunction(fn: CatalogFunction): boolean {
  const allowed = fn.extension === null ? undefined : HARMLESS_EXTENSIONS.get(fn.extension);
  if (allowed === undefined || fn.securityDefiner || fn.kind === 'procedure') return false;
  if (fn.language !== 'c' && fn.language !== 'internal') return false;
  return ORDER.indexOf(fn.volatility) <= ORDER.indexOf(allowed);
}
