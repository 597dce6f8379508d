//! Reads one partition ahead of its poller, as far as the poller's buffer allows.
//!
//! Invariant: what is sent to the poller is gapless in the order of the log; `next_offset` of a message is the
//! offset from which the following message goes on.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};

use super::config::StartingPosition;
use super::metrics::Snapshot;
use super::payload::KafkaRecord;
use super::positions::Positions;
use super::reader::{PartitionReader, ReadError, TopicReader};

/// Pause after an error of the broker.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// A piece of a partition's log.
pub(crate) struct Piece {
    pub(crate) records: Vec<KafkaRecord>,
    pub(crate) next_offset: i64,
}

/// A partition's pieces, on the poller's side.
pub(crate) struct Feed {
    pub(crate) partition: i32,
    pub(crate) pieces: mpsc::Receiver<Piece>,
}

pub(crate) struct Fetcher {
    pub(crate) topic: Arc<dyn TopicReader>,
    pub(crate) partition: i32,
    pub(crate) positions: Arc<Mutex<Positions>>,
    pub(crate) starting_position: StartingPosition,
    pub(crate) pieces: mpsc::Sender<Piece>,
    /// Wakes the poller.
    pub(crate) wake: Arc<Notify>,
    pub(crate) snapshot: watch::Sender<Snapshot>,
}

impl Fetcher {
    /// Reads until the poller is gone. Errors of the broker are shown and outlasted.
    pub(crate) async fn run(self) {
        let committed = self.positions.lock().unwrap_or_else(PoisonError::into_inner).get(self.partition);
        let mut offset = committed;
        while !self.pieces.is_closed() {
            if let Err(error) = self.read(&mut offset).await {
                tracing::warn!(partition = self.partition, %error, "reading a partition failed");
                self.snapshot.send_modify(|snapshot| {
                    snapshot.last_error = Some(format!("partition {}: {error}", self.partition));
                });
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        }
    }

    /// Reads until an error, or until the poller is gone.
    async fn read(&self, offset: &mut Option<i64>) -> Result<(), ReadError> {
        let reader = self.topic.open(self.partition).await?;
        let earliest = reader.offset_at(StartingPosition::TrimHorizon).await?;
        let start = self.start(reader.as_ref(), *offset, earliest).await?;
        *offset = Some(start);
        let first = Piece { records: Vec::new(), next_offset: start };
        if !self.send(first).await {
            return Ok(());
        }
        let mut next = start;
        // The log is known to be readable up to here; see below.
        let mut readable_end = 0;
        loop {
            let fetched = reader.fetch(next).await?;
            let mut records = fetched.records;
            records.retain(|record| record.offset >= next);
            if let Some(last) = records.last() {
                next = last.offset + 1;
            } else if fetched.high_watermark > next {
                // Without records although the log goes on: transaction markers, or a race with a producer, or a
                // transaction that is still open. Only if the log was already readable beyond this offset
                // before the request, the offset has no record, and it is safe to step over it.
                if next < readable_end {
                    next += 1;
                } else {
                    readable_end = reader.offset_at(StartingPosition::Latest).await?;
                    if readable_end <= next {
                        tokio::time::sleep(RETRY_PAUSE).await;
                    }
                    continue;
                }
            } else if self.pieces.is_closed() {
                return Ok(());
            } else {
                continue;
            }
            *offset = Some(next);
            let piece = Piece { records, next_offset: next };
            if !self.send(piece).await {
                return Ok(());
            }
        }
    }

    async fn start(&self, reader: &dyn PartitionReader, offset: Option<i64>, earliest: i64) -> Result<i64, ReadError> {
        let latest = reader.offset_at(StartingPosition::Latest).await?;
        match offset {
            Some(offset) if (earliest..=latest).contains(&offset) => Ok(offset),
            Some(offset) => {
                tracing::warn!(
                    partition = self.partition,
                    offset,
                    earliest,
                    latest,
                    "the position is outside the log; going on at its start"
                );
                Ok(earliest)
            }
            None => reader.offset_at(self.starting_position).await,
        }
    }

    /// False: the poller is gone.
    async fn send(&self, piece: Piece) -> bool {
        let read = piece.records.len() as u64;
        let sent = self.pieces.send(piece).await.is_ok();
        if sent && read > 0 {
            self.snapshot.send_modify(|snapshot| snapshot.records += read);
        }
        self.wake.notify_one();
        sent
    }
}
