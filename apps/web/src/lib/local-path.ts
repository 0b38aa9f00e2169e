/**
 * Where to go after the sign-in: a path of this site, else home. `//host` and `/\host` are other sites to a browser,
 * and control characters are dropped by it before it looks.
 */
export function localPath(next: string | null | undefined): string {
  if (!next?.startsWith('/') || next.length > 2000) return '/';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
  if (/^\/[/\\]/.test(next) || /[\u0000-\u001f\u007f\\]/.test(next)) return '/';
  if (next.startsWith('/api/') || next.startsWith('/login')) return '/';
  return next;
}
