import type { AccessVerb } from '@taskgate/core';
import type { Env } from '../env.ts';
import { bodyAt, type Fields, locationOf, nodeAt, nodesAt, type PgNode, textAt } from '../node.ts';
import { columnsOf, resolveRelation } from '../resolve-relation.ts';
import { columnRefNames, noteCreated, noteMentioned, noteNamed, noteRelation, objectNames } from './ddl-relations.ts';
import { meaning, type StatementMeaning } from './statement-meaning.ts';
import { STATEMENT_WORDS } from './statement-words.ts';

/** Objects that are relations of the catalog (an index or a composite type is not). */
const RELATION_OBJECTS: ReadonlySet<string> = new Set([
  'OBJECT_TABLE',
  'OBJECT_VIEW',
  'OBJECT_MATVIEW',
  'OBJECT_FOREIGN_TABLE',
  'OBJECT_SEQUENCE',
]);

/** Objects that belong to a relation: the last of their names is their own. */
const PARTS_OF_RELATIONS: ReadonlySet<string> = new Set([
  'OBJECT_COLUMN',
  'OBJECT_POLICY',
  'OBJECT_RULE',
  'OBJECT_TABCONSTRAINT',
  'OBJECT_TRIGGER',
]);

/** Definition statements: their class, their label, and the relations that they name. `null`: not one of these. */
export function analyzeDdl(env: Env, statement: PgNode): StatementMeaning | null {
  const { kind, fields } = statement;
  const words = STATEMENT_WORDS.get(kind);
  if (words === undefined) return null;
  const [statementClass, label] = words;
  refuseTemporary(env, fields);
  switch (kind) {
    case 'CreateStmt':
    case 'CreateForeignTableStmt': {
      const base = kind === 'CreateStmt' ? fields : (bodyAt(fields, 'base') ?? bodyAt(fields, 'baseStmt') ?? {});
      const relation = bodyAt(base, 'relation');
      noteCreated(env, relation ?? {});
      noteMentioned(env, fields, [relation]);
      break;
    }
    case 'CreateSeqStmt':
      noteCreated(env, bodyAt(fields, 'sequence') ?? {});
      break;
    case 'CompositeTypeStmt':
      break;
    case 'CreateSchemaStmt':
      if (nodesAt(fields, 'schemaElts').length > 0) {
        env.out.unknown('unsupported', 'create schema with objects in it is not analysed; create them after it');
      }
      break;
    case 'CreatePolicyStmt':
    case 'AlterPolicyStmt':
      noteMentioned(env, fields, []);
      break;
    case 'AlterTableStmt':
    case 'RenameStmt':
    case 'AlterObjectSchemaStmt':
    case 'AlterOwnerStmt':
      if (textAt(fields, 'renameType') === 'OBJECT_ROLE') return meaning('other', 'ALTER ROLE');
      noteAltered(env, fields);
      break;
    case 'DropStmt':
      return analyzeDrop(env, fields);
    case 'CommentStmt':
    case 'SecLabelStmt':
      // By the comment of a role it is told whose it is: as with all that is done to roles, no narrower rule opens it.
      if (textAt(fields, 'objtype') === 'OBJECT_ROLE') return meaning('other', `${label} ON ROLE`);
      noteObject(env, textAt(fields, 'objtype') ?? '', nodeAt(fields, 'object'), 'comment', 'comment');
      break;
    case 'GrantStmt':
      noteGranted(env, fields);
      return meaning('grant', fields.is_grant === true ? 'GRANT' : 'REVOKE');
    case 'TruncateStmt':
      for (const relation of nodesAt(fields, 'relations')) noteRelation(env, relation.fields, 'truncate');
      if (textAt(fields, 'behavior') === 'DROP_CASCADE') {
        env.out.unknown('unsupported', '`truncate ... cascade` empties relations that it does not name; list them');
      }
      break;
    case 'LockStmt':
      for (const relation of nodesAt(fields, 'relations')) noteRelation(env, relation.fields, 'lock');
      break;
    case 'VacuumStmt':
      for (const one of nodesAt(fields, 'rels')) noteRelation(env, bodyAt(one.fields, 'relation'), 'maintenance');
      return meaning('maintenance', fields.is_vacuumcmd === true ? 'VACUUM' : 'ANALYZE');
    case 'ReindexStmt':
      if (textAt(fields, 'kind') === 'REINDEX_OBJECT_TABLE')
        noteRelation(env, bodyAt(fields, 'relation'), 'maintenance');
      break;
    case 'ClusterStmt':
      noteClustered(env, bodyAt(fields, 'relation'));
      break;
    case 'RefreshMatViewStmt':
      noteRefreshed(env, bodyAt(fields, 'relation') ?? {});
      break;
    default:
      noteMentioned(env, fields, []);
  }
  return meaning(statementClass, label);
}

