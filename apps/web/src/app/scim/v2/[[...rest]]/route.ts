import { handleScimCall } from '@/scim/handle-scim-call.ts';

export const dynamic = 'force-dynamic';

export {
  handleScimCall as DELETE,
  handleScimCall as GET,
  handleScimCall as PATCH,
  handleScimCall as POST,
  handleScimCall as PUT,
};
