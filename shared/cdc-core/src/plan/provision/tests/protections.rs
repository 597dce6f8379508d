//! Columns that are hashed or masked: switched on for rows that are there, kept whatever comes, and never
//! twice.

use super::*;
use crate::catalog::OtherColumn;

const TEXT: RedshiftType = RedshiftType::Varchar { bytes: 80 };

fn hashed(name: &str, kind: RedshiftType) -> Column {
    Column { protection: Protection::Hash, ..column(name, kind) }
}

fn of(columns: Vec<Column>) -> TableDefinition {
    table(std::iter::once(column("ID", INT)).chain(columns).collect(), &["ID"], Vec::new())
}

fn all(plan: &ProvisionPlan) -> String {
    plan.steps.iter().flat_map(|step| step.statements.clone()).collect::<Vec<_>>().join(";\n")
}

fn in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("{part} is not behind the others in\n{text}"));
        rest = &rest[at + part.len()..];
    }
}

/// What was done is recorded, by the steps and by the transactions themselves.
fn after(plan: &ProvisionPlan, mut observed: Observed) -> Observed {
    for step in &plan.steps {
        observed.catalog.insert((step.kind.as_str().to_owned(), step.object.clone()), step.fingerprint.clone());
        let schema_and_name = step.object.split_once('.').filter(|_| step.kind == ObjectKind::ControlTable);
        observed.relations.extend(schema_and_name.map(|(schema, name)| (schema.to_owned(), name.to_owned())));
    }
    observed
}

#[test]
fn a_new_table_with_protected_columns_is_recorded_before_anything_is_merged() {
    let table = of(vec![hashed("MAIL", TEXT)]);
    let plan = plan(&declaration(&table), &Observed::default());
    let place = |kind: ObjectKind, object: &str| {
        plan.steps.iter().position(|step| step.kind == kind && step.object == object).expect(object)
    };
    let recorded = place(ObjectKind::Protection, "db.t.mail");
    assert_eq!(plan.steps[recorded].fingerprint, "hash");
    assert!(place(ObjectKind::TargetTable, "db.t") < recorded);
    assert!(recorded < place(ObjectKind::Procedure, "cdc.sp_merge_db_t"));
    let key = &plan.steps[place(ObjectKind::ControlTable, "cdc.hash_key")];
    assert_eq!((key.random, key.statements[1].contains(":seed")), (Some("seed"), true), "{key:?}");
    assert_eq!(plan.steps.iter().filter(|step| step.random.is_some()).count(), 1);
    assert!(all(&plan).contains("\"mail\" VARCHAR(64)"));
    assert_eq!(super::plan(&declaration(&table), &provisioned(&table)).steps, []);
}

#[test]
fn rows_that_are_there_are_protected_once_and_nothing_is_merged_meanwhile() {
    let mask = Protection::Mask { keep_last: 4 };
    let before = of(vec![column("MAIL", TEXT), column("NO", INT), column("CITY", TEXT)]);
    let declared =
        of(vec![hashed("MAIL", TEXT), Column { protection: mask, ..column("NO", INT) }, column("CITY", TEXT)]);
    let observed = provisioned(&before);
    let plan = plan(&declaration(&declared), &observed);
    let text = all(&plan);
    in_order(
        &text,
        &[
            "merge nothing while",
            "LOCK TABLE \"cdc\".\"watermark_db_t\"",
            "IF cdc_probe <> 1 THEN",
            "ADD COLUMN \"_cdc_new_mail\" VARCHAR(64)",
            "SET \"_cdc_new_mail\" = CASE WHEN \"mail\" IS NOT NULL THEN SHA2((SELECT y.hash_key",
            "DROP COLUMN \"mail\"",
            "RENAME COLUMN \"_cdc_new_mail\" TO \"mail\"",
            "ADD COLUMN \"_cdc_new_no\" VARCHAR(20)",
            "DROP COLUMN \"no\"",
            "ALTER TABLE \"cdc\".\"watermark_db_t\" RENAME TO",
            "INSERT INTO \"cdc\".\"catalog\"",
            "'protection', 'db.t.mail', 'alter', 'hash'",
            "'protection', 'db.t.no', 'alter', 'mask 4'",
            "-- typed: one column per column of the target.",
        ],
    );
    assert_eq!(text.matches("SP_RESHAPE".to_lowercase().as_str()).count(), 3, "one transaction: {text}");
    assert!(!text.contains("_until_") && !text.contains("\"_cdc_new_city\""), "{text}");
    assert!(plan.warnings.iter().any(|warning| warning.contains("mail (hashed)")), "{:?}", plan.warnings);
    // A run that ended right behind the transaction does not hash again, although nothing else is recorded.
    let mut ended = provisioned(&declared);
    ended.catalog.retain(|(kind, _), _| kind != ObjectKind::Procedure.as_str());
    assert!(!all(&super::plan(&declaration(&declared), &ended)).contains("sp_reshape"));
}

