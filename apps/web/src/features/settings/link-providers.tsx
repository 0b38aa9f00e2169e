import { Panel } from '@/components/page.tsx';

/** Signed in as themself, a person links a provider and keeps all that they have; else the first sign-in by it ends that. */
export function LinkProviders({
  providers,
}: {
  providers: readonly { readonly name: string; readonly title: string }[];
}) {
  if (providers.length === 0) return null;
  return (
    <Panel title="Sign-in providers">
      <p className="mb-3 text-muted text-sm">
        Sign in with one from here the first time: your password, passkeys and tokens then stay.
      </p>
      <ul className="flex flex-wrap gap-2">
        {providers.map(({ name, title }) => (
          <li key={name}>
            {/* A page of another site at the end: not the router's. */}
            <a
              href={`/api/sign-in/${name}/start?next=${encodeURIComponent('/settings')}`}
              className="flex min-h-8 items-center rounded-md border border-line-strong px-3 font-medium hover:bg-hover"
            >
              Sign in with {title}
            </a>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
