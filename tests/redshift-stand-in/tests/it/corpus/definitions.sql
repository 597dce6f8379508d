# CREATE TABLE: attributes
CREATE TABLE t1 (id BIGINT IDENTITY(0, 1) NOT NULL ENCODE az64, name VARCHAR(50) ENCODE zstd DEFAULT 'x', big VARCHAR(MAX), at TIMESTAMP WITHOUT TIME ZONE DEFAULT getdate(), PRIMARY KEY (id)) DISTSTYLE KEY DISTKEY (id) COMPOUND SORTKEY (at, id)

CREATE TABLE IF NOT EXISTS t1 (id INT)

CREATE TABLE t2 (a INT DISTKEY, b DATE SORTKEY, c SUPER, d VARBYTE(100), e NUMERIC(38, 10), f REAL, g DOUBLE PRECISION, h BOOLEAN, i CHAR(4), j TIMESTAMPTZ, k TIME, l TIMETZ, m NVARCHAR(10), n BPCHAR, o TEXT) DISTSTYLE KEY INTERLEAVED SORTKEY (a)
!! 

CREATE TABLE t2 (a INT DISTKEY, b DATE SORTKEY, c SUPER, d VARBYTE(100), e NUMERIC(38, 10), f REAL, g DOUBLE PRECISION, h BOOLEAN, i CHAR(4), j TIMESTAMPTZ, k TIME, l TIMETZ, m NVARCHAR(10), n BPCHAR, o TEXT)

CREATE TABLE t3 (LIKE t2 INCLUDING DEFAULTS)

CREATE TABLE t4 DISTSTYLE ALL SORTKEY AUTO AS SELECT 1 AS a, 'x' AS b

CREATE TABLE t5 (a INT) DISTSTYLE EVEN BACKUP NO

CREATE TEMPORARY TABLE tmp (a INT) ON COMMIT PRESERVE ROWS
!! 

CREATE TABLE #scratch (a INT)

INSERT INTO #scratch VALUES (1)

SELECT * FROM #scratch
-> 1

# CREATE TABLE: what Redshift does not have
CREATE TABLE bad (a SERIAL)
!! serial

CREATE TABLE bad (a INT CHECK (a > 0))
!! CHECK

CREATE TABLE bad (a UUID)
!! uuid

CREATE TABLE bad (a INT[])
!! array

CREATE INDEX i ON t1 (id)
!! 

CREATE TABLE bad (a VARCHAR(65536))
!! 

CREATE TABLE bad (a CHAR(4097))
!! 

CREATE TABLE bad (a DECIMAL(39, 0))
!! 

CREATE SEQUENCE s
!! 

CREATE TYPE ty AS (a INT)
!! 

CREATE TRIGGER tr AFTER INSERT ON t1 EXECUTE PROCEDURE f()
!! 

CREATE TABLE bad (a SUPER SORTKEY)
!! super

CREATE TABLE bad (a INT GENERATED ALWAYS AS IDENTITY)
!! 

# Constraints are not enforced, NOT NULL is
CREATE TABLE keys (id INT NOT NULL PRIMARY KEY, u INT UNIQUE)

INSERT INTO keys VALUES (1, 1), (1, 1)

INSERT INTO keys VALUES (NULL, 2)
!! null

SELECT count(*) FROM keys
-> 2

# ALTER TABLE
ALTER TABLE keys ADD COLUMN extra VARCHAR(10) DEFAULT 'd' ENCODE lzo

SELECT extra FROM keys LIMIT 1
-> d

ALTER TABLE keys ADD COLUMN a INT, ADD COLUMN b INT
!! 

# ALTER TABLE: physical attributes together (as "SUPER data type and materialized views" does)
CREATE TABLE stored (a INT, b INT)

ALTER TABLE stored ALTER DISTKEY a, ALTER SORTKEY (b, a)

