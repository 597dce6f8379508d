//! The pipeline file as it is written: the one definition of its keys, types and defaults.
//!
//! The JSON Schema is generated from these types, their doc comments are its descriptions, and
//! the reader checks a file against that same schema, so the three cannot differ. What a key
//! means in combination with others is checked in `meaning.rs`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::changes::StatedPolicies;
use crate::catalog::{Mode, OnUnfitValue, Protection};

/// The pipeline file of redshift-cdc: which Kafka topics of Debezium become which tables in
/// Amazon Redshift.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "redshift-cdc pipeline")]
pub(super) struct Document {
    /// The version of this file's format. Always 1.
    #[schemars(range(min = 1, max = 1))]
    #[serde(rename = "version")]
    pub(super) _version: u32,
    /// The pipeline's name, used in logs and metrics.
    #[schemars(length(min = 1, max = 64), regex(pattern = r"^[A-Za-z0-9_-]+$"))]
    pub(super) name: String,
    /// Where the events come from.
    pub(super) source: Source,
    /// How Redshift and the lag monitor reach Kafka. May be left out when the functions get
    /// the cluster's ARN from their environment.
    #[serde(default)]
    pub(super) kafka: Option<Kafka>,
    /// Names and users in the warehouse.
    #[serde(default)]
    pub(super) warehouse: Warehouse,
    /// Settings of every table that its own entry does not state.
    #[serde(default)]
    pub(super) defaults: Defaults,
    /// The tables, by topic name or pattern. Patterns apply in this order, each later one over
    /// the earlier; an entry with an exact name applies over all patterns.
    #[schemars(length(min = 1))]
    pub(super) tables: Vec<TableEntry>,
}

/// Where the events come from.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Source {
    /// Debezium's `topic.prefix`. The topic of this name carries the schema changes.
    #[schemars(length(min = 1, max = 249), regex(pattern = r"^[A-Za-z0-9._-]+$"))]
    pub(super) topic_prefix: String,
    /// The source database. Needed for declared columns; a dump's dialect is recognised by
    /// itself when this is left out.
    #[serde(default)]
    pub(super) connector: Option<Connector>,
    /// Where the columns of the tables come from.
    #[serde(default)]
    pub(super) columns: ColumnSource,
    /// One or more files of `CREATE TABLE` statements, relative to this file.
    #[serde(default)]
    pub(super) dump: Option<OneOrMany>,
    /// The connector's own settings that decide how values arrive, by their own names. Needed
    /// where the events carry no schema and a setting is not the connector's default; the
    /// schema inside an event goes before them.
    #[serde(default)]
    pub(super) settings: ConnectorSettings,
    /// Debezium's `topic.heartbeat.prefix`.
    #[serde(default = "heartbeat_prefix")]
    #[schemars(length(min = 1, max = 249), regex(pattern = r"^[A-Za-z0-9._-]+$"))]
    pub(super) heartbeat_prefix: String,
    /// Debezium's `topic.transaction`: the last part of the transaction topic's name.
    #[serde(default = "transaction_topic")]
    #[schemars(length(min = 1, max = 249), regex(pattern = r"^[A-Za-z0-9._-]+$"))]
    pub(super) transaction_topic: String,
}

fn heartbeat_prefix() -> String {
    "__debezium-heartbeat".to_owned()
}

fn transaction_topic() -> String {
    "transaction".to_owned()
}

