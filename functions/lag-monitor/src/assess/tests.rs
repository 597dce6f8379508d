//! States and conditions as a table of observations.

use std::collections::BTreeSet;

use super::*;
use crate::questions::Landed;

const NOW: i64 = 10_000_000;
const MINUTE: i64 = 60_000;

fn spec() -> TableSpec {
    let topic = "salesdb.salesdb.CUSTOMER".to_owned();
    let pipeline = cdc_core::pipeline::Pipeline::parse(
        "version: 1\nname: salesdb\nsource: {topic_prefix: salesdb}\ntables: [{topic: salesdb.salesdb.CUSTOMER}]\n",
    )
    .unwrap();
    pipeline.catalog(&[topic]).unwrap().remove(0)
}

fn thresholds() -> Thresholds {
    Thresholds { behind_after: Duration::from_secs(60), stopped_after: Duration::from_secs(900) }
}

fn mark(partition: i64, offset: i64, merged_ago_ms: i64) -> Watermark {
    Watermark {
        table: TableId("salesdb.customer".to_owned()),
        partition,
        offset,
        kafka_timestamp_ms: None,
        refresh_time_ms: None,
        gaps: 0,
        merged_at_ms: Some(NOW - merged_ago_ms),
    }
}

fn answers(watermarks: Vec<Watermark>, landed: &[(i64, i64)]) -> Answers {
    let landed: BTreeMap<i64, i64> = landed.iter().copied().collect();
    let landed: Landed =
        if landed.is_empty() { Landed::new() } else { Landed::from([("salesdb_customer".to_owned(), landed)]) };
    Answers {
        watermarks: Ok(watermarks),
        landed: Ok(landed),
        scan_errors: Ok(BTreeMap::new()),
        quarantined: Ok(BTreeMap::new()),
        newest_source: Ok(BTreeMap::from([(TableId("salesdb.customer".to_owned()), NOW - 5_000)])),
        provisioned: Ok(BTreeSet::from([TableId("salesdb.customer".to_owned())])),
    }
}

fn partition(end: i64, start: i64, oldest_pending: OldestPending) -> PartitionInKafka {
    PartitionInKafka { end, start: Some(start), oldest_pending }
}

fn since(ago_ms: i64) -> OldestPending {
    OldestPending::Since(NOW - ago_ms)
}

fn assessed(partitions: &[PartitionInKafka], answers: &Answers) -> Assessment {
    let partitions = (0..).zip(partitions.iter().copied()).collect();
    let kafka = BTreeMap::from([("salesdb.salesdb.CUSTOMER".to_owned(), partitions)]);
    assess(&[spec()], &kafka, answers, |_| thresholds(), NOW)
}

fn names(assessment: &Assessment) -> Vec<&'static str> {
    assessment.conditions.iter().map(|condition| condition.name).collect()
}

#[test]
fn nothing_pending_is_ok_even_if_the_scans_are_not_shown() {
    let found = assessed(&[partition(100, 0, OldestPending::None)], &answers(vec![mark(0, 99, 1)], &[]));
    assert_eq!((found.state, names(&found)), (State::Ok, vec![]));
    let table = &found.tables[0];
    assert_eq!(
        (table.landing_lag_records, table.merge_lag_records, table.pending_records),
        (Some(0), Some(0), Some(0))
    );
    assert_eq!((table.oldest_pending_ms, table.freshness_ms), (Some(0), Some(5_000)));
}

#[test]
fn an_empty_topic_that_was_never_merged_is_ok() {
    let found = assessed(&[partition(0, 0, OldestPending::None)], &answers(vec![], &[]));
    assert_eq!((found.state, found.tables[0].pending_records), (State::Ok, Some(0)));
}

#[test]
fn markers_above_the_watermark_are_no_lag() {
    let found =
        assessed(&[partition(101, 0, OldestPending::None)], &answers(vec![mark(0, 99, MINUTE * 60)], &[(0, 99)]));
    assert_eq!((found.state, found.tables[0].pending_records), (State::Ok, Some(0)));
    assert_eq!(names(&found), [] as [&str; 0]);
    let expired_all = assessed(&[partition(40, 40, OldestPending::None)], &answers(vec![], &[]));
    assert_eq!((expired_all.state, expired_all.tables[0].pending_records), (State::Ok, Some(0)));
}

