//! Committed offsets of consumer groups: a map in memory and a journal of JSON lines.
//!
//! The journal is rewritten with the current values when the broker starts and whenever it has grown far
//! beyond them. An incomplete last line, left by a crash, is ignored.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::error::BrokerError;
use crate::files;

const JOURNAL: &str = "group-offsets.jsonl";
/// Lines beyond this many per current value lead to a rewrite, but not before `REWRITE_FLOOR` lines.
const REWRITE_FACTOR: usize = 4;
const REWRITE_FLOOR: usize = 10_000;

/// One committed position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Committed {
    pub(crate) offset: i64,
    pub(crate) leader_epoch: i32,
    pub(crate) metadata: String,
}

/// Topic and partition.
pub(crate) type Place = (String, i32);

/// One line of the journal; without an offset it removes.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    group: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    partition: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    offset: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    leader_epoch: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metadata: Option<String>,
}

type Groups = BTreeMap<String, BTreeMap<Place, Committed>>;

#[derive(Debug)]
struct State {
    groups: Groups,
    journal: File,
    lines: usize,
}

/// The committed offsets of all groups.
#[derive(Debug)]
pub(crate) struct Offsets {
    path: PathBuf,
    state: Mutex<State>,
}

impl Offsets {
    pub(crate) fn open(root: &Path) -> Result<Self, BrokerError> {
        let path = root.join(JOURNAL);
        let mut groups = Groups::new();
        match std::fs::read(&path) {
            Ok(bytes) => {
                for line in bytes.split(|&byte| byte == b'\n') {
                    if let Ok(line) = serde_json::from_slice::<Line>(line) {
                        replay(&mut groups, line);
                    }
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(BrokerError::storage("read", &path)(error)),
        }
        let (journal, lines) = rewrite(&path, &groups).map_err(BrokerError::storage("write", &path))?;
        Ok(Self { path, state: Mutex::new(State { groups, journal, lines }) })
    }

    /// Commits positions of one group; all are in the journal before this returns.
    pub(crate) fn commit(&self, group: &str, positions: Vec<(Place, Committed)>) -> io::Result<()> {
        if positions.is_empty() {
            return Ok(());
        }
        let lines: Vec<Line> = positions.iter().map(|(place, committed)| line(group, place, committed)).collect();
        let mut state = self.lock();
        self.journal(&mut state, &lines)?;
        state.groups.entry(group.to_owned()).or_default().extend(positions);
        Ok(())
    }

    /// The committed positions of a group; empty if there are none.
    pub(crate) fn of(&self, group: &str) -> BTreeMap<Place, Committed> {
        self.lock().groups.get(group).cloned().unwrap_or_default()
    }

    /// The groups with committed positions.
    pub(crate) fn groups(&self) -> Vec<String> {
        self.lock().groups.keys().cloned().collect()
    }

    /// Forgets a group. False: it had no positions.
    pub(crate) fn delete_group(&self, group: &str) -> io::Result<bool> {
        let mut state = self.lock();
        if state.groups.remove(group).is_none() {
            return Ok(false);
        }
        self.journal(&mut state, &[removal(group, None, None)])?;
        Ok(true)
    }

    /// Forgets the positions of a deleted topic in all groups.
    pub(crate) fn delete_topic(&self, topic: &str) -> io::Result<()> {
        let mut state = self.lock();
        let mut lines = Vec::new();
        for (group, positions) in &mut state.groups {
            positions.retain(|(name, partition), _| {
                if name == topic {
                    lines.push(removal(group, Some(topic), Some(*partition)));
                }
                name != topic
            });
        }
        self.journal(&mut state, &lines)
    }

    pub(crate) fn flush(&self) -> io::Result<()> {
        self.lock().journal.sync_data()
    }

    fn journal(&self, state: &mut State, lines: &[Line]) -> io::Result<()> {
        let current: usize = state.groups.values().map(BTreeMap::len).sum();
        if state.lines > REWRITE_FLOOR.max(current * REWRITE_FACTOR) {
            (state.journal, state.lines) = rewrite(&self.path, &state.groups)?;
        }
        state.journal.write_all(&encode(lines))?;
        state.lines += lines.len();
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn replay(groups: &mut Groups, line: Line) {
    let (Some(topic), Some(partition)) = (line.topic, line.partition) else {
        groups.remove(&line.group);
        return;
    };
    let positions = groups.entry(line.group).or_default();
    match line.offset {
        Some(offset) => {
            let committed = Committed {
                offset,
                leader_epoch: line.leader_epoch.unwrap_or(-1),
                metadata: line.metadata.unwrap_or_default(),
            };
            positions.insert((topic, partition), committed);
        }
        None => {
            positions.remove(&(topic, partition));
        }
    }
}

fn line(group: &str, (topic, partition): &Place, committed: &Committed) -> Line {
    Line {
        group: group.to_owned(),
        topic: Some(topic.clone()),
        partition: Some(*partition),
        offset: Some(committed.offset),
        leader_epoch: Some(committed.leader_epoch),
        metadata: Some(committed.metadata.clone()),
    }
}

fn removal(group: &str, topic: Option<&str>, partition: Option<i32>) -> Line {
    Line {
        group: group.to_owned(),
        topic: topic.map(str::to_owned),
        partition,
        offset: None,
        leader_epoch: None,
        metadata: None,
    }
}

fn encode(lines: &[Line]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut bytes, line).expect("text and numbers are JSON");
        bytes.push(b'\n');
    }
    bytes
}

fn rewrite(path: &Path, groups: &Groups) -> io::Result<(File, usize)> {
    let lines: Vec<Line> = groups
        .iter()
        .flat_map(|(group, positions)| positions.iter().map(|(place, committed)| line(group, place, committed)))
        .collect();
    files::replace(path, &encode(&lines))?;
    let journal = OpenOptions::new().append(true).open(path)?;
    Ok((journal, lines.len()))
}
