import { completeDocument, type KnownNames } from '@taskgate/policy';
import * as z from 'zod';
import { readStoredCatalog } from '../catalog/stored-catalog.ts';
import type { ServiceContext } from '../context.ts';
import { parseInput } from '../parse-input.ts';
import { requireScope } from '../require-scope.ts';

const CompleteInput = z.object({ source: z.string().max(262_144), offset: z.number().int().min(0) });
/** Completion offers some hundreds: a database with more relations is not read through at each key. */
const MAX_RELATIONS = 5_000;
const MAX_CATALOGS = 5;

/** For the editor: what could stand at `offset`. Names come from the store and from the catalogs as last read. */
export async function completeSource(
  ctx: ServiceContext,
  input: z.input<typeof CompleteInput>,
): Promise<{ from: number; options: { label: string; detail?: string }[] }> {
  requireScope(ctx, 'task:write');
  const { source, offset } = parseInput(CompleteInput, input);
  const { db } = ctx.services;
  const [resources, groups] = await Promise.all([
    db.resource.findMany({ select: { id: true, name: true }, orderBy: { name: 'asc' } }),
    db.group.findMany({ select: { name: true }, orderBy: { name: 'asc' } }),
  ]);
  // A task names its resource; a policy may be about any.
  const named = /^resource:[ \t]*["']?([a-z][a-z0-9-]*)/m.exec(source)?.[1];
  const about = resources.filter((resource) => named === undefined || resource.name === named).slice(0, MAX_CATALOGS);
  const relations = new Map<string, readonly string[]>();
  for (const { id } of about)
    for (const relation of (await readStoredCatalog(db, id))?.relations ?? []) {
      if (relations.size >= MAX_RELATIONS) break;
      relations.set(
        `${relation.schema}.${relation.name}`,
        relation.columns.map((column) => column.name),
      );
    }
  const known: KnownNames = {
    resources: resources.map((resource) => resource.name),
    groups: groups.map((group) => group.name),
    relations: [...relations].map(([name, columns]) => ({ name, columns })),
  };
  const { from, options } = completeDocument(source, Math.min(offset, source.length), known);
  return { from, options: options.map((option) => ({ ...option })) };
}
