import { TaskgateError } from '@taskgate/core';
import type { ServiceContext } from '../context.ts';
import { requirePerson } from '../require-scope.ts';
import { PASSKEY_SELECT, type PasskeyView, toPasskeyView } from './passkey-row.ts';
import { type PasskeySite, passkeySite } from './passkey-site.ts';

export interface PasskeysView {
  readonly items: PasskeyView[];
  readonly origin: string | null;
  readonly why: string | null;
}

/** The caller's own, the oldest first. */
export async function loadPasskeys(ctx: ServiceContext): Promise<PasskeysView> {
  const { identityId } = requirePerson(ctx);
  const rows = await ctx.services.db.passkey.findMany({
    where: { identityId },
    select: PASSKEY_SELECT,
    orderBy: { id: 'asc' },
  });
  const site = siteOrWhy(ctx);
  const known = typeof site === 'string' ? null : site;
  return {
    items: await Promise.all(rows.map((row) => toPasskeyView(row, known))),
    origin: known?.origin ?? null,
    why: typeof site === 'string' ? site : null,
  };
}

function siteOrWhy({ services }: ServiceContext): PasskeySite | string {
  try {
    return passkeySite(services.settings);
  } catch (error) {
    if (error instanceof TaskgateError) return error.message;
    throw error;
  }
}
