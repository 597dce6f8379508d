//! Single rows in tables that keep more than the present rows, with histories that are easy to
//! get wrong. Each case is named after what went wrong, or could.

use cdc_core::catalog::{Mode, TableDefinition};
use cdc_core::columns::UNAVAILABLE_VALUE;
use cdc_core::sql::synchronise::{MergeBound, synchronise};
use local_stack::producer::Producer;
use local_stack::recording::RecordedRecord;
use local_stack::stack::{Stack, StackOptions};
use serde_json::{Value, json};

use crate::histories::{layout, provision};
use crate::tables::{table, text};

struct Case {
    name: &'static str,
    mode: Mode,
    merges: Vec<Vec<Value>>,
    /// Key, name, note and what the mode has, as text with `-` for NULL, sorted.
    rows: &'static [&'static str],
    quarantined: usize,
}

fn image(key: &str, name: &str, note: &str) -> Value {
    json!({ "K": key, "NAME": name, "NOTE": note })
}

fn event(op: &str, ts: u64, source: Value, before: Value, after: Value) -> Value {
    let mut source = source;
    source["ts_ms"] = json!(ts);
    source["snapshot"] = json!(if op == "r" { "true" } else { "false" });
    json!({ "op": op, "before": before, "after": after, "ts_ms": ts, "source": source })
}

/// A change of a PostgreSQL table.
fn pg(op: &str, lsn: u64, ts: u64, after: Value) -> Value {
    event(op, ts, json!({ "connector": "postgresql", "lsn": lsn }), Value::Null, after)
}

/// A deletion with the fillers of REPLICA IDENTITY DEFAULT.
fn pg_delete(lsn: u64, ts: u64, key: &str) -> Value {
    let before = json!({ "K": key, "NAME": "", "NOTE": null });
    event("d", ts, json!({ "connector": "postgresql", "lsn": lsn }), before, Value::Null)
}

/// A change in a transaction of MySQL, at a place in the binary log of a server.
fn mysql(op: &str, transaction: u64, server: u64, place: u64, after: Value) -> Value {
    let source = json!({ "connector": "mysql", "gtid": format!("u:{transaction}"), "server_id": server,
                         "file": "b.000001", "pos": place, "row": 0 });
    event(op, 1_000 + transaction, source, Value::Null, after)
}

