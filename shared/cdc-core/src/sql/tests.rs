//! Golden SQL: what each generator renders, as files in `golden/` that a DBA can read.
//!
//! After a wanted change run the tests once with `UPDATE_GOLDEN=1` and read the difference.

use std::path::PathBuf;

use super::external_schema::{StreamAuthentication, StreamSource};
use super::layout::Layout;
use super::{
    control_schema, decoding_functions, external_schema, grants, ident, landing_view, merge_procedure, protect,
    refresh_procedure, reshape, synchronise, target_table,
};
use crate::catalog::{
    ChangePoint, Column, Decoding, Element, FormerColumn, FormerVersion, Mode, OnUnfitValue, Protection, RedshiftType,
    SchemaChangeMark, Shape, Shapes, TableDefinition, TableSpec,
};
use crate::columns::UNAVAILABLE_VALUE;
use crate::event::{LogPoint, SourcePosition};
use crate::pipeline::{ChangePolicies, ChangePolicy};

fn layout() -> Layout {
    Layout { control_schema: "cdc".into(), landing_schema: "cdc_landing".into(), external_schema: "cdc_kafka".into() }
}

fn column(source: &str, kind: RedshiftType, decoding: Decoding, nullable: bool) -> Column {
    Column {
        source_name: source.into(),
        target_name: source.to_lowercase(),
        target_type: kind,
        decoding,
        nullable,
        source_type: String::new(),
        on_unfit_value: OnUnfitValue::Quarantine,
        protection: Protection::None,
    }
}

/// The order system's table with a composite key, decimals, text and dates.
fn order_detail() -> TableDefinition {
    let decimal = |precision, scale| RedshiftType::Decimal { precision, scale };
    TableDefinition {
        spec: TableSpec {
            topic: "salesdb.salesdb.SALES_ORDER_DETAIL".into(),
            source_table: "SALES_ORDER_DETAIL".into(),
            slug: "salesdb_sales_order_detail".into(),
            target_schema: "salesdb".into(),
            target_table: "sales_order_detail".into(),
            auto_refresh: false,
        },
        columns: vec![
            column("ORDER_ID", RedshiftType::BigInt, Decoding::Integer, false),
            column("LINE_NO", RedshiftType::Integer, Decoding::Integer, false),
            column("SKU", RedshiftType::Varchar { bytes: 96 }, Decoding::Text, false),
            column("QUANTITY", decimal(10, 3), Decoding::DecimalBase64 { scale: 3 }, false),
            column("NOTE", RedshiftType::Varchar { bytes: 65_535 }, Decoding::Text, true),
        ],
        key: vec!["ORDER_ID".into(), "LINE_NO".into()],
        mode: Mode::default(),
        former: Vec::new(),
        shapes: None,
        on_schema_change: ChangePolicies::default(),
        attributes: Vec::new(),
        records_key: None,
        learned_from: None,
        tombstones_delete: false,
        known_attributes: Some(["ORDER_ID", "LINE_NO", "SKU", "QUANTITY", "NOTE"].map(str::to_owned).into()),
        schema_changes: None,
        unavailable_value: UNAVAILABLE_VALUE.into(),
    }
}

