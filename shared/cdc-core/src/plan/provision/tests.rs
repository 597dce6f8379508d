//! How an existing target follows a changed definition: what is observed, what is declared, and
//! the statements in between.

use super::*;
use crate::catalog::{
    ChangePoint, Column, Decoding, FormerColumn, FormerVersion, Mode, OnUnfitValue, Protection, RedshiftType,
    SchemaChangeMark, Shape, Shapes, TableSpec,
};
use crate::event::{LogPoint, SourcePosition};
use crate::pipeline::{ChangePolicies, ChangePolicy};
use crate::sql::external_schema::StreamAuthentication;
use crate::sql::external_schema::StreamSource;
use crate::sql::layout::Layout;
use crate::sql::target_table;

fn column(name: &str, target_type: RedshiftType) -> Column {
    Column {
        source_name: name.to_owned(),
        target_name: name.to_lowercase(),
        target_type,
        decoding: Decoding::Integer,
        nullable: true,
        source_type: String::new(),
        on_unfit_value: OnUnfitValue::default(),
        protection: Protection::None,
    }
}

fn table(columns: Vec<Column>, key: &[&str], former: Vec<FormerVersion>) -> TableDefinition {
    TableDefinition {
        spec: TableSpec {
            topic: "shop.db.T".into(),
            source_table: "T".into(),
            slug: "db_t".into(),
            target_schema: "db".into(),
            target_table: "t".into(),
            auto_refresh: false,
        },
        columns,
        key: key.iter().map(|name| (*name).to_owned()).collect(),
        unavailable_value: String::new(),
        mode: Mode::default(),
        former,
        known_attributes: None,
        shapes: None,
        on_schema_change: ChangePolicies::default(),
        attributes: Vec::new(),
        records_key: None,
        learned_from: None,
        tombstones_delete: false,
        schema_changes: Some(SchemaChangeMark {
            topic: "shop".into(),
            table: "\"db\".\"T\"".into(),
            partition: 0,
            offset: 3,
            position: None,
        }),
    }
}

fn until(position: u64, columns: Vec<FormerColumn>) -> FormerVersion {
    let padded = format!("{:012}:{position:020}:{:010}", 1, 0);
    FormerVersion {
        until: Some(ChangePoint {
            log: LogPoint { server_id: 7, position: padded },
            position: Some(SourcePosition { domain: "gtid:0".into(), position: format!("{position:020}") }),
            connector_ms: None,
            source_ms: Some(1_000),
            kafka_timestamp_ms: Some(2_000),
        }),
        columns,
        attributes: Vec::new(),
        discarded: false,
    }
}

fn declaration(table: &TableDefinition) -> Declaration {
    Declaration {
        layout: Layout {
            control_schema: "cdc".into(),
            landing_schema: "cdc_landing".into(),
            external_schema: "cdc_kafka".into(),
        },
        stream: StreamSource {
            brokers: vec!["b:9092".into()],
            authentication: StreamAuthentication::None,
            iam_role: None,
            certificate: None,
        },
        tables: vec![table.clone()],
        waiting: Vec::new(),
        access: None,
        readers: vec!["analysts".into()],
        accepted: BTreeSet::new(),
        emptied: BTreeSet::new(),
        unions: Vec::new(),
    }
}

