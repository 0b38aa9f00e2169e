import { createHash, createHmac } from 'node:crypto';
import type { CatalogColumn, Clock, ColumnName, Decision, PostgresCatalog, SqlOperation } from '@taskgate/core';
import { TaskgateError } from '@taskgate/core';
import {
  type CompiledPolicySet,
  compilePolicySet,
  decide,
  dependsOnEstimate,
  parsePolicy,
  parseTask,
  type ReachedRelation,
  reachOf,
} from '@taskgate/policy';
import { isAllowedSystemRelation, type SqlAnalyzer, sqlAnalyzer, statementShape } from '@taskgate/sql';
import { type AnalysisPool, createAnalysisPool, isQuickToAnalyse } from '../analysis/analysis-pool.ts';
import type { ControlPlane, OpenGrant } from '../control-plane.ts';
import { createResultPlans, type ResultPlans } from './result-plan.ts';

export interface DecidedStatement {
  readonly operation: SqlOperation;
  /** Where it depends on an estimate: as if more rows were expected than any rule names. */
  readonly decision: Decision;
  /** Decided as this one was, from which it differs in numbers alone: what is made for a statement is made for it once. */
  readonly like?: DecidedStatement;
  /** The target's planner must be asked before it is decided on. */
  readonly dependsOnEstimate?: true;
}

/** At once, or a promise where another thread must analyse the text. */
export type Deciding = readonly DecidedStatement[] | Promise<readonly DecidedStatement[]>;

/** All that a statement is decided by: task document, policies, labels, catalog. Immutable; shared by its sessions. */
export interface DecisionContext {
  /** The same key decides the same. */
  readonly key: string;
  readonly catalog: PostgresCatalog;
  readonly policies: CompiledPolicySet;
  /**
   * One entry a statement of the text, in order. Decided once per exact text. At once where the text is short or was
   * decided before; a promise, which never rejects, where another thread must analyse it.
   */
  decideText(text: string): Deciding;
  /** For a statement inside another (SQL-level prepare and declare), or of which so many rows are expected. */
  decideOperation(operation: SqlOperation, rows?: number): Decision;
  /** What the recording and its index say that it reaches; found once for each operation. */
  reachOf(operation: SqlOperation): readonly ReachedRelation[];
  /** How results are masked. */
  readonly results: ResultPlans;
  readonly hmacSha256: (bytes: Uint8Array) => Uint8Array;
  findColumn(name: ColumnName): CatalogColumn | null;
  /** citext is text to a mask, wherever its extension put it. */
  isTextType(typeOid: number): boolean;
}

/** FirstNormalObjectId: what is below was made by initdb. */
const FIRST_USER_OID = 16_384;
/** A catalog older than this is read again when a session opens: what changed outside the gate is seen. */
const CATALOG_MAX_AGE_MS = 60_000;
/** Well before that age, so that no statement waits for the reading. */
const CATALOG_RENEW_MS = 40_000;
const MAX_CACHED_TEXTS = 5_000;
const MAX_CACHED_TEXT_LENGTH = 16_384;

