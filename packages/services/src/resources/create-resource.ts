import { contract } from '@taskgate/contracts';
import { SecretValue, TaskgateError } from '@taskgate/core';
import { storeFreshCatalog } from '../catalog/stored-catalog.ts';
import type { ServiceContext } from '../context.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { requireScope } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { loadResource } from './load-resources.ts';
import type { ResourceView } from './resource-view.ts';
import { saveResource } from './save-resource.ts';

const FIRST_READ_MS = 5_000;

/** Saves the resource ({@link saveResource} writes the audit row), then reads its catalog, if it can be reached. */
export async function createResource(ctx: ServiceContext, input: unknown): Promise<ResourceView> {
  requireScope(ctx, 'resource:write');
  const { secret, ...document } = parseInput(inputOf(contract.resources.create), input);
  const saved = await withTransaction(ctx, async (tx) => {
    if ((await tx.resource.count({ where: { name: document.name } })) > 0)
      throw new TaskgateError('conflict', `there is a resource \`${document.name}\` already`);
    return saveResource(tx, ctx, document, new SecretValue(secret));
  });
  await readFirstCatalog(ctx, saved.id);
  return loadResource(ctx, { name: saved.name });
}

/** Best effort: whoever needs the catalog reads it then, and is told why it cannot be. */
export async function readFirstCatalog(ctx: ServiceContext, resourceId: string): Promise<void> {
  try {
    await storeFreshCatalog(ctx, resourceId, { deadlineMs: FIRST_READ_MS });
  } catch (error) {
    const why = error instanceof TaskgateError ? error.code : 'internal';
    ctx.services.log.warn('the catalog of a new resource could not be read yet', { resourceId, why });
  }
}
