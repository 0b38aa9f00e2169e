import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { SecretValue } from '@taskgate/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generateSealedSigningKey, openSigner, signingKeyId, verifyHead } from './signing.ts';
import { createVault } from './vault.ts';

const masterKey = new Uint8Array(randomBytes(32));
const vault = createVault({ masterKey });
const CONTEXT = 'credential:res_1';
const secret = new SecretValue('s3cret of the shop');
const text = (value: SecretValue): string => value.reveal((inner) => inner);

describe('a sealed value', () => {
  it('opens to what was sealed, whatever it was, and never looks the same twice', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), fc.string({ minLength: 1, maxLength: 50 }), (bytes, context) => {
        const sealed = vault.seal(bytes, context);
        expect(vault.open(sealed, context)).toEqual(bytes);
        expect(vault.seal(bytes, context)).not.toEqual(sealed);
      }),
    );
    expect(text(vault.openSecret(vault.seal(secret, CONTEXT), CONTEXT))).toBe('s3cret of the shop');
  });

  it('with any one bit changed does not open', () => {
    const sealed = vault.seal(secret, CONTEXT);
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Uint8Array.from(sealed);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => vault.open(changed, CONTEXT), `bit ${bit}`).toThrow(/cannot be opened/);
    }
  });

  it('cut short or made longer does not open', () => {
    const sealed = vault.seal(secret, CONTEXT);
    for (let length = 0; length < sealed.length; length++)
      expect(() => vault.open(sealed.subarray(0, length), CONTEXT)).toThrow(/cannot be opened/);
    expect(() => vault.open(Uint8Array.from([...sealed, 0]), CONTEXT)).toThrow(/cannot be opened/);
  });

  it('moved to another row does not open', () => {
    const sealed = vault.seal(secret, CONTEXT);
    for (const other of ['credential:res_2', 'mask-key:res_1', `${CONTEXT}\0`, 'credential:res_'])
      expect(() => vault.open(sealed, other)).toThrow(/cannot be opened/);
  });

  it('of parts of two sealed values does not open', () => {
    const [a, b] = [vault.seal(secret, CONTEXT), vault.seal(secret, CONTEXT)];
    const mixed = Uint8Array.from([...a.subarray(0, 69), ...b.subarray(69)]);
    expect(() => vault.open(mixed, CONTEXT)).toThrow(/cannot be opened/);
  });

  it('under another master key does not open, and its error names neither key nor value', () => {
    const other = createVault({ masterKey: new Uint8Array(randomBytes(32)) });
    const sealed = vault.seal(secret, CONTEXT);
    let error: unknown;
    try {
      other.open(sealed, CONTEXT);
    } catch (thrown) {
      error = thrown;
    }
    const said = inspect(error, { depth: 9 });
    expect(said).toContain(vault.keyId);
    expect(said).not.toContain('s3cret');
    expect(said).not.toContain(Buffer.from(masterKey).toString('hex'));
  });

  it('is rotated to a new master key without touching the value, and the old key is not needed after', () => {
    const sealed = vault.seal(secret, CONTEXT);
    const newKey = new Uint8Array(randomBytes(32));
    const rotated = createVault({ masterKey: newKey, previous: [masterKey] }).rotate(sealed, CONTEXT);
    expect(Buffer.from(rotated.subarray(69))).toEqual(Buffer.from(sealed.subarray(69)));
    expect(text(createVault({ masterKey: newKey }).openSecret(rotated, CONTEXT))).toBe('s3cret of the shop');
    expect(() => vault.open(rotated, CONTEXT)).toThrow(/is not held here/);
    expect(() =>
      createVault({ masterKey: newKey, previous: [masterKey] }).rotate(sealed, 'credential:res_2'),
    ).toThrow();
  });

  it('shows its secret in no formatter once opened', () => {
    const opened = vault.openSecret(vault.seal(secret, CONTEXT), CONTEXT);
    const nested = { credential: { opened, list: [opened], map: new Map([['k', opened]]) } };
    const shown = [
      String(opened),
      `${opened}`,
      JSON.stringify(nested),
      inspect(nested, { depth: 9, showHidden: true }),
      JSON.stringify({ ...opened }),
      JSON.stringify(Object.entries(opened)),
      inspect(vault, { depth: 9, showHidden: true }),
    ].join('\n');
    expect(shown).not.toContain('s3cret');
    expect(shown).not.toContain(Buffer.from(masterKey).toString('hex'));
  });
});

describe('a master key', () => {
  it.each([0, 16, 31, 33])('of %i bytes is refused', (length) => {
    expect(() => createVault({ masterKey: new Uint8Array(length) })).toThrow(/32 bytes/);
  });
});

describe('the signing key', () => {
  const sealed = generateSealedSigningKey(vault);
  const signer = openSigner(vault, sealed);
  const head = new TextEncoder().encode('42 abcdef');

  it('signs heads that its public half verifies, and nothing else', () => {
    const signature = signer.signHead(head);
    expect(verifyHead(signer.publicKeyPem, head, signature)).toBe(true);
    expect(verifyHead(signer.publicKeyPem, new TextEncoder().encode('43 abcdef'), signature)).toBe(false);
    expect(verifyHead(openSigner(vault, generateSealedSigningKey(vault)).publicKeyPem, head, signature)).toBe(false);
    const changed = Uint8Array.from(signature);
    changed[0]! ^= 1;
    expect(verifyHead(signer.publicKeyPem, head, changed)).toBe(false);
  });

  it('is the same one after each opening, and has a name that follows from its public half', () => {
    expect(openSigner(vault, sealed).publicKeyPem).toBe(signer.publicKeyPem);
    expect(signingKeyId(signer.publicKeyPem)).toBe(signer.keyId);
    expect(signer.keyId).toMatch(/^[0-9a-f]{32}$/);
  });

  it('does not open under another vault', () => {
    expect(() => openSigner(createVault({ masterKey: new Uint8Array(32) }), sealed)).toThrow(/cannot be opened/);
  });
});
