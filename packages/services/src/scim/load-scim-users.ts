import type { Prisma, Transaction } from '@taskgate/db';
import type { ServiceContext } from '../context.ts';
import { scimAddressOf } from '../directory/load-directory.ts';
import { requireSystem } from '../require-scope.ts';
import type { ScimJson } from './apply-patch.ts';
import { type FilterTerm, parseFilter } from './parse-filter.ts';
import { ScimError } from './scim-error.ts';
import { rangeOf, type ScimQuery, selectAttributes, toScimPage } from './scim-page.ts';
import { DIRECTORY_USER_SELECT, type DirectoryUserRow, toScimUser } from './scim-user.ts';

/** The people that the directory keeps: nobody else is there for it. */
export async function loadScimUsers(ctx: ServiceContext, query: ScimQuery): Promise<ScimJson> {
  requireSystem(ctx, 'scim');
  const { db } = ctx.services;
  const range = rangeOf(query);
  const terms = query.filter ? parseFilter(query.filter) : [];
  const where: Prisma.DirectoryUserWhereInput = { removedAt: null, AND: terms.map(toCondition) };
  const [total, rows] = [
    await db.directoryUser.count({ where }),
    await db.directoryUser.findMany({
      where,
      orderBy: [{ createdAt: 'asc' }, { identityId: 'asc' }],
      skip: range.startIndex - 1,
      take: range.count,
      select: DIRECTORY_USER_SELECT,
    }),
  ];
  const address = scimAddressOf(ctx.services);
  return toScimPage(
    rows.map((row) => selectAttributes(toScimUser(row, address), query)),
    total,
    range,
  );
}

export async function loadScimUser(ctx: ServiceContext, id: string, query: ScimQuery): Promise<ScimJson> {
  requireSystem(ctx, 'scim');
  const row = await findDirectoryUser(ctx.services.db, id);
  return selectAttributes(toScimUser(row, scimAddressOf(ctx.services)), query);
}

/** Throws 404. */
export async function findDirectoryUser(db: Transaction, id: string): Promise<DirectoryUserRow> {
  const row = await db.directoryUser.findFirst({
    where: { identityId: id, removedAt: null },
    select: DIRECTORY_USER_SELECT,
  });
  if (row === null) throw new ScimError(404, null, `there is no user \`${id.slice(0, 60)}\``);
  return row;
}

function toCondition({ path, value }: FilterTerm): Prisma.DirectoryUserWhereInput {
  const attribute = path.replace(/^urn:ietf:params:scim:schemas:core:2\.0:user:/, '');
  if (attribute === 'active' && typeof value === 'boolean')
    return value
      ? { active: true, identity: { disabledAt: null } }
      : { OR: [{ active: false }, { identity: { disabledAt: { not: null } } }] };
  if (typeof value !== 'string')
    throw new ScimError(400, 'invalidFilter', `\`${attribute}\` is compared with a text here`);
  switch (attribute) {
    case 'username':
      return { nameKey: value.toLowerCase() };
    case 'externalid':
      return { externalId: value };
    case 'id':
      return { identityId: value };
    case 'emails':
    case 'emails.value':
      return { identity: { email: value.toLowerCase() } };
    case 'displayname':
      return { identity: { name: value } };
    default:
      throw new ScimError(400, 'invalidFilter', `users cannot be found by \`${attribute.slice(0, 100)}\``);
  }
}
