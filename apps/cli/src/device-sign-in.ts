import { setTimeout as delay } from 'node:timers/promises';
import { callOAuth } from './call-oauth.ts';
import type { Cli } from './command.ts';
import { Failure } from './failure.ts';

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';

export interface DeviceToken {
  readonly token: string;
  readonly email: string;
  readonly tokenName: string;
  readonly expiresInSeconds: number;
}

/** Shows a link and a code, and waits until a person lets this device in at a browser (RFC 8628). */
export async function deviceSignIn(cli: Cli, url: string, deviceName: string): Promise<DeviceToken> {
  const started = await callOAuth(url, 'device_authorization', { device_name: deviceName });
  if ('error' in started) throw new Failure(started.description);
  const { device_code, user_code, verification_uri, verification_uri_complete, expires_in, interval } = started.body;
  cli.note(`open ${verification_uri_complete}`);
  cli.note(`  or ${verification_uri} and type the code ${user_code}`);
  cli.note('waiting until you allow it there (Ctrl-C stops)');
  const until = performance.now() + Number(expires_in) * 1000;
  let wait = Number(interval) * 1000;
  while (performance.now() < until) {
    await delay(wait);
    const answer = await callOAuth(url, 'token', { grant_type: DEVICE_CODE, device_code: String(device_code) });
    if (!('error' in answer))
      return {
        token: String(answer.body.access_token),
        email: String(answer.body.email),
        tokenName: String(answer.body.token_name),
        expiresInSeconds: Number(answer.body.expires_in),
      };
    if (answer.error === 'slow_down') wait += 5_000;
    else if (answer.error !== 'authorization_pending') throw new Failure(answer.description);
  }
  throw new Failure('nobody let this device in in time; start again');
}
