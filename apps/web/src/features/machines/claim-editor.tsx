'use client';
import { useMutation } from '@tanstack/react-query';
import {
  type ClaimPattern,
  claimValues,
  ISSUER_PROFILES,
  MAX_CLAIM_PATTERNS,
  matchClaims,
  reviewClaims,
} from '@taskgate/core';
import { Check, CircleSlash, Plus, TriangleAlert, X } from 'lucide-react';
import { useId, useState } from 'react';
import { Badge } from '@/components/badge.tsx';
import { Button } from '@/components/button.tsx';
import { Field, FormError } from '@/components/field.tsx';
import { Input, Textarea } from '@/components/input.tsx';
import { Ticked } from '@/components/ticked.tsx';
import { query } from '@/lib/api.ts';
import { problemOf } from '@/lib/problem.ts';
import type { IssuerView } from '@/lib/views.ts';
import { decodeToken } from './decode-token.ts';

export interface ClaimRow extends ClaimPattern {
  /** For React alone. */
  readonly key: string;
}
export const newRow = (claim = '', pattern = ''): ClaimRow => ({ key: crypto.randomUUID(), claim, pattern });
export const filledRows = (rows: readonly ClaimRow[]): ClaimPattern[] =>
  rows.filter((row) => row.claim !== '' || row.pattern !== '').map(({ claim, pattern }) => ({ claim, pattern }));

