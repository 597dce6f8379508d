//! Rows of a target whose values the source altered with a column's type, which no event tells.

use super::*;
use crate::catalog::{Alteration, Limits, OtherColumn};

/// What becomes of the rows when the column A, which was `was`, is `is`.
fn rows(was: &Column, former: FormerColumn, is: &Column) -> Vec<String> {
    let before = shaped(table(vec![column("ID", INT), was.clone()], &["ID"], Vec::new()), &[&[("A", "was")]]);
    let after = table(vec![column("ID", INT), is.clone()], &["ID"], vec![by_schema(vec![FormerColumn::Same, former])]);
    let after = shaped(after, &[&[("A", "was")], &[("A", "is")]]);
    let plan = plan(&declaration(&after), &provisioned(&before));
    let kinds = [ObjectKind::TargetTable, ObjectKind::TableVersion];
    plan.steps.into_iter().filter(|step| kinds.contains(&step.kind)).flat_map(|step| step.statements).collect()
}

fn position(statements: &[String], part: &str) -> usize {
    statements
        .iter()
        .position(|statement| statement.contains(part))
        .unwrap_or_else(|| panic!("{part}: {statements:#?}"))
}

/// Evolutions of PostgreSQL: `TYPE jsonb USING to_jsonb(a)` puts quotes around every text, and an
/// interval's text is not the number that arrives.
#[test]
fn values_that_nobody_can_tell_go_into_quarantine_and_out_of_the_row() {
    let text = column("A", RedshiftType::Varchar { bytes: 65_535 });
    let statements = rows(&text, FormerColumn::Altered(Box::new(text.clone())), &text);
    let altered = &statements[position(&statements, "SET \"a\" = NULL::VARCHAR(65535) WHERE \"a\" IS NOT NULL")];
    let kept = altered.find("AS t WHERE \"a\" IS NOT NULL AND NULL::VARCHAR(65535) IS NULL").expect("quarantine");
    assert!(kept < altered.find("UPDATE").expect("an update"), "{altered}");

    let interval = column("A", RedshiftType::BigInt);
    let statements = rows(&interval, FormerColumn::Altered(Box::new(interval.clone())), &text);
    let renamed = position(&statements, "RENAME COLUMN \"a\" TO \"a_until_");
    assert!(renamed < position(&statements, "IS NOT NULL"), "the values stay under another name");
    assert!(!statements.iter().any(|statement| statement.contains("::VARCHAR(40)")), "{statements:#?}");
}

/// A narrower type's column stays as wide as it was. What the type does not hold was computed
/// (`TYPE integer USING (a % 1000000)`): PostgreSQL's own cast fails there.
#[test]
fn a_value_beyond_the_narrower_type_is_none_of_the_source() {
    let (wide, narrow) = (column("A", RedshiftType::BigInt), column("A", INT));
    let statements = rows(&wide, FormerColumn::other(wide.clone()), &narrow);
    let fits = "CASE WHEN \"a\" BETWEEN -2147483648 AND 2147483647 THEN \"a\" END::INTEGER";
    position(&statements, &format!("AS t WHERE \"a\" IS NOT NULL AND {fits} IS NULL"));
    position(&statements, &format!("SET \"a\" = {fits} WHERE"));
    let decimal = column("A", RedshiftType::Decimal { precision: 20, scale: 2 });
    let statements = rows(&decimal, FormerColumn::other(decimal.clone()), &narrow);
    position(
        &statements,
        "SET \"a\" = CASE WHEN ROUND(\"a\", 0) BETWEEN -2147483648 AND 2147483647 THEN ROUND(\"a\", 0) END::INTEGER WHERE",
    );
}

/// Where the key grew by a column in which a row has no value, an event of the new key is on its
/// way: the connector knew the new key already when it read the update that gave the row its value.
#[test]
fn a_row_without_a_value_in_the_grown_key_does_not_stop_the_rebuild() {
    let columns = || vec![column("ID", INT), column("A", INT)];
    let own_key = |table: TableDefinition, names: &[&str]| {
        let key = names.iter().map(|name| (*name).to_owned()).collect();
        TableDefinition { records_key: Some(key), ..table }
    };
    let forms: &[&[(&str, &str)]] = &[&[("A", "int32")]];
    let before = own_key(shaped(table(columns(), &["ID"], Vec::new()), forms), &["ID"]);
    let after = own_key(shaped(table(columns(), &["ID", "A"], Vec::new()), forms), &["ID", "A"]);
    let (statements, _) = changed(&before, &after);
    let rebuild = &statements[0];
    assert!(rebuild.contains("'record', 'the row has no value in a column of the new key"), "{rebuild}");
    assert!(rebuild.contains("WHERE NOT (\"id\" IS NULL OR \"a\" IS NULL)"), "{rebuild}");
    // A key that somebody declared is not the source's: there such a row stops it.
    let declared =
        |table: TableDefinition| TableDefinition { shapes: None, schema_changes: None, records_key: None, ..table };
    let (statements, _) = changed(&declared(before), &declared(after));
    assert!(!statements[0].contains("WHERE NOT"), "{}", statements[0]);
}

/// `integer` before, `bigint` in the target: building it anew with another key keeps the rows.
#[test]
fn a_table_that_is_built_anew_keeps_columns_as_wide_as_they_are() {
    let wide = table(vec![column("ID", INT), column("A", RedshiftType::BigInt)], &["ID"], Vec::new());
    let narrow = table(vec![column("ID", INT), column("A", INT)], &["A"], Vec::new());
    let (statements, _) = changed(&wide, &narrow);
    assert!(statements[0].contains("\"a\" BIGINT"), "{}", statements[0]);
}

