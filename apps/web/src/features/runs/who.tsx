import { Bot, Server, User } from 'lucide-react';
import type { GrantView } from '@/lib/views.ts';

type Person = GrantView['requestedBy'];

const KINDS = { person: User, machine: Server, agent: Bot, system: Server } as const;

/** A person by name, a machine by its own, an agent with whom it acts for. */
export const whoWords = ({ kind, email, name }: Person): string => (kind === 'agent' ? email : name);

export function Who({ person }: { person: Person }) {
  const Icon = KINDS[person.kind];
  return (
    <span className="inline-flex min-w-0 items-center gap-1">
      <Icon aria-hidden="true" className="size-3.5 shrink-0" />
      {person.kind !== 'person' && <span className="sr-only">{person.kind} </span>}
      <span className="truncate">{whoWords(person)}</span>
    </span>
  );
}
