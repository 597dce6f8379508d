//! The journey: end offsets from Kafka, then, unless nothing moved, the warehouse's answers, then
//! the assessment. Reads only.
//!
//! Idle costs nothing: as long as the process is warm and no end offset has moved since
//! everything was found merged, no statement is sent, apart from one look a day. Kafka that
//! cannot be asked is the function's error; a warehouse that cannot be asked makes every table
//! `unknown`, which is an answer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cdc_core::catalog::TableSpec;
use cdc_core::error::ErrorKind;
use cdc_core::pipeline::Pipeline;
use cdc_core::sql::layout::Layout;
use cdc_core::watermark::Watermark;
use function_kit::clock::Invocation;
use msk_client::{Deadline, KafkaCluster, KafkaError, Offsets};
use redshift_data::Warehouse;

use crate::assess::{Assessment, OldestPending, PartitionInKafka, State, Thresholds, assess};
use crate::questions::{self, Answers};
use crate::report::{self, Answer, Checked};

/// How long the memory of a healthy pipeline holds without a look at the warehouse.
const SWEEP_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// The most partitions whose oldest pending record is looked at; the age of the others' is
/// unknown. The bound is on time: each look is one read of one record.
const LOOKS: usize = 200;

/// What the journey needs of the world.
pub struct Deps {
    /// The pipeline file.
    pub pipeline: Pipeline,
    /// The limits between the states.
    pub thresholds: Thresholds,
    /// The warehouse.
    pub warehouse: Arc<dyn Warehouse>,
    /// The Kafka cluster.
    pub kafka: Arc<dyn KafkaCluster>,
    /// What an earlier invocation of this process found.
    pub memory: Memory,
}

/// The newest finding in which everything was merged and known. Empty in a new process.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Option<Healthy>>);

#[derive(Debug, Clone)]
struct Healthy {
    ends: Offsets,
    looked_at_ms: i64,
    assessment: Assessment,
}

/// A measurement that could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LagError {
    /// Kafka could not be asked.
    #[error("{doing} failed")]
    Kafka {
        /// What was being done.
        doing: &'static str,
        /// The reason.
        #[source]
        source: KafkaError,
    },
    /// Tables cannot have the names that the pipeline file gives them.
    #[error("{reason}")]
    Catalog {
        /// All collisions, with what to do.
        reason: String,
    },
}

impl LagError {
    /// What is to be done about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Kafka { source, .. } => source.kind(),
            Self::Catalog { .. } => ErrorKind::Misconfigured,
        }
    }
}

/// Measures once.
pub async fn handle(deps: &Deps, invocation: &Invocation) -> Result<Answer, LagError> {
    let deadline = invocation.deadline();
    let specs = specs(deps, deadline).await?;
    let topics: Vec<String> = specs.iter().map(|spec| spec.topic.clone()).collect();
    let ends = deps
        .kafka
        .end_offsets(&topics, deadline)
        .await
        .map_err(|source| LagError::Kafka { doing: "asking for the topics' end offsets", source })?;
    if let Some(assessment) = deps.memory.recall(&ends, invocation.now_ms()) {
        return Ok(report::answer(&deps.pipeline, assessment, Checked::KafkaOnly));
    }
    let layout = layout(&deps.pipeline);
    let answers = questions::ask(&*deps.warehouse, &layout, deadline).await;
    let seen = look(&*deps.kafka, &specs, &ends, &answers, deadline).await?;
    let thresholds = |spec: &TableSpec| deps.thresholds.promised(deps.pipeline.table_options(&spec.topic).freshness);
    let assessment = assess(&specs, &seen, &answers, thresholds, invocation.now_ms());
    deps.memory.keep(&ends, &assessment, invocation.now_ms());
    Ok(report::answer(&deps.pipeline, assessment, Checked::KafkaAndWarehouse))
}

fn layout(pipeline: &Pipeline) -> Layout {
    Layout {
        control_schema: pipeline.control_schema().to_owned(),
        landing_schema: pipeline.landing_schema().to_owned(),
        external_schema: pipeline.external_schema().to_owned(),
    }
}

/// The pipeline's tables: those of the topics that its patterns match, and those that it names,
/// whether their topics exist or not.
async fn specs(deps: &Deps, deadline: Deadline) -> Result<Vec<TableSpec>, LagError> {
    let mut names: Vec<String> = deps.pipeline.declared_topics().into_iter().map(str::to_owned).collect();
    if deps.pipeline.has_patterns() {
        let topics = deps
            .kafka
            .topics(deadline)
            .await
            .map_err(|source| LagError::Kafka { doing: "listing the Kafka topics", source })?;
        names.extend(topics.into_iter().map(|topic| topic.name));
    }
    deps.pipeline.catalog(&names).map_err(|error| LagError::Catalog { reason: error.to_string() })
}

