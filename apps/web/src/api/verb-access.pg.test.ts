import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type AnyProcedure, call } from '@orpc/server';
import { contract, VERB_SCOPES } from '@taskgate/contracts';
import { SCOPES, type Scope } from '@taskgate/core';
import {
  authenticateGrantToken,
  exchangeToken,
  exportOperations,
  type IdentityActor,
  introspectToken,
  loadRecordingBytes,
  revokeToken,
} from '@taskgate/services';
import { BINDING, refusal, startTestShop, type TestShop } from '@taskgate/services/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { approvalsRouter } from './approvals.ts';
import { auditRouter } from './audit.ts';
import { devicesRouter } from './devices.ts';
import { directoryRouter } from './directory.ts';
import { documentsRouter } from './documents.ts';
import { grantsRouter } from './grants.ts';
import { holdsRouter } from './holds.ts';
import { inboxRouter } from './inbox.ts';
import { issuersRouter, machinesRouter } from './machines.ts';
import { operationsRouter } from './operations.ts';
import { passkeysRouter } from './passkeys.ts';
import { peopleRouter } from './people.ts';
import { policiesRouter } from './policies.ts';
import { providersRouter } from './providers.ts';
import { resourcesRouter } from './resources.ts';
import { sessionsRouter } from './sessions.ts';
import { simulationsRouter } from './simulations.ts';
import { tasksRouter } from './tasks.ts';
import { viewsRouter } from './views.ts';
import { workflowsRouter } from './workflows.ts';

/** All but the event stream, which needs Next around it; what it tells whom is `mayHear`'s own test. */
const router = {
  people: peopleRouter,
  devices: devicesRouter,
  issuers: issuersRouter,
  machines: machinesRouter,
  passkeys: passkeysRouter,
  providers: providersRouter,
  directory: directoryRouter,
  resources: resourcesRouter,
  tasks: tasksRouter,
  policies: policiesRouter,
  workflows: workflowsRouter,
  documents: documentsRouter,
  grants: grantsRouter,
  holds: holdsRouter,
  approvals: approvalsRouter,
  inbox: inboxRouter,
  sessions: sessionsRouter,
  operations: operationsRouter,
  views: viewsRouter,
  simulations: simulationsRouter,
  audit: auditRouter,
} as unknown as Record<string, Record<string, AnyProcedure>>;
const STREAM = 'live.events';

/** What the calls are about: all of it is the engineer's, but for the machine, which is everybody's. */
interface Facts {
  readonly grantId: string;
  readonly requestId: string;
  readonly sessionId: string;
  readonly holdId: string;
  readonly decisionId: string;
  readonly tokenId: string;
  readonly webSessionId: string;
  readonly viewId: string;
  readonly simulationId: string;
  readonly childId: string;
  readonly passkeyId: string;
  /** A reviewer's, of the engineer's request. */
  readonly approvalId: string;
  readonly machineId: string;
}
type Refusal = 'not-found' | 'forbidden' | 'wrong-passkey';
interface Case {
  readonly input: (facts: Facts) => unknown;
  /**
   * Why there is no `somebody else`: what it is about belongs to everybody who has the scope (`shared`), or it takes no
   * object and gives the caller's own (`list`).
   */
  readonly object: 'shared' | 'list' | { readonly asStranger: readonly Refusal[] };
}
const shared = (input: Case['input'] = () => ({})): Case => ({ input, object: 'shared' });
const list = (input: Case['input'] = () => ({})): Case => ({ input, object: 'list' });
const owned = (input: Case['input'], ...asStranger: Refusal[]): Case => ({
  input,
  object: { asStranger: asStranger.length === 0 ? ['not-found'] : asStranger },
});

const TASK =
  'kind: Task\nname: drafted\npurpose: x\nresource: demo-shop\nwho: { groups: [analysts] }\naccess: { ttl: 1h }\nallow:\n  - select: public.orders\n';
const POLICY =
  'kind: Policy\nname: drafted\npurpose: x\napplies: { resources: { names: [demo-shop] } }\ndeny:\n  - statements: [drop]\n';
const WORKFLOW =
  'kind: Workflow\nname: nightly\npurpose: x\nwho: { groups: [analysts] }\naccess: { ttl: 1h }\nsteps:\n  - { task: sales-report }\n';
