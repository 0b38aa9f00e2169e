import type { Actor } from '../context.ts';
import type { ChangeEvent } from './listen.ts';

/**
 * Whether the caller is told that something changed. Nothing but a topic and an id ever reaches them, and even that
 * only of what they could list.
 */
export function mayHear(actor: Actor, event: ChangeEvent): boolean {
  // A grant's token is told of nothing: whoever has it asks.
  if (actor.kind === 'system' || actor.via === 'grant-token') return false;
  const has = (scope: (typeof actor.scopes)[number]): boolean => actor.scopes.includes(scope);
  const own = event.topic !== 'resync' && event.userId === actor.identityId;
  const asked =
    event.topic !== 'resync' &&
    has('grant:review') &&
    (event.groups ?? []).some((group) => actor.groups.includes(group));
  switch (event.topic) {
    case 'resync':
      return true;
    case 'grants':
      return (own && has('grant:request')) || asked || has('grant:revoke') || has('session:read');
    case 'holds':
      return (own && has('grant:request')) || asked || has('session:read');
    case 'sessions':
      return (own && has('session:own')) || has('session:read') || has('grant:revoke');
    case 'tasks':
    case 'policies':
    case 'workflows':
      return has('task:read');
    case 'resources':
      return has('resource:read');
    case 'people':
      return own || has('people:read');
    case 'machines':
      return has('people:read');
    case 'audit':
      return has('audit:read');
  }
}
