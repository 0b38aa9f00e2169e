/** Where a Resource of a file says that its secret is; its place is for messages. */
export interface SecretReference {
  readonly resource: string;
  readonly from: 'env' | 'file';
  readonly target: string;
  readonly line: number;
  readonly column: number;
}

/**
 * The references `secret: env:NAME` and `secret: file:PATH` of the Resource documents in a file. It reads top-level
 * lines only: whether the file is right is for the server to say, which also sees what was missed here as a secret
 * that was not given.
 */
export function secretReferences(source: string): readonly SecretReference[] {
  const found: SecretReference[] = [];
  let kind = '';
  let name = '';
  let secret: Omit<SecretReference, 'resource'> | null = null;
  const close = (): void => {
    if (kind === 'Resource' && name !== '' && secret !== null) found.push({ resource: name, ...secret });
    kind = '';
    name = '';
    secret = null;
  };
  for (const [index, line] of source.split('\n').entries()) {
    if (/^---(?=[ \t\r]|$)/.test(line)) close();
    const match = /^(?:---[ \t]+)?(kind|name|secret):[ \t]*(["']?)([^\r]*)$/.exec(line);
    if (match === null) continue;
    const [, key, quote = '', rest = ''] = match;
    const value =
      quote === '' ? rest.replace(/[ \t]+#.*$/, '').trimEnd() : rest.slice(0, Math.max(0, rest.indexOf(quote)));
    if (key === 'kind') kind = value;
    else if (key === 'name') name = value;
    else {
      const reference = /^(env|file):(.+)$/.exec(value);
      if (reference)
        secret = {
          from: reference[1] as 'env' | 'file',
          target: reference[2]!,
          line: index + 1,
          column: line.indexOf(value) + 1,
        };
    }
  }
  close();
  return found;
}
