//! What the warehouse has.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::TableId;

/// What the warehouse has. Names are as the warehouse shows them.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// (schema, name) of tables and views in the pipeline's schemas.
    pub relations: BTreeSet<(String, String)>,
    /// Columns of each (schema, name), in order.
    pub columns: BTreeMap<(String, String), Vec<ObservedColumn>>,
    /// Names of external schemas.
    pub external_schemas: BTreeSet<String>,
    /// Names of database users.
    pub users: BTreeSet<String>,
    /// Names of roles.
    pub roles: BTreeSet<String>,
    /// Tables of which the landing view still has every record that was merged. Only asked for where
    /// it matters ([`switching`](super::switching)).
    pub whole_logs: BTreeSet<TableId>,
    /// Tables of which rows went without an event, since they were emptied last.
    pub lost_rows: BTreeMap<TableId, LostRows>,
    /// (object kind, object name) -> fingerprint of the newest catalog entry.
    pub catalog: BTreeMap<(String, String), String>,
}

/// Entries in quarantine that say of a table that rows went without an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostRows {
    /// How many there are.
    pub entries: i64,
    /// When the first was written (UTC).
    pub first_at: String,
}

/// A column as `SVV_COLUMNS` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedColumn {
    /// The column's name.
    pub name: String,
    /// `data_type`, e.g. `character varying`.
    pub data_type: String,
    /// Limit in bytes of a character column.
    pub length: Option<i64>,
    /// Digits of a decimal.
    pub precision: Option<i64>,
    /// Digits of a decimal behind the point.
    pub scale: Option<i64>,
}
