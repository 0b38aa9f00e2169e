import type { SourcePosition } from './taskgate-error.ts';

/** What kind of statement it is, by what it would do (`explain analyze delete` is a `delete`; `select into` a `create`). */
export const STATEMENT_CLASSES = [
  'select',
  'insert',
  'update',
  'delete',
  'merge',
  'truncate',
  'copy-to',
  'copy-from',
  'create',
  'alter',
  'drop',
  'grant',
  'comment',
  'maintenance', // vacuum, analyze, reindex, cluster, refresh materialized view, checkpoint
  'lock',
  'explain', // without analyze
  'call', // call, do
  'transaction', // begin, commit, rollback, savepoint, release, set transaction
  'session', // set, reset, show, discard
  'prepared', // SQL-level prepare, execute, deallocate
  'cursor', // declare, fetch, move, close
  'notify', // listen, unlisten, notify
  'empty', // no statement at all
  'other', // everything else: never allowed by anything but `statements: '*'`
] as const;
export type StatementClass = (typeof STATEMENT_CLASSES)[number];

export interface RelationName {
  readonly schema: string;
  readonly name: string;
}

export interface ColumnName {
  readonly schema: string;
  readonly relation: string;
  readonly column: string;
}

export const ACCESS_VERBS = [
  'select',
  'insert',
  'update',
  'delete',
  'truncate',
  'create',
  'alter',
  'drop',
  'grant',
  'comment',
  'maintenance',
  'lock',
] as const;
export type AccessVerb = (typeof ACCESS_VERBS)[number];

/** One relation that the statement reaches, with what it does to it. One entry for each pair of verb and relation. */
export interface RelationAccess {
  readonly verb: AccessVerb;
  readonly relation: RelationName;
  /** The server's OID; `null` for a relation that does not exist yet (create), or that is not in the catalog. */
  readonly oid: number | null;
  /** Columns read (select) or written (insert, update), resolved, `*` expanded. Empty: none, as in `select count(*)`. */
  readonly columns: readonly string[];
  /** In `pg_catalog` or `information_schema`. */
  readonly system: boolean;
  /** For a view: what it reaches in turn, with the columns that can flow into those used. Empty for tables. */
  readonly expands: readonly RelationAccess[];
}

/** How a source column is used when it is not simply projected. */
export type ColumnUseContext =
  | 'predicate' // where, having, join condition, case condition, filter
  | 'expression' // argument of a function or operator, cast that changes the value, whole-row reference
  | 'sort' // order by, window order
  | 'group' // group by, distinct, set operation that removes duplicates, window partition
  | 'write'; // source of insert, update, create table as, copy

export interface ColumnUse {
  readonly column: ColumnName;
  readonly context: ColumnUseContext;
  readonly position: SourcePosition | null;
}

/** One column of the result, with where its values come from (lineage, through CTEs, subselects, joins and views). */
export interface OutputColumn {
  readonly name: string;
  /** Every base-table column (views and view columns on the way included) whose values can reach this column. */
  readonly sources: readonly ColumnName[];
  /** True when each value is, unchanged, the value of one of `sources` (or there is none, as for a literal). */
  readonly plain: boolean;
}

/** How a statement comes to run a function. */
export type FunctionWay =
  | 'call' // written as a call, also in a view's definition
  | 'operator'
  | 'type' // making a value of a type: its input function, a domain's checks, a range's own functions
  | 'cast'
  | 'write'; // defaults, generated columns, checks and index expressions of a relation that is written to

export interface FunctionUse {
  /** As written: `null` when the statement did not qualify it. An operator's or a cast's own name for these. */
  readonly schema: string | null;
  readonly name: string;
  readonly way: FunctionWay;
  /** Every function that the server could choose, at least one; one where the arguments leave no doubt. */
  readonly candidates: readonly FunctionCandidate[];
  /** All candidates are. */
  readonly harmless: boolean;
  readonly position: SourcePosition | null;
}

export interface FunctionCandidate {
  /** `null`: built in, and all that is known of it is its name. */
  readonly oid: number | null;
  readonly schema: string;
  readonly name: string;
  /** Types of the input arguments as `format_type` prints them; `null` where the catalog does not have them. */
  readonly arguments: readonly string[] | null;
  /** It reads nothing but its arguments, the clock, the session's own state and catalog definitions, and changes nothing. */
  readonly harmless: boolean;
  /** Outside the system's schemas and volatile or SECURITY DEFINER: only a rule that names it in full opens it. */
  readonly guarded: boolean;
}

