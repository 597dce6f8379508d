//! One poller: makes batches of its partitions' records, invokes the function, settles the answers.
//!
//! It runs one invocation at a time. While a batch is unsettled nothing later of its partitions is sent; the other
//! partitions go on between its retries. A record is acknowledged to the outside before its position is committed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;

use super::buffer::{Buffers, Taken};
use super::config::{BatchSizing, MappingConfig};
use super::destination;
use super::faults::{FaultPlan, Planned, Random};
use super::fetcher::{Feed, Piece};
use super::metrics::{Acknowledgement, How, Snapshot};
use super::payload::{Batch, Layout};
use super::positions::Positions;
use super::response::{Verdict, judge};
use super::settle::{Attempt, Condition, Item, LastFailure, Next, Policy, Queue, expire, settle};
use crate::clock;
use crate::invoker::{Invoker, MAX_REQUEST_BYTES};

/// What the pollers of a mapping have in common.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) config: Arc<MappingConfig>,
    pub(crate) layout: Arc<Layout>,
    pub(crate) invoker: Arc<dyn Invoker>,
    pub(crate) positions: Arc<Mutex<Positions>>,
    pub(crate) snapshot: watch::Sender<Snapshot>,
    pub(crate) stop: watch::Receiver<bool>,
}

pub(crate) struct Poller {
    shared: Shared,
    policy: Policy,
    wake: Arc<Notify>,
    assigned: mpsc::UnboundedReceiver<Feed>,
    feeds: BTreeMap<i32, mpsc::Receiver<Piece>>,
    /// Per partition, the offset up to which its log has been read.
    read_to: BTreeMap<i32, i64>,
    buffers: Buffers,
    queue: Queue,
    faults: FaultPlan,
    sizes: Option<Random>,
    /// Records that the next batch is to have.
    batch_size: usize,
}

impl Poller {
    pub(crate) fn new(
        shared: Shared,
        wake: Arc<Notify>,
        assigned: mpsc::UnboundedReceiver<Feed>,
        faults: FaultPlan,
        number: u64,
    ) -> Self {
        let sizes = match shared.config.batch_sizing {
            BatchSizing::Fixed => None,
            BatchSizing::Random { seed } => Some(Random::new(seed.wrapping_add(number))),
        };
        let mut poller = Self {
            policy: Policy::new(&shared.config),
            shared,
            wake,
            assigned,
            feeds: BTreeMap::new(),
            read_to: BTreeMap::new(),
            buffers: Buffers::default(),
            queue: Queue::default(),
            faults,
            sizes,
            batch_size: 0,
        };
        poller.draw_batch_size();
        poller
    }

