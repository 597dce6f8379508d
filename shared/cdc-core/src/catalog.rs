//! The catalog: which tables the pipeline replicates, what they are called in the warehouse,
//! and how each of their columns is decoded.
//!
//! A [`TableSpec`] follows from the pipeline file and the topic's name alone; every function
//! can compute it without asking anybody. A [`TableDefinition`] adds the columns and the key,
//! which only provisioning needs. Nothing here does I/O.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

mod mode;
mod protection;

pub use mode::Mode;
pub use protection::{MASK, MASK_KEEPS_AT_MOST, Protection};

use crate::event::{LogPoint, SourcePosition};
use crate::pipeline::ChangePolicies;

/// One declared table: its topic, its names in the warehouse and its options.
///
/// All names are lower case: with Redshift's default settings even quoted identifiers fold to
/// lower case, and with `enable_case_sensitive_identifier` on, lower-case quoted names mean
/// the same (Redshift Database Developer Guide, "Names and identifiers").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSpec {
    /// The Kafka topic, exactly as Kafka spells it. One topic feeds one landing view.
    pub topic: String,
    /// The source table's own name, exactly as the source spells it: the topic's last segment.
    pub source_table: String,
    /// Unique within a pipeline; the stem of every generated object's name.
    pub slug: String,
    /// Schema of the target table.
    pub target_schema: String,
    /// Name of the target table.
    pub target_table: String,
    /// Whether Redshift refreshes the landing view by itself (`AUTO REFRESH YES`).
    /// Off by default: refreshes are then driven by events and by the schedule.
    pub auto_refresh: bool,
}

impl TableSpec {
    /// The text that names this table in control tables, logs, metrics and requests.
    #[must_use]
    pub fn id(&self) -> TableId {
        TableId(format!("{}.{}", self.target_schema, self.target_table))
    }
}

/// `schema.table` of the target, lower case: the table's name for people and for control tables.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableId(pub String);

impl fmt::Display for TableId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TableId {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A table with everything that provisioning needs to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDefinition {
    /// Names and options.
    pub spec: TableSpec,
    /// The columns in the source's order, excluded ones left out. Never empty.
    pub columns: Vec<Column>,
    /// Source names of the key columns, in key order. Empty for a table without a key, which
    /// only [`Mode::Append`] and [`Mode::Count`] can replicate.
    pub key: Vec<String>,
    /// What the table's changes become.
    pub mode: Mode,
    /// What stands in an event for a large value that did not change
    /// (`unavailable.value.placeholder` of the PostgreSQL connector).
    pub unavailable_value: String,
    /// How events are read that were written before the table's definition changed, oldest
    /// first. Empty if it never changed, or if nobody told.
    pub former: Vec<FormerVersion>,
    /// The attributes that row images of the present definition have; several sets if the table had
    /// other columns which make no difference. Empty if nobody tells.
    pub attributes: Vec<BTreeSet<String>>,
    /// The attributes that row images are known to have, columns that are left out and former
    /// names included. An event with another one waits until the provisioner has seen it. None:
    /// the columns were chosen by hand, and what else there is does not matter.
    pub known_attributes: Option<BTreeSet<String>>,
    /// The last schema change of the table that this definition takes into account. None: the
    /// schema-change topic is not what the definition comes from.
    pub schema_changes: Option<SchemaChangeMark>,
    /// The schemas that events carry and what version of the table each is. None: the events'
    /// schemas are not what the definition comes from.
    pub shapes: Option<Shapes>,
    /// The attributes of the records' keys; records with another key wait. None: the key is
    /// declared, and what the records' own is does not matter; or events tell what the key was.
    pub records_key: Option<BTreeSet<String>>,
    /// The record that the newest definition was learned from, as text: the control schema keeps it, for
    /// a later definition to be compared with ([`crate::columns::Knowledge::learn_recorded`]). None where
    /// nothing tells versions.
    pub learned_from: Option<String>,
    /// What is done when the source table changes.
    pub on_schema_change: ChangePolicies,
    /// Whether a record without a value is what deletes its key's row: events are flattened, and
    /// the transform leaves deletions out. Where no event was seen yet, the first such one waits.
    pub tombstones_delete: bool,
}

/// The schemas inside a table's events, as far as they are known. An event with another one
/// waits until the provisioner has seen it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shapes {
    /// Each known schema. The present definition's version is the number of former ones.
    pub known: Vec<Shape>,
    /// The attributes that count. None: all but `ignored`.
    pub only: Option<BTreeSet<String>>,
    /// Attributes that do not count, because their columns are left out.
    pub ignored: BTreeSet<String>,
    /// Where the newest schema was seen first, for people.
    pub place: String,
}

