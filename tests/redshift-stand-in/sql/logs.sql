-- Logs and what runs now: SYS_*, STL_*, SVL_* and STV_* views of statements, sessions, procedures, refreshes and streams.
--
-- Run once per database, after metadata.sql. Redshift keeps days of them, the stand-in everything since the database was made; a row
-- of a statement that runs is there after a moment. Columns as in the Redshift Database Developer Guide, a page each.

CREATE VIEW rs_catalog.statements AS
SELECT h.*, rs_catalog.user_id(h.user_name) AS user_id,
       (EXTRACT(epoch FROM COALESCE(h.end_time, (pg_catalog.clock_timestamp() AT TIME ZONE 'UTC')) - h.start_time) * 1000000)::bigint AS elapsed,
       (h.status IN ('failed', 'canceled'))::int AS aborted,
       (CASE WHEN h.query_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'MERGE', 'CTAS', 'COPY', 'UNLOAD') THEN 'QUERY'
             WHEN h.query_type = 'DDL' THEN 'DDL' ELSE 'UTILITY' END) AS class
FROM rs_catalog.query_history h WHERE rs_catalog.sees(h.user_name);

CREATE VIEW rs_sys.sys_query_history AS
SELECT user_id, query_id, query_label::char(320) AS query_label, transaction_id, session_id,
       pg_catalog.current_database()::char(128) AS database_name, query_type::char(32) AS query_type, status::char(10) AS status,
       false AS result_cache_hit, start_time, end_time, elapsed AS elapsed_time, 0::bigint AS queue_time, elapsed AS execution_time,
       error_message::char(512) AS error_message, returned_rows, NULL::bigint AS returned_bytes,
       rs_catalog.line(query_text)::varchar(4000) AS query_text, NULL::char(256) AS redshift_version, NULL::char(150) AS usage_limit,
       'primary'::varchar(32) AS compute_type, 0::bigint AS compile_time, 0::bigint AS planning_time, 0::bigint AS lock_wait_time,
       -1 AS service_class_id, ''::char(64) AS service_class_name, ''::char(20) AS query_priority, ''::char(10) AS short_query_accelerated,
       pg_catalog.md5(query_text)::char(40) AS user_query_hash,
       pg_catalog.md5(pg_catalog.regexp_replace(query_text, '''[^'']*''|\m\d+\M', '?', 'g'))::char(40) AS generic_query_hash,
       1 AS query_hash_version, 0 AS result_cache_query_id, user_name::char(128) AS username
FROM rs_catalog.statements WHERE caller_query_id IS NULL;

CREATE VIEW rs_sys.sys_query_text AS
SELECT s.user_id, s.query_id, s.transaction_id, s.session_id, s.start_time, p.sequence, p.piece::char(4000) AS text, NULL::char(36) AS query_uuid
FROM rs_catalog.statements s, rs_catalog.pieces(s.query_text, 4000) AS p WHERE s.caller_query_id IS NULL;

CREATE VIEW rs_sys.stl_query AS
SELECT user_id AS userid, query_id::int AS query, query_label::char(320) AS label, transaction_id AS xid,
       session_id AS pid, pg_catalog.current_database()::char(32) AS "database", rs_catalog.line(query_text)::char(4000) AS querytxt,
       start_time AS starttime, end_time AS endtime, aborted, 0 AS insert_pristine, 0 AS concurrency_scaling_status
FROM rs_catalog.statements WHERE class = 'QUERY' AND end_time IS NOT NULL;

CREATE VIEW rs_sys.stl_querytext AS
SELECT s.user_id AS userid, s.transaction_id AS xid, s.session_id AS pid, s.query_id::int AS query, p.sequence, p.piece::char(200) AS text,
       s.query_id AS user_query_id, 1 AS child_query_sequence, NULL::char(36) AS query_uuid
FROM rs_catalog.statements s, rs_catalog.pieces(s.query_text, 200) AS p WHERE s.class = 'QUERY';

CREATE VIEW rs_sys.svl_qlog AS
SELECT userid, query, xid, pid, starttime, endtime, (EXTRACT(epoch FROM endtime - starttime) * 1000000)::bigint AS elapsed, aborted, label,
       pg_catalog.left(querytxt, 60)::char(60) AS "substring", NULL::int AS source_query,
       'Ran on the main cluster'::varchar(256) AS concurrency_scaling_status_txt, NULL::int AS from_sp_call
FROM rs_sys.stl_query;

CREATE VIEW rs_catalog.statement_pieces AS
SELECT s.user_id AS userid, s.transaction_id AS xid, s.session_id AS pid, s.query_label::char(320) AS label, s.start_time AS starttime,
       s.end_time AS endtime, p.sequence, s.class, p.piece::char(200) AS text
FROM rs_catalog.statements s, rs_catalog.pieces(s.query_text, 200) AS p WHERE s.end_time IS NOT NULL;

CREATE VIEW rs_sys.svl_statementtext AS
SELECT userid, xid, pid, label, starttime, endtime, "sequence", class::varchar(10) AS type, text FROM rs_catalog.statement_pieces;
CREATE VIEW rs_sys.stl_ddltext AS
SELECT userid, xid, pid, label, starttime, endtime, "sequence", text FROM rs_catalog.statement_pieces WHERE class = 'DDL';
CREATE VIEW rs_sys.stl_utilitytext AS
SELECT userid, xid, pid, label, starttime, endtime, "sequence", text FROM rs_catalog.statement_pieces WHERE class = 'UTILITY';

CREATE VIEW rs_sys.stl_wlm_query AS
SELECT user_id AS userid, transaction_id::int AS xid, query_id::int AS task, query_id::int AS query, 100 AS service_class, 1 AS slot_count,
       start_time AS service_class_start_time, start_time AS queue_start_time, start_time AS queue_end_time, 0::bigint AS total_queue_time,
       start_time AS exec_start_time, end_time AS exec_end_time, elapsed AS total_exec_time, end_time AS service_class_end_time,
       'Completed'::char(16) AS final_state, NULL::bigint AS est_peak_mem, 'Normal'::char(20) AS query_priority,
       'Default queue'::char(64) AS service_class_name
FROM rs_catalog.statements WHERE class = 'QUERY' AND end_time IS NOT NULL;

CREATE VIEW rs_sys.svl_query_queue_info AS
SELECT pg_catalog.current_database()::varchar(128) AS "database", query_id::int AS query, transaction_id AS xid, user_id AS userid,
       pg_catalog.left(rs_catalog.line(query_text), 100)::varchar(100) AS querytxt, start_time AS queue_start_time, start_time AS exec_start_time,
       100 AS service_class, 1 AS slots, 0::bigint AS queue_elapsed, elapsed / 1000000 AS exec_elapsed, elapsed / 1000000 AS wlm_total_elapsed,
       0::bigint AS commit_queue_elapsed, 0::bigint AS commit_exec_time, 'Default queue'::char(64) AS service_class_name
FROM rs_catalog.statements WHERE class = 'QUERY' AND end_time IS NOT NULL;

-- Now.

-- A superuser stops anybody's statement or session, others their own ("PG_CANCEL_BACKEND", "PG_TERMINATE_BACKEND").
CREATE FUNCTION rs_catalog.stop(process int, whole_session boolean) RETURNS int LANGUAGE sql SECURITY DEFINER AS $$
  SELECT CASE WHEN whole_session THEN pg_catalog.pg_terminate_backend(s.pid) ELSE pg_catalog.pg_cancel_backend(s.pid) END::int
  FROM rs_catalog.sessions() s WHERE s.pid = process $$;
CREATE FUNCTION rs_sys.pg_cancel_backend(process int) RETURNS int LANGUAGE sql AS $$
  SELECT COALESCE((SELECT rs_catalog.stop(process, false) FROM rs_catalog.sessions() s WHERE s.pid = process AND rs_catalog.is_or_rules(s.user_name)), 0) $$;
CREATE FUNCTION rs_sys.pg_terminate_backend(process int) RETURNS int LANGUAGE sql AS $$
  SELECT COALESCE((SELECT rs_catalog.stop(process, true) FROM rs_catalog.sessions() s WHERE s.pid = process AND rs_catalog.is_or_rules(s.user_name)), 0) $$;

CREATE VIEW rs_sys.stv_recents AS
SELECT user_id AS userid, (CASE WHEN end_time IS NULL THEN 'Running' ELSE 'Done' END)::char(20) AS status, start_time AS starttime,
       LEAST(elapsed, 2147483647)::int AS duration, user_name::char(50) AS user_name, pg_catalog.current_database()::char(50) AS db_name,
       rs_catalog.line(query_text)::char(600) AS query, CASE WHEN end_time IS NULL THEN session_id ELSE -1 END AS pid
FROM rs_catalog.statements WHERE caller_query_id IS NULL;

CREATE VIEW rs_sys.stv_inflight AS
SELECT user_id AS userid, 0 AS slice, query_id::int AS query, query_label::char(320) AS label, transaction_id AS xid, session_id AS pid,
       start_time AS starttime, rs_catalog.line(query_text)::char(100) AS text, 0 AS suspended, 0 AS insert_pristine, 0 AS concurrency_scaling_status
FROM rs_catalog.statements WHERE end_time IS NULL AND caller_query_id IS NULL;

CREATE VIEW rs_sys.svv_query_inflight AS
SELECT s.user_id AS userid, 0 AS slice, s.query_id::int AS query, s.session_id AS pid, s.start_time AS starttime, 0 AS suspended,
       p.piece::char(200) AS text, p.sequence
FROM rs_catalog.statements s, rs_catalog.pieces(s.query_text, 200) AS p WHERE s.end_time IS NULL AND s.caller_query_id IS NULL;

CREATE VIEW rs_sys.stv_sessions AS
SELECT s.started AS starttime, s.pid AS process, s.user_name::char(50) AS user_name, s.database_name::char(50) AS db_name, 0 AS timeout_sec
FROM rs_catalog.sessions() s WHERE rs_catalog.sees(s.user_name);

CREATE VIEW rs_sys.pg_stat_activity AS
SELECT (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = s.database_name) AS datid, s.database_name::varchar(128) AS datname, s.pid AS procpid,
       rs_catalog.user_id(s.user_name) AS usesysid, s.user_name::varchar(128) AS usename, h.query_text::varchar(65535) AS current_query,
       h.start_time AS query_start
FROM rs_catalog.sessions() s LEFT JOIN rs_catalog.statements h ON h.session_id = s.pid AND h.end_time IS NULL;

CREATE VIEW rs_sys.svv_transactions AS
SELECT s.user_name::varchar(128) AS txn_owner, s.database_name::varchar(128) AS txn_db,
       COALESCE(s.transaction_id, pg_catalog.split_part(l.virtual_id, '/', 2)::bigint) AS xid, l.pid, s.transaction_started AS txn_start,
       l.mode::varchar(128) AS lock_mode, (CASE WHEN l.locktype = 'relation' THEN 'relation' ELSE 'transactionid' END)::varchar(128) AS lockable_object_type,
       l.relation::int AS relation, l.granted
FROM rs_catalog.locks() l JOIN rs_catalog.sessions() s ON s.pid = l.pid WHERE rs_catalog.sees(s.user_name);

CREATE VIEW rs_sys.stv_locks AS
SELECT l.relation::bigint AS table_id, NULL::timestamp AS last_commit, NULL::timestamp AS last_update,
       COALESCE(s.transaction_id, pg_catalog.split_part(l.virtual_id, '/', 2)::bigint) AS lock_owner, l.pid::bigint AS lock_owner_pid,
       s.transaction_started AS lock_owner_start_ts, NULL::timestamp AS lock_owner_end_ts,
       (CASE WHEN l.granted THEN 'Holding write lock' ELSE 'Waiting for write lock' END)::char(22) AS lock_status
FROM rs_catalog.locks() l JOIN rs_catalog.sessions() s ON s.pid = l.pid
WHERE l.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'AccessExclusiveLock') AND rs_catalog.sees(s.user_name);

-- Sessions.

CREATE VIEW rs_sys.stl_sessions AS
SELECT rs_catalog.user_id(user_name) AS userid, start_time AS starttime, end_time AS endtime, session_id AS process, user_name::char(50) AS user_name,
       pg_catalog.current_database()::char(50) AS db_name, 0 AS timeout_sec, 0 AS timed_out
FROM rs_catalog.session_history WHERE end_time IS NOT NULL AND rs_catalog.sees(user_name);

CREATE VIEW rs_sys.sys_session_history AS
SELECT rs_catalog.user_id(user_name)::char(50) AS user_id, session_id, pg_catalog.current_database()::char(50) AS database_name,
       (CASE WHEN end_time IS NULL THEN 'active' ELSE 'closed' END)::char(20) AS status, 0 AS session_timeout, start_time, end_time
FROM rs_catalog.session_history WHERE rs_catalog.sees(user_name);

CREATE VIEW rs_sys.sys_connection_log AS
SELECT e.event::char(50) AS event, e.at AS record_time, '127.0.0.1'::char(45) AS remote_host, ''::char(32) AS remote_port, h.session_id,
       pg_catalog.current_database()::char(50) AS database_name, h.user_name::char(50) AS user_name, 'IAM'::char(32) AS auth_method,
       (EXTRACT(epoch FROM h.end_time - h.start_time) * 1000000)::bigint AS duration, ''::char(50) AS ssl_version, ''::char(128) AS ssl_cipher, 0 AS mtu,
       ''::char(64) AS ssl_compression, ''::char(64) AS ssl_expansion, ''::char(36) AS iam_auth_guid, ''::char(250) AS application_name,
       ''::char(64) AS driver_version, ''::char(64) AS os_version, 'none'::char(32) AS plugin_name, 0 AS protocol_version, ''::char(36) AS global_session_id
FROM rs_catalog.session_history h,
     LATERAL (VALUES ('authenticated', h.start_time), ('initiating session', h.start_time), ('disconnecting session', h.end_time)) AS e(event, at)
WHERE e.at IS NOT NULL AND rs_catalog.sees(h.user_name);

CREATE VIEW rs_sys.stl_connection_log AS
SELECT event, record_time AS recordtime, remote_host AS remotehost, remote_port AS remoteport, session_id AS pid, database_name AS dbname,
       user_name AS username, auth_method AS authmethod, duration, ssl_version AS sslversion, ssl_cipher AS sslcipher, mtu,
       ssl_compression AS sslcompression, ssl_expansion AS sslexpansion, iam_auth_guid AS iamauthguid, application_name, os_version, driver_version,
       plugin_name, protocol_version, global_session_id AS sessionid, ''::char(16) AS compression
FROM rs_sys.sys_connection_log;

-- The end of a transaction is that of its last statement.
CREATE VIEW rs_sys.sys_transaction_history AS
SELECT pg_catalog.min(user_id) AS user_id, transaction_id, (SELECT d.database_isolation_level FROM rs_sys.svv_redshift_databases d
        WHERE d.database_name = pg_catalog.current_database())::varchar(128) AS isolation_level,
       (CASE WHEN pg_catalog.bool_or(aborted = 1 OR rs_catalog.line(query_text) ~* '^\s*(rollback|abort)') THEN 'rolledback' ELSE 'committed' END)::varchar(128) AS status,
       pg_catalog.min(start_time) AS transaction_start_time, pg_catalog.max(end_time) AS commit_start_time, pg_catalog.max(end_time) AS commit_end_time,
       0::bigint AS blocks_committed,
       CASE WHEN pg_catalog.bool_or(aborted = 1 OR rs_catalog.line(query_text) ~* '^\s*(rollback|abort)') THEN transaction_id ELSE -1 END AS undo_transaction_id
FROM rs_catalog.statements WHERE caller_query_id IS NULL GROUP BY transaction_id HAVING pg_catalog.bool_and(end_time IS NOT NULL);

-- Procedures.

CREATE VIEW rs_sys.svl_stored_proc_call AS
SELECT rs_catalog.user_id(COALESCE(security_user_name, user_name)) AS userid, user_id AS session_userid, query_id::int AS query, query_label::char(320) AS label,
       transaction_id AS xid, session_id AS pid, pg_catalog.current_database()::char(32) AS "database", rs_catalog.line(query_text)::char(4000) AS querytxt,
       start_time AS starttime, end_time AS endtime, aborted, caller_query_id::int AS from_sp_call
FROM rs_catalog.statements WHERE query_type = 'CALL' AND end_time IS NOT NULL;

CREATE VIEW rs_sys.sys_procedure_call AS
SELECT user_id AS session_user_id, rs_catalog.user_id(COALESCE(security_user_name, user_name)) AS security_user_id, query_id::int AS query_id,
       rs_catalog.line(query_text)::char(4000) AS query_text, start_time, end_time, status::char(10) AS status,
       caller_query_id::int AS caller_procedure_query_id, NULL::char(36) AS query_uuid
FROM rs_catalog.statements WHERE query_type = 'CALL';

CREATE VIEW rs_catalog.messages AS
SELECT m.*, (CASE m.level WHEN 20 THEN 'LOG' WHEN 30 THEN 'INFO' WHEN 40 THEN 'NOTICE' WHEN 50 THEN 'WARNING' ELSE 'EXCEPTION' END) AS level_text
FROM rs_catalog.procedure_message m WHERE rs_catalog.sees(m.user_name);

CREATE VIEW rs_sys.sys_procedure_messages AS
SELECT transaction_id, query_id::int AS query_id, record_time, level_text::char(10) AS log_level, message::char(1024) AS message, line_number, NULL::char(36) AS query_uuid
FROM rs_catalog.messages;

CREATE VIEW rs_sys.svl_stored_proc_messages AS
SELECT s.user_id AS userid, s.user_id AS session_userid, m.session_id AS pid, s.transaction_id AS xid, m.query_id::int AS query, m.record_time AS recordtime,
       m.level AS loglevel, m.level_text::char(10) AS loglevel_text, m.message::char(1024) AS message, m.line_number AS linenum,
       rs_catalog.line(s.query_text)::char(500) AS querytext, s.query_label::char(320) AS label, s.aborted, m.transaction_id AS message_xid
FROM rs_catalog.messages m JOIN rs_catalog.statements s ON s.query_id = m.query_id;

-- Streams and materialized views.

CREATE VIEW rs_sys.sys_stream_scan_states AS
SELECT external_schema_name::char(128) AS external_schema_name, stream_name::char(255) AS stream_name, mv_name::char(128) AS mv_name,
       transaction_id, query_id, record_time, partition_id::char(128) AS partition_id, latest_position::char(128) AS latest_position,
       scanned_rows, skipped_rows, scanned_bytes, stream_record_time_min, stream_record_time_max
FROM rs_catalog.stream_scan_state WHERE rs_catalog.sees(user_name);

CREATE VIEW rs_sys.sys_stream_scan_errors AS
SELECT external_schema_name::char(128) AS external_schema_name, stream_name::char(255) AS stream_name, mv_name::char(128) AS mv_name,
       transaction_id, query_id, stream_timestamp_type::char(1) AS stream_timestamp_type, stream_timestamp, record_time,
       partition_id::char(128) AS partition_id, "position"::char(128) AS "position", error_code, error_reason::char(128) AS error_reason
FROM rs_catalog.stream_scan_error WHERE rs_catalog.sees(user_name);

CREATE VIEW rs_sys.sys_mv_refresh_history AS
SELECT rs_catalog.user_id(user_name) AS user_id, session_id, transaction_id, pg_catalog.current_database()::char(128) AS database_name,
       schema_name::char(128) AS schema_name, mv_id::bigint AS mv_id, mv_name::char(128) AS mv_name, refresh_type::char(32) AS refresh_type,
       status::text AS status, start_time, end_time, (EXTRACT(epoch FROM end_time - start_time) * 1000000)::bigint AS duration,
       NULL::char(12) AS consumer_account, NULL::char(32) AS consumer_region, NULL::char(36) AS consumer_namespace
FROM rs_catalog.mv_refresh WHERE rs_catalog.sees(user_name);

CREATE VIEW rs_sys.svl_mv_refresh_status AS
SELECT database_name AS db_name, user_id::bigint AS userid, schema_name, mv_name, transaction_id AS xid, start_time AS starttime, end_time AS endtime,
       status, refresh_type, consumer_account, consumer_region, consumer_namespace
FROM rs_sys.sys_mv_refresh_history;
