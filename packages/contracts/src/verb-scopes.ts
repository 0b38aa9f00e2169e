import type { Scope } from '@taskgate/core';

/** What a verb of the API asks of its caller. */
export interface VerbAccess {
  /** Any one of them opens it; `signed-in`: every caller who is somebody; `anybody`: no sign-in. */
  readonly scopes: readonly [Scope, ...Scope[]] | 'signed-in' | 'anybody';
  /** Whose it is about, and who else may: what the scope alone does not open. */
  readonly whose: string;
}

const verb = (scopes: VerbAccess['scopes'], whose: string): VerbAccess => ({ scopes, whose });
const EVERYBODYS = 'everybody’s';
const OWN = 'the caller’s own';
const GRANT = 'one’s own; those one’s groups are asked about (`grant:review`); all (`grant:revoke`, `session:read`)';
const SESSION = 'one’s own; all (`session:read`, `grant:revoke`)';
const REPLAY = 'one’s own; others’ whose readers one is among (`session:read`)';
const HOLD =
  'one’s own; those one’s groups are asked about (`grant:review`); all, without the statement (`session:read`)';
const ASKED = 'those that one’s groups are asked about, never one’s own';
const ENDS = 'everybody whose scopes are no more than the caller’s; all for the role `admin`';
const AS_FAR =
  'everybody whose scopes are no more than the caller’s and in whose groups the caller is; all for the role `admin`';
const MACHINES =
  'machines that have no more than the caller and that no document names, and agents of these and of oneself; all for the role `admin`';
const PROVIDERS =
  'those that know and give no more than the caller has, and are not trusted with addresses; all for the role `admin`';
const GIVEN = 'to and from groups that the caller is in, and that give no more than they have';
const PROVEN = 'after a sign-in, with a proof that it is the caller';

/**
 * Each procedure of the contract: a test fails for one that is not here, and refuses a caller who has every scope but
 * these. docs/access.md shows it.
 */