/// One schema inside events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// The version of the table that its events are of, counted as in [`TableDefinition::former`].
    pub version: usize,
    /// The row's attributes that count, each with its form: all of the schema that matters for
    /// how its values are read.
    pub forms: BTreeMap<String, String>,
}

impl Shape {
    /// What tells this schema from others in the control schema's catalog.
    #[must_use]
    pub fn id(&self) -> String {
        let forms: Vec<String> = self.forms.iter().map(|(name, form)| format!("{name}\0{form}")).collect();
        crate::plan::provision::fingerprint(&forms.join("\n"))
    }
}

/// A stretch of the source's log in which a table had another definition than now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerVersion {
    /// The schema change that ended it: events from there on are of the next version. None: its
    /// events are known by the schema that they carry ([`TableDefinition::shapes`]).
    pub until: Option<ChangePoint>,
    /// How each of the table's present columns is read from this version's events; parallel to
    /// [`TableDefinition::columns`].
    pub columns: Vec<FormerColumn>,
    /// As [`TableDefinition::attributes`].
    pub attributes: Vec<BTreeSet<String>>,
    /// The table was dropped at its end: its rows are none of the present table's.
    pub discarded: bool,
}

/// Where in the source's log a schema change is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangePoint {
    /// The place in the binary log, comparable with events of the same server.
    pub log: LogPoint,
    /// The change's own ordering token, comparable with those that target rows keep.
    pub position: Option<SourcePosition>,
    /// When the change was made in the source, in milliseconds since the epoch.
    pub source_ms: Option<i64>,
    /// When the connector read it, in milliseconds since the epoch.
    pub connector_ms: Option<i64>,
    /// When Kafka took the record, in milliseconds since the epoch: what counts for events of
    /// another server. Debezium writes a schema change before the events that follow it.
    pub kafka_timestamp_ms: Option<i64>,
}

/// A present column in the events of a former version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormerColumn {
    /// As it is now.
    Same,
    /// Under another name, or with another type or form.
    Other(Box<OtherColumn>),
    /// The same, and the source altered its values in a way that nobody can tell: those that are
    /// not NULL count as lost.
    Altered(Box<Column>),
    /// It did not exist.
    Absent {
        /// The value with which it was added, which is what rows of that time have in it: a
        /// literal as the database writes it. None: NULL.
        default: Option<String>,
        /// Whether another column had its name before.
        reuses_name: bool,
    },
    /// Nobody can tell: the value counts as lost.
    Unknown,
}

impl FormerColumn {
    /// A column that became the present one at once.
    #[must_use]
    pub fn other(was: Column) -> Self {
        Self::Other(Box::new(OtherColumn { was, then: Vec::new() }))
    }

    /// The column as events of its time have it. None if it is as it is now, was not there, or
    /// nobody can tell.
    #[must_use]
    pub fn was(&self) -> Option<&Column> {
        match self {
            Self::Other(other) => Some(&other.was),
            Self::Altered(was) => Some(was),
            Self::Same | Self::Absent { .. } | Self::Unknown => None,
        }
    }
}

/// A column that became another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherColumn {
    /// The column as events of its time have it.
    pub was: Column,
    /// What the source made of it on the way to the present column, oldest first, as far as it
    /// may have taken something of the values. The last may be the present column.
    pub then: Vec<Alteration>,
}

/// A change of a column's type that takes something of some values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alteration {
    /// The column since then.
    pub column: Column,
    /// What is left of the values, beside what its type says.
    pub limits: Limits,
}

/// What the source leaves of a value that enters a narrower column.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Limits {
    /// Digits of a second. Whether the others are rounded or cut off depends on the source's
    /// `sql_mode` at the time.
    pub second_digits: Option<u8>,
    /// Text is cut off behind so many characters.
    pub characters: Option<u32>,
    /// Text loses its trailing blanks.
    pub loses_blanks: bool,
    /// Numbers beyond are set to the nearest.
    pub range: Option<(i64, i64)>,
    /// Text that is none of these is not known.
    pub members: Option<Vec<String>>,
    /// Text that has a comma is not known: the members of a set were put into another order.
    pub is_single: bool,
}

