import path from 'node:path';
import { defineConfig } from 'prisma/config';

// The CLI would download a schema engine that `generate` does not use; any executable satisfies it.
process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath;

const folder = path.join(import.meta.dirname, '../../prisma');

export default defineConfig({
  schema: folder,
  migrations: { path: path.join(folder, 'migrations') },
  // Only `prisma migrate deploy` connects.
  ...(process.env.DATABASE_URL === undefined ? {} : { datasource: { url: process.env.DATABASE_URL } }),
});
