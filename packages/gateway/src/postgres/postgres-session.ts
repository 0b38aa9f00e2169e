import type { Duplex } from 'node:stream';
import {
  createFrameDecoder,
  encodeFatal,
  encodeFlush,
  FRONTEND_TAG,
  type Frame,
  isBackendTag,
  isFrontendTag,
  maxBackendBytes,
  maxFrontendBytes,
  ProtocolError,
} from '@taskgate/protocol-postgres';
import type { SessionEndReason } from '@taskgate/recording';
import type { LeasedCredential, OpenGrant } from '../control-plane.ts';
import { ClientOutput } from './client-output.ts';
import { type TargetConnection, terminateTarget } from './connect-target.ts';
import { copyBytes } from './copy-bytes.ts';
import type { DecidedStatement, DecisionContexts } from './decision-context.ts';
import { listenTo, withoutBuffer, writeTogether } from './direct-socket.ts';
import { endingOfError, INTERNAL_ERROR, type SessionEnding } from './ending-of-error.ts';
import { FrameQueue } from './frame-queue.ts';
import type { OperationRun } from './operation-run.ts';
import { type PlanPorts, planExtended, planQuery, type Segment } from './plan-segment.ts';
import { type ReplyPorts, readReply, rowsLacking, takeRows } from './read-replies.ts';
import { type ExpectedReply, endsBlock } from './reply.ts';
import { ShapeMismatch } from './result-plan.ts';
import { SessionContext } from './session-context.ts';
import type { SessionState } from './session-state.ts';
import { StatementTimer } from './statement-timer.ts';
import { runSteps, type Steps, settled } from './steps.ts';
import { TargetQuestions } from './target-questions.ts';

/** Extended messages without Sync or Flush are planned anyway once there are so many: memory is bounded. */
const MAX_BATCH_FRAMES = 2_000;
const MAX_BATCH_BYTES = 32 * 1024 * 1024;
/** Above this much unread input the client waits. */
const HIGH_WATER_BYTES = 2 * 1024 * 1024;
/** The store may be away: a session's end does not wait for it longer than this. */
const PLAN_DEADLINE_MS = 3_000;

export interface PostgresSessionPorts {
  readonly contexts: DecisionContexts;
  readonly reloadGrant: () => Promise<OpenGrant>;
  readonly lease: () => Promise<LeasedCredential>;
  readonly holdChanged: (holdId: string, signal: AbortSignal) => Promise<void>;
}

/**
 * The pump between an authenticated client and its target. One batch at a time: the next message is looked at when the
 * target has answered the last, so that what it means never depends on an answer that has not come.
 */
