-- What the SHOW commands list. Columns and their order as in the Redshift Database Developer Guide, a page each; users cannot name these views.
--
-- Run once per database, after metadata.sql.

CREATE VIEW rs_catalog.show_databases AS
SELECT database_name, database_owner, database_type, database_acl, database_options AS parameters, database_isolation_level FROM rs_sys.svv_redshift_databases;

CREATE VIEW rs_catalog.show_schemas AS
SELECT database_name, schema_name, schema_owner, schema_type, schema_acl, source_database, schema_option FROM rs_sys.svv_all_schemas;

CREATE VIEW rs_catalog.show_tables AS
SELECT t.database_name, t.schema_name, t.table_name, t.table_type, t.table_acl, t.remarks, t.table_owner AS owner,
       NULL::timestamp AS last_altered_time, NULL::timestamp AS last_modified_time,
       (CASE WHEN t.table_type = 'TABLE' THEN pg_catalog.replace(COALESCE(r.meta ->> 'diststyle', 'AUTO(ALL)'), '(', ' (') END)::varchar(128) AS dist_style,
       (CASE WHEN r.meta ->> 'kind' = 'mv' THEN 'MATERIALIZED VIEW' WHEN r.meta ->> 'kind' = 'late' THEN 'LATE BINDING VIEW'
             WHEN t.table_type = 'TABLE' THEN 'REGULAR TABLE' ELSE 'REGULAR VIEW' END)::varchar(128) AS table_subtype
FROM rs_sys.svv_redshift_tables t LEFT JOIN rs_catalog.relations r ON r.schema_name = t.schema_name AND r.name = t.table_name;

CREATE VIEW rs_catalog.show_columns AS
SELECT table_catalog AS database_name, table_schema AS schema_name, table_name, column_name, ordinal_position, column_default, is_nullable, data_type,
       character_maximum_length, numeric_precision, numeric_scale, remarks,
       (CASE WHEN rs_catalog.sort_place(meta, column_name) <> 0 THEN CASE WHEN (meta ->> 'interleaved')::boolean THEN 'INTERLEAVED' ELSE 'COMPOUND' END END)::varchar(32) AS sort_key_type,
       rs_catalog.sort_place(meta, column_name) AS sort_key, (CASE WHEN meta ->> 'distkey' = column_name THEN 1 END) AS dist_key,
       rs_catalog.encoding(meta, column_name, type_text)::varchar(128) AS encoding,
       (CASE WHEN data_type LIKE 'character%' THEN 'default' END)::varchar(128) AS collation
FROM rs_catalog.described_columns WHERE readable;

CREATE VIEW rs_catalog.routine_parameters AS
SELECT r.oid, a.n::int AS ordinal_position, (a.v ->> 'name')::varchar(128) AS parameter_name, pg_catalog.upper(a.v ->> 'mode')::varchar(16) AS parameter_type, a.v ->> 'type' AS type_text
FROM rs_catalog.routines r, pg_catalog.jsonb_array_elements(r.meta -> 'arguments') WITH ORDINALITY AS a(v, n)
UNION ALL
SELECT r.oid, a.n::int, NULL, 'IN', a.v FROM rs_catalog.routines r, pg_catalog.jsonb_array_elements_text(r.meta -> 'inputs') WITH ORDINALITY AS a(v, n)
WHERE NOT r.meta ? 'arguments'
UNION ALL
SELECT r.oid, 0, NULL, 'RETURN', r.meta ->> 'returns' FROM rs_catalog.routines r WHERE r.prokind = 'f';

