export { findPostgresBinaries } from './binaries.ts';
export * from './start-embedded-postgres.ts';
