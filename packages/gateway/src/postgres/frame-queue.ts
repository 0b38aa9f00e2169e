import type { Frame } from '@taskgate/protocol-postgres';

const TAKEN: Frame = { tag: 0, raw: new Uint8Array(0) };

/**
 * The client's messages that wait for their turn. Taking from the front costs what is taken: hundreds of thousands of
 * tiny messages behind a held one must not make each step a move of all of them.
 */
export class FrameQueue {
  #frames: Frame[] = [];
  #head = 0;
  /** Of all messages in the queue. */
  bytes = 0;

  get length(): number {
    return this.#frames.length - this.#head;
  }

  at(index: number): Frame | undefined {
    return this.#frames[this.#head + index];
  }

  push(frame: Frame): void {
    this.#frames.push(frame);
    this.bytes += frame.raw.length;
  }

  /** Back to the front, in this order. */
  putBack(frames: readonly Frame[]): void {
    if (frames.length === 0) return;
    this.#frames = [...frames, ...this.#frames.slice(this.#head)];
    this.#head = 0;
    for (const frame of frames) this.bytes += frame.raw.length;
  }

  take(count: number): Frame[] {
    const taken = this.#frames.slice(this.#head, this.#head + count);
    for (const frame of taken) {
      this.bytes -= frame.raw.length;
      // Of a thousand messages of megabytes that were taken, none may stay in memory for its place in the list.
      this.#frames[this.#head++] = TAKEN;
    }
    // The places go now and then, in steps that double.
    if (this.#head === this.#frames.length) {
      this.#frames.length = 0;
      this.#head = 0;
    } else if (this.#head > 1_000 && this.#head * 2 >= this.#frames.length) {
      this.#frames = this.#frames.slice(this.#head);
      this.#head = 0;
    }
    return taken;
  }
}
