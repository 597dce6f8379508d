//! A cluster in memory for the functions' tests: topics, partitions, records, scripted failures,
//! and a list of what was asked. It keeps the port's promises, among them that an unknown topic
//! is absent from offsets and an error for a read.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use cdc_core::kafka::{Record, RecordPosition};

use crate::cluster::{Deadline, KafkaCluster, Offsets, Topic};
use crate::error::KafkaError;

/// The cluster. Shared by reference; all methods take `&self`.
#[derive(Default)]
pub struct FakeCluster {
    brokers: Vec<String>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    topics: BTreeMap<String, Vec<Partition>>,
    failures: VecDeque<KafkaError>,
    calls: Vec<String>,
}

#[derive(Default, Clone)]
struct Partition {
    start: i64,
    end: i64,
    records: Vec<Record>,
}

impl FakeCluster {
    /// A cluster without topics.
    #[must_use]
    pub fn new(brokers: &[&str]) -> Self {
        Self { brokers: brokers.iter().map(|broker| (*broker).to_owned()).collect(), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An empty topic; one that exists is replaced.
    pub fn create_topic(&self, topic: &str, partitions: usize) {
        self.state().topics.insert(topic.to_owned(), vec![Partition::default(); partitions]);
    }

    /// Removes a topic.
    pub fn delete_topic(&self, topic: &str) {
        self.state().topics.remove(topic);
    }

    /// Writes a record and returns its offset. Topic and partition come into being if missing.
    pub fn append(
        &self,
        topic: &str,
        partition: i32,
        timestamp_ms: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
    ) -> i64 {
        let mut state = self.state();
        let log = partition_mut(&mut state, topic, partition);
        let offset = log.end;
        log.records.push(Record {
            position: RecordPosition { topic: topic.to_owned(), partition, offset },
            headers: Vec::new(),
            timestamp_ms: Some(timestamp_ms),
            key: key.map(<[u8]>::to_vec),
            value: value.map(<[u8]>::to_vec),
        });
        log.end += 1;
        offset
    }

    /// Moves the end offset without writing records, as transaction markers do.
    pub fn set_end(&self, topic: &str, partition: i32, end: i64) {
        partition_mut(&mut self.state(), topic, partition).end = end;
    }

    /// Removes the records below `start`, as retention does.
    pub fn truncate(&self, topic: &str, partition: i32, start: i64) {
        let mut state = self.state();
        let log = partition_mut(&mut state, topic, partition);
        log.start = start;
        log.records.retain(|record| record.position.offset >= start);
    }

    /// The next call fails with this; several wait in line.
    pub fn fail_next(&self, error: KafkaError) {
        self.state().failures.push_back(error);
    }

    /// What was asked, in order: `brokers`, `topics`, `start_offsets`, `end_offsets`,
    /// `read TOPIC PARTITION FROM`.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        self.state().calls.clone()
    }

    fn called(&self, call: String) -> Result<MutexGuard<'_, State>, KafkaError> {
        let mut state = self.state();
        state.calls.push(call);
        match state.failures.pop_front() {
            Some(error) => Err(error),
            None => Ok(state),
        }
    }

    fn offsets(&self, call: &str, topics: &[String], pick: impl Fn(&Partition) -> i64) -> Result<Offsets, KafkaError> {
        let state = self.called(call.to_owned())?;
        Ok(topics
            .iter()
            .filter_map(|topic| state.topics.get(topic).map(|partitions| (topic, partitions)))
            .map(|(topic, partitions)| {
                let offsets = (0..).zip(partitions.iter().map(&pick)).collect();
                (topic.clone(), offsets)
            })
            .collect())
    }
}

fn partition_mut<'a>(state: &'a mut State, topic: &str, partition: i32) -> &'a mut Partition {
    let index = usize::try_from(partition).expect("partition numbers are not negative");
    let partitions = state.topics.entry(topic.to_owned()).or_default();
    if partitions.len() <= index {
        partitions.resize(index + 1, Partition::default());
    }
    &mut partitions[index]
}

#[async_trait]
impl KafkaCluster for FakeCluster {
    async fn brokers(&self, _deadline: Deadline) -> Result<Vec<String>, KafkaError> {
        drop(self.called("brokers".to_owned())?);
        Ok(self.brokers.clone())
    }

    async fn topics(&self, _deadline: Deadline) -> Result<Vec<Topic>, KafkaError> {
        let state = self.called("topics".to_owned())?;
        Ok(state
            .topics
            .iter()
            .map(|(name, partitions)| Topic { name: name.clone(), partitions: (0..).take(partitions.len()).collect() })
            .collect())
    }

    async fn start_offsets(&self, topics: &[String], _deadline: Deadline) -> Result<Offsets, KafkaError> {
        self.offsets("start_offsets", topics, |partition| partition.start)
    }

    async fn end_offsets(&self, topics: &[String], _deadline: Deadline) -> Result<Offsets, KafkaError> {
        self.offsets("end_offsets", topics, |partition| partition.end)
    }

    async fn read(
        &self,
        topic: &str,
        partition: i32,
        from: i64,
        max: usize,
        _deadline: Deadline,
    ) -> Result<Vec<Record>, KafkaError> {
        let state = self.called(format!("read {topic} {partition} {from}"))?;
        let log = usize::try_from(partition)
            .ok()
            .and_then(|index| state.topics.get(topic)?.get(index))
            .ok_or_else(|| KafkaError::UnknownTopic { topic: topic.to_owned(), partition })?;
        if from < log.start || from > log.end {
            return Err(KafkaError::OutOfRange { topic: topic.to_owned(), partition, offset: from });
        }
        Ok(log.records.iter().filter(|record| record.position.offset >= from).take(max).cloned().collect())
    }
}
