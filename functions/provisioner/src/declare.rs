//! What the pipeline file asks for, with what Kafka knows of it: topics for its patterns, and
//! the columns of its tables from the sources that the file allows.
//!
//! Kafka is read, never written, and only as far as needed: the schema-change topic from its
//! start, since each table's newest definition may be anywhere in it, and the newest events of
//! each topic, since each carries its schema. Both are bounded in records and time. A table
//! whose columns nobody knows yet waits; it is no error, because a topic without events has
//! nothing to merge.

use std::collections::{BTreeMap, BTreeSet};

use cdc_core::catalog::{TableDefinition, TableSpec};
use cdc_core::columns::{self, DefineProblem, Knowledge};
use cdc_core::kafka::Record;
use cdc_core::pipeline::{ColumnSource, Pipeline, ReaderKind};
use cdc_core::plan::provision::{self, Access, Declaration, Waiting};
use cdc_core::sql::external_schema::{CertificateSource, StreamAuthentication, StreamSource};
use cdc_core::sql::layout::Layout;
use msk_client::{Deadline, KafkaCluster, Login, Topic};

use crate::error::ProvisionError;
use crate::observe::Records;

/// Records taken from the schema-change topic in one read.
const SCHEMA_CHANGE_PAGE: usize = 500;

/// The most records taken from the schema-change topic: its newest.
const SCHEMA_CHANGES_AT_MOST: i64 = 100_000;

/// How far back the newest event with a schema is looked for, per partition: the first window
/// is usually enough, the others are for runs of tombstones.
const EVENT_WINDOWS: [i64; 3] = [16, 256, 2048];

/// How many of the last merged records are read, per partition: a few, for tombstones.
const MERGED_RECORDS: i64 = 16;

/// How many of the records that are merged next are read, per partition.
const PENDING_RECORDS: i64 = 1_000;

/// What a declaration is made of, besides Kafka.
pub struct Inputs<'a> {
    /// The pipeline file.
    pub pipeline: &'a Pipeline,
    /// `CREATE TABLE` dumps: name as the pipeline file writes it, and text.
    pub dumps: &'a BTreeMap<String, String>,
    /// Goes before the file's `warehouse.iam_role`.
    pub redshift_role: Option<&'a str>,
    /// How Redshift logs in to the brokers.
    pub login: Login,
    /// Records that tell columns: where tables wait, and how far each is merged.
    pub records: Records,
}

/// The declaration, and what an operator should know about how it was made.
pub struct Declared {
    /// For the plan.
    pub declaration: Declaration,
    /// For the answer.
    pub warnings: Vec<String>,
}

/// The pipeline's schemas.
#[must_use]
pub fn layout(pipeline: &Pipeline) -> Layout {
    Layout {
        control_schema: pipeline.control_schema().to_owned(),
        landing_schema: pipeline.landing_schema().to_owned(),
        external_schema: pipeline.external_schema().to_owned(),
    }
}

/// Asks Kafka and puts everything together.
pub async fn declare(
    inputs: &Inputs<'_>,
    kafka: &dyn KafkaCluster,
    deadline: Deadline,
) -> Result<Declared, ProvisionError> {
    let pipeline = inputs.pipeline;
    let mut warnings = Vec::new();
    let brokers = kafka.brokers(deadline).await.map_err(failed("asking for the Kafka brokers"))?;
    let topics = list_topics(inputs, kafka, &mut warnings, deadline).await?;
    let (specs, mut waiting) = specs(pipeline, topics.as_deref())?;
    let unions = pipeline.unions(&specs.iter().map(|spec| spec.topic.clone()).collect::<Vec<_>>());
    let mut knowledge = Knowledge::default();
    for (file, text) in inputs.dumps {
        knowledge.learn_dump(pipeline, file, text).map_err(|error| ProvisionError::Settings {
            reason: format!("the dump {file} is not understood: {error}"),
        })?;
    }
    if let Some(topics) = &topics {
        learn(pipeline, kafka, topics, &specs, &mut knowledge, &mut warnings, deadline).await?;
        if reads_events(pipeline) {
            learn_holds(kafka, &inputs.records.holds, &specs, &mut knowledge, deadline).await?;
            learn_pending(kafka, &inputs.records, &specs, &mut knowledge, deadline).await?;
        }
        if reads_events(pipeline) || reads_schema_changes(pipeline) {
            for learned_from in inputs.records.definitions.values() {
                knowledge.learn_recorded(learned_from);
            }
        }
    }
    let tables = define(pipeline, specs, &knowledge, &mut waiting, &mut warnings)?;
    let declaration = Declaration {
        layout: layout(pipeline),
        stream: stream(inputs, brokers),
        tables,
        waiting,
        access: access(pipeline),
        readers: readers(pipeline, &mut warnings),
        accepted: BTreeSet::new(),
        emptied: BTreeSet::new(),
        unions,
    };
    let problems = provision::problems(&declaration);
    if !problems.is_empty() {
        return Err(ProvisionError::Columns { problems });
    }
    Ok(Declared { declaration, warnings })
}

