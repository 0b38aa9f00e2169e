import { createToken, hashToken } from '@taskgate/identity';
import * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { parseInput } from '../parse-input.ts';
import { lockCaller } from '../people/lock-caller.ts';
import { requireIdentity } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { lockGrantFor } from './change-grant.ts';

const ById = z.object({ id: z.string().max(60) });
const TICKET_TTL_MS = 30_000;
/** Of one grant at a time: more than a person opens, fewer than fill a table. */
const MAX_TICKETS = 20;

/** A one-time ticket for the console's WebSocket: the browser never holds the grant's token. */
export async function openConsole(
  ctx: ServiceContext,
  input: z.input<typeof ById>,
): Promise<{ ticket: string; url: string }> {
  const caller = requireIdentity(ctx, 'grant:request');
  const { id } = parseInput(ById, input);
  const ticket = createToken('console', ctx.services.randomBytes);
  return withTransaction(ctx, async (tx) => {
    const now = ctx.services.clock.now();
    const actor = await lockCaller(tx, caller, 'grant:request');
    await lockGrantFor(tx, actor, id, 'console', now);
    await tx.consoleTicket.deleteMany({ where: { expiresAt: { lte: new Date(now) } } });
    const open = await tx.consoleTicket.findMany({
      where: { grantId: id, redeemedAt: null },
      orderBy: { expiresAt: 'desc' },
      skip: MAX_TICKETS - 1,
      select: { hash: true },
    });
    if (open.length > 0) await tx.consoleTicket.deleteMany({ where: { hash: { in: open.map((row) => row.hash) } } });
    await tx.consoleTicket.create({
      data: { hash: hashToken(ticket), grantId: id, expiresAt: new Date(now + TICKET_TTL_MS) },
    });
    await emitAudit(tx, ctx, {
      action: 'grant.open-console',
      subjectKind: 'grant',
      subject: id,
      before: null,
      after: { expiresAt: new Date(now + TICKET_TTL_MS) },
    });
    return { ticket: ticket.reveal((text) => text), url: consoleUrl(ctx.services.settings) };
  });
}

/** On the host that the browser knows the web by. */
function consoleUrl(settings: { readonly webUrl: string; readonly consolePort: number }): string {
  const web = new URL(settings.webUrl);
  return `${web.protocol === 'https:' ? 'wss' : 'ws'}://${web.hostname}:${settings.consolePort}/console`;
}
