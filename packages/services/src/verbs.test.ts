import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { contract } from '@taskgate/contracts';
import { SECRET_COLUMNS } from '@taskgate/db';
import { describe, expect, it } from 'vitest';
import type * as z from 'zod';

const files = readdirSync(import.meta.dirname, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.includes('.test.'))
  .map((entry) => join(entry.parentPath, entry.name))
  .map((path) => ({ path: relative(import.meta.dirname, path), source: readFileSync(path, 'utf8') }))
  .filter(({ path }) => !path.startsWith('testing/'));

const WRITES = /\b(tx|db)\.\w+\.(create|createMany|update|updateMany|upsert|delete|deleteMany)\(/;
const CHECKS = /\brequire(Scope|AnyScope|Person|Identity|System|OwnSignIn)\(/;
/** What is part of a verb, which has checked the caller: it runs in the verb's transaction, or says so. */
const PARTS = /export async function (\w+)\(\s*tx: Transaction|actor: IdentityActor,|The caller has checked/;
/** Before there is a caller to check, or about nothing that anybody decided; each says why. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  'people/sign-in.ts': 'proves who somebody is: the password is the check',
  'people/login.ts': 'proves who somebody is: the password is the check',
  'sign-in/sign-in-flow.ts': 'before there is a caller: the state and the cookie of the sign-in are the check',
  'sign-in/start-provider-sign-in.ts': 'before there is a caller: whoever may, begins a sign-in',
  'sign-in/finish-saml-sign-in.ts': 'before there is a caller: the provider proves who it is',
  'sign-in/redeem-sign-in.ts': 'proves who somebody is: the code and the cookie are the check',
  'people/verify-sign-in.ts': 'counts attempts, before there is a caller',
  'people/check-web-session.ts': 'notes when a sign-in was last seen',
  'people/authenticate-api-token.ts': 'notes when a token was last used',
  'machines/verify-subject-token.ts': 'proves who somebody is: the issuer’s signature is the check',
  'scim/authenticate-scim-token.ts': 'notes when a token was last used',
  'setup/load-signer.ts': 'makes the signing key at the first start',
  'devices/start-device-sign-in.ts': 'asks for somebody to let it in: there is nobody yet',
  'devices/redeem-device-code.ts': 'proves with the device code that somebody let it in',
  'gateway/load-sealed-key.ts': 'makes a key of the gateway at its first use',
  'principals/installation-id.ts': 'makes a random name of this store at its first use',
};

describe('a file that writes to the store', () => {
  const writing = files.filter(({ source }) => WRITES.test(source));

  it('is found', () => {
    expect(writing.map(({ path }) => path)).toContain('people/update-user.ts');
    expect(writing.length).toBeGreaterThan(15);
  });

  it.each(writing.map(({ path, source }) => [path, source] as const))(
    '%s checks the caller, unless its caller has',
    (path, source) => {
      if (!(path in EXCEPTIONS) && !PARTS.test(source)) expect(source).toMatch(CHECKS);
    },
  );

  it.each(writing.map(({ path, source }) => [path, source] as const))(
    '%s writes an audit row, or has one written',
    (path, source) => {
      if (!(path in EXCEPTIONS) || path.includes('sign-in') || path.includes('login'))
        expect(source).toMatch(/\bemitAudits?\(|The caller writes the audit row|No audit row:/);
    },
  );
});

describe('answers of the API', () => {
  const secret = new Set(Object.values(SECRET_COLUMNS).flat());
  /** Same word, another thing: the public hash of a recording's head, the claim that a token gave. */
  const PUBLIC = /\.head\.hash$|\.verdicts\.given$/;

  it('have no field that is a secret column', () => {
    const found: string[] = [];
    for (const [noun, verbs] of Object.entries(contract))
      for (const [verb, procedure] of Object.entries(verbs)) {
        const output = (procedure as { '~orpc': { outputSchema?: z.ZodType } })['~orpc'].outputSchema;
        if (output) found.push(...fieldsOf(output, `${noun}.${verb}`));
      }
    expect(found.length).toBeGreaterThan(200);
    expect(found.filter((path) => secret.has(path.split('.').at(-1)!) && !PUBLIC.test(path))).toEqual([]);
  });
});

interface Definition {
  readonly type: string;
  readonly shape?: Record<string, z.ZodType>;
  readonly element?: z.ZodType;
  readonly innerType?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly options?: readonly z.ZodType[];
}

/** Dotted paths of every field of a schema. */
function fieldsOf(schema: z.ZodType, path: string): string[] {
  const definition = (schema as unknown as { _zod?: { def: Definition } })._zod?.def;
  if (!definition) return [];
  const { shape, element, innerType, valueType, options } = definition;
  const inner = [element, innerType, valueType, ...(options ?? [])].filter((part) => part !== undefined);
  return [
    ...Object.entries(shape ?? {}).flatMap(([name, field]) => [
      `${path}.${name}`,
      ...fieldsOf(field, `${path}.${name}`),
    ]),
    ...inner.flatMap((part) => fieldsOf(part, path)),
  ];
}
