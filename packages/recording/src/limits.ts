/** Bounds of what is written and of what a reader accepts. Lengths in bytes unless named otherwise. */
export const RECORDING_LIMITS = {
  /** A whole frame, its length field left out. A reader refuses more before it buffers the body. */
  maxFrameBytes: 64 * 1024 * 1024,
  /** The whole file header. */
  maxHeaderBytes: 64 * 1024,
  /** The clear part of a frame: JSON. */
  maxClearBytes: 4 * 1024 * 1024,
  /** For the caller: what of one operation's result is recorded; the outcome counts all of it. */
  maxRowsPerOperation: 1_000,
  maxResultBytesPerOperation: 4 * 1024 * 1024,
  /** For the caller: rows are gathered into one event up to this. */
  maxRowsBytesPerEvent: 256 * 1024,
  /** For the caller: longer statements and parameters are cut and marked `truncated`. */
  maxStatementBytes: 1024 * 1024,
  maxParameterBytes: 64 * 1024,
  /** For the caller: UTF-16 units of an error's text. */
  maxMessageLength: 64 * 1024,
  maxParameters: 65_535,
  /** An operation is of one of so many statements that were described last: neither side keeps more. */
  maxStatements: 1_000,
  /** What of a COPY is recorded. */
  maxCopyBytesPerOperation: 4 * 1024 * 1024,
  /** One block of a sealed file, before compression; a frame that is larger is a block of its own. */
  sealedBlockBytes: 1024 * 1024,
} as const;
