import type { Clock } from '@taskgate/core';
import type { ControlPlane } from './control-plane.ts';
import type { OperationJournal } from './recording/operation-journal.ts';
import type { Spool } from './recording/spool.ts';

/** Lines for the operator. Never a statement, a parameter, a value, a token or a credential. */
export interface Log {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Everything that the data path takes from outside: one object, passed down. */
export interface GatewayPorts {
  readonly controlPlane: ControlPlane;
  readonly clock: Clock;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly spool: Spool;
  readonly journal: OperationJournal;
  readonly log: Log;
  /** Unique among the gateways of one control plane; stays the same over restarts. */
  readonly gatewayName: string;
}
