//! What all connections share: topics, groups, committed offsets, and the signal that something changed.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio::sync::watch;

use crate::Options;
use crate::clock;
use crate::error::BrokerError;
use crate::files;
use crate::groups::Groups;
use crate::groups::offsets::Offsets;
use crate::topics::Topics;

/// The only node.
pub(crate) const NODE_ID: i32 = 1;
const LOCK: &str = "lock";
const CLUSTER_ID: &str = "cluster-id";

#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) options: Options,
    pub(crate) id: String,
    pub(crate) topics: Topics,
    pub(crate) groups: Groups,
    pub(crate) offsets: Offsets,
    changes: watch::Sender<u64>,
    next_producer_id: AtomicI64,
    /// Held as long as the cluster lives: two brokers never share a directory.
    _lock: File,
}

impl Cluster {
    /// Opens or begins the state below `root`.
    pub(crate) fn open(root: &Path, options: Options) -> Result<Self, BrokerError> {
        fs::create_dir_all(root).map_err(BrokerError::storage("create", root))?;
        let lock = lock(root)?;
        Ok(Self {
            id: cluster_id(root)?,
            topics: Topics::open(root, options.segment_bytes, options.max_message_bytes)?,
            groups: Groups::default(),
            offsets: Offsets::open(root)?,
            changes: watch::Sender::new(0),
            // Ids begin at the current time, so they differ from those of an earlier start without a file.
            next_producer_id: AtomicI64::new(clock::now_ms().saturating_mul(1 << 16)),
            _lock: lock,
            options,
        })
    }

    /// An id that no other producer has.
    pub(crate) fn new_producer_id(&self) -> i64 {
        self.next_producer_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Wakes everyone who waits for records.
    pub(crate) fn announce_change(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Sees every change that is announced after this call.
    pub(crate) fn watch_changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Writes everything to the disk.
    pub(crate) fn flush(&self) {
        let logs = self.topics.all();
        let mut logs = logs.values().flat_map(|topic| &topic.partitions);
        let flushed = logs.try_for_each(|log| log.flush()).and_then(|()| self.offsets.flush());
        if let Err(error) = flushed {
            tracing::warn!(%error, "could not write everything to the disk");
        }
    }
}

fn lock(root: &Path) -> Result<File, BrokerError> {
    let path = root.join(LOCK);
    let file = File::create(&path).map_err(BrokerError::storage("create", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(BrokerError::Locked { path }),
        Err(TryLockError::Error(error)) => Err(BrokerError::storage("lock", &path)(error)),
    }
}

fn cluster_id(root: &Path) -> Result<String, BrokerError> {
    let path = root.join(CLUSTER_ID);
    match fs::read_to_string(&path) {
        Ok(id) if !id.trim().is_empty() => return Ok(id.trim().to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(BrokerError::storage("read", &path)(error)),
    }
    let id = uuid::Uuid::new_v4().simple().to_string();
    files::replace(&path, id.as_bytes()).map_err(BrokerError::storage("write", &path))?;
    Ok(id)
}
