//! Random histories of tables that keep more than the present rows: however they are split into
//! merges, and whatever a crashed connector sends again, marked rows, versions and times are
//! those of the source. An append log has every delivered event once.
//!
//! The model is the source, to which each change is applied once.

use std::collections::BTreeMap;

use cdc_core::catalog::{Decoding, Mode, RedshiftType, TableDefinition};
use cdc_core::columns::UNAVAILABLE_VALUE;
use cdc_core::plan::provision::{self, Observed, ObservedColumn, ProvisionPlan};
use cdc_core::sql::synchronise::{MergeBound, synchronise};
use cdc_core::sql::{observe, target_table};
use local_stack::producer::Producer;
use local_stack::recording::RecordedRecord;
use local_stack::stack::{Stack, StackOptions};
use local_stack::warehouse::Administrator;
use serde_json::{Value, json};

use crate::histories::{Random, carry_out, declaration, layout, provision, with_crashes};
use crate::tables::{column, table, text};

const HISTORIES: u64 = 6;
const CHANGES: u64 = 60;
const KEYS: u64 = 6;

/// A row's values: a short one and a large one.
type Values = (String, String);

/// A version: key, values, operation, from when, until when.
type Version = (u64, Values, String, u64, Option<u64>);

/// The source database and the log that its connector writes.
struct Source {
    topic: String,
    partitions: u64,
    rows: BTreeMap<u64, Values>,
    deleted: BTreeMap<u64, (Values, u64)>,
    versions: Vec<Version>,
    lsn: u64,
    millis: u64,
    log: Vec<RecordedRecord>,
}

impl Source {
    fn new(topic: &str, partitions: u64) -> Self {
        Self {
            topic: topic.to_owned(),
            partitions,
            rows: BTreeMap::new(),
            deleted: BTreeMap::new(),
            versions: Vec::new(),
            lsn: 1_000,
            millis: 1_700_000_000_000,
            log: Vec::new(),
        }
    }

    fn change(&mut self, random: &mut Random) {
        self.lsn += 1 + random.below(50);
        self.millis += random.below(3);
        let key = random.below(KEYS);
        let mut text = |name: &str| format!("{name}{}", random.next() % 1_000_000);
        let (short, large) = (text("s"), text("l"));
        match (self.rows.get(&key).cloned(), random.below(20)) {
            (None, _) => self.create(key, (short, large)),
            (Some(_), 0..=3) => self.delete(key),
            (Some(values), 4..=5) => {
                // A key change is a delete and a create at one position.
                let moved = KEYS + random.below(KEYS);
                if !self.rows.contains_key(&moved) {
                    self.delete(key);
                    self.create(moved, values);
                }
            }
            // An incremental snapshot reads the row as it is.
            (Some(values), 6..=8) => self.event("r", key, Some(image(key, &values.0, &values.1)), "incremental"),
            (Some(_), 9) if self.partitions == 1 => self.truncate(),
            (Some((_, unchanged)), 10..=14) => {
                self.update(key, (short.clone(), unchanged));
                self.event("u", key, Some(image(key, &short, UNAVAILABLE_VALUE)), "false");
            }
            (Some(_), _) => {
                self.update(key, (short.clone(), large.clone()));
                self.event("u", key, Some(image(key, &short, &large)), "false");
            }
        }
    }

    fn create(&mut self, key: u64, values: Values) {
        self.rows.insert(key, values.clone());
        self.deleted.remove(&key);
        self.event("c", key, Some(image(key, &values.0, &values.1)), "false");
        self.versions.push((key, values, "c".to_owned(), self.millis, None));
    }

    fn update(&mut self, key: u64, values: Values) {
        self.close(key);
        self.rows.insert(key, values.clone());
        self.versions.push((key, values, "u".to_owned(), self.millis, None));
    }

    fn end(&mut self, key: u64) {
        self.close(key);
        let values = self.rows.remove(&key).expect("a row that is there");
        self.deleted.insert(key, (values, self.millis));
    }

    fn close(&mut self, key: u64) {
        let present = self.versions.iter_mut().find(|version| version.0 == key && version.4.is_none());
        present.expect("a present version").4 = Some(self.millis);
    }

