//! The system views: their columns are the documented ones, and every view that the page of constructs names is there.

use std::time::{Duration, Instant};

use crate::harness::{Client, Database, run};

const PAGE: &str = include_str!("../../CONSTRUCTS.md");
const EMPTY: &str = include_str!("../../sql/empty.sql");

/// A page of the Redshift Database Developer Guide, "System tables and views reference", and its columns in their order.
const COLUMNS: &[(&str, &str)] = &[
    ("svv_tables", "table_catalog table_schema table_name table_type remarks"),
    (
        "svv_columns",
        "table_catalog table_schema table_name column_name ordinal_position column_default is_nullable data_type \
         character_maximum_length numeric_precision numeric_precision_radix numeric_scale datetime_precision interval_type \
         interval_precision character_set_catalog character_set_schema character_set_name collation_catalog collation_schema \
         collation_name domain_name remarks",
    ),
    (
        "svv_all_columns",
        "database_name schema_name table_name column_name ordinal_position column_default is_nullable data_type \
         character_maximum_length numeric_precision numeric_scale remarks",
    ),
    ("svv_all_schemas", "database_name schema_name schema_owner schema_type schema_acl source_database schema_option"),
    ("svv_redshift_tables", "database_name schema_name table_name table_type table_acl remarks table_owner"),
    (
        "svv_redshift_columns",
        "database_name schema_name table_name column_name ordinal_position data_type column_default is_nullable encoding distkey \
         sortkey column_acl remarks",
    ),
    (
        "svv_table_info",
        "database schema table_id table encoded diststyle sortkey1 max_varchar sortkey1_enc sortkey_num size pct_used empty unsorted \
         stats_off tbl_rows skew_sortkey1 skew_rows estimated_visible_rows risk_event vacuum_sort_benefit create_time",
    ),
    ("svv_external_schemas", "esoid eskind schemaname esowner databasename esoptions"),
    (
        "svv_mv_dependency",
        "database_name schema_name name dependent_database_name dependent_schema_name dependent_name",
    ),
    (
        "svv_schema_privileges",
        "namespace_name privilege_type identity_id identity_name identity_type admin_option privilege_scope",
    ),
    (
        "sys_query_history",
        "user_id query_id query_label transaction_id session_id database_name query_type status result_cache_hit start_time end_time \
         elapsed_time queue_time execution_time error_message returned_rows returned_bytes query_text redshift_version usage_limit \
         compute_type compile_time planning_time lock_wait_time service_class_id service_class_name query_priority \
         short_query_accelerated user_query_hash generic_query_hash query_hash_version result_cache_query_id username",
    ),
    ("sys_query_text", "user_id query_id transaction_id session_id start_time sequence text query_uuid"),
    (
        "sys_query_detail",
        "user_id query_id child_query_sequence stream_id segment_id step_id step_name table_id table_name is_rrscan start_time \
         end_time duration alert input_bytes input_rows output_bytes output_rows blocks_read blocks_write local_read_io \
         remote_read_io source data_skewness time_skewness is_active spilled_block_local_disk spilled_block_remote_disk \
         step_attribute metrics_level plan_parent_id plan_node_id",
    ),
    (
        "sys_procedure_call",
        "session_user_id security_user_id query_id query_text start_time end_time status caller_procedure_query_id query_uuid",
    ),
    ("sys_procedure_messages", "transaction_id query_id record_time log_level message line_number query_uuid"),
    (
        "sys_load_history",
        "user_id query_id transaction_id session_id database_name status table_name start_time end_time duration data_source \
         file_format loaded_rows loaded_bytes source_file_count source_file_bytes file_count_scanned file_bytes_scanned error_count \
         copy_job_id",
    ),
    (
        "sys_serverless_usage",
        "start_time end_time compute_seconds compute_capacity data_storage cross_region_transferred_data charged_seconds \
         charged_extra_compute_for_automatic_optimization_seconds",
    ),
    (
        "sys_stream_scan_states",
        "external_schema_name stream_name mv_name transaction_id query_id record_time partition_id latest_position scanned_rows \
         skipped_rows scanned_bytes stream_record_time_min stream_record_time_max",
    ),
    (
        "sys_mv_refresh_history",
        "user_id session_id transaction_id database_name schema_name mv_id mv_name refresh_type status start_time end_time duration \
         consumer_account consumer_region consumer_namespace",
    ),
    ("stv_db_isolation_level", "db_name isolation_level"),
    (
        "stl_query",
        "userid query label xid pid database querytxt starttime endtime aborted insert_pristine concurrency_scaling_status",
    ),
    ("stl_querytext", "userid xid pid query sequence text user_query_id child_query_sequence query_uuid"),
    ("stl_error", "userid process recordtime pid errcode file linenum context error"),
    (
        "stv_locks",
        "table_id last_commit last_update lock_owner lock_owner_pid lock_owner_start_ts lock_owner_end_ts lock_status",
    ),
    ("svv_transactions", "txn_owner txn_db xid pid txn_start lock_mode lockable_object_type relation granted"),
    ("stv_recents", "userid status starttime duration user_name db_name query pid"),
    ("stv_sessions", "starttime process user_name db_name timeout_sec"),
    ("svl_statementtext", "userid xid pid label starttime endtime sequence type text"),
    (
        "svl_qlog",
        "userid query xid pid starttime endtime elapsed aborted label substring source_query concurrency_scaling_status_txt \
         from_sp_call",
    ),
    ("pg_table_def", "schemaname tablename column type encoding distkey sortkey notnull"),
    ("svv_rls_policy", "poldb polname polalias polatts polqual polenabled polmodifiedby polmodifiedtime"),
    (
        "svv_rls_relation",
        "datname relschema relname relkind is_rls_on is_rls_datashare_on rls_conjunction_type rls_datashare_conjunction_type",
    ),
    (
        "svv_rls_attached_policy",
        "relschema relname relkind polname grantor grantee granteekind is_pol_on is_rls_on rls_conjunction_type",
    ),
    (
        "svv_masking_policy",
        "policy_database policy_name input_columns policy_expression policy_modified_by policy_modified_time",
    ),
    (
        "svv_attached_masking_policy",
        "policy_name schema_name table_name table_type grantor grantee grantee_type priority input_columns output_columns \
         is_masking_datashare_on",
    ),
    ("svv_system_privileges", "system_privilege identity_id identity_name identity_type"),
    ("svv_redshift_schema_quota", "database_name schema_name schema_owner quota disk_usage"),
    ("sys_copy_job_info", "job_id job_name database_name record_time message"),
    (
        "svv_ml_model_privileges",
        "namespace_name model_name model_version privilege_type identity_id identity_name identity_type admin_option",
    ),
];

