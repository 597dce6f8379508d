-- INFORMATION_SCHEMA: what the user may see of the current database.
--
-- Run once per database, after postgres.sql. Columns as in PostgreSQL 8.0, "The Information Schema", on which Redshift is based.

CREATE VIEW rs_sys."information_schema.tables" AS
SELECT pg_catalog.current_database()::varchar(128) AS table_catalog, table_schema, table_name, table_type,
       NULL::varchar(128) AS self_referencing_column_name, NULL::varchar(128) AS reference_generation,
       NULL::varchar(128) AS user_defined_type_catalog, NULL::varchar(128) AS user_defined_type_schema, NULL::varchar(128) AS user_defined_name
FROM rs_catalog.tables WHERE readable;

CREATE VIEW rs_sys."information_schema.columns" AS
SELECT table_catalog, table_schema, table_name, column_name, ordinal_position, column_default, is_nullable, data_type,
       character_maximum_length, NULL::int AS character_octet_length, numeric_precision, numeric_precision_radix, numeric_scale, datetime_precision,
       NULL::varchar(128) AS interval_type, NULL::varchar(128) AS interval_precision,
       NULL::varchar(128) AS character_set_catalog, NULL::varchar(128) AS character_set_schema, NULL::varchar(128) AS character_set_name,
       NULL::varchar(128) AS collation_catalog, NULL::varchar(128) AS collation_schema, NULL::varchar(128) AS collation_name,
       NULL::varchar(128) AS domain_catalog, NULL::varchar(128) AS domain_schema, NULL::varchar(128) AS domain_name,
       table_catalog AS udt_catalog, 'pg_catalog'::varchar(128) AS udt_schema,
       (SELECT y.typname FROM rs_sys.pg_type y WHERE y.oid = rs_catalog.type_number(type_text))::varchar(128) AS udt_name,
       NULL::varchar(128) AS scope_catalog, NULL::varchar(128) AS scope_schema, NULL::varchar(128) AS scope_name, NULL::int AS maximum_cardinality,
       ordinal_position::varchar(128) AS dtd_identifier, 'NO'::varchar(3) AS is_self_referencing
FROM rs_catalog.described_columns WHERE readable;

CREATE VIEW rs_sys."information_schema.schemata" AS
SELECT pg_catalog.current_database()::varchar(128) AS catalog_name, nspname AS schema_name, pg_catalog.pg_get_userbyid(nspowner)::varchar(128) AS schema_owner,
       NULL::varchar(128) AS default_character_set_catalog, NULL::varchar(128) AS default_character_set_schema,
       NULL::varchar(128) AS default_character_set_name, NULL::varchar(128) AS sql_path
FROM rs_sys.pg_namespace;

CREATE VIEW rs_sys."information_schema.views" AS
SELECT pg_catalog.current_database()::varchar(128) AS table_catalog, schemaname AS table_schema, viewname AS table_name,
       definition AS view_definition, 'NONE'::varchar(128) AS check_option, 'NO'::varchar(3) AS is_updatable, 'NO'::varchar(3) AS is_insertable_into
FROM rs_sys.pg_views;

CREATE VIEW rs_sys."information_schema.table_constraints" AS
SELECT pg_catalog.current_database()::varchar(128) AS constraint_catalog, r.schema_name::varchar(128) AS constraint_schema, k.name AS constraint_name,
       pg_catalog.current_database()::varchar(128) AS table_catalog, r.schema_name::varchar(128) AS table_schema, r.name::varchar(128) AS table_name,
       (CASE k.kind WHEN 'p' THEN 'PRIMARY KEY' WHEN 'u' THEN 'UNIQUE' ELSE 'FOREIGN KEY' END)::varchar(128) AS constraint_type,
       'NO'::varchar(3) AS is_deferrable, 'NO'::varchar(3) AS initially_deferred
FROM rs_catalog.constraints k JOIN rs_catalog.relations r ON r.oid = k.relation;

CREATE VIEW rs_sys."information_schema.key_column_usage" AS
SELECT pg_catalog.current_database()::varchar(128) AS constraint_catalog, r.schema_name::varchar(128) AS constraint_schema, k.name AS constraint_name,
       pg_catalog.current_database()::varchar(128) AS table_catalog, r.schema_name::varchar(128) AS table_schema, r.name::varchar(128) AS table_name,
       u.c::varchar(128) AS column_name, u.n::int AS ordinal_position
FROM rs_catalog.constraints k JOIN rs_catalog.relations r ON r.oid = k.relation,
     pg_catalog.jsonb_array_elements_text(k.columns) WITH ORDINALITY AS u(c, n);

CREATE VIEW rs_sys."information_schema.constraint_column_usage" AS
SELECT pg_catalog.current_database()::varchar(128) AS table_catalog, r.schema_name::varchar(128) AS table_schema, r.name::varchar(128) AS table_name,
       u.c::varchar(128) AS column_name, pg_catalog.current_database()::varchar(128) AS constraint_catalog,
       r.schema_name::varchar(128) AS constraint_schema, k.name AS constraint_name