#[test]
fn the_stage_of_a_lag_is_told_from_the_scans() {
    let seen = [partition(100, 0, since(2 * MINUTE)), partition(10, 0, OldestPending::None)];
    let marks = || vec![mark(0, 59, MINUTE), mark(1, 9, MINUTE)];
    let found = assessed(&seen, &answers(marks(), &[(0, 79), (1, 9)]));
    let table = &found.tables[0];
    assert_eq!(
        (table.landing_lag_records, table.merge_lag_records, table.pending_records),
        (Some(20), Some(20), Some(40))
    );
    assert_eq!((found.state, names(&found)), (State::Behind, vec!["behind"]));
    assert!(table.summary.contains("20 records wait to land and 20 to be merged"), "{}", table.summary);
    assert!(table.summary.contains("120 s"), "{}", table.summary);
    // No rows: the stage is unknown, not healthy.
    let found = assessed(&seen, &answers(marks(), &[]));
    let table = &found.tables[0];
    assert_eq!((table.landing_lag_records, table.merge_lag_records), (None, None));
    assert_eq!((table.pending_records, found.state), (Some(40), State::Behind));
    assert!(table.summary.contains("unknown"), "{}", table.summary);
}

#[test]
fn states_follow_age_and_progress() {
    let table: [(OldestPending, i64, State); 7] = [
        (since(59_999), MINUTE, State::Ok),
        (since(MINUTE), MINUTE, State::Behind),
        (since(14 * MINUTE), 60 * MINUTE, State::Behind),
        (since(15 * MINUTE), 14 * MINUTE, State::Behind),
        (since(15 * MINUTE), 15 * MINUTE, State::Stopped),
        (OldestPending::Unknown, MINUTE, State::Behind),
        (since(-5_000), MINUTE, State::Ok),
    ];
    for (pending, merged_ago, state) in table {
        let found = assessed(&[partition(100, 0, pending)], &answers(vec![mark(0, 59, merged_ago)], &[(0, 99)]));
        assert_eq!(found.state, state, "{pending:?}, merged {merged_ago} ms ago");
    }
}

#[test]
fn a_new_topic_waits_for_the_provisioner() {
    let unknown = Answers { provisioned: Ok(BTreeSet::new()), ..answers(vec![], &[]) };
    for (age, state, expected) in [
        (30_000, State::Ok, vec![]),
        (2 * MINUTE, State::Behind, vec!["not_provisioned"]),
        (60 * MINUTE, State::Stopped, vec!["not_provisioned"]),
    ] {
        let found = assessed(&[partition(100, 0, since(age))], &unknown);
        assert_eq!((found.state, names(&found)), (state, expected));
    }
    // Whether it is provisioned is not known: the general condition stands.
    let unread = Answers { provisioned: Err("permission denied".to_owned()), ..answers(vec![], &[]) };
    let found = assessed(&[partition(100, 0, since(2 * MINUTE))], &unread);
    assert_eq!(names(&found), ["partly_unknown", "behind"]);
}

#[test]
fn a_stop_names_its_stage() {
    let stopped = [partition(100, 0, since(60 * MINUTE))];
    let landing = assessed(&stopped, &answers(vec![mark(0, 59, 60 * MINUTE)], &[(0, 59)]));
    assert_eq!((landing.state, names(&landing)), (State::Stopped, vec!["landing_stopped"]));
    let merge = assessed(&stopped, &answers(vec![mark(0, 59, 60 * MINUTE)], &[(0, 99)]));
    assert_eq!(names(&merge), ["merge_stopped"]);
    let never = assessed(&stopped, &answers(vec![], &[(0, 99)]));
    assert_eq!((never.state, names(&never)), (State::Stopped, vec!["merge_stopped"]));
    assert_eq!(never.tables[0].pending_records, Some(100));
}