fn failed(doing: &'static str) -> impl FnOnce(msk_client::KafkaError) -> ProvisionError {
    move |source| ProvisionError::Kafka { doing, source }
}

fn reads_events(pipeline: &Pipeline) -> bool {
    matches!(pipeline.column_source(), ColumnSource::Auto | ColumnSource::Events)
}

fn reads_schema_changes(pipeline: &Pipeline) -> bool {
    matches!(pipeline.column_source(), ColumnSource::Auto | ColumnSource::SchemaChanges)
}

/// The cluster's topics; None if they cannot be listed and are not needed, because the file
/// names its topics and knows their columns.
async fn list_topics(
    inputs: &Inputs<'_>,
    kafka: &dyn KafkaCluster,
    warnings: &mut Vec<String>,
    deadline: Deadline,
) -> Result<Option<Vec<Topic>>, ProvisionError> {
    let pipeline = inputs.pipeline;
    let needed = pipeline.has_patterns() || reads_events(pipeline) || reads_schema_changes(pipeline);
    match kafka.topics(deadline).await {
        Ok(topics) => Ok(Some(topics)),
        Err(error) if needed => Err(failed("listing the Kafka topics")(error)),
        Err(error) => {
            warnings.push(format!(
                "Kafka could not be asked whether the declared topics exist ({error}); a topic that does not \
                 makes its landing view's step fail"
            ));
            Ok(None)
        }
    }
}

/// The tables of the topics that exist, and those that are declared by name and do not.
fn specs(pipeline: &Pipeline, topics: Option<&[Topic]>) -> Result<(Vec<TableSpec>, Vec<Waiting>), ProvisionError> {
    let declared = pipeline.declared_topics();
    let names: BTreeSet<String> = match topics {
        Some(topics) => topics.iter().map(|topic| topic.name.clone()).collect(),
        None => declared.iter().map(|topic| (*topic).to_owned()).collect(),
    };
    let waiting = declared
        .into_iter()
        .filter(|topic| !names.contains(*topic))
        .map(|topic| Waiting {
            topic: topic.to_owned(),
            reason: "the topic does not exist yet, or the provisioner's role may not describe it; it comes into \
                     being with the table's first event, apply again then"
                .to_owned(),
        })
        .collect();
    let names: Vec<String> = names.into_iter().collect();
    let specs = pipeline.catalog(&names).map_err(|error| ProvisionError::Catalog { reason: error.to_string() })?;
    Ok((specs, waiting))
}

/// Learns columns from Kafka, as far as the file asks for it.
async fn learn(
    pipeline: &Pipeline,
    kafka: &dyn KafkaCluster,
    topics: &[Topic],
    specs: &[TableSpec],
    knowledge: &mut Knowledge,
    warnings: &mut Vec<String>,
    deadline: Deadline,
) -> Result<(), ProvisionError> {
    let schema_changes = pipeline.schema_change_topic();
    if reads_schema_changes(pipeline) && topics.iter().any(|topic| topic.name == schema_changes) {
        learn_schema_changes(kafka, schema_changes, knowledge, warnings, deadline).await?;
    }
    if reads_events(pipeline) {
        let names: Vec<String> = specs.iter().map(|spec| spec.topic.clone()).collect();
        let doing = "asking for the topics' offsets";
        let starts = kafka.start_offsets(&names, deadline).await.map_err(failed(doing))?;
        let ends = kafka.end_offsets(&names, deadline).await.map_err(failed(doing))?;
        for topic in &names {
            let ranges = ranges(starts.get(topic), ends.get(topic));
            learn_newest_event(kafka, topic, &ranges, knowledge, deadline).await?;
        }
    }
    Ok(())
}

