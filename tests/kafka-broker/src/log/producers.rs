//! What a partition remembers of idempotent producers, so that a repeated batch is stored once.
//!
//! As in Kafka, the last five batches of a producer are remembered; the state is rebuilt from the batch
//! headers when a log is opened.

use std::collections::{HashMap, VecDeque};

use crate::batch::BatchHeader;
use kafka_protocol::ResponseError;

const REMEMBERED: usize = 5;

#[derive(Debug, Clone, Copy)]
struct Stored {
    first_sequence: i32,
    last_sequence: i32,
    base_offset: i64,
}

#[derive(Debug, Default)]
struct Producer {
    epoch: i16,
    recent: VecDeque<Stored>,
}

/// The judgement on a batch before it is appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Append it.
    New,
    /// It is in the log already, at this offset.
    Duplicate(i64),
}

/// The producers of one partition.
#[derive(Debug, Default)]
pub(crate) struct Producers(HashMap<i64, Producer>);

impl Producers {
    /// Judges a batch by producer id, epoch and sequence. A producer unknown to the log may start anywhere.
    pub(crate) fn judge(&self, batch: &BatchHeader) -> Result<Verdict, ResponseError> {
        if batch.producer_id < 0 {
            return Ok(Verdict::New);
        }
        let Some(producer) = self.0.get(&batch.producer_id) else {
            return Ok(Verdict::New);
        };
        if batch.producer_epoch < producer.epoch {
            return Err(ResponseError::InvalidProducerEpoch);
        }
        if batch.producer_epoch > producer.epoch {
            return if batch.base_sequence == 0 {
                Ok(Verdict::New)
            } else {
                Err(ResponseError::OutOfOrderSequenceNumber)
            };
        }
        let last_sequence = last_sequence(batch);
        if let Some(stored) = producer
            .recent
            .iter()
            .find(|stored| stored.first_sequence == batch.base_sequence && stored.last_sequence == last_sequence)
        {
            return Ok(Verdict::Duplicate(stored.base_offset));
        }
        match producer.recent.back() {
            Some(last) if batch.base_sequence != following(last.last_sequence) => {
                let oldest = producer.recent.front().unwrap_or(last);
                if last_sequence < oldest.first_sequence {
                    Err(ResponseError::DuplicateSequenceNumber)
                } else {
                    Err(ResponseError::OutOfOrderSequenceNumber)
                }
            }
            _ => Ok(Verdict::New),
        }
    }

    /// Remembers a batch that was stored at `batch.base_offset`.
    pub(crate) fn remember(&mut self, batch: &BatchHeader) {
        if batch.producer_id < 0 {
            return;
        }
        let producer = self.0.entry(batch.producer_id).or_default();
        if producer.epoch != batch.producer_epoch {
            producer.epoch = batch.producer_epoch;
            producer.recent.clear();
        }
        if producer.recent.len() == REMEMBERED {
            producer.recent.pop_front();
        }
        producer.recent.push_back(Stored {
            first_sequence: batch.base_sequence,
            last_sequence: last_sequence(batch),
            base_offset: batch.base_offset,
        });
    }
}

/// Sequences run from 0 to the largest 32 bit number and start over.
fn following(sequence: i32) -> i32 {
    sequence.checked_add(1).unwrap_or(0)
}

fn last_sequence(batch: &BatchHeader) -> i32 {
    let last = i64::from(batch.base_sequence) + i64::from(batch.last_offset_delta);
    i32::try_from(last & i64::from(i32::MAX)).expect("masked to 31 bits")
}
