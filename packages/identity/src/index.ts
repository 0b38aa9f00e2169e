export * from './attempt-limiter.ts';
export * from './password.ts';
export * from './principal.ts';
export * from './token.ts';
export * from './user-code.ts';
