CREATE TABLE shop (id INT NOT NULL DISTKEY, name VARCHAR(20) DEFAULT 'x', price DECIMAL(10,2), data SUPER) SORTKEY (id);
CREATE VIEW shop_view AS SELECT id FROM shop;
CREATE VIEW shop_late AS SELECT id FROM public.shop WITH NO SCHEMA BINDING;
INSERT INTO shop VALUES (1, 'a', 2.5, NULL)

# PG_TABLE_DEF
SELECT "column", type, TRIM(encoding), distkey, sortkey, "notnull" FROM pg_table_def WHERE tablename = 'shop' AND "column" = 'id'
-> id|integer|none|true|1|true

# PG_TABLE_DEF: type names
SELECT "column", type FROM pg_table_def WHERE tablename = 'shop' ORDER BY "column"
-> data|super
-> id|integer
-> name|character varying(20)
-> price|numeric(10,2)

# SVV_COLUMNS
SELECT column_name, data_type, character_maximum_length, numeric_precision, numeric_scale, is_nullable FROM svv_columns WHERE table_schema = 'public' AND table_name = 'shop' ORDER BY ordinal_position
-> id|integer|~|32|0|NO
-> name|character varying|20|~|~|YES
-> price|numeric|~|10|2|YES
-> data|super|~|~|~|YES

# SVV_TABLES
SELECT table_name, table_type FROM svv_tables WHERE table_schema = 'public' ORDER BY 1
-> shop|BASE TABLE
-> shop_late|VIEW
-> shop_view|VIEW

# INFORMATION_SCHEMA
SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'public' AND table_name IN ('shop', 'shop_view') ORDER BY 1
-> shop|BASE TABLE
-> shop_view|VIEW

SELECT column_name, ordinal_position, data_type FROM information_schema.columns WHERE table_schema = 'public' AND table_name = 'shop' ORDER BY 2
-> id|1|integer
-> name|2|character varying
-> price|3|numeric
-> data|4|super

SELECT count(*) FROM information_schema.schemata WHERE schema_name = 'public'
-> 1

SELECT count(*) FROM information_schema.views WHERE table_name = 'shop_view'
-> 1

# SVV_TABLE_INFO
SELECT "schema", "table", diststyle, sortkey1, sortkey_num, tbl_rows FROM svv_table_info WHERE "table" = 'shop'
-> public|shop|KEY(id)|id|1|1

# SVV_REDSHIFT_TABLES and SVV_REDSHIFT_COLUMNS
SELECT schema_name, table_name, table_type FROM svv_redshift_tables WHERE schema_name = 'public' ORDER BY 2
-> public|shop|TABLE
-> public|shop_late|VIEW
-> public|shop_view|VIEW

SELECT column_name, data_type FROM svv_redshift_columns WHERE table_name = 'shop' ORDER BY ordinal_position LIMIT 2
-> id|integer
-> name|character varying

# SVV_ALL_TABLES, SVV_ALL_COLUMNS, SVV_ALL_SCHEMAS
SELECT count(*) FROM svv_all_tables WHERE table_name = 'shop'
-> 1

SELECT count(*) FROM svv_all_schemas WHERE schema_name = 'public'
-> 1

# PG_CLASS, PG_NAMESPACE, PG_ATTRIBUTE
SELECT n.nspname, c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relname = 'shop'
-> public|shop|r

SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relname = 'shop' AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
-> id|integer
-> name|character varying(20)
-> price|numeric(10,2)
-> data|super

SELECT a.attisdistkey, a.attsortkeyord FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relname = 'shop' AND a.attname = 'id'
-> true|1

SELECT reldiststyle FROM pg_class WHERE relname = 'shop'
-> 1

# PG_VIEWS and PG_TABLES
SELECT schemaname, viewname FROM pg_views WHERE schemaname = 'public' ORDER BY 2
-> public|shop_late
-> public|shop_view

SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename = 'shop' AND tableowner = current_user
-> 1

# PG_GET_VIEWDEF and PG_GET_LATE_BINDING_VIEW_COLS
SELECT pg_get_viewdef('public.shop_view'::regclass) LIKE '%shop%'
-> true

# PG_USER, PG_GROUP, PG_DATABASE
SELECT usename, usesuper FROM pg_user WHERE usename = current_user
-> awsuser|true

SELECT count(*) FROM pg_user_info WHERE usename = 'awsuser'
-> 1

SELECT count(*) FROM pg_database WHERE datname = current_database()
-> 1

# SVV_USER_INFO, SVV_ROLES
SELECT user_name, superuser FROM svv_user_info WHERE user_name = 'awsuser'
-> awsuser|true

