const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Whether `origin` is where this web is served: exactly, or another name of this machine where it is on loopback. */
export function isOwnOrigin(origin: string, webUrl: string): boolean {
  if (origin === webUrl) return true;
  try {
    const asked = new URL(origin);
    const own = new URL(webUrl);
    return (
      asked.origin === origin &&
      asked.protocol === own.protocol &&
      asked.port === own.port &&
      LOOPBACK.has(asked.hostname) &&
      LOOPBACK.has(own.hostname)
    );
  } catch {
    return false;
  }
}

/**
 * Cross-site request forgery: a cookie alone never changes anything. Every write must come from a page of this origin;
 * a read (and the event stream, a GET, on which browsers send no Origin to their own site) must not say that it comes
 * from elsewhere.
 */
export function isForgeryProof(request: { method: string; headers: Headers }, webUrl: string): boolean {
  const origin = request.headers.get('origin');
  const site = request.headers.get('sec-fetch-site');
  if (origin !== null && !isOwnOrigin(origin, webUrl)) return false;
  if (site !== null && site !== 'same-origin' && site !== 'none') return false;
  if (request.method === 'GET' || request.method === 'HEAD') return true;
  return origin !== null;
}