#[test]
fn what_was_put_aside_of_a_column_goes_with_its_clear_values() {
    let before = of(vec![column("MAIL", TEXT)]);
    let mut observed = provisioned(&before);
    let existing = observed.columns.get_mut(&("db".to_owned(), "t".to_owned())).expect("the target");
    for name in ["mail_until_0a1b2c3d", "city_until_0a1b2c3d"] {
        existing.push(ObservedColumn { name: name.into(), ..existing[1].clone() });
    }
    let text = all(&plan(&declaration(&of(vec![hashed("MAIL", TEXT)])), &observed));
    assert!(text.contains("DROP COLUMN \"mail_until_0a1b2c3d\""), "{text}");
    assert!(!text.contains("city_until_"), "{text}");
}

#[test]
fn protection_that_is_taken_away_or_changed_stays_and_is_said() {
    let before = of(vec![hashed("MAIL", TEXT)]);
    let mask = Protection::Mask { keep_last: 2 };
    for declared in [column("MAIL", TEXT), Column { protection: mask, ..column("MAIL", TEXT) }] {
        let plan = plan(&declaration(&of(vec![declared])), &provisioned(&before));
        assert_eq!(plan.steps, []);
        let [warning] = plan.warnings.as_slice() else { panic!("{:?}", plan.warnings) };
        assert!(warning.contains("column mail is hashed and stays so"), "{warning}");
        assert!(warning.contains("another `target`"), "{warning}");
    }
}

/// A pattern's list does not name the column's new name; the values under it are hashed all the same.
#[test]
fn a_protected_column_that_is_renamed_stays_protected() {
    let before = of(vec![hashed("MAIL", TEXT)]);
    let was = FormerColumn::other(column("MAIL", TEXT));
    let renamed = TableDefinition {
        former: vec![until(100, vec![FormerColumn::Same, was])],
        ..of(vec![column("CONTACT", TEXT)])
    };
    let found = plan(&declaration(&renamed), &provisioned(&before));
    let text = all(&found);
    in_order(
        &text,
        &[
            "RENAME COLUMN \"mail\" TO \"contact\"",
            "'db.t.contact', 'alter', 'hash'",
            "'db.t.mail', 'alter', 'none'",
            "\"f_hash\"(",
        ],
    );
    assert!(found.warnings.iter().any(|warning| warning.contains("column contact is hashed")), "{:?}", found.warnings);
    assert!(!text.contains("_cdc_new_") && !text.contains("= NULL::VARCHAR(64)"), "{text}");
}

/// The pipeline file says `mask: {}` then, since a hash of the new type is refused.
#[test]
fn a_hashed_column_whose_new_type_has_no_hash_is_masked() {
    let double = RedshiftType::DoublePrecision;
    let other = FormerColumn::Other(Box::new(OtherColumn { was: hashed("A", INT), then: Vec::new() }));
    let before = shaped(of(vec![hashed("A", INT)]), &[&[("A", "was")]]);
    let masked = Column { protection: Protection::Mask { keep_last: 0 }, ..column("A", double) };
    for declared in [masked, column("A", double)] {
        let after =
            TableDefinition { former: vec![by_schema(vec![FormerColumn::Same, other.clone()])], ..of(vec![declared]) };
        let after = shaped(after, &[&[("A", "was")], &[("A", "is")]]);
        let found = plan(&declaration(&after), &provisioned(&before));
        let text = all(&found);
        assert!(text.contains("THEN '****' END::VARCHAR(4) AS \"a\""), "{text}");
        assert!(text.contains("SET \"a\" = NULL::VARCHAR(4) WHERE \"a\" IS NOT NULL"), "{text}");
        assert!(found.steps.iter().any(|step| step.object == "db.t.a" && step.fingerprint == "mask 0"), "{text}");
    }
}

