import { type SamlFlaws, startTestSamlIdp, type TestSamlIdp } from '@taskgate/testkit/saml-idp';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  checkWebSession,
  createProvider,
  describeSamlProvider,
  finishSamlSignIn,
  loadAudit,
  mapProviderGroups,
  redeemSignIn,
  SignInRefused,
  startProviderSignIn,
  testProvider,
  updateProvider,
} from '../index.ts';
import { CLIENT, PASSWORD, type TestPerson } from '../testing/test-services.ts';
import { startTestShop, type TestShop } from '../testing/test-shop.ts';

const SP = 'http://127.0.0.1:3000/api/sign-in/adfs';
const carla = {
  nameId: 'S-1-5-21-carla',
  attributes: { email: 'carla@saml.example', displayName: 'Carla Saml', groups: ['Data Team', 'Everyone'] },
};

const proof = { password: PASSWORD };

let shop: TestShop;
let admin: TestPerson;
let idp: TestSamlIdp;
let stranger: TestSamlIdp;
beforeAll(async () => {
  // The library compares an assertion's times with the machine's clock.
  shop = await startTestShop(Date.now());
  admin = await shop.person('saml-admin', ['admin']);
  [idp, stranger] = [await startTestSamlIdp(), await startTestSamlIdp()];
  await createProvider(admin.ctx, { proof, name: 'adfs', title: 'AD FS', settings: settings(), createPeople: true });
  await mapProviderGroups(admin.ctx, { proof, name: 'adfs', mappings: [{ external: 'Data Team', group: 'analysts' }] });
});
afterAll(async () => {
  await Promise.all([shop.stop(), idp.stop(), stranger.stop()]);
});
beforeEach(async () => {
  await shop.services.db.attemptWindow.deleteMany();
});

const settings = () => ({
  kind: 'saml' as const,
  entityId: idp.entityId,
  signInUrl: idp.signInUrl,
  certificates: idp.certificate,
  emailAttribute: 'email',
  nameAttribute: 'displayName',
  groupsAttribute: 'groups',
  subjectAttribute: null,
});
const begin = () =>
  startProviderSignIn(shop.services, { provider: 'adfs', next: '/inbox', browser: null, webSessionId: null }, CLIENT);
const finish = (response: string) => finishSamlSignIn(shop.services, { provider: 'adfs', response }, CLIENT);

async function reasonOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(SignInRefused);
  const { items } = await loadAudit(shop.auditor.ctx, { subject: (error as SignInRefused).reference! });
  const { provider, refusal, reason } = items[0]!.after as { provider: string; refusal: string; reason: string };
  // A code that is not known any more has no provider.
  expect(provider).toBe(refusal === 'too-late' ? 'unknown' : 'adfs');
  return `${refusal}: ${reason}`;
}
/** What becomes of a response with these flaws. */
async function flawed(flaws: SamlFlaws, person = carla): Promise<string> {
  const { url } = await begin();
  return reasonOf(finish((await idp.respond(url, person, flaws)).response));
}

