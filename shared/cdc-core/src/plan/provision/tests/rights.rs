//! What others have put on a target that something takes the place of: rights, views, policies.

use super::*;
use crate::sql::rights::Right;

const TARGET: fn() -> (String, String) = || ("db".to_owned(), "t".to_owned());

fn before() -> TableDefinition {
    table(vec![column("ID", INT), column("REGION", INT), column("NOTE", INT), column("GONE", INT)], &["ID"], Vec::new())
}

/// A target on which others have rights: of the table and of single columns.
fn granted() -> Observed {
    let mut observed = provisioned(&before());
    let right = |kind, name, privilege, option| Right::on_table(kind, name, privilege, option).unwrap();
    observed.attached.get_mut(&before().spec.id()).unwrap().rights = vec![
        right("user", "ana", "SELECT", true),
        right("role", "analysts", "SELECT", false),
        right("group", "staff", "SELECT", false),
    ];
    for found in observed.columns.get_mut(&TARGET()).unwrap() {
        let who = match found.name.as_str() {
            "note" => Right::on_column("public", "public", "SELECT"),
            "gone" | "_cdc_kafka_offset" => Right::on_column("role", "auditors", "SELECT"),
            _ => None,
        };
        found.rights.extend(who);
    }
    observed
}

fn target_sql(plan: &ProvisionPlan) -> String {
    let steps = plan.steps.iter().filter(|step| step.kind == ObjectKind::TargetTable);
    steps.flat_map(|step| step.statements.clone()).collect::<Vec<_>>().join(";\n")
}

fn given(sql: &str) -> Vec<&str> {
    sql.lines().map(str::trim).filter(|line| line.starts_with("GRANT")).collect()
}

/// The key grows, a column has another name now, and one was dropped at the source.
fn rekeyed() -> TableDefinition {
    let was = FormerColumn::other(column("NOTE", INT));
    table(
        vec![column("ID", INT), column("REGION", INT), column("REMARK", INT)],
        &["ID", "REGION"],
        vec![until(100, vec![FormerColumn::Same, FormerColumn::Same, was])],
    )
}

#[test]
fn a_table_that_is_built_anew_has_the_rights_that_the_former_had() {
    let plan = plan(&declaration(&rekeyed()), &granted());
    let sql = target_sql(&plan);
    // In the transaction that makes it, and a renamed column's under its new name.
    assert_eq!(
        given(&sql),
        [
            "GRANT USAGE ON SCHEMA \"db\" TO ROLE \"analysts\";",
            "GRANT SELECT ON \"db\".\"t\" TO ROLE \"analysts\";",
            "GRANT SELECT ON \"db\".\"t\" TO \"ana\" WITH GRANT OPTION;",
            "GRANT SELECT ON \"db\".\"t\" TO GROUP \"staff\";",
            "GRANT SELECT (\"gone\", \"_cdc_kafka_offset\") ON \"db\".\"t\" TO ROLE \"auditors\";",
            "GRANT SELECT (\"remark\") ON \"db\".\"t\" TO PUBLIC;",
        ]
    );
    let (built, rights) = (sql.find("RENAME TO \"t\"").unwrap(), sql.find("TO \"ana\"").unwrap());
    assert!(built < rights && rights < sql.find("END;").unwrap(), "{sql}");
    assert_eq!(plan.warnings, ["table db.t: its key changed and the table is built anew"]);
}

#[test]
fn a_target_of_another_mode_has_the_rights_that_the_former_has() {
    let after = TableDefinition { mode: Mode::History, ..before() };
    let mut observed = granted();
    observed.whole_logs.insert(after.spec.id());
    let plan = plan(&declaration(&after), &observed);
    let sql = target_sql(&plan);
    assert_eq!(
        given(&sql)[2..],
        [
            "GRANT SELECT ON \"db\".\"t\" TO \"ana\" WITH GRANT OPTION;",
            "GRANT SELECT ON \"db\".\"t\" TO GROUP \"staff\";",
            "GRANT SELECT (\"gone\", \"_cdc_kafka_offset\") ON \"db\".\"t\" TO ROLE \"auditors\";",
            "GRANT SELECT (\"note\") ON \"db\".\"t\" TO PUBLIC;",
        ]
    );
    assert_eq!(plan.warnings.len(), 1, "{:?}", plan.warnings);
}

/// The successor of a column is another column to the warehouse.
#[test]
fn a_column_of_another_type_has_the_rights_that_the_former_had() {
    let mut after = before();
    after.columns[2].target_type = RedshiftType::Decimal { precision: 20, scale: 2 };
    let sql = target_sql(&plan(&declaration(&after), &granted()));
    assert_eq!(given(&sql), ["GRANT SELECT (\"note\") ON \"db\".\"t\" TO PUBLIC;"]);
}

