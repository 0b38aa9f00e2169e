import { TaskgateError } from '@taskgate/core';
import { loadRecordingBytes } from '@taskgate/services';
import { requireActor } from '@/lib/actor.ts';
import { problemResponse } from '@/lib/problem-response.ts';
import { services } from '@/lib/services.ts';

export const dynamic = 'force-dynamic';

/** The recording as it was written, to be verified elsewhere. */
export async function GET(request: Request, { params }: { params: Promise<{ id: string }> }): Promise<Response> {
  try {
    const { id } = await params;
    if (!/^ses_[a-z0-9]{1,40}$/.test(id)) throw new TaskgateError('not-found', 'there is no session of this id');
    const actor = await requireActor(request);
    const opened = await services();
    const bytes = await loadRecordingBytes({ services: opened, actor }, id);
    return new Response(new Uint8Array(bytes), {
      headers: {
        'content-type': 'application/octet-stream',
        'content-disposition': `attachment; filename="${id}.tgr"`,
        'cache-control': 'no-store',
        // Base64 of the PEM: the key that signs the heads of recordings.
        'taskgate-signing-key': Buffer.from(opened.signer.publicKeyPem).toString('base64'),
      },
    });
  } catch (error) {
    return problemResponse(error);
  }
}
