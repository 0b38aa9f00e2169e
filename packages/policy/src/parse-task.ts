import { checkCondition } from './activation-condition.ts';
import { parseAllowRule, parseApprovals, parseDenyRule, parseHoldRule, parseMaskRule } from './parse-rule.ts';
import { parsed, parseEach, parseLimits, parseName, parseNames, parseRecord, requireKind } from './parse-terms.ts';
import type { ParseResult, TaskDocument } from './policy-document.ts';
import { type Place, YamlSource } from './yaml-source.ts';

const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 86_400_000;
const DEFAULT_TTL_MS = HOUR;
const DEFAULT_REQUEST_TIMEOUT_MS = DAY;

export const TASK_KEYS = [
  'kind',
  'name',
  'purpose',
  'resource',
  'who',
  'access',
  'allow',
  'hold',
  'deny',
  'mask',
  'limits',
  'record',
] as const;
export const ACCESS_KEYS = ['reason', 'ticket', 'approvals', 'ttl', 'when'] as const;

/** On what terms it is activated; missing: freely, for an hour. */
export function parseAccess(yaml: YamlSource, place: Place | undefined): TaskDocument['access'] {
  const fields = place?.node ? yaml.mapping(place, ACCESS_KEYS) : undefined;
  const reason = fields?.get('reason');
  const ticket = fields?.get('ticket');
  const approvals = fields?.get('approvals');
  const ttl = fields?.get('ttl');
  const whenPlace = fields?.get('when');
  const when = whenPlace && yaml.text(whenPlace, 1000);
  const wrong = when === undefined ? null : checkCondition(when);
  if (wrong !== null) yaml.problem(whenPlace!, wrong);
  return {
    reasonRequired: (reason && yaml.choice(reason, ['required', 'optional'])) === 'required',
    ticketRequired: (ticket && yaml.choice(ticket, ['required', 'optional'])) === 'required',
    approvals: (approvals && parseApprovals(yaml, approvals, DEFAULT_REQUEST_TIMEOUT_MS)) ?? null,
    ttlMs: (ttl && yaml.durationMs(ttl, MINUTE, DAY, '1m to 24h')) ?? DEFAULT_TTL_MS,
    when: when ?? null,
  };
}

export function parseWho(yaml: YamlSource, place: Place | undefined): TaskDocument['who'] {
  const who = place?.node ? yaml.mapping(place, ['groups', 'machines', 'agents']) : undefined;
  return {
    groups: parseNames(yaml, who?.get('groups')),
    machines: parseNames(yaml, who?.get('machines')),
    agents: parseNames(yaml, who?.get('agents')),
  };
}

/** Reads one Task; all of its problems come at once, each with its place. Never throws. */
export function parseTask(source: string): ParseResult<TaskDocument> {
  const yaml = new YamlSource(source);
  const empty = { ok: false, problems: yaml.problems } as const;
  if (yaml.problems.length > 0) return empty;
  const fields = yaml.mapping(yaml.root, TASK_KEYS);
  if (!fields) return empty;
  requireKind(yaml, fields, 'Task');
  const namePlace = yaml.required(fields, 'name');
  const purposePlace = yaml.required(fields, 'purpose');
  const resourcePlace = yaml.required(fields, 'resource');
  return parsed(yaml, {
    kind: 'Task',
    name: (namePlace && parseName(yaml, namePlace)) ?? '',
    purpose: (purposePlace && yaml.text(purposePlace, 500)) ?? '',
    resource: (resourcePlace && parseName(yaml, resourcePlace)) ?? '',
    who: parseWho(yaml, fields.get('who')),
    access: parseAccess(yaml, fields.get('access')),
    allow: parseEach(yaml, fields.get('allow'), parseAllowRule),
    hold: parseEach(yaml, fields.get('hold'), parseHoldRule),
    deny: parseEach(yaml, fields.get('deny'), parseDenyRule),
    mask: parseEach(yaml, fields.get('mask'), parseMaskRule),
    limits: parseLimits(yaml, fields.get('limits')),
    record: parseRecord(yaml, fields.get('record')),
  });
}
