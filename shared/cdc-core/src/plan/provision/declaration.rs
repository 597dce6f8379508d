//! What the pipeline file and the sources' columns ask for.

use std::collections::BTreeSet;

use super::Union;
use crate::catalog::{TableDefinition, TableId};
use crate::sql::external_schema::StreamSource;
use crate::sql::layout::Layout;

/// What the pipeline file and the sources' columns ask for.
#[derive(Debug, Clone)]
pub struct Declaration {
    /// The pipeline's schemas.
    pub layout: Layout,
    /// The Kafka cluster as Redshift reaches it.
    pub stream: StreamSource,
    /// Tables whose columns are known.
    pub tables: Vec<TableDefinition>,
    /// Tables that cannot be provisioned yet, with the reason and the next step.
    pub waiting: Vec<Waiting>,
    /// The database role that holds the functions' rights, and the functions' users.
    /// `None`: all functions are the same database user and need no grants.
    pub access: Option<Access>,
    /// Roles that may read the target tables.
    pub readers: Vec<String>,
    /// Tables whose pending changes somebody has accepted, whatever their policies say.
    pub accepted: BTreeSet<TableId>,
    /// Tables whose rows are taken for gone, because somebody said so: a snapshot follows.
    pub emptied: BTreeSet<TableId>,
    /// Views that show many tables as one.
    pub unions: Vec<Union>,
}

/// The functions' role and users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Name of the role.
    pub role: String,
    /// Database users of the functions, e.g. `IAMR:redshift-cdc-change-handler`.
    pub users: Vec<String>,
}

/// A declared table that has to wait, and what it waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The table's topic.
    pub topic: String,
    /// Why, with the next step.
    pub reason: String,
}
