/** Of a parsed input only what the caller wrote: a default must not overwrite what is kept. */
export function givenFields<T extends object>(parsed: T, input: unknown): T {
  const written = typeof input === 'object' && input !== null ? input : {};
  return Object.fromEntries(
    Object.entries(parsed).filter(([key, value]) => value !== undefined && Object.hasOwn(written, key)),
  ) as T;
}
