import type { Problem } from '@taskgate/core';
import { parseName } from './parse-terms.ts';
import type { ParseResult } from './policy-document.ts';
import { clip, MAX_SOURCE_LENGTH, YamlSource } from './yaml-source.ts';

const KINDS = ['Task', 'Policy', 'Workflow', 'Resource'] as const;
const MAX_DOCUMENTS = 100;

export interface SourceDocument {
  readonly kind: (typeof KINDS)[number];
  readonly name: string;
  readonly source: string;
  /** Line of the whole file, from 1, on which `source` begins. */
  readonly line: number;
}

/**
 * Splits a file at its `---` lines and says what each part is; what is in them is the business of the parsers. A line
 * that starts with `---` ends a document wherever it stands (YAML 1.2.2, 9.1.2), also within a block of text.
 */
export function splitDocuments(source: string): ParseResult<readonly SourceDocument[]> {
  if (source.length > MAX_SOURCE_LENGTH * 4)
    return failed([{ path: '', message: 'the file is longer than 1 MiB; split it', position: { line: 1, column: 1 } }]);
  const parts: { line: number; lines: string[] }[] = [{ line: 1, lines: [] }];
  for (const [index, line] of source.split('\n').entries()) {
    const marker = /^---(?=[ \t\r]|$)/.test(line);
    if (marker) parts.push({ line: index + 1, lines: [line.slice(3)] });
    else parts.at(-1)!.lines.push(line);
  }
  const documents: SourceDocument[] = [];
  const problems: Problem[] = [];
  for (const { line, lines } of parts) {
    if (lines.every((one) => /^\s*(#.*)?$/.test(one))) continue;
    if (documents.length >= MAX_DOCUMENTS) {
      problems.push({
        path: '',
        message: `a file has at most ${MAX_DOCUMENTS} documents`,
        position: { line, column: 1 },
      });
      break;
    }
    const text = lines.join('\n');
    const yaml = new YamlSource(text);
    const fields = yaml.problems.length === 0 ? yaml.mapping(yaml.root, null) : undefined;
    const kindPlace = fields && yaml.required(fields, 'kind');
    const namePlace = fields && yaml.required(fields, 'name');
    const kindText = kindPlace && yaml.text(kindPlace);
    const kind = KINDS.find((one) => one === kindText);
    if (kindPlace && kindText !== undefined && kind === undefined)
      yaml.problem(
        kindPlace,
        `\`${clip(kindText)}\` is not a kind that can be applied; known: ${KINDS.map((one) => `\`${one}\``).join(', ')}`,
      );
    const name = namePlace && parseName(yaml, namePlace);
    for (const problem of yaml.problems) {
      const { position } = problem;
      problems.push({ ...problem, position: position && { ...position, line: position.line + line - 1 } });
    }
    if (kind !== undefined && name !== undefined && yaml.problems.length === 0)
      documents.push({ kind, name, source: text, line });
  }
  if (problems.length === 0 && documents.length === 0)
    return failed([{ path: '', message: 'the file has no document in it', position: { line: 1, column: 1 } }]);
  return problems.length === 0 ? { ok: true, document: documents } : failed(problems);
}

const failed = (problems: readonly Problem[]): ParseResult<never> => ({ ok: false, problems });