CREATE FUNCTION rs_catalog.type_list(routine oid, kinds text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT COALESCE(pg_catalog.string_agg(pg_catalog.regexp_replace(COALESCE(p.type_text, 'refcursor'), '\([^)]*\)', ''), ', ' ORDER BY p.ordinal_position), '')
  FROM rs_catalog.routine_parameters p WHERE p.oid = routine AND p.parameter_type ~ kinds $$;

CREATE VIEW rs_catalog.show_routines AS
SELECT pg_catalog.current_database()::varchar(128) AS database_name, r.schema_name::varchar(128) AS schema_name, r.name::varchar(128) AS routine_name,
       (SELECT pg_catalog.count(*)::int FROM rs_catalog.routine_parameters p WHERE p.oid = r.oid AND p.parameter_type IN ('IN', 'INOUT')) AS number_of_arguments,
       rs_catalog.type_list(r.oid, '^IN')::varchar(65535) AS argument_list,
       rs_catalog.type_list(r.oid, CASE r.prokind WHEN 'p' THEN 'OUT' ELSE 'RETURN' END)::varchar(65535) AS return_type, NULL::varchar(256) AS remarks,
       r.oid AS routine, r.prokind
FROM rs_catalog.routines r WHERE pg_catalog.has_function_privilege(r.oid, 'EXECUTE');

CREATE VIEW rs_catalog.show_procedures AS
SELECT database_name, schema_name, routine_name AS procedure_name, number_of_arguments, argument_list, return_type, remarks FROM rs_catalog.show_routines WHERE prokind = 'p';
CREATE VIEW rs_catalog.show_functions AS
SELECT database_name, schema_name, routine_name AS function_name, number_of_arguments, argument_list, return_type, remarks FROM rs_catalog.show_routines WHERE prokind = 'f';

CREATE VIEW rs_catalog.show_parameters AS
SELECT s.database_name, s.schema_name, s.routine_name, p.parameter_name, p.ordinal_position, p.parameter_type,
       pg_catalog.regexp_replace(COALESCE(p.type_text, 'refcursor'), '\([^)]*\)', '')::varchar(128) AS data_type,
       (CASE WHEN p.type_text ~ '^(character|binary)' THEN pg_catalog.substring(p.type_text, '\((\d+)\)')::int END) AS character_maximum_length,
       (CASE WHEN p.type_text LIKE 'numeric(%' THEN pg_catalog.substring(p.type_text, '\((\d+),')::int WHEN p.type_text = 'smallint' THEN 16
             WHEN p.type_text = 'integer' THEN 32 WHEN p.type_text = 'bigint' THEN 64 END) AS numeric_precision,
       (CASE WHEN p.type_text LIKE 'numeric(%' THEN pg_catalog.substring(p.type_text, ',(\d+)\)')::int
             WHEN p.type_text IN ('smallint', 'integer', 'bigint') THEN 0 END) AS numeric_scale,
       s.argument_list, s.prokind
FROM rs_catalog.show_routines s JOIN rs_catalog.routine_parameters p ON p.oid = s.routine;

CREATE VIEW rs_catalog.show_primary_keys AS
SELECT pg_catalog.current_database()::varchar(128) AS database_name, r.schema_name::varchar(128) AS schema_name, r.name::varchar(128) AS table_name,
       k.name AS pk_name, u.c::varchar(128) AS column_name, u.n::int AS key_seq
FROM rs_catalog.constraints k JOIN rs_catalog.relations r ON r.oid = k.relation,
     pg_catalog.jsonb_array_elements_text(k.columns) WITH ORDINALITY AS u(c, n) WHERE k.kind = 'p' AND rs_catalog.may_read(r.oid, r.owner);

CREATE VIEW rs_catalog.show_foreign_keys AS
SELECT pg_catalog.current_database()::varchar(128) AS pk_database_name, t.schema_name::varchar(128) AS pk_schema_name, t.name::varchar(128) AS pk_table_name,
       (k.target_columns ->> (u.n::int - 1))::varchar(128) AS pk_column_name, pg_catalog.current_database()::varchar(128) AS fk_database_name,
       r.schema_name::varchar(128) AS fk_schema_name, r.name::varchar(128) AS fk_table_name, u.c::varchar(128) AS fk_column_name, u.n::int AS key_seq,
       k.name AS fk_name, (t.name || '_pkey')::varchar(128) AS pk_name, NULL::varchar(32) AS update_rule, NULL::varchar(32) AS delete_rule,
       NULL::varchar(32) AS deferrability
FROM rs_catalog.constraints k JOIN rs_catalog.relations r ON r.oid = k.relation JOIN rs_catalog.relations t ON t.oid = k.target,
     pg_catalog.jsonb_array_elements_text(k.columns) WITH ORDINALITY AS u(c, n) WHERE k.kind = 'f' AND rs_catalog.may_read(r.oid, r.owner);

CREATE VIEW rs_catalog.acls AS
SELECT s.name AS schema_name, NULL::text AS object_name, 'SCHEMA' AS kind, n.nspacl AS acl, n.nspowner AS owner
FROM rs_catalog.schemas s JOIN pg_catalog.pg_namespace n ON n.oid = s.oid
UNION ALL
SELECT r.schema_name, r.name, 'TABLE', c.relacl, c.relowner FROM rs_catalog.relations r JOIN pg_catalog.pg_class c ON c.oid = r.oid WHERE NOT r.temporary
UNION ALL
SELECT r.schema_name, r.name, CASE r.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, p.proacl, p.proowner
FROM rs_catalog.routines r JOIN pg_catalog.pg_proc p ON p.oid = r.oid
UNION ALL
SELECT NULL, NULL, 'DATABASE', d.datacl, d.datdba FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database();

CREATE VIEW rs_catalog.show_grants AS
SELECT a.schema_name::varchar(128) AS schema_name, COALESCE(a.object_name, a.schema_name)::varchar(128) AS object_name, a.kind::varchar(32) AS object_type,
       (CASE x.privilege_type WHEN 'TEMPORARY' THEN 'TEMP' ELSE x.privilege_type END)::varchar(32) AS privilege_type, x.grantee::int AS identity_id,
       rs_catalog.grantee_name(x.grantee)::varchar(128) AS identity_name, rs_catalog.grantee_kind(x.grantee)::varchar(32) AS identity_type,
       x.is_grantable AS admin_option, a.kind::varchar(32) AS privilege_scope, pg_catalog.current_database()::varchar(128) AS database_name,
       pg_catalog.pg_get_userbyid(x.grantor)::varchar(128) AS grantor_name
FROM rs_catalog.acls a, pg_catalog.aclexplode(a.acl) x
WHERE x.privilege_type NOT IN ('CONNECT', 'TRUNCATE', 'MAINTAIN') AND x.grantee <> a.owner
  AND (rs_catalog.has_identity(x.grantee) OR rs_catalog.is_or_rules(pg_catalog.pg_get_userbyid(x.grantee)::text));

CREATE VIEW rs_catalog.show_column_grants AS
SELECT pg_catalog.current_database()::varchar(128) AS database_name, r.schema_name::varchar(128) AS schema_name, r.name::varchar(128) AS table_name,
       a.attname::varchar(128) AS column_name, 'COLUMN'::varchar(32) AS object_type, x.privilege_type::varchar(32) AS privilege_type,
       x.grantee::int AS identity_id, rs_catalog.grantee_name(x.grantee)::varchar(128) AS identity_name,
       rs_catalog.grantee_kind(x.grantee)::varchar(32) AS identity_type, x.is_grantable AS admin_option, 'COLUMN'::varchar(32) AS privilege_scope,
       pg_catalog.pg_get_userbyid(x.grantor)::varchar(128) AS grantor_name
FROM rs_catalog.relations r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid, pg_catalog.aclexplode(a.attacl) x
WHERE NOT r.temporary AND (rs_catalog.has_identity(x.grantee) OR rs_catalog.is_or_rules(pg_catalog.pg_get_userbyid(x.grantee)::text));

GRANT SELECT ON rs_catalog.show_databases, rs_catalog.show_schemas, rs_catalog.show_tables, rs_catalog.show_columns, rs_catalog.show_procedures,
  rs_catalog.show_functions, rs_catalog.show_parameters, rs_catalog.show_primary_keys, rs_catalog.show_foreign_keys, rs_catalog.show_grants,
  rs_catalog.show_column_grants TO PUBLIC;