    fn delete(&mut self, key: u64) {
        self.end(key);
        self.event("d", key, None, "false");
        self.push(Some(key), None);
    }

    fn truncate(&mut self) {
        for key in self.rows.keys().copied().collect::<Vec<_>>() {
            self.end(key);
        }
        let value = json!({ "op": "t", "ts_ms": self.millis, "source": self.origin("false") });
        self.push(None, Some(value.to_string()));
    }

    fn origin(&self, snapshot: &str) -> Value {
        json!({ "connector": "postgresql", "snapshot": snapshot, "ts_ms": self.millis, "lsn": self.lsn })
    }

    /// A delete has fillers behind the key, as with REPLICA IDENTITY DEFAULT.
    fn event(&mut self, op: &str, key: u64, after: Option<Value>, snapshot: &str) {
        let before = (op == "d").then(|| json!({ "ID": key, "Short": "", "Large": null }));
        let value = json!({ "op": op, "before": before, "after": after, "ts_ms": self.millis,
                            "source": self.origin(snapshot) });
        self.push(Some(key), Some(value.to_string()));
    }

    fn push(&mut self, key: Option<u64>, value: Option<String>) {
        self.log.push(RecordedRecord {
            topic: self.topic.clone(),
            partition: i32::try_from(key.unwrap_or(0) % self.partitions).expect("a few partitions"),
            offset: 0,
            timestamp: 0,
            key: key.map(|key| json!({ "ID": key }).to_string()),
            value,
            headers: Vec::new(),
        });
    }
}

fn image(key: u64, short: &str, large: &str) -> Value {
    json!({ "ID": key, "Short": short, "Large": large })
}

fn definition(mode: Mode, number: u64) -> TableDefinition {
    let columns =
        vec![column("ID", RedshiftType::BigInt, Decoding::Integer), text("Short", 100), text("Large", 65_535)];
    table(&format!("prop.public.{}{number}", mode.as_str()), "prop", columns, &["ID"], mode)
}

/// The table's rows with what its mode has, as text that can be compared.
async fn target(warehouse: &Administrator, table: &TableDefinition) -> Vec<String> {
    let millis = |column: &str| format!("DATEDIFF(millisecond, CAST('1970-01-01' AS TIMESTAMP), t.{column})");
    let own = match table.mode {
        Mode::SoftDelete => format!("CASE WHEN t._cdc_deleted THEN 'gone' END, {}", millis("_cdc_deleted_at")),
        Mode::History => format!("t._cdc_op, {}, {}", millis("_cdc_valid_from"), millis("_cdc_valid_to")),
        Mode::Append => "t._cdc_op, t._cdc_unavailable".to_owned(),
        Mode::Current | Mode::Count => unreachable!("histories.rs and counted.rs have the present rows"),
    };
    let rows = warehouse
        .query(&format!("SELECT t.id, t.short, t.large, {own} FROM {} AS t", layout().target_table(&table.spec)))
        .await
        .expect("the target is readable");
    sorted(rows.into_iter().map(|row| format!("{row:?}")).collect())
}

fn sorted(mut rows: Vec<String>) -> Vec<String> {
    rows.sort();
    rows
}

