import type { Transaction } from '@taskgate/db';
import type { ServiceContext } from '../context.ts';
import { withTransaction } from '../with-transaction.ts';
import { requireUnchanged } from './lock-caller.ts';

/**
 * One transaction that changes who people are, what they may or how they come in: one after the other, each by a caller who
 * still has what the call was judged by. Throws `conflict` where another process takes long.
 */
export const withPeople = <T>(ctx: ServiceContext, work: (tx: Transaction) => Promise<T>): Promise<T> =>
  withTransaction(
    ctx,
    async (tx) => {
      await requireUnchanged(tx, ctx);
      return work(tx);
    },
    { alone: 'people' },
  );
