'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { whyEscalates, whyNotAdmin } from '@taskgate/core';
import { type FormEvent, useId, useState } from 'react';
import { Badge, StateBadge } from '@/components/badge.tsx';
import { Button } from '@/components/button.tsx';
import { ConfirmDialog } from '@/components/confirm-dialog.tsx';
import { CopyField } from '@/components/copy-field.tsx';
import { Dialog } from '@/components/dialog.tsx';
import { EmptyState } from '@/components/empty-state.tsx';
import { Field, FormError } from '@/components/field.tsx';
import { Checkbox, Input } from '@/components/input.tsx';
import { LifetimeField, lifetimeMs } from '@/components/lifetime-field.tsx';
import { Panel } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { ShownOnceDialog } from '@/components/shown-once-dialog.tsx';
import { Table } from '@/components/table.tsx';
import { Ticked } from '@/components/ticked.tsx';
import { Time, useNow } from '@/components/time.tsx';
import { toast } from '@/components/toast.tsx';
import { ProveDialog } from '@/features/passkeys/prove-dialog.tsx';
import { GroupMappings, type Mapping } from '@/features/sign-in-providers/group-mappings.tsx';
import { query } from '@/lib/api.ts';
import { plural } from '@/lib/format.ts';
import { useCan, useMe } from '@/lib/me.tsx';
import { fieldErrors, problemOf } from '@/lib/problem.ts';
import type { DirectoryView, ScimTokenView } from '@/lib/views.ts';

const LIFETIMES = [30, 90, 180, 365, 730] as const;

export function DirectoryTab() {
  const directory = useQuery(query.directory.get.queryOptions());
  return (
    <QueryState query={directory} what="the directory">
      {(data) => <Loaded directory={data} />}
    </QueryState>
  );
}

function Loaded({ directory }: { directory: DirectoryView }) {
  const can = useCan();
  const client = useQueryClient();
  const refresh = () => {
    void client.invalidateQueries({ queryKey: query.directory.key() });
    void client.invalidateQueries({ queryKey: query.people.key() });
  };
  // What waits for a proof of who is here: a mapping gives roles.
  const [mapping, setMapping] = useState<Mapping[] | null>(null);
  const map = useMutation(query.directory.mapGroups.mutationOptions({ onSuccess: refresh }));
  return (
    <div className="flex flex-col gap-4">
      <Panel title="SCIM 2.0">
        <p className="mb-3 max-w-prose text-muted">
          The directory makes, changes and locks people here. Who is taken away there loses sign-ins, API tokens, grants
          and open connections at once. It keeps {plural(directory.people, 'person', 'people')} now.
        </p>
        <CopyField label="Address for the directory" value={directory.address} />
      </Panel>
      <Tokens tokens={directory.tokens} mapped={directory.mappings} onChange={refresh} />
      {can('people:write') && (
        <GroupMappings
          key={JSON.stringify(directory.mappings)}
          of="the directory"
          mappings={directory.mappings}
          seen={directory.seenGroups}
          saving={map.isPending}
          error={mapping === null ? map.error : null}
          onSave={(mappings) => {
            map.reset();
            setMapping(mappings);
          }}
        />
      )}
      <ProveDialog
        open={mapping !== null}
        onClose={() => setMapping(null)}
        title="Map the groups of the directory?"
        action="Map the groups"
        loading={map.isPending}
        error={map.error}
        onProved={(proof) =>
          map.mutate(
            { mappings: mapping!, proof },
            {
              onSuccess: () => {
                setMapping(null);
                toast('The groups are mapped', { tone: 'allow' });
              },
            },
          )
        }
      >
        Memberships, and the grants that came with them, follow at once.
      </ProveDialog>
    </div>
  );
}

