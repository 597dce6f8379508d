//! A recording through the whole path: Kafka, pollers, functions, warehouse, and back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use cdc_core::catalog::TableDefinition;
use cdc_core::columns::{self, Knowledge};
use cdc_core::kafka::{Record, RecordPosition};
use cdc_core::pipeline::{Pipeline, TopicRole};
use cdc_core::sql::layout::{Layout, MERGE_LOG, QUARANTINE};
use function_kit::pipeline_file::Loaded;

use crate::binaries::Binaries;
use crate::compare::{self, Parity, TargetColumn};
use crate::producer::{EndOffsets, Producer};
use crate::recording::{self, RecordedRecord};
use crate::report::{ParityFigures, Summary, TableFigures, quantile};
use crate::stack::{Acknowledged, Deployment, MappingOptions, Stack, StackOptions};
use crate::warehouse::Administrator;
use crate::{dump, reduce, truth};

/// What to replay and how.
#[derive(Debug, Clone)]
pub struct ReplayOptions {
    /// The pipeline file.
    pub pipeline: PathBuf,
    /// Recordings, in order.
    pub records: Vec<PathBuf>,
    /// Folder with the ground truth.
    pub truth: Option<PathBuf>,
    /// Folder to write tables, quarantine and figures to.
    pub dump: Option<PathBuf>,
    /// Batching of the pollers.
    pub mapping: MappingOptions,
    /// At most this many records are on their way at a time.
    pub in_flight: usize,
    /// The stack's own options.
    pub stack: StackOptions,
}

/// How a replay tells how far it is.
pub trait Progress {
    /// A new phase begins, with a line for people.
    fn phase(&mut self, text: &str);
    /// The records that will flow in all.
    fn expect(&mut self, records: u64);
    /// The records acknowledged so far.
    fn acknowledged(&mut self, records: u64);
    /// The records have flowed.
    fn finished(&mut self);
}

/// A replay's outcome, with the stack still running.
pub struct Replay {
    /// Figures.
    pub summary: Summary,
    /// Comparison details by source table, for tables with ground truth.
    pub parities: BTreeMap<String, Parity>,
    /// The stack.
    pub stack: Stack,
    /// The functions on it.
    pub deployment: Deployment,
}

/// Nothing acknowledged for this long means that something is stuck.
const STALLED: Duration = Duration::from_secs(120);

