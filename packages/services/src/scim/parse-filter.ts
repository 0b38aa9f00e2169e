import { ScimError } from './scim-error.ts';

export type FilterValue = string | number | boolean | null;
/** `path eq value`, the one comparison that directories send to find something. */
export interface FilterTerm {
  /** In lower case, without brackets: `emails[type eq "work"].value` is `emails.value`. */
  readonly path: string;
  readonly value: FilterValue;
}

const MAX_LENGTH = 2000;
const MAX_TERMS = 10;
const TERM =
  /\s*(?<name>[a-z][\w$.:-]*)(?<inner>\[[^\]]*\])?(?<rest>\.[a-z]\w*)?\s+(?<op>[a-z]+)\s+(?<value>"(?:[^"\\]|\\.)*"|true|false|null|-?\d+(?:\.\d+)?)\s*/iy;
const AND = /and\s+/iy;

/** A filter of RFC 7644, 3.4.2.2: `eq`, joined by `and`. All terms must hold. Throws `invalidFilter` for anything else. */
export function parseFilter(text: string): readonly FilterTerm[] {
  if (text.length > MAX_LENGTH) throw invalid('it is too long');
  const terms: FilterTerm[] = [];
  for (let at = 0; at < text.length; ) {
    TERM.lastIndex = at;
    const found = TERM.exec(text)?.groups;
    if (!found) throw invalid(`there is no comparison at character ${at + 1}`);
    if (found.op!.toLowerCase() !== 'eq') throw invalid(`\`${found.op}\` is not known here, only \`eq\``);
    terms.push({ path: `${found.name}${found.rest ?? ''}`.toLowerCase(), value: readValue(found.value!) });
    if (terms.length > MAX_TERMS) throw invalid(`it has more than ${MAX_TERMS} comparisons`);
    at = TERM.lastIndex;
    if (at === text.length) return terms;
    AND.lastIndex = at;
    if (!AND.test(text)) throw invalid('comparisons are joined by `and` alone');
    at = AND.lastIndex;
  }
  throw invalid('it ends where a comparison should be');
}

function readValue(text: string): FilterValue {
  try {
    return JSON.parse(text.startsWith('"') ? text : text.toLowerCase()) as FilterValue;
  } catch {
    throw invalid(`\`${text.slice(0, 100)}\` is not a value`);
  }
}

const invalid = (why: string): ScimError => new ScimError(400, 'invalidFilter', `the filter cannot be used: ${why}`);
