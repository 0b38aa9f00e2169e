'use client';
import { useQuery } from '@tanstack/react-query';
import { whyEscalates } from '@taskgate/core';
import { Plus, X } from 'lucide-react';
import { type FormEvent, useId, useRef, useState } from 'react';
import { Badge } from '@/components/badge.tsx';
import { Button } from '@/components/button.tsx';
import { FormError } from '@/components/field.tsx';
import { Input, Select } from '@/components/input.tsx';
import { Panel } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { query } from '@/lib/api.ts';
import { useMe } from '@/lib/me.tsx';
import { problemOf } from '@/lib/problem.ts';
import type { GroupView } from '@/lib/views.ts';

export interface Mapping {
  external: string;
  group: string;
}
interface Row extends Mapping {
  key: number;
}

/** Which of our groups those outside are; with each, the roles that it gives. */
export function GroupMappings({
  of,
  mappings,
  seen,
  saving,
  error,
  onSave,
}: {
  /** Whose groups they are: "Okta". */
  of: string;
  mappings: readonly Mapping[];
  seen: readonly { external: string; members: number }[];
  saving: boolean;
  error: unknown;
  onSave: (mappings: Mapping[]) => void;
}) {
  const me = useMe();
  const listId = useId();
  const nextKey = useRef(mappings.length);
  const [rows, setRows] = useState<Row[]>(mappings.map((mapping, key) => ({ ...mapping, key })));
  const groups = useQuery(query.people.groups.queryOptions());
  const unmapped = seen.filter(({ external }) => !rows.some((row) => row.external === external));
  const add = (external: string, group: string) => setRows([...rows, { external, group, key: nextKey.current++ }]);
  const change = (key: number, part: Partial<Mapping>) =>
    setRows(rows.map((row) => (row.key === key ? { ...row, ...part } : row)));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSave(rows.map(({ external, group }) => ({ external: external.trim(), group })));
  };
  return (
    <Panel title="Groups">
      <p className="mb-3 max-w-prose text-muted">
        Members of a group on the left are in ours on the right, and have its roles, for as long as {of} says so. Who
        loses a group loses the grants that came with it. What is not mapped gives nothing.
      </p>
      <QueryState query={groups} what="the groups">
        {(all) => {
          const mine = all.filter((group) => whyEscalates(me, [group]) === null);
          return (
            <form onSubmit={submit} className="flex flex-col gap-3">
              {rows.length > 0 && (
                <ul className="flex flex-col gap-2">
                  {rows.map((row, index) => (
                    <MappingRow
                      key={row.key}
                      row={row}
                      label={`mapping ${index + 1}`}
                      of={of}
                      groups={all}
                      listId={listId}
                      onChange={(part) => change(row.key, part)}
                      onRemove={() => setRows(rows.filter((other) => other.key !== row.key))}
                    />
                  ))}
                </ul>
              )}
              <datalist id={listId}>
                {seen.map(({ external }) => (
                  <option key={external} value={external} />
                ))}
              </datalist>
              {unmapped.length > 0 && mine.length > 0 && (
                <div className="flex flex-wrap items-center gap-1.5">
                  <span className="text-muted text-sm">Seen and not mapped:</span>
                  {unmapped.slice(0, 30).map(({ external, members }) => (
                    <Button key={external} size="sm" onClick={() => add(external, mine[0]!.name)}>
                      <span className="sr-only">Map </span>
                      {external} <span className="text-muted tabular-nums">{members}</span>
                      <span className="sr-only"> {members === 1 ? 'member' : 'members'}</span>
                    </Button>
                  ))}
                </div>
              )}
              <FormError message={error ? problemOf(error).detail : null} />
              <div className="flex flex-wrap gap-2">
                <Button
                  disabledReason={
                    all.length === 0
                      ? 'make a group here first'
                      : mine.length === 0
                        ? 'no group is yours to give'
                        : null
                  }
                  onClick={() => add('', mine[0]!.name)}
                >
                  <Plus aria-hidden="true" className="size-4" />
                  Map a group
                </Button>
                <Button type="submit" variant="primary" loading={saving}>
                  Save the groups
                </Button>
              </div>
            </form>
          );
        }}
      </QueryState>
    </Panel>
  );
}

function MappingRow({
  row,
  label,
  of,
  groups,
  listId,
  onChange,
  onRemove,
}: {
  row: Row;
  label: string;
  of: string;
  groups: readonly GroupView[];
  listId: string;
  onChange: (part: Partial<Mapping>) => void;
  onRemove: () => void;
}) {
  const me = useMe();
  const group = groups.find(({ name }) => name === row.group);
  const roles = group?.roles ?? [];
  const whyNot = whyEscalates(me, group === undefined ? [] : [group]);
  return (
    <li className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-2 sm:grid-cols-[minmax(0,1fr)_auto_minmax(0,1fr)_10rem_auto]">
      <Input
        aria-label={`Group of ${of}, ${label}`}
        list={listId}
        required
        maxLength={300}
        readOnly={whyNot !== null}
        value={row.external}
        placeholder="Their group"
        onChange={(event) => onChange({ external: event.target.value })}
      />
      <span className="text-muted max-sm:hidden">is</span>
      <Select
        aria-label={`Our group, ${label}`}
        value={row.group}
        disabled={whyNot !== null}
        onChange={(event) => onChange({ group: event.target.value })}
      >
        {groups.map((one) => (
          <option key={one.id} value={one.name} disabled={whyEscalates(me, [one]) !== null}>
            {one.name}
          </option>
        ))}
      </Select>
      <span className="flex flex-wrap gap-1">
        {roles.length === 0 ? <span className="text-muted text-sm">no role</span> : null}
        {roles.map((role) => (
          <Badge key={role}>{role}</Badge>
        ))}
      </span>
      <Button
        size="sm"
        variant="ghost"
        aria-label={`Take ${row.external || label} out`}
        disabledReason={whyNot}
        onClick={onRemove}
      >
        <X aria-hidden="true" className="size-4" />
      </Button>
    </li>
  );
}
