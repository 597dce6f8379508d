//! Names that pass from column to column, in a target that has the values under the former ones.

use super::*;

/// A table at a place in the source's log.
fn at(position: u64, mut table: TableDefinition) -> TableDefinition {
    let padded = format!("{:012}:{position:020}:{:010}", 1, 0);
    if let Some(mark) = &mut table.schema_changes {
        mark.position = Some(padded);
    }
    table
}

fn observed(table: &TableDefinition) -> Observed {
    provisioned(table)
}

/// The statements that change the target when its columns A and B become `columns`, which `were`.
fn moved(columns: Vec<Column>, were: Vec<FormerColumn>, observed: &Observed) -> Vec<String> {
    let mut all = vec![column("ID", INT)];
    all.extend(columns);
    let mut former = vec![FormerColumn::Same];
    former.extend(were);
    let after = at(100, table(all, &["ID"], vec![until(100, former)]));
    let plan = plan(&declaration(&after), observed);
    plan.steps
        .into_iter()
        .filter(|step| step.kind == ObjectKind::TargetTable)
        .flat_map(|step| step.statements)
        .collect()
}

fn two() -> TableDefinition {
    at(50, table(vec![column("ID", INT), column("A", INT), column("B", INT)], &["ID"], Vec::new()))
}

fn was(name: &str) -> FormerColumn {
    FormerColumn::other(column(name, INT))
}

fn in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("{part} is not behind the others in\n{text}"));
        rest = &rest[at + part.len()..];
    }
}

/// `DROP a`, then `CHANGE b a`: what the source dropped stays in the target, and was taken for the
/// column that has the name now.
#[test]
fn a_column_does_not_take_the_values_of_a_dropped_one_whose_name_it_has() {
    let statements = moved(vec![column("A", INT)], vec![was("B")], &observed(&two()));
    in_order(&statements[0], &["LOCK TABLE", "RENAME COLUMN \"a\" TO \"a_until_", "RENAME COLUMN \"b\" TO \"a\""]);
}

/// `CHANGE a b`, then `ADD a` without a default that can be told.
#[test]
fn a_column_of_which_nobody_can_tell_does_not_take_what_is_there_under_its_name() {
    let statements =
        moved(vec![column("B", INT), column("A", INT)], vec![was("A"), FormerColumn::Unknown], &observed(&two()));
    in_order(&statements[0], &["RENAME COLUMN \"b\" TO \"b_until_", "RENAME COLUMN \"a\" TO \"b\""]);
    assert!(statements.iter().any(|statement| statement.contains("ADD COLUMN \"a\" INTEGER")), "{statements:#?}");
}

#[test]
fn two_columns_exchange_their_names_once() {
    let columns = || vec![column("B", INT), column("A", INT)];
    let were = || vec![was("A"), was("B")];
    let statements = moved(columns(), were(), &observed(&two()));
    in_order(
        &statements[0],
        &[
            "RENAME COLUMN \"b\" TO \"b_until_",
            "RENAME COLUMN \"a\" TO \"b\"",
            "ADD COLUMN \"a\" INTEGER",
            "SET \"a\" = \"b_until_",
        ],
    );
    // A run that ended behind it does not exchange them again.
    let kept = statements[0].split("TO \"").nth(1).and_then(|rest| rest.split('"').next()).expect("a name").to_owned();
    let mut done = observed(&two());
    let target = ("db".to_owned(), "t".to_owned());
    let existing = done.columns.get_mut(&target).expect("the target");
    let aside = ObservedColumn { name: kept, ..existing[1].clone() };
    existing.push(aside);
    assert_eq!(moved(columns(), were(), &done), [""; 0]);
}

/// What gives the target its present form, and what its rows need then.
fn all(columns: Vec<Column>, were: Vec<FormerColumn>, observed: &Observed) -> String {
    let mut present = vec![column("ID", INT)];
    present.extend(columns);
    let mut former = vec![FormerColumn::Same];
    former.extend(were);
    let after = at(100, table(present, &["ID"], vec![until(100, former)]));
    let kinds = [ObjectKind::TargetTable, ObjectKind::TableVersion];
    let steps = plan(&declaration(&after), observed).steps.into_iter().filter(|step| kinds.contains(&step.kind));
    steps.flat_map(|step| step.statements).collect::<Vec<_>>().join(";\n")
}