/// The last record of the schema-change topic about one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaChangeMark {
    /// The topic.
    pub topic: String,
    /// The table as the topic's records name it, e.g. `"shop"."ITEM"` with its quotes.
    pub table: String,
    /// The partition; Debezium writes them all to one.
    pub partition: i32,
    /// The last record about the table.
    pub offset: i64,
    /// The place in the source's log of the last statement that is known. None: it is not told.
    pub position: Option<String>,
}

impl TableDefinition {
    /// The key's columns in key order.
    pub fn key_columns(&self) -> impl Iterator<Item = &Column> {
        self.key.iter().filter_map(|name| self.columns.iter().find(|column| column.source_name == *name))
    }

    /// The columns that are not part of the key, in the source's order.
    pub fn value_columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| !self.key.contains(&column.source_name))
    }

    /// Whether the place of an event in the source's log tells which version it is of.
    #[must_use]
    pub fn has_places(&self) -> bool {
        self.former.iter().any(|former| former.until.is_some())
    }

    /// Whether the place of an event in the source's log matters for how it is read.
    #[must_use]
    pub fn has_versions(&self) -> bool {
        self.has_places() || self.schema_changes.is_some()
    }

    /// Whether a change of a column's type is noticed before its events are read.
    #[must_use]
    pub fn tells_changes(&self) -> bool {
        self.schema_changes.is_some() || self.shapes.is_some()
    }

    /// Whether some column's values are hashed.
    #[must_use]
    pub fn hashes(&self) -> bool {
        self.columns.iter().any(|column| column.protection == Protection::Hash)
    }

    /// Whether the column of this source name is part of the key.
    #[must_use]
    pub fn is_key(&self, source_name: &str) -> bool {
        self.key.iter().any(|name| name == source_name)
    }
}

/// One column of a target table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The field's name in the change events, exactly as the source spells it.
    pub source_name: String,
    /// The column's name in the target table, lower case.
    pub target_name: String,
    /// The type of its clear values: the target column's, unless the column is protected.
    pub target_type: RedshiftType,
    /// How the event's JSON value becomes a value of `target_type`.
    pub decoding: Decoding,
    /// Whether the source allows null. Target columns other than keys are always nullable,
    /// since Redshift cannot drop a NOT NULL constraint.
    pub nullable: bool,
    /// The source's own type, for people: `decimal(12,2)`, `io.debezium.time.Date`.
    pub source_type: String,
    /// What becomes of a value that the column cannot hold.
    pub on_unfit_value: OnUnfitValue,
    /// What takes the clear values away.
    pub protection: Protection,
}

impl Column {
    /// The target column's type.
    #[must_use]
    pub fn stored_type(&self) -> RedshiftType {
        self.protection.stored_type(self.target_type)
    }
}

/// What becomes of a value that its column cannot hold: text that is too long, a time outside a
/// day, an infinite date, a decimal of more digits. In the key, such a record always goes to
/// quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnUnfitValue {
    /// The row is merged with NULL, and the record put into quarantine with the column's name.
    #[default]
    Quarantine,
    /// Text is cut to the column's size on a character's boundary and counted in the merge log.
    /// Whatever else does not fit goes to quarantine.
    Truncate,
    /// The row is merged with NULL, and the value counted in the merge log.
    Null,
}

/// A Redshift column type, with the limits of the Redshift Database Developer Guide, "Data types".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedshiftType {
    /// 16-bit integer.
    SmallInt,
    /// 32-bit integer.
    Integer,
    /// 64-bit integer.
    BigInt,
    /// Exact number; `precision` at most 38, `scale` at most `precision`.
    Decimal {
        /// Digits in all.
        precision: u8,
        /// Digits behind the point.
        scale: u8,
    },
    /// 32-bit floating point.
    Real,
    /// 64-bit floating point.
    DoublePrecision,
    /// True, false or null.
    Boolean,
    /// Text of at most `bytes` bytes of UTF-8 (not characters), 1 to 65,535.
    Varchar {
        /// The limit in bytes.
        bytes: u32,
    },
    /// Calendar date.
    Date,
    /// Time of day, microseconds.
    Time,
    /// Local date and time, microseconds.
    Timestamp,
    /// Instant, microseconds, kept in UTC.
    TimestampTz,
    /// Binary value of at most `bytes` bytes, 1 to 16,777,216.
    Varbyte {
        /// The limit in bytes.
        bytes: u32,
    },
    /// Semistructured value: arrays and objects.
    Super,
}

