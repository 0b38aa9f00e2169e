import type { CatalogRelation, FiredEffect, RelationAccess } from '@taskgate/core';
import type { CatalogIndex } from './catalog-index.ts';

/** More are not listed: nobody reads them, and one statement on a tree of partitions could have thousands. */
const MAX_EFFECTS = 100;

type Event = FiredEffect['on'];
const EVENTS: ReadonlySet<string> = new Set<Event>(['insert', 'update', 'delete', 'truncate']);

/** Triggers and foreign keys' actions that these writes set off, and those that these set off in turn. */
export function firedEffects(catalog: CatalogIndex, accesses: readonly RelationAccess[]): readonly FiredEffect[] {
  const fired = new Map<string, FiredEffect>();
  const seen = new Set<string>();
  const pending: { readonly relation: CatalogRelation; readonly on: Event }[] = [];
  const add = (access: RelationAccess): void => {
    if (EVENTS.has(access.verb) && access.oid !== null) {
      const relation = catalog.relationByOid(access.oid);
      if (relation !== null) pending.push({ relation, on: access.verb as Event });
    }
    access.expands.forEach(add);
  };
  accesses.forEach(add);
  for (let next = pending.shift(); next !== undefined && fired.size < MAX_EFFECTS; next = pending.shift()) {
    const { relation, on } = next;
    const place = `${relation.oid} ${on}`;
    if (seen.has(place)) continue;
    seen.add(place);
    const family = [relation, ...catalog.descendants(relation)];
    for (const one of family) {
      for (const trigger of one.triggers) {
        if (!trigger.events.includes(on)) continue;
        // A partition has its parent's triggers under the same name.
        if (one !== relation && relation.triggers.some(({ name }) => name === trigger.name)) continue;
        const { schema, name } = one;
        fired.set(`t ${one.oid} ${trigger.name} ${on}`, {
          kind: 'trigger',
          name: trigger.name,
          relation: { schema, name },
          on,
          runs: trigger.functionName,
          writes: null,
        });
      }
    }
    if (on !== 'delete' && on !== 'update') continue;
    for (const { relation: holder, key } of family.flatMap((one) => catalog.referencing(one.oid))) {
      const action = on === 'delete' ? key.onDelete : key.onUpdate;
      if (action === null) continue;
      const writes = on === 'delete' && action === 'cascade' ? 'delete' : 'update';
      const { schema, name } = holder;
      fired.set(`k ${holder.oid} ${key.name} ${on}`, {
        kind: 'foreign-key',
        name: key.name,
        relation: { schema, name },
        on,
        runs: null,
        writes,
      });
      pending.push({ relation: holder, on: writes });
    }
  }
  return [...fired.values()];
}
