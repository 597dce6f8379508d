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
