/**
 * Functions of pg_catalog that read nothing but their arguments, the clock, the session's own state and catalog
 * definitions, and change nothing. Everything that is not here is not harmless: what reads files, other sessions or
 * relations named in a string (`query_to_xml`, `ts_stat`), sets state (`set_config`, `nextval`, `setseed`), waits or
 * locks (`pg_sleep`, `pg_advisory_lock`), or reaches other servers (`dblink`). Some of these can be asked for a huge
 * result (`repeat`, `generate_series`): limits of rows, bytes and time stop that, not this list.
 */
const PG_CATALOG = `
abs acos acosd acosh age area array_agg array_append array_cat array_dims array_fill array_length array_lower array_ndims
array_position array_positions array_prepend array_remove array_replace array_reverse array_sample array_shuffle
array_sort array_to_json array_to_string array_to_tsvector array_upper ascii asin asind asinh atan atan2 atan2d atand
atanh avg
bit_and bit_count bit_length bit_or bit_xor bool bool_and bool_or bound_box box bpchar btrim
cardinality casefold cbrt ceil ceiling center char character_length char_length chr circle clock_timestamp concat
concat_ws convert convert_from convert_to corr cos cosd cosh cot cotd count covar_pop covar_samp cume_dist
current_catalog current_database current_date current_query current_role current_schema current_schemas
current_setting current_time current_timestamp current_user
date date_add date_bin date_part date_subtract date_trunc daterange datemultirange decode degrees dense_rank diagonal
diameter div
encode enum_first enum_last enum_range erf erfc every exp extract
factorial family first_value float4 float8 floor format format_type
gamma gcd generate_series generate_subscripts get_bit get_byte get_current_ts_config getdatabaseencoding
gen_random_uuid greatest
grouping
has_any_column_privilege has_column_privilege has_database_privilege has_foreign_data_wrapper_privilege
has_function_privilege has_language_privilege has_parameter_privilege has_schema_privilege has_sequence_privilege
has_server_privilege has_table_privilege has_tablespace_privilege has_type_privilege hashint4 hashtext height host
hostmask
inet_client_addr inet_client_port inet_merge inet_same_family inet_server_addr inet_server_port initcap int2 int4 int8
int4multirange int4range int8multirange int8range interval isclosed isempty isfinite ishorizontal isopen isparallel
isperp isvertical is_normalized
json_agg json_agg_strict json_array_elements json_array_elements_text json_array_length json_build_array
json_build_object json_each json_each_text json_extract_path json_extract_path_text json_object json_object_agg
json_object_agg_strict json_object_agg_unique json_object_agg_unique_strict json_object_keys json_scalar
json_strip_nulls json_to_record json_to_recordset json_typeof jsonb jsonb_to_record jsonb_to_recordset jsonb_agg jsonb_agg_strict jsonb_array_elements
jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object jsonb_concat jsonb_contains jsonb_each
jsonb_each_text jsonb_exists jsonb_exists_all jsonb_exists_any jsonb_extract_path jsonb_extract_path_text jsonb_insert
jsonb_object jsonb_object_agg jsonb_object_agg_strict jsonb_object_agg_unique jsonb_object_agg_unique_strict
jsonb_object_keys jsonb_path_exists jsonb_path_match jsonb_path_query
jsonb_path_query_array jsonb_path_query_first jsonb_path_exists_tz jsonb_path_match_tz jsonb_path_query_array_tz
jsonb_path_query_first_tz jsonb_path_query_tz jsonb_pretty jsonb_set jsonb_set_lax jsonb_strip_nulls jsonb_typeof
justify_days justify_hours justify_interval
lag last_value lcm lead least left length lgamma like like_escape line ln localtime localtimestamp log log10 lower
lower_inc lower_inf lpad lseg ltrim
macaddr8_set7bit make_date make_interval make_time make_timestamp make_timestamptz masklen max md5 merge_action min
min_scale mod mode money multirange
name netmask network normalize not_like notlike now npoints nth_value ntile num_nonnulls num_nulls numeric nummultirange
numnode numrange
octet_length overlaps overlay
parse_ident path pclose percent_rank percentile_cont percentile_disc phraseto_tsquery pi plainto_tsquery point polygon
popen position pow power
querytree quote_ident quote_literal quote_nullable
radians radius random random_normal range_agg range_intersect_agg range_merge rank regexp_count regexp_instr
regexp_like regexp_match regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table regexp_substr
regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy repeat replace reverse right
round row_number row_to_json rpad rtrim
scale session_user set_bit set_byte set_masklen setweight sha224 sha256 sha384 sha512 sign similar_escape
similar_to_escape sin sind sinh slope split_part sqrt starts_with statement_timestamp stddev stddev_pop stddev_samp
string_agg string_to_array string_to_table strip strpos substr substring sum system_user
tan tand tanh text textlen time timeofday timestamp timestamptz timetz timezone to_ascii to_bin to_char to_date to_hex
to_json to_jsonb to_number to_oct to_timestamp to_tsquery to_tsvector transaction_timestamp translate trim trim_array
trim_scale trunc ts_delete ts_filter ts_headline ts_rank ts_rank_cd tsmultirange tsquery_phrase tsrange
tstzmultirange tstzrange tsvector_to_array
unicode_assigned unicode_version unistr unnest upper upper_inc upper_inf user uuid_extract_timestamp
uuid_extract_version uuidv4 uuidv7
var_pop var_samp varchar variance version
websearch_to_tsquery width width_bucket

acldefault aclexplode col_description format_type makeaclitem obj_description
pg_backend_pid pg_char_to_encoding pg_client_encoding pg_collation_actual_version pg_collation_for
pg_collation_is_visible pg_column_compression pg_column_is_updatable pg_column_size
pg_conversion_is_visible pg_database_size pg_describe_object pg_encoding_max_length pg_encoding_to_char
pg_function_is_visible pg_get_constraintdef
pg_get_expr pg_get_function_arg_default pg_get_function_arguments
pg_get_function_identity_arguments pg_get_function_result pg_get_indexdef pg_get_keywords
pg_get_partition_constraintdef pg_get_partkeydef pg_get_replica_identity_index pg_get_ruledef
pg_get_serial_sequence pg_get_statisticsobjdef pg_get_statisticsobjdef_columns pg_get_statisticsobjdef_expressions
pg_get_triggerdef pg_get_userbyid pg_get_viewdef pg_has_role pg_identify_object pg_identify_object_as_address
pg_indexam_has_property pg_index_column_has_property pg_index_has_property pg_indexes_size
pg_is_in_recovery pg_is_other_temp_schema pg_is_wal_replay_paused pg_jit_available pg_lsn pg_my_temp_schema
pg_opclass_is_visible pg_operator_is_visible pg_opfamily_is_visible pg_options_to_table pg_partition_ancestors
pg_partition_root pg_partition_tree pg_postmaster_start_time pg_relation_filenode pg_relation_is_publishable
pg_relation_is_updatable pg_relation_size pg_sequence_parameters pg_settings_get_flags pg_size_bytes pg_size_pretty
pg_statistics_obj_is_visible pg_table_is_visible pg_table_size pg_tablespace_location pg_tablespace_size
pg_timezone_abbrevs pg_timezone_names pg_total_relation_size pg_trigger_depth pg_ts_config_is_visible
pg_ts_dict_is_visible pg_ts_parser_is_visible pg_ts_template_is_visible pg_type_is_visible pg_typeof
row_security_active shobj_description to_regclass to_regcollation to_regnamespace to_regoper to_regoperator to_regproc
to_regprocedure to_regrole to_regtype to_regtypemod
currval lastval txid_current_if_assigned pg_current_xact_id_if_assigned txid_current_snapshot pg_current_snapshot
oidvectortypes nameconcatoid pg_show_all_settings pg_stat_get_numscans ts_lexize ts_parse ts_token_type
pg_advisory_unlock pg_advisory_unlock_all pg_advisory_unlock_shared
inet_server_addr
`;

