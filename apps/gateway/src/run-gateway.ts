import { randomBytes } from 'node:crypto';
import path from 'node:path';
import {
  type ControlPlane,
  createCancelRegistry,
  createDecisionContexts,
  createFolderArchive,
  createGrantBudgets,
  createLiveSessions,
  createOperationJournal,
  createRandomPool,
  createSpool,
  createSpoolIndexer,
  createStoreLease,
  holdSpool,
  listenConsole,
  listenPostgres,
  recoverSpool,
  type SessionPorts,
} from '@taskgate/gateway';
import {
  createControlPlane,
  createServices,
  eraseRecordings,
  expireGrants,
  rotateDueCredentials,
  settlePrincipals,
  settlePrincipalsSoon,
  timeOutHolds,
} from '@taskgate/services';
import { readEnvironment } from './env.ts';
import { createJsonLog } from './json-log.ts';
import { loadCertificate } from './load-certificate.ts';
import { joinSiblings } from './siblings.ts';

const TIMER_MS = 500;
const DRAIN_MS = 10_000;
/** Beside what events say: a notification can be lost, and another process can have died half way. */
const REAP_MS = 60_000;

const environment = readEnvironment(process.env);
const log = createJsonLog((line) => process.stderr.write(line));
const clock = { now: () => Date.now(), monotonicMs: () => performance.now() };
const stopping = new AbortController();
const siblings = joinSiblings(environment.processes);
/** What is done once for all of them is the first one's. */
const keepsHouse = siblings.index === 0;

const spoolDirectory = path.join(environment.home, 'spool');
const held = await holdSpool(spoolDirectory, siblings.index);
const services = await createServices({
  databaseUrl: environment.databaseUrl,
  home: environment.home,
  masterKey: environment.masterKey,
  settings: {
    webUrl: environment.webUrl,
    postgresHost: environment.publicHost,
    postgresPort: environment.postgresPort,
    consolePort: environment.consolePort,
    recordingsDirectory: path.join(environment.home, 'recordings'),
    spoolDirectory,
  },
  log,
});
const controlPlane: ControlPlane = createControlPlane(services, { gatewayName: environment.gatewayName });
const spool = createSpool(spoolDirectory);
const indexer = createSpoolIndexer({
  spool,
  archive: createFolderArchive(services.settings.recordingsDirectory),
  controlPlane,
  log,
});
const journalKey = await controlPlane.journalKey();
const journal = createOperationJournal({
  directory: spoolDirectory,
  writer: siblings.index,
  key: journalKey,
  randomBytes: (length) => randomBytes(length),
});
const live = createLiveSessions({ clock, controlPlane });
const lease = createStoreLease({ live, clock, log, leaseMs: environment.leaseMs });
const budgets = createGrantBudgets({
  controlPlane,
  clock,
  gatewayName: environment.gatewayName,
  onFailure: (error) => log.warn('budgets could not be reserved', { error: String(error) }),
});
const ports: SessionPorts = {
  controlPlane,
  clock,
  randomBytes: createRandomPool((length) => randomBytes(length)),
  spool,
  journal,
  log,
  gatewayName: environment.gatewayName,
  contexts: createDecisionContexts(controlPlane, clock),
  budgets,
  cancels: createCancelRegistry((length) => randomBytes(length), {
    index: siblings.index,
    count: siblings.count,
    forward: (process, processId, secret) =>
      siblings.say({ kind: 'cancel', process, processId, secret: Buffer.from(secret).toString('base64') }),
  }),
  live,
  indexer,
};