const TEXT: RedshiftType = RedshiftType::Varchar { bytes: 40 };

fn retyped() -> (TableDefinition, Vec<Column>, Vec<FormerColumn>) {
    let before = at(50, table(vec![column("ID", INT), column("A", TEXT), column("B", TEXT)], &["ID"], Vec::new()));
    let altered = |name| FormerColumn::Altered(Box::new(column(name, TEXT)));
    (before, vec![column("A", INT), column("B", INT)], vec![altered("B"), altered("A")])
}

/// `CHANGE a b …, CHANGE b a …` with other types, whose values cannot be told: the column that was put aside for
/// the name and the one that was kept for the type wanted the same name, and apply failed for ever.
#[test]
fn columns_that_exchange_names_and_change_types_are_kept_under_names_of_their_own() {
    let (before, columns, were) = retyped();
    let sql = all(columns, were, &observed(&before));
    let kept: Vec<&str> = sql.split("TO \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let mut names: Vec<&&str> = kept.iter().filter(|name| name.contains("_until_")).collect();
    assert_eq!(names.len(), 3, "{sql}");
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 3, "{kept:?}");
    // The rows that lost a value are written down by the name under which it is kept now.
    for name in names.iter().filter(|name| name.ends_with("_2") || name.starts_with("b_")) {
        assert!(sql.contains(&format!("t.\"{name}\" IS NOT NULL")), "{name}: {sql}");
    }
}