/// Every decoding and type, and names that need care: a reserved word, a quote, a space.
fn awkward() -> TableDefinition {
    TableDefinition {
        spec: TableSpec {
            topic: "srv.Shop DB.It's \"Odd\"".into(),
            source_table: "It's \"Odd\"".into(),
            slug: "shop_db_it_s__odd__1a2b3c4d".into(),
            target_schema: "shop db".into(),
            target_table: "it's \"odd\"".into(),
            auto_refresh: true,
        },
        columns: vec![
            column("select", RedshiftType::Varchar { bytes: 40 }, Decoding::Text, false),
            column("It's", RedshiftType::Decimal { precision: 20, scale: 0 }, Decoding::UnsignedBigInt, true),
            column("a\"b", RedshiftType::Decimal { precision: 38, scale: 10 }, Decoding::DecimalText, true),
            column("Float 32", RedshiftType::Real, Decoding::Float, true),
            column("flag", RedshiftType::Boolean, Decoding::Boolean, true),
            column("day", RedshiftType::Date, Decoding::DateDays, true),
            column("t_ms", RedshiftType::Time, Decoding::TimeMillis, true),
            column("t_us", RedshiftType::Time, Decoding::TimeMicros, true),
            column("ts_ms", RedshiftType::Timestamp, Decoding::TimestampMillis, true),
            column("ts_us", RedshiftType::Timestamp, Decoding::TimestampMicros, true),
            column("zoned", RedshiftType::TimestampTz, Decoding::ZonedTimestamp, true),
            column("raw", RedshiftType::Varbyte { bytes: 64 }, Decoding::BytesHex, true),
            column("b64", RedshiftType::Varbyte { bytes: 65_535 }, Decoding::BytesBase64, true),
            column("binary", RedshiftType::Varbyte { bytes: 16 }, Decoding::BytesAny, true),
            column("any", RedshiftType::Decimal { precision: 10, scale: 0 }, Decoding::DecimalAny { scale: 0 }, true),
            column("var", RedshiftType::Varchar { bytes: 100 }, Decoding::DecimalVariable, true),
            column("iso_day", RedshiftType::Date, Decoding::DateIso, true),
            column("iso_time", RedshiftType::Time, Decoding::TimeIso, true),
            column("iso_ts", RedshiftType::Timestamp, Decoding::TimestampIso, true),
            column("t_ns", RedshiftType::Time, Decoding::TimeNanos, true),
            column("ts_ns", RedshiftType::Timestamp, Decoding::TimestampNanos, true),
            column("bits", RedshiftType::Varchar { bytes: 12 }, Decoding::Bits { length: 12 }, true),
            column("shape", RedshiftType::Varchar { bytes: 65_535 }, Decoding::Geometry, true),
            column("tags", RedshiftType::Super, Decoding::Super, true),
            column("amounts", RedshiftType::Super, Decoding::Array(Element::DecimalBase64 { scale: 2 }), true),
            column("days", RedshiftType::Super, Decoding::Array(Element::DateDays), true),
            Column {
                on_unfit_value: OnUnfitValue::Truncate,
                ..column("cut", RedshiftType::Varchar { bytes: 10 }, Decoding::Text, true)
            },
            Column {
                on_unfit_value: OnUnfitValue::Null,
                ..column("dropped", RedshiftType::Varchar { bytes: 10 }, Decoding::Text, true)
            },
        ],
        key: vec!["select".into()],
        mode: Mode::default(),
        former: Vec::new(),
        known_attributes: None,
        shapes: None,
        on_schema_change: ChangePolicies::default(),
        attributes: Vec::new(),
        records_key: None,
        learned_from: None,
        tombstones_delete: false,
        schema_changes: None,
        unavailable_value: UNAVAILABLE_VALUE.into(),
    }
}

/// A table without a key whose rows are counted.
fn counted() -> TableDefinition {
    let table = order_detail();
    let columns = table.columns.iter().cloned().map(|column| Column { nullable: true, ..column });
    TableDefinition { columns: columns.collect(), key: Vec::new(), mode: Mode::Count, ..table }
}

#[expect(clippy::disallowed_methods, reason = "a developer's switch, read by tests only")]
fn check_golden(name: &str, rendered: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden").join(name);
    let rendered = format!("{}\n", rendered.trim_end());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &rendered).expect("the golden folder is writable");
    }
    let golden =
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("golden file {}: {error}", path.display()));
    assert_eq!(rendered, golden, "{} differs; see the module's comment", path.display());
}

#[test]
fn merge_procedure_of_a_table_without_a_key() {
    let table = counted();
    let statements = [
        target_table::create(&layout(), &table),
        control_schema::create_ledger_table(&layout(), &table),
        merge_procedure::create(&layout(), &table),
    ];
    check_golden("merge_counted.sql", &statements.join(";\n\n"));
}

/// A table with hashed and masked columns.
fn with_protection() -> TableDefinition {
    let mut table = order_detail();
    let protected = |name, kind, decoding, protection| Column { protection, ..column(name, kind, decoding, true) };
    let text = RedshiftType::Varchar { bytes: 320 };
    table.columns[4].protection = Protection::Hash;
    table.columns.extend([
        protected("EMAIL", text, Decoding::Text, Protection::Hash),
        protected("CARD", text, Decoding::Text, Protection::Mask { keep_last: 4 }),
        protected("BORN", RedshiftType::Date, Decoding::DateDays, Protection::Hash),
        protected("PAID", RedshiftType::TimestampTz, Decoding::ZonedTimestamp, Protection::Hash),
        protected("TAGS", RedshiftType::Super, Decoding::Super, Protection::Mask { keep_last: 0 }),
        protected("TOKEN", RedshiftType::Varbyte { bytes: 16 }, Decoding::BytesBase64, Protection::Hash),
        protected(
            "WEIGHT",
            RedshiftType::Decimal { precision: 10, scale: 2 },
            Decoding::DecimalBase64 { scale: 2 },
            Protection::Mask { keep_last: 1 },
        ),
    ]);
    table
}

