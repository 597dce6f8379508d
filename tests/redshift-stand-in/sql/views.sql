-- System relations beyond catalog.sql: INFORMATION_SCHEMA, PostgreSQL's catalogs as Redshift shows them, and logs.
--
-- Run once per database, after catalog.sql. Names and types of columns as in the Redshift Database Developer Guide,
-- "System tables and views reference". A view whose name holds a point is found under that schema.

CREATE FUNCTION rs_sys.viewdef(relation oid) RETURNS text LANGUAGE sql STABLE AS
$$ SELECT r.meta ->> 'definition' FROM rs_catalog.relations r WHERE r.oid = relation $$;
CREATE FUNCTION rs_sys.constraintdef(relation oid) RETURNS text LANGUAGE sql STABLE AS
$$ SELECT 'PRIMARY KEY (' || (SELECT pg_catalog.string_agg(k, ', ') FROM pg_catalog.jsonb_array_elements_text(r.meta -> 'primary_key') AS k) || ')'
   FROM rs_catalog.relations r WHERE r.oid = relation $$;
CREATE FUNCTION rs_sys.obj_description(object oid) RETURNS text LANGUAGE sql STABLE AS
$$ SELECT r.meta ->> 'comment' FROM rs_catalog.relations r WHERE r.oid = object $$;
CREATE FUNCTION rs_sys.col_description(relation oid, number int) RETURNS text LANGUAGE sql STABLE AS
$$ SELECT pg_catalog.col_description(relation, number) $$;

CREATE VIEW rs_sys."information_schema.tables" AS
SELECT table_catalog, table_schema, table_name, table_type FROM rs_sys.svv_tables;

CREATE VIEW rs_sys."information_schema.columns" AS
SELECT table_catalog, table_schema, table_name, column_name, ordinal_position, column_default, is_nullable, data_type,
       character_maximum_length, NULL::int AS character_octet_length, numeric_precision, numeric_precision_radix, numeric_scale,
       datetime_precision
FROM rs_sys.svv_columns;

CREATE VIEW rs_sys."information_schema.schemata" AS
SELECT pg_catalog.current_database()::varchar(128) AS catalog_name, s.name::varchar(128) AS schema_name,
       pg_catalog.pg_get_userbyid(s.owner)::varchar(128) AS schema_owner
FROM rs_catalog.schemas s;

CREATE VIEW rs_sys."information_schema.views" AS
SELECT pg_catalog.current_database()::varchar(128) AS table_catalog, schemaname AS table_schema, viewname AS table_name,
       definition AS view_definition
FROM rs_sys.pg_views;

CREATE VIEW rs_sys.pg_description AS
SELECT r.oid AS objoid, 1259::oid AS classoid, 0 AS objsubid, (r.meta ->> 'comment')::varchar(65535) AS description
FROM rs_catalog.relations r WHERE r.meta ? 'comment'
UNION ALL
SELECT s.oid, 2615::oid, 0, (s.meta ->> 'comment')::varchar(65535) FROM rs_catalog.schemas s WHERE s.meta ? 'comment'
UNION ALL
SELECT d.objoid, d.classoid, d.objsubid, d.description::varchar(65535)
FROM pg_catalog.pg_description d JOIN rs_catalog.relations r ON r.oid = d.objoid WHERE d.objsubid > 0;

CREATE VIEW rs_sys.pg_proc AS
SELECT p.oid, p.proname::varchar(128) AS proname, p.pronamespace, p.proowner::int AS proowner, p.prosecdef, p.pronargs,
       p.prorettype, p.prosrc::varchar(65535) AS prosrc
FROM pg_catalog.pg_proc p WHERE p.oid IN (SELECT oid FROM rs_catalog.routines);

CREATE VIEW rs_sys.pg_type AS
SELECT t.oid, (CASE t.typname WHEN 'jsonb' THEN 'super' WHEN 'bytea' THEN 'varbyte' ELSE t.typname::text END)::varchar(128) AS typname,
       t.typnamespace, t.typowner::int AS typowner, t.typlen, t.typtype::varchar(1) AS typtype
FROM pg_catalog.pg_type t WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype = 'b';

