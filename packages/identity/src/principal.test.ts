import { SCOPES } from '@taskgate/core';
import { describe, expect, it } from 'vitest';
import { buildPrincipal } from './principal.ts';

describe('a principal', () => {
  it('in no group may do nothing', () => {
    expect(buildPrincipal([], null)).toEqual({ groups: [], roles: [], scopes: [] });
  });

  it('never gains a scope by a token: its own are only narrowed', () => {
    const engineers = [{ name: 'analysts', roles: ['engineer'], scopes: [], withheld: [] }];
    const own = buildPrincipal(engineers, null).scopes;
    expect(buildPrincipal(engineers, SCOPES).scopes).toEqual(own);
    expect(buildPrincipal(engineers, ['task:read', 'people:write']).scopes).toEqual(['task:read']);
    expect(buildPrincipal(engineers, []).scopes).toEqual([]);
  });

  it('has what each group gives: its roles less what it withholds, and what it adds', () => {
    const reviewers = { name: 'dba', roles: ['reviewer'], scopes: [], withheld: ['grant:revoke', 'people:read'] };
    const given = buildPrincipal([reviewers], null).scopes;
    expect(given).toContain('grant:review');
    expect(given).not.toContain('grant:revoke');
    // What one group withholds, another may give.
    const helpers = { name: 'helpers', roles: [], scopes: ['people:read', 'audit:read'], withheld: ['audit:read'] };
    expect(buildPrincipal([helpers], null)).toMatchObject({ roles: [], scopes: ['audit:read', 'people:read'] });
    expect(buildPrincipal([reviewers, helpers], null).scopes).toEqual(
      expect.arrayContaining([...given, 'people:read']),
    );
    expect(buildPrincipal([reviewers, helpers], null).scopes).not.toContain('grant:revoke');
  });

  it('gets nothing from a role that is not known', () => {
    expect(buildPrincipal([{ name: 'x', roles: ['root'], scopes: ['root'], withheld: [] }], null).scopes).toEqual([]);
  });
});
