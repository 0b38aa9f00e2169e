export interface DiffLine {
  kind: 'same' | 'added' | 'removed';
  text: string;
  /** From 1; `null` on the side where the line is not. */
  before: number | null;
  after: number | null;
}

/** Beyond this many cells of the table, what differs is shown as removed and added as a whole. */
const MAX_CELLS = 4_000_000;

/** What changes from one text to another, by lines: the longest common subsequence between equal ends. */
export function lineDiff(before: string, after: string): DiffLine[] {
  const a = before === '' ? [] : before.replace(/\n$/, '').split('\n');
  const b = after === '' ? [] : after.replace(/\n$/, '').split('\n');
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let endA = a.length;
  let endB = b.length;
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) {
    endA -= 1;
    endB -= 1;
  }
  const lines: DiffLine[] = [];
  const same = (i: number, j: number) => lines.push({ kind: 'same', text: a[i]!, before: i + 1, after: j + 1 });
  const removed = (i: number) => lines.push({ kind: 'removed', text: a[i]!, before: i + 1, after: null });
  const added = (j: number) => lines.push({ kind: 'added', text: b[j]!, before: null, after: j + 1 });

  for (let i = 0; i < start; i++) same(i, i);
  const rows = endA - start;
  const columns = endB - start;
  let i = start;
  let j = start;
  if ((rows + 1) * (columns + 1) <= MAX_CELLS) {
    const width = columns + 1;
    const common = new Uint32Array((rows + 1) * width);
    for (let r = rows - 1; r >= 0; r--)
      for (let c = columns - 1; c >= 0; c--)
        common[r * width + c] =
          a[start + r] === b[start + c]
            ? common[(r + 1) * width + c + 1]! + 1
            : Math.max(common[(r + 1) * width + c]!, common[r * width + c + 1]!);
    while (i < endA && j < endB) {
      if (a[i] === b[j]) same(i++, j++);
      else if (common[(i + 1 - start) * width + j - start]! >= common[(i - start) * width + j + 1 - start]!)
        removed(i++);
      else added(j++);
    }
  }
  while (i < endA) removed(i++);
  while (j < endB) added(j++);
  for (; i < a.length; i++, j++) same(i, j);
  return lines;
}
