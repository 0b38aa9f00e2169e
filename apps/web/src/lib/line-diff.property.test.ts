import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lineDiff } from './line-diff.ts';

const text = fc.array(fc.constantFrom('allow:', '  - select: a', '  - select: b', 'deny:', ''), { maxLength: 30 });

test('a diff read by its left side is the text before, by its right side the text after', () => {
  fc.assert(
    fc.property(text, text, (before, after) => {
      const lines = lineDiff(`${before.join('\n')}\n`, `${after.join('\n')}\n`);
      const left = lines.filter((line) => line.kind !== 'added').map((line) => line.text);
      const right = lines.filter((line) => line.kind !== 'removed').map((line) => line.text);
      expect(left.join('\n')).toBe(before.join('\n'));
      expect(right.join('\n')).toBe(after.join('\n'));
    }),
  );
});

test('equal texts have no change in them', () => {
  fc.assert(
    fc.property(text, (lines) => {
      expect(lineDiff(lines.join('\n'), lines.join('\n')).every((line) => line.kind === 'same')).toBe(true);
    }),
  );
});