const PROVIDER = {
  name: 'corp',
  title: 'Corp',
  settings: { kind: 'oidc', issuer: 'https://127.0.0.1:1', clientId: 'c', scopes: ['openid'], groupsClaim: 'groups' },
};
const ISSUER = {
  ...{ name: 'ci', kind: 'oidc', url: 'https://127.0.0.1:1', audience: 'taskgate', keySource: 'discovery' },
  ...{ jwksUrl: null, jwks: null, skewMs: 0, maxLifetimeMs: 60_000, singleUse: false, privateNetwork: true },
};
const MACHINE = { kind: 'machine', name: 'nightly', tasks: ['sales-report'], proof: null };
/** Of a shape that is a passkey's answer, and to no question. */
const ASSERTION = {
  ...{ id: 'AAAA', rawId: 'AAAA', type: 'public-key' },
  response: { clientDataJSON: 'AAAA', authenticatorData: 'AAAA', signature: 'AAAA' },
};
const REGISTRATION = { ...ASSERTION, response: { clientDataJSON: 'AAAA', attestationObject: 'AAAA' } };
const named = (name: string) => () => ({ name });
const password = 'a long test password';

const CASES: Readonly<Record<string, Case>> = {
  'people.login': list(() => ({ email: 'nobody@test.example', password })),
  'people.me': list(),
  'people.webSessions': list(),
  'people.endWebSession': owned((f) => ({ id: f.webSessionId })),
  'people.changePassword': list(() => ({ current: 'not the password', next: password })),
  'people.apiTokens': list(),
  'people.createApiToken': list(() => ({ name: 'x', scopes: ['task:read'], ttlMs: 60_000 })),
  'people.revokeApiToken': owned((f) => ({ id: f.tokenId })),
  'people.users': shared(),
  'people.createUser': shared(() => ({
    email: 'n@test.example',
    name: 'N',
    groups: [],
    password,
    proof: { password },
  })),
  'people.updateUser': shared(() => ({ id: 'usr_x', name: 'N' })),
  'people.endUserSessions': shared(() => ({ id: 'usr_x' })),
  'people.reach': shared(() => ({ id: 'usr_x' })),
  'people.offboard': shared(() => ({ id: 'usr_x', reason: 'r' })),
  'people.access': shared(),
  'people.groups': shared(),
  'people.createGroup': shared(() => ({ name: 'made-here', roles: [] })),
  'people.updateGroup': shared(() => ({ name: 'nowhere' })),
  'devices.find': list(() => ({ userCode: 'BCDF-GHJK' })),
  'devices.decide': list(() => ({ userCode: 'BCDF-GHJK', allow: false })),
  'issuers.list': shared(),
  'issuers.create': shared(() => ISSUER),
  'issuers.update': shared(() => ({ name: 'ci', disabled: false })),
  'issuers.checkKeys': shared(named('nowhere')),
  'machines.list': shared(),
  'machines.get': shared((f) => ({ id: f.machineId })),
  'machines.create': shared(() => MACHINE),
  'machines.update': shared((f) => ({ id: f.machineId, tasks: ['sales-report'] })),
  'machines.tryToken': shared(() => ({ issuer: 'nowhere', claims: [], token: 'x' })),
  'machines.createSecret': shared((f) => ({ id: f.machineId, name: 's' })),
  'machines.rotateSecret': shared((f) => ({ id: f.machineId, secretId: 'tok_x', overlapMs: 0 })),
  'machines.revokeSecret': shared((f) => ({ id: f.machineId, secretId: 'tok_x' })),
  'passkeys.list': list(),
  'passkeys.askToProve': list(),
  'passkeys.askToRegister': list(() => ({ password })),
  'passkeys.register': list(() => ({ name: 'k', registration: REGISTRATION })),
  'passkeys.rename': owned((f) => ({ id: f.passkeyId, name: 'k' })),
  'passkeys.remove': owned((f) => ({ id: f.passkeyId, password })),
  'passkeys.removeAllOf': shared(() => ({ id: 'usr_x', password })),
  'passkeys.askToSignIn': list(),
  'providers.list': shared(),
  'providers.get': shared(named('corp')),
  'providers.create': shared(() => ({ ...PROVIDER, proof: { password } })),
  'providers.update': shared(() => ({ name: 'corp', proof: { password } })),
  'providers.remove': shared(() => ({ name: 'nowhere', proof: { password } })),
  'providers.test': shared(named('corp')),
  'providers.mapGroups': shared(() => ({
    ...{ name: 'corp', mappings: [{ external: 'x', group: 'analysts' }], proof: { password } },
  })),
  'providers.unlink': shared(() => ({ name: 'corp', userId: 'usr_x', proof: { password } })),
  'directory.get': shared(),
  'directory.createToken': shared(() => ({ name: 'd', adopts: true, ttlMs: 60_000, proof: { password } })),
  'directory.revokeToken': shared(() => ({ id: 'scm_x' })),
  'directory.mapGroups': shared(() => ({ mappings: [{ external: 'x', group: 'analysts' }], proof: { password } })),
  'resources.list': shared(),
  'resources.get': shared(named('demo-shop')),
  'resources.create': shared(() => ({
    ...{ name: 'demo-shop', host: 'h', port: 1, database: 'd', tlsMode: 'disable', username: 'u', secret: 's' },
  })),
  'resources.update': shared(named('nowhere')),
  'resources.test': shared(named('demo-shop')),
  'resources.rotate': shared(named('nowhere')),
  'resources.catalog': shared(named('nowhere')),
  'resources.refreshCatalog': shared(named('nowhere')),
  'tasks.list': shared(),
  'tasks.get': shared(named('sales-report')),
  'tasks.principal': shared(named('sales-report')),
  'tasks.revisions': shared(named('sales-report')),
  'tasks.save': shared(() => ({ source: TASK })),
  'tasks.publish': shared(() => ({ name: 'nowhere', revision: 1 })),
  'tasks.usage': shared(named('sales-report')),
  'policies.list': shared(),
  'policies.get': shared(named('customer-data')),
  'policies.revisions': shared(named('customer-data')),
  'policies.save': shared(() => ({ source: POLICY })),
  'policies.publish': shared(() => ({ name: 'nowhere', revision: 1 })),
  'policies.usage': shared(named('customer-data')),
  'workflows.list': shared(),
  'workflows.get': shared(named('nightly')),
  'workflows.revisions': shared(named('nightly')),
  'workflows.save': shared(() => ({ source: WORKFLOW })),
  'workflows.publish': shared(() => ({ name: 'nightly', revision: 1 })),
  'documents.check': shared(() => ({ kind: 'Task', source: TASK })),
  'documents.complete': shared(() => ({ source: TASK, offset: 3 })),
  'documents.suggest': shared(() => ({ resource: 'demo-shop' })),
  'documents.template': shared(() => ({ kind: 'Task' })),
  'documents.apply': shared(() => ({ source: TASK })),
  'grants.list': list(),
  'grants.get': owned((f) => ({ id: f.grantId })),
  'grants.request': list(() => ({ task: 'sales-report' })),
  'grants.approve': owned((f) => ({ id: f.requestId })),
  'grants.askToSign': owned((f) => ({ id: f.requestId })),
  'grants.askToConfirm': owned((f) => ({ id: f.requestId })),
  // The answer is to no question of theirs, whoever's grant it is.
  'grants.confirm': owned((f) => ({ id: f.requestId, assertion: ASSERTION }), 'wrong-passkey'),
  'grants.refuse': owned((f) => ({ id: f.requestId, reason: 'r' })),
  'grants.activate': owned((f) => ({ id: f.requestId })),
  'grants.end': owned((f) => ({ id: f.grantId })),
  'grants.mint': owned((f) => ({ id: f.grantId, ttlMs: 60_000 })),
  'grants.tree': owned((f) => ({ id: f.childId })),
  'grants.runs': list(),
  'grants.connect': shared(() => ({ task: 'sales-report' })),
  'grants.openConsole': owned((f) => ({ id: f.grantId })),
  'holds.get': owned((f) => ({ id: f.holdId })),
  'holds.approve': owned((f) => ({ id: f.holdId, binding: BINDING })),
  'holds.askToSign': owned((f) => ({ id: f.holdId, binding: BINDING })),
  'holds.refuse': owned((f) => ({ id: f.holdId, reason: 'r' })),
  'holds.cancel': owned((f) => ({ id: f.holdId })),
  'approvals.get': owned((f) => ({ id: f.approvalId })),
  'inbox.list': list(() => ({ view: 'waiting' })),
  'sessions.list': list(),
  'sessions.get': owned((f) => ({ id: f.sessionId })),
  'sessions.timeline': owned((f) => ({ id: f.sessionId })),
  'sessions.viewers': owned((f) => ({ id: f.sessionId })),
  'sessions.end': owned((f) => ({ id: f.sessionId })),
  // Seen by every auditor, kept by a reader of it.
  'sessions.keep': owned((f) => ({ id: f.sessionId, reason: 'a case' }), 'forbidden'),
  'sessions.explain': owned((f) => ({ decisionId: f.decisionId })),
  'operations.list': list(),
  'views.list': list(),
  'views.save': list(() => ({ page: 'operations', name: 'v', search: 'q=1' })),
  'views.remove': owned((f) => ({ id: f.viewId })),
  'simulations.start': shared(() => ({ source: TASK.replace('drafted', 'sales-report') })),
  'simulations.get': shared((f) => ({ id: f.simulationId })),
  'audit.list': shared(),
};

