/**
 * System relations that describe the database and hold none of its data: what `\d` and its kin, tab completion, drivers'
 * metadata calls and introspection read. Left out on purpose: statistics that hold values (`pg_stats`,
 * `pg_statistic*`), secrets (`pg_authid`, `pg_shadow`, `pg_user_mapping`), other sessions' texts
 * (`pg_stat_activity`, `pg_prepared_xacts`, `pg_cursors`, `pg_prepared_statements`), large objects, files of the server.
 */
const PG_CATALOG = `
pg_aggregate pg_am pg_amop pg_amproc pg_attrdef pg_attribute pg_auth_members pg_available_extensions
pg_available_extension_versions pg_cast pg_class pg_collation pg_constraint pg_conversion pg_database
pg_db_role_setting pg_default_acl pg_depend pg_description pg_enum pg_event_trigger pg_extension
pg_foreign_data_wrapper pg_foreign_server pg_foreign_table pg_group pg_index pg_indexes pg_inherits pg_init_privs pg_language
pg_largeobject_metadata
pg_matviews pg_namespace pg_opclass pg_operator pg_opfamily pg_parameter_acl pg_partitioned_table pg_policies pg_policy
pg_proc pg_publication pg_publication_namespace pg_publication_rel pg_publication_tables pg_range pg_rewrite pg_roles
pg_rules pg_seclabel pg_seclabels pg_sequence pg_sequences pg_settings pg_shdepend pg_shdescription pg_shseclabel
pg_stat_all_indexes pg_stat_all_tables pg_stat_gssapi pg_stat_sys_indexes pg_stat_sys_tables pg_stat_user_indexes
pg_stat_user_tables pg_statistic_ext pg_subscription pg_tables pg_tablespace
pg_timezone_abbrevs pg_timezone_names pg_transform pg_trigger pg_ts_config pg_ts_config_map pg_ts_dict pg_ts_parser
pg_ts_template pg_type pg_user pg_user_mappings pg_views
`;

const INFORMATION_SCHEMA = `
administrable_role_authorizations applicable_roles attributes character_sets check_constraint_routine_usage
check_constraints collations collation_character_set_applicability column_column_usage column_domain_usage
column_options column_privileges column_udt_usage columns constraint_column_usage constraint_table_usage
data_type_privileges domain_constraints domain_udt_usage domains element_types enabled_roles
information_schema_catalog_name key_column_usage parameters referential_constraints role_column_grants
role_routine_grants role_table_grants role_udt_grants role_usage_grants routine_column_usage routine_privileges
routine_routine_usage routine_sequence_usage routine_table_usage routines schemata sequences sql_features
sql_implementation_info sql_parts sql_sizing table_constraints table_privileges tables triggered_update_columns triggers
udt_privileges usage_privileges user_defined_types view_column_usage view_routine_usage view_table_usage views
`;

/** Columns of allowed relations that are not description: function bodies (other people's logic), passwords. */
export const GUARDED_SYSTEM_COLUMNS: ReadonlySet<string> = new Set([
  ...['prosrc', 'prosqlbody', 'routine_definition'],
  ...['subconninfo', 'umoptions'],
  // of pg_stat_gssapi: who the other sessions are
  'principal',
]);

const GUARDED: ReadonlySet<string> = new Set([
  ...['pg_catalog.pg_proc', 'pg_catalog.pg_subscription', 'pg_catalog.pg_user_mappings', 'pg_catalog.pg_stat_gssapi'],
  'information_schema.routines',
]);

/** The system relations that have such columns: their rows are read column by column. */
export function isGuardedSystemRelation(schema: string, name: string): boolean {
  return GUARDED.has(`${schema}.${name}`);
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/).filter((word) => word !== ''));
}

const ALLOWED: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['pg_catalog', words(PG_CATALOG)],
  ['information_schema', words(INFORMATION_SCHEMA)],
]);

/** Whether a relation of `pg_catalog` or `information_schema` may be read without a rule that names it. */
export function isAllowedSystemRelation(schema: string, name: string): boolean {
  return ALLOWED.get(schema)?.has(name) ?? false;
}
