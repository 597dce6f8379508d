//! Tables that change while events flow end equal to their source: columns added, dropped,
//! renamed, retyped and added anew, a key that grows, a table emptied, one dropped and re-created.

use e2e::{options, records, run, stop, write_recording};
use local_stack::replay::Replay;

/// Cells whose NULL the converter replaced by the column's default before anybody could read it,
/// beside those of `acct` that the recording itself lists.
pub(crate) const NULLS_SENT_AS_DEFAULTS: [&str; 3] = [
    "WRONG acct_quiet: row (\"44\") column category: source null target \"a\"",
    "WRONG acct_quiet: row (\"45\") column category: source null target \"a\"",
    "WRONG acct_quiet: row (\"55\") column status: source null target \"older\"",
];

fn assert_parity(replay: &Replay, tables: &[&str]) {
    for table in tables {
        let parity = replay
            .parities
            .get(*table)
            .unwrap_or_else(|| panic!("{table} is not replicated; waiting: {:#?}", replay.summary.waiting));
        let expected: &[&str] = if *table == "acct_quiet" { &NULLS_SENT_AS_DEFAULTS } else { &[] };
        assert_eq!(parity.examples, expected, "{table}");
        assert_eq!((parity.different, parity.missing, parity.unexpected), (expected.len(), 0, 0), "{table}");
        assert!(parity.absent_columns.is_empty(), "{table} lacks {:?}", parity.absent_columns);
    }
    let quarantined: Vec<_> =
        replay.summary.tables.iter().filter(|table| table.quarantined > 0).map(|table| &table.table).collect();
    assert!(quarantined.is_empty(), "nothing of this recording belongs into quarantine: {quarantined:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn definitions_that_changed_before_provisioning() {
    for rendering in ["noschema", "schema"] {
        let replay = run(&options("evolve-mariadb", rendering, "evolve.yaml")).await.expect("the replay ends");
        assert_parity(&replay, &["acct", "acct_quiet", "emptied", "extra", "phoenix", "pkchg"]);
        stop(replay).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn definitions_that_change_while_events_flow() {
    let mut options = options("evolve-mariadb", "noschema", "evolve-live.yaml");
    options.in_flight = 40;
    let replay = run(&options).await.expect("the replay ends");
    assert_parity(&replay, &["acct", "acct_quiet", "emptied", "phoenix", "pkchg"]);
    stop(replay).await;
}

/// Replays a connector that crashed: a third of the records, changes of tables among them, comes
/// again behind what it is the last of.
async fn with_a_crash(corpus: &str, rendering: &str, pipeline: &str) -> Replay {
    let mut sent = records(corpus, rendering).expect("the corpus is readable");
    let third = sent.len() / 3;
    let again = sent[third..2 * third].to_vec();
    sent.splice(2 * third..2 * third, again);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("again.jsonl");
    write_recording(&file, &sent).expect("the recording is written");
    let mut options = options(corpus, rendering, pipeline);
    options.records = vec![file];
    options.in_flight = 40;
    run(&options).await.expect("the replay ends")
}

/// The definition of before was taken for the newest: rows were changed back to it, and events
/// read by it.
#[tokio::test(flavor = "multi_thread")]
async fn definitions_that_are_told_again() {
    let replay = with_a_crash("evolve-mariadb", "noschema", "evolve-live.yaml").await;
    assert_parity(&replay, &["acct", "acct_quiet", "emptied", "phoenix", "pkchg"]);
    stop(replay).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn schemas_that_are_sent_again() {
    let replay = with_a_crash("evolve-postgres", "schema", "evolve-postgres-live.yaml").await;
    assert_nothing_wrong(&replay, &["acct", "acct_quiet", "emptied", "pkchg"], &["scales"]);
    stop(replay).await;
}

/// A PostgreSQL database has no schema-change topic: the events' own schemas are their versions.
/// `phoenix` was dropped and created anew, which no event tells; the values of `acct_quiet` and
/// `scales` that nobody can tell are in quarantine.
fn assert_nothing_wrong(replay: &Replay, equal: &[&str], not_wrong: &[&str]) {
    for table in equal.iter().chain(not_wrong) {
        let parity = replay
            .parities
            .get(*table)
            .unwrap_or_else(|| panic!("{table} is not replicated; waiting: {:#?}", replay.summary.waiting));
        let cells = parity.cells;
        println!("{table}: {} exact, {} in quarantine, {} wrong", cells.exact, cells.unfilled, cells.wrong);
        assert_eq!((cells.wrong, parity.missing, parity.unexpected), (0, 0, 0), "{table}: {:#?}", parity.examples);
        assert!(parity.absent_columns.is_empty(), "{table} lacks {:?}", parity.absent_columns);
        let figures = replay.summary.tables.iter().find(|figures| figures.table == *table).expect("a replicated table");
        let different = i64::try_from(parity.different).expect("a few rows");
        assert!(different <= figures.quarantined, "{table} lost values without a word: {:#?}", parity.examples);
    }
    for table in equal {
        let parity = &replay.parities[*table];
        assert_eq!(parity.different, 0, "{table}: {:#?}", parity.examples);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn schemas_that_changed_before_provisioning() {
    let replay = run(&options("evolve-postgres", "schema", "evolve-postgres.yaml")).await.expect("the replay ends");
    assert_nothing_wrong(&replay, &["acct", "emptied", "extra", "pkchg"], &["acct_quiet", "scales"]);
    stop(replay).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn schemas_that_change_while_events_flow() {
    let mut options = options("evolve-postgres", "schema", "evolve-postgres-live.yaml");
    options.in_flight = 40;
    let replay = run(&options).await.expect("the replay ends");
    assert_nothing_wrong(&replay, &["acct", "emptied", "pkchg"], &["acct_quiet", "scales"]);
    stop(replay).await;
}

/// What nobody can tell of `evolve-mariadb-names`: whether a time was rounded or cut off, a set
/// whose members were put into another order, and what the source computed for rows that were
/// there when it added a column.
const UNKNOWN: [(&str, usize); 7] =
    [("added", 2), ("narrowed", 2), ("ours", 0), ("rekeyed", 0), ("swapped", 0), ("taken", 0), ("theirs", 0)];

#[tokio::test(flavor = "multi_thread")]
async fn names_that_pass_from_one_to_another() {
    for in_flight in [4_000, 10] {
        let mut options = options("evolve-mariadb-names", "noschema", "evolve-names.yaml");
        options.in_flight = in_flight;
        let replay = run(&options).await.expect("the replay ends");
        for (table, unknown) in UNKNOWN {
            assert_nothing_wrong(&replay, &[], &[table]);
            let parity = &replay.parities[table];
            assert_eq!(parity.cells.unfilled, unknown, "{table}, {in_flight} in flight: {:#?}", parity.examples);
        }
        stop(replay).await;
    }
}
