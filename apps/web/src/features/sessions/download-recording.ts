import type { ProblemDetails } from '@taskgate/contracts';
import type * as z from 'zod';

/** The bytes as they are kept, and the installation's public key. Throws an Error whose message is for the reader. */
export async function downloadRecording(
  sessionId: string,
  onProgress: (receivedBytes: number) => void,
): Promise<{ bytes: Uint8Array; publicKeyPem: string | null }> {
  const response = await fetch(`/api/v1/sessions/${encodeURIComponent(sessionId)}/recording`, {
    credentials: 'same-origin',
  }).catch(() => null);
  if (response === null) throw new Error('The server did not answer. Try again.');
  if (!response.ok || response.body === null) {
    const problem = (await response.json().catch(() => null)) as Partial<z.infer<typeof ProblemDetails>> | null;
    throw new Error(problem?.detail ?? 'The recording could not be read.');
  }
  const parts: Uint8Array[] = [];
  let received = 0;
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    received += value.length;
    onProgress(received);
  }
  const bytes = new Uint8Array(received);
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  const key = response.headers.get('taskgate-signing-key');
  return { bytes, publicKeyPem: key === null ? null : atob(key) };
}
