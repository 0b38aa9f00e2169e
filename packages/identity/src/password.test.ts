import { SecretValue } from '@taskgate/core';
import { describe, expect, it } from 'vitest';
import { hashPassword, PASSWORD_COST, verifyPassword } from './password.ts';

const secret = new SecretValue('correct horse battery');

describe('passwords', () => {
  it('are kept as a salted hash in PHC form that only the right password opens', async () => {
    const stored = await hashPassword(secret);
    expect(stored).toMatch(/^\$scrypt\$ln=15,r=8,p=1\$[^$]{22}\$[^$]{43}$/);
    expect(await hashPassword(secret)).not.toBe(stored);
    expect(await verifyPassword(stored, secret)).toEqual({ ok: true, outdated: false });
    expect(await verifyPassword(stored, new SecretValue('correct horse batterx'))).toEqual({
      ok: false,
      outdated: false,
    });
  });

  it('kept under a weaker cost are renewed, but only when the password was right', async () => {
    const weak = await hashPassword(secret, { ...PASSWORD_COST, logN: 10 });
    expect(await verifyPassword(weak, secret)).toEqual({ ok: true, outdated: true });
    expect(await verifyPassword(weak, new SecretValue('wrong'))).toEqual({ ok: false, outdated: false });
  });

  it('do the same work for somebody who does not exist', async () => {
    expect(await verifyPassword(null, secret)).toEqual({ ok: false, outdated: false });
  });

  it('are one password, however the keyboard composes its accents', async () => {
    const stored = await hashPassword(new SecretValue('caf\u00e9-caf\u00e9'), { ...PASSWORD_COST, logN: 10 });
    expect((await verifyPassword(stored, new SecretValue('cafe\u0301-cafe\u0301'))).ok).toBe(true);
  });

  it.each(['', 'plain', '$scrypt$ln=31,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'])(
    'refuse a stored hash that is not one: %j',
    async (stored) => {
      await expect(verifyPassword(stored, secret)).rejects.toMatchObject({ code: 'internal' });
    },
  );

  it('refuse a flood before it fills memory', async () => {
    const tries = Array.from({ length: 40 }, () => hashPassword(secret, { ...PASSWORD_COST, logN: 4 }));
    const refused = (await Promise.allSettled(tries)).filter((result) => result.status === 'rejected');
    expect(refused).toHaveLength(8);
    await expect(hashPassword(secret, { ...PASSWORD_COST, logN: 4 })).resolves.toContain('$scrypt$');
  });
});
