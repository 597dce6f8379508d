//! The pipeline file: which topics become which tables, under which names and with what options.
//!
//! [`Pipeline::parse`] is strict and reports as many problems as it can, each with line, column,
//! place and the nearest right key. Nothing here reads files, asks a server or knows the time;
//! the files of a dump are named by [`Pipeline::dump_files`] and read by the caller.

mod changes;
mod check;
mod document;
mod glob;
mod meaning;
pub mod names;
mod resolve;
#[cfg(test)]
mod tests;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

pub use changes::{ChangePolicies, ChangePolicy, FollowPolicy};
pub use document::{
    Authentication, BinaryHandling, ColumnSource, Connector, ConnectorSettings, DecimalHandling, DeclaredColumn,
    FieldNameAdjustment, HstoreHandling, IntervalHandling, Keyless, OnUnsupportedColumn, TimePrecision,
    UnsignedHandling, Users,
};
pub use resolve::{CatalogError, CatalogErrors, TopicRole};

use crate::catalog::{Mode, OnUnfitValue, Protection};
use crate::error::{Classify, ErrorKind};
pub(crate) use check::nearest as nearest_name;
use document::Document;

/// A pipeline file that was read and checked.
#[derive(Debug, Clone)]
pub struct Pipeline {
    name: String,
    topic_prefix: String,
    heartbeat_topic: String,
    transaction_topic: String,
    connector: Option<Connector>,
    column_source: ColumnSource,
    settings: ConnectorSettings,
    dump_files: Vec<String>,
    kafka: Option<KafkaSection>,
    control_schema: String,
    landing_schema: String,
    external_schema: String,
    target_schema: Option<String>,
    iam_role: String,
    users: Users,
    readers: Vec<Reader>,
    defaults: TableOptions,
    unsized_text_bytes: u32,
    entries: Vec<Entry>,
}

/// How to reach Kafka.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaSection {
    /// Which cluster.
    pub cluster: KafkaCluster,
    /// How to log in.
    pub authentication: Authentication,
    /// The certificate in AWS Certificate Manager that Redshift presents. Only with mtls.
    pub authentication_arn: Option<String>,
    /// The secret with the certificate that Redshift presents. Only with mtls.
    pub secret_arn: Option<String>,
}

/// A Kafka cluster by its ARN or by its brokers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KafkaCluster {
    /// An Amazon MSK cluster, provisioned or serverless.
    Msk {
        /// Its ARN.
        arn: String,
    },
    /// Any other cluster: bootstrap brokers, each `host:port`, never empty.
    Brokers(Vec<String>),
}

/// Who may read the target tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// A database role, a group or a user.
    pub kind: ReaderKind,
    /// Its name, exactly as written.
    pub name: String,
}

/// What a [`Reader`] is in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReaderKind {
    /// `role:NAME`, or a name without a kind.
    Role,
    /// `group:NAME`.
    Group,
    /// `user:NAME`.
    User,
}

/// The options of one table: what its entries state, over the defaults.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TableOptions {
    /// Whether Redshift refreshes the landing view by itself.
    pub auto_refresh: bool,
    /// What to do with a column that cannot be carried over exactly.
    pub on_unsupported_column: OnUnsupportedColumn,
    /// What the table's changes become.
    pub mode: Mode,
    /// What to do when the table has no key.
    pub keyless: Keyless,
    /// What becomes of a value that its column cannot hold.
    pub on_unfit_value: OnUnfitValue,
    /// What to do when the source table changes.
    pub on_schema_change: ChangePolicies,
    /// The same for single columns, by source name.
    pub on_unfit_value_of: BTreeMap<String, OnUnfitValue>,
    /// The freshness that is promised. None: the function's own setting counts.
    pub freshness: Option<Duration>,
    /// The key's source names, in key order. None: the source's own key. Empty: no key.
    pub key: Option<Vec<String>>,
    /// Only these columns, by source name, and the key's. None: all.
    pub include: Option<Vec<String>>,
    /// Not these columns, by source name.
    pub exclude: Vec<String>,
    /// Source name to target name.
    pub rename: BTreeMap<String, String>,
    /// What takes the clear values of columns away, by source name.
    pub protection: BTreeMap<String, Protection>,
    /// All columns, when declared by hand. Empty: not declared.
    pub declare: Vec<DeclaredColumn>,
    /// The columns that the entry with the exact name mentions: they must exist. A pattern's
    /// columns need not exist in every table that it means.
    pub(crate) mentioned: BTreeSet<String>,
    target_schema: Option<String>,
    target_table: Option<String>,
}

fn seconds(count: u32) -> Duration {
    Duration::from_secs(u64::from(count))
}

/// One entry under `tables`, with what it states.
#[derive(Debug, Clone)]
struct Entry {
    topic: glob::Glob,
    exclude: Vec<glob::Glob>,
    stated: document::TableEntry,
}

