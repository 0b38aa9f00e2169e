import path from 'node:path';
import { defineConfig } from 'prisma/config';

// The CLI would download a schema engine that `generate` does not use; any executable satisfies it.
process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath;

export default defineConfig({ schema: path.join(import.meta.dirname, '../../prisma') });
