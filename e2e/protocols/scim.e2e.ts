import { waitUntil } from '@taskgate/testkit';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { as, type Connect, call, inBrowserOf, type OpenGrant, signIn } from '../api.ts';
import { describeWithPsql, psql, startPsql } from '../psql.ts';
import { entra, okta, type ScimRequest } from '../scim-requests.ts';
import { targetQuery } from '../target.ts';

const LONG_QUERY = 'select count(*) from generate_series(1, 100000000077)';
const TEAM = 'E2E Data Team';
const DAY_MS = 86_400_000;

type Json = Readonly<Record<string, unknown>>;
interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly body: Json;
}

let token: string;
let tokenId: string;
beforeAll(async () => {
  const admin = await inBrowserOf('admin');
  const proof = { password: inject('system').password };
  const made = await admin.call<{ token: string; scimToken: { id: string } }>('POST', '/directory/tokens', {
    name: 'e2e',
    ttlMs: DAY_MS,
    proof,
  });
  token = made.token;
  tokenId = made.scimToken.id;
});
afterAll(async () => {
  const admin = await inBrowserOf('admin');
  await admin.call('PUT', '/directory/groups', { mappings: [], proof: { password: inject('system').password } });
  await admin.call('DELETE', `/directory/tokens/${tokenId}`);
});

