# How public projects write: a procedure that keeps a log, checks keys and merges by dynamic SQL
CREATE TABLE sync_log (batch_time TIMESTAMP, target_table VARCHAR, sync_status VARCHAR, sync_queries VARCHAR, row_count INT);
CREATE TABLE public.remote (pk_col INTEGER, data_col VARCHAR(20), last_mod TIMESTAMP);
CREATE TABLE public.local_copy (pk_col INTEGER PRIMARY KEY, data_col VARCHAR(20), last_mod TIMESTAMP);
INSERT INTO public.remote VALUES (1, 'ant', '2020-01-01'), (2, 'bee', '2020-02-01'), (3, 'cat', '2020-03-01');
INSERT INTO public.local_copy VALUES (1, 'ant', '2020-01-01'), (2, 'old', '2020-01-15')

CREATE OR REPLACE PROCEDURE sp_sync (
      batch_time   IN TIMESTAMP
    , source_tbl   IN VARCHAR(256) -- with its schema
    , target_tbl   IN VARCHAR(256)
    , mod_col      IN VARCHAR(128)
    , max_rows     IN BIGINT)
AS $$
DECLARE
    sql           VARCHAR(MAX) := '';
    rs_tbl        VARCHAR := '';
    is_timestamp  BOOLEAN := FALSE;
    max_mod_ts    TIMESTAMP := '1970-01-01';
    pk_columns    VARCHAR(512) := '';
    insert_query  VARCHAR := '';
    sync_count    INTEGER := 0;
    delete_count  INTEGER := 0;