/// (partition, start, end) of the partitions that have records.
fn ranges(starts: Option<&BTreeMap<i32, i64>>, ends: Option<&BTreeMap<i32, i64>>) -> Vec<(i32, i64, i64)> {
    let (Some(starts), Some(ends)) = (starts, ends) else { return Vec::new() };
    ends.iter()
        .filter_map(|(partition, end)| Some((*partition, *starts.get(partition)?, *end)))
        .filter(|(_, start, end)| start < end)
        .collect()
}

async fn learn_schema_changes(
    kafka: &dyn KafkaCluster,
    topic: &str,
    knowledge: &mut Knowledge,
    warnings: &mut Vec<String>,
    deadline: Deadline,
) -> Result<(), ProvisionError> {
    let doing = "reading the schema-change topic";
    let names = [topic.to_owned()];
    let starts = kafka.start_offsets(&names, deadline).await.map_err(failed(doing))?;
    let ends = kafka.end_offsets(&names, deadline).await.map_err(failed(doing))?;
    for (partition, start, end) in ranges(starts.get(topic), ends.get(topic)) {
        let mut next = start.max(end - SCHEMA_CHANGES_AT_MOST);
        if next > start {
            warnings.push(format!(
                "only the newest {SCHEMA_CHANGES_AT_MOST} records of the schema-change topic {topic} were read; tables \
                 that changed last before them are known from their events or the dump only"
            ));
        }
        while next < end {
            let records =
                kafka.read(topic, partition, next, SCHEMA_CHANGE_PAGE, deadline).await.map_err(failed(doing))?;
            let Some(last) = records.last() else { break };
            next = last.position.offset + 1;
            for record in &records {
                knowledge.learn(record);
            }
        }
    }
    Ok(())
}

/// Learns from the records at which tables wait. One that Kafka does not have any more tells
/// nothing.
async fn learn_holds(
    kafka: &dyn KafkaCluster,
    holds: &[cdc_core::kafka::RecordPosition],
    specs: &[TableSpec],
    knowledge: &mut Knowledge,
    deadline: Deadline,
) -> Result<(), ProvisionError> {
    let doing = "reading the records at which tables wait";
    let topics: Vec<String> = specs.iter().map(|spec| spec.topic.clone()).collect();
    let starts = kafka.start_offsets(&topics, deadline).await.map_err(failed(doing))?;
    for hold in holds {
        let start = starts.get(&hold.topic).and_then(|partitions| partitions.get(&hold.partition));
        if start.is_none_or(|start| *start > hold.offset) {
            continue;
        }
        let records = kafka.read(&hold.topic, hold.partition, hold.offset, 1, deadline).await.map_err(failed(doing))?;
        for record in &records {
            knowledge.learn(record);
        }
    }
    Ok(())
}

/// Learns the schemas of the events that are merged next, and of the last that were: what changes
/// from one to the other is what the target has to follow. Only for tables whose events carry
/// their schema. What lies between those records and the newest is learned when a merge meets it.
async fn learn_pending(
    kafka: &dyn KafkaCluster,
    records: &Records,
    specs: &[TableSpec],
    knowledge: &mut Knowledge,
    deadline: Deadline,
) -> Result<(), ProvisionError> {
    let doing = "reading the records that are merged next";
    let known = |spec: &&TableSpec| knowledge.wants_pending(&spec.topic);
    let specs: Vec<&TableSpec> = specs.iter().filter(known).collect();
    let topics: Vec<String> = specs.iter().map(|spec| spec.topic.clone()).collect();
    let starts = kafka.start_offsets(&topics, deadline).await.map_err(failed(doing))?;
    let ends = kafka.end_offsets(&topics, deadline).await.map_err(failed(doing))?;
    for spec in specs {
        let merged = records.merged.get(spec.id().as_str());
        for (partition, start, end) in ranges(starts.get(&spec.topic), ends.get(&spec.topic)) {
            let next = merged.and_then(|merged| merged.get(&partition)).map_or(start, |merged| merged + 1).max(start);
            let from = start.max(next - MERGED_RECORDS);
            let until = end.min(next + PENDING_RECORDS);
            let count = usize::try_from(until - from).unwrap_or_default();
            if count == 0 {
                continue;
            }
            let read = kafka.read(&spec.topic, partition, from, count, deadline).await.map_err(failed(doing))?;
            let mut pending = read.iter().filter(|record| record.position.offset >= next && record.key.is_some());
            if let Some(record) = pending.find(|record| record.value.is_some()) {
                knowledge.learn_unmerged(record);
            }
            for record in read.iter().filter(|record| record.position.offset < until) {
                knowledge.learn(record);
            }
        }
    }
    Ok(())
}

