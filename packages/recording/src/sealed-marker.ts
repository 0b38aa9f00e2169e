/**
 * Stands where the first frame of a plain recording has its length: a length that no frame can have, a name, and the
 * version of the sealed form.
 */
export const SEALED_MARKER = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x53, 0x45, 0x41, 0x4c, 0x45, 0x44, 0x00, 0x01);
