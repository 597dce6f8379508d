CREATE TABLE shop (id INT NOT NULL DISTKEY, name VARCHAR(20) DEFAULT 'x', price DECIMAL(10,2), data SUPER) SORTKEY (id);
CREATE VIEW shop_view AS SELECT id FROM shop;
CREATE VIEW shop_late AS SELECT id FROM public.shop WITH NO SCHEMA BINDING;
INSERT INTO shop VALUES (1, 'a', 2.5, NULL)

# PG_TABLE_DEF
SELECT "column", type, encoding, distkey, sortkey, "notnull" FROM pg_table_def WHERE tablename = 'shop' AND "column" = 'id'
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
