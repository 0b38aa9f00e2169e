/** The page's policy: own scripts and styles with this request's nonce, own data, and the gateway's console socket. */
export function contentSecurityPolicy(options: {
  nonce: string;
  webUrl: string;
  consolePort: number;
  development: boolean;
  /** Hostname the browser used, already known to be ours. */
  hostname: string;
}): string {
  const socket = `${options.webUrl.startsWith('https:') ? 'wss' : 'ws'}://${options.hostname}:${options.consolePort}`;
  const directives = [
    "default-src 'self'",
    `script-src 'self' 'nonce-${options.nonce}' 'strict-dynamic'${options.development ? " 'unsafe-eval'" : ''}`,
    // The development server writes style elements of its own.
    options.development ? "style-src 'self' 'unsafe-inline'" : `style-src 'self' 'nonce-${options.nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    `connect-src 'self' ${socket}`,
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "frame-src 'none'",
    "worker-src 'self'",
    "manifest-src 'self'",
  ];
  return directives.join('; ');
}