/// Replays recordings on a stack of its own and compares the result with the ground truth.
///
/// # Errors
/// If something cannot be started or read, a function fails for good, or nothing moves for two
/// minutes. Differences from the ground truth are an outcome, not an error.
pub async fn run(options: &ReplayOptions, binaries: &Binaries, progress: &mut dyn Progress) -> Result<Replay> {
    let (pipeline, mut knowledge) = load(&options.pipeline)?;
    progress.phase("reading the recording");
    let mut records = Vec::new();
    for path in &options.records {
        records.extend(recording::read(path)?);
    }
    if records.is_empty() {
        bail!("the recording holds no records");
    }
    progress.phase("starting Kafka broker, Redshift stand-in and control planes");
    let stack = Stack::start(options.stack.clone(), Some(&pipeline)).await?;
    let topics = create_topics(&stack, &records)?;
    let mut producer = Producer::connect(&stack.kafka()).await?.keeping_times(&records);
    let mut deployment = stack.deploy(binaries, &options.pipeline, &pipeline).await?;

    let head = head_of(&records, &pipeline);
    progress.phase("writing the first records of each topic, then provisioning the warehouse from them");
    let started = Instant::now();
    producer.produce(&records[..head]).await?;
    let applied = deployment.provision().await?;
    progress.phase(applied["message"].as_str().unwrap_or("provisioned"));
    for warning in applied["warnings"].as_array().into_iter().flatten().filter_map(|warning| warning.as_str()) {
        progress.phase(&format!("warning: {warning}"));
    }

    let waiting: BTreeMap<String, String> = applied["waiting"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|entry| Some((entry["topic"].as_str()?.to_owned(), entry["reason"].as_str()?.to_owned())))
        .collect();
    let (consumed, undeclared) = consumed_topics(&topics, &records, &pipeline, &waiting);
    for topic in &consumed {
        deployment.map(&stack, topic, &options.mapping)?;
    }
    let expected = records.iter().filter(|record| consumed.contains(&record.topic)).count() as u64;
    progress.phase("replaying");
    progress.expect(expected);
    flow(&mut producer, &records[head..], &deployment, options.in_flight, progress).await?;
    catch_up(&stack, &deployment, &consumed, progress).await?;
    progress.finished();
    let elapsed = started.elapsed();
    // A change of a table that no event followed held nothing, so that nothing asked for it.
    if let Err(error) = deployment.provision().await {
        progress.phase(&format!("what changed after the last events could not be taken in: {error:#}"));
    }

    for record in &records {
        knowledge.learn(&as_record(record));
    }
    let tables = definitions(&pipeline, &consumed, &knowledge, &waiting);
    let mut summary = Summary {
        pipeline: pipeline.name().to_owned(),
        records: records.len(),
        elapsed_ms: elapsed.as_millis(),
        undeclared,
        waiting,
        excluded_columns: tables.excluded,
        ..Summary::default()
    };
    let lags = lags(&deployment, &producer);
    let parities = measure(options, &stack, &lags, &pipeline, &tables.tables, &mut summary).await?;
    Ok(Replay { summary, parities, stack, deployment })
}

/// Reads a pipeline file and the dumps that it names.
///
/// # Errors
/// If a file is missing or wrong; the message has line and column.
pub fn load(path: &Path) -> Result<(Pipeline, Knowledge)> {
    let Loaded { pipeline, dumps } = function_kit::pipeline_file::load(path)?;
    let mut knowledge = Knowledge::default();
    for (file, sql) in &dumps {
        knowledge
            .learn_dump(&pipeline, file, sql)
            .map_err(|errors| anyhow::anyhow!("the dump {file} named in {}:\n{errors}", path.display()))?;
    }
    Ok((pipeline, knowledge))
}

/// A recorded record as the decoder sees it.
#[must_use]
pub fn as_record(recorded: &RecordedRecord) -> Record {
    Record {
        position: RecordPosition {
            topic: recorded.topic.clone(),
            partition: recorded.partition,
            offset: recorded.offset,
        },
        timestamp_ms: Some(recorded.timestamp),
        key: recorded.key.clone().map(String::into_bytes),
        value: recorded.value.clone().map(String::into_bytes),
        headers: recorded
            .headers
            .iter()
            .map(|header| (header.key.clone(), header.value.clone().map(String::into_bytes)))
            .collect(),
    }
}

fn create_topics(stack: &Stack, records: &[RecordedRecord]) -> Result<BTreeMap<String, i32>> {
    let topics = recording::topics(records);
    let existing: BTreeSet<String> = stack.broker().topics().into_iter().collect();
    for (topic, partitions) in &topics {
        if !existing.contains(topic) {
            stack.broker().create_topic(topic, *partitions).with_context(|| format!("creating topic {topic}"))?;
        }
    }
    Ok(topics)
}

/// How many records have to be written before every table's topic has one with a value: what a
/// connector's snapshot has done before anybody provisions.
fn head_of(records: &[RecordedRecord], pipeline: &Pipeline) -> usize {
    let mut seen = BTreeSet::new();
    let mut head = 0;
    for (index, record) in records.iter().enumerate() {
        if record.value.is_some()
            && !seen.contains(&record.topic)
            && matches!(pipeline.resolve(&record.topic), TopicRole::Table(_))
        {
            seen.insert(record.topic.clone());
            head = index + 1;
        }
    }
    head
}

