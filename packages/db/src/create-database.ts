import { PrismaPg } from '@prisma/adapter-pg';
import { type Prisma, PrismaClient } from './generated/client.ts';

export type Database = PrismaClient;
export type Transaction = Prisma.TransactionClient;

const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 30_000;

/** Connects at first use. `poolSize` is the most connections this process holds; `close` with `$disconnect()`. */
export function createDatabase(options: { readonly connectionString: string; readonly poolSize: number }): Database {
  const adapter = new PrismaPg({
    connectionString: options.connectionString,
    max: options.poolSize,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    application_name: 'taskgate',
  });
  // `minimal`: the text of an error never repeats the arguments of a query, which may be secret.
  return new PrismaClient({ adapter, errorFormat: 'minimal' });
}
