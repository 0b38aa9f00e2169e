import { defineConfig } from 'vitest/config';

const servers = ['**/*.pg.test.ts', '**/*.server.test.ts'];

/**
 * Two projects: pure tests share one context; tests against real servers are isolated and may take longer.
 * One that meets a slow moment of the machine is tried once more, and named in the end: it is to be made steady.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'pure',
          include: ['packages/*/src/**/*.test.ts', 'apps/*/src/**/*.test.ts', 'scripts/**/*.test.ts'],
          exclude: [...servers, '**/node_modules/**'],
          isolate: false,
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'servers',
          include: servers.flatMap((glob) => [`{packages,apps}/*/src/${glob}`, `scripts/${glob}`]),
          exclude: ['**/node_modules/**'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          retry: 1,
        },
      },
    ],
  },
});
