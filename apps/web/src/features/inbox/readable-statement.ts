/** Above this nobody reads it all, and an approval would be of something unread. */
export const MAX_READABLE_CHARACTERS = 8_000;
const MAX_PARAMETERS = 100;
const MAX_PARAMETER_CHARACTERS = 2_000;

/** Why a statement is not offered for approval, or `null`. */
export function whyNotReadable(hold: { statement: string; parameters: readonly (string | null)[] }): string | null {
  if (hold.statement.length > MAX_READABLE_CHARACTERS)
    return `this statement has ${hold.statement.length.toLocaleString('en-GB')} characters, more than can be read here; refuse it and ask for smaller ones`;
  if (hold.parameters.length > MAX_PARAMETERS)
    return `this statement has ${hold.parameters.length} parameters, more than can be read here; refuse it and ask for smaller ones`;
  if (hold.parameters.some((value) => value !== null && value.length > MAX_PARAMETER_CHARACTERS))
    return 'a parameter is too long to be read here; refuse it and ask for smaller ones';
  return null;
}
