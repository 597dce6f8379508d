-- System views about objects and privileges: SVV_*, STV_MV_INFO, STV_TBL_PERM and their like.
--
-- Run once per database, after catalog.sql. Names, order and types of columns as in the Redshift Database Developer Guide,
-- "System tables and views reference"; where a page's list and its sample output differ in order, the output is followed.

-- "SVV_TABLES", "SVV_COLUMNS": visible to all users; the SVV_REDSHIFT_ and SVV_ALL_ views show what the user has access to.
CREATE VIEW rs_sys.svv_tables AS
SELECT pg_catalog.current_database()::varchar(128) AS table_catalog, table_schema, table_name, table_type, remarks FROM rs_catalog.tables;

CREATE VIEW rs_catalog.described_columns AS
SELECT pg_catalog.current_database()::varchar(128) AS table_catalog, table_schema, table_name, column_name, ordinal_position, column_default,
       (CASE WHEN nullable THEN 'YES' ELSE 'NO' END)::varchar(3) AS is_nullable,
       pg_catalog.regexp_replace(type_text, '\([^)]*\)', '')::varchar(128) AS data_type,
       (CASE WHEN type_text ~ '^(character|binary)' THEN pg_catalog.substring(type_text, '\((\d+)\)')::int END) AS character_maximum_length,
       (CASE WHEN type_text LIKE 'numeric(%' THEN pg_catalog.substring(type_text, '\((\d+),')::int
             WHEN type_text = 'smallint' THEN 16 WHEN type_text = 'integer' THEN 32 WHEN type_text = 'bigint' THEN 64
             WHEN type_text = 'real' THEN 24 WHEN type_text = 'double precision' THEN 53 END) AS numeric_precision,
       (CASE WHEN type_text LIKE 'numeric(%' THEN 10
             WHEN type_text IN ('smallint', 'integer', 'bigint', 'real', 'double precision') THEN 2 END) AS numeric_precision_radix,
       (CASE WHEN type_text LIKE 'numeric(%' THEN pg_catalog.substring(type_text, ',(\d+)\)')::int
             WHEN type_text IN ('smallint', 'integer', 'bigint') THEN 0 END) AS numeric_scale,
       (CASE WHEN type_text LIKE 'time%' THEN 6 END) AS datetime_precision, remarks, readable, oid, meta, type_text
FROM rs_catalog.all_columns;

CREATE VIEW rs_sys.svv_columns AS
SELECT table_catalog, table_schema, table_name, column_name, ordinal_position, column_default, is_nullable, data_type,
       character_maximum_length, numeric_precision, numeric_precision_radix, numeric_scale, datetime_precision,
       NULL::varchar(128) AS interval_type, NULL::varchar(128) AS interval_precision,
       NULL::varchar(128) AS character_set_catalog, NULL::varchar(128) AS character_set_schema, NULL::varchar(128) AS character_set_name,
       NULL::varchar(128) AS collation_catalog, NULL::varchar(128) AS collation_schema, NULL::varchar(128) AS collation_name,
       NULL::varchar(128) AS domain_name, remarks
FROM rs_catalog.described_columns;

CREATE VIEW rs_sys.svv_redshift_databases AS
SELECT d.datname::varchar(128) AS database_name, d.datdba::int AS database_owner, 'local'::varchar(32) AS database_type,
       rs_catalog.acl_text(d.datacl)::varchar(128) AS database_acl, NULL::varchar(128) AS database_options,
       (CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_db_role_setting s
                          WHERE s.setdatabase = d.oid AND 'rs.isolation=serializable' = ANY (s.setconfig))
             THEN 'Serializable' ELSE 'Snapshot Isolation' END)::varchar(128) AS database_isolation_level
FROM pg_catalog.pg_database d WHERE NOT d.datistemplate AND d.datname <> 'postgres';

