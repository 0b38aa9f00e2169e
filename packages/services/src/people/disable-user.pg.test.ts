import { SecretValue } from '@taskgate/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { activateGrant } from '../grants/activate-grant.ts';
import { requestGrant } from '../grants/request-grant.ts';
import { setupDemo } from '../setup/setup-demo.ts';
import { startTestServices, type TestServices } from '../testing/test-services.ts';
import { toActor } from './to-actor.ts';
import { updateUser } from './update-user.ts';
import { USER_SELECT } from './user-view.ts';

let test: TestServices;
beforeAll(async () => {
  test = await startTestServices();
  const target = { host: '127.0.0.1', port: 1, database: 'shop', username: 'x', secret: new SecretValue('x') };
  await setupDemo(test.services, { target, password: new SecretValue('a demo password') });
});
afterAll(() => test.stop());

const as = async (email: string) => {
  const row = await test.services.db.identity.findUniqueOrThrow({ where: { email }, select: USER_SELECT });
  return { services: test.services, actor: toActor(row, { via: 'session', viaId: 'web_none', limitedTo: null }) };
};

describe('a person who is disabled', () => {
  it('loses every grant in the same moment, with an audit row and a notification for each', async () => {
    const engineer = await as('engineer@demo.test');
    const admin = await as('admin@demo.test');
    const active = await requestGrant(engineer, { task: 'sales-report' });
    await activateGrant(engineer, { id: active.id });
    const waiting = await requestGrant(engineer, { task: 'shop-admin', reason: 'to try' });
    const listener = await test.database.connect();
    const heard: unknown[] = [];
    listener.on('notification', ({ payload }) => heard.push(JSON.parse(payload ?? '{}')));
    await listener.query('LISTEN taskgate');

    await updateUser(admin, { id: engineer.actor.identityId, disabled: true });

    await listener.query('SELECT 1');
    for (const { id } of [active, waiting]) {
      const row = await test.services.db.grant.findUniqueOrThrow({ where: { id } });
      expect(row).toMatchObject({ state: 'ended', endReason: 'revoked', endedById: admin.actor.identityId });
      const audit = await test.services.db.auditRow.findFirstOrThrow({
        where: { subject: id, action: 'grant.revoke' },
      });
      expect(audit.actorId).toBe(admin.actor.identityId);
      expect(heard).toContainEqual(
        expect.objectContaining({ topic: 'grants', id, change: 'ended', reason: 'revoked' }),
      );
    }
  });
});
