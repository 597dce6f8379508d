//! A poller that behaves like Lambda's event source mapping for Amazon MSK.
//!
//! A mapping reads one topic from its consumer group's committed position, hands batches to a function and acts on
//! the answers: retry, bisect, partial batch responses, record age, failure destination. Delivery is at least
//! once; records of a partition are sent in offset order, and none before those ahead of it are settled.
//!
//! What it does not do: filters, schema registries, autoscaling of pollers, TLS and logins to the broker, the
//! Kafka group protocol (positions are files of its own, so another consumer in the group does not take part).
//!
//! The way of a record: `fetcher` reads it, `payload` renders it, `buffer` puts it in a batch, `poller` sends the
//! batch, `response` reads the answer, `settle` decides what becomes of it, `positions` keeps how far it got.

mod buffer;
mod config;
mod destination;
mod faults;
mod fetcher;
mod metrics;
mod payload;
mod poller;
mod positions;
mod reader;
mod response;
mod settle;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

pub use self::config::{
    AcknowledgementCallback, Backoff, BatchSizing, MappingConfig, Mode, NullValues, StartingPosition,
};
pub use self::faults::{Fault, Faults};
pub use self::metrics::{Acknowledgement, How, Snapshot, Status};

use self::faults::{FaultPlan, Injected};
use self::fetcher::{Feed, Fetcher};
use self::payload::Layout;
use self::poller::{Poller, Shared};
use self::positions::Positions;
use self::reader::{KafkaTopic, TopicReader};
use crate::Invoker;

/// How often a topic is asked for while it does not exist.
const TOPIC_PAUSE: Duration = Duration::from_millis(100);
/// How often a topic is asked for new partitions.
const PARTITIONS_PAUSE: Duration = Duration::from_secs(2);

