//! The topics and their partitions.
//!
//! The list of topics is one JSON file, replaced as a whole at every change. Every topic has a directory of
//! its own named by a fresh id, so a topic that is deleted and created again never meets its old records.
//! Order of changes: a topic's files exist before the list names it, and are removed after the list forgot it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use crate::configs::{self, Settings};
use crate::error::BrokerError;
use crate::files;
use crate::log::PartitionLog;

const LIST: &str = "topics.json";
const DIRECTORY: &str = "topics";
const MAX_PARTITIONS: i32 = 10_000;
const MAX_NAME: usize = 249;

/// One topic. Cheap to clone; a clone of a deleted topic refuses reads and writes.
#[derive(Debug, Clone)]
pub(crate) struct Topic {
    pub(crate) partitions: Vec<Arc<PartitionLog>>,
    pub(crate) settings: Settings,
    id: String,
}

impl Topic {
    pub(crate) fn partition(&self, index: i32) -> Option<&Arc<PartitionLog>> {
        usize::try_from(index).ok().and_then(|index| self.partitions.get(index))
    }

    pub(crate) fn partition_count(&self) -> i32 {
        i32::try_from(self.partitions.len()).expect("at most ten thousand")
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct ListedTopic {
    id: String,
    partitions: i32,
    #[serde(default)]
    settings: Settings,
}

/// All topics of the broker.
#[derive(Debug)]
pub(crate) struct Topics {
    root: PathBuf,
    segment_bytes: u64,
    max_message_bytes: usize,
    current: RwLock<Arc<BTreeMap<String, Topic>>>,
    /// Held while the list changes: changes are one after the other, reads never wait for a file.
    changes: Mutex<()>,
}

impl Topics {
    /// Opens the topics below `root`, with the logs of all partitions.
    pub(crate) fn open(root: &Path, segment_bytes: u64, max_message_bytes: usize) -> Result<Self, BrokerError> {
        let topics = Self {
            root: root.to_owned(),
            segment_bytes,
            max_message_bytes,
            current: RwLock::default(),
            changes: Mutex::default(),
        };
        let directory = root.join(DIRECTORY);
        fs::create_dir_all(&directory).map_err(BrokerError::storage("create", &directory))?;
        let path = root.join(LIST);
        let listed: BTreeMap<String, ListedTopic> = match fs::read(&path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map_err(|source| BrokerError::Damaged { path: path.clone(), source })?
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(BrokerError::storage("read", &path)(error)),
        };
        topics.remove_unlisted(&listed)?;
        let mut opened = BTreeMap::new();
        for (name, topic) in listed {
            let partitions = topics.open_partitions(&topic.id, 0, topic.partitions)?;
            opened.insert(name, Topic { partitions, settings: topic.settings, id: topic.id });
        }
        topics.publish(opened);
        Ok(topics)
    }

    /// A consistent view of all topics, by name.
    pub(crate) fn all(&self) -> Arc<BTreeMap<String, Topic>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn get(&self, name: &str) -> Option<Topic> {
        self.all().get(name).cloned()
    }

    /// The log of one partition.
    pub(crate) fn log(&self, name: &str, partition: i32) -> Option<Arc<PartitionLog>> {
        self.all().get(name)?.partition(partition).cloned()
    }

    /// The largest batch that a topic takes, in bytes.
    pub(crate) fn max_message_bytes(&self, topic: &Topic) -> usize {
        topic
            .settings
            .get(configs::MAX_MESSAGE_BYTES)
            .and_then(|value| value.parse().ok())
            .unwrap_or(self.max_message_bytes)
    }

    /// What a topic shows for a setting, and whether it is the topic's own value.
    pub(crate) fn shown_setting(&self, topic: &Topic, setting: &configs::Setting) -> (String, bool) {
        if let Some(value) = topic.settings.get(setting.name) {
            return (value.clone(), true);
        }
        let value = if setting.name == configs::MAX_MESSAGE_BYTES {
            self.max_message_bytes.to_string()
        } else {
            setting.default.to_owned()
        };
        (value, false)
    }

    /// Checks what `create` would refuse, without creating anything.
    pub(crate) fn check_new(&self, name: &str, partitions: i32) -> Result<(), BrokerError> {
        let characters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if name.is_empty() || name.len() > MAX_NAME || name == "." || name == ".." || !name.chars().all(characters) {
            return Err(BrokerError::InvalidTopic { name: name.to_owned() });
        }
        if !(1..=MAX_PARTITIONS).contains(&partitions) {
            return Err(BrokerError::InvalidPartitions { count: partitions });
        }
        if self.all().contains_key(name) {
            return Err(BrokerError::TopicExists { name: name.to_owned() });
        }
        Ok(())
    }

    /// Creates a topic with empty partitions. The settings are already checked.
    pub(crate) fn create(&self, name: &str, partitions: i32, settings: Settings) -> Result<(), BrokerError> {
        let _changing = self.begin();
        self.check_new(name, partitions)?;
        let id = uuid::Uuid::new_v4().simple().to_string();
        let topic = Topic { partitions: self.open_partitions(&id, 0, partitions)?, settings, id };
        let mut topics = (*self.all()).clone();
        topics.insert(name.to_owned(), topic);
        self.store(&topics)?;
        self.publish(topics);
        Ok(())
    }

    /// Deletes a topic with its records.
    pub(crate) fn delete(&self, name: &str) -> Result<(), BrokerError> {
        let _changing = self.begin();
        let mut topics = (*self.all()).clone();
        let topic = topics.remove(name).ok_or_else(|| unknown(name))?;
        self.store(&topics)?;
        self.publish(topics);
        for partition in &topic.partitions {
            partition.mark_deleted();
        }
        let directory = self.directory(&topic.id);
        if let Err(error) = fs::remove_dir_all(&directory) {
            tracing::warn!(path = %directory.display(), %error, "could not remove a deleted topic's files");
        }
        Ok(())
    }

    /// Gives a topic more partitions. `dry_run` only checks.
    pub(crate) fn grow(&self, name: &str, count: i32, dry_run: bool) -> Result<(), BrokerError> {
        let _changing = self.begin();
        let mut topics = (*self.all()).clone();
        let topic = topics.get_mut(name).ok_or_else(|| unknown(name))?;
        let has = topic.partition_count();
        if count <= has || count > MAX_PARTITIONS {
            return Err(BrokerError::InvalidPartitions { count });
        }
        if dry_run {
            return Ok(());
        }
        let added = self.open_partitions(&topic.id, has, count)?;
        topic.partitions.extend(added);
        self.store(&topics)?;
        self.publish(topics);
        Ok(())
    }

    /// Changes settings: `Some` sets, `None` returns to the default. The values are already checked.
    pub(crate) fn configure(&self, name: &str, changes: Vec<(String, Option<String>)>) -> Result<(), BrokerError> {
        let _changing = self.begin();
        let mut topics = (*self.all()).clone();
        let topic = topics.get_mut(name).ok_or_else(|| unknown(name))?;
        for (setting, value) in changes {
            match value {
                Some(value) => topic.settings.insert(setting, value),
                None => topic.settings.remove(&setting),
            };
        }
        self.store(&topics)?;
        self.publish(topics);
        Ok(())
    }

    fn open_partitions(&self, id: &str, from: i32, to: i32) -> Result<Vec<Arc<PartitionLog>>, BrokerError> {
        (from..to)
            .map(|index| {
                let directory = self.directory(id).join(index.to_string());
                PartitionLog::open(directory, self.segment_bytes).map(Arc::new)
            })
            .collect()
    }

    fn directory(&self, id: &str) -> PathBuf {
        self.root.join(DIRECTORY).join(id)
    }

    fn store(&self, topics: &BTreeMap<String, Topic>) -> Result<(), BrokerError> {
        let listed: BTreeMap<&str, ListedTopic> = topics
            .iter()
            .map(|(name, topic)| {
                let listed = ListedTopic {
                    id: topic.id.clone(),
                    partitions: topic.partition_count(),
                    settings: topic.settings.clone(),
                };
                (name.as_str(), listed)
            })
            .collect();
        let json = serde_json::to_vec_pretty(&listed).expect("maps of text and numbers are JSON");
        let path = self.root.join(LIST);
        files::replace(&path, &json).map_err(BrokerError::storage("write", &path))
    }

    fn publish(&self, topics: BTreeMap<String, Topic>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(topics);
    }

    fn begin(&self) -> MutexGuard<'_, ()> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remove_unlisted(&self, listed: &BTreeMap<String, ListedTopic>) -> Result<(), BrokerError> {
        let directory = self.root.join(DIRECTORY);
        let entries = fs::read_dir(&directory).map_err(BrokerError::storage("read", &directory))?;
        for entry in entries.flatten() {
            let name = entry.file_name();
            if !listed.values().any(|topic| name == topic.id.as_str()) {
                let path = entry.path();
                fs::remove_dir_all(&path).map_err(BrokerError::storage("remove", &path))?;
            }
        }
        Ok(())
    }
}

fn unknown(name: &str) -> BrokerError {
    BrokerError::UnknownTopic { name: name.to_owned() }
}