ALTER TABLE stored ALTER COLUMN a ENCODE zstd, ALTER COLUMN b ENCODE lzo

SELECT "column", TRIM(encoding), distkey, sortkey FROM pg_table_def WHERE tablename = 'stored'
-> a|zstd|true|2
-> b|lzo|false|1

ALTER TABLE stored ALTER DISTKEY a, ADD COLUMN c INT
!! syntax error

DROP TABLE stored

# ALTER TABLE
ALTER TABLE keys RENAME COLUMN extra TO more

ALTER TABLE keys ALTER COLUMN more TYPE VARCHAR(20)
!! 

ALTER TABLE keys ADD COLUMN wide VARCHAR(5)

ALTER TABLE keys ALTER COLUMN wide TYPE VARCHAR(20)

ALTER TABLE keys ALTER COLUMN u TYPE BIGINT
!! 

ALTER TABLE keys DROP COLUMN more

ALTER TABLE keys RENAME TO keys2

ALTER TABLE keys2 OWNER TO awsuser

ALTER TABLE keys2 ALTER DISTKEY id

ALTER TABLE keys2 ALTER DISTSTYLE EVEN

ALTER TABLE keys2 ALTER SORTKEY (id)

ALTER TABLE keys2 ALTER ENCODE AUTO

ALTER TABLE keys2 ADD CONSTRAINT pk PRIMARY KEY (id)

ALTER TABLE keys2 DROP CONSTRAINT pk

ALTER TABLE keys2 ADD COLUMN IF NOT EXISTS z INT
!! 

# ALTER TABLE APPEND
CREATE TABLE app1 (a INT); CREATE TABLE app2 (a INT); INSERT INTO app2 VALUES (1), (2)

ALTER TABLE app1 APPEND FROM app2

SELECT (SELECT count(*) FROM app1), (SELECT count(*) FROM app2)
-> 2|0

# TRUNCATE commits
BEGIN

INSERT INTO app1 VALUES (9)

TRUNCATE app2

ROLLBACK

SELECT count(*) FROM app1
-> 3

# CREATE VIEW
CREATE VIEW v1 AS SELECT a FROM app1 WHERE a < 5

CREATE OR REPLACE VIEW v1 AS SELECT a, a * 2 AS b FROM app1 WHERE a < 5

SELECT b FROM v1 ORDER BY 1
-> 2
-> 4

DROP TABLE app1
!! depend

# CREATE VIEW: late binding
CREATE VIEW late AS SELECT x FROM public.not_yet WITH NO SCHEMA BINDING

SELECT * FROM late
!! not_yet

CREATE TABLE not_yet (x INT)

SELECT count(*) FROM late
-> 0

CREATE VIEW late2 AS SELECT x FROM not_yet WITH NO SCHEMA BINDING
!! schema

DROP TABLE not_yet

# CREATE MATERIALIZED VIEW and REFRESH
CREATE MATERIALIZED VIEW mv DISTSTYLE EVEN SORTKEY (a) AS SELECT a, count(*) AS n FROM app1 GROUP BY a

SELECT sum(n) FROM mv
-> 3

INSERT INTO app1 VALUES (9)

SELECT sum(n) FROM mv
-> 3

REFRESH MATERIALIZED VIEW mv

SELECT sum(n) FROM mv
-> 4

REFRESH MATERIALIZED VIEW mv RESTRICT

CREATE MATERIALIZED VIEW mv2 AS SELECT sum(n) AS total FROM mv

INSERT INTO app1 VALUES (10)

# REFRESH MATERIALIZED VIEW: RESTRICT leaves the views below alone, CASCADE refreshes them
REFRESH MATERIALIZED VIEW mv

SELECT sum(n), (SELECT total FROM mv2) FROM mv
-> 5|4

INSERT INTO app1 VALUES (11)

REFRESH MATERIALIZED VIEW mv CASCADE

SELECT sum(n), (SELECT total FROM mv2) FROM mv
-> 6|6

