import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';
import { utf8Encode } from '@taskgate/core';
import { describe, expect, it } from 'vitest';
import { readFixture } from '../scripts/read-fixture.ts';
import { decodeBackendMessage } from './backend-messages.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { createFrameDecoder } from './frame-decoder.ts';
import { decodeFrontendMessage, decodeSaslInitialResponse } from './frontend-messages.ts';
import { maxBackendBytes, maxFrontendBytes } from './limits.ts';
import { md5Password } from './md5-password.ts';
import { isBackendTag, isFrontendTag } from './message-tags.ts';
import { ProtocolError } from './protocol-error.ts';
import { createScramClient } from './scram-client.ts';
import type { ScramChannelBinding, ScramCrypto, ScramMechanism } from './scram-crypto.ts';
import { createScramServer } from './scram-server.ts';
import { formatScramVerifier, makeScramVerifier, parseScramVerifier } from './scram-verifier.ts';

const crypto: ScramCrypto = {
  sha256: (bytes) => createHash('sha256').update(bytes).digest(),
  hmacSha256: (key, bytes) => createHmac('sha256', key).update(bytes).digest(),
  pbkdf2Sha256: (password, salt, iterations, length) => pbkdf2Sync(password, salt, iterations, length, 'sha256'),
  randomBytes: (count) => randomBytes(count),
  equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
};
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const salt = decodeBase64('W22ZaJ0SNY7soEsUEjb6gQ==')!;
const iterations = 4096;
const verifierOf = (password: string) => makeScramVerifier(crypto, password, salt, iterations);
const binding: ScramChannelBinding = { kind: 'tls-server-end-point', data: crypto.sha256(utf8Encode('certificate')) };

// RFC 7677 section 3, with the user name that its messages carry.
const RFC = {
  clientFirst: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
  serverFirst: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  clientFinal:
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
};

function server(options: {
  mechanisms?: ScramMechanism[];
  channelBinding?: ScramChannelBinding | null;
  nonce?: string;
}) {
  const { mechanisms = ['SCRAM-SHA-256'], channelBinding = null, nonce } = options;
  return createScramServer({
    crypto,
    mechanisms,
    channelBinding,
    salt,
    iterations,
    ...(nonce === undefined ? {} : { nonce }),
  });
}

function sqlstateOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof ProtocolError) return error.sqlstate;
    throw error;
  }
  return 'nothing thrown';
}

/** A whole handshake; the index of the verifier that matched, or `null`. */
function handshake(
  passwords: readonly string[],
  client: { password: string; channelBinding: ScramChannelBinding | null },
  gate: { mechanisms: ScramMechanism[]; channelBinding: ScramChannelBinding | null },
): number | null {
  const scramClient = createScramClient({ crypto, ...client });
  const scramServer = server(gate);
  const { mechanism, message } = scramClient.first(gate.mechanisms);
  const outcome = scramServer.verify(
    scramClient.final(scramServer.first(mechanism, message)),
    passwords.map(verifierOf),
  );
  if (outcome.matched !== null) scramClient.verify(outcome.serverFinal(outcome.matched));
  return outcome.matched;
}

