//! The procedure that refreshes a landing view.
//!
//! Only the owner of a materialized view may refresh it (Redshift Database Developer Guide,
//! `REFRESH MATERIALIZED VIEW`). The functions log in as other database users, so the refresh
//! is wrapped in a procedure that runs with its owner's rights.

use super::layout::Layout;
use crate::catalog::TableSpec;

/// `CREATE OR REPLACE PROCEDURE sp_refresh_…()`.
///
/// With a schema-change topic its view is refreshed, too, and after the table's: Debezium writes
/// a schema change before the events that follow it, so that no event of a new definition has
/// landed without the change that explains it.
#[must_use]
pub fn create(layout: &Layout, spec: &TableSpec, with_schema_changes: bool) -> String {
    let schema_changes = if with_schema_changes {
        format!("    EXECUTE 'REFRESH MATERIALIZED VIEW {}';\n", layout.schema_changes_view())
    } else {
        String::new()
    };
    format!(
        "CREATE OR REPLACE PROCEDURE {procedure}()\n\
         AS $procedure$\n\
         -- Purpose: make the landing view catch up with its topic, for callers that do not own it.\n\
         -- Writes:  the landing view only. Safe to repeat: a refresh with nothing new changes nothing.\n\
         -- By hand: CALL {procedure}();\n\
         BEGIN\n\
         \x20   EXECUTE 'REFRESH MATERIALIZED VIEW {view}';\n\
         {schema_changes}\
         END;\n\
         $procedure$ LANGUAGE plpgsql SECURITY DEFINER",
        procedure = layout.refresh_procedure(spec),
        view = layout.landing_view(spec),
    )
}
