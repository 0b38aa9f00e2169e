/**
 * Order of the rows after a re-read. A queue is oldest first, so that what is new comes below and no row moves under a
 * reader's hand; a row that has left meanwhile stays in its place (`gone`) until the reader moves on.
 */
export function arrangeRows<Item extends { id: string; at: string }>(
  shown: readonly { item: Item; gone: boolean }[],
  read: readonly Item[],
): { item: Item; gone: boolean }[] {
  const fresh = new Map(read.map((item) => [item.id, item]));
  const kept = shown.map(({ item }) => {
    const now = fresh.get(item.id);
    fresh.delete(item.id);
    return { item: now ?? item, gone: now === undefined };
  });
  const added = [...fresh.values()]
    .sort((a, b) => (a.at === b.at ? (a.id < b.id ? -1 : 1) : a.at < b.at ? -1 : 1))
    .map((item) => ({ item, gone: false }));
  // Older ones that were asked for later ("load more") belong above; they are only asked for by hand.
  const first = kept[0]?.item.at;
  const above = first === undefined ? [] : added.filter(({ item }) => item.at < first);
  return [...above, ...kept, ...added.filter((row) => !above.includes(row))];
}
