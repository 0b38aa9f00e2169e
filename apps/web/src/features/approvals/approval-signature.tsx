'use client';
import { useQuery } from '@tanstack/react-query';
import { createWebCrypto, parseApprovalFile, type Subtle, verifyApproval } from '@taskgate/approval';
import { Badge } from '@/components/badge.tsx';
import { api } from '@/lib/api.ts';
import { problemOf } from '@/lib/problem.ts';

/** What the page shows beside the signature: it must be of that. */
export interface ShownApproval {
  readonly id: string;
  /** Id of the grant or the hold. */
  readonly subject: string;
  readonly reviewer: string;
  readonly signedBy: string;
}

/** That an approval is signed, checked here in the browser, and the file to check it with elsewhere. */
export function ApprovalSignature({ approval }: { approval: ShownApproval }) {
  const checked = useQuery({
    queryKey: ['approval', approval],
    queryFn: () => checkApproval(approval),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  const name = `approval-${approval.id}.json`;
  return (
    <span className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1 text-sm">
      <span className="wrap-anywhere text-muted">
        signed by passkey {approval.signedBy} of {approval.reviewer}:
      </span>
      {checked.data === undefined ? (
        <span className="text-muted">{checked.error ? problemOf(checked.error).detail : 'checking …'}</span>
      ) : checked.data.erased ? (
        <>
          <Badge>erased</Badge>
          <span className="text-muted">what was signed was deleted with the recording</span>
        </>
      ) : checked.data.problem === null ? (
        <Badge tone="allow">valid</Badge>
      ) : (
        <>
          <Badge tone="deny">not valid</Badge>
          <span className="text-deny">{checked.data.problem}</span>
        </>
      )}
      {checked.data && (
        <button type="button" className="link" onClick={() => save(name, checked.data.text)}>
          Download <span className="sr-only">{name}</span>
        </button>
      )}
    </span>
  );
}

interface Checked {
  readonly text: string;
  readonly problem: string | null;
  /** By that key, over what is not there any more. */
  readonly erased?: true;
}

async function checkApproval(shown: ShownApproval): Promise<Checked> {
  const text = `${JSON.stringify(await api.approvals.get({ id: shown.id }), null, 2)}\n`;
  const file = parseApprovalFile(text);
  if (!file.ok) return { text, problem: file.problem };
  const verdict = await verifyApproval(file.value, createWebCrypto(crypto.subtle as unknown as Subtle));
  if (!verdict.ok) return { text, problem: verdict.problem };
  if (verdict.erased) return { text, problem: null, erased: true };
  const { subject, reviewer } = verdict.content;
  const about = subject.kind === 'hold' ? subject.holdId : subject.grantId;
  const problem = about === shown.subject && reviewer.email === shown.reviewer ? null : 'it is of another approval';
  return { text, problem };
}

function save(name: string, text: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
