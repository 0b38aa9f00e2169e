import { describe, expect, it } from 'vitest';
import { isLoopback, toConnectStrings } from './connect-strings.ts';

describe('connect strings', () => {
  it('insist on TLS wherever somebody could be in between', () => {
    const strings = toConnectStrings({ postgresHost: 'gate.example', postgresPort: 15432 }, 'sales-report', 'shop');
    expect(strings.psql).toBe('psql "host=gate.example port=15432 user=sales-report dbname=shop sslmode=require"');
    expect(strings.uri).toBe('postgresql://sales-report@gate.example:15432/shop?sslmode=require');
    expect(strings.jdbc).toBe('jdbc:postgresql://gate.example:15432/shop?user=sales-report&sslmode=require');
    expect(strings.env).toContain('PGSSLMODE=require');
    expect(['127.0.0.1', '127.9.9.9', '::1', 'localhost'].every(isLoopback)).toBe(true);
    expect(['127.0.0.1.evil.example', '10.0.0.1', '0.0.0.0', 'localhost.example'].some(isLoopback)).toBe(false);
  });

  it('can be pasted into a shell whatever the database is called', () => {
    const strings = toConnectStrings({ postgresHost: '::1', postgresPort: 1 }, 't', 'a\'b "$(rm)` \\');
    expect(strings.psql).toBe('psql "host=::1 port=1 user=t dbname=\'a\\\\\'b \\"\\$(rm)\\` \\\\\\\\\'"');
    expect(strings.uri).toBe("postgresql://t@[::1]:1/a'b%20%22%24(rm)%60%20%5C");
    expect(strings.env).toContain("PGDATABASE='a'\\''b \"$(rm)` \\'");
  });
});