/// The connector's settings that decide how values arrive. A setting that is left out has the
/// connector's default, except where the values' own form decides.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ConnectorSettings {
    /// How decimals arrive. Left out: their form decides, base64 or decimal text.
    #[serde(rename = "decimal.handling.mode")]
    pub decimals: Option<DecimalHandling>,
    /// How dates and times arrive. Left out: adaptive (PostgreSQL), adaptive_time_microseconds
    /// (MySQL, MariaDB).
    #[serde(rename = "time.precision.mode")]
    pub times: Option<TimePrecision>,
    /// How binary values arrive. Left out: their form decides, base64 or hexadecimal text.
    #[serde(rename = "binary.handling.mode")]
    pub binary: Option<BinaryHandling>,
    /// How BIGINT UNSIGNED arrives. Left out: long.
    #[serde(rename = "bigint.unsigned.handling.mode")]
    pub unsigned: Option<UnsignedHandling>,
    /// How intervals arrive. Left out: numeric.
    #[serde(rename = "interval.handling.mode")]
    pub intervals: Option<IntervalHandling>,
    /// How many digits behind the point `money` has. Left out: 2.
    #[serde(rename = "money.fraction.digits")]
    #[schemars(range(max = 37))]
    pub money_digits: Option<u8>,
    /// How hstore values arrive. Left out: json.
    #[serde(rename = "hstore.handling.mode")]
    pub hstore: Option<HstoreHandling>,
    /// How names of fields are made of names of columns. Left out: none.
    #[serde(rename = "field.name.adjustment.mode")]
    pub field_names: Option<FieldNameAdjustment>,
    /// What stands for an unchanged large value of PostgreSQL. Left out:
    /// `__debezium_unavailable_value`.
    #[serde(rename = "unavailable.value.placeholder")]
    #[schemars(length(min = 1, max = 1000))]
    pub unavailable: Option<String>,
}

/// `decimal.handling.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecimalHandling {
    /// Base64 of the unscaled number (the connectors' default).
    Precise,
    /// Decimal text.
    String,
    /// A floating-point number.
    Double,
}

/// `time.precision.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimePrecision {
    /// Milliseconds, or microseconds where the column has more than three digits.
    Adaptive,
    /// Timestamps as with adaptive, times of day in microseconds.
    AdaptiveTimeMicroseconds,
    /// Milliseconds.
    Connect,
    /// ISO 8601 text.
    Isostring,
    /// Microseconds.
    Microseconds,
    /// Nanoseconds.
    Nanoseconds,
}

/// `binary.handling.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BinaryHandling {
    /// Bytes, which JsonConverter writes as base64 (the connectors' default).
    Bytes,
    /// Base64 text.
    Base64,
    /// Base64 text with the URL-safe alphabet.
    Base64UrlSafe,
    /// Hexadecimal text.
    Hex,
}

/// `bigint.unsigned.handling.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnsignedHandling {
    /// A signed 64-bit number (the connectors' default).
    Long,
    /// A decimal.
    Precise,
}

/// `interval.handling.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IntervalHandling {
    /// Microseconds, a month counted as 30.4375 days (the connector's default).
    Numeric,
    /// ISO 8601 text.
    String,
}

/// `hstore.handling.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HstoreHandling {
    /// JSON text (the connector's default).
    Json,
    /// An object.
    Map,
}

/// `field.name.adjustment.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldNameAdjustment {
    /// Names stay.
    None,
    /// Characters that Avro does not allow become underscores.
    Avro,
    /// Characters that Avro does not allow become `_uXXXX`.
    AvroUnicode,
}

/// The source database's connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Connector {
    /// MySQL, Aurora MySQL.
    Mysql,
    /// MariaDB.
    Mariadb,
    /// PostgreSQL, Aurora PostgreSQL.
    Postgresql,
}

/// Where the columns of the tables come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColumnSource {
    /// The first of declared, schema_changes, dump, events that knows the table.
    #[default]
    Auto,
    /// The schema inside the events (JsonConverter with schemas.enable=true).
    Events,
    /// Debezium's schema-change topic (MySQL and MariaDB).
    SchemaChanges,
    /// The files named in `dump`.
    Dump,
    /// `columns.declare` of the table's own entry.
    Declared,
}

/// One text or a list of texts.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    /// One.
    One(#[schemars(length(min = 1))] String),
    /// Several.
    Many(#[schemars(length(min = 1))] Vec<Name>),
}

impl OneOrMany {
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::One(one) => std::slice::from_ref(one).iter().map(String::as_str).collect(),
            Self::Many(many) => many.iter().map(|name| name.0.as_str()).collect::<Vec<_>>(),
        }
        .into_iter()
    }
}