/// `DECIMAL(10,4)`, then `DECIMAL(10,2)`, then `DECIMAL(12,4)`, taken in at once: the rows have the
/// digits of the first, the source has those of the second.
#[test]
fn what_a_type_in_between_took_does_not_come_back_in_rows_that_become_wider() {
    let decimal = |precision, scale| column("A", RedshiftType::Decimal { precision, scale });
    let between = Alteration { column: decimal(10, 2), limits: Limits::default() };
    let was = FormerColumn::Other(Box::new(OtherColumn { was: decimal(12, 4), then: vec![between] }));
    let statements = rows(&decimal(10, 4), was, &decimal(12, 4));
    position(&statements, "ROUND((\"a\")::DECIMAL(12,4), 2)");
}

/// `VARCHAR`, then `CHAR`, then `VARCHAR`: Redshift compares text without its trailing blanks.
#[test]
fn rows_lose_their_trailing_blanks() {
    let text = column("A", RedshiftType::Varchar { bytes: 40 });
    let limits = Limits { loses_blanks: true, ..Limits::default() };
    let then = vec![Alteration { column: text.clone(), limits }];
    let was = FormerColumn::Other(Box::new(OtherColumn { was: text.clone(), then }));
    let statements = rows(&text, was, &text);
    position(&statements, "OR OCTET_LENGTH(\"a\") <> OCTET_LENGTH(RTRIM(\"a\", ' ')::VARCHAR(40))");
}

/// The former procedure wrote values of the dropped column into the one that has its name since, in
/// the moment between the target's step and the procedure's (recording `evolve-postgres`, live).
#[test]
fn nothing_is_merged_while_the_target_changes() {
    let before = shaped(table(vec![column("ID", INT), column("A", INT)], &["ID"], Vec::new()), &[&[("A", "was")]]);
    let anew = FormerColumn::Absent { default: None, reuses_name: true };
    let text = column("A", RedshiftType::Varchar { bytes: 9 });
    let after = table(vec![column("ID", INT), text], &["ID"], vec![by_schema(vec![FormerColumn::Same, anew])]);
    let after = shaped(after, &[&[("A", "was")], &[("A", "is")]]);
    let steps = |observed: &Observed| {
        let steps = plan(&declaration(&after), observed).steps.into_iter();
        steps
            .filter(|step| step.object == "cdc.sp_merge_db_t" || step.object == "db.t")
            .map(|step| (step.kind, step.statements.concat().contains("LOCK TABLE"), step.fingerprint))
            .collect::<Vec<_>>()
    };
    let mut observed = provisioned(&before);
    let found = steps(&observed);
    let kinds: Vec<_> = found.iter().map(|(kind, locks, _)| (*kind, *locks)).collect();
    let (procedure, target, version) = (ObjectKind::Procedure, ObjectKind::TargetTable, ObjectKind::TableVersion);
    assert_eq!(kinds, [(procedure, false), (target, true), (version, false), (procedure, true)]);
    // An apply that got no further closes no second time, and opens in any case.
    let closed = (procedure.as_str().to_owned(), "cdc.sp_merge_db_t".to_owned());
    observed.catalog.insert(closed.clone(), found[0].2.clone());
    assert_eq!(steps(&observed).iter().map(|(kind, ..)| *kind).collect::<Vec<_>>(), [target, version, procedure]);
    observed = provisioned(&before);
    observed.catalog.insert(closed, found[0].2.clone());
    let back = plan(&declaration(&before), &observed);
    assert!(back.steps.iter().any(|step| step.kind == procedure && step.statements[0].contains("LOCK TABLE")));
}

/// A dump that is newer than the events has the column before they do, and a column that was dropped
/// long ago is still there: rows kept NULL, or what they had then.
#[test]
fn an_added_column_that_the_target_has_already_gets_its_default_in_every_row() {
    let columns = || vec![column("ID", INT), column("A", INT)];
    let before = shaped(table(columns(), &["ID"], Vec::new()), &[&[]]);
    let absent = FormerColumn::Absent { default: Some("5".into()), reuses_name: false };
    let after = table(columns(), &["ID"], vec![by_schema(vec![FormerColumn::Same, absent])]);
    let plan = plan(&declaration(&shaped(after, &[&[], &[("A", "int32")]])), &provisioned(&before));
    let text = versions(&plan)[0].statements.join(";\n");
    assert!(text.contains("SET \"_cdc_new_a\" = 5::INTEGER"), "{text}");
    assert!(
        plan.warnings.iter().any(|warning| warning.contains("its values up to here stay in column a_until_")),
        "{:?}",
        plan.warnings
    );
}

/// Nothing was recorded then, and what followed was no change.
#[test]
fn where_a_dump_is_newer_than_the_events_the_rows_are_of_the_events_version() {
    let unknown = by_schema(vec![FormerColumn::Same, FormerColumn::Unknown]);
    let table = table(vec![column("ID", INT), column("A", INT)], &["ID"], vec![unknown]);
    let ahead = shaped(table, &[&[]]);
    let plan = plan(&declaration(&ahead), &Observed::default());
    let recorded = ahead.shapes.as_ref().map(|shapes| shapes.known[0].id());
    assert_eq!(Some(&versions(&plan)[0].fingerprint), recorded.as_ref());
}
