import type { Problem } from '@taskgate/core';
import { stringify } from 'yaml';
import { attenuate } from './attenuate.ts';
import type { AttenuationProblem } from './attenuation.ts';
import { formatTask } from './format-task.ts';
import { narrowestLimits } from './narrowest-limits.ts';
import { parseAllowRule, parseDenyRule, parseHoldRule, parseMaskRule } from './parse-rule.ts';
import { parseTask } from './parse-task.ts';
import { parsed, parseEach, parseLimits } from './parse-terms.ts';
import type { ParseResult, TaskDocument } from './policy-document.ts';
import { YamlSource } from './yaml-source.ts';

/** Each in the shape that the YAML of a task has it. */
export interface TaskNarrowing {
  /** With either of these two, the permissions are exactly what both name; with neither, the parent's. */
  readonly allow?: unknown;
  readonly hold?: unknown;
  /** Besides the parent's. */
  readonly deny?: unknown;
  /** Besides the parent's. */
  readonly mask?: unknown;
  /** The smaller of these and of the parent's. */
  readonly limits?: unknown;
}

export type NarrowedTask =
  | { readonly ok: true; readonly document: TaskDocument; readonly source: string }
  | {
      readonly ok: false;
      /** Paths are those of the narrowing, such as `allow.0.columns`; without positions, since it is no text. */
      readonly problems: readonly Problem[];
      /** Not empty where the narrowing could be read and is wider than the parent. */
      readonly wider: readonly AttenuationProblem[];
    };

const NARROWING_KEYS = ['allow', 'hold', 'deny', 'mask', 'limits'] as const;

type Rules = Pick<TaskDocument, (typeof NARROWING_KEYS)[number]> & { readonly givesPermissions: boolean };

/** The parent's task with what the narrowing takes away, proven to be no wider. Never throws. */
export function narrowTask(parentSource: string, narrowing: TaskNarrowing): NarrowedTask {
  const parent = parseTask(parentSource);
  if (!parent.ok) return failed('the task that it narrows cannot be read');
  const read = parseNarrowing(narrowing);
  if (!read.ok) return { ok: false, problems: read.problems, wider: [] };
  const { document: outer } = parent;
  const { document: given } = read;
  const source = formatTask({
    ...outer,
    allow: given.givesPermissions ? given.allow : outer.allow,
    hold: given.givesPermissions ? given.hold : outer.hold,
    deny: [...outer.deny, ...given.deny],
    mask: [...outer.mask, ...given.mask],
    limits: narrowestLimits([outer.limits, given.limits]),
  });
  const child = parseTask(source);
  if (!child.ok) return failed(`the narrowed task is none: ${child.problems[0]?.message ?? 'it cannot be read'}`);
  const proof = attenuate(outer, child.document);
  if (proof.ok) return { ok: true, document: child.document, source };
  const problems = proof.problems.map(({ rule, message }) => ({ path: rule?.path ?? '', message, position: null }));
  return { ok: false, problems, wider: proof.problems };
}

const failed = (message: string): NarrowedTask => ({
  ok: false,
  problems: [{ path: '', message, position: null }],
  wider: [],
});

/** By the parsers of the documents themselves, so that it means what it would mean there. */
function parseNarrowing(narrowing: TaskNarrowing): ParseResult<Rules> {
  const refused = (message: string) => ({ ok: false, problems: [{ path: '', message, position: null }] }) as const;
  let text: string;
  try {
    const json = JSON.stringify(narrowing);
    if (json.includes('\\u0000')) return refused('the narrowing has a NUL in it; remove it');
    text = stringify(JSON.parse(json), {
      version: '1.2',
      schema: 'core',
      lineWidth: 0,
      aliasDuplicateObjects: false,
    });
  } catch {
    return refused('the narrowing is not plain JSON');
  }
  const yaml = new YamlSource(text);
  const fields = yaml.problems.length === 0 ? yaml.mapping(yaml.root, NARROWING_KEYS) : undefined;
  const result = parsed<Rules>(yaml, {
    allow: parseEach(yaml, fields?.get('allow'), parseAllowRule),
    hold: parseEach(yaml, fields?.get('hold'), parseHoldRule),
    deny: parseEach(yaml, fields?.get('deny'), parseDenyRule),
    mask: parseEach(yaml, fields?.get('mask'), parseMaskRule),
    limits: parseLimits(yaml, fields?.get('limits')),
    givesPermissions: fields?.get('allow') !== undefined || fields?.get('hold') !== undefined,
  });
  if (result.ok) return result;
  return { ok: false, problems: result.problems.map((problem) => ({ ...problem, position: null })) };
}
