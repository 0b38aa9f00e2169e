import type { MaskName } from '@taskgate/core';
import { BPCHAR, type ColumnType, isTextType, maxCharactersOf, redactedValue } from './postgres-type.ts';
import { concat, type MaskingPorts, maskEmail, maskText, REDACTED } from './text-mask.ts';

const SPACE = 0x20;

/**
 * The value that lies in `bytes` from `from` to `to`, as the client may see it: a valid value of its type in the same
 * format; `null` is SQL NULL. On anything but text only `null` and `redact` exist, and every other mask is `redact`.
 */
export function maskValue(
  mask: MaskName,
  bytes: Uint8Array,
  from: number,
  to: number,
  type: ColumnType,
  ports: MaskingPorts,
): Uint8Array | null {
  if (mask === 'null') return null;
  if (!isTextType(type)) return redactedValue(type);
  const room = maxCharactersOf(type.oid, type.typeModifier);
  if (mask === 'email' && room === null && type.oid !== BPCHAR) return maskEmail(bytes, from, to) ?? REDACTED;
  const value = bytes.subarray(from, to);
  if (type.oid !== BPCHAR) return maskText(mask, value, room, ports);
  // char(n) compares without its padding, so equal values must hash alike; and a driver may rely on its width.
  const masked = maskText(mask, withoutPadding(value), room, ports);
  return masked === null ? null : padTo(masked, room);
}

function withoutPadding(value: Uint8Array): Uint8Array {
  let end = value.length;
  while (end > 0 && value[end - 1] === SPACE) end -= 1;
  return value.subarray(0, end);
}

/** `text` with spaces behind it up to `characters`. */
export function padTo(text: Uint8Array, characters: number | null): Uint8Array {
  if (characters === null) return text;
  let count = 0;
  for (const byte of text) if ((byte & 0xc0) !== 0x80) count += 1;
  return count >= characters ? text : concat([text, new Uint8Array(characters - count).fill(SPACE)]);
}
