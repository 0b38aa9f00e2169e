import { setTimeout as delay } from 'node:timers/promises';
import type { Api, SignedIn } from './api-client.ts';
import type { Cli } from './command.ts';
import { Failure } from './failure.ts';
import type { GrantRequest } from './grant-options.ts';

export type Grant = Awaited<ReturnType<Api['grants']['get']>>;
export type Activation = Awaited<ReturnType<Api['grants']['activate']>>;

const POLL_MS = 500;

/**
 * Asks for a grant, or goes on with one that was asked for before, waits until it is approved, and activates it.
 * Progress goes to stderr. Ctrl-C leaves the request as it is and says how to go on.
 */
export async function obtainGrant(
  cli: Cli,
  { api, url }: SignedIn,
  wanted: GrantRequest | (Omit<GrantRequest, 'task'> & { readonly workflow: string }) | { readonly grantId: string },
  wait: boolean,
): Promise<Activation> {
  const grant = 'grantId' in wanted ? await api.grants.get({ id: wanted.grantId }) : await api.grants.request(wanted);
  if (grant.state === 'requested') await waitForApproval(cli, api, url, grant, wait);
  else requireNotEnded(grant);
  return api.grants.activate({ id: grant.id });
}

async function waitForApproval(cli: Cli, api: Api, url: string, asked: Grant, wait: boolean): Promise<void> {
  const goOn = `go on with \`taskgate grant ${asked.id}\` once it is approved`;
  const who = `${asked.approvalsNeeded - asked.approvals.length} of ${asked.approvers.join(', ')}`;
  if (!wait) throw new Failure(`${asked.id} waits for approval by ${who}; ${goOn}`);
  cli.note(`${asked.id} waits for approval by ${who}: ${url}/inbox (Ctrl-C stops waiting, not the request)`);
  const stop = new AbortController();
  const onInterrupt = (): void => stop.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onInterrupt);
  try {
    let approvals = asked.approvals.length;
    for (;;) {
      await delay(POLL_MS, undefined, { signal: stop.signal });
      const grant = await api.grants.get({ id: asked.id });
      const latest = grant.approvals.at(-1);
      if (grant.approvals.length > approvals && latest?.outcome === 'approved') {
        approvals = grant.approvals.length;
        cli.note(`approved by ${latest.by.email} (${approvals} of ${grant.approvalsNeeded})`);
      }
      requireNotEnded(grant);
      if (grant.state !== 'requested') return;
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    throw new Failure(`stopped waiting; ${goOn}, or take it back with \`taskgate end ${asked.id}\``);
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onInterrupt);
  }
}

function requireNotEnded(grant: Grant): void {
  if (grant.state !== 'ended') return;
  const refusal = grant.approvals.find(({ outcome }) => outcome === 'refused');
  if (refusal) throw new Failure(`${refusal.by.email} refused ${grant.id}: ${refusal.comment ?? 'no reason given'}`);
  throw new Failure(
    `${grant.id} has ended (${grant.endReason}); ask again with \`taskgate grant ${grant.task ?? grant.workflow}\``,
  );
}
