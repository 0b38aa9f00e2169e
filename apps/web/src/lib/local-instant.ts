const pad = (value: number): string => String(value).padStart(2, '0');

/** An ISO instant as `<input type="datetime-local">` takes it, in the reader's time zone; empty for what is none. */
export function toLocalInput(iso: string): string {
  const date = new Date(iso);
  if (iso === '' || Number.isNaN(date.getTime())) return '';
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}T${pad(date.getHours())}:${pad(date.getMinutes())}`;
}

/** The instant that the field says: the same one for whoever is sent the address, wherever they are. */
export function fromLocalInput(value: string): string | null {
  const date = new Date(value);
  return value === '' || Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/** The start of the reader's day, so many days from now. */
export function dayFromNow(days: number, now: number): string {
  const date = new Date(now);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days).toISOString();
}
