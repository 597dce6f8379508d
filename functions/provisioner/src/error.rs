//! What can keep provisioning from its goal, each with the next step.
//!
//! `Display` names the thing and what to do; causes are in the source chain, which the edge
//! prints once.

use cdc_core::error::ErrorKind;
use msk_client::KafkaError;
use redshift_data::WarehouseError;

/// A failed request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProvisionError {
    /// The request is not one of ours, or unclear.
    #[error("{reason}")]
    Request {
        /// What is wrong, with what to send instead.
        reason: String,
    },
    /// Settings, the pipeline file or the client of a service could not be used.
    #[error("{reason}")]
    Settings {
        /// All problems, with what to do.
        reason: String,
    },
    /// Kafka could not be asked.
    #[error("{doing} failed")]
    Kafka {
        /// What was being done.
        doing: &'static str,
        /// The reason.
        #[source]
        source: KafkaError,
    },
    /// Several tables cannot have the names that the pipeline file gives them.
    #[error("{reason}")]
    Catalog {
        /// All collisions, with what to do.
        reason: String,
    },
    /// Tables whose definition is not possible as declared.
    #[error(
        "{} cannot be provisioned as declared: {}; correct their entries in the pipeline file \
         (defaults.on_unsupported_column: exclude leaves unsupported columns out)",
        count(.problems.len(), "table"),
        .problems.join("; ")
    )]
    Columns {
        /// One per table.
        problems: Vec<String>,
    },
    /// The warehouse could not be asked what it has.
    #[error("looking at what the warehouse has ({what}) failed")]
    Observe {
        /// What was asked.
        what: &'static str,
        /// The reason.
        #[source]
        source: WarehouseError,
    },
    /// The warehouse refused to say what it has.
    #[error(
        "looking at what the warehouse has ({what}) failed: {text}; check the rights of the provisioner's database user"
    )]
    ObserveSql {
        /// What was asked.
        what: &'static str,
        /// Redshift's error text, without values.
        text: String,
        /// The action that fits.
        kind: ErrorKind,
    },
    /// The warehouse answered in a form that is not documented.
    #[error("the warehouse's answer about {what} is not as documented")]
    Answer {
        /// What was asked.
        what: &'static str,
        /// The reason.
        #[source]
        source: redshift_data::ReadError,
    },
    /// A statement of a step failed.
    #[error(transparent)]
    Step(Box<StepFailure>),
    /// Time was up with steps left.
    #[error(
        "time was up before step {number} of {total} ({object}); {done} steps are done and recorded: apply again \
         to go on, or give the function a longer timeout"
    )]
    Time {
        /// The next step's number, from 1.
        number: usize,
        /// Steps in all.
        total: usize,
        /// Steps done before.
        done: usize,
        /// The next step's object.
        object: String,
    },
    /// CloudFormation could not be answered.
    #[error("answering CloudFormation for {logical_id} failed: {reason}")]
    Respond {
        /// The resource.
        logical_id: String,
        /// What was tried and came back; never the URL, which is a credential.
        reason: String,
    },
}

/// A step that was begun and is not done.
#[derive(Debug, thiserror::Error)]
#[error(
    "step {number} of {total} ({action} {object}, {why}) failed: {text}; {done} steps before it are done and \
     recorded, nothing after it was tried; {next_step}"
)]
pub struct StepFailure {
    /// The step's number, from 1.
    pub number: usize,
    /// Steps in all.
    pub total: usize,
    /// Steps done before.
    pub done: usize,
    /// `create`, `replace`, `alter`, `drop`.
    pub action: &'static str,
    /// The object's kind and name.
    pub object: String,
    /// Why the step is in the plan.
    pub why: String,
    /// Redshift's error text without values, or what else kept it from being done.
    pub text: String,
    /// What to do.
    pub next_step: &'static str,
    /// The action that fits.
    pub kind: ErrorKind,
    /// The port's error, if the statement was not even judged.
    #[source]
    pub source: Option<WarehouseError>,
}

impl ProvisionError {
    /// What is to be done about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Request { .. } | Self::Settings { .. } | Self::Catalog { .. } | Self::Columns { .. } => {
                ErrorKind::Misconfigured
            }
            Self::Kafka { source, .. } => source.kind(),
            Self::Observe { source, .. } => source.kind(),
            Self::ObserveSql { kind, .. } => *kind,
            Self::Step(failure) => failure.kind,
            Self::Answer { .. } => ErrorKind::Invariant,
            Self::Time { .. } | Self::Respond { .. } => ErrorKind::Transient,
        }
    }

    /// The message with its causes, for an answer that has room for one text.
    #[must_use]
    pub fn whole(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }

    /// Whether the failure came before the first statement that may change the warehouse.
    #[must_use]
    pub fn nothing_done(&self) -> bool {
        // A failed statement of the first step may have had others before it.
        !matches!(self, Self::Step(_) | Self::Time { .. } | Self::Respond { .. })
    }
}

/// `1 table`, `2 tables`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
