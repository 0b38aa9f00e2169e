import { expect, test } from 'vitest';
import { connectLines } from './connect-lines.ts';

const connect = {
  host: '127.0.0.1',
  port: 15432,
  user: 'sales-report',
  database: 'shop',
  psql: 'psql "host=127.0.0.1 port=15432 user=sales-report dbname=shop"',
  uri: 'postgresql://sales-report@127.0.0.1:15432/shop',
  jdbc: 'jdbc:postgresql://127.0.0.1:15432/shop?user=sales-report',
  env: 'PGHOST=127.0.0.1\nPGPORT=15432',
};

test('what is copied runs as it is', () => {
  const [psql, uri, jdbc, env] = connectLines(connect, 'tgg_Abc-123_x').map((line) => line.text);
  expect(psql).toBe('PGPASSWORD=tgg_Abc-123_x psql "host=127.0.0.1 port=15432 user=sales-report dbname=shop"');
  expect(uri).toBe('postgresql://sales-report:tgg_Abc-123_x@127.0.0.1:15432/shop');
  expect(jdbc).toBe('jdbc:postgresql://127.0.0.1:15432/shop?user=sales-report&password=tgg_Abc-123_x');
  expect(env).toContain('PGPASSWORD=tgg_Abc-123_x');
});

test('a token can never end the word it stands in', () => {
  expect(connectLines(connect, "a'; rm -rf ~ #")[0]!.text.startsWith(`PGPASSWORD='a'\\''; rm -rf ~ #' psql`)).toBe(
    true,
  );
});

test('the covered line holds no part of the token', () => {
  for (const line of connectLines(connect, 'tgg_secret')) expect(line.masked).not.toContain('tgg_secret');
});