fn expected(mode: Mode, source: &Source, delivered: &[RecordedRecord]) -> Vec<String> {
    let some = |text: &dyn ToString| Some(text.to_string());
    let mut rows: Vec<Vec<Option<String>>> = Vec::new();
    match mode {
        Mode::SoftDelete => {
            for (key, (short, large)) in &source.rows {
                rows.push(vec![some(key), some(short), some(large), None, None]);
            }
            for (key, ((short, large), at)) in &source.deleted {
                rows.push(vec![some(key), some(short), some(large), some(&"gone"), some(at)]);
            }
        }
        Mode::History => {
            for (key, (short, large), op, from, to) in &source.versions {
                let to = to.map(|to| to.to_string());
                rows.push(vec![some(key), some(short), some(large), some(op), some(from), to]);
            }
        }
        Mode::Append => {
            for value in delivered.iter().filter_map(|record| record.value.as_deref()) {
                let event: Value = serde_json::from_str(value).expect("an event");
                let image = if event["op"] == "d" { &event["before"] } else { &event["after"] };
                let text =
                    |field: &Value| field.as_str().map(str::to_owned).or_else(|| field.as_u64().map(|n| n.to_string()));
                let unavailable = image["Large"] == UNAVAILABLE_VALUE;
                let of_row = |field: &Value| (event["op"] != "d").then(|| text(field)).flatten();
                rows.push(vec![
                    text(&image["ID"]),
                    of_row(&image["Short"]),
                    of_row(&image["Large"]).filter(|_| !unavailable),
                    text(&event["op"]),
                    unavailable.then(|| "large".to_owned()),
                ]);
            }
        }
        Mode::Current | Mode::Count => unreachable!("histories.rs and counted.rs have the present rows"),
    }
    sorted(rows.into_iter().map(|row| format!("{row:?}")).collect())
}

async fn merge(warehouse: &Administrator, table: &TableDefinition, bound: MergeBound, seed: u64) {
    let batch = synchronise(&layout(), &[(&table.spec, bound)]);
    let statements: Vec<&str> = batch.statements.iter().map(String::as_str).collect();
    let name = &table.spec.target_table;
    warehouse.batch(&statements).await.unwrap_or_else(|error| panic!("{name}, seed {seed}: {error:#}"));
}

fn number(random: &mut Random, most: u64) -> i64 {
    i64::try_from(1 + random.below(most)).expect("a small number")
}

#[tokio::test(flavor = "multi_thread")]
async fn any_split_and_any_resend_ends_in_the_same_table() {
    let stack = Stack::start(StackOptions::default(), None).await.expect("the stack starts");
    let warehouse = stack.administrator();
    let modes = [Mode::SoftDelete, Mode::History, Mode::Append];
    let tables: Vec<(u64, TableDefinition)> =
        modes.iter().flat_map(|mode| (0..HISTORIES).map(|seed| (seed, definition(*mode, seed)))).collect();
    for (seed, table) in &tables {
        let partitions = if seed % 2 == 0 { 3 } else { 1 };
        stack.broker().create_topic(&table.spec.topic, partitions).expect("a new topic");
    }
    provision(&warehouse, vec![stack.kafka()], tables.iter().map(|(_, table)| table.clone()).collect()).await;
    let mut producer = Producer::connect(&stack.kafka()).await.expect("the broker is reachable");
    for (seed, table) in &tables {
        let mut random = Random(*seed);
        let mut source = Source::new(&table.spec.topic, if seed % 2 == 0 { 3 } else { 1 });
        for _ in 0..CHANGES {
            source.change(&mut random);
        }
        let delivered = with_crashes(&source.log, &mut random);
        let mut rest = delivered.as_slice();
        while !rest.is_empty() {
            let count = usize::try_from(1 + random.below(20)).expect("a small number").min(rest.len());
            producer.produce(&rest[..count]).await.expect("the broker takes records");
            rest = &rest[count..];
            let partition = (random.below(3) == 0).then(|| number(&mut random, 3) - 1);
            let max_rows = number(&mut random, 30);
            merge(&warehouse, table, MergeBound { max_rows, partition, quarantine_offset: None }, *seed).await;
        }
        merge(&warehouse, table, MergeBound::rows(1_000_000), *seed).await;
        let name = &table.spec.target_table;
        let wanted = expected(table.mode, &source, &delivered);
        assert_eq!(target(&warehouse, table).await, wanted, "{name}, seed {seed}");
        if table.mode == Mode::Append {
            continue;
        }
        // The whole log once more, at one go, into a table that is empty.
        let mut emptied = vec![layout().target_table(&table.spec), layout().ledger_table(&table.spec)];
        emptied.push(layout().watermark_table(&table.spec));
        let mut statements: Vec<String> = emptied.iter().map(|name| format!("DELETE FROM {name}")).collect();
        statements.push(format!("DELETE FROM cdc.truncations WHERE table_name = '{}'", table.spec.id()));
        warehouse.batch(&statements.iter().map(String::as_str).collect::<Vec<_>>()).await.expect("it is emptied");
        merge(&warehouse, table, MergeBound::rows(1_000_000), *seed).await;
        assert_eq!(target(&warehouse, table).await, wanted, "{name} at one go, seed {seed}");
    }
    stack.shutdown().await;
}