CREATE VIEW rs_sys.stv_db_isolation_level AS
SELECT database_name::char(128) AS db_name, database_isolation_level::char(20) AS isolation_level FROM rs_sys.svv_redshift_databases;

CREATE VIEW rs_sys.svv_all_schemas AS
SELECT pg_catalog.current_database()::varchar(128) AS database_name, s.name::varchar(128) AS schema_name, s.owner::int AS schema_owner,
       (CASE WHEN s.meta ->> 'kind' = 'external' THEN 'external' ELSE 'local' END)::varchar(128) AS schema_type,
       rs_catalog.acl_text(n.nspacl)::varchar(128) AS schema_acl, NULL::varchar(128) AS source_database,
       (s.meta -> 'options')::text::varchar(256) AS schema_option
FROM rs_catalog.schemas s JOIN pg_catalog.pg_namespace n ON n.oid = s.oid
UNION ALL SELECT pg_catalog.current_database()::varchar(128), 'pg_catalog', 10, 'local', NULL, NULL, NULL
UNION ALL SELECT pg_catalog.current_database()::varchar(128), 'information_schema', 10, 'local', NULL, NULL, NULL;

CREATE VIEW rs_sys.svv_redshift_schemas AS
SELECT database_name, schema_name, schema_owner, schema_type::varchar(16) AS schema_type, schema_acl, schema_option::varchar(128) AS schema_option
FROM rs_sys.svv_all_schemas WHERE schema_type = 'local';

CREATE VIEW rs_sys.svv_redshift_tables AS
SELECT pg_catalog.current_database()::varchar(128) AS database_name, t.table_schema AS schema_name, t.table_name,
       (CASE WHEN t.table_type = 'BASE TABLE' THEN 'TABLE' ELSE t.table_type END)::varchar(128) AS table_type,
       rs_catalog.acl_text(c.relacl)::varchar(128) AS table_acl, t.remarks,
       pg_catalog.pg_get_userbyid(t.owner)::varchar(128) AS table_owner
FROM rs_catalog.tables t LEFT JOIN pg_catalog.pg_class c ON c.oid = t.oid AND c.relnamespace <> 'rs_sys'::regnamespace WHERE t.readable;

CREATE VIEW rs_sys.svv_all_tables AS
SELECT database_name, schema_name, table_name, table_type, table_acl, remarks::varchar(256) AS remarks FROM rs_sys.svv_redshift_tables;

CREATE VIEW rs_sys.svv_redshift_columns AS
SELECT table_catalog AS database_name, table_schema AS schema_name, table_name, column_name, ordinal_position,
       data_type, column_default, is_nullable,
       rs_catalog.encoding(meta, column_name, type_text)::varchar(128) AS encoding, COALESCE(meta ->> 'distkey' = column_name, false) AS distkey,
       rs_catalog.sort_place(meta, column_name) AS sortkey, NULL::varchar(128) AS column_acl, remarks
FROM rs_catalog.described_columns WHERE readable;

CREATE VIEW rs_sys.svv_all_columns AS
SELECT table_catalog AS database_name, table_schema AS schema_name, table_name, column_name, ordinal_position, column_default, is_nullable,
       data_type, character_maximum_length, numeric_precision, numeric_scale, remarks
FROM rs_catalog.described_columns WHERE readable;

CREATE VIEW rs_sys.svv_redshift_functions AS
SELECT pg_catalog.current_database()::varchar(128) AS database_name, r.schema_name::varchar(128) AS schema_name, r.name::varchar(128) AS function_name,
       (CASE r.prokind WHEN 'p' THEN 'STORED PROCEDURE' ELSE 'REGULAR FUNCTION' END)::varchar(128) AS function_type,
       COALESCE((SELECT pg_catalog.string_agg(t, ', ') FROM pg_catalog.jsonb_array_elements_text(r.meta -> 'inputs') t), '')::varchar(512) AS argument_type,
       COALESCE(r.meta ->> 'returns', '')::varchar(128) AS result_type