#[test]
fn columns_are_the_documented_ones() {
    run(async {
        let mut admin = Database::new().await.admin().await;
        for (view, columns) in COLUMNS {
            let result = admin.ok(&format!("SELECT * FROM {view} LIMIT 0")).await;
            let given: Vec<String> = result.columns.unwrap().into_iter().map(|column| column.name).collect();
            assert_eq!(given, columns.split_whitespace().collect::<Vec<_>>(), "{view}");
        }
    });
}

/// The names that the page lists under *With rows*.
fn listed() -> Vec<String> {
    let start = PAGE.find("*With rows:*").expect("the page lists the views");
    let end = PAGE[start..].find("*Empty*").expect("the list ends") + start;
    let names = PAGE[start..end].split('`').skip(1).step_by(2);
    names
        .map(|name| if name.starts_with('.') { format!("information_schema{name}") } else { name.to_owned() })
        .collect()
}

/// The names that are made empty.
fn empty() -> Vec<&'static str> {
    EMPTY.lines().filter_map(|line| line.strip_prefix("SELECT rs_catalog.no")?.split('\'').nth(1)).collect()
}

#[test]
fn every_view_of_the_page_can_be_read() {
    run(async {
        let database = Database::new().await;
        // As anybody: their functions need no rights that users do not have.
        let mut user = database.role("reader").await;
        let (listed, empty) = (listed(), empty());
        assert!(listed.len() > 80 && empty.len() > 90, "{} and {}", listed.len(), empty.len());
        for view in listed.iter().map(String::as_str).chain(empty.iter().copied()) {
            user.ok(&format!("SELECT * FROM {view} LIMIT 5")).await;
        }
        for view in &empty {
            assert_eq!(user.rows(&format!("SELECT COUNT(*) FROM {view}")).await, ["0"], "{view}");
        }
        // Nothing else is there.
        let known = user.rows("SELECT table_schema || '.' || table_name FROM svv_tables WHERE table_schema IN ('pg_catalog', 'information_schema')").await;
        for name in known {
            let bare = name.strip_prefix("pg_catalog.").unwrap_or(&name);
            let is_listed = listed.iter().any(|listed| listed == bare) || empty.contains(&bare);
            assert!(is_listed || bare.starts_with("svcs_") || bare.ends_with("_catalog_name"), "{bare} is on no list");
        }
    });
}

/// Asks until the answer is the wanted one: logs are written behind the answers.
async fn becomes(client: &mut Client, sql: &str, wanted: &[&str]) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let rows = client.rows(sql).await;
        if rows == wanted {
            return;
        }
        assert!(Instant::now() < deadline, "{sql}\n  gives {rows:?}\n  not   {wanted:?}");
        tokio::task::yield_now().await;
    }
}