/// What the warehouse has after this table was provisioned.
fn provisioned(table: &TableDefinition) -> Observed {
    let mut observed = Observed::default();
    for step in plan(&declaration(table), &Observed::default()).steps {
        observed.catalog.insert((step.kind.as_str().to_owned(), step.object.clone()), step.fingerprint.clone());
        if let Some((schema, name)) = step.object.split_once('.') {
            observed.relations.insert((schema.to_owned(), name.to_owned()));
        }
    }
    observed.external_schemas.insert("cdc_kafka".into());
    let shown = |column: &Column| {
        let (data_type, length, precision, scale) = match column.stored_type() {
            RedshiftType::Integer => ("integer", None, None, None),
            RedshiftType::BigInt => ("bigint", None, None, None),
            RedshiftType::Varchar { bytes } => ("character varying", Some(i64::from(bytes)), None, None),
            RedshiftType::Decimal { precision, scale } => {
                ("numeric", None, Some(i64::from(precision)), Some(i64::from(scale)))
            }
            other => panic!("{other} is not used here"),
        };
        let (name, data_type) = (column.target_name.clone(), data_type.into());
        ObservedColumn { name, data_type, length, precision, scale, rights: Vec::new() }
    };
    let target = ("db".to_owned(), "t".to_owned());
    let own = target_table::own_columns(table.mode).map(|(name, _)| ObservedColumn {
        name: name.to_owned(),
        data_type: "timestamp without time zone".into(),
        length: None,
        precision: None,
        scale: None,
        rights: Vec::new(),
    });
    observed.columns.insert(target, table.columns.iter().map(shown).chain(own).collect());
    let ledger = ("cdc".to_owned(), "ledger_db_t".to_owned());
    observed.columns.insert(ledger, table.key_columns().map(shown).collect());
    let attached = Attached { sees_rights: true, sees_policies: true, ..Attached::default() };
    observed.attached.insert(table.spec.id(), attached);
    observed
}

/// The statements of the changed target and of what its past asks for, and the warnings.
fn changed(before: &TableDefinition, after: &TableDefinition) -> (Vec<String>, Vec<String>) {
    let plan = plan(&declaration(after), &provisioned(before));
    let statements = plan
        .steps
        .into_iter()
        .filter(|step| matches!(step.kind, ObjectKind::TargetTable | ObjectKind::TableState))
        .flat_map(|step| step.statements)
        .collect();
    (statements, plan.warnings)
}

const INT: RedshiftType = RedshiftType::Integer;

#[test]
fn applying_twice_changes_nothing() {
    let table = table(vec![column("ID", INT), column("A", INT)], &["ID"], Vec::new());
    assert_eq!(plan(&declaration(&table), &provisioned(&table)).steps, []);
}

#[test]
fn an_added_column_is_added_and_older_rows_get_its_default() {
    let before = table(vec![column("ID", INT)], &["ID"], Vec::new());
    let absent = FormerColumn::Absent { default: Some("5".into()), reuses_name: false };
    let after =
        table(vec![column("ID", INT), column("A", INT)], &["ID"], vec![until(100, vec![FormerColumn::Same, absent])]);
    let (statements, warnings) = changed(&before, &after);
    assert_eq!(statements[0], "ALTER TABLE \"db\".\"t\" ADD COLUMN \"a\" INTEGER");
    assert!(statements[1].contains("LOCK TABLE \"cdc\".\"watermark_db_t\""), "{}", statements[1]);
    assert!(statements[1].contains("SET \"a\" = 5::INTEGER WHERE"), "{}", statements[1]);
    assert!(statements[1].contains("_cdc_position < '00000000000000000100'"), "{}", statements[1]);
    assert_eq!((statements.len(), warnings), (4, Vec::new()));
    // The procedure follows in the same plan, and nothing is left for the next one.
    let steps = plan(&declaration(&after), &provisioned(&before)).steps;
    assert!(steps.iter().any(|step| step.object == "cdc.sp_merge_db_t" && step.action == StepAction::Replace));
    assert_eq!(plan(&declaration(&after), &provisioned(&after)).steps, []);
}

#[test]
fn a_renamed_column_is_renamed() {
    let before = table(vec![column("ID", INT), column("Mail", INT)], &["ID"], Vec::new());
    let was = FormerColumn::other(column("Mail", INT));
    let after = table(
        vec![column("ID", INT), column("Contact", INT)],
        &["ID"],
        vec![until(100, vec![FormerColumn::Same, was])],
    );
    assert_eq!(
        changed(&before, &after),
        (vec!["ALTER TABLE \"db\".\"t\" RENAME COLUMN \"mail\" TO \"contact\"".to_owned()], Vec::new())
    );
}

