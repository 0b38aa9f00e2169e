import {
  ERROR_CODES,
  GRANT_END_REASONS,
  GRANT_STATES,
  IDENTITY_KINDS,
  MASK_NAMES,
  REASON_CODES,
  ROLES,
  SCOPES,
  STATEMENT_CLASSES,
} from '@taskgate/core';
import * as z from 'zod';

/** Instants are ISO 8601 in UTC; durations are milliseconds and end in `Ms`. */
export const Instant = z.iso.datetime().refine((text) => !text.startsWith('0000'), 'the year must be 0001 or later');
export const Slug = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,62}$/, 'lower-case letters, digits and dashes, starting with a letter');
export const Email = z.email().max(254);
export const ShortText = z.string().trim().min(1).max(500);
export const Source = z.string().min(1).max(262_144);

/** Cursor paging: ask again with `cursor: nextCursor` until it is null. */
export const PageQuery = z.object({
  cursor: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export const page = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable() });

export const Position = z.object({ line: z.number().int(), column: z.number().int() });
export const ProblemItem = z.object({ path: z.string(), message: z.string(), position: Position.nullable() });

/** RFC 9457 problem details: the body of every error. */
export const ProblemDetails = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  code: z.enum(ERROR_CODES),
  problems: z.array(ProblemItem),
});

export const RoleName = z.enum(ROLES);
export const ScopeName = z.enum(SCOPES);
export const MaskName = z.enum(MASK_NAMES);

/** Who it was. `email` is the name of a machine, which has no address; of an agent `<name> for <whom it acts for>`. */
export const PersonRef = z.object({
  id: z.string(),
  kind: z.enum([...IDENTITY_KINDS, 'system']),
  email: z.string(),
  name: z.string(),
});

export const RuleReference = z.object({
  kind: z.enum(['task', 'policy', 'gate']),
  name: z.string(),
  revision: z.number().int(),
  rule: z.string(),
  line: z.number().int().nullable(),
});
export const Reason = z.object({
  code: z.enum(REASON_CODES),
  rule: RuleReference,
  message: z.string(),
  wouldAllow: z.string().nullable(),
  position: Position.nullable(),
});
export const Outcome = z.enum(['allow', 'deny', 'hold']);

export const RelationSummary = z.object({
  verb: z.string(),
  schema: z.string(),
  name: z.string(),
  columns: z.array(z.string()),
  /** Those columns by their class, where one has any. */
  classes: z.record(z.string(), z.array(z.string())).optional(),
});

/** What a task or policy means, in words; `line` points into its source. */
export const DescriptionSection = z.object({
  title: z.string(),
  items: z.array(
    z.object({
      text: z.string(),
      path: z.string(),
      line: z.number().int().nullable(),
      tone: z.enum(['allow', 'deny', 'hold', 'mask', 'limit', 'plain']),
    }),
  ),
});

export const GrantState = z.enum(GRANT_STATES);
export const GrantEndReason = z.enum(GRANT_END_REASONS);
export const StatementClassName = z.enum(STATEMENT_CLASSES);