fn cases() -> Vec<Case> {
    let large = |note: &str| image("a", "1", note);
    let soft = |name, merges, rows, quarantined| Case { name, mode: Mode::SoftDelete, merges, rows, quarantined };
    let history = |name, merges, rows, quarantined| Case { name, mode: Mode::History, merges, rows, quarantined };
    vec![
        soft(
            "a deletion keeps the values of the same merge and no fillers",
            vec![vec![pg("c", 10, 1_000, image("a", "1", "n")), pg_delete(20, 2_000, "a")]],
            &["a 1 n t 2000"],
            0,
        ),
        soft(
            "a deletion keeps the values that the target has and no fillers",
            vec![vec![pg("c", 10, 1_000, image("a", "1", "n"))], vec![pg_delete(20, 2_000, "a")]],
            &["a 1 n t 2000"],
            0,
        ),
        soft(
            "a deletion of a row that nobody has leaves its key",
            vec![vec![pg_delete(20, 2_000, "a")]],
            &["a - - t 2000"],
            0,
        ),
        soft(
            "a deletion that comes again keeps the time of the first",
            vec![
                vec![pg("c", 10, 1_000, image("a", "1", "n")), pg_delete(20, 2_000, "a"), pg_delete(30, 3_000, "a")],
                vec![pg_delete(40, 4_000, "a")],
            ],
            &["a 1 n t 2000"],
            0,
        ),
        soft(
            "a create brings a marked row back",
            vec![
                vec![pg("c", 10, 1_000, image("a", "1", "n")), pg_delete(20, 2_000, "a")],
                vec![pg("c", 30, 3_000, image("a", "2", "m"))],
            ],
            &["a 2 m f -"],
            0,
        ),
        soft(
            "a marked row does not come back by a change sent again",
            vec![
                vec![pg("c", 10, 1_000, image("a", "1", "n")), pg_delete(20, 2_000, "a")],
                vec![pg("c", 10, 1_000, image("a", "1", "n"))],
            ],
            &["a 1 n t 2000"],
            0,
        ),
        soft(
            "an unchanged large value is not that of an earlier life",
            vec![
                vec![pg("c", 10, 1_000, large("old")), pg_delete(20, 2_000, "a")],
                vec![pg("u", 30, 3_000, large(UNAVAILABLE_VALUE))],
            ],
            &["a 1 - f -"],
            1,
        ),
        soft(
            "an unchanged large value of the life that ends in the same merge stays",
            vec![
                vec![pg("c", 10, 1_000, large("kept"))],
                vec![pg("u", 20, 2_000, image("a", "2", UNAVAILABLE_VALUE)), pg_delete(30, 3_000, "a")],
            ],
            &["a 2 kept t 3000"],
            0,
        ),
        soft(
            "an update that changes the key marks the row of the old one",
            vec![
                vec![pg("c", 10, 1_000, image("a", "1", "n"))],
                vec![event(
                    "u",
                    2_000,
                    json!({ "connector": "postgresql", "lsn": 20 }),
                    image("a", "1", "n"),
                    image("b", "1", "n"),
                )],
            ],
            &["a 1 n t 2000", "b 1 n f -"],
            0,
        ),
        history(
            "two changes of one transaction are two versions, and none more when they are sent again",
            vec![
                vec![mysql("c", 1, 7, 10, image("a", "1", "n")), mysql("u", 2, 7, 20, image("a", "2", "n"))],
                vec![mysql("u", 2, 7, 30, image("a", "3", "n"))],
                vec![mysql("u", 2, 7, 20, image("a", "2", "n")), mysql("u", 2, 7, 30, image("a", "3", "n"))],
            ],
            &["a 1 n c 1001 1002", "a 2 n u 1002 1002", "a 3 n u 1002 -"],
            0,
        ),
        history(
            "a transaction that goes on after a failover to another server is not older than its beginning",
            vec![
                vec![mysql("c", 1, 7, 10, image("a", "1", "n")), mysql("u", 2, 7, 900, image("a", "2", "n"))],
                vec![mysql("u", 2, 8, 30, image("a", "3", "n"))],
            ],
            &["a 1 n c 1001 1002", "a 2 n u 1002 1002", "a 3 n u 1002 -"],
            0,
        ),
        history(
            "a clock that goes back leaves no two versions of one time",
            vec![
                vec![pg("c", 10, 2_000, image("a", "1", "n"))],
                vec![pg("u", 20, 1_500, image("a", "2", "n")), pg("u", 30, 2_500, image("a", "3", "n"))],
            ],
            &["a 1 n c 2000 2000", "a 2 n u 2000 2500", "a 3 n u 2500 -"],
            0,
        ),
        history(
            "an unchanged large value is that of the version before, in every version of one life",
            vec![
                vec![pg("c", 10, 1_000, large("x")), pg("u", 20, 2_000, image("a", "2", UNAVAILABLE_VALUE))],
                vec![
                    pg("u", 30, 3_000, image("a", "3", UNAVAILABLE_VALUE)),
                    pg("u", 40, 4_000, image("a", "4", "y")),
                    pg("u", 50, 5_000, image("a", "5", UNAVAILABLE_VALUE)),
                    pg_delete(60, 6_000, "a"),
                    pg("u", 70, 7_000, image("a", "6", UNAVAILABLE_VALUE)),
                ],
            ],
            &[
                "a 1 x c 1000 2000",
                "a 2 x u 2000 3000",
                "a 3 x u 3000 4000",
                "a 4 y u 4000 5000",
                "a 5 y u 5000 6000",
                "a 6 - u 7000 -",
            ],
            1,
        ),
        history(
            "a value that was lost is lost in the versions that keep it, and each says so",
            vec![vec![
                pg("c", 10, 1_000, json!({ "K": "a", "NAME": "1", "NOTE": 5 })),
                pg("u", 20, 2_000, image("a", "2", UNAVAILABLE_VALUE)),
            ]],
            &["a 1 - c 1000 2000", "a 2 - u 2000 -"],
            2,
        ),
        history(
            "a snapshot read without news opens no version, one with news does",
            vec![
                vec![pg("r", 0, 900, image("a", "1", "n")), pg("r", 0, 901, image("a", "1", "n"))],
                vec![pg("r", 0, 902, image("a", "1", "n")), pg("r", 0, 903, image("a", "1 ", "n"))],
            ],
            &["a 1 n r 900 903", "a 1  n r 903 -"],
            0,
        ),
        history(
            "a deletion of a row that nobody has closes nothing",
            vec![vec![pg_delete(20, 2_000, "a")], vec![pg("c", 30, 3_000, image("a", "1", "n"))]],
            &["a 1 n c 3000 -"],
            0,
        ),
        history(
            "a row that was deleted for good does not come back by a change sent again",
            vec![
                vec![pg("c", 10, 1_000, image("a", "1", "n")), pg_delete(20, 2_000, "a")],
                vec![pg("c", 10, 1_000, image("a", "1", "n")), pg_delete(20, 2_000, "a")],
            ],
            &["a 1 n c 1000 2000"],
            0,
        ),
        history(
            "an update that changes the key closes the row of the old one",
            vec![
                vec![pg("c", 10, 1_000, image("a", "1", "n"))],
                vec![event(
                    "u",
                    2_000,
                    json!({ "connector": "postgresql", "lsn": 20 }),
                    image("a", "1", "n"),
                    image("b", "1", "n"),
                )],
            ],
            &["a 1 n c 1000 2000", "b 1 n u 2000 -"],
            0,
        ),
        // MySQL's and MariaDB's logs tell whole seconds: the row outlived the truncation.
        soft(
            "a row that was read in the second of a truncation was there before it",
            vec![
                vec![mysql("r", 1, 0, 10, image("a", "1", "n"))],
                vec![event("t", 1_000, json!({ "connector": "mysql", "gtid": "u:2" }), Value::Null, Value::Null)],
            ],
            &["a 1 n t 1000"],
            0,
        ),
        history(
            "a row that was read in the second of a truncation ends with it",
            vec![
                vec![mysql("r", 1, 0, 10, image("a", "1", "n"))],
                vec![event("t", 1_000, json!({ "connector": "mysql", "gtid": "u:2" }), Value::Null, Value::Null)],
            ],
            &["a 1 n r 1001 1001"],
            0,
        ),
        soft(
            "a row that was read after a truncation stays, where the log tells milliseconds",
            vec![
                vec![pg("r", 10, 1_800, image("a", "1", "n"))],
                vec![event("t", 1_500, json!({ "connector": "postgresql", "lsn": 20 }), Value::Null, Value::Null)],
            ],
            &["a 1 n f -"],
            0,
        ),
        Case {
            name: "a delete has its row where the source sends it, and its key alone where that has fillers",
            mode: Mode::Append,
            merges: vec![vec![
                event("d", 2_000, json!({ "connector": "mysql" }), image("a", "1", "n"), Value::Null),
                pg_delete(20, 2_001, "b"),
                json!({ "op": "t", "source": { "connector": "postgresql", "ts_ms": 3_000 } }),
            ]],
            rows: &["- - - t -", "a 1 n d -", "b - - d -"],
            quarantined: 0,
        },
    ]
}

