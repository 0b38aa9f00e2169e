import { CONDITION_NAMES } from './condition-names.ts';
import { type ErrorFields, sqlstateOf } from './error-fields.ts';
import { SERVER_HINTS, SERVER_MESSAGES } from './server-messages.ts';

/** What may stand in a message besides Postgres' own words: it is known to whoever reads it. */
export interface Said {
  /** The client's own statement, in which positions count. Empty: none is known. */
  readonly text: string;
  /** Values that the client bound, as text: named where the server could not read one. Empty: none. */
  readonly parameters: readonly string[];
  /** It copies data in: lines are counted in the client's own data. */
  readonly copies: boolean;
  /** Whether this is a name of the catalog (`customers`, `public.customers`, `email`, `character varying(20)`), in any case. */
  readonly isName: (word: string) => boolean;
}

export interface CleanedMessage {
  readonly fields: ErrorFields;
  /** Something was left out or replaced: the whole of it belongs in the recording. */
  readonly withheld: boolean;
}

const SEVERITIES: ReadonlySet<string> = new Set([
  'ERROR',
  'FATAL',
  'PANIC',
  'WARNING',
  'NOTICE',
  'DEBUG',
  'INFO',
  'LOG',
]);
/** Longer ones are not compared with anything. */
const MAX_MESSAGE_CHARACTERS = 1_000;
const MAX_NAME_CHARACTERS = 200;
/** What a code is replaced by that is not Postgres' own: user code can name any five characters, digits of a row too. */
const RAISED = 'P0001';
const NAME_FIELDS = ['s', 't', 'c', 'd', 'n'];

/**
 * An error or notice of the server as it may be sent where columns are hidden. Any text of a server can quote a row (a
 * failed cast, a check, a RAISE), so nothing of it goes through but: Postgres' own sentences, filled with what the
 * client said itself or what names the catalog has; the sqlstate, if it is Postgres' own; names of tables, columns and
 * constraints that are known; a place in the client's own text or data. Detail, file and line never do, and of the context only the line of a COPY.
 */
export function cleanServerMessage(fields: ErrorFields, said: Said): CleanedMessage {
  const sqlstate = knownSqlstate(fields);
  const severity = fields.get('V') ?? fields.get('S') ?? '';
  const shown = SEVERITIES.has(severity) ? severity : 'ERROR';
  const position = positionIn(fields, said.text);
  // Raised while the server read the client's text, not while it ran over rows: only then is what is quoted the client's.
  const reads = position !== null && !fields.has('q') && !fields.has('p');
  const may = { said, reads };
  const message = fields.get('M') ?? '';
  const sentence = isSentence(message, SERVER_MESSAGES.get(sqlstate) ?? [], may);
  const hint = fields.get('H');
  const hintShown = hint !== undefined && isSentence(hint, SERVER_HINTS, may) ? hint : null;

  const cleaned = new Map<string, string>([
    ['S', shown],
    ['V', shown],
    ['C', sqlstate],
    ['M', sentence ? message : CONDITION_NAMES.get(sqlstate)!],
  ]);
  if (hintShown !== null) cleaned.set('H', hintShown);
  if (reads) cleaned.set('P', String(position));
  for (const letter of NAME_FIELDS) {
    const name = fields.get(letter);
    if (name !== undefined && isKnownName(name, said)) cleaned.set(letter, name);
  }
  const place = copyPlace(fields.get('W'), said);
  if (place !== null) cleaned.set('W', place);
  const withheld =
    !sentence ||
    sqlstate !== fields.get('C') ||
    (hint !== undefined && hintShown === null) ||
    fields.has('D') ||
    fields.has('W');
  return { fields: cleaned, withheld };
}

/** A sqlstate of Postgres' own: user code can raise any five characters. */
export function knownSqlstate(fields: ErrorFields): string {
  const given = sqlstateOf(fields);
  return CONDITION_NAMES.has(given) ? given : RAISED;
}

