import { SCOPES } from '@taskgate/core';
import { describe, expect, it } from 'vitest';
import { buildPrincipal } from './principal.ts';

describe('a principal', () => {
  it('in no group may do nothing', () => {
    expect(buildPrincipal([], null)).toEqual({ groups: [], roles: [], scopes: [] });
  });

  it('never gains a scope by a token: its own are only narrowed', () => {
    const engineers = [{ name: 'analysts', roles: ['engineer'] }];
    const own = buildPrincipal(engineers, null).scopes;
    expect(buildPrincipal(engineers, SCOPES).scopes).toEqual(own);
    expect(buildPrincipal(engineers, ['task:read', 'people:write']).scopes).toEqual(['task:read']);
    expect(buildPrincipal(engineers, []).scopes).toEqual([]);
  });

  it('gets nothing from a role that is not known', () => {
    expect(buildPrincipal([{ name: 'x', roles: ['root'] }], null).scopes).toEqual([]);
  });
});
