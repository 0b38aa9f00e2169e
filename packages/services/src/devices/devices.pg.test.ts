import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServiceContext } from '../context.ts';
import { OAuthRefusal } from '../oauth/oauth-refusal.ts';
import { authenticateApiToken } from '../people/authenticate-api-token.ts';
import { updateUser } from '../people/update-user.ts';
import { CLIENT, startTestServices, type TestPerson, type TestServices } from '../testing/test-services.ts';
import { refusal } from '../testing/test-shop.ts';
import { decideDeviceSignIn } from './decide-device-sign-in.ts';
import { findDeviceSignIn } from './find-device-sign-in.ts';
import { redeemDeviceCode } from './redeem-device-code.ts';
import { startDeviceSignIn } from './start-device-sign-in.ts';

let test: TestServices;
let engineer: TestPerson;
let address = 0;
beforeAll(async () => {
  test = await startTestServices();
  engineer = await test.person('engineer', ['engineer']);
  await test.person('admin', ['admin']);
});
afterAll(() => test.stop());

const from = () => ({ address: `192.0.2.${++address}`, userAgent: 'test' });
const start = () => startDeviceSignIn(test.services, { name: 'laptop' }, from());
const decide = (ctx: ServiceContext, userCode: string, allow: boolean) =>
  decideDeviceSignIn(ctx, { userCode, allow }, from().address);
const redeem = (deviceCode: string) => redeemDeviceCode(test.services, deviceCode, CLIENT);
const oauthError = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(OAuthRefusal);
  return (error as OAuthRefusal).error;
};

describe('a device', () => {
  it('gets the token of whoever let it in, once', async () => {
    const { deviceCode, userCode } = await start();
    expect(await oauthError(redeem(deviceCode))).toBe('authorization_pending');
    const typed = userCode.toLowerCase().replace('-', ' ');
    expect(await findDeviceSignIn(engineer.ctx, { userCode: typed }, from().address)).toMatchObject({ name: 'laptop' });
    expect(await decide(engineer.ctx, typed, true)).toEqual({ allowed: true });
    const { token, email } = await redeem(deviceCode);
    expect(email).toBe(engineer.email);
    expect(await authenticateApiToken(test.services, token)).toMatchObject({
      identityId: engineer.id,
      scopes: engineer.actor.scopes,
    });
    expect(await oauthError(redeem(deviceCode))).toBe('invalid_grant');
  });

  it('gets one token of ten that it asks for at the same moment', async () => {
    const { deviceCode, userCode } = await start();
    await decide(engineer.ctx, userCode, true);
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => redeem(deviceCode)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('is told when it was refused, when it asks too often, and when it is too late', async () => {
    const refused = await start();
    await decide(engineer.ctx, refused.userCode, false);
    expect(await oauthError(redeem(refused.deviceCode))).toBe('access_denied');
    const hasty = await start();
    expect(await oauthError(redeem(hasty.deviceCode))).toBe('authorization_pending');
    expect(await oauthError(redeem(hasty.deviceCode))).toBe('slow_down');
    const late = await start();
    test.clock.advance(late.expiresInMs);
    expect(await oauthError(redeem(late.deviceCode))).toBe('expired_token');
    expect(await refusal(decide(engineer.ctx, late.userCode, true))).toBe('not-found');
  });

  it('is let in by one person only, and not by a token', async () => {
    const { userCode } = await start();
    const byToken = { ...engineer.ctx, actor: { ...engineer.actor, via: 'api-token' as const } };
    expect(await refusal(decide(byToken, userCode, true))).toBe('forbidden');
    await decide(engineer.ctx, userCode, true);
    const other = await test.person('other', ['engineer']);
    expect(await refusal(decide(other.ctx, userCode, true))).toBe('not-found');
  });

  it('gets nothing from somebody who was disabled between their yes and its asking', async () => {
    const leaver = await test.person('leaver', ['engineer']);
    const { deviceCode, userCode } = await start();
    await decide(leaver.ctx, userCode, true);
    await updateUser(test.setup, { id: leaver.id, disabled: true });
    expect(await oauthError(redeem(deviceCode))).toBe('access_denied');
    await updateUser(test.setup, { id: leaver.id, disabled: false });
    expect(await oauthError(redeem(deviceCode))).toBe('access_denied');
  });

  it('cannot be guessed: codes are tried slowly, whoever tries', async () => {
    const guesser = await test.person('guesser', ['engineer']);
    const codes: string[] = [];
    for (let i = 0; i < 8; i++)
      codes.push(await refusal(findDeviceSignIn(guesser.ctx, { userCode: 'BBBB-BBBB' }, '192.0.2.250')));
    expect(codes.at(-1)).toBe('rate-limited');
  });

  it('cannot be guessed by who has right ones in between', async () => {
    const guesser = await test.person('patient', ['engineer']);
    const own = await start();
    const codes: string[] = [];
    for (let i = 0; i < 8; i++) {
      const at = { address: '192.0.2.251' }.address;
      await findDeviceSignIn(guesser.ctx, { userCode: own.userCode }, at).catch(() => undefined);
      codes.push(await refusal(findDeviceSignIn(guesser.ctx, { userCode: 'BBBB-BBBB' }, at)));
    }
    expect(codes.at(-1)).toBe('rate-limited');
    const calm = await test.person('calm', ['engineer']);
    for (let i = 0; i < 8; i++) await findDeviceSignIn(calm.ctx, { userCode: own.userCode }, '192.0.2.252');
  });

  it('cannot fill the table: an address has so many waiting at most, however many ask at once', async () => {
    const starts = Array.from({ length: 25 }, () => startDeviceSignIn(test.services, {}, CLIENT));
    const results = await Promise.allSettled(starts);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(20);
    expect(await refusal(startDeviceSignIn(test.services, {}, CLIENT))).toBe('rate-limited');
  });
});
