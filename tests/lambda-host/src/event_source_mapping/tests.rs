//! A mapping over a topic in memory and functions in this process: every rule of batching and settling, without
//! broker and processes.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::payload::KafkaRecord;
use super::reader::{Fetched, PartitionReader, ReadError, TopicReader};
use super::*;
use crate::{FunctionError, HostError, InvokeOutcome, MAX_REQUEST_BYTES};

mod pure;

const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone, Default)]
struct Log {
    records: Vec<KafkaRecord>,
    earliest: i64,
    end: i64,
}

/// A topic in memory. A fetch returns at most three records, so that batches need several.
#[derive(Clone)]
struct MemoryTopic(watch::Sender<BTreeMap<i32, Log>>);

impl MemoryTopic {
    fn new(partitions: i32) -> Self {
        let logs = (0..partitions).map(|p| (p, Log::default())).collect();
        Self(watch::Sender::new(logs))
    }

    /// Appends records at these offsets, each with a value of this size.
    fn append(&self, partition: i32, offsets: impl IntoIterator<Item = i64>, bytes: usize) {
        self.0.send_modify(|logs| {
            let log = logs.entry(partition).or_default();
            for offset in offsets {
                log.records.push(KafkaRecord {
                    offset,
                    timestamp_ms: 1_000 + offset,
                    key: None,
                    value: Some(vec![b'v'; bytes]),
                    headers: Vec::new(),
                });
                log.end = offset + 1;
            }
        });
    }

    fn change(&self, partition: i32, change: impl FnOnce(&mut Log)) {
        self.0.send_modify(|logs| change(logs.entry(partition).or_default()));
    }
}

#[async_trait]
impl TopicReader for MemoryTopic {
    async fn partitions(&self) -> Result<Option<Vec<i32>>, ReadError> {
        let partitions: Vec<i32> = self.0.borrow().keys().copied().collect();
        Ok((!partitions.is_empty()).then_some(partitions))
    }

    async fn open(&self, partition: i32) -> Result<Box<dyn PartitionReader>, ReadError> {
        Ok(Box::new(MemoryPartition(self.0.subscribe(), partition)))
    }
}

struct MemoryPartition(watch::Receiver<BTreeMap<i32, Log>>, i32);

#[async_trait]
impl PartitionReader for MemoryPartition {
    async fn fetch(&self, offset: i64) -> Result<Fetched, ReadError> {
        let has_more = |logs: &BTreeMap<i32, Log>| logs[&self.1].end > offset;
        let mut logs = self.0.clone();
        tokio::time::timeout(Duration::from_millis(50), logs.wait_for(has_more)).await.map(drop).ok();
        let log = self.0.borrow()[&self.1].clone();
        if !(log.earliest..=log.end).contains(&offset) {
            return Err(ReadError::OutOfRange(offset));
        }
        let later = log.records.into_iter().filter(|r| r.offset >= offset);
        // As in Kafka, a piece of the log without records has to be asked for like any other.
        let records = later.take_while(|r| r.offset <= offset + 3).take(3);
        Ok(Fetched { records: records.collect(), high_watermark: log.end })
    }

    async fn offset_at(&self, position: StartingPosition) -> Result<i64, ReadError> {
        let logs = self.0.borrow();
        let log = &logs[&self.1];
        Ok(match position {
            StartingPosition::TrimHorizon => log.earliest,
            StartingPosition::Latest => log.end,
            StartingPosition::AtTimestamp(ms) => {
                log.records.iter().find(|r| r.timestamp_ms >= ms).map_or(log.end, |r| r.offset)
            }
        })
    }
}

/// What one invocation was sent: (partition, offset), in the event's order.
type Sent = Vec<(i32, i64)>;
type Answer = Result<Vec<u8>, FunctionError>;

/// A function that notes what it is sent and answers by a rule.
#[derive(Clone)]
struct Probe {
    sent: watch::Sender<Vec<Sent>>,
    sizes: Arc<Mutex<Vec<usize>>>,
}

impl Probe {
    fn new<F>(answer: F) -> (Self, Arc<dyn Invoker>)
    where
        F: Fn(usize, &Sent) -> Answer + Send + Sync + 'static,
    {
        let probe = Self { sent: watch::Sender::new(Vec::new()), sizes: Arc::default() };
        let notes = probe.clone();
        let invoker = crate::invoker_fn(move |payload: Vec<u8>| {
            let sent = positions(&payload);
            notes.sizes.lock().unwrap().push(payload.len());
            let number = notes.sent.borrow().len();
            let answered = answer(number, &sent);
            notes.sent.send_modify(|all| all.push(sent));
            async { answered }
        });
        (probe, invoker)
    }

