import { X509Certificate } from 'node:crypto';
import { type Profile, SAML, SamlStatusError, ValidateInResponseTo } from '@node-saml/node-saml';
import { ProviderError, type ProviderTestStep, readGroups, readText, type SignInProof } from './sign-in-proof.ts';

export interface SamlIdp {
  /** Entity id of the identity provider: the `Issuer` of its assertions. */
  readonly entityId: string;
  /** Its single sign-on address, for the redirect binding. */
  readonly signInUrl: string;
  /** PEM; any of them may have signed, so that keys can be rolled. */
  readonly certificates: readonly string[];
}

/** This side, as the identity provider has been told. */
export interface SamlServiceProvider {
  readonly entityId: string;
  /** Assertion consumer service. */
  readonly acsUrl: string;
}

export interface SamlAttributes {
  readonly email: string;
  readonly name: string;
  readonly groups: string;
  /** Attribute that names the person for good; `null`: the NameID does. */
  readonly subject: string | null;
}

export interface SamlProof extends SignInProof {
  readonly assertionId: string;
  /** Epoch milliseconds from which the assertion is not taken any more, skew included. */
  readonly usableUntilMs: number;
}

export const SAML_CLOCK_SKEW_MS = 60_000;
/** An identity provider that gives assertions longer than this is held to it. */
const MAX_ASSERTION_AGE_MS = 10 * 60_000;
const REQUEST_LIFE_MS = 15 * 60_000;
const MAX_RESPONSE_BYTES = 256 * 1024;
/** The library takes time by the square of what stands side by side; a person of a thousand groups has some more than that. */
const MAX_ELEMENTS = 2_000;
const MAX_TAG_LENGTH = 8_192;
const TRANSIENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient';
const EMAIL_FORMAT = 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress';
const BEARER = 'urn:oasis:names:tc:SAML:2.0:cm:bearer';

/** Where to send the browser with a request of that id (SAML 2.0 Bindings 3.4). */
export async function startSaml(
  idp: SamlIdp,
  sp: SamlServiceProvider,
  request: { readonly id: string; readonly relayState: string },
): Promise<URL> {
  const saml = createSaml(idp, sp, { id: request.id, atMs: 0 });
  return new URL(await saml.getAuthorizeUrlAsync(request.relayState, undefined, {}));
}

/**
 * The request that a response says it answers. Not proven yet: the response must be checked against it. Anybody may send
 * one, so no more is looked at than the one tag.
 */