/// A text that is not empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(super) struct Name(#[schemars(length(min = 1))] pub(super) String);

/// How Redshift and the lag monitor reach Kafka. Exactly one of `cluster_arn` and `brokers`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Kafka {
    /// The ARN of the Amazon MSK cluster; its brokers are asked for.
    #[serde(default)]
    #[schemars(regex(pattern = r"^arn:"))]
    pub(super) cluster_arn: Option<String>,
    /// Bootstrap brokers of any other Kafka cluster, each `host:port`.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub(super) brokers: Option<Vec<Broker>>,
    /// How clients log in.
    #[serde(default)]
    pub(super) authentication: Authentication,
    /// The ARN of the certificate in AWS Certificate Manager that Redshift presents (mtls).
    #[serde(default)]
    #[schemars(regex(pattern = r"^arn:"))]
    pub(super) authentication_arn: Option<String>,
    /// The ARN of the secret with the certificate that Redshift presents (mtls).
    #[serde(default)]
    #[schemars(regex(pattern = r"^arn:"))]
    pub(super) secret_arn: Option<String>,
}

/// A broker's `host:port`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(super) struct Broker(#[schemars(regex(pattern = r"^[^\s:,]+:[0-9]{1,5}$"))] pub(super) String);

/// How clients of Kafka log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Authentication {
    /// No login.
    None,
    /// AWS IAM, as Amazon MSK offers it.
    #[default]
    Iam,
    /// Client certificates.
    Mtls,
}

/// Names and users in the warehouse. All names become lower case.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Warehouse {
    /// The schema of catalog, watermarks, quarantine, merge log and procedures.
    #[schemars(length(min = 1, max = 127))]
    pub(super) control_schema: String,
    /// The schema of the landing views.
    #[schemars(length(min = 1, max = 127))]
    pub(super) landing_schema: String,
    /// The external schema that maps the Kafka cluster.
    #[schemars(length(min = 1, max = 127))]
    pub(super) external_schema: String,
    /// The schema of the target tables. When left out: the source's database (MySQL, MariaDB)
    /// or schema (PostgreSQL), the first part of the topic's name behind the prefix.
    #[schemars(length(min = 1, max = 127))]
    pub(super) target_schema: Option<String>,
    /// The IAM role that Redshift uses to read Kafka: `default` or an ARN.
    #[schemars(regex(pattern = r"^(default|arn:.+)$"))]
    pub(super) iam_role: String,
    /// The database users of the functions, to be granted what they need.
    pub(super) users: Users,
    /// Who may read the target tables and the unions over them: roles by name, or `role:NAME`,
    /// `group:NAME`, `user:NAME`.
    pub(super) readers: Vec<Name>,
}

impl Default for Warehouse {
    fn default() -> Self {
        Self {
            control_schema: "cdc".to_owned(),
            landing_schema: "cdc_landing".to_owned(),
            external_schema: "cdc_kafka".to_owned(),
            target_schema: None,
            iam_role: "default".to_owned(),
            users: Users::default(),
            readers: Vec::new(),
        }
    }
}

/// The database users of the functions, such as `IAMR:change-handler-role` for an IAM role.
/// A function without a user gets no grants.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Users {
    /// The change handler's user.
    #[schemars(length(min = 1, max = 127))]
    pub change_handler: Option<String>,
    /// The refresher's user.
    #[schemars(length(min = 1, max = 127))]
    pub refresher: Option<String>,
    /// The lag monitor's user.
    #[schemars(length(min = 1, max = 127))]
    pub lag_monitor: Option<String>,
}

