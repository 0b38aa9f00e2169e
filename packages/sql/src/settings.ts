/**
 * Settings that a client may change itself: how values are printed and how long it waits. Everything that changes what a
 * statement means (`search_path`, `role`, `session_authorization`, `row_security` off, string syntax, encodings other
 * than UTF-8), what is logged or checked (`session_replication_role`), or what the server does (`local_preload_libraries`)
 * is not here. Values are compared without case; `default` and `reset` go back to what the gate set at the start.
 */
const CHECKS: Readonly<Record<string, (value: string) => boolean>> = {
  application_name: (value) => value.length <= 256,
  bytea_output: oneOf('hex', 'escape'),
  client_encoding: oneOf('utf8', 'utf-8', 'unicode'),
  client_min_messages: oneOf('error', 'warning', 'notice', 'log'),
  datestyle: (value) => /^[a-z, ]{1,40}$/.test(value),
  default_transaction_deferrable: isBoolean,
  default_transaction_isolation: isIsolation,
  default_transaction_read_only: isBoolean,
  extra_float_digits: (value) => /^-?\d{1,2}$/.test(value),
  idle_in_transaction_session_timeout: isDuration,
  intervalstyle: oneOf('sql_standard', 'postgres', 'postgres_verbose', 'iso_8601'),
  jit: isBoolean,
  lock_timeout: isDuration,
  row_security: oneOf('on', 'true', 'yes', '1'),
  standard_conforming_strings: oneOf('on', 'true', 'yes', '1'),
  statement_timeout: isDuration,
  timezone: (value) => /^[a-z0-9_+\-/:. ]{1,64}$/.test(value),
  transaction_deferrable: isBoolean,
  transaction_isolation: isIsolation,
  transaction_read_only: isBoolean,
};

function oneOf(...allowed: readonly string[]): (value: string) => boolean {
  return (value) => allowed.includes(value);
}

function isBoolean(value: string): boolean {
  return /^(on|off|true|false|yes|no|1|0)$/.test(value);
}

function isIsolation(value: string): boolean {
  return /^(serializable|repeatable read|read committed|read uncommitted)$/.test(value);
}

function isDuration(value: string): boolean {
  return /^\d{1,10} ?(us|ms|s|min|h|d)?$/.test(value);
}

/** How values are printed and sent, and `jit`: what drivers and frameworks set by function. Nothing that waits or limits. */
const SET_BY_FUNCTION: ReadonlySet<string> = new Set([
  ...['bytea_output', 'client_encoding', 'datestyle', 'extra_float_digits', 'intervalstyle', 'jit', 'timezone'],
]);

/** As {@link isHarmlessSetting}, by `set_config`. `value` `null`: a parameter, which cannot be looked at. */
export function isHarmlessByFunction(name: string, value: string | null): boolean {
  const folded = name.toLowerCase();
  return SET_BY_FUNCTION.has(folded) && (value === null ? folded === 'jit' : isHarmlessSetting(name, value));
}

/** The names of the settings that may be harmless, lower case. */
export const HARMLESS_SETTINGS: readonly string[] = Object.keys(CHECKS);

/**
 * Whether setting `name` to `value` leaves unchanged what later statements mean and what the gate relies on.
 * `value` `null`: back to the default, which for these settings is what the gate chose.
 * `pinnedSearchPath`: the search path the gate set, as one text; setting exactly that again is harmless.
 */
export function isHarmlessSetting(
  name: string,
  value: string | null,
  options: { readonly pinnedSearchPath?: string } = {},
): boolean {
  const folded = name.toLowerCase();
  if (folded === 'search_path') return value !== null && value === options.pinnedSearchPath;
  if (!Object.hasOwn(CHECKS, folded)) return false;
  return value === null || CHECKS[folded]!(value.trim().toLowerCase());
}
