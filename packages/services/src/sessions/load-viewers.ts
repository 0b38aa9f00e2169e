import * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { loadPeople, type Person } from '../grants/person-ref.ts';
import { parseInput } from '../parse-input.ts';
import { requireAnyScope } from '../require-any-scope.ts';
import { loadVisibleSession } from './session-access.ts';

const ById = z.object({ id: z.string().max(60) });
const MAX_VIEWERS = 200;

/** Who else read the session, newest first: those whose it is may know. */
export async function loadViewers(
  ctx: ServiceContext,
  input: z.input<typeof ById>,
): Promise<{ person: Person; at: string }[]> {
  const actor = requireAnyScope(ctx, ['session:own', 'session:read']);
  const { id } = parseInput(ById, input);
  await loadVisibleSession(ctx, actor, id);
  const { db } = ctx.services;
  const views = await db.recordingView.findMany({
    where: { sessionId: id },
    orderBy: [{ at: 'desc' }, { id: 'desc' }],
    take: MAX_VIEWERS,
  });
  const personOf = await loadPeople(
    db,
    views.map((view) => view.userId),
  );
  return views.map((view) => ({ person: personOf(view.userId), at: view.at.toISOString() }));
}
