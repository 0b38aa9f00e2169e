import { randomBytes } from 'node:crypto';
import type { Clock } from '@taskgate/core';

export const systemClock: Clock = { now: () => Date.now(), monotonicMs: () => performance.now() };

export const systemRandomBytes = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
