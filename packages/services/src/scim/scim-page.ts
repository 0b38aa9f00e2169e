import type { ScimJson } from './apply-patch.ts';
import { ScimError } from './scim-error.ts';

/** The query of a list (RFC 7644, 3.4.2). */
export interface ScimQuery {
  readonly filter: string | null;
  readonly startIndex: string | null;
  readonly count: string | null;
  readonly attributes: string | null;
  readonly excludedAttributes: string | null;
}

export interface ScimRange {
  /** From 1. */
  readonly startIndex: number;
  readonly count: number;
}

const MAX_COUNT = 200;

export function rangeOf({ startIndex, count }: ScimQuery): ScimRange {
  // Below its least a number is its least, and more than the most is the most (RFC 7644, 3.4.2.4).
  return {
    startIndex: Math.max(1, wholeOf(startIndex, 1)),
    count: Math.min(MAX_COUNT, Math.max(0, wholeOf(count, 100))),
  };
}

function wholeOf(text: string | null, otherwise: number): number {
  if (text === null || text === '') return otherwise;
  if (!/^-?\d{1,9}$/.test(text)) throw new ScimError(400, 'invalidValue', '`startIndex` and `count` are whole numbers');
  return Number(text);
}

export function toScimPage(resources: readonly ScimJson[], total: number, range: ScimRange): ScimJson {
  return {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
    totalResults: total,
    startIndex: range.startIndex,
    itemsPerPage: resources.length,
    Resources: resources,
  };
}

/** Only what is asked for, or all but what is not wanted; `id`, `schemas` and `meta` come always. */
export function selectAttributes(resource: ScimJson, query: ScimQuery): ScimJson {
  const named = (text: string): Set<string> =>
    new Set(text.split(',').map((name) => name.trim().split(/[.[]/)[0]!.toLowerCase()));
  const always = new Set(['id', 'schemas', 'meta']);
  const { attributes, excludedAttributes } = query;
  const wanted = attributes ? named(attributes) : null;
  const unwanted = excludedAttributes ? named(excludedAttributes) : new Set<string>();
  return Object.fromEntries(
    Object.entries(resource).filter(([name]) => {
      const key = name.toLowerCase();
      return always.has(key) || (wanted === null ? !unwanted.has(key) : wanted.has(key));
    }),
  );
}

export const wantsAttribute = (query: ScimQuery, name: string): boolean =>
  Object.hasOwn(selectAttributes({ [name]: null }, query), name);
