'use client';
import { parseAsStringLiteral, useQueryState } from 'nuqs';
import { NoPermission } from '@/components/empty-state.tsx';
import { Page, PageHeader } from '@/components/page.tsx';
import { Tabs } from '@/components/tabs.tsx';
import { DirectoryTab } from '@/features/directory/directory-tab.tsx';
import { ProvidersTab } from '@/features/sign-in-providers/providers-tab.tsx';
import { useCan } from '@/lib/me.tsx';
import { AccessTab } from './access-tab.tsx';
import { GroupsTab } from './groups-tab.tsx';
import { UsersTab } from './users-tab.tsx';

const TABS = ['users', 'groups', 'access', 'sign-in', 'directory'] as const;

export function People() {
  const can = useCan();
  const [tab, setTab] = useQueryState('tab', parseAsStringLiteral(TABS).withDefault('users'));
  return (
    <Page>
      <PageHeader title="People" description="Roles belong to groups; a person has those of every group they are in." />
      {can('people:read') ? (
        <Tabs
          label="People"
          value={tab}
          onChange={(value) => void setTab(value as (typeof TABS)[number])}
          items={[
            { value: 'users', label: 'Users', content: <UsersTab /> },
            { value: 'groups', label: 'Groups', content: <GroupsTab /> },
            { value: 'access', label: 'Access', content: <AccessTab /> },
            { value: 'sign-in', label: 'Sign-in', content: <ProvidersTab /> },
            { value: 'directory', label: 'Directory', content: <DirectoryTab /> },
          ]}
        />
      ) : (
        <NoPermission what="the people here" />
      )}
    </Page>
  );
}
