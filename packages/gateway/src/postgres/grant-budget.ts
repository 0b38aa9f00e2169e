import {
  BUDGET_DIMENSIONS,
  type BudgetDimension,
  type Clock,
  formatDurationMs,
  type GrantLimits,
  type ReasonCode,
} from '@taskgate/core';
import type { BudgetReport, ControlPlane } from '../control-plane.ts';
import { withinDeadline } from '../within-deadline.ts';

const STORE_DEADLINE_MS = 5_000;
/** A store that was away is not asked ahead of need again before this. */
const RETRY_MS = 1_000;
/** A slice that lasts for less than this was too small, one that lasts for longer than that too large. */
const FAST_MS = 1_000;
const SLOW_MS = 30_000;
const FIRST_SLICE: Readonly<Record<BudgetDimension, number>> = {
  rows: 256,
  bytes: 262_144,
  statements: 32,
  duration: 5_000,
};
const LARGEST_SLICE = 1e12;
/** Stands for no limit: no gateway counts so far. */
const BOUNDLESS = 2 ** 50;

export interface LimitReached {
  readonly code: ReasonCode;
  readonly message: string;
}

/** One dimension. What the hot path does with it is to subtract from `left` and to compare. */
class Meter {
  readonly dimension: BudgetDimension;
  limit: number | null = null;
  /** What may be used here without asking; less than 0 where a row that was sent to its end passed it. */
  left = BOUNDLESS;
  /** From here on, more is reserved in the background. */
  mark = -1;
  granted = BOUNDLESS;
  release = false;
  /** Nobody has more to give, as far as is known. */
  empty = false;
  /** What somebody waits for. */
  needed = 1;
  step: number;
  askedAt = Number.NEGATIVE_INFINITY;
  reported = 0;

  constructor(dimension: BudgetDimension) {
    this.dimension = dimension;
    this.step = FIRST_SLICE[dimension];
  }

  get used(): number {
    return Math.ceil(this.granted - this.left);
  }

  setLimit(limit: number | null): void {
    if (limit === this.limit) return;
    const { used } = this;
    this.limit = limit;
    this.release = true;
    this.granted = limit === null ? BOUNDLESS : used;
    this.left = this.granted - used;
    this.mark = limit === null ? -1 : 0;
    this.empty = false;
  }
}

/**
 * What the sessions of one grant at this gateway may use: slices of the grant's budget, reserved at the store ahead of
 * need. INVARIANT: what is used here was reserved first, so that all gateways together never pass the limit; bytes may,
 * by the rest of a row.
 */
export class GrantBudget {
  readonly rows = new Meter('rows');
  readonly bytes = new Meter('bytes');
  readonly statements = new Meter('statements');
  /** Milliseconds. */
  readonly duration = new Meter('duration');
  readonly #meters: Readonly<Record<BudgetDimension, Meter>> = this;
  readonly #ports: BudgetPorts;
  readonly #grantId: string;
  readonly #holder: string;
  #limits: GrantLimits | null = null;
  #asking: Promise<void> | null = null;
  #retryAt = Number.NEGATIVE_INFINITY;
  #known = false;
  /** The store did not answer when it was last asked. */
  #away = false;

  constructor(grantId: string, holder: string, ports: BudgetPorts) {
    this.#grantId = grantId;
    this.#holder = holder;
    this.#ports = ports;
  }

