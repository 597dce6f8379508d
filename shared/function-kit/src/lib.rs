//! The edge: what every function's `main` needs and nothing else.
//!
//! This is the only crate that reads the environment, the wall clock and files, and that loads
//! the AWS configuration. Everything below it gets values.

pub mod aws;
pub mod clock;
pub mod diagnostic;
pub mod pipeline_file;
pub mod settings;
pub mod telemetry;
