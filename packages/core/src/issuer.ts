import { type ClaimPattern, isAnything, MAX_CLAIM_PATTERNS, patternProblem } from './claim-pattern.ts';

/** Providers whose tokens we know the claims of; `oidc` is any other. */
export const ISSUER_KINDS = ['github', 'gitlab', 'kubernetes', 'spiffe', 'oidc'] as const;
export type IssuerKind = (typeof ISSUER_KINDS)[number];

/** Where the keys of an issuer come from. */
export const KEY_SOURCES = ['discovery', 'url', 'keys'] as const;
export type KeySource = (typeof KEY_SOURCES)[number];

export interface KnownClaim {
  readonly claim: string;
  readonly means: string;
  readonly example: string;
}

export interface IssuerProfile {
  readonly title: string;
  /** Of the provider's own service; `null`: each installation has its own. */
  readonly url: string | null;
  readonly keySource: KeySource;
  /** Strangers have accounts at it: a pattern that does not name whose tokens are meant lets them in. */
  readonly shared: boolean;
  readonly claims: readonly KnownClaim[];
  /** What to bear in mind while writing patterns. */
  readonly hints: readonly string[];
}

export const ISSUER_PROFILES: Readonly<Record<IssuerKind, IssuerProfile>> = {
  github: {
    title: 'GitHub Actions',
    url: 'https://token.actions.githubusercontent.com',
    keySource: 'discovery',
    shared: true,
    claims: [
      { claim: 'repository', means: 'owner and name of the repository', example: 'acme/shop' },
      {
        claim: 'repository_owner_id',
        means: 'number of the owner: stays when the name changes hands',
        example: '1234',
      },
      { claim: 'repository_id', means: 'number of the repository', example: '5678' },
      { claim: 'ref', means: 'branch or tag that the run is for', example: 'refs/heads/main' },
      { claim: 'environment', means: 'environment of the job, whose protection rules were met', example: 'production' },
      { claim: 'event_name', means: 'what started the run', example: 'schedule' },
      {
        claim: 'job_workflow_ref',
        means: 'file and ref of the workflow that holds the job',
        example: 'acme/shop/.github/workflows/nightly.yml@refs/heads/main',
      },
      { claim: 'actor', means: 'account that started the run', example: 'anna' },
      {
        claim: 'sub',
        means: 'repository with its ref, environment or `pull_request`',
        example: 'repo:acme/shop:ref:refs/heads/main',
      },
    ],
    hints: [
      'everybody on GitHub gets tokens of this issuer: bind the repository or its owner',
      'a pull request has `ref` refs/pull/N/merge and `sub` ending in `:pull_request`; one from a fork gets no token unless the repository sends write tokens to forks',
      '`pull_request_target` runs with the ref of the base branch: where you use it, bind `event_name` or `environment` too',
    ],
  },
  gitlab: {
    title: 'GitLab CI',
    url: 'https://gitlab.com',
    keySource: 'discovery',
    shared: true,
    claims: [
      { claim: 'project_path', means: 'group and name of the project', example: 'acme/shop' },
      { claim: 'namespace_id', means: 'number of the group: stays when the path changes hands', example: '72' },
      { claim: 'project_id', means: 'number of the project', example: '20' },
      { claim: 'ref', means: 'branch or tag', example: 'main' },
      { claim: 'ref_type', means: '`branch` or `tag`', example: 'branch' },
      { claim: 'ref_protected', means: 'whether the ref is protected', example: 'true' },
      { claim: 'environment', means: 'environment of the job', example: 'production' },
      { claim: 'pipeline_source', means: 'what started the pipeline', example: 'schedule' },
      { claim: 'user_login', means: 'account that started the pipeline', example: 'anna' },
      { claim: 'sub', means: 'project with its ref', example: 'project_path:acme/shop:ref_type:branch:ref:main' },
    ],
    hints: [
      'everybody on gitlab.com gets tokens of that issuer: bind the project or its group',
      'whoever may push a branch may run a job on it: bind `ref_protected` to `true`',
      'a merge request from a fork runs in the fork, with the fork’s `project_path`, unless a member runs it in the parent project',
    ],
  },
  kubernetes: {
    title: 'Kubernetes',
    url: null,
    keySource: 'keys',
    shared: false,
    claims: [
      {
        claim: 'sub',
        means: 'namespace and name of the service account',
        example: 'system:serviceaccount:jobs:nightly',
      },
      { claim: 'kubernetes.io.namespace', means: 'namespace', example: 'jobs' },
      { claim: 'kubernetes.io.serviceaccount.name', means: 'service account', example: 'nightly' },
      {
        claim: 'kubernetes.io.serviceaccount.uid',
        means: 'service account, were it deleted and made again',
        example: '1f0e…',
      },
      { claim: 'kubernetes.io.pod.name', means: 'pod that the token was projected into', example: 'nightly-28310' },
    ],
    hints: [
      'the issuer’s address is what `kubectl get --raw /.well-known/openid-configuration` says; its keys are at `kubectl get --raw /openid/v1/jwks`',
      'whoever may make pods in a namespace may run as any service account of it',
    ],
  },
  spiffe: {
    title: 'SPIFFE',
    url: null,
    keySource: 'url',
    shared: false,
    claims: [{ claim: 'sub', means: 'the SPIFFE ID', example: 'spiffe://example.org/ns/jobs/sa/nightly' }],
    hints: [
      'the address is the trust domain; the keys are its bundle, in which those for `jwt-svid` count',
      'a JWT-SVID need not say `iss`: the trust domain of `sub` says whose it is',
    ],
  },
  oidc: {
    title: 'Another OIDC issuer',
    url: null,
    keySource: 'discovery',
    shared: false,
    claims: [
      { claim: 'sub', means: 'whom the token is about', example: 'service-4711' },
      { claim: 'azp', means: 'the client that the token was made for', example: 'nightly-client' },
    ],
    hints: [
      'paste a token to see which claims it has',
      'an issuer that strangers have accounts at needs `sub`, exactly',
    ],
  },
};

