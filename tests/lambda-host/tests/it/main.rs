//! The host against real counterparts: a function built with `lambda_runtime`, the MSK client of the AWS SDK, a
//! Kafka broker.

mod function;
mod http_client;
mod invoke_api;
mod kafka;
mod msk;
