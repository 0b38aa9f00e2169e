'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { X } from 'lucide-react';
import Link from 'next/link';
import { useState } from 'react';
import { Button } from '@/components/button.tsx';
import { Dialog } from '@/components/dialog.tsx';
import { Field, FormError } from '@/components/field.tsx';
import { Input } from '@/components/input.tsx';
import { useNow } from '@/components/time.tsx';
import { toast } from '@/components/toast.tsx';
import { query } from '@/lib/api.ts';
import { problemOf } from '@/lib/problem.ts';
import { givenViews } from './view-links.ts';

const HOUR_MS = 3_600_000;

/** The given views and one's own: each is a link, so each can be sent to somebody. */
export function ViewBar({ search }: { search: string }) {
  const client = useQueryClient();
  const views = useQuery(query.views.list.queryOptions());
  const save = useMutation(query.views.save.mutationOptions());
  const remove = useMutation(query.views.remove.mutationOptions());
  const [naming, setNaming] = useState(false);
  const [name, setName] = useState('');
  // Days are the reader's own: the server does not know them.
  const now = useNow(HOUR_MS);
  const own = views.data?.filter((view) => view.page === 'operations') ?? [];
  const changed = () => client.invalidateQueries({ queryKey: query.views.key() });
  const submit = async () => {
    try {
      await save.mutateAsync({ page: 'operations', name, search });
      await changed();
      setNaming(false);
      setName('');
      toast(`Saved as “${name.trim()}”`, { tone: 'allow' });
    } catch {
      // Shown in the dialog.
    }
  };
  return (
    <nav aria-label="Views" className="flex flex-wrap items-center gap-x-4 gap-y-1">
      <ul className="contents">
        {(now === null ? [] : givenViews(now)).map((view) => (
          <li key={view.name}>
            <Link href={view.href} className="link inline-flex min-h-6 items-center text-sm">
              {view.name}
            </Link>
          </li>
        ))}
        {own.map((view) => (
          <li key={view.id} className="inline-flex items-center gap-1">
            <Link
              href={`/operations?${view.search}`}
              className="link inline-flex min-h-6 items-center font-medium text-sm"
            >
              {view.name}
            </Link>
            <button
              type="button"
              aria-label={`Delete the view ${view.name}`}
              className="inline-flex size-6 items-center justify-center rounded-sm text-muted hover:bg-hover hover:text-ink"
              onClick={async () => {
                await remove.mutateAsync({ id: view.id });
                await changed();
              }}
            >
              <X aria-hidden="true" className="size-3.5" />
            </button>
          </li>
        ))}
      </ul>
      <Button
        size="sm"
        disabledReason={search === '' ? 'set a filter first: a view is its filters' : null}
        onClick={() => setNaming(true)}
      >
        Save this view
      </Button>
      <Dialog
        open={naming}
        onClose={() => setNaming(false)}
        title="Save this view"
        description="It is yours. Under a name that you have used, the view is replaced."
        footer={
          <>
            <Button onClick={() => setNaming(false)}>Cancel</Button>
            <Button
              variant="primary"
              loading={save.isPending}
              disabledReason={name.trim() === '' ? 'give it a name' : null}
              onClick={() => void submit()}
            >
              Save
            </Button>
          </>
        }
      >
        <form
          className="flex flex-col gap-3"
          onSubmit={(event) => {
            event.preventDefault();
            if (name.trim() !== '') void submit();
          }}
        >
          <Field label="Name">
            {(props) => (
              <Input {...props} maxLength={80} value={name} onChange={(event) => setName(event.target.value)} />
            )}
          </Field>
          <FormError message={save.error ? problemOf(save.error).detail : null} />
        </form>
      </Dialog>
    </nav>
  );
}
