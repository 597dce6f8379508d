//! The answer: what a person reads first, then the numbers.

use cdc_core::pipeline::Pipeline;
use serde::Serialize;

use crate::assess::{Assessment, Condition, State, TableReport};

/// Where the numbers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Checked {
    /// Kafka and the warehouse were asked.
    KafkaAndWarehouse,
    /// Only Kafka was: no end offset had moved since everything was found merged.
    KafkaOnly,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The pipeline's name.
    pub pipeline: String,
    /// The worst state of its tables.
    pub state: State,
    /// One sentence.
    pub message: String,
    /// Where the numbers come from.
    pub checked: Checked,
    /// Which alarm conditions hold, and the next step for each.
    pub conditions: Vec<Condition>,
    /// By table, in the order of their topics.
    pub tables: Vec<TableReport>,
}

pub(crate) fn answer(pipeline: &Pipeline, assessment: Assessment, checked: Checked) -> Answer {
    let Assessment { state, tables, conditions } = assessment;
    let named = |wanted: State| -> Vec<&str> {
        tables.iter().filter(|table| table.state == wanted).map(|table| table.table.as_str()).collect()
    };
    let mut parts = Vec::new();
    for (state, words) in [
        (State::Stopped, "not being merged"),
        (State::Unknown, "unknown"),
        (State::Behind, "behind"),
        (State::Ok, "up to date"),
    ] {
        let names = named(state);
        match names.len() {
            0 => {}
            count if state == State::Ok => parts.push(format!("{count} of {} {words}", tables.len())),
            _ => parts.push(format!("{words}: {}", names.join(", "))),
        }
    }
    if parts.is_empty() {
        parts.push("no topic of the pipeline exists yet".to_owned());
    }
    let mut message = parts.join("; ");
    if checked == Checked::KafkaOnly {
        message.push_str(" (no new records since the last look at the warehouse)");
    }
    if !conditions.is_empty() {
        message.push_str(&format!("; {} below with the next step", conditions.len()));
        message.push_str(if conditions.len() == 1 { " (condition)" } else { " (conditions)" });
    }
    Answer { pipeline: pipeline.name().to_owned(), state, message, checked, conditions, tables }
}
