//! Single rows with histories that are easy to get wrong. Each case is named after what went
//! wrong, or could.

use std::collections::BTreeMap;

use cdc_core::catalog::{Mode, TableDefinition};
use cdc_core::sql::synchronise::{MergeBound, synchronise};
use local_stack::producer::Producer;
use local_stack::recording::RecordedRecord;
use local_stack::stack::{Stack, StackOptions};
use serde_json::{Value, json};

use crate::histories::{layout, provision};
use crate::tables::{table, text};

/// What long notes are made of, for the most part.
const PADDING: &str = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

const PLACEHOLDER: &str = "__debezium_unavailable_value";

/// A case: change events in merges, the rows that must be there, and how many entries in
/// quarantine.
struct Case {
    name: &'static str,
    merges: Vec<Vec<Sent>>,
    rows: Vec<Row>,
    quarantined: usize,
}

fn image(key: &str, name: &str, note: &str) -> Value {
    json!({ "K": key, "NAME": name, "NOTE": note })
}

/// Key, name and note of a row of the target.
type Row = (String, Option<String>, Option<String>);

fn rows(rows: &[(&str, Option<&str>, Option<&str>)]) -> Vec<Row> {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    rows.iter().map(|(key, name, note)| ((*key).to_owned(), owned(*name), owned(*note))).collect()
}

/// An event and the partition that it goes to.
struct Sent {
    event: Value,
    partition: i32,
}

impl Sent {
    fn in_another_partition(self) -> Self {
        Self { partition: self.partition + 1, ..self }
    }
}

fn event(op: &str, lsn: u64, ts: u64, before: Value, after: Value) -> Sent {
    sent(json!({ "op": op, "before": before, "after": after, "ts_ms": ts,
                 "source": { "connector": "postgresql", "snapshot": "false", "lsn": lsn, "ts_ms": ts } }))
}

fn sent(event: Value) -> Sent {
    Sent { event, partition: 0 }
}

fn read(ts: u64, after: Value) -> Sent {
    sent(json!({ "op": "r", "after": after, "source": { "snapshot": "true", "ts_ms": ts, "lsn": 5 } }))
}

