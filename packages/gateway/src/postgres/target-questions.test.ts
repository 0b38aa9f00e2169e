import {
  createFrameDecoder,
  decodeFrontendMessage,
  encodeBackendMessage,
  encodeError,
  encodeReadyForQuery,
  type Frame,
  isBackendTag,
  isFrontendTag,
  maxBackendBytes,
  maxFrontendBytes,
} from '@taskgate/protocol-postgres';
import { describe, expect, it } from 'vitest';
import { TargetQuestions } from './target-questions.ts';

/** A server to which `failing` fails, and that skips to the next Sync then; answers what it ran, and what was said. */
async function ask(failing: string | null, inTransaction: boolean) {
  const ran: string[] = [];
  const questions = new TargetQuestions({
    cancel: () => undefined,
    send: (parts) => queueMicrotask(() => answer(Buffer.concat(parts))),
  });
  const answer = (sent: Uint8Array): void => {
    const decoder = createFrameDecoder({ maxBytes: maxBackendBytes, knows: isBackendTag });
    const say = (bytes: Uint8Array): void => {
      for (const frame of decoder.push(bytes)) questions.take(frame);
    };
    let text = '';
    let skips = false;
    const frames: Frame[] = createFrameDecoder({ maxBytes: maxFrontendBytes, knows: isFrontendTag }).push(sent);
    for (const frame of frames) {
      const message = decodeFrontendMessage(frame);
      if (message.kind === 'sync') {
        skips = false;
        say(encodeReadyForQuery('idle'));
      } else if (skips) continue;
      else if (message.kind === 'parse') text = message.text;
      else if (message.kind === 'execute' && text === failing) {
        skips = true;
        say(
          encodeError({
            severity: 'ERROR',
            sqlstate: '57014',
            message: 'canceling statement due to statement timeout',
          }),
        );
      } else if (message.kind === 'execute') {
        ran.push(text);
        say(encodeBackendMessage({ kind: 'command-complete', tag: text === WRITE ? 'UPDATE 7' : text.toUpperCase() }));
      }
    }
  };
  const found = await questions.askAndUndo(
    { text: WRITE, parameterTypes: [], parameters: [], parameterFormats: [] },
    { inTransaction, deadlineMs: 1_000, signal: new AbortController().signal },
  );
  return { ran, found };
}

const WRITE = 'update t set a = 1';

describe('a question whose effect is undone', () => {
  it('runs between what opens and what ends its transaction', async () => {
    expect(await ask(null, false)).toMatchObject({
      ran: ['begin', WRITE, 'rollback'],
      found: { tag: 'UPDATE 7', sqlstate: null },
    });
    const { ran, found } = await ask(null, true);
    expect([ran.length, ran[1], found?.tag]).toEqual([4, WRITE, 'UPDATE 7']);
  });

  it.each([
    ['begin', false],
    ['savepoint taskgate_question', true],
  ])('does not run at all where `%s` fails: it would stand', async (opening, inTransaction) => {
    const { ran, found } = await ask(opening, inTransaction);
    expect(ran).not.toContain(WRITE);
    expect(found).toMatchObject({ tag: null, sqlstate: '57014' });
  });
});
