import { describe, expect, it } from 'vitest';
import { fakeClock } from './fake-clock.ts';
import { runCommand } from './run-command.ts';
import { splitBySizes, splitEverywhere } from './split-everywhere.ts';
import { waitUntil } from './wait-until.ts';

describe('splitEverywhere', () => {
  it('gives back the same bytes in every cut', () => {
    const bytes = Uint8Array.of(1, 2, 3, 4);
    const ways = [...splitEverywhere(bytes)];
    expect(ways.map((chunks) => chunks.length)).toEqual([1, 4, 2, 2, 2]);
    for (const chunks of [...ways, splitBySizes(bytes, [3, 2])])
      expect(chunks.flatMap((c) => [...c])).toEqual([1, 2, 3, 4]);
  });
});

describe('fakeClock', () => {
  it('moves only when told', () => {
    const clock = fakeClock(1000);
    clock.advance(5);
    expect([clock.now(), clock.monotonicMs()]).toEqual([1005, 5]);
  });
});

describe('waitUntil', () => {
  it('returns the first truthy value, and names what did not come', async () => {
    let n = 0;
    expect(await waitUntil(() => ++n > 2 && n)).toBe(3);
    await expect(waitUntil(() => false, 20, 'the moon')).rejects.toThrow('the moon did not come true in 20 ms');
  });
});

describe('runCommand', () => {
  it('hands over input and environment, and captures both outputs and the exit code', async () => {
    const script =
      'process.stdin.on("data", (d) => { console.log(d + process.env.X); console.error("e"); process.exitCode = 3; })';
    const result = await runCommand(process.execPath, ['-e', script], { input: 'in', env: { X: '1' } });
    expect(result).toEqual({ code: 3, signal: null, stdout: 'in1\n', stderr: 'e\n', timedOut: false });
  });

  it('kills what takes too long', async () => {
    const result = await runCommand(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { timeoutMs: 200 });
    expect(result).toMatchObject({ signal: 'SIGKILL', timedOut: true });
  });
});