siblings.onMessage((message) => {
  if (message.kind === 'cancel') ports.cancels.cancelOwn(message.processId, Buffer.from(message.secret, 'base64'));
});
/** What an earlier run of this gateway left: no other of its processes is there yet. */
async function recover(): Promise<void> {
  await controlPlane.forfeitBudgets(environment.gatewayName);
  await recoverSpool({
    spool,
    journalKey,
    indexer,
    controlPlane,
    gatewayName: environment.gatewayName,
    now: () => clock.now(),
    log,
  });
}
if (keepsHouse) await recover();
let resyncDue = false;
/** Beside the timers: a target that hangs holds up no other, and no turn of theirs. */
async function settle(options: { readonly resync: boolean; readonly reap: boolean }): Promise<void> {
  if (options.resync) resyncDue = false;
  try {
    const { complete } = await settlePrincipals({ actor: { kind: 'system', via: 'timer' }, services }, options);
    if (options.resync && !complete) resyncDue = true;
  } catch (error) {
    if (options.resync) resyncDue = true;
    log.warn('principals could not be settled', { error: String(error) });
  }
}
controlPlane.watch((event) => {
  lease.renew();
  live.onEvent(event);
  if (!keepsHouse) return;
  if (event.kind === 'grant-ended') settlePrincipalsSoon(services);
  if (event.kind === 'policy-changed' || event.kind === 'catalog-changed' || event.kind === 'resync') resyncDue = true;
}, stopping.signal);

const certificate = await loadCertificate({
  home: environment.home,
  certificateFile: environment.tlsCertificateFile,
  keyFile: environment.tlsKeyFile,
  host: environment.publicHost,
});
const listeners = [
  await listenPostgres({ host: environment.listenHost, port: environment.postgresPort, tls: certificate, ports }),
  await listenConsole({
    host: environment.listenHost,
    port: environment.consolePort,
    allowedOrigins: [new URL(environment.webUrl).origin],
    ports,
  }),
];
log.info('gateway is ready', {
  postgres: environment.postgresPort,
  console: environment.consolePort,
  process: siblings.index,
});
if (keepsHouse) siblings.say({ kind: 'recovered' });

/** Beside the other timers: what waits for a target or for files holds up no grant. */
function whenFree(what: string, work: () => Promise<unknown>): () => void {
  let busy = false;
  return () => {
    if (busy) return;
    busy = true;
    work()
      .catch((error: unknown) => log.warn(`${what} could not run`, { error: String(error) }))
      .finally(() => {
        busy = false;
      });
  };
}
const timerContext = { actor: { kind: 'system', via: 'timer' } as const, services };
const rotateDue = whenFree('rotations', () => rotateDueCredentials(timerContext));
const eraseOld = whenFree('the retention of recordings', () => eraseRecordings(timerContext));

let timing = false;
let reapedAt = Number.NEGATIVE_INFINITY;
const keepHouse = (): void => {
  if (timing) return;
  timing = true;
  Promise.all([expireGrants(timerContext), timeOutHolds(timerContext)])
    .then(() => lease.renew())
    .catch((error: unknown) => log.warn('timers could not run', { error: String(error) }))
    .finally(() => {
      timing = false;
    });
  const reap = clock.monotonicMs() - reapedAt > REAP_MS;
  if (reap) {
    reapedAt = clock.monotonicMs();
    eraseOld();
  }
  rotateDue();
  void settle({ resync: reap || resyncDue, reap });
};
const timer = keepsHouse ? setInterval(keepHouse, TIMER_MS) : undefined;

async function stop(signal: string): Promise<void> {
  if (stopping.signal.aborted) return;
  log.info('stopping', { signal });
  clearInterval(timer);
  const closing = Promise.all(listeners.map((listener) => listener.close()));
  await live.endAll();
  await budgets.close();
  journal.close();
  stopping.abort();
  await Promise.race([closing, new Promise((resolve) => setTimeout(resolve, 2_000).unref())]);
  await indexer.drain(AbortSignal.timeout(DRAIN_MS));
  await services.close();
  held.release();
  process.exit(0);
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal));
process.on('unhandledRejection', (error) =>
  log.error('unhandled rejection', { error: String(error), stack: error instanceof Error ? error.stack : undefined }),
);
