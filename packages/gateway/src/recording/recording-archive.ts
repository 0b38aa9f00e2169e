import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { sealRecording } from '@taskgate/recording';

const compress = promisify(gzip);

/** Where ended recordings go. A folder here; an object store is another implementation. */
export interface RecordingArchive {
  /** Compresses and keeps a whole recording; a second time with the same session replaces it by the same. */
  store(sessionId: string, plain: Uint8Array): Promise<void>;
}

/** One sealed file a session. Written beside its place and moved there, so that no reader ever sees half of one. */
export function createFolderArchive(directory: string): RecordingArchive {
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  return {
    async store(sessionId, plain) {
      const sealed = await sealRecording(plain, { compress: (bytes) => compress(bytes) });
      const file = path.join(directory, `${sessionId}.tgs`);
      const temporary = `${file}.${process.pid}.tmp`;
      const handle = await fs.promises.open(temporary, 'w', 0o600);
      try {
        await handle.writeFile(sealed);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await fs.promises.rename(temporary, file);
    },
  };
}
