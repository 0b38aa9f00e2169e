import type { Log } from '@taskgate/gateway';

/** One JSON object a line on stderr. SecretValue prints itself as redacted. */
export function createJsonLog(write: (line: string) => void): Log {
  const line =
    (level: string) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) =>
      write(`${JSON.stringify({ at: new Date().toISOString(), level, message, ...fields })}\n`);
  return { info: line('info'), warn: line('warn'), error: line('error') };
}
