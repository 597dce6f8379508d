//! Committed positions of a consumer group, on disk.
//!
//! One JSON file per group, replaced as a whole, so that a crash leaves the old or the new one. A position is the
//! offset of the next record to be acknowledged, as in Kafka.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::MappingError;
use super::config::MappingConfig;

#[derive(Serialize, Deserialize)]
struct Stored {
    topic: String,
    positions: BTreeMap<i32, i64>,
}

pub(crate) struct Positions {
    path: PathBuf,
    stored: Stored,
}

impl Positions {
    pub(crate) fn open(config: &MappingConfig) -> Result<Self, MappingError> {
        let path = config.state_dir.join(format!("{}.json", config.consumer_group));
        let state = |source| MappingError::State { path: path.clone(), source };
        fs::create_dir_all(&config.state_dir).map_err(state)?;
        let stored = match fs::read(&path) {
            Ok(bytes) => {
                let stored: Stored =
                    serde_json::from_slice(&bytes).map_err(|error| state(std::io::Error::other(error)))?;
                if stored.topic != config.topic {
                    return Err(MappingError::InvalidConfig {
                        topic: config.topic.clone(),
                        problem: format!(
                            "consumer group {} has positions of topic {}; choose another group",
                            config.consumer_group, stored.topic
                        ),
                    });
                }
                stored
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Stored { topic: config.topic.clone(), positions: BTreeMap::new() }
            }
            Err(error) => return Err(state(error)),
        };
        Ok(Self { path, stored })
    }

    pub(crate) fn get(&self, partition: i32) -> Option<i64> {
        self.stored.positions.get(&partition).copied()
    }

    /// Keeps new positions. Nothing is written when nothing changed.
    pub(crate) fn commit(&mut self, positions: &BTreeMap<i32, i64>) -> Result<(), MappingError> {
        let changed = positions.iter().any(|(partition, position)| self.get(*partition) != Some(*position));
        if !changed {
            return Ok(());
        }
        self.stored.positions.extend(positions.iter().map(|(p, o)| (*p, *o)));
        let state = |source| MappingError::State { path: self.path.clone(), source };
        let bytes = serde_json::to_vec(&self.stored).map_err(|error| state(std::io::Error::other(error)))?;
        let unfinished = self.path.with_extension("json.new");
        fs::write(&unfinished, bytes).map_err(state)?;
        fs::rename(&unfinished, &self.path).map_err(state)
    }
}
