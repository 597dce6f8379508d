//! What the warehouse has.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::TableId;
use crate::sql::rights::Right;

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
    /// What others have put on targets. Only asked for where it matters ([`replacing`](super::replacing));
    /// the rights on single columns are with the columns.
    pub attached: BTreeMap<TableId, Attached>,
    /// (object kind, object name) -> fingerprint of the newest catalog entry.
    pub catalog: BTreeMap<(String, String), String>,
    /// How many versions of their definition tables have had that were taken in. One may come back.
    pub versions: BTreeMap<TableId, i64>,
}

/// Entries in quarantine that say of a table that rows went without an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostRows {
    /// How many there are.
    pub entries: i64,
    /// When the first was written (UTC).
    pub first_at: String,
}

/// What others have put on a target, as far as the provisioner sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attached {
    /// Rights on the whole table.
    pub rights: Vec<Right>,
    /// Rights that cannot be given anew, for people.
    pub other_rights: Vec<String>,
    /// Whether these, and those with the columns, are all that there are.
    pub sees_rights: bool,
    /// Views that depend on the table.
    pub views: Vec<DependentView>,
    /// Row-level security and masking policies on it, for people.
    pub policies: Vec<String>,
    /// Whether these are all that there are.
    pub sees_policies: bool,
    /// The database user that was asking. Empty if that is not known.
    pub user: String,
}

/// A view that depends on a target: none that was made WITH NO SCHEMA BINDING.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DependentView {
    /// `schema.name`.
    pub view: String,
    /// The target's column that it reads. None: nobody can tell which.
    pub column: Option<String>,
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
    /// Rights on this column alone. Only asked for where it matters, like [`Observed::attached`].
    pub rights: Vec<Right>,
}
