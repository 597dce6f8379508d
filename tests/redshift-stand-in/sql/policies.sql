-- Row-level security and dynamic data masking: what is kept, and the views that show it.
--
-- Run once per database. A row of a relation that is gone means nothing.

CREATE TABLE rs_catalog.policy (
  masking boolean NOT NULL, name text NOT NULL, columns jsonb NOT NULL, alias text, expression text NOT NULL, modified_by text NOT NULL,
  modified timestamp NOT NULL, PRIMARY KEY (masking, name));

CREATE TABLE rs_catalog.policy_attachment (
  masking boolean NOT NULL, policy text NOT NULL, relation oid NOT NULL, outputs text[] NOT NULL, inputs text[] NOT NULL,
  grantee_type text NOT NULL, grantee text NOT NULL, priority int NOT NULL, grantor text NOT NULL,
  FOREIGN KEY (masking, policy) REFERENCES rs_catalog.policy);

CREATE TABLE rs_catalog.row_security (relation oid PRIMARY KEY, is_on boolean NOT NULL, conjunction text NOT NULL);

-- IGNORE RLS, EXPLAIN RLS, EXPLAIN MASKING.
CREATE TABLE rs_catalog.system_privilege (
  privilege text NOT NULL, grantee_type text NOT NULL, grantee text NOT NULL, PRIMARY KEY (privilege, grantee_type, grantee));

-- Everything at once for a snapshot; NULL if there is nothing. `views`: which views stand on which protected relations.
CREATE FUNCTION rs_catalog.protections() RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM rs_catalog.policy_attachment) AND NOT EXISTS (SELECT FROM rs_catalog.row_security WHERE is_on) THEN
    RETURN NULL;
  END IF;
  RETURN pg_catalog.json_build_object(
    'attachments', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('masking', a.masking, 'relation', a.relation, 'outputs', a.outputs,
        'inputs', a.inputs, 'type', a.grantee_type, 'grantee', a.grantee, 'priority', a.priority, 'columns', p.columns, 'alias', p.alias,
        'using', p.expression) ORDER BY a.priority DESC, a.policy)
      FROM rs_catalog.policy_attachment a JOIN rs_catalog.policy p ON (p.masking, p.name) = (a.masking, a.policy)),
    'rows', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('relation', relation, 'any', conjunction = 'or'))
      FROM rs_catalog.row_security WHERE is_on),
    'exempt', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('type', grantee_type, 'grantee', grantee))
      FROM rs_catalog.system_privilege WHERE privilege = 'IGNORE RLS'),
    'superusers', (SELECT pg_catalog.json_agg(rolname) FROM pg_catalog.pg_roles WHERE rolsuper),
    'members', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(m.rolname, r.rolname))
      FROM pg_catalog.pg_auth_members a JOIN pg_catalog.pg_roles r ON r.oid = a.roleid JOIN pg_catalog.pg_roles m ON m.oid = a.member),
    'views', (
      WITH RECURSIVE direct AS (
        SELECT DISTINCT r.ev_class AS above, d.refobjid AS below FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
        WHERE d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass AND r.ev_class <> d.refobjid),
      reached AS (SELECT above, below FROM direct UNION SELECT r.above, d.below FROM reached r JOIN direct d ON d.above = r.below)
      SELECT pg_catalog.json_agg(pg_catalog.json_build_array(above, below)) FROM reached
      WHERE below IN (SELECT relation FROM rs_catalog.policy_attachment UNION SELECT relation FROM rs_catalog.row_security WHERE is_on))
  )::text;
END $$;

-- "SVV_RLS_POLICY" and its like: superusers and sys:secadmin see them.
CREATE FUNCTION rs_catalog.sees_policies() RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE (rolname = current_user AND rolsuper)
    OR (rolname = 'role:sys:secadmin' AND pg_catalog.pg_has_role(current_user, oid, 'MEMBER'))) $$;