FROM rs_catalog.routines r;

-- "The view doesn't return any information for empty tables."
CREATE VIEW rs_sys.svv_table_info AS
SELECT pg_catalog.current_database()::varchar(128) AS "database", r.schema_name::varchar(128) AS "schema", r.oid AS table_id,
       (CASE WHEN r.meta ->> 'kind' = 'mv' THEN 'mv_tbl__' || r.name || '__0' ELSE r.name END)::varchar(128) AS "table",
       (CASE WHEN r.meta ? 'encodings' THEN 'Y' ELSE 'Y, AUTO(ENCODE)' END)::varchar(32) AS encoded,
       (COALESCE(r.meta ->> 'diststyle', 'AUTO(ALL)'))::varchar(256) AS diststyle,
       (CASE WHEN (r.meta ->> 'interleaved')::boolean THEN 'INTERLEAVED' ELSE COALESCE(r.meta -> 'sortkey' ->> 0, 'AUTO(SORTKEY)') END)::varchar(256) AS sortkey1,
       (SELECT COALESCE(max(pg_catalog.substring(c.type_text, '\((\d+)\)')::int), 0) FROM rs_catalog.columns c
         WHERE c.relation = r.oid AND c.type_text LIKE 'character varying(%') AS max_varchar,
       (CASE WHEN r.meta -> 'sortkey' ->> 0 IS NOT NULL THEN 'none' END)::char(32) AS sortkey1_enc,
       COALESCE(pg_catalog.jsonb_array_length(NULLIF(r.meta -> 'sortkey', 'null')), 0)::int AS sortkey_num,
       (pg_catalog.pg_total_relation_size(r.oid) / 1048576 + 1)::bigint AS size, 0::numeric(10,4) AS pct_used, 0::bigint AS "empty",
       NULL::numeric(5,2) AS unsorted, 0::numeric(5,2) AS stats_off,
       n.rows::numeric(38,0) AS tbl_rows, NULL::numeric(19,2) AS skew_sortkey1, NULL::numeric(19,2) AS skew_rows,
       n.rows::numeric(38,0) AS estimated_visible_rows, NULL::varchar(256) AS risk_event,
       NULL::numeric(12,2) AS vacuum_sort_benefit, (pg_catalog.to_timestamp((r.meta ->> 'created')::float8) AT TIME ZONE 'UTC')::timestamp AS create_time
FROM rs_catalog.relations r, LATERAL (SELECT rs_catalog.row_count(r.oid) AS rows) AS n
WHERE r.relkind IN ('r', 'm') AND NOT r.temporary AND rs_catalog.may_read(r.oid, r.owner) AND n.rows > 0;

CREATE VIEW rs_sys.stv_tbl_perm AS
SELECT 0 AS slice, r.oid::int AS id, r.name::char(72) AS name, rs_catalog.row_count(r.oid) AS rows, rs_catalog.row_count(r.oid) AS sorted_rows,
       r.temporary::int AS temp, (SELECT d.oid::int FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) AS db_id,
       0 AS insert_pristine, 0 AS delete_pristine, 1 AS backup, c.reldiststyle::int AS dist_style, -1 AS block_count
FROM rs_catalog.relations r, LATERAL (SELECT rs_catalog.dist_style(r.meta) AS reldiststyle) AS c
WHERE r.relkind IN ('r', 'm') AND rs_catalog.may_read(r.oid, r.owner);

CREATE VIEW rs_sys.stv_slices AS SELECT 0 AS node, 0 AS slice, 0 AS localslice, 'D'::char(1) AS type;

CREATE VIEW rs_sys.svv_external_schemas AS
SELECT s.oid AS esoid, (CASE WHEN s.meta ->> 'source' IN ('KAFKA', 'MSK') THEN 10 ELSE 9 END)::smallint AS eskind, s.name::varchar(128) AS schemaname,
       s.owner::int AS esowner, ''::varchar(128) AS databasename, (s.meta -> 'options')::text::varchar(65535) AS esoptions
