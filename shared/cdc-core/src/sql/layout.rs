//! Where the generated objects of a pipeline live: schema and name of each.

use super::ident::{qualified, quoted};
use crate::catalog::TableSpec;

/// The schemas of one pipeline in the warehouse. Several pipelines may share a warehouse if
/// their schemas differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Holds catalog, watermarks, quarantine, merge log, procedures and functions.
    pub control_schema: String,
    /// Holds the landing views.
    pub landing_schema: String,
    /// Redshift's mapping to the Kafka cluster.
    pub external_schema: String,
}

/// The catalog of applied objects.
pub const CATALOG: &str = "catalog";
/// Records and values that could not be merged. Insert-only.
pub const QUARANTINE: &str = "quarantine";
/// One row per merged partition range. Insert-only.
pub const MERGE_LOG: &str = "merge_log";
/// Offsets that were passed without having landed. Insert-only.
pub const GAPS: &str = "gaps";
/// Records that wait for the provisioner to take in a schema change. Insert-only.
pub const HOLDS: &str = "holds";
/// What the definitions of the targets were learned from.
pub const DEFINITIONS: &str = "definitions";
/// The one-row table of the key with which values are hashed. Nobody but its owner reads it.
pub const HASH_KEY: &str = "hash_key";
/// Truncations of source tables: older changes of such a table are left out.
pub const TRUNCATIONS: &str = "truncations";
/// The landing view of the schema-change topic. No table's landing view begins with an
/// underscore.
pub const SCHEMA_CHANGES: &str = "_schema_changes";
/// The one-row table by which a merge procedure learns whether its session is set up.
pub const SETTINGS_PROBE: &str = "settings_probe";
/// The union of all watermark tables.
pub const WATERMARKS: &str = "watermarks";

impl Layout {
    /// An object of the control schema, quoted and qualified.
    #[must_use]
    pub fn control(&self, name: &str) -> String {
        qualified(&self.control_schema, name)
    }

    /// The landing view: what Kafka delivered, raw.
    #[must_use]
    pub fn landing_view(&self, spec: &TableSpec) -> String {
        qualified(&self.landing_schema, &spec.slug)
    }

    /// The landing view of the schema-change topic.
    #[must_use]
    pub fn schema_changes_view(&self) -> String {
        qualified(&self.landing_schema, SCHEMA_CHANGES)
    }

    /// The ordinary view over the landing view that parses the payload for people.
    #[must_use]
    pub fn events_view(&self, spec: &TableSpec) -> String {
        qualified(&self.landing_schema, &format!("{}_events", spec.slug))
    }

    /// The stream relation that a landing view reads.
    #[must_use]
    pub fn stream(&self, spec: &TableSpec) -> String {
        qualified(&self.external_schema, &spec.topic)
    }

    /// The table that readers query.
    #[must_use]
    pub fn target_table(&self, spec: &TableSpec) -> String {
        qualified(&spec.target_schema, &spec.target_table)
    }

    /// The table's own watermark table, which is also its lock.
    #[must_use]
    pub fn watermark_table(&self, spec: &TableSpec) -> String {
        self.control(&format!("watermark_{}", spec.slug))
    }

    /// Keys of deleted rows with the source position of their deletion.
    #[must_use]
    pub fn ledger_table(&self, spec: &TableSpec) -> String {
        self.control(&format!("ledger_{}", spec.slug))
    }

    /// The procedure that refreshes the landing view for callers that do not own it.
    #[must_use]
    pub fn refresh_procedure(&self, spec: &TableSpec) -> String {
        self.control(&format!("sp_refresh_{}", spec.slug))
    }

    /// The procedure that folds landed records into the target table.
    #[must_use]
    pub fn merge_procedure(&self, spec: &TableSpec) -> String {
        self.control(&format!("sp_merge_{}", spec.slug))
    }

    /// A scalar function of the control schema.
    #[must_use]
    pub fn function(&self, name: &str) -> String {
        self.control(name)
    }

    /// A temporary table of one merge; temporary tables have no schema.
    #[must_use]
    pub fn staging_table(spec: &TableSpec, stage: &str) -> String {
        quoted(&format!("cdc_{stage}_{}", spec.slug))
    }
}
