import { startDeviceSignIn } from '@taskgate/services';
import { answerOAuth } from '@/oauth/answer-oauth.ts';

export const dynamic = 'force-dynamic';

/** RFC 8628, section 3.1. `device_name` is what the person is shown. */
export async function POST(request: Request): Promise<Response> {
  return answerOAuth(request, async ({ services, form, client }) => {
    const started = await startDeviceSignIn(services, { name: form.get('device_name') }, client);
    return {
      device_code: started.deviceCode,
      user_code: started.userCode,
      verification_uri: started.verificationUri,
      // After `#`: a code never gets into the log of a server.
      verification_uri_complete: `${started.verificationUri}#${started.userCode}`,
      expires_in: started.expiresInMs / 1000,
      interval: started.intervalMs / 1000,
    };
  });
}