/** What a write sets off at the target by itself. */
export interface FiredEffect {
  readonly kind: 'trigger' | 'foreign-key';
  readonly name: string;
  /** What the trigger or the foreign key is on. */
  readonly relation: RelationName;
  readonly on: 'insert' | 'update' | 'delete' | 'truncate';
  /** Of a trigger: the function that it runs, as `schema.name`. What that does is not seen. */
  readonly runs: string | null;
  /** Of a foreign key: what it may do to `relation`. */
  readonly writes: 'update' | 'delete' | null;
}

/** What a statement does to the connection rather than to data. */
export type SessionEffect =
  | { readonly kind: 'begin' | 'commit' | 'rollback' | 'savepoint' | 'release' | 'rollback-to' | 'set-transaction' }
  | {
      readonly kind: 'set';
      readonly name: string;
      readonly value: string | null;
      readonly local: boolean;
      /** It leaves unchanged what later statements mean. Missing counts as false. */
      readonly harmless?: boolean;
    }
  | { readonly kind: 'reset'; readonly name: string /** As for `set`. */; readonly harmless?: boolean }
  | { readonly kind: 'reset-all' | 'discard-all' | 'discard-plans' | 'discard-temp' | 'discard-sequences' }
  | { readonly kind: 'unlisten' }
  | { readonly kind: 'show'; readonly name: string }
  | { readonly kind: 'prepare'; readonly name: string; readonly statement: SqlOperation }
  | { readonly kind: 'execute'; readonly name: string }
  | { readonly kind: 'deallocate' /** `null`: all. */; readonly name: string | null }
  | { readonly kind: 'declare'; readonly name: string; readonly statement: SqlOperation }
  | { readonly kind: 'fetch'; readonly name: string /** False for MOVE. */; readonly rows: boolean }
  | { readonly kind: 'close' /** `null`: all. */; readonly name: string | null };

export const UNKNOWN_CODES = [
  'syntax', // the target's own grammar refuses it
  'unsupported', // a form that the analysis does not follow
  'unresolved', // a relation, column or type that the catalog does not have
  'too-large', // over a limit of length, depth or count
  'bad-bytes', // NUL or invalid UTF-8
  'outside', // runs a program on the server's machine
] as const;

/** Something that the analysis could not follow. One is enough for a denial. */
export interface Unknown {
  readonly code: (typeof UNKNOWN_CODES)[number];
  /** Names what and says what to do instead; lower case, no full stop. */
  readonly message: string;
  readonly position: SourcePosition | null;
}

/** What one statement asks for, as the policy sees it. */
export interface SqlOperation {
  readonly kind: 'sql';
  readonly dialect: 'postgres';
  readonly statementClass: StatementClass;
  /** `SELECT`, `CREATE TABLE`, ...: the words for a message. */
  readonly label: string;
  /** The exact text of this statement within the message. */
  readonly text: string;
  readonly accesses: readonly RelationAccess[];
  readonly functions: readonly FunctionUse[];
  /** Triggers and foreign keys' actions that its writes set off, at any depth of foreign keys; missing: none. */
  readonly fires?: readonly FiredEffect[];
  /** `null`: the statement returns no rows, or (execute, fetch) those of another. */
  readonly output: readonly OutputColumn[] | null;
  /** Columns used other than as a plain projection. */
  readonly uses: readonly ColumnUse[];
  readonly effect: SessionEffect | null;
  /** Copy in or out over the connection: the relation is in `accesses`. */
  readonly copy: {
    readonly direction: 'in' | 'out';
    readonly format: 'text' | 'csv' | 'binary';
    /** The first row is the names of the columns. */
    readonly header?: boolean;
  } | null;
  /** The command tag of the whole statement counts the rows of its only write (needed for `affects`). */
  readonly countsItsWrite: boolean;
  /** It is one insert, update or delete of a table: by which name RETURNING calls that, and whether it returns rows. */
  readonly plainWrite?: { readonly target: string; readonly returns: boolean };
  /** Rows change that neither its command tag nor its result counts: by a write in a WITH, or under EXPLAIN. Missing: none. */
  readonly hidesWrites?: true;
  /** Highest `$n` it refers to. */
  readonly parameterCount: number;
  /** Non-empty: denied, whatever the task allows. */
  readonly unknowns: readonly Unknown[];
}

/** What a client is about to do. Other protocols join this union. */
export type Operation = SqlOperation;
