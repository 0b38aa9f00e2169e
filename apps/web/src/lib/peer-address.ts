import http from 'node:http';

/** Set on every request by {@link stampPeers}, over whatever the client sent under this name. */
export const PEER_HEADER = 'x-taskgate-peer';

const holder = globalThis as { taskgateStampsPeers?: true };

/**
 * Next gives handlers no socket, and keeps an `X-Forwarded-For` that the client made up: without this, a guesser of
 * passwords has as many addresses as they like, and the audit names whichever they chose.
 */
export function stampPeers(): void {
  if (holder.taskgateStampsPeers) return;
  holder.taskgateStampsPeers = true;
  const { emit } = http.Server.prototype;
  http.Server.prototype.emit = function (this: http.Server, event: string | symbol, ...values: unknown[]): boolean {
    if (event === 'request' || event === 'upgrade') {
      const request = values[0] as http.IncomingMessage;
      request.headers[PEER_HEADER] = request.socket.remoteAddress ?? 'unknown';
    }
    return (emit as (event: string | symbol, ...values: unknown[]) => boolean).call(this, event, ...values);
  };
}

/** Whether {@link PEER_HEADER} can be believed in this process. */
export const peersAreStamped = (): boolean => holder.taskgateStampsPeers === true;