#[test]
fn a_wider_decimal_takes_the_place_of_the_old_one() {
    let decimal = |precision, scale| column("AMT", RedshiftType::Decimal { precision, scale });
    let before = table(vec![column("ID", INT), decimal(10, 2)], &["ID"], Vec::new());
    let after = table(vec![column("ID", INT), decimal(18, 4)], &["ID"], Vec::new());
    let (statements, warnings) = changed(&before, &after);
    assert_eq!(warnings, [""; 0]);
    let procedure = &statements[0];
    for part in [
        "ADD COLUMN \"_cdc_new_amt\" DECIMAL(18,4)",
        "SET \"_cdc_new_amt\" = (\"amt\")::DECIMAL(18,4)",
        "DROP COLUMN \"amt\"",
        "RENAME COLUMN \"_cdc_new_amt\" TO \"amt\"",
    ] {
        assert!(procedure.contains(part), "{part} is not in\n{procedure}");
    }
    // A narrower one fits into what is there.
    assert_eq!(changed(&after, &before), (Vec::new(), Vec::new()));
}

#[test]
fn values_that_the_new_type_cannot_hold_are_kept_aside() {
    let text = column("NOTE", RedshiftType::Varchar { bytes: 100 });
    let before = table(vec![column("ID", INT), text], &["ID"], Vec::new());
    let after = table(vec![column("ID", INT), column("NOTE", INT)], &["ID"], Vec::new());
    let (statements, warnings) = changed(&before, &after);
    assert!(statements[0].contains("RENAME COLUMN \"note\" TO \"note_until_"), "{}", statements[0]);
    assert!(!statements[0].contains("UPDATE") && !statements[0].contains("DROP COLUMN"), "{}", statements[0]);
    assert!(warnings[0].contains("stay in column note_until_"), "{warnings:?}");
}

#[test]
fn text_is_made_longer_in_place_and_never_shorter() {
    let text = |bytes| column("NOTE", RedshiftType::Varchar { bytes });
    let short = table(vec![column("ID", INT), text(40)], &["ID"], Vec::new());
    let long = table(vec![column("ID", INT), text(400)], &["ID"], Vec::new());
    let widen = "ALTER TABLE \"db\".\"t\" ALTER COLUMN \"note\" TYPE VARCHAR(400)".to_owned();
    assert_eq!(changed(&short, &long), (vec![widen], Vec::new()));
    assert_eq!(changed(&long, &short), (Vec::new(), Vec::new()));
}

#[test]
fn another_key_builds_the_table_anew_with_everything_in_it() {
    let columns = vec![column("ID", INT), column("REGION", INT), column("GONE", INT)];
    let before = table(columns, &["ID"], Vec::new());
    let after = table(vec![column("ID", RedshiftType::BigInt), column("REGION", INT)], &["ID", "REGION"], Vec::new());
    let (statements, warnings) = changed(&before, &after);
    let procedure = &statements[0];
    for part in [
        "\"id\" BIGINT NOT NULL, \"region\" INTEGER NOT NULL, \"gone\" INTEGER",
        "SELECT (\"id\")::BIGINT, \"region\", \"gone\", \"_cdc_domain\"",
        "RENAME TO \"t\"",
        "DROP TABLE IF EXISTS \"cdc\".\"ledger_db_t\"",
        "GRANT SELECT ON \"db\".\"t\" TO ROLE \"analysts\"",
    ] {
        assert!(procedure.contains(part), "{part} is not in\n{procedure}");
    }
    assert!(warnings[0].contains("built anew"), "{warnings:?}");
}

