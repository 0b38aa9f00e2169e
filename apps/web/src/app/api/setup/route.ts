import { TaskgateError } from '@taskgate/core';
import { createFirstAdmin } from '@taskgate/services';
import { env } from '@/env.ts';
import { isForgeryProof } from '@/lib/own-origin.ts';
import { problemResponse } from '@/lib/problem-response.ts';
import { readBody } from '@/lib/read-body.ts';
import { services } from '@/lib/services.ts';

export const dynamic = 'force-dynamic';
const MAX_BODY_BYTES = 10_240;

/** Makes the first admin with the token that the start printed. */
export async function POST(request: Request): Promise<Response> {
  try {
    if (!isForgeryProof(request, env().webUrl))
      throw new TaskgateError('forbidden', 'this call came from another site');
    const text = (await readBody(request, MAX_BODY_BYTES)).toString('utf8');
    let input: unknown;
    try {
      input = JSON.parse(text);
    } catch {
      throw new TaskgateError('bad-input', 'the request is not JSON');
    }
    // The verb parses it.
    await createFirstAdmin(await services(), input as Parameters<typeof createFirstAdmin>[1]);
    return Response.json({ created: true }, { headers: { 'cache-control': 'no-store' } });
  } catch (error) {
    return problemResponse(error);
  }
}
