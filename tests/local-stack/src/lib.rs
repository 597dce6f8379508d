//! The whole system on one machine: a Kafka broker, the Lambda side, the Redshift stand-in and
//! the real function binaries between them.
//!
//! Production code knows nothing of it: endpoints, credentials and settings are all that
//! differs. What the stand-in cannot prove is listed in its own README.

mod alarm;
pub mod binaries;
pub mod compare;
pub mod demo;
pub mod deployed;
pub mod dump;
pub mod producer;
pub mod recording;
pub mod reduce;
pub mod replay;
pub mod report;
pub mod sql;
pub mod stack;
pub mod truth;
pub mod up;
pub mod warehouse;