fn cases() -> Vec<Case> {
    let none = || Value::Null;
    vec![
        Case {
            name: "a restarted log: two changes of one transaction after the position went back",
            merges: vec![
                vec![event("c", 900_000, 1_000, none(), image("a", "old", "n"))],
                vec![
                    event("u", 5, 2_000, none(), image("a", "B", "n")),
                    event("u", 6, 2_000, none(), image("a", "C", "n")),
                ],
            ],
            rows: rows(&[("a", Some("C"), Some("n"))]),
            quarantined: 0,
        },
        Case {
            name: "a change sent again after a newer one is older and loses",
            merges: vec![
                vec![
                    event("c", 10, 1_000, none(), image("a", "1", "n")),
                    event("u", 20, 1_001, none(), image("a", "2", "n")),
                ],
                vec![event("c", 10, 1_000, none(), image("a", "1", "n"))],
            ],
            rows: rows(&[("a", Some("2"), Some("n"))]),
            quarantined: 0,
        },
        Case {
            name: "a deleted row does not come back by a change sent again",
            merges: vec![
                vec![
                    event("c", 10, 1_000, none(), image("a", "1", "n")),
                    event("d", 20, 1_001, image("a", "1", "n"), none()),
                ],
                vec![event("c", 10, 1_000, none(), image("a", "1", "n"))],
            ],
            rows: rows(&[]),
            quarantined: 0,
        },
        Case {
            name: "a row that is created although it is there went without an event, which quarantine says",
            merges: vec![
                vec![event("c", 10, 1_000, none(), image("a", "1", "n"))],
                vec![event("c", 20, 1_001, none(), image("a", "2", "n"))],
            ],
            rows: rows(&[("a", Some("2"), Some("n"))]),
            quarantined: 1,
        },
        Case {
            name: "so did one that the same merge has",
            merges: vec![vec![
                event("c", 10, 1_000, none(), image("a", "1", "n")),
                event("u", 20, 1_001, none(), image("a", "2", "n")),
                event("c", 30, 1_002, none(), image("a", "3", "n")),
            ]],
            rows: rows(&[("a", Some("3"), Some("n"))]),
            quarantined: 1,
        },
        Case {
            name: "so did one that a snapshot read, but not if the read is newer",
            merges: vec![
                vec![read(1_000, image("a", "1", "n")), read(3_000, image("b", "1", "n"))],
                vec![
                    event("c", 20, 2_000, none(), image("a", "2", "n")),
                    event("c", 30, 2_000, none(), image("b", "1", "n")),
                ],
            ],
            rows: rows(&[("a", Some("2"), Some("n")), ("b", Some("1"), Some("n"))]),
            quarantined: 1,
        },
        Case {
            name: "a history that is sent again with its snapshot says nothing",
            merges: vec![
                vec![
                    read(1_000, image("a", "0", "n")),
                    event("d", 10, 2_000, image("a", "0", "n"), none()),
                    event("c", 20, 3_000, none(), image("a", "1", "n")),
                ],
                vec![
                    read(1_000, image("a", "0", "n")),
                    event("d", 10, 2_000, image("a", "0", "n"), none()),
                    event("c", 20, 3_000, none(), image("a", "1", "n")),
                ],
            ],
            rows: rows(&[("a", Some("1"), Some("n"))]),
            quarantined: 0,
        },
        Case {
            name: "a change that is sent again between a deletion and a create says nothing",
            merges: vec![vec![
                event("c", 10, 1_000, none(), image("a", "1", "n")),
                event("d", 30, 1_002, image("a", "1", "n"), none()),
                event("u", 20, 1_001, none(), image("a", "1", "n")),
                event("c", 40, 1_003, none(), image("a", "2", "n")),
            ]],
            rows: rows(&[("a", Some("2"), Some("n"))]),
            quarantined: 0,
        },
        Case {
            name: "a row that takes a key before the row that has it leaves it stays (deferred constraint)",
            merges: vec![
                vec![
                    event("c", 10, 1_000, none(), image("a", "1", "n")),
                    event("c", 20, 1_000, none(), image("b", "2", "n")),
                ],
                vec![
                    event("d", 30, 2_000, image("a", "1", "n"), none()),
                    event("c", 30, 2_000, none(), image("b", "1", "n")),
                    event("d", 40, 2_000, image("b", "2", "n"), none()),
                    event("c", 40, 2_000, none(), image("c", "2", "n")),
                ],
                vec![event("u", 50, 3_000, none(), image("b", "1!", "n"))],
            ],
            rows: rows(&[("b", Some("1!"), Some("n")), ("c", Some("2"), Some("n"))]),
            quarantined: 0,
        },
        Case {
            name: "a row that comes and goes within one transaction is gone",
            merges: vec![vec![
                event("c", 10, 1_000, none(), image("a", "1", "n")),
                event("d", 20, 1_000, image("a", "1", "n"), none()),
            ]],
            rows: rows(&[]),
            quarantined: 0,
        },
        Case {
            name: "a deletion whose key is a filler names no row (REPLICA IDENTITY USING INDEX)",
            merges: vec![
                vec![event("c", 10, 1_000, none(), image("a", "1", "n"))],
                vec![event("d", 20, 1_001, image("", "1", ""), none())],
            ],
            rows: rows(&[("a", Some("1"), Some("n"))]),
            quarantined: 1,
        },
        Case {
            name: "an unchanged large value keeps what the target has",
            merges: vec![
                vec![event("c", 10, 1_000, none(), image("a", "1", "large"))],
                vec![event("u", 20, 1_001, none(), image("a", "2", PLACEHOLDER))],
            ],
            rows: rows(&[("a", Some("2"), Some("large"))]),
            quarantined: 0,
        },
        Case {
            name: "an unchanged large value takes what an earlier change of the same merge has",
            merges: vec![
                vec![event("c", 10, 1_000, none(), image("a", "1", "first"))],
                vec![
                    event("u", 20, 1_001, none(), image("a", "2", "second")),
                    event("u", 30, 1_002, none(), image("a", "3", PLACEHOLDER)),
                ],
            ],
            rows: rows(&[("a", Some("3"), Some("second"))]),
            quarantined: 0,
        },
        Case {
            name: "a row that is new under its key never holds the placeholder as data",
            merges: vec![vec![
                event("d", 20, 1_001, image("a", "1", ""), none()),
                event("c", 20, 1_001, none(), image("b", "1", PLACEHOLDER)),
            ]],
            rows: rows(&[("b", Some("1"), None)]),
            quarantined: 1,
        },
        Case {
            name: "a row never takes a large value of an earlier life",
            merges: vec![
                vec![event("c", 10, 1_000, none(), image("a", "1", "earlier life"))],
                vec![
                    event("d", 20, 1_001, image("a", "1", ""), none()),
                    event("c", 30, 1_002, none(), image("a", "2", PLACEHOLDER)),
                ],
            ],
            rows: rows(&[("a", Some("2"), None)]),
            quarantined: 1,
        },
        Case {
            name: "keys that differ in trailing blanks only are two rows",
            merges: vec![
                vec![
                    event("c", 10, 1_000, none(), image("a", "plain", "n")),
                    event("c", 20, 1_000, none(), image("a ", "blank", "n")),
                ],
                vec![event("u", 30, 1_001, none(), image("a", "plain again", "n"))],
            ],
            rows: rows(&[("a", Some("plain again"), Some("n")), ("a ", Some("blank"), Some("n"))]),
            quarantined: 0,
        },
        Case {
            name: "an unchanged large value that was lost in an earlier change of the same merge is lost, not NULL without a word",
            merges: vec![vec![
                event("c", 10, 1_000, none(), json!({ "K": "a", "NAME": "1", "NOTE": 5 })),
                event("u", 20, 1_001, none(), image("a", "2", PLACEHOLDER)),
            ]],
            rows: rows(&[("a", Some("2"), None)]),
            quarantined: 1,
        },
        Case {
            name: "a column that the row image does not have is not NULL without a word",
            merges: vec![vec![event("c", 10, 1_000, none(), json!({ "K": "a", "FULL_NAME": "x", "NOTE": "n" }))]],
            rows: rows(&[("a", None, Some("n"))]),
            quarantined: 1,
        },
        Case {
            name: "text that is too long for its column",
            merges: vec![vec![event("c", 10, 1_000, none(), image("a", &"é".repeat(51), "n"))]],
            rows: rows(&[("a", None, Some("n"))]),
            quarantined: 1,
        },
        Case {
            name: "an update that changes the key takes the row along",
            merges: vec![
                vec![event("c", 10, 1_000, none(), image("a", "1", "n"))],
                vec![event("u", 20, 1_001, image("a", "1", "n"), image("b", "1", "n"))],
            ],
            rows: rows(&[("b", Some("1"), Some("n"))]),
            quarantined: 0,
        },
        Case {
            name: "a key that an update gives a trailing blank takes its row along",
            merges: vec![
                vec![event("c", 10, 1_000, none(), image("a", "1", "n"))],
                vec![event("u", 11, 1_001, image("a", "1", "n"), image("a ", "2", "n"))],
            ],
            rows: rows(&[("a ", Some("2"), Some("n"))]),
            quarantined: 0,
        },
        Case {
            name: "a snapshot read that comes late, from another partition, loses against a newer change",
            merges: vec![
                vec![event("u", 10, 2_000, none(), image("a", "new", "n"))],
                vec![read(1_000, image("a", "read", "n")).in_another_partition()],
            ],
            rows: rows(&[("a", Some("new"), Some("n"))]),
            quarantined: 0,
        },
        Case {
            name: "a snapshot read that comes late does not bring a deleted row back",
            merges: vec![
                vec![event("d", 10, 2_000, image("a", "old", "n"), none())],
                vec![read(1_000, image("a", "read", "n")).in_another_partition()],
            ],
            rows: rows(&[]),
            quarantined: 0,
        },
        Case {
            name: "a snapshot read keeps the large value for the update that follows it in the same merge",
            merges: vec![vec![
                read(1_000, image("a", "read", "large")),
                event("u", 10, 2_000, none(), image("a", "new", PLACEHOLDER)),
            ]],
            rows: rows(&[("a", Some("new"), Some("large"))]),
            quarantined: 0,
        },
        Case {
            name: "a snapshot read keeps the large value for the update that overtook it in another partition",
            merges: vec![vec![
                event("u", 10, 2_000, none(), image("a", "new", PLACEHOLDER)),
                read(1_000, image("a", "read", "large")).in_another_partition(),
            ]],
            rows: rows(&[("a", Some("new"), Some("large"))]),
            quarantined: 0,
        },
        Case {
            name: "a snapshot after a deletion wins although the snapshot's clock is behind the log's",
            merges: vec![
                vec![event("d", 10, 2_000, image("a", "old", "n"), none())],
                vec![read(1_000, image("a", "read", "n"))],
            ],
            rows: rows(&[("a", Some("read"), Some("n"))]),
            quarantined: 0,
        },
        Case {
            name: "a snapshot read does not take the position away",
            merges: vec![
                vec![event("c", 10, 1_000, none(), image("a", "1", "n"))],
                vec![read(1_005, image("a", "read", "n"))],
                vec![event("c", 9, 999, none(), image("a", "0", "n"))],
            ],
            rows: rows(&[("a", Some("read"), Some("n"))]),
            quarantined: 0,
        },
    ]
}

