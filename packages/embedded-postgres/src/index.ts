export * from './start-embedded-postgres.ts';