/** Patterns with what they let in, tried on a token that is pasted. The token stays in this component. */
export function ClaimEditor({
  issuer,
  audience,
  rows,
  onChange,
}: {
  issuer: IssuerView;
  audience: string | null;
  rows: readonly ClaimRow[];
  onChange: (rows: readonly ClaimRow[]) => void;
}) {
  const [token, setToken] = useState('');
  const profile = ISSUER_PROFILES[issuer.kind];
  const claims = token === '' ? null : decodeToken(token);
  const patterns = filledRows(rows);
  const { verdicts, matches } = matchClaims(patterns, claims ?? {});
  const change = (key: string, part: Partial<ClaimPattern>) =>
    onChange(rows.map((row) => (row.key === key ? { ...row, ...part } : row)));
  const suggestions = useId();
  const names = [...new Set([...profile.claims.map(({ claim }) => claim), ...Object.keys(claims ?? {})])];
  return (
    <div className="flex flex-col gap-4">
      <fieldset className="flex flex-col gap-2">
        <legend className="mb-1 font-medium text-sm">Claims that must all match</legend>
        <datalist id={suggestions}>
          {names.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        {rows.map((row, index) => {
          const at = patterns.findIndex(({ claim, pattern }) => claim === row.claim && pattern === row.pattern);
          const verdict = claims === null || at < 0 ? null : verdicts[at]!;
          return (
            <div key={row.key} className="flex flex-col gap-1">
              <div className="flex items-center gap-2">
                <Input
                  aria-label={`Claim ${index + 1}`}
                  className="max-w-56 font-mono"
                  list={suggestions}
                  maxLength={200}
                  value={row.claim}
                  placeholder={profile.claims[0]?.claim}
                  onChange={(event) => change(row.key, { claim: event.target.value.trim() })}
                />
                <Input
                  aria-label={`Pattern ${index + 1}`}
                  className="flex-1 font-mono"
                  maxLength={500}
                  value={row.pattern}
                  placeholder={profile.claims.find(({ claim }) => claim === row.claim)?.example ?? 'exactly, or with *'}
                  onChange={(event) => change(row.key, { pattern: event.target.value })}
                />
                <Button
                  variant="ghost"
                  size="sm"
                  aria-label={`Remove claim ${index + 1}`}
                  onClick={() => onChange(rows.filter((other) => other.key !== row.key))}
                >
                  <X aria-hidden="true" className="size-4" />
                </Button>
              </div>
              {verdict && (
                <p className="flex min-w-0 items-center gap-1.5 text-sm">
                  {verdict.matches ? (
                    <Badge tone="allow">
                      <Check aria-hidden="true" className="size-3" />
                      matches
                    </Badge>
                  ) : (
                    <Badge tone="deny">
                      <CircleSlash aria-hidden="true" className="size-3" />
                      {verdict.given === null ? 'missing' : 'differs'}
                    </Badge>
                  )}
                  <span className="wrap-anywhere text-muted">
                    {verdict.given === null ? (
                      'the token does not have this claim'
                    ) : (
                      <>
                        the token says <code className="font-mono text-ink">{verdict.given}</code>
                      </>
                    )}
                  </span>
                </p>
              )}
            </div>
          );
        })}
        <div>
          <Button
            size="sm"
            disabledReason={rows.length >= MAX_CLAIM_PATTERNS ? `at most ${MAX_CLAIM_PATTERNS} claims` : null}
            onClick={() => onChange([...rows, newRow()])}
          >
            <Plus aria-hidden="true" className="size-4" />
            Add a claim
          </Button>
        </div>
        <p className="text-muted text-xs">
          <Ticked text="A pattern is the value itself. One `*` stands for anything between two of `/` and `:`, and `**` at the end for the whole rest." />
        </p>
      </fieldset>
      <Review issuer={issuer} patterns={patterns} />
      <TokenTester
        issuer={issuer}
        audience={audience}
        patterns={patterns}
        token={token}
        onToken={setToken}
        readable={claims !== null}
        matches={matches}
      />
      <KnownClaims
        issuer={issuer}
        claims={claims}
        onUse={(claim, pattern) => onChange([...rows.filter((row) => row.claim !== ''), newRow(claim, pattern)])}
      />
    </div>
  );
}

function Review({ issuer, patterns }: { issuer: IssuerView; patterns: readonly ClaimPattern[] }) {
  const { problems, warnings } = reviewClaims(issuer.kind, issuer.url, patterns);
  if (patterns.length === 0 || (problems.length === 0 && warnings.length === 0)) return null;
  return (
    <ul aria-label="What these patterns let in" className="flex flex-col gap-1.5">
      {problems.map((problem) => (
        <li key={problem} className="flex items-start gap-2 text-deny">
          <CircleSlash aria-hidden="true" className="mt-0.5 size-4 shrink-0" />
          <span className="first-letter:uppercase">
            <Ticked text={problem} />
          </span>
        </li>
      ))}
      {warnings.map((warning) => (
        <li key={warning} className="flex items-start gap-2 text-hold">
          <TriangleAlert aria-hidden="true" className="mt-0.5 size-4 shrink-0" />
          <span className="first-letter:uppercase">
            <Ticked text={warning} />
          </span>
        </li>
      ))}
    </ul>
  );
}

/** Which claims the provider gives and what they mean; of a pasted token their values too. */
function KnownClaims({
  issuer,
  claims,
  onUse,
}: {
  issuer: IssuerView;
  claims: Readonly<Record<string, unknown>> | null;
  onUse: (claim: string, pattern: string) => void;
}) {
  const profile = ISSUER_PROFILES[issuer.kind];
  return (
    <details className="rounded-md border border-line">
      <summary className="cursor-pointer px-3 py-1.5 font-medium text-sm">
        Claims of {profile.title} and what they mean
      </summary>
      <ul className="divide-y divide-line border-line border-t">
        {profile.claims.map(({ claim, means, example }) => {
          const given = claims === null ? null : (claimValues(claims, claim)[0] ?? null);
          return (
            <li key={claim} className="flex items-center gap-3 px-3 py-1.5">
              <span className="min-w-0 flex-1">
                <code className="wrap-anywhere font-mono text-sm">{claim}</code>
                <span className="block text-muted text-sm">
                  <Ticked text={means} />
                  {', '}
                  {claims === null ? 'such as ' : 'here '}
                  <code className="wrap-anywhere font-mono">{claims === null ? example : (given ?? 'missing')}</code>
                </span>
              </span>
              <Button size="sm" aria-label={`Use ${claim}`} onClick={() => onUse(claim, given ?? '')}>
                Use
              </Button>
            </li>
          );
        })}
      </ul>
      <ul className="list-disc border-line border-t py-2 pr-3 pl-7 text-muted text-sm">
        {profile.hints.map((hint) => (
          <li key={hint}>
            <Ticked text={hint} />
          </li>
        ))}
      </ul>
    </details>
  );
}

function TokenTester({
  issuer,
  audience,
  patterns,
  token,
  onToken,
  readable,
  matches,
}: {
  issuer: IssuerView;
  audience: string | null;
  patterns: readonly ClaimPattern[];
  token: string;
  onToken: (token: string) => void;
  readable: boolean;
  matches: boolean;
}) {
  const trial = useMutation(query.machines.tryToken.mutationOptions());
  const genuine = trial.data?.genuine;
  const check = () =>
    trial.mutate({
      ...{ issuer: issuer.name, audience, token: token.trim() },
      claims: patterns.filter(({ claim, pattern }) => claim !== '' && pattern !== ''),
    });
  return (
    <div className="flex flex-col gap-2">
      <Field
        label="Try a token"
        optional
        hint="Read in this browser; the check of its signature sends it to this Taskgate, which keeps and logs nothing of it."
        error={token !== '' && !readable ? 'this is not a JSON Web Token' : null}
      >
        {(props) => (
          <Textarea
            {...props}
            className="font-mono"
            value={token}
            rows={3}
            autoComplete="off"
            spellCheck={false}
            placeholder="eyJ…"
            onChange={(event) => {
              onToken(event.target.value);
              trial.reset();
            }}
          />
        )}
      </Field>
      {readable && (
        <div className="flex flex-wrap items-center gap-2">
          <Button size="sm" loading={trial.isPending} onClick={check}>
            Check the signature
          </Button>
          <Badge tone={matches ? 'allow' : 'deny'}>{matches ? 'all claims match' : 'not every claim matches'}</Badge>
        </div>
      )}
      <div role="status">
        {genuine && (
          <p className={genuine.ok ? 'text-allow' : 'text-deny'}>
            {genuine.ok ? 'Genuine: ' : 'Not accepted: '}
            <Ticked text={genuine.detail} />
          </p>
        )}
      </div>
      <FormError message={trial.error ? problemOf(trial.error).detail : null} />
    </div>
  );
}
