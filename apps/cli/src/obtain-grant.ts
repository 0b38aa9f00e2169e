import { setTimeout as delay } from 'node:timers/promises';
import { ORPCError } from '@orpc/client';
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
  return activate(cli, api, grant, wait);
}

/** Activates it, once its owner has confirmed that with a passkey where the task asks for it. */
async function activate(cli: Cli, api: Api, { id }: Grant, wait: boolean): Promise<Activation> {
  try {
    return await api.grants.activate({ id });
  } catch (error) {
    // The message has the link at which it is confirmed.
    if (!(error instanceof ORPCError) || error.code !== 'step-up-required') throw error;
    const goOn = `go on with \`taskgate grant ${id}\` once it is confirmed`;
    if (!wait) throw new Failure(`${error.message}; ${goOn}`);
    cli.note(`${error.message} (Ctrl-C stops waiting, not the request)`);
    await waiting(id, goOn, async () => {
      const grant = await api.grants.get({ id });
      requireNotEnded(grant);
      return grant.confirmed;
    });
    cli.note('confirmed');
    return api.grants.activate({ id });
  }
}

async function waitForApproval(cli: Cli, api: Api, url: string, asked: Grant, wait: boolean): Promise<void> {
  const goOn = `go on with \`taskgate grant ${asked.id}\` once it is approved`;
  const who = `${asked.approvalsNeeded - asked.approvals.length} of ${asked.approvers.join(', ')}`;
  if (!wait) throw new Failure(`${asked.id} waits for approval by ${who}; ${goOn}`);
  cli.note(`${asked.id} waits for approval by ${who}: ${url}/inbox (Ctrl-C stops waiting, not the request)`);
  let approvals = asked.approvals.length;
  await waiting(asked.id, goOn, async () => {
    const grant = await api.grants.get({ id: asked.id });
    const latest = grant.approvals.at(-1);
    if (grant.approvals.length > approvals && latest?.outcome === 'approved') {
      approvals = grant.approvals.length;
      cli.note(`approved by ${latest.by.email} (${approvals} of ${grant.approvalsNeeded})`);
    }
    requireNotEnded(grant);
    return grant.state !== 'requested';
  });
}

/** Asks again and again until it is so. Ctrl-C ends the waiting and says how to go on. */
async function waiting(id: string, goOn: string, isSo: () => Promise<boolean>): Promise<void> {
  const stop = new AbortController();
  const onInterrupt = (): void => stop.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onInterrupt);
  try {
    do await delay(POLL_MS, undefined, { signal: stop.signal });
    while (!(await isSo()));
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    throw new Failure(`stopped waiting; ${goOn}, or take it back with \`taskgate end ${id}\``);
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
