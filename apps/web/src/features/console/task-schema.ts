import type { SQLNamespace } from '@codemirror/lang-sql';
import type { DescriptionView } from '@/lib/views.ts';

/**
 * Relations and columns that a task opens, from what its description says: completion offers what is allowed, and an
 * engineer needs no right to read the whole catalog. Columns seen in results join in.
 */
export function taskSchema(
  description: readonly DescriptionView[],
  seen: readonly string[] = [],
): { [schema: string]: SQLNamespace } {
  const schemas = new Map<string, Map<string, Set<string>>>();
  for (const { text, tone } of description.flatMap((section) => section.items)) {
    if (tone !== 'allow' && tone !== 'hold') continue;
    const columns = /, columns? (.+?) only/.exec(text)?.[1]?.split(/, | and /) ?? [];
    for (const [, schema, name] of text.matchAll(/(?<![\w.])([a-z_]\w*)\.([a-z_]\w*)(?![\w.*(])/g)) {
      const relations = schemas.get(schema!) ?? new Map<string, Set<string>>();
      const known = relations.get(name!) ?? new Set<string>();
      for (const column of columns) known.add(column);
      relations.set(name!, known);
      schemas.set(schema!, relations);
    }
  }
  return Object.fromEntries(
    [...schemas].map(([schema, relations]) => [
      schema,
      Object.fromEntries(
        [...relations].map(([name, columns]) => [name, [...(columns.size > 0 ? columns : new Set(seen))].sort()]),
      ),
    ]),
  );
}
