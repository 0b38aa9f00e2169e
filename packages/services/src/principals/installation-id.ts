import { TaskgateError } from '@taskgate/core';
import type { Services } from '../context.ts';

const SETTING = 'installation-id';
const BYTES = 8;
const held = new WeakMap<object, string>();

/**
 * Names this store at targets that several installations share; made at its first use. No audit row: nobody chooses it.
 */
export async function loadInstallationId(services: Pick<Services, 'db' | 'randomBytes'>): Promise<string> {
  const known = held.get(services);
  if (known !== undefined) return known;
  const id = Buffer.from(services.randomBytes(BYTES)).toString('hex');
  await services.db.setting.createMany({ data: [{ name: SETTING, value: { id } }], skipDuplicates: true });
  const { value } = await services.db.setting.findUniqueOrThrow({ where: { name: SETTING } });
  if (typeof value !== 'object' || value === null || !('id' in value) || typeof value.id !== 'string')
    throw new TaskgateError('internal', `the setting \`${SETTING}\` has a shape that is not known`);
  held.set(services, value.id);
  return value.id;
}
