/**
 * Columns of class `secret` by model, as prisma/models says them (a test holds the two together). They appear in no
 * log, no audit row and no answer of the API.
 */
export const SECRET_COLUMNS: Readonly<Record<string, readonly string[]>> = {
  ApiToken: ['hash'],
  ConsoleTicket: ['hash'],
  Credential: ['sealed', 'pending', 'given'],
  DeviceSignIn: ['deviceHash', 'userHash'],
  Grant: ['verifier', 'tokenHash'],
  Identity: ['passwordHash'],
  Principal: ['sealed'],
  Resource: ['maskKey'],
  ScimToken: ['hash'],
  Session: ['wrappedKey'],
  Setting: ['value'],
  SignInFlow: ['browserHash', 'sealedSecrets', 'codeHash'],
  SignInProvider: ['sealedSecret'],
  UsedToken: ['hash'],
};

const ALL_SECRET = new Set(Object.values(SECRET_COLUMNS).flat());

/** Whether any model has a secret column of this name. */
export function isSecretColumn(name: string): boolean {
  return ALL_SECRET.has(name);
}
