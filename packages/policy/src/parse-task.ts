import type { ApprovalTerms } from '@taskgate/core';
import { checkCondition } from './activation-condition.ts';
import { parseAllowRule, parseApprovals, parseDenyRule, parseHoldRule, parseMaskRule } from './parse-rule.ts';
import { parsed, parseEach, parseLimits, parseName, parseNames, parseRecord, requireKind } from './parse-terms.ts';
import { type ParseResult, STEP_UPS, type TaskDocument } from './policy-document.ts';
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
export const ACCESS_KEYS = ['reason', 'ticket', 'approvals', 'ttl', 'when', 'step-up'] as const;

/** On what terms it is activated; missing: freely, for an hour. */
export function parseAccess(yaml: YamlSource, place: Place | undefined): TaskDocument['access'] {
  const fields = place?.node ? yaml.mapping(place, ACCESS_KEYS) : undefined;
  const reason = fields?.get('reason');
  const ticket = fields?.get('ticket');
  const approvals = fields?.get('approvals');
  const ttl = fields?.get('ttl');
  const whenPlace = fields?.get('when');
  const when = whenPlace && yaml.text(whenPlace, 1000);
  const stepUpPlace = fields?.get('step-up');
  const stepUp = (stepUpPlace && yaml.choice(stepUpPlace, STEP_UPS)) ?? 'none';
  if (stepUpPlace && !approvals && (stepUp === 'approval' || stepUp === 'both'))
    yaml.problem(stepUpPlace, `nobody approves this task, so \`${stepUp}\` asks for nothing; name \`approvals\` too`);
  const wrong = when === undefined ? null : checkCondition(when);
  if (wrong !== null) yaml.problem(whenPlace!, wrong);
  return {
    reasonRequired: (reason && yaml.choice(reason, ['required', 'optional'])) === 'required',
    ticketRequired: (ticket && yaml.choice(ticket, ['required', 'optional'])) === 'required',
    approvals: (approvals && parseRequestApprovals(yaml, approvals)) ?? null,
    ttlMs: (ttl && yaml.durationMs(ttl, MINUTE, DAY, '1m to 24h')) ?? DEFAULT_TTL_MS,
    when: when ?? null,
    stepUp,
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

/** Terms of the task's activation: whether its approvals are signed is said by `access.step-up` alone. */
function parseRequestApprovals(yaml: YamlSource, place: Place): ApprovalTerms | undefined {
  const stepUp = yaml.mapping(place, null)?.get('step-up');
  if (stepUp) yaml.problem(stepUp, 'say `step-up: approval` beside `approvals`, not in it');
  return parseApprovals(yaml, place, DEFAULT_REQUEST_TIMEOUT_MS);
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