BEGIN
    IF source_tbl='' OR mod_col='' OR max_rows IS NULL THEN
        EXECUTE 'INSERT INTO sync_log SELECT '''||batch_time||''','''||target_tbl||''',''ABORT'','''||insert_query||''','||sync_count||';';
        COMMIT; -- keeps the line
        RAISE EXCEPTION 'Aborted - required parameters are missing.';
    END IF;
    IF CHARINDEX('.',target_tbl) > 0 THEN
        SELECT INTO rs_tbl SPLIT_PART(target_tbl,'.',2);
    ELSE
        rs_tbl := target_tbl;
    END IF;
    sql := 'SELECT CASE WHEN a.atttypid IN (1114,1184,1082) THEN TRUE ELSE FALSE END '||
           ' FROM pg_attribute a JOIN pg_class b ON a.attrelid = b.relfilenode JOIN pg_namespace c ON b.relnamespace = c.oid '||
           ' WHERE TRIM(a.attname) = '''||mod_col||''' AND TRIM(b.relname) = '''||rs_tbl||''' LIMIT 1;';
    EXECUTE sql INTO is_timestamp;
    IF is_timestamp IS FALSE THEN
        RAISE EXCEPTION 'Aborted - `%` is not a date/time column.', mod_col;
    END IF;
    EXECUTE 'SELECT MAX('||mod_col||') FROM '||target_tbl||' ;' INTO max_mod_ts;
    sql := 'SELECT REPLACE(REPLACE(pg_get_constraintdef(con.oid),''PRIMARY KEY ('',''''),'')'','''')'||
           ' FROM pg_constraint AS con JOIN pg_class AS tbl ON tbl.relnamespace = con.connamespace AND tbl.oid = con.conrelid'||
           ' WHERE tbl.relkind = ''r'' AND con.contype = ''p'' AND tbl.relname = \''||rs_tbl||'\';';
    EXECUTE sql||' ;' INTO pk_columns;
    EXECUTE 'DROP TABLE IF EXISTS tmp_sync;';
    EXECUTE 'CREATE TEMPORARY TABLE tmp_sync (LIKE '||target_tbl||' );';
    EXECUTE 'INSERT INTO tmp_sync SELECT * FROM '||source_tbl||' WHERE '||quote_ident(mod_col)||' > '''||max_mod_ts||''';';
    SELECT INTO sync_count COUNT(*) FROM tmp_sync;
    IF max_rows <> 0 AND sync_count > max_rows THEN
        ROLLBACK;
        RAISE EXCEPTION 'Aborted - Sync row count exceeds `max_rows` value.';
    END IF;
    EXECUTE 'DELETE FROM '||target_tbl||' WHERE '||pk_columns||' IN (SELECT '||pk_columns||' FROM tmp_sync);';
    GET DIAGNOSTICS delete_count := ROW_COUNT;
    EXECUTE 'INSERT INTO '||target_tbl||' SELECT * FROM tmp_sync;';
    SELECT INTO insert_query pg_last_query_id();
    COMMIT;
    EXECUTE 'INSERT INTO sync_log SELECT '''||batch_time||''','''||target_tbl||''',''SUCCESS'','''||insert_query||''','||delete_count + sync_count||';';
    RAISE INFO 'SUCCESS - % rows synced for "%".', sync_count, target_tbl;
END
$$ LANGUAGE plpgsql

CALL sp_sync(SYSDATE, 'public.remote', 'public.local_copy', 'last_mod', 0)

SELECT pk_col, data_col FROM local_copy ORDER BY 1
-> 1|ant
-> 2|bee
-> 3|cat

SELECT sync_status, row_count FROM sync_log
-> SUCCESS|3

CALL sp_sync(SYSDATE, 'public.remote', 'public.local_copy', 'data_col', 0)
!! `data_col` is not a date/time column

CALL sp_sync(SYSDATE, '', 'public.local_copy', 'last_mod', 0)
!! required parameters are missing

SELECT count(*) FROM sync_log WHERE sync_status = 'ABORT'
-> 1

# How public projects write: columns from rows, through a cursor
CREATE TEMP TABLE state_metrics (country VARCHAR, state VARCHAR, entries INTEGER);
INSERT INTO state_metrics VALUES ('USA', NULL, 10), ('USA', 'AK', 7), ('USA', 'AK', 1), ('USA', 'AL', 20)

CREATE OR REPLACE PROCEDURE sp_pivot_by (select_cols IN VARCHAR(512), table_name IN VARCHAR(256), pivot_src IN VARCHAR(128), result_set INOUT REFCURSOR)
AS $$
DECLARE
  pivot_col  RECORD;
  final_sql  VARCHAR(MAX) := '';
  pivot_sql  VARCHAR(MAX) := '';
  col_cnt    SMALLINT := 0;
BEGIN
    final_sql := 'SELECT '||select_cols||', ';
    pivot_sql := 'SELECT DISTINCT CASE WHEN '||quote_ident(pivot_src)||' IS NULL THEN ''<NULL>'' ELSE '||quote_ident(pivot_src)||' END AS col_n '||
                 'FROM '||table_name||' ORDER BY 1;';
    FOR pivot_col IN EXECUTE pivot_sql
    LOOP
       col_cnt := col_cnt + 1;
       IF col_cnt > 1 THEN
         final_sql := final_sql||', ';
       END IF;
       IF pivot_col.col_n = '<NULL>' THEN
           final_sql := final_sql||'SUM(CASE WHEN '||quote_ident(pivot_src)||' IS NULL THEN entries ELSE NULL END) AS '||quote_ident(pivot_col.col_n);
       ELSE
           final_sql := final_sql||'SUM(CASE WHEN '||quote_ident(pivot_src)||' = '||quote_literal(pivot_col.col_n)||' THEN entries ELSE NULL END) AS '||quote_ident(pivot_col.col_n);
       END IF;
    END LOOP;
    final_sql := final_sql||' FROM '||table_name||' GROUP BY '||select_cols||' ;';
    OPEN result_set FOR EXECUTE final_sql;
END;
$$ LANGUAGE plpgsql

BEGIN

CALL sp_pivot_by('country', 'state_metrics', 'state', 'pivot_result')
-> pivot_result

FETCH ALL FROM pivot_result
-> USA|10|8|20

CLOSE pivot_result

END

# How public projects write: LANGUAGE first, arguments by number, = as assignment, + on strings
CREATE OR REPLACE PROCEDURE public.sp_text(role_name character varying(256), account character varying(256), made OUT varchar(1000))
 LANGUAGE plpgsql
AS $_$
DECLARE
    role_string varchar(300);
BEGIN
    role_string = 'arn:aws:iam::' + $2 + ':role/' + $1;
    made := '''' + role_string + '''' ;
END
$_$

CALL public.sp_text('reader', '123456789012')
-> 'arn:aws:iam::123456789012:role/reader'

# COPY in a procedure, of files that are not there
CREATE OR REPLACE PROCEDURE sp_load_files() AS $$
BEGIN
  TRUNCATE sync_log;
  COPY sync_log FROM 's3://bucket/prefix/' IAM_ROLE default REGION 'us-west-2' GZIP DELIMITER '|' COMPUPDATE PRESET;
END;
$$ LANGUAGE plpgsql

CALL sp_load_files()
!! The specified S3 prefix 'prefix/' does not exist

# Deduplication of change records: newest per key, deletes apart
CREATE TABLE cdc (k VARCHAR(20), op CHAR(1), seq BIGINT, doc SUPER);
CREATE TABLE current_rows (k VARCHAR(20), city VARCHAR(50), amount DECIMAL(12,2), tags SUPER);
INSERT INTO cdc VALUES
  ('a', 'I', 1, JSON_PARSE('{"city": "Rome", "amount": 10.5, "tags": ["x"]}')),
  ('a', 'U', 2, JSON_PARSE('{"city": "Oslo", "amount": 11, "tags": ["x", "y"]}')),
  ('b', 'I', 3, JSON_PARSE('{"city": "Bern"}')),
  ('b', 'D', 4, NULL)

CREATE TEMP TABLE newest AS
WITH ranked AS (SELECT k, op, doc.city::VARCHAR(50) AS city, doc.amount::DECIMAL(12,2) AS amount, doc.tags AS tags,
                       ROW_NUMBER() OVER (PARTITION BY k ORDER BY seq DESC) AS rn FROM cdc)
SELECT k, op, city, amount, tags FROM ranked WHERE rn = 1

DELETE FROM current_rows USING newest WHERE current_rows.k = newest.k AND newest.op = 'D'

MERGE INTO current_rows USING (SELECT k, city, amount, tags FROM newest WHERE op <> 'D') AS n ON current_rows.k = n.k
WHEN MATCHED THEN UPDATE SET city = n.city, amount = n.amount, tags = n.tags
WHEN NOT MATCHED THEN INSERT (k, city, amount, tags) VALUES (n.k, n.city, n.amount, n.tags)

SELECT k, city, amount, tags, GET_ARRAY_LENGTH(tags) FROM current_rows
-> a|Oslo|11.00|["x","y"]|2

SELECT c.k, t FROM current_rows c, c.tags t ORDER BY t
-> a|"x"
-> a|"y"

# Guards of streaming views
SELECT is_utf8('abc'::varbyte) AND can_json_parse('{}'::varbyte), is_utf8(from_hex('ff'))
-> true|false

SELECT json_extract_path_text(from_varbyte('{"Id": "7"}'::varbyte, 'utf-8'), 'Id', true)::int
-> 7

# Generated numbers and calendars
SELECT (dateadd(day, n.seq::int, '2024-01-30'::date))::date AS d, to_char(d, 'Dy') AS w, extract(dow FROM d) IN (0, 6) AS weekend
FROM (SELECT row_number() OVER (ORDER BY true) - 1 AS seq FROM pg_catalog.pg_class LIMIT 3) n ORDER BY 1
-> 2024-01-30|Tue|false
-> 2024-01-31|Wed|false
-> 2024-02-01|Thu|false

# MERGE examples, Unpivoting objects, Stored procedure examples: an orders pipeline as the tutorials build it
CREATE TABLE raw_orders (kinesis_time TIMESTAMP, payload SUPER) DISTSTYLE EVEN SORTKEY (kinesis_time);
INSERT INTO raw_orders VALUES
('2024-03-01 10:00:00', JSON_PARSE('{"order":{"id":1,"lines":[{"sku":"a","qty":2,"price":1.50},{"sku":"b","qty":1,"price":4}]},"attrs":{"channel":"web","vip":true}}')),
('2024-03-01 10:05:00', JSON_PARSE('{"order":{"id":2,"lines":[]},"attrs":{"channel":"app"}}')),
('2024-03-01 10:10:00', JSON_PARSE('{"order":{"id":1,"lines":[{"sku":"a","qty":3,"price":1.50}]},"attrs":{"channel":"web","vip":false}}'))

SELECT r.payload."order".id::INT AS id, SUM(l.qty::INT * l.price::DECIMAL(10,2)) AS total FROM raw_orders AS r, r.payload."order".lines AS l GROUP BY 1 ORDER BY 1
-> 1|11.50

SELECT r.payload."order".id::INT, k, v FROM raw_orders AS r, UNPIVOT r.payload.attrs AS v AT k WHERE k = 'channel' ORDER BY r.kinesis_time
-> 1|channel|"web"
-> 2|channel|"app"
-> 1|channel|"web"

SELECT payload."order".id::INT AS id, kinesis_time FROM raw_orders QUALIFY ROW_NUMBER() OVER (PARTITION BY payload."order".id::INT ORDER BY kinesis_time DESC) = 1 ORDER BY id
-> 1|2024-03-01 10:10:00
-> 2|2024-03-01 10:05:00

CREATE TABLE order_state (id INT, channel VARCHAR(10), lines INT, seen TIMESTAMP, PRIMARY KEY (id)) DISTKEY (id);
INSERT INTO order_state VALUES (2, 'old', 9, '2024-01-01')

CREATE OR REPLACE PROCEDURE load_orders(target IN VARCHAR(64), loaded OUT INT) AS $$
DECLARE
  stage VARCHAR(64) := 'stage_' || target;
  rec RECORD;
BEGIN
  EXECUTE 'DROP TABLE IF EXISTS ' || quote_ident(stage);
  EXECUTE 'CREATE TEMP TABLE ' || quote_ident(stage) || ' AS SELECT payload."order".id::INT AS id, payload.attrs.channel::VARCHAR(10) AS channel, get_array_length(payload."order".lines)::INT AS lines, kinesis_time AS seen FROM raw_orders QUALIFY ROW_NUMBER() OVER (PARTITION BY payload."order".id::INT ORDER BY kinesis_time DESC) = 1';
  EXECUTE 'MERGE INTO ' || quote_ident(target) || ' USING ' || quote_ident(stage) || ' AS s ON ' || quote_ident(target) || '.id = s.id WHEN MATCHED THEN UPDATE SET channel = s.channel, lines = s.lines, seen = s.seen WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.channel, s.lines, s.seen)';
  loaded := 0;
  FOR rec IN EXECUTE 'SELECT id FROM ' || quote_ident(target) || ' ORDER BY id' LOOP
    loaded := loaded + 1;
    RAISE INFO 'order %', rec.id;
  END LOOP;
EXCEPTION WHEN OTHERS THEN
  RAISE EXCEPTION 'load of % failed: %', target, SQLERRM;
END;
$$ LANGUAGE plpgsql;
CALL load_orders('order_state')
-> 2

SELECT * FROM order_state ORDER BY id
-> 1|web|1|2024-03-01 10:10:00
-> 2|app|0|2024-03-01 10:05:00

SELECT * FROM (SELECT channel, id FROM order_state) PIVOT (COUNT(id) FOR channel IN ('web' AS web, 'app' AS app))
-> 1|1

SELECT DATE_TRUNC('month', seen)::DATE, LAST_DAY(seen), TO_CHAR(seen, 'YYYY-MM-DD HH24:MI'), EXTRACT(dow FROM seen), DATEDIFF(minute, '2024-03-01'::TIMESTAMP, seen) FROM order_state WHERE seen BETWEEN DATEADD(hour, -1, '2024-03-01 11:00:00'::TIMESTAMP) AND '2024-03-02' ORDER BY id
-> 2024-03-01|2024-03-31|2024-03-01 10:10|5|610
-> 2024-03-01|2024-03-31|2024-03-01 10:05|5|605

# Admin views: DDL from the catalogs
SELECT "column", type, encoding <> '' AS encoded, distkey, sortkey, "notnull" FROM pg_table_def WHERE schemaname = 'public' AND tablename = 'order_state' ORDER BY 1
-> channel|character varying(10)|true|false|0|false
-> id|integer|true|true|0|true
-> lines|integer|true|false|0|false
-> seen|timestamp without time zone|true|false|0|false

SELECT n.nspname, c.relname, CASE c.reldiststyle WHEN 0 THEN 'EVEN' WHEN 1 THEN 'KEY' WHEN 8 THEN 'ALL' ELSE 'AUTO' END FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relname IN ('raw_orders', 'order_state') AND c.relkind = 'r' ORDER BY 2
-> public|order_state|KEY
-> public|raw_orders|EVEN

SELECT LISTAGG(a.attname || ' ' || UPPER(format_type(a.atttypid, a.atttypmod)), ', ') WITHIN GROUP (ORDER BY a.attnum) FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid WHERE c.relname = 'order_state' AND a.attnum > 0
-> id INTEGER, channel CHARACTER VARYING(10), lines INTEGER, seen TIMESTAMP WITHOUT TIME ZONE

# CREATE TABLE AS, ALTER TABLE APPEND, DELETE: the swaps of incremental models
BEGIN;
CREATE TEMPORARY TABLE "order_state__tmp" DISTKEY ("id") COMPOUND SORTKEY ("seen") AS (SELECT id, channel, lines, seen FROM order_state WHERE seen > (SELECT MAX(seen) FROM order_state) - INTERVAL '3 minutes');
DELETE FROM order_state USING "order_state__tmp" WHERE "order_state__tmp".id = order_state.id;
INSERT INTO order_state ("id", "channel", "lines", "seen") (SELECT "id", "channel", "lines", "seen" FROM "order_state__tmp");
COMMIT;
SELECT COUNT(*), MIN(id) FROM order_state
-> 2|1

SELECT COALESCE(SUM(lines), 0) AS n, MEDIAN(lines), NVL2(MAX(channel), 'some', 'none'), APPROXIMATE COUNT(DISTINCT channel) FROM order_state
-> 1|0.5|some|2

DROP PROCEDURE load_orders(VARCHAR);
DROP TABLE raw_orders;
DROP TABLE order_state

# Samples of admin scripts, window functions and SUPER, as they are found in public projects
CREATE TABLE sales_2024 (saleid INT IDENTITY(1,1), region VARCHAR(12) ENCODE zstd, amt DECIMAL(12,2) ENCODE az64, sold_at TIMESTAMP, meta SUPER) DISTSTYLE KEY DISTKEY (region) COMPOUND SORTKEY (sold_at, region);
INSERT INTO sales_2024 (region, amt, sold_at, meta) VALUES ('north', 10, '2024-01-05 08:00', JSON_PARSE('{"tags":["x","y"],"dims":{"h":1,"w":2.5}}')), ('north', 20.5, '2024-02-06 09:30', JSON_PARSE('{"tags":[],"dims":null}')), ('south', 7, '2024-02-07', NULL)

WITH monthly AS (SELECT region, DATE_TRUNC('month', sold_at) AS m, SUM(amt) AS amt FROM sales_2024 GROUP BY 1, 2) SELECT region, m::DATE, amt, LAG(amt) OVER (PARTITION BY region ORDER BY m) AS before, ROUND(RATIO_TO_REPORT(amt) OVER (PARTITION BY region), 2) AS share FROM monthly ORDER BY region, m
-> north|2024-01-01|10.00|~|0.33
-> north|2024-02-01|20.50|10.00|0.67
-> south|2024-02-01|7.00|~|1

SELECT s.saleid, t, i FROM sales_2024 s LEFT JOIN s.meta."Tags" AS t AT i ON TRUE ORDER BY 1, 3
-> 1|"x"|0
-> 1|"y"|1
-> 2|~|~
-> 3|~|~

SELECT saleid, attr, val::FLOAT FROM sales_2024 AS s, UNPIVOT s.meta.dims AS val AT attr ORDER BY 2
-> 1|h|1
-> 1|w|2.5

SELECT region, LISTAGG(DISTINCT TO_CHAR(sold_at, 'Mon'), '/') WITHIN GROUP (ORDER BY sold_at) AS months, PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY amt) AS p FROM sales_2024 GROUP BY region ORDER BY region
-> north|Jan/Feb|15.25
-> south|Feb|7

SELECT region, kind, value FROM (SELECT region, MIN(amt) AS low, MAX(amt) AS high FROM sales_2024 GROUP BY region) UNPIVOT (value FOR kind IN (low, high)) ORDER BY 1, 2
-> north|high|20.50
-> north|low|10.00
-> south|high|7.00
-> south|low|7.00

SELECT TOP 1 region, CASE WHEN amt > 15 THEN 'big' ELSE 'small' END size FROM sales_2024 ORDER BY amt DESC NULLS LAST
-> north|big

SELECT CONVERT_TIMEZONE('UTC', 'America/New_York', sold_at), DATEDIFF('day', sold_at, '2024-03-01'), DATE_PART(week, sold_at), sold_at::DATE + 7, TRUNC(sold_at), ADD_MONTHS(sold_at, 1) FROM sales_2024 WHERE saleid = 1
-> 2024-01-05 03:00:00|56|1|2024-01-12|2024-01-05|2024-02-05 08:00:00

SELECT REGEXP_SUBSTR('id=42;k=v', 'id=([0-9]+)', 1, 1, 'e'), SPLIT_PART('a|b|c', '|', 2), STRTOL('ff', 16), MD5('x') = FUNC_SHA1('x'), LPAD(7::VARCHAR, 3, '0'), INITCAP('new york'), CHARINDEX('b', 'abc'), 'a' || NULL IS NULL
-> 42|b|255|false|007|New York|2|true

SELECT "table", diststyle, sortkey1, tbl_rows FROM svv_table_info WHERE "table" = 'sales_2024'
-> sales_2024|KEY(region)|sold_at|3

SELECT column_name, data_type FROM svv_columns WHERE table_name = 'sales_2024' ORDER BY ordinal_position LIMIT 2
-> saleid|integer
-> region|character varying

CREATE OR REPLACE PROCEDURE prune(cutoff DATE, removed INOUT BIGINT) AS $$
DECLARE
  c CURSOR FOR SELECT DISTINCT region FROM sales_2024 ORDER BY region;
  r VARCHAR(12);
  n BIGINT;
BEGIN
  OPEN c;
  FETCH c INTO r;
  WHILE FOUND LOOP
    EXECUTE 'DELETE FROM sales_2024 WHERE region = ' || quote_literal(r) || ' AND sold_at < ' || quote_literal(cutoff::VARCHAR);
    GET DIAGNOSTICS n := ROW_COUNT;
    removed := COALESCE(removed, 0) + n;
    FETCH c INTO r;
  END LOOP;
  CLOSE c;
  IF removed = 0 THEN RAISE NOTICE 'nothing before %', cutoff; END IF;
END;
$$ LANGUAGE plpgsql SECURITY INVOKER

CALL prune('2024-02-01', 0)
-> 1

CREATE TABLE sales_copy DISTSTYLE ALL AS SELECT region, amt, sold_at FROM sales_2024;
SELECT region, SUM(amt) FROM (SELECT region, amt FROM sales_copy UNION ALL SELECT region, amt FROM sales_2024) AS u GROUP BY ROLLUP (region) ORDER BY 1 NULLS FIRST
-> ~|55.00
-> north|41.00
-> south|14.00

SELECT COUNT(*) FROM sales_2024 s WHERE NOT EXISTS (SELECT 1 FROM sales_copy c WHERE c.region = s.region AND c.amt = s.amt)
-> 0

SELECT region FROM sales_2024 MINUS SELECT 'north' ORDER BY 1
-> south

DROP TABLE sales_copy;
DROP PROCEDURE prune(DATE, BIGINT);
DROP TABLE sales_2024 CASCADE

# INSERT: NULLs of queries take the column's type
CREATE TABLE blanks (a INT, b TIMESTAMP, c SUPER, d VARBYTE, e VARCHAR(5), f BOOLEAN)

INSERT INTO blanks SELECT 1, NULL, NULL, NULL, NULL, NULL UNION ALL SELECT 2, NULL, NULL, NULL, NULL, NULL

INSERT INTO blanks SELECT 3, NULL, NULL, NULL, NULL, NULL LIMIT 1; INSERT INTO blanks SELECT * FROM (SELECT 4, NULL, NULL, NULL, NULL, NULL); SELECT count(*), count(b) FROM blanks
-> 4|0

# SELECT list: columns without a name, and with the same
SELECT * FROM (SELECT 4, NULL, 5)
-> 4|~|5

WITH pair AS (SELECT l.id, r.id FROM (SELECT 1 AS id) l JOIN (SELECT 2 AS id) r ON true) SELECT * FROM pair
-> 1|2

# A calendar as data warehouses build it
CREATE TABLE digit (n SMALLINT NOT NULL) DISTSTYLE ALL SORTKEY (n); INSERT INTO digit VALUES (0), (1), (2); CREATE TABLE calendar (key INT4, "date" DATE, day_name VARCHAR(9), nth VARCHAR(4), month_end TIMESTAMP NULL, quarter_name VARCHAR(2), is_weekday BOOLEAN) DISTSTYLE ALL SORTKEY (date)

INSERT INTO calendar
SELECT convert(INT, to_char(b.date, 'YYYYMMDD')), b.date, CASE b.dow WHEN 5 THEN 'Friday' WHEN 6 THEN 'Saturday' ELSE 'Sunday' END,
       convert(VARCHAR(2), b.dom) + CASE right(convert(VARCHAR(2), b.dom), 1) WHEN 1 THEN 'st' WHEN 2 THEN 'nd' ELSE 'rd' END,
       last_day(b.date), 'Q' + convert(VARCHAR(1), b.quarter), b.working
FROM (SELECT CAST(dateadd(day, num.n, '2010-01-01') AS DATE) AS "date", date_part(dow, dateadd(day, num.n, '2010-01-01')) AS dow, datepart(day, dateadd(day, num.n, '2010-01-01')) AS dom,
             datepart(qtr, dateadd(day, num.n, '2010-01-01')) AS quarter, CASE WHEN datepart(dow, dateadd(day, num.n, '2010-01-01')) IN (0, 6) THEN 0 ELSE 1 END AS working
      FROM (SELECT * FROM digit num LIMIT 50000) num) b

SELECT key, "date", day_name, nth, month_end, quarter_name, is_weekday FROM calendar ORDER BY 1
-> 20100101|2010-01-01|Friday|1st|2010-01-31 00:00:00|Q1|true
-> 20100102|2010-01-02|Saturday|2nd|2010-01-31 00:00:00|Q1|false
-> 20100103|2010-01-03|Sunday|3rd|2010-01-31 00:00:00|Q1|false

SELECT (SELECT max(key) FROM calendar WHERE quarter_name = 'Q1') || '-' || nvl(c.n, 0) AS load_id, isnull(NULL, 'x') FROM digit c ORDER BY 1 LIMIT 1
-> 20100103-0|x

CREATE TABLE elsewhere.public.t (a INT)
!! cross-database reference

# How public projects write: a change log of AWS's samples, with days subtracted from a moment and DATETIME
CREATE TABLE moments (id INT IDENTITY(1, 1), at DATETIME, tz TIMESTAMPTZ); INSERT INTO moments (at, tz) VALUES ('2024-03-01 10:00:00', '2024-03-01 10:00:00+00')

SELECT at - 1, 2 + at, at + id, tz - 1, (SELECT max(at) - 7 FROM moments) FROM moments
-> 2024-02-29 10:00:00|2024-03-03 10:00:00|2024-03-02 10:00:00|2024-02-29 10:00:00+00|2024-02-23 10:00:00

SELECT count(*) FROM moments WHERE at < GETDATE() - 1 AND at < SYSDATE - 30
-> 1

# Names behind a dot may be reserved words: attributes, tables
CREATE TABLE "group" (payload SUPER); INSERT INTO public.group SELECT JSON_PARSE('{"user": {"order": [1, 2]}}')

SELECT o, i FROM public.group AS g, g.payload.user.order AS o AT i ORDER BY i
-> 1|0
-> 2|1

DROP TABLE public.group

# EXCLUDE column_list: behind the whole list
SELECT *, 4 AS d EXCLUDE (b, d) FROM (SELECT 1 AS a, 2 AS b, 3 AS c)
-> 1|3

SELECT a, *, b EXCLUDE (c) FROM (SELECT 1 AS a, 2 AS b, 3 AS c)
-> 1|1|2|2

SELECT 1 AS a, 2 AS b EXCLUDE (x)
!! EXCLUDE does not exist

SELECT 1 exclude, 2 AS b
-> 1|2

# What dbt sends: comments with the database's name, dependencies of views
COMMENT ON TABLE elsewhere.public.moments IS 'no'
!! COMMENT takes the name of a table

SELECT coalesce(pg_rewrite.ev_class, pg_depend.objid) AS dependent FROM pg_depend LEFT JOIN pg_rewrite ON pg_depend.objid = pg_rewrite.oid WHERE false
-> (none)

# CURRENT_SCHEMAS
SELECT current_schemas(false)
-> {public}

SELECT current_schemas(true) LIKE '{%pg_catalog,public}'
-> true

SELECT current_schemas(false) FROM moments
!! not supported on Redshift tables

# Admin scripts: grants in their print form, signatures, tables without backup
GRANT SELECT ON moments TO PUBLIC

SELECT array_upper(relacl, 1) > 1, split_part(split_part(array_to_string(relacl, ','), ',', array_upper(relacl, 1)), '/', 2) FROM pg_class WHERE relname = 'moments'
-> true|awsuser

SELECT textin(regprocedureout(p.oid::regprocedure))::text FROM pg_proc p WHERE proname = 'sp_load_files'
-> sp_load_files()

SELECT count(*) FROM pg_conf WHERE key LIKE 'pg_class_backup_%'
-> 0

SELECT count(*) FROM pg_default_acl WHERE defaclacl = '{}'::aclitem[]
-> 0

DROP TABLE moments

# How public projects write: variables with the names of reserved words (dashboards of awslabs/clickstream-analytics-on-aws)
CREATE TABLE visits (day DATE, visitors INT); INSERT INTO visits VALUES ('2024-03-02', 2), ('2024-03-01', 3), ('2024-02-20', 9);
CREATE TABLE daily (day DATE, visitors INT)

CREATE OR REPLACE PROCEDURE sp_daily(day DATE, ndays INTEGER) LANGUAGE plpgsql AS $$
DECLARE
  current_date DATE;
  i INTEGER = 0;
  verbose BOOLEAN = 0;
BEGIN
  IF verbose = 1 THEN RAISE INFO '%', day; END IF;
  current_date := day;
  WHILE i < ndays LOOP
    DELETE FROM daily WHERE daily.day = current_date;
    INSERT INTO daily SELECT current_date::DATE, SUM(visitors) FROM visits v WHERE DATE_TRUNC('day', v.day) = current_date;
    current_date := current_date - 1;
    i := i + 1;
  END LOOP;
END;
$$

CALL sp_daily('2024-03-02', 2)

SELECT * FROM daily ORDER BY 1
-> 2024-03-01|3
-> 2024-03-02|2

# How public projects write: what follows SET in a body is read by it (AWS's procedures that load DynamoDB streams)
CREATE TABLE stream_batch (payload SUPER); INSERT INTO stream_batch VALUES (JSON_PARSE('{"tableName": "T1", "dynamodb": {"Keys": {"id": {"S": "k"}}}}'));
CREATE TABLE stream_keys (table_name VARCHAR, column_name VARCHAR, key_value VARCHAR)

CREATE OR REPLACE PROCEDURE sp_keys() LANGUAGE plpgsql AS $$
BEGIN
  SET enable_case_sensitive_identifier TO true;
  INSERT INTO Stream_Keys SELECT DISTINCT LOWER(TRIM('"' FROM JSON_SERIALIZE(payload."tableName"))) AS table_name, key AS column_name, JSON_SERIALIZE(value)
  FROM stream_batch b, UNPIVOT b.payload."dynamodb"."Keys" AS value AT key ORDER BY 1, 2;
END;
$$

CALL sp_keys()

SHOW enable_case_sensitive_identifier
-> on

RESET enable_case_sensitive_identifier

SELECT * FROM stream_keys
-> t1|id|{"S":"k"}

# How public projects write: CURRENT_TIMESTAMP with a precision (aws-samples/amazon-redshift-rsql-orchestration-framework)
SELECT DATEDIFF(hour, CURRENT_TIMESTAMP(0), GETDATE())
-> 0

# SELECT INTO: the first SELECT of a set operation names the table (bytebase/redshift-parser has it among its examples)
CREATE TABLE halls (id INT, city VARCHAR(20), opened DATE);
INSERT INTO halls VALUES (1, 'Oslo', '1931-02-01'), (2, 'Bern', '1904-05-01'), (3, 'Oslo', '1977-03-01')

SELECT id, 'first' AS part INTO both_halls FROM halls WHERE id = 1 UNION ALL SELECT id, 'second' FROM halls WHERE id > 1

SELECT id, part FROM both_halls ORDER BY id
-> 1|first
-> 2|second
-> 3|second

WITH oslo AS (SELECT id FROM halls WHERE city = 'Oslo') SELECT id INTO TEMP TABLE kept_halls FROM oslo EXCEPT SELECT 3

SELECT id FROM kept_halls
-> 1

SELECT id FROM halls UNION SELECT id INTO later_halls FROM halls
!! SELECT … INTO is not allowed here

INSERT INTO halls (id) SELECT id INTO later_halls FROM halls
!! SELECT … INTO is not allowed here

# SELECT INTO in a procedure: a target that is no variable is a table (PL/pgSQL of PostgreSQL 8.0, SELECT INTO)
CREATE PROCEDURE sp_halls(newest OUT VARCHAR(20)) AS $$
DECLARE old INT; one RECORD;
BEGIN
  SELECT city, COUNT(*) AS n INTO TABLE halls_by_city FROM halls GROUP BY city;
  SELECT id INTO TEMP old_halls FROM halls WHERE opened < '1950-01-01';
  SELECT id, city INTO #new_halls FROM halls WHERE opened > '1950-01-01';
  SELECT * INTO spare_halls FROM halls WHERE id = 2 UNION ALL SELECT * FROM halls WHERE id = 3;
  SELECT COUNT(*) INTO old FROM old_halls;
  SELECT INTO one city FROM #new_halls;
  newest := one.city || old;
END; $$ LANGUAGE plpgsql

CALL sp_halls()
-> Oslo2

SELECT (SELECT n FROM halls_by_city WHERE city = 'Oslo'), (SELECT COUNT(*) FROM spare_halls), (SELECT COUNT(*) FROM old_halls)
-> 2|2|2

# UNION, INTERSECT, and EXCEPT: a string constant takes the other side's type, as a calendar's last day does
SELECT opened FROM halls WHERE id = 1 UNION ALL SELECT '9999-12-31' ORDER BY 1
-> 1931-02-01
-> 9999-12-31

SELECT '7', city FROM halls WHERE id = 2 UNION SELECT id, 'Rome' FROM halls WHERE id = 3 ORDER BY 1
-> 3|Rome
-> 7|Bern

SELECT id FROM halls UNION SELECT 'none'
!! invalid input syntax for type integer: "none"

SELECT city::VARCHAR FROM halls UNION SELECT id FROM halls
!! UNION types character varying(256) and integer cannot be matched

# ORDER BY clause: columns that aren't in the select list, beside DISTINCT (the queries of acryl-datahub write it)
SELECT DISTINCT id FROM halls ORDER BY opened
-> 2
-> 1
-> 3

SELECT DISTINCT h.city FROM halls h WHERE id < 3 ORDER BY h.opened DESC, h.city
-> Oslo
-> Bern

SELECT DISTINCT city FROM halls ORDER BY opened
!! which of them counts is not documented

# What the drivers and sqlalchemy-redshift ask: the first schema of the path, keys of external tables
SELECT nspname FROM pg_namespace WHERE nspname = (pg_catalog.current_schemas(false))[1]
-> public

SELECT contype, conkey FROM pg_constraint WHERE false UNION SELECT 'p', ARRAY[1::SMALLINT] FROM svv_external_columns
-> (none)

SELECT ARRAY[1, 2, 3], ARRAY['a']
-> {1,2,3}|{a}

SELECT ARRAY[id, 2] FROM halls
!! not supported on Redshift tables

# What amundsen-databuilder asks: comments by the numbers of PG_STATIO_ALL_TABLES
COMMENT ON TABLE halls IS 'where music is'

SELECT t.schemaname, t.relname, d.description FROM pg_catalog.pg_statio_all_tables t JOIN pg_description d ON d.objoid = t.relid AND d.objsubid = 0 WHERE t.relname = 'halls'
-> public|halls|where music is

# Admin scripts: numbers of relations beside texts
SELECT c.relname FROM pg_class c JOIN svv_table_info t ON t.table_id::VARCHAR = c.oid WHERE t."table" = 'spare_halls'
-> spare_halls

# OVERLAPS of PostgreSQL 8.0: no page of the guide has it, so it runs where no table is read
SELECT (DATE '2020-01-01', DATE '2020-02-01') OVERLAPS (DATE '2020-01-15', INTERVAL '1 day'), ('2020-01-01', '2020-02-01') OVERLAPS ('2020-02-01', '2020-03-01')
-> true|false

SELECT (opened, opened) OVERLAPS (opened, opened) FROM halls
!! not supported on Redshift tables

# aws-samples/redshift-roles: elements of the catalogs' arrays, types of arguments by their numbers
CREATE GROUP musicians;
CREATE USER mus_first PASSWORD DISABLE;
ALTER GROUP musicians ADD USER mus_first;
GRANT EXECUTE ON PROCEDURE sp_halls() TO GROUP musicians

SELECT u.usename, g.groname FROM (SELECT groname, grolist, generate_series(1, array_upper(grolist, 1)) AS i FROM pg_group WHERE groname = 'musicians') AS g JOIN pg_user u ON g.grolist[i] = u.usesysid
-> mus_first|musicians

# Definitions of views, as PG_GET_VIEWDEF shows them in public projects: quoted types, parts of dates with a cast
SELECT NULL::"varchar", 7::"int8", "date_part"('year'::text, '2024-05-06'::"date"), date_trunc('month'::character varying, '2024-05-06'::"timestamp")
-> ~|7|2024|2024-05-01 00:00:00

SELECT len(repeat('a', 300)::"varchar"), len(repeat('a', 300)::varchar), 'abc'::"char"
-> 300|256|a

SELECT 1::"int5"
!! syntax error

# ALTER GROUP: a new name
ALTER GROUP musicians RENAME TO players

SELECT groname FROM pg_group WHERE groname IN ('musicians', 'players')
-> players

ALTER GROUP players RENAME TO musicians

CREATE PROCEDURE sp_types(a INT, b VARCHAR(10), c SUPER) AS $$ BEGIN NULL; END; $$ LANGUAGE plpgsql

SELECT proname, oidvectortypes(proargtypes) FROM pg_proc WHERE proname IN ('sp_types', 'sp_halls') ORDER BY 1
-> sp_halls|
-> sp_types|integer, character varying, super

SELECT city[1] FROM halls
!! navigation needs SUPER

REVOKE EXECUTE ON PROCEDURE sp_halls() FROM GROUP musicians;
ALTER GROUP musicians DROP USER mus_first;
DROP USER mus_first;
DROP GROUP musicians
