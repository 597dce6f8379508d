//! The refresher: synchronises every table that has something pending, whether or not events
//! arrived. By schedule for all tables, by direct invocation for named ones.
//!
//! Idle costs nothing: Kafka's end offsets are compared with what was covered before, and with
//! nothing new no statement is sent, apart from a sweep over all tables at least once a day.
//! What a process remembers is an optimisation only; a new process begins with a sweep.

mod answer;
mod handler;
mod memory;
mod request;
mod settings;
mod tables;
mod unprovisioned;

pub use answer::{Answer, KafkaState, TableAnswer, TableState};
pub use handler::{Deps, HandlerError, handle};
pub use request::{Request, RequestError};
pub use settings::{SETTINGS, Settings};

/// The function's name in statements, metrics and logs.
pub const FUNCTION: &str = "refresher";
