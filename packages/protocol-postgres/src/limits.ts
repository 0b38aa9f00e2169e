import { BACKEND_TAG, FRONTEND_TAG } from './message-tags.ts';

/** Every limit of the protocol in one place. Bytes count the whole message: tag, length and body. */
export const PROTOCOL_LIMITS = {
  /** Postgres' own MAX_STARTUP_PACKET_LENGTH. */
  maxStartupBytes: 10_000,
  maxAuthBytes: 8_192,
  /** Query and Parse. More than the analysis takes, so that a text that is too long is refused and the session goes on. */
  maxStatementBytes: 16 * 1024 * 1024,
  maxBindBytes: 16 * 1024 * 1024,
  maxCopyDataBytes: 16 * 1024 * 1024,
  maxOtherFrontendBytes: 64 * 1024,
  /** Messages of the target that carry data or text of any length. */
  maxBackendFrameBytes: 64 * 1024 * 1024,
  /** Every other message of the target: 1664 column descriptions stay well below. */
  maxOtherBackendBytes: 1024 * 1024,
  /** Bind's count is 16 bits. */
  maxParameters: 65_535,
  /** MaxTupleAttributeNumber: no target list has more. */
  maxColumns: 1664,
  minCancelSecretBytes: 4,
  /** Protocol 3.2 (Postgres 18). */
  maxCancelSecretBytes: 256,
  /** RFC 7677 section 4. Fewer would let whoever poses as the target crack the proof. */
  minScramIterations: 4096,
  /** A hostile target must not occupy the gate with key derivation: so many take some 80 ms. */
  maxScramIterations: 200_000,
} as const;

/** The most bytes that a client's message with this tag may have. */
export function maxFrontendBytes(tag: number): number {
  switch (tag) {
    case FRONTEND_TAG.query:
    case FRONTEND_TAG.parse:
      return PROTOCOL_LIMITS.maxStatementBytes;
    case FRONTEND_TAG.bind:
      return PROTOCOL_LIMITS.maxBindBytes;
    case FRONTEND_TAG.copyData:
      return PROTOCOL_LIMITS.maxCopyDataBytes;
    case FRONTEND_TAG.authentication:
      return PROTOCOL_LIMITS.maxAuthBytes;
    default:
      return PROTOCOL_LIMITS.maxOtherFrontendBytes;
  }
}

/** The most bytes that a server's message with this tag may have. */
export function maxBackendBytes(tag: number): number {
  switch (tag) {
    case BACKEND_TAG.dataRow:
    case BACKEND_TAG.copyData:
    case BACKEND_TAG.functionResult:
    case BACKEND_TAG.error:
    case BACKEND_TAG.notice:
      return PROTOCOL_LIMITS.maxBackendFrameBytes;
    default:
      return PROTOCOL_LIMITS.maxOtherBackendBytes;
  }
}