  /** Those in force now; policies can change them while sessions are open. */
  setLimits(limits: GrantLimits): void {
    if (limits === this.#limits) return;
    this.#limits = limits;
    this.rows.setLimit(limits.rows);
    this.bytes.setLimit(limits.bytes);
    this.statements.setLimit(limits.statements);
    this.duration.setLimit(limits.durationMs);
    if (BUDGET_DIMENSIONS.some((one) => isLow(this.#meters[one]))) this.#reserveAhead();
  }

  /** A row that is sent. */
  spendRow(bytes: number): void {
    const { rows, bytes: size } = this;
    rows.left -= 1;
    size.left -= bytes;
    if (rows.left <= rows.mark || size.left <= size.mark) this.#reserveAhead();
  }

  spend(dimension: BudgetDimension, amount: number): void {
    const meter = this.#meters[dimension];
    meter.left -= amount;
    if (meter.left <= meter.mark) this.#reserveAhead();
  }

  /** Something that stands passed it. */
  useUp(dimension: BudgetDimension): void {
    const meter = this.#meters[dimension];
    meter.left = Math.min(meter.left, 0);
  }

  /** Whether another row fits; where not, {@link moreRows} may help. */
  get hasRow(): boolean {
    return this.rows.left > 0 && this.bytes.left > 0;
  }

  /** Whether another statement fits. */
  get hasStatement(): boolean {
    return this.statements.left > 0 && this.duration.left > 0 && this.hasRow;
  }

  /** Waits until so many rows fit (true), or the store has no more to give, or does not answer. Look again: others spend too. */
  moreRows(rows = 1): Promise<boolean> {
    this.rows.needed = Math.max(this.rows.needed, rows);
    return this.#more([this.rows, this.bytes]).finally(() => {
      this.rows.needed = 1;
    });
  }

  /** As {@link moreRows}, for another statement. */
  moreStatements(): Promise<boolean> {
    return this.#more([this.rows, this.bytes, this.statements, this.duration]);
  }

  /** As {@link moreRows}, for the statement that runs to go on running. */
  moreDuration(): Promise<boolean> {
    return this.#more([this.duration]);
  }

  async #more(meters: readonly Meter[]): Promise<boolean> {
    const dry = (): readonly Meter[] => meters.filter(({ left, needed }) => left < needed);
    for (const meter of dry()) meter.empty = false;
    while (dry().length > 0) {
      await this.reserve();
      if (this.#away || dry().some(({ empty }) => empty)) return false;
    }
    return true;
  }

  /** Whether a write that changed so many rows fits. */
  fits(rows: number): boolean {
    return this.rows.left >= rows;
  }

  /** Why it does not fit. */
  overshot(rows: number): LimitReached {
    const { limit, left } = this.rows;
    return {
      code: 'limit-reached',
      message: `it changed ${rows} rows, and of the grant's ${limit} rows ${Math.max(0, left)} are left${this.#away ? ' here, and the store is away' : ''}`,
    };
  }

  /** `null` while another statement (`during` left out), or another row of the one that runs, fits. */
  reached(during?: 'rows'): LimitReached | null {
    const meters = during === 'rows' ? [this.rows, this.bytes] : BUDGET_DIMENSIONS.map((one) => this.#meters[one]);
    const dry = meters.find(({ left }) => left <= 0);
    if (dry === undefined) return null;
    const what = inWords(dry.dimension, dry.limit ?? 0);
    return {
      code: 'limit-reached',
      message: this.#away
        ? `what this gateway had reserved of the grant's ${what} is used, and the store is away`
        : `the grant has used its ${what}`,
    };
  }

  /** Tells the store what was used and reserves what is needed. Never rejects: what was not given is not there. */
  reserve(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  get hasNews(): boolean {
    return BUDGET_DIMENSIONS.some((one) => this.#meters[one].used !== this.#meters[one].reported);
  }

  /** Gives back what was not used. False: the store did not answer, try again. */
  async close(): Promise<boolean> {
    if (this.#asking !== null) await this.#asking;
    if (this.hasNews && !this.#known) await this.reserve();
    if (!this.#known) return !this.#away;
    const lines = BUDGET_DIMENSIONS.map((one) => lineOf(this.#meters[one], 0));
    return this.#report(lines, true).then(
      () => true,
      () => false,
    );
  }

  #reserveAhead(): void {
    if (this.#asking === null && this.#ports.clock.monotonicMs() >= this.#retryAt) void this.reserve();
  }

  async #ask(): Promise<void> {
    const { clock } = this.#ports;
    const now = clock.monotonicMs();
    const asked = BUDGET_DIMENSIONS.map((dimension) => {
      const meter = this.#meters[dimension];
      const needs = isLow(meter);
      if (needs) adapt(meter, now);
      // What a row took beyond its slice is owed first.
      return { meter, line: lineOf(meter, needs ? meter.step + Math.max(0, Math.ceil(meter.needed - meter.left)) : 0) };
    });
    try {
      const granted = await this.#report(
        asked.map(({ line }) => line),
        false,
      );
      this.#known = true;
      this.#away = false;
      for (const { meter, line } of asked) {
        meter.reported = line.used;
        const answer = granted.find(({ dimension }) => dimension === line.dimension);
        if (meter.limit !== line.limit || answer === undefined) continue;
        meter.release = false;
        if (meter.limit === null) continue;
        const more = answer.granted - meter.granted;
        meter.left += more;
        meter.granted = answer.granted;
        // Where nobody has more to give, asking ahead of need is of no use.
        if (line.want === 0) continue;
        meter.empty = more <= 0;
        meter.mark = answer.left === 0 ? Number.NEGATIVE_INFINITY : Math.floor(meter.left / 2);
      }
    } catch (error) {
      this.#away = true;
      this.#retryAt = clock.monotonicMs() + RETRY_MS;
      this.#ports.onFailure(error);
    }
  }

  #report(lines: BudgetReport['lines'], close: boolean) {
    const { controlPlane, gatewayName } = this.#ports;
    const report = { grantId: this.#grantId, holder: this.#holder, gateway: gatewayName, lines, close };
    return withinDeadline(controlPlane.reserveBudget(report), STORE_DEADLINE_MS);
  }
}

export interface BudgetPorts {
  readonly controlPlane: Pick<ControlPlane, 'reserveBudget'>;
  readonly clock: Clock;
  readonly gatewayName: string;
  readonly onFailure: (error: unknown) => void;
}

const isLow = ({ limit, left, mark, needed }: Meter): boolean => limit !== null && (left <= mark || left < needed);

const lineOf = ({ dimension, limit, used, release }: Meter, want: number): BudgetReport['lines'][number] => ({
  dimension,
  limit,
  used,
  want,
  release,
});

function adapt(meter: Meter, now: number): void {
  const lasted = now - meter.askedAt;
  meter.askedAt = now;
  if (lasted < FAST_MS) meter.step = Math.min(LARGEST_SLICE, meter.step * 4);
  else if (lasted > SLOW_MS) meter.step = Math.max(FIRST_SLICE[meter.dimension], Math.ceil(meter.step / 2));
}

function inWords(dimension: BudgetDimension, limit: number): string {
  return dimension === 'duration' ? `${formatDurationMs(limit)} of running statements` : `${limit} ${dimension}`;
}
