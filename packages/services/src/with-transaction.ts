import { TaskgateError } from '@taskgate/core';
import { type Database, Prisma, type Transaction } from '@taskgate/db';
import type { ServiceContext } from './context.ts';

export interface TransactionOptions {
  /**
   * What this is the only transaction of, until it ends: for rules that span rows, such as that an admin is left. Others of
   * the same name wait their turn and see what came before, so that none is run again for having clashed.
   */
  readonly alone?: Turn;
  /** For what waits for something else under a lock. Milliseconds. */
  readonly timeoutMs?: number;
}

/** Who people are, what they may and whether they come in; the devices that wait to be signed in. */
export type Turn = 'people' | 'devices';

const WAIT_MS = 5_000;
const TIMEOUT_MS = 15_000;
const ATTEMPTS = 4;
/** Of what is alone: to end somebody's access may be much to do. */
const TURN_TIMEOUT_MS = 60_000;
const TURN_WAIT_MS = 5_000;
const MAX_WAITING = 200;

interface Queue {
  waiting: number;
  last: Promise<unknown>;
}
const turns = new WeakMap<Database, Map<Turn, Queue>>();

const CLASHED = 'P2034';
/** Postgres' own, of statements that were written by hand: a serialization failure, a deadlock. */
const CLASHES = ['40001', '40P01'];
const NOT_UNIQUE = 'P2002';
const NOT_FOUND = 'P2025';
const UNREACHABLE = ['P1000', 'P1001', 'P1002', 'P1003', 'P1008', 'P1017', 'P2024', 'P2028', 'P2037'];
/** Postgres' own: a lock was not had in time. */
const LOCK_TIMEOUT = '55P03';
/** Postgres' own: the connection failed, it shuts down, has crashed, is starting, or has no connection left. */
const AWAY = /^(?:08...|53300|57P0[1-5])$/;
/** What the driver calls the like where no server gave a code; of statements that were written by hand Prisma's own code says nothing. */
const AWAY_KINDS = [
  'DatabaseNotReachable',
  'ConnectionClosed',
  'SocketTimeout',
  'TlsConnectionError',
  'TooManyConnections',
];
const SOCKET_ERRORS = ['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'ENOTFOUND', 'EPIPE'];

/**
 * Runs `work` in one transaction, again where it clashed with another: it must have no effect but through `tx`.
 * Errors of the store become {@link TaskgateError}: `conflict`, `not-found`, `store-unavailable`.
 */
export async function withTransaction<T>(
  ctx: Pick<ServiceContext, 'services'>,
  work: (tx: Transaction) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  const { alone } = options;
  if (alone === undefined) return run(ctx, work, options.timeoutMs ?? TIMEOUT_MS);
  const inTurn = async (tx: Transaction): Promise<T> => {
    // Another process has it: whoever waits here waits with a connection of the pool.
    await tx.$executeRaw`select set_config('lock_timeout', ${`${TURN_WAIT_MS}`}, true)`;
    await tx.$executeRaw`select pg_advisory_xact_lock(hashtextextended(${alone}, 0))`;
    await tx.$executeRaw`select set_config('lock_timeout', '0', true)`;
    return work(tx);
  };
  return afterOthers(ctx.services.db, alone, () => run(ctx, inTurn, options.timeoutMs ?? TURN_TIMEOUT_MS));
}

/** In this process one waits for the other before it takes a connection: a long one must not use up the pool. */
function afterOthers<T>(db: Database, turn: Turn, work: () => Promise<T>): Promise<T> {
  const queues = turns.get(db) ?? new Map<Turn, Queue>();
  turns.set(db, queues);
  const queue = queues.get(turn) ?? { waiting: 0, last: Promise.resolve() };
  queues.set(turn, queue);
  if (queue.waiting >= MAX_WAITING)
    throw new TaskgateError(
      'store-unavailable',
      'too many changes of people wait for each other; try again in a moment',
    );
  queue.waiting += 1;
  const mine = queue.last.then(work).finally(() => {
    queue.waiting -= 1;
  });
  queue.last = mine.then(
    () => undefined,
    () => undefined,
  );
  return mine;
}

async function run<T>(
  ctx: Pick<ServiceContext, 'services'>,
  work: (tx: Transaction) => Promise<T>,
  timeoutMs: number,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ctx.services.db.$transaction(work, {
        isolationLevel: 'ReadCommitted',
        maxWait: WAIT_MS,
        timeout: timeoutMs,
      });
    } catch (error) {
      if (isClash(error) && attempt < ATTEMPTS) continue;
      throw translateStoreError(error);
    }
  }
}

/** What a client may see of an error of the store; anything not known is given back as it is, to become `internal`. */
export function translateStoreError(error: unknown): unknown {
  if (error instanceof TaskgateError) return error;
  if (isClash(error))
    return new TaskgateError('conflict', 'somebody changed the same thing at the same moment; try again', {
      cause: error,
    });
  if (error instanceof Prisma.PrismaClientKnownRequestError) {
    if (sqlstateOf(error) === LOCK_TIMEOUT)
      return new TaskgateError('conflict', 'somebody changes people at this moment; try again', { cause: error });
    if (error.code === NOT_UNIQUE) return new TaskgateError('conflict', 'this exists already', { cause: error });
    if (error.code === NOT_FOUND)
      return new TaskgateError('not-found', 'this does not exist (any more)', { cause: error });
  }
  return isUnreachable(error) ? unavailable(error) : error;
}

type KnownRequestError = InstanceType<typeof Prisma.PrismaClientKnownRequestError>;

const isUnreachable = (error: unknown): boolean =>
  (error instanceof Prisma.PrismaClientKnownRequestError &&
    (UNREACHABLE.includes(error.code) || AWAY.test(sqlstateOf(error)) || AWAY_KINDS.includes(kindOf(error)))) ||
  error instanceof Prisma.PrismaClientInitializationError ||
  hasSocketCode(error);

/** The code that the store itself gave; empty where it gave none. */
function sqlstateOf(error: KnownRequestError): string {
  return String(driverErrorOf(error)?.originalCode ?? '');
}

const kindOf = (error: KnownRequestError): string => String(driverErrorOf(error)?.kind ?? '');

function driverErrorOf(error: KnownRequestError): { kind?: unknown; originalCode?: unknown } | undefined {
  return (error.meta?.driverAdapterError as { cause?: { kind?: unknown; originalCode?: unknown } } | undefined)?.cause;
}

/** The same client, whose every query says `store-unavailable` where it cannot reach the store, reads without a transaction too. */
export function sayingUnavailable(db: Database): Database {
  const extended = db.$extends({
    query: {
      async $allOperations({ args, query }) {
        try {
          return await query(args);
        } catch (error) {
          throw isUnreachable(error) ? unavailable(error) : error;
        }
      },
    },
  });
  // The extension adds no method and changes no result: it is the same client to whoever uses it.
  return extended as unknown as Database;
}

const unavailable = (cause: unknown): TaskgateError =>
  new TaskgateError('store-unavailable', 'the store does not answer; try again in a moment', { cause });

const isClash = (error: unknown): boolean =>
  error instanceof Prisma.PrismaClientKnownRequestError &&
  (error.code === CLASHED || CLASHES.includes(sqlstateOf(error)));

function hasSocketCode(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('code' in error && SOCKET_ERRORS.includes(String(error.code))) return true;
  return error.cause !== undefined && hasSocketCode(error.cause);
}
