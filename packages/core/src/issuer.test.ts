import { describe, expect, it } from 'vitest';
import { ISSUER_PROFILES, type IssuerKind, reviewClaims } from './issuer.ts';

const review = (
  kind: IssuerKind,
  claims: Record<string, string>,
  url = ISSUER_PROFILES[kind].url ?? 'https://x.test',
) =>
  reviewClaims(
    kind,
    url,
    Object.entries(claims).map(([claim, pattern]) => ({ claim, pattern })),
  );
const refused = (...args: Parameters<typeof review>): boolean => review(...args).problems.length > 0;

describe('a set of claims', () => {
  it.each(['github', 'gitlab', 'kubernetes', 'spiffe', 'oidc'] as const)('of %s that is empty is refused', (kind) => {
    expect(refused(kind, {})).toBe(true);
    expect(refused(kind, { sub: '**' })).toBe(true);
    expect(refused(kind, { sub: '*/*:*' })).toBe(true);
    expect(refused(kind, { aud: 'taskgate' })).toBe(true);
  });

  it.each([
    [{ ref: 'refs/heads/main' }],
    [{ environment: 'production', event_name: 'push' }],
    [{ repository: '*/shop' }],
    [{ repository: 'acm*/shop' }],
    [{ repository_owner: 'acme*' }],
    [{ repository_owner_id: '12*' }],
    [{ sub: 'repo:*/shop:ref:refs/heads/main' }],
    [{ sub: 'repo:**' }],
    [{ job_workflow_ref: '*/shop/.github/workflows/x.yml@refs/heads/main' }],
  ])('of GitHub that lets strangers in is refused: %j', (claims) => {
    expect(refused('github', claims)).toBe(true);
  });

  it.each([
    [{ repository: 'acme/shop' }],
    [{ repository: 'acme/*' }],
    [{ repository_owner_id: '1234' }],
    [{ sub: 'repo:acme/shop:ref:refs/heads/main' }],
    [{ sub: 'repo:acme@12/shop@34:ref:refs/heads/main' }],
  ])('of GitHub that names an owner is taken: %j', (claims) => {
    expect(refused('github', claims)).toBe(false);
  });

  it('of GitHub without a ref, an owner’s number or an event has its warnings', () => {
    const whole = { repository: 'acme/shop', repository_owner_id: '1', ref: 'refs/heads/main', event_name: 'schedule' };
    expect(review('github', whole).warnings).toEqual([]);
    expect(review('github', { repository: 'acme/shop' }).warnings).toHaveLength(3);
    expect(review('github', { sub: 'repo:acme/shop:*' }).warnings[0]).toMatch(/pull request/);
  });

  it('of GitLab must name the project or the group', () => {
    expect(refused('gitlab', { ref: 'main', ref_protected: 'true' })).toBe(true);
    expect(refused('gitlab', { project_path: '*/shop' })).toBe(true);
    expect(refused('gitlab', { sub: 'project_path:*/shop:ref_type:branch:ref:main' })).toBe(true);
    expect(review('gitlab', { project_path: 'acme/shop', ref_protected: 'true' })).toEqual({
      problems: [],
      warnings: [],
    });
    expect(review('gitlab', { project_path: 'acme/shop' }).warnings).toHaveLength(1);
  });

  it('of SPIFFE must be of the trust domain', () => {
    expect(refused('spiffe', { sub: 'spiffe://example.org/ns/*' }, 'spiffe://example.org')).toBe(false);
    expect(refused('spiffe', { sub: 'spiffe://example.org.evil/ns/*' }, 'spiffe://example.org')).toBe(true);
    expect(refused('spiffe', { spiffe: 'x' }, 'spiffe://example.org')).toBe(true);
  });

  it('of a cluster that names no namespace is warned of', () => {
    expect(review('kubernetes', { sub: 'system:serviceaccount:jobs:*' }).warnings).toEqual([]);
    expect(review('kubernetes', { sub: 'system:serviceaccount:*:nightly' }).warnings).toHaveLength(1);
  });
});