/// The same, by a run that got as far as the columns' new types: it neither moves them again nor forgets the rows.
#[test]
fn a_second_run_behind_an_exchange_with_other_types_goes_on_with_the_rows() {
    let (before, columns, were) = retyped();
    let first = all(columns.clone(), were.clone(), &observed(&before));
    let kept: BTreeSet<String> = first
        .split("TO \"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|name| name.contains("_until_"))
        .map(str::to_owned)
        .collect();
    let mut done = observed(&before);
    let existing = done.columns.get_mut(&("db".to_owned(), "t".to_owned())).expect("the target");
    let text = existing[1].clone();
    for found in existing.iter_mut().filter(|found| ["a", "b"].contains(&found.name.as_str())) {
        found.data_type = "integer".into();
        found.length = None;
    }
    existing.extend(kept.iter().map(|name| ObservedColumn { name: name.clone(), ..text.clone() }));
    let sql = all(columns, were, &done);
    assert!(!sql.contains("RENAME COLUMN") && !sql.contains("ADD COLUMN"), "{sql}");
    for name in kept.iter().filter(|name| name.ends_with("_2") || name.starts_with("b_")) {
        assert!(sql.contains(&format!("t.\"{name}\" IS NOT NULL")), "{name}: {sql}");
    }
}

/// The same while the key grows: the table that is built anew has each name once.
#[test]
fn a_table_that_is_built_anew_while_columns_exchange_names_has_each_name_once() {
    let (before, columns, were) = retyped();
    let mut present = vec![column("ID", INT)];
    present.extend(columns);
    present.push(column("REGION", INT));
    let mut former = vec![FormerColumn::Same];
    former.extend(were);
    former.push(FormerColumn::Same);
    let before = TableDefinition { columns: [before.columns, vec![column("REGION", INT)]].concat(), ..before };
    let after = at(100, table(present, &["ID", "REGION"], vec![until(100, former)]));
    let sql = plan(&declaration(&after), &observed(&before)).steps.into_iter().flat_map(|step| step.statements);
    let created =
        sql.filter_map(|sql| Some(sql.split_once("CREATE TABLE \"db\".\"t__cdc_new\" (")?.1.to_owned())).next();
    let created = created.expect("the table is built anew");
    let names: Vec<&str> = created.split(") DISTSTYLE").next().unwrap_or_default().split(", \"").collect();
    let names: Vec<&str> = names.iter().filter_map(|one| one.trim_start_matches('"').split('"').next()).collect();
    let each: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(each.len(), names.len(), "{names:?}");
    assert_eq!(names.iter().filter(|name| name.contains("_until_")).count(), 3, "{names:?}");
}

/// Without a schema-change topic, a key column of another name looks like another column.
#[test]
fn a_key_column_that_may_have_been_renamed_waits_with_the_statement_that_renames_it() {
    let before = shaped(table(vec![column("ID", INT), column("A", INT)], &["ID"], Vec::new()), &[&[("ID", "int32")]]);
    let absent = FormerColumn::Absent { default: None, reuses_name: false };
    let former = vec![by_schema(vec![absent, FormerColumn::Same])];
    let after = table(vec![column("IDENT", INT), column("A", INT)], &["IDENT"], former);
    let after = shaped(after, &[&[("ID", "int32")], &[("IDENT", "int32")]]);
    let mut seen = observed(&before);
    let waits = plan(&declaration(&after), &seen);
    assert!(!waits.steps.iter().any(|step| step.kind == ObjectKind::TargetTable), "{:?}", waits.steps);
    let next = "do the same with ALTER TABLE \"db\".\"t\" RENAME COLUMN \"id\" TO \"ident\", and apply";
    assert!(waits.warnings.iter().any(|warning| warning.contains(next)), "{:?}", waits.warnings);
    // What it says helps.
    seen.columns.get_mut(&("db".to_owned(), "t".to_owned())).expect("the target")[0].name = "ident".into();
    let goes_on = plan(&declaration(&after), &seen);
    let sql: Vec<String> = goes_on.steps.into_iter().flat_map(|step| step.statements).collect();
    assert!(
        sql.iter().any(|sql| sql.contains("CREATE TABLE \"db\".\"t__cdc_new\" (\"ident\" INTEGER NOT NULL")),
        "{sql:#?}"
    );
}

/// `CHANGE a b`, then `ADD a`: a run that ended behind both and in front of its record gave b's values away
/// when it was repeated.
#[test]
fn names_that_a_run_gave_are_not_given_again() {
    let before = at(50, table(vec![column("ID", INT), column("A", INT)], &["ID"], Vec::new()));
    let columns = || vec![column("B", INT), column("A", INT)];
    let were = || vec![was("A"), FormerColumn::Absent { default: None, reuses_name: false }];
    let mut observed = observed(&before);
    let first = moved(columns(), were(), &observed);
    in_order(
        &first[0],
        &["LOCK TABLE", "RENAME COLUMN \"a\" TO \"b\"", "INSERT INTO \"cdc\".\"catalog\"", "'db.t names'"],
    );
    let at_sign = first[0].find("_until_").expect("the sign is recorded");
    let sign = first[0][at_sign..].split('\'').next().expect("a literal").to_owned();
    observed.catalog.insert((ObjectKind::TableState.as_str().to_owned(), "db.t names".to_owned()), sign);
    let there = observed.columns.get_mut(&("db".to_owned(), "t".to_owned())).expect("the target");
    let added = there.iter().find(|found| found.name == "a").expect("column a").clone();
    there.iter_mut().filter(|found| found.name == "a").for_each(|found| "b".clone_into(&mut found.name));
    there.push(added);
    assert_eq!(moved(columns(), were(), &observed), [] as [String; 0]);
}

/// A migration that was taken back and done again: what the first one put aside was taken for the sign that the
/// second had been done.
#[test]
fn a_version_that_comes_back_begins_anew() {
    let mut observed = observed(&two());
    let columns = || vec![column("B", INT), column("A", INT)];
    let were = || vec![was("A"), was("B")];
    let first = moved(columns(), were(), &observed);
    let kept = first[0].split("TO \"").nth(1).and_then(|rest| rest.split('"').next()).expect("a name").to_owned();
    let there = observed.columns.get_mut(&("db".to_owned(), "t".to_owned())).expect("the target");
    let copy = ObservedColumn { name: kept, ..there[1].clone() };
    there.push(copy);
    assert_eq!(moved(columns(), were(), &observed), [""; 0], "the same run again");
    observed.versions.insert(two().spec.id(), 3);
    assert_eq!(moved(columns(), were(), &observed).len(), first.len(), "another time");
}