/** What stands in the temporary schema hides types and relations of its name. */
function refuseTemporary(env: Env, tree: unknown): void {
  const pending: unknown[] = [tree];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (typeof next === 'string' && next.startsWith('pg_temp')) {
      env.out.unknown('unsupported', 'temporary objects are not analysed; create them in a schema of the database');
      return;
    }
    if (typeof next === 'object' && next !== null) pending.push(...Object.values(next));
  }
}

function noteAltered(env: Env, fields: Fields): void {
  const type = textAt(fields, 'objtype') ?? textAt(fields, 'renameType') ?? textAt(fields, 'objectType') ?? '';
  const relation = bodyAt(fields, 'relation');
  const inCatalog = type !== 'OBJECT_INDEX' && type !== 'OBJECT_TYPE' && type !== 'OBJECT_ATTRIBUTE';
  if (inCatalog) noteRelation(env, relation, 'alter');
  noteMentioned(env, fields, [relation]);
  if (inCatalog && relation !== null) noteMovedColumns(env, fields, relation);
}

/** A mask knows a column by its name: renaming it, its relation or its schema, or generating another from it, is a use. */
function noteMovedColumns(env: Env, fields: Fields, relation: Fields): void {
  const known = resolveRelation(env, relation)?.known ?? null;
  if (known === null) return;
  const isAlterTable = fields.objtype !== undefined && Array.isArray(fields.cmds);
  const isOwner = fields.newowner !== undefined;
  const named = new Set([textAt(fields, 'subname'), ...columnRefNames(fields)]);
  const all = !isAlterTable && !isOwner && textAt(fields, 'subname') === null;
  for (const column of columnsOf(env, known, false)) {
    if (all || named.has(column.name)) env.out.use(column.lineage.sources, 'write', 0);
  }
}

function analyzeDrop(env: Env, fields: Fields): StatementMeaning {
  const type = textAt(fields, 'removeType') ?? '';
  for (const object of nodesAt(fields, 'objects')) noteObject(env, type, object, 'drop', 'alter');
  if (textAt(fields, 'behavior') === 'DROP_CASCADE') {
    env.out.unknown('unsupported', '`drop ... cascade` drops objects that it does not name; drop them one by one');
  }
  return meaning(
    'drop',
    `DROP ${type.replace('OBJECT_', '').replaceAll('_', ' ').replace('MATVIEW', 'MATERIALIZED VIEW')}`,
  );
}

/** `ofRelation`: the verb on the relation that a part (a column, a trigger) belongs to. */
function noteObject(env: Env, type: string, object: PgNode | null, verb: AccessVerb, ofRelation: AccessVerb): void {
  const names = objectNames(object);
  if (RELATION_OBJECTS.has(type)) noteNamed(env, names, verb);
  else if (PARTS_OF_RELATIONS.has(type)) noteNamed(env, names.slice(0, -1), ofRelation);
}

function noteGranted(env: Env, fields: Fields): void {
  const type = textAt(fields, 'objtype') ?? '';
  if (!RELATION_OBJECTS.has(type)) return;
  if (textAt(fields, 'targtype') === 'ACL_TARGET_OBJECT') {
    for (const object of nodesAt(fields, 'objects')) noteRelation(env, object.fields, 'grant');
    return;
  }
  const schemas = nodesAt(fields, 'objects').flatMap((object) => objectNames(object));
  for (const { schema, name, oid } of env.catalog.catalog.relations) {
    if (schemas.includes(schema)) env.out.access('grant', { schema, name, oid, system: false });
  }
}

/** A refresh runs the view's query, with the functions in it. */
/** Its rows lie, and are given where nothing else says, in the order of an index: of which columns, is not known. */
function noteClustered(env: Env, rangeVar: Fields | null): void {
  if (rangeVar === null)
    return env.out.unknown('unsupported', 'cluster of every table is not analysed; name the table');
  const found = resolveRelation(env, rangeVar);
  if (found === null) return;
  env.out.access('maintenance', found.resolved);
  for (const { lineage } of found.known === null ? [] : columnsOf(env, found.known, false))
    env.out.use(lineage.sources, 'sort', locationOf(rangeVar));
}

function noteRefreshed(env: Env, rangeVar: Fields): void {
  const found = resolveRelation(env, rangeVar);
  if (found === null) return;
  env.out.access('maintenance', found.resolved);
  if (found.known !== null) columnsOf(env, found.known, true);
}
