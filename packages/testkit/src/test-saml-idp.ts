import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inflateRawSync } from 'node:zlib';
import * as samlify from 'samlify';
import { generate } from 'selfsigned';

// It wants to be told how to check against the schema; the responses here are its own.
samlify.setSchemaValidator({ validate: () => Promise.resolve('not checked') });

export interface TestSamlPerson {
  readonly nameId: string;
  readonly attributes: Readonly<Record<string, string | readonly string[]>>;
}

/** What a response has other than it should. */
export interface SamlFlaws {
  readonly signed?: 'assertion' | 'message' | 'nothing';
  readonly algorithm?: 'sha256' | 'sha1';
  readonly nameIdFormat?: string;
  readonly issuer?: string;
  readonly audience?: string;
  readonly recipient?: string;
  /** Of the response and of the confirmation. */
  readonly inResponseTo?: string;
  readonly subjectInResponseTo?: string;
  readonly confirmation?: string;
  readonly assertionId?: string;
  /** Milliseconds by which its clock is ahead. */
  readonly clockMs?: number;
  readonly statusCode?: string;
}

/** A real SAML identity provider's library, with a page that posts its response back. */
export interface TestSamlIdp {
  readonly entityId: string;
  readonly signInUrl: string;
  /** PEM. */
  readonly certificate: string;
  /** Whoever comes to its page from now on is this one. */
  signInAs(person: TestSamlPerson): void;
  /** The response to a request, in base64, and where its form posts it. */
  respond(requestUrl: string | URL, person: TestSamlPerson, flaws?: SamlFlaws): Promise<SamlPost>;
  stop(): Promise<void>;
}
export interface SamlPost {
  readonly acsUrl: string;
  readonly response: string;
}

const SHA256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';
const SHA1 = 'http://www.w3.org/2000/09/xmldsig#rsa-sha1';
export const PERSISTENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent';
const BEARER = 'urn:oasis:names:tc:SAML:2.0:cm:bearer';
const POST_BINDING = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST';
const LIFE_MS = 5 * 60_000;

export async function startTestSamlIdp(): Promise<TestSamlIdp> {
  const { private: privateKey, cert } = await generate([{ name: 'commonName', value: 'test identity provider' }], {
    keySize: 2048,
    algorithm: 'sha256',
  });
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const entityId = `${origin}/metadata`;
  let current: TestSamlPerson | null = null;

  const respond: TestSamlIdp['respond'] = async (requestUrl, person, flaws = {}) => {
    const request = readRequest(new URL(requestUrl));
    const { signed = 'assertion' } = flaws;
    const idp = samlify.IdentityProvider({
      entityID: entityId,
      privateKey,
      signingCert: cert,
      requestSignatureAlgorithm: flaws.algorithm === 'sha1' ? SHA1 : SHA256,
      singleSignOnService: [{ Binding: POST_BINDING, Location: `${origin}/sso` }],
      singleLogoutService: [{ Binding: POST_BINDING, Location: `${origin}/slo` }],
    });
    const sp = samlify.ServiceProvider({
      entityID: request.issuer,
      wantAssertionsSigned: signed === 'assertion',
      assertionConsumerService: [{ Binding: POST_BINDING, Location: request.acsUrl }],
    });
    const xml = writeResponse(entityId, request, person, flaws);
    if (signed === 'nothing') return { acsUrl: request.acsUrl, response: Buffer.from(xml).toString('base64') };
    const { context } = await idp.createLoginResponse(sp, {} as never, 'post', {}, () => ({ id: '', context: xml }));
    return { acsUrl: request.acsUrl, response: context };
  };

  server.on('request', (request, response) => {
    if (current === null || !request.url?.startsWith('/sso?')) return void response.writeHead(404).end();
    respond(`${origin}${request.url}`, current).then(
      (post) =>
        response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(
          `<!doctype html><title>Test identity provider</title><form method="post" action="${post.acsUrl}">
          <input type="hidden" name="SAMLResponse" value="${post.response}"><button autofocus>Continue</button></form>`,
        ),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  return {
    entityId,
    signInUrl: `${origin}/sso`,
    certificate: cert,
    signInAs(person) {
      current = person;
    },
    respond,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface SamlRequest {
  readonly id: string;
  readonly issuer: string;
  readonly acsUrl: string;
}

function readRequest(url: URL): SamlRequest {
  const xml = inflateRawSync(Buffer.from(url.searchParams.get('SAMLRequest') ?? '', 'base64')).toString('utf8');
  const find = (pattern: RegExp): string => pattern.exec(xml)?.[1] ?? '';
  return {
    id: find(/\sID="([^"]+)"/),
    issuer: find(/<(?:\w+:)?Issuer[^>]*>([^<]+)</),
    acsUrl: find(/AssertionConsumerServiceURL="([^"]+)"/),
  };
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

function writeResponse(entityId: string, request: SamlRequest, person: TestSamlPerson, flaws: SamlFlaws): string {
  const now = Date.now() + (flaws.clockMs ?? 0);
  const [at, end] = [new Date(now).toISOString(), new Date(now + LIFE_MS).toISOString()];
  const id = (): string => `_${randomBytes(16).toString('hex')}`;
  const issuer = `<saml:Issuer>${escaped(flaws.issuer ?? entityId)}</saml:Issuer>`;
  const inResponseTo = flaws.inResponseTo ?? request.id;
  const answers = inResponseTo === '' ? '' : ` InResponseTo="${inResponseTo}"`;
  const confirms = flaws.subjectInResponseTo ?? inResponseTo;
  const attributes = Object.entries(person.attributes).map(
    ([name, values]) =>
      `<saml:Attribute Name="${escaped(name)}">${[values]
        .flat()
        .map((value) => `<saml:AttributeValue>${escaped(value)}</saml:AttributeValue>`)
        .join('')}</saml:Attribute>`,
  );
  const status = flaws.statusCode ?? 'urn:oasis:names:tc:SAML:2.0:status:Success';
  const assertion =
    flaws.statusCode !== undefined
      ? ''
      : `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="${flaws.assertionId ?? id()}" Version="2.0" IssueInstant="${at}">${issuer}<saml:Subject><saml:NameID Format="${flaws.nameIdFormat ?? PERSISTENT}">${escaped(person.nameId)}</saml:NameID><saml:SubjectConfirmation Method="${flaws.confirmation ?? BEARER}"><saml:SubjectConfirmationData NotOnOrAfter="${end}" Recipient="${escaped(flaws.recipient ?? request.acsUrl)}"${confirms === '' ? '' : ` InResponseTo="${confirms}"`}/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="${at}" NotOnOrAfter="${end}"><saml:AudienceRestriction><saml:Audience>${escaped(flaws.audience ?? request.issuer)}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="${at}"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>${attributes.join('')}</saml:AttributeStatement></saml:Assertion>`;
  return `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="${id()}" Version="2.0" IssueInstant="${at}" Destination="${escaped(request.acsUrl)}"${answers}>${issuer}<samlp:Status><samlp:StatusCode Value="${status}"/></samlp:Status>${assertion}</samlp:Response>`;
}
