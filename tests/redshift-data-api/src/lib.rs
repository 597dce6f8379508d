//! The server side of the Amazon Redshift Data API, over any SQL engine.
//!
//! A client that speaks the Data API (an AWS SDK, boto3, the AWS CLI) is pointed at the address of
//! [`serve`] and finds the twelve operations of the service model `redshift-data-2019-12-20`: AWS
//! JSON 1.1, `POST /`, `X-Amz-Target: RedshiftData.<Operation>`. What a statement *means* is the
//! business of an [`Engine`]; this crate knows requests, identities, statements' lives, results'
//! encoding, sessions, client tokens, limits and error shapes, and not one word of SQL beyond where
//! a named parameter stands in it.
//!
//! What it is not: it does not verify signatures (see [`Identities`]), it keeps nothing across a
//! restart, and it emits no EventBridge events by itself (see [`Options::events`]).
//!
//! Invariants:
//! * A statement's status only moves forward: SUBMITTED, PICKED, STARTED, then exactly one of
//!   FINISHED, FAILED, ABORTED; what a terminal statement says never changes.
//! * A statement runs whether or not anybody waits for it; a client that goes away cancels nothing.
//! * No session is used by two statements at once, and none is used by two callers.
//! * Everything that AWS does not document is a switch in [`Unconfirmed`], and its default is the
//!   reading under which a client that works here works there too.
//!
//! Sources are named where a rule is implemented: *service model* is the API model that the AWS
//! SDKs are generated from, *management guide* is the Amazon Redshift Management Guide, "Using the
//! Amazon Redshift Data API".

mod catalog;
mod clock;
mod describe;
mod engine;
mod error;
mod execute;
mod faults;
mod http;
mod identity;
mod model;
mod options;
pub mod parameters;
mod results;
mod run;
mod service;
mod sessions;
mod statement;
mod store;
mod throttle;

pub use engine::{
    Authentication, Canceller, ColumnMetadata, Engine, Login, Nullable, Session, SqlError, StatementResult, Value,
};
pub use faults::{FaultError, FaultKind, Faults, Rule};
pub use http::{Server, serve};
pub use options::{
    AfterFailure, Identities, Identity, Limits, Operation, Options, PartialFailure, Secret, Throttle, TokenReuse,
    Unconfirmed,
};
