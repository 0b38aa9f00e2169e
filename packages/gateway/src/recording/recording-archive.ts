import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { sealChunks } from '@taskgate/recording';

const compress = promisify(gzip);

/** Where ended recordings go. A folder here; an object store is another implementation. */
export interface RecordingArchive {
  /** Compresses and keeps a whole recording, given piece by piece; a second time with the same session replaces it by the same. */
  store(sessionId: string, plain: Iterable<Uint8Array>): Promise<void>;
}

/** One sealed file a session. Written beside its place and moved there, so that no reader ever sees half of one. */
export function createFolderArchive(directory: string): RecordingArchive {
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  return {
    async store(sessionId, plain) {
      const file = path.join(directory, `${sessionId}.tgs`);
      const temporary = `${file}.${process.pid}.tmp`;
      const handle = await fs.promises.open(temporary, 'w', 0o600);
      try {
        for await (const part of sealChunks(plain, { compress: (bytes) => compress(bytes) }))
          await writeWhole(handle, part);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await fs.promises.rename(temporary, file);
    },
  };
}

async function writeWhole(handle: fs.promises.FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at)).bytesWritten;
}