    /// Polls until told to stop; the invocation that runs then is finished and settled.
    pub(crate) async fn run(mut self) {
        let mut stop = self.shared.stop.clone();
        while !*stop.borrow() {
            self.collect();
            let now = Instant::now();
            let retry_at = match self.queue.next(now) {
                Next::Send(place) => {
                    self.send(place).await;
                    continue;
                }
                Next::Wait(until) => Some(until),
                Next::Nothing => None,
            };
            let batch_at = match self.next_batch(now) {
                Due::Queued => continue,
                Due::At(until) => Some(until),
                Due::Unknown => None,
            };
            let until = [retry_at, batch_at].into_iter().flatten().min();
            tokio::select! {
                () = self.wake.notified() => {}
                () = sleep_until(until) => {}
                changed = stop.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Takes over what the fetchers have read, as far as the buffers should hold it.
    fn collect(&mut self) {
        while let Ok(feed) = self.assigned.try_recv() {
            self.feeds.insert(feed.partition, feed.pieces);
        }
        let read_at = Instant::now();
        let enough = self.shared.config.batch_size;
        let mut changed = false;
        for (partition, pieces) in &mut self.feeds {
            while self.buffers.len(*partition) < enough
                && let Ok(piece) = pieces.try_recv()
            {
                for record in &piece.records {
                    let rendered = self.shared.layout.render(*partition, record, read_at);
                    self.buffers.push(Arc::new(rendered));
                }
                self.read_to.insert(*partition, piece.next_offset);
                changed = true;
            }
        }
        if changed {
            self.commit();
        }
    }

    /// Moves a batch from the buffers to the queue, if it is full or its window is over.
    fn next_batch(&mut self, now: Instant) -> Due {
        let busy = self.queue.busy();
        let layout = &self.shared.layout;
        let Some(available) = self.buffers.available(&busy, self.batch_size, MAX_REQUEST_BYTES, layout) else {
            return Due::Unknown;
        };
        let window_end = available.since + self.shared.config.batching_window;
        if !available.full && now < window_end {
            return Due::At(window_end);
        }
        let taken = self.buffers.take(&busy, self.batch_size, MAX_REQUEST_BYTES, layout);
        let item = match taken {
            None => return Due::Unknown,
            Some(Taken::Batch(batch)) => Item::new(batch),
            Some(Taken::TooLarge(batch)) => Item { too_large: true, ..Item::new(batch) },
        };
        self.queue.push(item);
        self.draw_batch_size();
        self.count(|snapshot| snapshot.batches += 1);
        Due::Queued
    }

    fn draw_batch_size(&mut self) {
        let most = self.shared.config.batch_size;
        self.batch_size = match &mut self.sizes {
            None => most,
            Some(random) => random.between(1, most),
        };
    }

    /// Sends the item at `place`, or finds out that it cannot be sent.
    async fn send(&mut self, place: usize) {
        let item = self.queue.get(place).clone();
        let (kept, expired) = expire(item, &self.policy, clock::now_ms());
        if let Some(expired) = expired {
            self.give_up(place, kept, expired, Condition::RecordAgeExceeded);
            return;
        }
        let Some(item) = kept else {
            self.queue.replace(place, Vec::new());
            return;
        };
        if item.too_large {
            self.give_up_too_large(place, item);
            return;
        }
        let planned = self.faults.next();
        if planned.resplit && !item.resplit && item.batch.len() > 1 {
            let border = self.faults.border(item.batch.len());
            let (first, second) = item.batch.clone().split_at(border);
            let part = |batch| Item { resplit: true, ..item.with(batch) };
            self.queue.replace(place, vec![part(first), part(second)]);
            return;
        }
        if let Some(length) = planned.delay {
            let mut stop = self.shared.stop.clone();
            tokio::select! {
                () = tokio::time::sleep(length) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
        let (attempt, item) = self.invoke(item, &planned).await;
        self.settle(place, item, attempt);
    }

    async fn invoke(&mut self, mut item: Item, planned: &Planned) -> (Attempt, Item) {
        let records = item.batch.len() as u64;
        let is_retry = item.pauses > 0;
        let event = self.shared.layout.event(&item.batch);
        let copy = planned.duplicate.then(|| event.clone());
        self.count(|snapshot| {
            snapshot.records_in_flight += records;
            snapshot.retries += u64::from(is_retry);
        });
        let invoker = &self.shared.invoker;
        let outcome = match planned.kill_after {
            None => invoker.invoke(event).await,
            Some(after) => invoker.invoke_and_kill(event, after).await,
        };
        let attempt = match outcome {
            Err(error) => {
                self.count(|snapshot| {
                    snapshot.host_errors += 1;
                    snapshot.last_error = Some(error.to_string());
                });
                Attempt::NotInvoked
            }
            Ok(outcome) => {
                self.count(|snapshot| snapshot.invocations += 1);
                let attempt = match outcome.result {
                    Err(error) => {
                        self.count(|snapshot| snapshot.last_error = Some(error.to_string()));
                        Attempt::Failed
                    }
                    Ok(_) if planned.drop_reply => Attempt::Failed,
                    Ok(answer) if self.policy.partial_responses => {
                        Attempt::Answered(judge(&answer, &item.batch, &self.shared.config.topic))
                    }
                    Ok(_) => Attempt::Answered(Verdict::Success),
                };
                self.note(&attempt);
                item.last_failure = Some(LastFailure {
                    request_id: outcome.request_id,
                    function_error: matches!(attempt, Attempt::Failed).then(|| "Unhandled".to_owned()),
                });
                attempt
            }
        };
        if let (Some(copy), Attempt::Answered(Verdict::Success)) = (copy, &attempt) {
            // At-least-once delivery: whatever comes of the copy, the batch is settled.
            if invoker.invoke(copy).await.is_ok() {
                self.count(|snapshot| snapshot.invocations += 1);
            }
        }
        self.count(|snapshot| snapshot.records_in_flight -= records);
        (attempt, item)
    }

    fn note(&self, attempt: &Attempt) {
        self.count(|snapshot| match attempt {
            Attempt::Failed => snapshot.function_errors += 1,
            Attempt::Answered(Verdict::Partial(_)) => snapshot.partial_failures += 1,
            Attempt::Answered(Verdict::Malformed(why)) => {
                snapshot.malformed_responses += 1;
                snapshot.last_error = Some((*why).to_owned());
            }
            Attempt::Answered(Verdict::Success) | Attempt::NotInvoked => {}
        });
    }

    fn settle(&mut self, place: usize, item: Item, attempt: Attempt) {
        let settled = settle(item, attempt, &self.policy, Instant::now());
        let mut again = settled.again;
        self.acknowledge(&settled.acknowledged, How::Processed);
        if let Some((discarded, condition)) = settled.discarded
            && let Err(kept) = self.discard(discarded, condition)
        {
            again.push(kept);
        }
        self.queue.replace(place, again);
        self.commit();
    }

    fn give_up(&mut self, place: usize, kept: Option<Item>, expired: Item, condition: Condition) {
        let mut again: Vec<Item> = Vec::new();
        if let Err(expired) = self.discard(expired, condition) {
            again.push(expired);
        }
        again.extend(kept);
        self.queue.replace(place, again);
        self.commit();
    }

    /// With a destination the record goes there. Without one it would be lost, so its partition stops.
    fn give_up_too_large(&mut self, place: usize, mut item: Item) {
        if self.shared.config.failure_destination.is_some() {
            self.give_up(place, None, item, Condition::RecordTooLarge);
            return;
        }
        for (partition, records) in item.batch.partitions() {
            let offset = records.first().map_or(0, |record| record.offset);
            let why = format!(
                "the record at offset {offset} does not fit in an event of {MAX_REQUEST_BYTES} bytes; \
                 set a failure destination to go on without it"
            );
            tracing::error!(partition, offset, "a record is too large to be sent");
            self.count(|snapshot| {
                snapshot.blocked.insert(partition, why);
            });
        }
        // It stays in front of its partition for good.
        item.not_before = Some(Instant::now() + std::time::Duration::from_secs(86_400 * 365));
        self.queue.replace(place, vec![item]);
    }

    /// Writes the batch to the failure destination and acknowledges it. If that fails the batch is kept, to be
    /// tried once more.
    fn discard(&mut self, item: Item, condition: Condition) -> Result<(), Item> {
        let config = &self.shared.config;
        if let Some(folder) = &config.failure_destination {
            let written = destination::write(folder, config, &self.shared.layout, &item, condition);
            if let Err(error) = written {
                tracing::error!(%error, "a discarded batch could not be kept");
                self.count(|snapshot| snapshot.last_error = Some(error.to_string()));
                let kept = settle(item, Attempt::NotInvoked, &self.policy, Instant::now()).again;
                return kept.into_iter().next().map_or(Ok(()), Err);
            }
        }
        let records = item.batch.len() as u64;
        tracing::warn!(topic = config.topic, records, condition = condition.name(), "records were discarded");
        self.count(|snapshot| snapshot.discarded += records);
        self.acknowledge(&item.batch, How::Discarded);
        Ok(())
    }

    fn acknowledge(&self, batch: &Batch, how: How) {
        if batch.is_empty() {
            return;
        }
        if let Some(callback) = &self.shared.config.on_acknowledged {
            let acknowledged_at_ms = clock::now_ms();
            let all: Vec<Acknowledgement> = batch
                .records()
                .map(|record| Acknowledgement {
                    topic: Arc::clone(self.shared.layout.topic()),
                    partition: record.partition,
                    offset: record.offset,
                    kafka_timestamp_ms: record.timestamp_ms,
                    acknowledged_at_ms,
                    how,
                })
                .collect();
            callback(&all);
        }
        let records = batch.len() as u64;
        self.count(|snapshot| snapshot.acknowledged += records);
    }

    /// Commits each partition up to its first unsettled record and shows the new state.
    fn commit(&self) {
        let mut unsettled: BTreeMap<i32, (i64, i64)> = BTreeMap::new();
        for item in self.queue.items() {
            for (partition, records) in item.batch.partitions() {
                if let Some(first) = records.first() {
                    unsettled.entry(partition).or_insert((first.offset, first.timestamp_ms));
                }
            }
        }
        let mut positions = BTreeMap::new();
        for (partition, read_to) in &self.read_to {
            if let Some(first) = self.buffers.first(*partition) {
                unsettled.entry(*partition).or_insert((first.offset, first.timestamp_ms));
            }
            let position = unsettled.get(partition).map_or(*read_to, |first| first.0);
            positions.insert(*partition, position);
        }
        let committed = self.shared.positions.lock().unwrap_or_else(PoisonError::into_inner).commit(&positions);
        self.count(|snapshot| {
            if let Err(error) = &committed {
                snapshot.last_error = Some(error.to_string());
            }
            for partition in positions.keys() {
                match unsettled.get(partition) {
                    Some((_, timestamp_ms)) => {
                        snapshot.oldest_unacknowledged_by_partition_ms.insert(*partition, *timestamp_ms)
                    }
                    None => snapshot.oldest_unacknowledged_by_partition_ms.remove(partition),
                };
            }
            snapshot.committed.extend(positions);
        });
    }

    fn count(&self, change: impl FnOnce(&mut Snapshot)) {
        self.shared.snapshot.send_modify(change);
    }
}

/// When the next batch is due.
enum Due {
    /// A batch is in the queue now.
    Queued,
    /// Its window ends then.
    At(Instant),
    /// There is nothing for a batch.
    Unknown,
}

async fn sleep_until(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}
