'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { ROLES, type Role, SCOPES_OF_ROLE, whyEscalates } from '@taskgate/core';
import { type FormEvent, useId, useState } from 'react';
import { Badge } from '@/components/badge.tsx';
import { Button } from '@/components/button.tsx';
import { Dialog } from '@/components/dialog.tsx';
import { EmptyState } from '@/components/empty-state.tsx';
import { Field, FormError } from '@/components/field.tsx';
import { Checkbox, Input, Textarea } from '@/components/input.tsx';
import { Panel } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { Table } from '@/components/table.tsx';
import { toast } from '@/components/toast.tsx';
import { query } from '@/lib/api.ts';
import { plural } from '@/lib/format.ts';
import { useCan, useMe } from '@/lib/me.tsx';
import { fieldErrors } from '@/lib/problem.ts';
import type { GroupView } from '@/lib/views.ts';
import { ScopeChoice } from './scope-choice.tsx';

export function GroupsTab() {
  const can = useCan();
  const me = useMe();
  const [editing, setEditing] = useState<GroupView | 'new' | null>(null);
  const groups = useQuery(query.people.groups.queryOptions());
  const mayWrite = can('people:write');
  const create = (
    <Button
      variant="primary"
      disabledReason={mayWrite ? null : 'you may not change people and groups'}
      onClick={() => setEditing('new')}
    >
      New group
    </Button>
  );
  return (
    <Panel flush>
      <div className="flex justify-end border-line border-b px-4 py-3">{create}</div>
      <QueryState query={groups} what="the groups">
        {(all) =>
          all.length === 0 ? (
            <EmptyState title="No groups yet">Tasks say by group who may activate them and who approves.</EmptyState>
          ) : (
            <Table
              caption={plural(all.length, 'group')}
              rows={all}
              rowKey={(group) => group.id}
              columns={[
                { key: 'name', header: 'Group', cell: (group) => <span className="font-medium">{group.name}</span> },
                {
                  key: 'roles',
                  header: 'Roles',
                  cell: (group) => (
                    <span className="flex flex-wrap gap-1">
                      {group.roles.length + group.scopes.length === 0 && <span className="text-muted">none</span>}
                      {group.roles.map((role) => (
                        <Badge key={role}>{role}</Badge>
                      ))}
                      {group.scopes.map((scope) => (
                        <Badge key={scope} tone="info">
                          + {scope}
                        </Badge>
                      ))}
                      {group.withheld.map((scope) => (
                        <Badge key={scope} tone="hold">
                          − {scope}
                        </Badge>
                      ))}
                    </span>
                  ),
                },
                {
                  key: 'members',
                  header: 'Members',
                  cell: (group) => group.members.map((member) => member.name).join(', ') || '—',
                },
                {
                  key: 'edit',
                  header: '',
                  align: 'right',
                  cell: (group) => (
                    <Button
                      size="sm"
                      aria-label={`Edit ${group.name}`}
                      disabledReason={mayWrite ? whyEscalates(me, [group]) : 'you may not change people and groups'}
                      onClick={() => setEditing(group)}
                    >
                      Edit
                    </Button>
                  ),
                },
              ]}
            />
          )
        }
      </QueryState>
      {editing && (
        <GroupDialog
          key={editing === 'new' ? 'new' : editing.id}
          group={editing === 'new' ? null : editing}
          onClose={() => setEditing(null)}
        />
      )}
    </Panel>
  );
}

function GroupDialog({ group, onClose }: { group: GroupView | null; onClose: () => void }) {
  const client = useQueryClient();
  const me = useMe();
  const id = useId();
  const mayGive = (role: Role) =>
    me.roles.includes('admin') ||
    (role !== 'admin' && SCOPES_OF_ROLE[role].every((scope) => me.scopes.includes(scope)));
  const [roles, setRoles] = useState<Role[]>([...(group?.roles ?? [])]);
  const [rights, setRights] = useState({ scopes: [...(group?.scopes ?? [])], withheld: [...(group?.withheld ?? [])] });
  const create = useMutation(query.people.createGroup.mutationOptions());
  const update = useMutation(query.people.updateGroup.mutationOptions());
  const errors = fieldErrors(create.error ?? update.error, ['name', 'roles', 'members'] as const);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const name = group?.name ?? String(data.get('name')).trim();
    try {
      if (group === null) await create.mutateAsync({ name, roles, ...rights });
      else
        await update.mutateAsync({
          name,
          roles,
          ...rights,
          members: String(data.get('members'))
            .split(/[\s,]+/)
            .filter(Boolean),
        });
      void client.invalidateQueries({ queryKey: query.people.key() });
      toast(`${name} is saved`, { tone: 'allow' });
      onClose();
    } catch {
      // Shown beside the fields.
    }
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={group === null ? 'New group' : `Edit ${group.name}`}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form={id} variant="primary" loading={create.isPending || update.isPending}>
            Save
          </Button>
        </>
      }
    >
      <form id={id} onSubmit={submit} className="flex flex-col gap-4">
        {group === null && (
          <Field label="Name" error={errors.byField.name} hint="Lower-case letters, digits and dashes.">
            {(props) => (
              <Input
                {...props}
                name="name"
                required
                maxLength={63}
                pattern="[a-z][a-z0-9\-]{0,62}"
                title="A lower-case letter first, then lower-case letters, digits and dashes"
              />
            )}
          </Field>
        )}
        <fieldset>
          <legend className="mb-1 font-medium text-sm">Roles of its members</legend>
          <div className="flex flex-wrap gap-x-4">
            {ROLES.map((role) => (
              <Checkbox
                key={role}
                label={role}
                checked={roles.includes(role)}
                disabled={!mayGive(role)}
                onChange={(event) =>
                  setRoles(event.target.checked ? [...roles, role] : roles.filter((item) => item !== role))
                }
              />
            ))}
          </div>
        </fieldset>
        <ScopeChoice roles={roles} {...rights} onChange={setRights} />
        {group !== null && (
          <Field label="Members" optional error={errors.byField.members} hint="E-mail addresses, one on each line.">
            {(props) => (
              <Textarea
                {...props}
                name="members"
                rows={6}
                defaultValue={group.members.map((member) => member.email).join('\n')}
              />
            )}
          </Field>
        )}
        <FormError message={errors.byField.roles ?? errors.form} />
      </form>
    </Dialog>
  );
}
