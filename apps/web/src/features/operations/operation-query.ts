import { parseAsBoolean, parseAsString, parseAsStringLiteral, useQueryStates } from 'nuqs';

export const OUTCOMES = ['allow', 'deny', 'hold'] as const;
export const VERBS = ['select', 'insert', 'update', 'delete', 'truncate', 'create', 'alter', 'drop', 'lock'] as const;

const FILTERS = {
  person: parseAsString.withDefault(''),
  task: parseAsString.withDefault(''),
  resource: parseAsString.withDefault(''),
  /** Id of a grant: with all below it. */
  node: parseAsString.withDefault(''),
  session: parseAsString.withDefault(''),
  relation: parseAsString.withDefault(''),
  column: parseAsString.withDefault(''),
  class: parseAsString.withDefault(''),
  verb: parseAsStringLiteral(VERBS),
  outcome: parseAsStringLiteral(OUTCOMES),
  /** Without what was allowed and reached the system's own relations only. */
  data: parseAsBoolean.withDefault(false),
  /** Instants in UTC: the address shows the same rows to whoever opens it. */
  from: parseAsString.withDefault(''),
  to: parseAsString.withDefault(''),
};

export const useOperationFilters = () => useQueryStates(FILTERS, { history: 'replace' });
export type OperationFilterValues = ReturnType<typeof useOperationFilters>[0];

/** Only what is set, as the API and an address take it. */
export function setFilters(filters: OperationFilterValues): Record<string, string> {
  return Object.fromEntries(
    Object.entries(filters)
      .filter(([, value]) => value !== '' && value !== null && value !== false)
      .map(([key, value]) => [key, String(value)]),
  );
}

export const toSearch = (filters: Readonly<Record<string, string>>): string => new URLSearchParams(filters).toString();
