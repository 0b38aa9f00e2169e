/** Roles belong to groups; a person has those of every group they are in. */
export const ROLES = ['admin', 'reviewer', 'engineer', 'auditor'] as const;
export type Role = (typeof ROLES)[number];

/** What a caller may do on the control plane. An API token holds a subset of its owner's. */
export const SCOPES = [
  'task:read', // list and read tasks, policies and what they mean
  'task:write', // author tasks and policies
  'resource:read',
  'resource:write',
  'grant:request', // request, activate and end one's own grants; open a console
  'grant:review', // see and decide requests and holds that one's groups may decide
  'grant:revoke', // end anybody's grant
  'session:own', // read the sessions of one's own grants
  'session:read', // read everybody's sessions and recordings
  'audit:read',
  'people:read',
  'people:write',
] as const;
export type Scope = (typeof SCOPES)[number];

const SCOPES_OF_ROLE: Readonly<Record<Role, readonly Scope[]>> = {
  admin: [
    'task:read',
    'task:write',
    'resource:read',
    'resource:write',
    'grant:revoke',
    'audit:read',
    'people:read',
    'people:write',
    'session:own',
  ],
  reviewer: [
    'task:read',
    'resource:read',
    'grant:review',
    'grant:revoke',
    'grant:request',
    'session:own',
    'people:read',
  ],
  engineer: ['task:read', 'grant:request', 'session:own'],
  auditor: ['task:read', 'resource:read', 'session:read', 'session:own', 'audit:read', 'people:read'],
};

/** The scopes of a set of roles; no role, no scope. */
export function scopesOfRoles(roles: readonly Role[]): readonly Scope[] {
  return SCOPES.filter((scope) => roles.some((role) => SCOPES_OF_ROLE[role].includes(scope)));
}

/** All that a machine or an agent may ever do here: it has no groups, and so no roles. */
export const MACHINE_SCOPES: readonly Scope[] = ['task:read', 'grant:request', 'session:own'];
