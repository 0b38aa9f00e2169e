import { describe, expect, it } from 'vitest';
import { matchClaims, matchPattern, patternProblem } from './claim-pattern.ts';

describe('a pattern', () => {
  it.each([
    ['acme/shop', 'acme/shop', true],
    ['acme/shop', 'acme/shop2', false],
    ['acme/shop', 'ACME/shop', false],
    ['acme/*', 'acme/shop', true],
    ['acme/*', 'acme/', false],
    ['acme/*', 'acme/shop/x', false],
    ['acme/*', 'acme/shop:x', false],
    ['acme/*', 'acmeX/shop', false],
    ['repo:acme/*:ref:refs/heads/main', 'repo:acme/shop:ref:refs/heads/main', true],
    ['repo:acme/*:ref:refs/heads/main', 'repo:acme/shop:pull_request', false],
    ['repo:acme/*:ref:refs/heads/main', 'repo:acme/x:environment:p:ref:refs/heads/main', false],
    ['refs/heads/release-*', 'refs/heads/release-1', true],
    ['refs/heads/release-*', 'refs/heads/release-', false],
    ['refs/heads/release-*', 'refs/heads/release-1/x', false],
    ['refs/heads/**', 'refs/heads/a/b:c', true],
    ['refs/heads/**', 'refs/heads/', false],
    ['refs/heads/**', 'refs/heads', false],
    ['*', '', false],
    ['a.c', 'abc', false],
    ['', '', false],
  ])('%s on %s: %s', (pattern, value, matches) => {
    expect(matchPattern(pattern, value)).toBe(matches);
  });

  it.each(['a**', '**/x', 'a/**/b', 'a*b*c', '', 'x'.repeat(501)])('%s is none, and matches nothing', (pattern) => {
    expect(patternProblem(pattern)).not.toBeNull();
    expect(matchPattern(pattern, pattern)).toBe(false);
  });
});

describe('claims', () => {
  const claims = {
    repository: 'acme/shop',
    ref_protected: true,
    run: 7,
    groups: ['a', 'b'],
    'kubernetes.io': { namespace: 'jobs', serviceaccount: { name: 'nightly' } },
    empty: '',
  };
  const fits = (...patterns: readonly (readonly [string, string])[]): boolean =>
    matchClaims(
      patterns.map(([claim, pattern]) => ({ claim, pattern })),
      claims,
    ).matches;

  it('must all match, and no pattern at all matches nothing', () => {
    expect(fits(['repository', 'acme/*'], ['ref_protected', 'true'], ['run', '7'])).toBe(true);
    expect(fits(['repository', 'acme/*'], ['ref_protected', 'false'])).toBe(false);
    expect(fits()).toBe(false);
  });

  it('that are missing, empty, objects or inherited match nothing', () => {
    for (const claim of ['missing', 'empty', 'kubernetes.io', 'constructor', '__proto__', 'repository.length'])
      expect(fits([claim, '**']), claim).toBe(false);
  });

  it('inside of others are found by their path, and one entry of a list is enough', () => {
    expect(fits(['kubernetes.io.namespace', 'jobs'], ['kubernetes.io.serviceaccount.name', 'nightly'])).toBe(true);
    expect(fits(['groups', 'b'])).toBe(true);
    expect(fits(['groups', 'a, b'])).toBe(false);
  });

  it('say one by one what was given', () => {
    const { verdicts } = matchClaims(
      [
        { claim: 'repository', pattern: 'acme/other' },
        { claim: 'ref', pattern: 'x' },
      ],
      claims,
    );
    expect(verdicts).toEqual([
      { claim: 'repository', pattern: 'acme/other', matches: false, given: 'acme/shop' },
      { claim: 'ref', pattern: 'x', matches: false, given: null },
    ]);
  });
});
