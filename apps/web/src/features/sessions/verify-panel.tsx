'use client';
import clsx from 'clsx';
import { useRef, useState } from 'react';
import { Button } from '@/components/button.tsx';
import { FormError } from '@/components/field.tsx';
import { Panel } from '@/components/page.tsx';
import { formatBytes, formatNumber } from '@/lib/format.ts';
import type { SessionView } from '@/lib/views.ts';
import { downloadRecording } from './download-recording.ts';
import type { Verification } from './verify-recording.ts';

type Step =
  | { kind: 'idle' }
  | { kind: 'downloading'; received: number }
  | { kind: 'checking'; done: number }
  | { kind: 'done'; verification: Verification; tookMs: number }
  | { kind: 'failed'; message: string };

/** Checks the recording in this browser, on the bytes as they are kept: the page that shows it is not asked to vouch for it. */
export function VerifyPanel({ session }: { session: SessionView }) {
  const [step, setStep] = useState<Step>({ kind: 'idle' });
  const run = useRef(0);
  const start = async () => {
    run.current += 1;
    const mine = run.current;
    const set = (next: Step) => {
      if (run.current === mine) setStep(next);
    };
    if (!globalThis.crypto?.subtle) {
      set({ kind: 'failed', message: 'This browser checks hashes over https or on localhost only.' });
      return;
    }
    try {
      set({ kind: 'downloading', received: 0 });
      const [{ verifyRecording }, recording] = await Promise.all([
        import('./verify-recording.ts'),
        downloadRecording(session.id, (received) => set({ kind: 'downloading', received })),
      ]);
      const startedAt = performance.now();
      set({ kind: 'checking', done: 0 });
      const verification = await verifyRecording(session, recording, (done) => set({ kind: 'checking', done }));
      set({ kind: 'done', verification, tookMs: performance.now() - startedAt });
    } catch (error) {
      set({ kind: 'failed', message: error instanceof Error ? error.message : 'The recording could not be read.' });
    }
  };
  const busy = step.kind === 'downloading' || step.kind === 'checking';
  return (
    <Panel
      title="Verify"
      actions={
        <Button
          size="sm"
          variant={step.kind === 'idle' ? 'primary' : 'secondary'}
          loading={busy}
          onClick={() => void start()}
        >
          {step.kind === 'done' ? 'Verify again' : 'Verify in this browser'}
        </Button>
      }
    >
      <div role="status" className="flex flex-col gap-2">
        {step.kind === 'idle' && (
          <p className="max-w-prose text-muted">
            Downloads the recording as it is kept, recomputes its chain of hashes here, and compares it with the head
            that the store was given when the session ended.
          </p>
        )}
        {step.kind === 'downloading' && <p>Downloading, {formatBytes(step.received)} so far.</p>}
        {step.kind === 'checking' && (
          <div className="flex items-center gap-3">
            <progress aria-label="Checked" className="h-2 w-60" value={step.done} max={1} />
            <span className="tabular-nums">{Math.round(step.done * 100)} %</span>
          </div>
        )}
        {step.kind === 'failed' && <FormError message={step.message} />}
        {step.kind === 'done' && <Verdict {...step} live={session.endedAt === null} />}
      </div>
    </Panel>
  );
}

const BREAKS = {
  format: 'what is there is no event',
  length: 'its length is none that an event has',
  truncated: 'the recording ends before it should',
  hash: 'it was changed, or the one before it was',
  order: 'another event stands in its place',
  head: 'the chain is whole, but it is not the one that the store was told of',
} as const;

function Verdict({ verification, tookMs, live }: { verification: Verification; tookMs: number; live: boolean }) {
  const { chain, bytes, expected } = verification;
  if (!chain.ok)
    return (
      <div className="flex flex-col gap-2 rounded-md border border-deny/40 border-l-4 border-l-deny bg-deny-soft p-3">
        <p className="font-medium text-deny">
          {chain.reason === 'head' && chain.at === 0
            ? 'This is another recording than the one committed to'
            : `Event ${formatNumber(chain.at)} is the first that cannot be trusted`}
          : {BREAKS[chain.reason]}.
        </p>
        <dl className="grid grid-cols-[auto_1fr] gap-x-3 font-mono text-sm">
          <dt className="text-muted">expected</dt>
          <dd className="wrap-anywhere">{chain.expected}</dd>
          <dt className="text-muted">found</dt>
          <dd className="wrap-anywhere">{chain.found}</dd>
        </dl>
        {chain.at > 0 && <p className="text-sm">The {formatNumber(chain.at)} before it are as they were written.</p>}
      </div>
    );
  const head = [...chain.head].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  // What the store says is then worth nothing, so neither is agreeing with it.
  const forged = verification.signature === 'wrong';
  return (
    <div
      className={clsx(
        'flex flex-col gap-2 rounded-md border border-l-4 p-3',
        forged ? 'border-deny/40 border-l-deny bg-deny-soft' : 'border-allow/40 border-l-allow bg-allow-soft',
      )}
    >
      <p className={clsx('wrap-anywhere font-medium', forged ? 'text-deny' : 'text-allow')}>
        {formatNumber(chain.count)} events, head <code className="font-mono text-sm">{head.slice(0, 16)}…</code>,{' '}
        {expected === null ? 'consistent in themselves' : 'consistent with the head in the store'}.
      </p>
      <p className="text-sm">{signatureWords(verification, live)}</p>
      <p className="text-muted text-xs">
        Checked here: {formatBytes(bytes)}, every hash, in {Math.round(tookMs)} ms. Who could change both the recording
        and the store could still have made another chain.
      </p>
    </div>
  );
}

function signatureWords({ signature, keyId, expected }: Verification, live: boolean): string {
  if (expected === null)
    return live
      ? 'The session is live: its head is signed when it ends, and until then nothing shows a cut end.'
      : 'The store has no head of this session, so a cut end would not be seen.';
  switch (signature) {
    case 'valid':
      return `The head is signed by this installation's key ${keyId}.`;
    case 'wrong':
      return `The signature of the head is not that of the key ${keyId}: the head in the store was changed.`;
    case 'other-key':
      return `The head was signed by the key ${keyId}, which is not the one this installation has now. The signature was not checked.`;
    case 'not-supported':
      return 'This browser knows no Ed25519, so the signature of the head was not checked.';
    default:
      return 'The signature of the head was not checked: the public key was not given.';
  }
}
