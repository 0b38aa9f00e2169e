import { createHash } from 'node:crypto';

/** A name at the target is at most 63 bytes; tasks' names are ASCII. */
const MAX_TASK_IN_LOGIN = 40;
const MAX_TASK_IN_ROLE = 34;
const GRANT_SUFFIX = 12;
const HASH_HEX = 12;

/**
 * The role of one grant: what the target's own log calls it. The end of the grant's id is random (60 bits), so that no
 * two installations on one server make the same.
 */
export function grantRoleName(task: string, grantId: string): string {
  return `tg_${task.slice(0, MAX_TASK_IN_LOGIN)}_${grantId.slice(-GRANT_SUFFIX)}`;
}

/** The role that holds the privileges of one task revision. Other privileges are another role. */
export function taskRoleName(task: string, revision: number, privileges: readonly string[], mark: string): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([mark, privileges]))
    .digest('hex')
    .slice(0, HASH_HEX);
  return `tgr_${task.slice(0, MAX_TASK_IN_ROLE)}_r${revision}_${hash}`;
}

/** In the comment of each role that we make: whose it is, so that two installations leave each other's alone. */
export const markOf = (installation: string, resourceId: string): string => `taskgate ${installation} ${resourceId}`;

export const grantMark = (mark: string, grantId: string): string => `${mark} grant ${grantId}`;

/** The grant that a role's comment names; `null`: none of this mark. */
export function grantOfMark(mark: string, comment: string): string | null {
  const start = `${mark} grant `;
  return comment.startsWith(start) ? comment.slice(start.length) : null;
}

/** As an identifier in SQL. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
export const quotedRelation = (of: { readonly schema: string; readonly name: string }): string =>
  `${quoted(of.schema)}.${quoted(of.name)}`;
export const literal = (text: string): string => {
  const doubled = text.replaceAll("'", "''");
  return doubled.includes('\\') ? `E'${doubled.replaceAll('\\', '\\\\')}'` : `'${doubled}'`;
};
