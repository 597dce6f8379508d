//! What follows from what a round showed, as tables.

use super::*;
use cdc_core::catalog::TableId;

fn table(goal: Goal) -> Course {
    Course::new(
        TableGoal {
            spec: TableSpec {
                topic: "shop.shop.ITEM".to_owned(),
                source_table: "ITEM".to_owned(),
                slug: "shop_item".to_owned(),
                target_schema: "shop".to_owned(),
                target_table: "item".to_owned(),
                auto_refresh: false,
            },
            goal,
        },
        1000,
    )
}

fn cover(partition: i64, offset: i64) -> Goal {
    Goal::Cover(BTreeMap::from([(partition, offset)]))
}

fn mark(partition: i64, offset: i64) -> Watermark {
    Watermark {
        table: TableId("shop.item".to_owned()),
        partition,
        offset,
        kafka_timestamp_ms: None,
        refresh_time_ms: None,
        gaps: 0,
        merged_at_ms: None,
    }
}

fn failure(stage: Stage, kind: ErrorKind) -> Failure {
    Failure { stage, kind, text: "because".to_owned(), statement: None }
}

fn merged(landed: i64, pending: i64) -> Result<Merged, Failure> {
    Ok(Merged { counts: MergeCounts { landed, ..MergeCounts::default() }, pending, held: 0 })
}

fn poison() -> Result<Merged, Failure> {
    Err(failure(Stage::Merge, ErrorKind::Poison))
}

fn attempt(merge: Result<Merged, Failure>, marks: &[Watermark]) -> Attempt {
    Attempt { setting: Ok(()), refresh: Ok(()), merge, watermarks: Ok(marks.to_vec()) }
}

fn pending_of(partitions: &[(i64, i64, i64)]) -> Result<BTreeMap<i64, Pending>, Failure> {
    Ok(partitions
        .iter()
        .map(|&(partition, first_offset, records)| (partition, Pending { first_offset, records }))
        .collect())
}

fn after(millis: u64) -> Next {
    Next::Again { after: Duration::from_millis(millis) }
}

#[test]
fn what_one_round_means() {
    use ErrorKind::{Conflict, Invariant, Misconfigured, Poison, Throttled, Transient};
    let failed_refresh = |kind, merge, marks: &[Watermark]| Attempt {
        refresh: Err(failure(Stage::Refresh, kind)),
        ..attempt(merge, marks)
    };
    let failed_setting = |kind, merge| Attempt { setting: Err(failure(Stage::Setting, kind)), ..attempt(merge, &[]) };
    let failed_watermarks =
        |kind| Attempt { watermarks: Err(failure(Stage::Watermarks, kind)), ..attempt(merged(5, 0), &[]) };
    let failed_merge = |kind| attempt(Err(failure(Stage::Merge, kind)), &[]);
    for (name, goal, attempt, expected) in [
        ("covered", cover(0, 9), attempt(merged(5, 0), &[mark(0, 9)]), Next::Ended),
        ("covered, more is pending", cover(0, 9), attempt(merged(5, 7), &[mark(0, 9)]), Next::Ended),
        (
            "covered by somebody else",
            cover(0, 9),
            attempt(Err(failure(Stage::Merge, Conflict)), &[mark(0, 12)]),
            Next::Ended,
        ),
        ("another partition", cover(1, 9), attempt(merged(5, 0), &[mark(0, 9)]), after(0)),
        ("not landed yet", cover(0, 9), attempt(merged(0, 0), &[mark(0, 8)]), after(0)),
        ("more is pending", cover(0, 9), attempt(merged(5, 2), &[mark(0, 4)]), after(0)),
        ("nothing pending is enough", Goal::Pending, attempt(merged(5, 0), &[mark(0, 4)]), Next::Ended),
        ("an empty table", Goal::Pending, attempt(merged(0, 0), &[]), Next::Ended),
        ("all that is pending", Goal::Pending, attempt(merged(5, 2), &[mark(0, 4)]), after(0)),
        (
            "refresh failed, covered",
            cover(0, 9),
            failed_refresh(Misconfigured, merged(1, 0), &[mark(0, 9)]),
            Next::Ended,
        ),
        (
            "refresh failed, not covered",
            cover(0, 9),
            failed_refresh(Transient, merged(1, 0), &[mark(0, 8)]),
            after(250),
        ),
        ("refresh failed, rest pending", cover(0, 9), failed_refresh(Transient, merged(1, 3), &[mark(0, 5)]), after(0)),
        ("refresh not allowed", cover(0, 9), failed_refresh(Misconfigured, merged(0, 0), &[]), Next::Ended),
        ("refresh failed, pending", Goal::Pending, failed_refresh(Conflict, merged(1, 0), &[]), after(250)),
        ("setting failed", cover(0, 9), failed_setting(Invariant, Err(failure(Stage::Merge, Transient))), after(250)),
        ("setting failed, the probe held", Goal::Pending, failed_setting(Invariant, merged(1, 0)), Next::Ended),
        ("watermarks unknown", cover(0, 9), failed_watermarks(Transient), after(250)),
        ("watermarks forbidden", cover(0, 9), failed_watermarks(Misconfigured), Next::Ended),
        ("conflict", cover(0, 9), failed_merge(Conflict), after(250)),
        ("cancelled", cover(0, 9), failed_merge(Transient), after(250)),
        ("throttled", cover(0, 9), failed_merge(Throttled), after(250)),
        ("no procedure", cover(0, 9), failed_merge(Misconfigured), Next::Ended),
        ("unheard of", cover(0, 9), failed_merge(Invariant), Next::Ended),
        ("a bad record", cover(0, 9), failed_merge(Poison), Next::Look),
    ] {
        assert_eq!(table(goal).decide(attempt), expected, "{name}");
    }
}

