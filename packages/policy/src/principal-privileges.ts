import type {
  AccessVerb,
  CatalogRelation,
  PostgresCatalog,
  RelationAccess,
  SqlOperation,
  StatementClass,
} from '@taskgate/core';
import { isCovered } from './check-accesses.ts';
import { opensFunction } from './check-functions.ts';
import type { CompiledPolicySet } from './compile-policy-set.ts';
import { isDeniedFunction } from './denied-functions.ts';
import { matchesFunction } from './function-pattern.ts';
import { matchingDenies } from './matching-denies.ts';

export const RELATION_PRIVILEGES = ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'MAINTAIN'] as const;
export type RelationPrivilege = (typeof RELATION_PRIVILEGES)[number];

export interface PrivilegeOnRelation {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: CatalogRelation['kind'];
  readonly privilege: RelationPrivilege;
  /** Sorted; `null`: on the whole relation, columns to come included. */
  readonly columns: readonly string[] | null;
}

/** The least that a principal at the target needs to do what a task allows. Made of plain data, in one order: it can be hashed. */
export interface PrincipalPrivileges {
  readonly relations: readonly PrivilegeOnRelation[];
  readonly functions: readonly { readonly oid: number; readonly schema: string; readonly name: string }[];
  /** On every sequence, where a rule opens the functions that use them by name. */
  readonly sequences: readonly ('USAGE' | 'SELECT' | 'UPDATE')[];
  /** Schemas of all the above and of the columns' types. */
  readonly schemas: readonly string[];
  /** What of it is more than the task allows, since Postgres has no privilege as narrow; for people. */
  readonly wider: readonly string[];
  /**
   * Statements that only an owner may run, and that the task allows: no grant gives them. Not empty: a principal could
   * not do the task's work.
   */
  readonly needsOwner: readonly StatementClass[];
}

/** What a statement with this verb on these columns of a view reaches; empty where that is not known. */
export type ExpandView = (
  view: CatalogRelation,
  verb: 'select' | 'insert' | 'update' | 'delete',
  columns: readonly string[],
) => readonly RelationAccess[];

const PRIVILEGE_OF_VERB = {
  select: 'SELECT',
  insert: 'INSERT',
  update: 'UPDATE',
  delete: 'DELETE',
  truncate: 'TRUNCATE',
} as const;
type GivenVerb = keyof typeof PRIVILEGE_OF_VERB;

/** Classes of statements by which a verb can come about: rules may name either. */
const CLASSES_OF_VERB: Readonly<Record<GivenVerb, readonly StatementClass[]>> = {
  select: ['select', 'copy-to', 'merge'],
  insert: ['insert', 'copy-from', 'merge'],
  update: ['update', 'merge'],
  delete: ['delete', 'merge'],
  truncate: ['truncate'],
};

const OWNER_CLASSES = ['create', 'alter', 'drop', 'grant', 'comment', 'maintenance', 'other'] as const;
/** From this version on, MAINTAIN can be granted. */
const MAINTAIN_SINCE = 170_000;
/** No column has this name: a rule that covers it covers every column to come. */
const COLUMN_TO_COME = '\0';

/**
 * What the compiled rules come to as privileges of the server: all that an allow or hold rule opens, without what a
 * deny rule takes away whatever the statement. Masks and holds do not show here: a masked column must be read to be
 * masked. It asks the decision's own functions about each relation, verb and column, so that the two cannot drift.
 */
export function principalPrivileges(
  set: CompiledPolicySet,
  catalog: PostgresCatalog,
  expandView: ExpandView = () => [],
): PrincipalPrivileges {
  const relations: PrivilegeOnRelation[] = [];
  const wider: string[] = [];
  const add = (relation: CatalogRelation, privilege: RelationPrivilege, columns: readonly string[] | null): void => {
    const { oid, schema, name, kind } = relation;
    relations.push({ oid, schema, name, kind, privilege, columns });
  };
  const needsOwner = OWNER_CLASSES.filter((one) => opensClass(set, one)).filter(
    (one) => one !== 'maintenance' || catalog.serverVersion < MAINTAIN_SINCE,
  );
  // Nothing of the rest would be used: such a task has no principal.
  const failed = set.failures.length > 0;
  const tables = failed || needsOwner.length > 0 ? [] : catalog.relations;
  for (const relation of tables) {
    const isView = relation.kind === 'view' || relation.kind === 'materialized-view';
    const names = relation.columns.map((column) => column.name);
    const allowed = (verb: AccessVerb, classes: readonly StatementClass[], columns: readonly string[]): boolean => {
      const expands =
        isView && columns[0] !== COLUMN_TO_COME && isExpandable(verb) ? expandView(relation, verb, columns) : [];
      const access: RelationAccess = {
        verb,
        relation: { schema: relation.schema, name: relation.name },
        oid: relation.oid,
        columns,
        system: false,
        expands,
      };
      return classes.some((statementClass) => isAllowed(operationOf(statementClass, access), access, set));
    };
    const given = new Set<RelationPrivilege>();
    for (const verb of Object.keys(PRIVILEGE_OF_VERB) as GivenVerb[]) {
      const classes = CLASSES_OF_VERB[verb];
      const privilege = PRIVILEGE_OF_VERB[verb];
      if (verb === 'delete' || verb === 'truncate') {
        if (allowed(verb, classes, [])) {
          add(relation, privilege, null);
          given.add(privilege);
        }
        continue;
      }
      const columns = names.filter((name) => allowed(verb, classes, [name]));
      const whole = columns.length === names.length && allowed(verb, classes, [COLUMN_TO_COME]);
      if (columns.length === 0 && !whole) continue;
      add(relation, privilege, whole ? null : [...columns].sort());
      if (whole) given.add(privilege);
    }
    if (!given.has('UPDATE') && allowed('lock', ['lock', 'select'], [])) {
      // Postgres locks rows for whoever may update them: LOCK has no privilege of its own.
      const columns = relations.findIndex(({ oid, privilege }) => oid === relation.oid && privilege === 'UPDATE');
      if (columns >= 0) relations.splice(columns, 1);
      add(relation, 'UPDATE', null);
      wider.push(`update on ${relation.schema}.${relation.name}, which locking its rows needs`);
    }
    if (
      catalog.serverVersion >= MAINTAIN_SINCE &&
      isMaintainable(relation) &&
      allowed('maintenance', ['maintenance'], []) &&
      opensClass(set, 'maintenance')
    )
      add(relation, 'MAINTAIN', null);
  }
  const functions = failed ? [] : openFunctions(set, catalog);
  return {
    relations,
    functions,
    sequences: failed ? [] : openSequences(set),
    schemas: schemasOf(relations, functions, catalog),
    wider,
    needsOwner: failed ? [] : needsOwner,
  };
}