async function scim({ method, path, body }: ScimRequest, bearer: string | null = token): Promise<Answer> {
  const response = await fetch(`${inject('system').webUrl}/scim/v2${path}`, {
    method,
    headers: {
      accept: 'application/scim+json',
      'content-type': 'application/scim+json; charset=utf-8',
      ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    body: text === '' ? {} : (JSON.parse(text) as Json),
  };
}
const address = (name: string): string => `${name}-${Date.now()}@scim.example`;
const resources = ({ body }: Answer): readonly Json[] => body.Resources as readonly Json[];

describe('a directory as Entra ID is one', () => {
  test('finds nobody, makes, finds, changes and removes a person, and keeps a group', async () => {
    const userName = address('erika');
    expect(await scim(entra.testConnection)).toMatchObject({ status: 200, body: { totalResults: 0, Resources: [] } });
    expect(resources(await scim(entra.find(userName)))).toEqual([]);
    const made = await scim(entra.create(userName, 'object-1'));
    expect(made).toMatchObject({
      status: 201,
      type: 'application/scim+json; charset=utf-8',
      body: { userName, active: true },
    });
    const id = made.body.id as string;
    expect(resources(await scim(entra.find(userName.toUpperCase())))).toMatchObject([{ id, externalId: 'object-1' }]);
    expect((await scim(entra.update(id))).body).toMatchObject({
      displayName: 'Erika E. Entra',
      name: { givenName: 'Erika', familyName: 'E. Entra' },
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { department: 'Data', employeeNumber: '4711' },
    });
    const group = await scim(entra.createGroup(`Entra ${Date.now()}`, 'object-2'));
    expect(group.status).toBe(201);
    const groupId = group.body.id as string;
    expect(resources(await scim(entra.findGroup(group.body.displayName as string)))).toMatchObject([{ id: groupId }]);
    expect((await scim(entra.addMember(groupId, id))).body.members).toMatchObject([{ value: id }]);
    expect((await scim(entra.removeMember(groupId, id))).body.members).toEqual([]);
    expect((await scim(entra.deactivate(id))).body.active).toBe(false);
    expect((await scim(entra.remove(id))).status).toBe(204);
    expect((await scim({ method: 'GET', path: `/Users/${id}` })).status).toBe(404);
    expect((await scim({ method: 'DELETE', path: `/Groups/${groupId}` })).status).toBe(204);
  });
});

describe('a directory as Okta is one', () => {
  test('makes, replaces and deactivates a person, and pushes a group', async () => {
    const userName = address('olga');
    expect(await scim(okta.find(userName))).toMatchObject({ status: 200, body: { totalResults: 0, startIndex: 1 } });
    const id = (await scim(okta.create(userName))).body.id as string;
    const other = (await scim(okta.create(address('oleg')))).body.id as string;
    expect((await scim(okta.replace(id, userName))).body).toMatchObject({ displayName: 'Olga M. Okta', active: true });
    const displayName = `Okta ${Date.now()}`;
    const groupId = (await scim(okta.createGroup(displayName, [id]))).body.id as string;
    expect((await scim(okta.changeMembers(groupId, id, other))).body.members).toMatchObject([{ value: other }]);
    expect((await scim(okta.renameGroup(groupId, `${displayName} new`))).body.displayName).toBe(`${displayName} new`);
    expect((await scim(okta.removeGroup(groupId))).status).toBe(204);
    expect((await scim(okta.deactivate(id))).body.active).toBe(false);
  });
});

test('whatever is wrong is said in SCIM’s own form', async () => {
  const error = (status: number, more: object = {}) => ({
    status,
    type: 'application/scim+json; charset=utf-8',
    body: { schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: String(status), ...more },
  });
  const anybody = { method: 'GET', path: '/Users' } as const;
  expect(await scim(anybody, null)).toMatchObject(error(401));
  expect(await scim(anybody, 'tgd_not-one')).toMatchObject(error(401));
  expect(await scim(anybody, await signIn('admin'))).toMatchObject(error(401));
  expect(await scim({ method: 'GET', path: '/Users/usr_none' })).toMatchObject(error(404));
  expect(await scim({ method: 'GET', path: '/Devices' })).toMatchObject(error(404));
  expect(await scim({ method: 'PUT', path: '/Users', body: {} })).toMatchObject(error(405));
  expect(await scim({ method: 'POST', path: '/Users', body: {} })).toMatchObject(
    error(400, { scimType: 'invalidValue' }),
  );
  expect(await scim({ method: 'GET', path: '/Users?filter=userName+co+%22a%22' })).toMatchObject(
    error(400, { scimType: 'invalidFilter' }),
  );
  const userName = address('twice');
  const { body } = await scim(okta.create(userName));
  expect(await scim(okta.create(userName))).toMatchObject(error(409, { scimType: 'uniqueness' }));
  const patch = (operation: object): ScimRequest => ({
    method: 'PATCH',
    path: `/Users/${body.id}`,
    body: { Operations: [operation] },
  });
  expect(await scim(patch({ op: 'remove' }))).toMatchObject(error(400, { scimType: 'noTarget' }));
  // A SCIM token opens nothing else.
  await expect(call(token, 'GET', '/users')).rejects.toMatchObject({ problem: { status: 401 } });
});

test('says what it can: configuration, resource types and schemas', async () => {
  const { body } = await scim({ method: 'GET', path: '/ServiceProviderConfig' });
  expect(body).toMatchObject({ patch: { supported: true }, bulk: { supported: false } });
  const types = await scim({ method: 'GET', path: '/ResourceTypes' });
  expect(resources(types).map(({ id }) => id)).toEqual(['User', 'Group']);
  const schema = '/Schemas/urn:ietf:params:scim:schemas:core:2.0:User';
  expect((await scim({ method: 'GET', path: schema })).body).toMatchObject({ name: 'User' });
});

describeWithPsql('a person with a connection open', () => {
  test('deactivated in the directory: the connection, the sign-in and the token end within a second', {
    timeout: 60_000,
  }, async () => {
    const userName = address('leaver');
    const id = (await scim(entra.create(userName, 'leaver'))).body.id as string;
    const group = await scim(okta.createGroup(`${TEAM} ${Date.now()}`, [id]));
    const admin = await signIn('admin');
    await (await inBrowserOf('admin')).call('PUT', '/directory/groups', {
      mappings: [{ external: group.body.displayName, group: 'analysts' }],
      proof: { password: inject('system').password },
    });
    const password = 'a password of their own';
    await call(admin, 'PATCH', `/users/${id}`, { password, proof: { password: inject('system').password } });
    const { token: api } = await call<{ token: string }>(null, 'POST', '/login', { email: userName, password });
    const { id: grantId } = await call<{ id: string }>(api, 'POST', '/grants', { task: 'sales-report', reason: 'x' });
    const grant: OpenGrant = {
      id: grantId,
      ...(await call<{ token: string; connect: Connect }>(api, 'POST', `/grants/${grantId}/activate`)),
    };
    const running = startPsql(grant, { sql: [LONG_QUERY] });
    const isRunning = async () =>
      (await targetQuery<{ query: string }>("select query from pg_stat_activity where state = 'active'")).some(
        ({ query }) => query.includes('100000000077') && !query.includes('pg_stat_activity'),
      );
    await Promise.race([
      waitUntil(isRunning, 30_000, 'the query at the target'),
      running.ended.then(({ stderr }) => expect.fail(`psql ended by itself: ${stderr}`)),
    ]);

    const at = performance.now();
    expect((await scim(entra.deactivate(id))).body.active).toBe(false);
    const { code, stderr } = await running.ended;
    expect(performance.now() - at).toBeLessThan(3_000); // the promise is a second; a loaded machine gets some room
    expect(code).toBe(2);
    expect(stderr).toMatch(/grant|ended/);
    await waitUntil(async () => !(await isRunning()), 10_000, 'the end of the query at the target');
    await expect(call(api, 'GET', '/me')).rejects.toMatchObject({ problem: { status: 401 } });
    await expect(call(null, 'POST', '/login', { email: userName, password })).rejects.toMatchObject({
      problem: { code: 'wrong-password' },
    });
    expect((await psql(grant, { sql: ['select 1'] })).stderr).toMatch(/has ended/);
    const audit = await as('admin').get<{ items: { action: string; via: string }[] }>(`/audit?subject=${id}`);
    expect(audit.items.map(({ action, via }) => `${action} by ${via}`)).toContain('user.update by scim');
    await scim(entra.remove(id));
    await scim(okta.removeGroup(group.body.id as string));
  });
});