/** Routes outside of the contract, each with what it asks for and the test that holds it. */
const RAW_ROUTES: Readonly<Record<string, string>> = {
  '.well-known/oauth-authorization-server': 'nothing: where the endpoints are is public',
  'api/auth/[...nextauth]': 'a sign-in: e2e/ui/sign-in.e2e.ts',
  'api/health/live': 'nothing, and says nothing',
  'api/health/ready': 'nothing, and says nothing',
  'api/setup': 'the setup token: setup.pg.test.ts',
  'api/sign-in/[provider]/acs': 'a signed assertion that answers our request: saml-sign-in.pg.test.ts',
  'api/sign-in/[provider]/callback': 'the state, and the browser that began: oidc-sign-in.pg.test.ts',
  'api/sign-in/[provider]/metadata': 'nothing: what a provider must be told is public',
  'api/sign-in/[provider]/start': 'nothing, from our own pages: e2e/ui/sign-in-providers.e2e.ts',
  'api/v1/[[...rest]]': 'the contract',
  'api/v1/oauth/device_authorization': 'nothing: a person lets the device in: devices.pg.test.ts',
  'api/v1/oauth/introspect': 'a sign-in, or the token of a grant: here',
  'api/v1/oauth/revoke': 'the token that ends: here',
  'api/v1/oauth/token': 'a subject token, and `grant:request` of whose it is: here',
  'api/v1/openapi.json': 'nothing: the contract is public',
  'api/v1/operations/export': 'here',
  'api/v1/sessions/[id]/recording': 'here',
  'scim/v2/[[...rest]]': 'the token of the directory: scim.pg.test.ts',
};

