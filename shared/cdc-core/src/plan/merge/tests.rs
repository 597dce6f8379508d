//! Plans and settlements by example, and the stop rule for any batch.

use proptest::prelude::*;

use super::*;
use crate::kafka::Record;
use crate::watermark::Watermark;

fn pipeline() -> Pipeline {
    Pipeline::parse(
        "version: 1\nname: p\nsource: {topic_prefix: db}\ntables: [{topic: db.shop.*, exclude: [db.shop.tmp]}]",
    )
    .unwrap()
}

const CREATE: &str = r#"{"op":"c","source":{"ts_ms":50},"before":null,"after":{"id":1}}"#;

fn record(topic: &str, partition: i32, offset: i64, value: Option<&str>) -> Record {
    Record {
        position: position(topic, partition, offset),
        timestamp_ms: Some(1000 + offset),
        key: Some(b"{\"id\":1}".to_vec()),
        value: value.map(|text| text.as_bytes().to_vec()),
        headers: Vec::new(),
    }
}

fn position(topic: &str, partition: i32, offset: i64) -> RecordPosition {
    RecordPosition { topic: topic.to_owned(), partition, offset }
}

fn malformed(position: Option<RecordPosition>) -> MalformedRecord {
    MalformedRecord { position, group: "g".to_owned(), timestamp_ms: None, reason: "odd".to_owned() }
}

fn watermark(table: &str, partition: i64, offset: i64, newest: Option<i64>) -> Watermark {
    Watermark {
        table: TableId(table.to_owned()),
        partition,
        offset,
        kafka_timestamp_ms: newest,
        refresh_time_ms: None,
        gaps: 0,
        merged_at_ms: None,
    }
}

fn unsettled(settlement: &Settlement) -> Vec<(String, Unsettled)> {
    settlement
        .outcomes()
        .iter()
        .filter_map(|(position, outcome)| match outcome {
            RecordOutcome::Unsettled(reason) => Some((position.to_string(), *reason)),
            _ => None,
        })
        .collect()
}