/// Else somebody could read a column that was never opened.
#[test]
fn a_column_that_was_dropped_and_added_anew_has_nobody_s_rights() {
    let absent = FormerColumn::Absent { default: None, reuses_name: true };
    let mut after = before();
    after.columns[2].target_type = RedshiftType::Varchar { bytes: 100 };
    after.former = vec![until(100, vec![FormerColumn::Same, FormerColumn::Same, absent, FormerColumn::Same])];
    let sql = target_sql(&plan(&declaration(&after), &granted()));
    assert!(sql.contains("RENAME COLUMN \"note\" TO \"note_until_"), "{sql}");
    assert_eq!(given(&sql), [""; 0]);
}

#[test]
fn rights_and_policies_that_nobody_sees_are_said_with_the_next_step() {
    let mut observed = granted();
    let attached = observed.attached.get_mut(&before().spec.id()).unwrap();
    attached.sees_rights = false;
    attached.sees_policies = false;
    attached.user = "IAMR:p".into();
    attached.other_rights = vec!["RULE of user ana".into()];
    let plan = plan(&declaration(&rekeyed()), &observed);
    let said = |part: &str| plan.warnings.iter().any(|warning| warning.contains(part));
    for part in [
        "ALTER USER \"IAMR:p\" SYSLOG ACCESS UNRESTRICTED",
        "namespace_name = 'db' AND relation_name = 't'",
        "RULE of user ana",
        "svv_rls_attached_policy",
    ] {
        assert!(said(part), "{part}: {:#?}", plan.warnings);
    }
    // What is seen is given all the same.
    assert!(target_sql(&plan).contains("TO GROUP \"staff\""));
}

fn with_view(view_column: Option<&str>) -> Observed {
    let mut observed = granted();
    let view = DependentView { view: "marts.v".into(), column: view_column.map(str::to_owned) };
    observed.attached.get_mut(&before().spec.id()).unwrap().views.push(view);
    observed
}

/// Redshift refuses to drop what a view depends on, and a renamed table takes its views with it.
#[test]
fn a_view_that_depends_on_what_is_replaced_holds_the_table() {
    let mut switched = with_view(Some("id"));
    switched.whole_logs.insert(before().spec.id());
    let history = TableDefinition { mode: Mode::History, ..before() };
    let mut retyped = before();
    retyped.columns[2].target_type = RedshiftType::Decimal { precision: 20, scale: 2 };
    let unknown = plan(&declaration(&retyped), &with_view(None));
    let cases = [
        (plan(&declaration(&rekeyed()), &with_view(Some("id"))), "a new table"),
        (plan(&declaration(&history), &switched), "a new table"),
        (plan(&declaration(&retyped), &with_view(Some("note"))), "columns of it get successors"),
        (unknown, "columns of it get successors"),
    ];
    for (plan, what) in cases {
        let reason = &plan.waiting[0].reason;
        assert!(reason.contains(what) && reason.contains("marts.v"), "{reason}");
        assert!(reason.contains("WITH NO SCHEMA BINDING"), "{reason}");
        assert_eq!((plan.steps, plan.warnings), (Vec::new(), Vec::new()));
    }
}

#[test]
fn a_view_that_reads_other_columns_holds_nothing() {
    let mut retyped = before();
    retyped.columns[2].target_type = RedshiftType::Decimal { precision: 20, scale: 2 };
    let plan = plan(&declaration(&retyped), &with_view(Some("id")));
    assert!(plan.waiting.is_empty(), "{:?}", plan.waiting);
    assert!(target_sql(&plan).contains("DROP COLUMN \"note\""));
}

#[test]
fn a_view_does_not_stand_in_the_way_of_a_name_or_a_new_column() {
    let was = FormerColumn::other(column("NOTE", INT));
    let absent = FormerColumn::Absent { default: None, reuses_name: false };
    let mut after = before();
    after.columns[2] = column("REMARK", INT);
    after.columns.push(column("NEW", INT));
    let former = vec![FormerColumn::Same, FormerColumn::Same, was, FormerColumn::Same, absent];
    after.former = vec![until(100, former)];
    let observed = with_view(Some("note"));
    assert!(replacing(&declaration(&after), &observed).is_empty());
    let plan = plan(&declaration(&after), &observed);
    assert!(plan.waiting.is_empty(), "{:?}", plan.waiting);
    assert!(target_sql(&plan).contains("RENAME COLUMN \"note\" TO \"remark\""));
}

/// A swap would lay open what the policies hide.
#[test]
fn a_table_with_policies_is_not_swapped() {
    let mut observed = granted();
    let policies = vec!["row-level security policy own_rows".into(), "masking policy mask_note".into()];
    observed.attached.get_mut(&before().spec.id()).unwrap().policies = policies;
    let declared = declaration(&rekeyed());
    assert_eq!(replacing(&declared, &provisioned(&before())).len(), 1);
    let plan = plan(&declared, &observed);
    assert_eq!(plan.steps, []);
    assert!(plan.waiting[0].reason.contains("own_rows, masking policy mask_note"), "{:?}", plan.waiting);
}
