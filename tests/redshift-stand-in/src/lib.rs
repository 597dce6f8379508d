//! A stand-in for Amazon Redshift: takes Redshift SQL, executes it on PostgreSQL.
//!
//! What for: tests and the local stack, behind the Data API server of `redshift-data-api`. What not:
//! parsing (that is `redshift-sql`) and the wire protocol. What Redshift refuses is refused, and what
//! this stand-in does not know is refused with a message that names it.
//!
//! Invariant: a statement means what Redshift's documentation says it means, or fails.
//!
//! Reading order: `engine` (logins), `session` (one statement), `procedure` (the interpreter),
//! `streaming` (materialized views over topics), `catalog` (what exists), `postgres` (the server below).

mod catalog;
mod clock;
mod conflicts;
mod engine;
mod error;
mod files;
mod history;
mod postgres;
mod procedure;
mod protection;
mod session;
mod stand_in;
mod streaming;
mod value;

pub use postgres::{Origin, PostgresError, PostgresSource};
pub use stand_in::{Options, StandIn, StandInError};
