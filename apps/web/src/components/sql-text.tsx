import { CodeBlock } from './code-block.tsx';

/**
 * A statement as it was sent. Characters outside printable ASCII are marked and named, because look-alike letters and
 * bidirectional controls make a statement read as another one than the one that runs.
 */
export function SqlText({
  sql,
  label = 'Statement',
  inline = false,
  spot = null,
}: {
  sql: string;
  label?: string;
  inline?: boolean;
  /** Offsets of what a refusal is about. */
  spot?: { readonly from: number; readonly to: number } | null;
}) {
  const parts = markUnusual(sql, spot);
  const unusual = parts.filter((part) => part.unusual).length;
  const body = parts.map((part, index) =>
    part.spot ? (
      <mark
        // biome-ignore lint/suspicious/noArrayIndexKey: parts of one immutable text
        key={index}
        className="rounded-sm bg-deny-soft text-deny underline decoration-wavy decoration-from-font underline-offset-4"
      >
        {part.text}
      </mark>
    ) : part.unusual ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: parts of one immutable text
      <mark key={index} className="rounded-sm bg-hold-soft px-0.5 text-hold outline outline-hold/50">
        {part.text}
      </mark>
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: parts of one immutable text
      <bdi key={index}>{part.text}</bdi>
    ),
  );
  if (inline) return <code className="wrap-anywhere font-mono text-sm">{body}</code>;
  return (
    <div className="flex min-w-0 flex-col gap-1">
      <CodeBlock label={label}>{body}</CodeBlock>
      {unusual > 0 && (
        <p className="text-hold text-xs">
          Marked: {unusual === 1 ? 'one character' : `${unusual} characters`} outside plain ASCII. Look twice.
        </p>
      )}
    </div>
  );
}

export interface SqlTextPart {
  text: string;
  unusual: boolean;
  spot?: boolean;
}

/** Splits into runs of plain text, single unusual characters (invisible ones by their code point), and the spot. */
export function markUnusual(
  sql: string,
  spot: { readonly from: number; readonly to: number } | null = null,
): SqlTextPart[] {
  if (spot !== null)
    return [
      ...markUnusual(sql.slice(0, spot.from)),
      ...markUnusual(sql.slice(spot.from, spot.to)).map((part) => ({ ...part, spot: true })),
      ...markUnusual(sql.slice(spot.to)),
    ];
  const parts: SqlTextPart[] = [];
  let plain = '';
  for (const character of sql) {
    const code = character.codePointAt(0) ?? 0;
    if (code === 9 || code === 10 || code === 13 || (code >= 32 && code < 127)) {
      plain += character;
      continue;
    }
    if (plain !== '') parts.push({ text: plain, unusual: false });
    plain = '';
    const visible = /^[\p{L}\p{N}\p{P}\p{S}]$/u.test(character);
    parts.push({ text: visible ? character : `U+${code.toString(16).toUpperCase().padStart(4, '0')}`, unusual: true });
  }
  if (plain !== '') parts.push({ text: plain, unusual: false });
  return parts;
}
