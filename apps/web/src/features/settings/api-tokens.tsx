'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { SCOPE_WORDS, type Scope } from '@taskgate/core';
import { type FormEvent, useId, useState } from 'react';
import { Badge, StateBadge } from '@/components/badge.tsx';
import { Button } from '@/components/button.tsx';
import { ConfirmDialog } from '@/components/confirm-dialog.tsx';
import { Dialog } from '@/components/dialog.tsx';
import { EmptyState } from '@/components/empty-state.tsx';
import { Field, FormError } from '@/components/field.tsx';
import { Checkbox, Input } from '@/components/input.tsx';
import { LifetimeField, lifetimeMs } from '@/components/lifetime-field.tsx';
import { Panel } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { ShownOnceDialog } from '@/components/shown-once-dialog.tsx';
import { Table } from '@/components/table.tsx';
import { Time, useNow } from '@/components/time.tsx';
import { query } from '@/lib/api.ts';
import { plural } from '@/lib/format.ts';
import { useMe } from '@/lib/me.tsx';
import { fieldErrors, problemOf } from '@/lib/problem.ts';
import type { ApiTokenView } from '@/lib/views.ts';

const LIFETIMES = [1, 7, 30, 90, 365] as const;

export function ApiTokens() {
  const client = useQueryClient();
  const now = useNow(60_000);
  const me = useMe();
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<ApiTokenView | null>(null);
  const tokens = useQuery(query.people.apiTokens.queryOptions());
  const revoke = useMutation(
    query.people.revokeApiToken.mutationOptions({
      onSuccess: () => {
        setRevoking(null);
        void client.invalidateQueries({ queryKey: query.people.apiTokens.key() });
      },
    }),
  );
  const stateOf = (token: ApiTokenView): string =>
    token.revokedAt ? 'revoked' : now !== null && Date.parse(token.expiresAt) <= now ? 'expired' : 'active';
  return (
    <Panel
      title="API tokens"
      flush
      actions={
        <Button size="sm" variant="primary" onClick={() => setCreating(true)}>
          New token
        </Button>
      }
    >
      <QueryState query={tokens} what="your API tokens">
        {(all) =>
          all.length === 0 ? (
            <EmptyState title="No API tokens">
              The command line and scripts call the API with one. It holds a part of your own scopes.
            </EmptyState>
          ) : (
            <Table
              caption={plural(all.length, 'API token')}
              rows={all}
              rowKey={(token) => token.id}
              columns={[
                {
                  key: 'name',
                  header: 'Name',
                  cell: (token) => (
                    <span className="font-medium">
                      {token.name}
                      {token.owner !== me.email && <span className="font-normal text-muted"> of {token.owner}</span>}
                    </span>
                  ),
                },
                {
                  key: 'scopes',
                  header: 'Scopes',
                  hideBelow: 'md',
                  cell: (token) => (
                    <span className="flex flex-wrap gap-1 py-1">
                      {token.scopes.map((scope) => (
                        <Badge key={scope}>{scope}</Badge>
                      ))}
                    </span>
                  ),
                },
                {
                  key: 'used',
                  header: 'Last used',
                  hideBelow: 'sm',
                  cell: (token) => (token.lastUsedAt ? <Time at={token.lastUsedAt} /> : 'never'),
                },
                {
                  key: 'expires',
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
                    stateOf(token) === 'active' && (
                      <Button size="sm" aria-label={`Revoke ${token.name}`} onClick={() => setRevoking(token)}>
                        Revoke
                      </Button>
                    ),
                },
              ]}
            />
          )
        }
      </QueryState>
      {creating && <CreateTokenDialog onClose={() => setCreating(false)} />}
      <ConfirmDialog
        open={revoking !== null}
        onClose={() => setRevoking(null)}
        title={`Revoke ${revoking?.name}?`}
        action={`Revoke ${revoking?.name}`}
        loading={revoke.isPending}
        error={revoke.error ? problemOf(revoke.error).detail : null}
        onConfirm={() => revoking && revoke.mutate({ id: revoking.id })}
      >
        Whatever calls the API with it is refused from now on.
      </ConfirmDialog>
    </Panel>
  );
}

function CreateTokenDialog({ onClose }: { onClose: () => void }) {
  const me = useMe();
  const client = useQueryClient();
  const id = useId();
  const [scopes, setScopes] = useState<Scope[]>([]);
  const create = useMutation(
    query.people.createApiToken.mutationOptions({
      onSuccess: () => void client.invalidateQueries({ queryKey: query.people.apiTokens.key() }),
    }),
  );
  const errors = fieldErrors(create.error, ['name', 'scopes', 'ttlMs'] as const);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    create.mutate({ name: String(data.get('name')).trim(), scopes, ttlMs: lifetimeMs(data) });
  };
  if (create.data)
    return (
      <ShownOnceDialog title="The token, shown once" label="API token" token={create.data.token} onClose={onClose} />
    );
  return (
    <Dialog
      open
      onClose={onClose}
      title="New API token"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            type="submit"
            form={id}
            variant="primary"
            loading={create.isPending}
            disabledReason={scopes.length === 0 ? 'choose at least one scope' : null}
          >
            Create the token
          </Button>
        </>
      }
    >
      <form id={id} onSubmit={submit} className="flex flex-col gap-4">
        <Field label="Name" error={errors.byField.name} hint="What it is for, as you will look for it later.">
          {(props) => <Input {...props} name="name" required maxLength={200} autoComplete="off" />}
        </Field>
        <LifetimeField days={LIFETIMES} chosen={30} error={errors.byField.ttlMs} />
        <fieldset>
          <legend className="mb-1 font-medium text-sm">Scopes</legend>
          <ul className="flex flex-col gap-0.5">
            {me.scopes.map((scope) => (
              <li key={scope} className="grid items-start gap-x-2 sm:grid-cols-[9rem_minmax(0,1fr)]">
                <Checkbox
                  label={scope}
                  checked={scopes.includes(scope)}
                  aria-describedby={`${id}-${scope}`}
                  onChange={(event) =>
                    setScopes(event.target.checked ? [...scopes, scope] : scopes.filter((item) => item !== scope))
                  }
                />
                <span id={`${id}-${scope}`} className="text-muted text-sm max-sm:pl-6 sm:pt-0.5">
                  {SCOPE_WORDS[scope]}
                </span>
              </li>
            ))}
          </ul>
        </fieldset>
        <FormError message={errors.byField.scopes ?? errors.form} />
      </form>
    </Dialog>
  );
}
