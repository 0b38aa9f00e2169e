import type {
  AccessVerb,
  ColumnName,
  ColumnUse,
  ColumnUseContext,
  FunctionUse,
  RelationAccess,
  RelationName,
  SourcePosition,
  Unknown,
} from '@taskgate/core';
import { columnKey } from './lineage.ts';

/** A relation that a statement names, as it was found. */
export interface ResolvedRelation extends RelationName {
  readonly oid: number | null;
  readonly system: boolean;
}

/** Turns a byte offset of the message into a position in the statement's text. */
export type Locate = (location: number) => SourcePosition | null;

export interface AccessDraft {
  readonly verb: AccessVerb;
  readonly relation: ResolvedRelation;
  readonly columns: Set<string>;
}

/** Gathers what one statement does. Everything is kept once, in the order in which it was first met. */
export interface Collector {
  access(verb: AccessVerb, relation: ResolvedRelation, columns?: readonly string[]): void;
  use(columns: readonly ColumnName[], context: ColumnUseContext, location: number): void;
  calls(use: Pick<FunctionUse, 'schema' | 'name' | 'way' | 'candidates'>, location: number): void;
  unknown(code: Unknown['code'], message: string, location?: number): void;
  /** Takes over what a view's definition calls and what in it is not understood. */
  adopt(functions: readonly FunctionUse[], unknowns: readonly Unknown[]): void;
  /** Takes over all that another has gathered. */
  adoptAll(other: Collector): void;
  /** As they were found, one for each pair of verb and relation. */
  drafts(): readonly AccessDraft[];
  accesses(
    expand: (relation: ResolvedRelation, verb: AccessVerb) => readonly RelationAccess[],
  ): readonly RelationAccess[];
  uses(): readonly ColumnUse[];
  functions(): readonly FunctionUse[];
  unknowns(): readonly Unknown[];
}

/** One name can mean different functions at different places: each set of them is a use of its own. */
function functionKey({ way, name, candidates }: Pick<FunctionUse, 'way' | 'name' | 'candidates'>): string {
  return JSON.stringify([way, name, candidates.map((one) => one.oid ?? `${one.schema}.${one.name}`)]);
}

export function createCollector(locate: Locate): Collector {
  const accesses = new Map<string, AccessDraft>();
  const uses = new Map<string, ColumnUse>();
  const functions = new Map<string, FunctionUse>();
  const unknowns = new Map<string, Unknown>();
  return {
    access(verb, relation, columns = []) {
      if (relation.system && verb !== 'select') {
        const message = `system relation \`${relation.schema}.${relation.name}\` can only be read`;
        unknowns.set(message, { code: 'unsupported', message, position: null });
      }
      const key = JSON.stringify([verb, relation.schema, relation.name]);
      let draft = accesses.get(key);
      if (draft === undefined) {
        draft = { verb, relation, columns: new Set() };
        accesses.set(key, draft);
      }
      for (const column of columns) draft.columns.add(column);
    },
    use(columns, context, location) {
      for (const column of columns) {
        const key = context + columnKey(column);
        if (!uses.has(key)) uses.set(key, { column, context, position: locate(location) });
      }
    },
    calls({ schema, name, way, candidates }, location) {
      const key = functionKey({ way, name, candidates });
      if (functions.has(key)) return;
      const harmless = candidates.length > 0 && candidates.every((one) => one.harmless);
      functions.set(key, { schema, name, way, candidates, harmless, position: locate(location) });
    },
    unknown(code, message, location = 0) {
      if (!unknowns.has(message)) unknowns.set(message, { code, message, position: locate(location) });
    },
    adopt(moreFunctions, moreUnknowns) {
      for (const one of moreFunctions) {
        const key = functionKey(one);
        if (!functions.has(key)) functions.set(key, { ...one, position: null });
      }
      for (const one of moreUnknowns) {
        if (!unknowns.has(one.message)) unknowns.set(one.message, { ...one, position: null });
      }
    },
    adoptAll(other) {
      for (const { verb, relation, columns } of other.drafts()) this.access(verb, relation, [...columns]);
      for (const use of other.uses()) {
        const key = use.context + columnKey(use.column);
        if (!uses.has(key)) uses.set(key, { ...use, position: null });
      }
      this.adopt(other.functions(), other.unknowns());
    },
    drafts: () => [...accesses.values()],
    accesses: (expand) =>
      [...accesses.values()].map(({ verb, relation, columns }) => ({
        verb,
        relation: { schema: relation.schema, name: relation.name },
        oid: relation.oid,
        columns: [...columns],
        system: relation.system,
        expands: expand(relation, verb),
      })),
    uses: () => [...uses.values()],
    functions: () => [...functions.values()],
    unknowns: () => [...unknowns.values()],
  };
}
