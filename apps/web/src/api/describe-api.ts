import 'server-only';
import { type OpenAPI, OpenAPIGenerator } from '@orpc/openapi';
import { ZodToJsonSchemaConverter } from '@orpc/zod/zod4';
import { contract, ProblemDetails } from '@taskgate/contracts';
import * as z from 'zod';
import { env } from '@/env.ts';

let document: Promise<OpenAPI.Document> | null = null;

/** The API in OpenAPI 3.1; every error is RFC 9457 problem details. */
export function describeApi(): Promise<OpenAPI.Document> {
  document ??= generate();
  return document;
}

async function generate(): Promise<OpenAPI.Document> {
  const described = await new OpenAPIGenerator({ schemaConverters: [new ZodToJsonSchemaConverter()] }).generate(
    contract,
    {
      info: {
        title: 'Taskgate',
        version: '1',
        description: 'Tasks, grants, holds and sessions of a Taskgate installation.',
      },
      servers: [{ url: `${env().webUrl}/api/v1` }],
      security: [{ token: [] }],
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'An API token' } } },
    },
  );
  const problem = z.toJSONSchema(ProblemDetails, { io: 'output' }) as OpenAPI.SchemaObject;
  described.components = {
    ...described.components,
    schemas: { ...described.components?.schemas, ProblemDetails: problem },
  };
  for (const path of Object.values(described.paths ?? {}))
    for (const operation of Object.values(path ?? {}))
      if (typeof operation === 'object' && operation !== null && 'responses' in operation)
        (operation as OpenAPI.OperationObject).responses = {
          ...(operation as OpenAPI.OperationObject).responses,
          default: {
            description: 'Problem details',
            content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/ProblemDetails' } } },
          },
        };
  return described;
}