FROM rs_catalog.schemas s WHERE s.meta ->> 'kind' = 'external' AND pg_catalog.has_schema_privilege(s.oid, 'USAGE');

CREATE VIEW rs_sys.svv_mv_info AS
SELECT pg_catalog.current_database()::char(128) AS database_name, r.schema_name::char(128) AS schema_name,
       pg_catalog.pg_get_userbyid(r.owner)::char(128) AS user_name, r.name::char(128) AS name, 'f'::char(1) AS is_stale, 1::int AS state,
       (CASE WHEN (r.meta ->> 'autorefresh')::boolean THEN 't' ELSE 'f' END)::char(1) AS autorefresh,
       'f'::char(1) AS autorewrite
FROM rs_catalog.relations r
WHERE r.meta ->> 'kind' = 'mv' AND rs_catalog.sees(pg_catalog.pg_get_userbyid(r.owner)::text);

CREATE VIEW rs_sys.stv_mv_info AS
SELECT database_name AS db_name, schema_name AS "schema", name, NULL::bigint AS updated_upto_xid, is_stale,
       user_name AS owner_user_name, state, autorewrite, autorefresh
FROM rs_sys.svv_mv_info;

CREATE VIEW rs_catalog.mv_reads AS
SELECT r.schema_name, r.name, x ->> 0 AS read_schema, x ->> 1 AS read_name, b.meta ->> 'kind' AS read_kind, r.owner
FROM rs_catalog.relations r, pg_catalog.jsonb_array_elements(r.meta -> 'reads') AS x
JOIN rs_catalog.relations b ON b.schema_name = x ->> 0 AND b.name = x ->> 1 WHERE r.meta ->> 'kind' = 'mv';

CREATE VIEW rs_sys.svv_mv_dependency AS
SELECT pg_catalog.current_database()::char(128) AS database_name, m.schema_name::char(128) AS schema_name, m.name::char(128) AS name,
       pg_catalog.current_database()::char(128) AS dependent_database_name, m.read_schema::char(128) AS dependent_schema_name,
       m.read_name::char(128) AS dependent_name
FROM rs_catalog.mv_reads m WHERE m.read_kind = 'mv' AND rs_catalog.sees(pg_catalog.pg_get_userbyid(m.owner)::text);

CREATE VIEW rs_sys.stv_mv_deps AS
SELECT pg_catalog.current_database()::char(128) AS db_name, m.schema_name::char(128) AS "schema", m.name::char(128) AS name,
       m.read_schema::char(128) AS ref_schema, m.read_name::char(128) AS ref_name, pg_catalog.current_database()::char(128) AS ref_database_name
FROM rs_catalog.mv_reads m WHERE rs_catalog.sees(pg_catalog.pg_get_userbyid(m.owner)::text);

CREATE VIEW rs_sys.svv_schema_quota_state AS
SELECT s.oid::int AS schema_id, s.name::char(128) AS schema_name, s.owner::int AS schema_owner, NULL::int AS quota,
       (COALESCE((SELECT sum(pg_catalog.pg_total_relation_size(c.oid)) FROM pg_catalog.pg_class c WHERE c.relnamespace = s.oid AND c.relkind = 'r'), 0) / 1048576)::int AS disk_usage,
       NULL::double precision AS disk_usage_pct
FROM rs_catalog.schemas s WHERE pg_catalog.has_schema_privilege(s.oid, 'USAGE');

-- Users, roles and what they may do.

CREATE VIEW rs_sys.svv_roles AS
SELECT oid::int AS role_id, pg_catalog.substr(rolname::text, 6)::varchar(128) AS role_name, 'rdsdb'::varchar(128) AS role_owner,
       NULL::varchar(128) AS external_id
FROM pg_catalog.pg_roles WHERE rolname LIKE 'role:%';

