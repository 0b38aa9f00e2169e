import { createHmac } from 'node:crypto';
import { DETECTOR_KINDS, type MaskName } from '@taskgate/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CopyRowMasker, type CopySink, createCopyRowMasker, createRowMasker, type MaskedColumn } from './index.ts';

const ports = {
  hmacSha256: (bytes: Uint8Array): Uint8Array => new Uint8Array(createHmac('sha256', 'key').update(bytes).digest()),
};
const ALL = DETECTOR_KINDS.map((kind) => ({ kind, mask: 'redact' as MaskName }));
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const column = (typeOid: number, mask: MaskName | null = null, format: 'text' | 'binary' = 'text'): MaskedColumn => ({
  mask,
  typeOid,
  typeModifier: -1,
  format,
});

function maskOne(type: MaskedColumn, value: string | Uint8Array, detectors = ALL): string | null | undefined {
  const rows = createRowMasker({ columns: [type], detectors, ports });
  const masked = rows.maskColumn(0, typeof value === 'string' ? bytesOf(value) : value);
  expect(rows.maskedCells).toBe(masked === undefined ? 0 : 1);
  return masked ? new TextDecoder('utf-8', { fatal: true }).decode(masked) : masked;
}

const CARD = '4111111111111111';
const KEY = '-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----';

/** The row behind others, in memory that is too small at first, read from within a longer chunk. */
function maskedRow(rows: CopyRowMasker, row: Uint8Array): Uint8Array {
  const sink: CopySink & { bytes: Uint8Array } = {
    bytes: bytesOf('before'),
    length: 6,
    reserve(count) {
      if (this.length + count <= this.bytes.length) return;
      const larger = new Uint8Array(this.length + count);
      larger.set(this.bytes.subarray(0, this.length));
      this.bytes = larger;
    },
  };
  rows.maskRow(Buffer.concat([bytesOf('123-45-'), row, bytesOf('6789\t\\')]), 7, 7 + row.length, sink);
  expect(new TextDecoder().decode(sink.bytes.subarray(0, 6))).toBe('before');
  return Uint8Array.from(sink.bytes.subarray(6, sink.length));
}

