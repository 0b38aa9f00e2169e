'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type KeyboardEvent, type Ref, useImperativeHandle, useLayoutEffect, useRef, useState } from 'react';
import { Button } from '@/components/button.tsx';
import { Field, FormError } from '@/components/field.tsx';
import { Input, Select, Textarea } from '@/components/input.tsx';
import { Kbd } from '@/components/kbd.tsx';
import { toast } from '@/components/toast.tsx';
import { ttlChoices } from '@/features/grants/ttl-choices.ts';
import { api, query } from '@/lib/api.ts';
import { formatDuration } from '@/lib/format.ts';
import { askPasskey, passkeyAddress } from '@/lib/passkey.ts';
import { problemOf } from '@/lib/problem.ts';
import type { InboxItemView, RequestOptionsView } from '@/lib/views.ts';
import { requesterOf, taskOf } from './item-words.ts';
import { whyNotReadable } from './readable-statement.ts';

export interface DecideHandle {
  start(choice: 'approve' | 'refuse'): void;
}

/**
 * Says yes or no to what is shown. Nothing is chosen at first; a choice opens its form, and only the confirmation sends
 * it. An approval of a held statement carries the binding of the one on the screen.
 */
export function DecideBar({
  item,
  onDecided,
  ref,
}: {
  item: InboxItemView;
  onDecided: () => void;
  ref?: Ref<DecideHandle>;
}) {
  const client = useQueryClient();
  const [choice, setChoice] = useState<'approve' | 'refuse' | null>(null);
  const [text, setText] = useState('');
  const [ttlMs, setTtlMs] = useState<number | null>(null);
  const [missing, setMissing] = useState(false);
  const field = useRef<HTMLInputElement & HTMLTextAreaElement>(null);
  const opener = useRef<HTMLDivElement>(null);

  const passkeys = useQuery(query.passkeys.list.queryOptions());
  const asksForOne =
    item.kind === 'hold' ? item.hold.stepUp : item.grant.stepUp === 'approval' || item.grant.stepUp === 'both';
  // Who has a passkey signs with it; the API takes nothing less of them.
  const signing = asksForOne || (passkeys.data?.items.length ?? 0) > 0;

  const decide = useMutation({
    mutationFn: async (outcome: 'approve' | 'refuse') => {
      const words = text.trim();
      if (outcome === 'refuse')
        return item.kind === 'hold'
          ? api.holds.refuse({ id: item.id, reason: words })
          : api.grants.refuse({ id: item.id, reason: words });
      const comment = words || null;
      if (item.kind === 'hold') {
        const said = { id: item.id, binding: item.hold.binding, comment };
        return api.holds.approve(signing ? { ...said, ...(await signed(() => api.holds.askToSign(said))) } : said);
      }
      const said = { id: item.id, ttlMs, comment };
      return api.grants.approve(signing ? { ...said, ...(await signed(() => api.grants.askToSign(said))) } : said);
    },
    onSuccess: (_, outcome) => {
      const what =
        item.kind === 'hold'
          ? `the statement of ${requesterOf(item).name}`
          : `${taskOf(item)} for ${requesterOf(item).name}`;
      toast(`${outcome === 'approve' ? 'Approved' : 'Refused'} ${what}`, {
        tone: outcome === 'approve' ? 'allow' : 'plain',
      });
      setChoice(null);
      onDecided();
    },
    onSettled: () => {
      for (const key of [query.inbox.key(), query.grants.key(), query.holds.key()])
        void client.invalidateQueries({ queryKey: key });
    },
  });

  const actions = item.kind === 'grant' ? item.grant.actions : item.hold.actions;
  const whyNot = (name: 'approve' | 'refuse'): string | null => {
    if (name === 'approve' && item.kind === 'hold') {
      const unreadable = whyNotReadable(item.hold);
      if (unreadable !== null) return unreadable;
    }
    const action = actions[name];
    return action?.allowed ? null : (action?.why ?? 'not now');
  };

  const start = (next: 'approve' | 'refuse') => {
    if (whyNot(next) !== null || decide.isPending) return;
    decide.reset();
    setMissing(false);
    setChoice(next);
  };
  useImperativeHandle(ref, () => ({ start }));
  // Before it is seen: a key pressed at once would else go nowhere.
  useLayoutEffect(() => {
    if (choice !== null) field.current?.focus();
  }, [choice]);

  const confirm = () => {
    if (choice === null) return;
    if (choice === 'refuse' && text.trim() === '') {
      setMissing(true);
      field.current?.focus();
      return;
    }
    decide.mutate(choice);
  };
  const leave = () => {
    setChoice(null);
    setTimeout(() => opener.current?.querySelector('button')?.focus());
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      confirm();
    } else if (event.key === 'Escape') {
      event.preventDefault();
      leave();
    }
  };

  if (choice === null) {
    const why = whyNot('approve') ?? whyNot('refuse');
    return (
      <div ref={opener} className="flex flex-wrap items-center gap-2">
        <Button disabledReason={whyNot('approve')} onClick={() => start('approve')}>
          Approve <Kbd keys="A" />
        </Button>
        <Button disabledReason={whyNot('refuse')} onClick={() => start('refuse')}>
          Refuse <Kbd keys="D" />
        </Button>
        {why !== null && <p className="min-w-0 flex-1 text-muted text-sm first-letter:uppercase">{why}.</p>}
      </div>
    );
  }

  const approving = choice === 'approve';
  const narrowable = approving && item.kind === 'grant';
  const by = approving && signing ? ', confirm with passkey' : '';
  const error = decide.error ? problemOf(decide.error).detail : null;
  const effect = approving
    ? item.kind === 'hold'
      ? `Approve this statement${by}`
      : `Approve for ${formatDuration(ttlMs ?? item.grant.ttlMs)}${by}`
    : item.kind === 'hold'
      ? 'Refuse this statement'
      : 'Refuse this request';
  return (
    <form
      aria-label={approving ? 'Approve' : 'Refuse'}
      onKeyDown={onKeyDown}
      onSubmit={(event) => {
        event.preventDefault();
        confirm();
      }}
      className="flex flex-col gap-2"
    >
      <div className="flex flex-wrap items-start gap-3">
        <div className="min-w-52 flex-1">
          {approving ? (
            <Field label="Comment" optional>
              {(props) => (
                <Input
                  {...props}
                  ref={field}
                  maxLength={500}
                  value={text}
                  onChange={(event) => setText(event.target.value)}
                />
              )}
            </Field>
          ) : (
            <Field label="Why not" error={missing ? 'say why, so that they know what to do instead' : null}>
              {(props) => (
                <Textarea
                  {...props}
                  ref={field}
                  rows={2}
                  maxLength={500}
                  value={text}
                  onChange={(event) => setText(event.target.value)}
                />
              )}
            </Field>
          )}
        </div>
        {narrowable && (
          <div className="w-40">
            <Field label="For how long">
              {(props) => (
                <Select
                  {...props}
                  value={ttlMs ?? item.grant.ttlMs}
                  onChange={(event) => {
                    const chosen = Number(event.target.value);
                    setTtlMs(chosen === item.grant.ttlMs ? null : chosen);
                  }}
                >
                  {ttlChoices(item.grant.ttlMs).map((ms) => (
                    <option key={ms} value={ms}>
                      {formatDuration(ms)}
                      {ms === item.grant.ttlMs ? ' (as asked)' : ''}
                    </option>
                  ))}
                </Select>
              )}
            </Field>
          </div>
        )}
      </div>
      <FormError message={error} />
      {approving && signing && passkeys.data && <SigningNote passkeys={passkeys.data} />}
      <div className="flex flex-wrap items-center gap-2">
        <Button
          type="submit"
          variant={approving ? 'primary' : 'danger'}
          loading={decide.isPending}
          disabledReason={approving && signing && passkeys.data ? whyNotSign(passkeys.data) : null}
        >
          {effect}
        </Button>
        <Button onClick={leave}>Back</Button>
        <span className="text-muted text-xs">
          <Kbd keys="Ctrl Enter" /> confirms, <Kbd keys="Esc" /> goes back
        </span>
      </div>
    </form>
  );
}