let shop: TestShop;
/** Who may ask and review, but is asked about nothing here. */
let outsider: Awaited<ReturnType<TestShop['person']>>;
let facts: Facts;
/** The engineer's: of the grant, and an API token with `task:read` alone. */
let tokens: { readonly grant: string; readonly api: string };

beforeAll(async () => {
  shop = await startTestShop();
  outsider = await shop.person('outsider', ['engineer', 'reviewer'], ['analysts']);
  const { engineer, services, clock } = shop;
  const grant = await shop.activeGrant('sales-report');
  const sessionId = await shop.session(grant.id);
  const holdId = await shop.hold(sessionId, grant.id);
  const { decisionId } = await services.db.hold.findUniqueOrThrow({ where: { id: holdId } });
  const as = async (verb: string, input: unknown): Promise<{ id: string }> =>
    (await run(verb, input, engineer.actor)) as { id: string };
  const at = new Date(clock.now());
  const later = new Date(clock.now() + 3_600_000);
  const web = { id: 'web_00000000000000000000000000', userId: engineer.id, userAgent: 'x', address: '192.0.2.1' };
  await services.db.webSession.create({ data: { ...web, createdAt: at, lastSeenAt: at, expiresAt: later } });
  const made = (await run('people.createApiToken', CASES['people.createApiToken']!.input(facts), {
    ...engineer.actor,
    viaId: web.id,
  })) as { apiToken: { id: string }; token: string };
  const simulation = { id: 'sim_0', createdById: shop.admin.id, createdAt: at, source: TASK, state: 'done' };
  await services.db.simulation.create({ data: simulation });
  for (const [verb, input] of [
    ['workflows.save', { source: WORKFLOW, publish: true }],
    ['providers.create', { ...PROVIDER, proof: { password } }],
    ['issuers.create', ISSUER],
  ] as const)
    await run(verb, input, shop.admin.actor);
  const machine = (await run('machines.create', MACHINE, shop.admin.actor)) as { id: string };
  const child = (await run('grants.mint', { id: grant.id, ttlMs: 60_000 }, engineer.actor)) as {
    grant: { id: string };
  };
  const { id: requestId } = await as('grants.request', { task: 'shop-admin', reason: 'r' });
  const [signer] = shop.reviewers;
  const { device } = await shop.passkey(signer);
  const question = await run('grants.askToSign', { id: requestId }, signer.actor);
  const assertion = device.get(question as Parameters<typeof device.get>[0]);
  const approved = (await run('grants.approve', { id: requestId, assertion }, signer.actor)) as {
    approvals: readonly [{ id: string }];
  };
  tokens = { grant: grant.token, api: made.token };
  facts = {
    grantId: grant.id,
    childId: child.grant.id,
    requestId,
    approvalId: approved.approvals[0].id,
    passkeyId: (await shop.passkey(engineer)).id,
    machineId: machine.id,
    sessionId,
    holdId,
    decisionId,
    tokenId: made.apiToken.id,
    webSessionId: web.id,
    viewId: (await as('views.save', { page: 'operations', name: 'mine', search: 'q=1' })).id,
    simulationId: simulation.id,
  };
});
afterAll(() => shop.stop());