/// The largest VARCHAR that Redshift stores, in bytes.
pub const VARCHAR_MAX_BYTES: u32 = 65_535;

/// The size of a VARBYTE whose length the source does not tell, in bytes. A value comes as text
/// inside a SUPER value, whose strings have 65,535 bytes.
pub const VARBYTE_UNSIZED_BYTES: u32 = 65_535;

/// The largest precision of a Redshift DECIMAL.
pub const DECIMAL_MAX_PRECISION: u8 = 38;

/// The largest scale of a Redshift DECIMAL ("Numeric types").
pub const DECIMAL_MAX_SCALE: u8 = 37;

impl fmt::Display for RedshiftType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SmallInt => formatter.write_str("SMALLINT"),
            Self::Integer => formatter.write_str("INTEGER"),
            Self::BigInt => formatter.write_str("BIGINT"),
            Self::Decimal { precision, scale } => write!(formatter, "DECIMAL({precision},{scale})"),
            Self::Real => formatter.write_str("REAL"),
            Self::DoublePrecision => formatter.write_str("DOUBLE PRECISION"),
            Self::Boolean => formatter.write_str("BOOLEAN"),
            Self::Varchar { bytes } => write!(formatter, "VARCHAR({bytes})"),
            Self::Date => formatter.write_str("DATE"),
            Self::Time => formatter.write_str("TIME"),
            Self::Timestamp => formatter.write_str("TIMESTAMP"),
            Self::TimestampTz => formatter.write_str("TIMESTAMPTZ"),
            Self::Varbyte { bytes } => write!(formatter, "VARBYTE({bytes})"),
            Self::Super => formatter.write_str("SUPER"),
        }
    }
}

