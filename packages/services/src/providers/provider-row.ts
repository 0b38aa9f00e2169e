import { type GroupMapping, ProviderSettings, type SeenGroup, type SignInProvider } from '@taskgate/contracts';
import { type EmailTrust, SecretValue, TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import { isSecureAddress, splitCertificates } from '@taskgate/identity';
import type { OidcIssuer } from '@taskgate/identity/oidc';
import type { SamlIdp, SamlServiceProvider } from '@taskgate/identity/saml';
import type { Vault } from '@taskgate/vault';
import type * as z from 'zod';
import type { Services } from '../context.ts';

export type ProviderView = z.infer<typeof SignInProvider>;
export type ProviderSettingsView = z.infer<typeof ProviderSettings>;
export type OidcSettingsView = Extract<ProviderSettingsView, { kind: 'oidc' }>;
export type SamlSettingsView = Extract<ProviderSettingsView, { kind: 'saml' }>;
export type GroupMappingView = z.infer<typeof GroupMapping>;
export type SeenGroupView = z.infer<typeof SeenGroup>;

export const PROVIDER_SELECT = {
  id: true,
  name: true,
  title: true,
  enabled: true,
  settings: true,
  sealedSecret: true,
  emailTrust: true,
  createPeople: true,
  createdAt: true,
  updatedAt: true,
  _count: { select: { links: true } },
} as const;

export interface ProviderRow {
  readonly id: string;
  readonly name: string;
  readonly title: string;
  readonly enabled: boolean;
  readonly settings: unknown;
  readonly sealedSecret: Uint8Array | null;
  readonly emailTrust: string;
  readonly createPeople: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly _count: { readonly links: number };
}

export const settingsOf = (row: ProviderRow): ProviderSettingsView => ProviderSettings.parse(row.settings);
export const emailTrustOf = (row: ProviderRow): EmailTrust => row.emailTrust as EmailTrust; // a closed set in the store

// A sealed secret is bound to its row: copied to another provider it opens nothing.
const secretContext = (providerId: string): string => `sign-in-provider:${providerId}`;

export const sealClientSecret = (vault: Vault, providerId: string, secret: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(vault.seal(new SecretValue(secret), secretContext(providerId)));

export function oidcIssuerOf(vault: Vault, row: ProviderRow, settings: OidcSettingsView): OidcIssuer {
  return {
    issuer: settings.issuer,
    clientId: settings.clientId,
    clientSecret: row.sealedSecret === null ? null : vault.openSecret(row.sealedSecret, secretContext(row.id)),
  };
}

export function samlIdpOf(settings: SamlSettingsView): SamlIdp {
  const certificates = splitCertificates(settings.certificates);
  if (certificates === null) throw new TaskgateError('internal', 'the certificates of a provider cannot be read');
  return { entityId: settings.entityId, signInUrl: settings.signInUrl, certificates };
}

const pathOf = (services: Pick<Services, 'settings'>, name: string): string =>
  `${services.settings.webUrl}/api/sign-in/${name}`;

/** An address of its own for each provider: an answer that comes to another's is not taken (RFC 9700 4.4). */
export const redirectUriOf = (services: Pick<Services, 'settings'>, name: string): string =>
  `${pathOf(services, name)}/callback`;

export const samlSpOf = (services: Pick<Services, 'settings'>, name: string): SamlServiceProvider => ({
  entityId: `${pathOf(services, name)}/metadata`,
  acsUrl: `${pathOf(services, name)}/acs`,
});

/** Everything but the secret. */
export async function toProviderView(
  db: Transaction,
  services: Pick<Services, 'settings'>,
  row: ProviderRow,
): Promise<ProviderView> {
  const settings = settingsOf(row);
  const sp = samlSpOf(services, row.name);
  return {
    id: row.id,
    name: row.name,
    title: row.title,
    enabled: row.enabled,
    settings,
    secretSet: row.sealedSecret !== null,
    emailTrust: emailTrustOf(row),
    createPeople: row.createPeople,
    addresses:
      settings.kind === 'oidc'
        ? { callback: redirectUriOf(services, row.name), entityId: null, metadata: null }
        : { callback: sp.acsUrl, entityId: sp.entityId, metadata: sp.entityId },
    people: row._count.links,
    mappings: await loadMappings(db, row.id),
    seenGroups: await loadSeenGroups(db, row.id),
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

export async function loadMappings(db: Transaction, source: string): Promise<GroupMappingView[]> {
  const rows = await db.groupMapping.findMany({
    where: { source },
    select: { external: true, group: { select: { name: true } } },
    orderBy: [{ external: 'asc' }, { group: { name: 'asc' } }],
  });
  return rows.map(({ external, group }) => ({ external, group: group.name }));
}

const MAX_SEEN = 500;

async function loadSeenGroups(db: Transaction, providerId: string): Promise<SeenGroupView[]> {
  const rows = await db.$queryRaw<{ external: string; members: bigint }[]>`
    SELECT g AS external, count(*) AS members FROM provider_links, unnest("groups") AS g
    WHERE "providerId" = ${providerId} GROUP BY g ORDER BY count(*) DESC, g LIMIT ${MAX_SEEN}`;
  return rows.map(({ external, members }) => ({ external, members: Number(members) }));
}

/** What an admin may change, as audit rows keep it. */
export function toProviderAudit(row: ProviderRow): object {
  const { name, title, enabled, settings, emailTrust, createPeople } = row;
  return { name, title, enabled, settings, emailTrust, createPeople, secretSet: row.sealedSecret !== null };
}

/** What the shape alone cannot say. Throws `bad-input`. */
export function checkSettings(settings: ProviderSettingsView): void {
  const field = settings.kind === 'oidc' ? 'issuer' : 'signInUrl';
  const address = settings.kind === 'oidc' ? settings.issuer : settings.signInUrl;
  if (!isSecureAddress(address)) throw refused(`settings.${field}`, 'it must begin with `https://`');
  if (settings.kind === 'saml' && splitCertificates(settings.certificates) === null)
    throw refused('settings.certificates', 'give one or more certificates as PEM (`-----BEGIN CERTIFICATE-----`)');
}

const refused = (path: string, message: string): TaskgateError =>
  new TaskgateError('bad-input', message, { problems: [{ path, message, position: null }] });

/** Who the provider's subjects are depends on these: with others, the same subject may be somebody else. */
export function identityOf(settings: ProviderSettingsView): string {
  return settings.kind === 'oidc'
    ? `oidc ${settings.issuer}`
    : `saml ${settings.entityId} ${settings.subjectAttribute ?? ''}`;
}

/** Throws `not-found`. */
export async function findProvider(db: Transaction, name: string): Promise<ProviderRow> {
  const row = await db.signInProvider.findUnique({ where: { name }, select: PROVIDER_SELECT });
  if (row === null) throw new TaskgateError('not-found', `there is no sign-in provider \`${name}\``);
  return row;
}
