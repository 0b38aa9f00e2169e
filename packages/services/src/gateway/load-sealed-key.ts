import { TaskgateError } from '@taskgate/core';
import type { Services } from '../context.ts';

const KEY_BYTES = 32;
const held = new WeakMap<object, Map<string, Uint8Array>>();

/** A random key of this installation, made at its first use and sealed in the settings. */
export async function loadSealedKey(
  services: Pick<Services, 'db' | 'vault' | 'randomBytes'>,
  name: 'mock-salt-key' | 'journal-key',
): Promise<Uint8Array> {
  const kept = held.get(services) ?? new Map<string, Uint8Array>();
  held.set(services, kept);
  const known = kept.get(name);
  if (known !== undefined) return known;
  const { db, vault } = services;
  const context = `setting:${name}`;
  let setting = await db.setting.findUnique({ where: { name } });
  if (setting === null) {
    const sealed = Buffer.from(vault.seal(services.randomBytes(KEY_BYTES), context)).toString('base64');
    // Of two gateways that start at once one key wins; both go on with it.
    await db.setting.createMany({ data: [{ name, value: { sealed } }], skipDuplicates: true });
    setting = await db.setting.findUniqueOrThrow({ where: { name } });
  }
  const { value } = setting;
  if (typeof value !== 'object' || value === null || !('sealed' in value) || typeof value.sealed !== 'string')
    throw new TaskgateError('internal', `the setting \`${name}\` has a shape that is not known`);
  const key = vault.open(Buffer.from(value.sealed, 'base64'), context);
  kept.set(name, key);
  return key;
}