/// How a column's JSON value in a change event becomes a value in the warehouse.
///
/// Sources: Debezium documentation, "Data type mappings" and "Temporal types" of the MySQL,
/// MariaDB and PostgreSQL connectors; Kafka Connect's JsonConverter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decoding {
    /// A JSON number without a fraction (int8 to int64), Debezium's Year, or the number of
    /// microseconds of a MicroDuration.
    Integer,
    /// A MySQL BIGINT UNSIGNED in `bigint.unsigned.handling.mode=long`: values beyond 2^63-1
    /// arrive as negative numbers. The target is DECIMAL(20,0).
    UnsignedBigInt,
    /// A JSON number for REAL or DOUBLE PRECISION, or one of the texts NaN, Infinity, -Infinity.
    Float,
    /// A JSON boolean.
    Boolean,
    /// A JSON string, taken as it is. Also sets, PostgreSQL's enums, JSON documents, UUIDs and XML.
    Text,
    /// A value of an enum of MySQL or MariaDB. A snapshot reads it; the stream takes it from the
    /// table's definition, where the connector has written a backslash in front of a comma, and
    /// where a backslash is two.
    Label,
    /// Kafka Connect's Decimal: by default base64 of the unscaled value as a big-endian two's
    /// complement number, whose scale is only in the schema; with the converter's
    /// `decimal.format=NUMERIC` a JSON number.
    DecimalBase64 {
        /// Digits behind the point, from the schema.
        scale: u8,
    },
    /// A decimal as JSON text or number (`decimal.handling.mode=string`).
    DecimalText,
    /// A decimal of which nothing tells whether it arrives as base64 or as text. Its form
    /// decides; text of digits only that could be either is not read.
    DecimalAny {
        /// Digits behind the point, from the source's type.
        scale: u8,
    },
    /// Debezium's VariableScaleDecimal, a structure of scale and base64, as decimal text of at
    /// most 38 digits without those zeros that the scale adds.
    DecimalVariable,
    /// Days since 1970-01-01 (`io.debezium.time.Date`, Connect `Date`).
    DateDays,
    /// ISO 8601 text with an offset (`io.debezium.time.IsoDate`).
    DateIso,
    /// Milliseconds past midnight (`io.debezium.time.Time`, Connect `Time`).
    TimeMillis,
    /// Microseconds past midnight (`io.debezium.time.MicroTime`). MySQL's range is wider than a
    /// day; what lies outside does not fit.
    TimeMicros,
    /// Nanoseconds past midnight (`io.debezium.time.NanoTime`). Only whole microseconds fit.
    TimeNanos,
    /// ISO 8601 text with an offset (`io.debezium.time.IsoTime`).
    TimeIso,
    /// Milliseconds since the epoch, no time zone (`io.debezium.time.Timestamp`, Connect `Timestamp`).
    TimestampMillis,
    /// Microseconds since the epoch, no time zone (`io.debezium.time.MicroTimestamp`).
    TimestampMicros,
    /// Nanoseconds since the epoch, no time zone (`io.debezium.time.NanoTimestamp`). Only whole
    /// microseconds fit.
    TimestampNanos,
    /// ISO 8601 text in UTC for a TIMESTAMP (`io.debezium.time.IsoTimestamp`).
    TimestampIso,
    /// ISO 8601 text with an offset (`io.debezium.time.ZonedTimestamp`).
    ZonedTimestamp,
    /// Lower or upper case hexadecimal text for a VARBYTE (`binary.handling.mode=hex`).
    BytesHex,
    /// Base64 for a VARBYTE, with the standard or the URL-safe alphabet.
    BytesBase64,
    /// Binary of which nothing tells whether it arrives as base64 or as hexadecimal text. Its
    /// form decides; short text that could be either is not read.
    BytesAny,
    /// Base64 of a number of several bits, lowest byte first (`io.debezium.data.Bits`), as text
    /// of binary digits, highest first.
    Bits {
        /// The number of digits.
        length: u16,
    },
    /// A structure of WKB in base64 and SRID (`io.debezium.data.geometry`), as text `SRID=n;`
    /// (where there is an SRID) and hexadecimal WKB.
    Geometry,
    /// An array or object as it is, for SUPER.
    Super,
    /// An array for SUPER whose elements are decoded one by one.
    Array(Element),
}

impl Decoding {
    /// Whether a value means another with another scale or unit, and does not show it.
    #[must_use]
    pub fn has_hidden_form(self) -> bool {
        self.has_unit() || matches!(self, Self::DecimalBase64 { .. } | Self::DecimalAny { .. } | Self::Bits { .. })
    }

    /// Whether a number's unit is not to be seen in the number: a wrong one gives another time.
    #[must_use]
    pub fn has_unit(self) -> bool {
        matches!(
            self,
            Self::TimeMillis
                | Self::TimeMicros
                | Self::TimeNanos
                | Self::TimestampMillis
                | Self::TimestampMicros
                | Self::TimestampNanos
        )
    }
}

/// The elements of an array that are not readable as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Element {
    /// As [`Decoding::DecimalBase64`]; becomes a number.
    DecimalBase64 {
        /// Digits behind the point, from the schema.
        scale: u8,
    },
    /// As [`Decoding::DecimalAny`]; becomes a number.
    DecimalAny {
        /// Digits in all.
        precision: u8,
        /// Digits behind the point.
        scale: u8,
    },
    /// As [`Decoding::DecimalVariable`]; becomes decimal text.
    DecimalVariable,
    /// As [`Decoding::DateDays`]; becomes text, like the others below.
    DateDays,
    /// As [`Decoding::DateIso`].
    DateIso,
    /// As [`Decoding::TimeMillis`].
    TimeMillis,
    /// As [`Decoding::TimeMicros`].
    TimeMicros,
    /// As [`Decoding::TimeNanos`].
    TimeNanos,
    /// As [`Decoding::TimeIso`].
    TimeIso,
    /// As [`Decoding::TimestampMillis`].
    TimestampMillis,
    /// As [`Decoding::TimestampMicros`].
    TimestampMicros,
    /// As [`Decoding::TimestampNanos`].
    TimestampNanos,
    /// As [`Decoding::TimestampIso`].
    TimestampIso,
    /// Base64 or its URL-safe form; becomes hexadecimal text.
    BytesBase64,
}
