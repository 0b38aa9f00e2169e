export * from './attempt-limiter.ts';
export * from './password.ts';
export * from './principal.ts';
export * from './provider-address.ts';
export * from './sign-in-proof.ts';
export * from './token.ts';
