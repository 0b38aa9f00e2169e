// biome-ignore-all lint/a11y/noLabelWithoutControl: the control is our own Input
'use client';
import { useEffect, useState } from 'react';
import { Button } from '@/components/button.tsx';
import { Checkbox, Input, Select } from '@/components/input.tsx';
import { TypedFilter } from '@/components/typed-filter.tsx';
import { NodeChip } from '@/features/runs/node-chip.tsx';
import { fromLocalInput, toLocalInput } from '@/lib/local-instant.ts';
import { OUTCOMES, setFilters, useOperationFilters, VERBS } from './operation-query.ts';

export function OperationFilters() {
  const [filters, set] = useOperationFilters();
  const [mounted, setMounted] = useState(false);
  // The server does not know the reader's time zone.
  useEffect(() => setMounted(true), []);
  const text = (
    key: 'relation' | 'column' | 'class' | 'person' | 'task' | 'resource',
    label: string,
    width: string,
  ) => (
    <TypedFilter
      label={label}
      placeholder={label}
      value={filters[key]}
      onChange={(value) => void set({ [key]: value || null })}
      className={width}
    />
  );
  return (
    <search aria-label="Filters" className="flex flex-wrap items-center gap-2 border-line border-b px-4 py-2.5">
      {text('relation', 'Relation', 'w-44!')}
      {text('column', 'Column', 'w-28!')}
      {text('class', 'Class, as pii', 'w-28!')}
      <Select
        aria-label="Verb"
        className="w-28!"
        value={filters.verb ?? ''}
        onChange={(event) => void set({ verb: VERBS.find((verb) => verb === event.target.value) ?? null })}
      >
        <option value="">Any verb</option>
        {VERBS.map((verb) => (
          <option key={verb}>{verb}</option>
        ))}
      </Select>
      {text('person', 'Person', 'w-32!')}
      {text('task', 'Task', 'w-32!')}
      {text('resource', 'Resource', 'w-32!')}
      <Select
        aria-label="Decision"
        className="w-36!"
        value={filters.outcome ?? ''}
        onChange={(event) => void set({ outcome: OUTCOMES.find((one) => one === event.target.value) ?? null })}
      >
        <option value="">Any decision</option>
        <option value="allow">Allowed</option>
        <option value="deny">Denied</option>
        <option value="hold">Held</option>
      </Select>
      {(['from', 'to'] as const).map((key) => (
        <label key={key} className="flex items-center gap-1.5 text-muted text-sm">
          {key === 'from' ? 'From' : 'Before'}
          <Input
            type="datetime-local"
            className="w-48!"
            value={mounted ? toLocalInput(filters[key]) : ''}
            onChange={(event) => void set({ [key]: fromLocalInput(event.target.value) })}
          />
        </label>
      ))}
      <Checkbox
        label="Without catalog look-ups"
        checked={filters.data}
        onChange={(event) => void set({ data: event.target.checked || null })}
      />
      <NodeChip node={filters.node} onClear={() => void set({ node: null })} />
      {filters.session !== '' && <span className="text-muted text-sm">of one session</span>}
      {Object.keys(setFilters(filters)).length > 0 && (
        <Button size="sm" variant="ghost" onClick={() => void set(null)}>
          Clear
        </Button>
      )}
    </search>
  );
}
