import { type FilterTerm, parseFilter } from './parse-filter.ts';
import { ScimError } from './scim-error.ts';

export type ScimJson = Readonly<Record<string, unknown>>;
type Writable = Record<string, unknown>;

const MAX_OPERATIONS = 1000;
/** Comparisons of elements with filters in one request: about a second, in the process that serves everybody. */
const MAX_COMPARISONS = 1_000_000;
const PATH = /^(?<name>[a-z$][\w$-]*)(?:\[(?<filter>[^\]]*)\])?(?:\.(?<sub>[a-z$][\w$-]*))?$/i;
const SCHEMA = /^(?<schema>urn:[\w:.-]+:2\.0:\w+)(?::(?<path>.+))?$/i;
const CORE = /^urn:ietf:params:scim:schemas:core:2\.0:\w+$/i;

interface Target {
  /** Key of the extension whose attribute it is; `null`: the resource itself. */
  readonly extension: string | null;
  /** `null`: the extension as a whole. */
  readonly name: string | null;
  readonly filter: readonly FilterTerm[] | null;
  readonly sub: string | null;
}

/**
 * A resource after the operations of a PATCH (RFC 7644, 3.5.2), in all the shapes that directories send: `op` in any case,
 * dotted names as keys of a value without a path, `remove` with the members to remove as its value, and `add` or `replace`
 * of an element that is not there yet. The resource given stays as it is. Throws {@link ScimError}.
 */
export function applyPatch(resource: ScimJson, body: ScimJson): ScimJson {
  const operations = valueAt(body, 'Operations');
  if (!Array.isArray(operations) || operations.length === 0)
    throw new ScimError(400, 'invalidSyntax', '`Operations` must be a list with something in it');
  if (operations.length > MAX_OPERATIONS)
    throw new ScimError(400, 'invalidSyntax', `a request has at most ${MAX_OPERATIONS} operations`);
  const result = structuredClone(resource) as Writable;
  const left: Allowance = { changes: MAX_OPERATIONS, comparisons: MAX_COMPARISONS };
  for (const operation of operations) applyOne(result, operation, left);
  return result;
}

/** What one request may still cost: a value without a path is as many changes as it has names. */
interface Allowance {
  changes: number;
  comparisons: number;
}

function spend(left: Allowance, what: keyof Allowance, count: number): void {
  left[what] -= count;
  if (left[what] < 0) throw new ScimError(413, null, 'the request changes too much at once; send it in parts');
}

function applyOne(resource: Writable, operation: unknown, left: Allowance): void {
  if (!isObject(operation)) throw new ScimError(400, 'invalidSyntax', 'an operation must be an object');
  const op = String(valueAt(operation, 'op')).toLowerCase();
  if (op !== 'add' && op !== 'replace' && op !== 'remove')
    throw new ScimError(400, 'invalidSyntax', '`op` must be `add`, `replace` or `remove`');
  const path = valueAt(operation, 'path');
  const value = valueAt(operation, 'value');
  if (typeof path === 'string' && path.trim() !== '') return change(resource, op, parsePath(path.trim()), value, left);
  if (op === 'remove') throw new ScimError(400, 'noTarget', '`remove` needs a `path`');
  if (!isObject(value)) throw new ScimError(400, 'invalidValue', 'without a `path` the value must be an object');
  const entries = Object.entries(value);
  spend(left, 'changes', entries.length);
  for (const [name, item] of entries) change(resource, op, parsePath(name), item, left);
}

function parsePath(text: string): Target {
  const schema = SCHEMA.exec(text)?.groups;
  if (schema !== undefined) {
    const extension = CORE.test(schema.schema!) ? null : schema.schema!;
    if (schema.path !== undefined) return { ...parseLocal(schema.path), extension };
    if (extension !== null) return { extension, name: null, filter: null, sub: null };
  }
  return { ...parseLocal(text), extension: null };
}

function parseLocal(text: string): Omit<Target, 'extension'> {
  const found = PATH.exec(text)?.groups;
  if (!found) throw new ScimError(400, 'invalidPath', `\`${text.slice(0, 100)}\` is not a path`);
  return {
    name: found.name!,
    filter: found.filter === undefined ? null : parseFilter(found.filter),
    sub: found.sub ?? null,
  };
}