function createDecisionContext(
  key: string,
  policies: CompiledPolicySet,
  catalog: PostgresCatalog,
  analyzer: SqlAnalyzer,
  pool: AnalysisPool,
  hmacSha256: (bytes: Uint8Array) => Uint8Array,
): DecisionContext {
  const cache = new Map<string, readonly DecidedStatement[]>();
  const shapes = createShapeCache();
  const reaches = new WeakMap<SqlOperation, readonly ReachedRelation[]>();
  const relations = new Map(catalog.relations.map((relation) => [`${relation.schema}\0${relation.name}`, relation]));
  const relationOids = new Set(catalog.relations.map(({ oid }) => oid));
  const textTypes = new Set(catalog.types.filter(({ name }) => name === 'citext').map(({ oid }) => oid));
  const isTextType = (typeOid: number): boolean => textTypes.has(typeOid);
  const reachedBy = (operation: SqlOperation): readonly ReachedRelation[] => {
    let reach = reaches.get(operation);
    if (reach === undefined) {
      reach = reachOf(operation, policies);
      reaches.set(operation, reach);
    }
    return reach;
  };
  return {
    key,
    catalog,
    policies,
    hmacSha256,
    results: createResultPlans({
      hmacSha256,
      isTextType,
      contained: !policies.unrestricted,
      // Without it, a table that came into being since the catalog was read: nothing was decided on it.
      knowsRelation: (oid) => oid < FIRST_USER_OID || relationOids.has(oid),
    }),
    decideText(text) {
      const known = cache.get(text);
      if (known !== undefined) return known;
      const shape = statementShape(text);
      const alike = shape === null ? null : shapes.find(shape, text);
      if (alike !== null) {
        reaches.set(alike.operation, reachedBy(alike.like!.operation));
        return [alike];
      }
      const keep = (operations: readonly SqlOperation[]): readonly DecidedStatement[] => {
        const decided = operations.map((operation) => ({
          operation,
          decision: decide(operation, policies),
          ...(dependsOnEstimate(operation, policies) ? { dependsOnEstimate: true as const } : {}),
        }));
        // What is too large may only have been so while others waited too.
        const lasting = operations.every(({ unknowns }) => unknowns.every(({ code }) => code !== 'too-large'));
        if (text.length <= MAX_CACHED_TEXT_LENGTH && lasting) {
          if (cache.size >= MAX_CACHED_TEXTS) cache.delete(cache.keys().next().value!);
          cache.set(text, decided);
          if (shape !== null) shapes.add(shape, text, decided);
        }
        return decided;
      };
      return isQuickToAnalyse(text) ? keep(analyzer.analyze(text, catalog)) : pool.analyze(text, catalog).then(keep);
    },
    decideOperation: (operation, rows) => decide(operation, policies, rows),
    reachOf: reachedBy,
    findColumn: ({ schema, relation, column }) =>
      relations.get(`${schema}\0${relation}`)?.columns.find(({ name }) => name === column) ?? null,
    isTextType,
  };
}

/** Statements that were allowed, by their shape: what differs in numbers alone is allowed alike. */
function createShapeCache() {
  const shapes = new Map<
    string,
    { readonly like: DecidedStatement; readonly before: number; readonly behind: number }
  >();
  return {
    add(shape: string, text: string, decided: readonly DecidedStatement[]): void {
      const [like] = decided;
      // What is refused or held says where in its own text; an effect on the session is followed by its own words.
      if (like === undefined || decided.length > 1 || like.decision.outcome !== 'allow') return;
      if (like.dependsOnEstimate === true || like.operation.effect !== null || like.operation.unknowns.length > 0)
        return;
      const before = text.indexOf(like.operation.text);
      if (before < 0) return;
      if (shapes.size >= MAX_CACHED_TEXTS) shapes.delete(shapes.keys().next().value!);
      shapes.set(shape, { like, before, behind: text.length - before - like.operation.text.length });
    },
    find(shape: string, text: string): DecidedStatement | null {
      const known = shapes.get(shape);
      if (known === undefined) return null;
      const { like, before, behind } = known;
      const operation = { ...like.operation, text: text.slice(before, text.length - behind) };
      return { operation, decision: like.decision, like };
    },
  };
}

/** Makes contexts from what the control plane says, and keeps those in use. */
export interface DecisionContexts {
  /** `refresh`: read the catalog from the target again. Throws TaskgateError where a document does not parse any more. */
  load(grant: OpenGrant, options: { readonly refresh: boolean }): Promise<DecisionContext>;
  /** Keeps the catalog of a resource young while a session on it lives, also an idle one; returns how that ends. */
  watch(resourceId: string): () => void;
}

