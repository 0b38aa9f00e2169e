import {
  type ActorVia,
  type Clock,
  createId,
  type Id,
  type IdentityKind,
  type IdPrefix,
  type Role,
  type Scope,
  type SecretValue,
} from '@taskgate/core';
import { createDatabase, type Database } from '@taskgate/db';
import { createIssuerKeys, type IssuerKeys } from '@taskgate/identity';
import type { Activator } from '@taskgate/policy';
import { createVault, loadMasterKey, type Signer, type Vault } from '@taskgate/vault';
import { loadSigner } from './setup/load-signer.ts';
import { systemClock, systemRandomBytes } from './system-sources.ts';
import { sayingUnavailable } from './with-transaction.ts';

/** Who is behind a request, with what they may do now: groups and scopes are read anew for each request. */
export interface IdentityActor {
  readonly kind: IdentityKind;
  readonly identityId: string;
  /** The address of a person; the name of a machine; of an agent its name and whom it acts for. */
  readonly email: string;
  readonly name: string;
  readonly roles: readonly Role[];
  readonly groups: readonly string[];
  readonly scopes: readonly Scope[];
  /** Of a machine or an agent: the names of what it may activate, where these name it too. */
  readonly tasks: readonly string[];
  /** Whom an agent acts for: it is never wider than they are now. `null` of a person or a machine. */
  readonly actsFor: Activator | null;
  readonly via: ActorVia;
  /** The sign-in this request came by, the id of the API token or of the grant, or the issuer of the exchanged token. */
  readonly viaId: string;
}
/** The product itself, where no person asked. */
export interface SystemActor {
  readonly kind: 'system';
  readonly via: 'setup' | 'sign-in' | 'gateway' | 'timer' | 'scim';
  /** With `scim`: the directory's token, whose doing it is. */
  readonly tokenId?: string;
}
export type Actor = IdentityActor | SystemActor;

export interface ServiceContext {
  readonly actor: Actor;
  readonly services: Services;
  /** Where one deed changes many things: the id that each audit row of it has. */
  readonly actId?: Id<'act'>;
}

export interface Log {
  /** `fields` hold no secret: they may be printed. */
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

export interface ServiceSettings {
  /** Origin of the web, without a slash at its end. */
  readonly webUrl: string;
  /** What clients connect to: the gate's doors. */
  readonly postgresHost: string;
  readonly postgresPort: number;
  readonly consolePort: number;
  readonly recordingsDirectory: string;
  readonly spoolDirectory: string;
  /** Names what was built: what another build analysed is analysed again. Missing: another one at each start. */
  readonly build?: string;
}

export interface Services {
  readonly db: Database;
  /** For connections that a pool cannot give, such as LISTEN. */
  readonly databaseUrl: SecretValue;
  readonly clock: Clock;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly vault: Vault;
  readonly signer: Signer;
  /** Keys of the issuers of machines' tokens, kept in memory. */
  readonly issuerKeys: IssuerKeys;
  readonly settings: ServiceSettings;
  readonly log: Log;
  close(): Promise<void>;
}

export interface ServicesOptions {
  readonly databaseUrl: SecretValue;
  /** State folder: holds `master.key` where the environment holds none. */
  readonly home: string;
  readonly masterKey?: SecretValue | undefined;
  readonly settings: ServiceSettings;
  readonly log: Log;
  readonly poolSize?: number;
  readonly clock?: Clock;
  readonly randomBytes?: (length: number) => Uint8Array;
}

const POOL_SIZE = 10;

/**
 * Opens the store (migrated already) and the vault. Throws `store-unavailable`, or `forbidden` and `bad-input` for a
 * master key that is not safe or is not the one this store was sealed with.
 */
export async function createServices(options: ServicesOptions): Promise<Services> {
  const masterKey = await loadMasterKey({ home: options.home, fromEnvironment: options.masterKey });
  const randomBytes = options.randomBytes ?? systemRandomBytes;
  const vault = createVault({ masterKey, randomBytes });
  const db = options.databaseUrl.reveal((connectionString) =>
    sayingUnavailable(createDatabase({ connectionString, poolSize: options.poolSize ?? POOL_SIZE })),
  );
  try {
    const signer = await loadSigner(db, vault);
    const clock = options.clock ?? systemClock;
    return {
      db,
      databaseUrl: options.databaseUrl,
      clock,
      randomBytes,
      vault,
      signer,
      issuerKeys: createIssuerKeys(() => clock.now()),
      settings: options.settings,
      log: options.log,
      close: () => db.$disconnect(),
    };
  } catch (error) {
    await db.$disconnect();
    throw error;
  }
}

/** A new id, from the services' clock and randomness. */
export function newId<P extends IdPrefix>(services: Pick<Services, 'clock' | 'randomBytes'>, prefix: P): Id<P> {
  return createId(prefix, services.clock.now(), services.randomBytes);
}
