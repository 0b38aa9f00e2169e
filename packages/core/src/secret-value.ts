const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/**
 * A secret that prints as `[redacted]` in every formatter (string, template, JSON, inspect, spread) and opens only
 * through {@link SecretValue.reveal}, so that each place that uses one can be found by name.
 */
export class SecretValue {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** Hands the secret to `use` and returns what it returns. */
  reveal<T>(use: (value: string) => T): T {
    return use(this.#value);
  }

  toString(): string {
    return '[redacted]';
  }

  toJSON(): string {
    return '[redacted]';
  }

  [Symbol.toPrimitive](): string {
    return '[redacted]';
  }

  [INSPECT](): string {
    return '[redacted]';
  }
}
