//! Provisioning: from the pipeline file to everything the pipeline needs in the warehouse.
//!
//! Trigger: a direct invocation with `{"action": "plan" | "apply" | "destroy"}`, or
//! CloudFormation's custom-resource event. Promise: the warehouse has what the file declares,
//! and a repetition changes nothing. Failure: the first failed step stops everything, what was
//! done is recorded in the control schema's catalog, and the next run goes on from there. It
//! never drops data without being told so in as many words.

mod apply;
mod attached;
mod custom_resource;
mod declare;
mod error;
mod handler;
mod observe;
mod report;
mod request;
mod respond;
pub mod settings;
mod start;

pub use declare::{Declared, Inputs, access, declare, layout};
pub use error::{ProvisionError, StepFailure};
pub use handler::{Deps, Function, Limits, handle};
pub use observe::{Records, observe};
pub use report::Answer;
pub use respond::{HttpResponder, Responder};
pub use start::{Started, invoke, start};
