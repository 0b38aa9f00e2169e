'use client';
import { parseAsStringLiteral, useQueryState } from 'nuqs';
import { NoPermission } from '@/components/empty-state.tsx';
import { Page, PageHeader } from '@/components/page.tsx';
import { Tabs } from '@/components/tabs.tsx';
import { useCan } from '@/lib/me.tsx';
import { IssuersTab } from './issuers-tab.tsx';
import { MachinesTab } from './machines-tab.tsx';

const TABS = ['machines', 'agents', 'issuers'] as const;

export function Machines() {
  const can = useCan();
  const [tab, setTab] = useQueryState('tab', parseAsStringLiteral(TABS).withDefault('machines'));
  return (
    <Page>
      <PageHeader
        title="Machines"
        description="CI jobs, services and agents. An issuer that you trust signs who they are; each gets only the tasks that name it."
      />
      {can('people:read') ? (
        <Tabs
          label="Machines"
          value={tab}
          onChange={(value) => void setTab(value as (typeof TABS)[number])}
          items={[
            { value: 'machines', label: 'Machines', content: <MachinesTab kind="machine" /> },
            { value: 'agents', label: 'Agents', content: <MachinesTab kind="agent" /> },
            { value: 'issuers', label: 'Issuers', content: <IssuersTab /> },
          ]}
        />
      ) : (
        <NoPermission what="the machines here" />
      )}
    </Page>
  );
}