function change(
  resource: Writable,
  op: 'add' | 'replace' | 'remove',
  target: Target,
  value: unknown,
  left: Allowance,
): void {
  if (target.extension !== null && target.name === null)
    return setWhole(resource, keyOf(resource, target.extension), op, value);
  const holder = target.extension === null ? resource : objectIn(resource, target.extension, op);
  if (holder === null) return;
  const key = keyOf(holder, target.name!);
  if (target.filter !== null) changeElements(holder, key, op, target.filter, target.sub, value, left);
  else if (target.sub !== null) {
    const inner = objectIn(holder, key, op);
    if (inner !== null) setWhole(inner, keyOf(inner, target.sub), op, value);
  } else setWhole(holder, key, op, value);
}

function setWhole(holder: Writable, key: string, op: 'add' | 'replace' | 'remove', value: unknown): void {
  const standing = Object.hasOwn(holder, key) ? holder[key] : undefined;
  if (op === 'remove') {
    // Only those that the value names, as Entra ID removes members; without a value, all of it.
    if (Array.isArray(value) && Array.isArray(standing)) {
      const gone = identitiesOf(value);
      holder[key] = standing.filter((item) => !gone.has(identityOf(item)));
    } else delete holder[key];
  } else if (op === 'add' && Array.isArray(standing)) {
    const added = Array.isArray(value) ? value : [value];
    const held = identitiesOf(standing);
    holder[key] = [...standing, ...added.filter((item) => !held.has(identityOf(item)))];
  } else if (op === 'add' && isObject(standing) && isObject(value)) holder[key] = { ...standing, ...value };
  else holder[key] = value;
}

function changeElements(
  holder: Writable,
  key: string,
  op: 'add' | 'replace' | 'remove',
  filter: readonly FilterTerm[],
  sub: string | null,
  value: unknown,
  left: Allowance,
): void {
  const standing = Object.hasOwn(holder, key) && Array.isArray(holder[key]) ? (holder[key] as unknown[]) : [];
  spend(left, 'comparisons', standing.length * filter.length);
  const fits = (item: unknown): boolean => isObject(item) && filter.every((term) => holds(item, term));
  if (op === 'remove' && sub === null) {
    holder[key] = standing.filter((item) => !fits(item));
    return;
  }
  if (op === 'remove') {
    for (const item of standing.filter(fits) as Writable[]) delete item[keyOf(item, sub!)];
    return;
  }
  if (sub === null && !isObject(value)) throw new ScimError(400, 'invalidValue', 'an element must be an object');
  // Directories name by its filter what they want to be there, whether or not it is.
  const found = standing.some(fits);
  const elements = found
    ? standing
    : [...standing, Object.fromEntries(filter.map(({ path, value: is }) => [path, is]))];
  holder[key] = elements.map((item) => {
    if (!fits(item)) return item;
    const element = item as Writable;
    return sub === null ? { ...element, ...(value as Writable) } : { ...element, [keyOf(element, sub)]: value };
  });
}

function holds(item: ScimJson, { path, value }: FilterTerm): boolean {
  const is = valueAt(item, path);
  return typeof is === 'string' && typeof value === 'string' ? is.toLowerCase() === value.toLowerCase() : is === value;
}

/** Multi-valued attributes are sets of `value`s; an element without one is none of them. */
const identityOf = (item: unknown): unknown => (isObject(item) ? valueAt(item, 'value') : item);
const identitiesOf = (items: readonly unknown[]): ReadonlySet<unknown> =>
  new Set(items.map(identityOf).filter((identity) => identity !== undefined));

function objectIn(holder: Writable, name: string, op: 'add' | 'replace' | 'remove'): Writable | null {
  const key = keyOf(holder, name);
  if (Object.hasOwn(holder, key) && isObject(holder[key])) return holder[key] as Writable;
  if (op === 'remove') return null;
  const made: Writable = {};
  holder[key] = made;
  return made;
}

/** Names are the same in any case (RFC 7643, 2.1): the one that is there already, else as it was written. */
export function keyOf(holder: ScimJson, name: string): string {
  const wanted = name.toLowerCase();
  return Object.keys(holder).find((key) => key.toLowerCase() === wanted) ?? name;
}

export function valueAt(holder: ScimJson, name: string): unknown {
  const key = keyOf(holder, name);
  return Object.hasOwn(holder, key) ? holder[key] : undefined;
}

export const isObject = (value: unknown): value is ScimJson =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
