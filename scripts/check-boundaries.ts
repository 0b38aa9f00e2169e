// Holds boundaries.ts against every import of the repository, and says which rule broke and why.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { BOUNDARIES, type Boundary, FORBIDDEN_FILE_NAMES, TEST_WORKSPACE } from './boundaries.ts';

export interface Violation {
  /** From the root. */
  readonly file: string;
  /** From 1; 0 when it is about the file as a whole. */
  readonly line: number;
  readonly message: string;
}

const SCOPE = '@taskgate/';
const SOURCE = /\.(ts|tsx|mts|mjs|js)$/;
const TEST = /\.test\.tsx?$/;
/** What tests share, and a package's own development scripts. */
const NEVER_SHIPPED = /^(packages|apps)\/[^/]+\/(scripts|src\/testing)\//;
const SKIPPED = new Set([
  'node_modules',
  '.next',
  'dist',
  'generated',
  'coverage',
  'fixtures',
  'test-results',
  'public',
]);
const BUILTINS = new Set(builtinModules);
/** Found by every test from the root, or (`server-only`) provided by Next itself. */
const UNDECLARED = ['vitest', 'fast-check', 'server-only'];

/** Every violation below `root`, in the order of files. */
export function findViolations(root: string, boundaries: readonly Boundary[] = BOUNDARIES): readonly Violation[] {
  const violations: Violation[] = [];
  for (const folder of sourceFolders(root)) {
    const files = listFiles(join(root, folder)).filter((file) => SOURCE.test(file));
    const boundary = boundaries.find((candidate) => matches(candidate.folder, folder));
    if (!boundary) {
      if (files.length > 0)
        violations.push({
          file: folder,
          line: 0,
          message: 'this folder has no entry in scripts/boundaries.ts: add one',
        });
      continue;
    }
    for (const file of files) checkFile(root, folder, file, boundary, violations);
  }
  return violations;
}

function checkFile(root: string, folder: string, file: string, boundary: Boundary, violations: Violation[]): void {
  const path = relative(root, file);
  const isTest = TEST.test(file) || NEVER_SHIPPED.test(path);
  const stem = basename(file).split('.')[0] ?? '';
  if (FORBIDDEN_FILE_NAMES.includes(stem))
    violations.push({ file: path, line: 0, message: `\`${stem}\` says nothing: name the file after its main export` });

  for (const { specifier, line } of findImports(readFileSync(file, 'utf8'))) {
    const problem = checkImport(root, folder, file, specifier, boundary, isTest);
    if (problem) violations.push({ file: path, line, message: `${problem} (${boundary.why})` });
  }
}

function checkImport(
  root: string,
  folder: string,
  file: string,
  specifier: string,
  boundary: Boundary,
  isTest: boolean,
): string | null {
  if (specifier.startsWith('.')) {
    const target = resolve(dirname(file), specifier);
    const inside = !relative(join(root, folder), target).startsWith('..');
    return inside ? null : `\`${specifier}\` leaves the package: import what it exports by its name`;
  }
  if (specifier.startsWith('@/')) return null; // the web's own sources
  if (specifier.startsWith('node:') || BUILTINS.has(specifier)) {
    if (boundary.node || isTest) return null;
    return `${folder} may not import \`${specifier}\``;
  }
  if (specifier.startsWith(SCOPE)) return checkWorkspaceImport(root, folder, specifier, boundary, isTest);

  if (boundary.neverExternal.some((pattern) => matches(pattern, specifier)) && !isTest)
    return `${folder} may not import \`${specifier}\``;
  const name = packageName(specifier);
  if (UNDECLARED.includes(name) || isDeclared(root, folder, name)) return null;
  return `\`${name}\` is not in the package.json of ${folder}: what it uses it must declare`;
}

function checkWorkspaceImport(
  root: string,
  folder: string,
  specifier: string,
  boundary: Boundary,
  isTest: boolean,
): string | null {
  const [name = '', ...deep] = specifier.slice(SCOPE.length).split('/');
  const allowed = isTest ? [...boundary.workspace, ...TEST_WORKSPACE] : boundary.workspace;
  if (!allowed.some((pattern) => matches(pattern, name))) return `${folder} may not import \`${SCOPE}${name}\``;
  if (deep.length > 0 && !isExported(root, name, deep.join('/')))
    return `\`${specifier}\` reaches into the package: import what \`${SCOPE}${name}\` exports`;
  if (!isDeclared(root, folder, SCOPE + name))
    return `\`${SCOPE}${name}\` is not in the package.json of ${folder}: what it uses it must declare`;
  return null;
}

interface FoundImport {
  readonly specifier: string;
  readonly line: number;
}

const IMPORT_FORMS = [
  /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm,
  /^\s*import\s*['"]([^'"]+)['"]/gm,
  /\b(?:import|require)\(\s*['"]([^'"]+)['"]/g,
];

/** Static, side-effect and dynamic imports, types included; comments are left out. */
export function findImports(source: string): readonly FoundImport[] {
  const blank = (comment: string): string => comment.replaceAll(/[^\n]/g, ' ');
  const code = source.replaceAll(/\/\*[\s\S]*?\*\//g, blank).replaceAll(/^\s*\/\/.*$/gm, blank);
  const found: FoundImport[] = [];
  for (const form of IMPORT_FORMS) {
    for (const match of code.matchAll(form)) {
      const at = match.index + match[0].length;
      found.push({ specifier: match[1] ?? '', line: code.slice(0, at).split('\n').length });
    }
  }
  return found.sort((a, b) => a.line - b.line);
}

function sourceFolders(root: string): readonly string[] {
  const groups = ['packages', 'apps'].filter((group) => existsSync(join(root, group)));
  const members = groups.flatMap((group) => readdirSync(join(root, group)).map((name) => `${group}/${name}`));
  return [...members, 'e2e', 'scripts'].filter((folder) => existsSync(join(root, folder)));
}

function listFiles(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      if (!entry.isDirectory()) return [join(folder, entry.name)];
      return SKIPPED.has(entry.name) ? [] : listFiles(join(folder, entry.name));
    })
    .sort();
}

/** `protocol-*` fits `protocol-postgres`; `*` stands for any text. */
function matches(pattern: string, text: string): boolean {
  const [start = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return pattern === text;
  return text.startsWith(start) && text.endsWith(rest.at(-1) ?? '');
}

function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, unknown>>;
}

function isDeclared(root: string, folder: string, name: string): boolean {
  const own = readManifest(join(root, folder)) ?? readManifest(root);
  const declared = { ...own?.dependencies, ...own?.devDependencies, ...own?.optionalDependencies };
  return name in declared || `@types/${name}` in declared;
}

function isExported(root: string, name: string, path: string): boolean {
  return `./${path}` in (readManifest(join(root, 'packages', name))?.exports ?? {});
}

function readManifest(folder: string): Manifest | null {
  const file = join(folder, 'package.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Manifest) : null;
}

if (import.meta.main) {
  const violations = findViolations(dirname(import.meta.dirname));
  for (const { file, line, message } of violations) console.error(`${file}${line > 0 ? `:${line}` : ''}  ${message}`);
  process.exitCode = violations.length > 0 ? 1 : 0;
}
