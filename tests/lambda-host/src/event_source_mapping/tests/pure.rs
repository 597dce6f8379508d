//! The pure rules: answers as a table, batching and settling as properties of random histories.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use tokio::time::Instant;

use super::super::buffer::{Buffers, Taken};
use super::super::payload::{Batch, KafkaRecord, Layout, Rendered};
use super::super::response::{Verdict, judge};
use super::super::settle::{Attempt, Item, Next, Policy, Queue, expire, settle};
use super::super::{Backoff, MappingConfig, Mode, NullValues};
use std::time::Duration;

fn layout() -> Layout {
    Layout::new("t", "arn", "b:1", NullValues::Null)
}

fn rendered(partition: i32, offset: i64, bytes: usize) -> Arc<Rendered> {
    let record =
        KafkaRecord { offset, timestamp_ms: offset, key: None, value: Some(vec![0; bytes]), headers: Vec::new() };
    Arc::new(layout().render(partition, &record, Instant::now()))
}

fn batch(positions: &[(i32, i64)]) -> Batch {
    let mut batch = Batch::default();
    for (partition, offset) in positions {
        batch.push(rendered(*partition, *offset, 1));
    }
    batch
}

#[test]
fn answers_are_judged_as_documented() {
    let sent = batch(&[(0, 5), (0, 6), (0, 9), (11, 5)]);
    let item = |partition: &str, offset: &str| {
        format!(r#"{{"itemIdentifier":{{"partition":{partition},"offset":{offset}}}}}"#)
    };
    let list = |items: &[String]| format!(r#"{{"batchItemFailures":[{}]}}"#, items.join(","));
    let partial = |lowest: &[(i32, i64)]| Some(Verdict::Partial(lowest.iter().copied().collect()));
    // `None` stands for any malformed answer.
    let cases: Vec<(String, Option<Verdict>)> = vec![
        (String::new(), Some(Verdict::Success)),
        ("null".into(), Some(Verdict::Success)),
        ("{}".into(), Some(Verdict::Success)),
        (r#"{"other":1}"#.into(), Some(Verdict::Success)),
        (r#"{"batchItemFailures":null}"#.into(), Some(Verdict::Success)),
        (list(&[]), Some(Verdict::Success)),
        (list(&[item("\"t-0\"", "6")]), partial(&[(0, 6)])),
        (list(&[item("\"t-0\"", "9"), item("\"t-11\"", "5"), item("\"t-0\"", "6")]), partial(&[(0, 6), (11, 5)])),
        (list(&[item("\"t-0\"", "6"), item("\"t-0\"", "6")]), partial(&[(0, 6)])),
        ("{".into(), None),
        ("\"fine\"".into(), None),
        ("[]".into(), None),
        (r#"{"batchItemFailures":{}}"#.into(), None),
        (list(&[item("\"t-0\"", "7")]), None),
        (list(&[item("\"t-1\"", "5")]), None),
        (list(&[item("\"u-0\"", "5")]), None),
        (list(&[item("\"t-+0\"", "5")]), None),
        (list(&[item("\"t-00\"", "5")]), None),
        (list(&[item("\"\"", "5")]), None),
        (list(&[item("null", "5")]), None),
        (list(&[item("0", "5")]), None),
        (list(&[item("\"t-0\"", "\"5\"")]), None),
        (list(&[item("\"t-0\"", "null")]), None),
        (list(&[item("\"t-0\"", "5.5")]), None),
        (list(&[r#"{"itemIdentifier":null}"#.into()]), None),
        (list(&[r#"{"itemIdentifier":"t-0"}"#.into()]), None),
        (list(&[r#"{"identifier":{"partition":"t-0","offset":5}}"#.into()]), None),
        (list(&["null".into()]), None),
        (list(&[item("\"t-0\"", "6"), "{}".into()]), None),
    ];
    for (answer, expected) in cases {
        let verdict = judge(answer.as_bytes(), &sent, "t");
        match expected {
            Some(expected) => assert_eq!(verdict, expected, "{answer}"),
            None => assert!(matches!(verdict, Verdict::Malformed(_)), "{answer}"),
        }
    }
}

fn policy(change: impl FnOnce(&mut MappingConfig)) -> Policy {
    let mut config = MappingConfig {
        mode: Mode::Provisioned { pollers: 1 },
        retry_backoff: Backoff { initial: Duration::from_millis(1), maximum: Duration::from_millis(4) },
        ..MappingConfig::new("t", vec!["b:1".to_owned()], "unused")
    };
    change(&mut config);
    Policy::new(&config)
}

#[test]
fn pauses_double_up_to_the_longest() {
    let now = Instant::now();
    let policy = policy(|_| {});
    let mut item = Item::new(batch(&[(0, 1)]));
    for pause in [1, 2, 4, 4] {
        item = settle(item, Attempt::Failed, &policy, now).again.remove(0);
        assert_eq!(item.not_before, Some(now + Duration::from_millis(pause)));
    }
}

#[test]
fn an_item_waits_for_those_ahead_of_it_in_its_partitions() {
    let now = Instant::now();
    let later = now + Duration::from_secs(1);
    let item = |positions: &[(i32, i64)], not_before| Item { not_before, ..Item::new(batch(positions)) };
    let mut queue = Queue::default();
    assert_eq!(queue.next(now), Next::Nothing);
    queue.push(item(&[(0, 1), (1, 1)], Some(later)));
    queue.push(item(&[(1, 2), (2, 1)], None));
    queue.push(item(&[(2, 2)], None));
    assert_eq!(queue.next(now), Next::Wait(later));
    queue.push(item(&[(3, 1)], None));
    assert_eq!(queue.next(now), Next::Send(3));
    assert_eq!(queue.next(later), Next::Send(0));
    assert_eq!(queue.busy(), BTreeSet::from([0, 1, 2, 3]));
    queue.replace(0, vec![item(&[(0, 1)], Some(later))]);
    assert_eq!(queue.next(now), Next::Send(1));
}

fn positions(batch: &Batch) -> Vec<(i32, i64)> {
    batch.records().map(|r| (r.partition, r.offset)).collect()
}

#[test]
fn only_the_oldest_records_of_a_partition_expire() {
    let policy = policy(|config| config.maximum_record_age = Some(Duration::from_secs(60)));
    // The timestamp of a record is its offset here.
    let item = Item::new(batch(&[(0, 100), (0, 39_999), (0, 40_001), (1, 40_000)]));
    let (kept, expired) = expire(item, &policy, 100_000);
    assert_eq!(positions(&kept.unwrap().batch), [(0, 40_001), (1, 40_000)]);
    assert_eq!(positions(&expired.unwrap().batch), [(0, 100), (0, 39_999)]);
}

/// What happens to one attempt of a random history.
#[derive(Clone, Debug)]
enum Step {
    Success,
    Fail,
    NotInvoked,
    /// Fails from the record at this place (modulo the batch) on.
    Partial(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => Just(Step::Success),
        3 => Just(Step::Fail),
        1 => Just(Step::NotInvoked),
        2 => (0_usize..50).prop_map(Step::Partial),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn batches_keep_order_and_limits(
        counts in prop::collection::vec((0_i64..30, 0_usize..200), 1..5),
        max_records in 1_usize..20,
        max_bytes in 400_usize..2_000,
        busy in prop::collection::btree_set(0_i32..5, 0..2),
    ) {
        let layout = layout();
        let mut buffers = Buffers::default();
        let mut expected: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
        for (partition, (count, bytes)) in (0..).zip(&counts) {
            for offset in 0..*count {
                buffers.push(rendered(partition, offset, *bytes));
                if !busy.contains(&partition) {
                    expected.entry(partition).or_default().push(offset);
                }
            }
        }
        let mut seen: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
        while let Some(taken) = buffers.take(&busy, max_records, max_bytes, &layout) {
            let batch = match taken {
                Taken::Batch(batch) => {
                    prop_assert!(layout.event(&batch).len() <= max_bytes);
                    batch
                }
                Taken::TooLarge(batch) => {
                    prop_assert_eq!(batch.len(), 1);
                    batch
                }
            };
            prop_assert!((1..=max_records).contains(&batch.len()));
            for record in batch.records() {
                seen.entry(record.partition).or_default().push(record.offset);
            }
        }
        prop_assert_eq!(seen, expected);
        prop_assert!(buffers.available(&busy, max_records, max_bytes, &layout).is_none());
    }

    #[test]
    fn whatever_happens_each_record_is_settled_once_and_in_order(
        sizes in prop::collection::vec(0_i64..12, 1..4),
        steps in prop::collection::vec(step(), 0..60),
        bisect in any::<bool>(),
        retries in -1_i64..3,
    ) {
        let policy = policy(|config| {
            config.bisect_on_function_error = bisect;
            config.maximum_retry_attempts = retries;
            config.report_batch_item_failures = true;
        });
        let all: Vec<(i32, i64)> = (0..)
            .zip(&sizes)
            .flat_map(|(partition, size)| (0..*size).map(move |offset| (partition, offset)))
            .collect();
        prop_assume!(!all.is_empty());
        let mut queue = Queue::default();
        queue.push(Item::new(batch(&all)));
        let mut steps = steps.into_iter();
        let mut settled_offsets: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
        // Pauses are at most 4 ms, so an hour on everything is due.
        let mut now = Instant::now();
        loop {
            now += Duration::from_secs(3_600);
            let place = match queue.next(now) {
                Next::Send(place) => place,
                Next::Nothing => break,
                Next::Wait(_) => return Err(TestCaseError::fail("an item is paused for too long")),
            };
            let item = queue.get(place).clone();
            let attempt = match steps.next().unwrap_or(Step::Success) {
                Step::Success => Attempt::Answered(Verdict::Success),
                Step::Fail => Attempt::Failed,
                Step::NotInvoked => Attempt::NotInvoked,
                Step::Partial(at) => {
                    let sent = positions(&item.batch);
                    let failed = sent[at % sent.len()];
                    Attempt::Answered(Verdict::Partial(BTreeMap::from([failed])))
                }
            };
            let before = item.batch.len();
            let settled = settle(item, attempt, &policy, now);
            let mut done = positions(&settled.acknowledged);
            let discarded = settled.discarded.map(|(item, _)| positions(&item.batch));
            done.extend(discarded.unwrap_or_default());
            let again: usize = settled.again.iter().map(|item| item.batch.len()).sum();
            prop_assert_eq!(before, done.len() + again);
            for (partition, offset) in done {
                settled_offsets.entry(partition).or_default().push(offset);
            }
            queue.replace(place, settled.again);
        }
        let in_order: Vec<(i32, i64)> = settled_offsets
            .into_iter()
            .flat_map(|(partition, offsets)| offsets.into_iter().map(move |o| (partition, o)))
            .collect();
        prop_assert_eq!(in_order, all);
    }
}
