import path from 'node:path';
import type { NextConfig } from 'next';
import { ANSWER_HEADERS, API_SECURITY_POLICY } from './src/lib/answer-headers.ts';

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
  // What `proxy.ts` is asked about has no body that anybody reads, and what is sent anyway is kept until its end.
  experimental: { proxyClientMaxBodySize: '1kb' },
  headers: async () =>
    ['/api/:path*', '/scim/:path*'].map((source) => ({
      source,
      headers: Object.entries({ ...ANSWER_HEADERS, 'content-security-policy': API_SECURITY_POLICY }).map(
        ([key, value]) => ({ key, value }),
      ),
    })),
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