CREATE FUNCTION rs_catalog.columns_text(masking boolean, columns jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT '[' || COALESCE((SELECT pg_catalog.string_agg('{"colname":"' || (c ->> 'name') || '","type":"' || (c ->> 'type') || '"}', ',' ORDER BY n)
    FROM pg_catalog.jsonb_array_elements(columns) WITH ORDINALITY AS u(c, n)), '') || ']' $$;

CREATE VIEW rs_sys.svv_rls_policy AS
SELECT pg_catalog.current_database()::varchar(128) AS poldb, name::varchar(128) AS polname, COALESCE(alias, '')::varchar(128) AS polalias,
       rs_catalog.columns_text(false, columns)::varchar(65535) AS polatts, expression::varchar(65535) AS polqual, true AS polenabled,
       modified_by::varchar(128) AS polmodifiedby, modified AS polmodifiedtime
FROM rs_catalog.policy WHERE NOT masking AND rs_catalog.sees_policies();

CREATE VIEW rs_sys.svv_masking_policy AS
SELECT pg_catalog.current_database()::varchar(128) AS policy_database, name::varchar(128) AS policy_name,
       rs_catalog.columns_text(true, columns)::varchar(65535) AS input_columns, expression::varchar(65535) AS policy_expression,
       modified_by::varchar(128) AS policy_modified_by, modified AS policy_modified_time
FROM rs_catalog.policy WHERE masking AND rs_catalog.sees_policies();

CREATE VIEW rs_sys.svv_rls_relation AS
SELECT pg_catalog.current_database()::varchar(128) AS datname, r.schema_name::varchar(128) AS relschema, r.name::varchar(128) AS relname,
       (CASE WHEN r.meta ->> 'kind' = 'mv' THEN 'materialized view' ELSE 'table' END)::varchar(128) AS relkind, s.is_on AS is_rls_on,
       false AS is_rls_datashare_on, s.conjunction::char(3) AS rls_conjunction_type, 'and'::char(3) AS rls_datashare_conjunction_type
FROM rs_catalog.row_security s JOIN rs_catalog.relations r ON r.oid = s.relation WHERE rs_catalog.sees_policies();

CREATE VIEW rs_sys.svv_rls_attached_policy AS
SELECT r.schema_name::varchar(128) AS relschema, r.name::varchar(128) AS relname,
       (CASE WHEN r.meta ->> 'kind' = 'mv' THEN 'materialized view' ELSE 'table' END)::varchar(128) AS relkind, a.policy::varchar(128) AS polname,
       a.grantor::varchar(128) AS grantor, a.grantee::varchar(128) AS grantee, a.grantee_type::varchar(128) AS granteekind, true AS is_pol_on,
       COALESCE(s.is_on, false) AS is_rls_on, COALESCE(s.conjunction, 'and')::char(3) AS rls_conjunction_type
FROM rs_catalog.policy_attachment a JOIN rs_catalog.relations r ON r.oid = a.relation LEFT JOIN rs_catalog.row_security s ON s.relation = a.relation
WHERE NOT a.masking AND rs_catalog.sees_policies();

CREATE VIEW rs_sys.svv_attached_masking_policy AS
SELECT a.policy::varchar(128) AS policy_name, r.schema_name::varchar(128) AS schema_name, r.name::varchar(128) AS table_name,
       (CASE WHEN r.meta ->> 'kind' = 'mv' THEN 'materialized view' ELSE 'table' END)::varchar(128) AS table_type, a.grantor::varchar(128) AS grantor,
       a.grantee::varchar(128) AS grantee, a.grantee_type::varchar(128) AS grantee_type, a.priority,
       pg_catalog.array_to_json(a.inputs)::varchar(65535) AS input_columns, pg_catalog.array_to_json(a.outputs)::varchar(65535) AS output_columns,
       false AS is_masking_datashare_on
FROM rs_catalog.policy_attachment a JOIN rs_catalog.relations r ON r.oid = a.relation WHERE a.masking AND rs_catalog.sees_policies();

CREATE VIEW rs_sys.svv_system_privileges AS
SELECT s.privilege::varchar(128) AS system_privilege, r.oid::int AS identity_id, s.grantee::varchar(128) AS identity_name,
       s.grantee_type::varchar(128) AS identity_type
FROM rs_catalog.system_privilege s
LEFT JOIN pg_catalog.pg_roles r ON r.rolname = CASE s.grantee_type WHEN 'role' THEN 'role:' || s.grantee ELSE s.grantee END
WHERE rs_catalog.sees_policies();

CREATE VIEW rs_sys.svv_redshift_schema_quota AS
SELECT pg_catalog.current_database()::char(128) AS database_name, schema_name::char(128) AS schema_name, schema_owner::int AS schema_owner,
       quota::int AS quota, disk_usage::int AS disk_usage
FROM rs_sys.svv_schema_quota_state;

-- What the engine asks in the user's own transaction.

CREATE FUNCTION rs_sys.is_security_admin() RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'role:sys:secadmin' AND pg_catalog.pg_has_role(current_user, oid, 'MEMBER')) $$;
CREATE FUNCTION rs_sys.kept_policy(is_masking boolean, policy text) RETURNS TABLE (columns text, alias text) LANGUAGE sql STABLE SECURITY DEFINER AS
$$ SELECT p.columns::text, p.alias FROM rs_catalog.policy p WHERE p.masking = is_masking AND p.name = policy $$;
CREATE FUNCTION rs_sys.count_attached(is_masking boolean, name text) RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER AS
$$ SELECT count(*) FROM rs_catalog.policy_attachment a WHERE a.masking = is_masking AND a.policy = name
     AND a.relation IN (SELECT oid FROM pg_catalog.pg_class) $$;
CREATE FUNCTION rs_sys.attached_masks(number oid) RETURNS TABLE (policy text, grantee_type text, grantee text, priority int, output text)
LANGUAGE sql STABLE SECURITY DEFINER AS
$$ SELECT a.policy, a.grantee_type, a.grantee, a.priority, pg_catalog.unnest(a.outputs) FROM rs_catalog.policy_attachment a
   WHERE a.masking AND a.relation = number $$;
CREATE FUNCTION rs_sys.other_policy_alias(number oid, name text, wanted text) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER AS
$$ SELECT p.name FROM rs_catalog.policy_attachment a JOIN rs_catalog.policy p ON (p.masking, p.name) = (a.masking, a.policy)
   WHERE NOT a.masking AND a.relation = number AND p.name <> other_policy_alias.name AND p.alias IS DISTINCT FROM wanted LIMIT 1 $$;
