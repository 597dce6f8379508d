-- What COPY and UNLOAD wrote down, and the views that show it.
--
-- Run once per database, after logs.sql. Columns as in the Redshift Database Developer Guide, a page each. There is one slice, and a
-- file is never split.

CREATE TABLE rs_catalog.load (
  user_name text NOT NULL, query_id bigint NOT NULL, transaction_id bigint NOT NULL, session_id int NOT NULL, table_name text NOT NULL,
  table_id bigint NOT NULL, source text NOT NULL, format text NOT NULL, start_time timestamp NOT NULL, end_time timestamp NOT NULL,
  loaded_rows bigint NOT NULL, bytes bigint NOT NULL, files bigint NOT NULL, errors bigint NOT NULL, failed boolean NOT NULL);
CREATE TABLE rs_catalog.load_file (
  query_id bigint NOT NULL, file_name text NOT NULL, bytes bigint NOT NULL, lines bigint NOT NULL, errors bigint NOT NULL);
CREATE TABLE rs_catalog.load_error (
  query_id bigint NOT NULL, file_name text NOT NULL, line_number bigint NOT NULL, column_name text NOT NULL, column_type text NOT NULL,
  column_length text NOT NULL, raw_line text NOT NULL, raw_field text NOT NULL, code int NOT NULL, reason text NOT NULL);
CREATE TABLE rs_catalog.unload (
  user_name text NOT NULL, query_id bigint NOT NULL, transaction_id bigint NOT NULL, session_id int NOT NULL, target text NOT NULL,
  format text NOT NULL, compression text NOT NULL, start_time timestamp NOT NULL, end_time timestamp NOT NULL, unloaded_rows bigint NOT NULL);
CREATE TABLE rs_catalog.unload_file (query_id bigint NOT NULL, file_name text NOT NULL, lines bigint NOT NULL, bytes bigint NOT NULL);

-- Superusers see all, others what is theirs ("Visibility of data in system tables and views").
CREATE VIEW rs_catalog.loads AS
SELECT l.*, rs_catalog.user_id(l.user_name) AS user_id FROM rs_catalog.load l WHERE rs_catalog.sees(l.user_name);
CREATE VIEW rs_catalog.unloads AS
SELECT u.*, rs_catalog.user_id(u.user_name) AS user_id FROM rs_catalog.unload u WHERE rs_catalog.sees(u.user_name);

CREATE VIEW rs_sys.stl_load_errors AS
SELECT l.user_id::int AS userid, 0 AS slice, l.table_id::int AS tbl, l.start_time AS starttime, l.session_id AS session, l.query_id::int AS query,
       e.file_name::char(256) AS filename, e.line_number, e.column_name::char(127) AS colname, e.column_type::char(10) AS type,
       e.column_length::char(10) AS col_length, 0 AS "position", e.raw_line::char(1024) AS raw_line,
       e.raw_field::char(1024) AS raw_field_value, e.code AS err_code, e.reason::char(100) AS err_reason, 0 AS is_partial,
       0::bigint AS start_offset, -1::bigint AS copy_job_id
FROM rs_catalog.loads l JOIN rs_catalog.load_error e USING (query_id);

CREATE VIEW rs_sys.stl_loaderror_detail AS
SELECT l.user_id::int AS userid, 0 AS slice, l.session_id AS session, l.query_id::int AS query, e.file_name::char(256) AS filename, e.line_number,
       0 AS field, e.column_name::char(1024) AS colname, e.raw_field::char(1024) AS value, 0 AS is_null, e.column_type::char(10) AS type,
       e.column_length::char(10) AS col_length
FROM rs_catalog.loads l JOIN rs_catalog.load_error e USING (query_id) WHERE e.column_name <> '';

CREATE VIEW rs_sys.sys_load_error_detail AS
SELECT l.user_id::int AS user_id, l.query_id, l.transaction_id, l.session_id, pg_catalog.current_database()::char(64) AS database_name,
       l.table_id::int AS table_id, l.start_time, e.file_name::char(256) AS file_name, e.line_number, e.column_name::char(127) AS column_name,
       e.column_type::char(10) AS column_type, e.column_length::char(10) AS column_length, 0 AS "position", e.code AS error_code,
       e.reason::char(512) AS error_message
FROM rs_catalog.loads l JOIN rs_catalog.load_error e USING (query_id);

