import type { WallTwo } from '@taskgate/contracts';
import type { Client } from 'pg';
import type * as z from 'zod';
import { quoted, quotedRelation } from './principal-names.ts';

export type WallTwoView = z.infer<typeof WallTwo>;
type Finding = WallTwoView['lacking'][number];

/** What anybody may call and no grant needs: they write large objects, or keep the server busy. */
const OPEN_FUNCTIONS = [
  ...['lo_creat', 'lo_create', 'lo_from_bytea', 'lo_open', 'lo_put', 'lo_truncate', 'lo_truncate64', 'lo_unlink'],
  ...['lowrite', 'pg_sleep', 'pg_sleep_for', 'pg_sleep_until'],
];
/** A page shows so many by name; the script has them all. */
const NAMED = 5;
const MAX_LISTED = 1_000;

const USER_SCHEMA = `n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND n.nspname !~ '^pg_(toast_)?temp_'`;

export interface CredentialRights {
  readonly name: string;
  readonly superuser: boolean;
  readonly createRole: boolean;
  readonly inherits: boolean;
}

export async function readCredentialRights(client: Client): Promise<CredentialRights> {
  const { rows } = await client.query<CredentialRights>(
    `SELECT rolname AS name, rolsuper AS superuser, rolcreaterole AS "createRole", rolinherit AS inherits
       FROM pg_catalog.pg_roles WHERE rolname = current_user`,
  );
  return rows[0]!;
}

/** Rights that making and ending principals needs and that the credential lacks, each with what gives it. */
export function lackingRights(rights: CredentialRights): readonly Finding[] {
  if (rights.superuser) return [];
  const lacking: Finding[] = [];
  if (!rights.createRole)
    lacking.push({
      what: `\`${rights.name}\` may not create roles`,
      script: `ALTER ROLE ${quoted(rights.name)} CREATEROLE;`,
    });
  // Without it the credential could not end the backends of the roles that it made.
  if (!rights.inherits)
    lacking.push({
      what: `\`${rights.name}\` does not inherit the rights of its roles`,
      script: `ALTER ROLE ${quoted(rights.name)} INHERIT;`,
    });
  return lacking;
}

/** Looks at what the target would hold a grant's own role to. The client's role is the resource's credential. */
export async function checkWallTwo(client: Client, checkedAt: Date): Promise<WallTwoView> {
  const rights = await readCredentialRights(client);
  const lacking = [...lackingRights(rights), ...(await ungivable(client, rights))];
  const open = await openToEverybody(client);
  const missing = lackingRights(rights).length > 0;
  return {
    state: missing ? 'missing' : lacking.length + open.length > 0 ? 'partial' : 'whole',
    checkedAt: checkedAt.toISOString(),
    lacking,
    open,
  };
}

/** Relations that the credential may use and not give on. */
async function ungivable(client: Client, rights: CredentialRights): Promise<readonly Finding[]> {
  if (rights.superuser) return [];
  const { rows } = await client.query<{ schema: string; name: string }>(
    `SELECT n.nspname AS schema, c.relname AS name
       FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND ${USER_SCHEMA}
        AND pg_catalog.has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE')
        AND NOT pg_catalog.has_table_privilege(c.oid, 'SELECT WITH GRANT OPTION')
      ORDER BY 1, 2 LIMIT ${MAX_LISTED}`,
  );
  if (rows.length === 0) return [];
  return [
    {
      what: `\`${rights.name}\` may not give its rights on ${named(rows.map(quotedRelation))} to others; tasks on ${rows.length === 1 ? 'it' : 'them'} run with the resource’s own credential`,
      script: rows
        .map((one) => `GRANT ALL ON ${quotedRelation(one)} TO ${quoted(rights.name)} WITH GRANT OPTION;`)
        .join('\n'),
    },
  ];
}

