import { Email, ShortText } from '@taskgate/contracts';
import { SecretValue, TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import { createToken, hashToken, isToken } from '@taskgate/identity';
import * as z from 'zod';
import type { ServiceContext, Services } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { parseInput } from '../parse-input.ts';
import { createGroup } from '../people/create-group.ts';
import { createUser } from '../people/create-user.ts';
import type { UserView } from '../people/user-view.ts';
import { requireSystem } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';

const SETTING = 'setup-token';
const TOKEN_MS = 24 * 3_600_000;
const ADMINS = 'admins';

/**
 * A token that makes the first admin, within a day and once: `null` when there is anybody already. Each start gives a
 * new one, and the one before is worth nothing.
 */
export async function issueSetupToken(services: Services): Promise<SecretValue | null> {
  const ctx: ServiceContext = { services, actor: { kind: 'system', via: 'setup' } };
  requireSystem(ctx, 'setup');
  return withTransaction(ctx, async (tx) => {
    if ((await tx.identity.count({ where: { kind: 'person' } })) > 0) return null;
    const token = createToken('setup', services.randomBytes);
    const expiresAt = new Date(services.clock.now() + TOKEN_MS).toISOString();
    const value = { hash: Buffer.from(hashToken(token)).toString('hex'), expiresAt };
    await tx.setting.upsert({ where: { name: SETTING }, create: { name: SETTING, value }, update: { value } });
    await emitAudit(tx, ctx, {
      action: 'setup.issue-token',
      subjectKind: 'setting',
      subject: SETTING,
      before: null,
      after: { expiresAt },
    });
    return token;
  });
}

const FirstAdminInput = z.object({
  token: z.string().max(100),
  email: Email,
  name: ShortText,
  password: z.string().min(10).max(200),
});

/**
 * Makes the first admin with the token of {@link issueSetupToken}. Who holds the token acts for the setup: nobody else
 * is there yet. Throws `wrong-token`.
 */
export async function createFirstAdmin(services: Services, input: z.input<typeof FirstAdminInput>): Promise<UserView> {
  const ctx: ServiceContext = { services, actor: { kind: 'system', via: 'setup' } };
  const { token, email, name, password } = parseInput(FirstAdminInput, input);
  // Taken before anything is made: of two at once, one has it.
  await withTransaction(ctx, async (tx) => {
    await takeToken(tx, services, token);
    await emitAudit(tx, ctx, {
      action: 'setup.redeem-token',
      subjectKind: 'setting',
      subject: SETTING,
      before: null,
      after: { email },
    });
  });
  if ((await services.db.group.count({ where: { name: ADMINS } })) === 0)
    await createGroup(ctx, { name: ADMINS, roles: ['admin'] });
  return createUser(ctx, { email, name, groups: [ADMINS], password });
}

async function takeToken(tx: Transaction, services: Services, token: string): Promise<void> {
  const wrong = new TaskgateError(
    'wrong-token',
    'this setup token is wrong, was used or is too old; start again for a new one',
  );
  if (!isToken(token, 'setup')) throw wrong;
  await tx.$queryRaw`SELECT name FROM settings WHERE name = ${SETTING} FOR UPDATE`;
  const row = await tx.setting.findUnique({ where: { name: SETTING } });
  const value = z.object({ hash: z.string(), expiresAt: z.iso.datetime() }).safeParse(row?.value);
  if (!value.success || Date.parse(value.data.expiresAt) <= services.clock.now()) throw wrong;
  const hash = Buffer.from(hashToken(new SecretValue(token))).toString('hex');
  // Compared as hashes: where they differ says nothing of the token.
  if (hash !== value.data.hash || (await tx.identity.count({ where: { kind: 'person' } })) > 0) throw wrong;
  await tx.setting.delete({ where: { name: SETTING } });
}