describe('a sign-in at a SAML identity provider', () => {
  it('ends in a session by a one-time code in the browser that began, with the groups that are mapped', async () => {
    const { url, browser } = await begin();
    expect(new URL(url).origin + new URL(url).pathname).toBe(idp.signInUrl);
    const { acsUrl, response } = await idp.respond(url, carla);
    expect(acsUrl).toBe(`${SP}/acs`);
    const { code, next } = await finish(response);
    expect(next).toBe('/inbox');
    const other = await begin();
    const redeem = (by: string | null) =>
      redeemSignIn(shop.services, { code, browser: by, previousSessionId: null }, CLIENT);
    expect(await reasonOf(redeem(other.browser))).toMatch(/^started-elsewhere/);
    const { webSessionId } = await redeem(browser);
    expect(await checkWebSession(shop.services, webSessionId)).toMatchObject({
      email: 'carla@saml.example',
      name: 'Carla Saml',
      groups: ['analysts'],
    });
    expect(await reasonOf(redeem(browser))).toMatch(/^too-late/);
  });

  it('takes a response once', async () => {
    const { url } = await begin();
    const { response } = await idp.respond(url, carla);
    await finish(response);
    expect(await reasonOf(finish(response))).toMatch(/answered already/);
  });

  it('takes an assertion once, also when it is brought for another request', async () => {
    const assertionId = `_${'ab'.repeat(16)}`;
    const first = await begin();
    await finish((await idp.respond(first.url, carla, { assertionId })).response);
    expect(await flawed({ assertionId })).toBe('answer-not-valid: this assertion has been used already');
  });

  it('takes no response that nobody asked for, or that was asked for by nobody here', async () => {
    expect(await flawed({ inResponseTo: '' })).toMatch(/^started-elsewhere/);
    expect(await flawed({ inResponseTo: '_made-up' })).toMatch(/^started-elsewhere/);
  });

  it('takes no assertion that was made for another request', async () => {
    const another = await begin();
    const id = (await shop.services.db.signInFlow.findMany()).at(-1)!.requestKey;
    expect(another.url).not.toBe('');
    expect(await flawed({ subjectInResponseTo: '_made-up' })).toMatch(/^answer-not-valid/);
    expect(await flawed({ subjectInResponseTo: id })).toMatch(/^answer-not-valid/);
    expect(await flawed({ subjectInResponseTo: '' })).toMatch(/no subject confirmation/);
  });

  it.each([
    ['is not signed', { signed: 'nothing' }, /signature/],
    ['is signed as a message, and its assertion is not', { signed: 'message' }, /signature/],
    ['is signed with SHA-1', { algorithm: 'sha1' }, /SHA-1/],
    ['is for another audience', { audience: 'https://other.example' }, /audience/],
    ['was sent to another address', { recipient: 'https://other.example/acs' }, /no subject confirmation/],
    ['is by another issuer', { issuer: 'https://other.example' }, /is by `https:\/\/other/],
    ['is over', { clockMs: -7 * 60_000 }, /expired|subject confirmation/],
    ['is not valid yet', { clockMs: 3 * 60_000 }, /not yet valid/],
    [
      'is confirmed by something else than its bearer',
      { confirmation: 'urn:oasis:names:tc:SAML:2.0:cm:sender-vouches' },
      /no subject confirmation/,
    ],
    [
      'names its subject for the moment only',
      { nameIdFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient' },
      /transient/,
    ],
  ] as const)('takes no assertion that %s', async (_, flaws, reason) => {
    const refused = await flawed(flaws);
    expect(refused).toMatch(/^answer-not-valid/);
    expect(refused).toMatch(reason);
  });

  it('bears a clock that is off by less than a minute, either way', async () => {
    for (const clockMs of [-50_000, 50_000]) {
      const { url } = await begin();
      await finish((await idp.respond(url, carla, { clockMs })).response);
    }
  });

  it('says that the provider refused where it did', async () => {
    const statusCode = 'urn:oasis:names:tc:SAML:2.0:status:Responder';
    expect(await flawed({ statusCode, signed: 'message' })).toMatch(/^provider-refused/);
  });

  it('takes no assertion that somebody else’s key signed, whatever it says', async () => {
    const { url } = await begin();
    const { response } = await stranger.respond(url, carla, { issuer: idp.entityId });
    expect(await reasonOf(finish(response))).toMatch(/^answer-not-valid.*signature/i);
  });
});

describe('a signature that is wrapped', () => {
  /** The response to a request, to be changed as text. */
  const signedXml = async (): Promise<string> => {
    const { url } = await begin();
    return Buffer.from((await idp.respond(url, carla)).response, 'base64').toString('utf8');
  };
  const assertionOf = (xml: string): string => /<saml:Assertion[\s\S]*<\/saml:Assertion>/.exec(xml)![0];
  const forged = (assertion: string): string =>
    assertion
      .replace(/<ds:Signature[\s\S]*<\/ds:Signature>/, '')
      .replace(/ ID="[^"]+"/, ' ID="_forged"')
      .replaceAll('S-1-5-21-carla', 'S-1-5-21-admin')
      .replaceAll('carla@saml.example', admin.email);
  const encode = (xml: string): string => Buffer.from(xml).toString('base64');

  /** The known shapes (Somorovsky et al., On Breaking SAML): where the signed assertion went, the forged one read first. */
  const ATTACKS: readonly (readonly [string, (xml: string, assertion: string) => string])[] = [
    ['a forged assertion before the signed one', (xml, signed) => xml.replace(signed, `${forged(signed)}${signed}`)],
    ['a forged assertion behind the signed one', (xml, signed) => xml.replace(signed, `${signed}${forged(signed)}`)],
    [
      'the signed assertion inside of the forged one',
      (xml, signed) => xml.replace(signed, forged(signed).replace('</saml:Assertion>', `${signed}</saml:Assertion>`)),
    ],
    [
      'the signed assertion in the forged one’s own signature',
      (xml, signed) => {
        const signature = /<ds:Signature[\s\S]*<\/ds:Signature>/.exec(signed)![0];
        const original = signed.replace(signature, '');
        const wrapped = signature.replace('</ds:Signature>', `<ds:Object>${original}</ds:Object></ds:Signature>`);
        return xml.replace(signed, forged(signed).replace('<saml:Subject>', `${wrapped}<saml:Subject>`));
      },
    ],
    [
      'the signed assertion in the extensions of the response',
      (xml, signed) =>
        xml
          .replace(signed, forged(signed))
          .replace('<samlp:Status>', `<samlp:Extensions>${signed}</samlp:Extensions><samlp:Status>`),
    ],
    [
      'two elements of the same id',
      (xml, signed) => {
        const id = / ID="([^"]+)"/.exec(signed)![1]!;
        return xml.replace(signed, `${forged(signed).replace('_forged', id)}${signed}`);
      },
    ],
    ['a changed subject under the old signature', (xml) => xml.replaceAll('S-1-5-21-carla', 'S-1-5-21-admin')],
    [
      'a changed attribute under the old signature',
      (xml) => xml.replaceAll('carla@saml.example', 'admin@test.example'),
    ],
    ['a document type', (xml) => `<!DOCTYPE x [<!ENTITY y "z">]>${xml}`],
  ];

  it.each(ATTACKS)('%s signs nobody in as somebody else', async (_, attack) => {
    const xml = await signedXml();
    const changed = attack(xml, assertionOf(xml));
    expect(changed).not.toBe(xml);
    expect(await reasonOf(finish(encode(changed)))).toMatch(/^answer-not-valid/);
    expect(await shop.services.db.providerLink.count({ where: { subject: 'S-1-5-21-admin' } })).toBe(0);
  });

  it('a comment in the subject does not cut it short', async () => {
    const { url } = await begin();
    const attributes = { email: 'comment@saml.example' };
    const person = { nameId: 'S-1-5-21-carla.evil', attributes };
    const xml = Buffer.from((await idp.respond(url, person)).response, 'base64').toString('utf8');
    // Canonical XML leaves comments out: the signature still fits, and what is read must be the whole text.
    const changed = xml.replace('S-1-5-21-carla.evil', 'S-1-5-21-carla<!---->.evil');
    await finish(encode(changed));
    const links = await shop.services.db.providerLink.findMany({
      where: { identity: { email: 'comment@saml.example' } },
    });
    expect(links.map(({ subject }) => subject)).toEqual(['S-1-5-21-carla.evil']);
  });
});

it('another attribute than the NameID can say who somebody is', async () => {
  await createProvider(admin.ctx, {
    proof,
    name: 'by-attribute',
    title: 'By attribute',
    settings: { ...settings(), subjectAttribute: 'objectid' },
    createPeople: true,
  });
  const { url } = await startProviderSignIn(
    shop.services,
    { provider: 'by-attribute', next: '/', browser: null, webSessionId: null },
    CLIENT,
  );
  const person = { nameId: 'x', attributes: { email: 'dora@saml.example', objectid: 'object-dora' } };
  const nameIdFormat = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient';
  const { response } = await idp.respond(url, person, { nameIdFormat });
  await finishSamlSignIn(shop.services, { provider: 'by-attribute', response }, CLIENT);
  expect(await shop.services.db.providerLink.count({ where: { subject: 'object-dora' } })).toBe(1);
});

it('its metadata say where assertions go and that they must be signed; the test reads its certificate', async () => {
  const metadata = await describeSamlProvider(shop.services, 'adfs');
  expect(metadata).toContain(`entityID="${SP}/metadata"`);
  expect(metadata).toContain(`Location="${SP}/acs"`);
  expect(metadata).toContain('WantAssertionsSigned="true"');
  const result = await testProvider(admin.ctx, { name: 'adfs' });
  expect(result).toMatchObject({ ok: true, steps: [{ name: 'address' }, { name: 'certificate', ok: true }] });
  const broken = { ...settings(), certificates: 'none' };
  await expect(updateProvider(admin.ctx, { proof, name: 'adfs', settings: broken })).rejects.toMatchObject({
    code: 'bad-input',
    problems: [{ path: 'settings.certificates' }],
  });
});
