import { type Role, SecretValue, TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import { createToken, hashPassword, verifyPassword } from '@taskgate/identity';
import { parsePolicy, parseTask, parseWorkflow } from '@taskgate/policy';
import type { ServiceContext, Services } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { createMachine } from '../machines/create-machine.ts';
import { createGroup } from '../people/create-group.ts';
import { createUser } from '../people/create-user.ts';
import { endSignIns } from '../people/end-access.ts';
import { putPolicy } from '../policies/put-policy.ts';
import { requireSystem } from '../require-scope.ts';
import { readFirstCatalog } from '../resources/create-resource.ts';
import type { ResourceTarget } from '../resources/resource-target.ts';
import { saveResource } from '../resources/save-resource.ts';
import { documentRefused } from '../tasks/document-problem.ts';
import { putTask } from '../tasks/put-task.ts';
import { withTransaction } from '../with-transaction.ts';
import { putWorkflow } from '../workflows/put-workflow.ts';
import { DEMO_POLICIES, DEMO_TASKS, DEMO_WORKFLOWS } from './demo-documents.ts';

export const DEMO_RESOURCE = 'demo-shop';
const SETTING = 'demo';
const DEMO_MACHINE = { name: 'nightly', tasks: ['nightly-export'] };

interface DemoUser {
  readonly email: string;
  readonly name: string;
  readonly groups: readonly string[];
  readonly role: Role;
}

const GROUPS: readonly { readonly name: string; readonly roles: readonly Role[] }[] = [
  { name: 'admins', roles: ['admin'] },
  { name: 'analysts', roles: ['engineer'] },
  { name: 'support', roles: ['engineer'] },
  { name: 'dba', roles: ['reviewer'] },
  { name: 'auditors', roles: ['auditor'] },
];

export const DEMO_USERS: readonly DemoUser[] = [
  { email: 'admin@demo.test', name: 'Ada Admin', groups: ['admins'], role: 'admin' },
  { email: 'engineer@demo.test', name: 'Eno Engineer', groups: ['analysts', 'support'], role: 'engineer' },
  { email: 'reviewer@demo.test', name: 'Rea Reviewer', groups: ['dba'], role: 'reviewer' },
  { email: 'auditor@demo.test', name: 'Aud Auditor', groups: ['auditors'], role: 'auditor' },
];

export interface DemoResult {
  readonly signIns: readonly Pick<DemoUser, 'email' | 'role' | 'groups'>[];
  /** Set only where this call made it up. */
  readonly newPassword: SecretValue | null;
}

/**
 * The demo's people, resource, tasks and policy. Into an empty store only: its sign-ins have known names. Run again it
 * follows a target that moved and a password that was set anew, and leaves everything else as people made it. Throws
 * `invalid-state` in a store that people work with.
 */
export async function setupDemo(
  services: Services,
  options: { readonly target: Omit<ResourceTarget, 'tls'>; readonly password: SecretValue | null },
): Promise<DemoResult> {
  const ctx: ServiceContext = { services, actor: { kind: 'system', via: 'setup' } };
  requireSystem(ctx, 'setup');
  const installed = await readSetting(services);
  let newPassword: SecretValue | null = null;
  if (installed === null) {
    await requireEmpty(services);
    const password = options.password ?? createDemoPassword(services);
    if (options.password === null) newPassword = password;
    await makePeople(ctx, password);
    await syncTarget(ctx, options.target);
    await withTransaction(ctx, (tx) => putDocuments(tx, ctx));
    await makeMachine(ctx);
    await remember(ctx, password);
  } else {
    if (options.password !== null && !(await verifyPassword(installed.passwordHash, options.password)).ok)
      await changePasswords(ctx, options.password);
    await syncTarget(ctx, options.target);
  }
  return { signIns: DEMO_USERS.map(({ email, role, groups }) => ({ email, role, groups })), newPassword };
}

async function requireEmpty(services: Services): Promise<void> {
  const others = await services.db.identity.count({
    where: { email: { notIn: DEMO_USERS.map((user) => user.email) } },
  });
  if (others > 0)
    throw new TaskgateError(
      'invalid-state',
      'the demo is only installed into an empty store, and this one has people; start with `TASKGATE_DEMO=0`',
    );
}

/** Whoever is there already stays as they are: an installation that was broken off goes on. */
async function makePeople(ctx: ServiceContext, password: SecretValue): Promise<void> {
  const { db } = ctx.services;
  for (const group of GROUPS) {
    if ((await db.group.count({ where: { name: group.name } })) === 0)
      await createGroup(ctx, { name: group.name, roles: [...group.roles] });
  }
  for (const { email, name, groups } of DEMO_USERS) {
    if ((await db.identity.count({ where: { email } })) > 0) continue;
    await password.reveal((text) => createUser(ctx, { email, name, groups: [...groups], password: text }));
  }
}

/** Nobody can be it yet: that takes an issuer that the admin trusts, which the demo cannot know. */
async function makeMachine(ctx: ServiceContext): Promise<void> {
  const { name, tasks } = DEMO_MACHINE;
  if ((await ctx.services.db.identity.count({ where: { kind: 'machine', name } })) > 0) return;
  await createMachine(ctx, { kind: 'machine', name, tasks, proof: null });
}

/** The demo's server may have a new port. */
async function syncTarget(ctx: ServiceContext, target: Omit<ResourceTarget, 'tls'>): Promise<void> {
  const { secret, ...where } = target;
  const saved = await withTransaction(ctx, async (tx) => {
    const kept = await tx.resource.findUnique({
      where: { name: DEMO_RESOURCE },
      select: { labels: true, principals: true, rotateMs: true },
    });
    const { labels, principals } = kept ?? { labels: { env: 'production' }, principals: 'when-possible' };
    const rotateMs = kept?.rotateMs ? Number(kept.rotateMs) : null;
    const document = { name: DEMO_RESOURCE, ...where, labels, principals, rotateMs, tlsMode: 'disable' };
    return saveResource(tx, ctx, document, secret, { asBefore: true });
  });
  if (saved.outcome !== 'unchanged') await readFirstCatalog(ctx, saved.id);
}

async function putDocuments(tx: Transaction, ctx: ServiceContext): Promise<void> {
  for (const source of DEMO_POLICIES) {
    const parsed = parsePolicy(source);
    if (!parsed.ok) throw documentRefused(parsed.problems);
    await putPolicy(tx, ctx, { source, document: parsed.document, publish: true, baseRevision: null });
  }
  for (const source of DEMO_TASKS) {
    const parsed = parseTask(source);
    if (!parsed.ok) throw documentRefused(parsed.problems);
    await putTask(tx, ctx, { source, document: parsed.document, publish: true, baseRevision: null });
  }
  for (const source of DEMO_WORKFLOWS) {
    const parsed = parseWorkflow(source);
    if (!parsed.ok) throw documentRefused(parsed.problems);
    await putWorkflow(tx, ctx, { source, document: parsed.document, publish: true, baseRevision: null });
  }
}

async function changePasswords(ctx: ServiceContext, password: SecretValue): Promise<void> {
  const passwordHash = await hashPassword(password);
  await withTransaction(ctx, async (tx) => {
    const users = await tx.identity.findMany({ where: { email: { in: DEMO_USERS.map((user) => user.email) } } });
    for (const { id } of users) {
      await tx.identity.update({ where: { id }, data: { passwordHash } });
      const ended = await endSignIns(tx, ctx, [id]);
      await emitAudit(tx, ctx, {
        action: 'user.update',
        subjectKind: 'user',
        subject: id,
        before: null,
        after: { passwordChanged: true, ended },
      });
    }
    await tx.setting.update({ where: { name: SETTING }, data: { value: { passwordHash } } });
  });
}

/** Last of all: until then the next start installs what is missing. */
async function remember(ctx: ServiceContext, password: SecretValue): Promise<void> {
  const value = { passwordHash: await hashPassword(password) };
  await withTransaction(ctx, async (tx) => {
    await tx.setting.create({ data: { name: SETTING, value } });
    await emitAudit(tx, ctx, {
      action: 'setup.demo',
      subjectKind: 'setting',
      subject: SETTING,
      before: null,
      after: { people: DEMO_USERS.length, resource: DEMO_RESOURCE },
    });
  });
}

async function readSetting(services: Services): Promise<{ passwordHash: string } | null> {
  const row = await services.db.setting.findUnique({ where: { name: SETTING } });
  const value: unknown = row?.value;
  if (typeof value !== 'object' || value === null || !('passwordHash' in value)) return null;
  return { passwordHash: String(value.passwordHash) };
}

const DEMO_PASSWORD_LENGTH = 16;

/** Letters, digits, `-` and `_`: 96 bits, and easy to copy. */
function createDemoPassword(services: Services): SecretValue {
  return createToken('setup', services.randomBytes).reveal(
    (token) => new SecretValue(token.slice(-DEMO_PASSWORD_LENGTH)),
  );
}
