-- What the stand-in keeps about Redshift's objects, and how it reads them back.
--
-- Run once per database, as the superuser, when the database is made. What Redshift knows of an
-- object and PostgreSQL does not (types, distribution, a procedure's mode, a topic) is JSON in the
-- object's comment: it is transactional, belongs to the object's owner and goes with the object.
-- Invariant: every comment of ours is an object that starts with {"rs":1.

CREATE SCHEMA rs_catalog;
CREATE SCHEMA rs_sys;
GRANT USAGE ON SCHEMA rs_sys TO PUBLIC;
GRANT ALL ON SCHEMA public TO PUBLIC;

CREATE FUNCTION rs_catalog.meta(class regclass, object oid) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN d.description LIKE '{"rs":1%' THEN d.description::jsonb ELSE '{"rs":1}'::jsonb END
  FROM (SELECT (SELECT description FROM pg_catalog.pg_description
                WHERE classoid = class AND objoid = object AND objsubid = 0) AS description) d
$$;

-- Redshift's name of a column's type, as its catalogs print it.
CREATE FUNCTION rs_catalog.type_text(type_id oid, modifier int) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE pg_catalog.format_type(type_id, NULL)
    WHEN 'jsonb' THEN 'super'
    WHEN 'bytea' THEN 'binary varying(64000)'
    WHEN 'text' THEN 'character varying(65535)'
    WHEN 'name' THEN 'character varying(128)'
    WHEN 'character varying' THEN CASE WHEN modifier < 0 THEN 'character varying(65535)' ELSE pg_catalog.format_type(type_id, modifier) END
    WHEN 'numeric' THEN CASE WHEN modifier < 0 THEN 'numeric(38,0)' ELSE pg_catalog.format_type(type_id, modifier) END
    ELSE pg_catalog.format_type(type_id, modifier) END
$$;

CREATE VIEW rs_catalog.schemas AS
SELECT n.oid, n.nspname::text AS name, n.nspowner AS owner, rs_catalog.meta('pg_catalog.pg_namespace', n.oid) AS meta
FROM pg_catalog.pg_namespace n
WHERE n.nspname NOT IN ('rs', 'rs_catalog', 'rs_sys', 'pg_catalog', 'information_schema', 'pg_toast')
  AND n.nspname NOT LIKE 'pg\_temp\_%' AND n.nspname NOT LIKE 'pg\_toast\_temp\_%';

-- Temporary tables are those of the session that asks.
CREATE VIEW rs_catalog.relations AS
SELECT c.oid, n.nspname::text AS schema_name, c.relname::text AS name, c.relowner AS owner, c.relkind,
       n.oid = pg_catalog.pg_my_temp_schema() AS temporary, c.reltuples,
       rs_catalog.meta('pg_catalog.pg_class', c.oid) AS meta
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm')
  AND (n.oid IN (SELECT oid FROM rs_catalog.schemas) OR n.oid = pg_catalog.pg_my_temp_schema())
  AND c.relname NOT LIKE 'rs:%';

CREATE VIEW rs_catalog.columns AS
SELECT a.attrelid AS relation, a.attnum::int AS number, a.attname::text AS name,
       COALESCE(r.meta -> 'types' ->> a.attname::text, rs_catalog.type_text(a.atttypid, a.atttypmod)) AS type_text,
       NOT a.attnotnull AS nullable, COALESCE(r.meta -> 'identity' ->> a.attname::text, '') AS identity,
       pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS default_text,
       r.meta -> 'defaults' ->> a.attname::text AS default_given
FROM pg_catalog.pg_attribute a
JOIN rs_catalog.relations r ON r.oid = a.attrelid
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped;

CREATE VIEW rs_catalog.system_columns AS
SELECT c.relname::text AS relation, a.attnum::int AS number, a.attname::text AS name,
       rs_catalog.type_text(a.atttypid, a.atttypmod) AS type_text
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'rs_sys'
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind = 'v';

CREATE VIEW rs_catalog.routines AS
SELECT p.oid, n.nspname::text AS schema_name, p.proname::text AS name, p.proowner AS owner, p.prokind,
       p.prosecdef AS definer, p.prosrc AS source, rs_catalog.meta('pg_catalog.pg_proc', p.oid) AS meta
FROM pg_catalog.pg_proc p JOIN rs_catalog.schemas s ON s.oid = p.pronamespace
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE p.prokind IN ('p', 'f');

-- The bookkeeping of streaming ingestion and of statements.

CREATE TABLE rs_catalog.stream_position (
  view_id oid NOT NULL, partition_id bigint NOT NULL, next_offset bigint NOT NULL,
  PRIMARY KEY (view_id, partition_id));

CREATE TABLE rs_catalog.stream_scan_state (
  user_name text, external_schema_name text, stream_name text, schema_name text, mv_name text, transaction_id bigint, query_id bigint,
  record_time timestamp, partition_id bigint, latest_position bigint, scanned_rows bigint, skipped_rows bigint,
  scanned_bytes bigint, stream_record_time_min timestamp, stream_record_time_max timestamp);

CREATE TABLE rs_catalog.stream_scan_error (
  user_name text, external_schema_name text, stream_name text, schema_name text, mv_name text, transaction_id bigint, query_id bigint,
  stream_timestamp_type text, stream_timestamp timestamp, record_time timestamp, partition_id bigint, position bigint,
  error_code int, error_reason text);

CREATE TABLE rs_catalog.mv_refresh (
  user_name text, session_id int, transaction_id bigint, schema_name text, mv_id oid, mv_name text, refresh_type text,
  status text, start_time timestamp, end_time timestamp);

CREATE TABLE rs_catalog.query_history (
  user_name text, query_id bigint, query_label text, transaction_id bigint, session_id int, query_type text, status text,
  start_time timestamp, end_time timestamp, error_message text, returned_rows bigint, query_text text);

CREATE SEQUENCE rs_catalog.refresh_ids;

-- Redshift's system relations, readable by all. Names and types of columns as in the Redshift
-- Database Developer Guide, "System tables and views reference".

CREATE FUNCTION rs_catalog.user_id(user_name text) RETURNS int
LANGUAGE sql STABLE AS $$ SELECT oid::int FROM pg_catalog.pg_roles WHERE rolname = user_name $$;

-- SECURITY: a superuser sees everything, others what is theirs.
CREATE FUNCTION rs_catalog.sees(user_name text) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT user_name = current_user OR (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
$$;

CREATE FUNCTION rs_catalog.may_read(relation oid, owner oid) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT pg_catalog.pg_has_role(owner, 'USAGE')
      OR pg_catalog.has_table_privilege(relation, 'SELECT, INSERT, UPDATE, DELETE, REFERENCES')
$$;

-- Counted when it is asked for: PostgreSQL's own number is as old as its last ANALYZE.
CREATE FUNCTION rs_catalog.row_count(relation oid) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$
DECLARE n bigint;
BEGIN
  EXECUTE 'SELECT count(*) FROM ' || relation::regclass INTO n;
  RETURN n;
END $$;

CREATE VIEW rs_sys.svv_tables AS
SELECT pg_catalog.current_database()::varchar(128) AS table_catalog,
       (CASE WHEN r.temporary THEN 'pg_temp' ELSE r.schema_name END)::varchar(128) AS table_schema, r.name::varchar(128) AS table_name,
       (CASE WHEN r.relkind = 'r' AND r.meta ->> 'kind' IS DISTINCT FROM 'mv' THEN 'BASE TABLE' ELSE 'VIEW' END)::varchar(128) AS table_type,
       (r.meta ->> 'comment')::varchar(128) AS remarks
FROM rs_catalog.relations r WHERE rs_catalog.may_read(r.oid, r.owner)
UNION ALL
SELECT pg_catalog.current_database()::varchar(128), 'pg_catalog', c.relname::varchar(128), 'VIEW', NULL
FROM pg_catalog.pg_class c WHERE c.relnamespace = 'rs_sys'::regnamespace AND c.relkind = 'v';

CREATE VIEW rs_sys.svv_columns AS
SELECT pg_catalog.current_database()::varchar(128) AS table_catalog,
       (CASE WHEN r.temporary THEN 'pg_temp' ELSE r.schema_name END)::varchar(128) AS table_schema,
       r.name::varchar(128) AS table_name, c.name::varchar(128) AS column_name, c.number::int AS ordinal_position,
       (CASE WHEN c.identity <> '' THEN '"identity"(' || c.identity || ')' ELSE COALESCE(c.default_given, c.default_text) END)::varchar(4000) AS column_default,
       (CASE WHEN c.nullable THEN 'YES' ELSE 'NO' END)::varchar(3) AS is_nullable,
       pg_catalog.regexp_replace(c.type_text, '\([^)]*\)', '')::varchar(128) AS data_type,
       (CASE WHEN c.type_text ~ '^(character|binary)' THEN pg_catalog.substring(c.type_text, '\((\d+)\)')::int END) AS character_maximum_length,
       (CASE WHEN c.type_text LIKE 'numeric(%' THEN pg_catalog.substring(c.type_text, '\((\d+),')::int
             WHEN c.type_text = 'smallint' THEN 16 WHEN c.type_text = 'integer' THEN 32 WHEN c.type_text = 'bigint' THEN 64
             WHEN c.type_text = 'real' THEN 24 WHEN c.type_text = 'double precision' THEN 53 END) AS numeric_precision,
       (CASE WHEN c.type_text LIKE 'numeric(%' THEN 10
             WHEN c.type_text IN ('smallint', 'integer', 'bigint', 'real', 'double precision') THEN 2 END) AS numeric_precision_radix,
       (CASE WHEN c.type_text LIKE 'numeric(%' THEN pg_catalog.substring(c.type_text, ',(\d+)\)')::int
             WHEN c.type_text IN ('smallint', 'integer', 'bigint') THEN 0 END) AS numeric_scale,
       (CASE WHEN c.type_text LIKE 'time%' THEN 6 END) AS datetime_precision,
       NULL::varchar(128) AS interval_type, NULL::varchar(128) AS interval_precision,
       NULL::varchar(128) AS character_set_catalog, NULL::varchar(128) AS character_set_schema, NULL::varchar(128) AS character_set_name,
       NULL::varchar(128) AS collation_catalog, NULL::varchar(128) AS collation_schema, NULL::varchar(128) AS collation_name,
       NULL::varchar(128) AS domain_name,
       pg_catalog.col_description(r.oid, c.number)::varchar(128) AS remarks
FROM rs_catalog.relations r JOIN rs_catalog.columns c ON c.relation = r.oid
WHERE rs_catalog.may_read(r.oid, r.owner) AND r.meta ->> 'kind' IS DISTINCT FROM 'late';

CREATE VIEW rs_sys.svv_table_info AS
SELECT pg_catalog.current_database()::varchar(128) AS "database", r.schema_name::varchar(128) AS "schema", r.oid AS table_id,
       (CASE WHEN r.meta ->> 'kind' = 'mv' THEN 'mv_tbl__' || r.name || '__0' ELSE r.name END)::varchar(128) AS "table",
       (COALESCE(r.meta ->> 'encoded', 'Y, AUTO(ENCODE)'))::varchar(32) AS encoded,
       (COALESCE(r.meta ->> 'diststyle', 'AUTO(ALL)'))::varchar(256) AS diststyle,
       (COALESCE(r.meta -> 'sortkey' ->> 0, 'AUTO(SORTKEY)'))::varchar(256) AS sortkey1,
       (SELECT COALESCE(max(pg_catalog.substring(c.type_text, '\((\d+)\)')::int), 0) FROM rs_catalog.columns c
         WHERE c.relation = r.oid AND c.type_text LIKE 'character varying(%') AS max_varchar,
       NULL::varchar(32) AS sortkey1_enc,
       COALESCE(pg_catalog.jsonb_array_length(r.meta -> 'sortkey'), 0)::int AS sortkey_num,
       (pg_catalog.pg_relation_size(r.oid) / 1048576)::bigint AS size, 0::numeric(10,4) AS pct_used, 0::bigint AS "empty",
       NULL::numeric(5,2) AS unsorted, 0::numeric(5,2) AS stats_off,
       rs_catalog.row_count(r.oid)::numeric(38,0) AS tbl_rows, NULL::numeric(19,2) AS skew_sortkey1, NULL::numeric(19,2) AS skew_rows,
       rs_catalog.row_count(r.oid)::numeric(38,0) AS estimated_visible_rows, NULL::varchar(256) AS risk_event,
       NULL::numeric(12,2) AS vacuum_sort_benefit, NULL::timestamp AS create_time
FROM rs_catalog.relations r WHERE r.relkind IN ('r', 'm') AND NOT r.temporary AND rs_catalog.may_read(r.oid, r.owner);

CREATE VIEW rs_sys.svv_external_schemas AS
SELECT s.oid AS esoid, (CASE s.meta ->> 'source' WHEN 'KAFKA' THEN 8 ELSE 7 END)::smallint AS eskind, s.name::varchar(128) AS schemaname,
       s.owner::int AS esowner, ''::varchar(128) AS databasename, (s.meta -> 'options')::text::varchar(65535) AS esoptions
FROM rs_catalog.schemas s WHERE s.meta ->> 'kind' = 'external'
  AND pg_catalog.has_schema_privilege(s.oid, 'USAGE');

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

CREATE VIEW rs_sys.svv_roles AS
SELECT oid::int AS role_id, pg_catalog.substr(rolname::text, 6)::varchar(128) AS role_name, 'rdsdb'::varchar(128) AS role_owner,
       NULL::varchar(128) AS external_id
FROM pg_catalog.pg_roles WHERE rolname LIKE 'role:%';

CREATE VIEW rs_sys.svv_user_grants AS
SELECT m.oid::int AS user_id, m.rolname::varchar(128) AS user_name, r.oid::int AS role_id,
       pg_catalog.substr(r.rolname::text, 6)::varchar(128) AS role_name, a.admin_option
FROM pg_catalog.pg_auth_members a JOIN pg_catalog.pg_roles r ON r.oid = a.roleid JOIN pg_catalog.pg_roles m ON m.oid = a.member
WHERE r.rolname LIKE 'role:%' AND m.rolcanlogin;

CREATE VIEW rs_sys.svv_role_grants AS
SELECT m.oid::int AS role_id, pg_catalog.substr(m.rolname::text, 6)::varchar(128) AS role_name, r.oid::int AS granted_role_id,
       pg_catalog.substr(r.rolname::text, 6)::varchar(128) AS granted_role_name
FROM pg_catalog.pg_auth_members a JOIN pg_catalog.pg_roles r ON r.oid = a.roleid JOIN pg_catalog.pg_roles m ON m.oid = a.member
WHERE r.rolname LIKE 'role:%' AND m.rolname LIKE 'role:%';

-- Who has what: identity names are without the prefixes that keep roles and groups apart from users.
CREATE FUNCTION rs_catalog.grantee_name(id oid) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN id = 0 THEN 'public' ELSE pg_catalog.regexp_replace(pg_catalog.pg_get_userbyid(id)::text, '^(role|group):', '') END $$;
CREATE FUNCTION rs_catalog.grantee_kind(id oid) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN id = 0 THEN 'public' ELSE COALESCE(pg_catalog.substring(pg_catalog.pg_get_userbyid(id)::text, '^(role|group):'), 'user') END $$;

CREATE VIEW rs_sys.svv_relation_privileges AS
SELECT r.schema_name::varchar(128) AS namespace_name, r.name::varchar(128) AS relation_name, x.privilege_type::varchar(128) AS privilege_type,
       x.grantee::int AS identity_id, rs_catalog.grantee_name(x.grantee)::varchar(128) AS identity_name,
       rs_catalog.grantee_kind(x.grantee)::varchar(128) AS identity_type, x.is_grantable AS admin_option
FROM rs_catalog.relations r JOIN pg_catalog.pg_class c ON c.oid = r.oid, pg_catalog.aclexplode(c.relacl) x
WHERE x.grantee <> c.relowner AND NOT r.temporary;

CREATE VIEW rs_sys.svv_schema_privileges AS
SELECT s.name::varchar(128) AS namespace_name, x.privilege_type::varchar(128) AS privilege_type, x.grantee::int AS identity_id,
       rs_catalog.grantee_name(x.grantee)::varchar(128) AS identity_name, rs_catalog.grantee_kind(x.grantee)::varchar(128) AS identity_type,
       x.is_grantable AS admin_option
FROM rs_catalog.schemas s JOIN pg_catalog.pg_namespace n ON n.oid = s.oid, pg_catalog.aclexplode(n.nspacl) x
WHERE x.grantee <> n.nspowner;

CREATE VIEW rs_sys.svv_function_privileges AS
SELECT r.schema_name::varchar(128) AS namespace_name, r.name::varchar(128) AS function_name,
       COALESCE((SELECT pg_catalog.string_agg(t, ', ') FROM pg_catalog.jsonb_array_elements_text(r.meta -> 'inputs') t), '')::varchar(4096) AS argument_types,
       x.privilege_type::varchar(128) AS privilege_type, x.grantee::int AS identity_id,
       rs_catalog.grantee_name(x.grantee)::varchar(128) AS identity_name, rs_catalog.grantee_kind(x.grantee)::varchar(128) AS identity_type,
       x.is_grantable AS admin_option
FROM rs_catalog.routines r JOIN pg_catalog.pg_proc p ON p.oid = r.oid, pg_catalog.aclexplode(p.proacl) x
WHERE x.grantee <> p.proowner;

CREATE VIEW rs_sys.svv_redshift_functions AS
SELECT pg_catalog.current_database()::varchar(128) AS database_name, r.schema_name::varchar(128) AS schema_name, r.name::varchar(128) AS function_name,
       (CASE r.prokind WHEN 'p' THEN 'STORED PROCEDURE' ELSE 'REGULAR FUNCTION' END)::varchar(128) AS function_type,
       COALESCE((SELECT pg_catalog.string_agg(t, ', ') FROM pg_catalog.jsonb_array_elements_text(r.meta -> 'inputs') t), '')::varchar(512) AS argument_type,
       COALESCE(r.meta ->> 'returns', '')::varchar(128) AS result_type
FROM rs_catalog.routines r;

CREATE VIEW rs_sys.pg_proc_info AS
SELECT r.oid AS prooid, r.name::varchar(128) AS proname, p.pronamespace AS pronamespace, p.proowner::int AS proowner,
       r.definer AS prosecdef, r.source::varchar(65535) AS prosrc, r.prokind::varchar(1) AS prokind
FROM rs_catalog.routines r JOIN pg_catalog.pg_proc p ON p.oid = r.oid;

CREATE VIEW rs_sys.pg_user AS
SELECT rolname::varchar(128) AS usename, oid::int AS usesysid, rolcreatedb AS usecreatedb, rolsuper AS usesuper, false AS usecatupd,
       '********'::varchar(128) AS passwd, rolvaliduntil AS valuntil, NULL::varchar(65535) AS useconfig
FROM pg_catalog.pg_roles WHERE rolcanlogin;

CREATE VIEW rs_sys.svv_user_info AS
SELECT rolname::varchar(128) AS user_name, oid::int AS user_id, rolcreatedb AS createdb, rolsuper AS superuser, false AS catalog_update,
       'UNLIMITED'::varchar(32) AS connection_limit, 'RESTRICTED'::varchar(32) AS syslog_access, NULL::timestamp AS last_ddl_timestamp,
       0::int AS session_timeout, NULL::varchar(128) AS external_user_id
FROM pg_catalog.pg_roles WHERE rolcanlogin;

CREATE VIEW rs_sys.pg_group AS
SELECT pg_catalog.substr(g.rolname::text, 7)::varchar(128) AS groname, g.oid::int AS grosysid,
       COALESCE((SELECT pg_catalog.string_agg(a.member::text, ',') FROM pg_catalog.pg_auth_members a WHERE a.roleid = g.oid), '')::varchar(65535) AS grolist
FROM pg_catalog.pg_roles g WHERE g.rolname LIKE 'group:%';

CREATE VIEW rs_sys.pg_namespace AS
SELECT s.oid, s.name::varchar(128) AS nspname, s.owner::int AS nspowner, n.nspacl::text::varchar(65535) AS nspacl
FROM rs_catalog.schemas s JOIN pg_catalog.pg_namespace n ON n.oid = s.oid
UNION ALL SELECT 11::oid, 'pg_catalog', 10, NULL;

CREATE VIEW rs_sys.pg_class AS
SELECT r.oid, r.oid AS relfilenode, r.name::varchar(128) AS relname, c.relnamespace, r.owner::int AS relowner,
       (CASE WHEN r.meta ->> 'kind' IN ('mv', 'late') THEN 'v' ELSE c.relkind::text END)::varchar(1) AS relkind,
       c.reltuples, c.relnatts::int AS relnatts, c.relacl::text::varchar(65535) AS relacl,
       (CASE WHEN r.meta ->> 'diststyle' LIKE 'KEY%' THEN 1 WHEN r.meta ->> 'diststyle' = 'ALL' THEN 8
             WHEN r.meta ->> 'diststyle' = 'EVEN' THEN 0 ELSE 10 END)::smallint AS reldiststyle
FROM rs_catalog.relations r JOIN pg_catalog.pg_class c ON c.oid = r.oid;

CREATE VIEW rs_sys.pg_attribute AS
SELECT c.relation AS attrelid, c.name::varchar(128) AS attname, c.number::smallint AS attnum, NOT c.nullable AS attnotnull,
       c.default_text IS NOT NULL AS atthasdef, false AS attisdropped, a.atttypid, a.atttypmod, a.attlen,
       COALESCE(r.meta ->> 'distkey' = c.name, false) AS attisdistkey,
       COALESCE((SELECT k.position::int FROM pg_catalog.jsonb_array_elements_text(r.meta -> 'sortkey') WITH ORDINALITY AS k(name, position)
                 WHERE k.name = c.name), 0) AS attsortkeyord
FROM rs_catalog.columns c
JOIN rs_catalog.relations r ON r.oid = c.relation
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.relation AND a.attnum = c.number;

CREATE VIEW rs_sys.pg_tables AS
SELECT r.schema_name::varchar(128) AS schemaname, r.name::varchar(128) AS tablename,
       pg_catalog.pg_get_userbyid(r.owner)::varchar(128) AS tableowner, NULL::varchar(128) AS tablespace
FROM rs_catalog.relations r WHERE r.relkind = 'r' AND r.meta ->> 'kind' IS DISTINCT FROM 'mv';

CREATE VIEW rs_sys.pg_views AS
SELECT r.schema_name::varchar(128) AS schemaname, r.name::varchar(128) AS viewname,
       pg_catalog.pg_get_userbyid(r.owner)::varchar(128) AS viewowner, (r.meta ->> 'definition')::varchar(65535) AS definition
FROM rs_catalog.relations r WHERE r.relkind = 'v' OR r.meta ->> 'kind' = 'mv';

CREATE VIEW rs_sys.pg_table_def AS
SELECT r.schema_name::varchar(128) AS schemaname, r.name::varchar(128) AS tablename, c.name::varchar(128) AS "column",
       c.type_text::varchar(128) AS type, 'none'::varchar(32) AS encoding,
       COALESCE(r.meta ->> 'distkey' = c.name, false) AS distkey,
       COALESCE((SELECT k.position::int FROM pg_catalog.jsonb_array_elements_text(r.meta -> 'sortkey') WITH ORDINALITY AS k(name, position)
                 WHERE k.name = c.name), 0) AS sortkey,
       NOT c.nullable AS "notnull"
FROM rs_catalog.relations r JOIN rs_catalog.columns c ON c.relation = r.oid
WHERE r.relkind = 'r'
  AND (r.temporary OR r.schema_name = ANY (pg_catalog.string_to_array(pg_catalog.current_setting('rs.search_path', true), ',')))
  AND rs_catalog.may_read(r.oid, r.owner);

CREATE VIEW rs_sys.svv_redshift_databases AS
SELECT d.datname::varchar(128) AS database_name, d.datdba::int AS database_owner, 'local'::varchar(32) AS database_type,
       NULL::varchar(128) AS database_acl, NULL::varchar(128) AS database_options,
       'Snapshot Isolation'::varchar(128) AS database_isolation_level
FROM pg_catalog.pg_database d WHERE NOT d.datistemplate AND d.datname <> 'postgres';

CREATE VIEW rs_sys.pg_database AS
SELECT d.datname::varchar(128) AS datname, d.oid, d.datdba::int AS datdba FROM pg_catalog.pg_database d
WHERE NOT d.datistemplate AND d.datname <> 'postgres';

CREATE VIEW rs_sys.svv_all_schemas AS
SELECT pg_catalog.current_database()::varchar(128) AS database_name, s.name::varchar(128) AS schema_name, s.owner::int AS schema_owner,
       (CASE WHEN s.meta ->> 'kind' = 'external' THEN 'external' ELSE 'local' END)::varchar(128) AS schema_type,
       NULL::varchar(128) AS schema_acl, NULL::varchar(128) AS source_database, NULL::varchar(256) AS schema_option
FROM rs_catalog.schemas s
UNION ALL SELECT pg_catalog.current_database()::varchar(128), 'pg_catalog', 10, 'local', NULL, NULL, NULL;

CREATE VIEW rs_sys.svv_redshift_schemas AS
SELECT database_name, schema_name, schema_owner, schema_type, schema_acl, schema_option FROM rs_sys.svv_all_schemas
WHERE schema_type = 'local';

CREATE VIEW rs_sys.svv_redshift_tables AS
SELECT table_catalog AS database_name, table_schema AS schema_name, table_name,
       (CASE WHEN table_type = 'BASE TABLE' THEN 'TABLE' ELSE table_type END)::varchar(128) AS table_type, NULL::varchar(128) AS table_acl, remarks
FROM rs_sys.svv_tables;

CREATE VIEW rs_sys.svv_all_tables AS SELECT * FROM rs_sys.svv_redshift_tables;

CREATE VIEW rs_sys.svv_redshift_columns AS
SELECT table_catalog AS database_name, table_schema AS schema_name, table_name, column_name, ordinal_position, data_type, column_default,
       is_nullable, NULL::varchar(128) AS encoding, false AS distkey, 0 AS sortkey, NULL::varchar(128) AS column_acl, remarks
FROM rs_sys.svv_columns;

CREATE VIEW rs_sys.svv_all_columns AS
SELECT table_catalog AS database_name, table_schema AS schema_name, table_name, column_name, ordinal_position, column_default, is_nullable,
       data_type, character_maximum_length, numeric_precision, numeric_scale, remarks
FROM rs_sys.svv_columns;

CREATE VIEW rs_sys.stv_db_isolation_level AS
SELECT d.datname::char(128) AS db_name,
       (CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_db_role_setting s
                          WHERE s.setdatabase = d.oid AND 'rs.isolation=serializable' = ANY (s.setconfig))
             THEN 'Serializable' ELSE 'Snapshot Isolation' END)::char(128) AS isolation_level
FROM pg_catalog.pg_database d WHERE NOT d.datistemplate AND d.datname <> 'postgres';

CREATE VIEW rs_sys.sys_stream_scan_states AS
SELECT external_schema_name::char(128) AS external_schema_name, stream_name::char(128) AS stream_name, mv_name::char(128) AS mv_name,
       transaction_id, query_id, record_time, partition_id::char(128) AS partition_id, latest_position::char(128) AS latest_position,
       scanned_rows, skipped_rows, scanned_bytes, stream_record_time_min, stream_record_time_max
FROM rs_catalog.stream_scan_state WHERE rs_catalog.sees(user_name);

CREATE VIEW rs_sys.sys_stream_scan_errors AS
SELECT external_schema_name::char(128) AS external_schema_name, stream_name::char(128) AS stream_name, mv_name::char(128) AS mv_name,
       transaction_id, query_id, stream_timestamp_type::char(1) AS stream_timestamp_type, stream_timestamp, record_time,
       partition_id::char(128) AS partition_id, "position"::char(128) AS "position", error_code, error_reason::char(128) AS error_reason
FROM rs_catalog.stream_scan_error WHERE rs_catalog.sees(user_name);

CREATE VIEW rs_sys.sys_mv_refresh_history AS
SELECT rs_catalog.user_id(user_name) AS user_id, session_id, transaction_id, pg_catalog.current_database()::char(128) AS database_name,
       schema_name::char(128) AS schema_name, mv_id::int AS mv_id, mv_name::char(128) AS mv_name, refresh_type::char(32) AS refresh_type,
       status::text AS status, start_time, end_time,
       (EXTRACT(epoch FROM end_time - start_time) * 1000000)::bigint AS duration,
       NULL::char(128) AS consumer_type, NULL::char(128) AS consumer_account, NULL::char(128) AS consumer_region, NULL::char(128) AS consumer_namespace
FROM rs_catalog.mv_refresh WHERE rs_catalog.sees(user_name);

CREATE VIEW rs_sys.sys_query_history AS
SELECT rs_catalog.user_id(user_name) AS user_id, query_id, query_label::char(320) AS query_label, transaction_id, session_id,
       pg_catalog.current_database()::char(128) AS database_name, query_type::char(32) AS query_type, status::char(10) AS status,
       false AS result_cache_hit, start_time, end_time, (EXTRACT(epoch FROM end_time - start_time) * 1000000)::bigint AS elapsed_time,
       0::bigint AS queue_time, (EXTRACT(epoch FROM end_time - start_time) * 1000000)::bigint AS execution_time,
       error_message::char(512) AS error_message, returned_rows, NULL::bigint AS returned_bytes, query_text::varchar(4000) AS query_text,
       NULL::char(256) AS redshift_version, NULL::char(150) AS usage_limit, NULL::varchar(32) AS compute_type,
       0::bigint AS compile_time, 0::bigint AS planning_time, 0::bigint AS lock_wait_time
FROM rs_catalog.query_history WHERE rs_catalog.sees(user_name);

-- Views run with their owner's rights on tables, but the functions in them need EXECUTE by the caller.
GRANT USAGE ON SCHEMA rs_catalog TO PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA rs_sys TO PUBLIC;
-- A session reads them under its user's role, inside its own transaction; users cannot name them.
GRANT SELECT ON rs_catalog.schemas, rs_catalog.relations, rs_catalog.columns, rs_catalog.routines TO PUBLIC;