CREATE VIEW rs_sys.svv_user_grants AS
SELECT m.oid::int AS user_id, m.rolname::varchar(128) AS user_name, r.oid::int AS role_id,
       pg_catalog.substr(r.rolname::text, 6)::varchar(128) AS role_name, a.admin_option
FROM pg_catalog.pg_auth_members a JOIN pg_catalog.pg_roles r ON r.oid = a.roleid JOIN pg_catalog.pg_roles m ON m.oid = a.member
WHERE r.rolname LIKE 'role:%' AND m.rolcanlogin AND rs_catalog.sees(m.rolname::text);

CREATE VIEW rs_sys.svv_role_grants AS
SELECT m.oid::int AS role_id, pg_catalog.substr(m.rolname::text, 6)::varchar(128) AS role_name, r.oid::int AS granted_role_id,
       pg_catalog.substr(r.rolname::text, 6)::varchar(128) AS granted_role_name
FROM pg_catalog.pg_auth_members a JOIN pg_catalog.pg_roles r ON r.oid = a.roleid JOIN pg_catalog.pg_roles m ON m.oid = a.member
WHERE r.rolname LIKE 'role:%' AND m.rolname LIKE 'role:%';

CREATE VIEW rs_sys.svv_user_info AS
SELECT rolname::varchar(128) AS user_name, oid::int AS user_id, rolcreatedb AS createdb, rolsuper AS superuser, false AS catalog_update,
       'UNLIMITED'::varchar(32) AS connection_limit, rs_catalog.syslog_access(oid)::varchar(32) AS syslog_access, NULL::timestamp AS last_ddl_timestamp,
       0::int AS session_timeout, NULL::varchar(128) AS external_user_id
FROM pg_catalog.pg_roles WHERE rolcanlogin AND rs_catalog.sees(rolname::text);

CREATE VIEW rs_sys.svl_user_info AS
SELECT user_name AS usename, user_id AS usesysid, createdb AS usecreatedb, superuser AS usesuper, catalog_update AS usecatupd,
       connection_limit AS useconnlimit, syslog_access AS syslogaccess, last_ddl_timestamp AS last_ddl_ts, session_timeout AS sessiontimeout, external_user_id
FROM rs_sys.svv_user_info;

-- TRUNCATE is PostgreSQL's privilege, not one of Redshift's list.
CREATE VIEW rs_sys.svv_relation_privileges AS
SELECT r.schema_name::varchar(128) AS namespace_name, r.name::varchar(128) AS relation_name, x.privilege_type::varchar(128) AS privilege_type,
       x.grantee::int AS identity_id, rs_catalog.grantee_name(x.grantee)::varchar(128) AS identity_name,
       rs_catalog.grantee_kind(x.grantee)::varchar(128) AS identity_type, x.is_grantable AS admin_option
FROM rs_catalog.relations r JOIN pg_catalog.pg_class c ON c.oid = r.oid, pg_catalog.aclexplode(c.relacl) x
WHERE x.grantee <> c.relowner AND NOT r.temporary AND x.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'REFERENCES', 'TRIGGER', 'RULE')
  AND rs_catalog.sees_grantee(x.grantee);

CREATE VIEW rs_sys.svv_column_privileges AS
SELECT r.schema_name::varchar(128) AS namespace_name, r.name::varchar(128) AS relation_name, a.attname::varchar(128) AS column_name,
       x.privilege_type::varchar(128) AS privilege_type, x.grantee::int AS identity_id, rs_catalog.grantee_name(x.grantee)::varchar(128) AS identity_name,
       rs_catalog.grantee_kind(x.grantee)::varchar(128) AS identity_type
FROM rs_catalog.relations r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid, pg_catalog.aclexplode(a.attacl) x
WHERE NOT r.temporary AND rs_catalog.sees_grantee(x.grantee);

