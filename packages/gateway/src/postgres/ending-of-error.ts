import { TaskgateError } from '@taskgate/core';
import { encodeFatal, ProtocolError } from '@taskgate/protocol-postgres';
import type { SessionEndReason } from '@taskgate/recording';
import { LimitPassed } from './read-replies.ts';
import { ShapeMismatch } from './result-plan.ts';

/** Why a session ends, said in the protocol's form where the client is still there to hear it. */
export interface SessionEnding {
  readonly reason: SessionEndReason;
  /** For the recording: never a value or a statement. */
  readonly detail: string | null;
  /** Last message for the client. */
  readonly message: Uint8Array | null;
}

/** How a session ends by an error; `null` for one that is none of ours to tell: the client hears of an internal error. */
export function endingOfError(error: unknown): SessionEnding | null {
  if (error instanceof LimitPassed)
    return ending(
      'limit',
      error.message,
      '53400',
      `terminating connection: ${error.message}`,
      'activate the task again for a new grant, or ask for less',
    );
  if (error instanceof ShapeMismatch)
    return ending(
      'error',
      error.message,
      '42501',
      `taskgate: the result is not the one that was decided on; it was withheld (${error.message})`,
      'the tables have changed: connect again',
    );
  if (error instanceof ProtocolError) return ending('error', error.message, error.sqlstate, error.message, null);
  if (error instanceof TaskgateError && error.code !== 'internal')
    return ending(reasonOf(error), error.message, sqlstateOfCode(error), error.message, null);
  return null;
}

export const INTERNAL_ERROR: SessionEnding = ending(
  'error',
  'internal error',
  'XX000',
  'internal error in the gate; its log has more',
  null,
);

function ending(
  reason: SessionEndReason,
  detail: string,
  sqlstate: string,
  message: string,
  hint: string | null,
): SessionEnding {
  return { reason, detail, message: encodeFatal(sqlstate, message, hint) };
}

function reasonOf(error: TaskgateError): SessionEndReason {
  if (error.code === 'grant-expired') return 'expired';
  return error.code === 'grant-ended' ? 'grant-ended' : 'error';
}

function sqlstateOfCode(error: TaskgateError): string {
  switch (error.code) {
    case 'grant-expired':
    case 'grant-ended':
      return '57P01';
    case 'resource-unreachable':
      return '08006';
    case 'store-unavailable':
    case 'record-unavailable':
      return '57P03';
    case 'not-supported':
      return '0A000';
    default:
      return '58000';
  }
}
