//! The host against real counterparts: a function built with `lambda_runtime`, the MSK client of the AWS SDK, a
//! Kafka broker.

mod function;
mod invoke_api;
mod kafka;
mod msk;
