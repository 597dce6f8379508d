//! Random histories through landing view and merge procedure: however they are split into
//! merges, and whatever a crashed connector sends again, the target ends as the source does,
//! and on the way no older change goes over a newer one.
//!
//! The model is the source: a map from key to value to which each change is applied once.

use std::collections::BTreeMap;

use cdc_core::catalog::{Decoding, Mode, RedshiftType, TableDefinition};
use cdc_core::plan::provision::{Declaration, Observed, ProvisionPlan, plan};
use cdc_core::sql::external_schema::{StreamAuthentication, StreamSource};
use cdc_core::sql::layout::Layout;
use cdc_core::sql::synchronise::{MergeBound, synchronise};
use local_stack::producer::Producer;
use local_stack::recording::RecordedRecord;
use local_stack::stack::{Stack, StackOptions};
use local_stack::warehouse::Administrator;

use crate::tables::{column, table, text};

const HISTORIES: u64 = 12;
const CHANGES: u64 = 60;
const KEYS: u64 = 6;
const PARTITIONS: i32 = 3;

/// A small deterministic generator (SplitMix64), so that a failure names its seed.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// The source database and the log that its connector writes.
struct Source {
    topic: String,
    rows: BTreeMap<u64, String>,
    lsn: u64,
    millis: u64,
    log: Vec<RecordedRecord>,
}

impl Source {
    fn new(topic: &str) -> Self {
        Self { topic: topic.to_owned(), rows: BTreeMap::new(), lsn: 1_000, millis: 1_700_000_000_000, log: Vec::new() }
    }

    fn change(&mut self, random: &mut Random) {
        self.lsn += 1 + random.below(50);
        self.millis += random.below(3);
        let key = random.below(KEYS);
        let value = format!("v{}", random.next() % 1_000_000);
        match (self.rows.get(&key).cloned(), random.below(10)) {
            (None, _) => {
                self.rows.insert(key, value.clone());
                self.event("c", key, None, Some(&value), "false");
            }
            (Some(old), 0..=1) => {
                self.rows.remove(&key);
                self.event("d", key, Some(&old), None, "false");
                self.tombstone(key);
            }
            (Some(old), 2) => {
                // A key change is a delete and a create at one position.
                let moved = KEYS + random.below(KEYS);
                if self.rows.contains_key(&moved) {
                    return;
                }
                self.rows.remove(&key);
                self.rows.insert(moved, old.clone());
                self.event("d", key, Some(&old), None, "false");
                self.tombstone(key);
                self.event("c", moved, None, Some(&old), "false");
            }
            (Some(old), 3) => {
                // An incremental snapshot reads the row as it is.
                self.event("r", key, None, Some(&old), "incremental");
            }
            (Some(old), _) => {
                self.rows.insert(key, value.clone());
                self.event("u", key, Some(&old), Some(&value), "false");
            }
        }
    }

    fn event(&mut self, op: &str, key: u64, before: Option<&str>, after: Option<&str>, snapshot: &str) {
        let image = |value: Option<&str>| value.map(|value| serde_json::json!({ "ID": key, "Val": value }));
        let value = serde_json::json!({
            "before": image(before), "after": image(after), "op": op, "ts_ms": self.millis,
            "source": { "connector": "postgresql", "snapshot": snapshot, "ts_ms": self.millis, "lsn": self.lsn,
                        "db": "prop", "schema": "public", "table": "t" },
        });
        self.push(key, Some(value.to_string()));
    }

    fn tombstone(&mut self, key: u64) {
        self.push(key, None);
    }

    fn push(&mut self, key: u64, value: Option<String>) {
        self.log.push(RecordedRecord {
            topic: self.topic.clone(),
            partition: i32::try_from(key % 3).expect("three partitions"),
            offset: 0,
            timestamp: 0,
            key: Some(serde_json::json!({ "ID": key }).to_string()),
            value,
            headers: Vec::new(),
        });
    }
}

/// What reaches Kafka: the log, and after each crash some of it again, in order. Snapshot reads
/// are not repeated: a restarted connector goes on from where its window was.
pub(crate) fn with_crashes(log: &[RecordedRecord], random: &mut Random) -> Vec<RecordedRecord> {
    let mut delivered = Vec::new();
    for (index, record) in log.iter().enumerate() {
        delivered.push(record.clone());
        if random.below(25) == 0 {
            let back = usize::try_from(random.below(15)).expect("a small number");
            let resent = log[index.saturating_sub(back)..=index].iter();
            delivered.extend(
                resent
                    .filter(|record| !record.value.as_deref().is_some_and(|value| value.contains("\"incremental\"")))
                    .cloned(),
            );
        }
    }
    delivered
}