#[test]
fn endings_say_whether_it_worked() {
    let mut course = table(cover(0, 9));
    course.decide(attempt(Err(failure(Stage::Merge, ErrorKind::Misconfigured)), &[]));
    assert!(matches!(course.report().ending, Ending::Failed(_)));

    let mut course = table(cover(0, 9));
    let refresh = Err(failure(Stage::Refresh, ErrorKind::Misconfigured));
    course.decide(Attempt { refresh, ..attempt(merged(1, 0), &[mark(0, 9)]) });
    let report = course.report();
    assert_eq!(report.ending, Ending::Reached);
    assert_eq!(report.warnings, ["the refresh failed: because"]);
    assert_eq!(report.counts.landed, 1);
}

#[test]
fn pauses_grow_and_end_with_progress() {
    let mut course = table(cover(0, 9));
    let conflict = || attempt(Err(failure(Stage::Merge, ErrorKind::Conflict)), &[]);
    assert_eq!(course.decide(conflict()), after(250));
    assert_eq!(course.decide(conflict()), after(500));
    assert_eq!(course.decide(attempt(merged(3, 5), &[])), after(0));
    assert_eq!(course.decide(conflict()), after(250));
    assert_eq!(pause(40), LONGEST_PAUSE);
}

#[test]
fn a_statement_that_began_too_early_is_followed_up_at_once_and_then_at_leisure() {
    let mut course = table(cover(0, 9));
    let early = || attempt(merged(0, 0), &[mark(0, 8)]);
    assert_eq!(course.decide(early()), after(0));
    assert_eq!(course.decide(early()), after(250));
    assert_eq!(course.decide(early()), after(500));
    assert_eq!(course.decide(attempt(merged(1, 0), &[mark(0, 9)])), Next::Ended);
}

