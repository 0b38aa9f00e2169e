/** Roles belong to groups; a person has those of every group they are in. */
export const ROLES = ['admin', 'reviewer', 'engineer', 'auditor'] as const;
export type Role = (typeof ROLES)[number];

/** What a caller may do on the control plane, in words. An API token holds a subset of its owner's. */
export const SCOPE_WORDS = {
  'task:read': 'list and read tasks, policies and what they mean',
  'task:write': 'author tasks and policies, and simulate them over what was recorded',
  'resource:read': 'list and read resources and their catalogs',
  'resource:write': 'make, test and change resources, and rotate their credentials',
  'grant:request': 'request, activate and end one’s own grants; open a console',
  'grant:review': 'see and decide requests and statements that one’s groups are asked about',
  'grant:revoke': 'see and end anybody’s grants and connections',
  'session:own': 'read the sessions of one’s own grants',
  'session:read': 'see everybody’s sessions, and read the recordings whose readers one is among',
  'audit:read': 'read who changed what',
  'people:read': 'list people and groups, and what they can reach',
  'people:write': 'make, change and offboard people and groups, as far as one’s own scopes go',
} as const;
export type Scope = keyof typeof SCOPE_WORDS;
export const SCOPES = Object.keys(SCOPE_WORDS) as [Scope, ...Scope[]];

/** The table of what each role gives. */
export const SCOPES_OF_ROLE: Readonly<Record<Role, readonly Scope[]>> = {
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

/** What a group gives its members. Names that are not known give nothing. */
export interface GroupRights {
  readonly roles: readonly string[];
  /** Beyond its roles. */
  readonly scopes: readonly string[];
  /** Of its roles, and not given by this group; another group of a member may. */
  readonly withheld: readonly string[];
}

/** The scopes that a group gives: those of its roles less what it withholds, and its own. Nothing, from nothing. */
export function scopesOfGroup({ roles, scopes, withheld }: GroupRights): readonly Scope[] {
  return SCOPES.filter(
    (scope) =>
      scopes.includes(scope) ||
      (!withheld.includes(scope) && ROLES.some((role) => roles.includes(role) && SCOPES_OF_ROLE[role].includes(scope))),
  );
}

/** All that a machine or an agent may ever do here: it has no groups, and so no roles. */
export const MACHINE_SCOPES: readonly Scope[] = ['task:read', 'grant:request', 'session:own'];