/** Where in the client's data a COPY failed, without the value there. */
function copyPlace(context: string | undefined, said: Said): string | null {
  const match = /(?:^|\n)COPY ([^\s,:"]{1,63}), line (\d{1,10})(?:, column ([^\s,:"]{1,63}))?(?::[^\n]*)?$/.exec(
    context?.slice(-MAX_MESSAGE_CHARACTERS) ?? '',
  );
  if (match === null || !said.copies) return null;
  const [, table, line, column] = match;
  if (!isKnownName(table!, said)) return null;
  return `COPY ${table}, line ${line}${column !== undefined && isKnownName(column, said) ? `, column ${column}` : ''}`;
}

/** A notice, likewise; `null` where nothing of it may be sent: a notice that says nothing is of no use. */
export function cleanServerNotice(fields: ErrorFields, said: Said): ErrorFields | null {
  const given = sqlstateOf(fields);
  const sentences = SERVER_MESSAGES.get(given) ?? [];
  const may = { said, reads: positionIn(fields, said.text) !== null && !fields.has('q') };
  if (!isSentence(fields.get('M') ?? '', sentences, may)) return null;
  return cleanServerMessage(fields, said).fields;
}

/** A character of the client's own text, from 1; `null` where it is none. */
function positionIn(fields: ErrorFields, text: string): number | null {
  const given = fields.get('P');
  if (given === undefined || !/^[1-9]\d{0,6}$/.test(given)) return null;
  const position = Number(given);
  return position <= text.length + 1 ? position : null;
}

interface May {
  readonly said: Said;
  readonly reads: boolean;
}

function isSentence(message: string, templates: readonly string[], may: May): boolean {
  if (message.length > MAX_MESSAGE_CHARACTERS) return false;
  return templates.some((template) => {
    const values = fillings(message, template);
    return values?.every((value) => isKnownName(value, may.said) || isSaid(value, may)) === true;
  });
}

/**
 * What stands at the template's places, each as short as it can be; `null` where it is not this template. A value that
 * holds what follows it is cut wrongly, and then is not known: linear, and never too lenient.
 */
function fillings(message: string, template: string): readonly string[] | null {
  const [first, ...rest] = template.split('%s');
  if (!message.startsWith(first!)) return null;
  if (rest.length === 0) return message === first ? [] : null;
  const values: string[] = [];
  let at = first!.length;
  for (const [index, literal] of rest.entries()) {
    const last = index === rest.length - 1;
    const end = !last
      ? message.indexOf(literal, at)
      : message.endsWith(literal) && message.length - literal.length >= at
        ? message.length - literal.length
        : -1;
    if (end < 0 || (literal === '' && !last)) return null;
    values.push(message.slice(at, end));
    at = end + literal.length;
  }
  return values;
}

/** Types have no catalog entry here; these are the words that `format_type` makes their names of. */
const TYPE_WORDS: ReadonlySet<string> = new Set(
  (
    'smallint integer bigint numeric real double precision money text character varying char bpchar name bytea boolean date time ' +
    'timestamp timestamptz with without zone interval uuid json jsonb xml inet cidr macaddr bit point line lseg box path polygon ' +
    'circle tsvector tsquery oid regclass regtype regproc record unknown anyelement anyarray void array enum citext'
  ).split(' '),
);

function isKnownName(value: string, said: Said): boolean {
  return value.length <= MAX_NAME_CHARACTERS && said.isName(value);
}

/**
 * Whether the client wrote this itself: as one piece, or as words that are the client's, a type's or the catalog's
 * (`function total(integer, text)`, `integer + text`). Numbers and longer signs count only as part of one piece.
 */
