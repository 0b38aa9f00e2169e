import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createCancelRegistry } from './cancel-registry.ts';

/** The registries of so many processes that forward to each other. */
function siblings(count: number) {
  const all: ReturnType<typeof createCancelRegistry>[] = [];
  for (let index = 0; index < count; index++)
    all.push(
      createCancelRegistry((length) => new Uint8Array(randomBytes(length)), {
        index,
        count,
        forward: (to, processId, secret) => all[to]!.cancelOwn(processId, secret),
      }),
    );
  return all;
}

describe('a cancel key', () => {
  it('cancels its own session, whichever process the request reaches', () => {
    const all = siblings(3);
    for (const owner of all) {
      let cancelled = 0;
      const key = owner.register(() => {
        cancelled += 1;
      });
      for (const reached of all) reached.cancel(key.processId, key.secret);
      expect(cancelled).toBe(3);
      for (const reached of all)
        reached.cancel(
          key.processId,
          key.secret.map((byte) => byte ^ 1),
        );
      expect(cancelled).toBe(3);
      key.unregister();
      for (const reached of all) reached.cancel(key.processId, key.secret);
      expect(cancelled).toBe(3);
    }
  });

  it('that no process can have given out is nobody’s', () => {
    const [only] = siblings(2);
    expect(() => only!.cancel(-1, randomBytes(4))).not.toThrow();
    expect(() => only!.cancel(0, randomBytes(300))).not.toThrow();
  });
});
