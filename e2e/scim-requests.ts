/** SCIM requests in the shapes that Entra ID and Okta really send, as their documents and traces show them. */

export interface ScimRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: object;
}

const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

export const entra = {
  /** "Test connection": somebody who cannot be there. */
  testConnection: { method: 'GET', path: '/Users?filter=userName+eq+%22b6f2d8f0-no-such-user%22' },
  find: (userName: string): ScimRequest => ({
    method: 'GET',
    path: `/Users?filter=userName+eq+%22${encodeURIComponent(userName)}%22`,
  }),
  create: (userName: string, objectId: string): ScimRequest => ({
    method: 'POST',
    path: '/Users',
    body: {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', ENTERPRISE],
      externalId: objectId,
      userName,
      active: true,
      displayName: 'Erika Entra',
      emails: [{ primary: true, type: 'work', value: userName }],
      meta: { resourceType: 'User' },
      name: { formatted: 'Erika Entra', familyName: 'Entra', givenName: 'Erika' },
      roles: [],
      [ENTERPRISE]: { department: 'Data' },
    },
  }),
  update: (id: string): ScimRequest => ({
    method: 'PATCH',
    path: `/Users/${id}`,
    body: {
      schemas: [PATCH_OP],
      Operations: [
        { op: 'Replace', path: 'displayName', value: 'Erika E. Entra' },
        { op: 'Add', path: 'emails[type eq "work"].primary', value: true },
        { op: 'Replace', path: 'name.familyName', value: 'E. Entra' },
        { op: 'Add', path: `${ENTERPRISE}:employeeNumber`, value: '4711' },
      ],
    },
  }),
  deactivate: (id: string): ScimRequest => ({
    method: 'PATCH',
    path: `/Users/${id}`,
    body: { schemas: [PATCH_OP], Operations: [{ op: 'Replace', path: 'active', value: 'False' }] },
  }),
  remove: (id: string): ScimRequest => ({ method: 'DELETE', path: `/Users/${id}` }),
  findGroup: (displayName: string): ScimRequest => ({
    method: 'GET',
    path: `/Groups?excludedAttributes=members&filter=displayName+eq+%22${encodeURIComponent(displayName)}%22`,
  }),
  createGroup: (displayName: string, objectId: string): ScimRequest => ({
    method: 'POST',
    path: '/Groups',
    body: {
      schemas: [
        'urn:ietf:params:scim:schemas:core:2.0:Group',
        'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group',
      ],
      externalId: objectId,
      displayName,
      meta: { resourceType: 'Group' },
    },
  }),
  addMember: (groupId: string, userId: string): ScimRequest => ({
    method: 'PATCH',
    path: `/Groups/${groupId}`,
    body: { schemas: [PATCH_OP], Operations: [{ op: 'Add', path: 'members', value: [{ value: userId }] }] },
  }),
  removeMember: (groupId: string, userId: string): ScimRequest => ({
    method: 'PATCH',
    path: `/Groups/${groupId}`,
    body: { schemas: [PATCH_OP], Operations: [{ op: 'Remove', path: 'members', value: [{ value: userId }] }] },
  }),
} as const;

export const okta = {
  find: (userName: string): ScimRequest => ({
    method: 'GET',
    path: `/Users?filter=userName%20eq%20%22${encodeURIComponent(userName)}%22&startIndex=1&count=100`,
  }),
  create: (userName: string): ScimRequest => ({
    method: 'POST',
    path: '/Users',
    body: {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
      userName,
      name: { givenName: 'Olga', familyName: 'Okta' },
      emails: [{ primary: true, value: userName, type: 'work' }],
      displayName: 'Olga Okta',
      locale: 'en-US',
      externalId: '00ujl29u0le5T6Aj10h7',
      groups: [],
      password: '1mz050nq',
      active: true,
    },
  }),
  replace: (id: string, userName: string): ScimRequest => ({
    method: 'PUT',
    path: `/Users/${id}`,
    body: {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
      id,
      userName,
      name: { givenName: 'Olga', middleName: 'Middle', familyName: 'Okta' },
      emails: [{ primary: true, value: userName, type: 'work' }],
      displayName: 'Olga M. Okta',
      active: true,
      groups: [],
      meta: { resourceType: 'User' },
    },
  }),
  deactivate: (id: string): ScimRequest => ({
    method: 'PATCH',
    path: `/Users/${id}`,
    body: { schemas: [PATCH_OP], Operations: [{ op: 'replace', value: { active: false } }] },
  }),
  createGroup: (displayName: string, members: readonly string[]): ScimRequest => ({
    method: 'POST',
    path: '/Groups',
    body: {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      displayName,
      members: members.map((value) => ({ value, display: 'olga' })),
    },
  }),
  changeMembers: (groupId: string, gone: string, added: string): ScimRequest => ({
    method: 'PATCH',
    path: `/Groups/${groupId}`,
    body: {
      schemas: [PATCH_OP],
      Operations: [
        { op: 'remove', path: `members[value eq "${gone}"]` },
        { op: 'add', path: 'members', value: [{ value: added, display: 'olga' }] },
      ],
    },
  }),
  renameGroup: (groupId: string, displayName: string): ScimRequest => ({
    method: 'PATCH',
    path: `/Groups/${groupId}`,
    body: { schemas: [PATCH_OP], Operations: [{ op: 'replace', value: { id: groupId, displayName } }] },
  }),
  removeGroup: (groupId: string): ScimRequest => ({ method: 'DELETE', path: `/Groups/${groupId}` }),
} as const;
