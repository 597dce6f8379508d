//! The answer to a direct invocation, as JSON that a person can read.

use cdc_core::plan::provision::{ProvisionPlan, Step};
use serde::Serialize;

use crate::error::count;

/// Lambda answers at most 6 MB (AWS Lambda Developer Guide, "Quotas"); the rest is for escapes.
const ANSWER_BYTES: usize = 4_000_000;

/// What was planned or done.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub struct Answer {
    /// `plan`, `apply` or `destroy`.
    pub action: &'static str,
    /// The pipeline's name.
    pub pipeline: String,
    /// One sentence: what happened and what to do next.
    pub message: String,
    /// Steps that changed the warehouse; 0 for `plan`.
    pub changed: usize,
    /// All steps, in the order of execution.
    pub steps: Vec<StepAnswer>,
    /// Tables that wait for their columns, with what to do.
    pub waiting: Vec<WaitingAnswer>,
    /// What an operator should know.
    pub warnings: Vec<String>,
}

/// One step.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub struct StepAnswer {
    /// Kind of the object.
    pub kind: &'static str,
    /// The object's name.
    pub object: String,
    /// `create`, `replace`, `alter` or `drop`.
    pub action: &'static str,
    /// Why.
    pub why: String,
    /// The statements, in order, as they are sent.
    pub sql: Vec<String>,
    /// `planned` or `done`.
    pub outcome: &'static str,
}

/// A table that waits.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub struct WaitingAnswer {
    /// The table's topic.
    pub topic: String,
    /// Why it waits and what to do.
    pub reason: String,
}

/// The answer for a plan that was only made (`done` false) or carried out whole.
#[must_use]
pub(crate) fn answer(action: &'static str, pipeline: &str, plan: ProvisionPlan, done: bool) -> Answer {
    let steps = plan.steps.len();
    let changed = if done { steps } else { 0 };
    let mut message = match (steps, done) {
        (0, _) => "nothing to do: the warehouse has everything that is declared".to_owned(),
        (_, true) => format!("{} done", count(steps, "step")),
        (_, false) => format!("{} to do; invoke with {{\"action\": \"apply\"}} to do them", count(steps, "step")),
    };
    if steps == 0 && action == "destroy" {
        message = "nothing to do: nothing is recorded as provisioned".to_owned();
    }
    if !plan.waiting.is_empty() {
        message.push_str(&format!("; {} cannot be provisioned yet, see `waiting`", count(plan.waiting.len(), "table")));
    }
    let outcome = if done { "done" } else { "planned" };
    let mut size = 0;
    let mut warnings = plan.warnings;
    let mut cut = 0;
    let steps = plan
        .steps
        .into_iter()
        .map(|step| {
            let mut step = step_answer(step, outcome);
            size += step.sql.iter().map(String::len).sum::<usize>();
            if size > ANSWER_BYTES {
                cut += 1;
                step.sql.clear();
            }
            step
        })
        .collect();
    if cut > 0 {
        warnings.push(format!(
            "the statements of the last {} are left out, because a function's answer holds 6 MB",
            count(cut, "step")
        ));
    }
    Answer {
        action,
        pipeline: pipeline.to_owned(),
        message,
        changed,
        steps,
        waiting: plan
            .waiting
            .into_iter()
            .map(|waiting| WaitingAnswer { topic: waiting.topic, reason: waiting.reason })
            .collect(),
        warnings,
    }
}

fn step_answer(step: Step, outcome: &'static str) -> StepAnswer {
    StepAnswer {
        kind: step.kind.as_str(),
        object: step.object,
        action: step.action.as_str(),
        why: step.why,
        sql: step.statements,
        outcome,
    }
}
