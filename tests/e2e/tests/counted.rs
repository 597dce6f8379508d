//! Tables without a key: however their changes are spread over partitions, split into merges and
//! sent again, the target has the rows that the source has, each as often.
//!
//! The model is the source: a list of rows.

use cdc_core::catalog::{Decoding, Mode, RedshiftType, TableDefinition};
use cdc_core::sql::synchronise::{MergeBound, synchronise};
use local_stack::producer::Producer;
use local_stack::recording::RecordedRecord;
use local_stack::stack::{Stack, StackOptions};
use local_stack::warehouse::Administrator;
use serde_json::{Value, json};

use crate::histories::{Random, layout, provision};
use crate::tables::{column, table, text};

const HISTORIES: u64 = 10;
const TRANSACTIONS: u64 = 40;
const PARTITIONS: i32 = 3;

/// A row: few different values, so that many rows look alike.
type Row = (i64, Option<String>);

fn definition(name: &str) -> TableDefinition {
    let columns = vec![column("Num", RedshiftType::BigInt, Decoding::Integer), text("Txt", 100)];
    table(&format!("count.shop.{name}"), "count", columns, &[], Mode::Count)
}

fn image(row: Option<&Row>) -> Value {
    row.map_or(Value::Null, |(number, text)| json!({ "Num": number, "Txt": text }))
}

fn event(topic: &str, op: &str, before: Option<&Row>, after: Option<&Row>, source: &Value) -> RecordedRecord {
    let value = json!({ "before": image(before), "after": image(after), "op": op, "source": source });
    RecordedRecord {
        topic: topic.to_owned(),
        partition: 0,
        offset: 0,
        timestamp: 0,
        key: None,
        value: Some(value.to_string()),
        headers: Vec::new(),
    }
}

/// A MySQL database and the log that its connector writes.
struct Source {
    topic: String,
    rows: Vec<Row>,
    transactions: Vec<Vec<RecordedRecord>>,
}

fn row(random: &mut Random) -> Row {
    let text = (random.below(3) > 0).then(|| format!("t{}", random.below(2)));
    (i64::try_from(random.below(3)).expect("a small number"), text)
}

impl Source {
    /// Some rows that a snapshot reads.
    fn new(topic: &str, random: &mut Random) -> (Self, Vec<RecordedRecord>) {
        let rows: Vec<Row> = (0..random.below(8)).map(|_| row(random)).collect();
        let place = json!({ "connector": "mysql", "snapshot": "true", "ts_ms": 1_700_000_000_000_i64, "gtid": null,
                            "server_id": 0, "file": "binlog.000001", "pos": 100, "row": 0, "lsn": null });
        let reads = rows.iter().map(|row| event(topic, "r", None, Some(row), &place)).collect();
        (Self { topic: topic.to_owned(), rows, transactions: Vec::new() }, reads)
    }

    /// A transaction of one to four changes, as the server of this log file writes it.
    fn transaction(&mut self, random: &mut Random) {
        let number = self.transactions.len() + 1;
        let mut events = Vec::new();
        for index in 0..1 + random.below(4) {
            let source = json!({
                "connector": "mysql", "snapshot": "false", "ts_ms": 1_700_000_000_000_i64 + i64::try_from(number).expect("small"),
                "gtid": format!("00000000-0000-0000-0000-000000000001:{number}"), "server_id": 1,
                "file": "binlog.000002", "pos": 1_000 * number + usize::try_from(index / 2).expect("small"), "row": index % 2, "lsn": null
            });
            let at = |random: &mut Random, rows: &[Row]| {
                usize::try_from(random.below(u64::try_from(rows.len()).expect("few"))).expect("few")
            };
            let topic = self.topic.clone();
            match random.below(4) {
                0 | 1 => {
                    let new = row(random);
                    events.push(event(&topic, "c", None, Some(&new), &source));
                    self.rows.push(new);
                }
                2 if !self.rows.is_empty() => {
                    let at = at(random, &self.rows);
                    let new = row(random);
                    events.push(event(&topic, "u", Some(&self.rows[at]), Some(&new), &source));
                    self.rows[at] = new;
                }
                _ if !self.rows.is_empty() => {
                    let at = at(random, &self.rows);
                    let old = self.rows.swap_remove(at);
                    events.push(event(&topic, "d", Some(&old), None, &source));
                }
                _ => {}
            }
        }
        self.transactions.push(events);
    }

