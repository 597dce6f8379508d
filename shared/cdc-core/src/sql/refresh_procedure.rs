//! The procedure that refreshes a landing view.
//!
//! Only the owner of a materialized view may refresh it (Redshift Database Developer Guide,
//! `REFRESH MATERIALIZED VIEW`). The functions log in as other database users, so the refresh
//! is wrapped in a procedure that runs with its owner's rights.

use super::layout::Layout;
use crate::catalog::TableSpec;

/// `CREATE OR REPLACE PROCEDURE sp_refresh_…()`.
#[must_use]
pub fn create(layout: &Layout, spec: &TableSpec) -> String {
    format!(
        "CREATE OR REPLACE PROCEDURE {procedure}()\n\
         AS $procedure$\n\
         -- Purpose: make the landing view catch up with its topic, for callers that do not own it.\n\
         -- Writes:  the landing view only. Safe to repeat: a refresh with nothing new changes nothing.\n\
         -- By hand: CALL {procedure}();\n\
         BEGIN\n\
         \x20   EXECUTE 'REFRESH MATERIALIZED VIEW {view}';\n\
         END;\n\
         $procedure$ LANGUAGE plpgsql SECURITY DEFINER",
        procedure = layout.refresh_procedure(spec),
        view = layout.landing_view(spec),
    )
}
