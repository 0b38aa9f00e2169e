// Writes the next migration as SQL, offline: the difference between the models of the last migration and those of now.
//
//   node scripts/create-migration.mjs <name>     prisma/migrations/<time>_<name>/migration.sql, to be read and edited
//   node scripts/create-migration.mjs --check    fails when the models have changed without a migration
//   node scripts/create-migration.mjs --whole    prints the models of now as SQL for an empty database
//
// The models of the last migration are kept in prisma/migrations/schema.snapshot.txt; without it the first migration
// is written, from nothing. What Prisma cannot say (triggers, partial indexes) is added to the SQL by hand and stays.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const prismaFolder = join(root, 'prisma');
const migrationsFolder = join(prismaFolder, 'migrations');
// Not .prisma: Prisma reads every such file below prisma/ as part of the schema.
const snapshotFile = join(migrationsFolder, 'schema.snapshot.txt');

const [argument] = process.argv.slice(2);
if (!argument || !/^(--check|--whole|[a-z][a-z0-9_]*)$/.test(argument)) {
  console.error('usage: node scripts/create-migration.mjs <name in lower_case> | --check | --whole');
  process.exit(2);
}

const current = readModels();
const previous = argument !== '--whole' && existsSync(snapshotFile) ? readFileSync(snapshotFile, 'utf8') : null;
const sql = await difference(previous, current);
const empty = /^\s*(-- This is an empty migration\.)?\s*$/.test(sql);

if (argument === '--whole') {
  console.log(sql);
  process.exit();
}
if (argument === '--check') {
  if (!empty) {
    console.error('the models in prisma/ have changed: run `node scripts/create-migration.mjs <name>`\n');
    console.error(sql);
  }
  process.exit(empty ? 0 : 1);
}
if (empty) {
  console.error('the models have not changed since the last migration');
  process.exit(1);
}

const time = new Date()
  .toISOString()
  .replaceAll(/[^0-9]/g, '')
  .slice(0, 14);
const folder = join(migrationsFolder, `${time}_${argument}`);
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'migration.sql'), sql.endsWith('\n') ? sql : `${sql}\n`);
writeFileSync(snapshotFile, current);
// Prisma's own `migrate deploy` wants it.
writeFileSync(join(migrationsFolder, 'migration_lock.toml'), 'provider = "postgresql"\n');
console.log(relative(root, join(folder, 'migration.sql')));

/** All of prisma/*.prisma and prisma/models/*.prisma as one text. */
function readModels() {
  const files = [prismaFolder, join(prismaFolder, 'models')].flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.prisma'))
      .sort()
      .map((name) => join(folder, name)),
  );
  return files
    .map((file) => readFileSync(file, 'utf8').trim())
    .join('\n\n')
    .concat('\n');
}

/** SQL from one datamodel (`null`: an empty database) to another. */
async function difference(from, to) {
  const engine = await loadSchemaEngine();
  const target = (text) =>
    text === null ? { tag: 'empty' } : { tag: 'schemaDatamodel', files: [{ path: 'schema.prisma', content: text }] };
  try {
    const result = await engine.diff({
      from: target(from),
      to: target(to),
      script: true,
      exitCode: null,
      filters: { externalTables: [], externalEnums: [] },
    });
    return result.stdout ?? '';
  } catch (error) {
    console.error(readable(error));
    process.exit(1);
  }
}

/** The shape in which the engine wants an adapter's results. */
function answer(value) {
  return { ok: true, value };
}

/** The engine greets a database even where it needs none: this one answers everything with nothing. */
async function loadSchemaEngine() {
  const require = createRequire(join(root, 'packages/db/package.json'));
  const script = require.resolve('@prisma/schema-engine-wasm/schema_engine_bg');
  const bindings = await import(pathToFileURL(script).href);
  const bytes = readFileSync(join(dirname(script), 'schema_engine_bg.wasm'));
  const { instance } = await WebAssembly.instantiate(bytes, { './schema_engine_bg.js': bindings });
  bindings.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  const noRows = { columnNames: [], columnTypes: [], rows: [] };
  const connection = {
    provider: 'postgres',
    adapterName: 'offline',
    queryRaw: async () => answer(noRows),
    executeRaw: async () => answer(0),
    executeScript: async () => answer(undefined),
    startTransaction: async () => answer(undefined),
    dispose: async () => answer(undefined),
    getConnectionInfo: () => answer({ schemaName: 'public', supportsRelationJoins: false }),
  };
  const connect = async () => answer(connection);
  return bindings.SchemaEngine.new({ datamodels: undefined }, () => undefined, {
    provider: 'postgres',
    adapterName: 'offline',
    connect,
    connectToShadowDb: connect,
  });
}

function readable(error) {
  const text = error?.message ?? String(error);
  try {
    const parsed = JSON.parse(text);
    return parsed.message ?? text;
  } catch {
    return text;
  }
}
