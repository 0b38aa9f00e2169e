/** OIDs of pg_proc that are the same in every server: those that libpq's large object functions call by number. */
const NAMES: ReadonlyMap<number, string> = new Map([
  [715, 'lo_create'],
  [952, 'lo_open'],
  [953, 'lo_close'],
  [954, 'loread'],
  [955, 'lowrite'],
  [956, 'lo_lseek'],
  [957, 'lo_creat'],
  [958, 'lo_tell'],
  [964, 'lo_unlink'],
  [1004, 'lo_truncate'],
  [3170, 'lo_lseek64'],
  [3171, 'lo_tell64'],
  [3172, 'lo_truncate64'],
]);

/** The function call message in SQL's words; `null` where it calls another function than one on a large object. */
export function largeObjectCall(functionOid: number, count: number): string | null {
  const name = NAMES.get(functionOid);
  if (name === undefined) return null;
  return `select pg_catalog.${name}(${Array.from({ length: count }, (_, index) => `$${index + 1}`).join(', ')})`;
}