#[test]
fn a_batch_becomes_work_for_each_table() {
    let delete = r#"{"op":"d","source":{"ts_ms":70},"before":{"id":1},"after":null}"#;
    let batch = RecordBatch::of(
        vec![
            record("db.shop.B", 0, 7, Some(CREATE)),
            record("db.shop.A", 1, 5, None),
            record("db.shop.A", 1, 4, Some(delete)),
            record("db.shop.A", 0, 9, Some("not json")),
            record("db.shop.A", 0, 3, Some(CREATE)),
            record("db.shop.A", 0, 3, Some(CREATE)),
            record("db.shop.tmp", 0, 1, Some(CREATE)),
            record("db", 0, 1, Some(r#"{"source":{},"ddl":"x","tableChanges":[]}"#)),
            record("db", 0, 2, Some("odd")),
            record("beats.db", 0, 1, Some(r#"{"ts_ms":1}"#)),
            record("db.transaction", 0, 1, Some(r#"{"status":"BEGIN","id":"1","event_count":null}"#)),
            record("db.other.C", 0, 1, Some(CREATE)),
        ],
        vec![malformed(Some(position("db.shop.B", 0, 8))), malformed(None)],
    );
    let plan = plan(&batch, &pipeline());
    let ids: Vec<&str> = plan.tables.keys().map(TableId::as_str).collect();
    assert_eq!(ids, ["shop.a", "shop.b"]);
    let a = &plan.tables[&TableId("shop.a".to_owned())];
    assert_eq!(a.partitions[&0], OffsetRange { first: 3, last: 9, count: 2, newest_timestamp_ms: Some(1009) });
    assert_eq!(a.partitions[&1].count, 2);
    assert_eq!(
        a.operations,
        OperationCounts { creates: 1, deletes: 1, tombstones: 1, poison: 1, ..OperationCounts::default() }
    );
    assert_eq!((a.oldest_source_ms, a.newest_source_ms), (Some(50), Some(70)));
    let b = &plan.tables[&TableId("shop.b".to_owned())];
    assert_eq!((b.partitions[&0].first, b.partitions[&0].last), (7, 8));
    assert_eq!(b.operations.total(), 2);
    let rules: Vec<(String, NotOursRule)> =
        plan.not_ours.iter().map(|(position, rule)| (position.to_string(), *rule)).collect();
    assert_eq!(
        rules,
        [
            ("beats.db-0@1".to_owned(), NotOursRule::Heartbeat),
            ("db-0@1".to_owned(), NotOursRule::SchemaChange),
            ("db-0@2".to_owned(), NotOursRule::SchemaChange),
            ("db.shop.tmp-0@1".to_owned(), NotOursRule::ExcludedTopic),
            ("db.transaction-0@1".to_owned(), NotOursRule::Transaction),
        ]
    );
    let poison: Vec<String> = plan.poison.iter().map(|(position, _)| position.to_string()).collect();
    assert_eq!(poison, ["db-0@2", "db.shop.A-0@9"]);
    assert_eq!(plan.unknown_topics.keys().collect::<Vec<_>>(), ["db.other.C"]);
    assert_eq!(plan.malformed.len(), 2);

    let settlement = settle(&plan, &[], &[]);
    assert_eq!(settlement.unattributed(), 1);
    assert_eq!(settlement.waiting_tables().len(), 2);
    assert_eq!(settlement.outcomes().len(), 12);
}

/// A batch of one table with these offsets of partition 0, judged.
fn judged(offsets: &[i64], marks: &[Watermark], gaps: &[Gap]) -> Settlement {
    let records = offsets.iter().map(|offset| record("db.shop.A", 0, *offset, Some(CREATE))).collect();
    settle(&plan(&RecordBatch::of(records, Vec::new()), &pipeline()), marks, gaps)
}

#[test]
fn the_watermark_decides() {
    let covered = judged(&[1, 2, 3], &[watermark("shop.a", 0, 3, Some(1003))], &[]);
    assert!(covered.is_complete());
    assert!(covered.response().batch_item_failures.is_empty());
    assert!(covered.waiting_tables().is_empty());

    let partly = judged(&[1, 2, 3], &[watermark("shop.a", 0, 1, Some(1001))], &[]);
    assert_eq!(
        unsettled(&partly),
        [("db.shop.A-0@2".to_owned(), Unsettled::NotCovered), ("db.shop.A-0@3".to_owned(), Unsettled::NotCovered)]
    );
    assert_eq!(partly.response().batch_item_failures.len(), 2);
    assert_eq!(partly.waiting_tables().len(), 1);

    let others = [watermark("shop.b", 0, 9, None), watermark("shop.a", 1, 9, None), watermark("shop.a", 0, -1, None)];
    assert_eq!(unsettled(&judged(&[0], &others, &[])).len(), 1);
    assert_eq!(unsettled(&judged(&[0], &[], &[])).len(), 1);
}

#[test]
fn a_topic_created_anew_stops_its_partition() {
    // Offset 5 was merged long ago with a time of at most 900; the record's time is 1005.
    let settlement = judged(&[4, 5, 6], &[watermark("shop.a", 0, 100, Some(1004))], &[]);
    assert_eq!(
        unsettled(&settlement),
        [
            ("db.shop.A-0@5".to_owned(), Unsettled::TopicRecreated),
            ("db.shop.A-0@6".to_owned(), Unsettled::TopicRecreated)
        ]
    );
    assert!(settlement.waiting_tables().is_empty());
    assert_eq!(settlement.stopped_partitions()[&(TableId("shop.a".to_owned()), 0)], Unsettled::TopicRecreated);
    // Without a timestamp on either side nothing can be said.
    assert!(judged(&[4], &[watermark("shop.a", 0, 100, None)], &[]).is_complete());
}

#[test]
fn a_record_within_a_gap_is_lost_and_stops_what_follows() {
    let gap = Gap { table: TableId("shop.a".to_owned()), partition: 0, first: 2, last: 3 };
    let marks = [watermark("shop.a", 0, 10, Some(2000))];
    let settlement = judged(&[1, 3, 4], &marks, std::slice::from_ref(&gap));
    assert_eq!(
        unsettled(&settlement),
        [("db.shop.A-0@3".to_owned(), Unsettled::InGap), ("db.shop.A-0@4".to_owned(), Unsettled::BehindUnsettled)]
    );
    assert!(judged(&[1, 4], &marks, &[gap]).is_complete());
}

#[test]
fn malformed_records_without_a_position_fail_the_batch() {
    let batch = RecordBatch::of(Vec::new(), vec![malformed(None)]);
    let settlement = settle(&plan(&batch, &pipeline()), &[], &[]);
    assert!(!settlement.is_complete());
    assert!(settlement.response().batch_item_failures.is_empty());
}

proptest! {
    #[test]
    fn behind_an_unsettled_record_nothing_is_settled(
        positions in prop::collection::vec((0i32..3, 0i64..12, any::<bool>()), 0..40),
        marks in prop::collection::vec((0i64..3, -1i64..12, prop::option::of(1000i64..1015)), 0..4),
        gaps in prop::collection::vec((0i64..3, 0i64..12, 0i64..3), 0..3),
    ) {
        let mut records = Vec::new();
        let mut odd = Vec::new();
        for (partition, offset, good) in &positions {
            if *good {
                records.push(record("db.shop.A", *partition, *offset, Some(CREATE)));
            } else {
                odd.push(malformed(Some(position("db.shop.A", *partition, *offset))));
            }
        }
        let marks: Vec<Watermark> = marks
            .iter()
            .map(|(partition, offset, newest)| watermark("shop.a", *partition, *offset, *newest))
            .collect();
        let gaps: Vec<Gap> = gaps
            .iter()
            .map(|(partition, first, length)| Gap {
                table: TableId("shop.a".to_owned()),
                partition: *partition,
                first: *first,
                last: first + length,
            })
            .collect();
        let plan = plan(&RecordBatch::of(records.clone(), odd.clone()), &pipeline());
        let settlement = settle(&plan, &marks, &gaps);
        // Every position once, in order.
        let mut expected: Vec<RecordPosition> = positions
            .iter()
            .map(|(partition, offset, _)| position("db.shop.A", *partition, *offset))
            .collect();
        expected.sort();
        expected.dedup();
        let found: Vec<RecordPosition> =
            settlement.outcomes().iter().map(|(position, _)| position.clone()).collect();
        prop_assert_eq!(found, expected);
        // The stop rule, and that merged means covered.
        for partition in 0..3 {
            let outcomes: Vec<(i64, RecordOutcome)> = settlement
                .outcomes()
                .iter()
                .filter(|(position, _)| position.partition == partition)
                .map(|(position, outcome)| (position.offset, *outcome))
                .collect();
            let first = outcomes
                .iter()
                .position(|(_, outcome)| matches!(outcome, RecordOutcome::Unsettled(_)))
                .unwrap_or(outcomes.len());
            for (offset, outcome) in &outcomes[..first] {
                prop_assert_eq!(*outcome, RecordOutcome::Merged);
                prop_assert!(marks.iter().any(|mark| mark.partition == i64::from(partition) && mark.offset >= *offset));
            }
            prop_assert!(outcomes[first..].iter().all(|(_, outcome)| matches!(outcome, RecordOutcome::Unsettled(_))));
        }
        // The order and repetition of records do not matter.
        records.reverse();
        let again: Vec<Record> = records.iter().chain(records.iter()).cloned().collect();
        odd.reverse();
        prop_assert_eq!(super::plan(&RecordBatch::of(again, odd), &pipeline()), plan);
    }
}
