import { TaskgateError } from '@taskgate/core';

/** A store that hangs is a store that is away: throws `store-unavailable` where `work` takes longer. */
export async function withinDeadline<T>(work: Promise<T>, deadlineMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new TaskgateError('store-unavailable', 'the store does not answer')), deadlineMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
