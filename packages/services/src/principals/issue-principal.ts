import type { SecretValue } from '@taskgate/core';
import type { PrincipalPrivileges } from '@taskgate/policy';
import type { Client } from 'pg';
import { encodeScramVerifier } from '../grants/scram-verifier.ts';
import { lackingRights, readCredentialRights } from './check-wall-two.ts';
import { planGrants } from './plan-grants.ts';
import { grantMark, literal, quoted, taskRoleName } from './principal-names.ts';

const SALT_BYTES = 16;
const GRANTS_A_MESSAGE = 200;
/** Beside the task's own `connections`: what is closing, and the connection that ends a backend which lingers. */
const SPARE_CONNECTIONS = 3;
/** Membership with these options can be asked for by name. */
const OPTIONS_SINCE = 160_000;
/** Settings of a role that are lists of names need another quoting, and none of them is a limit. */
const NOT_COPIED = ['search_path', 'role', 'temp_tablespaces', 'local_preload_libraries', 'session_preload_libraries'];

export interface PrincipalWish {
  readonly mark: string;
  readonly grantId: string;
  readonly roleName: string;
  readonly task: { readonly name: string; readonly revision: number };
  readonly privileges: PrincipalPrivileges;
  readonly password: SecretValue;
  readonly validUntil: Date;
  /** The task's `connections`; `null`: no limit. */
  readonly connections: number | null;
}

export type Issued =
  | { readonly kind: 'made'; readonly taskRole: string }
  /** The credential, or any grant at all, cannot give it. */
  | { readonly kind: 'impossible'; readonly reason: string };

/**
 * Makes the role of a grant at the target, or brings it up to date, in one transaction: it is there whole or not at all.
 * Concurrent calls for one database wait for each other. The password is never sent, only a verifier that we compute.
 */
export async function issuePrincipal(
  client: Client,
  wish: PrincipalWish,
  randomBytes: (length: number) => Uint8Array,
): Promise<Issued> {
  const { needsOwner } = wish.privileges;
  if (needsOwner.length > 0)
    return {
      kind: 'impossible',
      reason: `the task allows ${needsOwner.map((one) => `\`${one}\``).join(', ')}, for which a role must own what it works on`,
    };
  const verifier = await encodeScramVerifier(wish.password, randomBytes(SALT_BYTES));
  return inTargetTransaction(client, async () => {
    const rights = await readCredentialRights(client);
    const lacking = lackingRights(rights);
    if (lacking.length > 0) return { kind: 'impossible', reason: lacking.map((one) => one.what).join('; ') };
    const planned = await planGrants(client, wish.privileges);
    const refused = planned.filter((one) => !one.givable && !one.everybody);
    if (refused.length > 0)
      return { kind: 'impossible', reason: `\`${rights.name}\` may not give ${shown(refused.map((one) => one.sql))}` };

    const serverVersion = await versionOf(client);
    const becomeMember = async (role: string): Promise<void> => {
      if (rights.superuser) return;
      // To end its backends and settle what it owns, both of which ask for its rights.
      const options = serverVersion >= OPTIONS_SINCE ? ' WITH INHERIT TRUE, SET TRUE' : '';
      await client.query(`GRANT ${quoted(role)} TO CURRENT_USER${options}`);
    };
    const given = planned.filter((one) => one.givable);
    const grants = given.map((one) => one.sql);
    const keys = given.map((one) => one.key);
    const taskRole = taskRoleName(wish.task.name, wish.task.revision, keys, wish.mark);
    if (!(await roleExists(client, taskRole))) {
      await client.query(`CREATE ROLE ${quoted(taskRole)} NOLOGIN ${NOTHING_ELSE}`);
      await comment(client, taskRole, `${wish.mark} task ${wish.task.name} revision ${wish.task.revision}`);
      await becomeMember(taskRole);
      for (let at = 0; at < grants.length; at += GRANTS_A_MESSAGE)
        await client.query(
          grants
            .slice(at, at + GRANTS_A_MESSAGE)
            .map((sql) => `GRANT ${sql} TO ${quoted(taskRole)}`)
            .join(';'),
        );
    }
    const limit = wish.connections === null ? -1 : wish.connections + SPARE_CONNECTIONS;
    const terms = `CONNECTION LIMIT ${limit} PASSWORD ${literal(verifier)} VALID UNTIL ${literal(wish.validUntil.toISOString())}`;
    const role = quoted(wish.roleName);
    if (await roleExists(client, wish.roleName)) await client.query(`ALTER ROLE ${role} ${terms}`);
    else {
      await client.query(`CREATE ROLE ${role} LOGIN INHERIT ${NOTHING_ELSE} ${terms}`);
      await comment(client, wish.roleName, grantMark(wish.mark, wish.grantId));
      await becomeMember(wish.roleName);
      await copySettings(client, wish.roleName);
    }
    for (const other of await rolesOf(client, wish.roleName))
      if (other !== taskRole) await client.query(`REVOKE ${quoted(other)} FROM ${role}`);
    await client.query(`GRANT ${quoted(taskRole)} TO ${role}`);
    return { kind: 'made', taskRole };
  });
}

