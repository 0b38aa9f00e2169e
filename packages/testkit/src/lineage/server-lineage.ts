import {
  isList,
  isNode,
  listAt,
  nodeIn,
  nodesIn,
  numberIn,
  type ServerNode,
  type ServerValue,
  textIn,
} from './server-tree.ts';

/** Where a value comes from, by the names that the server resolved. Columns are `relation.column`. */
export interface ServerValueLineage {
  readonly sources: ReadonlySet<string>;
  readonly plain: boolean;
}

/** What the server's own tree of a statement says that it does with columns. */
export interface ServerLineage {
  /** Columns that the statement itself names or expands to, also behind whole rows; not those within views. */
  readonly reads: ReadonlySet<string>;
  readonly relations: ReadonlySet<string>;
  /** `null`: it returns no rows. Views are followed to their base columns. */
  readonly outputs: readonly ServerValueLineage[] | null;
  /** Of the outputs. */
  readonly names: readonly string[] | null;
  /** Columns, through views, that are used other than as they are. */
  readonly uses: ReadonlySet<string>;
  /** Those of them that decide which rows there are, or in what order. */
  readonly rowUses: ReadonlySet<string>;
}

export interface ServerRelation {
  readonly name: string;
  /** By attnum; a dropped one is not there. */
  readonly columns: ReadonlyMap<number, string>;
  /** The tree of a view's query. */
  readonly view: ServerNode | null;
  /** All that inherit from it or are its partitions. */
  readonly children: readonly number[];
}

const NONE: ServerValueLineage = { sources: new Set(), plain: true };

interface Level {
  readonly query: ServerNode;
  readonly parent: Level | null;
  /** Outputs of the subqueries, common table expressions and value lists in FROM, once they are known. */
  readonly outputs: Map<number, readonly ServerValueLineage[]>;
  readonly ctes: Map<string, readonly ServerValueLineage[]>;
  /** What an insert would have written, by attnum: the row `excluded` of ON CONFLICT. */
  readonly excluded: Map<number, ServerValueLineage>;
  /** What a write assigns to the columns of its target, by attnum; empty until RETURNING is read. */
  readonly assigned: Map<number, ServerValueLineage>;
}

const RTE = { relation: 0, subquery: 1, join: 2, function: 3, values: 5, cte: 6, group: 9 } as const;
const SUB_LINK = { exists: 0, all: 1, any: 2, rowCompare: 3, expr: 4, multiExpr: 5, array: 6 } as const;
const COMMAND = { select: 1, update: 2, insert: 3 } as const;
/** A recursive query's lineage settles after as many rounds as its columns can hand on. */
const ROUNDS = 12;

const union = (parts: readonly ServerValueLineage[]): ReadonlySet<string> =>
  new Set(parts.flatMap((part) => [...part.sources]));
const computed = (parts: readonly ServerValueLineage[]): ServerValueLineage => {
  const sources = union(parts);
  return { sources, plain: sources.size === 0 };
};
const either = (parts: readonly ServerValueLineage[]): ServerValueLineage => ({
  sources: union(parts),
  plain: parts.every((part) => part.plain),
});

/** The column of the target list that a sort or group clause means. */
function targetOf(query: ServerNode, clause: ServerNode): ServerNode | null {
  const reference = numberIn(clause, 'tleSortGroupRef');
  return (
    nodesIn(query.fields.get('targetList')).find((target) => numberIn(target, 'ressortgroupref') === reference) ?? null
  );
}

/**
 * Follows columns through a query tree in which the server has resolved every name. It shares nothing with the analysis
 * that it is held against: no grammar, no catalog, no scopes.
 */
