import { createServer } from 'node:net';
import { inspect } from 'node:util';
import { SecretValue } from '@taskgate/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storeFreshCatalog } from './catalog/stored-catalog.ts';
import { authenticateApiToken } from './people/authenticate-api-token.ts';
import { changePassword } from './people/change-password.ts';
import { createApiToken } from './people/create-api-token.ts';
import { createUser } from './people/create-user.ts';
import { login } from './people/login.ts';
import { signIn } from './people/sign-in.ts';
import { updateUser } from './people/update-user.ts';
import { createResource } from './resources/create-resource.ts';
import { loadResource, loadResources } from './resources/load-resources.ts';
import { openCredential, openMaskKey } from './resources/resource-secrets.ts';
import { testResource } from './resources/test-resource.ts';
import { updateResource } from './resources/update-resource.ts';
import { CLIENT, PASSWORD, startTestServices, type TestPerson, type TestServices } from './testing/test-services.ts';

// Unlike anything else, so that wherever one of them turns up, it is this one.
const CANARIES = {
  secret: 'canary-1-resource-secret-5b2e',
  wrongSecret: 'canary-2-wrong-secret-91fc',
  nextSecret: 'canary-3-next-secret-07ad',
  password: 'canary-4-password-c3d8',
  nextPassword: 'canary-5-next-password-44e1',
} as const;

let test: TestServices;
let admin: TestPerson;
const said: unknown[] = [];
const secrets: string[] = Object.values(CANARIES);

/** Keeps what came back, or the error as it was thrown. */
async function keep<T>(promise: Promise<T>): Promise<T | null> {
  try {
    const value = await promise;
    said.push(value);
    return value;
  } catch (error) {
    said.push(error);
    return null;
  }
}

/** The same text as other writers would leave it. */
const forms = (secret: string): string[] => [
  secret,
  Buffer.from(secret).toString('hex'),
  Buffer.from(secret).toString('base64').replace(/=+$/, ''),
  encodeURIComponent(secret),
];

beforeAll(async () => {
  test = await startTestServices();
  admin = await test.person('root', ['admin']);
  const target = await test.server.createDatabase();
  await target.query(`CREATE ROLE canary_gate LOGIN PASSWORD '${CANARIES.secret}'`);
  const where = {
    host: '127.0.0.1',
    port: test.server.port,
    database: target.name,
    tlsMode: 'disable' as const,
    username: 'canary_gate',
  };
  const { ctx } = admin;
  const made = (await keep(createResource(ctx, { ...where, name: 'canary', secret: CANARIES.secret })))!;
  await keep(testResource(ctx, { name: 'canary' }));
  await keep(testResource(ctx, { name: 'canary', secret: CANARIES.wrongSecret }));
  await keep(testResource(ctx, { name: 'canary', host: 'elsewhere.invalid', secret: CANARIES.wrongSecret }));
  await keep(updateResource(ctx, { name: 'canary', secret: CANARIES.nextSecret, labels: { env: 'x' } }));
  await keep(storeFreshCatalog(ctx, made.id)); // refused: the next secret is not the target's
  await keep(updateResource(ctx, { name: 'canary', secret: { not: CANARIES.wrongSecret } }));
  await keep(loadResource(ctx, { name: 'canary' }));
  await keep(loadResources(ctx));
  const row = await test.services.db.resource.findUniqueOrThrow({
    where: { id: made.id },
    include: { credential: true },
  });
  said.push(openCredential(test.services.vault, row.id, row.credential!.sealed));
  const maskKey = openMaskKey(test.services.vault, row);
  secrets.push(maskKey.reveal((key) => key));
  said.push({ nested: [maskKey, new Map([['key', maskKey]])] });

  const email = 'canary@test.example';
  const proof = { password: PASSWORD };
  await keep(
    createUser(ctx, {
      email,
      name: 'C',
      groups: [],
      password: CANARIES.nextPassword,
      proof: { password: CANARIES.password },
    }),
  );
  const user = (await keep(createUser(ctx, { email, name: 'C', groups: [], password: CANARIES.password, proof })))!;
  await keep(createUser(ctx, { email, name: 'C', groups: ['none'], password: CANARIES.password, proof }));
  await keep(signIn(test.services, { email, password: CANARIES.password }, CLIENT));
  await keep(signIn(test.services, { email, password: CANARIES.wrongSecret }, CLIENT));
  const session = (await login(test.services, { email, password: CANARIES.password }, CLIENT))!;
  secrets.push(session.token);
  const actor = (await keep(authenticateApiToken(test.services, session.token)))!;
  const self = { services: test.services, actor };
  await keep(changePassword(self, { current: CANARIES.wrongSecret, next: CANARIES.nextPassword }));
  await keep(changePassword(self, { current: CANARIES.password, next: CANARIES.nextPassword }));
  await keep(updateUser(ctx, { id: user.id, password: CANARIES.password, proof }));
  const token = await createApiToken(ctx, { name: 'c', scopes: ['task:read'], ttlMs: 60_000 });
  secrets.push(token.token);
  said.push(token.apiToken);
});
afterAll(() => test.stop());