const NOTHING_ELSE = 'NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS';
const LOCK_TIMEOUT = '5s';
/** Says `taskgate`: one at a time in a database changes roles of ours. */
const LOCK_KEY = 0x7461736b;

/** Runs `work` in a transaction that no other of ours in this database runs beside. */
export async function inTargetTransaction<T>(client: Client, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  try {
    await client.query(`SET LOCAL lock_timeout = '${LOCK_TIMEOUT}'; SET LOCAL search_path = ''`);
    await client.query('SELECT pg_catalog.pg_advisory_xact_lock($1, 1)', [LOCK_KEY]);
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

export async function roleExists(client: Client, name: string): Promise<boolean> {
  const { rowCount } = await client.query('SELECT FROM pg_catalog.pg_roles WHERE rolname = $1', [name]);
  return rowCount === 1;
}

async function versionOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ version: string }>(
    `SELECT pg_catalog.current_setting('server_version_num') AS version`,
  );
  return Number(rows[0]!.version);
}

const comment = (client: Client, role: string, text: string): Promise<unknown> =>
  client.query(`COMMENT ON ROLE ${quoted(role)} IS ${literal(text)}`);

/** Roles that it is a member of. */
async function rolesOf(client: Client, role: string): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT DISTINCT g.rolname AS name FROM pg_catalog.pg_auth_members m
       JOIN pg_catalog.pg_roles g ON g.oid = m.roleid JOIN pg_catalog.pg_roles r ON r.oid = m.member
      WHERE r.rolname = $1`,
    [role],
  );
  return rows.map((row) => row.name);
}

/** What was set for the credential, such as a `statement_timeout`, holds for the roles in its place. */
async function copySettings(client: Client, role: string): Promise<void> {
  const { rows } = await client.query<{ name: string; value: string; here: boolean }>(
    `SELECT split_part(c.setting, '=', 1) AS name, substr(c.setting, strpos(c.setting, '=') + 1) AS value,
            s.setdatabase <> 0 AS here
       FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) AS c(setting)
      WHERE s.setrole = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user)
        AND s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
        AND EXISTS (SELECT FROM pg_catalog.pg_settings k WHERE k.name = split_part(c.setting, '=', 1) AND k.context = 'user')
      ORDER BY s.setdatabase, 1`,
  );
  const { rows: database } = await client.query<{ name: string }>('SELECT pg_catalog.current_database() AS name');
  for (const { name, value, here } of rows) {
    if (NOT_COPIED.includes(name.toLowerCase())) continue;
    const where = here ? ` IN DATABASE ${quoted(database[0]!.name)}` : '';
    await client.query(`ALTER ROLE ${quoted(role)}${where} SET ${quoted(name)} TO ${literal(value)}`);
  }
}

function shown(grants: readonly string[]): string {
  const named = grants.slice(0, 3).map((sql) => `\`${sql}\``);
  return grants.length > named.length
    ? `${named.join(', ')} and ${grants.length - named.length} more`
    : named.join(', ');
}
