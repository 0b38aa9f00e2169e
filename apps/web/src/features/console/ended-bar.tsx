'use client';
import { useQueryClient } from '@tanstack/react-query';
import { Button, LinkButton } from '@/components/button.tsx';
import { query } from '@/lib/api.ts';
import { askAgainLink } from '@/lib/links.ts';
import type { GrantView } from '@/lib/views.ts';

/** Why the console ended and the way on. What was typed stays in the editor. */
export function EndedBar({
  ended,
  grant,
  onReconnect,
}: {
  ended: { code: string; message: string };
  grant: GrantView;
  onReconnect: () => void;
}) {
  const client = useQueryClient();
  const over =
    grant.state !== 'active' ||
    (grant.expiresAt !== null && Date.parse(grant.expiresAt) <= Date.now()) ||
    ended.code.startsWith('grant-');
  return (
    <div
      role="alert"
      className="flex flex-wrap items-center gap-2 border-hold/40 border-b bg-hold-soft px-3 py-2 text-hold"
    >
      <p className="wrap-anywhere min-w-0 flex-1 first-letter:uppercase">
        {ended.message.replace(/\.$/, '')}. What you typed is still here.
      </p>
      {over ? (
        <LinkButton size="sm" href={askAgainLink(grant)}>
          Ask again
        </LinkButton>
      ) : (
        <Button
          size="sm"
          onClick={() => {
            void client.invalidateQueries({ queryKey: query.grants.key() });
            onReconnect();
          }}
        >
          Connect again
        </Button>
      )}
    </div>
  );
}
