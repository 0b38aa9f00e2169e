import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { SecretValue } from '@taskgate/core';
import { describe, expect, it } from 'vitest';
import { createToken, hashToken, isToken } from './token.ts';

describe('tokens', () => {
  it('say what they are, hold 256 random bits and print as nothing', () => {
    const token = createToken('grant', randomBytes);
    expect(token.reveal((text) => text)).toMatch(/^tgt_[\w-]{43}$/);
    expect(`${token} ${JSON.stringify({ token })} ${inspect(token)}`).not.toMatch(/tgt_/);
  });

  it('of one kind are not taken for another', () => {
    const text = createToken('api', randomBytes).reveal((value) => value);
    expect(isToken(text, 'api')).toBe(true);
    expect(isToken(text, 'grant')).toBe(false);
    expect(isToken(`${text}x`, 'api')).toBe(false);
    expect(isToken(text.replace(/.$/, '\n'), 'api')).toBe(false);
  });

  it('are kept as SHA-256', () => {
    const hash = hashToken(new SecretValue('abc'));
    expect(Buffer.from(hash).toString('hex')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });
});