/// "STV_RECENTS", "STV_INFLIGHT", "SYS_QUERY_HISTORY": running and finished statements; CANCEL finds its process there.
#[test]
fn a_running_statement_is_shown_and_can_be_cancelled() {
    run(async {
        let database = Database::new().await;
        let mut admin = database.admin().await;
        admin
            .ok("CREATE PROCEDURE sp_long() AS $$ DECLARE n BIGINT := 0; BEGIN LOOP n := n + 1; END LOOP; END; $$ LANGUAGE plpgsql")
            .await;
        let mut other = database.admin().await;
        let pid = other.0.pid();
        let running = tokio::spawn(async move { other.send("CALL sp_long()").await });
        becomes(
            &mut admin,
            &format!("SELECT TRIM(query), TRIM(user_name) FROM stv_recents WHERE status = 'Running' AND pid = {pid}"),
            &["CALL sp_long()|awsuser"],
        )
        .await;
        becomes(&mut admin, &format!("SELECT TRIM(text) FROM stv_inflight WHERE pid = {pid}"), &["CALL sp_long()"])
            .await;
        becomes(
            &mut admin,
            &format!(
                "SELECT TRIM(status), end_time FROM sys_query_history WHERE session_id = {pid} AND status = 'running'"
            ),
            &["running|~"],
        )
        .await;
        assert_eq!(
            admin.rows(&format!("SELECT TRIM(user_name) FROM stv_sessions WHERE process = {pid}")).await,
            ["awsuser"]
        );
        admin.ok(&format!("CANCEL {pid}")).await;
        assert!(running.await.unwrap().is_err());
        becomes(
            &mut admin,
            "SELECT COUNT(*) FROM stv_recents WHERE status = 'Running' AND TRIM(query) = 'CALL sp_long()'",
            &["0"],
        )
        .await;
    });
}

/// "SYS_PROCEDURE_CALL", "SYS_PROCEDURE_MESSAGES", "SVL_STORED_PROC_MESSAGES", "stored_proc_log_min_messages".
#[test]
fn calls_and_messages_of_procedures_are_logged() {
    run(async {
        let mut admin = Database::new().await.admin().await;
        admin.ok("CREATE PROCEDURE sp_inner(f1 INT) AS $$\nBEGIN\n  RAISE INFO 'f1 is %', f1;\n  RAISE WARNING 'careful';\nEND;\n$$ LANGUAGE plpgsql").await;
        admin.ok("CREATE PROCEDURE sp_outer() AS $$ BEGIN CALL sp_inner(7); RAISE EXCEPTION 'no'; END; $$ LANGUAGE plpgsql").await;
        admin.err("CALL sp_outer()").await;
        becomes(&mut admin, "SELECT TRIM(log_level), TRIM(message), line_number FROM sys_procedure_messages ORDER BY record_time, line_number", &["INFO|f1 is 7|3", "WARNING|careful|4", "EXCEPTION|no|1"]).await;
        becomes(
            &mut admin,
            "SELECT loglevel, TRIM(querytext), aborted FROM svl_stored_proc_messages WHERE loglevel > 50",
            &["60|CALL sp_outer()|1"],
        )
        .await;
        becomes(&mut admin, "SELECT TRIM(i.query_text), TRIM(o.query_text), TRIM(i.status), TRIM(o.status) FROM sys_procedure_call i JOIN sys_procedure_call o ON o.query_id = i.caller_procedure_query_id", &["CALL public.sp_inner|CALL sp_outer()|success|failed"]).await;
        admin.ok("CREATE PROCEDURE sp_quiet() AS $$ BEGIN RAISE INFO 'unheard'; RAISE NOTICE 'heard'; END; $$ LANGUAGE plpgsql SET stored_proc_log_min_messages = NOTICE").await;
        admin.ok("CALL sp_quiet()").await;
        becomes(
            &mut admin,
            "SELECT TRIM(message) FROM sys_procedure_messages WHERE TRIM(message) LIKE '%heard'",
            &["heard"],
        )
        .await;
    });
}

/// "SYS_QUERY_HISTORY", "STL_QUERYTEXT", "SYS_TRANSACTION_HISTORY", "PG_LAST_QUERY_ID".
#[test]
fn statements_of_a_transaction_share_its_id_and_texts_come_in_pieces() {
    run(async {
        let mut admin = Database::new().await.admin().await;
        assert_eq!(admin.rows("SELECT PG_LAST_QUERY_ID()").await, ["-1"]);
        admin.ok("BEGIN").await;
        let long = format!("SELECT 1 AS {},\n2 AS b", "a".repeat(100));
        let id = admin.ok(&long).await.query_id.unwrap();
        assert_eq!(admin.rows("SELECT PG_LAST_QUERY_ID()").await, [id.to_string()]);
        admin.ok("ROLLBACK").await;
        becomes(&mut admin, &format!("SELECT COUNT(*) FROM sys_query_history h JOIN sys_query_history b ON b.transaction_id = h.transaction_id WHERE h.query_id = {id} AND TRIM(b.query_text) IN ('BEGIN', 'ROLLBACK')"), &["2"]).await;
        becomes(&mut admin, &format!("SELECT DISTINCT t.status FROM sys_transaction_history t JOIN sys_query_history h ON h.transaction_id = t.transaction_id WHERE h.query_id = {id}"), &["rolledback"]).await;
        let text = admin
            .rows(&format!(
                "SELECT LISTAGG(RTRIM(text), '') WITHIN GROUP (ORDER BY sequence) FROM stl_querytext WHERE query = {id}"
            ))
            .await;
        assert_eq!(text, [long.replace('\n', "\\n")]);
    });
}

