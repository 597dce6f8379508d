//! Changes of an existing target table that need its rows: values of a time before a column
//! existed, a column of another type, another key.
//!
//! Each is one transaction behind the table's lock, so that no merge runs in between and readers
//! see the table before or after, never half way. A Data API batch has no way to say so in
//! AUTO_COMMIT mode; a procedure that is made for the purpose, called once and dropped has.

use super::control_schema;
use super::ident::{literal, qualified, quoted};
use super::layout::{HASH_KEY, Layout, QUARANTINE, TRUNCATIONS};
use super::protect;
use super::rights::{self, Right};
use super::target_table;
use super::versions;
pub use super::versions::{as_now, converted, keeps_text};
use crate::catalog::{ChangePoint, Column, RedshiftType, TableDefinition};

/// What begins and ends a procedure's body.
pub(super) const BODY: &str = "$procedure$";

/// A statement each: make the procedure, call it, drop it.
pub(super) fn locked(layout: &Layout, table: &TableDefinition, purpose: &str, statements: &[String]) -> Vec<String> {
    let name = layout.control(&format!("sp_reshape_{}", table.spec.slug));
    // What hashes rows reads the key.
    let key = layout.control(HASH_KEY);
    let hashes = statements.iter().any(|statement| statement.contains(&key));
    let checks = if hashes { protect::needs_key(layout).to_vec() } else { Vec::new() };
    let declared = if hashes { "DECLARE\n    cdc_probe BIGINT;\n" } else { "" };
    let body: String = checks.iter().chain(statements).map(|statement| format!("    {statement};\n")).collect();
    vec![
        format!(
            "CREATE OR REPLACE PROCEDURE {name}()\n\
             AS {BODY}\n\
             -- Purpose: {purpose}. Called once and dropped.\n\
             {declared}BEGIN\n\
             \x20   LOCK TABLE {lock};\n\
             {body}\
             END;\n\
             {BODY} LANGUAGE plpgsql",
            lock = layout.watermark_table(&table.spec),
        ),
        format!("CALL {name}()"),
        format!("DROP PROCEDURE {name}()"),
    ]
}

/// Whether a row of the target is older than the change, with the change's place as literals.
fn older_than(layout: &Layout, table: &TableDefinition, point: &ChangePoint) -> String {
    let (domain, position) = match &point.position {
        Some(position) => (literal(&position.domain), literal(&position.position)),
        None => ("NULL::VARCHAR(128)".to_owned(), "NULL::VARCHAR(80)".to_owned()),
    };
    versions::row_is_older(
        &layout.target_table(&table.spec),
        &domain,
        &position,
        &versions::timestamp(point.source_ms.or(point.kafka_timestamp_ms)),
    )
}

/// Gives a column that was added at `point` its value in the rows that are older. Safe to repeat:
/// a row that changed since is not older. None if the value is no literal of the column's type.
#[must_use]
pub fn backfill(
    layout: &Layout,
    table: &TableDefinition,
    column: &Column,
    default: Option<&str>,
    point: &ChangePoint,
) -> Option<Vec<String>> {
    let value = match default {
        Some(default) => default_of_rows(layout, default, column)?,
        None => format!("NULL::{}", column.stored_type()),
    };
    let target = layout.target_table(&table.spec);
    let statement = format!(
        "UPDATE {target} SET {} = {value} WHERE {}",
        quoted(&column.target_name),
        older_than(layout, table, point)
    );
    Some(locked(layout, table, "give older rows the value with which the source added a column", &[statement]))
}

/// Writes down that the table was dropped at `point` and created anew: what is older goes with
/// the next merge. Safe to repeat. Of events without a comparable place those count as older that are
/// so by Kafka's time for certain; the merge procedure knows the others.
#[must_use]
pub fn discard(layout: &Layout, table: &TableDefinition, point: &ChangePoint) -> String {
    let truncations = layout.control(TRUNCATIONS);
    let (domain, position) = match &point.position {
        Some(position) => (literal(&position.domain), literal(&position.position)),
        None => ("NULL".to_owned(), "NULL".to_owned()),
    };
    format!(
        "INSERT INTO {truncations} (detected_at, table_name, source_domain, source_position, source_ts, arrival, applied)\n\
         SELECT SYSDATE, {table_name}, {domain}, {position}, {source_ts}, {arrival}, false\n\
         WHERE NOT EXISTS (SELECT 1 FROM {truncations} AS x WHERE x.table_name = {table_name}\n\
         \x20                 AND x.source_domain = {domain} AND x.source_position = {position})",
        table_name = literal(table.spec.id().as_str()),
        source_ts = versions::timestamp(point.source_ms.or(point.kafka_timestamp_ms)),
        arrival = versions::timestamp(point.kafka_timestamp_ms.map(|millis| millis - versions::MARGIN_MS - 1)),
    )
}