UPDATE mv SET n = 1
!! materialized view

ALTER MATERIALIZED VIEW mv AUTO REFRESH YES

DROP MATERIALIZED VIEW mv CASCADE

# Schemas, users, groups, roles
CREATE SCHEMA IF NOT EXISTS sch AUTHORIZATION awsuser

CREATE USER corpus_user PASSWORD 'Abcd1234'

CREATE GROUP corpus_group WITH USER corpus_user

CREATE ROLE corpus_role

GRANT ROLE corpus_role TO corpus_user

GRANT USAGE ON SCHEMA sch TO GROUP corpus_group, ROLE corpus_role

GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA sch TO GROUP corpus_group

ALTER DEFAULT PRIVILEGES IN SCHEMA sch GRANT SELECT ON TABLES TO corpus_user

REVOKE ALL ON SCHEMA sch FROM ROLE corpus_role

ALTER USER corpus_user SET search_path TO sch

ALTER USER corpus_user SET no_such_parameter TO 1
!! unrecognized configuration parameter

ALTER USER corpus_user SESSION TIMEOUT 300

ALTER USER corpus_user RESET SESSION TIMEOUT

ALTER USER corpus_user RESET search_path

# GRANT: ALL of columns
GRANT ALL (name, big) ON t1 TO GROUP corpus_group

SELECT column_name, privilege_type FROM svv_column_privileges WHERE relation_name = 't1' AND identity_name = 'corpus_group' ORDER BY 1, 2
-> big|SELECT
-> big|UPDATE
-> name|SELECT
-> name|UPDATE

REVOKE ALL (name, big) ON t1 FROM GROUP corpus_group

DROP SCHEMA sch CASCADE

# COMMENT
COMMENT ON TABLE t1 IS 'first'

COMMENT ON COLUMN t1.name IS 'a name'

SELECT obj_description('public.t1'::regclass)
-> first

SELECT d.description FROM pg_catalog.pg_description d JOIN pg_class c ON c.oid = d.objoid WHERE c.relname = 't1' AND d.objsubid = 0
-> first

SELECT col_description('public.t1'::regclass, 2)
-> a name

COMMENT ON TABLE t1 IS NULL

SELECT obj_description('public.t1'::regclass)
-> ~

# SET LOCAL
BEGIN

SET LOCAL enable_case_sensitive_identifier TO true

SHOW enable_case_sensitive_identifier
-> on

COMMIT

SHOW enable_case_sensitive_identifier
-> off

# CREATE DATABASE
CREATE DATABASE corpus_db WITH OWNER awsuser CONNECTION LIMIT UNLIMITED ISOLATION LEVEL SNAPSHOT

SELECT count(*) FROM pg_database WHERE datname = 'corpus_db'
-> 1

CREATE DATABASE corpus_db
!! already exists

DROP DATABASE corpus_db

BEGIN

CREATE DATABASE corpus_db2
!! transaction block

ROLLBACK

# CREATE DATABASE: from elsewhere
CREATE DATABASE shared FROM DATASHARE x OF NAMESPACE 'a1b2'
!! 

# Case of identifiers
CREATE TABLE "MixedCase" ("Col" INT)

SELECT col FROM mixedcase
-> (none)

# Reserved words
CREATE TABLE r (tag INT)
!! syntax error

CREATE TABLE r ("tag" INT, "order" INT)

SELECT "tag", "order" FROM r
-> (none)

# EXTERNAL SCHEMA
CREATE EXTERNAL SCHEMA ext FROM KAFKA URI 'localhost:1' AUTHENTICATION none

CREATE EXTERNAL SCHEMA ext2 FROM DATA CATALOG DATABASE 'd' IAM_ROLE default
!! 

DROP SCHEMA ext

# ANALYZE, VACUUM
ANALYZE t1

VACUUM FULL t1 TO 100 PERCENT

ANALYZE COMPRESSION t1
!! 

