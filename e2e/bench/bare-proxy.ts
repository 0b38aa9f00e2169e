// A yardstick: a Postgres proxy that frames every message in both directions, decides nothing and records nothing.
// usage: node bare-proxy.ts LISTEN_PORT TARGET_HOST TARGET_PORT     (answers requests for encryption with `N`)
import net from 'node:net';

const [listenPort, targetHost, targetPort] = process.argv.slice(2);
const SSL_REQUEST = 80877103;
const GSSENC_REQUEST = 80877104;

type Forward = (bytes: Uint8Array) => void;

/** Looks at each whole message of what comes in, and forwards all whole ones at once. */
function createFramer(hasStartup: boolean): (chunk: Buffer, forward: Forward, reply: Forward) => void {
  let rest: Buffer | null = null;
  let startup = hasStartup;
  return (chunk, forward, reply) => {
    let bytes = rest === null ? chunk : Buffer.concat([rest, chunk]);
    rest = null;
    while (startup) {
      if (bytes.length < 8 || bytes.length < bytes.readInt32BE(0)) {
        rest = bytes;
        return;
      }
      const length = bytes.readInt32BE(0);
      const code = bytes.readInt32BE(4);
      if (code === SSL_REQUEST || code === GSSENC_REQUEST) reply(Buffer.from('N'));
      else {
        startup = false;
        forward(bytes.subarray(0, length));
      }
      bytes = bytes.subarray(length);
      if (bytes.length === 0) return;
    }
    let at = 0;
    while (bytes.length - at >= 5) {
      const length = bytes.readInt32BE(at + 1) + 1;
      if (bytes.length - at < length) break;
      at += length;
    }
    if (at > 0) forward(bytes.subarray(0, at));
    if (at < bytes.length) rest = bytes.subarray(at);
  };
}

net
  .createServer((client) => {
    const target = net.connect(Number(targetPort), targetHost);
    client.setNoDelay();
    target.setNoDelay();
    const up = createFramer(true);
    const down = createFramer(false);
    const send = (to: net.Socket, from: net.Socket) => (bytes: Uint8Array) => {
      if (!to.write(bytes)) from.pause();
    };
    const reply: Forward = (bytes) => client.write(bytes);
    client.on('data', (chunk) => up(chunk, send(target, client), reply));
    target.on('data', (chunk) => down(chunk, send(client, target), reply));
    target.on('drain', () => client.resume());
    client.on('drain', () => target.resume());
    for (const [one, other] of [
      [client, target],
      [target, client],
    ] as const) {
      one.on('end', () => other.end());
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  })
  .listen(Number(listenPort), '127.0.0.1');
