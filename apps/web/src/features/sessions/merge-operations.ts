interface Numbered {
  readonly seq: number;
  readonly result: unknown;
}

/** By number, what was read later in place of what was read before. */
export function mergeOperations<Operation extends Numbered>(
  held: readonly Operation[],
  read: readonly Operation[],
): readonly Operation[] {
  if (read.length === 0) return held;
  const fresh = new Map(read.map((operation) => [operation.seq, operation]));
  return [...held.filter((operation) => !fresh.has(operation.seq)), ...read].sort((a, b) => a.seq - b.seq);
}

/** From where on to read again: before the first that was still under way, else after the last. `null`: from the start. */
export function resumeAfter(held: readonly Numbered[]): number | null {
  const running = held.find((operation) => operation.result === null);
  if (running) return running.seq - 1;
  return held.at(-1)?.seq ?? null;
}
