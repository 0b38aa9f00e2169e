import { OAuthRefusal, redeemDeviceCode } from '@taskgate/services';
import { answerOAuth, required } from '@/oauth/answer-oauth.ts';

export const dynamic = 'force-dynamic';

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';

/** RFC 6749, section 3.2, for device codes (RFC 8628). */
export async function POST(request: Request): Promise<Response> {
  return answerOAuth(request, async ({ services, form, client }) => {
    const grantType = required(form, 'grant_type');
    switch (grantType) {
      case DEVICE_CODE: {
        const { token, expiresAt, email, name } = await redeemDeviceCode(
          services,
          required(form, 'device_code'),
          client,
        );
        return {
          access_token: token,
          token_type: 'Bearer',
          expires_in: Math.floor((expiresAt - services.clock.now()) / 1000),
          email,
          token_name: name,
        };
      }
      default:
        throw new OAuthRefusal('unsupported_grant_type', `\`${grantType.slice(0, 100)}\` is not supported here`);
    }
  });
}