#[test]
fn merge_procedure_of_a_table_with_protected_columns() {
    let (layout, table) = (layout(), with_protection());
    let mut statements = protect::create_key(&layout).to_vec();
    statements.push(target_table::create(&layout, &table));
    statements.push(merge_procedure::create(&layout, &table));
    check_golden("merge_protected.sql", &statements.join(";\n\n"));
}

/// Rows that are there are protected in one transaction, behind which no former procedure writes.
#[test]
fn rows_that_are_there_are_protected() {
    let (layout, table) = (layout(), with_protection());
    let columns: Vec<reshape::Protected<'_>> = table.columns[4..7]
        .iter()
        .map(|column| reshape::Protected { column, clear: Some(ident::quoted(&column.target_name)), rights: &[] })
        .collect();
    let copies = [reshape::Copy { name: "email_until_0a1b2c3d".into(), is_sign: false }];
    let finally = reshape::fence(&layout, &table, Some("redshift_cdc_salesdb"));
    let statements = reshape::protect_columns(&layout, &table, &columns, &copies, &finally);
    check_golden("protect_rows.sql", &statements.join(";\n\n"));
}

/// Without the table of the key no procedure may run on: it would leave rows out.
#[test]
fn only_tables_with_hashes_ask_for_the_key() {
    let mut masked = with_protection();
    masked.columns.retain(|column| column.protection != Protection::Hash);
    for (table, asks) in [(with_protection(), true), (masked, false), (order_detail(), false)] {
        let procedure = merge_procedure::create(&layout(), &table);
        assert_eq!(procedure.contains("\"hash_key\""), asks, "{procedure}");
        assert_eq!(procedure.contains("IF cdc_probe <> 1 THEN"), asks, "{procedure}");
    }
}

#[test]
fn merge_procedure_of_the_order_details() {
    check_golden("merge_order_detail.sql", &merge_procedure::create(&layout(), &order_detail()));
}

#[test]
fn merge_procedure_of_a_table_with_awkward_names() {
    check_golden("merge_awkward.sql", &merge_procedure::create(&layout(), &awkward()));
}

/// A table whose definition changed: a column renamed, one that was another one before, one
/// added with a default, a wider decimal, and a drop before all that.
fn changed() -> TableDefinition {
    let mut table = order_detail();
    let point = |position: u64| ChangePoint {
        log: LogPoint { server_id: 7, position: format!("{:012}:{position:020}:{:010}", 1, 0) },
        position: Some(SourcePosition { domain: "gtid:7".into(), position: format!("{position:020}") }),
        source_ms: Some(1_799_999_999_000),
        connector_ms: Some(1_799_999_999_750),
        kafka_timestamp_ms: Some(1_800_000_000_000),
    };
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let narrow = Column {
        target_type: RedshiftType::Decimal { precision: 8, scale: 2 },
        decoding: Decoding::DecimalBase64 { scale: 2 },
        ..table.columns[3].clone()
    };
    let text = Column { source_name: "REMARK".into(), ..table.columns[4].clone() };
    use FormerColumn::{Absent, Same, Unknown};
    table.former = vec![
        FormerVersion {
            until: Some(point(100)),
            columns: vec![Same, Same, Same, Unknown, Absent { default: None, reuses_name: false }],
            attributes: vec![set(&["ORDER_ID", "LINE_NO"])],
            discarded: true,
        },
        FormerVersion {
            until: Some(point(200)),
            columns: vec![
                Same,
                Same,
                Absent { default: Some("it's new".into()), reuses_name: false },
                FormerColumn::other(narrow.clone()),
                FormerColumn::other(text.clone()),
            ],
            attributes: vec![set(&["ORDER_ID", "LINE_NO", "QUANTITY", "REMARK"])],
            discarded: false,
        },
        FormerVersion {
            until: Some(point(300)),
            columns: vec![Same, Same, Same, FormerColumn::other(narrow), FormerColumn::other(text)],
            attributes: vec![set(&["ORDER_ID", "LINE_NO", "SKU", "QUANTITY", "REMARK"])],
            discarded: false,
        },
    ];
    table.attributes = vec![set(&["ORDER_ID", "LINE_NO", "SKU", "QUANTITY", "NOTE"])];
    table.schema_changes = Some(SchemaChangeMark {
        topic: "salesdb".into(),
        table: "\"salesdb\".\"SALES_ORDER_DETAIL\"".into(),
        partition: 0,
        offset: 12,
        position: None,
    });
    table
}