/// "PG_GET_LATE_BINDING_VIEW_COLS", "SVV_COLUMNS": late-binding views are listed with the columns that they have now.
#[test]
fn columns_of_late_binding_views_are_those_of_now() {
    run(async {
        let mut admin = Database::new().await.admin().await;
        admin.ok("CREATE TABLE t (id INT, name VARCHAR(20))").await;
        admin.ok("CREATE VIEW v AS SELECT id, name || 'x' AS named FROM public.t WITH NO SCHEMA BINDING").await;
        admin.ok("CREATE VIEW broken AS SELECT no FROM public.nowhere WITH NO SCHEMA BINDING").await;
        let columns = "SELECT table_schema, table_name, column_name, column_index, column_type FROM pg_get_late_binding_view_cols()
                       cols(table_schema name, table_name name, column_name name, column_type varchar, column_index int) ORDER BY column_index";
        assert_eq!(admin.rows(columns).await[0], "public|v|id|1|integer");
        assert_eq!(
            admin
                .rows("SELECT column_name, data_type FROM svv_columns WHERE table_name = 'v' ORDER BY ordinal_position")
                .await,
            ["id|integer", "named|character varying"]
        );
        assert_eq!(admin.rows("SELECT col_name FROM pg_get_cols('public.t') cols(view_schema name, view_name name, col_name name, col_type varchar, col_num int) ORDER BY col_num").await, ["id", "name"]);
        admin.ok("DROP TABLE t").await;
        admin.ok("CREATE TABLE t (id BIGINT, name VARCHAR(20))").await;
        assert_eq!(admin.rows(columns).await[0], "public|v|id|1|bigint");
        assert_eq!(
            admin
                .rows("SELECT TRIM(definition) LIKE '%WITH NO SCHEMA BINDING' FROM pg_views WHERE viewname = 'v'")
                .await,
            ["true"]
        );
    });
}

/// "SVV_TRANSACTIONS", "STV_LOCKS": who holds what.
#[test]
fn locks_of_open_transactions_are_shown() {
    run(async {
        let database = Database::new().await;
        let (mut admin, mut writer) = (database.admin().await, database.admin().await);
        admin.ok("CREATE TABLE t (id INT)").await;
        writer.ok("BEGIN").await;
        writer.ok("INSERT INTO t VALUES (1)").await;
        let pid = writer.0.pid();
        assert_eq!(admin.rows(&format!("SELECT DISTINCT c.relname FROM stv_locks l JOIN pg_class c ON c.oid = l.table_id WHERE lock_owner_pid = {pid}")).await, ["t"]);
        let open = admin.rows(&format!("SELECT TRIM(txn_owner), lock_mode, granted FROM svv_transactions WHERE pid = {pid} AND lockable_object_type = 'transactionid'")).await;
        assert_eq!(open, ["awsuser|ExclusiveLock|true"]);
        writer.ok("COMMIT").await;
        assert_eq!(admin.rows(&format!("SELECT COUNT(*) FROM stv_locks WHERE lock_owner_pid = {pid}")).await, ["0"]);
    });
}

/// "PG_TERMINATE_BACKEND": a superuser ends a session, and a user only one of their own.
#[test]
fn sessions_can_be_terminated() {
    run(async {
        let database = Database::new().await;
        let (mut admin, mut victim) = (database.admin().await, database.admin().await);
        let mut user = database.role("stopper").await;
        let pid = victim.0.pid();
        assert_eq!(user.rows(&format!("SELECT PG_TERMINATE_BACKEND({pid})")).await, ["0"]);
        assert!(victim.0.is_alive());
        assert_eq!(
            admin.rows(&format!("SELECT PG_TERMINATE_BACKEND(process) FROM stv_sessions WHERE process = {pid}")).await,
            ["1"]
        );
        victim.send("SELECT 1").await.unwrap_err();
        tokio::time::timeout(std::time::Duration::from_secs(30), async {
            while victim.0.is_alive() {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("the session's connection ends");
    });
}