/// A and B exchange their names, and A is hashed: its values are B's now, and those of A are clear.
#[test]
fn protection_goes_with_the_values_when_names_are_exchanged() {
    let before = of(vec![hashed("A", TEXT), column("B", TEXT)]);
    let other = |name| FormerColumn::other(column(name, TEXT));
    let after = TableDefinition {
        former: vec![until(100, vec![FormerColumn::Same, other("B"), other("A")])],
        ..of(vec![hashed("A", TEXT), column("B", TEXT)])
    };
    let text = all(&plan(&declaration(&after), &provisioned(&before)));
    let record = text.find("'db.t.b', 'alter', 'hash'").unwrap_or_else(|| panic!("{text}"));
    assert!(text.contains("'db.t.a', 'alter', 'none'"), "{text}");
    let protected = text.find("ADD COLUMN \"_cdc_new_a\"").unwrap_or_else(|| panic!("{text}"));
    assert!(record < protected && !text.contains("_cdc_new_b"), "{text}");
}

#[test]
fn a_default_is_protected_like_any_value() {
    let before = of(Vec::new());
    let absent = || FormerColumn::Absent { default: Some("a@b.example".into()), reuses_name: false };
    let former = vec![until(100, vec![FormerColumn::Same, absent()])];
    let by_place = TableDefinition { former, ..of(vec![hashed("MAIL", TEXT)]) };
    let (shaped_before, _) = grown(absent());
    let (_, shaped_after) = grown(absent());
    let mut by_schema = shaped_after;
    by_schema.columns[1] = hashed("A", TEXT);
    for (before, after) in [(before, by_place), (shaped_before, by_schema)] {
        let text = all(&plan(&declaration(&after), &provisioned(&before)));
        assert!(text.contains("SHA2('a@b.example'::VARCHAR(80), 256), 256) END::VARCHAR(64)"), "{text}");
        assert!(!text.contains("DEFAULT 'a@b.example'") && !text.contains("= 'a@b.example'::VARCHAR(80)"), "{text}");
    }
}

/// The rows' hashes are right where the value's text is still the same, and lost where nobody can tell.
#[test]
fn a_change_of_type_keeps_hashes_or_loses_them_and_never_keeps_a_wrong_one() {
    let decimal = |scale| RedshiftType::Decimal { precision: 18, scale };
    for (was, is, keeps) in [
        (INT, RedshiftType::BigInt, true),
        (INT, decimal(0), true),
        (INT, decimal(2), false),
        (decimal(2), decimal(4), false),
        (decimal(2), RedshiftType::Decimal { precision: 20, scale: 2 }, true),
        (RedshiftType::BigInt, INT, false),
        (INT, TEXT, false),
    ] {
        let other = OtherColumn { was: hashed("A", was), then: Vec::new() };
        let former = FormerColumn::Other(Box::new(other));
        let before = shaped(of(vec![hashed("A", was)]), &[&[("A", "was")]]);
        let after =
            TableDefinition { former: vec![by_schema(vec![FormerColumn::Same, former])], ..of(vec![hashed("A", is)]) };
        let after = shaped(after, &[&[("A", "was")], &[("A", "is")]]);
        let found = plan(&declaration(&after), &provisioned(&before));
        let lost = all(&found).contains("SET \"a\" = NULL::VARCHAR(64) WHERE \"a\" IS NOT NULL");
        assert_eq!(lost, !keeps, "{was} {is}: {}", all(&found));
        assert_eq!(found.warnings.len(), usize::from(!keeps), "{was} {is}: {:?}", found.warnings);
    }
}

