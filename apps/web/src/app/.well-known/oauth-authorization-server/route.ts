import { env } from '@/env.ts';

export const dynamic = 'force-dynamic';

/** RFC 8414: where the endpoints are, for clients that look. */
export function GET(): Response {
  const { webUrl } = env();
  const at = (name: string): string => `${webUrl}/api/v1/oauth/${name}`;
  return Response.json({
    issuer: webUrl,
    token_endpoint: at('token'),
    device_authorization_endpoint: at('device_authorization'),
    introspection_endpoint: at('introspect'),
    revocation_endpoint: at('revoke'),
    response_types_supported: [],
    grant_types_supported: [
      'urn:ietf:params:oauth:grant-type:token-exchange',
      'urn:ietf:params:oauth:grant-type:device_code',
    ],
    token_endpoint_auth_methods_supported: ['none'],
    revocation_endpoint_auth_methods_supported: ['none'],
  });
}
