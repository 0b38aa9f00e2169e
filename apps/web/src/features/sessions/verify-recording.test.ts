import { createHash } from 'node:crypto';
import { createRecordingWriter } from '@taskgate/recording';
import { beforeAll, expect, test } from 'vitest';
import { headMessage } from './head-message.ts';
import { verifyRecording } from './verify-recording.ts';

const SESSION = 'ses_1';
const EVENTS = 40;
const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const silent = () => undefined;

let bytes: Uint8Array;
let publicKeyPem: string;
let head: { count: number; hash: string; signature: string; keyId: string };

beforeAll(async () => {
  const writer = createRecordingWriter({
    header: { sessionId: SESSION, createdAt: 1, wrappedKey: new Uint8Array(8) },
    sha256,
    seal: (plain) => plain,
  });
  const frames = Array.from({ length: EVENTS }, (_, index) =>
    writer.append({ kind: 'hold-opened', at: index, decisionId: `dec_${index}`, holdId: `hld_${index}` }),
  );
  bytes = new Uint8Array(Buffer.concat([writer.headerBytes, ...frames]));
  const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;
  const spki = new Uint8Array(await crypto.subtle.exportKey('spki', pair.publicKey));
  publicKeyPem = `-----BEGIN PUBLIC KEY-----\n${Buffer.from(spki).toString('base64')}\n-----END PUBLIC KEY-----\n`;
  const committed = { count: writer.head.count, hash: hex(writer.head.hash) };
  const signature = await crypto.subtle.sign('Ed25519', pair.privateKey, headMessage(SESSION, committed));
  head = {
    ...committed,
    signature: Buffer.from(signature).toString('base64'),
    keyId: hex(sha256(spki)).slice(0, 32),
  };
});

const verify = (changed: Partial<{ bytes: Uint8Array; head: typeof head | null; publicKeyPem: string | null }> = {}) =>
  verifyRecording(
    { id: SESSION, head: changed.head === undefined ? head : changed.head },
    {
      bytes: changed.bytes ?? bytes,
      publicKeyPem: changed.publicKeyPem === undefined ? publicKeyPem : changed.publicKeyPem,
    },
    silent,
  );

test('an untouched recording is consistent, under a valid signature', async () => {
  const { chain, signature } = await verify();
  expect(chain).toMatchObject({ ok: true, count: EVENTS });
  expect(signature).toBe('valid');
});

test('any flipped byte is found, and its event named', async () => {
  for (let offset = 200; offset < bytes.length; offset += 97) {
    const changed = bytes.slice();
    changed[offset]! ^= 1;
    const { chain } = await verify({ bytes: changed });
    expect(chain.ok).toBe(false);
    if (!chain.ok) expect(chain.at).toBeLessThan(EVENTS);
  }
});

test('events cut off the end are missed by the head that the store was given', async () => {
  const { chain } = await verify({ bytes: bytes.subarray(0, -((bytes.length - 100) / EVENTS) | 0) });
  expect(chain).toMatchObject({ ok: false, reason: 'truncated' });
});

test('a head that was changed in the store does not pass for signed', async () => {
  expect((await verify({ head: { ...head, count: EVENTS - 1 } })).signature).toBe('wrong');
  expect((await verify({ head: { ...head, keyId: 'f'.repeat(32) } })).signature).toBe('other-key');
  expect((await verify({ publicKeyPem: null })).signature).toBe('no-key');
  expect((await verify({ head: null })).signature).toBe('none');
});