CREATE VIEW rs_sys.svv_schema_privileges AS
SELECT s.name::varchar(128) AS namespace_name, x.privilege_type::varchar(128) AS privilege_type, x.grantee::int AS identity_id,
       rs_catalog.grantee_name(x.grantee)::varchar(128) AS identity_name, rs_catalog.grantee_kind(x.grantee)::varchar(128) AS identity_type,
       x.is_grantable AS admin_option, 'SCHEMA'::varchar(128) AS privilege_scope
FROM rs_catalog.schemas s JOIN pg_catalog.pg_namespace n ON n.oid = s.oid, pg_catalog.aclexplode(n.nspacl) x
WHERE x.grantee <> n.nspowner AND rs_catalog.sees_grantee(x.grantee);

CREATE VIEW rs_sys.svv_database_privileges AS
SELECT d.datname::varchar(128) AS database_name, (CASE x.privilege_type WHEN 'TEMPORARY' THEN 'TEMP' ELSE x.privilege_type END)::varchar(128) AS privilege_type,
       x.grantee::int AS identity_id, rs_catalog.grantee_name(x.grantee)::varchar(128) AS identity_name,
       rs_catalog.grantee_kind(x.grantee)::varchar(128) AS identity_type, x.is_grantable AS admin_option, 'DATABASE'::varchar(128) AS privilege_scope
FROM pg_catalog.pg_database d, pg_catalog.aclexplode(d.datacl) x
WHERE NOT d.datistemplate AND d.datname <> 'postgres' AND x.grantee <> d.datdba AND x.privilege_type <> 'CONNECT'
  AND rs_catalog.sees_grantee(x.grantee);

CREATE VIEW rs_sys.svv_function_privileges AS
SELECT r.schema_name::varchar(128) AS namespace_name, r.name::varchar(128) AS function_name,
       COALESCE((SELECT pg_catalog.string_agg(t, ', ') FROM pg_catalog.jsonb_array_elements_text(r.meta -> 'inputs') t), '')::varchar(4096) AS argument_types,
       x.privilege_type::varchar(128) AS privilege_type, x.grantee::int AS identity_id,
       rs_catalog.grantee_name(x.grantee)::varchar(128) AS identity_name, rs_catalog.grantee_kind(x.grantee)::varchar(128) AS identity_type,
       x.is_grantable AS admin_option
FROM rs_catalog.routines r JOIN pg_catalog.pg_proc p ON p.oid = r.oid, pg_catalog.aclexplode(p.proacl) x
WHERE x.grantee <> p.proowner AND rs_catalog.sees_grantee(x.grantee);

CREATE VIEW rs_sys.svv_language_privileges AS
SELECT l.lanname::varchar(128) AS language_name, 'USAGE'::varchar(128) AS privilege_type, 0 AS identity_id, 'public'::varchar(128) AS identity_name,
       'public'::varchar(128) AS identity_type, false AS admin_option
FROM (VALUES ('sql'), ('plpgsql')) AS l(lanname);

CREATE VIEW rs_sys.svv_default_privileges AS
SELECT n.nspname::varchar(128) AS schema_name,
       (CASE d.defaclobjtype WHEN 'r' THEN 'RELATION' WHEN 'f' THEN 'FUNCTION' ELSE 'SCHEMA' END)::varchar(128) AS object_type,
       d.defaclrole::int AS owner_id, pg_catalog.pg_get_userbyid(d.defaclrole)::varchar(128) AS owner_name, 'user'::varchar(128) AS owner_type,
       x.privilege_type::varchar(128) AS privilege_type, x.grantee::int AS grantee_id,
       rs_catalog.grantee_name(x.grantee)::varchar(128) AS grantee_name, rs_catalog.grantee_kind(x.grantee)::varchar(128) AS grantee_type,
       x.is_grantable AS admin_option
FROM pg_catalog.pg_default_acl d LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace,
     LATERAL pg_catalog.aclexplode(d.defaclacl) AS x;
