import type { Scope } from '@taskgate/core';

export interface Destination {
  href: string;
  label: string;
  /** Any of these opens it; empty: everybody. */
  scopes: readonly Scope[];
  /** Pressed after `g`. */
  key: string | null;
}

export const DESTINATIONS: readonly Destination[] = [
  { href: '/', label: 'Home', scopes: [], key: 'h' },
  { href: '/tasks', label: 'Tasks', scopes: ['task:read'], key: 't' },
  { href: '/inbox', label: 'Inbox', scopes: ['grant:review', 'grant:request'], key: 'i' },
  { href: '/console', label: 'Console', scopes: ['grant:request'], key: 'c' },
  { href: '/sessions', label: 'Sessions', scopes: ['session:own', 'session:read'], key: 's' },
  {
    href: '/runs',
    label: 'Runs',
    scopes: ['grant:request', 'grant:review', 'grant:revoke', 'session:read'],
    key: 'u',
  },
  { href: '/operations', label: 'Operations', scopes: ['session:own', 'session:read'], key: 'o' },
  { href: '/workflows', label: 'Workflows', scopes: ['task:read'], key: 'w' },
  { href: '/policies', label: 'Policies', scopes: ['task:read'], key: 'p' },
  { href: '/resources', label: 'Resources', scopes: ['resource:read'], key: 'r' },
  { href: '/audit', label: 'Audit', scopes: ['audit:read'], key: 'a' },
  { href: '/people', label: 'People', scopes: ['people:read'], key: 'e' },
  { href: '/machines', label: 'Machines', scopes: ['people:read'], key: 'm' },
  { href: '/settings', label: 'Settings', scopes: [], key: ',' },
];

export const mayOpen = (destination: Destination, scopes: readonly Scope[]): boolean =>
  destination.scopes.length === 0 || destination.scopes.some((scope) => scopes.includes(scope));
