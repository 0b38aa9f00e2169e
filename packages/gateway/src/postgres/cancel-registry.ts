import { timingSafeEqual } from 'node:crypto';

const SECRET_BYTES = 4;

/** The gate's own cancel keys: the target's never reach a client, and a client's never reach a target. */
export function createCancelRegistry(randomBytes: (length: number) => Uint8Array) {
  const byProcessId = new Map<number, { readonly secret: Uint8Array; readonly cancel: () => void }>();
  return {
    register(cancel: () => void): { readonly processId: number; readonly secret: Uint8Array; unregister(): void } {
      let processId: number;
      do {
        const bytes = randomBytes(4);
        processId = ((bytes[0]! & 0x7f) << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!;
      } while (processId === 0 || byProcessId.has(processId));
      const secret = randomBytes(SECRET_BYTES);
      byProcessId.set(processId, { secret, cancel });
      return { processId, secret, unregister: () => byProcessId.delete(processId) };
    },
    /** False where no session has that key; the protocol has no answer to a cancel request either way. */
    cancel(processId: number, secret: Uint8Array): boolean {
      const entry = byProcessId.get(processId);
      if (entry === undefined || entry.secret.length !== secret.length || !timingSafeEqual(entry.secret, secret))
        return false;
      entry.cancel();
      return true;
    },
  };
}
export type CancelRegistry = ReturnType<typeof createCancelRegistry>;
