import { contract } from '@taskgate/contracts';
import { SecretValue, TaskgateError } from '@taskgate/core';
import type { ServiceContext } from '../context.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { requireScope } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { givenFields } from './given-fields.ts';
import { loadResource } from './load-resources.ts';
import { RESOURCE_SELECT, type ResourceView } from './resource-view.ts';
import { saveResource } from './save-resource.ts';

/** Changes what is given and keeps the rest; {@link saveResource} writes the audit row. */
export async function updateResource(ctx: ServiceContext, input: unknown): Promise<ResourceView> {
  requireScope(ctx, 'resource:write');
  const { secret, ...given } = givenFields(parseInput(inputOf(contract.resources.update), input), input);
  await withTransaction(ctx, async (tx) => {
    const row = await tx.resource.findUnique({ where: { name: given.name }, select: RESOURCE_SELECT });
    if (row === null) throw new TaskgateError('not-found', `there is no resource \`${given.name}\``);
    const { host, port, database, tlsMode, tlsCa, labels, principals } = row;
    const rotateMs = row.rotateMs === null ? null : Number(row.rotateMs);
    const username = row.credential?.username;
    const kept = { type: 'postgres', host, port, database, tlsMode, tlsCa, labels, principals, rotateMs, username };
    return saveResource(tx, ctx, { ...kept, ...given }, secret === undefined ? null : new SecretValue(secret));
  });
  return loadResource(ctx, { name: given.name });
}
