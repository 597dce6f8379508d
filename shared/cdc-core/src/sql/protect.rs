//! Columns whose clear values no reader sees: what takes the clear value away, and the key of the hashes.
//!
//! A value is protected where it is decoded, so that every later stage and every table that readers may
//! read has the protected one only. The hash is a SHA-256 of the pipeline's key and of the value's own
//! SHA-256: without the key nobody can try values out, and text of any length can be hashed. The key is
//! in a table that nobody but its owner may read. It is never in a statement: the statements join it.

use super::decoding_functions::{HASH, KEEP_LAST};
use super::layout::{HASH_KEY, Layout};
use crate::catalog::{Column, MASK, Protection, RedshiftType, TableDefinition};

/// The key's row in a statement that decodes.
const KEY_ROW: &str = "y";

/// The parameter with which the key is made; whoever runs the statements gives it 32 random bytes in
/// hexadecimal.
pub const SEED: &str = "seed";

/// The table of the key and the one row in it. Safe to repeat: a key that is there stays.
///
/// The parameter of a statement can be read afterwards by whoever may describe the statement
/// (Redshift Data API Reference, "DescribeStatement", `QueryParameters`), so it is not the whole key:
/// the warehouse's own random numbers go in, too.
#[must_use]
pub fn create_key(layout: &Layout) -> [String; 2] {
    let name = layout.control(HASH_KEY);
    // No other colon: what the API takes for a parameter is only its own.
    let own = ["CAST(RANDOM() AS VARCHAR(40))"; 4].join(" || '-' || ");
    [
        format!(
            "CREATE TABLE IF NOT EXISTS {name} (\n\
             \x20   hash_key VARCHAR(64) NOT NULL,\n\
             \x20   made_at TIMESTAMP NOT NULL\n\
             )\n\
             DISTSTYLE ALL"
        ),
        format!(
            "INSERT INTO {name} (hash_key, made_at)\n\
             SELECT SHA2(:{SEED} || '-' || {own}, 256), SYSDATE\n\
             WHERE NOT EXISTS (SELECT 1 FROM {name} AS {KEY_ROW})"
        ),
    ]
}

/// What a statement joins that decodes hashed columns; nothing if there are none.
pub(super) fn with_key(layout: &Layout, table: &TableDefinition) -> String {
    if table.hashes() { format!(" CROSS JOIN {} AS {KEY_ROW}", layout.control(HASH_KEY)) } else { String::new() }
}

/// What stops a procedure that hashes without its key: a merge would leave rows out, or write them twice,
/// and rows that are there would lose their values. Needs the variable `cdc_probe`.
pub(super) fn needs_key(layout: &Layout) -> [String; 2] {
    [
        format!("SELECT COUNT(*) INTO cdc_probe FROM {} AS {KEY_ROW}", layout.control(HASH_KEY)),
        format!(
            "IF cdc_probe <> 1 THEN\n\
             \x20       RAISE EXCEPTION 'the table {HASH_KEY} has not exactly one row, so nothing can be hashed; restore it from its backup';\n\
             \x20   END IF"
        ),
    ]
}

/// A keyed hash: the body of [`HASH`], and what is written where no function is called.
pub(super) fn keyed(text: &str, key: &str) -> String {
    format!("SHA2({key} || ':' || SHA2({text}, 256), 256)")
}

/// A clear value's text: the one whose hash counts and whose last characters a mask keeps.
///
/// What depends on the session is not left to it: dates are written in a format of their own ("Datetime
/// format strings"; the era only where it is the one before Christ), instants in UTC. The text of numbers
/// and times of day has no other form.
fn text(value: &str, kind: RedshiftType) -> String {
    let moment = |value: &str, format: &str| format!("REPLACE(TO_CHAR({value}, '{format} AD'), ' AD', '')");
    let with_time = "YYYY-MM-DD HH24:MI:SS.US";
    match kind {
        RedshiftType::Varchar { .. } => value.to_owned(),
        RedshiftType::Date => moment(value, "YYYY-MM-DD"),
        RedshiftType::Timestamp => moment(value, with_time),
        RedshiftType::TimestampTz => moment(&format!("({value}) AT TIME ZONE 'UTC'"), with_time),
        RedshiftType::Varbyte { .. } => format!("LOWER(TO_HEX({value}))"),
        _ => format!("({value})::VARCHAR(64)"),
    }
}

/// A decoded value as the column has it. The relation of the value is joined [`with_key`].
pub(super) fn protected(layout: &Layout, column: &Column, value: &str) -> String {
    let kind = column.stored_type();
    match column.protection {
        Protection::None => value.to_owned(),
        Protection::Hash => {
            format!("{}({}, {KEY_ROW}.hash_key)::{kind}", layout.function(HASH), text(value, column.target_type))
        }
        Protection::Mask { .. } => masked(layout, column, value),
    }
}

/// A value of rows that are there as the column has it, for statements that join nothing.
pub(super) fn of_rows(layout: &Layout, column: &Column, value: &str) -> String {
    match column.protection {
        Protection::None => value.to_owned(),
        Protection::Hash => {
            let key = format!("(SELECT {KEY_ROW}.hash_key FROM {} AS {KEY_ROW})", layout.control(HASH_KEY));
            let hash = keyed(&text(value, column.target_type), &key);
            format!("CASE WHEN {value} IS NOT NULL THEN {hash} END::{}", column.stored_type())
        }
        Protection::Mask { .. } => masked(layout, column, value),
    }
}

fn masked(layout: &Layout, column: &Column, value: &str) -> String {
    let kind = column.stored_type();
    match column.protection {
        Protection::Mask { keep_last: keep_last @ 1.. } => {
            format!("{}({}, {keep_last})::{kind}", layout.function(KEEP_LAST), text(value, column.target_type))
        }
        _ => format!("CASE WHEN {value} IS NOT NULL THEN '{MASK}' END::{kind}"),
    }
}

/// The names of kept copies of a target's column begin like this.
#[must_use]
pub fn kept_prefix(name: &str) -> String {
    format!("{name}_until_")
}
