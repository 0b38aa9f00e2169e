import type { ScimJson } from './apply-patch.ts';
import { GROUP_SCHEMA } from './scim-group.ts';
import { ENTERPRISE_SCHEMA, USER_SCHEMA } from './scim-user.ts';

/** What this service can do (RFC 7643, 5). */
export const describeScimService = (address: string): ScimJson => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
  patch: { supported: true },
  bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
  filter: { supported: true, maxResults: 200 },
  changePassword: { supported: false },
  sort: { supported: false },
  etag: { supported: false },
  authenticationSchemes: [
    {
      type: 'oauthbearertoken',
      name: 'Bearer token',
      description: 'A SCIM token, which an admin makes on the page People, Directory',
      primary: true,
    },
  ],
  meta: { resourceType: 'ServiceProviderConfig', location: `${address}/ServiceProviderConfig` },
});

/** RFC 7643, 6. */
export const describeScimResourceTypes = (address: string): readonly ScimJson[] =>
  [
    {
      id: 'User',
      name: 'User',
      endpoint: '/Users',
      schema: USER_SCHEMA,
      schemaExtensions: [{ schema: ENTERPRISE_SCHEMA, required: false }],
    },
    { id: 'Group', name: 'Group', endpoint: '/Groups', schema: GROUP_SCHEMA },
  ].map((type) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],
    ...type,
    meta: { resourceType: 'ResourceType', location: `${address}/ResourceTypes/${type.id}` },
  }));

const attribute = (name: string, more: ScimJson = {}): ScimJson => ({
  name,
  type: 'string',
  multiValued: false,
  required: false,
  caseExact: false,
  mutability: 'readWrite',
  returned: 'default',
  uniqueness: 'none',
  ...more,
});
const values = (...more: readonly ScimJson[]): ScimJson => ({
  type: 'complex',
  multiValued: true,
  subAttributes: [attribute('value'), ...more],
});

/** RFC 7643, 7. Other attributes of a user are kept and given back, and mean nothing here. */
export const describeScimSchemas = (address: string): readonly ScimJson[] =>
  [
    {
      id: USER_SCHEMA,
      name: 'User',
      attributes: [
        attribute('userName', { required: true, uniqueness: 'server' }),
        attribute('displayName'),
        attribute('name', {
          type: 'complex',
          subAttributes: [attribute('formatted'), attribute('givenName'), attribute('familyName')],
        }),
        attribute('emails', values(attribute('type'), attribute('primary', { type: 'boolean' }))),
        attribute('active', { type: 'boolean' }),
        attribute('groups', {
          ...values(attribute('display', { mutability: 'readOnly' })),
          mutability: 'readOnly',
        }),
      ],
    },
    {
      id: ENTERPRISE_SCHEMA,
      name: 'EnterpriseUser',
      attributes: [attribute('employeeNumber'), attribute('department'), attribute('costCenter')],
    },
    {
      id: GROUP_SCHEMA,
      name: 'Group',
      attributes: [
        attribute('displayName', { required: true, uniqueness: 'server' }),
        attribute('members', values(attribute('display', { mutability: 'readOnly' }))),
      ],
    },
  ].map((schema) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Schema'],
    ...schema,
    meta: { resourceType: 'Schema', location: `${address}/Schemas/${schema.id}` },
  }));
