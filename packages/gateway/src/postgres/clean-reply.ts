import type { PostgresCatalog } from '@taskgate/core';
import { utf8DecodeLossy } from '@taskgate/core';
import type { CompiledPolicySet } from '@taskgate/policy';
import {
  cleanServerMessage,
  cleanServerNotice,
  type ErrorFields,
  mayTellSetting,
  type Said,
  sqlstateOf,
} from '@taskgate/protocol-postgres';
import type { OperationRun } from './operation-run.ts';
import type { ExpectedReply } from './reply.ts';
import type { SessionState } from './session-state.ts';

/** What of an error of the target goes where. */
export interface CleanedError {
  /** For the client. */
  readonly fields: ErrorFields;
  /** For what is readable without the session's key. */
  readonly sqlstate: string;
  /** For the sealed part of the recording: all that the target said. */
  readonly whole: string;
}

const MAX_WHOLE_CHARACTERS = 16_384;
const WHOLE_FIELDS = [
  ['D', 'DETAIL'],
  ['H', 'HINT'],
  ['q', 'QUERY'],
  ['W', 'CONTEXT'],
] as const;

/** All that an error or notice says, as psql would show it. */
export function wholeText(fields: ErrorFields): string {
  const parts = [fields.get('M') ?? ''];
  for (const [letter, name] of WHOLE_FIELDS) if (fields.has(letter)) parts.push(`${name}:  ${fields.get(letter)}`);
  return parts.join('\n').slice(0, MAX_WHOLE_CHARACTERS);
}

/** An error that came in answer to `reply`; `explainUrl`: where its operation is explained, if there is one. */
export function cleanError(
  state: SessionState,
  reply: ExpectedReply | undefined,
  fields: ErrorFields,
  explainUrl: string | null,
): CleanedError {
  const whole = wholeText(fields);
  if (seesEverything(state.context.policies)) return { fields, sqlstate: sqlstateOf(fields), whole };
  const cleaned = cleanServerMessage(fields, saidIn(state, reply));
  const sqlstate = sqlstateOf(cleaned.fields);
  if (!cleaned.withheld) return { fields: cleaned.fields, sqlstate, whole };
  const ours = `taskgate: the rest of this message can quote hidden data; the session's recording has it${explainUrl === null ? '' : `: ${explainUrl}`}`;
  const hint = cleaned.fields.get('H');
  return {
    fields: new Map([...cleaned.fields, ['H', hint === undefined ? ours : `${hint}\n${ours}`]]),
    sqlstate,
    whole,
  };
}

/** A notice likewise; `null`: it is not sent. */
export function cleanNotice(
  state: SessionState,
  reply: ExpectedReply | undefined,
  fields: ErrorFields,
): ErrorFields | null {
  if (seesEverything(state.context.policies)) return fields;
  return cleanServerNotice(fields, saidIn(state, reply));
}

/** Whether the client is told that a setting has changed: functions can put a row's text into one. */
export function tellsSetting(
  state: SessionState,
  reply: ExpectedReply | undefined,
  setting: { readonly name: string; readonly value: string },
): boolean {
  const { name, value } = setting;
  if (seesEverything(state.context.policies)) return true;
  return mayTellSetting(name, value, state.parametersAtStart.get(name), saidIn(state, reply));
}

const everything = new WeakMap<CompiledPolicySet, boolean>();

/** Nothing is masked, looked for, withheld or held: then the target's own words can tell nothing that a select would not. */
export function seesEverything(policies: CompiledPolicySet): boolean {
  let sees = everything.get(policies);
  if (sees === undefined) {
    const { columnMasks, masks, detectors, allows, denies, holds } = policies;
    sees =
      columnMasks.length === 0 &&
      masks.length === 0 &&
      detectors.length === 0 &&
      allows.some(({ target }) => target.kind === 'statements' && target.classes === '*' && target.on === null) &&
      ![...denies, ...holds].some(
        ({ target }) =>
          (target.kind === 'access' && target.verb === 'select') ||
          (target.kind === 'statements' && (target.classes === '*' || target.classes.includes('select'))),
      );
    everything.set(policies, sees);
  }
  return sees;
}

function saidIn(state: SessionState, reply: ExpectedReply | undefined): Said {
  const said = {
    text: '',
    parameters: [],
    copies: false,
    isName: (word: string): boolean => namesOf(state.context.catalog).has(word),
  };
  const copiesIn = (run: OperationRun | undefined): boolean => run?.decided.operation.copy?.direction === 'in';
  switch (reply?.kind) {
    case 'query':
      return { ...said, text: reply.text, copies: copiesIn(reply.runs[reply.current]) };
    case 'parse':
    case 'describe-statement':
      return { ...said, text: reply.statement.text };
    case 'bind': {
      const { portal } = reply;
      // Only here are values the client's own for sure: while it runs, a function could quote a row that equals one.
      const parameters = portal.parameters.flatMap((value) => (value === null ? [] : [utf8DecodeLossy(value)]));
      return { ...said, text: portal.statement.text, parameters };
    }
    case 'describe-portal':
      return { ...said, text: reply.portal.statement.text };
    case 'execute':
      return { ...said, text: reply.portal.statement.text, copies: copiesIn(reply.run) };
    default:
      return said;
  }
}

interface CatalogNames {
  has(name: string): boolean;
}

const names = new WeakMap<PostgresCatalog, CatalogNames>();
/** What Postgres appends to the names that it gives to constraints and their indexes itself. */
const CONSTRAINT_ENDING = /_(?:pkey|key|fkey|check|excl|not_null|idx)\d{0,2}$/;

function namesOf(catalog: PostgresCatalog): CatalogNames {
  let known = names.get(catalog);
  if (known === undefined) {
    const words = new Set<string>([catalog.database.toLowerCase()]);
    const add = (...added: readonly string[]): void => {
      for (const name of added) words.add(name.toLowerCase());
    };
    for (const { schema, name, columns } of catalog.relations) {
      add(schema, name, `${schema}.${name}`);
      for (const column of columns) add(column.name, column.typeName);
    }
    for (const { schema, name } of [...catalog.functions, ...catalog.types]) add(schema, name, `${schema}.${name}`);
    known = { has: (name) => words.has(name.toLowerCase()) || isGivenConstraintName(name, catalog) };
    names.set(catalog, known);
  }
  return known;
}

/** `orders_pkey`, `orders_customer_id_fkey`: a relation's name, names of its columns, an ending. */
function isGivenConstraintName(name: string, catalog: PostgresCatalog): boolean {
  if (!CONSTRAINT_ENDING.test(name)) return false;
  const stem = name.replace(CONSTRAINT_ENDING, '');
  return catalog.relations.some((relation) => {
    if (!stem.startsWith(relation.name)) return false;
    const columns = new Set(relation.columns.map((column) => column.name));
    let rest = stem.slice(relation.name.length);
    while (rest !== '') {
      const next = [...columns].find((column) => rest === `_${column}` || rest.startsWith(`_${column}_`));
      if (next === undefined) return false;
      rest = rest.slice(next.length + 1);
    }
    return true;
  });
}
