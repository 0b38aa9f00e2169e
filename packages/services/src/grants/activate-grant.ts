import { createToken } from '@taskgate/identity';
import * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { parseInput } from '../parse-input.ts';
import { lockCaller } from '../people/lock-caller.ts';
import { activatorOf } from '../people/to-actor.ts';
import { requireIdentity } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { lockGrantFor } from './change-grant.ts';
import { type ConnectView, toConnectStrings } from './connect-strings.ts';
import type { GrantRow } from './grant-row.ts';
import { loadSubject } from './grant-subject.ts';
import { startGrant } from './start-grant.ts';
import { type GrantView, toGrantViews } from './to-grant-view.ts';

const ById = z.object({ id: z.string().max(60) });

export interface ActivationView {
  grant: GrantView;
  /** Shown this once and kept nowhere. */
  token: string;
  /** `null` for a workflow's grant, which opens nothing itself. */
  connect: ConnectView | null;
}

/** Starts the grant's time and mints its token. */
export async function activateGrant(ctx: ServiceContext, input: z.input<typeof ById>): Promise<ActivationView> {
  const caller = requireIdentity(ctx, 'grant:request', { grantToken: true });
  const { id } = parseInput(ById, input);
  const token = createToken('grant', ctx.services.randomBytes);
  return withTransaction(ctx, async (tx) => {
    const now = ctx.services.clock.now();
    const actor = await lockCaller(tx, caller, 'grant:request');
    const before = await lockGrantFor(tx, actor, id, 'activate', now);
    const subject = await loadSubject(tx, before);
    const after = await startGrant(tx, ctx, before, {
      subject,
      grantee: { ...activatorOf(actor), identityId: actor.identityId },
      token,
    });
    return {
      grant: (await toGrantViews(tx, actor, [after], now))[0]!,
      token: token.reveal((text) => text),
      connect: connectOf(ctx, after),
    };
  });
}

/** How clients connect with it; `null` for a workflow's. */
export function connectOf(ctx: ServiceContext, row: GrantRow): ConnectView | null {
  return row.task === null ? null : toConnectStrings(ctx.services.settings, row.task.name, row.task.resource.database);
}
