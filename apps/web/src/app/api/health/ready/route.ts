import { env } from '@/env.ts';
import { services } from '@/lib/services.ts';

export const dynamic = 'force-dynamic';
const PROBE_TIMEOUT_MS = 2000;

async function storeAnswers(): Promise<boolean> {
  try {
    await (await services()).db.$queryRaw`select 1`;
    return true;
  } catch {
    return false;
  }
}

async function gatewayAnswers(): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${env().consolePort}/health`, {
      signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
      redirect: 'error',
    });
    return answer.status === 200;
  } catch {
    return false;
  }
}

/** 200 once web, store and gateway serve; else 503 with what is missing. */
export async function GET(): Promise<Response> {
  const [store, gateway] = await Promise.all([storeAnswers(), gatewayAnswers()]);
  const ready = store && gateway;
  return Response.json({ status: ready ? 'ready' : 'not-ready', store, gateway }, { status: ready ? 200 : 503 });
}