/// Settings of every table that its own entry does not state.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Defaults {
    /// Whether Redshift refreshes the landing views by itself, apart from the refreshes that
    /// events and the schedule cause.
    pub(super) auto_refresh: bool,
    /// What to do with a column whose values cannot be carried over exactly.
    pub(super) on_unsupported_column: OnUnsupportedColumn,
    /// What the tables' changes become. Another mode takes effect with the next `apply`, as long as
    /// the landing view still holds the whole log of the table; the former target table is kept.
    pub(super) mode: Mode,
    /// What to do with a table without a key.
    pub(super) keyless: Keyless,
    /// What becomes of a value that its column cannot hold.
    pub(super) on_unfit_value: OnUnfitValue,
    /// What to do when a source table changes: one policy for all kinds of change, or one for
    /// each.
    pub(super) on_schema_change: Option<StatedPolicies>,
    /// The freshness that is promised, in seconds: lag-monitor calls a table behind whose oldest
    /// unmerged record is older. Left out: the function's own setting `BEHIND_AFTER_MS`.
    #[schemars(range(min = 1, max = 86_400))]
    pub(super) freshness_seconds: Option<u32>,
    /// The size in bytes of a text column whose length the source does not tell (TEXT, JSON,
    /// or an event schema without lengths). A longer value goes to quarantine. Redshift stores
    /// what a value needs, whatever the limit is; a smaller limit saves memory in queries.
    #[schemars(range(min = 1, max = 65_535))]
    pub(super) unsized_text_bytes: u32,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            auto_refresh: false,
            on_unsupported_column: OnUnsupportedColumn::default(),
            mode: Mode::default(),
            keyless: Keyless::default(),
            on_unfit_value: OnUnfitValue::default(),
            on_schema_change: None,
            freshness_seconds: None,
            unsized_text_bytes: crate::catalog::VARCHAR_MAX_BYTES,
        }
    }
}

/// What to do with a column whose values cannot be carried over exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnUnsupportedColumn {
    /// Refuse to provision the table until the column is excluded.
    #[default]
    Error,
    /// Leave the column out and report it.
    Exclude,
}

/// What to do with a table without a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Keyless {
    /// The target has the rows that the source has. They are counted: a change or a delete takes
    /// one of the rows that look like the former row away. Needs whole rows in the events
    /// (`binlog_row_image=FULL`, `REPLICA IDENTITY FULL`); with another mode than `current` the
    /// table waits.
    #[default]
    Count,
    /// Its events are appended one by one, as in the mode of that name.
    Append,
    /// The table waits until a key is declared; `plan` says so. Its records stay in Kafka.
    Wait,
    /// Refuse to provision the table until a key is declared.
    Error,
}

/// One table, or all tables of a pattern. Settings that are left out come from earlier
/// matching patterns, then from `defaults`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TableEntry {
    /// The topic's name, or a pattern: `*` stands for any text without a dot, `**` for any
    /// text at all. Names are compared exactly, upper and lower case differ.
    #[schemars(length(min = 1, max = 249), regex(pattern = r"^[A-Za-z0-9._*-]+$"))]
    pub(super) topic: String,
    /// Topics, by name or pattern, that this entry's pattern does not mean.
    #[serde(default)]
    pub(super) exclude: Vec<TopicPattern>,
    /// The target table.
    #[serde(default)]
    pub(super) target: Option<Target>,
    /// The key's columns as the source spells them, instead of the source's own key. An empty
    /// list makes the table one without a key.
    #[serde(default)]
    pub(super) key: Option<Vec<Name>>,
    /// A view that shows all tables of this pattern as one: shards of one table.
    #[serde(default)]
    pub(super) union: Option<UnionView>,
    /// Which columns, under which names.
    #[serde(default)]
    pub(super) columns: Option<Columns>,
    /// Whether Redshift refreshes the landing view by itself.
    #[serde(default)]
    pub(super) auto_refresh: Option<bool>,
    /// What to do with a column whose values cannot be carried over exactly.
    #[serde(default)]
    pub(super) on_unsupported_column: Option<OnUnsupportedColumn>,
    /// What the table's changes become.
    #[serde(default)]
    pub(super) mode: Option<Mode>,
    /// What to do when the table has no key.
    #[serde(default)]
    pub(super) keyless: Option<Keyless>,
    /// What becomes of a value that its column cannot hold.
    #[serde(default)]
    pub(super) on_unfit_value: Option<OnUnfitValue>,
    /// What to do when the source table changes.
    #[serde(default)]
    pub(super) on_schema_change: Option<StatedPolicies>,
    /// The freshness that is promised for the table, in seconds.
    #[serde(default)]
    #[schemars(range(min = 1, max = 86_400))]
    pub(super) freshness_seconds: Option<u32>,
}