/// Learns from the newest events of a topic. The windows grow while they hold nothing but
/// records without a value; a value without a schema means that the converter writes none.
async fn learn_newest_event(
    kafka: &dyn KafkaCluster,
    topic: &str,
    ranges: &[(i32, i64, i64)],
    knowledge: &mut Knowledge,
    deadline: Deadline,
) -> Result<(), ProvisionError> {
    for window in EVENT_WINDOWS {
        let mut newest: Vec<Record> = Vec::new();
        for &(partition, start, end) in ranges {
            let from = start.max(end - window);
            let max = usize::try_from(window).unwrap_or(usize::MAX);
            let records = kafka
                .read(topic, partition, from, max, deadline)
                .await
                .map_err(failed("reading the newest events of a topic"))?;
            newest.extend(records);
        }
        // Partitions are ordered by the brokers' time, offsets within one by themselves.
        newest.sort_by(|left, right| (left.timestamp_ms, &left.position).cmp(&(right.timestamp_ms, &right.position)));
        for record in &newest {
            knowledge.learn(record);
        }
        let has_values = newest.iter().any(|record| record.value.is_some());
        let whole = ranges.iter().all(|(_, start, end)| end - start <= window);
        if has_values || whole {
            return Ok(());
        }
    }
    Ok(())
}

/// Definitions of the tables whose columns are known. Unknown ones wait; impossible ones are an
/// error, all of them together.
fn define(
    pipeline: &Pipeline,
    specs: Vec<TableSpec>,
    knowledge: &Knowledge,
    waiting: &mut Vec<Waiting>,
    warnings: &mut Vec<String>,
) -> Result<Vec<TableDefinition>, ProvisionError> {
    let mut tables = Vec::new();
    let mut problems = Vec::new();
    for spec in specs {
        match columns::define(pipeline, &spec, knowledge) {
            Ok(definition) => {
                for column in &definition.excluded {
                    warnings.push(format!(
                        "table {}: column {} of type {} is left out: {}",
                        spec.id(),
                        column.name,
                        column.source_type,
                        column.reason
                    ));
                }
                warnings.extend(doubts(&definition));
                tables.push(definition.table);
            }
            Err(error) if error.problems.iter().all(|problem| matches!(problem, DefineProblem::Unknown { .. })) => {
                waiting.push(Waiting { topic: spec.topic.clone(), reason: error.to_string() });
            }
            Err(error) => problems.push(error.to_string()),
        }
    }
    if problems.is_empty() { Ok(tables) } else { Err(ProvisionError::Columns { problems }) }
}

