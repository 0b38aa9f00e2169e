/** One claim of a token and what it must be; see {@link matchPattern}. */
export interface ClaimPattern {
  /** A claim's name; of a claim inside of another the path, joined by dots: `kubernetes.io.namespace`. */
  readonly claim: string;
  readonly pattern: string;
}

export interface ClaimVerdict extends ClaimPattern {
  readonly matches: boolean;
  /** What the token says, cut short; `null`: it does not have this claim. */
  readonly given: string | null;
}

export const MAX_CLAIM_PATTERNS = 20;
export const MAX_PATTERN_LENGTH = 500;
const MAX_VALUE_LENGTH = 4_096;
const MAX_SHOWN = 300;

const segmentsOf = (text: string): string[] => text.split(/([/:])/);

/** What is wrong with a pattern as such, or `null`. */
export function patternProblem(pattern: string): string | null {
  if (pattern === '') return 'the pattern is empty, and would match nothing';
  if (pattern.length > MAX_PATTERN_LENGTH) return `the pattern is longer than ${MAX_PATTERN_LENGTH} characters`;
  const segments = segmentsOf(pattern);
  for (const [index, segment] of segments.entries()) {
    if (segment === '**' && index === segments.length - 1) continue;
    if (segment.includes('**')) return '`**` stands only for the whole rest: after the last `/` or `:`';
    if (segment.split('*').length > 2) return 'one `*` is enough between two of `/` and `:`';
  }
  return null;
}

/**
 * A pattern is what the value must be, letter by letter. Between two of `/` and `:` one `*` stands for one or more
 * characters that are neither; `**` at the very end stands for any rest that is not empty. So `repo:acme/*:ref:refs/heads/main`
 * is any repository of acme and nothing that only begins so. A pattern that is none matches nothing.
 */
export function matchPattern(pattern: string, value: string): boolean {
  if (value.length > MAX_VALUE_LENGTH || patternProblem(pattern) !== null) return false;
  const wanted = segmentsOf(pattern);
  const given = segmentsOf(value);
  const open = wanted.at(-1) === '**';
  if (open ? given.length < wanted.length : given.length !== wanted.length) return false;
  return wanted.every((segment, index) => {
    if (open && index === wanted.length - 1) return given.slice(index).join('') !== '';
    return matchSegment(segment, given[index]!);
  });
}

function matchSegment(pattern: string, value: string): boolean {
  const star = pattern.indexOf('*');
  if (star < 0) return pattern === value;
  const [head, tail] = [pattern.slice(0, star), pattern.slice(star + 1)];
  return value.length > head.length + tail.length && value.startsWith(head) && value.endsWith(tail);
}

/** Whether it says nothing: only stars and what separates them. */
export const isAnything = (pattern: string): boolean => /^[*/:]*$/.test(pattern);

/**
 * Claim by claim whether a token is meant. All must match, and there must be one; a claim that the token does not have
 * matches nothing. Of a list one entry is enough. Says nothing of whether the token is genuine.
 */
export function matchClaims(
  patterns: readonly ClaimPattern[],
  claims: Readonly<Record<string, unknown>>,
): { readonly matches: boolean; readonly verdicts: readonly ClaimVerdict[] } {
  const verdicts = patterns.map(({ claim, pattern }) => {
    const values = claimValues(claims, claim);
    const matches = values.some((value) => matchPattern(pattern, value));
    return { claim, pattern, matches, given: values.length === 0 ? null : shorten(values.join(', ')) };
  });
  return { matches: verdicts.length > 0 && verdicts.every((verdict) => verdict.matches), verdicts };
}

const shorten = (text: string): string => (text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text);

/** The values of a claim as text; none where it is missing, or is an object. A claim of just that name comes first. */
export function claimValues(claims: Readonly<Record<string, unknown>>, path: string): readonly string[] {
  const value = lookUp(claims, path);
  const list: readonly unknown[] = Array.isArray(value) ? value.slice(0, 100) : [value];
  return list.flatMap((item) =>
    typeof item === 'string' || typeof item === 'number' || typeof item === 'boolean' ? [String(item)] : [],
  );
}

/** Names of claims hold dots (`kubernetes.io`): the longest name that is there is followed, and no other. */
function lookUp(value: unknown, path: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  if (Object.hasOwn(value, path)) return (value as Record<string, unknown>)[path];
  for (let dot = path.lastIndexOf('.'); dot > 0; dot = path.lastIndexOf('.', dot - 1)) {
    const name = path.slice(0, dot);
    if (Object.hasOwn(value, name)) return lookUp((value as Record<string, unknown>)[name], path.slice(dot + 1));
  }
  return undefined;
}