describe('a row', () => {
  test('only masked columns, and with detectors those that can hold text, need to be looked at', () => {
    const columns = [
      column(25),
      column(23),
      column(23, 'redact'),
      column(3802),
      column(1009),
      column(1007),
      column(2249),
    ];
    expect(createRowMasker({ columns, detectors: ALL, ports }).needsValues).toEqual([0, 2, 3, 4, 6]);
    expect(createRowMasker({ columns, detectors: [], ports }).needsValues).toEqual([2]);
  });

  test('a value with nothing to mask stays the bytes it came in, and NULL stays NULL', () => {
    const rows = createRowMasker({ columns: [column(25), column(25, 'redact')], detectors: ALL, ports });
    expect(rows.maskColumn(0, bytesOf('plain, 12 items'))).toBe(undefined);
    expect(rows.maskColumn(1, null)).toBe(undefined);
    expect(rows.maskedCells).toBe(0);
  });

  test('a column that was not decided on ends the session rather than pass', () => {
    const rows = createRowMasker({ columns: [column(25)], detectors: [], ports });
    expect(() => rows.maskColumn(1, bytesOf('x'))).toThrow('1 were decided on');
  });

  test('only what was found is masked, in the form of its mask', () => {
    const text = `é ${CARD} and 4111-1111-1111-1111, 123-45-6789, anna@example.com 漢`;
    expect(maskOne(column(25), text)).toBe('é [card-number] and [card-number], [ssn], [email] 漢');
    const mild = [
      { kind: 'card-number', mask: 'last4' },
      { kind: 'ssn', mask: 'last4' },
      { kind: 'email', mask: 'email' },
    ] as const;
    expect(maskOne(column(25), text, [...mild])).toBe(
      'é ************1111 and ****-****-****-1111, ***-**-6789, a***@example.com 漢',
    );
    const hash = ports.hmacSha256(bytesOf(CARD));
    expect(maskOne(column(25), CARD, [{ kind: 'card-number', mask: 'hash' }])).toBe(
      Buffer.from(hash).toString('hex').slice(0, 32),
    );
    expect(maskOne(column(25), `x ${CARD}`, [{ kind: 'card-number', mask: 'null' }])).toBe(null);
  });

  test('masks that make no sense for what was found become redact', () => {
    expect(maskOne(column(25), CARD, [{ kind: 'card-number', mask: 'email' }])).toBe('[card-number]');
    expect(maskOne(column(25), KEY, [{ kind: 'private-key', mask: 'last4' }])).toBe('[private-key]');
  });

  test('a value in a Buffer, whose slice is a view, stays as it came and counts as masked', () => {
    const value = Buffer.from(`{"card":${CARD}}`);
    expect(maskOne(column(3802), value, [{ kind: 'card-number', mask: 'last4' }])).toBe('{"card":"************1111"}');
    expect(value.toString()).toBe(`{"card":${CARD}}`);
  });

  test('a detector that is stricter than the mild mask of its column wins', () => {
    expect(maskOne(column(25, 'email'), 'anna@example.com')).toBe('[email]');
    expect(maskOne(column(25, 'email'), 'anna@example.com', [])).toBe('a***@example.com');
  });

  test('a masked value fits its varchar(n)', () => {
    const type = { ...column(1043), typeModifier: 11 + 4 };
    expect(maskOne(type, 'a@bcdef.org', [{ kind: 'email', mask: 'hash' }])).toHaveLength(11);
  });

  test('JSON stays JSON, and escapes hide nothing', () => {
    const json = `{"a":"anna@example.com","n":${CARD},"m":-${CARD}.5e3,"e":"b\\u006fb\\u0040x.com","k":${JSON.stringify(KEY)},"ok":[1,true,"\\""],"u":"漢\\u00e9"}`;
    const masked = maskOne(column(114), json);
    expect(JSON.parse(masked!)).toEqual({
      a: '[email]',
      n: '[card-number]',
      m: expect.stringContaining('[card-number]'),
      e: '[email]',
      k: '[private-key]',
      ok: [1, true, '"'],
      u: '漢é',
    });
    expect(masked).toContain('"ok":[1,true,"\\""],"u":"漢\\u00e9"');
  });

  test('binary jsonb keeps its version byte', () => {
    expect(maskOne(column(3802, null, 'binary'), `\u0001{"a":"anna@example.com"}`)).toBe('\u0001{"a":"[email]"}');
    expect(maskOne(column(3802, null, 'binary'), `\u0001{"a":"b"}`)).toBe(undefined);
  });

  test('the elements of a text array are masked one by one, quoted as the array needs it', () => {
    expect(maskOne(column(1009), `{plain,anna@example.com,"a \\"b\\" 123-45-6789",NULL,{"${CARD}"}}`)).toBe(
      '{plain,"[email]","a \\"b\\" [ssn]",NULL,{"[card-number]"}}',
    );
    expect(maskOne(column(3807), '{"{\\"a\\": \\"anna@example.com\\"}"}')).toBe('{"{\\"a\\": \\"[email]\\"}"}');
    expect(maskOne(column(1009), '[2:2]={anna@example.com}')).toBe('[2:2]={"[email]"}');
  });

  test('a binary text array keeps its shape around what was masked', () => {
    const array = (...elements: (string | null)[]): Uint8Array => {
      const head = Buffer.alloc(20);
      head.writeInt32BE(1, 0);
      head.writeInt32BE(1, 4);
      head.writeInt32BE(25, 8);
      head.writeInt32BE(elements.length, 12);
      head.writeInt32BE(1, 16);
      const parts = elements.flatMap((element) => {
        const length = Buffer.alloc(4);
        length.writeInt32BE(element === null ? -1 : element.length);
        return element === null ? [length] : [length, Buffer.from(element)];
      });
      return new Uint8Array(Buffer.concat([head, ...parts]));
    };
    const rows = createRowMasker({ columns: [column(1009, null, 'binary')], detectors: ALL, ports });
    expect(rows.maskColumn(0, array('x', null, 'anna@example.com', 'y'))).toEqual(array('x', null, '[email]', 'y'));
    expect(rows.maskColumn(0, array('x', null))).toBe(undefined);
    const cut = array('anna@example.com').subarray(0, 30);
    expect(Buffer.from(rows.maskColumn(0, cut)!).toString('hex')).toBe('000000000000000000000019');
  });

  test('in a type whose form is not known a finding takes the whole value', () => {
    expect(maskOne(column(2249), '(1,anna@example.com)')).toBe(null);
    expect(maskOne(column(2249), '(1,anna)')).toBe(undefined);
    expect(maskOne(column(90_001, null, 'binary'), `\u0000\u0001 ${CARD} \u0000`)).toBe(null);
  });
});