CREATE VIEW rs_sys.pg_attrdef AS
SELECT c.relation AS adrelid, c.number::smallint AS adnum, COALESCE(c.default_given, c.default_text)::varchar(65535) AS adsrc
FROM rs_catalog.columns c WHERE c.default_text IS NOT NULL OR c.default_given IS NOT NULL;

-- Primary keys are all that is kept of constraints.
CREATE VIEW rs_sys.pg_constraint AS
SELECT r.oid, (r.name || '_pkey')::varchar(128) AS conname, c.relnamespace AS connamespace, 'p'::varchar(1) AS contype, r.oid AS conrelid,
       (SELECT pg_catalog.string_agg(a.number::text, ',') FROM rs_catalog.columns a
        WHERE a.relation = r.oid AND r.meta -> 'primary_key' ? a.name)::varchar(4000) AS conkey
FROM rs_catalog.relations r JOIN pg_catalog.pg_class c ON c.oid = r.oid WHERE r.meta ? 'primary_key';

CREATE VIEW rs_sys.pg_depend AS
SELECT classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype::varchar(1) AS deptype
FROM pg_catalog.pg_depend WHERE objid IN (SELECT oid FROM rs_catalog.relations) OR refobjid IN (SELECT oid FROM rs_catalog.relations);

CREATE VIEW rs_sys.pg_default_acl AS
SELECT oid, defaclrole::int AS defacluser, defaclnamespace, defaclobjtype::varchar(1) AS defaclobjtype, defaclacl::text::varchar(65535) AS defaclacl
FROM pg_catalog.pg_default_acl;

CREATE VIEW rs_sys.svv_default_privileges AS
SELECT n.nspname::varchar(128) AS schema_name,
       (CASE d.defaclobjtype WHEN 'r' THEN 'RELATION' WHEN 'f' THEN 'FUNCTION' ELSE 'SCHEMA' END)::varchar(128) AS object_type,
       d.defaclrole::int AS owner_id, pg_catalog.pg_get_userbyid(d.defaclrole)::varchar(128) AS owner_name, 'user'::varchar(128) AS owner_type,
       x.privilege_type::varchar(128) AS privilege_type, x.grantee::int AS grantee_id,
       (CASE WHEN x.grantee = 0 THEN 'public' ELSE pg_catalog.regexp_replace(pg_catalog.pg_get_userbyid(x.grantee), '^(role|group):', '') END)::varchar(128) AS grantee_name,
       (CASE WHEN x.grantee = 0 THEN 'public' WHEN pg_catalog.pg_get_userbyid(x.grantee) LIKE 'role:%' THEN 'role'
             WHEN pg_catalog.pg_get_userbyid(x.grantee) LIKE 'group:%' THEN 'group' ELSE 'user' END)::varchar(128) AS grantee_type,
       x.is_grantable AS admin_option
FROM pg_catalog.pg_default_acl d LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace,
     LATERAL pg_catalog.aclexplode(d.defaclacl) AS x;

CREATE VIEW rs_sys.pg_user_info AS
SELECT usename, usesysid, usecreatedb, usesuper, usecatupd, passwd, valuntil, useconfig, 'UNLIMITED'::varchar(32) AS useconnlimit
FROM rs_sys.pg_user;

CREATE VIEW rs_sys.pg_class_info AS
SELECT *, reldiststyle AS releffectivediststyle, NULL::timestamp AS relcreationtime FROM rs_sys.pg_class;

-- Logs. Redshift keeps days of them, the stand-in everything since the database was made.

CREATE VIEW rs_sys.stl_query AS
SELECT rs_catalog.user_id(user_name) AS userid, query_id::int AS query, query_label::char(320) AS label, transaction_id AS xid,
       session_id AS pid, pg_catalog.current_database()::char(32) AS "database", query_text::char(4000) AS querytxt,
       start_time AS starttime, end_time AS endtime, (CASE WHEN error_message IS NULL THEN 0 ELSE 1 END) AS aborted,
       0 AS insert_pristine, 0 AS concurrency_scaling_status
FROM rs_catalog.query_history WHERE rs_catalog.sees(user_name);

