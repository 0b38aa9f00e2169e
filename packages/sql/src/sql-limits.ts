/**
 * Bounds on one message's text. Measured on two shared cores: the parser takes about 2 us a token and its tree about
 * 50 bytes of memory a byte of JSON, so the largest text that passes costs some 200 ms of the event loop.
 */
export const SQL_LIMITS = {
  /** UTF-8 bytes of one message. */
  bytes: 1024 * 1024,
  /** Lexical tokens of one message, counted before the parser runs. */
  tokens: 60_000,
  /** Open parentheses and brackets, counted before the parser runs. */
  parentheses: 300,
  /** Squares of the lengths of long runs of operator characters, summed: about a run of 7,000. */
  operatorSteps: 50_000_000,
  /** Levels of the parse tree: a JSON object is one. */
  depth: 1_000,
  /** Nodes of the parse trees of one message. */
  nodes: 200_000,
  /** Bytes of the parse trees as JSON. */
  treeBytes: 16 * 1024 * 1024,
  /** Statements of one message. */
  statements: 100,
  /** Columns of one result: Postgres itself allows no more. */
  columns: 1_664,
  /** Expressions and queries looked at for one statement, those looked at again in recursive queries included. */
  steps: 150_000,
  /** Views within views. */
  viewDepth: 16,
  /** Rounds until the columns of a recursive query settle. */
  recursiveRounds: 20,
} as const;