const isExpandable = (verb: AccessVerb): verb is 'select' | 'insert' | 'update' | 'delete' =>
  verb === 'select' || verb === 'insert' || verb === 'update' || verb === 'delete';

const isMaintainable = (relation: CatalogRelation): boolean =>
  relation.kind === 'table' || relation.kind === 'partitioned-table' || relation.kind === 'materialized-view';

function operationOf(statementClass: StatementClass, access: RelationAccess): SqlOperation {
  return {
    kind: 'sql',
    dialect: 'postgres',
    statementClass,
    label: statementClass,
    text: '',
    accesses: [access],
    functions: [],
    output: null,
    uses: [],
    effect: null,
    copy: null,
    countsItsWrite: true,
    parameterCount: 0,
    unknowns: [],
  };
}

const isAllowed = (operation: SqlOperation, access: RelationAccess, set: CompiledPolicySet): boolean =>
  isCovered(operation, set, access, 0) && matchingDenies(operation, set).length === 0;

/** A `statements` rule names the class, and no deny rule takes all of it away. */
function opensClass(set: CompiledPolicySet, one: StatementClass): boolean {
  const names = ({ target }: CompiledPolicySet['allows'][number], whole: boolean): boolean =>
    target.kind === 'statements' &&
    (target.classes === '*' || target.classes.includes(one)) &&
    (!whole || target.on === null);
  // What is of no known class is only opened by `'*'` everywhere.
  const opened = set.allows.some(
    (rule) =>
      names(rule, one === 'other') &&
      (one !== 'other' || (rule.target.kind === 'statements' && rule.target.classes === '*')),
  );
  return opened && !set.denies.some((rule) => names(rule, true));
}

/** Those that rules open by name, outside the server's own schema, which gives its functions to everybody. */
function openFunctions(set: CompiledPolicySet, catalog: PostgresCatalog): PrincipalPrivileges['functions'] {
  return catalog.functions
    .filter((one) => {
      const candidate = { ...one, guarded: one.volatility === 'volatile' || one.securityDefiner };
      const denied = set.denies.some(
        ({ target }) =>
          target.kind === 'functions' && target.functions.some((pattern) => matchesFunction(pattern, candidate)),
      );
      return !isDeniedFunction(candidate) && opensFunction(set, candidate) && !denied;
    })
    .map(({ oid, schema, name }) => ({ oid, schema, name }));
}

const SEQUENCE_FUNCTIONS = [
  ['nextval', 'USAGE'],
  ['currval', 'SELECT'],
  ['lastval', 'SELECT'],
  ['setval', 'UPDATE'],
] as const;

function openSequences(set: CompiledPolicySet): PrincipalPrivileges['sequences'] {
  const candidate = (name: string) => ({ schema: 'pg_catalog', name, arguments: null, guarded: false });
  const denied = (name: string): boolean =>
    set.denies.some(
      ({ target }) =>
        target.kind === 'functions' && target.functions.some((pattern) => matchesFunction(pattern, candidate(name))),
    );
  const found = SEQUENCE_FUNCTIONS.filter(([name]) => opensFunction(set, candidate(name)) && !denied(name));
  return [...new Set(found.map(([, privilege]) => privilege))];
}

function schemasOf(
  relations: readonly PrivilegeOnRelation[],
  functions: PrincipalPrivileges['functions'],
  catalog: PostgresCatalog,
): readonly string[] {
  const oids = new Set(relations.map((one) => one.oid));
  const schemaOfType = new Map(catalog.types.map(({ oid, schema }) => [oid, schema]));
  const ofTypes = catalog.relations
    .filter(({ oid }) => oids.has(oid))
    .flatMap(({ columns }) => columns.flatMap(({ typeOid }) => schemaOfType.get(typeOid) ?? []));
  const schemas = new Set([...relations, ...functions].map(({ schema }) => schema).concat(ofTypes));
  return [...schemas].filter((schema) => schema !== 'pg_catalog' && schema !== 'information_schema').sort();
}
