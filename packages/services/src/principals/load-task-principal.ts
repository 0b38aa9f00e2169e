import { Slug, type TaskPrincipal } from '@taskgate/contracts';
import type { PrincipalPrivileges } from '@taskgate/policy';
import * as z from 'zod';
import { readStoredCatalog } from '../catalog/stored-catalog.ts';
import type { ServiceContext } from '../context.ts';
import { loadPinnedTask, toResourceFacts } from '../grants/load-terms.ts';
import { parseInput } from '../parse-input.ts';
import { requireScope } from '../require-scope.ts';
import { noTask } from '../tasks/load-tasks.ts';
import type { WallTwoView } from './check-wall-two.ts';
import { taskPrivileges } from './task-privileges.ts';

export type TaskPrincipalView = z.infer<typeof TaskPrincipal>;

const Named = z.object({ name: Slug });
const MAX_ROLES = 100;
const MAX_PRIVILEGES = 200;

/** What grants of the task's published revision are at the target, as far as the store knows. */
export async function loadTaskPrincipal(ctx: ServiceContext, input: unknown): Promise<TaskPrincipalView> {
  requireScope(ctx, 'task:read');
  const { name } = parseInput(Named, input);
  const { db } = ctx.services;
  const task = await db.task.findUnique({ where: { name }, include: { resource: true } });
  if (task === null) throw noTask(name);
  const rows = await db.principal.findMany({
    where: { state: 'made', grant: { taskId: task.id } },
    orderBy: { createdAt: 'desc' },
    take: MAX_ROLES,
  });
  const roles = rows.map((row) => ({ name: row.roleName, grantId: row.grantId, since: row.createdAt.toISOString() }));
  const credential = (reason: string): TaskPrincipalView => ({
    kind: 'credential',
    reason,
    privileges: [],
    wider: [],
    roles,
  });
  const { resource } = task;
  if (resource.principals === 'none') return credential('the resource says so: `principals: none`');
  const wallTwo = resource.wallTwo as WallTwoView | null;
  if (wallTwo === null) return credential('the target was not looked at yet');
  if (wallTwo.state === 'missing') return credential(wallTwo.lacking.map((one) => one.what).join('; '));
  const catalog = await readStoredCatalog(db, resource.id);
  if (catalog === null) return credential('the catalog of the resource was not read yet');
  const revision = task.publishedRevision ?? task.latestRevision;
  const facts = toResourceFacts(resource);
  const pinned = await loadPinnedTask(db, { taskId: task.id, taskRevision: revision }, facts);
  const privileges = await taskPrivileges({ name, revision }, pinned, facts, catalog);
  if (privileges.needsOwner.length > 0)
    return credential(
      `it allows ${privileges.needsOwner.map((one) => `\`${one}\``).join(', ')}, for which a role must own what it works on`,
    );
  // What the target itself refused to give on is only known once a grant has asked.
  const declined = await db.principal.findFirst({
    where: { state: 'own-credential', grant: { taskId: task.id, taskRevision: revision } },
    orderBy: { createdAt: 'desc' },
  });
  const latest = rows.find((row) => declined === null || row.createdAt > declined.createdAt);
  if (declined?.reason != null && latest === undefined) return credential(declined.reason);
  return { kind: 'own', reason: null, privileges: shown(privileges), wider: [...privileges.wider], roles };
}

function shown({ relations, functions, sequences }: PrincipalPrivileges): string[] {
  const all = [
    ...relations.map(
      ({ privilege, columns, schema, name }) =>
        `${privilege}${columns === null ? '' : ` (${columns.join(', ')})`} on ${schema}.${name}`,
    ),
    ...functions.map(({ schema, name }) => `EXECUTE on ${schema}.${name}`),
    ...sequences.map((privilege) => `${privilege} on every sequence`),
  ];
  return all.length > MAX_PRIVILEGES
    ? [...all.slice(0, MAX_PRIVILEGES), `and ${all.length - MAX_PRIVILEGES} more`]
    : all;
}
