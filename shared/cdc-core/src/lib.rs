//! The pure core of redshift-cdc: records, change events, the pipeline file, plans and SQL text.
//!
//! This crate knows no async runtime, no AWS, no clock, no environment and no files; time and
//! file contents are arguments. Everything it decides can be printed and tested as data.

pub mod catalog;
pub mod columns;
pub mod error;
pub mod event;
pub mod kafka;
pub mod lag;
pub mod pipeline;
pub mod plan;
pub mod sql;
pub mod watermark;
