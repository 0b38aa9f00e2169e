import { oc } from '@orpc/contract';
import * as z from 'zod';
import { Proof } from './passkeys.ts';
import { GroupMapping, SeenGroup } from './providers.ts';
import { Instant, ShortText } from './shapes.ts';

export const ScimToken = z.object({
  id: z.string(),
  name: z.string(),
  /** Whether it may take over people who are here already, by their e-mail address. */
  adopts: z.boolean(),
  createdAt: Instant,
  expiresAt: Instant,
  lastUsedAt: Instant.nullable(),
  revokedAt: Instant.nullable(),
});
/** What a directory keeps here by SCIM. */
export const Directory = z.object({
  /** Where the directory sends its requests. */
  address: z.string(),
  people: z.number().int(),
  tokens: z.array(ScimToken),
  mappings: z.array(GroupMapping),
  seenGroups: z.array(SeenGroup),
});

export const directory = {
  get: oc.route({ method: 'GET', path: '/directory' }).output(Directory),
  createToken: oc
    .route({ method: 'POST', path: '/directory/tokens' })
    .input(
      z.object({
        name: ShortText,
        adopts: z.boolean().default(false),
        ttlMs: z
          .number()
          .int()
          .min(60_000)
          .max(731 * 86_400_000),
        /** That it is the caller who makes it. */ proof: Proof.optional(),
      }),
    )
    .output(z.object({ scimToken: ScimToken, /** Shown once. */ token: z.string() })),
  revokeToken: oc
    .route({ method: 'DELETE', path: '/directory/tokens/{id}' })
    .input(z.object({ id: z.string().max(60) }))
    .output(ScimToken),
  mapGroups: oc
    .route({
      method: 'PUT',
      path: '/directory/groups',
      summary: 'All mappings from now on; memberships follow at once',
    })
    .input(z.object({ mappings: z.array(GroupMapping).max(2000), proof: Proof.optional() }))
    .output(Directory),
};
