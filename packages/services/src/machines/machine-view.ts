import type { Machine } from '@taskgate/contracts';
import { type ClaimPattern, type IssuerKind, reviewClaims, type Scope } from '@taskgate/core';
import type { Prisma, Transaction } from '@taskgate/db';
import type * as z from 'zod';
import { PERSON_SELECT, toPerson } from '../grants/person-ref.ts';
import type { ApiTokenRow } from '../people/api-token-view.ts';
import { readTaskDocument, readWorkflowDocument } from '../tasks/task-documents.ts';

export type MachineView = z.infer<typeof Machine>;

export const SECRET_SELECT = {
  id: true,
  name: true,
  scopes: true,
  createdAt: true,
  expiresAt: true,
  lastUsedAt: true,
} as const satisfies Prisma.ApiTokenSelect;

export const machineSelect = (now: number) =>
  ({
    id: true,
    kind: true,
    name: true,
    tasks: true,
    disabledAt: true,
    createdAt: true,
    actsFor: { select: PERSON_SELECT },
    claimBinding: {
      select: {
        audience: true,
        claims: true,
        lastUsedAt: true,
        issuer: { select: { name: true, kind: true, url: true, disabledAt: true } },
      },
    },
    apiTokens: {
      where: { revokedAt: null, expiresAt: { gt: new Date(now) } },
      orderBy: { createdAt: 'desc' },
      select: SECRET_SELECT,
    },
    _count: { select: { grants: { where: { state: 'active', expiresAt: { gt: new Date(now) } } } } },
  }) as const satisfies Prisma.IdentitySelect;

type MachineRow = Prisma.IdentityGetPayload<{ select: ReturnType<typeof machineSelect> }>;
type SecretRow = Omit<ApiTokenRow, 'identityId' | 'identity' | 'revokedAt'>;

/** Patterns as they were saved: checked then. */
export const readPatterns = (claims: Prisma.JsonValue): readonly ClaimPattern[] =>
  Array.isArray(claims) ? (claims as unknown as readonly ClaimPattern[]) : [];

export async function toMachineViews(db: Transaction, rows: readonly MachineRow[]): Promise<MachineView[]> {
  const whoOf = await loadWho(db, new Set(rows.flatMap((row) => row.tasks)));
  return rows.map((row) => {
    const kind = row.kind as MachineView['kind'];
    return {
      id: row.id,
      kind,
      name: row.name,
      actsFor: row.actsFor === null ? null : toPerson(row.actsFor),
      tasks: row.tasks.map((name) => {
        const found = whoOf.get(name);
        return {
          ...{ name, workflow: found?.workflow ?? false, exists: found !== undefined },
          named: found?.who[`${kind}s`].includes(row.name) ?? false,
        };
      }),
      proof: row.claimBinding === null ? null : toProof(row.claimBinding),
      secrets: row.apiTokens.map(toSecretView),
      activeGrants: row._count.grants,
      disabledAt: row.disabledAt?.toISOString() ?? null,
      createdAt: row.createdAt.toISOString(),
    };
  });
}

function toProof({
  issuer,
  audience,
  claims,
  lastUsedAt,
}: NonNullable<MachineRow['claimBinding']>): NonNullable<MachineView['proof']> {
  const patterns = readPatterns(claims);
  const kind = issuer.kind as IssuerKind;
  return {
    issuer: { name: issuer.name, kind, url: issuer.url, disabled: issuer.disabledAt !== null },
    audience,
    claims: [...patterns],
    lastUsedAt: lastUsedAt?.toISOString() ?? null,
    warnings: [...reviewClaims(kind, issuer.url, patterns).warnings],
  };
}

export const toSecretView = (row: SecretRow): MachineView['secrets'][number] => ({
  id: row.id,
  name: row.name,
  scopes: row.scopes as Scope[], // written from the same closed list
  createdAt: row.createdAt.toISOString(),
  expiresAt: row.expiresAt.toISOString(),
  lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
});

/** `who` of the published tasks and workflows of these names. */
async function loadWho(db: Transaction, names: ReadonlySet<string>) {
  const rows =
    names.size === 0
      ? []
      : await db.$queryRaw<{ name: string; source: string; workflow: boolean }[]>`
          select t.name, r.source, false as workflow from tasks t
          join task_revisions r on r."taskId" = t.id and r.revision = t."publishedRevision"
          where t.name = any(${[...names]}::text[])
          union all
          select w.name, r.source, true as workflow from workflows w
          join workflow_revisions r on r."workflowId" = w.id and r.revision = w."publishedRevision"
          where w.name = any(${[...names]}::text[])`;
  // No workflow has the name of a task.
  return new Map(
    rows.map(({ name, source, workflow }) => [
      name,
      { workflow, who: (workflow ? readWorkflowDocument : readTaskDocument)(source).who },
    ]),
  );
}
