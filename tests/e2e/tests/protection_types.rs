//! Values of every type that can be hashed or masked, in every mode: as the merge protects them, and as
//! rows that are there are protected.

use cdc_core::catalog::{Column, Decoding, Mode, Protection, RedshiftType, TableDefinition};
use cdc_core::columns::UNAVAILABLE_VALUE;
use cdc_core::plan::provision::{Observed, plan};
use cdc_core::sql::reshape;
use cdc_core::sql::synchronise::{MergeBound, synchronise};
use local_stack::producer::Producer;
use local_stack::recording::RecordedRecord;
use local_stack::stack::{Stack, StackOptions};
use local_stack::warehouse::Administrator;
use serde_json::{Value, json};

use crate::histories::{carry_out, declaration, layout};
use crate::protection::{How, protected};
use crate::tables::{column, table};

const SEED: &str = "00000000000000000000000000000000000000000000000000000000000000ab";

/// A type: how a value arrives, the same in SQL, and its text.
struct Case {
    name: &'static str,
    kind: RedshiftType,
    decoding: Decoding,
    arrives: Value,
    sql: String,
    text: String,
}

fn case(name: &'static str, kind: RedshiftType, decoding: Decoding, arrives: Value, sql: &str, text: &str) -> Case {
    Case { name, kind, decoding, arrives, sql: sql.to_owned(), text: text.to_owned() }
}

fn cases() -> Vec<Case> {
    use Decoding as D;
    use RedshiftType as T;
    let text = |bytes| T::Varchar { bytes };
    let decimal = T::Decimal { precision: 10, scale: 2 };
    let long = "x".repeat(65_500);
    vec![
        case("Txt", text(100), D::Text, json!("É ✓ it's  "), "'É ✓ it''s  '", "É ✓ it's  "),
        case("Short", text(100), D::Text, json!("✓é"), "'✓é'", "✓é"),
        case("Empty", text(100), D::Text, json!(""), "''", ""),
        case("Large", text(65_535), D::Text, json!(long), "REPEAT('x', 65500)", &long),
        case("Int", T::Integer, D::Integer, json!(-7), "(-7)", "-7"),
        case("Big", T::BigInt, D::Integer, json!(i64::MIN), "'-9223372036854775808'", "-9223372036854775808"),
        case("Dec", decimal, D::DecimalText, json!("12.5"), "12.5", "12.50"),
        case("Day", T::Date, D::DateDays, json!(19_782), "'2024-02-29'", "2024-02-29"),
        case("Old", T::Date, D::DateDays, json!(-735_160), "'0044-03-15 BC'", "0044-03-15 BC"),
        case("Tm", T::Time, D::TimeMicros, json!(45_296_500_000_i64), "'12:34:56.5'", "12:34:56.5"),
        case(
            "Ts",
            T::Timestamp,
            D::TimestampMillis,
            json!(1_709_210_096_789_i64),
            "'2024-02-29 12:34:56.789'",
            "2024-02-29 12:34:56.789000",
        ),
        case(
            "Tz",
            T::TimestampTz,
            D::ZonedTimestamp,
            json!("2024-02-29T12:34:56.789+02:00"),
            "'2024-02-29 12:34:56.789+02'",
            "2024-02-29 10:34:56.789000",
        ),
        case("Bin", T::Varbyte { bytes: 16 }, D::BytesHex, json!("00FF10"), "FROM_HEX('00ff10')", "00ff10"),
    ]
}

fn definition(number: usize, mode: Mode, protection: Protection) -> TableDefinition {
    let mut columns = vec![column("ID", RedshiftType::BigInt, Decoding::Integer)];
    columns.extend(cases().iter().map(|case| Column { protection, ..column(case.name, case.kind, case.decoding) }));
    let masked =
        |name, kind, decoding| Column { protection: Protection::Mask { keep_last: 0 }, ..column(name, kind, decoding) };
    columns.push(masked("Flag", RedshiftType::Boolean, Decoding::Boolean));
    columns.push(masked("Weight", RedshiftType::DoublePrecision, Decoding::Float));
    columns.push(masked("Tags", RedshiftType::Super, Decoding::Super));
    let key: &[&str] = if mode == Mode::Count { &[] } else { &["ID"] };
    table(&format!("prot.shop.T{number}"), "prot", columns, key, mode)
}

fn image(id: i64, with_values: bool) -> Value {
    let mut image = json!({ "ID": id, "Flag": null, "Weight": null, "Tags": null });
    for case in cases() {
        image[case.name] = if with_values { case.arrives } else { Value::Null };
    }
    if with_values {
        (image["Flag"], image["Weight"], image["Tags"]) = (json!(false), json!(1.5), json!(["a"]));
    }
    image
}

fn record(topic: &str, number: u64, op: &str, before: Value, after: Value) -> RecordedRecord {
    let source =
        json!({ "connector": "postgresql", "snapshot": "false", "lsn": 100 + number, "ts_ms": 1_000 + number });
    let id = if after.is_null() { before["ID"].clone() } else { after["ID"].clone() };
    RecordedRecord {
        topic: topic.to_owned(),
        partition: 0,
        offset: 0,
        timestamp: 0,
        key: Some(json!({ "ID": id }).to_string()),
        value: Some(json!({ "op": op, "before": before, "after": after, "source": source }).to_string()),
        headers: Vec::new(),
    }
}