/// What Kafka has above the watermarks: for partitions with offsets above theirs, where the log
/// begins and the oldest record that is pending.
async fn look(
    kafka: &dyn KafkaCluster,
    specs: &[TableSpec],
    ends: &Offsets,
    answers: &Answers,
    deadline: Deadline,
) -> Result<BTreeMap<String, BTreeMap<i32, PartitionInKafka>>, LagError> {
    let none = Vec::new();
    let watermarks = answers.watermarks.as_ref().unwrap_or(&none);
    let above = |spec: &TableSpec, partition: i32, end: i64| {
        let merged = merged(watermarks, spec, partition).unwrap_or(-1);
        (end - 1 > merged).then_some(merged + 1)
    };
    let pending: Vec<String> = specs
        .iter()
        .filter(|spec| {
            ends.get(&spec.topic)
                .is_some_and(|ends| ends.iter().any(|(partition, end)| above(spec, *partition, *end).is_some()))
        })
        .map(|spec| spec.topic.clone())
        .collect();
    let starts = kafka
        .start_offsets(&pending, deadline)
        .await
        .map_err(|source| LagError::Kafka { doing: "asking for the topics' start offsets", source })?;
    let mut looks = 0;
    let mut seen: BTreeMap<String, BTreeMap<i32, PartitionInKafka>> = BTreeMap::new();
    for spec in specs {
        let Some(ends) = ends.get(&spec.topic) else { continue };
        let seen = seen.entry(spec.topic.clone()).or_default();
        for (&partition, &end) in ends {
            let start = starts.get(&spec.topic).and_then(|starts| starts.get(&partition).copied());
            let oldest_pending = match above(spec, partition, end) {
                None => OldestPending::None,
                Some(_) if looks >= LOOKS => OldestPending::Unknown,
                Some(first) => {
                    looks += 1;
                    let from = first.max(start.unwrap_or(first));
                    oldest(kafka, &spec.topic, partition, from, end, deadline).await
                }
            };
            seen.insert(partition, PartitionInKafka { end, start, oldest_pending });
        }
    }
    Ok(seen)
}

fn merged(watermarks: &[Watermark], spec: &TableSpec, partition: i32) -> Option<i64> {
    let id = spec.id();
    watermarks
        .iter()
        .find(|watermark| watermark.table == id && watermark.partition == i64::from(partition))
        .map(|watermark| watermark.offset)
}

async fn oldest(
    kafka: &dyn KafkaCluster,
    topic: &str,
    partition: i32,
    from: i64,
    end: i64,
    deadline: Deadline,
) -> OldestPending {
    if from >= end {
        return OldestPending::None;
    }
    match kafka.read(topic, partition, from, 1, deadline).await {
        Ok(records) => match records.first() {
            // Written after the end offset was asked for: none of what is measured.
            Some(record) if record.position.offset >= end => OldestPending::None,
            Some(record) => record.timestamp_ms.map_or(OldestPending::Unknown, OldestPending::Since),
            None => OldestPending::None,
        },
        Err(error) => {
            tracing::warn!(topic, partition, %error, "the age of what is pending is not known");
            OldestPending::Unknown
        }
    }
}

impl Memory {
    /// The last healthy finding, brought up to `now_ms`, if nothing has moved since.
    fn recall(&self, ends: &Offsets, now_ms: i64) -> Option<Assessment> {
        let memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let healthy = memory.as_ref().filter(|healthy| healthy.ends == *ends)?;
        let age_ms = u64::try_from(now_ms - healthy.looked_at_ms).ok()?;
        if Duration::from_millis(age_ms) >= SWEEP_EVERY {
            return None;
        }
        let mut assessment = healthy.assessment.clone();
        for table in &mut assessment.tables {
            table.freshness_ms = cdc_core::lag::freshness_ms(table.newest_source_ms, now_ms);
        }
        Some(assessment)
    }

    /// Remembers a finding in which nothing is pending, unknown or to be done.
    fn keep(&self, ends: &Offsets, assessment: &Assessment, now_ms: i64) {
        let healthy = assessment.state == State::Ok
            && assessment.conditions.is_empty()
            && assessment.tables.iter().all(|table| table.pending_records == Some(0));
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *memory = healthy.then(|| Healthy { ends: ends.clone(), looked_at_ms: now_ms, assessment: assessment.clone() });
    }
}

#[cfg(test)]
mod tests;