# STV_DB_ISOLATION_LEVEL
SELECT trim(isolation_level) FROM stv_db_isolation_level WHERE db_name = current_database()
-> Snapshot Isolation

# SYS_QUERY_HISTORY
SELECT count(*) >= 0 FROM sys_query_history WHERE query_type = 'SELECT'
-> true

# STL and SVL views
SELECT count(*) >= 0 FROM stl_query
-> true

SELECT count(*) >= 0 FROM stv_recents WHERE status = 'Running'
-> true

SELECT count(*) >= 0 FROM svv_transactions
-> true

SELECT count(*) >= 0 FROM stv_sessions
-> true

SELECT count(*) >= 0 FROM stv_inflight
-> true

SELECT count(*) >= 0 FROM svl_statementtext
-> true

SELECT count(*) >= 0 FROM stl_load_errors
-> true

SELECT count(*) >= 0 FROM svv_external_tables
-> true

SELECT count(*) >= 0 FROM svv_external_columns
-> true

SELECT count(*) >= 0 FROM pg_description
-> true

SELECT count(*) >= 0 FROM pg_proc p JOIN pg_namespace n ON p.pronamespace = n.oid
-> true

SELECT count(*) >= 0 FROM pg_constraint
-> true

SELECT count(*) >= 0 FROM pg_depend
-> true

SELECT count(*) >= 0 FROM pg_attrdef
-> true

SELECT count(*) >= 0 FROM pg_type
-> true

SELECT count(*) >= 0 FROM pg_default_acl
-> true

SELECT count(*) >= 0 FROM svv_default_privileges
-> true

# SHOW commands
SHOW TABLES FROM SCHEMA public LIKE 'shop'

SHOW COLUMNS FROM TABLE public.shop

SHOW SCHEMAS FROM DATABASE nowhere
!! nowhere

SHOW TABLE shop

SHOW VIEW shop_view

SHOW search_path

SHOW ALL

SHOW nothing_known
!! nothing_known

# EXPLAIN
EXPLAIN SELECT * FROM shop WHERE id > 5

# Functions that tools call
SELECT current_user, current_schema() , current_user_id > 0, pg_backend_pid() > 0, version() LIKE '%Redshift%'
-> awsuser|public|true|true|true

SELECT has_table_privilege('shop', 'select'), has_schema_privilege('public', 'usage')
-> true|true

SELECT current_namespace IS NOT NULL, current_aws_account IS NOT NULL
!! 

SELECT user_is_member_of('awsuser', 'x') IS NOT NULL
!! 

SELECT pg_last_query_id() IS NOT NULL, current_database() IS NOT NULL, db_collation()
-> true|true|case_sensitive

SELECT dense_rank() OVER (ORDER BY relname) IS NOT NULL FROM pg_class LIMIT 1
-> true

SELECT 'public.shop'::regclass::oid > 0
-> true

# How tools ask: the relations, columns, owners and comments of a schema by joins of PG_CLASS, PG_NAMESPACE, PG_ATTRIBUTE and PG_DESCRIPTION
CREATE SCHEMA tools;
CREATE TABLE tools.parent (id INT, code VARCHAR(8), PRIMARY KEY (id, code), UNIQUE (code)) DISTSTYLE KEY DISTKEY (id) INTERLEAVED SORTKEY (id, code);
CREATE TABLE tools.child (id INT NOT NULL IDENTITY(1,1), parent_id INT, parent_code VARCHAR(8), body SUPER, bits VARBYTE(100), price DECIMAL(12,2) ENCODE zstd, FOREIGN KEY (parent_id, parent_code) REFERENCES tools.parent (id, code));
COMMENT ON TABLE tools.child IS 'the children';
COMMENT ON COLUMN tools.child.price IS 'in euros';
CREATE MATERIALIZED VIEW tools.mv DISTKEY (id) SORTKEY (code) AS SELECT id, code FROM tools.parent;
CREATE VIEW tools.late AS SELECT id FROM tools.child WITH NO SCHEMA BINDING;
INSERT INTO tools.parent VALUES (1, 'a')