# COPY and UNLOAD: what they need and what is refused (tests/it/files.rs has the rest)
COPY t1 FROM 's3://no-such-bucket/k' IAM_ROLE default
!! The specified S3 prefix 'k' does not exist

COPY t1 FROM 's3://b/k'
!! authorization

COPY t1 FROM 's3://b/k' IAM_ROLE default FORMAT AS PARQUET
!! PARQUET is not supported by this stand-in

COPY t1 FROM 'dynamodb://Movies' IAM_ROLE default READRATIO 50
!! COPY from dynamodb is not supported by this stand-in

COPY t1 FROM 's3://b/k' IAM_ROLE default CSV ESCAPE
!! CSV cannot be used with ESCAPE

COPY t1 FROM 's3://b/k' IAM_ROLE default FIXEDWIDTH 'a:3,b:4' DELIMITER ','
!! DELIMITER cannot be used with FIXEDWIDTH

COPY t1 FROM 's3://b/k' IAM_ROLE default MAXERROR 5 IGNOREALLERRORS
!! MAXERROR cannot be used with IGNOREALLERRORS

COPY t1 FROM 's3://b/k' IAM_ROLE default GZIP GZIP
!! redundant options

UNLOAD ('SELECT id FROM t1 LIMIT 10') TO 's3://b/k' IAM_ROLE default
!! Limit clause is not supported

UNLOAD ('SELECT id FROM t1') TO 's3://b/k' IAM_ROLE default CLEANPATH ALLOWOVERWRITE
!! CLEANPATH cannot be used with ALLOWOVERWRITE

UNLOAD ('SELECT id FROM t1') TO 's3://b/k' IAM_ROLE default MAXFILESIZE 4 MB
!! between 5 MB and 6.2 GB

# ALTER TABLE APPEND: FILLTARGET and IGNOREEXTRA
CREATE TABLE year_all (id INT, amount INT DEFAULT 0, note VARCHAR(10)); CREATE TABLE month_new (id INT, amount INT); INSERT INTO month_new VALUES (1, 10)

ALTER TABLE year_all APPEND FROM month_new
!! do not match

ALTER TABLE year_all APPEND FROM month_new FILLTARGET; SELECT id, amount, note FROM year_all
-> 1|10|~

SELECT count(*) FROM month_new
-> 0

ALTER TABLE month_new APPEND FROM year_all IGNOREEXTRA; SELECT * FROM month_new
-> 1|10

# PREPARE, EXECUTE, DEALLOCATE
PREPARE above (INT, VARCHAR(5)) AS SELECT id + $1, $2 FROM month_new WHERE amount > $1; EXECUTE above (5, 'x' || 'y')
-> 6|xy

PREPARE above AS SELECT 1
!! already exists

EXECUTE above (5)
!! wrong number of parameters

PREPARE add_one (INT) AS INSERT INTO month_new VALUES ($1, $1 * 2); EXECUTE add_one (7); DEALLOCATE PREPARE add_one; SELECT amount FROM month_new WHERE id = 7
-> 14

EXECUTE add_one (7)
!! does not exist

DEALLOCATE ALL

DROP TABLE year_all, month_new

# ALTER TABLE: lengths in bytes after a column in front was dropped
CREATE TABLE lengths (a VARCHAR(5), b VARCHAR(5), c VARCHAR(5))

ALTER TABLE lengths DROP COLUMN a

ALTER TABLE lengths ADD COLUMN d VARCHAR(5)

ALTER TABLE lengths RENAME COLUMN d TO e

ALTER TABLE lengths ADD COLUMN d VARCHAR(5)

ALTER TABLE lengths ALTER COLUMN b TYPE VARCHAR(9)

INSERT INTO lengths (b, c, d, e) VALUES ('123456789', '12345', '12345', '12345')

INSERT INTO lengths (d) VALUES ('123456')
!! value too long for type character varying(5)
