import { describeApi } from '@/api/describe-api.ts';

export const dynamic = 'force-dynamic';

export async function GET(): Promise<Response> {
  return Response.json(await describeApi());
}
