import { TaskgateError } from '@taskgate/core';
import type { Database } from '@taskgate/db';
import { generateSealedSigningKey, openSigner, type Signer, type Vault } from '@taskgate/vault';
import { translateStoreError } from '../with-transaction.ts';

const NAME = 'signing-key';

/** This installation's signing key, made at the first start. Fails where the master key is not the store's. */
export async function loadSigner(db: Database, vault: Vault): Promise<Signer> {
  try {
    const kept = await db.setting.findUnique({ where: { name: NAME } });
    if (!kept) {
      const sealed = Buffer.from(generateSealedSigningKey(vault)).toString('base64');
      // Of two first starts one key wins; both go on with it.
      await db.setting.createMany({ data: [{ name: NAME, value: { sealed } }], skipDuplicates: true });
    }
    const setting = kept ?? (await db.setting.findUniqueOrThrow({ where: { name: NAME } }));
    return openSigner(vault, readSealed(setting.value));
  } catch (cause) {
    if (cause instanceof TaskgateError && cause.code === 'internal')
      throw new TaskgateError(
        'bad-input',
        'the master key is not the one this store was sealed with; restore `master.key` or `TASKGATE_MASTER_KEY`',
        { cause },
      );
    throw translateStoreError(cause);
  }
}

function readSealed(value: unknown): Uint8Array {
  if (typeof value === 'object' && value !== null && 'sealed' in value && typeof value.sealed === 'string')
    return Buffer.from(value.sealed, 'base64');
  throw new TaskgateError('internal', 'the signing key in the store has a shape that is not known');
}
