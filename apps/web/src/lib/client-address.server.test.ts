import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { clientAddressOf } from './client-address.ts';
import { stampPeers } from './peer-address.ts';

test('a client cannot choose the address it is counted and written down by', async () => {
  const FORGED = { 'x-forwarded-for': '203.0.113.9', 'x-taskgate-peer': '203.0.113.9' };
  // Nothing stamps yet: what the client says is not believed either.
  expect(clientAddressOf(new Headers(FORGED), false)).toBe('unknown');
  stampPeers();
  stampPeers();
  const server = http.createServer((request, response) => {
    const headers = new Headers(request.headers as Record<string, string>);
    response.end(JSON.stringify([clientAddressOf(headers, false), clientAddressOf(headers, true)]));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const ask = async (headers: Record<string, string>): Promise<unknown> =>
      (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, { headers })).json();
    expect(await ask({})).toEqual(['127.0.0.1', '127.0.0.1']);
    expect(await ask({ ...FORGED, 'x-forwarded-for': '203.0.113.9, 198.51.100.7' })).toEqual([
      '127.0.0.1',
      '198.51.100.7',
    ]);
  } finally {
    server.close();
  }
});