    /// What reaches Kafka: after each crash some of it again, at times from another server, whose
    /// log has the same transactions in another file.
    fn delivered(&self, reads: Vec<RecordedRecord>, random: &mut Random) -> Vec<RecordedRecord> {
        let mut delivered = reads;
        let mut server = 0;
        for index in 0..self.transactions.len() {
            let sent = |server: u64| {
                self.transactions[index].iter().map(move |record| elsewhere(record, server)).collect::<Vec<_>>()
            };
            if random.below(12) == 0 {
                // The connector ends in the middle of a transaction.
                let events = sent(server);
                let count = usize::try_from(random.below(5)).expect("small").min(events.len());
                delivered.extend(events.into_iter().take(count));
                if random.below(2) == 0 {
                    server += 1;
                }
                let first = index.saturating_sub(usize::try_from(random.below(4)).expect("small"));
                for events in &self.transactions[first..index] {
                    delivered.extend(events.iter().map(|record| elsewhere(record, server)));
                }
            }
            delivered.extend(sent(server));
        }
        for record in &mut delivered {
            record.partition = i32::try_from(random.below(3)).expect("three partitions");
        }
        delivered
    }
}

/// The record as the connector reads it from the log of another server.
fn elsewhere(record: &RecordedRecord, server: u64) -> RecordedRecord {
    let value = record.value.as_deref().expect("a change").replace("binlog.000002", &format!("server{server}.000007"));
    RecordedRecord { value: Some(value), ..record.clone() }
}

async fn merge(warehouse: &Administrator, table: &TableDefinition, bound: MergeBound) {
    let batch = synchronise(&layout(), &[(&table.spec, bound)]);
    let statements: Vec<&str> = batch.statements.iter().map(String::as_str).collect();
    warehouse.batch(&statements).await.unwrap_or_else(|error| panic!("{}: {error:#}", table.spec.id()));
}

async fn rows(warehouse: &Administrator, table: &TableDefinition) -> Vec<Row> {
    let sql = format!("SELECT t.num, t.txt FROM {} AS t", layout().target_table(&table.spec));
    let rows = warehouse.query(&sql).await.expect("the target is readable");
    let mut rows: Vec<Row> = rows
        .into_iter()
        .map(|row| (row[0].as_deref().and_then(|text| text.parse().ok()).expect("a number"), row[1].clone()))
        .collect();
    rows.sort();
    rows
}

