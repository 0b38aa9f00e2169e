import { TaskgateError } from '@taskgate/core';
import { createFirstAdmin } from '@taskgate/services';
import { env } from '@/env.ts';
import { isForgeryProof } from '@/lib/own-origin.ts';
import { problemResponse } from '@/lib/problem-response.ts';
import { services } from '@/lib/services.ts';

export const dynamic = 'force-dynamic';
const MAX_BODY_BYTES = 10_000;

/** Makes the first admin with the token that the start printed. */
export async function POST(request: Request): Promise<Response> {
  try {
    if (!isForgeryProof(request, env().webUrl))
      throw new TaskgateError('forbidden', 'this call came from another site');
    if (Number(request.headers.get('content-length') ?? Number.NaN) > MAX_BODY_BYTES)
      throw new TaskgateError('too-large', 'the request is too large');
    const text = await request.text();
    if (text.length > MAX_BODY_BYTES) throw new TaskgateError('too-large', 'the request is too large');
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
