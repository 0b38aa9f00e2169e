export * from './client-programs.ts';
export * from './fake-clock.ts';
export * from './free-port.ts';
export * from './run-command.ts';
export * from './split-everywhere.ts';
export * from './test-postgres.ts';
export * from './wait-until.ts';