describe('the server of a scram handshake', () => {
  it('answers as RFC 7677 does', () => {
    const scram = server({ nonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0' });
    expect(text(scram.first('SCRAM-SHA-256', utf8Encode(RFC.clientFirst)))).toBe(RFC.serverFirst);
    const outcome = scram.verify(utf8Encode(RFC.clientFinal), [verifierOf('pencil')]);
    expect(outcome.matched).toBe(0);
    expect(text(outcome.serverFinal(0))).toBe(RFC.serverFinal);
  });

  it('finds the one verifier of many that the proof fits', () => {
    const gate = { mechanisms: ['SCRAM-SHA-256'] as ScramMechanism[], channelBinding: null };
    const passwords = ['one', 'two', 'three'];
    expect(handshake(passwords, { password: 'three', channelBinding: null }, gate)).toBe(2);
    expect(handshake(passwords, { password: 'four', channelBinding: null }, gate)).toBe(null);
    expect(handshake([], { password: 'one', channelBinding: null }, gate)).toBe(null);
  });

  it('signs for no verifier but the one that matched', () => {
    const scram = server({ nonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0' });
    scram.first('SCRAM-SHA-256', utf8Encode(RFC.clientFirst));
    const outcome = scram.verify(utf8Encode(RFC.clientFinal), [verifierOf('other'), verifierOf('pencil')]);
    expect(outcome.matched).toBe(1);
    expect(() => outcome.serverFinal(0)).toThrow('signs only');
  });

  it('binds to the channel where both can', () => {
    const gate = { mechanisms: ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256'] as ScramMechanism[], channelBinding: binding };
    expect(handshake(['pw'], { password: 'pw', channelBinding: binding }, gate)).toBe(0);
    expect(handshake(['pw'], { password: 'pw', channelBinding: null }, gate)).toBe(0);
  });

  it('refuses a client that saw another certificate', () => {
    const other: ScramChannelBinding = { ...binding, data: crypto.sha256(utf8Encode('another')) };
    const gate = { mechanisms: ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256'] as ScramMechanism[], channelBinding: binding };
    expect(sqlstateOf(() => handshake(['pw'], { password: 'pw', channelBinding: other }, gate))).toBe('28000');
  });

  it.each([
    ['says that PLUS was not offered when it was', 'SCRAM-SHA-256', 'y,,n=,r=abc', '28000'],
    ['chooses PLUS and does not bind', 'SCRAM-SHA-256-PLUS', 'n,,n=,r=abc', '08P01'],
    ['binds without choosing PLUS', 'SCRAM-SHA-256', 'p=tls-server-end-point,,n=,r=abc', '08P01'],
    ['binds in another way', 'SCRAM-SHA-256-PLUS', 'p=tls-unique,,n=,r=abc', '28000'],
    ['chooses what was not offered', 'PLAIN', 'n,,n=,r=abc', '08P01'],
    ['wants to act as somebody else', 'SCRAM-SHA-256', 'n,a=admin,n=,r=abc', '0A000'],
    ['needs an extension', 'SCRAM-SHA-256', 'n,,m=x,n=,r=abc', '0A000'],
    ['sends no nonce', 'SCRAM-SHA-256', 'n,,n=,r=', '08P01'],
    ['sends a nonce that is not printable', 'SCRAM-SHA-256', 'n,,n=,r=a b', '08P01'],
    ['sends nothing', 'SCRAM-SHA-256', '', '08P01'],
  ])('refuses a client that %s', (_, mechanism, clientFirst, sqlstate) => {
    const scram = server({ mechanisms: ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256'], channelBinding: binding });
    expect(sqlstateOf(() => scram.first(mechanism, utf8Encode(clientFirst)))).toBe(sqlstate);
  });

  it.each([
    ['another nonce', RFC.clientFinal.replace('r=rOpr', 'r=rOps'), '08P01'],
    ['another header', RFC.clientFinal.replace('biws', 'eSws'), '28000'],
    ['no proof', RFC.clientFinal.replace(/,p=.*/, ''), '08P01'],
    ['a short proof', RFC.clientFinal.replace(/,p=.*/, ',p=AAAA'), '08P01'],
  ])('refuses a final message with %s', (_, clientFinal, sqlstate) => {
    const scram = server({ nonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0' });
    scram.first('SCRAM-SHA-256', utf8Encode(RFC.clientFirst));
    expect(sqlstateOf(() => scram.verify(utf8Encode(clientFinal), [verifierOf('pencil')]))).toBe(sqlstate);
  });
});

describe('the client of a scram handshake', () => {
  const client = () =>
    createScramClient({ crypto, password: 'pencil', channelBinding: null, nonce: 'rOprNGfwEbeRWgbNEkqO' });

  it.each([
    ['does not continue our nonce', RFC.serverFirst.replace('r=rO', 'r=xO')],
    ['adds nothing to our nonce', 'r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'],
    ['asks for too few iterations', RFC.serverFirst.replace('4096', '1')],
    ['asks for too many iterations', RFC.serverFirst.replace('4096', '1000001')],
    ['sends no salt', RFC.serverFirst.replace(/s=[^,]*/, 's=')],
  ])('refuses a server that %s', (_, serverFirst) => {
    const scram = client();
    scram.first(['SCRAM-SHA-256']);
    expect(sqlstateOf(() => scram.final(utf8Encode(serverFirst)))).toBe('08P01');
  });

  it.each([
    ['signs wrongly', RFC.serverFinal, '28P01'],
    ['says no', 'e=invalid-proof', '28P01'],
    ['says nothing', '', '08P01'],
  ])('does not trust a server that %s', (_, serverFinal, sqlstate) => {
    const scram = client();
    scram.first(['SCRAM-SHA-256']);
    scram.final(utf8Encode(RFC.serverFirst)); // our user name is empty, so the RFC's signature is a wrong one
    expect(sqlstateOf(() => scram.verify(utf8Encode(serverFinal)))).toBe(sqlstate);
  });

  it('says `y` where it could bind and the server does not offer it, and stops where it must bind', () => {
    const options = { crypto, password: 'pencil', channelBinding: binding };
    expect(text(createScramClient(options).first(['SCRAM-SHA-256']).message)).toMatch(/^y,,n=,r=/);
    const strict = createScramClient({ ...options, requireChannelBinding: true });
    expect(sqlstateOf(() => strict.first(['SCRAM-SHA-256']))).toBe('0A000');
  });
});

describe.each(['psql-simple', 'node-postgres'])('the handshake of %s with a real server', (name) => {
  const fixture = readFixture(name);
  const client = createFrameDecoder({ maxBytes: maxFrontendBytes, knows: isFrontendTag })
    .push(fixture.client)
    .map(decodeFrontendMessage)
    .filter((message) => message.kind === 'authentication');
  const requests = createFrameDecoder({ maxBytes: maxBackendBytes, knows: isBackendTag })
    .push(fixture.server)
    .map(decodeBackendMessage)
    .filter((message) => message.kind === 'authentication')
    .map(({ request }) => request);
  const initial = decodeSaslInitialResponse(client[0]!.data);
  const serverFirst = requests.find((request) => request.kind === 'sasl-continue')!.data;
  const serverFinal = requests.find((request) => request.kind === 'sasl-final')!.data;
  const field = (message: Uint8Array, letter: string) =>
    new RegExp(`(?:^|,)${letter}=([^,]+)`).exec(text(message))![1]!;
  const clientNonce = field(initial.response!, 'r');
  const serverNonce = field(serverFirst, 'r').slice(clientNonce.length);
  const serverSalt = decodeBase64(field(serverFirst, 's'))!;
  const password = 'fixture-password';

  it('takes our server for the real one', () => {
    const scram = createScramServer({
      crypto,
      mechanisms: ['SCRAM-SHA-256'],
      channelBinding: null,
      salt: serverSalt,
      iterations: 4096,
      nonce: serverNonce,
    });
    expect(text(scram.first(initial.mechanism, initial.response!))).toBe(text(serverFirst));
    const verifier = makeScramVerifier(crypto, password, serverSalt, 4096);
    const outcome = scram.verify(client[1]!.data, [verifierOf('other'), verifier]);
    expect(outcome.matched).toBe(1);
    expect(text(outcome.serverFinal(1))).toBe(text(serverFinal));
  });

  it('proves our client to the real server, and the real server to our client', () => {
    const scram = createScramClient({ crypto, password, channelBinding: null, nonce: clientNonce });
    expect(scram.first(['SCRAM-SHA-256']).mechanism).toBe(initial.mechanism);
    // node-postgres names its user `*` inside the exchange, which is part of what is signed.
    if (text(initial.response!).startsWith('n,,n=,')) {
      expect(text(scram.final(serverFirst))).toBe(text(client[1]!.data));
      scram.verify(serverFinal);
    }
  });
});

describe('a stored verifier', () => {
  it('has the form of pg_authid and comes back from it', () => {
    const verifier = { salt, iterations, ...verifierOf('pencil') };
    const stored = formatScramVerifier(verifier);
    expect(stored).toMatch(/^SCRAM-SHA-256\$4096:W22ZaJ0SNY7soEsUEjb6gQ==\$[^:]{44}:[^:]{44}$/);
    const parsed = parseScramVerifier(stored)!;
    expect(Buffer.from(parsed.storedKey)).toEqual(Buffer.from(verifier.storedKey));
    expect(Buffer.from(parsed.serverKey)).toEqual(Buffer.from(verifier.serverKey));
    expect(formatScramVerifier(parsed)).toBe(stored);
  });

  it.each(['', 'md5abc', 'SCRAM-SHA-256$0:AAAA$AAAA:AAAA', 'SCRAM-SHA-256$4096:AAAA$AAAA:AAAA'])(
    'is not read from `%s`',
    (stored) => expect(parseScramVerifier(stored)).toBe(null),
  );

  it('prepares passwords as SASLprep does', () => {
    const same = (a: string, b: string) => expect(verifierOf(a).serverKey).toEqual(verifierOf(b).serverKey);
    same('I\u00adX', 'IX'); // RFC 4013 section 3
    same('\u2168', 'IX');
    same('\u00aa', 'a');
    same('a\u00a0\u00e9', 'a \u0065\u0301');
    // Prohibited: as it is, so another than its NFKC form.
    expect(verifierOf('\u2168\u200e').serverKey).not.toEqual(verifierOf('IX\u200e').serverKey);
  });
});

it('base64 takes only the canonical form', () => {
  for (const length of [0, 1, 2, 3, 31, 32]) {
    const bytes = randomBytes(length);
    expect(encodeBase64(bytes)).toBe(bytes.toString('base64'));
    expect(Buffer.from(decodeBase64(bytes.toString('base64'))!)).toEqual(bytes);
  }
  for (const bad of ['A', 'AA', 'AB==', 'AAB=', 'AA==AAAA', 'AA-_', 'AA= =', 'AAAA\n'])
    expect(decodeBase64(bad)).toBe(null);
});

it('md5 answers as libpq does', () => {
  const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');
  const password = md5Password({ user: 'u', password: 'p', salt: Uint8Array.of(1, 2, 3, 4) }, md5);
  expect(password).toBe(`md5${md5(Buffer.concat([Buffer.from(md5(Buffer.from('pu'))), Buffer.of(1, 2, 3, 4)]))}`);
});
