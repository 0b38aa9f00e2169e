import { oc } from '@orpc/contract';
import { EMAIL_TRUSTS } from '@taskgate/core';
import * as z from 'zod';
import { Proof } from './passkeys.ts';
import { Instant, ShortText, Slug } from './shapes.ts';

const Claim = z.string().trim().min(1).max(200);
const Address = z.url({ protocol: /^https?$/ }).max(500);

export const OidcSettings = z.object({
  kind: z.literal('oidc'),
  /** Its `iss`: discovery is at `<issuer>/.well-known/openid-configuration`. */
  issuer: Address,
  clientId: z.string().trim().min(1).max(300),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/, 'a scope has no spaces'))
    .max(20)
    .refine((scopes) => scopes.includes('openid'), '`openid` must be among them'),
  /** The claim with the groups, or its path with dots. */
  groupsClaim: Claim,
});
export const SamlSettings = z.object({
  kind: z.literal('saml'),
  /** The identity provider's. */
  entityId: z.string().trim().min(1).max(500),
  signInUrl: Address,
  /** PEM, one or more. */
  certificates: z.string().min(1).max(50_000),
  emailAttribute: Claim,
  nameAttribute: Claim,
  groupsAttribute: Claim,
  /** `null`: the NameID is who somebody is. */
  subjectAttribute: Claim.nullable(),
});
export const ProviderSettings = z.discriminatedUnion('kind', [OidcSettings, SamlSettings]);

export const GroupMapping = z.object({
  /** The group as the provider or the directory calls it. */
  external: z.string().trim().min(1).max(300),
  /** Name of one of ours. */
  group: Slug,
});
/** A group that was seen outside, so that it can be chosen. */
export const SeenGroup = z.object({ external: z.string(), members: z.number().int() });

export const SignInProvider = z.object({
  id: z.string(),
  name: Slug,
  title: z.string(),
  enabled: z.boolean(),
  settings: ProviderSettings,
  secretSet: z.boolean(),
  emailTrust: z.enum(EMAIL_TRUSTS),
  createPeople: z.boolean(),
  /** What the provider must be told about this side. */
  addresses: z.object({ callback: z.string(), entityId: z.string().nullable(), metadata: z.string().nullable() }),
  /** How many people have signed in by it. */
  people: z.number().int(),
  mappings: z.array(GroupMapping),
  seenGroups: z.array(SeenGroup),
  createdAt: Instant,
  updatedAt: Instant,
});
export const ProviderTestResult = z.object({
  ok: z.boolean(),
  steps: z.array(z.object({ name: z.string(), ok: z.boolean(), message: z.string() })),
});

const Editable = z.object({
  title: ShortText,
  enabled: z.boolean(),
  settings: ProviderSettings,
  /** `null`: none, a public client. */
  clientSecret: z.string().min(1).max(2000).nullable(),
  emailTrust: z.enum(EMAIL_TRUSTS),
  createPeople: z.boolean(),
});
const ByName = z.object({ name: Slug });
/** Who says how people come in shows that it is they: a password or a passkey of the caller's. */
const Proven = { proof: Proof.optional() };

export const providers = {
  list: oc.route({ method: 'GET', path: '/sign-in-providers' }).output(z.array(SignInProvider)),
  get: oc.route({ method: 'GET', path: '/sign-in-providers/{name}' }).input(ByName).output(SignInProvider),
  create: oc
    .route({ method: 'POST', path: '/sign-in-providers' })
    .input(
      Editable.extend({
        name: Slug,
        enabled: z.boolean().default(true),
        clientSecret: Editable.shape.clientSecret.default(null),
        emailTrust: Editable.shape.emailTrust.default('never'),
        createPeople: z.boolean().default(false),
        ...Proven,
      }),
    )
    .output(SignInProvider),
  update: oc
    .route({ method: 'PATCH', path: '/sign-in-providers/{name}' })
    .input(Editable.partial().extend({ name: Slug, ...Proven }))
    .output(SignInProvider),
  remove: oc
    .route({ method: 'POST', path: '/sign-in-providers/{name}/remove', summary: 'Ends every sign-in that came by it' })
    .input(ByName.extend(Proven))
    .output(z.object({ removed: z.literal(true), endedSessions: z.number().int() })),
  test: oc
    .route({
      method: 'POST',
      path: '/sign-in-providers/{name}/test',
      summary: 'Asks the provider what it can, without a sign-in',
    })
    .input(ByName)
    .output(ProviderTestResult),
  mapGroups: oc
    .route({
      method: 'PUT',
      path: '/sign-in-providers/{name}/groups',
      summary: 'All mappings from now on; memberships follow at once',
    })
    .input(z.object({ name: Slug, mappings: z.array(GroupMapping).max(2000), ...Proven }))
    .output(SignInProvider),
  unlink: oc
    .route({
      method: 'POST',
      path: '/sign-in-providers/{name}/people/{userId}/unlink',
      summary: 'Forget which subject a person is there',
    })
    .input(z.object({ name: Slug, userId: z.string().max(60), ...Proven }))
    .output(z.object({ unlinked: z.literal(true) })),
};