/// Topics that get an event source mapping, and the records of those that the file does not
/// declare. Waiting tables get none: their records stay in Kafka.
fn consumed_topics(
    topics: &BTreeMap<String, i32>,
    records: &[RecordedRecord],
    pipeline: &Pipeline,
    waiting: &BTreeMap<String, String>,
) -> (BTreeSet<String>, BTreeMap<String, usize>) {
    let mut consumed = BTreeSet::new();
    let mut undeclared = BTreeMap::new();
    for topic in topics.keys() {
        match pipeline.resolve(topic) {
            TopicRole::Unknown => {
                let count = records.iter().filter(|record| record.topic == *topic).count();
                undeclared.insert(topic.clone(), count);
            }
            TopicRole::Excluded => {}
            _ if waiting.contains_key(topic) => {}
            _ => {
                consumed.insert(topic.clone());
            }
        }
    }
    (consumed, undeclared)
}

fn acknowledged(deployment: &Deployment) -> u64 {
    deployment.mappings().values().map(|mapping| mapping.snapshot().acknowledged).sum()
}

/// Writes the rest, never more than `in_flight` records ahead of what is acknowledged.
async fn flow(
    producer: &mut Producer,
    records: &[RecordedRecord],
    deployment: &Deployment,
    in_flight: usize,
    progress: &mut dyn Progress,
) -> Result<()> {
    let mapped: BTreeSet<&String> = deployment.mappings().keys().collect();
    let chunk_size = (in_flight / 4).clamp(1, 2_000);
    // What was written before the mappings existed is acknowledged on top of this.
    let mut written = 0_u64;
    let mut stall = Stall::new(acknowledged(deployment));
    for chunk in records.chunks(chunk_size) {
        loop {
            let done = acknowledged(deployment);
            progress.acknowledged(done);
            if written < done + in_flight as u64 {
                break;
            }
            stall.check(done, deployment)?;
            pause().await;
        }
        producer.produce(chunk).await?;
        written += chunk.iter().filter(|record| mapped.contains(&record.topic)).count() as u64;
    }
    Ok(())
}

/// Waits until every consumed topic is acknowledged to its end.
async fn catch_up(
    stack: &Stack,
    deployment: &Deployment,
    consumed: &BTreeSet<String>,
    progress: &mut dyn Progress,
) -> Result<()> {
    let mut ends: EndOffsets = BTreeMap::new();
    for topic in consumed {
        let offsets =
            stack.broker().offsets(topic).with_context(|| format!("topic {topic} is gone from the broker"))?;
        ends.insert(
            topic.clone(),
            offsets.iter().filter(|one| one.latest > 0).map(|one| (one.partition, one.latest)).collect(),
        );
    }
    let mut stall = Stall::new(acknowledged(deployment));
    loop {
        let done = acknowledged(deployment);
        progress.acknowledged(done);
        let behind = ends.iter().any(|(topic, partitions)| {
            let committed = deployment.mappings()[topic].snapshot().committed;
            partitions.iter().any(|(partition, end)| committed.get(partition).copied().unwrap_or(0) < *end)
        });
        if !behind {
            return Ok(());
        }
        stall.check(done, deployment)?;
        pause().await;
    }
}

/// The interval at which conditions are looked at again.
async fn pause() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

/// Notices when nothing moves any more, and says where.
struct Stall {
    done: u64,
    since: Instant,
}

impl Stall {
    fn new(done: u64) -> Self {
        Self { done, since: Instant::now() }
    }

    fn check(&mut self, done: u64, deployment: &Deployment) -> Result<()> {
        if done > self.done {
            *self = Self::new(done);
            return Ok(());
        }
        if self.since.elapsed() < STALLED {
            return Ok(());
        }
        let mut text = format!("no record was acknowledged for {} s", STALLED.as_secs());
        for (topic, mapping) in deployment.mappings() {
            let snapshot = mapping.snapshot();
            if let Some(error) = snapshot.last_error {
                text.push_str(&format!("\n  topic {topic}: {error}"));
            }
        }
        bail!("{text}\n  the functions' own words are in the folder `logs` of the stack's state")
    }
}