const INFORMATION_SCHEMA = `
_pg_char_max_length _pg_char_octet_length _pg_datetime_precision _pg_expandarray _pg_index_position _pg_interval_type
_pg_numeric_precision _pg_numeric_precision_radix _pg_numeric_scale _pg_truetypid _pg_truetypmod
`;

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/).filter((word) => word !== ''));
}

/** The harmless functions by schema. */
export const HARMLESS_FUNCTIONS: Readonly<Record<'pg_catalog' | 'information_schema', ReadonlySet<string>>> = {
  pg_catalog: words(PG_CATALOG),
  information_schema: words(INFORMATION_SCHEMA),
};

/** Whether a function of a schema is on the list; the caller has made sure that it is that schema's. */
export function isHarmlessFunction(schema: string, name: string): boolean {
  if (schema === 'pg_catalog') return HARMLESS_FUNCTIONS.pg_catalog.has(name);
  return schema === 'information_schema' && HARMLESS_FUNCTIONS.information_schema.has(name);
}

/** What a lineage says of the type of such a function's result. */
export function rowTypeOf(name: string): string {
  return `row of ${name}`;
}

/** Whether a value of a type has a field; only rows of built-in functions do. */
export function rowTypeHasField(type: string | null, field: string): boolean {
  const name = type?.startsWith('row of ') === true ? type.slice('row of '.length) : '';
  return COMPOSITE_FUNCTION_FIELDS.get(name)?.includes(field) ?? false;
}

/** Fields of the rows that built-in functions return; a function that is not here is taken to return one value. */
export const COMPOSITE_FUNCTION_FIELDS: ReadonlyMap<string, readonly string[]> = new Map([
  ['_pg_expandarray', ['x', 'n']],
  ['aclexplode', ['grantor', 'grantee', 'privilege_type', 'is_grantable']],
  ['json_each', ['key', 'value']],
  ['json_each_text', ['key', 'value']],
  ['jsonb_each', ['key', 'value']],
  ['jsonb_each_text', ['key', 'value']],
  ['json_array_elements', ['value']],
  ['json_array_elements_text', ['value']],
  ['jsonb_array_elements', ['value']],
  ['jsonb_array_elements_text', ['value']],
  ['pg_get_keywords', ['word', 'catcode', 'barelabel', 'catdesc', 'baredesc']],
  ['pg_identify_object', ['type', 'schema', 'name', 'identity']],
  ['pg_identify_object_as_address', ['type', 'object_names', 'object_args']],
  ['pg_options_to_table', ['option_name', 'option_value']],
  ['pg_partition_ancestors', ['relid']],
  ['pg_partition_tree', ['relid', 'parentrelid', 'isleaf', 'level']],
  [
    'pg_sequence_parameters',
    ['start_value', 'minimum_value', 'maximum_value', 'increment', 'cycle_option', 'cache_size', 'data_type'],
  ],
  [
    'pg_show_all_settings',
    [
      ...['name', 'setting', 'unit', 'category', 'short_desc', 'extra_desc', 'context', 'vartype', 'source', 'min_val'],
      ...['max_val', 'enumvals', 'boot_val', 'reset_val', 'sourcefile', 'sourceline', 'pending_restart'],
    ],
  ],
  ['ts_parse', ['tokid', 'token']],
  ['ts_token_type', ['tokid', 'alias', 'description']],
  ['pg_timezone_abbrevs', ['abbrev', 'utc_offset', 'is_dst']],
  ['pg_timezone_names', ['name', 'abbrev', 'utc_offset', 'is_dst']],
]);
