import cluster from 'node:cluster';

/** What the processes of one gateway say to each other, by way of the one that started them. */
export type SiblingMessage =
  /** To the one that started them: what the last run left has been dealt with, the others may start. */
  | { readonly kind: 'recovered' }
  /** A CancelRequest whose key another one has given out. `secret`: base64. */
  | { readonly kind: 'cancel'; readonly process: number; readonly processId: number; readonly secret: string };

/** The processes of this gateway as one of them sees them: alone, there is nobody to talk to. */
export interface Siblings {
  /** Which one this is, from 0. */
  readonly index: number;
  readonly count: number;
  say(message: SiblingMessage): void;
  onMessage(listener: (message: SiblingMessage) => void): void;
}

export function joinSiblings(count: number): Siblings {
  const { worker } = cluster;
  if (worker === undefined) return { index: 0, count: 1, say: () => undefined, onMessage: () => undefined };
  return {
    index: worker.id - 1,
    count,
    say: (message) => void worker.send(message),
    onMessage: (listener) => void worker.on('message', listener),
  };
}
