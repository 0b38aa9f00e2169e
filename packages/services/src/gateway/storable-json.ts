/** JSON that Postgres takes: text there holds no NUL and no half of a surrogate pair, and clients can send both. */
export function storableJson(value: unknown): string {
  const json = JSON.stringify(value);
  // Stringify writes what must not be there as an escape, and other text seldom looks like one: no look at each string.
  if (!/\\u(?:0000|d)/.test(json)) return json;
  return JSON.stringify(value, (_key, item: unknown) => (typeof item === 'string' ? storableText(item) : item));
}

export function storableText(text: string): string {
  return text.replaceAll(/\0|\p{Surrogate}/gu, '\ufffd');
}