/// What the columns' source leaves open.
fn doubts(definition: &columns::Definition) -> Vec<String> {
    let table = definition.table.spec.id();
    let mut warnings = Vec::new();
    if !definition.null_hidden_by_default.is_empty() {
        warnings.push(format!(
            "table {table}: a null of {} arrives as the column's default if the converter replaces it; set \
             value.converter.replace.null.with.default=false in the connector",
            definition.null_hidden_by_default.join(", ")
        ));
    }
    if !definition.assumed.is_empty() {
        warnings.push(format!(
            "table {table}: no event with a schema says in which unit {} arrive, so the connector's default is \
             assumed; state time.precision.mode under source.settings if the connector has another",
            definition.assumed.join(", ")
        ));
    }
    if !definition.table.tells_changes() {
        let columns = definition.table.columns.iter().filter(|column| column.decoding.has_hidden_form());
        let names: Vec<&str> = columns.map(|column| column.source_name.as_str()).collect();
        if !names.is_empty() {
            warnings.push(format!(
                "table {table}: neither a schema-change topic nor a schema inside the events tells when the type of {} \
                 changes; with another scale or precision the same value means another. Set \
                 value.converter.schemas.enable=true, or change such a column only while the connector is paused, \
                 everything is merged, and the dump or the declaration follows before it goes on",
                names.join(", ")
            ));
        }
    }
    if definition.lost_partitions {
        warnings.push(format!(
            "table {table}: the source dropped, emptied or exchanged partitions of it, and no event tells of the rows \
             that went with them; delete these in the target, or in the source before its partition"
        ));
    }
    if definition.cascades {
        warnings.push(format!(
            "table {table}: a foreign key of it deletes or changes rows by itself (ON DELETE or ON UPDATE CASCADE, SET NULL), \
             and MySQL before 9.6 and MariaDB log nothing of that: the target keeps such rows as they were. Delete and \
             change them in the application or by triggers, or use MySQL 9.6 or newer with innodb_native_foreign_keys=OFF"
        ));
    }
    if !definition.untold_digits.is_empty() {
        warnings.push(format!(
            "table {table}: no event tells how many digits of a second {} have; when the source takes some away, as with \
             a change from DATETIME(3) to DATETIME, rows keep what they had until their next event. Send schema changes \
             (include.schema.changes=true) and state `columns: auto`, or set column.propagate.source.type in the \
             connector",
            definition.untold_digits.join(", ")
        ));
    }
    for (loss, columns) in &definition.lossy {
        warnings.push(format!(
            "table {table}: the connector's settings lose what {} hold: {loss} in the connector",
            columns.join(", ")
        ));
    }
    warnings
}

fn stream(inputs: &Inputs<'_>, brokers: Vec<String>) -> StreamSource {
    let authentication = match inputs.login {
        Login::None => StreamAuthentication::None,
        Login::Iam => StreamAuthentication::Iam,
        Login::Mtls => StreamAuthentication::Mtls,
    };
    let role = inputs.redshift_role.unwrap_or(inputs.pipeline.iam_role());
    // Without a login no role is needed, and a cluster may have no default one.
    let needed = authentication != StreamAuthentication::None || role != "default";
    let section = inputs.pipeline.kafka();
    let certificate = section.and_then(|section| {
        let arn = section.authentication_arn.clone();
        let secret = section.secret_arn.clone();
        arn.map(|arn| (CertificateSource::CertificateManager, arn))
            .or(secret.map(|arn| (CertificateSource::SecretsManager, arn)))
    });
    StreamSource {
        brokers,
        authentication,
        iam_role: needed.then(|| role.to_owned()),
        certificate: certificate.filter(|_| authentication == StreamAuthentication::Mtls),
    }
}

/// The functions' users and the role that holds their rights. None if the file names no user:
/// the functions then are one user with the provisioner.
#[must_use]
pub fn access(pipeline: &Pipeline) -> Option<Access> {
    let users = pipeline.users();
    let names: BTreeSet<String> =
        [&users.change_handler, &users.refresher, &users.lag_monitor].into_iter().flatten().cloned().collect();
    if names.is_empty() {
        return None;
    }
    Some(Access {
        role: format!("redshift_cdc_{}", pipeline.name().to_lowercase()),
        users: names.into_iter().collect(),
    })
}

/// Readers that are roles; others are said to need a grant by hand.
fn readers(pipeline: &Pipeline, warnings: &mut Vec<String>) -> Vec<String> {
    let mut roles = Vec::new();
    for reader in pipeline.readers() {
        match reader.kind {
            ReaderKind::Role => roles.push(reader.name.clone()),
            ReaderKind::Group | ReaderKind::User => warnings.push(format!(
                "reader {} is not a role and gets no rights from provisioning; grant SELECT on the target tables by \
                 hand, or name a role",
                reader.name
            )),
        }
    }
    roles
}
