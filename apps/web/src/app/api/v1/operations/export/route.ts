import { exportOperations } from '@taskgate/services';
import { requireActor } from '@/lib/actor.ts';
import { problemResponse } from '@/lib/problem-response.ts';
import { services } from '@/lib/services.ts';

export const dynamic = 'force-dynamic';

/** The filtered list of operations as CSV, read from the store as the client takes it. */
export async function GET(request: Request): Promise<Response> {
  try {
    const actor = await requireActor(request);
    const filter = Object.fromEntries(new URL(request.url).searchParams);
    const lines = (await exportOperations({ services: await services(), actor }, filter))[Symbol.asyncIterator]();
    const encoder = new TextEncoder();
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { done, value } = await lines.next();
        if (done === true) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
      async cancel() {
        await lines.return?.();
      },
    });
    return new Response(body, {
      headers: {
        'content-type': 'text/csv; charset=utf-8; header=present',
        'content-disposition': 'attachment; filename="operations.csv"',
        'cache-control': 'no-store',
      },
    });
  } catch (error) {
    return problemResponse(error);
  }
}
