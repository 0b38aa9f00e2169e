'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { whyEscalates, whyMore, whyNotAdmin } from '@taskgate/core';
import { type FormEvent, useState } from 'react';
import { Button } from '@/components/button.tsx';
import { ConfirmDialog } from '@/components/confirm-dialog.tsx';
import { Sheet } from '@/components/dialog.tsx';
import { Field, FormError } from '@/components/field.tsx';
import { Input } from '@/components/input.tsx';
import { Ticked } from '@/components/ticked.tsx';
import { toast } from '@/components/toast.tsx';
import { type GivenProof, ProveDialog } from '@/features/passkeys/prove-dialog.tsx';
import { query } from '@/lib/api.ts';
import { plural } from '@/lib/format.ts';
import { useMe } from '@/lib/me.tsx';
import { fieldErrors, problemOf } from '@/lib/problem.ts';
import type { UserView } from '@/lib/views.ts';
import { GroupChoice } from './group-choice.tsx';

interface Wish {
  readonly id: string;
  readonly name: string;
  readonly groups: string[];
  readonly password?: string;
}

/** One person: name and groups, a new password, and the two ways to lock them out. */
export function UserSheet({ user, onClose }: { user: UserView; onClose: () => void }) {
  const me = useMe();
  const client = useQueryClient();
  const [groups, setGroups] = useState<string[]>([...user.groups]);
  const [unlinking, setUnlinking] = useState<string | null>(null);
  const [asking, setAsking] = useState<'disable' | 'end' | 'passkeys' | null>(null);
  const refresh = () => void client.invalidateQueries({ queryKey: query.people.key() });
  const update = useMutation(query.people.updateUser.mutationOptions({ onSuccess: refresh }));
  const lock = useMutation(query.people.updateUser.mutationOptions({ onSuccess: refresh }));
  const end = useMutation(query.people.endUserSessions.mutationOptions({ onSuccess: refresh }));
  const forget = useMutation(query.passkeys.removeAllOf.mutationOptions({ onSuccess: refresh }));
  const unlink = useMutation(query.providers.unlink.mutationOptions({ onSuccess: refresh }));
  const errors = fieldErrors(update.error, ['name', 'groups', 'password'] as const);
  const self = user.id === me.id;
  const theirs = useQuery(query.people.groups.queryOptions()).data?.filter(({ name }) => user.groups.includes(name));
  // The API says the same: here before somebody fills in a form that it refuses.
  const whyNotChange = whyEscalates(me, theirs ?? []);
  const whyNotEnd = whyMore(me, theirs ?? []);
  const whyNoPassword = self
    ? 'change your own under Settings, Password'
    : whyNotAdmin(me, 'whoever sets the password of somebody can be them');
  // What waits for a proof of who is here: a new password is a way to become them.
  const [proving, setProving] = useState<Wish | null>(null);

  const save = (wish: Wish, proof?: GivenProof) =>
    update.mutate(
      { ...wish, proof },
      {
        onSuccess: () => {
          toast(`${user.name} is saved`, { tone: 'allow' });
          onClose();
        },
      },
    );
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const password = String(data.get('password'));
    const wish = { id: user.id, name: String(data.get('name')).trim(), groups };
    update.reset();
    if (password === '') save(wish);
    else setProving({ ...wish, password });
  };
  return (
    <Sheet open onClose={onClose} title={user.name} description={user.email}>
      <form onSubmit={submit} className="flex flex-col gap-4">
        {whyNotChange !== null && (
          <p className="rounded-md border border-line px-3 py-2">
            You may not change them: <Ticked text={whyNotChange} />.
          </p>
        )}
        <Field label="Name" error={errors.byField.name}>
          {(props) => (
            <Input
              {...props}
              name="name"
              required
              maxLength={200}
              readOnly={whyNotChange !== null}
              defaultValue={user.name}
            />
          )}
        </Field>
        <GroupChoice value={groups} given={user.givenGroups} locked={whyNotChange !== null} onChange={setGroups} />
        <Field
          label="New password"
          optional
          error={proving === null ? errors.byField.password : undefined}
          hint={
            whyNoPassword !== null ? (
              <span className="block first-letter:uppercase">
                <Ticked text={`${whyNoPassword}.`} />
              </span>
            ) : user.hasPassword ? (
              'Ends their sign-ins and API tokens. Left empty, the password stays.'
            ) : (
              'They have none: they sign in at a provider alone. One set here opens this way in too.'
            )
          }
        >
          {(props) => (
            <Input
              {...props}
              name="password"
              type="password"
              minLength={10}
              maxLength={200}
              autoComplete="new-password"
              readOnly={whyNoPassword !== null}
            />
          )}
        </Field>
        <FormError message={proving === null ? (errors.byField.groups ?? errors.form) : null} />
        <div>
          <Button type="submit" variant="primary" loading={update.isPending} disabledReason={whyNotChange}>
            Save
          </Button>
        </div>
      </form>
      {(user.providers.length > 0 || user.inDirectory) && (
        <section aria-labelledby="known-by" className="mt-6 border-line border-t pt-4">
          <h3 id="known-by" className="mb-2 font-semibold">
            Known by
          </h3>
          <ul className="flex flex-col gap-1.5">
            {user.inDirectory && <li>the directory, which keeps their name and address</li>}
            {user.providers.map((name) => (
              <li key={name} className="flex items-center justify-between gap-2">
                <span>{name}</span>
                <Button
                  size="sm"
                  aria-label={`Unlink ${name}`}
                  disabledReason={whyNotChange}
                  onClick={() => {
                    unlink.reset();
                    setUnlinking(name);
                  }}
                >
                  Unlink
                </Button>
              </li>
            ))}
          </ul>
          {user.providers.length > 0 && (
            <p className="mt-2 text-muted text-sm">
              Unlinked, their sign-ins by it and all of their API tokens end; without a password or another provider,
              their passkeys too.
            </p>
          )}
        </section>
      )}
      <section aria-labelledby="lock-out" className="mt-6 border-line border-t pt-4">
        <h3 id="lock-out" className="mb-2 font-semibold">
          Access
        </h3>
        <div className="flex flex-wrap gap-2">
          <Button disabledReason={whyNotEnd} onClick={() => setAsking('end')}>
            Sign out everywhere
          </Button>
          <Button
            disabledReason={
              self
                ? 'remove your own under Settings, Passkeys'
                : user.passkeys === 0
                  ? 'they have no passkey'
                  : whyNotAdmin(me, 'without a passkey somebody approves unsigned')
            }
            onClick={() => setAsking('passkeys')}
          >
            Remove {user.passkeys === 0 ? 'passkeys' : plural(user.passkeys, 'passkey')}
          </Button>
          {user.disabledAt ? (
            <Button
              loading={lock.isPending}
              disabledReason={whyNotAdmin(me, 'this person was locked out')}
              onClick={() => lock.mutate({ id: user.id, disabled: false }, { onSuccess: onClose })}
            >
              Enable again
            </Button>
          ) : (
            <Button
              variant="danger"
              disabledReason={self ? 'nobody disables themselves' : whyNotEnd}
              onClick={() => setAsking('disable')}
            >
              Disable
            </Button>
          )}
        </div>
        <FormError message={lock.error ? problemOf(lock.error).detail : null} />
      </section>
      <ConfirmDialog
        open={asking === 'end'}
        onClose={() => setAsking(null)}
        title={`Sign ${user.name} out everywhere?`}
        action={`Sign ${user.name} out`}
        loading={end.isPending}
        error={end.error ? problemOf(end.error).detail : null}
        onConfirm={() =>
          end.mutate(
            { id: user.id },
            {
              onSuccess: ({ ended }) => {
                setAsking(null);
                toast(`${plural(ended, 'sign-in')} ended`);
              },
            },
          )
        }
      >
        Their sign-ins in browsers and all of their API tokens end. Grants go on.
      </ConfirmDialog>
      <ProveDialog
        open={proving !== null}
        onClose={() => setProving(null)}
        title={`Set a new password for ${user.name}?`}
        action="Set the password"
        loading={update.isPending}
        error={update.error}
        onProved={(proof) => save(proving!, proof)}
      >
        Who knows it can sign in as them. Their sign-ins and API tokens end.
      </ProveDialog>
      <ProveDialog
        open={unlinking !== null}
        onClose={() => setUnlinking(null)}
        title={`Unlink ${user.name} from ${unlinking}?`}
        action="Unlink"
        loading={unlink.isPending}
        error={unlink.error}
        onProved={(proof) => unlink.mutate({ name: unlinking!, userId: user.id, proof }, { onSuccess: onClose })}
      >
        Their sign-ins by it end, and whoever it next says has their address may be linked to them.
      </ProveDialog>
      <ProveDialog
        open={asking === 'passkeys'}
        onClose={() => setAsking(null)}
        title={`Remove every passkey of ${user.name}?`}
        action={`Remove ${plural(user.passkeys, 'passkey')}`}
        loading={forget.isPending}
        error={forget.error}
        onProved={(proof) =>
          forget.mutate(
            { id: user.id, ...proof },
            {
              onSuccess: ({ removed }) => {
                toast(`${plural(removed, 'passkey')} removed`);
                onClose();
              },
            },
          )
        }
      >
        For a lost device. They sign in with the password, and register a new one; until then what they approve is not
        signed.
      </ProveDialog>
      <ConfirmDialog
        open={asking === 'disable'}
        onClose={() => setAsking(null)}
        title={`Disable ${user.name}?`}
        action={`Disable ${user.name}`}
        loading={lock.isPending}
        error={lock.error ? problemOf(lock.error).detail : null}
        onConfirm={() =>
          lock.mutate(
            { id: user.id, disabled: true },
            {
              onSuccess: () => {
                toast(`${user.name} is disabled`);
                onClose();
              },
            },
          )
        }
      >
        They cannot sign in, their API tokens stop working and their grants end.
      </ConfirmDialog>
    </Sheet>
  );
}
