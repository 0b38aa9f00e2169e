import { contract } from '@taskgate/contracts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type * as z from 'zod';
import {
  activateGrant,
  approveHold,
  checkDocument,
  completeSource,
  explainDecision,
  loadConnectStrings,
  loadGrant,
  loadGrants,
  loadHold,
  loadInbox,
  loadPolicies,
  loadPolicy,
  loadPolicyRevisions,
  loadSession,
  loadSessions,
  loadTask,
  loadTaskRevisions,
  loadTasks,
  loadViewers,
  openConsole,
  requestGrant,
} from './index.ts';
import { BINDING, startTestShop, type TestShop } from './testing/test-shop.ts';

let shop: TestShop;
beforeAll(async () => {
  shop = await startTestShop();
});
afterAll(() => shop.stop());

/** Fails where the answer is not what the API says, or holds a field that it does not know. */
function expectShape(procedure: object, answer: unknown): void {
  const schema = (procedure as { '~orpc': { outputSchema?: z.ZodType } })['~orpc'].outputSchema;
  expect(schema).toBeDefined();
  const json: unknown = JSON.parse(JSON.stringify(answer));
  expect(schema!.parse(json)).toEqual(json);
}

it('every answer has exactly the shape that the API promises', async () => {
  const { engineer, admin, auditor, reviewers } = shop;
  expectShape(contract.tasks.list, await loadTasks(engineer.ctx));
  expectShape(contract.tasks.get, await loadTask(engineer.ctx, { name: 'fix-order-status' }));
  expectShape(contract.tasks.revisions, await loadTaskRevisions(engineer.ctx, { name: 'sales-report' }));
  expectShape(contract.policies.list, await loadPolicies(engineer.ctx));
  expectShape(contract.policies.get, await loadPolicy(engineer.ctx, { name: 'customer-data' }));
  expectShape(contract.policies.revisions, await loadPolicyRevisions(engineer.ctx, { name: 'customer-data' }));
  const source = 'kind: Task\nresource: ';
  expectShape(contract.documents.check, await checkDocument(admin.ctx, { kind: 'Task', source }));
  expectShape(contract.documents.complete, await completeSource(admin.ctx, { source, offset: source.length }));

  const asked = { task: 'fix-order-status', reason: 'a case', ticket: 'T-1' };
  const grant = await requestGrant(engineer.ctx, asked);
  expectShape(contract.grants.request, grant);
  expectShape(contract.grants.activate, await activateGrant(engineer.ctx, { id: grant.id }));
  expectShape(contract.grants.get, await loadGrant(auditor.ctx, { id: grant.id }));
  expectShape(contract.grants.list, await loadGrants(engineer.ctx, { limit: 1 }));
  expectShape(contract.grants.connect, await loadConnectStrings(engineer.ctx, { task: 'sales-report' }));
  expectShape(contract.grants.openConsole, await openConsole(engineer.ctx, { id: grant.id }));

  const sessionId = await shop.session(grant.id);
  const decisionId = shop.decisionId();
  const id = await shop.hold(sessionId, grant.id, { decisionId });
  expectShape(contract.holds.approve, await approveHold(reviewers[0].ctx, { id, binding: BINDING, comment: 'yes' }));
  expectShape(contract.holds.get, await loadHold(engineer.ctx, { id }));
  expectShape(contract.inbox.list, await loadInbox(reviewers[1].ctx, {}));
  expectShape(contract.inbox.list, await loadInbox(engineer.ctx, { view: 'waiting' }));
  expectShape(contract.sessions.list, await loadSessions(auditor.ctx, {}));
  expectShape(contract.sessions.get, await loadSession(engineer.ctx, { id: sessionId }));
  expectShape(contract.sessions.viewers, await loadViewers(engineer.ctx, { id: sessionId }));
  expectShape(contract.sessions.explain, await explainDecision(reviewers[0].ctx, { decisionId }));
});
