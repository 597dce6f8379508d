//! Lag: how far each table is behind its topic, at which stage, and what to do about it.
//!
//! Trigger: a schedule, or anybody who wants to know; the event does not matter. Promise: a
//! number is published only if it is known, and "no rows" is never taken for healthy. Failure:
//! without Kafka the function fails; without the warehouse its answer is `unknown`.

mod assess;
mod handler;
pub mod metrics;
mod questions;
mod report;
pub mod settings;
mod start;

pub use assess::{Condition, PartitionReport, State, TableReport, Thresholds};
pub use handler::{Deps, LagError, Memory, handle};
pub use report::{Answer, Checked};
pub use start::{Started, invoke, start};
