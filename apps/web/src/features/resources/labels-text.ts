/** Labels as a person types them, one `key: value` a line or between commas. Reports the first that is neither. */
export function parseLabels(text: string): { labels: Record<string, string>; error: string | null } {
  const labels: Record<string, string> = {};
  for (const part of text.split(/[\n,]/)) {
    const entry = part.trim();
    if (entry === '') continue;
    const match = /^([a-z][a-z0-9_.-]{0,62})\s*[:=]\s*(.{1,100})$/.exec(entry);
    if (!match) return { labels, error: `"${entry}" is not of the form key: value` };
    labels[match[1]!] = match[2]!.trim();
  }
  return { labels, error: null };
}

export const labelsText = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}: ${value}`)
    .join('\n');
