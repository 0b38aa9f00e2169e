'use client';
import { parseAsStringLiteral, useQueryState } from 'nuqs';
import { Page, PageHeader } from '@/components/page.tsx';
import { Tabs } from '@/components/tabs.tsx';
import { useMe } from '@/lib/me.tsx';
import { ApiTokens } from './api-tokens.tsx';
import { BrowserSettings } from './browser-settings.tsx';
import { LinkProviders } from './link-providers.tsx';
import { Passkeys } from './passkeys.tsx';
import { PasswordForm } from './password-form.tsx';
import { WebSessions } from './web-sessions.tsx';

const TABS = ['sign-ins', 'passkeys', 'tokens', 'password', 'browser'] as const;

export function Settings({ providers }: { providers: readonly { readonly name: string; readonly title: string }[] }) {
  const me = useMe();
  const [tab, setTab] = useQueryState('tab', parseAsStringLiteral(TABS).withDefault('sign-ins'));
  return (
    <Page>
      <PageHeader
        title="Settings"
        description={`${me.name}, ${me.email}. In ${me.groups.join(', ') || 'no group'}; ${me.roles.join(', ') || 'no role'}.`}
      />
      <Tabs
        label="Settings"
        value={tab}
        onChange={(value) => void setTab(value as (typeof TABS)[number])}
        items={[
          {
            value: 'sign-ins',
            label: 'Sign-ins',
            content: (
              <>
                <WebSessions />
                <LinkProviders providers={providers} />
              </>
            ),
          },
          { value: 'passkeys', label: 'Passkeys', content: <Passkeys /> },
          { value: 'tokens', label: 'API tokens', content: <ApiTokens /> },
          { value: 'password', label: 'Password', content: <PasswordForm /> },
          { value: 'browser', label: 'This browser', content: <BrowserSettings /> },
        ]}
      />
    </Page>
  );
}
