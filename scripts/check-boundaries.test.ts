import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findImports, findViolations } from './check-boundaries.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'boundaries-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A workspace with one file in it; every workspace package is declared as a dependency. */
function violationsOf(file: string, source: string): readonly string[] {
  const folder = file.split('/').slice(0, 2).join('/');
  const names = ['core', 'policy', 'db', 'gateway', 'vault', 'services', 'testkit', 'protocol-postgres', 'contracts'];
  write(`${folder}/package.json`, {
    dependencies: {
      ...Object.fromEntries(names.map((name) => [`@taskgate/${name}`, 'workspace:*'])),
      zod: '4',
      pg: '8',
    },
  });
  write('packages/core/package.json', { exports: { '.': './src/index.ts' } });
  write(file, source);
  return findViolations(root).map(({ file: where, line, message }) => `${where}:${line} ${message}`);
}

function write(file: string, content: string | object): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), typeof content === 'string' ? content : JSON.stringify(content));
}

describe('findViolations', () => {
  it.each([
    ['the data path cannot reach the store', 'packages/gateway/src/a.ts', "import { x } from '@taskgate/db';"],
    ['the data path cannot reach the vault', 'packages/gateway/src/a.ts', "import type { X } from '@taskgate/vault';"],
    ['the data path cannot use a driver', 'packages/gateway/src/a.ts', "import pg from 'pg';"],
    ['services know no gateway', 'packages/services/src/a.ts', "export * from '@taskgate/gateway';"],
    ['the web knows no protocol', 'apps/web/src/a.tsx', 'const x = await import' + "('@taskgate/protocol-postgres');"],
    ['the web knows no store', 'apps/web/src/a.ts', "import {\n  x,\n} from '@taskgate/db';"],
    ['a pure package knows no Node', 'packages/policy/src/a.ts', "import { createHash } from 'node:crypto';"],
    ['not by its old name either', 'packages/policy/src/a.ts', "import { createHash } from 'crypto';"],
    ['core imports nothing', 'packages/core/src/a.ts', "import { z } from 'zod';"],
    ['nobody reaches into another package', 'packages/policy/src/a.ts', "import '@taskgate/core/src/id.ts';"],
    ['nor by a path', 'packages/policy/src/a.ts', "import { id } from '../../core/src/id.ts';"],
    ['production code knows no testkit', 'packages/services/src/a.ts', "import { x } from '@taskgate/testkit';"],
    ['what is used is declared', 'packages/services/src/a.ts', "import { x } from 'left-pad';"],
    ['a new package needs a rule', 'packages/surprise/src/a.ts', 'export const x = 1;'],
    ['a file is named after what it holds', 'packages/policy/src/utils.ts', 'export const x = 1;'],
  ])('%s', (_rule, file, source) => {
    const violations = violationsOf(file, source);
    expect(violations).toHaveLength(1);
    expect(violations[0]).toContain(file.split('/').slice(0, 2).join('/'));
  });

  it('lets through what the table allows', () => {
    expect(
      violationsOf('packages/gateway/src/a.ts', "import { x } from '@taskgate/policy';\nimport './b.ts';"),
    ).toEqual([]);
    expect(violationsOf('packages/services/src/a.test.ts', "import { x } from '@taskgate/testkit';")).toEqual([]);
    expect(violationsOf('packages/policy/src/a.test.ts', "import { join } from 'node:path';")).toEqual([]);
  });

  it('names the line and the reason', () => {
    expect(violationsOf('packages/gateway/src/a.ts', "\n\nimport { x } from '@taskgate/db';")).toEqual([
      'packages/gateway/src/a.ts:3 packages/gateway may not import `@taskgate/db` (the data path knows no database, no Prisma and no vault: they come through its ports)',
    ]);
  });
});

describe('findImports', () => {
  it('sees every form, and none in a comment', () => {
    const source = [
      "// import 'a';",
      "/* import 'b';\n */",
      "import 'c';",
      "import type { D } from 'd';",
      "export { e } from 'e';",
      'const f = import' + "('f'); const g = require" + "('g');",
    ].join('\n');
    expect(findImports(source).map(({ specifier }) => specifier)).toEqual(['c', 'd', 'e', 'f', 'g']);
  });
});
