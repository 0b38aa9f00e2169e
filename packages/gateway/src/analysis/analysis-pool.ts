import { Worker } from 'node:worker_threads';
import type { PostgresCatalog, SqlOperation } from '@taskgate/core';
import { SQL_LIMITS, unanalysed } from '@taskgate/sql';
import type { AnalysisAnswer, AnalysisRequest } from './analysis-worker.ts';

/**
 * UTF-16 units. Measured on two shared cores: the densest text of this length (a list of numbers, `or` after `or`)
 * takes about 5 ms of the event loop, one at the limits of `SQL_LIMITS` some 100 ms.
 */
const QUICK_LENGTH = 2_048;
/** Recursion within recursion is walked again at every level: 650 characters of it took 40 ms. */
const QUICK_RECURSIONS = 2;

/**
 * True for a text whose analysis holds the event loop so shortly that other sessions do not notice: a short one, or one
 * so long that the analysis refuses it unread.
 */
export function isQuickToAnalyse(text: string): boolean {
  if (text.length > SQL_LIMITS.bytes) return true;
  return text.length <= QUICK_LENGTH && text.split(/recursive/i, QUICK_RECURSIONS + 2).length <= QUICK_RECURSIONS + 1;
}

export interface AnalysisPool {
  /**
   * What the analysis in line would give, from another thread. Never rejects: a text that takes longer than the
   * deadline, or that finds the queue full, gives one operation with an unknown, which nothing allows.
   */
  analyze(text: string, catalog: PostgresCatalog): Promise<readonly SqlOperation[]>;
  /** Ends the threads; what waits is refused. */
  close(): Promise<void>;
}

export interface AnalysisPoolLimits {
  readonly workers: number;
  /** Of one text, from when a thread takes it up. A thread that needs longer is ended. */
  readonly deadlineMs: number;
  /** Texts that wait for a thread. A session has one, and one more where its console asks for a preflight. */
  readonly waiting: number;
  /** UTF-16 units of all texts that wait. */
  readonly waitingLength: number;
}

const LIMITS: AnalysisPoolLimits = {
  workers: 2,
  deadlineMs: 5_000,
  waiting: 200,
  waitingLength: 16 * 1024 * 1024,
};
/** Of a new thread: reading its sources and the grammar. */
const START_DEADLINE_MS = 60_000;
const KEPT_CATALOGS = 8;
/** Of one thread: the largest text that passes needs less than a tenth. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 512, stackSizeMb: 4 };

interface Job {
  readonly text: string;
  readonly catalog: PostgresCatalog;
  readonly resolve: (operations: readonly SqlOperation[]) => void;
}

interface Thread {
  readonly worker: Worker;
  /** Versions that it holds, the longest unused first. */
  readonly catalogs: Set<string>;
  ready: boolean;
  job: Job | null;
  deadline: NodeJS.Timeout | null;
}

/** Threads that analyse what would hold the event loop too long: started when first needed, replaced when they fail. */
export function createAnalysisPool(limits: Partial<AnalysisPoolLimits> = {}): AnalysisPool {
  const { workers, deadlineMs, waiting, waitingLength } = { ...LIMITS, ...limits };
  const threads = new Set<Thread>();
  const queue: Job[] = [];
  let queuedLength = 0;
  let closed = false;

  const refuse = ({ text, resolve }: Pick<Job, 'text' | 'resolve'>, why: string): void =>
    resolve([unanalysed(text, { code: 'too-large', message: why, position: null })]);

  const drop = (thread: Thread, why: string): void => {
    if (!threads.delete(thread)) return;
    if (thread.deadline !== null) clearTimeout(thread.deadline);
    void thread.worker.terminate();
    if (thread.job !== null) refuse(thread.job, why);
    // One that never came up would not the next time either: nobody waits for it.
    if (!thread.ready) for (const job of queue.splice(0)) refuse(job, why);
    queuedLength = queue.reduce((sum, { text }) => sum + text.length, 0);
    next();
  };

  const post = (thread: Thread, request: AnalysisRequest): void => thread.worker.postMessage(request);

  const startThread = (): void => {
    const worker = new Worker(new URL('./analysis-worker.ts', import.meta.url), { resourceLimits: RESOURCE_LIMITS });
    // It must not keep a process alive that is otherwise done.
    worker.unref();
    const thread: Thread = { worker, catalogs: new Set(), ready: false, job: null, deadline: null };
    const failed = (): void => drop(thread, 'the statement could not be analysed; simplify it');
    thread.deadline = setTimeout(failed, START_DEADLINE_MS);
    thread.deadline.unref();
    worker.on('error', failed);
    worker.on('exit', failed);
    worker.on('message', (answer: AnalysisAnswer) => {
      if (thread.deadline !== null) clearTimeout(thread.deadline);
      const { job } = thread;
      thread.job = null;
      thread.ready = true;
      if (answer.kind === 'operations') job?.resolve(answer.operations);
      next();
    });
    threads.add(thread);
  };

  const give = (thread: Thread, job: Job): void => {
    const { version } = job.catalog;
    // INVARIANT: a catalog is copied to a thread once a version, not once a statement.
    if (!thread.catalogs.delete(version)) {
      const oldest = thread.catalogs.values().next();
      if (thread.catalogs.size >= KEPT_CATALOGS && oldest.done !== true) {
        thread.catalogs.delete(oldest.value);
        post(thread, { kind: 'forget', version: oldest.value });
      }
      post(thread, { kind: 'catalog', catalog: job.catalog });
    }
    thread.catalogs.add(version);
    thread.job = job;
    thread.deadline = setTimeout(
      () => drop(thread, `the statement took longer than ${deadlineMs / 1000} s to analyse; simplify or split it`),
      deadlineMs,
    );
    post(thread, { kind: 'text', text: job.text, version });
  };

  const next = (): void => {
    if (closed) return;
    for (const thread of threads) {
      if (!thread.ready || thread.job !== null) continue;
      const job = queue.shift();
      if (job === undefined) return;
      queuedLength -= job.text.length;
      give(thread, job);
    }
    const starting = [...threads].filter(({ ready }) => !ready).length;
    if (queue.length > starting && threads.size < workers) startThread();
  };

  return {
    analyze: (text, catalog) =>
      new Promise((resolve) => {
        if (closed || queue.length >= waiting || queuedLength + text.length > waitingLength)
          return refuse({ text, resolve }, 'too many large statements wait to be analysed; send it again in a moment');
        queue.push({ text, catalog, resolve });
        queuedLength += text.length;
        next();
      }),
    async close() {
      closed = true;
      for (const job of queue.splice(0)) refuse(job, 'the gate is shutting down');
      await Promise.all(
        [...threads].map((thread) => {
          drop(thread, 'the gate is shutting down');
          return thread.worker.terminate();
        }),
      );
    },
  };
}