describe('a row of a COPY', () => {
  const columns = [
    { mask: 'email' as MaskName, typeOid: 25, typeModifier: -1 },
    { mask: null, typeOid: 25, typeModifier: -1 },
    { mask: 'null' as MaskName, typeOid: 23, typeModifier: -1 },
  ];
  const copied = (
    format: 'text' | 'csv',
    row: string,
    detectors = ALL.filter((rule) => rule.kind !== 'email'),
  ): string =>
    new TextDecoder().decode(maskedRow(createCopyRowMasker({ format, columns, detectors, ports }), bytesOf(row)));

  test('in text format is masked by column and by what is found, through its escapes', () => {
    expect(copied('text', 'anna@example.com\ta\\tb 123-45-6789 \\\\\t7\n')).toBe(
      'a***@example.com\ta\\tb [ssn] \\\\\t\\N\n',
    );
    expect(copied('text', 'no\\nmail\t\\N\t\\N\n')).toBe('[masked]\t\\N\t\\N\n');
  });

  test('in csv format is masked through its quotes', () => {
    expect(copied('csv', 'anna@example.com,"a ""b"", 123-45-6789\n",7\n')).toBe(
      '"a***@example.com","a ""b"", [ssn]\n",\n',
    );
    expect(copied('csv', ',"",\n')).toBe(',"",\n');
  });

  test('an escape between the digits does not hide a number', () => {
    const rows = createCopyRowMasker({ format: 'text', columns: [columns[1]!], detectors: ALL, ports });
    expect(new TextDecoder().decode(maskedRow(rows, bytesOf('a\\n123-45-6789\\n\n')))).toBe('a\\n[ssn]\\n\n');
    expect(rows.maskedCells).toBe(1);
  });

  test('a column whose type is not known shows nothing of a masked value', () => {
    for (const mask of ['email', 'last4', 'hash', 'redact'] as const) {
      const rows = createCopyRowMasker({ format: 'text', columns: [{ mask }, { mask: null }], detectors: ALL, ports });
      expect(new TextDecoder().decode(maskedRow(rows, bytesOf('12345678\t123-45-6789\n')))).toBe('[masked]\t[ssn]\n');
    }
  });

  test('a row with nothing to mask is the array that came in', () => {
    const rows = createCopyRowMasker({ format: 'text', columns: [columns[1]!], detectors: ALL, ports });
    const row = bytesOf('plain\n');
    expect(maskedRow(rows, row)).toEqual(row);
  });

  test.each([
    ['text', 'a\tb\n'],
    ['text', 'a\tb\tc\td\n'],
    ['text', 'a\tb\tc'],
    ['text', 'a\tb\tc\na\tb\tc\n'],
    ['text', 'a\\x41\tb\tc\n'],
    ['text', '\\.\n'],
    ['text', ''],
    ['csv', 'a,b\n'],
    ['csv', 'a,"b,c\n'],
    ['csv', 'a,"b"x,c\n'],
    ['csv', 'a,b"c,d\n'],
    ['csv', 'a,b,c\nd,e,f\n'],
  ] as const)('in %s format that cannot be read ends the COPY: %j', (format, row) => {
    expect(() => copied(format, row)).toThrow('cannot be masked');
  });
});

