import type { Problem, SourcePosition } from '@taskgate/core';
import { parseDurationMs, parseSizeBytes } from '@taskgate/core';
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument,
  visit,
  type YAMLMap,
} from 'yaml';
import { didYouMean } from './did-you-mean.ts';

export const MAX_SOURCE_LENGTH = 256 * 1024;
export const MAX_LIST_LENGTH = 1000;
/** Of structure: the parser takes some 20 microseconds for each, on the event loop of whoever asks, who may have the least of rights. */
const MAX_MARKS = 20_000;
const MARK = /[[\]{},:"'%&*!?|>\n]|- /g;
const MAX_PROBLEMS = 100;

/** One value of the source: where it stands and how it is called. */
export interface Place {
  /** `null`: nothing is written there. */
  readonly node: Node | null;
  readonly path: string;
  readonly offset: number;
}

export interface Fields {
  readonly place: Place;
  get(key: string): Place | undefined;
  readonly keys: readonly string[];
}

/**
 * Reads one YAML document by hand, so that each problem knows its line and all of them are found in one go. A read
 * that fails notes a problem and returns `undefined`; the caller goes on and drops its result if there is any problem.
 */
export class YamlSource {
  readonly problems: Problem[] = [];
  readonly root: Place;
  readonly #lines = new LineCounter();

  constructor(source: string) {
    let root: Node | null = null;
    if (source.length > MAX_SOURCE_LENGTH) {
      this.#note(0, '', `the document is longer than ${MAX_SOURCE_LENGTH / 1024} KiB; split it`);
    } else if (hasMoreMarks(source)) {
      this.#note(0, '', `the document has more than ${MAX_MARKS} lines, list items and marks such as \`[\`; split it`);
    } else if (source.includes('\0')) {
      this.#note(0, '', 'the document has a NUL in it; remove it');
    } else {
      root = this.#parse(source);
    }
    this.root = { node: root, path: '', offset: root?.range?.[0] ?? 0 };
  }

  #parse(source: string): Node | null {
    let document: ReturnType<typeof parseDocument>;
    try {
      document = parseDocument(source, {
        version: '1.2',
        schema: 'core',
        merge: false,
        uniqueKeys: false, // quadratic there; checked in mapping() instead
        prettyErrors: false,
        lineCounter: this.#lines,
      });
    } catch {
      this.#note(0, '', 'this is not YAML that can be read');
      return null;
    }
    for (const error of document.errors) {
      if (error.code === 'MULTIPLE_DOCS')
        this.#note(error.pos[0], '', 'only one document is read here; remove the second `---`');
      else if (error.code === 'RESOURCE_EXHAUSTION') this.#note(error.pos[0], '', 'the document is nested too deeply');
      else this.#note(error.pos[0], '', `not valid YAML: ${lowerFirst(error.message.split('\n')[0]!)}`);
    }
    for (const warning of document.warnings)
      this.#note(warning.pos[0], '', `not plain YAML: ${lowerFirst(warning.message.split('\n')[0]!)}`);
    if (document.directives?.yaml.explicit || Object.keys(document.directives?.tags ?? {}).some((tag) => tag !== '!!'))
      this.#note(0, '', 'directives such as `%YAML` are not read; remove them');
    if (this.problems.length > 0) return null;
    // What YAML can do beyond plain values lets one text mean another than it seems to.
    visit(document, {
      Node: (_, node) => {
        const at = (node as ParsedNode).range?.[0] ?? 0;
        if (isAlias(node)) this.#note(at, '', 'aliases (`*name`) are not read; write the value out');
        else if (node.anchor !== undefined) this.#note(at, '', 'anchors (`&name`) are not read; remove it');
        else if (node.tag !== undefined) this.#note(at, '', 'tags (`!name`) are not read; remove it');
      },
    });
    return this.problems.length > 0 ? null : (document.contents as Node | null);
  }

  position(place: Place): SourcePosition {
    return this.#position(place.offset);
  }

  problem(place: Place, message: string): undefined {
    this.#note(place.offset, place.path, message);
    return undefined;
  }

  /** The entries of a mapping; unknown keys, duplicates and keys that are not plain text are problems. */
  mapping(place: Place, known: readonly string[] | null): Fields | undefined {
    const node = place.node;
    if (!isMap(node)) return this.problem(place, `${called(place)} must be a mapping of keys to values`);
    const entries = new Map<string, Place>();
    for (const pair of (node as YAMLMap<Node, Node | null>).items) {
      const key = pair.key;
      const offset = key?.range?.[0] ?? place.offset;
      if (!isScalar(key) || typeof key.value !== 'string') {
        this.#note(offset, place.path, 'a key must be plain text');
        continue;
      }
      const path = place.path === '' ? key.value : `${place.path}.${key.value}`;
      if (entries.has(key.value)) {
        this.#note(offset, path, `\`${key.value}\` is written twice; keep one`);
        continue;
      }
      if (known !== null && !known.includes(key.value)) {
        this.#note(offset, path, `\`${clip(key.value)}\` is not known here${didYouMean(key.value, known)}`);
        continue;
      }
      const value = isEmptyNode(pair.value) ? null : pair.value;
      entries.set(key.value, { node: value, path, offset: value?.range?.[0] ?? offset });
    }
    return { place, get: (key) => entries.get(key), keys: [...entries.keys()] };
  }

  required(fields: Fields, key: string): Place | undefined {
    const place = fields.get(key);
    if (place && place.node !== null) return place;
    const at = place ?? fields.place;
    this.#note(at.offset, place?.path ?? join(fields.place.path, key), `\`${key}\` is missing; add it`);
    return undefined;
  }

  list(place: Place): readonly Place[] | undefined {
    if (place.node === null) return [];
    if (!isSeq(place.node)) return this.problem(place, `${called(place)} must be a list`);
    const items = place.node.items as (Node | null)[];
    if (items.length > MAX_LIST_LENGTH) return this.problem(place, `a list has at most ${MAX_LIST_LENGTH} entries`);
    return items.map((item, index) => ({
      node: isEmptyNode(item) ? null : item,
      path: join(place.path, String(index)),
      offset: item?.range?.[0] ?? place.offset,
    }));
  }

  /** Written as a list without entries, or not written at all. */
  isEmptyList(place: Place): boolean {
    return place.node === null || (isSeq(place.node) && place.node.items.length === 0);
  }

  text(place: Place, maxLength = 200): string | undefined {
    const node = place.node;
    if (!isScalar(node) || typeof node.value !== 'string') {
      const quote =
        isScalar(node) && node.value !== null
          ? `; put it in quotes if \`${clip(String(node.value))}\` is meant as text`
          : '';
      return this.problem(place, `${called(place)} must be text${quote}`);
    }
    if (node.value.length > maxLength)
      return this.problem(place, `${called(place)} is longer than ${maxLength} characters`);
    if (node.value.trim() === '') return this.problem(place, `${called(place)} is empty`);
    return node.value;
  }

  /** A list of texts; one text stands for a list of one. */
  texts(place: Place, maxLength = 200): readonly { readonly text: string; readonly place: Place }[] | undefined {
    const places = isScalar(place.node) ? [place] : this.list(place);
    if (places === undefined) return undefined;
    const found = places.map((one) => ({ text: this.text(one, maxLength), place: one }));
    return found.flatMap(({ text, place: at }) => (text === undefined ? [] : [{ text, place: at }]));
  }

  choice<const T extends string>(place: Place, values: readonly T[]): T | undefined {
    const node = place.node;
    // The mask `null` is named as YAML names nothing at all.
    const isNull = isScalar(node) && node.value === null && node.source === 'null' && values.includes('null' as T);
    const text = isNull ? 'null' : this.text(place);
    if (text === undefined) return undefined;
    if ((values as readonly string[]).includes(text)) return text as T;
    return this.problem(place, `\`${clip(text)}\` is not one of the values here${didYouMean(text, values)}`);
  }

  integer(place: Place, min: number, max: number): number | undefined {
    const value = isScalar(place.node) ? place.node.value : undefined;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value;
    return this.problem(place, `${called(place)} must be a whole number from ${min} to ${max}`);
  }

  boolean(place: Place): boolean | undefined {
    const value = isScalar(place.node) ? place.node.value : undefined;
    if (typeof value === 'boolean') return value;
    return this.problem(place, `${called(place)} must be \`true\` or \`false\``);
  }

  durationMs(place: Place, min: number, max: number, range: string): number | undefined {
    const value = isScalar(place.node) ? place.node.value : undefined;
    const ms = typeof value === 'string' ? parseDurationMs(value) : null;
    if (ms === null)
      return this.problem(place, `${called(place)} must be a duration such as \`30m\`, \`1h\` or \`400d\``);
    if (ms < min || ms > max) return this.problem(place, `${called(place)} must be from ${range}`);
    return ms;
  }

  sizeBytes(place: Place): number | undefined {
    const value = isScalar(place.node) ? place.node.value : undefined;
    const bytes = typeof value === 'string' ? parseSizeBytes(value) : null;
    if (bytes !== null && bytes > 0) return bytes;
    return this.problem(place, `${called(place)} must be a size such as \`20MB\` or \`512KB\``);
  }

  #note(offset: number, path: string, message: string): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push({ path, message, position: this.#position(offset) });
  }

  #position(offset: number): SourcePosition {
    const { line, col } = this.#lines.linePos(offset);
    return line === 0 ? { line: 1, column: 1 } : { line, column: col };
  }
}

const join = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);
const called = (place: Place): string => (place.path === '' ? 'the document' : `\`${place.path}\``);
const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
const isEmptyNode = (node: Node | null | undefined): boolean =>
  node == null || (isScalar(node) && node.value === null && node.source === '');

/** User input within a message, cut so that it cannot drown it. */
export function clip(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

function hasMoreMarks(source: string): boolean {
  let count = 0;
  for (const _ of source.matchAll(MARK)) if (++count > MAX_MARKS) return true;
  return false;
}
