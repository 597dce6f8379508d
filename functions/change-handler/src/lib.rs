//! The change handler: a batch of Kafka records from an MSK event source mapping in, the
//! records that must be delivered again out.
//!
//! Redshift ingests the topics itself, through landing views. The batch is the signal for what
//! to merge, and the observation of what arrived. A record is reported as processed only when
//! the warehouse's watermark has passed it and no hole in what landed holds it, or when it is
//! by rule not ours (heartbeats, transaction records, schema changes, excluded topics).
//! Everything else fails, as single records or as the whole batch, depending on what the event
//! source mapping understands. Nothing is lost by failing: a repeated batch finds the watermark
//! where the first one left it.

mod gaps;
mod handler;
mod settings;
mod summary;

pub use handler::{Deps, HandlerError, handle};
pub use settings::{RESPONSE_MODE, ResponseMode, SETTINGS, Settings};

/// The function's name in statements, metrics and logs.
pub const FUNCTION: &str = "change-handler";
