/// <reference path="./libpg-query.d.ts" />
import { type SourcePosition, TaskgateError, type Unknown, utf8Encode } from '@taskgate/core';
import { measureText } from './measure-text.ts';
import type { Fields } from './node.ts';
import { SQL_LIMITS } from './sql-limits.ts';

export const SUPPORTED_SERVER_MAJORS = [15, 16, 17, 18] as const;

/** The statements of one text with where each lies in it, in UTF-8 bytes; or why there are none. */
export type ParseOutcome =
  | { readonly ok: true; readonly statements: readonly RawStatement[] }
  | { readonly ok: false; readonly unknown: Unknown };

export interface RawStatement {
  readonly tree: Fields;
  readonly byteStart: number;
  readonly byteEnd: number;
}

export interface SqlParser {
  /** Never throws. */
  parse(text: string): ParseOutcome;
}

/** The C functions of libpg_query that are called here, as Emscripten exports them. Pointers are numbers. */
interface ParserModule {
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  _wasm_parse_query_raw(query: number): number;
  _wasm_free_parse_result(result: number): void;
  stringToUTF8(text: string, pointer: number, maxBytes: number): void;
  UTF8ToString(pointer: number): string;
  getValue(pointer: number, type: 'i32'): number;
}

const MAX_MESSAGE_CHARACTERS = 200;

type ParserFactory = () => Promise<unknown>;

/** Literal imports, so that a bundler sees them. */
async function loadFactory(serverMajor: number): Promise<ParserFactory> {
  switch (serverMajor) {
    case 15:
      return (await import('libpg-query-15/wasm/libpg-query.js')).default;
    case 16:
      return (await import('libpg-query-16/wasm/libpg-query.js')).default;
    case 17:
      return (await import('libpg-query-17/wasm/libpg-query.js')).default;
    case 18:
      return (await import('libpg-query-18/wasm/libpg-query.js')).default;
    default:
      throw new TaskgateError(
        'not-supported',
        `postgres \`${serverMajor}\` is not supported; use one of ${SUPPORTED_SERVER_MAJORS.join(', ')}`,
      );
  }
}

/** Loads the grammar of one major version. @throws TaskgateError `not-supported` naming the versions that are. */
export async function createSqlParser(serverMajor: number): Promise<SqlParser> {
  const factory = await loadFactory(serverMajor);
  const spares: ParserModule[] = [];
  const makeSpare = async (): Promise<void> => {
    spares.push((await factory()) as ParserModule);
  };
  await makeSpare();
  await makeSpare();
  let current: ParserModule | null = spares.pop() ?? null;

  return {
    parse(text) {
      const refused = refuseBeforeParsing(text);
      if (refused !== null) return { ok: false, unknown: refused };
      current ??= spares.pop() ?? null;
      if (current === null) return failed('too-large', 'the parser is starting again; send the statement again');
      try {
        return parseWith(current, text);
      } catch {
        // The C stack ran out: that instance's memory is in no known state, so nothing may be parsed with it again.
        current = spares.pop() ?? null;
        makeSpare().catch(() => undefined);
        return failed('too-large', 'the statement nests too deeply to be analysed; split it');
      }
    },
  };
}

function failed(code: Unknown['code'], message: string, position: Unknown['position'] = null): ParseOutcome {
  return { ok: false, unknown: { code, message, position } };
}

function refuseBeforeParsing(text: string): Unknown | null {
  const unknown = (code: Unknown['code'], message: string): Unknown => ({ code, message, position: null });
  // The parser takes a C string and would see only what stands before the NUL.
  if (text.includes('\0')) return unknown('bad-bytes', 'the statement holds a NUL byte; remove it');
  if (text.length > SQL_LIMITS.bytes || utf8Encode(text).length > SQL_LIMITS.bytes) {
    return unknown('too-large', `the statement is longer than ${SQL_LIMITS.bytes} bytes; split it or use parameters`);
  }
  if (/[\ud800-\udfff]/u.test(text)) return unknown('bad-bytes', 'the statement is not valid utf-8');
  const measure = measureText(text);
  if (measure.tokens > SQL_LIMITS.tokens) {
    return unknown(
      'too-large',
      `the statement has more than ${SQL_LIMITS.tokens} words and signs; split it or use parameters`,
    );
  }
  if (measure.parentheses > SQL_LIMITS.parentheses) {
    return unknown('too-large', `the statement nests more than ${SQL_LIMITS.parentheses} brackets; simplify it`);
  }
  if (measure.operatorSteps > SQL_LIMITS.operatorSteps) {
    return unknown('too-large', 'the statement holds a very long run of signs such as `/*` or `=`; shorten it');
  }
  return null;
}

/** @throws whatever the WebAssembly code throws when its stack or memory ends. */
function parseWith(module: ParserModule, text: string): ParseOutcome {
  const bytes = utf8Encode(text).length;
  const query = module._malloc(bytes + 1);
  module.stringToUTF8(text, query, bytes + 1);
  const result = module._wasm_parse_query_raw(query);
  if (result === 0) throw new Error('out of memory');
  // PgQueryParseResult { char *parse_tree; char *stderr_buffer; PgQueryError *error }
  const error = module.getValue(result + 8, 'i32');
  let outcome: ParseOutcome;
  if (error !== 0) {
    outcome = readError(module, error, text);
  } else {
    const json = module.UTF8ToString(module.getValue(result, 'i32'));
    outcome =
      json.length > SQL_LIMITS.treeBytes
        ? failed('too-large', 'the statement has too many parts; split it or use parameters')
        : readStatements(json, bytes);
  }
  module._free(query);
  module._wasm_free_parse_result(result);
  return outcome;
}

/** PgQueryError { char *message, *funcname, *filename; int lineno, cursorpos; char *context }; cursorpos from 1, in characters. */
function readError(module: ParserModule, error: number, text: string): ParseOutcome {
  const message = module.UTF8ToString(module.getValue(error, 'i32'));
  const cursor = module.getValue(error + 16, 'i32');
  if (/^memory exhausted|^stack depth limit/.test(message)) {
    return failed('too-large', 'the statement nests too deeply to be analysed; split it');
  }
  const position = cursor > 0 ? characterPosition(text, cursor - 1) : null;
  return failed('syntax', clip(message).replaceAll('"', '`'), position);
}

/** Messages quote the text that they stopped at, which can be all of it: a megabyte of it is in nobody's interest. */
function clip(message: string): string {
  const chars = [...message.slice(0, 2 * MAX_MESSAGE_CHARACTERS)];
  return chars.length > MAX_MESSAGE_CHARACTERS ? `${chars.slice(0, MAX_MESSAGE_CHARACTERS).join('')}...` : message;
}

/** Both counted from 1; the cursor counts characters from 0. */
function characterPosition(text: string, cursor: number): SourcePosition {
  const before = [...text].slice(0, cursor);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.filter((char) => char === '\n').length + 1, column: before.length - lineStart + 1 };
}

function readStatements(json: string, bytes: number): ParseOutcome {
  const parsed = JSON.parse(json) as {
    stmts?: readonly { stmt?: Fields; stmt_location?: number; stmt_len?: number }[];
  };
  const statements = (parsed.stmts ?? []).map((raw) => {
    const byteStart = raw.stmt_location ?? 0;
    return {
      tree: raw.stmt ?? {},
      byteStart,
      byteEnd: raw.stmt_len ? byteStart + raw.stmt_len : bytes,
    };
  });
  if (statements.length > SQL_LIMITS.statements) {
    return failed('too-large', `the message holds more than ${SQL_LIMITS.statements} statements; split it`);
  }
  return { ok: true, statements };
}