FROM rs_catalog.constraints k JOIN rs_catalog.relations r ON r.oid = COALESCE(k.target, k.relation),
     pg_catalog.jsonb_array_elements_text(COALESCE(k.target_columns, k.columns)) AS u(c);

CREATE VIEW rs_sys."information_schema.referential_constraints" AS
SELECT pg_catalog.current_database()::varchar(128) AS constraint_catalog, r.schema_name::varchar(128) AS constraint_schema, k.name AS constraint_name,
       pg_catalog.current_database()::varchar(128) AS unique_constraint_catalog, t.schema_name::varchar(128) AS unique_constraint_schema,
       (t.name || '_pkey')::varchar(128) AS unique_constraint_name, 'NONE'::varchar(128) AS match_option, 'NO ACTION'::varchar(128) AS update_rule,
       'NO ACTION'::varchar(128) AS delete_rule
FROM rs_catalog.constraints k JOIN rs_catalog.relations r ON r.oid = k.relation JOIN rs_catalog.relations t ON t.oid = k.target WHERE k.kind = 'f';

CREATE VIEW rs_sys."information_schema.table_privileges" AS
SELECT pg_catalog.pg_get_userbyid(x.grantor)::varchar(128) AS grantor, rs_catalog.grantee_name(x.grantee)::varchar(128) AS grantee,
       pg_catalog.current_database()::varchar(128) AS table_catalog, r.schema_name::varchar(128) AS table_schema, r.name::varchar(128) AS table_name,
       x.privilege_type::varchar(128) AS privilege_type, (CASE WHEN x.is_grantable THEN 'YES' ELSE 'NO' END)::varchar(3) AS is_grantable, 'NO'::varchar(3) AS with_hierarchy
FROM rs_catalog.relations r JOIN pg_catalog.pg_class c ON c.oid = r.oid,
     pg_catalog.aclexplode(COALESCE(c.relacl, pg_catalog.acldefault('r', c.relowner))) x
WHERE x.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'REFERENCES', 'TRIGGER', 'RULE');
CREATE VIEW rs_sys."information_schema.role_table_grants" AS SELECT * FROM rs_sys."information_schema.table_privileges";

CREATE VIEW rs_sys."information_schema.column_privileges" AS
SELECT pg_catalog.pg_get_userbyid(x.grantor)::varchar(128) AS grantor, rs_catalog.grantee_name(x.grantee)::varchar(128) AS grantee,
       pg_catalog.current_database()::varchar(128) AS table_catalog, r.schema_name::varchar(128) AS table_schema, r.name::varchar(128) AS table_name,
       a.attname::varchar(128) AS column_name, x.privilege_type::varchar(128) AS privilege_type, (CASE WHEN x.is_grantable THEN 'YES' ELSE 'NO' END)::varchar(3) AS is_grantable
FROM rs_catalog.relations r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid, pg_catalog.aclexplode(a.attacl) x;

CREATE VIEW rs_sys."information_schema.routines" AS
SELECT pg_catalog.current_database()::varchar(128) AS specific_catalog, r.schema_name::varchar(128) AS specific_schema, (r.name || '_' || r.oid)::varchar(128) AS specific_name,
       pg_catalog.current_database()::varchar(128) AS routine_catalog, r.schema_name::varchar(128) AS routine_schema, r.name::varchar(128) AS routine_name,
       (CASE r.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END)::varchar(128) AS routine_type, (r.meta ->> 'returns')::varchar(128) AS data_type,
       'EXTERNAL'::varchar(128) AS routine_body, r.source::varchar(65535) AS routine_definition,
       (CASE r.prokind WHEN 'p' THEN 'PLPGSQL' ELSE 'SQL' END)::varchar(128) AS external_language,
       (CASE WHEN r.definer THEN 'DEFINER' ELSE 'INVOKER' END)::varchar(128) AS security_type
FROM rs_catalog.routines r;

CREATE VIEW rs_sys."information_schema.applicable_roles" AS
SELECT m.rolname::varchar(128) AS grantee, rs_catalog.grantee_name(r.oid)::varchar(128) AS role_name, (CASE WHEN a.admin_option THEN 'YES' ELSE 'NO' END)::varchar(3) AS is_grantable
FROM pg_catalog.pg_auth_members a JOIN pg_catalog.pg_roles r ON r.oid = a.roleid JOIN pg_catalog.pg_roles m ON m.oid = a.member WHERE rs_catalog.sees(m.rolname::text);
CREATE VIEW rs_sys."information_schema.enabled_roles" AS SELECT role_name FROM rs_sys."information_schema.applicable_roles";
CREATE VIEW rs_sys."information_schema.information_schema_catalog_name" AS SELECT pg_catalog.current_database()::varchar(128) AS catalog_name;

-- This is the last of the scripts.
GRANT SELECT ON ALL TABLES IN SCHEMA rs_sys TO PUBLIC;