const signed = async (ask: () => Promise<RequestOptionsView>) => ({ assertion: await askPasskey(ask) });

type Passkeys = Awaited<ReturnType<typeof api.passkeys.list>>;

function whyNotSign({ items, origin, why }: Passkeys): string | null {
  if (why !== null) return why;
  if (passkeyAddress(origin) !== null) return 'passkeys do not work at this address';
  return items.some(({ usable }) => usable) ? null : 'you have no passkey yet';
}

/** That it is signed, and where that is done when it cannot be here. */
function SigningNote({ passkeys }: { passkeys: Passkeys }) {
  const elsewhere = passkeyAddress(passkeys.origin);
  if (passkeys.why !== null) return <p className="text-deny text-sm first-letter:uppercase">{passkeys.why}.</p>;
  if (elsewhere !== null)
    return (
      <p className="text-sm">
        Your approvals are signed with a passkey, which belongs to a host name.{' '}
        <a href={elsewhere} className="link">
          Approve it at {new URL(elsewhere).host}
        </a>
      </p>
    );
  if (!passkeys.items.some(({ usable }) => usable))
    return (
      <p className="text-sm">
        This must be signed with a passkey, and you have none.{' '}
        <a href="/settings?tab=passkeys" className="link">
          Register one
        </a>
      </p>
    );
  return <p className="text-muted text-xs">Your passkey signs exactly what is shown, with your comment.</p>;
}