/// Two rows with values, one without any; a change that does not carry the large value; one that goes.
fn history(table: &TableDefinition) -> Vec<Vec<RecordedRecord>> {
    let topic = &table.spec.topic;
    let mut unchanged = image(1, true);
    if table.mode != Mode::Count {
        unchanged["Large"] = UNAVAILABLE_VALUE.into();
    }
    vec![
        vec![
            record(topic, 1, "c", Value::Null, image(1, true)),
            record(topic, 2, "c", Value::Null, image(2, true)),
            record(topic, 3, "c", Value::Null, image(3, false)),
        ],
        vec![record(topic, 4, "u", image(1, true), unchanged), record(topic, 5, "d", image(2, true), Value::Null)],
    ]
}

async fn query(warehouse: &Administrator, sql: &str) -> Vec<Vec<Option<String>>> {
    warehouse.query(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:#}"))
}

/// The names of the protected columns, and what they have to be.
fn expected(protection: Protection, key: &str) -> (String, Vec<Option<String>>) {
    let how = match protection {
        Protection::Mask { keep_last } => How::KeepLast(usize::try_from(keep_last).expect("a few")),
        _ => How::Hash,
    };
    let names: Vec<String> = cases().iter().map(|case| format!("t.{}", case.name.to_lowercase())).collect();
    let mut values: Vec<Option<String>> = cases().iter().map(|case| Some(protected(&case.text, how, key))).collect();
    values.extend(std::iter::repeat_n(Some("****".to_owned()), 3));
    (format!("{}, t.flag, t.weight, t.tags", names.join(", ")), values)
}

/// What the rows of a target are where they have values.
async fn check(warehouse: &Administrator, table: &TableDefinition, protection: Protection, key: &str) {
    let (names, values) = expected(protection, key);
    let present = match table.mode {
        Mode::History => " AND t._cdc_valid_to IS NULL",
        Mode::SoftDelete => " AND NOT t._cdc_deleted",
        Mode::Append => " AND t._cdc_op = 'c'",
        Mode::Current | Mode::Count => "",
    };
    let target = layout().target_table(&table.spec);
    for (id, wanted) in [(1, values.clone()), (3, vec![None; values.len()])] {
        let rows = query(warehouse, &format!("SELECT {names} FROM {target} AS t WHERE t.id = {id}{present}")).await;
        assert_eq!(rows, [wanted], "{protection:?} {:?} {id}", table.mode);
    }
    let gone = query(warehouse, &format!("SELECT t.id FROM {target} AS t WHERE t.id = 2{present}")).await;
    assert_eq!(gone.len(), usize::from(matches!(table.mode, Mode::Append)), "{:?}", table.mode);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_is_protected_in_every_mode() {
    let stack = Stack::start(StackOptions::default(), None).await.expect("the stack starts");
    let warehouse = stack.administrator();
    let modes = [Mode::Current, Mode::SoftDelete, Mode::History, Mode::Append, Mode::Count];
    let mut tables: Vec<(TableDefinition, Protection)> = modes
        .into_iter()
        .enumerate()
        .map(|(number, mode)| (definition(number, mode, Protection::Hash), Protection::Hash))
        .collect();
    for (number, keep_last) in [(10, 0), (11, 2), (12, 64)] {
        let protection = Protection::Mask { keep_last };
        tables.push((definition(number, Mode::Current, protection), protection));
    }
    let definitions: Vec<TableDefinition> = tables.iter().map(|(table, _)| table.clone()).collect();
    for table in &definitions {
        stack.broker().create_topic(&table.spec.topic, 1).expect("a new topic");
    }
    let mut plan = plan(&declaration(vec![stack.kafka()], definitions), &Observed::default());
    for statement in plan.steps.iter_mut().filter(|step| step.random.is_some()).flat_map(|step| &mut step.statements) {
        *statement = statement.replace(":seed", &format!("'{SEED}'"));
    }
    carry_out(&warehouse, &plan).await;
    let key = query(&warehouse, "SELECT y.hash_key FROM cdc.hash_key AS y").await[0][0].clone().expect("the key");
    assert_ne!(key, SEED);
    let mut producer = Producer::connect(&stack.kafka()).await.expect("the broker is reachable");
    for (table, protection) in &tables {
        for merge in history(table) {
            producer.produce(&merge).await.expect("the broker takes records");
            let batch = synchronise(&layout(), &[(&table.spec, MergeBound::rows(1_000))]);
            let statements: Vec<&str> = batch.statements.iter().map(String::as_str).collect();
            warehouse.batch(&statements).await.unwrap_or_else(|error| panic!("{:?}: {error:#}", table.mode));
        }
        check(&warehouse, table, *protection, &key).await;
    }
    let quarantined = query(&warehouse, "SELECT q.reason, q.column_names FROM cdc.quarantine AS q").await;
    assert_eq!(quarantined, [[None::<String>; 0]; 0], "{quarantined:?}");

    // Rows that are there become the same.
    for protection in [Protection::Hash, Protection::Mask { keep_last: 2 }] {
        let (_, values) = expected(protection, &key);
        for (case, wanted) in cases().iter().zip(values) {
            let column = Column { protection, ..column(case.name, case.kind, case.decoding) };
            let value = reshape::protected(&layout(), &column, "t.v");
            let sql = format!("SELECT {value} FROM (SELECT {}::{} AS v) AS t", case.sql, case.kind);
            assert_eq!(query(&warehouse, &sql).await, [[wanted]], "{} {protection:?}", case.name);
        }
    }
    stack.shutdown().await;
}