async fn one(warehouse: &Administrator, sql: &str) -> String {
    let rows = warehouse.query(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:#}"));
    rows.first().and_then(|row| row[0].clone()).expect("one value")
}

async fn start(tables: &[TableDefinition]) -> (Stack, Administrator, Producer) {
    let stack = Stack::start(StackOptions::default(), None).await.expect("the stack starts");
    let warehouse = stack.administrator();
    for table in tables {
        stack.broker().create_topic(&table.spec.topic, PARTITIONS).expect("a new topic");
    }
    provision(&warehouse, vec![stack.kafka()], tables.to_vec()).await;
    let producer = Producer::connect(&stack.kafka()).await.expect("the broker is reachable");
    (stack, warehouse, producer)
}

#[tokio::test(flavor = "multi_thread")]
async fn any_spread_split_and_resend_ends_with_the_rows_of_the_source() {
    let tables: Vec<TableDefinition> = (0..HISTORIES).map(|number| definition(&format!("t{number}"))).collect();
    let (stack, warehouse, mut producer) = start(&tables).await;
    for (seed, table) in (0..HISTORIES).zip(&tables) {
        let mut random = Random(seed);
        let (mut source, reads) = Source::new(&table.spec.topic, &mut random);
        for _ in 0..TRANSACTIONS {
            source.transaction(&mut random);
        }
        let delivered = source.delivered(reads, &mut random);
        let mut rest = delivered.as_slice();
        while !rest.is_empty() {
            let count = usize::try_from(1 + random.below(30)).expect("a small number").min(rest.len());
            producer.produce(&rest[..count]).await.expect("the broker takes records");
            rest = &rest[count..];
            let max_rows = i64::try_from(1 + random.below(30)).expect("a small number");
            let partition = (random.below(3) == 0).then(|| i64::try_from(random.below(3)).expect("a small number"));
            merge(&warehouse, table, MergeBound { max_rows, partition, quarantine_offset: None }).await;
        }
        merge(&warehouse, table, MergeBound::rows(1_000_000)).await;
        source.rows.sort();
        assert_eq!(rows(&warehouse, table).await, source.rows, "seed {seed}");
        let ledger = layout().ledger_table(&table.spec);
        let owed = format!("SELECT COUNT(*) FROM {ledger} AS l WHERE l._cdc_owed AND l._cdc_change < 0");
        assert_eq!(one(&warehouse, &owed).await, "0", "seed {seed}");
    }
    stack.shutdown().await;
}

fn postgres(snapshot: &str, lsn: i64) -> Value {
    json!({ "connector": "postgresql", "snapshot": snapshot, "ts_ms": 1_700_000_000_000_i64 + lsn, "lsn": lsn })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_been_sent_twice_is_never_counted_twice() {
    let table = definition("copied");
    let topic = &table.spec.topic;
    let (stack, warehouse, mut producer) = start(std::slice::from_ref(&table)).await;
    let (a, b): (Row, Row) = ((1, Some("a".into())), (2, None));
    let records = [
        event(topic, "c", None, Some(&a), &postgres("false", 10)),
        event(topic, "c", None, Some(&b), &postgres("false", 10)),
        event(topic, "c", None, Some(&a), &postgres("false", 11)),
        event(topic, "u", Some(&a), Some(&b), &postgres("false", 12)),
        // A restarted connector, or a second row of one COPY: nobody can tell.
        event(topic, "c", None, Some(&a), &postgres("false", 11)),
        // An update has its place in the log for itself: surely sent again.
        event(topic, "u", Some(&a), Some(&b), &postgres("false", 12)),
    ];
    producer.produce(&records).await.expect("the broker takes records");
    merge(&warehouse, &table, MergeBound::rows(1_000)).await;
    assert_eq!(rows(&warehouse, &table).await, [a, b.clone(), b]);
    let quarantined = "SELECT COUNT(*) FROM cdc.quarantine AS q WHERE q.table_name = 'count.copied'";
    assert_eq!(one(&warehouse, quarantined).await, "1");
    stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_not_there_is_owed_and_said() {
    let table = definition("owed");
    let topic = &table.spec.topic;
    let (stack, warehouse, mut producer) = start(std::slice::from_ref(&table)).await;
    let row: Row = (1, Some("a".into()));
    producer.produce(&[event(topic, "d", Some(&row), None, &postgres("false", 20))]).await.expect("records");
    merge(&warehouse, &table, MergeBound::rows(1_000)).await;
    let quarantined = "SELECT COUNT(*) FROM cdc.quarantine AS q WHERE q.table_name = 'count.owed'";
    assert_eq!(one(&warehouse, quarantined).await, "1");
    producer.produce(&[event(topic, "c", None, Some(&row), &postgres("false", 10))]).await.expect("records");
    merge(&warehouse, &table, MergeBound::rows(1_000)).await;
    assert_eq!(rows(&warehouse, &table).await, Vec::<Row>::new(), "the deletion was owed");
    stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_snapshot_waits_and_half_a_change_does_not_count() {
    let table = definition("again");
    let topic = &table.spec.topic;
    let (stack, warehouse, mut producer) = start(std::slice::from_ref(&table)).await;
    let row: Row = (1, Some("a".into()));
    let unread: Value =
        json!({ "before": null, "after": image(Some(&row)), "op": "u", "source": postgres("false", 15) });
    let records = [
        event(topic, "r", None, Some(&row), &postgres("first", 10)),
        event(topic, "r", None, Some(&row), &postgres("last", 10)),
        RecordedRecord { value: Some(unread.to_string()), ..event(topic, "u", None, None, &Value::Null) },
        event(topic, "r", None, Some(&row), &postgres("true", 30)),
    ];
    producer.produce(&records).await.expect("the broker takes records");
    merge(&warehouse, &table, MergeBound::rows(1_000)).await;
    assert_eq!(rows(&warehouse, &table).await, [row.clone(), row]);
    let held = "SELECT MAX(h.reason) FROM cdc.holds AS h WHERE h.table_name = 'count.again'";
    assert!(one(&warehouse, held).await.contains("snapshot"));
    let reason = "SELECT MAX(q.reason) FROM cdc.quarantine AS q WHERE q.table_name = 'count.again'";
    assert_eq!(one(&warehouse, reason).await, "the row image is missing");
    stack.shutdown().await;
}
