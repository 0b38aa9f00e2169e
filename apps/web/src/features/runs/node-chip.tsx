'use client';
import { useQuery } from '@tanstack/react-query';
import { X } from 'lucide-react';
import Link from 'next/link';
import { query } from '@/lib/api.ts';
import { runLink, subjectName } from '@/lib/links.ts';

/** That a list shows only what happened under one grant of a run, and the way out of that. */
export function NodeChip({ node, onClear }: { node: string; onClear: () => void }) {
  const grant = useQuery({
    ...query.grants.get.queryOptions({ input: { id: node } }),
    enabled: node !== '',
    retry: false,
  });
  if (node === '') return null;
  const { data } = grant;
  const name = data ? subjectName(data) : node;
  return (
    <span className="inline-flex min-h-7 items-center gap-1 rounded-full border border-info/30 bg-info-soft pr-0.5 pl-2.5 text-info text-sm">
      <Link href={runLink(node)} className="inline-flex min-h-6 items-center hover:underline">
        {data && data.depth > 0 ? `In ${name}, part of run ${data.root.name}` : `In run ${name}`}
      </Link>
      <button
        type="button"
        onClick={onClear}
        aria-label={`Clear the filter for ${name}`}
        className="grid size-6 place-items-center rounded-full hover:bg-hover"
      >
        <X aria-hidden="true" className="size-3.5" />
      </button>
    </span>
  );
}
