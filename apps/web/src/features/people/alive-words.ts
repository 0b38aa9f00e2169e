import { plural } from '@/lib/format.ts';
import type { ReachView } from '@/lib/views.ts';

/** What an offboarding would end, in words; empty where nothing is there. */
export function aliveWords(reach: ReachView): string[] {
  const { sessions, grants, holds, webSessions, apiTokens, scimTokens, agents, groups } = reach;
  return [
    [sessions.length, 'live database connection'] as const,
    [grants.length, 'grant'] as const,
    [holds.length, 'held statement'] as const,
    [webSessions?.length ?? 0, 'web sign-in'] as const,
    [apiTokens?.length ?? 0, 'API token'] as const,
    [scimTokens?.length ?? 0, 'SCIM token'] as const,
    [agents.length, 'agent'] as const,
    [groups.length, 'membership of a group', 'memberships of groups'] as const,
  ].flatMap(([count, one, many]) => (count === 0 ? [] : [plural(count, one, many)]));
}