export function readServerLineage(tree: ServerNode, relations: ReadonlyMap<number, ServerRelation>): ServerLineage {
  const reads = new Set<string>();
  const named = new Set<string>();
  const uses = new Set<string>();
  const rowUses = new Set<string>();
  const views = new Map<number, readonly ServerValueLineage[]>();

  const use = (lineage: ServerValueLineage, rows: boolean): void => {
    for (const source of lineage.sources) {
      uses.add(source);
      if (rows) rowUses.add(source);
    }
  };
  const rteOf = (level: Level, varno: number): ServerNode => nodesIn(level.query.fields.get('rtable'))[varno - 1]!;
  const up = (level: Level, levels: number): Level => {
    let found = level;
    for (let i = 0; i < levels; i += 1) found = found.parent!;
    return found;
  };

  const viewOutputs = (relid: number, view: ServerNode): readonly ServerValueLineage[] => {
    const known = views.get(relid);
    if (known !== undefined) return known;
    const outputs = readServerLineage(view, relations).outputs ?? [];
    views.set(relid, outputs);
    return outputs;
  };

  const relationColumn = (rte: ServerNode, attnum: number): ServerValueLineage => {
    const relid = numberIn(rte, 'relid');
    const relation = relations.get(relid);
    if (relation === undefined || attnum < 0) return NONE;
    if (attnum === 0) {
      return computed([...relation.columns.keys()].map((one) => relationColumn(rte, one)));
    }
    const name = `${relation.name}.${relation.columns.get(attnum)}`;
    reads.add(name);
    if (relation.view !== null) {
      const behind = viewOutputs(relid, relation.view)[attnum - 1] ?? NONE;
      // What a view computes is used in an expression, wherever the view's column stands.
      if (!behind.plain) use(behind, false);
      return { sources: new Set([name, ...behind.sources]), plain: behind.plain };
    }
    const inherited = rte.fields.get('inh') === 'true' ? relation.children : [];
    const column = relation.columns.get(attnum)!;
    return {
      sources: new Set([name, ...inherited.map((child) => `${relations.get(child)!.name}.${column}`)]),
      plain: true,
    };
  };

  const cteOutputs = (level: Level, rte: ServerNode): readonly ServerValueLineage[] => {
    const owner = up(level, numberIn(rte, 'ctelevelsup'));
    return withCte(owner, textIn(rte, 'ctename'));
  };

  const withCte = (owner: Level, name: string): readonly ServerValueLineage[] => {
    const known = owner.ctes.get(name);
    if (known !== undefined) return known;
    const cte = nodesIn(owner.query.fields.get('cteList')).find((one) => textIn(one, 'ctename') === name)!;
    const query = nodeIn(cte, 'ctequery')!;
    if (cte.fields.get('cterecursive') === 'true') {
      // Its own columns have no source until a round has found one.
      const size = (outputs: readonly ServerValueLineage[]): number =>
        outputs.reduce((sum, one) => sum + one.sources.size + (one.plain ? 0 : 1), 0);
      owner.ctes.set(
        name,
        listAt(cte, 'ctecolnames').map(() => NONE),
      );
      for (let round = 0; round < ROUNDS; round += 1) {
        const before = size(owner.ctes.get(name)!);
        owner.ctes.set(name, readQuery(query, owner));
        if (size(owner.ctes.get(name)!) === before) break;
      }
    } else owner.ctes.set(name, readQuery(query, owner));
    const outputs = [...owner.ctes.get(name)!];
    const columns = listAt(cte, 'ctecolnames').map(String);
    const listed = (clause: ServerNode | null, field: string): ServerValueLineage | null => {
      if (clause === null) return null;
      const names = listAt(clause, field).map(String);
      const lineage = computed(outputs.filter((_, index) => names.includes(columns[index]!)));
      use(lineage, true);
      return lineage;
    };
    const search = listed(nodeIn(cte, 'search_clause'), 'search_col_list');
    const cycle = listed(nodeIn(cte, 'cycle_clause'), 'cycle_col_list');
    if (search !== null) outputs.push(search);
    if (cycle !== null) outputs.push(cycle, cycle);
    owner.ctes.set(name, outputs);
    return outputs;
  };

  const outputsOf = (level: Level, varno: number): readonly ServerValueLineage[] => {
    const known = level.outputs.get(varno);
    if (known !== undefined) return known;
    const rte = rteOf(level, varno);
    let outputs: readonly ServerValueLineage[];
    switch (numberIn(rte, 'rtekind')) {
      case RTE.subquery:
        outputs = readQuery(nodeIn(rte, 'subquery')!, level);
        break;
      case RTE.values: {
        const rows = listAt(rte, 'values_lists').map((row) => (isList(row) ? row : []));
        outputs = (rows[0] ?? []).map((_, index) =>
          either(rows.map((row) => evaluate(row[index] ?? null, level, 'plain'))),
        );
        break;
      }
      case RTE.cte:
        // Not kept: a recursive query's own columns change from round to round.
        return cteOutputs(level, rte);
      case RTE.group:
        outputs = listAt(rte, 'groupexprs').map((one) => evaluate(one, level, 'plain'));
        break;
      case RTE.function: {
        // Every argument of a function can reach each of its columns; the number WITH ORDINALITY comes of none.
        const found = nodesIn(rte.fields.get('functions')).flatMap((one) => {
          const whole = evaluate(one, level, 'used');
          return Array.from({ length: numberIn(one, 'funccolcount') }, () => whole);
        });
        outputs = rte.fields.get('funcordinality') === 'true' ? [...found, NONE] : found;
        break;
      }
      default: {
        const whole = evaluate(rte.fields.get('tablefunc') ?? null, level, 'used');
        outputs = Array.from({ length: listAt(nodeIn(rte, 'eref')!, 'colnames').length }, () => whole);
      }
    }
    level.outputs.set(varno, outputs);
    return outputs;
  };

  /** A column of a join: one of its sides, or `coalesce` of both where a full join merges them. */
  const mergedColumn = (value: ServerValue, level: Level): ServerValueLineage => {
    if (isNode(value) && value.kind === 'COALESCEEXPR') {
      return either(listAt(value, 'args').map((arg) => evaluate(arg, level, 'plain')));
    }
    return evaluate(value, level, 'plain');
  };

  const variable = (node: ServerNode, level: Level): ServerValueLineage => {
    const owner = up(level, numberIn(node, 'varlevelsup'));
    const varno = numberIn(node, 'varno');
    const attnum = numberIn(node, 'varattno');
    const rte = rteOf(owner, varno);
    if (numberIn(rte, 'rtekind') === RTE.relation) {
      const conflict = nodeIn(owner.query, 'onConflict');
      const assigned = owner.assigned.get(attnum);
      if (conflict !== null && numberIn(conflict, 'exclRelIndex') === varno) {
        if (attnum === 0) return computed([...owner.excluded.values()]);
        return owner.excluded.get(attnum) ?? NONE;
      }
      const own = relationColumn(rte, attnum);
      const returnsOld = numberIn(node, 'varreturningtype') === 1;
      if (varno !== numberIn(owner.query, 'resultRelation') || returnsOld) return own;
      if (attnum === 0) return computed([own, ...owner.assigned.values()]);
      return assigned === undefined ? own : either([own, assigned]);
    }
    if (numberIn(rte, 'rtekind') === RTE.join) {
      // Only what is named counts: a join lists all columns of its sides.
      const columns = listAt(rte, 'joinaliasvars');
      if (attnum > 0) return mergedColumn(columns[attnum - 1] ?? null, owner);
      return computed(columns.map((one) => mergedColumn(one, owner)));
    }
    const outputs = outputsOf(owner, varno);
    if (attnum === 0) return computed([...outputs]);
    // SEARCH and CYCLE columns come after those of the query.
    return outputs[attnum - 1] ?? NONE;
  };

  /** `plain`: the value goes on as it is; `used`: it does not; `rows`: it decides which rows there are. */
  const evaluate = (value: ServerValue, level: Level, how: 'plain' | 'used' | 'rows'): ServerValueLineage => {
    if (value === null || typeof value === 'string') return NONE;
    if (isList(value)) return computed(value.map((one) => evaluate(one, level, how === 'plain' ? 'used' : how)));
    const node = value as ServerNode;
    const inner = how === 'plain' ? 'used' : how;
    switch (node.kind) {
      case 'VAR': {
        const lineage = variable(node, level);
        // The row as one value holds every column in another form.
        if (how !== 'plain' || numberIn(node, 'varattno') === 0) use(lineage, how === 'rows');
        return lineage;
      }
      case 'WINDOWFUNC': {
        const window = nodesIn(level.query.fields.get('windowClause')).find(
          (one) => numberIn(one, 'winref') === numberIn(node, 'winref'),
        );
        const keys = ['partitionClause', 'orderClause'].flatMap((field) => nodesIn(window?.fields.get(field)));
        const targets = keys.map((key) => targetOf(level.query, key));
        return computed([...node.fields.values(), ...targets].map((one) => evaluate(one, level, inner)));
      }
      case 'RELABELTYPE':
      case 'COLLATEEXPR':
      case 'COLLATE':
      case 'TARGETENTRY':
        return evaluate(node.fields.get(node.kind === 'TARGETENTRY' ? 'expr' : 'arg') ?? null, level, how);
      case 'SUBLINK': {
        const outputs = readQuery(nodeIn(node, 'subselect')!, level);
        const type = numberIn(node, 'subLinkType');
        if (type === SUB_LINK.exists) return NONE;
        if (type === SUB_LINK.expr && how === 'plain') return outputs[0] ?? NONE;
        const test = evaluate(node.fields.get('testexpr') ?? null, level, inner);
        for (const output of outputs) use(output, how === 'rows');
        return type === SUB_LINK.expr ? (outputs[0] ?? NONE) : computed([test, ...outputs]);
      }
      case 'QUERY':
        throw new Error('a query where an expression should be');
      default:
        return computed([...node.fields.values()].map((one) => evaluate(one, level, inner)));
    }
  };

  /** The outputs of the leaves of a set operation, by side; what removes duplicates compares them. */
  const setOutputs = (node: ServerNode, level: Level): readonly ServerValueLineage[] => {
    if (node.kind === 'RANGETBLREF') return outputsOf(level, numberIn(node, 'rtindex'));
    const left = setOutputs(nodeIn(node, 'larg')!, level);
    const right = setOutputs(nodeIn(node, 'rarg')!, level);
    const outputs = left.map((one, index) => either([one, right[index] ?? NONE]));
    if (listAt(node, 'groupClauses').length > 0) for (const output of outputs) use(output, true);
    return outputs;
  };

  const readQuery = (query: ServerNode, parent: Level | null): readonly ServerValueLineage[] => {
    const level: Level = {
      query,
      parent,
      outputs: new Map(),
      ctes: new Map(),
      excluded: new Map(),
      assigned: new Map(),
    };
    for (const cte of nodesIn(query.fields.get('cteList'))) withCte(level, textIn(cte, 'ctename'));
    for (const [index, rte] of nodesIn(query.fields.get('rtable')).entries()) {
      const kind = numberIn(rte, 'rtekind');
      if (kind === RTE.relation) {
        const relation = relations.get(numberIn(rte, 'relid'));
        if (relation !== undefined) named.add(relation.name);
        evaluate(rte.fields.get('tablesample') ?? null, level, 'rows');
      } else if (kind !== RTE.join && kind !== RTE.group) outputsOf(level, index + 1);
    }
    evaluate(nodeIn(query, 'jointree'), level, 'rows');
    for (const field of ['havingQual', 'limitOffset', 'limitCount', 'mergeJoinCondition'])
      evaluate(query.fields.get(field) ?? null, level, 'rows');

    const setOperations = nodeIn(query, 'setOperations');
    const targets = nodesIn(query.fields.get('targetList'));
    const writes = numberIn(query, 'commandType') !== COMMAND.select;
    const merged = setOperations === null ? null : setOutputs(setOperations, level);
    const outputs: ServerValueLineage[] = [];
    for (const target of targets) {
      const lineage =
        merged !== null
          ? (merged[numberIn(target, 'resno') - 1] ?? NONE)
          : evaluate(target, level, writes || target.fields.get('resjunk') === 'true' ? 'used' : 'plain');
      if (writes) level.excluded.set(numberIn(target, 'resno'), lineage);
      else if (target.fields.get('resjunk') !== 'true') outputs.push(lineage);
    }
    sortedAndGrouped(query, merged, level);
    if (writes) readWrite(query, level);
    if (!writes) return outputs;
    return nodesIn(query.fields.get('returningList')).map((one) => evaluate(one, level, 'plain'));
  };

  /** Everything that names a column of the target list by its `ressortgroupref`. */
  const sortedAndGrouped = (query: ServerNode, merged: readonly ServerValueLineage[] | null, level: Level): void => {
    const clauses = ['groupClause', 'distinctClause', 'sortClause'].flatMap((field) =>
      nodesIn(query.fields.get(field)),
    );
    for (const window of nodesIn(query.fields.get('windowClause'))) {
      clauses.push(...nodesIn(window.fields.get('partitionClause')), ...nodesIn(window.fields.get('orderClause')));
      for (const field of ['startOffset', 'endOffset']) evaluate(window.fields.get(field) ?? null, level, 'rows');
    }
    for (const clause of clauses) {
      const target = targetOf(query, clause);
      if (target === null) continue;
      if (merged !== null) use(merged[numberIn(target, 'resno') - 1] ?? NONE, true);
      else evaluate(target, level, 'rows');
    }
  };

  const readWrite = (query: ServerNode, level: Level): void => {
    const assigned = new Map(level.excluded);
    const assign = (target: ServerNode): void => {
      const attnum = numberIn(target, 'resno');
      const lineage = evaluate(target, level, 'used');
      assigned.set(attnum, either([assigned.get(attnum) ?? NONE, lineage]));
    };
    const conflict = nodeIn(query, 'onConflict');
    if (conflict !== null) {
      for (const field of ['arbiterElems', 'arbiterWhere', 'onConflictWhere'])
        evaluate(conflict.fields.get(field) ?? null, level, 'rows');
      for (const target of nodesIn(conflict.fields.get('onConflictSet'))) assign(target);
    }
    for (const action of nodesIn(query.fields.get('mergeActionList'))) {
      evaluate(action.fields.get('qual') ?? null, level, 'rows');
      for (const target of nodesIn(action.fields.get('targetList'))) assign(target);
    }
    for (const [attnum, lineage] of assigned) level.assigned.set(attnum, lineage);
  };

  const outputs = readQuery(tree, null);
  const returns =
    numberIn(tree, 'commandType') === COMMAND.select || nodesIn(tree.fields.get('returningList')).length > 0;
  const list = numberIn(tree, 'commandType') === COMMAND.select ? 'targetList' : 'returningList';
  const shown = nodesIn(tree.fields.get(list)).filter((target) => target.fields.get('resjunk') !== 'true');
  return {
    reads,
    relations: named,
    outputs: returns ? outputs : null,
    names: returns ? shown.map((target) => textIn(target, 'resname')) : null,
    uses,
    rowUses,
  };
}