fn definition(number: usize, mode: Mode) -> TableDefinition {
    let columns = vec![text("K", 40), text("NAME", 100), text("NOTE", 65_535)];
    table(&format!("modes.public.T{number}"), "modes", columns, &["K"], mode)
}

#[tokio::test(flavor = "multi_thread")]
async fn single_rows_of_every_mode() {
    let cases = cases();
    let stack = Stack::start(StackOptions::default(), None).await.expect("the stack starts");
    let warehouse = stack.administrator();
    let tables: Vec<TableDefinition> =
        cases.iter().enumerate().map(|(number, case)| definition(number, case.mode)).collect();
    for table in &tables {
        stack.broker().create_topic(&table.spec.topic, 1).expect("a new topic");
    }
    provision(&warehouse, vec![stack.kafka()], tables.clone()).await;
    let mut producer = Producer::connect(&stack.kafka()).await.expect("the broker is reachable");
    for (case, table) in cases.iter().zip(&tables) {
        for merge in &case.merges {
            let record = |event: &Value| RecordedRecord {
                topic: table.spec.topic.clone(),
                partition: 0,
                offset: 0,
                timestamp: 0,
                key: Some("k".to_owned()),
                value: Some(event.to_string()),
                headers: Vec::new(),
            };
            producer.produce(&merge.iter().map(record).collect::<Vec<_>>()).await.expect("the broker takes records");
            let batch = synchronise(&layout(), &[(&table.spec, MergeBound::rows(1_000))]);
            let statements: Vec<&str> = batch.statements.iter().map(String::as_str).collect();
            warehouse.batch(&statements).await.unwrap_or_else(|error| panic!("{}: {error:#}", case.name));
        }
        let millis = |column: &str| format!("DATEDIFF(millisecond, CAST('1970-01-01' AS TIMESTAMP), t.{column})");
        let own = match case.mode {
            Mode::SoftDelete => format!("t._cdc_deleted, {}", millis("_cdc_deleted_at")),
            Mode::History => format!("t._cdc_op, {}, {}", millis("_cdc_valid_from"), millis("_cdc_valid_to")),
            Mode::Append => "t._cdc_op, t._cdc_unavailable".to_owned(),
            Mode::Current | Mode::Count => unreachable!("rows.rs and counted.rs have the present rows"),
        };
        let target = layout().target_table(&table.spec);
        let mut rows: Vec<String> = warehouse
            .query(&format!("SELECT t.k, t.name, t.note, {own} FROM {target} AS t"))
            .await
            .expect("the target is readable")
            .into_iter()
            .map(|row| row.into_iter().map(|cell| cell.unwrap_or_else(|| "-".to_owned())).collect::<Vec<_>>().join(" "))
            .collect();
        rows.sort();
        let mut expected = case.rows.to_vec();
        expected.sort_unstable();
        assert_eq!(rows, expected, "{}", case.name);
        let quarantined = warehouse
            .query(&format!("SELECT q.reason FROM cdc.quarantine AS q WHERE q.table_name = '{}'", table.spec.id()))
            .await
            .expect("the quarantine is readable");
        assert_eq!(quarantined.len(), case.quarantined, "{}: {quarantined:?}", case.name);
    }
    stack.shutdown().await;
}
