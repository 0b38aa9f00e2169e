'use client';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { Button } from '@/components/button.tsx';
import { Field, FormError } from '@/components/field.tsx';
import { Input } from '@/components/input.tsx';
import { Facts, Page, PageHeader, Panel } from '@/components/page.tsx';
import { Time } from '@/components/time.tsx';
import { query } from '@/lib/api.ts';
import { useMe } from '@/lib/me.tsx';
import { problemOf } from '@/lib/problem.ts';

/** Lets a device without a browser (the command line on a server) in as whoever is signed in here. */
export function DeviceSignIn() {
  const me = useMe();
  const [code, setCode] = useState('');
  const found = useMutation(query.devices.find.mutationOptions());
  const decide = useMutation(query.devices.decide.mutationOptions());
  const heading = useRef<HTMLHeadingElement>(null);

  // The link of the command line has the code after `#`, which no server sees.
  useEffect(() => setCode(decodeURIComponent(window.location.hash.slice(1)).slice(0, 20)), []);
  useEffect(() => {
    if (found.data || decide.data) heading.current?.focus();
  }, [found.data, decide.data]);

  const find = (event: FormEvent) => {
    event.preventDefault();
    found.mutate({ userCode: code });
  };
  const again = () => {
    found.reset();
    decide.reset();
    setCode('');
  };

  return (
    <Page>
      <PageHeader
        title="Sign a device in"
        description="A command line shows a code when it wants to be signed in. Type that code here."
      />
      <Panel className="max-w-xl">
        {decide.data ? (
          <div className="flex flex-col gap-3">
            <h2 ref={heading} tabIndex={-1} className="font-semibold text-base">
              {decide.data.allowed ? 'It is signed in as you' : 'It was refused'}
            </h2>
            <p className="text-muted">
              {decide.data.allowed
                ? 'Go back to it. Its token is among your API tokens in Settings, where you can revoke it.'
                : 'It gets no token. If you did not start it, somebody else did: tell an admin.'}
            </p>
            <div>
              <Button onClick={again}>Another code</Button>
            </div>
          </div>
        ) : found.data ? (
          <div className="flex flex-col gap-4">
            <h2 ref={heading} tabIndex={-1} className="font-semibold text-base">
              Did you start this?
            </h2>
            <Facts
              items={[
                ['It calls itself', found.data.name],
                ['It asks from', found.data.address],
                ['Since', <Time key="since" at={found.data.createdAt} />],
                ['Code', <code key="code">{code.toUpperCase()}</code>],
                ['It will be', `${me.name} (${me.email}), with all that you may do`],
              ]}
            />
            <p className="text-muted">
              Allow it only if you typed <code>taskgate login</code> there yourself, a moment ago. Nobody from support
              ever needs your yes to a code of theirs.
            </p>
            <FormError message={decide.error ? problemOf(decide.error).detail : null} />
            <div className="flex flex-wrap gap-2">
              <Button
                variant="primary"
                loading={decide.isPending && decide.variables.allow}
                onClick={() => decide.mutate({ userCode: code, allow: true })}
              >
                Allow
              </Button>
              <Button
                loading={decide.isPending && !decide.variables.allow}
                onClick={() => decide.mutate({ userCode: code, allow: false })}
              >
                Refuse
              </Button>
            </div>
          </div>
        ) : (
          <form onSubmit={find} className="flex max-w-xs flex-col gap-3">
            <Field label="Code" hint="Eight letters, such as WDJB-MJHT.">
              {(props) => (
                <Input
                  {...props}
                  value={code}
                  onChange={(event) => setCode(event.target.value)}
                  className="font-mono uppercase tracking-widest"
                  autoComplete="one-time-code"
                  spellCheck={false}
                  maxLength={20}
                  required
                  autoFocus
                />
              )}
            </Field>
            <FormError message={found.error ? problemOf(found.error).detail : null} />
            <div>
              <Button type="submit" variant="primary" loading={found.isPending}>
                Go on
              </Button>
            </div>
          </form>
        )}
      </Panel>
    </Page>
  );
}
