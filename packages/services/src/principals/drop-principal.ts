import type { Client } from 'pg';
import { inTargetTransaction, roleExists } from './issue-principal.ts';
import { grantOfMark, quoted } from './principal-names.ts';

const TERMINATE_MS = 5_000;
const LOOK_AGAIN_MS = 50;
/** A role that the store knows nothing of stays so long after its own end: the store may be a copy of another. */
const UNKNOWN_GRACE = '5 minutes';

/**
 * Ends all that a grant's role does at the target, gives what it owns to the credential, and drops it. Run again it goes
 * on where it broke off; a role that is not there is as good as dropped.
 */
export async function dropPrincipal(client: Client, roleName: string): Promise<void> {
  if (!(await roleExists(client, roleName))) return;
  const role = quoted(roleName);
  // On its own: nobody comes in any more while what is there is ended.
  await inTargetTransaction(client, async () => {
    if (await roleExists(client, roleName)) await client.query(`ALTER ROLE ${role} NOLOGIN PASSWORD NULL`);
  });
  await terminateBackends(client, roleName);
  await inTargetTransaction(client, async () => {
    if (!(await roleExists(client, roleName))) return;
    await client.query(`REASSIGN OWNED BY ${role} TO CURRENT_USER`);
    await client.query(`DROP OWNED BY ${role}`);
    await client.query(`DROP ROLE ${role}`);
  });
}

async function terminateBackends(client: Client, roleName: string): Promise<void> {
  const until = performance.now() + TERMINATE_MS;
  for (;;) {
    const { rowCount } = await client.query(
      `SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE usename = $1`,
      [roleName],
    );
    if (rowCount === 0) return;
    if (performance.now() > until) throw new Error('backends of a principal do not end');
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}

export interface Reaped {
  readonly grantRoles: number;
  readonly taskRoles: number;
}

/**
 * Drops what carries our mark and our kind of name (who may write a comment must not be able to have any role dropped) and
 * nobody needs: roles of grants that have ended (or, a while after their own end, that
 * the store does not know) and task roles without a member.
 */
export async function reapPrincipals(
  client: Client,
  mark: string,
  stateOf: (grantIds: readonly string[]) => Promise<ReadonlyMap<string, 'live' | 'ended'>>,
): Promise<Reaped> {
  const { rows } = await client.query<{ name: string; mark: string; over: boolean }>(
    `SELECT r.rolname AS name, d.description AS mark,
            coalesce(r.rolvaliduntil < pg_catalog.now() - interval '${UNKNOWN_GRACE}', false) AS over
       FROM pg_catalog.pg_roles r JOIN pg_catalog.pg_shdescription d
         ON d.objoid = r.oid AND d.classoid = 'pg_catalog.pg_authid'::pg_catalog.regclass
      WHERE pg_catalog.starts_with(d.description, $1) AND pg_catalog.starts_with(r.rolname::pg_catalog.text, 'tg_')`,
    [`${mark} grant `],
  );
  const roles = rows.map((row) => ({ ...row, grantId: grantOfMark(mark, row.mark) ?? '' }));
  const states = await stateOf(roles.map((role) => role.grantId));
  let grantRoles = 0;
  for (const { name, grantId, over } of roles) {
    const state = states.get(grantId);
    if (state === 'live' || (state === undefined && !over)) continue;
    await dropPrincipal(client, name);
    grantRoles++;
  }
  const taskRoles = await inTargetTransaction(client, () => dropTaskRoles(client, mark));
  return { grantRoles, taskRoles };
}

/** Under the lock that makes them: one that is being given a member is not seen without. */
async function dropTaskRoles(client: Client, mark: string): Promise<number> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT r.rolname AS name
       FROM pg_catalog.pg_roles r JOIN pg_catalog.pg_shdescription d
         ON d.objoid = r.oid AND d.classoid = 'pg_catalog.pg_authid'::pg_catalog.regclass
      WHERE pg_catalog.starts_with(d.description, $1) AND pg_catalog.starts_with(r.rolname::pg_catalog.text, 'tgr_')
        AND NOT r.rolcanlogin AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles o ON o.oid = m.member
             WHERE m.roleid = r.oid AND o.rolname <> current_user)`,
    [`${mark} task `],
  );
  for (const { name } of rows) {
    await client.query(`DROP OWNED BY ${quoted(name)}`);
    await client.query(`DROP ROLE ${quoted(name)}`);
  }
  return rows.length;
}