fn definition(number: usize) -> TableDefinition {
    let columns = vec![text("K", 40), text("NAME", 100), text("NOTE", 65_535)];
    table(&format!("rows.public.T{number}"), "rows", columns, &["K"], Mode::default())
}

#[tokio::test(flavor = "multi_thread")]
async fn single_rows_with_histories_that_are_easy_to_get_wrong() {
    check(&cases()).await;
}

/// JSON_PARSE refuses U+0000 and, unless it may cut, strings over 65,535 bytes. Such values go to
/// quarantine, and nothing else of their rows does. Records are searched for U+0000 in pieces of
/// 16,000 bytes: it, and text that only looks like it, lies on every place of a piece's end.
#[tokio::test(flavor = "multi_thread")]
async fn values_that_json_parse_refuses_go_to_quarantine_alone() {
    let create = |key: &str, name: &str, note: &str| event("c", 10, 1_000, Value::Null, image(key, name, note));
    let mut refused = Vec::new();
    let mut kept = Vec::new();
    for length in 15_850..16_000 {
        let padding = "x".repeat(length);
        let key = length.to_string();
        refused.push((create(&key, "new", &format!("{padding}\0{padding}{padding}{padding}")), key.clone()));
        let looks_like = format!("{padding}\\u0000\\\\{padding}{padding}");
        kept.push((create(&key, "\0", &looks_like), key, looks_like));
    }
    let rows = |(_, key): &(Sent, String)| (key.clone(), Some("new".to_owned()), None);
    let refused_rows = refused.iter().map(rows).collect();
    let kept_rows = kept.iter().map(|(_, key, text)| (key.clone(), None, Some(text.clone()))).collect();
    let long = "é".repeat(33_000);
    check(&[
        Case {
            name: "text over 65,535 bytes: the row is updated without it",
            merges: vec![
                vec![create("a", "old", "short")],
                vec![event("u", 11, 1_001, Value::Null, image("a", "new", &long))],
            ],
            rows: vec![("a".to_owned(), Some("new".to_owned()), None)],
            quarantined: 1,
        },
        Case {
            name: "text of 65,531 bytes in a record over 65,535 bytes is whole",
            merges: vec![vec![create("a", "new", &"x".repeat(65_531))]],
            rows: vec![("a".to_owned(), Some("new".to_owned()), Some("x".repeat(65_531)))],
            quarantined: 0,
        },
        Case {
            name: "U+0000 at every place of a piece's end",
            quarantined: refused.len(),
            merges: vec![refused.into_iter().map(|(sent, _)| sent).collect()],
            rows: refused_rows,
        },
        Case {
            name: "an escaped backslash in front of u0000 at every place of a piece's end",
            quarantined: kept.len(),
            merges: vec![kept.into_iter().map(|(sent, ..)| sent).collect()],
            rows: kept_rows,
        },
    ])
    .await;
}