/// Why a mapping cannot work, or did not get where it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MappingError {
    /// A setting is out of range.
    #[error("event source mapping of topic {topic}: {problem}")]
    InvalidConfig {
        /// The topic.
        topic: String,
        /// What to change.
        problem: String,
    },
    /// Committed positions could not be read or written.
    #[error("cannot keep the positions in {}; check that the folder is writable and the file is a mapping's", path.display())]
    State {
        /// The file of the consumer group.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A failure record could not be written.
    #[error("cannot write the failure record {}; check that the folder is writable", path.display())]
    Destination {
        /// The failure record.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The mapping did not settle all records in time.
    #[error("topic {topic} is not settled after {waited:?}: {missing}; last error: {}", last_error.as_deref().unwrap_or("none"))]
    NotCaughtUp {
        /// The topic.
        topic: String,
        /// How long it was waited for.
        waited: Duration,
        /// Per partition that is behind, how far it got.
        missing: String,
        /// The newest error of the mapping.
        last_error: Option<String>,
    },
}

/// A running mapping. Dropping it stops it at once: records in flight come again at the next start.
pub struct Mapping {
    topic: String,
    injected: Injected,
    stop: watch::Sender<bool>,
    snapshot: watch::Sender<Snapshot>,
    supervisor: JoinHandle<()>,
}

impl Mapping {
    /// Starts polling. A broker or topic that is not there yet is waited for.
    pub fn start(config: MappingConfig, invoker: Arc<dyn Invoker>) -> Result<Self, MappingError> {
        let topic = KafkaTopic::new(config.brokers.clone(), config.topic.clone());
        Self::start_with(config, invoker, Arc::new(topic))
    }

    fn start_with(
        config: MappingConfig,
        invoker: Arc<dyn Invoker>,
        topic: Arc<dyn TopicReader>,
    ) -> Result<Self, MappingError> {
        if let Some(problem) = config.problem() {
            return Err(MappingError::InvalidConfig { topic: config.topic, problem });
        }
        let positions = Arc::new(Mutex::new(Positions::open(&config)?));
        let (stop, stopped) = watch::channel(false);
        let snapshot = watch::Sender::new(Snapshot::default());
        let injected = Injected::default();
        let shared = Shared {
            layout: Arc::new(Layout::new(
                &config.topic,
                &config.event_source_arn,
                &config.bootstrap_servers,
                config.null_values,
            )),
            config: Arc::new(config),
            invoker,
            positions,
            snapshot: snapshot.clone(),
            stop: stopped,
        };
        Ok(Self {
            topic: shared.config.topic.clone(),
            supervisor: tokio::spawn(supervise(shared, topic, Arc::clone(&injected))),
            injected,
            stop,
            snapshot,
        })
    }

    /// The state now.
    pub fn snapshot(&self) -> Snapshot {
        self.snapshot.borrow().clone()
    }

    /// The state as it changes.
    pub fn subscribe(&self) -> watch::Receiver<Snapshot> {
        self.snapshot.subscribe()
    }

    /// Causes a fault at the next invocation that has none injected yet.
    pub fn inject(&self, fault: Fault) {
        self.injected.lock().unwrap_or_else(PoisonError::into_inner).push_back(fault);
    }

    /// Waits until every record below `ends` (per partition, the next offset to be written) is settled.
    pub async fn wait_until_caught_up(
        &self,
        ends: &BTreeMap<i32, i64>,
        deadline: Duration,
    ) -> Result<Snapshot, MappingError> {
        let mut changes = self.snapshot.subscribe();
        let over = |snapshot: &Snapshot| {
            let stuck = ends.keys().any(|p| snapshot.blocked.contains_key(p));
            snapshot.is_caught_up(ends) || stuck || snapshot.status == Status::Stopped
        };
        // Neither error matters: the state after the wait says whether the goal was reached.
        tokio::time::timeout(deadline, changes.wait_for(over)).await.map(drop).ok();
        let snapshot = self.snapshot();
        if snapshot.is_caught_up(ends) {
            return Ok(snapshot);
        }
        let missing: Vec<String> = ends
            .iter()
            .filter_map(|(partition, end)| {
                let position = snapshot.committed.get(partition).copied().unwrap_or(0);
                let blocked = snapshot.blocked.get(partition);
                (position < *end).then(|| match blocked {
                    Some(why) => format!("partition {partition} is blocked: {why}"),
                    None => format!("partition {partition} is at {position} of {end}"),
                })
            })
            .collect();
        Err(MappingError::NotCaughtUp {
            topic: self.topic.clone(),
            waited: deadline,
            missing: format!("{} (status {:?})", missing.join(", "), snapshot.status),
            last_error: snapshot.last_error,
        })
    }

    /// Stops polling, lets the invocations in flight finish and settles them.
    pub async fn stop(mut self) -> Snapshot {
        self.stop.send_replace(true);
        if let Err(error) = (&mut self.supervisor).await {
            tracing::error!(topic = self.topic, %error, "an event source mapping failed");
        }
        self.snapshot()
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        self.supervisor.abort();
    }
}

/// Starts the pollers, assigns partitions to them as they appear, and ends when told or when a poller fails.
async fn supervise(shared: Shared, topic: Arc<dyn TopicReader>, injected: Injected) {
    let count = match shared.config.mode {
        Mode::OnDemand => 1,
        Mode::Provisioned { pollers } => pollers,
    };
    let mut pollers = JoinSet::new();
    let mut desks = Vec::with_capacity(count);
    for number in 0..count as u64 {
        let (assign, assigned) = mpsc::unbounded_channel();
        let wake = Arc::new(Notify::new());
        let faults = FaultPlan::new(shared.config.faults.clone(), number, Arc::clone(&injected));
        let poller = Poller::new(shared.clone(), Arc::clone(&wake), assigned, faults, number);
        pollers.spawn(poller.run());
        desks.push((assign, wake));
    }
    let mut stop = shared.stop.clone();
    // Dropped at the end, which ends the fetchers.
    let mut fetchers = JoinSet::new();
    tokio::select! {
        // A poller that ends because it was told to has not failed.
        biased;
        _ = stop.wait_for(|stop| *stop) => {}
        () = assign_partitions(&shared, &topic, &desks, &mut fetchers) => {}
        ended = pollers.join_next() => {
            let how = ended.map(|result| result.err().map(|error| error.to_string()));
            tracing::error!(?how, "a poller ended although nobody stopped it");
            shared.snapshot.send_modify(|s| s.last_error = Some("a poller failed".to_owned()));
            pollers.abort_all();
        }
    }
    while pollers.join_next().await.is_some() {}
    shared.snapshot.send_modify(|snapshot| snapshot.status = Status::Stopped);
}

/// Asks for the topic's partitions again and again; each new one gets a fetcher and a poller.
async fn assign_partitions(
    shared: &Shared,
    topic: &Arc<dyn TopicReader>,
    desks: &[(mpsc::UnboundedSender<Feed>, Arc<Notify>)],
    fetchers: &mut JoinSet<()>,
) {
    let mut known = BTreeSet::new();
    loop {
        let listed = match topic.partitions().await {
            Ok(listed) => listed.unwrap_or_default(),
            Err(error) => {
                shared.snapshot.send_modify(|snapshot| snapshot.last_error = Some(error.to_string()));
                Vec::new()
            }
        };
        let first_time = known.is_empty();
        for partition in listed {
            if !known.insert(partition) {
                continue;
            }
            let desk = usize::try_from(partition).unwrap_or(0) % desks.len();
            let (assign, wake) = &desks[desk];
            let (sender, pieces) = mpsc::channel(2);
            let fetcher = Fetcher {
                topic: Arc::clone(topic),
                partition,
                positions: Arc::clone(&shared.positions),
                starting_position: if first_time {
                    shared.config.starting_position
                } else {
                    StartingPosition::TrimHorizon
                },
                pieces: sender,
                wake: Arc::clone(wake),
                snapshot: shared.snapshot.clone(),
            };
            // A poller that is gone is noticed by the supervisor.
            assign.send(Feed { partition, pieces }).ok();
            fetchers.spawn(fetcher.run());
        }
        if first_time && !known.is_empty() {
            shared.snapshot.send_modify(|snapshot| snapshot.status = Status::Running);
        }
        tokio::time::sleep(if known.is_empty() { TOPIC_PAUSE } else { PARTITIONS_PAUSE }).await;
    }
}
