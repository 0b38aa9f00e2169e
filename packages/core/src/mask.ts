/** From mildest to strictest: where several apply to one value, the strictest wins. */
export const MASK_NAMES = ['email', 'last4', 'hash', 'redact', 'null'] as const;
export type MaskName = (typeof MASK_NAMES)[number];

export const DETECTOR_KINDS = ['card-number', 'email', 'ssn', 'private-key', 'secret'] as const;
export type DetectorKind = (typeof DETECTOR_KINDS)[number];

/** The stricter of two; `null` is no mask. */
export function strictestMask(a: MaskName | null, b: MaskName | null): MaskName | null {
  if (a === null) return b;
  if (b === null) return a;
  return MASK_NAMES.indexOf(a) >= MASK_NAMES.indexOf(b) ? a : b;
}
