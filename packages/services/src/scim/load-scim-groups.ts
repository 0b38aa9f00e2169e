import type { Prisma, Transaction } from '@taskgate/db';
import type { ServiceContext } from '../context.ts';
import { scimAddressOf } from '../directory/load-directory.ts';
import { requireSystem } from '../require-scope.ts';
import type { ScimJson } from './apply-patch.ts';
import { type FilterTerm, parseFilter } from './parse-filter.ts';
import { ScimError } from './scim-error.ts';
import { DIRECTORY_GROUP_SELECT, DIRECTORY_MEMBERS_SELECT, type DirectoryGroupRow, toScimGroup } from './scim-group.ts';
import { rangeOf, type ScimQuery, selectAttributes, toScimPage, wantsAttribute } from './scim-page.ts';

const WITH_MEMBERS = { ...DIRECTORY_GROUP_SELECT, ...DIRECTORY_MEMBERS_SELECT } as const;

export async function loadScimGroups(ctx: ServiceContext, query: ScimQuery): Promise<ScimJson> {
  requireSystem(ctx, 'scim');
  const { db } = ctx.services;
  const range = rangeOf(query);
  const terms = query.filter ? parseFilter(query.filter) : [];
  const where: Prisma.DirectoryGroupWhereInput = { AND: terms.map(toCondition) };
  const [total, rows] = [
    await db.directoryGroup.count({ where }),
    await db.directoryGroup.findMany({
      where,
      orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
      skip: range.startIndex - 1,
      take: range.count,
      select: selectOf(query),
    }),
  ];
  const address = scimAddressOf(ctx.services);
  return toScimPage(
    rows.map((row) => selectAttributes(toScimGroup(row, address), query)),
    total,
    range,
  );
}

export async function loadScimGroup(ctx: ServiceContext, id: string, query: ScimQuery): Promise<ScimJson> {
  requireSystem(ctx, 'scim');
  const row = await ctx.services.db.directoryGroup.findUnique({ where: { id }, select: selectOf(query) });
  if (row === null) throw noGroup(id);
  return selectAttributes(toScimGroup(row, scimAddressOf(ctx.services)), query);
}

/** Throws 404. */
export async function findDirectoryGroup(db: Transaction, id: string): Promise<Required<DirectoryGroupRow>> {
  const row = await db.directoryGroup.findUnique({
    where: { id },
    select: WITH_MEMBERS,
  });
  if (row === null) throw noGroup(id);
  return row;
}

const noGroup = (id: string): ScimError => new ScimError(404, null, `there is no group \`${id.slice(0, 60)}\``);

/** Directories look for a group without its members, which may be thousands. */
const selectOf = (query: ScimQuery): typeof WITH_MEMBERS =>
  // The rows then lack the members, as DirectoryGroupRow says.
  (wantsAttribute(query, 'members') ? WITH_MEMBERS : DIRECTORY_GROUP_SELECT) as typeof WITH_MEMBERS;

function toCondition({ path, value }: FilterTerm): Prisma.DirectoryGroupWhereInput {
  const attribute = path.replace(/^urn:ietf:params:scim:schemas:core:2\.0:group:/, '');
  if (typeof value !== 'string')
    throw new ScimError(400, 'invalidFilter', `\`${attribute}\` is compared with a text here`);
  switch (attribute) {
    case 'displayname':
      return { nameKey: value.toLowerCase() };
    case 'externalid':
      return { externalId: value };
    case 'id':
      return { id: value };
    case 'members':
    case 'members.value':
      return { members: { some: { identityId: value } } };
    default:
      throw new ScimError(400, 'invalidFilter', `groups cannot be found by \`${attribute.slice(0, 100)}\``);
  }
}
