import type { ConnectView } from '@/lib/views.ts';

export interface ConnectLine {
  id: 'psql' | 'uri' | 'jdbc' | 'env';
  label: string;
  /** Runs as it is. */
  text: string;
  /** The same with the token covered. */
  masked: string;
}

const COVER = '••••••••';

/** One word for a POSIX shell. */
const shellWord = (text: string): string =>
  /^[\w.:@%/+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** What to paste into each client, with the token in its place: nothing is left to fill in. */
export function connectLines(connect: ConnectView, token: string): ConnectLine[] {
  const write = (secret: string, quote: (text: string) => string): Record<ConnectLine['id'], string> => ({
    psql: `PGPASSWORD=${quote(secret)} ${connect.psql}`,
    uri: connect.uri.replace(/^(postgresql:\/\/[^@/]*)@/, (_, user: string) => `${user}:${encodeURI(secret)}@`),
    jdbc: `${connect.jdbc}${connect.jdbc.includes('?') ? '&' : '?'}password=${encodeURI(secret)}`,
    env: `${connect.env}\nPGPASSWORD=${quote(secret)}`,
  });
  const open = write(token, shellWord);
  const covered = write(COVER, (text) => text);
  covered.uri = connect.uri.replace(/^(postgresql:\/\/[^@/]*)@/, (_, user: string) => `${user}:${COVER}@`);
  covered.jdbc = `${connect.jdbc}${connect.jdbc.includes('?') ? '&' : '?'}password=${COVER}`;
  const labels = { psql: 'psql', uri: 'URI', jdbc: 'JDBC', env: 'Environment' } as const;
  return (['psql', 'uri', 'jdbc', 'env'] as const).map((id) => ({
    id,
    label: labels[id],
    text: open[id],
    masked: covered[id],
  }));
}
