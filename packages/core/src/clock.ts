/** Time as an argument: nothing in a pure package asks the machine. */
export interface Clock {
  /** Epoch milliseconds. Compare with stored instants only. */
  now(): number;
  /** Milliseconds of a clock that never goes back. Measure durations with it. */
  monotonicMs(): number;
}
