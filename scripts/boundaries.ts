/** What one folder of the repository may import. The order of layers, as data; `check-boundaries.ts` holds it. */
export interface Boundary {
  /** Folder from the root; `*` stands for one name. The first entry that fits a folder counts. */
  readonly folder: string;
  /** Workspace packages, without `@taskgate/`; `*` stands for any rest of the name. */
  readonly workspace: readonly string[];
  /** Modules of Node itself. False for pure packages: time, randomness, hashing and I/O come as arguments. */
  readonly node: boolean;
  /** Packages from npm that it must never import, whatever its package.json says. */
  readonly neverExternal: readonly string[];
  /** Why: shown with every violation. */
  readonly why: string;
}

const STORE = ['pg', 'prisma', '@prisma/*'];
const WEB = ['next', 'next/*', 'next-auth', 'next-auth/*', 'react', 'react-dom', 'react/*'];
const PURE =
  'it is pure: no I/O, no clock, no randomness, and only core below it, so that it can be proven and run anywhere';

const pure = (folder: string): Boundary => ({
  folder,
  workspace: ['core'],
  node: false,
  neverExternal: [...STORE, ...WEB, 'ws'],
  why: PURE,
});

export const BOUNDARIES: readonly Boundary[] = [
  {
    folder: 'packages/core',
    workspace: [],
    node: false,
    neverExternal: ['*'],
    why: 'core holds the words as types and imports nothing',
  },
  pure('packages/policy'),
  pure('packages/sql'),
  pure('packages/masking'),
  pure('packages/recording'),
  pure('packages/ledger'),
  pure('packages/approval'),
  pure('packages/protocol-*'),
  {
    folder: 'packages/contracts',
    workspace: ['core'],
    node: false,
    neverExternal: [...STORE, ...WEB],
    why: 'browser, server and command line share the contracts: they say shapes and nothing else',
  },
  {
    folder: 'packages/gateway',
    workspace: ['core', 'contracts', 'policy', 'sql', 'masking', 'recording', 'ledger', 'protocol-*'],
    node: true,
    neverExternal: [...STORE, ...WEB],
    why: 'the data path knows no database, no Prisma and no vault: they come through its ports',
  },
  {
    folder: 'packages/vault',
    workspace: ['core'],
    node: true,
    neverExternal: [...WEB, 'prisma', '@prisma/*'],
    why: 'the vault seals and opens; who keeps what it sealed is not its business',
  },
  {
    folder: 'packages/identity',
    workspace: ['core'],
    node: true,
    neverExternal: [...STORE, ...WEB],
    why: 'identity proves who somebody is; storing that is a service',
  },
  {
    folder: 'packages/db',
    workspace: ['core'],
    node: true,
    neverExternal: WEB,
    why: 'the store knows the words and nothing above them',
  },
  {
    folder: 'packages/services',
    workspace: [
      ...['core', 'policy', 'sql', 'masking', 'recording', 'ledger', 'approval'],
      ...['vault', 'identity', 'db', 'contracts'],
    ],
    node: true,
    neverExternal: WEB,
    why: 'services change the control plane for whoever asks: they know no Next and no gateway',
  },
  {
    folder: 'packages/embedded-postgres',
    workspace: ['core'],
    node: true,
    neverExternal: WEB,
    why: 'it starts servers for scripts and tests alone',
  },
  {
    folder: 'packages/testkit',
    workspace: ['core', 'embedded-postgres'],
    node: true,
    neverExternal: WEB,
    why: 'every test may use the testkit, so it uses nothing that is tested with it',
  },
  {
    folder: 'apps/gateway',
    workspace: [
      ...['core', 'gateway', 'services', 'db', 'vault', 'identity', 'contracts'],
      ...['policy', 'sql', 'masking', 'recording', 'ledger', 'protocol-*'],
    ],
    node: true,
    neverExternal: WEB,
    why: 'it wires the ports of the gateway to the services, and serves no web',
  },
  {
    folder: 'apps/web',
    workspace: ['core', 'contracts', 'services', 'policy', 'recording', 'identity', 'ledger', 'approval'],
    node: true,
    neverExternal: [...STORE, 'ws'],
    why: 'the web knows no store, no gateway and no protocol: it asks the services',
  },
  {
    folder: 'apps/cli',
    workspace: ['core', 'contracts', 'recording', 'ledger', 'approval'],
    node: true,
    neverExternal: [...STORE, ...WEB],
    why: 'the command line uses the HTTP API as any other client does',
  },
  {
    folder: 'e2e',
    workspace: ['core', 'testkit', 'recording', 'ledger'],
    node: true,
    neverExternal: [],
    why: 'end-to-end tests see what a user sees',
  },
  {
    folder: 'scripts',
    workspace: ['core', 'embedded-postgres'],
    node: true,
    neverExternal: ['@prisma/*', ...WEB],
    why: 'scripts run programs; they do not reach into the product',
  },
];

/** On top of a folder's own list, its tests may import these. */
export const TEST_WORKSPACE: readonly string[] = ['testkit', 'embedded-postgres'];

/** Names that say nothing about what a file holds. */
export const FORBIDDEN_FILE_NAMES: readonly string[] = [
  'utils',
  'util',
  'helpers',
  'helper',
  'common',
  'manager',
  'misc',
];
