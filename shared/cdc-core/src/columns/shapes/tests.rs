//! What becomes of columns from one embedded schema to the next. The field schemas are those of
//! the PostgreSQL connector (recording evolve-postgres).

use super::*;
use crate::catalog::{FormerColumn, RedshiftType, Shape, TableDefinition};
use crate::columns::{Knowledge, define};
use crate::kafka::RecordPosition;
use crate::pipeline::Pipeline;

const ID: &str = r#"{"type":"int32","optional":false,"field":"id"}"#;

fn text(name: &str) -> String {
    format!(r#"{{"type":"string","optional":true,"field":"{name}"}}"#)
}

fn int(name: &str) -> String {
    format!(r#"{{"type":"int32","optional":true,"field":"{name}"}}"#)
}

fn decimal(name: &str, scale: u8, precision: u8) -> String {
    format!(
        r#"{{"type":"bytes","optional":true,"name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{{"scale":"{scale}","connect.decimal.precision":"{precision}"}},"field":"{name}"}}"#
    )
}

fn with_default(field: &str, default: &str) -> String {
    field.replace("\"field\"", &format!("\"default\":{default},\"field\""))
}

/// An event with these fields in its row images, in partition 0 at `offset`.
fn event(offset: i64, key: &[&str], fields: &[String]) -> Record {
    let fields = std::iter::once(ID.to_owned()).chain(fields.iter().cloned()).collect::<Vec<_>>().join(",");
    let row = |name: &str| {
        format!(r#"{{"type":"struct","fields":[{fields}],"optional":true,"name":"p.public.t.Value","field":"{name}"}}"#)
    };
    let value = format!(
        r#"{{"schema":{{"type":"struct","fields":[{},{},{{"type":"struct","fields":[],"optional":false,"name":"io.debezium.connector.postgresql.Source","field":"source"}}],"optional":false,"name":"p.public.t.Envelope"}},"payload":{{"op":"c","after":{{"id":1}},"source":{{"connector":"postgresql","snapshot":"false","lsn":{offset},"ts_ms":{offset}}}}}}}"#,
        row("before"),
        row("after")
    );
    let key_fields: Vec<String> =
        key.iter().map(|name| format!(r#"{{"type":"int32","optional":false,"field":"{name}"}}"#)).collect();
    let key = format!(
        r#"{{"schema":{{"type":"struct","fields":[{}],"optional":false,"name":"p.public.t.Key"}},"payload":{{"id":1}}}}"#,
        key_fields.join(",")
    );
    Record {
        position: RecordPosition { topic: "p.public.t".into(), partition: 0, offset },
        timestamp_ms: Some(1_000 + offset),
        key: Some(key.into_bytes()),
        value: Some(value.into_bytes()),
        headers: Vec::new(),
    }
}

/// The same event of another database.
fn of_mysql(mut record: Record) -> Record {
    let text = String::from_utf8(record.value.take().expect("a value")).expect("text");
    record.value = Some(text.replace("postgresql", "mysql").into_bytes());
    record
}

fn defined(records: &[Record]) -> TableDefinition {
    let pipeline = Pipeline::parse("version: 1\nname: p\nsource: {topic_prefix: p}\ntables:\n  - topic: p.public.t\n")
        .expect("a pipeline file");
    let mut knowledge = Knowledge::default();
    for record in records {
        knowledge.learn(record);
    }
    let spec = pipeline.catalog(&["p.public.t".to_owned()]).expect("a catalog").remove(0);
    define(&pipeline, &spec, &knowledge).expect("a definition").table
}

/// What the present columns other than the key were in the one former version.
fn former(older: &[String], newer: &[String]) -> Vec<FormerColumn> {
    let table = defined(&[event(1, &["id"], older), event(2, &["id"], newer)]);
    let [version] = table.former.as_slice() else { panic!("one former version: {:#?}", table.former) };
    version.columns[1..].to_vec()
}

fn was(column: &FormerColumn) -> String {
    match column {
        FormerColumn::Same => "same".to_owned(),
        FormerColumn::Other(other) => format!("{} {}", other.was.source_name, other.was.target_type),
        FormerColumn::Absent { default, reuses_name } => {
            format!("absent {}{}", default.as_deref().unwrap_or("null"), if *reuses_name { " anew" } else { "" })
        }
        FormerColumn::Altered(column) => format!("{} altered", column.source_name),
        FormerColumn::Unknown => "unknown".to_owned(),
    }
}

/// A name, the fields of the older and of the newer schema, and what the newer ones were.
type Case = (&'static str, Vec<String>, Vec<String>, Vec<&'static str>);

#[test]
fn what_became_of_columns() {
    let cases: Vec<Case> = vec![
        ("added", vec![text("a")], vec![text("a"), int("b")], vec!["same", "absent null"]),
        (
            "added with a default",
            vec![text("a")],
            vec![text("a"), with_default(&int("b"), "7")],
            vec!["same", "absent 7"],
        ),
        (
            "added with a default of the form of a decimal",
            vec![text("a")],
            vec![text("a"), with_default(&decimal("b", 3, 8), "\"BOI=\"")],
            vec!["same", "absent 1.250"],
        ),
        (
            "added without null and without a default: somebody filled it",
            vec![text("a")],
            vec![text("a"), r#"{"type":"int32","optional":false,"field":"b"}"#.to_owned()],
            vec!["same", "unknown"],
        ),
        (
            "renamed in its place",
            vec![text("a"), int("z")],
            vec![text("b"), int("z")],
            vec!["a VARCHAR(65535)", "same"],
        ),
        (
            "renamed at the end, or dropped and another added: nobody can tell",
            vec![int("z"), text("a")],
            vec![int("z"), text("b")],
            vec!["same", "unknown"],
        ),
        (
            "dropped at the end, and one of another type added",
            vec![int("z"), text("a")],
            vec![int("z"), int("b")],
            vec!["same", "absent null"],
        ),
        (
            "dropped and added anew goes behind the others",
            vec![int("a"), text("z")],
            vec![text("z"), int("a")],
            vec!["same", "absent null anew"],
        ),
        (
            "dropped at the end and added anew without its default",
            vec![with_default(&int("a"), "5")],
            vec![text("a")],
            vec!["absent null anew"],
        ),
        (
            "added with the zero that stands for a default that the connector cannot evaluate",
            vec![int("z")],
            vec![int("z"), with_default(&int("a"), "0"), with_default(&text("b"), "\"\"")],
            vec!["same", "absent (0)", "absent ()"],
        ),
        (
            "added with a default that is a value of the session",
            vec![int("z")],
            vec![int("z"), with_default(&text("a"), "\"CURRENT_USER\"")],
            vec!["same", "absent (CURRENT_USER)"],
        ),
        (
            "names exchanged around a column that stayed",
            vec![text("a"), int("y"), text("b"), int("z")],
            vec![text("b"), int("y"), text("a"), int("z")],
            vec!["a VARCHAR(65535)", "same", "b VARCHAR(65535)", "same"],
        ),
        (
            "names of columns of different types exchanged",
            vec![int("a"), text("b"), int("z")],
            vec![int("b"), text("a"), int("z")],
            vec!["a INTEGER", "b VARCHAR(65535)", "same"],
        ),
        (
            "names exchanged at the end, or the first dropped and added anew: nobody can tell",
            vec![int("a"), int("b")],
            vec![int("b"), int("a")],
            vec!["unknown", "unknown"],
        ),
        (
            "renamed, and another added under the name",
            vec![int("a"), text("z")],
            vec![int("b"), text("z"), int("a")],
            vec!["a INTEGER", "same", "absent null anew"],
        ),
        (
            "two dropped in front of one, of which one may have been renamed",
            vec![int("a"), int("b"), text("z")],
            vec![int("c"), text("z")],
            vec!["unknown", "same"],
        ),
        ("another scale", vec![decimal("a", 2, 10)], vec![decimal("a", 4, 12)], vec!["a DECIMAL(10,2)"]),
    ];
    for (name, older, newer, expected) in cases {
        let found: Vec<String> = former(&older, &newer).iter().map(was).collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn what_reads_the_same_is_one_schema() {
    let table = defined(&[
        event(1, &["id"], &[text("a"), int("b")]),
        event(2, &["id"], &[with_default(&text("a"), "\"x\""), int("b")]),
        event(3, &["id"], &[text("a"), int("b").replace("true", "false")]),
    ]);
    assert_eq!(table.former, []);
    assert_eq!(table.shapes.expect("schemas").known.len(), 1);
}

#[test]
fn the_newest_schema_is_the_definition_wherever_it_was_learned() {
    let records = [event(1, &["id"], &[decimal("a", 2, 10)]), event(2, &["id"], &[decimal("a", 4, 12)])];
    let mut backwards = records.to_vec();
    backwards.reverse();
    let table = defined(&records);
    assert_eq!(table, defined(&backwards));
    assert_eq!(table.columns[1].target_type, RedshiftType::Decimal { precision: 12, scale: 4 });
    let versions: Vec<usize> = table.shapes.expect("schemas").known.iter().map(|shape| shape.version).collect();
    assert_eq!(versions, [0, 1]);
}

#[test]
fn a_key_changes_when_the_records_with_the_former_one_are_merged() {
    let short = event(1, &["id"], &[int("region")]);
    let long = event(2, &["id", "region"], &[int("region")]);
    assert_eq!(defined(&[short.clone(), long.clone()]).key, ["id", "region"]);
    let pipeline = Pipeline::parse("version: 1\nname: p\nsource: {topic_prefix: p}\ntables:\n  - topic: p.public.t\n")
        .expect("a pipeline file");
    let mut knowledge = Knowledge::default();
    knowledge.learn(&long);
    knowledge.learn_unmerged(&short);
    let spec = pipeline.catalog(&["p.public.t".to_owned()]).expect("a catalog").remove(0);
    let table = define(&pipeline, &spec, &knowledge).expect("a definition").table;
    assert_eq!(table.key, ["id"]);
    let key = table.records_key.expect("the records' key");
    assert_eq!(key.into_iter().collect::<Vec<_>>(), ["id"]);
    // So with a dump, which has the newest key: the records of the former one waited for ever.
    let dump = "CREATE TABLE public.t (id integer NOT NULL, region integer NOT NULL, PRIMARY KEY (id, region));";
    knowledge
        .learn_dump(&pipeline, "dump.sql", &format!("{dump} SELECT pg_catalog.set_config('search_path', '', false);"))
        .expect("a dump");
    assert_eq!(define(&pipeline, &spec, &knowledge).expect("a definition").table.key, ["id"]);
}

#[test]
fn further_values_of_an_enum_are_the_same_form_until_they_may_be_longer() {
    let with = |allowed: usize| {
        let allowed = "v".repeat(allowed);
        format!(
            r#"{{"type":"string","optional":true,"name":"io.debezium.data.Enum","version":1,"parameters":{{"allowed":"{allowed}"}},"field":"e"}}"#
        )
    };
    let sizes = |first: usize, second: usize| {
        let table = defined(&[event(1, &["id"], &[with(first)]), event(2, &["id"], &[with(second)])]);
        (table.shapes.expect("schemas").known.len(), table.columns[1].target_type)
    };
    assert_eq!(sizes(3, 200), (1, RedshiftType::Varchar { bytes: 255 }));
    assert_eq!(sizes(300, 900), (1, RedshiftType::Varchar { bytes: 1_024 }));
    assert_eq!(sizes(200, 300), (2, RedshiftType::Varchar { bytes: 1_024 }));
}

mod sequences;

/// `key.converter.schemas.enable=false` beside values with their schema.
#[test]
fn a_key_without_a_schema_has_the_columns_that_it_names() {
    let bare = |names: &[&str]| {
        let mut record = event(1, &["id"], &[int("a")]);
        let members: Vec<String> = names.iter().map(|name| format!(r#""{name}":1"#)).collect();
        record.key = Some(format!("{{{}}}", members.join(",")).into_bytes());
        record
    };
    let table = defined(&[bare(&["id"])]);
    assert_eq!(table.key, ["id"]);
    assert_eq!(table.records_key, Some(["id".to_owned()].into()));
    assert_eq!(defined(&[bare(&["a", "id"])]).key, ["a", "id"]);
    assert_eq!(defined(&[Record { key: None, ..bare(&[]) }]).key, [""; 0]);
}

/// A flattened event does not say which database it is from: in PostgreSQL the column in front was
/// dropped and added anew, in others it may have been moved.
#[test]
fn what_names_and_places_of_flattened_columns_do_not_agree_about_is_unknown() {
    let flattened = |offset: i64, fields: &[String]| {
        let fields = [&[ID.to_owned()], fields].concat().join(",");
        let value = format!(
            r#"{{"schema":{{"type":"struct","fields":[{fields}],"optional":false,"name":"p.public.t.Value"}},"payload":{{"id":1}}}}"#
        );
        Record { value: Some(value.into_bytes()), ..event(offset, &["id"], &[]) }
    };
    let before = flattened(1, &[int("a"), text("z")]);
    let after = flattened(2, &[text("z"), int("a"), with_default(&int("b"), "0")]);
    let table = defined(&[before, after]);
    let [version] = table.former.as_slice() else { panic!("one former version: {:#?}", table.former) };
    assert_eq!(version.columns[1..].iter().map(was).collect::<Vec<_>>(), ["same", "unknown", "absent (0)"]);
    assert!(table.tombstones_delete);
}

#[test]
fn a_narrower_number_is_another_type_and_a_wider_one_is_not() {
    let long = |name: &str| int(name).replace("int32", "int64");
    assert_eq!(former(&[long("a")], &[int("a")]).iter().map(was).collect::<Vec<_>>(), ["a BIGINT"]);
    assert_eq!(defined(&[event(1, &["id"], &[int("a")]), event(2, &["id"], &[long("a")])]).former, []);
}

/// The same event, as a connector that crashed sends it again: behind what it sent before.
fn sent_again(record: &Record, offset: i64) -> Record {
    let mut record = record.clone();
    record.position.offset = offset;
    record.timestamp_ms = Some(1_000 + offset);
    record
}

/// The former definition was taken for the newest: the target was changed back, and values went
/// with it.
#[test]
fn events_that_are_sent_again_are_not_the_newest() {
    let (older, newer) = (event(1, &["id"], &[int("a")]), event(2, &["id"], &[decimal("a", 2, 8)]));
    let once = defined(&[older.clone(), newer.clone()]);
    let again = defined(&[older.clone(), newer.clone(), sent_again(&older, 3)]);
    assert_eq!((&again.columns, &again.former), (&once.columns, &once.former));
    let whole = defined(&[older.clone(), newer.clone(), sent_again(&older, 3), sent_again(&newer, 4)]);
    assert_eq!((&whole.columns, &whole.former), (&once.columns, &once.former));
    // In other partitions they have another order.
    let elsewhere =
        Record { position: RecordPosition { partition: 1, ..older.position.clone() }, ..sent_again(&older, 3) };
    assert_eq!(defined(&[newer, elsewhere]).columns, once.columns);
}

#[test]
fn a_log_that_was_begun_anew_has_the_newest_events() {
    let at = |record: Record, lsn: i64, source_ms: i64| {
        let value = String::from_utf8(record.value.clone().expect("a value")).expect("text");
        let place = format!("\"lsn\":{0},\"ts_ms\":{0}}}", record.position.offset);
        assert!(value.contains(&place));
        let value = value.replace(&place, &format!("\"lsn\":{lsn},\"ts_ms\":{source_ms}}}"));
        Record { value: Some(value.into_bytes()), ..record }
    };
    let older = at(event(1, &["id"], &[int("a")]), 900, 5_000);
    let newer = at(event(2, &["id"], &[decimal("a", 2, 8)]), 10, 6_000);
    let newest = at(event(2, &["id"], &[decimal("a", 2, 8)]), 1_000, 4_000);
    let expected = defined(&[event(1, &["id"], &[decimal("a", 2, 8)])]).columns;
    assert_eq!(defined(&[older.clone(), newer]).columns, expected);
    // A clock that goes back says nothing.
    assert_eq!(defined(&[older, newest]).columns, expected);
}

/// DATETIME(3) and DATETIME arrive alike, and rows lose their digits without an event: with the
/// source's types in the schemas it is known, and without them said.
#[test]
fn digits_of_a_second_that_mysql_takes_away_are_known_where_the_schema_has_the_type_or_are_said() {
    let datetime = |parameters: &str| {
        format!(
            r#"{{"type":"int64","optional":true,"name":"io.debezium.time.Timestamp","version":1{parameters},"field":"at"}}"#
        )
    };
    let of_type =
        |length: &str| datetime(&format!(r#","parameters":{{"__debezium.source.column.type":"DATETIME"{length}}}"#));
    let definition = |fields: [String; 2]| {
        let [older, newer] = fields;
        let mut knowledge = Knowledge::default();
        knowledge.learn(&of_mysql(event(1, &["id"], &[older])));
        knowledge.learn(&of_mysql(event(2, &["id"], &[newer])));
        let file = "version: 1\nname: p\nsource: {topic_prefix: p}\ntables:\n  - topic: p.public.t\n";
        let pipeline = Pipeline::parse(file).expect("a pipeline file");
        let spec = pipeline.catalog(&["p.public.t".to_owned()]).expect("a catalog").remove(0);
        define(&pipeline, &spec, &knowledge).expect("a definition")
    };
    let told = definition([of_type(r#","__debezium.source.column.length":"3""#), of_type("")]);
    let FormerColumn::Other(other) = &told.table.former[0].columns[1] else { panic!("{:#?}", told.table.former) };
    assert_eq!(other.then.iter().map(|then| then.limits.second_digits).collect::<Vec<_>>(), [Some(0)]);
    assert!(told.untold_digits.is_empty());
    assert_eq!(definition([datetime(""), datetime("")]).untold_digits, ["at"]);
}

/// The connector writes the zero of a type for a default that it cannot evaluate: a dump tells which
/// it is. Rows without an event since went to quarantine.
#[test]
fn a_dump_tells_a_default_of_zero_from_an_expression() {
    let fields = [
        with_default(&int("n"), "0"),
        with_default(&int("s"), "0"),
        with_default(&text("t"), "\"\""),
        with_default(&text("m"), "\"\""),
        with_default(&text("b"), "false").replace("string", "boolean"),
        with_default(&int("i"), "0"),
    ];
    let absent = |dump: &str| {
        let file = "version: 1\nname: p\nsource: {topic_prefix: p, columns: events}\ntables:\n  - topic: p.public.t\n";
        let pipeline = Pipeline::parse(file).expect("a pipeline file");
        let mut knowledge = Knowledge::default();
        knowledge.learn(&event(1, &["id"], &[]));
        knowledge.learn(&event(2, &["id"], &fields));
        let defaults = format!(
            "CREATE TABLE public.t (id integer NOT NULL, n integer DEFAULT 0 NOT NULL, s integer{dump}, t text DEFAULT ''::text,\n\
             m text DEFAULT md5('x'::text), b boolean DEFAULT false, i smallint DEFAULT '0'::smallint + 1);"
        );
        knowledge.learn_dump(&pipeline, "dump.sql", &defaults).expect("a dump");
        let spec = pipeline.catalog(&["p.public.t".to_owned()]).expect("a catalog").remove(0);
        let table = define(&pipeline, &spec, &knowledge).expect("a definition").table;
        table.former[0].columns[1..].iter().map(was).collect::<Vec<_>>()
    };
    assert_eq!(
        absent(" DEFAULT nextval('s'::regclass)"),
        ["absent 0", "absent (0)", "absent ", "absent ()", "absent false", "absent (0)"]
    );
    assert_eq!(absent(" DEFAULT ('0'::smallint)::integer")[1], "absent 0");
    assert_eq!(absent(" DEFAULT '7'::integer")[1], "absent (0)", "of another time");
}

/// The target was provisioned with the older schema, and Kafka keeps no event of it.
#[test]
fn a_recorded_version_is_known_although_kafka_has_no_event_of_it() {
    let older = [text("a"), decimal("d", 2, 10), int("z")];
    let newer = [text("b"), decimal("d", 4, 12), int("z"), with_default(&int("n"), "7")];
    let recorded = defined(&[event(1, &["id"], &older)]).learned_from.expect("an event's schema");
    assert!(!recorded.contains("\"before\""), "no more than the columns: {recorded}");
    let pipeline = Pipeline::parse("version: 1\nname: p\nsource: {topic_prefix: p}\ntables:\n  - topic: p.public.t\n")
        .expect("a pipeline file");
    let spec = pipeline.catalog(&["p.public.t".to_owned()]).expect("a catalog").remove(0);
    let after = |records: &[Record]| {
        let mut knowledge = Knowledge::default();
        for record in records {
            knowledge.learn(record);
        }
        knowledge.learn_recorded(&recorded);
        define(&pipeline, &spec, &knowledge).expect("a definition").table
    };
    let table = after(&[event(9, &["id"], &newer)]);
    assert_eq!(table.former[0].columns[1..], former(&older, &newer));
    let known = table.shapes.expect("schemas").known;
    assert_eq!(
        known.iter().map(Shape::id).next(),
        defined(&[event(1, &["id"], &older)]).shapes.map(|s| s.known[0].id())
    );
    // It is the newest where a connector that crashed sends events again that are older.
    let of_newer = defined(&[event(5, &["id"], &newer)]).learned_from.expect("an event's schema");
    let mut knowledge = Knowledge::default();
    knowledge.learn(&sent_again(&event(1, &["id"], &older), 9));
    knowledge.learn_recorded(&of_newer);
    let told = define(&pipeline, &spec, &knowledge).expect("a definition").table;
    assert_eq!(told.columns, defined(&[event(5, &["id"], &newer)]).columns);
    // What Kafka still has goes before what is recorded.
    let both = [event(1, &["id"], &older), event(9, &["id"], &newer)];
    assert_eq!(after(&both), defined(&both));
    let back = [event(1, &["id"], &older), event(5, &["id"], &newer), event(9, &["id"], &older)];
    assert_eq!(after(&back), defined(&back));
}

/// In MySQL two columns that stand the other way round were moved, or exchanged their names: values
/// were in each other's column. A default with quotes is as the statement had it.
#[test]
fn what_mysql_s_schemas_leave_open_is_unknown() {
    let was_in = |older: &[String], newer: &[String]| {
        let table = defined(&[of_mysql(event(1, &["id"], older)), of_mysql(event(2, &["id"], newer))]);
        table.former.last().map(|version| version.columns[1..].iter().map(was).collect::<Vec<_>>()).unwrap_or_default()
    };
    assert_eq!(was_in(&[int("a"), int("b")], &[int("b"), int("a")]), ["unknown", "unknown"]);
    assert_eq!(was_in(&[int("a"), text("b")], &[int("b"), text("a")]), ["unknown", "unknown"]);
    assert_eq!(was_in(&[int("a"), text("b")], &[text("b"), int("a")]), [""; 0], "only moved");
    assert_eq!(was_in(&[int("a"), int("b")], &[int("a"), text("n"), int("b")]), ["same", "absent null", "same"]);
    let quoted = with_default(&text("q"), r#""it''s""#);
    assert_eq!(was_in(&[], &[quoted]), ["absent (it''s)"]);
}
