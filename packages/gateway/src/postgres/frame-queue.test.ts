import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { FrameQueue } from './frame-queue.ts';

const frame = (bytes: number) => ({ tag: 0x51, raw: new Uint8Array(bytes) });

test('messages come out as they went in, whatever was taken and put back between', () => {
  const queue = new FrameQueue();
  const frames = Array.from({ length: 3_000 }, (_, i) => frame(i % 7));
  for (const one of frames) queue.push(one);
  const out = queue.take(1_200);
  const back = out.splice(1_100);
  queue.putBack(back);
  out.push(...queue.take(1), ...queue.take(1_898));
  expect(queue.length).toBe(1);
  queue.push(frames[0]!);
  out.push(...queue.take(1));
  expect(out.every((one, i) => one === frames[i])).toBe(true);
  expect(queue.at(0)).toBe(frames[0]);
  expect(queue.take(1)).toEqual([frames[0]]);
  expect({ length: queue.length, bytes: queue.bytes, first: queue.at(0) }).toEqual({
    length: 0,
    bytes: 0,
    first: undefined,
  });
});

test('a message that was taken stays nowhere, also while others wait behind it', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const queue = new FrameQueue();
  const taken = (() => {
    for (let i = 0; i < 10; i++) queue.push(frame(1_000));
    return queue.take(9).map(({ raw }) => new WeakRef(raw));
  })();
  // A WeakRef holds its target until the end of the turn.
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  expect(taken.filter((one) => one.deref() !== undefined)).toEqual([]);
  expect(queue.length).toBe(1);
});
