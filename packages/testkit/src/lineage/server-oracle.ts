import type { Client } from 'pg';
import { readServerLineage, type ServerLineage, type ServerRelation } from './server-lineage.ts';
import { isNode, parseServerTree, type ServerNode, type ServerValue } from './server-tree.ts';

export interface ServerAnswer extends ServerLineage {
  /**
   * What pg_depend holds of the statement, as `relation.column`, and `relation.` for a relation as a whole. A whole row
   * is a relation here, and the target columns of a write are among the columns.
   */
  readonly depends: ReadonlySet<string>;
}

export interface ServerOracle {
  /** `null` where the server does not take the statement. Nothing runs, nothing stays. */
  ask(statement: string): Promise<ServerAnswer | null>;
  /** What a view's own query reads: of pg_depend, and behind whole rows. */
  readonly viewReads: ReadonlyMap<string, ReadonlySet<string>>;
  /** Columns that decide which rows a view shows, followed to the base. */
  readonly viewRowUses: ReadonlyMap<string, ReadonlySet<string>>;
}

const BODY = 'create procedure public.zz_oracle(text, int) language sql begin atomic';

/**
 * The database as an oracle of what a statement uses. As the body of a SQL procedure the server resolves a statement
 * fully, writes included, and leaves every column it uses in pg_depend, as it does for a view; the resolved tree is in
 * pg_proc. The client's search_path must be the one that statements are written for.
 */
export async function openServerOracle(client: Client): Promise<ServerOracle> {
  const { rows } = await client.query<{
    oid: number;
    name: string;
    columns: Record<string, string> | null;
    tree: string | null;
    children: string[];
  }>(`
    select c.oid::int8::int as oid, c.relname as name,
      (select jsonb_object_agg(a.attnum, a.attname) from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
      (select r.ev_action::text from pg_rewrite r where r.ev_class = c.oid and r.rulename = '_RETURN') as tree,
      array(with recursive below(oid) as (select inhrelid from pg_inherits where inhparent = c.oid union
        select i.inhrelid from pg_inherits i join below b on i.inhparent = b.oid) select oid::text from below) as children
    from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')`);
  const relations = new Map<number, ServerRelation>(
    rows.map((row) => [
      row.oid,
      {
        name: row.name,
        columns: new Map(Object.entries(row.columns ?? {}).map(([attnum, name]) => [Number(attnum), name])),
        view: row.tree === null ? null : queryIn(parseServerTree(row.tree)),
        children: row.children.map(Number),
      },
    ]),
  );
  const depends = async (where: string): Promise<ReadonlyMap<string, ReadonlySet<string>>> => {
    const found = new Map<string, Set<string>>();
    const result = await client.query<{ owner: string; used: number; attnum: number }>(dependsOf(where));
    for (const { owner, used, attnum } of result.rows) {
      const relation = relations.get(used);
      if (relation === undefined || attnum < 0 || relation.name === owner) continue;
      const set = found.get(owner) ?? new Set();
      found.set(owner, set);
      set.add(`${relation.name}.${relation.columns.get(attnum) ?? ''}`);
    }
    return found;
  };
  const viewLineages = [...relations.values()].flatMap(({ name, view }) =>
    view === null ? [] : [[name, readServerLineage(view, relations)] as const],
  );
  const viewDepends = await depends(
    `d.classid = 'pg_rewrite'::regclass and d.objid in (select oid from pg_rewrite where rulename = '_RETURN')`,
  );
  const script = `
    select prosqlbody::text as tree from pg_proc where proname = 'zz_oracle';
    ${dependsOf(`d.classid = 'pg_proc'::regclass and d.objid = (select oid from pg_proc where proname = 'zz_oracle')`)};
    rollback`;
  return {
    viewReads: new Map(
      viewLineages.map(([name, { reads }]) => [name, new Set([...reads, ...(viewDepends.get(name) ?? [])])]),
    ),
    viewRowUses: new Map(viewLineages.map(([name, { rowUses }]) => [name, rowUses])),
    async ask(statement) {
      let results: { rows: Record<string, unknown>[] }[];
      try {
        results = (await client.query(`begin; ${BODY} ${statement}; end; ${script}`)) as unknown as typeof results;
      } catch {
        await client.query('rollback');
        return null;
      }
      const tree = queryIn(parseServerTree(String(results[2]?.rows[0]?.tree)));
      const used = new Set<string>();
      for (const row of results[3]?.rows ?? []) {
        const relation = relations.get(Number(row.used));
        if (relation !== undefined && Number(row.attnum) >= 0) {
          used.add(`${relation.name}.${relation.columns.get(Number(row.attnum)) ?? ''}`);
        }
      }
      return { ...readServerLineage(tree, relations), depends: used };
    },
  };
}

const dependsOf = (where: string): string => `
  select coalesce((select ev_class::regclass::text from pg_rewrite r where r.oid = d.objid), '') as owner,
    d.refobjid::int8::int as used, d.refobjsubid as attnum
  from pg_depend d where d.refclassid = 'pg_class'::regclass and ${where}`;

/** The one query in what the server keeps as a list of lists. */
function queryIn(value: ServerValue): ServerNode {
  if (isNode(value)) return value;
  if (Array.isArray(value) && value[0] !== undefined) return queryIn(value[0]);
  throw new Error('the server keeps no query here');
}
