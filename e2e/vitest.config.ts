import { defineConfig } from 'vitest/config';

/** The whole system, once, for files that run one after the other. */
export default defineConfig({
  test: {
    name: 'e2e',
    root: import.meta.dirname,
    include: ['protocols/*.e2e.ts', 'ui/*.e2e.ts', 'cli/*.e2e.ts'],
    globalSetup: ['./global-setup.ts'],
    fileParallelism: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    retry: 1, // named in the end
  },
});