export function createDecisionContexts(
  controlPlane: ControlPlane,
  clock: Clock,
  pool: AnalysisPool = createAnalysisPool(),
  renewMs: number = CATALOG_RENEW_MS,
): DecisionContexts {
  const readAt = new Map<string, number>();
  const contexts = new Map<string, DecisionContext>();
  const reading = new Map<string, { readonly done: Promise<void>; next: Promise<PostgresCatalog> | null }>();
  /**
   * One reading of a resource at a time: who asks meanwhile shares the one after it, since the one under way may have
   * begun before what is asked about. Clients that name what does not exist cannot make it more.
   */
  const readAnew = (resourceId: string): Promise<PostgresCatalog> => {
    const running = reading.get(resourceId);
    if (running === undefined) return beginReading(resourceId);
    running.next ??= running.done.then(() => beginReading(resourceId));
    return running.next;
  };
  const beginReading = (resourceId: string): Promise<PostgresCatalog> => {
    const read = controlPlane.loadCatalog(resourceId, { refresh: true });
    const settled = (): void => {
      if (entry.next === null) reading.delete(resourceId);
    };
    const entry = { done: read.then(settled, settled), next: null };
    reading.set(resourceId, entry);
    return read;
  };
  const watched = new Map<string, { sessions: number; readonly timer: NodeJS.Timeout }>();
  const renewing = new Set<string>();
  const renew = async (resourceId: string): Promise<void> => {
    if (renewing.has(resourceId)) return;
    renewing.add(resourceId);
    try {
      // A change reaches the sessions by the control plane's event.
      await controlPlane.loadCatalog(resourceId, { refresh: false, maxAgeMs: renewMs / 2 });
      readAt.set(resourceId, clock.monotonicMs());
    } catch {
      // The next statement that finds it too old reads it again, or fails.
    } finally {
      renewing.delete(resourceId);
    }
  };
  return {
    watch(resourceId) {
      const known = watched.get(resourceId);
      const entry = known ?? { sessions: 0, timer: setInterval(() => void renew(resourceId), renewMs).unref() };
      if (known === undefined) watched.set(resourceId, entry);
      entry.sessions += 1;
      return () => {
        entry.sessions -= 1;
        if (entry.sessions > 0) return;
        clearInterval(entry.timer);
        watched.delete(resourceId);
      };
    },
    async load(grant, { refresh }) {
      const now = clock.monotonicMs();
      const old = now - (readAt.get(grant.resource.id) ?? Number.NEGATIVE_INFINITY) > CATALOG_MAX_AGE_MS;
      const catalog = await (refresh || old
        ? readAnew(grant.resource.id)
        : controlPlane.loadCatalog(grant.resource.id, { refresh: false }));
      if (refresh || old) readAt.set(grant.resource.id, now);
      const key = JSON.stringify([
        grant.resource.id,
        grant.resource.labels,
        grant.task.name,
        grant.task.revision,
        // A grant that stands under another has its own document of the same revision.
        createHash('sha256').update(grant.task.source).digest('hex'),
        grant.policies.map(({ name, revision }) => [name, revision]).sort(),
        catalog.version,
        grant.maskKey.reveal((key) => createHash('sha256').update(key).digest('hex').slice(0, 16)),
      ]);
      const known = contexts.get(key);
      if (known !== undefined) return known;
      const policies = compilePolicySet({
        task: {
          name: grant.task.name,
          revision: grant.task.revision,
          document: mustParse(grant.task.name, parseTask(grant.task.source)),
        },
        policies: grant.policies.map(({ name, revision, source }) => ({
          name,
          revision,
          document: mustParse(name, parsePolicy(source)),
        })),
        resource: { name: grant.resource.name, labels: grant.resource.labels },
        catalog,
        isAllowedSystemRelation,
      });
      const analyzer = await sqlAnalyzer(catalog.serverVersion);
      const context = createDecisionContext(key, policies, catalog, analyzer, pool, (bytes) =>
        grant.maskKey.reveal((maskKey) => createHmac('sha256', maskKey).update(bytes).digest()),
      );
      if (contexts.size >= 200) contexts.delete(contexts.keys().next().value!);
      contexts.set(key, context);
      return context;
    },
  };
}

function mustParse<T>(name: string, result: { ok: true; document: T } | { ok: false }): T {
  // Was parsed when it was saved: a document that does not parse now is not guessed at.
  if (!result.ok) throw new TaskgateError('internal', `the document \`${name}\` cannot be read`);
  return result.document;
}
