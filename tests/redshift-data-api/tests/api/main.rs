//! The served Data API, seen by the AWS SDK for Rust and by raw HTTP, over a scripted engine.

mod batches;
mod catalog;
mod fake;
mod faults;
mod limits;
mod listing;
mod protocol;
mod results;
mod sessions;
mod statements;
mod support;
mod tokens;
mod validation;