export function readInResponseTo(response: string): string | null {
  const xml = decodeResponse(response);
  const start = xml.search(/<(?:\w+:)?Response\s/);
  if (start < 0) return null;
  const tag = xml.slice(start, start + MAX_TAG_LENGTH);
  const [, id] = /\sInResponseTo=["']([\w.-]{1,100})["']/.exec(tag.slice(0, tag.indexOf('>') + 1)) ?? [];
  return id ?? null;
}

/**
 * Checks a response to one request of ours: the assertion's own signature, issuer, audience, times, that it was made for
 * this request and this address. Only what the signature covers is read (that is how wrapped signatures come to nothing).
 * Throws {@link ProviderError}.
 */
export async function finishSaml(
  idp: SamlIdp,
  sp: SamlServiceProvider,
  answer: {
    readonly response: string;
    readonly requestId: string;
    readonly nowMs: number;
    readonly attributes: SamlAttributes;
  },
): Promise<SamlProof> {
  const xml = decodeResponse(answer.response);
  if (/<!DOCTYPE|<!ENTITY/i.test(xml)) throw new ProviderError('not-valid', 'the response holds a document type');
  if (/xmldsig(?:-more)?#(?:rsa-|hmac-)?(?:sha1|md5)\b/.test(xml))
    throw new ProviderError('not-valid', 'the response is signed with SHA-1 or MD5; set the provider to SHA-256');
  // Anybody can begin a sign-in, and so have theirs looked at.
  if ((xml.match(/<[^/]/g) ?? []).length > MAX_ELEMENTS)
    throw new ProviderError('not-valid', `the response has more than ${MAX_ELEMENTS} elements; send fewer groups`);
  try {
    const saml = createSaml(idp, sp, { id: answer.requestId, atMs: answer.nowMs });
    const { profile } = await saml.validatePostResponseAsync({ SAMLResponse: answer.response });
    if (profile === null) throw new ProviderError('refused', 'the response holds no assertion');
    const assertion = readAssertion(profile);
    const usableUntilMs = checkSubject(assertion, sp, answer);
    return { ...readProof(idp, profile, answer.attributes), assertionId: assertion.$.ID, usableUntilMs };
  } catch (error) {
    if (error instanceof ProviderError) throw error;
    const message = error instanceof Error ? error.message : 'the response is not valid';
    throw new ProviderError(error instanceof SamlStatusError ? 'refused' : 'not-valid', message, { cause: error });
  }
}

/** Metadata of this side, for the identity provider to read (SAML 2.0 Metadata). */
export function describeServiceProvider(idp: SamlIdp, sp: SamlServiceProvider): string {
  return createSaml(idp, sp, { id: '_', atMs: 0 }).generateServiceProviderMetadata(null);
}

/** What can be known of an identity provider without signing in. Never throws. */
export function testSaml(idp: SamlIdp, nowMs: number): readonly ProviderTestStep[] {
  const steps: ProviderTestStep[] = [
    { name: 'address', ok: true, message: `requests go to ${new URL(idp.signInUrl).origin}` },
  ];
  for (const pem of idp.certificates) {
    try {
      const certificate = new X509Certificate(pem);
      const until = Date.parse(certificate.validTo);
      const subject = certificate.subject.replaceAll('\n', ', ');
      steps.push({
        name: 'certificate',
        ok: until > nowMs,
        message: `${subject}: ${until > nowMs ? 'valid until' : 'ended'} ${new Date(until).toISOString().slice(0, 10)}`,
      });
    } catch {
      steps.push({ name: 'certificate', ok: false, message: 'it cannot be read' });
    }
  }
  return steps;
}

function createSaml(
  idp: SamlIdp,
  sp: SamlServiceProvider,
  request: { readonly id: string; readonly atMs: number },
): SAML {
  // The one request that a response may answer; that it is answered once is its row's doing.
  const requests = {
    saveAsync: async () => null,
    getAsync: async (id: string) => (id === request.id ? new Date(request.atMs).toISOString() : null),
    removeAsync: async () => null,
  };
  return new SAML({
    callbackUrl: sp.acsUrl,
    issuer: sp.entityId,
    audience: sp.entityId,
    entryPoint: idp.signInUrl,
    idpCert: [...idp.certificates],
    wantAssertionsSigned: true,
    // Many sign the assertion alone; it is the assertion's signature that counts here, always.
    wantAuthnResponseSigned: false,
    acceptedClockSkewMs: SAML_CLOCK_SKEW_MS,
    maxAssertionAgeMs: MAX_ASSERTION_AGE_MS,
    validateInResponseTo: ValidateInResponseTo.always,
    requestIdExpirationPeriodMs: REQUEST_LIFE_MS,
    cacheProvider: requests,
    generateUniqueId: () => request.id,
    // Which form of name it gives, and how it proves people, is set at the provider.
    identifierFormat: null,
    disableRequestedAuthnContext: true,
    signatureAlgorithm: 'sha256',
    digestAlgorithm: 'sha256',
  });
}

interface Assertion {
  readonly $: { readonly ID: string };
  readonly Subject?: readonly {
    readonly SubjectConfirmation?: readonly {
      readonly $?: { readonly Method?: string };
      readonly SubjectConfirmationData?: readonly {
        readonly $?: { readonly InResponseTo?: string; readonly Recipient?: string; readonly NotOnOrAfter?: string };
      }[];
    }[];
  }[];
}

/** The signed assertion, as the library parsed it from the very bytes that were signed. */
function readAssertion(profile: Profile): Assertion {
  const parsed = profile.getAssertion?.() as { readonly Assertion?: Assertion } | undefined;
  const assertion = parsed?.Assertion;
  if (!assertion || typeof assertion.$?.ID !== 'string')
    throw new ProviderError('not-valid', 'the assertion has no id');
  return assertion;
}

/**
 * SAML 2.0 Profiles 4.1.4.2: a bearer confirmation names this request, this address, and an end. The library compares
 * less: it takes an assertion without any of these. Gives when the assertion's use is over.
 */
function checkSubject(
  assertion: Assertion,
  sp: SamlServiceProvider,
  { requestId, nowMs }: { readonly requestId: string; readonly nowMs: number },
): number {
  const ends = (assertion.Subject?.[0]?.SubjectConfirmation ?? []).flatMap((confirmation) => {
    const data = confirmation.SubjectConfirmationData?.[0]?.$;
    const end = Date.parse(data?.NotOnOrAfter ?? '');
    const fits = confirmation.$?.Method === BEARER && data?.InResponseTo === requestId && data.Recipient === sp.acsUrl;
    return fits && end + SAML_CLOCK_SKEW_MS > nowMs ? [end + SAML_CLOCK_SKEW_MS] : [];
  });
  if (ends.length === 0)
    throw new ProviderError(
      'not-valid',
      'no subject confirmation is a bearer one for this request and this address that still holds',
    );
  return Math.max(...ends);
}

function readProof(idp: SamlIdp, profile: Profile, names: SamlAttributes): SignInProof {
  if (profile.issuer !== idp.entityId)
    throw new ProviderError('not-valid', `the assertion is by \`${profile.issuer}\`, not by \`${idp.entityId}\``);
  const attributes = (profile.attributes ?? {}) as Readonly<Record<string, unknown>>;
  const attribute = (name: string): unknown => (Object.hasOwn(attributes, name) ? attributes[name] : undefined);
  const first = (value: unknown): string | null => readText(Array.isArray(value) ? value[0] : value);
  if (names.subject === null && profile.nameIDFormat === TRANSIENT)
    throw new ProviderError(
      'not-valid',
      'the NameID is transient, another at each sign-in; name an attribute as the subject, or ask for a persistent one',
    );
  const subject = names.subject === null ? readText(profile.nameID) : first(attribute(names.subject));
  if (subject === null) throw new ProviderError('not-valid', 'the assertion does not name who it is about');
  const email =
    first(attribute(names.email)) ?? (profile.nameIDFormat === EMAIL_FORMAT ? readText(profile.nameID) : null);
  return {
    subject,
    email: email?.toLowerCase() ?? null,
    // SAML has no word for it: the provider's administrators answer for what it asserts.
    emailVerified: email !== null,
    name: first(attribute(names.name)),
    groups: readGroups(attribute(names.groups)),
  };
}

function decodeResponse(response: string): string {
  if (response.length > MAX_RESPONSE_BYTES) throw new ProviderError('not-valid', 'the response is too large');
  return Buffer.from(response, 'base64').toString('utf8');
}
