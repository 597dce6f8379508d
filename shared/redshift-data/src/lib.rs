//! The warehouse: the port through which the functions speak to Amazon Redshift, its
//! implementation on the Redshift Data API, and one synchronisation on top of it.
//!
//! This is the only crate that names the Redshift Data SDK. It renders no SQL and knows no
//! record: text comes from `cdc_core::sql`, and what a synchronisation means for single records
//! is the change handler's business.

mod classify;
mod data_api;
mod error;
mod pacing;
mod port;
mod result_set;
pub mod synchronise;

// Not behind a feature: one set of features for the functions, the local stack and the tests
// means that everything is compiled once. What a function does not call, the linker leaves out.
pub mod fake;

pub use classify::{SqlFailure, redact, sql_kind};
pub use data_api::{Connection, DataApi, Endpoint};
pub use error::{ReadError, WarehouseError};
pub use port::{
    ClientToken, Deadline, Executed, MAX_BATCH_STATEMENTS, Parameter, Progress, Settled, StatementId, StatementOutcome,
    Status, Submission, Warehouse, execute, query,
};
pub use result_set::{Cell, ResultSet, Row};