/** Say when and for whom a token is, not who it is about. */
const NOT_BINDING = ['iss', 'aud', 'exp', 'nbf', 'iat', 'jti'];

export interface ClaimsReview {
  /** Each of them refuses the set. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Whether these patterns say who is meant. Empty is never any, and at an issuer that strangers use too they must name
 * whose tokens are meant. `url` is the issuer's.
 */
export function reviewClaims(kind: IssuerKind, url: string, patterns: readonly ClaimPattern[]): ClaimsReview {
  const problems: string[] = [];
  if (patterns.length === 0) problems.push('say at least one claim: no claim would match nobody');
  if (patterns.length > MAX_CLAIM_PATTERNS) problems.push(`at most ${MAX_CLAIM_PATTERNS} claims`);
  for (const { claim, pattern } of patterns) {
    const problem = patternProblem(pattern);
    if (claim === '') problems.push('a claim needs its name');
    else if (pattern === '') problems.push(`say what \`${claim}\` must be, or remove it`);
    else if (problem !== null) problems.push(`of \`${claim}\`: ${problem}`);
  }
  if (problems.length > 0) return { problems, warnings: [] };
  const binding = patterns.filter(({ claim, pattern }) => !NOT_BINDING.includes(claim) && !isAnything(pattern));
  if (binding.length === 0)
    return { problems: ['these patterns match every token of the issuer: say who is meant'], warnings: [] };
  const named = (...claims: readonly string[]): string | undefined =>
    binding.find(({ claim }) => claims.includes(claim))?.pattern;
  switch (kind) {
    case 'github':
      return reviewGitHub(binding, named);
    case 'gitlab':
      return reviewGitLab(binding, named);
    case 'kubernetes':
      return {
        problems: [],
        warnings: namesNamespace(binding)
          ? []
          : ['any namespace of the cluster matches: bind `sub`, or `kubernetes.io.namespace`'],
      };
    case 'spiffe':
      return named('sub')?.startsWith(`${url}/`)
        ? { problems: [], warnings: [] }
        : { problems: [`bind \`sub\` to IDs of the trust domain: \`${url}/…\``], warnings: [] };
    case 'oidc': {
      const sub = named('sub');
      return {
        problems: [],
        warnings:
          sub === undefined || sub.includes('*')
            ? ['without `sub`, exactly, everybody who has these claims matches']
            : [],
      };
    }
  }
}

type Named = (...claims: readonly string[]) => string | undefined;

/** Whether the segment that names an owner has no star: acme and any repository of theirs, not anybody and `shop`. */
const ownerIsNamed = (path: string | undefined): boolean => path !== undefined && /^[^*/:]+\/./.test(path);
const isExact = (pattern: string | undefined): boolean => pattern !== undefined && !pattern.includes('*');

function reviewGitHub(binding: readonly ClaimPattern[], named: Named): ClaimsReview {
  const sub = named('sub');
  const owned =
    ownerIsNamed(named('repository')) ||
    ['repository_id', 'repository_owner', 'repository_owner_id'].some((claim) => isExact(named(claim))) ||
    (sub?.startsWith('repo:') === true && ownerIsNamed(sub.slice('repo:'.length)));
  if (!owned)
    return {
      problems: [
        'strangers’ repositories match: bind `repository` (`acme/shop`, `acme/*`), `repository_owner_id`, or `sub` with its owner',
      ],
      warnings: [],
    };
  const warnings: string[] = [];
  const where = ['ref', 'environment', 'job_workflow_ref', 'workflow_ref'].some((claim) => named(claim) !== undefined);
  const pinnedSub = sub !== undefined && !sub.endsWith('**') && !/:\*$/.test(sub);
  if (!where && !pinnedSub)
    warnings.push(
      'every branch and pull request of the repository matches: bind `ref`, `environment` or the whole of `sub`',
    );
  if (!['repository_owner_id', 'repository_id'].some((claim) => isExact(named(claim))))
    warnings.push('a name can change hands: bind `repository_owner_id` too');
  if (!binding.some(({ claim }) => ['event_name', 'environment', 'job_workflow_ref'].includes(claim)))
    warnings.push(
      'a `pull_request_target` run carries the ref of its base branch: bind `event_name` or `environment` where the repository has such workflows',
    );
  return { problems: [], warnings };
}

function reviewGitLab(binding: readonly ClaimPattern[], named: Named): ClaimsReview {
  const sub = named('sub');
  const owned =
    ownerIsNamed(named('project_path')) ||
    ['project_id', 'namespace_id', 'namespace_path'].some((claim) => isExact(named(claim))) ||
    (sub?.startsWith('project_path:') === true && ownerIsNamed(sub.slice('project_path:'.length)));
  if (!owned)
    return {
      problems: [
        'strangers’ projects match: bind `project_path` (`acme/shop`, `acme/*`), `namespace_id`, or `sub` with its group',
      ],
      warnings: [],
    };
  const pinned = binding.some(({ claim }) =>
    ['ref', 'ref_protected', 'environment', 'environment_protected'].includes(claim),
  );
  const pinnedSub = sub !== undefined && !sub.endsWith('**') && !/:\*$/.test(sub);
  return {
    problems: [],
    warnings:
      pinned || pinnedSub
        ? []
        : ['every branch that somebody may push matches: bind `ref_protected` to `true`, or `ref`'],
  };
}

const namesNamespace = (binding: readonly ClaimPattern[]): boolean =>
  binding.some(({ claim, pattern }) =>
    claim === 'sub'
      ? /^system:serviceaccount:[^*/:]+:/.test(pattern)
      : claim === 'kubernetes.io.namespace' && isExact(pattern),
  );
