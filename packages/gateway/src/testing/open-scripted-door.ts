import { buildCatalog, buildRelation, SecretValue } from '@taskgate/core';
import { type Door, type DoorOptions, type GrantOf, grantOf, openDoor } from './open-test-door.ts';
import { openScriptedTarget, type ScriptedTarget } from './scripted-target.ts';

export interface ScriptedDoor extends Door {
  readonly target: ScriptedTarget;
  readonly database: { readonly name: string };
  readonly grant: GrantOf;
}

const table = (oid: number, name: string, columns: Readonly<Record<string, number>>) => ({
  ...buildRelation({ oid, name, kind: 'table', definition: null }),
  columns: Object.entries(columns).map(([column, typeOid], index) => ({
    name: column,
    attnum: index + 1,
    typeOid,
    typeName: typeOid === 23 ? 'integer' : 'text',
    default: null,
    generatedFrom: [],
  })),
});

export const CUSTOMERS_OID = 16_400;
export const ORDERS_OID = 16_401;

/** The real door before a target that does what the test says. */
export async function openScriptedDoor(options: DoorOptions = {}): Promise<ScriptedDoor> {
  const target = await openScriptedTarget();
  const catalog = buildCatalog({
    serverVersion: 180_000,
    database: 'shop',
    searchPath: ['public'],
    relations: [
      table(CUSTOMERS_OID, 'customers', { id: 23, name: 25, email: 25, ssn: 25, country: 25 }),
      table(ORDERS_OID, 'orders', { id: 23, customer_id: 23, status: 25, total_cents: 23 }),
    ],
  });
  const door = await openDoor(
    {
      credential: {
        host: '127.0.0.1',
        port: target.port,
        database: 'shop',
        tls: { mode: 'disable', ca: null },
        username: 'gate',
        secret: new SecretValue('not asked for'),
      },
      readCatalog: async () => ({ ...catalog, version: 'scripted' }),
    },
    options,
  );
  return {
    ...door,
    database: { name: 'shop' },
    grant: grantOf(door, 'shop'),
    target,
    async close() {
      await door.close();
      await target.close();
    },
  };
}
