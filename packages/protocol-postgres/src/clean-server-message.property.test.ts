import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cleanServerMessage,
  cleanServerNotice,
  isCommandTag,
  mayTellSetting,
  type Said,
} from './clean-server-message.ts';
import { CONDITION_NAMES } from './condition-names.ts';
import { SERVER_HINTS, SERVER_MESSAGES } from './server-messages.ts';

const NAMES = new Set(['public', 'customers', 'public.customers', 'email', 'ssn', 'customers_ssn_key', 'integer']);
const said = (text: string, parameters: readonly string[] = []): Said => ({
  text,
  parameters,
  copies: false,
  isName: (word) => NAMES.has(word.toLowerCase()),
});

/** Signs that no sentence of Postgres, sqlstate or name here has four of in a row. */
const canary = fc
  .array(fc.constantFrom('7', '3', '-', '5', 'q', 'Z', '@', '\u00e9', '_', '.'), { minLength: 4, maxLength: 16 })
  .map((signs) => signs.join(''));
const piecesOf = (text: string): string[] => {
  const pieces: string[] = [];
  for (let at = 0; at + 4 <= text.length; at++) pieces.push(text.slice(at, at + 4).toLowerCase());
  return pieces;
};

const TEMPLATES = [...SERVER_MESSAGES].flatMap(([code, texts]) => texts.map((text) => [code, text] as const));
const filled = (secret: string) =>
  fc.oneof(
    fc.constantFrom(...TEMPLATES.map(([, text]) => text.replaceAll('%s', secret))),
    fc.constantFrom(...SERVER_HINTS.map((text) => text.replaceAll('%s', secret))),
    fc.constantFrom(secret, `"${secret}"`, `customers ${secret}`, `Failing row contains (${secret})`),
    fc.string().map((text) => `${text}${secret}`),
  );
/** Any error that a server could make up about a secret. */
const hostile = (secret: string) =>
  fc
    .record({
      fields: fc.dictionary(fc.constantFrom(...'SVMDHPpqWstcdnFLRX'), filled(secret), { noNullPrototype: true }),
      code: fc.constantFrom(...CONDITION_NAMES.keys(), secret.slice(0, 5), '00000'),
      position: fc.option(fc.oneof(fc.nat(60).map(String), fc.constant(secret))),
    })
    .map(({ fields, code, position }) => {
      const all = new Map(Object.entries(fields)).set('C', code);
      return position === null ? all : all.set('P', position);
    });

describe('an error of a server that may quote hidden data', () => {
  it('tells no four signs in a row of a secret that the client did not say itself', () => {
    fc.assert(
      fc.property(
        canary.chain((secret) => fc.tuple(fc.constant(secret), hostile(secret))),
        fc.string({ maxLength: 40 }),
        fc.array(fc.string({ maxLength: 10 }), { maxLength: 2 }),
        ([secret, fields], text, parameters) => {
          const own = said(`select ssn from customers ${text}`, parameters);
          const known = [own.text, ...parameters].join('\u0000').toLowerCase();
          const told = [
            ...cleanServerMessage(fields, own).fields.values(),
            ...(cleanServerNotice(fields, own)?.values() ?? []),
          ];
          for (const piece of piecesOf(secret).filter((part) => !known.includes(part)))
            for (const value of told) expect(value.toLowerCase(), value).not.toContain(piece);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('has a code of Postgres, a severity of the protocol, and a message, whatever came', () => {
    fc.assert(
      fc.property(canary.chain(hostile), (fields) => {
        const cleaned = cleanServerMessage(fields, said('select 1')).fields;
        expect(CONDITION_NAMES.has(cleaned.get('C')!)).toBe(true);
        expect(cleaned.get('M')).not.toBe('');
        expect(cleaned.get('V')).toMatch(/^[A-Z]+$/);
        expect([...cleaned.keys()].filter((letter) => 'DWqpFLR'.includes(letter))).toEqual([]);
      }),
    );
  });

  it('tells a setting or a command tag that holds a secret to nobody', () => {
    fc.assert(
      fc.property(
        canary,
        fc.constantFrom('application_name', 'TimeZone', 'DateStyle', 'search_path'),
        (secret, name) => {
          expect(mayTellSetting(name, secret, 'before', said('select 1'))).toBe(false);
          for (const tag of [secret, `SELECT ${secret}`, `SELECT 1 ${secret}`, `INSERT 0 ${secret}`])
            if (!/^\d+$/.test(secret)) expect(isCommandTag(tag)).toBe(false);
        },
      ),
    );
  });
});

describe('what the client said itself comes back to it', () => {
  const error = (code: string, message: string, more: Readonly<Record<string, string>> = {}) =>
    new Map(Object.entries({ S: 'ERROR', V: 'ERROR', C: code, M: message, ...more }));

  it.each([
    ['42P01', 'relation "nope" does not exist', 'select * from nope', '15'],
    ['42703', 'column "nope" does not exist', 'select Nope from customers', '8'],
    ['42703', 'column c.nope does not exist', 'select c.nope from customers c', '8'],
    ['42883', 'function total(integer, text) does not exist', "select total(1, 'a'::text)", '8'],
    ['42883', 'operator does not exist: integer ||| text', "select 1 ||| 'a'::text", '10'],
    ['42601', 'syntax error at or near "form"', 'select 1 form x', '10'],
    ['22P02', 'invalid input syntax for type integer: "abc"', "select 'abc'::integer", '8'],
    ['42804', 'argument of WHERE must be type boolean, not type integer', 'select 1 where 1', '16'],
    [
      '42803',
      'column "customers.email" must appear in the GROUP BY clause or be used in an aggregate function',
      'select customers.email, count(*) from customers',
      '8',
    ],
  ])('%s %s', (code, message, text, position) => {
    expect(cleanServerMessage(error(code, message, { P: position }), said(text))).toMatchObject({ withheld: false });
    expect(cleanServerMessage(error(code, message, { P: position }), said(text)).fields.get('M')).toBe(message);
  });

  it.each([
    ['23505', 'duplicate key value violates unique constraint "customers_ssn_key"'],
    ['23502', 'null value in column "ssn" of relation "customers" violates not-null constraint'],
    ['42501', 'permission denied for table customers'],
    ['22012', 'division by zero'],
    ['40001', 'could not serialize access due to concurrent update'],
    ['57014', 'canceling statement due to user request'],
  ])('%s %s, without a position', (code, message) => {
    expect(cleanServerMessage(error(code, message), said('select 1')).fields.get('M')).toBe(message);
  });

  it('a value is its own only where the server read it in the text, or as a parameter', () => {
    const failed = (more: Readonly<Record<string, string>> = {}) =>
      error('22P02', 'invalid input syntax for type integer: "111-22-3333"', more);
    const guess = "select /* 111-22-3333 */ total('x')";
    for (const more of [{}, { P: '9', q: 'select ssn', p: '3' }, { P: '900' }])
      expect(cleanServerMessage(failed(more), said(guess)).fields.get('M')).toBe('invalid text representation');
    expect(cleanServerMessage(failed(), said('select $1', ['111-22-3333'])).fields.get('M')).toContain('111-22-3333');
  });

  it('a code that is not Postgres’ own and a text of user code are replaced', () => {
    expect(cleanServerMessage(error('11122', '333'), said('')).fields).toEqual(
      new Map([
        ['S', 'ERROR'],
        ['V', 'ERROR'],
        ['C', 'P0001'],
        ['M', 'raise exception'],
      ]),
    );
  });
});
