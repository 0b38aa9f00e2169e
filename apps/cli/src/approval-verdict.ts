import { readFileSync } from 'node:fs';
import {
  type AnyApprovalContent,
  APPROVAL_FORMAT,
  type ApprovalContent,
  createWebCrypto,
  parseApprovalFile,
  type Subtle,
  verifyApproval,
} from '@taskgate/approval';
import { printable } from './printable.ts';

const BRACE = 0x7b;

/** The text of a file that is JSON, as signed approvals are; `null` for any other, such as a recording. */
export function readApproval(file: string): string | null {
  try {
    const bytes = readFileSync(file);
    return bytes[0] === BRACE ? bytes.toString('utf8') : null;
  } catch {
    // Whoever reads it as a recording says why it cannot be read.
    return null;
  }
}

/** Whether the signature is over exactly what the file says, in lines for people. `key`: whose it must be. */
export async function approvalVerdict(
  text: string,
  key: string | null,
): Promise<{ readonly ok: boolean; readonly text: readonly string[] }> {
  const file = parseApprovalFile(text);
  if (!file.ok) return { ok: false, text: [`not valid: ${file.problem}`] };
  const verdict = await verifyApproval(file.value, createWebCrypto(globalThis.crypto.subtle as unknown as Subtle));
  if (!verdict.ok) return { ok: false, text: [`not valid: ${verdict.problem}`] };
  const { keySha256 } = verdict;
  if (key !== null && key !== keySha256)
    return { ok: false, text: [`not valid: signed by the key ${keySha256}, not by ${key}`] };
  if (verdict.erased) {
    const { signedSha256, origin } = verdict;
    const lines = [
      `erased: what was approved was deleted with its recording, and cannot be verified any more`,
      `the key ${keySha256} signed a text with the SHA-256 ${signedSha256} at ${origin}`,
      `the audit's hold.approve has the SHA-256 of what was approved: compare it`,
    ];
    return { ok: false, text: lines.map(printable) };
  }
  const { content } = verdict;
  const lines = [
    `valid: signed by a passkey of ${content.reviewer.email}, over exactly this`,
    ...Object.entries(facts(content)).map(([name, value]) => `  ${name.padEnd(10)} ${value}`),
    `  ${'key'.padEnd(10)} ${keySha256}`,
  ];
  if (key === null) lines.push('that the key is theirs is not proven here: give --key, as their own Settings show it');
  return { ok: true, text: lines.map(printable) };
}

function facts(content: AnyApprovalContent): Readonly<Record<string, string>> {
  const { subject, task, resource, requester, terms, comment, window, site } = content;
  return {
    ...(subject.kind === 'hold'
      ? {
          approved: subject.holdId,
          statement: subject.statement.replaceAll('\n', `\n${' '.repeat(13)}`),
          parameters: JSON.stringify(subject.parameters),
          rows: subject.affectsMax === null ? 'no limit' : `at most ${subject.affectsMax}`,
          binding: subject.binding,
        }
      : {
          approved: `${subject.grantId}, for at most ${subject.ttlMs / 1000} s`,
          reason: subject.reason ?? '-',
          ticket: subject.ticket ?? '-',
        }),
    task: `${task.name}, revision ${task.revision}, document ${task.documentSha256}`,
    resource: `${resource.name}, database ${resource.database}`,
    ...(content.format === APPROVAL_FORMAT ? whereAndHowFar(content) : { address: 'not signed in this format' }),
    requester: requester.email,
    terms: `${terms.count} of ${terms.from.join(', ')}${terms.stepUp ? ', each signed' : ''}`,
    comment: comment ?? '-',
    between: `${window.notBefore} and ${window.notAfter}`,
    site: site.origin,
  };
}

const whereAndHowFar = ({ resource, limits }: ApprovalContent): Readonly<Record<string, string>> => ({
  address: resource.host === '' ? '-' : `${resource.host}:${resource.port}`,
  labels: listed(resource.labels),
  limits: listed(limits ?? {}),
});

const listed = (values: Readonly<Record<string, string | number | null>>): string =>
  Object.entries(values)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}: ${value}`)
    .join(', ') || '-';