SELECT sch.nspname, tbl.relname, CASE WHEN tbl.relkind = 'v' AND mv.table_name IS NOT NULL THEN 'MATERIALIZED VIEW' WHEN tbl.relkind = 'v' THEN 'VIEW' ELSE 'BASE TABLE' END AS kind, td.description, col.attname, col.attnum, pg_catalog.format_type(col.atttypid, col.atttypmod), cd.description FROM pg_catalog.pg_namespace sch JOIN pg_catalog.pg_class tbl ON tbl.relnamespace = sch.oid JOIN pg_catalog.pg_attribute col ON col.attrelid = tbl.oid LEFT OUTER JOIN pg_catalog.pg_description td ON td.objoid = tbl.oid AND td.objsubid = 0 LEFT OUTER JOIN pg_catalog.pg_description cd ON cd.objoid = tbl.oid AND cd.objsubid = col.attnum LEFT OUTER JOIN information_schema.views mv ON mv.table_schema = sch.nspname AND mv.table_name = tbl.relname AND mv.view_definition ILIKE '%create materialized view%' AND mv.table_catalog = current_database() WHERE tbl.relkind IN ('r', 'v', 'f', 'p') AND col.attnum > 0 AND NOT col.attisdropped AND upper(sch.nspname) = upper('TOOLS') AND tbl.relname IN ('child', 'mv') ORDER BY 2, 6
-> tools|child|BASE TABLE|the children|id|1|integer|~
-> tools|child|BASE TABLE|the children|parent_id|2|integer|~
-> tools|child|BASE TABLE|the children|parent_code|3|character varying(8)|~
-> tools|child|BASE TABLE|the children|body|4|super|~
-> tools|child|BASE TABLE|the children|bits|5|binary varying(100)|~
-> tools|child|BASE TABLE|the children|price|6|numeric(12,2)|in euros
-> tools|mv|MATERIALIZED VIEW|~|id|1|integer|~
-> tools|mv|MATERIALIZED VIEW|~|code|2|character varying(8)|~

# ... and the columns of the table behind a materialized view
SELECT a.attname AS column, a.attisdistkey AS is_dist_key, a.attsortkeyord AS sort_key_position FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid WHERE n.nspname ILIKE 'tools' AND c.relname LIKE 'mv_tbl__mv__%' ORDER BY a.attnum
-> id|true|0
-> code|false|1

SELECT schemaname AS table_schema, tablename AS table_name, tableowner FROM pg_tables WHERE schemaname = 'tools' UNION ALL SELECT schemaname, viewname, viewowner FROM pg_views WHERE schemaname = 'tools' ORDER BY 2
-> tools|child|awsuser
-> tools|late|awsuser
-> tools|mv|awsuser
-> tools|parent|awsuser

# ... constraints, with the catalogs' arrays
SELECT c.relname, t.contype, t.conname, t.conkey, a.attname, pg_catalog.pg_get_constraintdef(t.oid, true)::varchar(512) AS condef FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_constraint t ON t.conrelid = c.oid JOIN pg_catalog.pg_attribute a ON t.conrelid = a.attrelid AND a.attnum = ANY(t.conkey) WHERE n.nspname !~ '^pg_' AND n.nspname = 'tools' ORDER BY 1, 3, a.attnum
-> child|f|child_parent_id_fkey|{2,3}|parent_id|FOREIGN KEY (parent_id, parent_code) REFERENCES tools.parent(id, code)
-> child|f|child_parent_id_fkey|{2,3}|parent_code|FOREIGN KEY (parent_id, parent_code) REFERENCES tools.parent(id, code)
-> parent|u|parent_code_key|{2}|code|UNIQUE (code)
-> parent|p|parent_pkey|{1,2}|id|PRIMARY KEY (id, code)
-> parent|p|parent_pkey|{1,2}|code|PRIMARY KEY (id, code)

SELECT tc.constraint_type, kcu.column_name, kcu.ordinal_position FROM information_schema.table_constraints tc JOIN information_schema.key_column_usage kcu ON kcu.constraint_name = tc.constraint_name AND kcu.table_schema = tc.table_schema WHERE tc.table_schema = 'tools' AND tc.table_name = 'parent' AND tc.constraint_type = 'PRIMARY KEY' ORDER BY 3
-> PRIMARY KEY|id|1
-> PRIMARY KEY|code|2

# ... distribution and sort keys (PG_TABLE_DEF: places of an interleaved key alternate; CREATE TABLE, ENCODE: what AUTO begins with)
SET search_path TO tools;
SELECT tablename, "column", TRIM(encoding), distkey, sortkey, "notnull" FROM pg_table_def WHERE schemaname = 'tools' AND tablename IN ('parent', 'child') ORDER BY tablename, "column"
-> child|bits|none|false|0|false
-> child|body|none|false|0|false
-> child|id|az64|false|0|true
-> child|parent_code|lzo|false|0|false
-> child|parent_id|az64|false|0|false
-> child|price|zstd|false|0|false
-> parent|code|none|false|2|true
-> parent|id|none|true|-1|true

