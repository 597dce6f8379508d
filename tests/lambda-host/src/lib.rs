//! The Lambda side of the local stack: what AWS does around the deployed function binaries.
//!
//! * [`Function`] starts a function's real binary, speaks the Lambda Runtime API with it, keeps warm processes.
//! * [`event_source_mapping`] polls one Kafka topic and calls a function as an MSK event source mapping does.
//! * [`Schedule`] calls a function at a rate, in the place of EventBridge Scheduler.
//! * [`InvokeFront`] is Lambda's Invoke API, so that the AWS CLI can call the functions.
//! * [`MskControlPlane`] answers the MSK control-plane calls that the functions make.
//!
//! Nothing in here knows what the functions do. No environment variable is read, and a function's process
//! inherits none.

mod clock;
mod environment;
pub mod event_source_mapping;
mod function;
mod http;
mod invoke_front;
mod invoker;
mod log;
mod msk_control_plane;
mod runtime_api;
mod schedule;

pub use function::{Credentials, Function, FunctionConfig};
pub use invoke_front::InvokeFront;
pub use invoker::{
    FunctionError, HostError, InvokeOutcome, Invoker, MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES, invoker_fn,
};
pub use log::{LogCallback, LogLine, LogStream};
pub use msk_control_plane::{Cluster, MskControlPlane};
pub use schedule::{FirstRun, RetryPolicy, Schedule, ScheduleConfig, ScheduleSnapshot};