#[test]
fn a_key_of_a_column_that_no_row_has_waits_for_somebody() {
    let before = table(vec![column("ID", INT)], &["ID"], Vec::new());
    let after = table(vec![column("ID", INT), column("REGION", INT)], &["ID", "REGION"], Vec::new());
    let (statements, warnings) = changed(&before, &after);
    assert_eq!(statements, [""; 0]);
    assert!(warnings[0].contains("key has column region now"), "{warnings:?}");
}

#[test]
fn a_table_that_was_created_anew_loses_its_older_rows_once() {
    let before = table(vec![column("ID", INT)], &["ID"], Vec::new());
    let mut version = until(100, vec![FormerColumn::Same]);
    version.discarded = true;
    let after = table(vec![column("ID", INT)], &["ID"], vec![version]);
    let (statements, _) = changed(&before, &after);
    assert!(statements[0].starts_with("INSERT INTO \"cdc\".\"truncations\""), "{statements:?}");
    assert_eq!(plan(&declaration(&after), &provisioned(&after)).steps, []);
}

fn of_mode(mode: Mode) -> TableDefinition {
    TableDefinition { mode, ..table(vec![column("ID", INT), column("A", INT)], &["ID"], Vec::new()) }
}

#[test]
fn applying_twice_changes_nothing_in_any_mode() {
    for mode in [Mode::Current, Mode::SoftDelete, Mode::History, Mode::Append] {
        let table = of_mode(mode);
        let again = plan(&declaration(&table), &provisioned(&table));
        assert_eq!((again.steps, again.warnings), (Vec::new(), Vec::new()), "{mode:?}");
    }
}

#[test]
fn another_mode_keeps_the_former_target_and_begins_a_new_one() {
    let (before, after) = (of_mode(Mode::Current), of_mode(Mode::History));
    let mut observed = provisioned(&before);
    observed.whole_logs.insert(after.spec.id());
    observed.relations.insert(("db".into(), "t_was_current".into()));
    let mut declaration = declaration(&after);
    declaration.access = Some(Access { role: "cdc".into(), users: Vec::new() });
    let plan = plan(&declaration, &observed);
    let position = |object: &str| plan.steps.iter().position(|step| step.object == object);
    let (target, procedure, watermark) =
        (position("db.t").unwrap(), position("cdc.sp_merge_db_t").unwrap(), position("cdc.watermark_db_t").unwrap());
    // No merge runs from the change of the target on until its procedure is the new one.
    assert!(target < procedure && procedure < watermark, "{target} {procedure} {watermark}");
    assert!(watermark < position("cdc on db.t").unwrap(), "the rights follow the new watermark table");
    let statements = plan.steps[target].statements.join(";\n");
    for part in [
        "LOCK TABLE \"cdc\".\"watermark_db_t\"",
        "ALTER TABLE \"db\".\"t\" RENAME TO \"t_was_current_2\"",
        "\"_cdc_valid_to\" TIMESTAMP",
        "DROP TABLE IF EXISTS \"cdc\".\"ledger_db_t\"",
        "DELETE FROM \"cdc\".\"truncations\" WHERE table_name = 'db.t'",
        "DROP TABLE \"cdc\".\"watermark_db_t\"",
        "GRANT SELECT ON \"db\".\"t\" TO ROLE \"analysts\"",
    ] {
        assert!(statements.contains(part), "{part} is not in\n{statements}");
    }
    assert!(!statements.contains("DROP TABLE \"db\""), "{statements}");
    assert!(plan.warnings[0].contains("from mode current to history"), "{:?}", plan.warnings);
}

#[test]
fn another_mode_that_cannot_be_made_from_the_log_changes_nothing() {
    let (before, after) = (of_mode(Mode::Current), of_mode(Mode::Append));
    let observed = provisioned(&before);
    assert_eq!(switching(&declaration(&after), &observed).len(), 1);
    let plan = plan(&declaration(&after), &observed);
    assert_eq!(plan.steps, []);
    assert!(plan.warnings[0].contains("stays so, although append is declared"), "{:?}", plan.warnings);
}

