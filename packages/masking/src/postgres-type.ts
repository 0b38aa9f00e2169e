import { utf8Encode } from '@taskgate/core';

/** What RowDescription says of a column, and what the gate knows beyond it. */
export interface ColumnType {
  /** pg_type.oid. A domain arrives as its base type. */
  readonly oid: number;
  readonly format: 'text' | 'binary';
  /** `atttypmod`; -1 or absent: none. */
  readonly typeModifier?: number;
  /** The caller knows that this type is text under another OID, such as citext. */
  readonly isText?: boolean;
}

export const BPCHAR = 1042;
const VARCHAR = 1043;
const NAME = 19;
export const JSON_OID = 114;
export const JSONB_OID = 3802;
const XML = 142;

/** text, varchar, char(n), name, unknown. */
const TEXT_OIDS: ReadonlySet<number> = new Set([25, VARCHAR, BPCHAR, NAME, 705]);

export const isTextType = (type: ColumnType): boolean => type.isText === true || TEXT_OIDS.has(type.oid);

/** Characters that the column has room for; `null`: any number. `typmod` of varchar and char(n) is the length and 4. */
export function maxCharactersOf(oid: number, typeModifier: number | undefined): number | null {
  if (oid === NAME) return 63;
  if ((oid === VARCHAR || oid === BPCHAR) && typeModifier !== undefined && typeModifier > 4) return typeModifier - 4;
  return null;
}

/** Array type to element type, for the built-in types (pg_type.dat). */
const ELEMENT_OF: ReadonlyMap<number, number> = new Map([
  [1000, 16],
  [1001, 17],
  [1002, 18],
  [1003, NAME],
  [1005, 21],
  [1007, 23],
  [1009, 25],
  [1014, BPCHAR],
  [1015, VARCHAR],
  [1016, 20],
  [1021, 700],
  [1022, 701],
  [1028, 26],
  [1040, 829],
  [775, 774],
  [1041, 869],
  [651, 650],
  [1115, 1114],
  [1182, 1082],
  [1183, 1083],
  [1185, 1184],
  [1187, 1186],
  [1231, 1700],
  [1270, 1266],
  [1561, 1560],
  [1563, 1562],
  [2951, 2950],
  [199, JSON_OID],
  [3807, JSONB_OID],
  [143, XML],
  [791, 790],
  [3905, 3904],
  [3907, 3906],
  [3909, 3908],
  [3911, 3910],
  [3913, 3912],
  [3927, 3926],
]);

/** OID of the elements of a built-in array type, else `null`. */
export const elementOf = (oid: number): number | null => ELEMENT_OF.get(oid) ?? null;

const zeroes = (length: number): Uint8Array => new Uint8Array(length);
const MASKED_JSON = '"[masked]"';

/** Type to a valid value that says nothing: text form and binary form (those of the types' own send functions). */
const REDACTED: ReadonlyMap<number, readonly [string, Uint8Array]> = new Map<number, readonly [string, Uint8Array]>([
  [16, ['f', zeroes(1)]], // bool
  [17, ['\\x', zeroes(0)]], // bytea
  [20, ['0', zeroes(8)]], // int8
  [21, ['0', zeroes(2)]], // int2
  [23, ['0', zeroes(4)]], // int4
  [26, ['0', zeroes(4)]], // oid
  [700, ['0', zeroes(4)]], // float4
  [701, ['0', zeroes(8)]], // float8
  [1700, ['0', zeroes(8)]], // numeric: no digits, weight, sign, scale
  [1082, ['2000-01-01', zeroes(4)]], // date
  [1083, ['00:00:00', zeroes(8)]], // time
  [1266, ['00:00:00+00', zeroes(12)]], // timetz
  [1114, ['2000-01-01 00:00:00', zeroes(8)]], // timestamp
  [1184, ['2000-01-01 00:00:00+00', zeroes(8)]], // timestamptz
  [1186, ['00:00:00', zeroes(16)]], // interval
  [2950, ['00000000-0000-0000-0000-000000000000', zeroes(16)]], // uuid
  [829, ['00:00:00:00:00:00', zeroes(6)]], // macaddr
  [774, ['00:00:00:00:00:00:00:00', zeroes(8)]], // macaddr8
  [869, ['0.0.0.0', Uint8Array.of(2, 32, 0, 4, 0, 0, 0, 0)]], // inet: family, bits, is cidr, length, address
  [650, ['0.0.0.0/0', Uint8Array.of(2, 0, 1, 4, 0, 0, 0, 0)]], // cidr
  [1562, ['', zeroes(4)]], // varbit: number of bits
  [JSON_OID, [MASKED_JSON, utf8Encode(MASKED_JSON)]],
  [JSONB_OID, [MASKED_JSON, Uint8Array.of(1, ...utf8Encode(MASKED_JSON))]],
  [XML, ['[masked]', utf8Encode('[masked]')]],
  ...[3904, 3906, 3908, 3910, 3912, 3926].map((oid) => [oid, ['empty', Uint8Array.of(1)]] as const), // ranges
]);

/** A value of the type that says nothing, in the requested format; `null` (SQL NULL) where no such value is known. */
export function redactedValue(type: ColumnType): Uint8Array | null {
  const element = elementOf(type.oid);
  if (element !== null) {
    if (type.format === 'text') return utf8Encode('{}');
    // No dimensions, no nulls, the element's type.
    const empty = new Uint8Array(12);
    new DataView(empty.buffer).setUint32(8, element);
    return empty;
  }
  const value = REDACTED.get(type.oid);
  if (value === undefined) return null;
  return type.format === 'text' ? utf8Encode(value[0]) : value[1].slice();
}

/** Types whose values are numbers, times, addresses or bytes: no detector looks at them. */
const NEVER_TEXT: ReadonlySet<number> = new Set(
  [...REDACTED.keys(), 18, 790, 1560, 600, 601, 602, 603, 604, 628, 718, 3220, 22, 30].filter(
    (oid) => oid !== JSON_OID && oid !== JSONB_OID && oid !== XML,
  ),
);

/** How detectors read a type. `opaque`: text of a form that is not known here, so that a finding takes the whole value. */
export type Content = 'text' | 'json' | 'array' | 'opaque' | 'none';

export function contentOf(type: ColumnType): Content {
  if (isTextType(type) || type.oid === XML) return 'text';
  if (type.oid === JSON_OID || type.oid === JSONB_OID) return 'json';
  const element = elementOf(type.oid);
  if (element !== null) return contentOf({ oid: element, format: type.format }) === 'none' ? 'none' : 'array';
  return NEVER_TEXT.has(type.oid) ? 'none' : 'opaque';
}
