/**
 * Work that goes on at once while nothing is to be waited for, and only then takes turns of the loop: it yields what it
 * waits for. Most statements are planned without waiting, and a promise each would cost more than the plan.
 */
export type Steps<T> = Generator<Promise<unknown>, T, unknown>;

/** The value, waited for where it is a promise. */
export function* settled<T>(value: T | Promise<T>): Steps<T> {
  return value instanceof Promise ? ((yield value) as T) : value;
}

/** Runs as far as it goes: the result, or a promise of it from the first wait on. */
export function runSteps<T>(steps: Steps<T>): T | Promise<T> {
  const first = steps.next();
  return first.done === true ? first.value : runOn(steps, first.value);
}

async function runOn<T>(steps: Steps<T>, waited: Promise<unknown>): Promise<T> {
  for (let next: Promise<unknown> = waited; ; ) {
    const result = await next.then(
      (value) => steps.next(value),
      (error: unknown) => steps.throw(error),
    );
    if (result.done === true) return result.value;
    next = result.value;
  }
}
