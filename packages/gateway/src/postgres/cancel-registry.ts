import { timingSafeEqual } from 'node:crypto';

const SECRET_BYTES = 4;

/** Where this process stands among those that share a port: a cancel request may reach any of them. */
export interface CancelSiblings {
  /** From 0. */
  readonly index: number;
  readonly count: number;
  /** To the one that gave the key out. */
  forward(index: number, processId: number, secret: Uint8Array): void;
}

/**
 * The gate's own cancel keys: the target's never reach a client, and a client's never reach a target. A key says whose it
 * is among the processes of a gateway: its process id modulo their count.
 */
export function createCancelRegistry(randomBytes: (length: number) => Uint8Array, siblings: CancelSiblings) {
  const byProcessId = new Map<number, { readonly secret: Uint8Array; readonly cancel: () => void }>();
  const cancelOwn = (processId: number, secret: Uint8Array): void => {
    const entry = byProcessId.get(processId);
    if (entry !== undefined && entry.secret.length === secret.length && timingSafeEqual(entry.secret, secret))
      entry.cancel();
  };
  return {
    register(cancel: () => void): { readonly processId: number; readonly secret: Uint8Array; unregister(): void } {
      let processId: number;
      do {
        const bytes = randomBytes(4);
        processId = ((bytes[0]! & 0x7f) << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!;
      } while (processId === 0 || processId % siblings.count !== siblings.index || byProcessId.has(processId));
      const secret = randomBytes(SECRET_BYTES);
      byProcessId.set(processId, { secret, cancel });
      return { processId, secret, unregister: () => byProcessId.delete(processId) };
    },
    /** What a client asks for. The protocol has no answer to it, whether the key is one or not. */
    cancel(processId: number, secret: Uint8Array): void {
      const owner = processId % siblings.count;
      if (owner === siblings.index) cancelOwn(processId, secret);
      else if (owner >= 0) siblings.forward(owner, processId, secret);
    },
    /** What another process was asked for. */
    cancelOwn,
  };
}
export type CancelRegistry = ReturnType<typeof createCancelRegistry>;
