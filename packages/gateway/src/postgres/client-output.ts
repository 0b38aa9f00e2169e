import type { Duplex } from 'node:stream';
import { ByteSink } from '@taskgate/protocol-postgres';
import { writeDirectly } from './direct-socket.ts';

const SINK_BYTES = 64 * 1024;
/** Memory that grew beyond this is not kept. */
const MAX_KEPT_BYTES = 1024 * 1024;
/** Up to here a copy is cheaper than memory of its own. */
const COPY_BYTES = 8 * 1024;
const MAX_KEPT_SINKS = 8;

const kept: ByteSink[] = [];

/**
 * What goes to one client in one write. The memory is borrowed for as long as there is something in it: thousands of
 * quiet sessions hold none, and no two sessions ever share one at a time.
 */
export class ClientOutput {
  readonly #client: Duplex;
  #sink: ByteSink | null = null;

  constructor(client: Duplex) {
    this.#client = client;
  }

  get sink(): ByteSink {
    this.#sink ??= kept.pop() ?? new ByteSink(SINK_BYTES);
    return this.#sink;
  }

  get length(): number {
    return this.#sink?.length ?? 0;
  }

  /** Hands everything to the client. False: it does not keep up. */
  flush(): boolean {
    const sink = this.#sink;
    this.#sink = null;
    if (sink === null) return true;
    const { bytes, length } = sink;
    let flowing = true;
    let free = true;
    if (length > 0 && !this.#client.destroyed) {
      const taken = writeDirectly(this.#client, bytes, length);
      if (length - taken > COPY_BYTES) {
        flowing = this.#client.write(bytes.subarray(taken, length));
        // Not all of it is with the kernel yet: the memory is the stream's until then.
        free = this.#client.writableLength === 0;
      } else if (length > taken) flowing = this.#client.write(bytes.slice(taken, length));
    }
    sink.length = 0;
    if (free && bytes.length <= MAX_KEPT_BYTES && kept.length < MAX_KEPT_SINKS) kept.push(sink);
    return flowing;
  }
}