function isSaid(value: string, { said, reads }: May): boolean {
  if (said.parameters.includes(value) || isCommandTag(value)) return true;
  if (!reads) return false;
  const text = said.text.toLowerCase();
  const lower = value.toLowerCase();
  if (text.includes(lower)) return true;
  const words = new Set(text.match(/[\p{L}_][\p{L}\p{N}_$]*/gu));
  return (lower.match(/[\p{L}_][\p{L}\p{N}_$]*|[^\p{L}_]+/gu) ?? []).every((part) =>
    /^[\p{L}_]/u.test(part)
      ? words.has(part) || TYPE_WORDS.has(part) || isKnownName(part, said)
      : /^[\s.,()[\]"]*$/.test(part) || (!/\p{N}/u.test(part) && text.includes(part.trim())),
  );
}

/** Settings that a session may not change, or only to what is listed here: their values are Postgres' own. */
const SETTING_VALUES: ReadonlyMap<string, RegExp> = new Map([
  ['client_encoding', /^UTF8$/],
  ['DateStyle', /^(ISO|SQL|Postgres|German), (MDY|DMY|YMD)$/],
  ['IntervalStyle', /^(postgres|postgres_verbose|sql_standard|iso_8601)$/],
  ['default_transaction_read_only', /^(on|off)$/],
  ['in_hot_standby', /^(on|off)$/],
  ['integer_datetimes', /^(on|off)$/],
  ['is_superuser', /^(on|off)$/],
  ['standard_conforming_strings', /^(on|off)$/],
]);

/**
 * Whether a changed setting may be told: `set_config` can put a row's text into one. Told are values of Postgres' own,
 * those that the session began with, and what the client asked for in so many words.
 */
export function mayTellSetting(name: string, value: string, atStart: string | undefined, said: Said): boolean {
  if (value === atStart || value === '') return true;
  if (SETTING_VALUES.get(name)?.test(value) === true) return true;
  if (name !== 'application_name' && name !== 'TimeZone') return false;
  return said.parameters.includes(value) || said.text.toLowerCase().includes(value.toLowerCase());
}

/** Tags that end with a count of rows (INSERT with an OID, always 0, in front of it). */
const COUNTED_TAGS = /^(?:INSERT 0|SELECT|UPDATE|DELETE|MERGE|MOVE|FETCH|COPY) \d{1,19}$/;
/** Postgres makes all others of these words (`cmdtaglist.h`); none can be chosen by data. */
const TAG_WORDS: ReadonlySet<string> = new Set(
  (
    'ABORT ACCESS AGGREGATE ALL ALTER ANALYZE AS AUTHORIZATION BEGIN CALL CAST CHECKPOINT CLASS CLOSE CLUSTER COLLATION COLUMN COMMENT ' +
    'COMMIT CONFIGURATION CONSTRAINT CONSTRAINTS CONVERSION COPY CREATE CURSOR DATA DATABASE DEALLOCATE DECLARE DEFAULT DELETE DICTIONARY ' +
    'DISCARD DO DOMAIN DROP EVENT EXECUTE EXPLAIN EXTENSION FAMILY FETCH FOREIGN FUNCTION GRANT IMPORT INDEX INSERT INTO LABEL LANGUAGE ' +
    'LARGE LISTEN LOAD LOCK LOGIN MAPPING MATERIALIZED MERGE METHOD MOVE NOTIFY OBJECT OPERATOR OWNED PARAMETER PARSER PLANS POLICY PREPARE ' +
    'PREPARED PRIVILEGES PROCEDURE PUBLICATION REASSIGN REFRESH REINDEX RELEASE RESET REVOKE ROLE ROLLBACK ROUTINE ROW RULE SAVEPOINT SCHEMA ' +
    'SEARCH SECURITY SELECT SEQUENCE SEQUENCES SERVER SET SHOW START STATISTICS SUBSCRIPTION SYSTEM TABLE TABLESPACE TEMP TEMPLATE TEXT ' +
    'TRANSACTION TRANSFORM TRIGGER TRUNCATE TYPE UNLISTEN UPDATE USER VACUUM VALUES VARIABLES VIEW WAL WRAPPER'
  ).split(' '),
);

/** Whether this is a command tag of Postgres: words of its own, and a count only where there is one to give. */
export function isCommandTag(tag: string): boolean {
  if (tag === lastTag) return true;
  if (!isTag(tag)) return false;
  lastTag = tag;
  return true;
}

/** Mostly the next one is alike. */
let lastTag: string | null = null;

function isTag(tag: string): boolean {
  if (COUNTED_TAGS.test(tag)) return true;
  const words = tag.split(' ');
  return tag.length <= 64 && words.length <= 6 && words.every((word) => TAG_WORDS.has(word));
}
