export * from './attempt-limiter.ts';
export * from './federation/fetch-json.ts';
export * from './federation/issuer-keys.ts';
export * from './federation/verify-issuer-token.ts';
export * from './password.ts';
export * from './principal.ts';
export * from './token.ts';
export * from './user-code.ts';
