import { UsageError } from './failure.ts';

/** The single argument of a command; `what` names it for whoever left it out. */
export function oneArgument(positionals: readonly string[], what: string, command: string): string {
  const [value, extra] = positionals;
  if (value === undefined) throw new UsageError(`name ${what}; see \`taskgate help ${command}\``);
  if (extra !== undefined) throw new UsageError(`\`${extra}\` is too much; see \`taskgate help ${command}\``);
  return value;
}

/** For a command that takes none. */
export function noArgument(positionals: readonly string[], command: string): void {
  if (positionals[0] !== undefined)
    throw new UsageError(`\`${positionals[0]}\` is too much; see \`taskgate help ${command}\``);
}
