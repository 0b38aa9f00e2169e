import { Email } from '@taskgate/contracts';
import { isObject, type ScimJson, valueAt } from './apply-patch.ts';
import { ScimError } from './scim-error.ts';

export const USER_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const ENTERPRISE_SCHEMA = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

/** Of a SCIM user what counts here. */
export interface ParsedScimUser {
  readonly userName: string;
  readonly externalId: string | null;
  readonly email: string;
  readonly name: string;
  /** `null`: it does not say. */
  readonly active: boolean | null;
  /** All the rest, to be given back as it came. */
  readonly attributes: ScimJson;
}

const MAX_NAME = 254;
const MAX_ATTRIBUTES_BYTES = 32_768;
/** Kept in columns, ours to say, or never kept. */
const OWN = new Set(['schemas', 'id', 'meta', 'groups', 'password', 'username', 'externalid', 'active', 'roles']);

/** Throws {@link ScimError}. A password is dropped: nobody's comes from a directory. */
export function parseScimUser(body: ScimJson): ParsedScimUser {
  const userName = textOf(body, 'userName');
  if (userName === null) throw new ScimError(400, 'invalidValue', '`userName` is missing');
  const attributes = Object.fromEntries(Object.entries(body).filter(([name]) => !OWN.has(name.toLowerCase())));
  if (JSON.stringify(attributes).length > MAX_ATTRIBUTES_BYTES)
    throw new ScimError(413, null, `the attributes of a person have at most ${MAX_ATTRIBUTES_BYTES} characters`);
  return {
    userName,
    externalId: textOf(body, 'externalId'),
    email: emailOf(body, userName),
    name: (nameOf(body) ?? userName).slice(0, MAX_NAME),
    active: activeOf(valueAt(body, 'active')),
    attributes,
  };
}

function emailOf(body: ScimJson, userName: string): string {
  const listed = valueAt(body, 'emails');
  const emails = (Array.isArray(listed) ? listed : []).filter(isObject);
  const chosen =
    emails.find((email) => valueAt(email, 'primary') === true || valueAt(email, 'primary') === 'True') ??
    emails.find((email) => String(valueAt(email, 'type')).toLowerCase() === 'work') ??
    emails[0];
  const text = chosen === undefined ? userName : (textOf(chosen, 'value') ?? userName);
  const parsed = Email.safeParse(text.toLowerCase());
  if (!parsed.success)
    throw new ScimError(400, 'invalidValue', 'a person needs an e-mail address: in `emails`, or as the `userName`');
  return parsed.data;
}

function nameOf(body: ScimJson): string | null {
  const display = textOf(body, 'displayName');
  if (display !== null) return display;
  const name = valueAt(body, 'name');
  if (!isObject(name)) return null;
  const parts = [textOf(name, 'givenName'), textOf(name, 'familyName')].filter((part) => part !== null);
  return textOf(name, 'formatted') ?? (parts.length > 0 ? parts.join(' ') : null);
}

/** Entra ID writes `"False"`. What is neither is refused: a lock must not be lost to a spelling. */
function activeOf(value: unknown): boolean | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string' && /^(true|false)$/i.test(value)) return value.toLowerCase() === 'true';
  throw new ScimError(400, 'invalidValue', '`active` must be true or false');
}

/** A text that can be kept, or `null` where there is none. Throws where it is no text, or too long. */
export function textOf(body: ScimJson, name: string): string | null {
  const value = valueAt(body, name);
  if (value === undefined || value === null || value === '') return null;
  if (typeof value !== 'string' || value.length > MAX_NAME || /[\p{Cc}\p{Surrogate}]/u.test(value))
    throw new ScimError(400, 'invalidValue', `\`${name}\` must be text of at most ${MAX_NAME} characters`);
  return value.trim() === '' ? null : value.trim();
}

export const DIRECTORY_USER_SELECT = {
  identityId: true,
  userName: true,
  externalId: true,
  active: true,
  attributes: true,
  createdAt: true,
  updatedAt: true,
  identity: { select: { email: true, name: true, disabledAt: true } },
  memberships: { select: { group: { select: { id: true, displayName: true } } }, orderBy: { groupId: 'asc' } },
} as const;

export interface DirectoryUserRow {
  readonly identityId: string;
  readonly userName: string;
  readonly externalId: string | null;
  readonly active: boolean;
  readonly attributes: unknown;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly identity: { readonly email: string | null; readonly name: string; readonly disabledAt: Date | null };
  readonly memberships: readonly { readonly group: { readonly id: string; readonly displayName: string } }[];
}

/** `active` as the directory has it: what a PATCH starts from. */
export function toScimDocument(row: DirectoryUserRow): ScimJson {
  return {
    emails: [{ value: row.identity.email, type: 'work', primary: true }],
    displayName: row.identity.name,
    ...(row.attributes as ScimJson),
    userName: row.userName,
    ...(row.externalId === null ? {} : { externalId: row.externalId }),
    active: row.active,
  };
}

/** As it is answered: `active` says whether they can really come in. */
export function toScimUser(row: DirectoryUserRow, address: string): ScimJson {
  const document = toScimDocument(row);
  return {
    schemas: ENTERPRISE_SCHEMA in document ? [USER_SCHEMA, ENTERPRISE_SCHEMA] : [USER_SCHEMA],
    id: row.identityId,
    ...document,
    active: row.active && row.identity.disabledAt === null,
    groups: row.memberships.map(({ group }) => ({
      value: group.id,
      display: group.displayName,
      $ref: `${address}/Groups/${group.id}`,
    })),
    meta: {
      resourceType: 'User',
      created: row.createdAt.toISOString(),
      lastModified: row.updatedAt.toISOString(),
      location: `${address}/Users/${row.identityId}`,
    },
  };
}