async function openToEverybody(client: Client): Promise<Finding[]> {
  const found: Finding[] = [];
  const { rows: database } = await client.query<{ name: string; temp: boolean; create: boolean }>(
    `SELECT pg_catalog.current_database() AS name,
            pg_catalog.has_database_privilege('public', pg_catalog.current_database(), 'TEMP') AS temp,
            pg_catalog.has_database_privilege('public', pg_catalog.current_database(), 'CREATE') AS "create"`,
  );
  const { name, temp, create } = database[0]!;
  if (temp)
    found.push({
      what: 'everybody may make temporary tables',
      script: `REVOKE TEMPORARY ON DATABASE ${quoted(name)} FROM PUBLIC;`,
    });
  if (create)
    found.push({
      what: 'everybody may make schemas',
      script: `REVOKE CREATE ON DATABASE ${quoted(name)} FROM PUBLIC;`,
    });

  const { rows: schemas } = await client.query<{ name: string }>(
    `SELECT n.nspname AS name FROM pg_catalog.pg_namespace n
      WHERE ${USER_SCHEMA} AND pg_catalog.has_schema_privilege('public', n.oid, 'CREATE')
      ORDER BY 1 LIMIT ${MAX_LISTED}`,
  );
  if (schemas.length > 0)
    found.push({
      what: `everybody may make things in ${named(schemas.map((one) => one.name))}`,
      script: schemas.map((one) => `REVOKE CREATE ON SCHEMA ${quoted(one.name)} FROM PUBLIC;`).join('\n'),
    });

  const { rows: relations } = await client.query<{ schema: string; name: string }>(
    `SELECT n.nspname AS schema, c.relname AS name
       FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND ${USER_SCHEMA}
        AND pg_catalog.has_schema_privilege('public', n.oid, 'USAGE')
        AND (pg_catalog.has_table_privilege('public', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')
             OR (c.relkind <> 'S' AND pg_catalog.has_any_column_privilege('public', c.oid, 'SELECT, INSERT, UPDATE')))
      ORDER BY 1, 2 LIMIT ${MAX_LISTED}`,
  );
  if (relations.length > 0)
    found.push({
      what: `everybody has rights on ${named(relations.map((one) => `${one.schema}.${one.name}`))}`,
      script: relations.map((one) => `REVOKE ALL ON ${quotedRelation(one)} FROM PUBLIC;`).join('\n'),
    });

  // What returns `trigger` cannot be called.
  const { rows: functions } = await client.query<{ schema: string; count: number }>(
    `SELECT n.nspname AS schema, count(*)::int AS count
       FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
      WHERE ${USER_SCHEMA} AND p.prorettype NOT IN ('pg_catalog.trigger'::pg_catalog.regtype, 'pg_catalog.event_trigger'::pg_catalog.regtype)
        AND pg_catalog.has_schema_privilege('public', n.oid, 'USAGE')
        AND pg_catalog.has_function_privilege('public', p.oid, 'EXECUTE')
      GROUP BY 1 ORDER BY 1 LIMIT ${MAX_LISTED}`,
  );
  if (functions.length > 0)
    found.push({
      what: `everybody may call functions: ${named(functions.map((one) => `${one.count} in ${one.schema}`))}`,
      script: [
        '-- first grant them to the roles of your own that call them',
        ...functions.map((one) => `REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA ${quoted(one.schema)} FROM PUBLIC;`),
        '-- and for those to come, as the role that makes them:',
        'ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON ROUTINES FROM PUBLIC;',
      ].join('\n'),
    });

  const { rows: builtins } = await client.query<{ name: string; signature: string }>(
    `SELECT p.proname AS name, p.oid::pg_catalog.regprocedure::pg_catalog.text AS signature
       FROM pg_catalog.pg_proc p
      WHERE p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace AND p.proname = ANY ($1)
        AND pg_catalog.has_function_privilege('public', p.oid, 'EXECUTE')
      ORDER BY 1, 2`,
    [OPEN_FUNCTIONS],
  );
  if (builtins.length > 0)
    found.push({
      what: `everybody may call ${named([...new Set(builtins.map((one) => one.name))])}`,
      script: [
        `-- as a superuser, in ${quoted(name)}`,
        ...builtins.map(
          (one) =>
            `REVOKE EXECUTE ON FUNCTION ${one.signature.replace(/^(?!pg_catalog\.)/, 'pg_catalog.')} FROM PUBLIC;`,
        ),
      ].join('\n'),
    });
  return found;
}

function named(names: readonly string[]): string {
  const shown = names.slice(0, NAMED).map((name) => `\`${name}\``);
  const more = names.length - shown.length;
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
}
