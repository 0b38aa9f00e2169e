import type { PostgresCatalog } from '@taskgate/core';
import { compilePolicySet, type PrincipalPrivileges, principalPrivileges, type ResourceFacts } from '@taskgate/policy';
import { isAllowedSystemRelation } from '@taskgate/sql';
import type { PinnedTask } from '../grants/load-terms.ts';
import { createViewExpansion } from './expand-views.ts';

/** What a principal of this task revision needs, with the policies and the catalog as they are now. */
export async function taskPrivileges(
  task: { readonly name: string; readonly revision: number },
  pinned: Pick<PinnedTask, 'document' | 'policies'>,
  resource: ResourceFacts,
  catalog: PostgresCatalog,
): Promise<PrincipalPrivileges> {
  const set = compilePolicySet({
    task: { ...task, document: pinned.document },
    policies: pinned.policies,
    resource,
    catalog,
    isAllowedSystemRelation,
  });
  return principalPrivileges(set, catalog, await createViewExpansion(catalog));
}
