// biome-ignore-all lint/a11y/noLabelWithoutControl: the control is our own Input
'use client';
import { parseAsBoolean, parseAsString, parseAsStringLiteral, useQueryStates } from 'nuqs';
import { Button } from '@/components/button.tsx';
import { Checkbox, Input, Select } from '@/components/input.tsx';
import { TypedFilter } from '@/components/typed-filter.tsx';
import { NodeChip } from '@/features/runs/node-chip.tsx';

const PROTOCOLS = ['postgres', 'console'] as const;
const OUTCOMES = ['allow', 'deny', 'hold'] as const;

export const FILTERS = {
  person: parseAsString.withDefault(''),
  task: parseAsString.withDefault(''),
  resource: parseAsString.withDefault(''),
  q: parseAsString.withDefault(''),
  /** Id of a grant: with all below it. */
  node: parseAsString.withDefault(''),
  protocol: parseAsStringLiteral(PROTOCOLS),
  outcome: parseAsStringLiteral(OUTCOMES),
  live: parseAsBoolean.withDefault(false),
  /** Days in the reader's own time zone, `2026-11-22`. */
  from: parseAsString.withDefault(''),
  to: parseAsString.withDefault(''),
};

export const useSessionFilters = () => useQueryStates(FILTERS, { history: 'replace' });
export type SessionFilterValues = ReturnType<typeof useSessionFilters>[0];

export const isFiltered = (filters: SessionFilterValues): boolean =>
  Object.values(filters).some((value) => value !== '' && value !== null && value !== false);

export function SessionFilters() {
  const [filters, set] = useSessionFilters();
  return (
    <search aria-label="Filters" className="flex flex-wrap items-center gap-2 border-line border-b px-4 py-2.5">
      <TypedFilter
        label="Relation or kind of statement"
        placeholder="public.orders, update …"
        value={filters.q}
        onChange={(q) => void set({ q: q || null })}
        className="w-56!"
      />
      <TypedFilter
        label="Person"
        placeholder="Person"
        value={filters.person}
        onChange={(person) => void set({ person: person || null })}
        className="w-36!"
      />
      <TypedFilter
        label="Task"
        placeholder="Task"
        value={filters.task}
        onChange={(task) => void set({ task: task || null })}
        className="w-36!"
      />
      <TypedFilter
        label="Resource"
        placeholder="Resource"
        value={filters.resource}
        onChange={(resource) => void set({ resource: resource || null })}
        className="w-32!"
      />
      <Select
        aria-label="Decision"
        className="w-36!"
        value={filters.outcome ?? ''}
        onChange={(event) => void set({ outcome: OUTCOMES.find((name) => name === event.target.value) ?? null })}
      >
        <option value="">Any decision</option>
        <option value="allow">Something allowed</option>
        <option value="deny">Something denied</option>
        <option value="hold">Something held</option>
      </Select>
      <Select
        aria-label="Client"
        className="w-32!"
        value={filters.protocol ?? ''}
        onChange={(event) => void set({ protocol: PROTOCOLS.find((name) => name === event.target.value) ?? null })}
      >
        <option value="">Any client</option>
        <option value="postgres">psql and others</option>
        <option value="console">Console</option>
      </Select>
      <label className="flex items-center gap-1.5 text-muted text-sm">
        From
        <Input
          type="date"
          className="w-36!"
          value={filters.from}
          onChange={(event) => void set({ from: event.target.value || null })}
        />
      </label>
      <label className="flex items-center gap-1.5 text-muted text-sm">
        To
        <Input
          type="date"
          className="w-36!"
          value={filters.to}
          onChange={(event) => void set({ to: event.target.value || null })}
        />
      </label>
      <Checkbox
        label="Live now"
        checked={filters.live}
        onChange={(event) => void set({ live: event.target.checked || null })}
      />
      <NodeChip node={filters.node} onClear={() => void set({ node: null })} />
      {isFiltered(filters) && (
        <Button size="sm" variant="ghost" onClick={() => void set(null)}>
          Clear
        </Button>
      )}
    </search>
  );
}
