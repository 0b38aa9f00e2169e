import { createHash, webcrypto } from 'node:crypto';
import { type AuthenticatorFault, createSoftwareAuthenticator } from '@taskgate/testkit';
import { describe, expect, it } from 'vitest';
import {
  type AnyApprovalContent,
  type ApprovalContent,
  type FirstApprovalContent,
  signedText,
} from './approval-content.ts';
import { type ApprovalFile, parseApprovalFile, parseSignedText } from './approval-file.ts';
import { fromBase64url, toBase64url } from './base64url.ts';
import type { PublicJwk } from './public-key.ts';
import { verifyApproval } from './verify-approval.ts';
import { createWebCrypto } from './web-crypto.ts';

const crypto = createWebCrypto(webcrypto.subtle);
const SITE = { origin: 'https://gate.example', rpId: 'gate.example' };
const challengeOf = (signed: string): string => createHash('sha256').update(signed).digest('base64url');

const CONTENT: ApprovalContent = {
  format: 'taskgate-approval-2',
  subject: {
    kind: 'hold',
    holdId: 'hld_1',
    grantId: 'grt_1',
    sessionId: 'ses_1',
    decisionId: 'dec_1',
    binding: 'ab'.repeat(32),
    statement: "update orders set status = 'paid' where id = $1",
    parameters: ['42', null],
    affectsMax: 1,
  },
  task: { name: 'fix-order-status', revision: 3, documentSha256: 'cd'.repeat(32) },
  resource: {
    id: 'res_1',
    name: 'demo-shop',
    host: 'db.example',
    port: 5432,
    database: 'shop',
    labels: { env: 'production' },
  },
  limits: { rows: 100, statements: null },
  requester: { id: 'usr_1', kind: 'person', email: 'engineer@demo.test' },
  reviewer: { id: 'usr_2', email: 'reviewer@demo.test' },
  terms: { from: ['dba'], count: 1, stepUp: true },
  comment: 'case 4711',
  window: { notBefore: '2026-11-27T00:00:00.000Z', notAfter: '2026-11-27T00:10:00.000Z' },
  nonce: 'n',
  site: SITE,
};

const { limits, ...common } = CONTENT;
const FIRST_CONTENT: FirstApprovalContent = {
  ...common,
  format: 'taskgate-approval-1',
  resource: { id: 'res_1', name: 'demo-shop', database: 'shop' },
};

async function signedFile(
  fault: AuthenticatorFault = {},
  content: AnyApprovalContent = CONTENT,
): Promise<ApprovalFile> {
  const passkey = createSoftwareAuthenticator(SITE);
  const publicKey = publicKeyOf(passkey.create({ challenge: 'x', user: { id: 'dQ' } }).response.attestationObject);
  const signed = signedText(content);
  const { response } = passkey.get({ challenge: challengeOf(signed) }, fault);
  const { authenticatorData, clientDataJSON, signature } = response;
  return {
    format: content.format,
    id: 'apr_1',
    passkeyName: 'laptop',
    signed,
    publicKey,
    authenticatorData,
    clientDataJSON,
    signature,
  };
}

/** The two coordinates stand at the end of the software authenticator's attestation. */
function publicKeyOf(attestationObject: string): PublicJwk {
  const bytes = Buffer.from(attestationObject, 'base64url');
  const y = bytes.subarray(-32);
  const x = bytes.subarray(-32 - 3 - 32, -32 - 3);
  return { kty: 'EC', crv: 'P-256', x: x.toString('base64url'), y: y.toString('base64url') };
}

const WHERE_AND_HOW_FAR = ['resource.host', 'resource.port', 'resource.labels.env', 'limits.rows', 'limits.statements'];

/** Every way to change one leaf of `value`. */
function* changes(value: unknown, path = ''): Generator<{ path: string; changed: unknown }> {
  if (Array.isArray(value)) {
    for (const [i, part] of value.entries())
      for (const { path: below, changed } of changes(part, `${path}.${i}`))
        yield { path: below, changed: value.with(i, changed) };
    yield { path: `${path}[+]`, changed: [...value, 'more'] };
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, part] of Object.entries(value))
      for (const { path: below, changed } of changes(part, `${path}.${name}`))
        yield { path: below, changed: { ...value, [name]: changed } };
  } else
    yield {
      path,
      changed: typeof value === 'number' ? value + 1 : typeof value === 'boolean' ? !value : `${value ?? ''}x`,
    };
}

