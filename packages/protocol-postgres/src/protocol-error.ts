import { TaskgateError } from '@taskgate/core';

/** The SQLSTATEs that this package throws. */
export type ProtocolSqlstate =
  | '08P01' // protocol violation: the peer's framing cannot be trusted any more, end the connection
  | '0A000' // feature not supported
  | '22021' // bytes that are no text: only this message is bad, its frame was whole
  | '28000' // authentication refused, other than by a wrong password
  | '28P01'; // wrong password or wrong server signature

/**
 * What a peer sent cannot be followed. After `08P01` the connection must end (a differential in framing is how one
 * message is smuggled inside another); after `22021` the frame was whole, and refusing that one message is enough.
 */
export class ProtocolError extends TaskgateError {
  readonly sqlstate: ProtocolSqlstate;

  constructor(sqlstate: ProtocolSqlstate, message: string) {
    super('bad-input', message);
    this.name = 'ProtocolError';
    this.sqlstate = sqlstate;
  }
}

/** A {@link ProtocolError} `08P01`. */
export function violation(message: string): ProtocolError {
  return new ProtocolError('08P01', message);
}
