/** Where the cursor is in a document that need not be valid yet. */
export interface EditorContext {
  /** Keys above the cursor, list indexes left out; at a value, its own key is the last. */
  readonly path: readonly string[];
  readonly position: 'key' | 'value';
  /** What is written of the word so far. */
  readonly word: string;
  /** Text of the list entry that the cursor is in, or of its line. */
  readonly rule: string;
  /** The `kind` of the document, where it is written. */
  readonly kind: string | null;
}

const MAX_LOOK_BACK = 2000;

interface BlockLine {
  /** Column of the first dash, or `null`. */
  readonly dash: number | null;
  /** Column of what follows indent and dashes. */
  readonly indent: number;
  readonly text: string;
}

function blockLine(line: string): BlockLine {
  const dashes = /^ *(?:- +)*/.exec(line)![0];
  const dash = dashes.indexOf('-');
  return { dash: dash < 0 ? null : dash, indent: dashes.length, text: line.slice(dashes.length) };
}

const keyOf = (text: string): string | null => /^([A-Za-z-]+):(?: |$)/.exec(text)?.[1] ?? null;
const isBlank = (line: string): boolean => /^\s*(#.*)?$/.test(line);

/** The keys, braces and brackets that are open at the end of `text`, which begins at a key or a list entry. */
function openKeys(text: string): { keys: string[]; position: 'key' | 'value'; word: string } {
  const stack: { kind: 'block' | 'map' | 'list'; key: string | null }[] = [{ kind: 'block', key: null }];
  let word = '';
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at]!;
    const top = stack.at(-1)!;
    if (char === '{') stack.push({ kind: 'map', key: null });
    else if (char === '[') stack.push({ kind: 'list', key: null });
    else if (char === '}' || char === ']') {
      if (stack.length > 1) stack.pop();
    } else if (char === ',') {
      if (top.kind === 'map') top.key = null;
    } else if (char === ':' && top.kind !== 'list' && top.key === null && (text[at + 1] ?? ' ') === ' ') {
      top.key = word;
    } else if (char !== ' ') {
      word += char;
      continue;
    }
    word = '';
  }
  const top = stack.at(-1)!;
  return {
    keys: stack.flatMap(({ key }) => (key === null ? [] : [key])),
    position: top.kind === 'list' || top.key !== null ? 'value' : 'key',
    word,
  };
}

/** By indentation alone, since a document being written seldom parses. */
export function editorContext(source: string, offset: number): EditorContext {
  const before = source.slice(Math.max(0, offset - 100_000), offset).split('\n');
  const current = blockLine(before.pop()!);
  const rest = /^[^\n]*/.exec(source.slice(offset, offset + 1000))![0];
  const { keys, position, word } = openKeys(current.text);

  const path: string[] = [];
  const ruleLines = [current.text + rest];
  let inEntry = current.dash === null;
  // What is looked for: a key that stands at most here. An entry's parent may stand at the dash itself.
  let below = current.dash ?? current.indent - 1;
  let entryIndent = current.indent;
  let isListEntry = current.dash !== null;
  for (const line of before.reverse().slice(0, MAX_LOOK_BACK)) {
    if (isBlank(line)) continue;
    const block = blockLine(line);
    if (inEntry && block.indent === entryIndent) {
      ruleLines.push(block.text);
      if (block.dash !== null) {
        inEntry = false;
        isListEntry = true;
        below = block.dash;
        continue;
      }
    }
    if (block.indent > below || (isListEntry && block.dash === below)) continue;
    const key = keyOf(block.text);
    if (key === null) continue;
    path.unshift(key);
    inEntry = false;
    isListEntry = block.dash !== null;
    below = block.dash ?? block.indent - 1;
    entryIndent = block.indent;
    if (below < 0) break;
  }
  const kind = /^kind: *([A-Za-z]+)/m.exec(source.slice(0, 100_000))?.[1] ?? null;
  // A bare list entry under a key that takes a list of texts (`groups:` then `- `) is a value of that key.
  const isText = position === 'key' && current.dash !== null && TEXT_LISTS.has(path.at(-1) ?? '');
  return { path: [...path, ...keys], position: isText ? 'value' : position, word, rule: ruleLines.join('\n'), kind };
}

const TEXT_LISTS: ReadonlySet<string> = new Set([
  ...['groups', 'machines', 'agents', 'from', 'readers', 'names', 'columns', 'kinds', 'statements', 'functions', 'on'],
  ...['select', 'insert', 'update', 'delete', 'truncate', 'lock'],
]);
