import type { Cli } from './command.ts';

/** How the program ended is what counts; a grant that has ended already (revoked, expired) is no failure of ours. */
export async function endQuietly(cli: Cli, grantId: string, end: () => Promise<unknown>): Promise<void> {
  try {
    await end();
  } catch (error) {
    cli.note(`${grantId} could not be ended (${(error as Error).message})`);
  }
}
