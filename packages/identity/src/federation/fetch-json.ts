import { type LookupAddress, lookup as lookUp } from 'node:dns';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { addressKind } from './address-kind.ts';

/** Why a document could not be had; the message is for an admin and names nothing but the address asked for. */
export class FetchError extends Error {
  override readonly name = 'FetchError';
}

const TIMEOUT_MS = 5_000;
const MAX_BODY_BYTES = 262_144;

/**
 * What is wrong with an address that keys shall be fetched from, or `null`: https, or http on this machine where private
 * addresses are allowed; no user, no fragment.
 */
export function urlProblem(text: string, privateNetwork: boolean): string | null {
  if (!URL.canParse(text)) return `\`${text}\` is not an address`;
  const url = new URL(text);
  if (url.username !== '' || url.password !== '' || url.hash !== '') return 'leave out user, password and fragment';
  const host = hostOf(url);
  // What a name resolves to is judged when it is connected to.
  const kind = isIP(host) === 0 ? null : addressKind(host);
  const isThisMachine = kind === 'loopback' || host === 'localhost';
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isThisMachine))
    return 'use https; plain http is for 127.0.0.1 alone';
  return kind === null ? null : refusal(kind, privateNetwork);
}

/**
 * GET of one JSON document. Follows no redirect, waits 5 seconds, reads 256 KB, and connects to public addresses only
 * unless `privateNetwork`. The address is judged as the name resolves for this very connection, so a name that changes
 * its mind reaches nothing. Throws {@link FetchError}.
 */
export async function fetchJson(text: string, options: { readonly privateNetwork: boolean }): Promise<unknown> {
  const problem = urlProblem(text, options.privateNetwork);
  if (problem !== null) throw new FetchError(problem);
  const url = new URL(text);
  const body = await get(url, options.privateNetwork);
  try {
    return JSON.parse(body);
  } catch {
    throw new FetchError(`${url.href} did not answer with JSON`);
  }
}

function get(url: URL, privateNetwork: boolean): Promise<string> {
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new FetchError(`${url.href}: ${why}`));
    const sent = request(
      url,
      {
        agent: false,
        lookup: guardedLookup(privateNetwork),
        headers: { accept: 'application/json', 'user-agent': 'taskgate' },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      },
      (response) => {
        const status = response.statusCode ?? 0;
        if (status >= 300 && status < 400)
          fail('it redirects elsewhere, which is not followed; give the final address');
        else if (status !== 200) fail(`it answered with status ${status}`);
        if (status !== 200) return void response.destroy();
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          chunks.push(chunk);
          if (size <= MAX_BODY_BYTES) return;
          fail(`it answered with more than ${MAX_BODY_BYTES} bytes`);
          response.destroy();
        });
        response.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
        response.on('error', (error) => fail(reasonOf(error)));
      },
    );
    sent.on('error', (error) => fail(reasonOf(error)));
    sent.end();
  });
}

/** The addresses that a name resolves to, if all of them may be connected to: one bad one among them is a trap. */
function guardedLookup(privateNetwork: boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookUp(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error) return callback(error, []);
      for (const { address } of addresses) {
        const kind = addressKind(address);
        const why = kind === null ? null : refusal(kind, privateNetwork);
        if (why !== null) return callback(Object.assign(new Error(why), { code: REFUSED }), []);
      }
      if (options.all) return callback(null, addresses);
      const [first] = addresses;
      return first ? callback(null, first.address, first.family) : callback(new Error('no address'), []);
    });
  };
}

const REFUSED = 'ERR_TASKGATE_ADDRESS';

function refusal(kind: 'loopback' | 'private' | 'never', privateNetwork: boolean): string | null {
  if (kind === 'never') return 'the address is link-local or not one of a server, and is never asked';
  return privateNetwork ? null : 'the address is private; allow the private network for this issuer if that is meant';
}

function reasonOf(error: Error & { code?: string }): string {
  if (error.code === REFUSED) return error.message;
  if (error.name === 'AbortError' || error.name === 'TimeoutError')
    return `no answer within ${TIMEOUT_MS / 1000} seconds`;
  return `it cannot be reached (${error.code ?? 'unknown'})`;
}

/** Without the brackets of IPv6. */
const hostOf = (url: URL): string => url.hostname.replace(/^\[(.*)\]$/, '$1');
