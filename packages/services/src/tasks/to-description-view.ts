import type { DescriptionSection as Contract } from '@taskgate/contracts';
import type { DescriptionSection } from '@taskgate/policy';
import type * as z from 'zod';

/** What a document means, as the API shows it. */
export function toDescriptionView(sections: readonly DescriptionSection[]): z.infer<typeof Contract>[] {
  return sections.map((section) => ({ title: section.title, items: section.items.map((item) => ({ ...item })) }));
}