/// A topic's name or a pattern of such names.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(super) struct TopicPattern(
    #[schemars(length(min = 1, max = 249), regex(pattern = r"^[A-Za-z0-9._*-]+$"))] pub(super) String,
);

/// The target table's name.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Target {
    /// Its schema. Becomes lower case.
    #[serde(default)]
    #[schemars(length(min = 1, max = 127))]
    pub(super) schema: Option<String>,
    /// Its name, for an entry with an exact topic. Becomes lower case.
    #[serde(default)]
    #[schemars(length(min = 1, max = 127))]
    pub(super) table: Option<String>,
}

/// A view over all tables of a pattern. Its columns are theirs by name.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UnionView {
    /// Its schema. Becomes lower case.
    #[schemars(length(min = 1, max = 127))]
    pub(super) schema: String,
    /// Its name. Becomes lower case.
    #[schemars(length(min = 1, max = 127))]
    pub(super) table: String,
    /// The column that tells the source table, as `database.table`. Becomes lower case.
    #[serde(default = "shard")]
    #[schemars(length(min = 1, max = 127))]
    pub(super) column: String,
}

fn shard() -> String {
    "shard".to_owned()
}

/// Which columns, under which names. Names are the source's, in its own spelling.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Columns {
    /// Only these columns and the key's.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub(super) include: Option<Vec<Name>>,
    /// All columns but these.
    #[serde(default)]
    pub(super) exclude: Vec<Name>,
    /// The source's name to the name in the target table.
    #[serde(default)]
    pub(super) rename: BTreeMap<String, Name>,
    /// These columns' values are hashed: no reader of the target sees the clear ones, and equal values
    /// have equal hashes in all tables of the pipeline. Adds to what earlier matching patterns protect.
    #[serde(default)]
    pub(super) hash: Vec<Name>,
    /// The source's name to how the column's values are masked: no reader of the target sees the clear
    /// ones. Adds to what earlier matching patterns protect.
    #[serde(default)]
    pub(super) mask: BTreeMap<String, Mask>,
    /// The source's name to what becomes of a value that this column cannot hold.
    #[serde(default)]
    pub(super) on_unfit_value: BTreeMap<String, OnUnfitValue>,
    /// The table's columns, all of them, when they are declared by hand.
    #[serde(default)]
    pub(super) declare: Vec<DeclaredColumn>,
}

impl Columns {
    /// What takes the clear values of columns away.
    pub(super) fn protection(&self) -> impl Iterator<Item = (String, Protection)> {
        let hashed = self.hash.iter().map(|name| (name.0.clone(), Protection::Hash));
        let masked = |(name, mask): (&String, &Mask)| (name.clone(), Protection::Mask { keep_last: mask.keep_last });
        hashed.chain(self.mask.iter().map(masked))
    }
}

/// How a column's values are masked: four asterisks, whatever a value's length.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Mask {
    /// So many characters at the end of a value stay; a value that has no more is masked whole.
    #[serde(default)]
    #[schemars(range(min = 0, max = 64))]
    pub(super) keep_last: u32,
}

/// A column declared by hand.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclaredColumn {
    /// The field's name in the events, in the source's spelling.
    #[schemars(length(min = 1))]
    pub name: String,
    /// The source's own type as in `CREATE TABLE`, such as `decimal(12,2)` or
    /// `bigint unsigned`; `source.connector` says whose.
    #[serde(rename = "type")]
    #[schemars(length(min = 1))]
    pub source_type: String,
    /// Whether the source allows null.
    #[serde(default = "nullable")]
    pub nullable: bool,
}

fn nullable() -> bool {
    true
}