#[test]
fn counted_rows_are_counted_anew_when_their_columns_change() {
    let counted = |columns| TableDefinition { mode: Mode::Count, ..table(columns, &[], Vec::new()) };
    let (before, after) = (counted(vec![column("A", INT)]), counted(vec![column("A", INT), column("B", INT)]));
    let mut observed = provisioned(&before);
    assert_eq!(plan(&declaration(&before), &observed).steps, []);
    let waits = plan(&declaration(&after), &observed);
    assert!(waits.waiting[0].reason.contains("the columns of table T changed"), "{:?}", waits.waiting);
    assert!(!waits.steps.iter().any(|step| step.table.is_some()), "{:?}", waits.steps);
    observed.whole_logs.insert(after.spec.id());
    let anew = plan(&declaration(&after), &observed);
    let sql: Vec<&String> = anew.steps.iter().flat_map(|step| &step.statements).collect();
    assert!(sql.iter().any(|sql| sql.contains("RENAME TO \"t_was_count\"")), "{sql:?}");
    assert!(anew.warnings[0].contains("has other columns"), "{:?}", anew.warnings);
}

#[test]
fn a_table_without_a_key_waits_unless_its_mode_needs_none() {
    let without = |mode| TableDefinition { key: Vec::new(), ..of_mode(mode) };
    let waits = |mode| plan(&declaration(&without(mode)), &Observed::default()).waiting;
    assert!(waits(Mode::History)[0].reason.contains("has no key"));
    assert_eq!(waits(Mode::Append), []);
    assert_eq!(waits(Mode::Count), []);
}

/// A table of which the events' schemas tell the versions: `forms` of the former one and of the
/// present one, without the key.
fn shaped(table: TableDefinition, forms: &[&[(&str, &str)]]) -> TableDefinition {
    let shape = |(version, forms): (usize, &&[(&str, &str)])| Shape {
        version,
        forms: forms.iter().map(|(name, form)| ((*name).to_owned(), (*form).to_owned())).collect(),
    };
    let known = forms.iter().enumerate().map(shape).collect();
    let shapes = Shapes { known, only: None, ignored: BTreeSet::new(), place: "partition 0 offset 7".into() };
    TableDefinition { shapes: Some(shapes), schema_changes: None, ..table }
}

fn by_schema(columns: Vec<FormerColumn>) -> FormerVersion {
    FormerVersion { until: None, columns, attributes: Vec::new(), discarded: false }
}

/// A table that got a column, before and after, and the former version's columns.
fn grown(added: FormerColumn) -> (TableDefinition, TableDefinition) {
    let before = shaped(table(vec![column("ID", INT)], &["ID"], Vec::new()), &[&[]]);
    let after =
        table(vec![column("ID", INT), column("A", INT)], &["ID"], vec![by_schema(vec![FormerColumn::Same, added])]);
    (before, shaped(after, &[&[], &[("A", "int32")]]))
}

fn versions(plan: &ProvisionPlan) -> Vec<&Step> {
    plan.steps.iter().filter(|step| step.kind == ObjectKind::TableVersion).collect()
}

#[test]
fn a_change_that_events_tell_is_recorded_with_the_event() {
    let (before, after) = grown(FormerColumn::Absent { default: Some("5".into()), reuses_name: false });
    let plan = plan(&declaration(&after), &provisioned(&before));
    let [version] = versions(&plan).try_into().expect("one version");
    assert_eq!(
        version.why,
        "column a was added with a default (topic shop.db.T partition 0 offset 7); its definition changed"
    );
    assert_eq!(version.action, StepAction::Alter);
    let (statements, _) = changed(&before, &after);
    assert_eq!(statements, ["ALTER TABLE \"db\".\"t\" ADD COLUMN \"a\" INTEGER DEFAULT 5::INTEGER"]);
    assert_eq!(super::plan(&declaration(&after), &provisioned(&after)).steps, []);
}