/// The tables of some topics, and the columns that are left out, with the reason.
pub(crate) struct Definitions {
    pub(crate) tables: Vec<TableDefinition>,
    pub(crate) excluded: BTreeMap<String, String>,
}

/// What the pipeline file and the records say about the tables of some topics.
pub(crate) fn definitions(
    pipeline: &Pipeline,
    consumed: &BTreeSet<String>,
    knowledge: &Knowledge,
    waiting: &BTreeMap<String, String>,
) -> Definitions {
    let mut tables = Vec::new();
    let mut excluded = BTreeMap::new();
    for topic in consumed {
        let TopicRole::Table(spec) = pipeline.resolve(topic) else { continue };
        if waiting.contains_key(topic) {
            continue;
        }
        let Ok(definition) = columns::define(pipeline, &spec, knowledge) else { continue };
        for column in &definition.excluded {
            excluded.insert(format!("{}.{}", spec.source_table, column.name), column.reason.clone());
        }
        tables.push(definition.table);
    }
    Definitions { tables, excluded }
}

/// Milliseconds from the write to Kafka to the acknowledgement, by topic, sorted. What was in Kafka
/// before its mapping waited for that, and does not count.
fn lags(deployment: &Deployment, producer: &Producer) -> BTreeMap<String, Vec<i64>> {
    let acknowledged = deployment.acknowledgements();
    let acknowledged = acknowledged.lock().expect("no holder of this lock panics");
    acknowledged
        .iter()
        .map(|(topic, records)| {
            let lag = |one: &Acknowledged| {
                let written = producer.written().at(topic, one.partition, one.offset)?;
                (written >= one.mapped_at_ms).then_some(one.at_ms - written)
            };
            let mut lags: Vec<i64> = records.iter().filter_map(lag).collect();
            lags.sort_unstable();
            (topic.clone(), lags)
        })
        .collect()
}

