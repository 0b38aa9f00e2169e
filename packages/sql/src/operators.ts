import type { Env } from './env.ts';

/** Notes an unknown where an operator may not be the built-in one: another schema's, or a name that one on the path shares. */
export function builtinOperatorOnly(env: Env, names: readonly string[], location: number): void {
  const name = names.at(-1) ?? '';
  if (names.length > 1) {
    if (names.length === 2 && names[0] === 'pg_catalog') return;
    env.out.unknown(
      'unsupported',
      `operator \`${names.join('.')}\` is not built in; only \`pg_catalog\` operators are analysed`,
      location,
    );
    return;
  }
  if (env.catalog.hasOperator(name, env.searchPath)) {
    env.out.unknown(
      'unsupported',
      `operator \`${name}\` may be one that this database defines; write \`operator(pg_catalog.${name})\``,
      location,
    );
  }
}

/** The operators that an A_Expr runs, from its kind and the name that the grammar gives it. */
export function operatorsOf(kind: string, names: readonly string[]): readonly (readonly string[])[] {
  switch (kind) {
    case 'AEXPR_BETWEEN':
    case 'AEXPR_BETWEEN_SYM':
      return [['>='], ['<=']];
    case 'AEXPR_NOT_BETWEEN':
    case 'AEXPR_NOT_BETWEEN_SYM':
      return [['<'], ['>']];
    default:
      return [names];
  }
}

export const ANALYSED_EXPRESSION_KINDS: ReadonlySet<string> = new Set([
  'AEXPR_OP',
  'AEXPR_OP_ANY',
  'AEXPR_OP_ALL',
  'AEXPR_DISTINCT',
  'AEXPR_NOT_DISTINCT',
  'AEXPR_NULLIF',
  'AEXPR_IN',
  'AEXPR_LIKE',
  'AEXPR_ILIKE',
  'AEXPR_SIMILAR',
  'AEXPR_BETWEEN',
  'AEXPR_NOT_BETWEEN',
  'AEXPR_BETWEEN_SYM',
  'AEXPR_NOT_BETWEEN_SYM',
]);
