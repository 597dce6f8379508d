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
  SELECT CASE pg_catalog.format_type(CASE type_id WHEN 4000 THEN 'jsonb'::regtype WHEN 6551 THEN 'bytea'::regtype ELSE type_id END, NULL)
    WHEN 'jsonb' THEN 'super'
    WHEN 'bytea' THEN 'binary varying(' || CASE WHEN modifier > 4 THEN modifier - 4 ELSE 64000 END || ')'
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
       r.meta -> 'defaults' ->> a.attname::text AS default_given, a.attidentity = 'a' AS generated_only
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

-- A call inside a procedure has the number of the call around it.
CREATE TABLE rs_catalog.query_history (
  user_name text, query_id bigint PRIMARY KEY, query_label text, transaction_id bigint, session_id int, query_type text, status text,
  start_time timestamp, end_time timestamp, error_message text, returned_rows bigint, query_text text,
  caller_query_id bigint, security_user_name text);

CREATE TABLE rs_catalog.procedure_message (
  user_name text, session_id int, transaction_id bigint, query_id bigint, record_time timestamp, level int, message text, line_number int);

CREATE TABLE rs_catalog.session_history (
  user_name text, session_id int, start_time timestamp, end_time timestamp);

CREATE SEQUENCE rs_catalog.refresh_ids;

CREATE FUNCTION rs_catalog.moment(micros bigint) RETURNS timestamp LANGUAGE sql IMMUTABLE AS $$
  SELECT timestamp '1970-01-01' + micros / 1000000 * interval '1 second' + micros % 1000000 * interval '1 microsecond' $$;

-- What the system relations have in common.

CREATE FUNCTION rs_catalog.user_id(user_name text) RETURNS int
LANGUAGE sql STABLE AS $$ SELECT oid::int FROM pg_catalog.pg_roles WHERE rolname = user_name $$;

-- "CREATE USER", SYSLOG ACCESS: kept as a setting of the role, since users are the server's.
CREATE FUNCTION rs_catalog.syslog_access(role oid) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_db_role_setting s
    WHERE s.setrole = role AND s.setdatabase = 0 AND 'rs.syslog_access=UNRESTRICTED' = ANY (s.setconfig)) THEN 'UNRESTRICTED' ELSE 'RESTRICTED' END $$;

-- SECURITY: "Visibility of data in system tables and views". A superuser, and a user with SYSLOG ACCESS UNRESTRICTED, sees
-- everything, others what is theirs.
CREATE FUNCTION rs_catalog.is_or_rules(user_name text) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT user_name = current_user OR (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
$$;
CREATE FUNCTION rs_catalog.sees(user_name text) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT rs_catalog.is_or_rules(user_name)
      OR (SELECT rs_catalog.syslog_access(oid) = 'UNRESTRICTED' FROM pg_catalog.pg_roles WHERE rolname = current_user)
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
  -- The planner may ask before it leaves out what is not shown: temporary tables of other sessions cannot be read.
  IF EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = relation AND pg_catalog.pg_is_other_temp_schema(c.relnamespace)) THEN
    RETURN 0;
  END IF;
  EXECUTE 'SELECT count(*) FROM ' || relation::regclass INTO n;
  RETURN n;
END $$;

-- Numbers of types as Redshift has them; SUPER and VARBYTE are others below.
CREATE FUNCTION rs_catalog.type_number(type_text text) RETURNS oid LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN type_text = 'super' THEN 4000::oid WHEN type_text LIKE 'binary varying%' THEN 6551::oid
              WHEN type_text = 'unknown' THEN 705::oid ELSE type_text::regtype::oid END $$;
CREATE FUNCTION rs_catalog.type_modifier(type_text text) RETURNS int LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN type_text ~ '^(character|binary)' THEN pg_catalog.substring(type_text, '\((\d+)\)')::int + 4
              WHEN type_text LIKE 'numeric(%' THEN (pg_catalog.substring(type_text, '\((\d+),')::int << 16
                                                    | pg_catalog.substring(type_text, ',(\d+)\)')::int) + 4
              ELSE -1 END $$;

