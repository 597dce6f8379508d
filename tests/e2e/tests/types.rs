//! Recordings of column types and representation settings, value by value: each value of the
//! source is in the target, or it is in quarantine and the row has NULL in its place. Nothing
//! is wrong. The number of exact values is pinned: it may only rise.
//!
//! `cargo test --release -p e2e types:: -- --nocapture` prints a line per table.

use std::collections::BTreeSet;
use std::path::Path;

use e2e::{corpus, run, stop, write_pipeline};
use local_stack::replay::ReplayOptions;

/// A recording, and what must become of it.
struct Expected {
    corpus: &'static str,
    rendering: &'static str,
    /// Further keys of the pipeline file's `source`.
    source: &'static str,
    /// Entries of the pipeline file's `tables` besides the one for all.
    tables: &'static str,
    /// Values that are exact, at least.
    exact: usize,
    /// Values that are in quarantine, at most.
    unfilled: usize,
    /// Columns that are left out.
    absent: &'static [&'static str],
    /// Tables whose ground truth does not tell what this rendering delivers.
    ignored: &'static [&'static str],
}

impl Default for Expected {
    fn default() -> Self {
        Self {
            corpus: "",
            rendering: "schema",
            source: "",
            tables: "",
            exact: 0,
            unfilled: 0,
            absent: &[],
            ignored: &[],
        }
    }
}

async fn replays(expected: Expected) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let name = expected.corpus;
    let source = expected.source.replace("DUMP", "dump.sql");
    if source.contains("dump.sql") {
        std::fs::write(folder.path().join("dump.sql"), dump(&corpus(name))).expect("the folder is writable");
    }
    let options = ReplayOptions {
        pipeline: write_pipeline(folder.path(), name, &source, expected.tables).expect("a pipeline file"),
        ..e2e::options(name, expected.rendering, "")
    };
    let replay = run(&options).await.expect("the replay runs to its end");
    let (mut exact, mut unfilled, mut wrong) = (0, 0, 0);
    let mut absent = BTreeSet::new();
    let mut examples = Vec::new();
    for (table, parity) in replay.parities.iter().filter(|(table, _)| !expected.ignored.contains(&table.as_str())) {
        let cells = parity.cells;
        println!(
            "{name} {} {table}: {} exact, {} in quarantine, {} wrong, left out: {:?}",
            expected.rendering,
            cells.exact,
            cells.unfilled + cells.missing,
            cells.wrong,
            parity.absent_columns
        );
        exact += cells.exact;
        unfilled += cells.unfilled + cells.missing;
        wrong += cells.wrong;
        absent.extend(parity.absent_columns.iter().map(|column| format!("{table}.{column}")));
        examples.extend(parity.examples.iter().cloned());
        let figures = replay.summary.tables.iter().find(|figures| figures.table == *table).expect("a replicated table");
        let not_equal = i64::try_from(parity.different + parity.missing).expect("a few rows");
        assert!(not_equal <= figures.quarantined, "{table} lost values without a word: {:#?}", parity.examples);
    }
    for (column, reason) in &replay.summary.excluded_columns {
        println!("{name} {} {column} is left out: {reason}", expected.rendering);
    }
    let examples = examples.join("\n");
    assert_eq!(wrong, 0, "{examples}");
    assert!(replay.summary.waiting.is_empty(), "{:#?}", replay.summary.waiting);
    assert_eq!(absent.iter().map(String::as_str).collect::<Vec<_>>(), expected.absent, "columns that are left out");
    assert!(
        unfilled <= expected.unfilled,
        "{unfilled} values in quarantine, {} were expected:\n{examples}",
        expected.unfilled
    );
    assert!(exact >= expected.exact, "{exact} values are exact, {} were:\n{examples}", expected.exact);
    stop(replay).await;
}

/// What `pg_dump` wrote, or `CREATE TABLE` statements from the recorder's list of columns of a
/// PostgreSQL database.
fn dump(folder: &Path) -> String {
    if let Ok(dump) = std::fs::read_to_string(folder.join("dump.sql")) {
        return dump;
    }
    let path = folder.join("final-columns.txt");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut sql = String::from(
        "CREATE TYPE mood AS ENUM ('happy', 'so so', 'it''s');\nCREATE DOMAIN posint AS integer;\n\
         CREATE DOMAIN price AS numeric(10,2);\nCREATE DOMAIN ztext AS text;\n",
    );
    for table in text.split("-- ").filter(|table| !table.trim().is_empty()) {
        let (name, columns) = table.split_once('\n').expect("a name and columns");
        sql.push_str(&format!(
            "CREATE TABLE {name} (\n{}\n);\n",
            columns.trim_end().replace("\n  PRIMARY KEY", ",\n  PRIMARY KEY")
        ));
    }
    sql
}

macro_rules! recordings {
    ($($name:ident => { $($field:ident: $value:expr),* $(,)? })*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            replays(Expected { $($field: $value,)* ..Expected::default() }).await;
        }
    )*};
}

