'use client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type KeyboardEvent, type Ref, useImperativeHandle, useLayoutEffect, useRef, useState } from 'react';
import { Button } from '@/components/button.tsx';
import { Field, FormError } from '@/components/field.tsx';
import { Input, Select, Textarea } from '@/components/input.tsx';
import { Kbd } from '@/components/kbd.tsx';
import { toast } from '@/components/toast.tsx';
import { ttlChoices } from '@/features/grants/ttl-choices.ts';
import { api, query } from '@/lib/api.ts';
import { formatDuration } from '@/lib/format.ts';
import { problemOf } from '@/lib/problem.ts';
import type { InboxItemView } from '@/lib/views.ts';
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

  const decide = useMutation({
    mutationFn: async (outcome: 'approve' | 'refuse') => {
      const words = text.trim();
      if (item.kind === 'hold')
        return outcome === 'approve'
          ? api.holds.approve({ id: item.id, binding: item.hold.binding, comment: words || null })
          : api.holds.refuse({ id: item.id, reason: words });
      return outcome === 'approve'
        ? api.grants.approve({ id: item.id, ttlMs, comment: words || null })
        : api.grants.refuse({ id: item.id, reason: words });
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
  const error = decide.error ? problemOf(decide.error).detail : null;
  const effect = approving
    ? item.kind === 'hold'
      ? 'Approve this statement'
      : `Approve for ${formatDuration(ttlMs ?? item.grant.ttlMs)}`
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
      <div className="flex flex-wrap items-center gap-2">
        <Button type="submit" variant={approving ? 'primary' : 'danger'} loading={decide.isPending}>
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