/// Redshift does not make text longer in a column that has a default.
#[test]
fn text_that_may_grow_gets_its_default_as_values() {
    let (before, mut after) = grown(FormerColumn::Absent { default: Some("x".into()), reuses_name: false });
    after.columns[1].target_type = RedshiftType::Varchar { bytes: 255 };
    let (statements, _) = changed(&before, &after);
    assert_eq!(statements[0], "ALTER TABLE \"db\".\"t\" ADD COLUMN \"a\" VARCHAR(255)");
    assert!(statements[1].contains("SET \"a\" = 'x'::VARCHAR(255) WHERE true"), "{statements:?}");
}

#[test]
fn rows_whose_value_nobody_can_tell_go_into_quarantine() {
    let (before, after) = grown(FormerColumn::Unknown);
    let plan = plan(&declaration(&after), &provisioned(&before));
    let [version] = versions(&plan).try_into().expect("one version");
    assert!(version.statements[0].contains("INSERT INTO \"cdc\".\"quarantine\""), "{:?}", version.statements);
}

#[test]
fn a_change_whose_policy_is_hold_leaves_everything_as_it_is_until_it_is_accepted() {
    let (before, mut after) = grown(FormerColumn::Absent { default: None, reuses_name: false });
    after.on_schema_change.add_column = ChangePolicy::Hold;
    let mut declared = declaration(&after);
    let waits = plan(&declared, &provisioned(&before));
    assert_eq!(waits.steps, []);
    assert!(waits.waiting[0].reason.contains("column a was added (add_column: hold)"), "{:?}", waits.waiting);
    assert!(waits.waiting[0].reason.contains("\"accept\": [\"db.t\"]"), "{:?}", waits.waiting);
    declared.accepted.insert(after.spec.id());
    assert!(!plan(&declared, &provisioned(&before)).steps.is_empty());
}

#[test]
fn an_added_column_that_is_ignored_is_left_out_and_holds_nothing() {
    let (before, mut after) = grown(FormerColumn::Absent { default: None, reuses_name: false });
    after.on_schema_change.add_column = ChangePolicy::Ignore;
    let plan = plan(&declaration(&after), &provisioned(&before));
    let sql: Vec<&String> = plan.steps.iter().flat_map(|step| &step.statements).collect();
    assert!(!sql.iter().any(|sql| sql.contains("\"a\"")), "{sql:?}");
    let procedure = sql.iter().find(|sql| sql.contains("sp_merge")).expect("the procedure follows");
    assert!(procedure.contains("NOT IN ('A')"), "{procedure}");
}

#[test]
fn another_scale_rounds_the_rows_as_the_source_does() {
    let decimal = |precision, scale| column("AMT", RedshiftType::Decimal { precision, scale });
    let before = table(vec![column("ID", INT), decimal(12, 4)], &["ID"], Vec::new());
    let before = shaped(before, &[&[("AMT", "scale 4")]]);
    let was = FormerColumn::other(decimal(12, 4));
    let after = table(vec![column("ID", INT), decimal(9, 1)], &["ID"], vec![by_schema(vec![FormerColumn::Same, was])]);
    let after = shaped(after, &[&[("AMT", "scale 4")], &[("AMT", "scale 1")]]);
    let plan = plan(&declaration(&after), &provisioned(&before));
    let [version] = versions(&plan).try_into().expect("one version");
    assert!(version.statements[0].contains("THEN ROUND(\"amt\", 1) END"), "{:?}", version.statements);
}

mod altered_rows;
mod protections;
mod renames;
mod rights;