    fn sent(&self) -> Vec<Sent> {
        self.sent.borrow().clone()
    }

    async fn until_invoked(&self, times: usize) {
        let mut sent = self.sent.subscribe();
        let enough = tokio::time::timeout(PATIENCE, sent.wait_for(|all| all.len() >= times)).await;
        enough.expect("not invoked often enough").unwrap();
    }
}

fn positions(payload: &[u8]) -> Sent {
    let event: Value = serde_json::from_slice(payload).unwrap();
    assert_eq!(event["eventSource"], "aws:kafka");
    let groups = event["records"].as_object().unwrap();
    groups
        .iter()
        .flat_map(|(group, records)| {
            records.as_array().unwrap().iter().map(move |record| {
                let partition = record["partition"].as_i64().unwrap();
                assert_eq!(*group, format!("t-{partition}"));
                (i32::try_from(partition).unwrap(), record["offset"].as_i64().unwrap())
            })
        })
        .collect()
}

fn success() -> Answer {
    Ok(b"null".to_vec())
}

fn failure() -> Answer {
    Err(FunctionError::new("Test", "asked to fail"))
}

fn failed_items(items: &[(i32, i64)]) -> Answer {
    let items: Vec<Value> =
        items.iter().map(|(p, o)| json!({"itemIdentifier": {"partition": format!("t-{p}"), "offset": o}})).collect();
    Ok(json!({"batchItemFailures": items}).to_string().into_bytes())
}

fn config(folder: &Path) -> MappingConfig {
    MappingConfig {
        batching_window: Duration::ZERO,
        retry_backoff: Backoff { initial: Duration::from_millis(1), maximum: Duration::from_millis(2) },
        ..MappingConfig::new("t", vec!["nowhere:1".to_owned()], folder)
    }
}

fn provisioned(folder: &Path) -> MappingConfig {
    MappingConfig {
        mode: Mode::Provisioned { pollers: 1 },
        report_batch_item_failures: true,
        // Long enough that the first batch has all records of a small topic.
        batching_window: Duration::from_millis(150),
        ..config(folder)
    }
}

struct Case {
    topic: MemoryTopic,
    folder: tempfile::TempDir,
}

impl Case {
    fn new(counts: &[i64]) -> Self {
        let topic = MemoryTopic::new(i32::try_from(counts.len()).unwrap());
        for (partition, count) in (0..).zip(counts) {
            topic.append(partition, 0..*count, 5);
        }
        Self { topic, folder: tempfile::tempdir().unwrap() }
    }

    fn start(&self, config: MappingConfig, invoker: Arc<dyn Invoker>) -> Mapping {
        Mapping::start_with(config, invoker, Arc::new(self.topic.clone())).unwrap()
    }

    fn ends(&self) -> BTreeMap<i32, i64> {
        let logs = self.topic.0.borrow();
        logs.iter().map(|(p, log)| (*p, log.end)).collect()
    }

    /// Runs a mapping until everything is settled.
    async fn run(&self, config: MappingConfig, invoker: Arc<dyn Invoker>) -> Snapshot {
        let mapping = self.start(config, invoker);
        mapping.wait_until_caught_up(&self.ends(), PATIENCE).await.unwrap();
        mapping.stop().await
    }
}

/// Offsets of one partition in the order of sending, repetitions included.
fn of_partition(sent: &[Sent], partition: i32) -> Vec<i64> {
    let all = sent.iter().flatten();
    all.filter(|(p, _)| *p == partition).map(|(_, o)| *o).collect()
}

fn failure_records(folder: &Path) -> Vec<Value> {
    let mut found = Vec::new();
    let mut folders = VecDeque::from([folder.to_path_buf()]);
    while let Some(folder) = folders.pop_front() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push_back(path);
            } else {
                found.push(serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap());
            }
        }
    }
    found
}

