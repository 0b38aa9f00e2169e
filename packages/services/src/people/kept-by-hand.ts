import { TaskgateError } from '@taskgate/core';
import { BY_HAND } from './user-view.ts';

export interface StandingMembership {
  /** Of the other end: the group of a person, or the person in a group. */
  readonly id: string;
  readonly label: string;
  readonly source: string;
}

/**
 * Of a list that is to stand from now on, what an admin's hand has to hold: what a provider or the directory gives is
 * theirs. Throws `bad-input` where the list leaves out what they give: they would give it again at once.
 */
export function keptByHand(
  field: 'groups' | 'members',
  standing: readonly StandingMembership[],
  wanted: readonly string[],
): readonly string[] {
  const given = standing.filter(({ source }) => source !== BY_HAND);
  const missing = given.find(({ id }) => !wanted.includes(id));
  if (missing !== undefined) {
    const message = `\`${missing.label}\` comes from a sign-in provider or the directory; end it there, or change its mapping`;
    throw new TaskgateError('bad-input', message, { problems: [{ path: field, message, position: null }] });
  }
  const held = new Set(standing.filter(({ source }) => source === BY_HAND).map(({ id }) => id));
  return wanted.filter((id) => held.has(id) || !given.some((membership) => membership.id === id));
}
