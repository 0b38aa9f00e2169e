import { isMap } from 'yaml';
import { parseClassifyRule, parseDenyRule, parseMaskRule, parsePolicyHoldRule } from './parse-rule.ts';
import {
  parsed,
  parseEach,
  parseLabels,
  parseLimits,
  parseName,
  parseNames,
  parseRecord,
  requireKind,
} from './parse-terms.ts';
import type { ParseResult, PolicyDocument } from './policy-document.ts';
import { type Fields, type Place, YamlSource } from './yaml-source.ts';

export const POLICY_KEYS = [
  'kind',
  'name',
  'purpose',
  'applies',
  'classify',
  'deny',
  'hold',
  'mask',
  'limits',
  'record',
] as const;

const NOTHING: PolicyDocument['applies'] = { all: false, names: [], labels: {} };

const isEmpty = (yaml: YamlSource, place: Place): boolean =>
  yaml.isEmptyList(place) || (isMap(place.node) && place.node.items.length === 0);

function parseApplies(yaml: YamlSource, fields: Fields): PolicyDocument['applies'] {
  const place = yaml.required(fields, 'applies');
  const applies = place && yaml.mapping(place, ['resources', 'all']);
  if (!applies) return NOTHING;
  const allPlace = applies.get('all');
  const all = allPlace ? yaml.boolean(allPlace) === true : false;
  const resourcesPlace = applies.get('resources');
  const resources = resourcesPlace?.node ? yaml.mapping(resourcesPlace, ['names', 'labels', 'all']) : undefined;
  const innerAll = resources?.get('all');
  const found = {
    all: all || (innerAll ? yaml.boolean(innerAll) === true : false),
    names: parseNames(yaml, resources?.get('names')),
    labels: parseLabels(yaml, resources?.get('labels')),
  };
  const narrowed = ['names', 'labels'].some((key) => resources?.get(key)?.node && !isEmpty(yaml, resources.get(key)!));
  if (found.all && narrowed) yaml.problem(place, '`all: true` with `names` or `labels` says two things; keep one');
  if (!found.all && !narrowed)
    yaml.problem(
      place,
      'the policy applies to nothing; name resources or labels, or write `all: true` for every resource',
    );
  return found;
}

/** Reads one Policy; all of its problems come at once, each with its place. Never throws. */
export function parsePolicy(source: string): ParseResult<PolicyDocument> {
  const yaml = new YamlSource(source);
  const empty = { ok: false, problems: yaml.problems } as const;
  if (yaml.problems.length > 0) return empty;
  const fields = yaml.mapping(yaml.root, [...POLICY_KEYS, 'allow']);
  if (!fields) return empty;
  requireKind(yaml, fields, 'Policy');
  const allow = fields.get('allow');
  if (allow) yaml.problem(allow, 'a policy never allows, it only takes away; put `allow` in a task');
  const namePlace = yaml.required(fields, 'name');
  const purposePlace = yaml.required(fields, 'purpose');
  return parsed(yaml, {
    kind: 'Policy',
    name: (namePlace && parseName(yaml, namePlace)) ?? '',
    purpose: (purposePlace && yaml.text(purposePlace, 500)) ?? '',
    applies: parseApplies(yaml, fields),
    classify: parseEach(yaml, fields.get('classify'), parseClassifyRule),
    deny: parseEach(yaml, fields.get('deny'), parseDenyRule),
    hold: parseEach(yaml, fields.get('hold'), parsePolicyHoldRule),
    mask: parseEach(yaml, fields.get('mask'), parseMaskRule),
    limits: parseLimits(yaml, fields.get('limits')),
    record: parseRecord(yaml, fields.get('record')),
  });
}