describe('a signed approval', () => {
  it('is verified from its file alone', async () => {
    const file = parseApprovalFile(JSON.stringify(await signedFile()));
    expect(file.ok).toBe(true);
    const verdict = file.ok && (await verifyApproval(file.value, crypto));
    expect(verdict).toMatchObject({ ok: true, content: { reviewer: { email: 'reviewer@demo.test' } } });
  });

  it('of the first format is still verified, and is none of the second', async () => {
    const file = await signedFile({}, FIRST_CONTENT);
    const parsed = parseApprovalFile(JSON.stringify(file));
    expect(parsed.ok && (await verifyApproval(parsed.value, crypto))).toMatchObject({
      ok: true,
      content: { format: 'taskgate-approval-1', resource: { database: 'shop' } },
    });
    expect((await verifyApproval({ ...file, format: 'taskgate-approval-2' }, crypto)).ok).toBe(false);
    for (const mixed of [
      { ...FIRST_CONTENT, format: 'taskgate-approval-2' },
      { ...CONTENT, format: 'taskgate-approval-1' },
    ])
      expect(parseSignedText(signedText(mixed as unknown as AnyApprovalContent)).ok).toBe(false);
  });

  it('whose text was erased shows the hash of what the key signed, and nothing more', async () => {
    const whole = await signedFile();
    const parsed = parseApprovalFile(JSON.stringify({ ...whole, signed: null }));
    const file = parsed.ok ? parsed.value : whole;
    expect(await verifyApproval(file, crypto)).toEqual({
      ok: true,
      erased: true,
      signedSha256: createHash('sha256').update(whole.signed!).digest('hex'),
      origin: SITE.origin,
      keySha256: expect.any(String),
    });
    const other = await signedFile({ userVerified: false });
    for (const wrong of [
      { ...file, publicKey: other.publicKey },
      { ...other, signed: null },
      { ...(await signedFile({ challenge: 'c2hvcnQ' })), signed: null },
    ])
      expect((await verifyApproval(wrong, crypto)).ok).toBe(false);
  });

  it('is one of nothing else: a change of any field is found', async () => {
    const file = await signedFile();
    const content = JSON.parse(file.signed!) as ApprovalContent;
    const paths: string[] = [];
    for (const { path, changed } of changes(content)) {
      paths.push(path);
      const verdict = await verifyApproval({ ...file, signed: signedText(changed as ApprovalContent) }, crypto);
      expect(verdict.ok, path).toBe(false);
    }
    expect(paths.length).toBeGreaterThanOrEqual(32);
    for (const field of [
      'subject.binding',
      'subject.statement',
      'subject.parameters.0',
      'task.revision',
      'nonce',
      ...WHERE_AND_HOW_FAR,
    ])
      expect(paths).toContain(`.${field}`);
  });

  it('is found to be another one when any byte of the answer is changed', async () => {
    const file = await signedFile();
    for (const part of ['authenticatorData', 'clientDataJSON', 'signature'] as const) {
      const bytes = fromBase64url(file[part])!;
      // Every third stands for its neighbours, which are read by the same code.
      for (let at = 0; at < bytes.length; at += 3) {
        const changed = bytes.slice();
        changed[at]! ^= 1;
        const verdict = await verifyApproval({ ...file, [part]: toBase64url(changed) }, crypto);
        expect(verdict.ok, `${part} at ${at}`).toBe(false);
      }
    }
  });

  it('does not stand with another key, or with its text in another form', async () => {
    const [file, other] = [await signedFile(), await signedFile()];
    expect((await verifyApproval({ ...file, publicKey: other.publicKey }, crypto)).ok).toBe(false);
    expect((await verifyApproval({ ...file, signed: ` ${file.signed}` }, crypto)).ok).toBe(false);
    const twice = file.signed!.replace('"nonce":"n"', '"nonce":"x","nonce":"n"');
    expect((await verifyApproval({ ...file, signed: twice }, crypto)).ok).toBe(false);
  });

  it('is read in its one canonical form alone, whoever signed another', () => {
    const signed = signedText(CONTENT);
    expect(parseSignedText(signed).ok).toBe(true);
    for (const other of [
      ` ${signed}`,
      signed.replace('"nonce":"n"', '"nonce":"x","nonce":"n"'),
      JSON.stringify(CONTENT),
      signedText({ ...CONTENT, more: 1 } as ApprovalContent),
    ])
      expect(parseSignedText(other).ok).toBe(false);
  });

  it.each([
    ['nobody was verified', { userVerified: false }],
    ['nobody was there', { userPresent: false }],
    ['it was for another site', { origin: 'https://evil.example' }],
    ['it was for another RP', { rpId: 'evil.example' }],
    ['it was in a frame of another site', { crossOrigin: true }],
    ['it was a registration', { type: 'webauthn.create' }],
    ['it was for another question', { challenge: challengeOf('{}') }],
  ] as const)('is refused where %s, though the key signed it', async (_, fault) => {
    expect((await verifyApproval(await signedFile(fault), crypto)).ok).toBe(false);
  });

  it.each(['', '[]', '{}', ...[1, 2, 3].map((n) => `{"format":"taskgate-approval-${n}"}`)])(
    'is not what `%s` is',
    (text) => {
      expect(parseApprovalFile(text).ok).toBe(false);
    },
  );
});