function run(verb: string, input: unknown, actor: IdentityActor | null): Promise<unknown> {
  const [noun = '', name = ''] = verb.split('.');
  const context = { services: shop.services, actor, clientAddress: '192.0.2.7', userAgent: 'test' };
  return call(router[noun]![name]!, input as never, { context });
}

const without = (actor: IdentityActor, scopes: readonly Scope[]): IdentityActor => ({
  ...actor,
  scopes: SCOPES.filter((scope) => !scopes.includes(scope)),
});

const VERBS = Object.entries(contract).flatMap(([noun, verbs]) => Object.keys(verbs).map((name) => `${noun}.${name}`));

describe('each verb of the API', () => {
  it('says what it asks for, and has a case here', () => {
    expect(Object.keys(VERB_SCOPES).sort()).toEqual(VERBS.toSorted());
    expect([...Object.keys(CASES), STREAM].sort()).toEqual(VERBS.toSorted());
    expect(Object.keys(router).flatMap((noun) => Object.keys(router[noun]!).map((name) => `${noun}.${name}`))).toEqual(
      expect.arrayContaining(VERBS.filter((verb) => verb !== STREAM)),
    );
  });

  for (const [verb, { input, object }] of Object.entries(CASES)) {
    const { scopes } = VERB_SCOPES[verb] ?? { scopes: 'anybody' };
    if (scopes !== 'anybody')
      it(`${verb} is for nobody who is not signed in`, async () => {
        expect(await refusal(run(verb, input(facts), null))).toBe('not-signed-in');
      });
    if (typeof scopes !== 'string') {
      it(`${verb} needs ${scopes.join(' or ')}, whatever else the caller has`, async () => {
        // Even of whose it is, and of an admin.
        for (const { actor } of [shop.engineer, shop.admin])
          expect(await refusal(run(verb, input(facts), without(actor, scopes)))).toBe('forbidden');
      });
      // Else all of the above would be refused for another reason.
      if (object === 'shared')
        it(`${verb} needs nothing else`, async () => {
          const actor = { ...shop.admin.actor, scopes: [scopes[0]] };
          const done = await refusal(run(verb, input(facts), actor));
          expect(['it was not refused', 'not-found', 'conflict', 'resource-unreachable', 'invalid-state']).toContain(
            done,
          );
        });
    }
    if (typeof object === 'object')
      it(`${verb} is not for somebody else’s`, async () => {
        const scope =
          verb === 'sessions.keep'
            ? (['session:read'] as const)
            : (['grant:request', 'grant:review', 'session:own', 'task:read'] as const);
        // Their groups are not asked about it, and name no reader.
        const stranger: IdentityActor = { ...outsider.actor, scopes: scope };
        expect(object.asStranger).toContain(await refusal(run(verb, input(facts), stranger)));
      });
  }

  it('that lists gives nobody somebody else’s', async () => {
    const stranger: IdentityActor = {
      ...shop.otherEngineer.actor,
      scopes: ['grant:request', 'grant:review', 'session:own', 'task:read'],
    };
    for (const [verb, { input, object }] of Object.entries(CASES)) {
      if (object !== 'list' || !/\.(list|apiTokens|webSessions)$/.test(verb)) continue;
      const text = JSON.stringify(await run(verb, input(facts), stranger));
      for (const id of Object.values(facts)) expect([verb, text.includes(id)]).toEqual([verb, false]);
      const own = JSON.stringify(await run(verb, input(facts), shop.engineer.actor));
      if (verb !== 'operations.list')
        expect([verb, Object.values(facts).some((id) => own.includes(id))]).toEqual([verb, true]);
    }
  });
});

