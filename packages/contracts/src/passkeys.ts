import { oc } from '@orpc/contract';
import * as z from 'zod';
import { Instant } from './shapes.ts';

const Base64url = (max: number) =>
  z
    .string()
    .regex(/^[A-Za-z0-9_-]*$/, 'base64url without padding')
    .max(max);
const CredentialId = Base64url(1400);
const Transports = z.array(z.string().max(20)).max(10);

/** A passkey's answer, as `PublicKeyCredential.toJSON()` gives it (WebAuthn section 5.1). */
export const Assertion = z.object({
  id: CredentialId,
  rawId: CredentialId,
  type: z.literal('public-key'),
  response: z.object({
    clientDataJSON: Base64url(4000),
    authenticatorData: Base64url(4000),
    signature: Base64url(4000),
    userHandle: Base64url(100).optional(),
  }),
});
export const Registration = z.object({
  id: CredentialId,
  rawId: CredentialId,
  type: z.literal('public-key'),
  response: z.object({
    clientDataJSON: Base64url(4000),
    attestationObject: Base64url(20_000),
    transports: Transports.optional(),
  }),
});

const Credential = z.object({ type: z.literal('public-key'), id: z.string(), transports: z.array(z.string()) });
/** For `navigator.credentials.get`; none in `allowCredentials` lets the person choose. */
export const RequestOptions = z.object({
  challenge: z.string(),
  rpId: z.string(),
  timeout: z.number().int(),
  userVerification: z.literal('required'),
  allowCredentials: z.array(Credential),
});
/** For `navigator.credentials.create`. */
export const CreationOptions = z.object({
  challenge: z.string(),
  rp: z.object({ id: z.string(), name: z.string() }),
  user: z.object({ id: z.string(), name: z.string(), displayName: z.string() }),
  pubKeyCredParams: z.array(z.object({ type: z.literal('public-key'), alg: z.number().int() })),
  timeout: z.number().int(),
  attestation: z.literal('none'),
  excludeCredentials: z.array(Credential),
  authenticatorSelection: z.object({
    residentKey: z.literal('required'),
    requireResidentKey: z.literal(true),
    userVerification: z.literal('required'),
  }),
});

export const Passkey = z.object({
  id: z.string(),
  name: z.string(),
  /** It was made for this site as it is served now. */
  usable: z.boolean(),
  /** Kept by more than one device. */
  synced: z.boolean(),
  /** The key's thumbprint (RFC 7638), which a signed approval's is compared with. */
  keySha256: z.string(),
  createdAt: Instant,
  lastUsedAt: Instant.nullable(),
});
export const PasskeyName = z.string().trim().min(1).max(60);

/** What shows that it is the person who asks, and not somebody at their open browser: one of these. */
export const Proof = z.object({
  password: z.string().min(1).max(200).nullable().default(null),
  assertion: Assertion.nullable().default(null),
});
const ById = z.object({ id: z.string().max(60) });

export const passkeys = {
  list: oc
    .route({ method: 'GET', path: '/me/passkeys' })
    /** `origin`: where passkeys work, which may be another name of this machine; `null`: nowhere, and `why` says why. */
    .output(z.object({ items: z.array(Passkey), origin: z.string().nullable(), why: z.string().nullable() })),
  /** For the proof that registering, removing, and setting a password of somebody else’s ask for. */
  askToProve: oc.route({ method: 'POST', path: '/me/passkeys/proof-challenge' }).output(RequestOptions),
  askToRegister: oc
    .route({ method: 'POST', path: '/me/passkeys/registration-challenge' })
    .input(Proof)
    .output(CreationOptions),
  register: oc
    .route({ method: 'POST', path: '/me/passkeys' })
    .input(z.object({ name: PasskeyName, registration: Registration }))
    .output(Passkey),
  rename: oc
    .route({ method: 'PATCH', path: '/me/passkeys/{id}' })
    .input(ById.extend({ name: PasskeyName }))
    .output(Passkey),
  remove: oc
    .route({ method: 'POST', path: '/me/passkeys/{id}/remove' })
    .input(ById.extend(Proof.shape))
    .output(z.object({ left: z.number().int() })),
  removeAllOf: oc
    .route({
      method: 'POST',
      path: '/users/{id}/remove-passkeys',
      summary: 'Remove the passkeys of somebody else, who lost them; the proof is of who asks',
    })
    .input(ById.extend(Proof.shape))
    .output(z.object({ removed: z.number().int() })),
  /** For anybody: which passkey it is, and whose, the answer says. */
  askToSignIn: oc.route({ method: 'POST', path: '/sign-in/passkey-challenge' }).output(RequestOptions),
};
