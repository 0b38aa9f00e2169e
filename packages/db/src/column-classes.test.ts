import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isSecretColumn, SECRET_COLUMNS } from './column-classes.ts';

const folder = join(import.meta.dirname, '../../../prisma/models');
const CLASSES = ['public', 'sensitive', 'secret'];

interface Column {
  readonly model: string;
  readonly name: string;
  readonly class: string | null;
}

/** Every column (fields that are relations have none) as the models write them. */
function readColumns(): Column[] {
  const source = readdirSync(folder)
    .sort()
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('\n');
  const models = [...source.matchAll(/^model (\w+) \{\n([\s\S]*?)^\}/gm)];
  const names = new Set(models.map((match) => match[1]!));
  return models.flatMap(([, model, body]) =>
    body!.split('\n').flatMap((line) => {
      const field = /^ {2}(\w+)\s+(\w+)(\[\]|\?)?(.*)$/.exec(line);
      if (!field || names.has(field[2]!)) return [];
      return [{ model: model!, name: field[1]!, class: /\/\/\/ @class (\w+)$/.exec(field[4]!)?.[1] ?? null }];
    }),
  );
}

describe('the columns of the store', () => {
  const columns = readColumns();

  it('each say their class', () => {
    expect(columns.length).toBeGreaterThan(130);
    expect(columns.filter((column) => !CLASSES.includes(column.class ?? ''))).toEqual([]);
  });

  it('of class secret are the ones that audit rows and answers leave out', () => {
    const secret = columns.filter((column) => column.class === 'secret').map(({ model, name }) => `${model}.${name}`);
    const listed = Object.entries(SECRET_COLUMNS).flatMap(([model, names]) => names.map((name) => `${model}.${name}`));
    expect(secret.sort()).toEqual(listed.sort());
    expect(isSecretColumn('passwordHash')).toBe(true);
    expect(isSecretColumn('email')).toBe(false);
  });
});