#[test]
fn a_change_of_type_that_comes_with_the_protection_is_made_of_the_clear_values() {
    let decimal = |scale| RedshiftType::Decimal { precision: 18, scale };
    let before = shaped(of(vec![column("A", decimal(2))]), &[&[("A", "was")]]);
    let former = FormerColumn::other(column("A", decimal(2)));
    let after = TableDefinition {
        former: vec![by_schema(vec![FormerColumn::Same, former])],
        ..of(vec![hashed("A", decimal(4))])
    };
    let after = shaped(after, &[&[("A", "was")], &[("A", "is")]]);
    let text = all(&plan(&declaration(&after), &provisioned(&before)));
    assert!(text.contains("END::DECIMAL(18,4))::VARCHAR(64), 256), 256)"), "{text}");
    assert!(!text.contains("ADD COLUMN \"_cdc_new_a\" DECIMAL"), "{text}");
}

/// What was made with a key that is gone cannot be compared with what another would make.
#[test]
fn a_key_that_is_gone_is_not_made_anew() {
    let table = of(vec![hashed("MAIL", TEXT)]);
    let mut observed = provisioned(&table);
    observed.relations.remove(&("cdc".to_owned(), "hash_key".to_owned()));
    let plan = plan(&declaration(&table), &observed);
    assert_eq!(plan.steps, []);
    assert!(plan.warnings.iter().any(|warning| warning.contains("cdc.hash_key")), "{:?}", plan.warnings);
}

/// A former target has the clear values that it had.
#[test]
fn readers_lose_former_targets_of_a_protected_table() {
    let before = of(vec![column("MAIL", TEXT)]);
    let mut observed = provisioned(&before);
    for name in ["t_was_current", "t_was_soft_delete_2", "t_was_mine", "other_was_current"] {
        observed.relations.insert(("db".into(), name.into()));
    }
    let declared = of(vec![hashed("MAIL", TEXT)]);
    let found = plan(&declaration(&declared), &observed);
    let text = all(&found);
    for name in ["t_was_current", "t_was_soft_delete_2"] {
        let revoke = format!("REVOKE SELECT ON \"db\".\"{name}\" FROM ROLE \"analysts\"");
        assert!(text.contains(&revoke), "{name}: {text}");
    }
    assert_eq!(text.matches("REVOKE").count(), 2, "{text}");
    assert_eq!(plan(&declaration(&declared), &after(&found, provisioned(&declared))).steps, []);
    // So does one that is set aside in the same plan.
    let mut history = declared.clone();
    history.mode = Mode::History;
    let mut observed = provisioned(&before);
    observed.whole_logs.insert(before.spec.id());
    let text = all(&plan(&declaration(&history), &observed));
    in_order(
        &text,
        &[
            "RENAME TO \"t_was_current\"",
            "REVOKE SELECT ON \"db\".\"t_was_current\" FROM ROLE \"analysts\"",
            "'db.t.mail', 'alter', 'hash'",
        ],
    );
}

/// Rows without a key are counted by their values: with other values they are counted anew from the log.
#[test]
fn counted_rows_are_counted_anew_when_a_column_is_protected() {
    let of = |columns: Vec<Column>| TableDefinition {
        mode: Mode::Count,
        key: Vec::new(),
        ..table(columns, &[], Vec::new())
    };
    // A hash may have the very type that the clear column had.
    for kind in [TEXT, RedshiftType::Varchar { bytes: 64 }] {
        let before = of(vec![column("MAIL", kind)]);
        let declared = of(vec![hashed("MAIL", kind)]);
        let mut observed = provisioned(&before);
        assert_eq!(plan(&declaration(&declared), &observed).waiting.len(), 1);
        observed.whole_logs.insert(before.spec.id());
        let text = all(&plan(&declaration(&declared), &observed));
        assert!(text.contains("RENAME TO \"t_was_count\""), "{text}");
        assert!(!text.contains("_cdc_new_"), "{text}");
        assert_eq!(plan(&declaration(&declared), &provisioned(&declared)).steps, []);
    }
}
