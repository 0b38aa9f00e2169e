import { createDecipheriv } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { buildTimeline, decodeRecording, openEvent, unsealRecording } from '@taskgate/recording';
import { waitUntil } from '@taskgate/testkit';
import type { Door } from './open-test-door.ts';

/** A session's recording, once the session has ended. */
export async function archived(door: Door, sessionId: string): Promise<Uint8Array> {
  const file = path.join(door.archiveDirectory, `${sessionId}.tgs`);
  await waitUntil(() => fs.existsSync(file));
  return unsealRecording(fs.readFileSync(file), { decompress: (bytes) => gunzipSync(bytes), maxBytes: 1e9 });
}

/** What it says, opened with the session's key. */
export async function timelineOf(door: Door, sessionId: string, bytes: Uint8Array) {
  const key = door.controlPlane.keys.get(sessionId)!.reveal((base64) => Buffer.from(base64, 'base64'));
  const open = (sealed: Uint8Array, seq: number): Uint8Array => {
    const nonce = Buffer.alloc(12);
    nonce.writeBigUInt64BE(BigInt(seq), 4);
    const decipher = createDecipheriv('aes-256-gcm', key, nonce);
    decipher.setAAD(Buffer.from(`${sessionId}:${seq}`));
    decipher.setAuthTag(sealed.subarray(sealed.length - 16));
    return Buffer.concat([decipher.update(sealed.subarray(0, sealed.length - 16)), decipher.final()]);
  };
  return buildTimeline(await Promise.all(decodeRecording(bytes).events.map((event) => openEvent(event, open))));
}