function Tokens({
  tokens,
  mapped,
  onChange,
}: {
  tokens: readonly ScimTokenView[];
  mapped: DirectoryView['mappings'];
  onChange: () => void;
}) {
  const can = useCan();
  const me = useMe();
  const groups = useQuery(query.people.groups.queryOptions());
  const whyNot = can('people:write')
    ? whyEscalates(me, groups.data?.filter(({ name }) => mapped.some(({ group }) => group === name)) ?? [])
    : 'you may not change people and groups';
  const now = useNow(60_000);
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<ScimTokenView | null>(null);
  const revoke = useMutation(
    query.directory.revokeToken.mutationOptions({
      onSuccess: () => {
        setRevoking(null);
        onChange();
      },
    }),
  );
  const stateOf = (token: ScimTokenView): string =>
    token.revokedAt ? 'revoked' : now !== null && Date.parse(token.expiresAt) <= now ? 'expired' : 'active';
  return (
    <Panel
      title="Tokens"
      flush
      actions={
        <Button size="sm" variant="primary" disabledReason={whyNot} onClick={() => setCreating(true)}>
          New SCIM token
        </Button>
      }
    >
      {tokens.length === 0 ? (
        <EmptyState title="No directory is connected">
          Make a token and give it, with the address above, to Entra ID, Okta or whatever keeps your people.
        </EmptyState>
      ) : (
        <Table
          caption={plural(tokens.length, 'SCIM token')}
          rows={tokens}
          rowKey={(token) => token.id}
          columns={[
            {
              key: 'name',
              header: 'Name',
              cell: (token) => (
                <span className="flex flex-wrap items-center gap-2 font-medium">
                  {token.name}
                  {token.adopts && <Badge>takes people over</Badge>}
                </span>
              ),
            },
            {
              key: 'used',
              header: 'Last used',
              cell: (token) => (token.lastUsedAt ? <Time at={token.lastUsedAt} /> : 'never'),
            },
            {
              key: 'ends',
              header: 'Ends',
              hideBelow: 'sm',
              cell: (token) => <Time at={token.expiresAt} dateOnly />,
            },
            { key: 'state', header: 'State', cell: (token) => <StateBadge state={stateOf(token)} /> },
            {
              key: 'revoke',
              header: '',
              align: 'right',
              cell: (token) =>
                can('people:write') &&
                stateOf(token) === 'active' && (
                  <Button size="sm" aria-label={`Revoke ${token.name}`} onClick={() => setRevoking(token)}>
                    Revoke
                  </Button>
                ),
            },
          ]}
        />
      )}
      {creating && <CreateTokenDialog onClose={() => setCreating(false)} onCreated={onChange} />}
      <ConfirmDialog
        open={revoking !== null}
        onClose={() => setRevoking(null)}
        title={`Revoke ${revoking?.name}?`}
        action={`Revoke ${revoking?.name}`}
        loading={revoke.isPending}
        error={revoke.error ? problemOf(revoke.error).detail : null}
        onConfirm={() => revoking && revoke.mutate({ id: revoking.id })}
      >
        The directory is refused from its next request on: whom it locks there is not locked here. The people it keeps
        stay as they are.
      </ConfirmDialog>
    </Panel>
  );
}

function CreateTokenDialog({ onClose, onCreated }: { onClose: () => void; onCreated: () => void }) {
  const id = useId();
  const whyNotAdopt = whyNotAdmin(useMe(), 'it could change anybody who is here');
  const [proving, setProving] = useState<{ name: string; adopts: boolean; ttlMs: number } | null>(null);
  const create = useMutation(query.directory.createToken.mutationOptions({ onSuccess: onCreated }));
  const errors = fieldErrors(create.error, ['name', 'ttlMs'] as const);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    create.reset();
    setProving({
      name: String(data.get('name')).trim(),
      adopts: data.get('adopts') === 'on',
      ttlMs: lifetimeMs(data),
    });
  };
  if (create.data)
    return (
      <ShownOnceDialog title="The token, shown once" label="SCIM token" token={create.data.token} onClose={onClose} />
    );
  return (
    <Dialog
      open
      onClose={onClose}
      title="New SCIM token"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form={id} variant="primary" loading={create.isPending}>
            Create the token
          </Button>
        </>
      }
    >
      <form id={id} onSubmit={submit} className="flex flex-col gap-4">
        <Field label="Name" error={errors.byField.name} hint="Which directory will have it.">
          {(props) => <Input {...props} name="name" required maxLength={200} autoComplete="off" />}
        </Field>
        <LifetimeField days={LIFETIMES} chosen={365} error={errors.byField.ttlMs} />
        <div>
          <Checkbox
            name="adopts"
            disabled={whyNotAdopt !== null}
            label="It may take over people who are here already, by their e-mail address"
          />
          {whyNotAdopt !== null && (
            <p className="ml-6 text-muted text-xs first-letter:uppercase">
              <Ticked text={`${whyNotAdopt}.`} />
            </p>
          )}
        </div>
        <FormError message={proving === null ? errors.form : null} />
      </form>
      <ProveDialog
        open={proving !== null}
        onClose={() => setProving(null)}
        title="Let a directory keep people here?"
        action="Make the token"
        loading={create.isPending}
        error={create.error}
        onProved={(proof) => create.mutate({ ...proving!, proof })}
      >
        Who has the token makes, changes and locks people here.
      </ProveDialog>
    </Dialog>
  );
}