pub(crate) fn layout() -> Layout {
    Layout { control_schema: "cdc".into(), landing_schema: "cdc_landing".into(), external_schema: "cdc_kafka".into() }
}

fn definition(number: u64) -> TableDefinition {
    let columns = vec![column("ID", RedshiftType::BigInt, Decoding::Integer), text("Val", 100)];
    table(&format!("prop.public.T{number}"), "prop", columns, &["ID"], Mode::default())
}

pub(crate) fn declaration(brokers: Vec<String>, tables: Vec<TableDefinition>) -> Declaration {
    Declaration {
        layout: layout(),
        stream: StreamSource { brokers, authentication: StreamAuthentication::None, iam_role: None, certificate: None },
        tables,
        waiting: Vec::new(),
        access: None,
        readers: Vec::new(),
        accepted: Default::default(),
        emptied: Default::default(),
        unions: Vec::new(),
    }
}

pub(crate) async fn provision(warehouse: &Administrator, brokers: Vec<String>, tables: Vec<TableDefinition>) {
    carry_out(warehouse, &plan(&declaration(brokers, tables), &Observed::default())).await;
}

pub(crate) async fn carry_out(warehouse: &Administrator, plan: &ProvisionPlan) {
    for step in &plan.steps {
        for statement in &step.statements {
            warehouse
                .batch(&["SET enable_case_sensitive_identifier TO true", statement])
                .await
                .unwrap_or_else(|error| panic!("{} {}: {error:#}", step.kind.as_str(), step.object));
        }
    }
}

/// Rows and the position of each, after a merge.
async fn target(warehouse: &Administrator, table: &TableDefinition) -> BTreeMap<u64, (String, Option<String>)> {
    warehouse
        .query(&format!("SELECT t.id, t.val, t._cdc_position FROM {} AS t", layout().target_table(&table.spec)))
        .await
        .expect("the target is readable")
        .into_iter()
        .map(|row| {
            let id = row[0].as_deref().and_then(|text| text.parse().ok()).expect("an integer key");
            (id, (row[1].clone().expect("a value"), row[2].clone()))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn any_split_and_any_resend_ends_as_the_source_does() {
    let stack = Stack::start(StackOptions::default(), None).await.expect("the stack starts");
    let warehouse = stack.administrator();
    let tables: Vec<TableDefinition> = (0..HISTORIES).map(definition).collect();
    for table in &tables {
        stack.broker().create_topic(&table.spec.topic, PARTITIONS).expect("a new topic");
    }
    provision(&warehouse, vec![stack.kafka()], tables.clone()).await;
    let mut producer = Producer::connect(&stack.kafka()).await.expect("the broker is reachable");
    for (seed, table) in (0..HISTORIES).zip(&tables) {
        let mut random = Random(seed);
        let mut source = Source::new(&table.spec.topic);
        for _ in 0..CHANGES {
            source.change(&mut random);
        }
        let delivered = with_crashes(&source.log, &mut random);
        let mut rest = delivered.as_slice();
        let mut before = BTreeMap::new();
        loop {
            let count = usize::try_from(1 + random.below(20)).expect("a small number").min(rest.len());
            producer.produce(&rest[..count]).await.expect("the broker takes records");
            rest = &rest[count..];
            let rows = i64::try_from(1 + random.below(30)).expect("a small number");
            let partition = (random.below(3) == 0).then(|| i64::try_from(random.below(3)).expect("a small number"));
            let last = rest.is_empty();
            let bound = if last {
                MergeBound::rows(1_000_000)
            } else {
                MergeBound { max_rows: rows, partition, quarantine_offset: None }
            };
            let batch = synchronise(&layout(), &[(&table.spec, bound)]);
            let statements: Vec<&str> = batch.statements.iter().map(String::as_str).collect();
            warehouse.batch(&statements).await.unwrap_or_else(|error| panic!("seed {seed}: {error:#}"));
            let after = target(&warehouse, table).await;
            for (key, (_, position)) in &after {
                if let Some((_, Some(earlier))) = before.get(key) {
                    let position =
                        position.as_ref().unwrap_or_else(|| panic!("seed {seed}: key {key} lost its position"));
                    assert!(position >= earlier, "seed {seed}: key {key} went back from {earlier} to {position}");
                }
            }
            before = after;
            if last {
                break;
            }
        }
        let rows: BTreeMap<u64, String> = before.into_iter().map(|(key, (value, _))| (key, value)).collect();
        assert_eq!(rows, source.rows, "seed {seed}");
    }
    stack.shutdown().await;
}
