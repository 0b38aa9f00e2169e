import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ServiceContext } from '../context.ts';
import { createScimToken } from '../directory/create-scim-token.ts';
import { mapDirectoryGroups } from '../directory/map-directory-groups.ts';
import { createProvider } from '../providers/create-provider.ts';
import { mapProviderGroups } from '../providers/map-provider-groups.ts';
import { removeProvider } from '../providers/remove-provider.ts';
import { unlinkPerson } from '../providers/unlink-person.ts';
import { updateProvider } from '../providers/update-provider.ts';
import { PASSWORD } from '../testing/test-services.ts';
import { refusal, startTestShop, type TestShop } from '../testing/test-shop.ts';
import { askToProve } from './ask-to-prove.ts';

const settings = {
  ...{ kind: 'oidc', issuer: 'https://idp.test', clientId: 'c', scopes: ['openid'], groupsClaim: 'groups' },
};

let shop: TestShop;
beforeAll(async () => {
  shop = await startTestShop();
});
afterAll(() => shop.stop());
beforeEach(async () => {
  const { db } = shop.services;
  await db.attemptWindow.deleteMany();
  await db.signInProvider.deleteMany();
  await db.groupMapping.deleteMany();
  const { id } = await createProvider(shop.setup, { name: 'corp', title: 'T', settings });
  const at = new Date(shop.clock.now());
  const link = { providerId: id, subject: 's', identityId: shop.engineer.id, groups: [], createdAt: at };
  await db.providerLink.create({ data: { ...link, lastSignInAt: at } });
});

/** What makes, changes or clears a way to come in as somebody, or into a group. */
const WAYS: readonly (readonly [string, (ctx: ServiceContext, input: object) => Promise<unknown>, () => object])[] = [
  ['createProvider', createProvider, () => ({ name: 'mine', title: 'T', settings, emailTrust: 'verified' })],
  ['updateProvider', updateProvider, () => ({ name: 'corp', emailTrust: 'always' })],
  ['removeProvider', removeProvider, () => ({ name: 'corp' })],
  ['mapProviderGroups', mapProviderGroups, () => ({ name: 'corp', mappings: [{ external: 'x', group: 'analysts' }] })],
  ['unlinkPerson', unlinkPerson, () => ({ name: 'corp', userId: shop.engineer.id })],
  ['mapDirectoryGroups', mapDirectoryGroups, () => ({ mappings: [{ external: 'x', group: 'analysts' }] })],
  ['createScimToken', createScimToken, () => ({ name: 'd', adopts: true, ttlMs: 60_000 })],
];

describe.each(WAYS)('a stolen sign-in or API token of an admin: %s', (_, verb, input) => {
  const rows = async () => {
    const { db } = shop.services;
    return [
      await db.signInProvider.findMany(),
      await db.providerLink.findMany(),
      await db.groupMapping.findMany(),
      await db.scimToken.findMany(),
    ];
  };

  it('is refused without the password or a passkey of whose it is, and changes nothing', async () => {
    const before = await rows();
    const guess = { password: 'a guess of mine' };
    expect(await refusal(verb(shop.admin.ctx, input()))).toBe('step-up-required');
    expect(await refusal(verb(shop.admin.ctx, { ...input(), proof: guess }))).toBe('wrong-password');
    expect(await rows()).toEqual(before);
  });

  it('is refused to a token, whatever its holder knows', async () => {
    const before = await rows();
    const byToken = { ...shop.admin.ctx, actor: { ...shop.admin.actor, via: 'api-token' as const } };
    expect(await refusal(verb(byToken, { ...input(), proof: { password: PASSWORD } }))).toBe('forbidden');
    expect(await rows()).toEqual(before);
  });

  it('is open to who proves it', async () => {
    const before = await rows();
    await verb(shop.admin.ctx, { ...input(), proof: { password: PASSWORD } });
    expect(await rows()).not.toEqual(before);
  });
});

it('a passkey proves it as well, once', async () => {
  const { device } = await shop.passkey(shop.admin);
  const proof = { assertion: device.get(await askToProve(shop.admin.ctx)) };
  await updateProvider(shop.admin.ctx, { name: 'corp', title: 'A', proof });
  expect(await refusal(updateProvider(shop.admin.ctx, { name: 'corp', title: 'B', proof }))).toBe('wrong-passkey');
});