#[test]
fn merge_procedure_of_a_table_whose_definition_changed() {
    check_golden("merge_changed.sql", &merge_procedure::create(&layout(), &changed()));
}

/// A table whose versions the events' own schemas tell: a decimal of another scale, and a column
/// that was added with a default. Truncations wait, and one column is left out.
fn shaped() -> TableDefinition {
    let mut table = order_detail();
    let narrow = Column {
        target_type: RedshiftType::Decimal { precision: 8, scale: 2 },
        decoding: Decoding::DecimalBase64 { scale: 2 },
        ..table.columns[3].clone()
    };
    use FormerColumn::{Absent, Same};
    let added = Absent { default: Some("none".into()), reuses_name: false };
    table.former = vec![FormerVersion {
        until: None,
        columns: vec![Same, Same, Same, FormerColumn::other(narrow), added],
        attributes: Vec::new(),
        discarded: false,
    }];
    let decimal = |scale| format!("bytes org.apache.kafka.connect.data.Decimal scale {scale}");
    let forms =
        |fields: &[(&str, &str)]| fields.iter().map(|(name, form)| ((*name).to_owned(), (*form).to_owned())).collect();
    let (two, three) = (decimal(2), decimal(3));
    let first = [("ORDER_ID", "int64"), ("LINE_NO", "int32"), ("SKU", "string"), ("QUANTITY", two.as_str())];
    let second = [
        ("ORDER_ID", "int64"),
        ("LINE_NO", "int32"),
        ("SKU", "string"),
        ("QUANTITY", three.as_str()),
        ("NOTE", "string"),
    ];
    table.shapes = Some(Shapes {
        known: vec![Shape { version: 0, forms: forms(&first) }, Shape { version: 1, forms: forms(&second) }],
        only: None,
        ignored: ["SECRET".to_owned()].into(),
        place: String::new(),
    });
    table.records_key = Some(["ORDER_ID".to_owned(), "LINE_NO".to_owned()].into());
    table.on_schema_change.truncate = ChangePolicy::Hold;
    table
}

#[test]
fn merge_procedure_of_a_table_whose_events_tell_its_versions() {
    check_golden("merge_shaped.sql", &merge_procedure::create(&layout(), &shaped()));
}

#[test]
fn a_truncation_that_is_ignored_is_left_out() {
    let mut table = order_detail();
    table.on_schema_change.truncate = ChangePolicy::Ignore;
    let procedure = merge_procedure::create(&layout(), &table);
    assert!(procedure.contains("-- Truncations are left out"), "{procedure}");
    assert!(!procedure.contains("INSERT INTO \"cdc\".\"truncations\""), "{procedure}");
}

#[test]
fn objects_of_a_table_with_a_schema_change_topic() {
    let (layout, table) = (layout(), changed());
    let statements = [
        landing_view::create_schema_changes(&layout, "salesdb"),
        refresh_procedure::create(&layout, &table.spec, true),
    ];
    check_golden("schema_changes.sql", &statements.join(";\n\n"));
}

#[test]
fn objects_of_one_table() {
    let (layout, table) = (layout(), order_detail());
    let statements = [
        landing_view::create(&layout, &table.spec),
        landing_view::alter_auto_refresh(&layout, &table.spec),
        landing_view::create_events_view(&layout, &table.spec),
        target_table::create(&layout, &table),
        control_schema::create_watermark_table(&layout, &table.spec),
        control_schema::create_ledger_table(&layout, &table),
        refresh_procedure::create(&layout, &table.spec, false),
    ];
    check_golden("table_objects.sql", &statements.join(";\n\n"));
}

