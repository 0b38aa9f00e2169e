import { expect, it } from 'vitest';
import { storableJson, storableText } from './storable-json.ts';

it('nothing that a client can send makes a row that Postgres refuses', () => {
  expect(storableText('a\0b\ud800c😀')).toBe('a\ufffdb\ufffdc😀');
  expect(storableJson({ a: ['\0', '\udfff', '\\u0000'] })).toBe('{"a":["\ufffd","\ufffd","\\\\u0000"]}');
});