export const VERB_SCOPES: Readonly<Record<string, VerbAccess>> = {
  'people.login': verb('anybody', 'who knows the password'),
  'people.me': verb('signed-in', OWN),
  'people.webSessions': verb('signed-in', OWN),
  'people.endWebSession': verb('signed-in', OWN),
  'people.changePassword': verb('signed-in', OWN),
  'people.apiTokens': verb('signed-in', 'one’s own; all (`people:write`)'),
  'people.createApiToken': verb('signed-in', 'for oneself, with at most one’s own scopes, after a sign-in'),
  'people.revokeApiToken': verb('signed-in', 'one’s own; all (`people:write`)'),
  'people.users': verb(['people:read'], EVERYBODYS),
  'people.createUser': verb(
    ['people:write'],
    'into groups that the caller is in, and that give no more than they have; a password, and a name or address that a document says, for the role `admin`',
  ),
  'people.updateUser': verb(
    ['people:write'],
    `${AS_FAR}; a password (with a proof that it is the caller), and to enable them, for that role alone; to disable them, their scopes alone count`,
  ),
  'people.endUserSessions': verb(['people:write'], ENDS),
  'people.reach': verb(['people:read'], EVERYBODYS),
  'people.offboard': verb(['people:write'], `${ENDS}; never oneself`),
  'people.access': verb(['people:read'], EVERYBODYS),
  'people.groups': verb(['people:read'], EVERYBODYS),
  'people.createGroup': verb(
    ['people:write'],
    'with no more than the caller has; a name that a document in force says for the role `admin`',
  ),
  'people.updateGroup': verb(['people:write'], 'that the caller is in, and that give no more than they have'),
  'devices.find': verb('signed-in', 'who has its code, after a sign-in'),
  'devices.decide': verb('signed-in', 'who has its code: lets it in as oneself, after a sign-in'),
  'issuers.list': verb(['people:read'], EVERYBODYS),
  'issuers.create': verb(['people:write'], 'everybody’s: nobody is bound to it yet'),
  'issuers.update': verb(['people:write'], `of all bound to it: ${MACHINES}`),
  'issuers.checkKeys': verb(['people:write'], EVERYBODYS),
  'machines.list': verb(['people:read'], EVERYBODYS),
  'machines.get': verb(['people:read'], EVERYBODYS),
  'machines.create': verb(['people:write'], MACHINES),
  'machines.update': verb(['people:write'], MACHINES),
  'machines.tryToken': verb(['people:write'], EVERYBODYS),
  'machines.createSecret': verb(['people:write'], `${MACHINES}; after a sign-in`),
  'machines.rotateSecret': verb(['people:write'], `${MACHINES}; after a sign-in`),
  'machines.revokeSecret': verb(['people:write'], EVERYBODYS),
  'passkeys.list': verb('signed-in', OWN),
  'passkeys.askToProve': verb('signed-in', OWN),
  'passkeys.askToRegister': verb('signed-in', 'for oneself, with a proof that it is oneself'),
  'passkeys.register': verb('signed-in', 'for oneself, as the answer to the call before'),
  'passkeys.rename': verb('signed-in', OWN),
  'passkeys.remove': verb('signed-in', `${OWN}, with a proof that it is oneself`),
  'passkeys.removeAllOf': verb(
    ['people:write'],
    'for the role `admin`; nobody’s own, and with a proof that it is the caller',
  ),
  'passkeys.askToSignIn': verb('anybody', 'who has a passkey'),
  'providers.list': verb(['people:read'], EVERYBODYS),
  'providers.get': verb(['people:read'], EVERYBODYS),
  'providers.create': verb(['people:write'], `${PROVIDERS}; ${PROVEN}`),
  'providers.update': verb(['people:write'], `${PROVIDERS}; ${PROVEN}`),
  'providers.remove': verb(['people:write'], `${PROVIDERS}; ${PROVEN}`),
  'providers.test': verb(['people:write'], EVERYBODYS),
  'providers.mapGroups': verb(['people:write'], `${GIVEN}; ${PROVEN}`),
  'providers.unlink': verb(['people:write'], `${AS_FAR}; ${PROVEN}`),
  'directory.get': verb(['people:read'], EVERYBODYS),
  'directory.createToken': verb(
    ['people:write'],
    `where the directory knows and gives no more than the caller has; one that takes people over for the role \`admin\`; ${PROVEN}`,
  ),
  'directory.revokeToken': verb(['people:write'], EVERYBODYS),
  'directory.mapGroups': verb(['people:write'], `${GIVEN}; ${PROVEN}`),
  'resources.list': verb(['resource:read'], EVERYBODYS),
  'resources.get': verb(['resource:read'], EVERYBODYS),
  'resources.create': verb(['resource:write'], EVERYBODYS),
  'resources.update': verb(['resource:write'], EVERYBODYS),
  'resources.test': verb(['resource:write'], EVERYBODYS),
  'resources.rotate': verb(['resource:write'], EVERYBODYS),
  'resources.catalog': verb(['resource:read'], EVERYBODYS),
  'resources.refreshCatalog': verb(['resource:write'], EVERYBODYS),
  'tasks.list': verb(['task:read'], EVERYBODYS),
  'tasks.get': verb(['task:read'], EVERYBODYS),
  'tasks.principal': verb(['task:read'], EVERYBODYS),
  'tasks.revisions': verb(['task:read'], EVERYBODYS),
  'tasks.save': verb(['task:write'], EVERYBODYS),
  'tasks.publish': verb(['task:write'], EVERYBODYS),
  'tasks.usage': verb(['task:read'], EVERYBODYS),
  'policies.list': verb(['task:read'], EVERYBODYS),
  'policies.get': verb(['task:read'], EVERYBODYS),
  'policies.revisions': verb(['task:read'], EVERYBODYS),
  'policies.save': verb(['task:write'], EVERYBODYS),
  'policies.publish': verb(['task:write'], EVERYBODYS),
  'policies.usage': verb(['task:read'], EVERYBODYS),
  'workflows.list': verb(['task:read'], EVERYBODYS),
  'workflows.get': verb(['task:read'], EVERYBODYS),
  'workflows.revisions': verb(['task:read'], EVERYBODYS),
  'workflows.save': verb(['task:write'], EVERYBODYS),
  'workflows.publish': verb(['task:write'], EVERYBODYS),
  'documents.check': verb(['task:read'], EVERYBODYS),
  'documents.complete': verb(['task:write'], EVERYBODYS),
  'documents.suggest': verb(['task:write'], 'everybody’s: which columns were used, and no statement'),
  'documents.template': verb(['task:read'], EVERYBODYS),
  'documents.apply': verb(['task:write'], 'resources in it also need `resource:write`'),
  'grants.list': verb(['grant:request', 'grant:review', 'grant:revoke', 'session:read'], GRANT),
  'grants.get': verb(['grant:request', 'grant:review', 'grant:revoke', 'session:read'], GRANT),
  'grants.request': verb(['grant:request'], 'for oneself, where the task names one'),
  'grants.approve': verb(['grant:review'], ASKED),
  'grants.askToSign': verb(['grant:review'], ASKED),
  'grants.askToConfirm': verb(['grant:request'], OWN),
  'grants.confirm': verb(['grant:request'], `${OWN}, with a passkey`),
  'grants.refuse': verb(['grant:review'], ASKED),
  'grants.activate': verb(['grant:request'], OWN),
  'grants.end': verb(['grant:request', 'grant:revoke'], 'one’s own; all (`grant:revoke`)'),
  'grants.mint': verb(['grant:request'], 'below the caller’s own'),
  'grants.tree': verb(['grant:request', 'grant:review', 'grant:revoke', 'session:read'], `${GRANT}, node by node`),
  'grants.runs': verb(['grant:request', 'grant:review', 'grant:revoke', 'session:read'], GRANT),
  'grants.connect': verb(['task:read'], EVERYBODYS),
  'grants.openConsole': verb(['grant:request'], OWN),
  'holds.get': verb(['grant:request', 'grant:review', 'session:read'], HOLD),
  'holds.approve': verb(['grant:review'], ASKED),
  'holds.askToSign': verb(['grant:review'], ASKED),
  'holds.refuse': verb(['grant:review'], ASKED),
  'holds.cancel': verb(['grant:request'], OWN),
  'approvals.get': verb(
    ['grant:request', 'grant:review', 'session:read'],
    `of grants: ${GRANT}; of statements: who may read the statement`,
  ),
  'inbox.list': verb(['grant:request', 'grant:review', 'grant:revoke', 'session:read'], GRANT),
  'sessions.list': verb(['session:own', 'session:read', 'grant:revoke'], SESSION),
  'sessions.get': verb(['session:own', 'session:read', 'grant:revoke'], SESSION),
  'sessions.timeline': verb(['session:own', 'session:read'], REPLAY),
  'sessions.viewers': verb(['session:own', 'session:read'], SESSION),
  'sessions.end': verb(['grant:request', 'grant:revoke'], 'one’s own; all (`grant:revoke`)'),
  'sessions.keep': verb(['session:read'], REPLAY),
  'sessions.explain': verb(
    ['session:own', 'session:read', 'grant:review', 'grant:revoke'],
    `${SESSION}; the statement, what it reached and the reasons as in a recording, or for who is asked`,
  ),
  'operations.list': verb(['session:own', 'session:read'], REPLAY),
  'views.list': verb(['session:own', 'session:read'], OWN),
  'views.save': verb(['session:own', 'session:read'], OWN),
  'views.remove': verb(['session:own', 'session:read'], OWN),
  'simulations.start': verb(['task:write'], 'everybody’s operations: what they reached, and no statement'),
  'simulations.get': verb(['task:write'], EVERYBODYS),
  'audit.list': verb(['audit:read'], EVERYBODYS),
  'live.events': verb('signed-in', 'topic and id of what the caller could list'),
};
