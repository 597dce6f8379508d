-- PostgreSQL's catalogs as Redshift shows them (release 8.0 with Redshift's own columns), PG_TABLE_DEF and INFORMATION_SCHEMA.
--
-- Run once per database, after metadata.sql. Arrays are in their print form ('{1,2}'): the front end has no array types, and
-- ARRAY_TO_STRING and = ANY read that form. A view whose name holds a point is found under that schema.

-- A routine's name and types, as REGPROCEDUREOUT prints them.
CREATE FUNCTION rs_sys.signature(routine oid) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT pg_catalog.quote_ident(r.name) || '(' ||
         COALESCE((SELECT pg_catalog.string_agg(t, ',') FROM pg_catalog.jsonb_array_elements_text(r.meta -> 'inputs') t), '') || ')'
  FROM rs_catalog.routines r WHERE r.oid = routine $$;

-- PostgreSQL 8.0 has it, and aws-samples/redshift-roles writes GRANTs with it: the types of a routine's arguments by their numbers.
CREATE FUNCTION rs_sys.oidvectortypes(numbers text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT COALESCE(pg_catalog.string_agg(CASE n::oid::regtype WHEN 'jsonb'::regtype THEN 'super' WHEN 'bytea'::regtype THEN 'binary varying'
    ELSE pg_catalog.format_type(n::oid, NULL) END, ', ' ORDER BY place), '')
  FROM pg_catalog.string_to_table(pg_catalog.btrim(numbers), ' ') WITH ORDINALITY AS t(n, place) $$;
CREATE FUNCTION rs_sys.viewdef(relation oid) RETURNS text LANGUAGE sql STABLE AS
$$ SELECT rs_catalog.definition(r.meta, r.schema_name, r.name) FROM rs_catalog.relations r WHERE r.oid = relation $$;
CREATE FUNCTION rs_sys.constraintdef(number oid) RETURNS text LANGUAGE sql STABLE AS
$$ SELECT CASE k.kind WHEN 'p' THEN 'PRIMARY KEY (' WHEN 'u' THEN 'UNIQUE (' ELSE 'FOREIGN KEY (' END || rs_catalog.column_list(k.columns) || ')'
          || CASE k.kind WHEN 'f' THEN (SELECT ' REFERENCES ' || CASE t.schema_name WHEN 'public' THEN '' ELSE pg_catalog.quote_ident(t.schema_name) || '.' END
                                               || pg_catalog.quote_ident(t.name) || '(' || rs_catalog.column_list(k.target_columns) || ')'
                                        FROM rs_catalog.relations t WHERE t.oid = k.target) ELSE '' END
   FROM rs_catalog.constraints k WHERE k.oid = number OR k.relation = number AND k.kind = 'p' $$;
CREATE FUNCTION rs_sys.obj_description(object oid) RETURNS text LANGUAGE sql STABLE AS
$$ SELECT r.meta ->> 'comment' FROM rs_catalog.relations r WHERE r.oid = object $$;
CREATE FUNCTION rs_sys.col_description(relation oid, number int) RETURNS text LANGUAGE sql STABLE AS
$$ SELECT pg_catalog.col_description(relation, number) $$;

-- The numbers are the stand-in's own: Redshift's are not documented.
CREATE FUNCTION rs_catalog.encodings() RETURNS text[] LANGUAGE sql IMMUTABLE AS
$$ SELECT ARRAY['none', 'bytedict', 'delta', 'delta32k', 'lzo', 'mostly8', 'mostly16', 'mostly32', 'runlength', 'text255', 'text32k', 'zstd', 'az64'] $$;
CREATE FUNCTION rs_sys.format_encoding(number int) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT (rs_catalog.encodings())[number + 1] $$;

CREATE FUNCTION rs_catalog.storage_number(view_number oid) RETURNS oid LANGUAGE sql IMMUTABLE AS
$$ SELECT (view_number::bigint + 2147483648)::oid $$;

-- A materialized view is a view, and the table mv_tbl__name__0 that holds its rows.
CREATE VIEW rs_catalog.class AS
SELECT r.oid, r.name, c.relnamespace, r.owner, (CASE WHEN r.meta ->> 'kind' IN ('mv', 'late') THEN 'v' ELSE c.relkind::text END) AS kind,
       (CASE WHEN r.meta ->> 'kind' = 'late' THEN 0 ELSE c.relnatts END)::smallint AS relnatts, c.relpages, c.reltuples, c.relacl, r.meta, r.oid AS relation
FROM rs_catalog.relations r JOIN pg_catalog.pg_class c ON c.oid = r.oid
UNION ALL
SELECT rs_catalog.storage_number(r.oid), 'mv_tbl__' || r.name || '__0', c.relnamespace, r.owner, 'r', c.relnatts, c.relpages, c.reltuples, c.relacl, r.meta, r.oid
FROM rs_catalog.relations r JOIN pg_catalog.pg_class c ON c.oid = r.oid WHERE r.meta ->> 'kind' = 'mv'
UNION ALL
SELECT c.oid, pg_catalog.replace(c.relname::text, 'information_schema.', ''),
       CASE WHEN c.relname LIKE 'information_schema.%' THEN 'information_schema'::regnamespace ELSE 'pg_catalog'::regnamespace END,
       10, 'v', c.relnatts, 0, 0, NULL, '{}', c.oid
FROM pg_catalog.pg_class c WHERE c.relnamespace = 'rs_sys'::regnamespace AND c.relkind = 'v';

CREATE VIEW rs_sys.pg_class AS
SELECT k.oid, k.name::varchar(128) AS relname, k.relnamespace, 0::oid AS reltype, k.owner::int AS relowner, 0::oid AS relam, k.oid AS relfilenode,
       0::oid AS reltablespace, k.relpages, k.reltuples::real AS reltuples, 0::oid AS reltoastrelid, 0::oid AS reltoastidxid, false AS relhasindex,
       false AS relisshared, k.kind::varchar(1) AS relkind, k.relnatts, 0 AS relexternid, false AS relisreplicated, false AS relispinned,
       rs_catalog.dist_style(k.meta) AS reldiststyle, 0 AS relprojbaseid, 0::smallint AS relchecks, 0::smallint AS reltriggers, 0::smallint AS relukeys,
       0::smallint AS relfkeys, 0::smallint AS relrefs, false AS relhasoids, k.meta ? 'primary_key' AS relhaspkey, k.kind = 'v' AS relhasrules,
       false AS relhassubclass, rs_catalog.acl_text(k.relacl)::varchar(65535) AS relacl
FROM rs_catalog.class k;

-- "PG_CLASS_INFO".
CREATE VIEW rs_sys.pg_class_info AS
SELECT c.oid AS reloid, c.relname, c.relnamespace, c.reltype, c.relowner, c.relam, c.relfilenode, c.reltablespace, c.relpages, c.reltuples, c.reltoastrelid,
       c.reltoastidxid, c.relhasindex, c.relisshared, c.relkind, c.relnatts, c.relexternid, c.relisreplicated, c.relispinned, c.reldiststyle, c.relprojbaseid,
       c.relchecks, c.reltriggers, c.relukeys, c.relfkeys, c.relrefs, c.relhasoids, c.relhaspkey, c.relhasrules, c.relhassubclass, c.relacl,
       c.reldiststyle AS releffectivediststyle,
       (pg_catalog.to_timestamp((k.meta ->> 'created')::float8) AT TIME ZONE 'UTC')::timestamp AS relcreationtime
FROM rs_sys.pg_class c JOIN rs_catalog.class k ON k.oid = c.oid;

CREATE VIEW rs_sys.pg_namespace AS
SELECT s.oid, s.name::varchar(128) AS nspname, s.owner::int AS nspowner, rs_catalog.acl_text(n.nspacl)::varchar(65535) AS nspacl
FROM rs_catalog.schemas s JOIN pg_catalog.pg_namespace n ON n.oid = s.oid
UNION ALL SELECT n.oid, n.nspname::varchar(128), 10, NULL FROM pg_catalog.pg_namespace n WHERE n.nspname IN ('pg_catalog', 'information_schema');

CREATE VIEW rs_sys.pg_attribute AS
SELECT k.oid AS attrelid, c.name::varchar(128) AS attname, rs_catalog.type_number(c.type_text) AS atttypid, -1 AS attstattarget, a.attlen,
       c.number::smallint AS attnum, 0 AS attndims, -1 AS attcacheoff, rs_catalog.type_modifier(c.type_text) AS atttypmod, a.attbyval,
       a.attstorage::varchar(1) AS attstorage, a.attalign::varchar(1) AS attalign, NOT c.nullable AS attnotnull,
       c.default_text IS NOT NULL OR c.identity <> '' AS atthasdef, false AS attisdropped, true AS attislocal, 0 AS attinhcount,
       COALESCE(k.meta ->> 'distkey' = c.name, false) AS attisdistkey, false AS attispreloaded,
       rs_catalog.sort_place(k.meta, c.name) AS attsortkeyord,
       (pg_catalog.array_position(rs_catalog.encodings(), rs_catalog.encoding(k.meta, c.name, c.type_text)) - 1)::smallint AS attencodingtype, 0::smallint AS attencrypttype
FROM rs_catalog.class k JOIN rs_catalog.columns c ON c.relation = k.relation
JOIN pg_catalog.pg_attribute a ON a.attrelid = k.relation AND a.attnum = c.number WHERE k.relnatts > 0;

-- "PG_ATTRIBUTE_INFO".
CREATE VIEW rs_sys.pg_attribute_info AS SELECT *, NULL::varchar(65535) AS attacl FROM rs_sys.pg_attribute;

CREATE VIEW rs_sys.pg_attrdef AS
SELECT k.oid AS adrelid, c.number::smallint AS adnum, x.adsrc AS adbin, x.adsrc
FROM rs_catalog.class k JOIN rs_catalog.columns c ON c.relation = k.oid,
     LATERAL (SELECT (CASE WHEN c.identity <> '' THEN '"identity"(' || k.oid || ', ' || c.number - 1 || ', ''' || c.identity || '''::text)'
                           ELSE COALESCE(c.default_given, c.default_text) END)::varchar(65535) AS adsrc) AS x
WHERE c.default_text IS NOT NULL OR c.default_given IS NOT NULL OR c.identity <> '';

CREATE VIEW rs_sys.pg_type AS
SELECT CASE t.typname WHEN 'jsonb' THEN 4000 WHEN 'bytea' THEN 6551 ELSE t.oid END AS oid,
       (CASE t.typname WHEN 'jsonb' THEN 'super' WHEN 'bytea' THEN 'varbyte' ELSE t.typname::text END)::varchar(128) AS typname,
       t.typnamespace, t.typowner::int AS typowner, t.typlen, t.typbyval, t.typtype::varchar(1) AS typtype, true AS typisdefined, ','::varchar(1) AS typdelim,
       t.typrelid, t.typelem, t.typinput::oid AS typinput, t.typoutput::oid AS typoutput, t.typreceive::oid AS typreceive, t.typsend::oid AS typsend,
       0::oid AS typanalyze, t.typalign::varchar(1) AS typalign, t.typstorage::varchar(1) AS typstorage, t.typnotnull, t.typbasetype, t.typtypmod,
       t.typndims, NULL::varchar(128) AS typdefaultbin, NULL::varchar(128) AS typdefault
FROM pg_catalog.pg_type t WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype IN ('b', 'p');

CREATE VIEW rs_sys.pg_proc AS
SELECT p.oid, p.proname::varchar(128) AS proname, p.pronamespace, p.proowner::int AS proowner, p.prolang, false AS proisagg, p.prosecdef, p.proisstrict,
       false AS proretset, p.provolatile::varchar(1) AS provolatile, p.pronargs,
       rs_catalog.type_number(rs_catalog.type_text(p.prorettype, -1)) AS prorettype, p.proargtypes::text::varchar(4096) AS proargtypes,
       p.proargnames::text::varchar(65535) AS proargnames, p.prosrc::varchar(65535) AS prosrc, NULL::varchar(65535) AS probin,
       rs_catalog.acl_text(p.proacl)::varchar(65535) AS proacl
FROM pg_catalog.pg_proc p WHERE p.oid IN (SELECT oid FROM rs_catalog.routines) AND p.prorettype <> 0 OR p.oid IN (SELECT oid FROM rs_catalog.routines WHERE prokind = 'p');

-- "PG_PROC_INFO": PG_PROC with what 8.0 has not.
CREATE VIEW rs_sys.pg_proc_info AS
SELECT p.oid AS prooid, p.proname, p.pronamespace, p.proowner, p.prolang, p.proisagg, p.prosecdef, p.proisstrict, p.proretset, p.provolatile, p.pronargs,
       p.prorettype, p.proargtypes, p.proargnames, p.prosrc, p.probin, p.proacl, r.prokind::varchar(1) AS prokind,
       q.proargmodes::text::varchar(4096) AS proargmodes, q.proallargtypes::text::varchar(4096) AS proallargtypes,
       (COALESCE((r.meta ->> 'nonatomic')::boolean, false)) AS prononatomic
FROM rs_sys.pg_proc p JOIN rs_catalog.routines r ON r.oid = p.oid JOIN pg_catalog.pg_proc q ON q.oid = p.oid;

CREATE VIEW rs_sys.pg_language AS
SELECT oid, lanname::varchar(128) AS lanname, lanispl, lanpltrusted, lanplcallfoid, lanvalidator, rs_catalog.acl_text(lanacl)::varchar(65535) AS lanacl
FROM pg_catalog.pg_language;

CREATE VIEW rs_sys.pg_constraint AS
SELECT k.oid, k.name AS conname, c.relnamespace AS connamespace, k.kind::varchar(1) AS contype, false AS condeferrable, false AS condeferred,
       k.relation AS conrelid, 0::oid AS contypid, COALESCE(k.target, 0) AS confrelid, (CASE k.kind WHEN 'f' THEN 'a' ELSE ' ' END)::varchar(1) AS confupdtype,
       (CASE k.kind WHEN 'f' THEN 'a' ELSE ' ' END)::varchar(1) AS confdeltype, (CASE k.kind WHEN 'f' THEN 'u' ELSE ' ' END)::varchar(1) AS confmatchtype,
       rs_catalog.column_numbers(k.relation, k.columns)::varchar(4000) AS conkey,
       rs_catalog.column_numbers(k.target, k.target_columns)::varchar(4000) AS confkey, NULL::varchar(65535) AS conbin, NULL::varchar(65535) AS consrc
FROM rs_catalog.constraints k JOIN pg_catalog.pg_class c ON c.oid = k.relation;

CREATE VIEW rs_sys.pg_description AS
SELECT r.oid AS objoid, 1259::oid AS classoid, 0 AS objsubid, (r.meta ->> 'comment')::varchar(65535) AS description
FROM rs_catalog.relations r WHERE r.meta ? 'comment'
UNION ALL
SELECT s.oid, 2615::oid, 0, (s.meta ->> 'comment')::varchar(65535) FROM rs_catalog.schemas s WHERE s.meta ? 'comment'
UNION ALL
SELECT d.objoid, d.classoid, d.objsubid, d.description::varchar(65535)
FROM pg_catalog.pg_description d JOIN rs_catalog.relations r ON r.oid = d.objoid WHERE d.objsubid > 0;

CREATE VIEW rs_sys.pg_depend AS
SELECT classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype::varchar(1) AS deptype
FROM pg_catalog.pg_depend WHERE objid IN (SELECT oid FROM rs_catalog.relations) OR refobjid IN (SELECT oid FROM rs_catalog.relations);

CREATE VIEW rs_sys.pg_default_acl AS
SELECT oid, defaclrole::int AS defacluser, defaclnamespace, defaclobjtype::varchar(1) AS defaclobjtype, rs_catalog.acl_text(defaclacl)::varchar(65535) AS defaclacl
FROM pg_catalog.pg_default_acl;

CREATE VIEW rs_sys.pg_tables AS
SELECT n.nspname AS schemaname, c.relname AS tablename, pg_catalog.pg_get_userbyid(c.relowner)::varchar(128) AS tableowner,
       NULL::varchar(128) AS tablespace, false AS hasindexes, false AS hasrules, false AS hastriggers
FROM rs_sys.pg_class c JOIN rs_sys.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND c.relname NOT LIKE 'mv\_tbl\_\_%';

CREATE VIEW rs_sys.pg_views AS
SELECT r.schema_name::varchar(128) AS schemaname, r.name::varchar(128) AS viewname,
       pg_catalog.pg_get_userbyid(r.owner)::varchar(128) AS viewowner, rs_catalog.definition(r.meta, r.schema_name, r.name)::varchar(65535) AS definition
FROM rs_catalog.relations r WHERE r.relkind = 'v' OR r.meta ->> 'kind' = 'mv';

CREATE VIEW rs_sys.pg_table_def AS
SELECT r.schema_name::varchar(128) AS schemaname, r.name::varchar(128) AS tablename, c.name::varchar(128) AS "column",
       c.type_text::varchar(128) AS type, rs_catalog.encoding(r.meta, c.name, c.type_text)::char(32) AS encoding,
       COALESCE(r.meta ->> 'distkey' = c.name, false) AS distkey, rs_catalog.sort_place(r.meta, c.name) AS sortkey, NOT c.nullable AS "notnull"
FROM rs_catalog.relations r JOIN rs_catalog.columns c ON c.relation = r.oid
WHERE r.relkind = 'r'
  AND (r.temporary OR r.schema_name = ANY (pg_catalog.string_to_array(pg_catalog.current_setting('rs.search_path', true), ',')))
  AND rs_catalog.may_read(r.oid, r.owner);

CREATE VIEW rs_sys.pg_user AS
SELECT rolname::varchar(128) AS usename, oid::int AS usesysid, rolcreatedb AS usecreatedb, rolsuper AS usesuper, false AS usecatupd,
       '********'::varchar(128) AS passwd, rolvaliduntil AS valuntil, NULL::varchar(65535) AS useconfig
FROM pg_catalog.pg_roles WHERE rolcanlogin;

CREATE VIEW rs_sys.pg_shadow AS SELECT * FROM rs_sys.pg_user;

-- "PG_USER_INFO".
CREATE VIEW rs_sys.pg_user_info AS
SELECT usename, usesysid, usecreatedb, usesuper, usecatupd, passwd, valuntil, useconfig, 'UNLIMITED'::varchar(32) AS useconnlimit FROM rs_sys.pg_user;

CREATE VIEW rs_sys.pg_group AS
SELECT pg_catalog.substr(g.rolname::text, 7)::varchar(128) AS groname, g.oid::int AS grosysid,
       ('{' || COALESCE((SELECT pg_catalog.string_agg(a.member::text, ',') FROM pg_catalog.pg_auth_members a WHERE a.roleid = g.oid), '') || '}')::varchar(65535) AS grolist
FROM pg_catalog.pg_roles g WHERE g.rolname LIKE 'group:%';

CREATE VIEW rs_sys.pg_database AS
SELECT d.oid, d.datname::varchar(128) AS datname, d.datdba::int AS datdba, d.encoding, false AS datistemplate, true AS datallowconn, 0::oid AS datlastsysoid,
       0::oid AS datvacuumxid, 0::oid AS datfrozenxid, d.dattablespace, NULL::varchar(65535) AS datconfig, rs_catalog.acl_text(d.datacl)::varchar(65535) AS datacl
FROM pg_catalog.pg_database d WHERE NOT d.datistemplate AND d.datname <> 'postgres';

-- "PG_DATABASE_INFO".
CREATE VIEW rs_sys.pg_database_info AS
SELECT oid AS datid, datname, datdba, encoding, datistemplate, datallowconn, datlastsysoid, datvacuumxid, datfrozenxid, dattablespace, datconfig, datacl,
       'UNLIMITED'::varchar(32) AS datconnlimit
FROM rs_sys.pg_database;

-- "PG_STATISTIC_INDICATOR".
CREATE VIEW rs_sys.pg_statistic_indicator AS
SELECT r.oid AS stairelid, rs_catalog.row_count(r.oid)::real AS stairows, 0::real AS staiins, 0::real AS staidels
FROM rs_catalog.relations r WHERE r.relkind = 'r' AND rs_catalog.may_read(r.oid, r.owner);

CREATE VIEW rs_sys.pg_settings AS
SELECT name::varchar(128) AS name, setting::varchar(65535) AS setting, NULL::varchar(128) AS context, NULL::varchar(128) AS vartype, NULL::varchar(128) AS source,
       NULL::varchar(128) AS min_val, NULL::varchar(128) AS max_val
FROM pg_catalog.pg_settings WHERE name IN ('search_path', 'datestyle', 'TimeZone', 'statement_timeout', 'client_encoding', 'server_version', 'max_connections');

CREATE VIEW rs_sys.pg_locks AS
SELECT l.relation, (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = s.database_name) AS "database", s.transaction_id AS transaction, l.pid,
       l.mode::varchar(128) AS mode, l.granted
FROM rs_catalog.locks() l JOIN rs_catalog.sessions() s ON s.pid = l.pid;

CREATE VIEW rs_sys.pg_tablespace AS
SELECT oid, spcname::varchar(128) AS spcname, spcowner::int AS spcowner, NULL::varchar(128) AS spclocation, NULL::varchar(65535) AS spcacl FROM pg_catalog.pg_tablespace;
-- PostgreSQL 8.0, "The Statistics Collector". Redshift counts nothing here; tools read the tables' numbers from it.
CREATE VIEW rs_sys.pg_statio_all_tables AS
SELECT c.oid AS relid, n.nspname AS schemaname, c.relname, 0::bigint AS heap_blks_read, 0::bigint AS heap_blks_hit, NULL::bigint AS idx_blks_read,
       NULL::bigint AS idx_blks_hit, NULL::bigint AS toast_blks_read, NULL::bigint AS toast_blks_hit, NULL::bigint AS tidx_blks_read,
       NULL::bigint AS tidx_blks_hit
FROM rs_sys.pg_class c JOIN rs_sys.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r';
CREATE VIEW rs_sys.pg_am AS SELECT oid, amname::varchar(128) AS amname FROM pg_catalog.pg_am;

-- What the table functions of the same name give: their columns are named by the query.
CREATE VIEW rs_sys.pg_get_late_binding_view_cols AS
SELECT schema_name::varchar(128) AS view_schema, name::varchar(128) AS view_name, "column"::varchar(128) AS col_name, type::varchar(128) AS col_type, number AS col_num
FROM rs_catalog.late_columns;
CREATE VIEW rs_sys.pg_get_cols AS
SELECT table_schema AS view_schema, table_name AS view_name, column_name AS col_name, type_text::varchar(128) AS col_type, ordinal_position AS col_num
FROM rs_catalog.all_columns;