impl Pipeline {
    /// Reads and checks a pipeline file.
    ///
    /// # Errors
    ///
    /// All problems that were found. A file whose YAML is broken has just that one; a file with
    /// unknown keys or wrong types is not checked for its meaning.
    pub fn parse(yaml: &str) -> Result<Self, PipelineErrors> {
        let tree = yaml::parse(yaml).map_err(|(mark, message)| PipelineErrors {
            problems: vec![Problem { line: mark.line, column: mark.column, place: String::new(), message }],
        })?;
        let schema = Self::json_schema();
        let mut checker = check::Checker::new(&schema);
        checker.check(&tree, &schema, "");
        if !checker.problems.is_empty() {
            return Err(PipelineErrors::of(checker.problems));
        }
        let document: Document = serde_json::from_value(tree.value.to_json()).map_err(|error| {
            PipelineErrors::of(vec![Problem {
                line: tree.mark.line,
                column: tree.mark.column,
                place: String::new(),
                message: error.to_string(),
            }])
        })?;
        meaning::understand(document, &checker.marks)
    }

    /// The JSON Schema of the pipeline file, generated from the code that reads it.
    #[must_use]
    pub fn json_schema() -> serde_json::Value {
        schemars::generate::SchemaSettings::draft2020_12()
            .into_generator()
            .into_root_schema_for::<Document>()
            .to_value()
    }

    /// The JSON Schema as text, as it is published in `pipeline.schema.json`.
    #[must_use]
    pub fn json_schema_text() -> String {
        format!("{:#}\n", Self::json_schema())
    }

    /// The pipeline's name in logs and metrics.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Debezium's `topic.prefix`.
    #[must_use]
    pub fn topic_prefix(&self) -> &str {
        &self.topic_prefix
    }

    /// The topic of the schema changes: it has the name of the prefix (Debezium documentation,
    /// MySQL connector, "Schema change topic").
    #[must_use]
    pub fn schema_change_topic(&self) -> &str {
        &self.topic_prefix
    }

    /// The topic of the heartbeats.
    #[must_use]
    pub fn heartbeat_topic(&self) -> &str {
        &self.heartbeat_topic
    }

    /// The topic of the transaction records.
    #[must_use]
    pub fn transaction_topic(&self) -> &str {
        &self.transaction_topic
    }

    /// The source database, if stated.
    #[must_use]
    pub fn connector(&self) -> Option<Connector> {
        self.connector
    }

    /// Where the columns come from.
    #[must_use]
    pub fn column_source(&self) -> ColumnSource {
        self.column_source
    }

    /// The connector's settings that decide how values arrive, as far as the file states them.
    #[must_use]
    pub fn settings(&self) -> &ConnectorSettings {
        &self.settings
    }

    /// The files of `CREATE TABLE` statements, as written, relative to the pipeline file.
    #[must_use]
    pub fn dump_files(&self) -> Vec<&str> {
        self.dump_files.iter().map(String::as_str).collect()
    }

    /// How to reach Kafka. None when the file leaves it to the environment.
    #[must_use]
    pub fn kafka(&self) -> Option<&KafkaSection> {
        self.kafka.as_ref()
    }

    /// The schema of the control tables and procedures, lower case.
    #[must_use]
    pub fn control_schema(&self) -> &str {
        &self.control_schema
    }

    /// The schema of the landing views, lower case.
    #[must_use]
    pub fn landing_schema(&self) -> &str {
        &self.landing_schema
    }

    /// The external schema that maps the Kafka cluster, lower case.
    #[must_use]
    pub fn external_schema(&self) -> &str {
        &self.external_schema
    }

    /// The role with which Redshift reads Kafka: `default` or an ARN.
    #[must_use]
    pub fn iam_role(&self) -> &str {
        &self.iam_role
    }

    /// The functions' database users.
    #[must_use]
    pub fn users(&self) -> &Users {
        &self.users
    }

    /// Who may read the targets.
    #[must_use]
    pub fn readers(&self) -> &[Reader] {
        &self.readers
    }

    /// The size in bytes of a text column whose length the source does not tell.
    #[must_use]
    pub fn unsized_text_bytes(&self) -> u32 {
        self.unsized_text_bytes
    }
}

/// One problem of a pipeline file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The line, from 1. Zero when unknown.
    pub line: u64,
    /// The column, from 1. Zero when unknown.
    pub column: u64,
    /// The place within the document, such as `tables[1].columns`. Empty for the whole file.
    pub place: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(formatter, "line {}, column {}: ", self.line, self.column)?;
        }
        if !self.place.is_empty() {
            write!(formatter, "{}: ", self.place)?;
        }
        formatter.write_str(&self.message)
    }
}

/// Everything that is wrong with a pipeline file, in the order of its lines. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineErrors {
    /// The problems.
    pub problems: Vec<Problem>,
}

impl PipelineErrors {
    fn of(mut problems: Vec<Problem>) -> Self {
        problems.sort();
        problems.dedup();
        Self { problems }
    }
}

impl fmt::Display for PipelineErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.as_slice() {
            [one] => write!(formatter, "the pipeline file has a problem: {one}"),
            many => {
                write!(formatter, "the pipeline file has {} problems:", many.len())?;
                many.iter().try_for_each(|problem| write!(formatter, "\n  {problem}"))
            }
        }
    }
}

impl std::error::Error for PipelineErrors {}

impl Classify for PipelineErrors {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Misconfigured
    }
}