RESET search_path

SELECT "schema", "table", diststyle, sortkey1, sortkey_num, tbl_rows FROM svv_table_info WHERE "schema" = 'tools' ORDER BY 2
-> tools|parent|KEY(id)|INTERLEAVED|2|1

SELECT relname, releffectivediststyle FROM pg_class_info WHERE relname IN ('parent', 'child') ORDER BY 1
-> child|10
-> parent|1

# ... who may do what (SVV_RELATION_PRIVILEGES; the print form of PostgreSQL's privileges)
CREATE GROUP catalog_readers;
CREATE USER catalog_reader PASSWORD DISABLE IN GROUP catalog_readers;
GRANT SELECT, INSERT ON tools.parent TO catalog_reader;
GRANT SELECT ON tools.parent TO GROUP catalog_readers

SELECT privilege_type, identity_name, identity_type FROM svv_relation_privileges WHERE relation_name = 'parent' ORDER BY 2, 1
-> INSERT|catalog_reader|user
-> SELECT|catalog_reader|user
-> SELECT|catalog_readers|group

SELECT array_to_string(relacl, '|') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname = 'tools' AND relname = 'parent'
-> awsuser=arwdxt/awsuser|catalog_reader=ar/awsuser|group catalog_readers=r/awsuser

SELECT u.usename, g.groname FROM pg_user u, pg_group g WHERE u.usesysid = ANY(g.grolist) AND g.groname = 'catalog_readers'
-> catalog_reader|catalog_readers

REVOKE ALL ON tools.parent FROM catalog_reader;
REVOKE ALL ON tools.parent FROM GROUP catalog_readers;
DROP USER catalog_reader;
DROP GROUP catalog_readers

# ... dependencies of materialized views (SVV_MV_DEPENDENCY)
CREATE MATERIALIZED VIEW tools.mv2 AS SELECT id FROM tools.mv;
SELECT TRIM(name), TRIM(dependent_schema_name), TRIM(dependent_name) FROM svv_mv_dependency WHERE schema_name = 'tools'
-> mv2|tools|mv

# ... external schemas, whose kind 10 is Kafka (SVV_EXTERNAL_SCHEMAS)
CREATE EXTERNAL SCHEMA tools_kafka FROM KAFKA URI 'localhost:1' AUTHENTICATION none;
SELECT schemaname, eskind FROM svv_external_schemas WHERE schemaname = 'tools_kafka'
-> tools_kafka|10

# ... renamed columns keep what was declared for them
ALTER TABLE tools.parent RENAME COLUMN code TO mark;
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'parent_pkey'
-> PRIMARY KEY (id, mark)

# ... privileges on system views (HAS_TABLE_PRIVILEGE), as dbt asks before it reads SVV_TABLE_INFO
SELECT has_table_privilege(current_user, 'svv_table_info', 'SELECT') AS can_select, has_table_privilege('pg_catalog.stl_scan', 'insert'), has_table_privilege('tools.parent', 'select')
-> true|false|true

# ... reserved words behind a table's name, the type NAME, a function of the leader node in FROM, WHERE 1
SELECT i.schema, i.table, i.database = current_database() FROM svv_table_info i WHERE i.table = 'parent' AND 1 = 1
-> tools|parent|true

SELECT nspname::name FROM pg_namespace WHERE nspname = ('tools')::name
-> tools

SELECT current_database = current_database() FROM current_database()
-> true

SELECT relname FROM pg_class WHERE 1 AND relname = 'child'
-> child

# ... relations and external relations in one list: NULL of one side has the type of the other
SELECT c.oid IS NOT NULL AS known, u.name FROM (SELECT oid, relname AS name FROM pg_class WHERE relname = 'child' UNION SELECT NULL AS oid, 'outside' AS name) u LEFT JOIN pg_class c ON c.oid = u.oid ORDER BY 2
-> true|child
-> false|outside

# ... numbers of encodings and their names, defaults and identities
SELECT a.attname, format_encoding(a.attencodingtype::integer), d.adsrc LIKE '"identity"(%''1,1''::text)' FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum WHERE c.relname = 'child' AND a.attname IN ('id', 'price') ORDER BY 1
-> id|az64|true
-> price|zstd|~

# PG_CANCEL_BACKEND, PG_TERMINATE_BACKEND, PG_LAST_COPY_ID
SELECT pg_terminate_backend(pid) FROM (SELECT -1 AS pid) p
-> 0

SELECT pg_cancel_backend(-1), pg_last_copy_id(), pg_last_copy_count()
-> 0|-1|0
