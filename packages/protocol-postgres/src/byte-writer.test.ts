import { expect, it } from 'vitest';
import { decodeErrorFields, encodeErrorFields } from './error-fields.ts';

it('a message that grows at any byte keeps all of them', () => {
  for (let length = 0; length < 300; length++) {
    const fields = new Map([
      ['M', 'x'.repeat(length)],
      ['H', 'y'.repeat(7)],
    ]);
    expect(decodeErrorFields(encodeErrorFields('error', fields))).toEqual(fields);
  }
});
