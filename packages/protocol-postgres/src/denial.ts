import type { Decision, Reason, RuleReference, SourcePosition } from '@taskgate/core';
import { encodeError, encodeErrorFields, toErrorFields } from './error-fields.ts';

/**
 * Fails on every Postgres, as a syntax error and before anything runs, and names us in the target's log. Sent in place
 * of a refused statement inside a transaction, or of a refused Parse: the target aborts and skips to Sync as the client
 * must believe that it did.
 */
export const ALWAYS_FAILS_STATEMENT = 'taskgate_refused_this_statement';

const MAX_REASONS = 8;
const MAX_FIELD_CHARACTERS = 4096;

/**
 * The ErrorResponse (`42501`, insufficient_privilege) for a decision that is not allow: what was refused, by which
 * rule, what would be allowed and where to read on.
 */
export function encodeDenial(
  decision: Decision,
  options: {
    /** Page that explains this decision; `null`: none. */
    readonly explainUrl: string | null;
    /** The statement that positions count in. Left out: the error has no position. */
    readonly statement?: string;
    /** Characters (code points) of the client's message in front of that statement; 0 unless given. */
    readonly statementOffset?: number;
  },
): Uint8Array {
  const [first, ...others] = decision.reasons;
  // A decision without a reason is a bug of ours; the refusal stands all the same.
  const message = first?.message ?? 'this statement is not allowed';
  const details = first === undefined ? [] : [describeRule(first.rule)];
  for (const reason of others.slice(0, MAX_REASONS - 1)) details.push(`also ${describeReason(reason, details[0]!)}`);
  if (others.length >= MAX_REASONS) details.push(`and ${others.length - MAX_REASONS + 1} more`);
  const hints = [first?.wouldAllow ?? null, options.explainUrl === null ? null : `see ${options.explainUrl}`];
  const hint = hints.filter((part) => part !== null).join('; ');
  const position =
    first?.position && options.statement !== undefined
      ? (options.statementOffset ?? 0) + toCharacterPosition(options.statement, first.position)
      : null;
  return encodeError({
    severity: 'ERROR',
    sqlstate: '42501',
    message: clip(`taskgate: ${message}`),
    detail: details.length === 0 ? null : clip(details.join('\n')),
    hint: hint === '' ? null : clip(hint),
    position,
  });
}

/** The rule is left out where it is the one that the detail starts with. */
function describeReason(reason: Reason, first: string): string {
  const rule = describeRule(reason.rule);
  return rule === first ? reason.message : `${reason.message} (${rule})`;
}

function describeRule(rule: RuleReference): string {
  const parts =
    rule.kind === 'gate' ? ['the gate itself'] : [`${rule.kind} \`${rule.name}\` revision ${rule.revision}`];
  if (rule.rule !== '') parts.push(`rule ${rule.rule}`);
  if (rule.line !== null) parts.push(`line ${rule.line}`);
  return parts.join(', ');
}

/** Postgres counts code points from 1; `column` is taken to count them too. */
function toCharacterPosition(statement: string, position: SourcePosition): number {
  const lines = statement.split('\n').slice(0, position.line - 1);
  return lines.reduce((sum, line) => sum + [...line].length + 1, position.column);
}

function clip(text: string): string {
  return text.length > MAX_FIELD_CHARACTERS ? `${text.slice(0, MAX_FIELD_CHARACTERS)}...` : text;
}

/** An ErrorResponse after which the connection ends. */
export function encodeFatal(sqlstate: string, message: string, hint: string | null): Uint8Array {
  return encodeError({ severity: 'FATAL', sqlstate, message: clip(message), hint: hint === null ? null : clip(hint) });
}

/** A NoticeResponse: clients show it and go on. */
export function encodeNotice(content: {
  readonly message: string;
  readonly detail?: string | null;
  readonly hint?: string | null;
  readonly severity?: 'NOTICE' | 'WARNING' | 'INFO';
  readonly sqlstate?: string;
}): Uint8Array {
  const { message, detail = null, hint = null, severity = 'NOTICE', sqlstate = '00000' } = content;
  return encodeErrorFields(
    'notice',
    toErrorFields({
      severity,
      sqlstate,
      message: clip(message),
      detail: detail === null ? null : clip(detail),
      hint: hint === null ? null : clip(hint),
    }),
  );
}