#[test]
fn objects_of_the_pipeline() {
    let layout = layout();
    let source = StreamSource {
        brokers: vec!["b-1.example:9098".into(), "b-2.example:9098".into()],
        authentication: StreamAuthentication::Iam,
        iam_role: Some("arn:aws:iam::123456789012:role/redshift-stream".into()),
        certificate: None,
    };
    let mut statements = vec![
        control_schema::create_schema("cdc"),
        control_schema::create_catalog(&layout),
        control_schema::create_quarantine(&layout),
        control_schema::create_merge_log(&layout),
        control_schema::create_gaps(&layout),
        control_schema::create_holds(&layout),
        control_schema::create_definitions(&layout),
        control_schema::keep_definition(&layout, "sales.order", r#"{"key":"it's"}"#).join(";\n"),
        control_schema::create_truncations(&layout),
    ];
    statements.extend(control_schema::create_settings_probe(&layout));
    statements.push(external_schema::create(&layout, &source));
    statements.push(control_schema::create_watermarks_view(&layout, &[order_detail().spec, awkward().spec]));
    check_golden("pipeline_objects.sql", &statements.join(";\n\n"));
}

#[test]
fn decoding_functions_of_the_control_schema() {
    let statements: Vec<String> =
        decoding_functions::create_all(&layout()).into_iter().map(|(_, statement)| statement).collect();
    check_golden("decoding_functions.sql", &statements.join(";\n\n"));
}

#[test]
fn rights_of_the_functions() {
    let (layout, spec) = (layout(), order_detail().spec);
    let handler = "IAMR:change-handler".to_owned();
    let mut statements = grants::bootstrap("dev", "IAMR:provisioner", Some("redshift_cdc"), &[handler]);
    statements.push(grants::grant_role("redshift_cdc", "IAMR:change-handler"));
    statements.extend(grants::schema_grants(&layout, "redshift_cdc"));
    statements.extend(grants::table_grants(&layout, &spec, "redshift_cdc"));
    statements.extend(grants::reader_grants(&layout, &spec, "analysts"));
    check_golden("grants.sql", &statements.join(";\n"));
}

#[test]
fn one_synchronisation_of_two_tables() {
    let (first, second) = (order_detail().spec, awkward().spec);
    let batch = synchronise::synchronise(
        &layout(),
        &[
            (&first, synchronise::MergeBound::rows(100_000)),
            (&second, synchronise::MergeBound { max_rows: 1, partition: Some(2), quarantine_offset: Some(17) }),
        ],
    );
    assert_eq!(batch.statements.len(), batch.roles.len());
    check_golden("synchronisation.sql", &batch.statements.join(";\n"));
}

/// The Data API takes 200 KB a statement (Redshift Management Guide, "Using the Data API").
/// A table of Redshift's 1,600 columns is far from usual; 250 decimals are plenty.
#[test]
fn a_wide_table_stays_far_below_the_statement_limit() {
    let mut table = order_detail();
    for index in 0..250 {
        table.columns.push(column(
            &format!("AMOUNT_{index:03}"),
            RedshiftType::Decimal { precision: 18, scale: 4 },
            Decoding::DecimalBase64 { scale: 4 },
            true,
        ));
    }
    let text = merge_procedure::create(&layout(), &table);
    assert!(text.len() < 174_000, "{} bytes", text.len());
}

#[test]
fn merge_procedures_of_the_other_modes() {
    for mode in [Mode::SoftDelete, Mode::History, Mode::Append] {
        let table = TableDefinition { mode, ..order_detail() };
        check_golden(&format!("merge_{}.sql", mode.as_str()), &merge_procedure::create(&layout(), &table));
        let tables = [
            target_table::create(&layout(), &table),
            target_table::create(&layout(), &TableDefinition { mode, ..awkward() }),
        ];
        check_golden(&format!("target_{}.sql", mode.as_str()), &tables.join(";\n\n"));
    }
    let keyless = TableDefinition { mode: Mode::Append, key: Vec::new(), ..order_detail() };
    check_golden("merge_keyless.sql", &merge_procedure::create(&layout(), &keyless));
}

/// `BINARY(16)` and `bytea` keys: provisioning failed half way.
#[test]
fn a_binary_key_does_not_distribute() {
    let mut table = order_detail();
    table.columns[0].target_type = RedshiftType::Varbyte { bytes: 16 };
    assert_eq!(
        target_table::table_attributes(&table),
        "DISTSTYLE KEY DISTKEY (\"line_no\")\nCOMPOUND SORTKEY (\"line_no\")"
    );
    table.key.truncate(1);
    assert_eq!(target_table::table_attributes(&table), "DISTSTYLE EVEN");
}

mod records;
mod rights;
