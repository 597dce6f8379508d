//! Faults on the way: duplicates, re-splits, lost replies, killed functions, throttling, and a
//! connector that crashed and re-sent. The result is the same.

use std::time::Duration;

use e2e::{assert_full_parity, corpus, options, pipeline, records, run, stop, write_recording};
use lambda_host::event_source_mapping::Faults;
use local_stack::replay::{Replay, ReplayOptions};

/// What comes again is no news, and no row that went without an event.
fn assert_nothing_in_quarantine(replay: &Replay) {
    let quarantined: i64 = replay.summary.tables.iter().map(|table| table.quarantined).sum();
    assert_eq!(quarantined, 0, "{:#?}", replay.summary.tables);
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicated_resplit_and_unanswered_batches_change_nothing() {
    let mut options = options("salesdb-mariadb-tx", "schema", "shop.yaml");
    options.mapping.batch_size = 120;
    options.mapping.seed = Some(7);
    options.mapping.faults = Faults { seed: 7, duplicate: 0.2, resplit: 0.2, drop_reply: 0.1, ..Faults::default() };
    let replay = run(&options).await.expect("the replay runs to its end");
    assert_full_parity(&replay);
    assert_nothing_in_quarantine(&replay);
    stop(replay).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_killed_in_the_middle_change_nothing() {
    let mut options = options("salesdb-postgres", "schema", "pgsales.yaml");
    options.mapping.batch_size = 150;
    options.mapping.faults = Faults { seed: 11, kill: Some((0.2, Duration::from_millis(40))), ..Faults::default() };
    let replay = run(&options).await.expect("the replay runs to its end");
    assert_full_parity(&replay);
    assert_nothing_in_quarantine(&replay);
    stop(replay).await;
}

/// After a crash Debezium sends again what it had not committed: old changes under new offsets,
/// then the rest.
#[tokio::test(flavor = "multi_thread")]
async fn a_connector_that_crashed_and_sent_again() {
    let original = records("salesdb-small", "noschema").expect("the corpus is readable");
    let (from, to) = (original.len() * 4 / 10, original.len() * 6 / 10);
    let mut resent = original[..to].to_vec();
    resent.extend_from_slice(&original[from..]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("resent.jsonl");
    write_recording(&file, &resent).expect("the recording is written");
    let options = ReplayOptions {
        records: vec![file],
        pipeline: pipeline("salesdb-schema-changes.yaml"),
        truth: Some(corpus("salesdb-small").join("truth")),
        ..options("salesdb-small", "noschema", "salesdb-schema-changes.yaml")
    };
    let replay = run(&options).await.expect("the replay runs to its end");
    assert_full_parity(&replay);
    let stale: i64 = replay.summary.tables.iter().map(|table| table.stale).sum();
    assert_nothing_in_quarantine(&replay);
    assert!(stale > 0, "changes sent again are older than what is there, and are recognised as such");
    stop(replay).await;
}

/// The whole history twice, under new offsets: the second pass must not bring anything back.
#[tokio::test(flavor = "multi_thread")]
async fn the_whole_history_sent_twice() {
    let original = records("salesdb-postgres", "noschema").expect("the corpus is readable");
    let mut twice = original.clone();
    twice.extend_from_slice(&original);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("twice.jsonl");
    write_recording(&file, &twice).expect("the recording is written");
    let mut options = options("salesdb-postgres", "noschema", "pgsales-dump.yaml");
    options.records = vec![file];
    let replay = run(&options).await.expect("the replay runs to its end");
    assert_full_parity(&replay);
    assert_nothing_in_quarantine(&replay);
    stop(replay).await;
}