recordings! {
    mysql => { corpus: "types-mysql", exact: 1877, unfilled: 162 }
    mysql_without_schemas => { corpus: "types-mysql", rendering: "noschema", exact: 1877, unfilled: 162 }
    mariadb => { corpus: "types-mariadb", exact: 1504, unfilled: 156 }
    mariadb_without_schemas => { corpus: "types-mariadb", rendering: "noschema", exact: 1504, unfilled: 156 }
    mysql_binary_base64 => { corpus: "types-mysql-binary-base64", exact: 115, unfilled: 4 }
    mysql_binary_base64_without_schemas => { corpus: "types-mysql-binary-base64", rendering: "noschema", exact: 115, unfilled: 4 }
    mysql_binary_hex => { corpus: "types-mysql-binary-hex", exact: 93, unfilled: 26 }
    mysql_binary_hex_stated => { corpus: "types-mysql-binary-hex", rendering: "noschema", source: ", settings: {binary.handling.mode: hex}", exact: 115, unfilled: 4 }
    mysql_decimal_double => { corpus: "types-mysql-decimal-double", exact: 135 }
    mysql_decimal_double_without_schemas => { corpus: "types-mysql-decimal-double", rendering: "noschema", exact: 72, unfilled: 63 }
    mysql_decimal_double_stated => { corpus: "types-mysql-decimal-double", rendering: "noschema", source: ", settings: {decimal.handling.mode: double}", exact: 135 }
    mysql_decimal_string => { corpus: "types-mysql-decimal-string", exact: 375 }
    mysql_decimal_string_without_schemas => { corpus: "types-mysql-decimal-string", rendering: "noschema", source: ", settings: {bigint.unsigned.handling.mode: precise}", exact: 360, unfilled: 15 }
    mysql_nulls_kept => { corpus: "types-mysql-keep-nulls", rendering: "schema-nonulldef", exact: 224, unfilled: 15 }
    mysql_nulls_kept_without_schemas => { corpus: "types-mysql-keep-nulls", rendering: "nonulldef", exact: 224, unfilled: 15 }
    mysql_decimal_numbers => { corpus: "types-mysql-keep-nulls", rendering: "numeric", source: ", settings: {decimal.handling.mode: precise}", exact: 120, unfilled: 15, ignored: &["t_default"] }
    mysql_source_types => { corpus: "types-mysql-source-types", exact: 953, unfilled: 106 }
    mysql_source_types_alone => { corpus: "types-mysql-source-types", source: ", columns: events", exact: 953, unfilled: 106 }
    mysql_time_connect => { corpus: "types-mysql-time-connect", exact: 624 }
    mysql_time_connect_stated => { corpus: "types-mysql-time-connect", rendering: "noschema", source: ", settings: {time.precision.mode: connect}", exact: 624 }
    postgres => { corpus: "types-postgres", exact: 1469, unfilled: 8, absent: &["p_num.c_m5"] }
    postgres_from_a_dump => { corpus: "types-postgres", rendering: "noschema", source: ", connector: postgresql, dump: DUMP", exact: 1469, unfilled: 8, absent: &["p_num.c_m5"] }
    postgres_decimal_double => { corpus: "types-postgres-decimal-double", exact: 160 }
    postgres_decimal_string => { corpus: "types-postgres-decimal-string", exact: 160 }
    postgres_decimal_string_from_a_dump => { corpus: "types-postgres-decimal-string", rendering: "noschema", source: ", connector: postgresql, dump: DUMP, settings: {decimal.handling.mode: string}", exact: 160 }
    postgres_far => { corpus: "types-postgres-far", exact: 160, unfilled: 10, absent: &["p_number.c_gen"] }
    postgres_far_from_a_dump => { corpus: "types-postgres-far", rendering: "noschema", source: ", connector: postgresql, dump: DUMP", exact: 160, unfilled: 10, absent: &["p_number.c_gen"] }
    postgres_hstore => { corpus: "types-postgres-hstore", exact: 16 }
    postgres_iso => { corpus: "types-postgres-iso", exact: 180, unfilled: 10, absent: &["p_number.c_gen"] }
    postgres_iso_from_a_dump => { corpus: "types-postgres-iso", rendering: "noschema", source: ", connector: postgresql, dump: DUMP, settings: {time.precision.mode: isostring, decimal.handling.mode: string, binary.handling.mode: hex, hstore.handling.mode: map}", exact: 180, unfilled: 10, absent: &["p_number.c_gen"] }
    postgres_time_connect => { corpus: "types-postgres-time-connect", exact: 374 }
    postgres_time_micro => { corpus: "types-postgres-time-micro", exact: 374 }
    postgres_time_micro_from_a_dump => { corpus: "types-postgres-time-micro", rendering: "noschema", source: ", connector: postgresql, dump: DUMP, settings: {time.precision.mode: adaptive_time_microseconds}", exact: 374 }
    flattened => { corpus: "salesdb-unwrap", exact: 3217 }
    flattened_without_schemas => { corpus: "salesdb-unwrap", rendering: "noschema", exact: 3217 }
}

/// What ExtractNewRecordState writes with `delete.tombstone.handling.mode=tombstone`, its default: no
/// `__deleted`, and a deletion is its tombstone alone.
#[tokio::test(flavor = "multi_thread")]
async fn flattened_deletions_are_tombstones() {
    for rendering in ["schema", "noschema"] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut records = e2e::records("salesdb-unwrap", rendering).expect("the recording");
        let mut deletions = 0;
        for record in &mut records {
            let Some(value) = &mut record.value else { continue };
            if value.contains(r#""__deleted":"true""#) {
                record.value = None;
                deletions += 1;
                continue;
            }
            *value = value
                .replace(r#","__deleted":"false""#, "")
                .replace(r#",{"type":"string","optional":true,"field":"__deleted"}"#, "");
        }
        assert!(deletions > 100, "{deletions} deletions");
        let path = folder.path().join("records.jsonl");
        e2e::write_recording(&path, &records).expect("the folder is writable");
        let options = ReplayOptions {
            pipeline: write_pipeline(folder.path(), "salesdb-unwrap", "", "").expect("a pipeline file"),
            records: vec![path],
            ..e2e::options("salesdb-unwrap", rendering, "")
        };
        let replay = run(&options).await.expect("the replay runs to its end");
        e2e::assert_full_parity(&replay);
        stop(replay).await;
    }
}
