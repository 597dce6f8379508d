//! What becomes of a batch after an attempt: acknowledged, tried again (whole, halved, or from the failed records
//! on), or discarded.
//!
//! Pure: time comes in as an argument. Invariants: every record of the settled batch is in exactly one of the
//! three; of a partition, what is acknowledged or discarded lies below what is tried again.
//!
//! Lambda's documents leave two things open, and the stricter reading is taken. Records of a partition behind its
//! lowest failed record are sent again, whatever the function said about them. An attempt that settled part of its
//! batch counts as an attempt of the rest.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::config::{Backoff, MappingConfig, Mode};
use super::payload::Batch;
use super::response::Verdict;

/// A batch that has been taken from the buffers and is not settled.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) batch: Batch,
    /// Attempts that failed.
    pub(crate) failures: u32,
    /// Failures of any kind in a row, for the pause.
    pub(crate) pauses: u32,
    pub(crate) not_before: Option<Instant>,
    /// No event can hold it: it is never sent.
    pub(crate) too_large: bool,
    /// The faults of a re-split are caused once.
    pub(crate) resplit: bool,
    pub(crate) last_failure: Option<LastFailure>,
}

/// The newest failed attempt, for the failure record.
#[derive(Clone, Debug)]
pub(crate) struct LastFailure {
    pub(crate) request_id: String,
    /// `Unhandled`, or `None` when the function answered with failed items.
    pub(crate) function_error: Option<String>,
}

impl Item {
    pub(crate) fn new(batch: Batch) -> Self {
        Self { batch, failures: 0, pauses: 0, not_before: None, too_large: false, resplit: false, last_failure: None }
    }

    /// The same attempt history with other records.
    pub(crate) fn with(&self, batch: Batch) -> Self {
        Self { batch, ..self.clone() }
    }
}

/// How an attempt ended.
#[derive(Clone, Debug)]
pub(crate) enum Attempt {
    /// The function answered.
    Answered(Verdict),
    /// The function failed, or its answer was lost.
    Failed,
    /// The event never reached the function (throttled, not startable): not an attempt.
    NotInvoked,
}

/// Why records are given up, in the words of failure records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    RetryAttemptsExhausted,
    RecordAgeExceeded,
    RecordTooLarge,
}

impl Condition {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::RetryAttemptsExhausted => "RetryAttemptsExhausted",
            Self::RecordAgeExceeded => "RecordAgeExceeded",
            Self::RecordTooLarge => "RecordTooLarge",
        }
    }
}

/// The settings that decide, after the mode has had its say.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(crate) partial_responses: bool,
    bisect: bool,
    /// `None`: for ever.
    maximum_retries: Option<u32>,
    maximum_age: Option<Duration>,
    backoff: Backoff,
}

impl Policy {
    pub(crate) fn new(config: &MappingConfig) -> Self {
        let provisioned = matches!(config.mode, Mode::Provisioned { .. });
        let asked = u32::try_from(config.maximum_retry_attempts).ok().filter(|_| provisioned);
        Self {
            partial_responses: provisioned && config.report_batch_item_failures,
            bisect: provisioned && config.bisect_on_function_error,
            // With a destination, retries "for ever" end after ten (Lambda Developer Guide, on-failure
            // destinations for Kafka).
            maximum_retries: asked.or(config.failure_destination.as_ref().map(|_| 10)),
            maximum_age: config.maximum_record_age.filter(|_| provisioned),
            backoff: config.retry_backoff,
        }
    }
}

/// The three fates of a batch's records.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    pub(crate) acknowledged: Batch,
    /// In this order, before anything else of their partitions.
    pub(crate) again: Vec<Item>,
    pub(crate) discarded: Option<(Item, Condition)>,
}