/// A note as it is compared: the Data API's rows hold 64 KB.
fn shown(note: &str) -> String {
    format!("{} {}", note.len(), note.replace(PADDING, ""))
}

/// Runs the cases, each with a table of its own.
async fn check(cases: &[Case]) {
    let stack = Stack::start(StackOptions::default(), None).await.expect("the stack starts");
    let warehouse = stack.administrator();
    let tables: Vec<TableDefinition> = (0..cases.len()).map(definition).collect();
    for table in &tables {
        stack.broker().create_topic(&table.spec.topic, 2).expect("a new topic");
    }
    provision(&warehouse, vec![stack.kafka()], tables.clone()).await;
    let mut producer = Producer::connect(&stack.kafka()).await.expect("the broker is reachable");
    for (case, table) in cases.iter().zip(&tables) {
        for merge in &case.merges {
            let records: Vec<RecordedRecord> = merge
                .iter()
                .map(|Sent { event, partition }| RecordedRecord {
                    topic: table.spec.topic.clone(),
                    partition: *partition,
                    offset: 0,
                    timestamp: 0,
                    key: None,
                    value: Some(event.to_string()),
                    headers: Vec::new(),
                })
                .collect();
            producer.produce(&records).await.expect("the broker takes records");
            let batch = synchronise(&layout(), &[(&table.spec, MergeBound::rows(1_000))]);
            let statements: Vec<&str> = batch.statements.iter().map(String::as_str).collect();
            warehouse.batch(&statements).await.unwrap_or_else(|error| panic!("{}: {error:#}", case.name));
        }
        let rows: BTreeMap<String, (Option<String>, Option<String>)> = warehouse
            .query(&format!(
                "SELECT t.k, t.name, OCTET_LENGTH(t.note)::VARCHAR || ' ' || REPLACE(t.note, '{PADDING}', '') FROM {} AS t",
                layout().target_table(&table.spec)
            ))
            .await
            .expect("the target is readable")
            .into_iter()
            .map(|row| (row[0].clone().expect("a key"), (row[1].clone(), row[2].clone())))
            .collect();
        let expected: BTreeMap<String, (Option<String>, Option<String>)> = case
            .rows
            .iter()
            .map(|(key, name, note)| (key.clone(), (name.clone(), note.as_deref().map(shown))))
            .collect();
        let wrong: Vec<&String> =
            rows.keys().chain(expected.keys()).filter(|key| rows.get(*key) != expected.get(*key)).collect();
        assert!(wrong.is_empty(), "{}: rows {wrong:?}", case.name);
        let quarantined = warehouse
            .query(&format!("SELECT q.reason FROM cdc.quarantine AS q WHERE q.table_name = '{}'", table.spec.id()))
            .await
            .expect("the quarantine is readable");
        assert_eq!(quarantined.len(), case.quarantined, "{}: {quarantined:?}", case.name);
    }
    stack.shutdown().await;
}
