import { TaskgateError } from '@taskgate/core';
import type { OpenGrant } from '../control-plane.ts';
import { withinDeadline } from '../within-deadline.ts';
import type { DecidedStatement, Deciding, DecisionContexts } from './decision-context.ts';
import type { SessionState } from './session-state.ts';

/** How soon the catalog is read again for a name that it does not have. */
const CATALOG_RETRY_MS = 3_000;
/** A long session looks again at policies and catalog this often, whatever it was told of. */
const MAX_AGE_MS = 60_000;
const STORE_DEADLINE_MS = 5_000;
/** A store that hangs must not hold up every statement of a session that goes on without it. */
const RETRY_MS = 1_000;
/** What may pass: the session goes on with what it had, and tries again soon. */
const TEMPORARY: ReadonlySet<string> = new Set(['store-unavailable', 'resource-unreachable']);

/** Keeps what a session decides by up to date. */
export class SessionContext {
  readonly #state: SessionState;
  readonly #contexts: DecisionContexts;
  readonly #reloadGrant: () => Promise<OpenGrant>;
  readonly #searchPath: string;
  #loadedAt: number;
  #catalogReadAt = Number.NEGATIVE_INFINITY;
  #retryAt = Number.NEGATIVE_INFINITY;

  constructor(state: SessionState, contexts: DecisionContexts, reloadGrant: () => Promise<OpenGrant>) {
    this.#state = state;
    this.#contexts = contexts;
    this.#reloadGrant = reloadGrant;
    this.#searchPath = JSON.stringify(state.context.catalog.searchPath);
    this.#loadedAt = state.ports.clock.monotonicMs();
  }

  /** Decides a text; where a name is not in the catalog, looks at the target again first. At once where it can. */
  decideText(text: string): Deciding {
    const decided = this.#state.context.decideText(text);
    const isClear = !(decided instanceof Promise) && (this.#state.uncontained || !decided.some(isUnresolved));
    return isClear ? decided : this.#decideAnew(text, decided);
  }

  async #decideAnew(text: string, begun: Deciding): Promise<readonly DecidedStatement[]> {
    const decided = await this.decideByCatalog(text, begun);
    const unresolved = decided.some(isUnresolved);
    const now = this.#state.ports.clock.monotonicMs();
    if (!unresolved || this.#state.uncontained || now - this.#catalogReadAt < CATALOG_RETRY_MS) return decided;
    // The name may have come into being since the catalog was read.
    this.#catalogReadAt = now;
    this.#state.catalogStale = true;
    await this.refresh();
    return this.decideByCatalog(text);
  }

  /**
   * By the catalog as it was read last. INVARIANT: by the context that the session has when this returns, also where
   * another thread took its time. `begun` is what that context has just been asked: a large text is analysed once.
   */
  async decideByCatalog(
    text: string,
    begun: Deciding = this.#state.context.decideText(text),
  ): Promise<readonly DecidedStatement[]> {
    const state = this.#state;
    for (let decided = begun; ; decided = state.context.decideText(text)) {
      const { context } = state;
      if (!(decided instanceof Promise)) return decided;
      const analysed = await decided;
      await this.refresh();
      if (state.context === context) return analysed;
    }
  }

  /** Something may have changed since it was loaded. */
  get isStale(): boolean {
    const { contextStale, catalogStale, uncontained, ports } = this.#state;
    const now = ports.clock.monotonicMs();
    if (now < this.#retryAt) return false;
    return contextStale || (catalogStale && !uncontained) || now - this.#loadedAt > MAX_AGE_MS;
  }

  /** Does nothing where nothing may have changed. Throws where the grant has ended. */
  async refresh(): Promise<void> {
    if (!this.isStale) return;
    const state = this.#state;
    const now = state.ports.clock.monotonicMs();
    const refresh = state.catalogStale;
    const isToldOfNews = state.contextStale;
    state.contextStale = false;
    state.catalogStale = false;
    this.#loadedAt = now;
    try {
      const grant = await withinDeadline(this.#reloadGrant(), STORE_DEADLINE_MS);
      const context = await withinDeadline(this.#contexts.load(grant, { refresh }), STORE_DEADLINE_MS);
      // What the server looks names up in was fixed when the session began: under another path a name means another thing.
      if (JSON.stringify(context.catalog.searchPath) !== this.#searchPath)
        throw new TaskgateError('invalid-state', 'the search path of the database has changed; connect again');
      state.context = context;
      state.grant = grant;
      state.budget.setLimits(grant.limits);
      // What such a session has set and made (a search path, a role, temporary functions) a rule could not be held against.
      if (state.uncontained && !context.policies.unrestricted)
        throw new TaskgateError('grant-ended', 'the rules of this task have changed; connect again');
    } catch (error) {
      // A catalog that cannot be read while others change it: nothing is decided by it here.
      if (state.uncontained && !isToldOfNews && !(error instanceof TaskgateError)) return;
      if (!(error instanceof TaskgateError) || !TEMPORARY.has(error.code)) throw error;
      this.#retryAt = state.ports.clock.monotonicMs() + RETRY_MS;
      state.contextStale = true;
      state.catalogStale = refresh;
    }
  }

  /** The target answered with another shape than the catalog says: the next session must not meet the same. */
  renewCatalog(): void {
    this.#contexts.load(this.#state.grant, { refresh: true }).catch(() => undefined);
  }
}

function isUnresolved({ operation }: DecidedStatement): boolean {
  return operation.unknowns.some(({ code }) => code === 'unresolved');
}