/// Two shards, the second with these columns, and the view over both.
fn shards(second: Vec<Column>) -> Declaration {
    let first = table(vec![column("ID", INT), column("A", INT)], &["ID"], Vec::new());
    let mut other = table(second, &["ID"], Vec::new());
    other.spec.topic = "shop.db2.T".into();
    other.spec.slug = "db2_t".into();
    other.spec.target_schema = "db2".into();
    let members = [("shop.db.T", "db.T"), ("shop.db2.T", "db2.T")];
    let members = members.map(|(topic, name)| (topic.to_owned(), name.to_owned()));
    let union = Union { schema: "all".into(), table: "t".into(), column: "shard".into(), members: members.into() };
    Declaration { tables: vec![first.clone(), other], unions: vec![union], ..declaration(&first) }
}

#[test]
fn shards_are_one_view_with_the_columns_of_all() {
    let declared = shards(vec![column("ID", RedshiftType::BigInt), column("B", INT)]);
    assert_eq!(problems(&declared), [""; 0]);
    let plan = plan(&declared, &Observed::default());
    let view = plan.steps.iter().find(|step| step.object == "all.t").expect("the view");
    for part in [
        "CREATE OR REPLACE VIEW \"all\".\"t\" AS",
        "SELECT CAST('db.T' AS VARCHAR(260)) AS \"shard\"",
        "CAST(t.\"id\" AS BIGINT) AS \"id\"",
        "CAST(NULL AS INTEGER) AS \"b\"\nFROM \"db\".\"t\" AS t",
        "WITH NO SCHEMA BINDING",
    ] {
        assert!(view.statements[0].contains(part), "{part} is not in\n{}", view.statements[0]);
    }
    assert!(plan.steps.iter().any(|step| step.object == "analysts reads all.t"));
    assert!(plan.steps.iter().any(|step| step.kind == ObjectKind::Schema && step.object == "all"));
}

#[test]
fn shards_that_do_not_go_together_are_an_error_that_names_both() {
    let declared = shards(vec![column("ID", INT), column("A", RedshiftType::Varchar { bytes: 10 })]);
    let [problem] = problems(&declared).try_into().expect("one problem");
    for part in ["all.t", "column a", "db.t", "db2.t"] {
        assert!(problem.contains(part), "{part}: {problem}");
    }
    assert!(!plan(&declared, &Observed::default()).steps.iter().any(|step| step.object == "all.t"));
}

/// What tells a definition is kept with each version, behind what the rows need, and once.
#[test]
fn what_tells_the_definition_is_kept_with_each_version() {
    let learned = |table: TableDefinition, text: &str| TableDefinition { learned_from: Some(text.into()), ..table };
    let kept = |table: &TableDefinition, observed: &Observed| {
        let steps = plan(&declaration(table), observed).steps;
        let step = |kind| steps.iter().position(|step| step.kind == kind);
        let version = step(ObjectKind::TableVersion);
        let definition = step(ObjectKind::TableDefinition);
        assert!(definition.is_none() || version < definition, "{steps:#?}");
        definition.map(|index| steps[index].statements.clone()).unwrap_or_default()
    };
    let columns = || vec![column("ID", INT), column("A", INT)];
    let before = learned(shaped(table(columns(), &["ID"], Vec::new()), &[&[("A", "int32")]]), "it's one");
    let statements = kept(&before, &Observed::default());
    assert_eq!(statements.len(), 2);
    assert!(
        statements[0].starts_with("DELETE FROM \"cdc\".\"definitions\" WHERE table_name = 'db.t'"),
        "{statements:?}"
    );
    assert!(statements[1].ends_with("(SYSDATE, 'db.t', 1, 'it''s one')"), "{statements:?}");
    let moved = learned(before.clone(), "the same, seen later");
    assert!(kept(&moved, &provisioned(&before)).is_empty(), "the version is the same");
    let after = learned(shaped(table(columns(), &["ID"], Vec::new()), &[&[("A", "int64")]]), &"é".repeat(40_000));
    let statements = kept(&after, &provisioned(&before));
    assert_eq!(statements.len(), 4, "in pieces");
}