#[tokio::test]
async fn every_record_is_sent_once_in_order_and_the_position_survives() {
    let case = Case::new(&[10, 7, 0]);
    let acknowledged: Arc<Mutex<Sent>> = Arc::default();
    let notes = Arc::clone(&acknowledged);
    let settings = MappingConfig {
        batch_size: 4,
        on_acknowledged: Some(Arc::new(move |all| {
            let mut notes = notes.lock().unwrap();
            notes.extend(all.iter().map(|a| (a.partition, a.offset)));
            assert!(all.iter().all(|a| a.how == How::Processed));
            assert!(all.iter().all(|a| a.kafka_timestamp_ms == 1_000 + a.offset));
        })),
        ..config(case.folder.path())
    };
    let (probe, invoker) = Probe::new(|_, _| success());
    let snapshot = case.run(settings.clone(), Arc::clone(&invoker)).await;
    assert_eq!(snapshot.records, 17);
    assert_eq!(snapshot.acknowledged, 17);
    assert_eq!(snapshot.batches, snapshot.invocations);
    assert_eq!(snapshot.records_in_flight, 0);
    assert_eq!(snapshot.oldest_unacknowledged_ms(), None);
    assert_eq!(snapshot.committed[&0], 10);
    assert!(probe.sent().iter().all(|sent| sent.len() <= 4));
    assert_eq!(of_partition(&probe.sent(), 0), (0..10).collect::<Vec<_>>());
    assert_eq!(of_partition(&probe.sent(), 1), (0..7).collect::<Vec<_>>());
    assert_eq!(acknowledged.lock().unwrap().len(), 17);

    case.topic.append(2, 0..2, 5);
    case.run(settings, invoker).await;
    assert_eq!(of_partition(&probe.sent(), 2), [0, 1]);
    assert_eq!(probe.sent().iter().flatten().count(), 19);
}