/// Writes down that every row that is there is gone: the next merge takes them away, or marks or closes
/// them, as after a truncation. Records that came to Kafka before the newest merged one are left out from
/// now on; those of a snapshot that is taken afterwards come later.
#[must_use]
pub fn empty(layout: &Layout, table: &TableDefinition) -> Vec<String> {
    let statement = format!(
        "INSERT INTO {truncations} (detected_at, table_name, source_domain, source_position, source_ts, arrival, applied)\n\
         \x20   SELECT SYSDATE, {table_name}, NULL, NULL,\n\
         \x20          GREATEST(SYSDATE, (SELECT MAX(t.\"_cdc_source_ts\") FROM {target} AS t)),\n\
         \x20          (SELECT MAX(w.kafka_timestamp) FROM {watermark} AS w), false",
        truncations = layout.control(TRUNCATIONS),
        table_name = literal(table.spec.id().as_str()),
        target = layout.target_table(&table.spec),
        watermark = layout.watermark_table(&table.spec),
    );
    locked(layout, table, "take the rows that are there for gone, before a new snapshot", &[statement])
}

/// Gives a column that is no key another type: a new column takes its place. `value` is computed
/// from the old column; None leaves the new one NULL. The old column is dropped, or kept under
/// the name `keep_as`. `rights` are those on the old column: the new one has them, too.
#[must_use]
pub fn retype_column(
    layout: &Layout,
    table: &TableDefinition,
    column: &Column,
    value: Option<&str>,
    keep_as: Option<&str>,
    rights: &[Right],
) -> Vec<String> {
    let is_lost_said = value.is_some() && keep_as.is_none();
    let statements = replace_column(layout, table, column, value, keep_as, is_lost_said, rights);
    locked(layout, table, "give a column another type", &statements)
}

/// The statements of [`retype_column`]; `is_lost_said`: rows that lose a value go into quarantine.
fn replace_column(
    layout: &Layout,
    table: &TableDefinition,
    column: &Column,
    value: Option<&str>,
    keep_as: Option<&str>,
    is_lost_said: bool,
    rights: &[Right],
) -> Vec<String> {
    let target = layout.target_table(&table.spec);
    let name = quoted(&column.target_name);
    let fresh = Column { target_name: format!("_cdc_new_{}", column.target_name), ..column.clone() };
    let fresh_name = quoted(&fresh.target_name);
    let mut statements = vec![target_table::add_column(layout, table, &fresh)];
    if let Some(value) = value {
        statements.push(format!("UPDATE {target} SET {fresh_name} = {value}"));
    }
    if is_lost_said {
        let lost = format!("t.{name} IS NOT NULL AND t.{fresh_name} IS NULL");
        statements.push(values_into_quarantine(layout, table, &column.target_name, &lost));
    }
    statements.push(match keep_as {
        Some(kept) => target_table::rename_column(layout, table, &column.target_name, kept),
        None => format!("ALTER TABLE {target} DROP COLUMN {name}"),
    });
    statements.push(target_table::rename_column(layout, table, &fresh.target_name, &column.target_name));
    statements.extend(rights::grant_on_columns(&target, [(column.target_name.as_str(), rights)]));
    statements
}

/// Adds a column whose value in the rows that are there is known: the merge procedure that does not
/// know the column yet gives it to the rows that it inserts, too.
#[must_use]
pub fn add_column_with(layout: &Layout, table: &TableDefinition, column: &Column, value: &str) -> String {
    format!("{} DEFAULT {value}", target_table::add_column(layout, table, column))
}

/// A default as a literal of the column's type. None if it is none.
#[must_use]
pub fn literal_of(default: &str, column: &Column) -> Option<String> {
    versions::default_value(default, column)
}