export class PostgresSession {
  readonly #state: SessionState;
  readonly #client: Duplex;
  readonly #target: TargetConnection;
  readonly #ports: PostgresSessionPorts;
  readonly #fromClient = createFrameDecoder({ maxBytes: maxFrontendBytes, knows: isFrontendTag });
  readonly #fromTarget = createFrameDecoder({ maxBytes: maxBackendBytes, knows: isBackendTag });
  readonly #queue = new FrameQueue();
  readonly #context: SessionContext;
  readonly #timer: StatementTimer;
  readonly #questions: TargetQuestions;
  #scanned = 0;
  #planning = false;
  /** What was planned waits until its record is in the kernel. */
  #committing = false;
  /** Settles when what is being planned (a hold that waits, say) has written its record. */
  #planned: Promise<void> = Promise.resolve();
  #ended = false;
  #cancelling = false;
  #holdCancel: AbortController | null = null;
  readonly #output: ClientOutput;
  readonly #replyPorts: ReplyPorts = {
    send: (bytes) => this.#output.sink.put(bytes),
    toTarget: (parts) => this.#toTarget(parts),
    cancel: () => this.#cancelTarget(),
  };
  /** Rows, and what came behind them, that wait until more of the budget is reserved. */
  #stalled: Frame[] | null = null;
  #idleTimer: NodeJS.Timeout | null = null;
  #resolveDone: (ending: SessionEnding) => void = () => undefined;
  /** Resolves when both sides are closed. */
  readonly done: Promise<SessionEnding>;
  bytesIn = 0;
  bytesOut = 0;

  constructor(state: SessionState, client: Duplex, target: TargetConnection, ports: PostgresSessionPorts) {
    this.#state = state;
    this.#client = client;
    this.#output = new ClientOutput(client);
    this.#target = target;
    this.#ports = ports;
    this.#context = new SessionContext(state, ports.contexts, ports.reloadGrant);
    this.#timer = new StatementTimer(state, {
      cancel: () => this.#cancelTarget(),
      giveUp: ({ sqlstate, message, hint }) => this.end('limit', sqlstate, message, hint),
    });
    this.#questions = new TargetQuestions({
      send: (parts) => this.#toTarget(parts),
      cancel: () => this.#cancelTarget(),
    });
    this.done = new Promise((resolve) => {
      this.#resolveDone = resolve;
    });
  }

  /** `clientRest`, `targetRest`: what came in behind the handshakes. */
  start(clientRest: Uint8Array, targetRest: Uint8Array): void {
    const { socket } = this.#target;
    // What it says waits in the queue, and outlives the memory it was read into.
    listenTo(this.#client, (chunk) => this.#onClientData(copyBytes(chunk)));
    this.#client.on('end', () => this.#clientGone());
    this.#client.on('close', () => this.#clientGone());
    this.#client.on('error', () => this.#clientGone());
    this.#client.on('drain', () => {
      if (this.#stalled === null) socket.resume();
    });
    listenTo(socket, (chunk) => this.#onTargetData(chunk));
    socket.on('drain', () => this.#resumeClient());
    socket.on('close', () => this.#targetGone());
    socket.on('error', () => this.#targetGone());
    this.#touchIdle();
    if (targetRest.length > 0) this.#onTargetData(withoutBuffer(targetRest));
    if (clientRest.length > 0) this.#onClientData(withoutBuffer(clientRest));
    this.#client.resume();
    socket.resume();
  }

  /** From a CancelRequest of this client: takes a hold back, or cancels what runs. */
  cancel(): void {
    if (this.#holdCancel !== null) this.#holdCancel.abort();
    else this.#cancelTarget();
  }

  #cancelTarget(): void {
    if ((this.#state.replies.length === 0 && !this.#questions.asking) || this.#cancelling) return;
    // One at a time: each opens a connection to the target.
    this.#cancelling = true;
    void this.#target.cancel().finally(() => {
      this.#cancelling = false;
      if (this.#queue.length > 0) this.#advance();
    });
  }

  /** Ends it from outside (grant ended, expiry, shutdown). */
  end(reason: SessionEndReason, sqlstate: string, message: string, hint: string | null = null): void {
    this.#finish({
      reason,
      detail: message,
      message: encodeFatal(sqlstate, `terminating connection: ${message}`, hint),
    });
  }

  get state(): SessionState {
    return this.#state;
  }

  /** The text as it would be decided now, for the console's preflight: the same function, nothing recorded. */
  async preflight(text: string): Promise<readonly DecidedStatement[]> {
    await this.#context.refresh();
    return this.#context.decideByCatalog(text);
  }

  #onClientData(chunk: Uint8Array): void {
    if (this.#ended) return;
    this.bytesIn += chunk.length;
    this.#touchIdle();
    try {
      for (const frame of this.#fromClient.push(chunk)) this.#queue.push(frame);
    } catch (error) {
      return this.#fail(error);
    }
    this.#advance();
    if (this.#queue.bytes > HIGH_WATER_BYTES && this.#busy) this.#client.pause();
  }

  /** Where nothing is under way, the queue waits for the rest of its batch: to stop reading would be to wait for ever. */
  get #busy(): boolean {
    return this.#planning || this.#committing || this.#state.replies.length > 0;
  }

  #resumeClient(): void {
    if (this.#queue.bytes <= HIGH_WATER_BYTES || !this.#busy) this.#client.resume();
  }

  #advance(): void {
    // What comes next must not be hit by a cancel that was meant for what is over.
    if (this.#planning || this.#ended || this.#cancelling) return;
    this.#planning = true;
    try {
      const run = runSteps(this.#run());
      if (!(run instanceof Promise)) return this.#planningDone();
      this.#planned = run.then(
        () => this.#planningDone(),
        (error: unknown) => this.#planningFailed(error),
      );
    } catch (error) {
      this.#planningFailed(error);
    }
  }

  #planningDone(): void {
    this.#planning = false;
    this.#flushClient();
    this.#resumeClient();
  }

  #planningFailed(error: unknown): void {
    this.#planning = false;
    this.#fail(error);
  }

  *#run(): Steps<void> {
    const state = this.#state;
    while (!this.#ended) {
      if (state.copyIn !== null) {
        if (!this.#pumpCopyIn()) return;
        continue;
      }
      if (state.replies.length > 0 || this.#committing) return;
      if (state.skipToSync) {
        if (!this.#dropToSync()) return;
        continue;
      }
      const frames = this.#takeBatch();
      if (frames === null) return;
      if (this.#context.isStale) yield* settled(this.#context.refresh());
      const { tag } = frames[0]!;
      const segment = yield* tag === FRONTEND_TAG.query || tag === FRONTEND_TAG.functionCall
        ? planQuery(state, frames[0]!, this.#planPorts)
        : planExtended(state, frames, this.#planPorts);
      this.#holdCancel = null;
      this.#send(segment);
    }
  }

  readonly #planPorts: PlanPorts = {
    decideText: (text) => this.#context.decideText(text),
    hold: () => {
      // The controller of the last hold is of no use any more.
      const controller = new AbortController();
      this.#holdCancel = controller;
      return {
        cancelled: controller.signal,
        questions: this.#questions,
        notify: (notice) => {
          this.#output.sink.put(notice);
          this.#flushClient();
        },
        refresh: () => this.#context.refresh(),
        changed: (holdId, signal) => this.#ports.holdChanged(holdId, signal),
      };
    },
  };

  #send(segment: Segment): void {
    if (this.#ended) {
      // It waited (for approval, for its analysis) past the end of its session: nothing of it ran.
      for (const run of segment.replies.flatMap(runsOf)) run.close('skipped');
      return;
    }
    const state = this.#state;
    state.replies.push(...segment.replies);
    state.batchOpen ||= segment.replies.some(({ kind }) => kind === 'bind' || kind === 'execute');
    state.blockEnded ||= segment.replies.some(endsBlock);
    this.#queue.putBack(segment.rest);
    this.#scanned = 0;
    // INVARIANT: what is about to run is in the kernel before a byte of it leaves.
    this.#committing = true;
    state.recorder.commit((error) => {
      this.#committing = false;
      if (error !== null) return this.#fail(error);
      if (this.#ended) return;
      this.#toTarget(segment.out);
      if (state.replies.length > 0) this.#timer.start();
      else if (this.#queue.length > 0) this.#advance();
    });
  }

  #toTarget(parts: readonly Uint8Array[]): void {
    const { socket } = this.#target;
    if (socket.destroyed) return;
    if (!writeTogether(socket, parts)) this.#client.pause();
  }

  /** A simple query, or extended messages up to Sync or Flush; `null` until one is whole. */
  #takeBatch(): Frame[] | null {
    for (;;) {
      const first = this.#queue.at(0);
      if (first === undefined) return null;
      switch (first.tag) {
        case FRONTEND_TAG.query:
          return this.#shift(1);
        case FRONTEND_TAG.terminate:
          this.#clientGone();
          return null;
        case FRONTEND_TAG.functionCall:
          return this.#shift(1);
        case FRONTEND_TAG.authentication:
          throw new ProtocolError('08P01', 'an authentication message does not belong here');
        case FRONTEND_TAG.copyData:
        case FRONTEND_TAG.copyDone:
        case FRONTEND_TAG.copyFail:
          // Of a COPY that has failed meanwhile: the server ignores them too.
          this.#shift(1);
          continue;
        default: {
          const end = this.#endOfBatch();
          return end === null ? null : this.#shift(end);
        }
      }
    }
  }

  #endOfBatch(): number | null {
    let at = this.#scanned;
    for (; at < this.#queue.length; at++) {
      const { tag } = this.#queue.at(at)!;
      if (tag === FRONTEND_TAG.sync || tag === FRONTEND_TAG.flush) return at + 1;
      // A message that ends an extended batch in its own way: plan what is in front of it.
      if (
        tag === FRONTEND_TAG.query ||
        tag === FRONTEND_TAG.terminate ||
        tag === FRONTEND_TAG.functionCall ||
        tag === FRONTEND_TAG.authentication
      )
        return at;
    }
    this.#scanned = at;
    return this.#queue.length >= MAX_BATCH_FRAMES || this.#queue.bytes >= MAX_BATCH_BYTES ? this.#queue.length : null;
  }

  #shift(count: number): Frame[] {
    this.#scanned = 0;
    return this.#queue.take(count);
  }

  /** The client's data goes on as it is; true while there is more to look at. */
  #pumpCopyIn(): boolean {
    const run = this.#state.copyIn!;
    const first = this.#queue.at(0);
    if (first === undefined) return false;
    this.#shift(1);
    switch (first.tag) {
      case FRONTEND_TAG.copyData:
        run.copyIn(first.raw.subarray(5));
        this.#toTarget([first.raw]);
        return true;
      case FRONTEND_TAG.copyDone:
      case FRONTEND_TAG.copyFail:
        this.#state.copyIn = null;
        this.#state.recorder.flush();
        // The server has ignored the Flush that came before the data; a guarded run has no Sync before its count is known.
        this.#toTarget(run.guarded ? [first.raw, encodeFlush()] : [first.raw]);
        return true;
      case FRONTEND_TAG.sync:
      case FRONTEND_TAG.flush:
        // The server ignores them while it copies; libpq sends a Sync behind each Execute.
        return true;
      case FRONTEND_TAG.terminate:
        this.#clientGone();
        return false;
      default:
        throw new ProtocolError('08P01', 'only copy data may come while data is copied in');
    }
  }

  /** After an error inside a batch: true once the Sync is there and has been sent. */
  #dropToSync(): boolean {
    let sync = 0;
    for (; sync < this.#queue.length; sync++) {
      const { tag } = this.#queue.at(sync)!;
      if (tag === FRONTEND_TAG.sync || tag === FRONTEND_TAG.terminate) break;
    }
    if (sync === this.#queue.length) {
      this.#shift(sync);
      return false;
    }
    if (this.#queue.at(sync)!.tag === FRONTEND_TAG.terminate) {
      this.#clientGone();
      return false;
    }
    const frames = this.#shift(sync + 1);
    this.#state.skipToSync = false;
    this.#state.replies.push({ kind: 'sync', converted: false });
    this.#toTarget([frames.at(-1)!.raw]);
    return true;
  }

  #onTargetData(chunk: Uint8Array): void {
    if (this.#ended) return;
    try {
      this.#fromTarget.each(chunk, this.#onReply, this.#onRows);
    } catch (error) {
      this.#flushClient();
      return this.#fail(error);
    }
    this.#settleReplies();
  }

  readonly #onRows = (chunk: Uint8Array, at: number): number =>
    this.#stalled === null && !this.#questions.asking ? takeRows(this.#state, chunk, at, this.#output.sink) : at;

  readonly #onReply = (frame: Frame): void => {
    if (this.#questions.asking) return this.#questions.take(frame);
    if (this.#stalled !== null) {
      this.#stalled.push(kept(frame));
      return;
    }
    const lacking = rowsLacking(this.#state, frame);
    if (lacking !== null) this.#stall([kept(frame)], lacking);
    else readReply(this.#state, frame, this.#replyPorts);
  };

  #settleReplies(): void {
    this.#flushClient();
    if (this.#stalled !== null) return;
    if (this.#state.replies.length === 0) this.#timer.stop();
    if (this.#queue.length > 0) this.#advance();
  }

  /** The slice of the budget is used up: what comes waits until the store has given more, or said that there is none. */
  #stall(frames: Frame[], rows: number): void {
    this.#stalled = frames;
    this.#target.socket.pause();
    void this.#state.budget.moreRows(rows).then((more) => {
      const rest = this.#stalled ?? [];
      this.#stalled = null;
      if (this.#ended) return;
      try {
        // Without more, the first row says so: it ends the session, or what follows is dropped.
        for (const frame of rest)
          if (more) this.#onReply(frame);
          else readReply(this.#state, frame, this.#replyPorts);
      } catch (error) {
        this.#flushClient();
        return this.#fail(error);
      }
      if (this.#stalled === null) this.#target.socket.resume();
      this.#settleReplies();
    });
  }

  #flushClient(): void {
    const { length } = this.#output;
    if (length === 0) return;
    this.bytesOut += length;
    // Back-pressure: a slow reader slows its own target, and costs no memory here.
    if (!this.#output.flush()) this.#target.socket.pause();
  }

  #touchIdle(): void {
    const { idleMs } = this.#state.grant.limits;
    if (idleMs === null) return;
    if (this.#idleTimer !== null) {
      this.#idleTimer.refresh();
      return;
    }
    this.#idleTimer = setTimeout(() => {
      if (this.#state.replies.length > 0 || this.#planning) this.#idleTimer?.refresh();
      else
        this.end(
          'idle',
          '57P05',
          `idle for longer than ${Math.round(idleMs / 1000)} s, which this task allows`,
          'connect again',
        );
    }, idleMs);
    this.#idleTimer.unref();
  }

  #clientGone(): void {
    this.#finish({ reason: 'client-closed', detail: null, message: null });
  }

  #targetGone(): void {
    this.#finish({
      reason: 'target-closed',
      detail: 'the resource closed the connection',
      message: encodeFatal('08006', 'the resource closed the connection', 'connect again'),
    });
  }

  #fail(error: unknown): void {
    const { log } = this.#state.ports;
    const session = this.#state.sessionId;
    if (error instanceof ShapeMismatch) {
      log.warn('the target answered with another result than the one decided on', { session, error: error.message });
      this.#context.renewCatalog();
    }
    const ending = endingOfError(error);
    if (ending === null)
      log.error('session failed', {
        session,
        error: String(error),
        stack: error instanceof Error ? error.stack : undefined,
      });
    this.#finish(ending ?? INTERNAL_ERROR);
  }

  #finish(ending: SessionEnding): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#holdCancel?.abort();
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer);
    this.#timer.close();
    this.#questions.close();
    const busy = this.#state.replies.length > 0 || this.#state.transaction !== 'idle';
    for (const run of this.#state.replies.flatMap(runsOf)) {
      // A result that was cut at a limit ran. What else has no answer may or may not have run: it stays unknown.
      if (ending.reason === 'limit' && run.described) run.close('withheld');
      else run.abandon();
    }
    this.#flushClient();
    if (!this.#client.destroyed) {
      if (ending.message !== null) this.#client.end(ending.message);
      else this.#client.end();
      const client = this.#client;
      // A client that does not read its last message is not waited for.
      setTimeout(() => client.destroy(), 500).unref();
    }
    const closeTarget = busy ? terminateTarget(this.#target, this.#ports.lease) : this.#closeTarget();
    // A hold that is taken back by this must stand in the recording before its end does.
    void Promise.allSettled([closeTarget, settledWithin(this.#planned, PLAN_DEADLINE_MS)]).then(() =>
      this.#resolveDone(ending),
    );
  }

  async #closeTarget(): Promise<void> {
    const { socket } = this.#target;
    listenTo(socket, null);
    socket.resume();
    socket.end(Uint8Array.of(FRONTEND_TAG.terminate, 0, 0, 0, 4));
    setTimeout(() => socket.destroy(), 1_000).unref();
  }
}

function settledWithin(promise: Promise<void>, deadlineMs: number): Promise<void> {
  return Promise.race([promise, new Promise<void>((resolve) => setTimeout(resolve, deadlineMs).unref())]);
}

function runsOf(reply: ExpectedReply): readonly OperationRun[] {
  if (reply.kind === 'execute') return [reply.run];
  return reply.kind === 'query' ? reply.runs : [];
}

/** The memory in which a frame came is used again. */
const kept = ({ tag, raw }: Frame): Frame => ({ tag, raw: Uint8Array.from(raw) });
