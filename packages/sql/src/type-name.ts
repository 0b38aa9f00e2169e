import type { CatalogIndex } from './catalog-index.ts';

/** A type as `format_type(oid, null)` prints it, from what it prints with a length, precision or fields. */
export function bareType(printed: string): string {
  const bare = printed.replace(/\([^)]*\)/, '');
  if (/^interval\b[^[]*/.test(bare)) return bare.replace(/^interval[^[]*/, 'interval');
  // Without a length `format_type` quotes the one and abbreviates the other.
  return bare.replace(/^bpchar\b/, 'character').replace(/^"bit"/, 'bit');
}

const PSEUDO_TYPES: ReadonlySet<string> = new Set([
  'cstring',
  'event_trigger',
  'fdw_handler',
  'index_am_handler',
  'internal',
  'language_handler',
  'pg_ddl_command',
  'record',
  'record[]',
  'table_am_handler',
  'trigger',
  'tsm_handler',
  'unknown',
  'void',
]);

/** `any`, `anyelement` and their kin, records, and what no value has. */
function isPseudo(type: string): boolean {
  return /^"?any/.test(type) || PSEUDO_TYPES.has(type);
}

/**
 * Whether the server would surely not take a value of `from` where `to` is wanted, without a cast in the text
 * (can_coerce_type in its parse_coerce.c). `null`: not known, as for a literal or a parameter. In doubt it would.
 */
export function cannotCoerce(catalog: CatalogIndex, from: string | null, to: string): boolean {
  if (from === null || from === to || isPseudo(from) || isPseudo(to)) return false;
  const source = catalog.baseType(from);
  const target = catalog.baseType(to);
  if (source === null || target === null) return false; // composite, or not known
  if (source === target) return false;
  const [sourceElement, targetElement] = [source, target].map((type) => type.replace(/\[\]$/, ''));
  if (source.endsWith('[]') !== target.endsWith('[]')) return !catalog.hasImplicitCast(source, target);
  return (
    !catalog.hasImplicitCast(source, target) &&
    !(source.endsWith('[]') && catalog.hasImplicitCast(sourceElement!, targetElement!))
  );
}

/** What such a function gives depends on what it is given. */
export function isPolymorphic(type: string): boolean {
  return /^"?any/.test(type);
}
