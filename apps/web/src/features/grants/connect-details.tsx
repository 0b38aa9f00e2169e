'use client';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { StateBadge } from '@/components/badge.tsx';
import { Button, LinkButton } from '@/components/button.tsx';
import { CopyField } from '@/components/copy-field.tsx';
import { Facts } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { Tabs } from '@/components/tabs.tsx';
import { Countdown, Time } from '@/components/time.tsx';
import { query } from '@/lib/api.ts';
import { consoleLink, subjectName } from '@/lib/links.ts';
import type { ActivationView, ConnectView, GrantView } from '@/lib/views.ts';
import { connectLines } from './connect-lines.ts';

function StillOpen({ grant }: { grant: GrantView }) {
  return (
    <div className="flex flex-wrap items-center gap-2">
      <StateBadge state="active" />
      {grant.expiresAt && (
        <span>
          <Countdown until={grant.expiresAt} />, until <Time at={grant.expiresAt} />
        </span>
      )}
    </div>
  );
}

function ConnectValues({ connect }: { connect: ConnectView }) {
  return (
    <details>
      <summary className="min-h-6 font-medium">Each value by itself</summary>
      <div className="mt-2">
        <Facts
          items={[
            ['Host', connect.host],
            ['Port', String(connect.port)],
            ['User', connect.user],
            ['Database', connect.database],
            ['Password', 'the token'],
          ]}
        />
      </div>
    </details>
  );
}

/** Right after the activation, the only time that the token is here. */
export function NewTokenDetails({ activation }: { activation: ActivationView }) {
  const [tab, setTab] = useState('psql');
  const { grant, token, connect } = activation;
  return (
    <div className="flex flex-col gap-4">
      <StillOpen grant={grant} />
      <p className="rounded-md border border-hold/30 bg-hold-soft px-3 py-2 text-hold">
        The token is shown once. When this closes it is gone; a new one needs a new grant.
      </p>
      {connect === null ? (
        <>
          <p>It opens nothing itself. With it a job starts the steps, each with a token of its own:</p>
          <CopyField label="Token" value={token} secret />
          <CopyField label="Address" value={`POST /api/v1/grants/${grant.id}/children`} />
        </>
      ) : (
        <>
          <Tabs
            label="Clients"
            value={tab}
            onChange={setTab}
            items={connectLines(connect, token).map((line) => ({
              value: line.id,
              label: line.label,
              content: <CopyField label={`${line.label} line`} value={line.text} masked={line.masked} secret />,
            }))}
          />
          <CopyField label="Token" value={token} secret />
          <ConnectValues connect={connect} />
          <div>
            <LinkButton href={consoleLink(grant.id)}>Open in the console</LinkButton>
          </div>
        </>
      )}
    </div>
  );
}

/** Later: how to connect, for who has kept the token, and the way to another one. */
export function ActiveDetails({ grant, onAskAnew }: { grant: GrantView; onAskAnew: () => void }) {
  const [tab, setTab] = useState('psql');
  const strings = useQuery(query.grants.connect.queryOptions({ input: { task: subjectName(grant) } }));
  return (
    <div className="flex flex-col gap-4">
      <StillOpen grant={grant} />
      <p>The token of this grant was shown once. The client asks for it as the password.</p>
      <QueryState query={strings} what="how to connect">
        {(connect) => (
          <>
            <Tabs
              label="Clients"
              value={tab}
              onChange={setTab}
              items={[
                { value: 'psql', label: 'psql', content: <CopyField label="psql line" value={connect.psql} /> },
                { value: 'uri', label: 'URI', content: <CopyField label="URI" value={connect.uri} /> },
                { value: 'jdbc', label: 'JDBC', content: <CopyField label="JDBC" value={connect.jdbc} /> },
                { value: 'env', label: 'Environment', content: <CopyField label="Environment" value={connect.env} /> },
              ]}
            />
            <ConnectValues connect={connect} />
          </>
        )}
      </QueryState>
      <div className="flex flex-wrap gap-2">
        <LinkButton variant="primary" href={consoleLink(grant.id)}>
          Open in the console
        </LinkButton>
        <Button onClick={onAskAnew}>Get a new token with a new grant</Button>
      </div>
    </div>
  );
}