/// A clear value of rows as the column has it.
#[must_use]
pub fn protected(layout: &Layout, column: &Column, clear: &str) -> String {
    protect::of_rows(layout, column, clear)
}

/// A default as rows have it: the protected one of a protected column. None if it is no literal.
#[must_use]
pub fn default_of_rows(layout: &Layout, default: &str, column: &Column) -> Option<String> {
    Some(protect::of_rows(layout, column, &versions::default_value(default, column)?))
}

/// A column of an existing target that is protected from now on.
#[derive(Debug, Clone)]
pub struct Protected<'a> {
    /// The column.
    pub column: &'a Column,
    /// Its clear value in a row, as the source has it now. None: nobody can tell.
    pub clear: Option<String>,
    /// The rights that others have on it.
    pub rights: &'a [Right],
}

/// A column of an existing target with clear values that were put aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// Its name.
    pub name: String,
    /// It stays, empty: it tells that names were changed.
    pub is_sign: bool,
}

/// Protects columns of an existing target: their rows, their `copies`, and what is recorded of them, in one transaction.
/// `finally` is run at its end ([`fence`], and the catalog's entries).
#[must_use]
pub fn protect_columns(
    layout: &Layout,
    table: &TableDefinition,
    columns: &[Protected<'_>],
    copies: &[Copy],
    finally: &[String],
) -> Vec<String> {
    let mut statements: Vec<String> = columns
        .iter()
        .flat_map(|Protected { column, clear, rights }| {
            let value = clear.as_ref().map(|clear| protect::of_rows(layout, column, clear));
            let is_lost_said = *clear != Some(quoted(&column.target_name));
            replace_column(layout, table, column, value.as_deref(), None, is_lost_said, rights)
        })
        .collect();
    let target = layout.target_table(&table.spec);
    statements.extend(copies.iter().map(|copy| match quoted(&copy.name) {
        name if copy.is_sign => format!("UPDATE {target} SET {name} = NULL"),
        name => format!("ALTER TABLE {target} DROP COLUMN {name}"),
    }));
    statements.extend_from_slice(finally);
    locked(layout, table, "take the clear values of protected columns away", &statements)
}

/// Keeps a former merge procedure that was called already, and waits for the lock, from writing clear
/// values behind it: what it locks goes, and its successor takes over what is merged. `role` may read it.
#[must_use]
pub fn fence(layout: &Layout, table: &TableDefinition, role: Option<&str>) -> Vec<String> {
    let spec = &table.spec;
    let watermark = layout.watermark_table(spec);
    let former_name = format!("watermark_{}__cdc_old", spec.slug);
    let former = layout.control(&former_name);
    let columns = "kafka_partition, kafka_offset, kafka_timestamp, refresh_time, gaps, merged_at";
    let mut statements = vec![
        format!("ALTER TABLE {watermark} RENAME TO {}", quoted(&former_name)),
        control_schema::create_watermark_table(layout, spec).replace('\n', " "),
        format!("INSERT INTO {watermark} ({columns}) SELECT {columns} FROM {former}"),
        format!("DROP TABLE {former}"),
    ];
    statements.extend(role.map(|role| format!("GRANT SELECT ON {watermark} TO ROLE {}", quoted(role))));
    statements
}

/// Adds a protected column, with its value in the rows that are there, and records its protection.
#[must_use]
pub fn add_protected(
    layout: &Layout,
    table: &TableDefinition,
    column: &Column,
    value: Option<&str>,
    record: String,
) -> Vec<String> {
    let mut statements = vec![target_table::add_column(layout, table, column)];
    let target = layout.target_table(&table.spec);
    statements.extend(value.map(|value| format!("UPDATE {target} SET {} = {value}", quoted(&column.target_name))));
    statements.push(record);
    locked(layout, table, "add a protected column", &statements)
}

/// Puts the rows into quarantine whose value nobody can tell since the source changed the column:
/// those for which `condition` holds, an expression over the target as `t`.
#[must_use]
pub fn quarantine_rows(layout: &Layout, table: &TableDefinition, column: &str, condition: &str) -> Vec<String> {
    let statement = values_into_quarantine(layout, table, column, condition);
    locked(layout, table, "write down the rows whose value nobody can tell", &[statement])
}

fn values_into_quarantine(layout: &Layout, table: &TableDefinition, column: &str, condition: &str) -> String {
    let reason = "the source changed the column, and nobody can tell what the row has in it since";
    into_quarantine(layout, table, "value", reason, &literal(column), condition)
}

/// Writes rows of the target, as `t`, into quarantine by the events that made them what they are.
fn into_quarantine(
    layout: &Layout,
    table: &TableDefinition,
    scope: &str,
    reason: &str,
    columns: &str,
    condition: &str,
) -> String {
    format!(
        "INSERT INTO {quarantine} (quarantined_at, table_name, topic, kafka_partition, kafka_offset, scope, reason, column_names)\n\
         \x20   SELECT SYSDATE, {table_name}, {topic}, t.\"_cdc_kafka_partition\", t.\"_cdc_kafka_offset\", '{scope}', {reason}, {columns}\n\
         \x20   FROM {target} AS t WHERE {condition}",
        quarantine = layout.control(QUARANTINE),
        table_name = literal(table.spec.id().as_str()),
        topic = literal(&table.spec.topic),
        reason = literal(reason),
        target = layout.target_table(&table.spec),
    )
}

/// Changes a column's values to what the source has since it changed the column's type. Rows whose
/// value nobody can tell lose it and are put into quarantine. `value` may be NULL for them.
#[must_use]
pub fn altered_rows(layout: &Layout, table: &TableDefinition, column: &Column, value: &str) -> Vec<String> {
    let name = quoted(&column.target_name);
    // Trailing blanks do not count when text is compared ("Character types").
    let is_other = match column.stored_type() {
        RedshiftType::Varchar { .. } => format!("{name} <> {value} OR OCTET_LENGTH({name}) <> OCTET_LENGTH({value})"),
        _ => format!("{name} <> {value}"),
    };
    let statements = [
        values_into_quarantine(layout, table, &column.target_name, &format!("{name} IS NOT NULL AND {value} IS NULL")),
        format!(
            "UPDATE {} SET {name} = {value} WHERE {name} IS NOT NULL AND ({value} IS NULL OR {is_other})",
            layout.target_table(&table.spec)
        ),
    ];
    locked(layout, table, "give a column the values that the source has since it changed the type", &statements)
}

/// Gives columns other names, in order, in one transaction: readers see all of them or none. `finally` is
/// run at its end.
#[must_use]
pub fn move_columns(layout: &Layout, table: &TableDefinition, moves: &[Move<'_>], finally: &[String]) -> Vec<String> {
    let mut statements: Vec<String> = moves
        .iter()
        .flat_map(|step| match step {
            Move::Rename { from, to } => vec![target_table::rename_column(layout, table, from, to)],
            Move::Copy { from, column, kind, rights } => {
                let target = layout.target_table(&table.spec);
                let mut statements = vec![
                    format!("ALTER TABLE {target} ADD COLUMN {} {kind}", quoted(column)),
                    format!("UPDATE {target} SET {} = {}", quoted(column), quoted(from)),
                ];
                statements.extend(rights::grant_on_columns(&target, [(*column, rights.as_slice())]));
                statements
            }
        })
        .collect();
    statements.extend_from_slice(finally);
    locked(layout, table, "give columns the names that they have in the source now", &statements)
}

/// One step of [`move_columns`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Move<'a> {
    /// A column gets another name.
    Rename {
        /// Its name.
        from: String,
        /// Its name from now on.
        to: String,
    },
    /// A new column gets the values of another.
    Copy {
        /// The other's name.
        from: String,
        /// The new column's name.
        column: &'a str,
        /// The new column's type.
        kind: RedshiftType,
        /// The rights on the other: the new one has them, too.
        rights: Vec<Right>,
    },
}

/// Changes a column's values in place, where `condition` holds.
#[must_use]
pub fn alter_values(
    layout: &Layout,
    table: &TableDefinition,
    column: &Column,
    value: &str,
    condition: &str,
) -> Vec<String> {
    let statement = format!(
        "UPDATE {} SET {} = {value} WHERE {condition}",
        layout.target_table(&table.spec),
        quoted(&column.target_name)
    );
    locked(layout, table, "give a column the values that the source has since it changed the type", &[statement])
}

/// One column of a rebuilt table: its definition, and its value computed from the old table.
#[derive(Debug, Clone)]
pub struct Rebuilt {
    /// Name and type, as in `CREATE TABLE`.
    pub definition: String,
    /// The quoted name.
    pub name: String,
    /// The value, from the columns of the old table. None: NULL.
    pub value: Option<String>,
    /// Whether a row of the old table has a value that is lost.
    pub lost: Option<String>,
}

/// A column of the definition, for [`rebuild`].
#[must_use]
pub fn rebuilt(table: &TableDefinition, column: &Column, value: Option<String>, lost: Option<String>) -> Rebuilt {
    Rebuilt {
        definition: target_table::column_definition(column, target_table::is_required(table, column)),
        name: quoted(&column.target_name),
        value,
        lost,
    }
}

/// A column that the definition does not have and that stays, for [`rebuild`]: the values of the old
/// table's `value`, under a name.
#[must_use]
pub fn kept(value: &str, name: &str, kind: &str) -> Rebuilt {
    Rebuilt {
        definition: format!("{} {kind}", quoted(name)),
        name: quoted(name),
        value: Some(value.to_owned()),
        lost: None,
    }
}

/// Builds the table anew with another key, which cannot change in place, and its ledger with it.
/// A row whose new key would have no value makes it fail, unless the key is the records' own: then
/// the source has no such row any more, an event on its way gave it its key, and what is there goes
/// into quarantine. `finally` is run at the end: the rights on the new table, and what is recorded of it.
#[must_use]
pub fn rebuild(layout: &Layout, table: &TableDefinition, columns: &[Rebuilt], finally: &[String]) -> Vec<String> {
    let spec = &table.spec;
    let target = layout.target_table(spec);
    let fresh_name = format!("{}__cdc_new", spec.target_table);
    let old_name = format!("{}__cdc_old", spec.target_table);
    let fresh = qualified(&spec.target_schema, &fresh_name);
    let old = qualified(&spec.target_schema, &old_name);
    let mut definitions: Vec<String> = columns.iter().map(|column| column.definition.clone()).collect();
    definitions.extend(target_table::own_columns(table.mode).map(|(name, kind)| format!("{} {kind}", quoted(name))));
    let mut names: Vec<String> = Vec::new();
    let mut values: Vec<String> = Vec::new();
    for column in columns {
        if let Some(value) = &column.value {
            names.push(column.name.clone());
            values.push(value.clone());
        }
    }
    for (name, _) in target_table::own_columns(table.mode) {
        names.push(quoted(name));
        values.push(quoted(name));
    }
    let keys: Vec<String> = table.key_columns().map(|column| quoted(&column.target_name)).collect();
    let has_own_key = table.schema_changes.is_some() || table.records_key.is_some();
    let keyless: Vec<String> = columns
        .iter()
        .filter(|column| has_own_key && keys.contains(&column.name))
        .filter_map(|column| Some(format!("{} IS NULL", column.value.as_ref()?)))
        .collect();
    let lost = columns.iter().filter_map(|column| {
        Some(values_into_quarantine(layout, table, column.name.trim_matches('"'), column.lost.as_ref()?))
    });
    let mut statements: Vec<String> = lost.collect();
    let mut with_key = String::new();
    if !keyless.is_empty() {
        let condition = keyless.join(" OR ");
        let reason = "the row has no value in a column of the new key; an event that follows gives it one";
        statements.push(into_quarantine(layout, table, "record", reason, "NULL", &condition));
        with_key = format!(" WHERE NOT ({condition})");
    }
    statements.extend([
        format!("DROP TABLE IF EXISTS {fresh}"),
        format!(
            "CREATE TABLE {fresh} ({}) {}",
            definitions.join(", "),
            target_table::table_attributes(table).replace('\n', " ")
        ),
        format!("INSERT INTO {fresh} ({}) SELECT {} FROM {target}{with_key}", names.join(", "), values.join(", ")),
        format!("ALTER TABLE {target} RENAME TO {}", quoted(&old_name)),
        format!("ALTER TABLE {fresh} RENAME TO {}", quoted(&spec.target_table)),
        format!("DROP TABLE {old}"),
        format!("DROP TABLE IF EXISTS {}", layout.ledger_table(spec)),
        control_schema::create_ledger_table(layout, table).replace('\n', " "),
    ]);
    statements.extend(finally.iter().cloned());
    locked(layout, table, "build the table anew with another key", &statements)
}