CREATE VIEW rs_sys.stl_load_commits AS
SELECT l.user_id::int AS userid, l.query_id::int AS query, 0 AS slice, f.file_name::char(256) AS name, f.file_name::char(256) AS filename,
       0 AS byte_offset, f.lines::int AS lines_scanned, f.errors::int AS errors, l.end_time AS curtime, 1 AS status,
       l.format::char(16) AS file_format, 0 AS is_partial, 0::bigint AS start_offset, -1::bigint AS copy_job_id
FROM rs_catalog.loads l JOIN rs_catalog.load_file f USING (query_id) WHERE NOT l.failed;

CREATE VIEW rs_sys.stl_file_scan AS
SELECT l.user_id::int AS userid, l.query_id::int AS query, 0 AS slice, pg_catalog.left(f.file_name, 90)::char(90) AS name, f.lines, f.bytes,
       (EXTRACT(epoch FROM l.end_time - l.start_time) * 1000000)::bigint AS loadtime, l.end_time AS curtime, 0 AS is_partial,
       0::bigint AS start_offset
FROM rs_catalog.loads l JOIN rs_catalog.load_file f USING (query_id);

CREATE VIEW rs_sys.sys_load_history AS
SELECT user_id::int AS user_id, query_id, transaction_id, session_id, pg_catalog.current_database()::varchar(128) AS database_name,
       (CASE WHEN failed THEN 'aborted' ELSE 'completed' END)::varchar(128) AS status, table_name::varchar(128) AS table_name, start_time, end_time,
       (EXTRACT(epoch FROM end_time - start_time) * 1000000)::bigint AS duration, source::varchar(1024) AS data_source,
       format::varchar(128) AS file_format, loaded_rows, CASE WHEN failed THEN 0 ELSE bytes END AS loaded_bytes, files::int AS source_file_count,
       bytes AS source_file_bytes, files::int AS file_count_scanned, bytes AS file_bytes_scanned, errors AS error_count, -1::bigint AS copy_job_id
FROM rs_catalog.loads;

CREATE VIEW rs_sys.sys_load_detail AS
SELECT l.user_id::int AS user_id, l.query_id::int AS query_id, f.file_name::char(256) AS file_name, f.bytes::int AS bytes_scanned,
       f.lines::int AS lines_scanned, l.end_time AS record_time, 1 AS splits_scanned, l.start_time, l.end_time, ''::char(256) AS file_etag,
       NULL::timestamp AS file_last_modified
FROM rs_catalog.loads l JOIN rs_catalog.load_file f USING (query_id);

CREATE VIEW rs_sys.stl_unload_log AS
SELECT u.user_id::int AS userid, u.query_id::int AS query, 0 AS slice, u.session_id AS pid, f.file_name::char(1280) AS path, u.start_time, u.end_time,
       f.lines AS line_count, f.bytes AS transfer_size, u.format::char(10) AS file_format, u.query_id AS user_query_id, u.transaction_id
FROM rs_catalog.unloads u JOIN rs_catalog.unload_file f USING (query_id);

CREATE VIEW rs_sys.sys_unload_detail AS
SELECT u.user_id::int AS user_id, u.query_id::int AS query_id, u.session_id, u.transaction_id, f.file_name::char(1280) AS file_name, u.start_time,
       u.end_time, f.lines AS line_count, f.bytes AS transfer_size, u.format::char(10) AS file_format
FROM rs_catalog.unloads u JOIN rs_catalog.unload_file f USING (query_id);

CREATE VIEW rs_sys.sys_unload_history AS
SELECT u.user_id::int AS user_id, u.query_id, u.transaction_id, u.session_id, pg_catalog.current_database()::varchar(128) AS database_name,
       'completed'::varchar(128) AS status, u.start_time, u.end_time,
       (EXTRACT(epoch FROM u.end_time - u.start_time) * 1000000)::bigint AS duration, u.format::varchar(128) AS file_format,
       u.compression::varchar(128) AS compression_type, u.target::varchar(1024) AS unloaded_location, u.unloaded_rows,
       (SELECT pg_catalog.count(*) FROM rs_catalog.unload_file f WHERE f.query_id = u.query_id) AS unloaded_files_count,
       (SELECT COALESCE(pg_catalog.sum(f.bytes), 0) FROM rs_catalog.unload_file f WHERE f.query_id = u.query_id)::bigint AS unloaded_files_size,
       ''::varchar(65535) AS error_message
FROM rs_catalog.unloads u;
