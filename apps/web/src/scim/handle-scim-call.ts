import 'server-only';
import { type ErrorCode, TaskgateError } from '@taskgate/core';
import {
  authenticateScimToken,
  createScimGroup,
  createScimUser,
  describeScimResourceTypes,
  describeScimSchemas,
  describeScimService,
  isObject,
  loadScimGroup,
  loadScimGroups,
  loadScimUser,
  loadScimUsers,
  patchScimGroup,
  patchScimUser,
  removeScimGroup,
  removeScimUser,
  replaceScimGroup,
  replaceScimUser,
  ScimError,
  type ScimJson,
  type ScimQuery,
  type ServiceContext,
  scimAddressOf,
  settlePrincipalsSoon,
  toScimPage,
} from '@taskgate/services';
import { toProblem } from '@/lib/problem-response.ts';
import { readBody } from '@/lib/read-body.ts';
import { services } from '@/lib/services.ts';

const MAX_BODY_BYTES = 2_097_152;
const MAX_TOKEN_LENGTH = 100;
const PREFIX = '/scim/v2';

type Verb = (ctx: ServiceContext, id: string, body: ScimJson) => Promise<ScimJson | null>;
interface Endpoint {
  readonly list: (ctx: ServiceContext, query: ScimQuery) => Promise<ScimJson>;
  readonly get: (ctx: ServiceContext, id: string, query: ScimQuery) => Promise<ScimJson>;
  readonly create: (ctx: ServiceContext, body: ScimJson) => Promise<ScimJson>;
  readonly change: Readonly<Record<'PUT' | 'PATCH' | 'DELETE', Verb>>;
}
const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  Users: {
    list: loadScimUsers,
    get: loadScimUser,
    create: createScimUser,
    change: { PUT: replaceScimUser, PATCH: patchScimUser, DELETE: removeScimUser },
  },
  Groups: {
    list: loadScimGroups,
    get: loadScimGroup,
    create: createScimGroup,
    change: { PUT: replaceScimGroup, PATCH: patchScimGroup, DELETE: removeScimGroup },
  },
};

/** SCIM 2.0 (RFC 7644) for the directory that presents a token. Whatever happens, the answer has SCIM's form. */
export async function handleScimCall(request: Request): Promise<Response> {
  try {
    await requireDirectory(request);
    const text = (await readBody(request, MAX_BODY_BYTES)).toString('utf8');
    // Asked again once the body is there: the token may have been revoked meanwhile.
    const ctx = await requireDirectory(request);
    const url = new URL(request.url);
    const path = url.pathname.slice(PREFIX.length).split('/').filter(Boolean).map(decodeURIComponent);
    const response = await answer(ctx, { method: request.method, text }, path, url.searchParams);
    // A changed membership or a lock may leave roles at the targets that are nobody's now.
    if (request.method !== 'GET') settlePrincipalsSoon(ctx.services);
    return response;
  } catch (error) {
    return errorResponse(error);
  }
}

async function requireDirectory(request: Request): Promise<ServiceContext> {
  const [, token] = /^Bearer ([\x21-\x7e]+)$/i.exec(request.headers.get('authorization') ?? '') ?? [];
  const ctx =
    token === undefined || token.length > MAX_TOKEN_LENGTH
      ? null
      : await authenticateScimToken(await services(), token);
  if (ctx === null) throw new ScimError(401, null, 'this SCIM token is not valid, or it has ended');
  return ctx;
}

async function answer(
  ctx: ServiceContext,
  { method, text }: { readonly method: string; readonly text: string },
  [resource = '', id, ...rest]: readonly string[],
  search: URLSearchParams,
): Promise<Response> {
  const address = scimAddressOf(ctx.services);
  const described = describe(resource, address);
  if (described !== null) {
    if (method !== 'GET') throw notAllowed(method);
    return describedResponse(described, id);
  }
  const endpoint = Object.hasOwn(ENDPOINTS, resource) ? ENDPOINTS[resource]! : null;
  if (endpoint === null || rest.length > 0) throw new ScimError(404, null, 'there is no such endpoint');
  const query: ScimQuery = {
    filter: search.get('filter'),
    startIndex: search.get('startIndex'),
    count: search.get('count'),
    attributes: search.get('attributes'),
    excludedAttributes: search.get('excludedAttributes'),
  };
  if (id === undefined) {
    if (method === 'GET') return scimResponse(200, await endpoint.list(ctx, query));
    if (method === 'POST') return scimResponse(201, await endpoint.create(ctx, parseBody(text)));
    throw notAllowed(method);
  }
  if (method === 'GET') return scimResponse(200, await endpoint.get(ctx, id, query));
  if (method !== 'PUT' && method !== 'PATCH' && method !== 'DELETE') throw notAllowed(method);
  const body = method === 'DELETE' ? {} : parseBody(text);
  const changed = await endpoint.change[method](ctx, id, body);
  return changed === null ? new Response(null, { status: 204 }) : scimResponse(200, changed);
}

function describe(resource: string, address: string): ScimJson | readonly ScimJson[] | null {
  switch (resource) {
    case 'ServiceProviderConfig':
      return describeScimService(address);
    case 'ResourceTypes':
      return describeScimResourceTypes(address);
    case 'Schemas':
      return describeScimSchemas(address);
    default:
      return null;
  }
}

function describedResponse(described: ScimJson | readonly ScimJson[], id: string | undefined): Response {
  if (!Array.isArray(described)) return scimResponse(200, described as ScimJson);
  if (id === undefined)
    return scimResponse(200, toScimPage(described, described.length, { startIndex: 1, count: described.length }));
  const one = (described as readonly ScimJson[]).find((item) => item.id === id);
  if (one === undefined) throw new ScimError(404, null, 'there is no such schema or resource type');
  return scimResponse(200, one);
}

function parseBody(text: string): ScimJson {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new ScimError(400, 'invalidSyntax', 'the request is not JSON');
  }
  if (!isObject(body)) throw new ScimError(400, 'invalidSyntax', 'the request must be a JSON object');
  return body;
}

const notAllowed = (method: string): ScimError => new ScimError(405, null, `\`${method}\` is not known here`);

const TYPE_OF_CODE: Partial<Record<ErrorCode, string>> = { 'bad-input': 'invalidValue', conflict: 'uniqueness' };

function errorResponse(error: unknown): Response {
  if (error instanceof URIError) return errorResponse(new ScimError(404, null, 'there is no such endpoint'));
  const [status, scimType, detail] =
    error instanceof ScimError
      ? [error.status, error.scimType, error.message]
      : [
          toProblem(error).status,
          error instanceof TaskgateError ? TYPE_OF_CODE[error.code] : null,
          toProblem(error).detail,
        ];
  return scimResponse(status, {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
    status: String(status),
    ...(scimType ? { scimType } : {}),
    detail,
  });
}

function scimResponse(status: number, body: ScimJson): Response {
  const location = (body.meta as { location?: unknown } | undefined)?.location;
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      'content-type': 'application/scim+json; charset=utf-8',
      'cache-control': 'no-store',
      ...(status === 201 && typeof location === 'string' ? { location } : {}),
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    },
  });
}
