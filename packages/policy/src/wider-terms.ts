import { formatDurationMs, type GrantLimits } from '@taskgate/core';
import { includesCondition } from './activation-condition.ts';
import type { AttenuationDimension, AttenuationProblem } from './attenuation.ts';
import { formatBytes } from './format-bytes.ts';
import type { TaskDocument } from './policy-document.ts';
import { easierTerms } from './weaker-holds.ts';

/** What is not a rule: who, on what terms, for how long, how much, and how it is recorded. */
export function widerTerms(parent: TaskDocument, child: TaskDocument): readonly AttenuationProblem[] {
  const problems: AttenuationProblem[] = [];
  const wider = (dimension: AttenuationDimension, message: string): void => {
    problems.push({ dimension, message, rule: null });
  };
  if (child.resource !== parent.resource)
    wider('resource', `it is on resource \`${child.resource}\`, the parent on \`${parent.resource}\``);

  for (const kind of ['groups', 'machines', 'agents'] as const) {
    const more = child.who[kind].filter((name) => !parent.who[kind].includes(name));
    if (more.length > 0)
      wider('who', `\`who.${kind}\` names ${more.map((name) => `\`${name}\``).join(', ')}, the parent does not`);
  }
  const { access } = child;
  if (parent.access.reasonRequired && !access.reasonRequired) wider('who', 'it needs no reason, the parent does');
  if (parent.access.ticketRequired && !access.ticketRequired) wider('who', 'it needs no ticket, the parent does');
  if (parent.access.approvals !== null) {
    const easier =
      access.approvals === null ? 'nobody has to approve' : easierTerms(parent.access.approvals, access.approvals);
    if (easier !== null) wider('who', `its activation is approved on easier terms than the parent's: ${easier}`);
  }
  for (const [what, words] of STEP_UP)
    if (asks(parent, what) && !asks(child, what)) wider('who', `${words} needs no passkey, in the parent it does`);
  if (parent.access.when !== null && !includesCondition(access.when, parent.access.when))
    wider('who', `its condition does not contain the parent's, \`${parent.access.when}\`; join them with \`&&\``);
  if (access.ttlMs > parent.access.ttlMs)
    wider(
      'end',
      `it ends after ${formatDurationMs(access.ttlMs)}, the parent after ${formatDurationMs(parent.access.ttlMs)}`,
    );

  for (const [key, name, format] of LIMITS) {
    const [most, own] = [parent.limits[key], child.limits[key]];
    if (most !== null && (own === null || own > most))
      wider('limit', `\`${name}\` is ${own === null ? 'not limited' : format(own)}, in the parent ${format(most)}`);
  }

  const { record } = child;
  if (parent.record.results === 'none' && record.results !== 'none')
    wider('record', 'results are recorded, in the parent they are not');
  // Where no policy names readers, none named is nobody.
  const readers = record.readers?.filter((group) => !(parent.record.readers ?? []).includes(group)) ?? [];
  if (readers.length > 0)
    wider(
      'record',
      `recordings can be read by ${readers.map((group) => `\`${group}\``).join(', ')}, in the parent not`,
    );
  else if (parent.record.readers !== null && record.readers === null)
    wider('record', 'it does not say who reads recordings, the parent does');
  const kept = parent.record.keepMs;
  if (kept === null ? record.keepMs !== null : record.keepMs === null || record.keepMs < kept)
    wider(
      'record',
      `recordings are kept ${record.keepMs === null ? 'for as long as policies say' : formatDurationMs(record.keepMs)}, in the parent ${kept === null ? 'without end' : formatDurationMs(kept)}`,
    );
  return problems;
}

const STEP_UP = [
  ['activation', 'its activation'],
  ['approval', 'each approval of it'],
] as const;
const asks = ({ access }: TaskDocument, what: 'activation' | 'approval'): boolean =>
  access.stepUp === what || access.stepUp === 'both';

const count = (value: number): string => String(value);
const LIMITS: readonly (readonly [keyof GrantLimits, string, (value: number) => string])[] = [
  ['rows', 'limits.rows', count],
  ['bytes', 'limits.bytes', formatBytes],
  ['statements', 'limits.statements', count],
  ['durationMs', 'limits.duration', formatDurationMs],
  ['statementMs', 'limits.statement', formatDurationMs],
  ['idleMs', 'limits.idle', formatDurationMs],
  ['connections', 'limits.connections', count],
];
