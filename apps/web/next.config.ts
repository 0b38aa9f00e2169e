import path from 'node:path';
import type { NextConfig } from 'next';

const root = path.join(import.meta.dirname, '..', '..');

const config: NextConfig = {
  poweredByHeader: false,
  reactStrictMode: true,
  turbopack: {
    root,
    // The state's folder is known at run time only; nothing here is deployed by traced files.
    ignoreIssue: [{ path: '**/packages/vault/src/**', title: /.*/, description: /filesystem access/ }],
  },
  outputFileTracingRoot: root,
  transpilePackages: [
    '@taskgate/approval',
    '@taskgate/contracts',
    '@taskgate/core',
    '@taskgate/db',
    '@taskgate/identity',
    '@taskgate/masking',
    '@taskgate/policy',
    '@taskgate/recording',
    '@taskgate/services',
    '@taskgate/sql',
    '@taskgate/vault',
  ],
  // WASM and drivers that read files beside themselves stay outside the bundle.
  serverExternalPackages: ['libpg-query', 'pg', '@prisma/client', '@prisma/adapter-pg', '@prisma/client-runtime-utils'],
};

export default config;