/// What the warehouse has after these plans.
fn observed(plans: &[&ProvisionPlan], table: &TableDefinition, has_whole_log: bool) -> Observed {
    let mut observed = Observed::default();
    for step in plans.iter().flat_map(|plan| &plan.steps) {
        observed.catalog.insert((step.kind.as_str().to_owned(), step.object.clone()), step.fingerprint.clone());
        if let Some((schema, name)) = step.object.split_once('.') {
            observed.relations.insert((schema.to_owned(), name.to_owned()));
        }
    }
    let names = table.columns.iter().map(|column| column.target_name.clone());
    let names = names.chain(target_table::own_columns(table.mode).map(|(name, _)| name.to_owned()));
    let column = |name| ObservedColumn {
        name,
        data_type: String::new(),
        length: None,
        precision: None,
        scale: None,
        rights: Vec::new(),
    };
    let target = (table.spec.target_schema.clone(), table.spec.target_table.clone());
    observed.columns.insert(target, names.map(column).collect());
    if has_whole_log {
        observed.whole_logs.insert(table.spec.id());
    }
    observed
}

/// A table takes on one mode after another without a new snapshot: each time it is as if it had
/// been of that mode from the beginning, and what it was before is kept.
#[tokio::test(flavor = "multi_thread")]
async fn another_mode_is_made_from_the_log() {
    let stack = Stack::start(StackOptions::default(), None).await.expect("the stack starts");
    let warehouse = stack.administrator();
    let mut table = definition(Mode::SoftDelete, 100);
    stack.broker().create_topic(&table.spec.topic, 3).expect("a new topic");
    let mut random = Random(100);
    let mut source = Source::new(&table.spec.topic, 3);
    let mut producer = Producer::connect(&stack.kafka()).await.expect("the broker is reachable");
    let mut plans = Vec::new();
    let mut former: Option<(TableDefinition, Vec<String>)> = None;
    let mut delivered = 0;
    for mode in [Mode::SoftDelete, Mode::History, Mode::Append, Mode::SoftDelete] {
        let before = table.clone();
        table.mode = mode;
        let declared = declaration(vec![stack.kafka()], vec![table.clone()]);
        let known = if plans.is_empty() {
            Observed::default()
        } else {
            let incomplete = warehouse.query(&observe::incomplete_logs(&layout(), &table.spec)).await;
            assert_eq!(incomplete.expect("the log can be counted").len(), 0, "the log is whole");
            observed(&plans.iter().collect::<Vec<_>>(), &before, true)
        };
        let plan = provision::plan(&declared, &known);
        carry_out(&warehouse, &plan).await;
        plans.push(plan);
        for _ in 0..30 {
            source.change(&mut random);
        }
        producer.produce(&source.log[delivered..]).await.expect("the broker takes records");
        delivered = source.log.len();
        merge(&warehouse, &table, MergeBound::rows(25), 100).await;
        merge(&warehouse, &table, MergeBound::rows(1_000_000), 100).await;
        let now = target(&warehouse, &table).await;
        assert_eq!(now, expected(mode, &source, &source.log), "{}", mode.as_str());
        if let Some((mut kept, rows)) = former {
            kept.spec.target_table = format!("{}_was_{}", kept.spec.target_table, kept.mode.as_str());
            assert_eq!(target(&warehouse, &kept).await, rows, "the former table is as it was");
        }
        former = Some((table.clone(), now));
    }
    // A record that the landing view does not have any more: nothing can be made from the log.
    let watermark = layout().watermark_table(&table.spec);
    warehouse.query(&format!("UPDATE {watermark} SET kafka_offset = kafka_offset + 1")).await.expect("a watermark");
    let incomplete = warehouse.query(&observe::incomplete_logs(&layout(), &table.spec)).await;
    assert_eq!(incomplete.expect("the log can be counted").len(), 3);
    stack.shutdown().await;
}
