import { handleApiCall } from '@/api/handle-api-call.ts';

export const dynamic = 'force-dynamic';

export {
  handleApiCall as DELETE,
  handleApiCall as GET,
  handleApiCall as PATCH,
  handleApiCall as POST,
  handleApiCall as PUT,
};