const expectNone = (text: string, where: string) => {
  for (const secret of secrets)
    for (const form of forms(secret)) expect(text.includes(form), `${secret} in ${where}`).toBe(false);
};

describe('a secret that was given to the product', () => {
  it('is in no column of any table of the store', async () => {
    const client = await test.database.connect();
    const tables = await client.query<{ name: string }>(
      `SELECT quote_ident(table_name) AS name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`,
    );
    expect(tables.rows.length).toBeGreaterThan(20);
    let seen = '';
    for (const { name } of tables.rows) {
      const { rows } = await client.query<{ row: string }>(`SELECT t::text AS row FROM ${name} t`);
      const text = rows.map(({ row }) => row).join('\n');
      expectNone(text, name);
      seen += text;
    }
    // What is looked for this way would be found.
    expect(seen).toContain('canary_gate');
    expect(seen).toContain('canary@test.example');
  });

  it('is in no answer, no error with its causes, and no log line, however they are printed', () => {
    expect(said.filter((value) => value instanceof Error).length).toBeGreaterThanOrEqual(5);
    for (const value of said) {
      expectNone(inspect(value, { depth: 20, showHidden: true }), 'inspect');
      expectNone(JSON.stringify(value) ?? '', 'JSON');
      expectNone(String(value), 'text');
      if (value instanceof Error) expectNone(`${value.stack} ${inspect(value.cause, { depth: 20 })}`, 'stack');
    }
    expectNone(test.logged.join('\n'), 'log');
  });

  it('is not in the log of the store’s server', () => {
    const log = test.server.log.filter((line) => !line.includes('CREATE ROLE'));
    expectNone(log.join('\n'), 'server log');
  });

  it('cannot be read back by pointing its resource at another server', async () => {
    const received: Buffer[] = [];
    const thief = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        received.push(chunk);
        socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3])); // AuthenticationCleartextPassword
      });
    });
    await new Promise<void>((resolve) => thief.listen(0, '127.0.0.1', resolve));
    const { port } = thief.address() as { port: number };
    await expect(testResource(admin.ctx, { name: 'canary', port })).rejects.toMatchObject({ code: 'bad-input' });
    await expect(updateResource(admin.ctx, { name: 'canary', port })).rejects.toMatchObject({ code: 'bad-input' });
    thief.close();
    expect(received).toEqual([]);
  });

  it('sealed for one resource opens for no other', async () => {
    const row = await test.services.db.credential.findFirstOrThrow();
    expect(() => openCredential(test.services.vault, 'res_other', row.sealed)).toThrow(/cannot be opened/);
    expect(String(new SecretValue(CANARIES.secret))).toBe('[redacted]');
  });
});
