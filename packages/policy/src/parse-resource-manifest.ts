import { parsed, parseLabels, parseName, requireKind } from './parse-terms.ts';
import { type ParseResult, PRINCIPALS_MODES, type ResourceDocument, TLS_MODES } from './policy-document.ts';
import { clip, type Place, YamlSource } from './yaml-source.ts';

export const RESOURCE_KEYS = [
  'kind',
  'name',
  'purpose',
  'type',
  'host',
  'port',
  'database',
  'username',
  'tls',
  'labels',
  'principals',
  'rotate',
  'secret',
] as const;

const DEFAULT_PORT = 5432;
const HOUR = 3_600_000;
const HOST = /^(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?\.?|(?=.*:.*:)[0-9A-Fa-f:.]{2,45})$/;
const PEM = /^-----BEGIN CERTIFICATE-----\n[\s\S]+\n-----END CERTIFICATE-----\s*$/;

function parseHost(yaml: YamlSource, place: Place): string | undefined {
  const text = yaml.text(place, 253);
  if (text === undefined || HOST.test(text)) return text;
  return yaml.problem(
    place,
    `\`${clip(text)}\` is not a host name or address; write it without scheme, port or brackets`,
  );
}

function parseIdentifier(yaml: YamlSource, place: Place): string | undefined {
  const text = yaml.text(place, 63);
  if (text === undefined || !/\p{Cc}/u.test(text)) return text;
  return yaml.problem(place, `\`${place.path}\` has a control character in it; remove it`);
}

function parseTls(yaml: YamlSource, place: Place | undefined): ResourceDocument['tls'] {
  const strict: ResourceDocument['tls'] = { mode: 'verify-full', ca: null };
  const fields = place?.node ? yaml.mapping(place, ['mode', 'ca']) : undefined;
  if (!fields) return strict;
  const modePlace = yaml.required(fields, 'mode');
  const mode = (modePlace && yaml.choice(modePlace, TLS_MODES)) ?? strict.mode;
  const caPlace = fields.get('ca');
  const ca = caPlace && yaml.text(caPlace, 100_000);
  if (ca !== undefined && !PEM.test(ca))
    yaml.problem(caPlace!, '`tls.ca` must be certificates in PEM form, written as a block with `|`');
  if (ca !== undefined && (mode === 'disable' || mode === 'require'))
    yaml.problem(caPlace!, `\`tls.ca\` is not looked at in mode \`${mode}\`; use \`verify-ca\` or \`verify-full\``);
  return { mode, ca: ca ?? null };
}

/** A reference only: a secret written into a file is refused, and the message does not repeat it. */
function parseSecret(yaml: YamlSource, place: Place): ResourceDocument['secret'] | undefined {
  const text = yaml.text(place, 1000);
  if (text === undefined) return undefined;
  const name = /^env:([A-Za-z_][A-Za-z0-9_]{0,127})$/.exec(text)?.[1];
  if (name !== undefined) return { from: 'env', name };
  const path = /^file:([^\p{Cc}]+)$/u.exec(text)?.[1];
  if (path !== undefined) return { from: 'file', path };
  return yaml.problem(
    place,
    '`secret` must say where the secret is: `env:NAME` or `file:PATH`; never write the secret itself',
  );
}

/** Reads one Resource; all of its problems come at once, each with its place. TLS is `verify-full` unless it says less. */
export function parseResourceManifest(source: string): ParseResult<ResourceDocument> {
  const yaml = new YamlSource(source);
  const empty = { ok: false, problems: yaml.problems } as const;
  if (yaml.problems.length > 0) return empty;
  const fields = yaml.mapping(yaml.root, RESOURCE_KEYS);
  if (!fields) return empty;
  requireKind(yaml, fields, 'Resource');
  const namePlace = yaml.required(fields, 'name');
  const typePlace = yaml.required(fields, 'type');
  const hostPlace = yaml.required(fields, 'host');
  const databasePlace = yaml.required(fields, 'database');
  const usernamePlace = yaml.required(fields, 'username');
  const secretPlace = yaml.required(fields, 'secret');
  const purposePlace = fields.get('purpose');
  const portPlace = fields.get('port');
  const principalsPlace = fields.get('principals');
  const rotatePlace = fields.get('rotate');
  if (typePlace) yaml.choice(typePlace, ['postgres']);
  return parsed(yaml, {
    kind: 'Resource',
    name: (namePlace && parseName(yaml, namePlace)) ?? '',
    purpose: (purposePlace && yaml.text(purposePlace, 500)) ?? '',
    type: 'postgres',
    host: (hostPlace && parseHost(yaml, hostPlace)) ?? '',
    port: portPlace ? (yaml.integer(portPlace, 1, 65_535) ?? 0) : DEFAULT_PORT,
    database: (databasePlace && parseIdentifier(yaml, databasePlace)) ?? '',
    username: (usernamePlace && parseIdentifier(yaml, usernamePlace)) ?? '',
    tls: parseTls(yaml, fields.get('tls')),
    labels: parseLabels(yaml, fields.get('labels')),
    principals: (principalsPlace && yaml.choice(principalsPlace, PRINCIPALS_MODES)) ?? 'when-possible',
    rotateMs: (rotatePlace && yaml.durationMs(rotatePlace, HOUR, 3650 * 24 * HOUR, '1h to 3650d')) ?? null,
    secret: (secretPlace && parseSecret(yaml, secretPlace)) ?? { from: 'env', name: '' },
  });
}
