//! Helpers of the whole-path tests: corpora, replays and what they must show.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use local_stack::binaries::Binaries;
use local_stack::recording::{self, RecordedRecord};
use local_stack::replay::{self, Progress, Replay, ReplayOptions};
use local_stack::stack::{MappingOptions, StackOptions};

/// A file below this package.
#[must_use]
pub fn pipeline(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines").join(name)
}

/// A recorded corpus.
#[must_use]
pub fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpora").join(name)
}

/// A pipeline file for all tables of a recording, written into a folder: the connector's topic
/// prefix, further keys of `source`, and entries under `tables` besides the one for all.
///
/// # Errors
/// If the recording has no `connector.json` or the file cannot be written.
pub fn write_pipeline(folder: &Path, corpus_name: &str, source: &str, tables: &str) -> Result<PathBuf> {
    let path = corpus(corpus_name).join("connector.json");
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let connector: serde_json::Value = serde_json::from_str(&text)?;
    let prefix = connector["topic.prefix"].as_str().with_context(|| format!("{} has no prefix", path.display()))?;
    let yaml = format!(
        "version: 1\nname: {prefix}\nsource: {{topic_prefix: {prefix}{source}}}\n\
         defaults: {{on_unsupported_column: exclude}}\ntables:\n  - topic: {prefix}.*.*\n{tables}"
    );
    let file = folder.join("pipeline.yaml");
    std::fs::write(&file, yaml).with_context(|| format!("writing {}", file.display()))?;
    Ok(file)
}

/// A replay of one rendering (`schema` or `noschema`) of a corpus with its ground truth.
#[must_use]
pub fn options(corpus_name: &str, rendering: &str, pipeline_name: &str) -> ReplayOptions {
    let corpus = corpus(corpus_name);
    ReplayOptions {
        pipeline: pipeline(pipeline_name),
        records: vec![corpus.join(format!("records.{rendering}.jsonl.gz"))],
        truth: Some(corpus.join("truth")),
        dump: None,
        mapping: MappingOptions { batch_size: 500, window: Duration::from_millis(200), ..MappingOptions::default() },
        in_flight: 4_000,
        stack: StackOptions::default(),
    }
}

/// Runs a replay; nothing is shown.
///
/// # Errors
/// As `local_stack::replay::run`.
pub async fn run(options: &ReplayOptions) -> Result<Replay> {
    let binaries = Binaries::build()?;
    replay::run(options, &binaries, &mut Silent).await
}

/// Writes changed records as a recording of their own.
///
/// # Errors
/// If the file cannot be written.
pub fn write_recording(path: &Path, records: &[RecordedRecord]) -> Result<()> {
    let mut file = std::fs::File::create(path).with_context(|| format!("creating {}", path.display()))?;
    for record in records {
        let headers: Vec<_> = record
            .headers
            .iter()
            .map(|header| serde_json::json!({ "key": header.key, "value": header.value }))
            .collect();
        writeln!(
            file,
            "{}",
            serde_json::json!({
                "topic": record.topic, "partition": record.partition, "offset": record.offset,
                "timestamp": record.timestamp, "key": record.key, "value": record.value, "headers": headers,
            })
        )?;
    }
    Ok(())
}

/// All records of a corpus.
///
/// # Errors
/// If the corpus cannot be read.
pub fn records(corpus_name: &str, rendering: &str) -> Result<Vec<RecordedRecord>> {
    recording::read(&corpus(corpus_name).join(format!("records.{rendering}.jsonl.gz")))
}

/// Panics with the differences if a table is not equal to the source's, or was not replicated.
///
/// # Panics
/// That is what it is for.
pub fn assert_full_parity(replay: &Replay) {
    let differences: Vec<String> = replay
        .parities
        .values()
        .flat_map(|parity| {
            let absent = parity.absent_columns.iter().map(|column| format!("column {column} is absent"));
            parity.examples.iter().cloned().chain(absent)
        })
        .collect();
    assert!(
        replay.summary.full_parity == Some(true),
        "not equal to the source: {differences:#?}, waiting: {:#?}, tables: {:#?}",
        replay.summary.waiting,
        replay.summary.tables
    );
}

/// Stops the functions and the stack of a replay.
pub async fn stop(replay: Replay) {
    replay.deployment.shutdown().await;
    replay.stack.shutdown().await;
}

/// Progress that nobody watches.
pub struct Silent;

impl Progress for Silent {
    fn phase(&mut self, _text: &str) {}
    fn expect(&mut self, _records: u64) {}
    fn acknowledged(&mut self, _records: u64) {}
    fn finished(&mut self) {}
}