describe('a unique canary in a masked cell never comes out', () => {
  const canary = fc.string({ unit: fc.constantFrom(...'GHJKLMNPQRSTUVWXYZ'), minLength: 12, maxLength: 12 });
  const around = fc.string({ unit: 'grapheme', maxLength: 30 });
  const mask = fc.constantFrom<MaskName>('hash', 'redact', 'null', 'last4', 'email');
  const type = fc.constantFrom(
    25,
    1043,
    1042,
    19,
    705,
    16,
    23,
    1700,
    1184,
    2950,
    114,
    3802,
    142,
    17,
    1009,
    3807,
    2249,
    90_001,
  );
  const format = fc.constantFrom<'text' | 'binary'>('text', 'binary');

  test('of any type, format and mask', () => {
    fc.assert(
      fc.property(canary, around, around, type, format, mask, (text, before, after, oid, form, name) => {
        const rows = createRowMasker({ columns: [column(oid, name, form)], detectors: ALL, ports });
        const shown = rows.maskColumn(0, bytesOf(before + text + after));
        expect(shown).not.toBe(undefined);
        // What follows an `@` is shown by the email mask, as it is meant to.
        if (shown && !(name === 'email' && before.includes('@'))) expect(Buffer.from(shown).includes(text)).toBe(false);
      }),
      { numRuns: 1000 },
    );
  });

  test('of a COPY in any format', () => {
    const fields = fc.array(fc.string({ unit: 'grapheme', maxLength: 12 }), { minLength: 3, maxLength: 3 });
    const hidden = fc.constantFrom<MaskName>('hash', 'redact', 'null');
    fc.assert(
      fc.property(canary, fields, hidden, fc.nat(2), (text, values, name, place) => {
        const row = values.map((value, index) => (index === place ? value + text + value : value));
        const columns = row.map((_, index) => ({ mask: index === place ? name : null, typeOid: 25, typeModifier: -1 }));
        const escapes: Record<string, string> = {
          '\b': '\\b',
          '\f': '\\f',
          '\n': '\\n',
          '\r': '\\r',
          '\t': '\\t',
          '\v': '\\v',
          '\\': '\\\\',
        };
        const line = {
          text: row.map((value) => [...value].map((each) => escapes[each] ?? each).join('')).join('\t'),
          csv: row.map((value) => `"${value.replaceAll('"', '""')}"`).join(','),
        };
        for (const form of ['text', 'csv'] as const) {
          const rows = createCopyRowMasker({ format: form, columns, detectors: [], ports });
          const shown = Buffer.from(maskedRow(rows, bytesOf(`${line[form]}\n`))).toString();
          expect(shown).not.toContain(text);
          expect(rows.maskedCells).toBe(1);
        }
      }),
    );
  });
});

test('masking what was masked changes nothing more', () => {
  const rules = [
    { kind: 'card-number', mask: 'last4' },
    { kind: 'email', mask: 'email' },
    { kind: 'ssn', mask: 'last4' },
    { kind: 'secret', mask: 'redact' },
  ] as const;
  const part = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 10 }),
    fc.constantFrom(CARD, '123-45-6789', 'anna@example.com', 'a@b.co', 'AKIAIOSFODNN7EXAMPLE', ' ', '-', '@'),
  );
  fc.assert(
    fc.property(fc.array(part), fc.constantFrom(25, 114, 1009), (parts, oid) => {
      const rows = createRowMasker({ columns: [column(oid)], detectors: [...rules], ports });
      const text = parts.join('');
      const value =
        oid === 25 ? text : oid === 114 ? JSON.stringify({ text }) : `{"${text.replace(/["\\]/g, '\\$&')}"}`;
      const once = rows.maskColumn(0, bytesOf(value));
      if (once) expect(rows.maskColumn(0, once)).toBe(undefined);
    }),
    { numRuns: 500 },
  );
});

test('a value is masked alike wherever it lies, and by nothing that lies beside it', () => {
  const part = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.constantFrom(CARD, KEY, '123-45-6789', 'anna@example.com', 'AKIAIOSFODNN7EXAMPLE', '@', '-', '4', 'é'),
  );
  const text = fc.array(part, { maxLength: 4 }).map((parts) => parts.join(''));
  const mask = fc.constantFrom<MaskName | null>(null, 'email', 'last4', 'redact', 'hash');
  fc.assert(
    fc.property(text, text, text, mask, fc.constantFrom(25, 1043, 114), (before, value, after, masked, oid) => {
      const rows = createRowMasker({ columns: [column(oid, masked)], detectors: ALL, ports });
      const [head, bytes] = [bytesOf(before), bytesOf(value)];
      const all = Buffer.concat([head, bytes, bytesOf(after)]);
      expect(rows.maskRange(0, all, head.length, head.length + bytes.length)).toEqual(rows.maskColumn(0, bytes));
    }),
    { numRuns: 1_000 },
  );
});
