import { type MaskName, strictestMask } from '@taskgate/core';
import type { AttenuationProblem } from './attenuation.ts';
import { formatColumnPattern } from './name-pattern.ts';
import { includesColumn } from './pattern-inclusion.ts';
import type { MaskRule, TaskDocument } from './policy-document.ts';

const isAsStrict = (mask: MaskName, than: MaskName): boolean => strictestMask(mask, than) === mask;

/** What the parent masks and the child shows, or masks less. */
export function weakerMasks(parent: TaskDocument, child: TaskDocument): readonly AttenuationProblem[] {
  return parent.mask.flatMap((rule) =>
    partsOf(rule).flatMap(({ what, mask, isMaskedBy }) => {
      const same = child.mask.flatMap((one) => {
        const found = isMaskedBy(one);
        return found === null ? [] : [{ source: one.source, mask: found }];
      });
      if (same.some((one) => isAsStrict(one.mask, mask))) return [];
      const weaker = same[0];
      return weaker === undefined
        ? {
            dimension: 'mask' as const,
            message: `the parent shows ${what} as \`${mask}\`, the child does not mask it`,
            rule: null,
          }
        : {
            dimension: 'mask' as const,
            message: `${what} is shown as \`${weaker.mask}\`, in the parent as \`${mask}\`, which is stricter`,
            rule: weaker.source,
          };
    }),
  );
}

interface MaskPart {
  readonly what: string;
  readonly mask: MaskName;
  /** With what the other rule masks all of this part. */
  readonly isMaskedBy: (rule: MaskRule) => MaskName | null;
}

function partsOf(rule: MaskRule): readonly MaskPart[] {
  switch (rule.kind) {
    case 'columns':
      return rule.columns.map((pattern) => ({
        what: `column \`${formatColumnPattern(pattern)}\``,
        mask: rule.mask,
        isMaskedBy: (one) =>
          one.kind === 'columns' && one.columns.some((outer) => includesColumn(outer, pattern)) ? one.mask : null,
      }));
    case 'class':
      return [
        {
          what: `every column classified as \`${rule.class}\``,
          mask: rule.mask,
          isMaskedBy: (one) => (one.kind === 'class' && one.class === rule.class ? one.mask : null),
        },
      ];
    case 'kinds':
      return rule.kinds.map(({ kind, mask }) => ({
        what: `what looks like \`${kind}\``,
        mask,
        isMaskedBy: (one) =>
          one.kind === 'kinds'
            ? one.kinds
                .filter((other) => other.kind === kind)
                .reduce<MaskName | null>((strictest, other) => strictestMask(strictest, other.mask), null)
            : null,
      }));
  }
}
