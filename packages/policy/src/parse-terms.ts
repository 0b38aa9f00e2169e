import { type GrantLimits, NO_LIMITS, type Problem } from '@taskgate/core';
import type { ParseResult, RecordTerms } from './policy-document.ts';
import { clip, type Fields, type Place, type YamlSource } from './yaml-source.ts';

const DAY = 86_400_000;
const NAME = /^[a-z][a-z0-9-]{0,62}$/;

export const LIMIT_KEYS = ['rows', 'bytes', 'statements', 'duration', 'statement', 'idle', 'connections'] as const;
export const NO_RECORD_TERMS: RecordTerms = { results: null, durability: null, readers: null, keepMs: null };

/** The name of a task, policy or resource. */
export function parseName(yaml: YamlSource, place: Place): string | undefined {
  const text = yaml.text(place);
  if (text === undefined || NAME.test(text)) return text;
  return yaml.problem(
    place,
    `\`${clip(text)}\` is not a name; start with a lower-case letter, then letters, digits and \`-\`, at most 63`,
  );
}

/** The field checked to be `kind: <kind>`. */
export function requireKind(yaml: YamlSource, fields: Fields, kind: string): void {
  const place = yaml.required(fields, 'kind');
  const text = place && yaml.text(place);
  if (text !== undefined && text !== kind) yaml.problem(place!, `this is a \`${clip(text)}\`, not a \`${kind}\``);
}

/** One parsed rule for each entry of a list that may be missing. */
export function parseEach<T>(
  yaml: YamlSource,
  place: Place | undefined,
  parse: (yaml: YamlSource, place: Place) => T | undefined,
): readonly T[] {
  const places = place ? (yaml.list(place) ?? []) : [];
  return places.flatMap((one) => {
    const found = parse(yaml, one);
    return found === undefined ? [] : [found];
  });
}

/** Names of groups, machines or agents; missing is none. */
export function parseNames(yaml: YamlSource, place: Place | undefined): readonly string[] {
  if (!place || place.node === null) return [];
  return [...new Set(yaml.texts(place, 100)?.map(({ text }) => text) ?? [])];
}

/** Labels: text to text. */
export function parseLabels(yaml: YamlSource, place: Place | undefined): Readonly<Record<string, string>> {
  if (!place || place.node === null) return {};
  const fields = yaml.mapping(place, null);
  const labels: Record<string, string> = {};
  for (const key of fields?.keys ?? []) {
    const at = fields!.get(key)!;
    const value = yaml.text(at, 100);
    if (!/^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/.test(key))
      yaml.problem(
        at,
        `\`${clip(key)}\` is not the name of a label; use letters, digits, \`.\`, \`_\`, \`/\` and \`-\``,
      );
    else if (value !== undefined) labels[key] = value;
  }
  return labels;
}

export function parseLimits(yaml: YamlSource, place: Place | undefined): GrantLimits {
  const fields = place?.node ? yaml.mapping(place, LIMIT_KEYS) : undefined;
  if (!fields) return NO_LIMITS;
  const rows = fields.get('rows');
  const bytes = fields.get('bytes');
  const statements = fields.get('statements');
  const duration = fields.get('duration');
  const statement = fields.get('statement');
  const idle = fields.get('idle');
  const connections = fields.get('connections');
  return {
    rows: (rows && yaml.integer(rows, 1, 1_000_000_000_000)) ?? null,
    bytes: (bytes && yaml.sizeBytes(bytes)) ?? null,
    statements: (statements && yaml.integer(statements, 1, 1_000_000_000)) ?? null,
    durationMs: (duration && yaml.durationMs(duration, 1000, 7 * DAY, '1s to 7d')) ?? null,
    statementMs: (statement && yaml.durationMs(statement, 100, DAY, '100ms to 1d')) ?? null,
    idleMs: (idle && yaml.durationMs(idle, 1000, 7 * DAY, '1s to 7d')) ?? null,
    connections: (connections && yaml.integer(connections, 1, 1000)) ?? null,
  };
}

export function parseRecord(yaml: YamlSource, place: Place | undefined): RecordTerms {
  const fields = place?.node ? yaml.mapping(place, ['results', 'durability', 'readers', 'keep']) : undefined;
  if (!fields) return NO_RECORD_TERMS;
  const results = fields.get('results');
  const durability = fields.get('durability');
  const readers = fields.get('readers');
  const keep = fields.get('keep');
  return {
    results: (results && yaml.choice(results, ['masked', 'none'])) ?? null,
    durability: (durability && yaml.choice(durability, ['crash'])) ?? null,
    readers: readers ? parseNames(yaml, readers) : null,
    keepMs: (keep && yaml.durationMs(keep, DAY, 36_500 * DAY, '1d to 36500d')) ?? null,
  };
}

/** In the order of the source, so that a person can go through them from top to bottom. */
export function sortedProblems(problems: readonly Problem[]): readonly Problem[] {
  const line = (one: Problem): number => (one.position?.line ?? 0) * 100_000 + (one.position?.column ?? 0);
  return [...problems].sort((a, b) => line(a) - line(b));
}

/** The document, or every problem that its source has. */
export function parsed<T>(yaml: YamlSource, document: T): ParseResult<T> {
  return yaml.problems.length === 0 ? { ok: true, document } : { ok: false, problems: sortedProblems(yaml.problems) };
}
