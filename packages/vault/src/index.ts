export * from './master-key.ts';
export * from './signing.ts';
export * from './vault.ts';
