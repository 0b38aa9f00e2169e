import { TaskgateError } from '@taskgate/core';

/** Stands for a verb that the services do not have yet. */
export async function pending(verb: string): Promise<never> {
  throw new TaskgateError('not-supported', `\`${verb}\` is not there yet`);
}
