import type { ProblemDetails } from '@taskgate/contracts';
import type * as z from 'zod';

/** The filtered list as a file; what is exported is written down in the audit. Throws an Error for the reader. */
export async function downloadOperations(search: string): Promise<void> {
  const response = await fetch(`/api/v1/operations/export?${search}`, { credentials: 'same-origin' }).catch(() => null);
  if (response === null) throw new Error('The server did not answer. Try again.');
  if (!response.ok) {
    const problem = (await response.json().catch(() => null)) as Partial<z.infer<typeof ProblemDetails>> | null;
    throw new Error(problem?.detail ?? 'The operations could not be exported.');
  }
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement('a');
  link.href = url;
  link.download = 'operations.csv';
  link.click();
  URL.revokeObjectURL(url);
}