/// Parts the records that have become too old from those to send.
pub(crate) fn expire(item: Item, policy: &Policy, now_ms: i64) -> (Option<Item>, Option<Item>) {
    let Some(age) = policy.maximum_age else {
        return (Some(item), None);
    };
    let age_ms = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
    let oldest_ms = now_ms.saturating_sub(age_ms);
    // A record without a timestamp (-1) has no age. Of a partition, only a head can expire: what is behind a
    // younger record waits for it.
    let mut young = BTreeSet::new();
    let (expired, kept) = item.batch.clone().partition_by(|record| {
        let old = (0..oldest_ms).contains(&record.timestamp_ms);
        if !old {
            young.insert(record.partition);
        }
        old && !young.contains(&record.partition)
    });
    let filled = |batch: Batch| (!batch.is_empty()).then(|| item.with(batch));
    (filled(kept), filled(expired))
}

/// Decides about a batch after an attempt.
pub(crate) fn settle(mut item: Item, attempt: Attempt, policy: &Policy, now: Instant) -> Settled {
    match attempt {
        Attempt::Answered(Verdict::Success) => Settled { acknowledged: item.batch, ..Settled::default() },
        Attempt::Answered(Verdict::Partial(lowest)) => {
            let (acknowledged, rest) = item
                .batch
                .clone()
                .partition_by(|record| lowest.get(&record.partition).is_none_or(|failed| record.offset < *failed));
            let mut settled = failed(item.with(rest), policy, now, false);
            settled.acknowledged = acknowledged;
            settled
        }
        Attempt::Answered(Verdict::Malformed(_)) | Attempt::Failed => failed(item, policy, now, policy.bisect),
        Attempt::NotInvoked => {
            pause(&mut item, policy, now);
            Settled { again: vec![item], ..Settled::default() }
        }
    }
}

fn failed(mut item: Item, policy: &Policy, now: Instant, bisect: bool) -> Settled {
    if bisect && item.batch.len() > 1 {
        pause(&mut item, policy, now);
        let half = item.batch.len().div_ceil(2);
        let (first, second) = item.batch.clone().split_at(half);
        return Settled { again: vec![item.with(first), item.with(second)], ..Settled::default() };
    }
    item.failures = item.failures.saturating_add(1);
    if policy.maximum_retries.is_some_and(|retries| item.failures > retries) {
        return Settled { discarded: Some((item, Condition::RetryAttemptsExhausted)), ..Settled::default() };
    }
    pause(&mut item, policy, now);
    Settled { again: vec![item], ..Settled::default() }
}

fn pause(item: &mut Item, policy: &Policy, now: Instant) {
    item.pauses = item.pauses.saturating_add(1);
    item.not_before = Some(now + policy.backoff.pause(item.pauses));
}

/// Items that wait, in the order in which their records must go.
#[derive(Default)]
pub(crate) struct Queue(Vec<Item>);

/// What the queue has to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The item at this place may be sent.
    Send(usize),
    /// Something may be sent at this time.
    Wait(Instant),
    /// Nothing may be sent until something else happens.
    Nothing,
}

impl Queue {
    /// The first item that is due and has no partition in common with an item before it.
    pub(crate) fn next(&self, now: Instant) -> Next {
        let mut busy = BTreeSet::new();
        let mut earliest: Option<Instant> = None;
        for (place, item) in self.0.iter().enumerate() {
            let clashes = item.batch.partitions().any(|(p, _)| busy.contains(&p));
            busy.extend(item.batch.partitions().map(|(p, _)| p));
            if clashes {
                continue;
            }
            match item.not_before {
                Some(time) if time > now => {
                    earliest = Some(earliest.map_or(time, |known| known.min(time)));
                }
                _ => return Next::Send(place),
            }
        }
        earliest.map_or(Next::Nothing, Next::Wait)
    }

    /// Partitions of which nothing new may be sent.
    pub(crate) fn busy(&self) -> BTreeSet<i32> {
        self.0.iter().flat_map(|item| item.batch.partitions().map(|(p, _)| p)).collect()
    }

    pub(crate) fn items(&self) -> impl Iterator<Item = &Item> {
        self.0.iter()
    }

    pub(crate) fn get(&self, place: usize) -> &Item {
        &self.0[place]
    }

    pub(crate) fn push(&mut self, item: Item) {
        self.0.push(item);
    }

    /// Puts `items` in the place of one item.
    pub(crate) fn replace(&mut self, place: usize, items: Vec<Item>) {
        self.0.splice(place..=place, items);
    }
}
