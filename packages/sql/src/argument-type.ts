import type { Lineage } from './lineage.ts';
import { bodyAt, nodeAt, nodesAt, type PgNode, textAt } from './node.ts';
import { bareType } from './type-name.ts';

/**
 * The type by which the server resolves a call or an operator: as `format_type` prints it, `unknown` for a literal in
 * quotes or NULL, which takes the type that is wanted, and `null` where the analysis does not know.
 */
export function argumentType(node: PgNode, lineage: Lineage): string | null {
  switch (node.kind) {
    case 'A_Const':
      return constantType(node);
    case 'NamedArgExpr':
    case 'CollateClause': {
      const arg = nodeAt(node.fields, 'arg');
      return arg === null ? null : argumentType(arg, lineage);
    }
    case 'ColumnRef':
    case 'TypeCast':
    case 'FuncCall':
      return typeOf(lineage);
    case 'SubLink': {
      const kind = textAt(node.fields, 'subLinkType');
      if (kind === 'EXPR_SUBLINK') return typeOf(lineage);
      return kind === 'EXISTS_SUBLINK' ? 'boolean' : null;
    }
    case 'BoolExpr':
    case 'NullTest':
    case 'BooleanTest':
      return 'boolean';
    default:
      return null;
  }
}

function typeOf({ type }: Lineage): string | null {
  return type === null || type.startsWith('row of ') ? null : bareType(type);
}

/** As `argumentType`, for one side of an operator of this kind: of a list or an array, that of its elements. */
export function operandType(node: PgNode, lineage: Lineage, kind = ''): string | null {
  if (node.kind === 'List') {
    const types = new Set(
      nodesAt(node.fields, 'items').map((item) => (item.kind === 'A_Const' ? constantType(item) : null)),
    );
    if (types.size > 1) types.delete('unknown');
    return types.size === 1 ? [...types][0]! : null;
  }
  const type = argumentType(node, lineage);
  if (kind !== 'AEXPR_OP_ANY' && kind !== 'AEXPR_OP_ALL') return type;
  return type?.endsWith('[]') === true ? type.slice(0, -2) : null;
}

/** make_const of the server's parse_node.c. */
function constantType({ fields }: PgNode): string | null {
  if (bodyAt(fields, 'ival') !== null) return 'integer';
  if (bodyAt(fields, 'boolval') !== null) return 'boolean';
  const float = bodyAt(fields, 'fval');
  if (float !== null) {
    const digits = textAt(float, 'fval') ?? '0';
    const isBig = /^-?\d+$/.test(digits) && BigInt.asIntN(64, BigInt(digits)) === BigInt(digits);
    return isBig ? 'bigint' : 'numeric';
  }
  if (bodyAt(fields, 'bsval') !== null) return 'bit';
  return 'unknown';
}