async fn measure(
    options: &ReplayOptions,
    stack: &Stack,
    lags: &BTreeMap<String, Vec<i64>>,
    pipeline: &Pipeline,
    tables: &[TableDefinition],
    summary: &mut Summary,
) -> Result<BTreeMap<String, Parity>> {
    let warehouse = stack.administrator();
    let layout = provisioner::layout(pipeline);
    let truth = options.truth.as_deref().map(truth::read).transpose()?.unwrap_or_default();
    let counts = merge_counts(&warehouse, &layout).await?;
    let names = dump::file_names(tables);
    if let Some(folder) = &options.dump {
        std::fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    }
    let mut parities = BTreeMap::new();
    for table in tables {
        let rows = dump::rows(&warehouse, &layout, table).await?;
        let columns: Vec<String> = table.columns.iter().map(|column| column.source_name.clone()).collect();
        if let Some(folder) = &options.dump {
            dump::write_rows(&folder.join(format!("{}.jsonl", names[&table.spec.topic])), &columns, &rows)?;
        }
        let parity = truth
            .iter()
            .find(|candidate| candidate.name == table.spec.source_table)
            .filter(|_| reduce::is_comparable(table))
            .map(|truth| compare::compare(&as_readable(truth, table), &target_columns(table), &rows));
        let count = counts.get(table.spec.id().as_str()).cloned().unwrap_or_default();
        let sorted = lags.get(&table.spec.topic).map(Vec::as_slice).unwrap_or_default();
        summary.tables.push(TableFigures {
            table: table.spec.source_table.clone(),
            target: table.spec.id().to_string(),
            events: count.inserts + count.updates + count.deletes,
            inserts: count.inserts,
            updates: count.updates,
            deletes: count.deletes,
            stale: count.stale,
            quarantined: count.quarantined,
            rows: i64::try_from(rows.len()).unwrap_or(i64::MAX),
            merges: count.merges,
            lag_p50_ms: quantile(sorted, 0.5),
            lag_p99_ms: quantile(sorted, 0.99),
            parity: parity.as_ref().map(ParityFigures::from),
        });
        if let Some(parity) = parity {
            parities.insert(table.spec.source_table.clone(), parity);
        }
    }
    if !truth.is_empty() {
        let is_a_log = |name: &String| {
            tables.iter().any(|table| table.spec.source_table == *name && !reduce::is_comparable(table))
        };
        let absent: Vec<&String> = truth
            .iter()
            .map(|table| &table.name)
            .filter(|name| !parities.contains_key(*name) && !is_a_log(name))
            .collect();
        for name in &absent {
            summary
                .waiting
                .entry((*name).clone())
                .or_insert_with(|| "the ground truth has this table, the pipeline does not replicate it".to_owned());
        }
        summary.full_parity = Some(absent.is_empty() && parities.values().all(Parity::is_full));
    }
    if let Some(folder) = &options.dump {
        let quarantine = dump::quarantine(&warehouse, &layout).await?;
        dump::write_quarantine(&folder.join("quarantine.jsonl"), &quarantine)?;
        let path = folder.join("summary.json");
        std::fs::write(&path, format!("{}\n", serde_json::to_string_pretty(summary)?))
            .with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(parities)
}

/// The source's table without the columns whose clear values the target does not have.
pub(crate) fn as_readable(truth: &truth::TruthTable, table: &TableDefinition) -> truth::TruthTable {
    let mut truth = truth.clone();
    let is_protected =
        |name: &str| table.columns.iter().any(|column| column.source_name == name && column.protection.is_some());
    truth.columns.retain(|column| !is_protected(&column.name));
    truth
}

/// The columns of a target that have clear values, under their names in the source.
pub(crate) fn target_columns(table: &TableDefinition) -> Vec<TargetColumn> {
    table
        .columns
        .iter()
        .filter(|column| !column.protection.is_some())
        .map(|column| TargetColumn { name: column.source_name.clone(), kind: column.target_type })
        .collect()
}

#[derive(Clone, Default)]
struct MergeCounts {
    inserts: i64,
    updates: i64,
    deletes: i64,
    stale: i64,
    quarantined: i64,
    merges: i64,
}

/// Sums of the merge log by table, and the entries in quarantine, which the provisioner writes too.
async fn merge_counts(warehouse: &Administrator, layout: &Layout) -> Result<BTreeMap<String, MergeCounts>> {
    let sql = format!(
        "SELECT m.table_name, SUM(m.reads + m.creates)::BIGINT, SUM(m.updates)::BIGINT, SUM(m.deletes)::BIGINT, SUM(m.stale)::BIGINT, \
         COALESCE(MAX(q.entries), 0)::BIGINT, COUNT(DISTINCT m.merged_at) FROM {} AS m \
         LEFT JOIN (SELECT e.table_name, COUNT(*) AS entries FROM {} AS e GROUP BY e.table_name) AS q ON q.table_name = m.table_name \
         GROUP BY m.table_name ORDER BY 1",
        layout.control(MERGE_LOG),
        layout.control(QUARANTINE)
    );
    let rows = warehouse.query(&sql).await.context("reading the merge log")?;
    let number =
        |cell: Option<&Option<String>>| cell.and_then(Option::as_deref).and_then(|text| text.parse().ok()).unwrap_or(0);
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let name = row.first()?.clone()?;
            let counts = MergeCounts {
                inserts: number(row.get(1)),
                updates: number(row.get(2)),
                deletes: number(row.get(3)),
                stale: number(row.get(4)),
                quarantined: number(row.get(5)),
                merges: number(row.get(6)),
            };
            Some((name, counts))
        })
        .collect())
}