#[tokio::test]
async fn a_batch_waits_for_its_window_unless_it_is_full() {
    let case = Case::new(&[4]);
    let settings =
        MappingConfig { batch_size: 3, batching_window: Duration::from_millis(200), ..config(case.folder.path()) };
    let (probe, invoker) = Probe::new(|_, _| success());
    let started = tokio::time::Instant::now();
    case.run(settings, invoker).await;
    assert_eq!(probe.sent(), [vec![(0, 0), (0, 1), (0, 2)], vec![(0, 3)]]);
    assert!(started.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn random_batch_sizes_stay_within_the_limit() {
    let case = Case::new(&[200]);
    let settings = MappingConfig {
        batch_size: 5,
        batch_sizing: BatchSizing::Random { seed: 3 },
        batching_window: Duration::from_millis(100),
        ..config(case.folder.path())
    };
    let (probe, invoker) = Probe::new(|_, _| success());
    case.run(settings, invoker).await;
    let sizes: BTreeSet<usize> = probe.sent().iter().map(Vec::len).collect();
    assert!(sizes.len() >= 3 && sizes.iter().all(|size| *size <= 5), "{sizes:?}");
}

#[tokio::test]
async fn a_failed_batch_is_sent_again_as_it_was_for_ever() {
    let case = Case::new(&[3, 3]);
    let settings = MappingConfig {
        // Without effect on demand.
        maximum_retry_attempts: 0,
        bisect_on_function_error: true,
        batching_window: Duration::from_millis(150),
        ..config(case.folder.path())
    };
    let (probe, invoker) = Probe::new(|number, _| if number < 30 { failure() } else { success() });
    let snapshot = case.run(settings, invoker).await;
    let sent = probe.sent();
    assert_eq!(sent.len(), 31);
    assert!(sent.iter().all(|one| *one == sent[0] && one.len() == 6));
    assert_eq!((snapshot.function_errors, snapshot.retries), (30, 30));
    assert_eq!(snapshot.discarded, 0);
    let last_error = snapshot.last_error.unwrap_or_default();
    assert!(last_error.contains("asked to fail"), "the last error is {last_error:?}");
}

#[tokio::test]
async fn on_demand_a_partial_response_is_taken_for_success() {
    let case = Case::new(&[3]);
    let settings = MappingConfig { report_batch_item_failures: true, ..config(case.folder.path()) };
    let (probe, invoker) = Probe::new(|_, sent| failed_items(&[sent[0]]));
    let snapshot = case.run(settings, invoker).await;
    assert_eq!(of_partition(&probe.sent(), 0), [0, 1, 2]);
    assert_eq!((snapshot.acknowledged, snapshot.partial_failures), (3, 0));
}

#[tokio::test]
async fn a_partial_response_is_retried_from_the_lowest_failed_offset_of_each_partition() {
    let case = Case::new(&[4, 4, 4]);
    let (probe, invoker) = Probe::new(|number, _| match number {
        0 => failed_items(&[(0, 3), (0, 1), (2, 0)]),
        _ => success(),
    });
    let snapshot = case.run(provisioned(case.folder.path()), invoker).await;
    let again = vec![(0, 1), (0, 2), (0, 3), (2, 0), (2, 1), (2, 2), (2, 3)];
    assert_eq!(probe.sent()[0].len(), 12);
    assert_eq!(probe.sent()[1..], [again]);
    assert_eq!((snapshot.partial_failures, snapshot.retries), (1, 1));
    assert_eq!(snapshot.acknowledged, 12);
}

#[tokio::test]
async fn while_a_partition_fails_nothing_later_of_it_is_sent_and_the_others_go_on() {
    let case = Case::new(&[2, 2]);
    let (probe, invoker) = Probe::new(|_, sent| {
        let first = sent.iter().find(|(partition, _)| *partition == 0);
        first.map_or_else(success, |position| failed_items(&[*position]))
    });
    let settings = MappingConfig { batching_window: Duration::ZERO, ..provisioned(case.folder.path()) };
    let mapping = case.start(settings, invoker);
    probe.until_invoked(4).await;
    case.topic.append(0, 2..6, 5);
    case.topic.append(1, 2..6, 5);
    let done = BTreeMap::from([(1, 6)]);
    mapping.wait_until_caught_up(&done, PATIENCE).await.unwrap();
    let now = probe.sent().len();
    probe.until_invoked(now + 3).await;
    let snapshot = mapping.stop().await;
    assert_eq!(snapshot.committed, BTreeMap::from([(0, 0), (1, 6)]));
    assert_eq!(snapshot.oldest_unacknowledged_ms(), Some(1_000));
    let mut ones = of_partition(&probe.sent(), 1);
    ones.dedup();
    assert_eq!(ones, (0..6).collect::<Vec<_>>());
    assert!(of_partition(&probe.sent(), 0).iter().all(|offset| *offset < 2));
}

#[tokio::test]
async fn bisecting_leaves_only_the_bad_record_to_the_destination() {
    let case = Case::new(&[9, 6]);
    let destination = case.folder.path().join("failed");
    let settings = MappingConfig {
        bisect_on_function_error: true,
        maximum_retry_attempts: 1,
        failure_destination: Some(destination.clone()),
        ..provisioned(case.folder.path())
    };
    let (probe, invoker) = Probe::new(|_, sent| if sent.contains(&(0, 5)) { failure() } else { success() });
    let snapshot = case.run(settings, invoker).await;
    assert_eq!((snapshot.discarded, snapshot.acknowledged), (1, 15));
    let records = failure_records(&destination);
    assert_eq!(records.len(), 1);
    let record = &records[0];
    assert_eq!(record["requestContext"]["condition"], "RetryAttemptsExhausted");
    assert_eq!(record["requestContext"]["approximateInvokeCount"], 2);
    assert_eq!(record["responseContext"]["functionError"], "Unhandled");
    assert_eq!(record["KafkaBatchInfo"]["batchSize"], 1);
    let info = &record["KafkaBatchInfo"]["recordInfo"]["t-0"];
    assert_eq!(info["firstRecordOffset"], "5");
    assert_eq!(info["lastRecordTimestamp"], "1970-01-01T00:00:01.005Z");
    let payload = record["payload"].as_str().unwrap();
    assert_eq!(positions(payload.as_bytes()), [(0, 5)]);
    assert_eq!(record["KafkaBatchInfo"]["payloadSize"], payload.len());
    // The bad record alone was sent twice, and no later record of its partition before it was given up.
    let alone = probe.sent().iter().filter(|sent| **sent == [(0, 5)]).count();
    assert_eq!(alone, 2);
}

#[tokio::test]
async fn with_a_destination_retries_for_ever_end_after_ten() {
    let case = Case::new(&[2]);
    let destination = case.folder.path().join("failed");
    let settings = MappingConfig {
        failure_destination: Some(destination.clone()),
        batching_window: Duration::from_millis(150),
        ..config(case.folder.path())
    };
    let (probe, invoker) = Probe::new(|_, _| failure());
    let snapshot = case.run(settings, invoker).await;
    assert_eq!(probe.sent().len(), 11);
    assert_eq!(snapshot.discarded, 2);
    assert_eq!(failure_records(&destination).len(), 1);
}

#[tokio::test]
async fn records_that_are_too_old_are_discarded_unsent() {
    let case = Case::new(&[3]);
    case.topic.append(0, 3..5, 5);
    case.topic.change(0, |log| {
        log.records[2].timestamp_ms = -1;
        log.records[3].timestamp_ms = crate::clock::now_ms();
    });
    let discarded: Arc<Mutex<Vec<i64>>> = Arc::default();
    let notes = Arc::clone(&discarded);
    let settings = MappingConfig {
        maximum_record_age: Some(Duration::from_secs(60)),
        on_acknowledged: Some(Arc::new(move |all| {
            let lost = all.iter().filter(|a| a.how == How::Discarded);
            notes.lock().unwrap().extend(lost.map(|a| a.offset));
        })),
        ..provisioned(case.folder.path())
    };
    let (probe, invoker) = Probe::new(|_, _| success());
    let snapshot = case.run(settings, invoker).await;
    // The last record is old too, but behind a young one: it is sent with it.
    assert_eq!(probe.sent(), [vec![(0, 2), (0, 3), (0, 4)]]);
    assert_eq!(*discarded.lock().unwrap(), [0, 1]);
    assert_eq!((snapshot.discarded, snapshot.acknowledged), (2, 5));
}

#[tokio::test]
async fn a_response_that_is_none_fails_the_batch() {
    let case = Case::new(&[2]);
    let (probe, invoker) = Probe::new(|number, _| match number {
        0 => Ok(b"{".to_vec()),
        1 => failed_items(&[(0, 99)]),
        _ => success(),
    });
    let snapshot = case.run(provisioned(case.folder.path()), invoker).await;
    assert_eq!(probe.sent().len(), 3);
    assert_eq!(snapshot.malformed_responses, 2);
}

#[tokio::test]
async fn no_event_is_larger_than_an_invocation_allows() {
    let case = Case::new(&[]);
    case.topic.append(0, 0..9, 1_000_000);
    case.topic.append(1, 0..9, 1_000_000);
    let settings = MappingConfig { batching_window: Duration::from_millis(150), ..config(case.folder.path()) };
    let (probe, invoker) = Probe::new(|_, _| success());
    case.run(settings, invoker).await;
    assert!(probe.sizes.lock().unwrap().iter().all(|size| *size <= MAX_REQUEST_BYTES));
    assert!(probe.sent().iter().any(|sent| sent.len() == 4));
    assert_eq!(of_partition(&probe.sent(), 0), (0..9).collect::<Vec<_>>());
    assert_eq!(of_partition(&probe.sent(), 1), (0..9).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_record_that_fits_in_no_event_stops_its_partition_or_goes_to_the_destination() {
    let case = Case::new(&[1, 3]);
    case.topic.append(0, 1..2, 5_000_000);
    case.topic.append(0, 2..3, 5);
    let (probe, invoker) = Probe::new(|_, _| success());
    let settings = config(case.folder.path());
    let mapping = case.start(settings.clone(), Arc::clone(&invoker));
    let error = mapping.wait_until_caught_up(&case.ends(), PATIENCE).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("partition 0 is blocked: the record at offset 1"), "{error}");
    mapping.wait_until_caught_up(&BTreeMap::from([(1, 3)]), PATIENCE).await.unwrap();
    assert_eq!(mapping.stop().await.committed[&0], 1);

    let destination = case.folder.path().join("failed");
    let settings = MappingConfig { failure_destination: Some(destination.clone()), ..settings };
    case.run(settings, invoker).await;
    assert_eq!(of_partition(&probe.sent(), 0), [0, 2]);
    let record = &failure_records(&destination)[0];
    assert_eq!(record["requestContext"]["condition"], "RecordTooLarge");
}

#[tokio::test]
async fn gaps_in_the_log_are_stepped_over() {
    let case = Case::new(&[2]);
    case.topic.append(0, [7, 20], 5);
    // The log ends with offsets that have no record, as behind a transaction.
    case.topic.change(0, |log| log.end = 25);
    let (probe, invoker) = Probe::new(|_, _| success());
    let snapshot = case.run(config(case.folder.path()), invoker).await;
    assert_eq!(of_partition(&probe.sent(), 0), [0, 1, 7, 20]);
    assert_eq!(snapshot.committed[&0], 25);
}

#[tokio::test]
async fn a_topic_that_was_created_anew_is_read_from_its_start() {
    let case = Case::new(&[9]);
    let (probe, invoker) = Probe::new(|_, _| success());
    let settings = config(case.folder.path());
    case.run(settings.clone(), Arc::clone(&invoker)).await;
    case.topic.change(0, |log| *log = Log::default());
    case.topic.append(0, 0..2, 5);
    let mapping = case.start(settings, invoker);
    let mut changes = mapping.subscribe();
    let new_start = changes.wait_for(|s| s.acknowledged == 2 && s.committed.get(&0) == Some(&2));
    tokio::time::timeout(PATIENCE, new_start).await.unwrap().unwrap();
    assert_eq!(of_partition(&probe.sent(), 0)[9..], [0, 1]);
}

#[tokio::test]
async fn topics_and_partitions_may_appear_later() {
    let case = Case::new(&[]);
    let (probe, invoker) = Probe::new(|_, _| success());
    let settings = MappingConfig { starting_position: StartingPosition::Latest, ..config(case.folder.path()) };
    let mapping = case.start(settings, invoker);
    assert_eq!(mapping.snapshot().status, Status::WaitingForTopic);
    case.topic.change(0, |_| {});
    let mut changes = mapping.subscribe();
    let running = changes.wait_for(|s| s.committed.contains_key(&0));
    tokio::time::timeout(PATIENCE, running).await.unwrap().unwrap();
    assert_eq!(mapping.snapshot().status, Status::Running);
    // A partition that is added later is read from its first record.
    case.topic.append(1, 0..2, 5);
    mapping.wait_until_caught_up(&case.ends(), PATIENCE).await.unwrap();
    assert_eq!(probe.sent().concat(), [(1, 0), (1, 1)]);
}

#[tokio::test]
async fn pollers_invoke_in_parallel_with_disjoint_partitions() {
    let case = Case::new(&[1, 1, 1, 1]);
    // Both pollers must be in the function at the same time.
    let meeting = Arc::new(tokio::sync::Barrier::new(2));
    let groups: Arc<Mutex<Vec<BTreeSet<i32>>>> = Arc::default();
    let notes = Arc::clone(&groups);
    let invoker = crate::invoker_fn(move |payload: Vec<u8>| {
        let partitions = positions(&payload).iter().map(|(p, _)| *p).collect();
        notes.lock().unwrap().push(partitions);
        let meeting = Arc::clone(&meeting);
        async move {
            meeting.wait().await;
            success()
        }
    });
    let settings = MappingConfig { mode: Mode::Provisioned { pollers: 2 }, ..provisioned(case.folder.path()) };
    case.run(settings, invoker).await;
    let mut groups = groups.lock().unwrap().clone();
    groups.sort();
    assert_eq!(groups, [BTreeSet::from([0, 2]), BTreeSet::from([1, 3])]);
}

#[tokio::test]
async fn faults_repeat_split_and_lose_but_drop_nothing() {
    let check = async |fault: Fault, expected: &[&[i64]], errors: u64| {
        let case = Case::new(&[4]);
        let (probe, invoker) = Probe::new(|_, _| success());
        let settings = MappingConfig { batching_window: Duration::from_millis(150), ..config(case.folder.path()) };
        let mapping = case.start(settings, invoker);
        mapping.inject(fault);
        mapping.wait_until_caught_up(&case.ends(), PATIENCE).await.unwrap();
        let snapshot = mapping.stop().await;
        assert_eq!(snapshot.function_errors, errors, "{fault:?}");
        assert_eq!(snapshot.acknowledged, 4, "{fault:?}");
        let sent = probe.sent();
        if fault == Fault::Resplit {
            assert_eq!((sent.len(), of_partition(&sent, 0)), (2, vec![0, 1, 2, 3]));
        } else {
            let sent: Vec<Vec<i64>> = sent.iter().map(|one| of_partition(std::slice::from_ref(one), 0)).collect();
            assert_eq!(sent, expected, "{fault:?}");
        }
    };
    let all: &[i64] = &[0, 1, 2, 3];
    check(Fault::Duplicate, &[all, all], 0).await;
    check(Fault::DropReply, &[all, all], 1).await;
    check(Fault::KillDuring(Duration::ZERO), &[all, all], 1).await;
    check(Fault::Delay(Duration::from_millis(20)), &[all], 0).await;
    check(Fault::Resplit, &[], 0).await;
}

#[tokio::test]
async fn any_mixture_of_faults_settles_every_record() {
    let case = Case::new(&[60, 40]);
    let (probe, invoker) = Probe::new(|_, _| success());
    let settings = MappingConfig {
        batch_size: 7,
        batch_sizing: BatchSizing::Random { seed: 11 },
        faults: Faults {
            seed: 5,
            duplicate: 0.2,
            resplit: 0.3,
            delay: Some((0.1, Duration::from_millis(1))),
            drop_reply: 0.2,
            kill: Some((0.1, Duration::ZERO)),
        },
        ..provisioned(case.folder.path())
    };
    let snapshot = case.run(settings, invoker).await;
    assert_eq!(snapshot.acknowledged, 100);
    assert!(snapshot.function_errors > 0 && snapshot.retries > 0, "{snapshot:?}");
    let seen: BTreeSet<(i32, i64)> = probe.sent().concat().into_iter().collect();
    assert_eq!(seen.len(), 100);
}

/// A function that is throttled at first.
struct Throttled(Mutex<u32>, Arc<dyn Invoker>);

#[async_trait]
impl Invoker for Throttled {
    async fn invoke(&self, payload: Vec<u8>) -> Result<InvokeOutcome, HostError> {
        {
            let mut left = self.0.lock().unwrap();
            if *left > 0 {
                *left -= 1;
                return Err(HostError::Throttled { function: "probe".to_owned(), limit: 1 });
            }
        }
        self.1.invoke(payload).await
    }
}

#[tokio::test]
async fn throttling_is_no_attempt() {
    let case = Case::new(&[2]);
    let settings = MappingConfig { maximum_retry_attempts: 0, ..provisioned(case.folder.path()) };
    let (probe, invoker) = Probe::new(|_, _| success());
    let invoker = Arc::new(Throttled(Mutex::new(5), invoker));
    let snapshot = case.run(settings, invoker).await;
    assert_eq!((snapshot.host_errors, snapshot.invocations), (5, 1));
    assert_eq!((snapshot.discarded, probe.sent().len()), (0, 1));
}

#[tokio::test]
async fn waiting_for_the_impossible_says_how_far_it_got() {
    let case = Case::new(&[2]);
    let (_, invoker) = Probe::new(|_, _| success());
    let mapping = case.start(config(case.folder.path()), invoker);
    mapping.wait_until_caught_up(&case.ends(), PATIENCE).await.unwrap();
    let more = BTreeMap::from([(0, 3)]);
    let error = mapping.wait_until_caught_up(&more, Duration::from_millis(1)).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("partition 0 is at 2 of 3"), "{error}");
}

#[test]
fn settings_out_of_lambdas_ranges_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    type Change = fn(&mut MappingConfig);
    let cases: [(Change, &str); 9] = [
        (|c| c.topic.clear(), "topic"),
        (|c| c.brokers.clear(), "brokers"),
        (|c| c.consumer_group = "a/b".to_owned(), "consumer_group"),
        (|c| c.batch_size = 0, "batch_size"),
        (|c| c.batch_size = 10_001, "batch_size"),
        (|c| c.batching_window = Duration::from_millis(300_001), "batching_window"),
        (|c| c.maximum_retry_attempts = -2, "maximum_retry_attempts"),
        (|c| c.maximum_record_age = Some(Duration::from_secs(59)), "maximum_record_age"),
        (|c| c.mode = Mode::Provisioned { pollers: 0 }, "pollers"),
    ];
    for (change, name) in cases {
        let mut settings = config(folder.path());
        change(&mut settings);
        let problem = settings.problem().expect(name);
        assert!(problem.contains(name), "{problem}");
    }
    assert_eq!(config(folder.path()).problem(), None);
}

#[tokio::test]
async fn a_groups_positions_belong_to_one_topic() {
    let case = Case::new(&[1]);
    let (_, invoker) = Probe::new(|_, _| success());
    let settings = config(case.folder.path());
    case.run(settings.clone(), Arc::clone(&invoker)).await;
    let other = MappingConfig { topic: "u".to_owned(), ..settings.clone() };
    let error = Mapping::start(other, Arc::clone(&invoker)).err().unwrap();
    assert!(error.to_string().contains("has positions of topic t"), "{error}");
    std::fs::write(case.folder.path().join("t-mapping.json"), "garbage").unwrap();
    let error = Mapping::start(settings, invoker).err().unwrap();
    assert!(matches!(error, MappingError::State { .. }), "{error}");
}
