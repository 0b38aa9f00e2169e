/** Levenshtein distance, given up at `limit`. Both words are short: names of keys. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const swap = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

/** "; did you mean `allow`?" or the list of what there is, to end a message with. */
export function didYouMean(word: string, known: readonly string[]): string {
  const limit = Math.max(1, Math.floor(word.length / 3));
  const near = known
    .map((candidate) => ({ candidate, far: distance(word.toLowerCase().slice(0, 64), candidate, limit) }))
    .filter(({ far }) => far <= limit)
    .sort((a, b) => a.far - b.far)[0];
  if (near) return `; did you mean \`${near.candidate}\`?`;
  return known.length > 0 && known.length <= 30 ? `; known here: ${known.map((one) => `\`${one}\``).join(', ')}` : '';
}