#[test]
fn a_bad_record_is_searched_by_halving_and_isolated_by_its_offset() {
    // Partition 0 has 8 pending records from offset 100 on, partition 1 has none; 102 is bad.
    let mut course = table(cover(0, 107));
    assert_eq!(course.decide(attempt(poison(), &[mark(0, 99)])), Next::Look);
    assert_eq!(course.looked(pending_of(&[(0, 100, 8)])), after(0));
    assert_eq!(course.bound(), MergeBound::rows(4));
    assert_eq!(course.decide(attempt(poison(), &[mark(0, 99)])), after(0));
    assert_eq!(course.bound(), MergeBound::rows(2));
    assert_eq!(course.decide(attempt(merged(2, 6), &[mark(0, 101)])), after(0));
    assert_eq!(course.bound(), MergeBound::rows(1));
    assert_eq!(course.decide(attempt(poison(), &[mark(0, 101)])), Next::Look);
    assert_eq!(course.looked(pending_of(&[(0, 102, 6)])), after(0));
    let single = MergeBound { max_rows: 1, partition: Some(0), quarantine_offset: None };
    assert_eq!(course.bound(), single);
    assert_eq!(course.decide(attempt(poison(), &[mark(0, 101)])), Next::Look);
    assert_eq!(course.looked(pending_of(&[(0, 102, 6)])), after(0));
    assert_eq!(course.bound(), MergeBound { quarantine_offset: Some(102), ..single });
    assert_eq!(course.decide(attempt(merged(1, 5), &[mark(0, 102)])), after(0));
    assert_eq!(course.bound(), MergeBound::rows(GROWTH));
    assert_eq!(course.decide(attempt(merged(5, 0), &[mark(0, 107)])), Next::Ended);
    let report = course.report();
    assert_eq!(report.isolated, [(0, 102)]);
    assert_eq!(report.ending, Ending::Reached);
    assert_eq!(report.warnings, ["the merge failed: because"]);
}

#[test]
fn a_failure_that_does_not_come_back_isolates_nothing() {
    let mut course = table(Goal::Pending);
    course.decide(attempt(poison(), &[]));
    course.looked(pending_of(&[(0, 0, 1), (1, 0, 1)]));
    assert_eq!(course.bound().partition, Some(0));
    assert_eq!(course.decide(attempt(merged(1, 0), &[])), after(0));
    assert_eq!(course.bound().partition, Some(1));
    assert_eq!(course.decide(attempt(merged(1, 0), &[])), after(0));
    assert_eq!(course.bound(), MergeBound::rows(GROWTH));
    assert_eq!(course.decide(attempt(merged(0, 0), &[])), Next::Ended);
    assert!(course.report().isolated.is_empty());
}

#[test]
fn a_flood_of_bad_records_ends_in_a_failure_not_in_quarantine() {
    let mut course = table(Goal::Pending);
    for offset in 0..i64::try_from(MOST_ISOLATED).unwrap() {
        assert_eq!(course.decide(attempt(poison(), &[])), Next::Look);
        course.looked(pending_of(&[(0, offset, 1)]));
        assert_eq!(course.decide(attempt(poison(), &[])), Next::Look);
        course.looked(pending_of(&[(0, offset, 1)]));
        assert_eq!(course.decide(attempt(merged(1, 9), &[])), after(0));
    }
    assert_eq!(course.decide(attempt(poison(), &[])), Next::Ended);
    let report = course.report();
    assert_eq!(report.isolated.len(), MOST_ISOLATED);
    assert!(matches!(report.ending, Ending::Failed(failure) if failure.text.starts_with("20 records")));
}

#[test]
fn a_setting_that_never_holds_is_a_failure_in_the_end() {
    let mut course = table(Goal::Pending);
    let refused = || Attempt {
        setting: Err(failure(Stage::Setting, ErrorKind::Invariant)),
        ..attempt(Err(failure(Stage::Merge, ErrorKind::Transient)), &[])
    };
    let rounds = (0..100).take_while(|_| course.decide(refused()) != Next::Ended).count();
    assert_eq!(rounds, usize::try_from(MOST_SETTING_FAILURES).unwrap() - 1);
    assert!(matches!(course.report().ending, Ending::Failed(_)));
}

#[test]
fn passing_trouble_with_a_whole_round_is_left_for_later() {
    for (kind, failed) in [(ErrorKind::Throttled, false), (ErrorKind::Misconfigured, true)] {
        let mut course = table(Goal::Pending);
        course.stopped_by(failure(Stage::Submit, kind));
        assert_eq!(matches!(course.report().ending, Ending::Failed(_)), failed, "{kind}");
    }
}
