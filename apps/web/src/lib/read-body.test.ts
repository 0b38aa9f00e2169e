import { expect, it } from 'vitest';
import { readBody } from './read-body.ts';

function request(chunks: Iterable<Uint8Array>): Request {
  const source = chunks[Symbol.iterator]();
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const { done, value } = source.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
  return new Request('http://127.0.0.1/', { method: 'POST', duplex: 'half', body } as RequestInit);
}
function* bytes(count: number): Generator<Uint8Array> {
  for (let n = 0; n < count; n++) yield Uint8Array.of(n & 0xff);
}

it('a body is read whole, however small its pieces', async () => {
  const read = await readBody(request(bytes(40_000)), 65_536);
  expect(read).toHaveLength(40_000);
  expect(read.every((byte, n) => byte === (n & 0xff))).toBe(true);
  expect(await readBody(request([]), 10)).toHaveLength(0);
  expect(await readBody(new Request('http://127.0.0.1/'), 10)).toHaveLength(0);
});

it('a body may have the size that is allowed, and not a byte more, whatever it says of its length', async () => {
  expect(await readBody(request(bytes(1_024)), 1_024)).toHaveLength(1_024);
  await expect(readBody(request(bytes(1_025)), 1_024)).rejects.toMatchObject({ code: 'too-large' });
  await expect(readBody(request([new Uint8Array(4_096)]), 1_024)).rejects.toMatchObject({ code: 'too-large' });
  const said = new Request('http://127.0.0.1/', { method: 'POST', body: 'x', headers: { 'content-length': '99999' } });
  await expect(readBody(said, 1_024)).rejects.toMatchObject({ code: 'too-large' });
});
