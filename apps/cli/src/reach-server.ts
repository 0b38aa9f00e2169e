import { Failure } from './failure.ts';

/** What the server at `url` answers. Throws {@link Failure} with what to do where nothing answers. */
export async function reachServer<T>(url: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Failure) throw error;
    if ((error as Error).name === 'TimeoutError')
      throw new Failure(`Taskgate at ${url} did not answer in time: try again, or see its logs`);
    const cause = (error as { cause?: { code?: string; message?: string } }).cause;
    const why = cause?.code ?? cause?.message ?? (error as Error).name;
    throw new Failure(`Taskgate cannot be reached at ${url} (${why}); start it, or name it with TASKGATE_URL`);
  }
}
