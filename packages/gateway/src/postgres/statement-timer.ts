import { formatDurationMs } from '@taskgate/core';
import { encodeError } from '@taskgate/protocol-postgres';
import type { SessionState } from './session-state.ts';

/** Running time is taken from the grant's budget this often: its other sessions run at the same time. */
const TICK_MS = 250;
/** A target that does not heed a cancel is told again, this often and so many times. */
const REPEAT_MS = 1_000;
const MAX_CANCELS = 5;

/** Why the gate cancelled a statement: what the client is told in place of the target's error. */
export interface Interruption {
  readonly sqlstate: '57014' | '53400';
  readonly message: string;
  readonly hint: string;
}

export function encodeInterruption({ sqlstate, message, hint }: Interruption): Uint8Array {
  return encodeError({ severity: 'ERROR', sqlstate, message: `taskgate: cancelled: ${message}`, hint });
}

export interface StatementTimerPorts {
  /** Asks the target to cancel what runs. */
  readonly cancel: () => void;
  /** The target does not heed it. */
  readonly giveUp: (interruption: Interruption) => void;
}

/**
 * How long statements run at the target: from when a message is forwarded to its last answer, since the target answers
 * what came in one message together. Counts `duration` and cancels what passes it or `statement`. Costs nothing where
 * neither is limited.
 */
export class StatementTimer {
  readonly #state: SessionState;
  readonly #ports: StatementTimerPorts;
  /** Monotonic milliseconds; `null`: nothing runs. */
  #since: number | null = null;
  #chargedAt = 0;
  /** Less than a millisecond, which a budget does not count. */
  #owed = 0;
  #cancels = 0;
  /** Armed when something runs, and looks by itself whether it still does: no timer is made for each statement. */
  #timer: NodeJS.Timeout | null = null;

  constructor(state: SessionState, ports: StatementTimerPorts) {
    this.#state = state;
    this.#ports = ports;
  }

  /** Something was forwarded. */
  start(): void {
    if (this.#since !== null) return;
    const { limits } = this.#state.grant;
    if (limits.statementMs === null && limits.durationMs === null) return;
    this.#since = this.#state.ports.clock.monotonicMs();
    this.#chargedAt = this.#since;
    if (this.#timer === null) this.#arm();
  }

  /** Everything was answered. */
  stop(): void {
    if (this.#since === null) return;
    this.#charge();
    this.#since = null;
    this.#cancels = 0;
    this.#state.interruption = null;
  }

  /** The session ends. */
  close(): void {
    this.stop();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #charge(): number {
    const now = this.#state.ports.clock.monotonicMs();
    this.#owed += now - this.#chargedAt;
    this.#chargedAt = now;
    const whole = Math.floor(this.#owed);
    this.#owed -= whole;
    if (whole > 0) this.#state.budget.spend('duration', whole);
    return now;
  }

  #arm(delayMs = this.#delay()): void {
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#look();
    }, delayMs);
    this.#timer.unref();
  }

  #delay(): number {
    const { statementMs, durationMs } = this.#state.grant.limits;
    const left = statementMs === null ? TICK_MS : statementMs - (this.#chargedAt - this.#since!);
    return Math.max(1, durationMs === null ? left : Math.min(left, TICK_MS));
  }

  #look(): void {
    const since = this.#since;
    if (since === null) return;
    const { interruption, budget } = this.#state;
    if (interruption !== null) return this.#interrupt(interruption);
    const now = this.#charge();
    const { statementMs } = this.#state.grant.limits;
    if (statementMs !== null && now - since >= statementMs)
      return this.#interrupt({
        sqlstate: '57014',
        message: `it ran longer than ${formatDurationMs(statementMs)}, the time that one statement has`,
        hint: 'ask for less at once, or for a task whose `limits.statement` is longer',
      });
    if (budget.duration.left > 0) return this.#arm();
    void budget.moreDuration().then((more) => {
      if (this.#since === null) return;
      if (more) return this.#arm();
      this.#interrupt({
        sqlstate: '53400',
        message: budget.reached()?.message ?? 'the grant has used its running time',
        hint: 'activate the task again for a new grant',
      });
    });
  }

  #interrupt(interruption: Interruption): void {
    this.#state.interruption = interruption;
    this.#cancels += 1;
    if (this.#cancels > MAX_CANCELS) return this.#ports.giveUp(interruption);
    this.#ports.cancel();
    this.#arm(REPEAT_MS);
  }
}
