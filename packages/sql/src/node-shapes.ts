/**
 * Every kind of node that a query may hold, with every field that the analysis reads or knows to be harmless. A kind or
 * a field that is not here makes the statement `unsupported`, so a new grammar cannot add a form that goes unseen.
 * `name` is a plain value, `name*` a node, `name[]` a list of nodes, `name:Kind` a node of that kind.
 */
const SHAPES: Readonly<Record<string, string>> = {
  // Values and names
  Integer: 'ival',
  Float: 'fval',
  Boolean: 'boolval',
  String: 'sval',
  BitString: 'bsval',
  List: 'items[]',
  A_Const: 'ival:Integer fval:Float boolval:Boolean sval:String bsval:BitString isnull location',
  A_Star: '',
  Alias: 'aliasname colnames[]',
  RangeVar: 'catalogname schemaname relname inh relpersistence alias:Alias location',
  TypeName: 'names[] typmods[] typemod arrayBounds[] setof pct_type location',
  DefElem: 'defnamespace defname arg* defaction location',
  CollateClause: 'arg* collname[] location',
  ColumnDef: 'colname typeName:TypeName is_local collClause:CollateClause location',

  // Expressions
  ColumnRef: 'fields[] location',
  ParamRef: 'number location',
  A_Expr: 'kind name[] lexpr* rexpr* location rexpr_list_start rexpr_list_end',
  BoolExpr: 'boolop args[] location',
  NullTest: 'arg* nulltesttype location',
  BooleanTest: 'arg* booltesttype location',
  TypeCast: 'arg* typeName:TypeName location',
  CaseExpr: 'arg* args[] defresult* location',
  CaseWhen: 'expr* result* location',
  CoalesceExpr: 'args[] location',
  MinMaxExpr: 'op args[] location',
  SQLValueFunction: 'op typmod location',
  FuncCall:
    'funcname[] args[] agg_order[] agg_filter* over:WindowDef agg_within_group agg_star agg_distinct func_variadic funcformat location',
  NamedArgExpr: 'arg* name argnumber location',
  GroupingFunc: 'args[] location',
  SubLink: 'subLinkType testexpr* operName[] subselect* location',
  A_ArrayExpr: 'elements[] location list_start list_end',
  RowExpr: 'args[] row_format location',
  A_Indirection: 'arg* indirection[]',
  A_Indices: 'is_slice lidx* uidx*',
  SetToDefault: 'location',
  MultiAssignRef: 'source* colno ncolumns',
  CurrentOfExpr: 'cursor_name cursor_param',
  MergeSupportFunc: 'msftype location',
  JsonFormat: 'format_type encoding location',
  JsonReturning: 'format:JsonFormat',
  JsonOutput: 'typeName:TypeName returning:JsonReturning',
  JsonValueExpr: 'raw_expr* format:JsonFormat',
  JsonKeyValue: 'key* value:JsonValueExpr',
  JsonIsPredicate: 'expr* format:JsonFormat item_type unique_keys location',
  JsonObjectConstructor: 'exprs[] output:JsonOutput absent_on_null unique location',
  JsonArrayConstructor: 'exprs[] output:JsonOutput absent_on_null location',
  JsonArrayQueryConstructor: 'query* output:JsonOutput format:JsonFormat absent_on_null location',
  JsonAggConstructor: 'output:JsonOutput agg_filter* agg_order[] over:WindowDef location',
  JsonObjectAgg: 'constructor:JsonAggConstructor arg:JsonKeyValue absent_on_null unique',
  JsonArrayAgg: 'constructor:JsonAggConstructor arg:JsonValueExpr absent_on_null',
  JsonParseExpr: 'expr:JsonValueExpr output:JsonOutput unique_keys location',
  JsonScalarExpr: 'expr* output:JsonOutput location',
  JsonSerializeExpr: 'expr:JsonValueExpr output:JsonOutput location',

  JsonArgument: 'val:JsonValueExpr name',
  JsonBehavior: 'btype expr* coerce location',
  JsonFuncExpr:
    'op column_name context_item:JsonValueExpr pathspec* passing[] output:JsonOutput on_empty:JsonBehavior on_error:JsonBehavior wrapper quotes location',
  JsonTable:
    'context_item:JsonValueExpr pathspec:JsonTablePathSpec passing[] columns[] on_error:JsonBehavior alias:Alias lateral location',
  JsonTableColumn:
    'coltype name typeName:TypeName pathspec:JsonTablePathSpec format:JsonFormat wrapper quotes columns[] on_empty:JsonBehavior on_error:JsonBehavior location',
  JsonTablePathSpec: 'string* name name_location location',

  // Clauses
  ResTarget: 'name indirection[] val* location',
  SortBy: 'node* sortby_dir sortby_nulls useOp[] location',
  WindowDef: 'name refname partitionClause[] orderClause[] frameOptions startOffset* endOffset* location',
  GroupingSet: 'kind content[] location',
  LockingClause: 'lockedRels[] strength waitPolicy',
  WithClause: 'ctes[] recursive location',
  CommonTableExpr:
    'ctename aliascolnames[] ctematerialized ctequery* search_clause:CTESearchClause cycle_clause:CTECycleClause location',
  CTESearchClause: 'search_col_list[] search_breadth_first search_seq_column location',
  CTECycleClause: 'cycle_col_list[] cycle_mark_column cycle_mark_value* cycle_mark_default* cycle_path_column location',
  IntoClause: 'rel:RangeVar colNames[] accessMethod options[] onCommit tableSpaceName skipData',
  RangeSubselect: 'lateral subquery* alias:Alias',
  RangeFunction: 'lateral ordinality is_rowsfrom functions[] alias:Alias coldeflist[]',
  RangeTableSample: 'relation* method[] args[] repeatable* location',
  JoinExpr: 'jointype isNatural larg* rarg* usingClause[] join_using_alias:Alias quals* alias:Alias',
  InferClause: 'indexElems[] whereClause* conname location',
  IndexElem: 'name expr* collation[] opclass[] ordering nulls_ordering',
  OnConflictClause: 'action infer:InferClause targetList[] whereClause* location',
  ReturningClause: 'options[] exprs[]',
  ReturningOption: 'option value location',
  MergeWhenClause: 'matched matchKind commandType override condition* targetList[] values[]',

  // Statements
  SelectStmt:
    'distinctClause[] intoClause:IntoClause targetList[] fromClause[] whereClause* groupClause[] groupDistinct havingClause* windowClause[] valuesLists[] sortClause[] limitOffset* limitCount* limitOption lockingClause[] withClause:WithClause op all larg:SelectStmt rarg:SelectStmt',
  InsertStmt:
    'relation:RangeVar cols[] selectStmt* onConflictClause:OnConflictClause returningList[] returningClause:ReturningClause withClause:WithClause override',
  UpdateStmt:
    'relation:RangeVar targetList[] whereClause* fromClause[] returningList[] returningClause:ReturningClause withClause:WithClause',
  DeleteStmt:
    'relation:RangeVar usingClause[] whereClause* returningList[] returningClause:ReturningClause withClause:WithClause',
  MergeStmt:
    'relation:RangeVar sourceRelation* joinCondition* mergeWhenClauses[] withClause:WithClause returningList[] returningClause:ReturningClause',
};

export type FieldShape =
  | { readonly kind: 'value' | 'node' | 'nodes' }
  | { readonly kind: 'body'; readonly nodeKind: string };

function parseShape(text: string): ReadonlyMap<string, FieldShape> {
  const fields = new Map<string, FieldShape>();
  for (const word of text.split(' ').filter((part) => part !== '')) {
    const [name = '', nodeKind] = word.split(':');
    if (nodeKind !== undefined) fields.set(name, { kind: 'body', nodeKind });
    else if (name.endsWith('*')) fields.set(name.slice(0, -1), { kind: 'node' });
    else if (name.endsWith('[]')) fields.set(name.slice(0, -2), { kind: 'nodes' });
    else fields.set(name, { kind: 'value' });
  }
  return fields;
}

export const NODE_SHAPES: ReadonlyMap<string, ReadonlyMap<string, FieldShape>> = new Map(
  Object.entries(SHAPES).map(([kind, text]) => [kind, parseShape(text)]),
);
