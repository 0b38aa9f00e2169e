import type { FunctionCandidate } from '@taskgate/core';

/**
 * Functions that no rule opens: they reach the server's files, other hosts or the operating system, run SQL given as
 * text (which no analysis of the statement sees), or change what the gate pins. By name in whatever schema, since
 * extensions install theirs anywhere.
 */
const NAMES: ReadonlySet<string> = new Set([
  // settings: row_security, role, search_path are the gate's wall
  'set_config',
  // large objects, which have no columns to mask
  ...['lo_create', 'lo_creat', 'lo_open', 'lo_close', 'lo_get', 'lo_put', 'lo_from_bytea'],
  ...['lo_unlink', 'lo_lseek', 'lo_lseek64', 'lo_tell', 'lo_tell64', 'lo_truncate', 'lo_truncate64'],
  ...['loread', 'lowrite', 'lo_manage'],
  // server control
  ...['pg_current_logfile', 'pg_rotate_logfile', 'pg_rotate_logfile_old'],
  ...['pg_reload_conf', 'pg_promote', 'pg_switch_wal', 'pg_create_restore_point', 'pg_wal_replay_pause'],
  ...['pg_wal_replay_resume', 'pg_terminate_backend', 'pg_cancel_backend', 'pg_export_snapshot'],
  ...['pg_config', 'pg_hba_file_rules', 'pg_ident_file_mappings', 'pg_show_all_file_settings'],
  // SQL as text
  ...['query_to_xml', 'query_to_xmlschema', 'query_to_xml_and_xmlschema', 'cursor_to_xml', 'cursor_to_xmlschema'],
  ...['table_to_xml', 'table_to_xmlschema', 'table_to_xml_and_xmlschema', 'schema_to_xml', 'schema_to_xmlschema'],
  ...['schema_to_xml_and_xmlschema', 'database_to_xml', 'database_to_xmlschema', 'database_to_xml_and_xmlschema'],
  ...['ts_stat', 'crosstab', 'crosstab2', 'crosstab3', 'crosstab4', 'crosstabn', 'connectby', 'xpath_table'],
  ...['pg_background_launch', 'pg_cron_schedule', 'create_distributed_table', 'run_command_on_workers'],
]);

/** Of those, the ones that leave the database: files of its machine, other servers, its log of changes. */
const OUTSIDE_NAMES: ReadonlySet<string> = new Set(['lo_import', 'lo_export', 'pg_stat_file', 'pg_logdir_ls']);

const PREFIXES = ['pg_backup_', 'pg_start_backup', 'pg_stop_backup', 'binary_upgrade_'] as const;

const OUTSIDE_PREFIXES = [
  'pg_read_',
  'pg_ls_',
  'pg_file_',
  'pg_logical_',
  'pg_replication_',
  'pg_create_physical_replication_slot',
  'pg_create_logical_replication_slot',
  'pg_copy_physical_replication_slot',
  'pg_copy_logical_replication_slot',
  'pg_drop_replication_slot',
  'dblink',
  'postgres_fdw_',
  'http_',
  'aws_lambda_',
] as const;

/** Schemas of extensions whose functions run work elsewhere or later. */
const SCHEMAS: ReadonlySet<string> = new Set(['cron', 'aws_s3', 'aws_lambda', 'net', 'pgagent', 'dblink']);

export function isDeniedFunction(use: Pick<FunctionCandidate, 'schema' | 'name'>): boolean {
  const name = use.name.toLowerCase();
  return NAMES.has(name) || PREFIXES.some((prefix) => name.startsWith(prefix)) || reachesOutside(use);
}

/** It reaches something that is not the database: no task is about that, not even one that contains nothing. */
export function reachesOutside(use: Pick<FunctionCandidate, 'schema' | 'name'>): boolean {
  const name = use.name.toLowerCase();
  return (
    OUTSIDE_NAMES.has(name) ||
    OUTSIDE_PREFIXES.some((prefix) => name.startsWith(prefix)) ||
    SCHEMAS.has(use.schema.toLowerCase())
  );
}