describe('the token of a grant', () => {
  it('opens its own tree, what everybody may read, and nothing else of its owner’s', async () => {
    const open: Record<string, string> = {};
    const { token } = await shop.activeGrant();
    const actor = await authenticateGrantToken(shop.services, token);
    for (const [verb, { input }] of Object.entries(CASES)) {
      const { scopes } = VERB_SCOPES[verb]!;
      if (scopes === 'anybody' || scopes.includes('task:read')) continue;
      const done = await refusal(run(verb, input(facts), actor));
      if (done !== 'forbidden') open[verb] = done;
    }
    // The facts are of another tree of the same owner's.
    expect(open).toEqual({
      'grants.list': 'it was not refused',
      'grants.get': 'not-found',
      'grants.tree': 'not-found',
      'grants.mint': 'not-found',
      'grants.activate': 'not-found',
      'grants.end': 'not-found',
    });
    const listed = JSON.stringify(await run('grants.list', {}, actor));
    expect([listed.includes(actor!.viaId), listed.includes(facts.grantId)]).toEqual([true, false]);
  });
});

describe('a grant below another', () => {
  it('is for nobody to whom the one above is not', async () => {
    const stranger: IdentityActor = { ...shop.otherEngineer.actor, groups: ['analysts'] };
    for (const verb of ['grants.get', 'grants.end', 'grants.mint', 'grants.openConsole'])
      expect([verb, await refusal(run(verb, { id: facts.childId }, stranger))]).toEqual([verb, 'not-found']);
    expect(await refusal(run('grants.get', { id: facts.childId }, shop.engineer.actor))).toBe('it was not refused');
  });
});

describe('each route outside of the contract', () => {
  it('is known here', () => {
    const folder = join(import.meta.dirname, '../app');
    const found = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => /(^|[\\/])route\.tsx?$/.test(file))
      .map((file) => file.replaceAll('\\', '/').replace(/\/route\.tsx?$/, ''));
    expect(found.sort()).toEqual(Object.keys(RAW_ROUTES).sort());
  });

  it('says of a token nothing to a stranger, and all to whose it is', async () => {
    const stranger = { services: shop.services, actor: { ...shop.otherEngineer.actor, groups: ['analysts'] } };
    for (const token of Object.values(tokens)) {
      expect(await introspectToken(stranger, token)).toEqual({ active: false });
      expect(await introspectToken(shop.engineer.ctx, token)).toMatchObject({ active: true, sub: shop.engineer.id });
    }
  });

  it('gives for a token no more than the token may', async () => {
    const client = { address: '192.0.2.7', userAgent: 'test' };
    const ask = (subjectToken: string) => {
      const subject = { subjectToken, subjectTokenType: 'urn:ietf:params:oauth:token-type:access_token' };
      const wish = { audience: 'sales-report', grantId: null, narrow: null, ttlMs: null, reason: null, ticket: null };
      const wanted = { ...subject, ...wish, actorToken: null, actorTokenType: null };
      return exchangeToken(shop.services, wanted, client);
    };
    await expect(ask(tokens.api)).rejects.toMatchObject({ error: 'invalid_target', more: { code: 'forbidden' } });
    await expect(ask('tgp_none')).rejects.toMatchObject({ error: 'invalid_grant' });
  });

  it('ends by a token what it is of, and nothing of anybody else', async () => {
    const mine = await shop.activeGrant('sales-report', shop.otherEngineer);
    await revokeToken(shop.services, 'tgg_none');
    await revokeToken(shop.services, mine.token);
    const stateOf = async (id: string) => (await shop.services.db.grant.findUniqueOrThrow({ where: { id } })).state;
    expect([await stateOf(mine.id), await stateOf(facts.grantId)]).toEqual(['ended', 'active']);
  });

  it('asks for the scope, and gives nobody somebody else’s recording', async () => {
    const none = { services: shop.services, actor: without(shop.engineer.actor, ['session:own', 'session:read']) };
    expect(await refusal(loadRecordingBytes(none, facts.sessionId))).toBe('forbidden');
    expect(await refusal(exportOperations(none, {}))).toBe('forbidden');
    expect(await refusal(loadRecordingBytes(shop.otherEngineer.ctx, facts.sessionId))).toBe('not-found');
    const noReader = { services: shop.services, actor: { ...shop.auditor.actor, groups: [] } };
    expect(await refusal(loadRecordingBytes(noReader, facts.sessionId))).toBe('forbidden');
  });
});