#[test]
fn a_recreated_topic_stops_the_table_and_says_so() {
    let found = assessed(&[partition(3, 0, OldestPending::None)], &answers(vec![mark(0, 99, 1)], &[(0, 99)]));
    assert_eq!((found.state, names(&found)), (State::Stopped, vec!["topic_recreated"]));
    assert!(found.conditions[0].what.contains("ends at offset 3 and 99 is merged"));
}

#[test]
fn records_that_expired_before_they_were_merged_are_counted() {
    let found = assessed(&[partition(100, 80, since(MINUTE))], &answers(vec![mark(0, 59, MINUTE)], &[(0, 99)]));
    assert_eq!(names(&found), ["records_expired", "behind"]);
    assert!(found.conditions[0].what.starts_with("20 offsets"), "{}", found.conditions[0].what);
    assert_eq!(found.tables[0].pending_records, Some(20));
    // What was gone before the pipeline began was never its own.
    let new = assessed(&[partition(100, 80, since(1))], &answers(vec![], &[]));
    assert_eq!((new.state, names(&new), new.tables[0].pending_records), (State::Ok, vec![], Some(20)));
}

#[test]
fn a_topic_that_cannot_be_seen_is_unknown() {
    let found = assess(&[spec()], &BTreeMap::new(), &answers(vec![], &[]), |_| thresholds(), NOW);
    assert_eq!(found.state, State::Unknown);
    assert!(found.tables[0].summary.contains("does not exist"));
    assert_eq!(found.tables[0].pending_records, None);
}

#[test]
fn unanswered_questions_are_conditions_once() {
    let all = |reason: &str| Answers {
        watermarks: Err(reason.to_owned()),
        landed: Err(reason.to_owned()),
        scan_errors: Err(reason.to_owned()),
        quarantined: Err(reason.to_owned()),
        newest_source: Err(reason.to_owned()),
        provisioned: Err(reason.to_owned()),
    };
    let found = assessed(&[partition(100, 0, OldestPending::Unknown)], &all("no answer"));
    assert_eq!((found.state, names(&found)), (State::Unknown, vec!["watermarks_unknown"]));
    let partly = Answers { landed: Err("permission denied".to_owned()), ..answers(vec![mark(0, 99, 1)], &[]) };
    let found = assessed(&[partition(100, 0, OldestPending::None)], &partly);
    assert_eq!((found.state, names(&found)), (State::Ok, vec!["partly_unknown"]));
    let nothing_declared = assess(&[], &BTreeMap::new(), &all("no answer"), |_| thresholds(), NOW);
    assert_eq!(nothing_declared.state, State::Unknown);
}

#[test]
fn quarantine_and_scan_errors_are_counted_and_said() {
    let mut answers = answers(vec![mark(0, 99, 1)], &[(0, 99)]);
    answers.quarantined =
        Ok(BTreeMap::from([(TableId("salesdb.customer".to_owned()), 3), (TableId("salesdb.other".to_owned()), 9)]));
    answers.scan_errors = Ok(BTreeMap::from([("salesdb_customer".to_owned(), 2)]));
    let found = assessed(&[partition(100, 0, OldestPending::None)], &answers);
    assert_eq!(found.state, State::Ok, "the merge goes on");
    assert_eq!(names(&found), ["quarantined", "scan_errors"]);
    assert_eq!((found.tables[0].quarantined_records, found.tables[0].scan_error_records), (Some(3), Some(2)));
}

#[test]
fn a_promised_freshness_counts_instead_of_the_setting() {
    let seconds = Duration::from_secs;
    let promised = |seconds: u64| thresholds().promised(Some(Duration::from_secs(seconds)));
    assert_eq!(thresholds().promised(None), thresholds());
    assert_eq!((promised(5).behind_after, promised(5).stopped_after), (seconds(5), seconds(900)));
    assert_eq!((promised(3_600).behind_after, promised(3_600).stopped_after), (seconds(3_600), seconds(3_600)));
}