CREATE VIEW rs_sys.svl_statementtext AS
SELECT rs_catalog.user_id(user_name) AS userid, transaction_id AS xid, session_id AS pid, query_label::char(320) AS label,
       start_time AS starttime, end_time AS endtime, 0 AS "sequence",
       (CASE WHEN query_type = 'DDL' THEN 'DDL' WHEN query_type = 'UTILITY' THEN 'UTILITY' ELSE 'QUERY' END)::varchar(10) AS type,
       query_text::char(200) AS text
FROM rs_catalog.query_history WHERE rs_catalog.sees(user_name);

CREATE VIEW rs_sys.stv_sessions AS
SELECT a.backend_start::timestamp AS starttime, a.pid AS process, a.usename::char(50) AS user_name, a.datname::char(50) AS db_name, 0 AS timeout_sec
FROM pg_catalog.pg_stat_activity a WHERE a.application_name = 'redshift-stand-in';

CREATE VIEW rs_sys.stv_recents AS
SELECT a.usesysid::int AS userid, (CASE WHEN a.state = 'active' THEN 'Running' ELSE 'Done' END)::char(20) AS status,
       a.query_start::timestamp AS starttime, (EXTRACT(epoch FROM a.state_change - a.query_start) * 1000000)::int AS duration,
       a.usename::char(50) AS user_name, a.datname::char(50) AS db_name, a.query::char(600) AS query, a.pid
FROM pg_catalog.pg_stat_activity a WHERE a.application_name = 'redshift-stand-in';

CREATE VIEW rs_sys.stv_inflight AS
SELECT userid, 0 AS slice, pid AS query, 'default'::char(320) AS label, 0::bigint AS xid, pid, starttime, query::char(100) AS text,
       0 AS suspended, 0 AS insert_pristine, 0 AS concurrency_scaling_status
FROM rs_sys.stv_recents WHERE status = 'Running';

CREATE VIEW rs_sys.svv_transactions AS
SELECT a.usename::varchar(128) AS txn_owner, a.datname::varchar(128) AS txn_db, l.virtualtransaction::varchar(128) AS xid, l.pid,
       a.xact_start::timestamp AS txn_start, l.mode::varchar(128) AS lock_mode,
       (CASE WHEN l.locktype = 'relation' THEN 'relation' ELSE 'transactionid' END)::varchar(128) AS lockable_object_type,
       l.relation::int AS relation, l.granted
FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
WHERE a.application_name = 'redshift-stand-in' AND (l.relation IS NULL OR l.relation IN (SELECT oid FROM rs_catalog.relations));

-- Without COPY and Spectrum there is nothing in these.

CREATE VIEW rs_sys.stl_load_errors AS
SELECT 0 AS userid, 0 AS slice, 0 AS tbl, NULL::timestamp AS starttime, 0 AS session, 0 AS query, ''::char(256) AS filename,
       0::bigint AS line_number, ''::char(127) AS colname, ''::char(10) AS type, ''::char(10) AS col_length, 0 AS "position",
       ''::char(1024) AS raw_line, ''::char(1024) AS raw_field_value, 0 AS err_code, ''::char(100) AS err_reason WHERE false;

CREATE VIEW rs_sys.svv_external_tables AS
SELECT ''::varchar(128) AS redshift_database_name, ''::varchar(128) AS schemaname, ''::varchar(128) AS tablename, ''::varchar(128) AS tabletype,
       ''::varchar(128) AS location, ''::varchar(128) AS input_format, ''::varchar(128) AS output_format, ''::varchar(128) AS serialization_lib,
       ''::varchar(128) AS serde_parameters, 0 AS compressed, ''::varchar(128) AS parameters WHERE false;

CREATE VIEW rs_sys.svv_external_columns AS
SELECT ''::varchar(128) AS redshift_database_name, ''::varchar(128) AS schemaname, ''::varchar(128) AS tablename, ''::varchar(128) AS columnname,
       ''::varchar(128) AS external_type, 0 AS columnnum, 0 AS part_key, ''::varchar(5) AS is_nullable WHERE false;

GRANT SELECT ON ALL TABLES IN SCHEMA rs_sys TO PUBLIC;