-- "CREATE TABLE", ENCODE: what a column has for which nothing is said.
CREATE FUNCTION rs_catalog.encoding(meta jsonb, column_name text, type_text text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN meta -> 'encodings' ->> column_name IS NOT NULL
              THEN CASE meta -> 'encodings' ->> column_name WHEN 'raw' THEN 'none' ELSE meta -> 'encodings' ->> column_name END
              WHEN meta -> 'sortkey' ? column_name THEN 'none'
              WHEN type_text ~ '^(smallint|integer|bigint|numeric|date|timestamp)' THEN 'az64'
              WHEN type_text LIKE 'character%' THEN 'lzo' ELSE 'none' END $$;

-- 0 outside of the sort key; an interleaved key's places alternate between positive and negative ("PG_TABLE_DEF").
CREATE FUNCTION rs_catalog.sort_place(meta jsonb, column_name text) RETURNS int LANGUAGE sql IMMUTABLE AS $$
  SELECT COALESCE((SELECT CASE WHEN (meta ->> 'interleaved')::boolean AND k.place % 2 = 1 THEN -k.place::int ELSE k.place::int END
                   FROM pg_catalog.jsonb_array_elements_text(meta -> 'sortkey') WITH ORDINALITY AS k(name, place)
                   WHERE k.name = column_name), 0) $$;

-- "Viewing distribution styles".
CREATE FUNCTION rs_catalog.dist_style(meta jsonb) RETURNS smallint LANGUAGE sql IMMUTABLE AS $$
  SELECT (CASE WHEN meta ->> 'diststyle' LIKE 'KEY%' THEN 1 WHEN meta ->> 'diststyle' = 'ALL' THEN 8 WHEN meta ->> 'diststyle' = 'EVEN' THEN 0 ELSE 10 END)::smallint $$;

-- Privileges in the print form of PostgreSQL 8.0: groups are "group name", and there is no TRUNCATE.
CREATE FUNCTION rs_catalog.acl_text(acl aclitem[]) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN acl IS NULL THEN NULL ELSE '{' || COALESCE((
    SELECT pg_catalog.string_agg(COALESCE(NULLIF(pg_catalog.regexp_replace(name, '^(group|role):', '\1 '), '-'), '') || '='
                                 || pg_catalog.translate(pg_catalog.substring(i::text, '=([a-zA-Z*]*)/'), 'Dm', '') || '/' || owner, ',' ORDER BY n)
    FROM pg_catalog.unnest(acl) WITH ORDINALITY AS u(i, n),
         LATERAL (SELECT pg_catalog.pg_get_userbyid(e.grantee)::text AS known, e.grantee,
                         CASE WHEN e.grantee = 0 THEN '-' ELSE pg_catalog.pg_get_userbyid(e.grantee)::text END AS name,
                         pg_catalog.pg_get_userbyid(e.grantor)::text AS owner
                  FROM pg_catalog.aclexplode(ARRAY[i]) AS e LIMIT 1) AS x), '') || '}' END $$;

-- Text in pieces, line ends as a backslash and a letter ("STL_QUERYTEXT", sample of a reconstruction).
CREATE FUNCTION rs_catalog.line(statement text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT pg_catalog.replace(pg_catalog.replace(statement, pg_catalog.chr(13), '\r'), pg_catalog.chr(10), '\n') $$;
CREATE FUNCTION rs_catalog.pieces(statement text, size int) RETURNS TABLE (sequence int, piece text) LANGUAGE sql IMMUTABLE AS $$
  SELECT n, pg_catalog.substr(l, n * size + 1, size) FROM rs_catalog.line(statement) AS l,
         pg_catalog.generate_series(0, GREATEST(pg_catalog.length(l) - 1, 0) / size) AS n $$;

-- A view's definition: late-binding and materialized views are shown with the statement around their query.
CREATE FUNCTION rs_catalog.definition(meta jsonb, schema_name text, name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE meta ->> 'kind'
    WHEN 'mv' THEN 'CREATE MATERIALIZED VIEW ' || schema_name || '.' || name || ' AS ' || (meta ->> 'definition')
    WHEN 'late' THEN 'CREATE VIEW ' || schema_name || '.' || name || ' AS ' || (meta ->> 'definition') || ' WITH NO SCHEMA BINDING'
    ELSE meta ->> 'definition' END $$;

-- Who has what: identity names are without the prefixes that keep roles and groups apart from users.
CREATE FUNCTION rs_catalog.grantee_name(id oid) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN id = 0 THEN 'public' ELSE pg_catalog.regexp_replace(pg_catalog.pg_get_userbyid(id)::text, '^(role|group):', '') END $$;
CREATE FUNCTION rs_catalog.grantee_kind(id oid) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN id = 0 THEN 'public' ELSE COALESCE(pg_catalog.substring(pg_catalog.pg_get_userbyid(id)::text, '^(role|group):'), 'user') END $$;

-- "SVV_RELATION_PRIVILEGES" and its like: without SYSLOG ACCESS UNRESTRICTED, one sees the rights of oneself, of the roles and
-- groups one has, and of PUBLIC.
CREATE FUNCTION rs_catalog.has_identity(id oid) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT id = 0 OR COALESCE(pg_catalog.pg_has_role(current_user, NULLIF(id, 0), 'MEMBER'), false) $$;
CREATE FUNCTION rs_catalog.sees_grantee(id oid) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT rs_catalog.has_identity(id) OR rs_catalog.sees(pg_catalog.pg_get_userbyid(id)::text) $$;

-- Sessions of all databases. The application's name holds the number of the user that the connection acts for.
CREATE FUNCTION rs_catalog.sessions()
RETURNS TABLE (pid int, user_name text, database_name text, started timestamp, transaction_started timestamp, transaction_id bigint)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT a.pid, pg_catalog.pg_get_userbyid(pg_catalog.substring(a.application_name, ' (\d+)$')::oid)::text, a.datname::text,
         a.backend_start AT TIME ZONE 'UTC', a.xact_start AT TIME ZONE 'UTC', a.backend_xid::text::bigint
  FROM pg_catalog.pg_stat_activity a WHERE a.application_name ~ '^redshift-stand-in \d+$' $$;
CREATE FUNCTION rs_catalog.locks()
RETURNS TABLE (pid int, virtual_id text, mode text, locktype text, relation oid, granted boolean)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT l.pid, l.virtualtransaction, l.mode, l.locktype, l.relation, l.granted FROM pg_catalog.pg_locks l
  WHERE l.locktype = 'virtualxid' AND l.mode = 'ExclusiveLock'
     OR l.locktype = 'relation' AND l.relation IN (SELECT r.oid FROM rs_catalog.relations r) $$;

-- Everything that is a table or a view, and whether the user may read it.
CREATE VIEW rs_catalog.tables AS
SELECT (CASE WHEN r.temporary THEN 'pg_temp' ELSE r.schema_name END)::varchar(128) AS table_schema, r.name::varchar(128) AS table_name,
       (CASE WHEN r.relkind = 'r' AND r.meta ->> 'kind' IS DISTINCT FROM 'mv' THEN 'BASE TABLE' ELSE 'VIEW' END)::varchar(128) AS table_type,
       (r.meta ->> 'comment')::varchar(128) AS remarks, r.oid, r.owner, rs_catalog.may_read(r.oid, r.owner) AS readable
FROM rs_catalog.relations r
UNION ALL
SELECT CASE WHEN c.relname LIKE 'information_schema.%' THEN 'information_schema' ELSE 'pg_catalog' END,
       pg_catalog.replace(c.relname::text, 'information_schema.', ''), 'VIEW', NULL, c.oid, 10, true
FROM pg_catalog.pg_class c WHERE c.relnamespace = 'rs_sys'::regnamespace AND c.relkind = 'v' AND c.relname NOT LIKE 'pg\_get\_%';

-- The columns of late-binding views are what their queries give now: the session says before each question.
CREATE VIEW rs_catalog.late_columns AS
SELECT x."schema" AS schema_name, x.name, x."column", x.type, x.number
FROM pg_catalog.jsonb_to_recordset(NULLIF(pg_catalog.current_setting('rs.late_columns', true), '')::jsonb)
     AS x("schema" text, name text, "column" text, type text, number int);

CREATE VIEW rs_catalog.all_columns AS
SELECT (CASE WHEN r.temporary THEN 'pg_temp' ELSE r.schema_name END)::varchar(128) AS table_schema, r.name::varchar(128) AS table_name,
       c.name::varchar(128) AS column_name, c.number AS ordinal_position, c.type_text,
       (CASE WHEN c.identity <> '' THEN '"identity"(' || c.identity || ')' ELSE COALESCE(c.default_given, c.default_text) END)::varchar(4000) AS column_default,
       c.nullable, r.oid, pg_catalog.col_description(r.oid, c.number)::varchar(256) AS remarks, r.meta, rs_catalog.may_read(r.oid, r.owner) AS readable
FROM rs_catalog.relations r JOIN rs_catalog.columns c ON c.relation = r.oid WHERE r.meta ->> 'kind' IS DISTINCT FROM 'late'
UNION ALL
SELECT l.schema_name, l.name, l."column", l.number, l.type, NULL, true, r.oid, NULL, '{}', rs_catalog.may_read(r.oid, r.owner)
FROM rs_catalog.late_columns l JOIN rs_catalog.relations r ON r.schema_name = l.schema_name AND r.name = l.name
UNION ALL
SELECT CASE WHEN s.relation LIKE 'information_schema.%' THEN 'information_schema' ELSE 'pg_catalog' END,
       pg_catalog.replace(s.relation, 'information_schema.', ''), s.name, s.number, s.type_text, NULL, true, 0, NULL, '{}', true
FROM rs_catalog.system_columns s WHERE s.relation NOT LIKE 'pg\_get\_%';

-- Declared and not enforced. A relation has few constraints: their numbers lie far above its own.
CREATE VIEW rs_catalog.constraints AS
SELECT (x.relation::bigint + 268435456 * LEAST(x.place, 15))::oid AS oid, x.relation, x.kind, x.place, x.columns,
       (t.name || CASE x.kind WHEN 'p' THEN '_pkey' WHEN 'u' THEN '_' || (x.columns ->> 0) || '_key' ELSE '_' || (x.columns ->> 0) || '_fkey' END)::varchar(128) AS name,
       x.target, x.target_columns
FROM (
  SELECT r.oid AS relation, 'p' AS kind, 1::bigint AS place, r.meta -> 'primary_key' AS columns, NULL::oid AS target, NULL::jsonb AS target_columns
  FROM rs_catalog.relations r WHERE r.meta ? 'primary_key'
  UNION ALL
  SELECT r.oid, 'u', 1 + u.n, u.c, NULL, NULL
  FROM rs_catalog.relations r, pg_catalog.jsonb_array_elements(r.meta -> 'unique') WITH ORDINALITY AS u(c, n)
  UNION ALL
  SELECT r.oid, 'f', 8 + f.n, f.c -> 'columns', t.oid, COALESCE(NULLIF(f.c -> 'references', '[]'), t.meta -> 'primary_key')
  FROM rs_catalog.relations r, pg_catalog.jsonb_array_elements(r.meta -> 'foreign_keys') WITH ORDINALITY AS f(c, n)
  JOIN rs_catalog.relations t ON t.schema_name = f.c ->> 'schema' AND t.name = f.c ->> 'table') AS x
JOIN rs_catalog.relations t ON t.oid = x.relation;

CREATE FUNCTION rs_catalog.column_list(names jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT pg_catalog.string_agg(pg_catalog.quote_ident(k), ', ' ORDER BY n) FROM pg_catalog.jsonb_array_elements_text(names) WITH ORDINALITY AS u(k, n) $$;
CREATE FUNCTION rs_catalog.column_numbers(relation oid, names jsonb) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT '{' || pg_catalog.string_agg(a.attnum::text, ',' ORDER BY n) || '}'
  FROM pg_catalog.jsonb_array_elements_text(names) WITH ORDINALITY AS u(k, n) JOIN pg_catalog.pg_attribute a ON a.attrelid = relation AND a.attname = k $$;

-- Views run with their owner's rights on tables, but the functions in them need EXECUTE by the caller.
GRANT USAGE ON SCHEMA rs_catalog TO PUBLIC;
-- A session reads them under its user's role, inside its own transaction; users cannot name them.
GRANT SELECT ON rs_catalog.schemas, rs_catalog.relations, rs_catalog.columns, rs_catalog.routines TO PUBLIC;
