//! Recorded events, shortened, one for each shape; and arbitrary bytes.

use proptest::prelude::*;

use super::*;
use crate::kafka::RecordPosition;

fn record(key: Option<&str>, value: Option<&str>) -> Record {
    Record {
        position: RecordPosition { topic: "t".to_owned(), partition: 0, offset: 0 },
        timestamp_ms: None,
        key: key.map(|text| text.as_bytes().to_vec()),
        value: value.map(|text| text.as_bytes().to_vec()),
        headers: Vec::new(),
    }
}

/// Wraps a payload as JsonConverter does with schemas.
fn with_schema(payload: &str) -> String {
    format!(r#"{{"schema":{{"type":"struct","fields":[],"optional":false}},"payload":{payload}}}"#)
}

const MYSQL_SNAPSHOT: &str = r#"{"before":null,"after":{"SKU":"SKU-1","PRICE":"CA+2"},"source":{"version":"3.6.3.Final","connector":"mysql","name":"salesdb","ts_ms":1795327050000,"snapshot":"first_in_data_collection","db":"salesdb","sequence":null,"table":"PRODUCT","server_id":0,"gtid":null,"file":"mysql-bin.000001","pos":13083718,"row":0,"thread":null,"query":null},"transaction":null,"op":"r","ts_ms":1795327050280}"#;
const MYSQL_UPDATE: &str = r#"{"before":{"SKU":"SKU-1","STOCK":205},"after":{"SKU":"SKU-1","STOCK":224},"source":{"connector":"mysql","name":"salesinc","ts_ms":1795327128046,"snapshot":"false","db":"salesinc","table":"PRODUCT","server_id":223355,"gtid":"d53a2729-e635-11f1-9de5-02fc00000001:12673","file":"mysql-bin.000001","pos":15612455,"row":29},"transaction":{"id":"d53a2729-e635-11f1-9de5-02fc00000001:12673","total_order":30,"data_collection_order":30},"op":"u","ts_ms":1795327128047}"#;
const POSTGRES_DELETE: &str = r#"{"before":{"ORDER_ID":1008,"LINE_NO":2,"SKU":"","QUANTITY":"AA=="},"after":null,"source":{"connector":"postgresql","name":"pgsales","ts_ms":1795327052402,"snapshot":"false","db":"pgsales","sequence":"[\"111210072\",\"111210144\"]","schema":"public","table":"SALES_ORDER_DETAIL","txId":6056,"lsn":111210144,"xmin":null},"transaction":null,"op":"d","ts_ms":1795327052455}"#;
const SCHEMA_CHANGE: &str = r#"{"source":{"connector":"mysql","name":"types","ts_ms":1,"snapshot":"true","db":"types","table":"t_enum","server_id":0,"gtid":null,"file":"f.1","pos":1,"row":0},"ts_ms":2,"databaseName":"types","schemaName":null,"ddl":"CREATE TABLE …","tableChanges":[{"type":"CREATE","id":"\"types\".\"t_enum\"","table":{"defaultCharsetName":"utf8mb4","primaryKeyColumnNames":["id"],"columns":[{"name":"c_e","jdbcType":1,"typeName":"ENUM","typeExpression":"ENUM","charsetName":"utf8mb4","length":1,"scale":null,"position":2,"optional":true,"enumValues":["'a'","'it''s'"]},{"name":"id","jdbcType":4,"typeName":"INT","length":null,"scale":null,"position":1,"optional":false,"enumValues":null}]}}]}"#;
const DROP: &str = r#"{"source":{"connector":"mariadb","snapshot":"true"},"ts_ms":2,"databaseName":"evolve1","ddl":"DROP TABLE …","tableChanges":[{"type":"DROP","id":"\"evolve1\".\"a\"\"b\"","table":null}]}"#;
const TRANSACTION_END: &str = r#"{"status":"END","id":"0-223344-1641","event_count":1,"data_collections":[{"data_collection":"shop.SALES_ORDER","event_count":1}],"ts_ms":1795327084000}"#;
const TRANSACTION_BEGIN: &str =
    r#"{"status":"BEGIN","id":"0-223344-1442","event_count":null,"data_collections":null,"ts_ms":1795327083000}"#;
const HEARTBEAT: &str = r#"{"ts_ms":1795327051060}"#;
const TRUNCATE: &str = r#"{"before":null,"after":null,"source":{"connector":"mariadb","db":"evolve1","table":"emptied","snapshot":"false"},"op":"t","ts_ms":1}"#;
const MESSAGE: &str =
    r#"{"op":"m","ts_ms":1,"source":{"connector":"postgresql","lsn":7},"message":{"prefix":"foo","content":"Ymar"}}"#;

fn change(record: &Record) -> ChangeEvent<'_> {
    match decode(record) {
        Decoded::Change(change) => change,
        other => panic!("{other:?}"),
    }
}

#[test]
fn change_events_are_read_with_and_without_schema() {
    let key = r#"{"SKU":"SKU-1"}"#;
    for (key, value) in [
        (key.to_owned(), MYSQL_UPDATE.to_owned()),
        (with_schema(key), with_schema(MYSQL_UPDATE)),
        (format!(r#"{{"schema":null,"payload":{key}}}"#), format!(r#"{{"schema":null,"payload":{MYSQL_UPDATE}}}"#)),
    ] {
        let record = record(Some(&key), Some(&value));
        let event = change(&record);
        assert_eq!(event.operation, Operation::Update);
        assert_eq!(event.key.unwrap().as_json(), r#"{"SKU":"SKU-1"}"#);
        assert_eq!(event.after.unwrap().as_json(), r#"{"SKU":"SKU-1","STOCK":224}"#);
        assert!(event.before.is_some());
        assert_eq!(event.source.table.as_deref(), Some("PRODUCT"));
        assert_eq!(event.transaction_id.as_deref(), Some("d53a2729-e635-11f1-9de5-02fc00000001:12673"));
    }
}

#[test]
fn each_shape_is_told_by_itself() {
    let name = |value: Option<&str>| match decode(&record(Some("{\"id\":1}"), value)) {
        Decoded::Change(_) => "change",
        Decoded::Tombstone => "tombstone",
        Decoded::Heartbeat { .. } => "heartbeat",
        Decoded::SchemaChange(_) => "schema change",
        Decoded::Transaction(_) => "transaction",
        Decoded::Truncate(_) => "truncate",
        Decoded::Message => "message",
        Decoded::Poison { .. } => "poison",
    };
    let cases = [
        (MYSQL_SNAPSHOT, "change"),
        (POSTGRES_DELETE, "change"),
        (SCHEMA_CHANGE, "schema change"),
        (DROP, "schema change"),
        (TRANSACTION_BEGIN, "transaction"),
        (TRANSACTION_END, "transaction"),
        (HEARTBEAT, "heartbeat"),
        (TRUNCATE, "truncate"),
        (MESSAGE, "message"),
        ("null", "tombstone"),
        ("", "poison"),
        ("{}", "poison"),
        ("[1]", "poison"),
        ("{\"id\":1}", "poison"),
        (r#"{"op":"x","source":{}}"#, "poison"),
        (r#"{"op":"c","source":null,"after":{}}"#, "poison"),
        (r#"{"op":"c","source":{},"after":null}"#, "poison"),
        (r#"{"op":"u","source":{},"after":[1]}"#, "poison"),
        (r#"{"status":"MAYBE","id":"1","event_count":null}"#, "poison"),
        (r#"{"source":{},"ddl":"x","tableChanges":[{"type":"ODD"}]}"#, "poison"),
    ];
    for (value, expected) in cases {
        assert_eq!(name(Some(value)), expected, "{value}");
        if value.starts_with('{') && expected != "poison" {
            assert_eq!(name(Some(&with_schema(value))), expected, "{value} with schema");
        }
    }
    assert_eq!(name(None), "tombstone");
    assert_eq!(name(Some(&with_schema("null"))), "tombstone");
    assert!(matches!(decode(&record(None, None)), Decoded::Tombstone));
}

/// ExtractNewRecordState as it is without further settings: nothing but the row, and a deletion is
/// its tombstone alone.
#[test]
fn a_row_is_known_by_its_fields_or_by_the_name_of_its_schema() {
    let named = |name: &str, payload: &str| {
        format!(r#"{{"schema":{{"type":"struct","fields":[],"optional":false,"name":"{name}"}},"payload":{payload}}}"#)
    };
    let cases = [
        (r#"{"id":1,"__op":"c"}"#.to_owned(), Operation::Create, true),
        (r#"{"id":1,"__deleted":"false"}"#.to_owned(), Operation::Update, false),
        (r#"{"id":1,"__deleted":"true","__op":"d"}"#.to_owned(), Operation::Delete, false),
        (named("p.db.t.Value", r#"{"id":1}"#), Operation::Update, true),
        (named("p.db.t.Value", r#"{"id":1,"__deleted":"true"}"#), Operation::Delete, false),
    ];
    for (value, operation, tombstones_delete) in cases {
        let record = record(Some("{\"id\":1}"), Some(&value));
        let event = change(&record);
        assert_eq!((event.operation, event.tombstones_delete), (operation, tombstones_delete), "{value}");
    }
    let other = record(None, Some(&named("p.db.t.Key", r#"{"id":1}"#)));
    assert!(matches!(decode(&other), Decoded::Poison { .. }));
    assert!(!change(&record(None, Some(MYSQL_UPDATE))).tombstones_delete);
}

#[test]
fn keys_decide_whether_a_delete_can_be_applied() {
    let no_before = POSTGRES_DELETE.replace(r#"{"ORDER_ID":1008,"LINE_NO":2,"SKU":"","QUANTITY":"AA=="}"#, "null");
    let poison = |key: Option<&str>, value: &str| matches!(decode(&record(key, Some(value))), Decoded::Poison { .. });
    assert!(!poison(Some("{\"a\":1}"), &no_before));
    assert!(poison(None, &no_before));
    assert!(!poison(None, POSTGRES_DELETE));
    assert!(poison(Some("not json"), POSTGRES_DELETE));
    assert!(poison(Some("7"), POSTGRES_DELETE));
    // A key whose columns are named like the converter's wrapper.
    let record = record(Some(r#"{"schema":"s","payload":1}"#), Some(POSTGRES_DELETE));
    assert_eq!(change(&record).key.unwrap().as_json(), r#"{"schema":"s","payload":1}"#);
}

#[test]
fn numbers_keep_their_digits() {
    let value = r#"{"op":"c","source":{},"after":{"n":123456789012345678901234567890.10,"e":1e400}}"#;
    let record = record(None, Some(value));
    let mut columns = Vec::new();
    change(&record).after.unwrap().each_column(|name, value| columns.push(format!("{name}={}", value.get())));
    assert_eq!(columns, ["n=123456789012345678901234567890.10", "e=1e400"]);
}

#[test]
fn positions_follow_the_connector() {
    let source = |json: &str| Source::read(&Object::parse(json).unwrap());
    let cases = [
        (r#"{"snapshot":"true","gtid":"u:1","lsn":1}"#, None),
        (r#"{"snapshot":"incremental","gtid":"u:1"}"#, None),
        (r#"{"snapshot":true,"gtid":"u:1"}"#, None),
        (r#"{"snapshot":null,"gtid":"u:17"}"#, Some(("gtid:u", "00000000000000000017"))),
        (r#"{"snapshot":false,"gtid":"u:tag:5"}"#, Some(("gtid:u:tag", "00000000000000000005"))),
        (r#"{"snapshot":"false","gtid":"0-223344-1600"}"#, Some(("gtid:0", "00000000000000001600"))),
        (r#"{"lsn":111052368,"gtid":null}"#, Some(("lsn", "00000000000111052368"))),
        (
            r#"{"gtid":null,"server_id":223344,"file":"mysql-bin.000012","pos":154,"row":3}"#,
            Some(("binlog:223344", "000000000012:00000000000000000154:0000000003")),
        ),
        (
            r#"{"gtid":"odd","server_id":1,"file":"f.2","pos":1}"#,
            Some(("binlog:1", "000000000002:00000000000000000001:0000000000")),
        ),
        (r#"{"gtid":"u:x"}"#, None),
        (r#"{"server_id":1,"file":"noNumber","pos":1}"#, None),
        (r#"{"lsn":"text"}"#, None),
        ("{}", None),
    ];
    for (json, expected) in cases {
        let expected = expected
            .map(|(domain, position)| SourcePosition { domain: domain.to_owned(), position: position.to_owned() });
        assert_eq!(source(json).position, expected, "{json}");
    }
}

#[test]
fn only_a_strictly_older_change_of_one_domain_is_stale() {
    let source = |domain: &str, number: u64, ts_ms: Option<i64>| Source {
        ts_ms,
        position: Some(SourcePosition { domain: domain.to_owned(), position: format!("{number:020}") }),
        ..Source::default()
    };
    let applied = source("gtid:a", 10, Some(100));
    assert!(source("gtid:a", 9, Some(100)).is_staler_than(&applied));
    assert!(!source("gtid:a", 10, Some(100)).is_staler_than(&applied));
    assert!(!source("gtid:b", 9, Some(100)).is_staler_than(&applied));
    assert!(!source("gtid:a", 9, Some(101)).is_staler_than(&applied));
    assert!(!source("gtid:a", 9, None).is_staler_than(&applied));
    assert!(!Source::default().is_staler_than(&applied));
}

#[test]
fn schema_changes_hold_the_tables_in_their_order() {
    let record = record(None, Some(SCHEMA_CHANGE));
    let Decoded::SchemaChange(change) = decode(&record) else {
        panic!("no schema change");
    };
    assert_eq!(change.database.as_deref(), Some("types"));
    let [table] = change.changes.as_slice() else {
        panic!("{:?}", change.changes);
    };
    assert_eq!(table.kind, TableChangeKind::Create);
    assert_eq!(table.id, ["types", "t_enum"]);
    let structure = table.table.as_ref().unwrap();
    assert_eq!(structure.primary_key, ["id"]);
    let names: Vec<&str> = structure.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["id", "c_e"]);
    assert_eq!(structure.columns[1].enum_values, ["'a'", "'it''s'"]);

    let drop = super::tests::record(None, Some(DROP));
    let Decoded::SchemaChange(change) = decode(&drop) else {
        panic!("no schema change");
    };
    assert_eq!(change.changes[0].id, ["evolve1", "a\"b"]);
    assert_eq!(change.changes[0].table, None);
}

#[test]
fn embedded_schemas_are_found() {
    let wrapped = record(Some(&with_schema("{\"id\":1}")), Some(&with_schema(MYSQL_UPDATE)));
    let schemas = embedded_schemas(&wrapped);
    assert!(schemas.key.is_some_and(|schema| schema.starts_with(r#"{"type":"struct""#)));
    assert!(schemas.value.is_some());
    let bare = record(Some("{\"id\":1}"), Some(MYSQL_UPDATE));
    assert!(embedded_schemas(&bare).value.is_none());
}

#[test]
fn reasons_hold_no_content() {
    let secret = "s3cret";
    for value in [
        secret.to_owned(),
        format!("\"{secret}\""),
        format!("{{\"{secret}\":1}}"),
        format!(r#"{{"op":"{secret}","source":{{}}}}"#),
        format!(r#"{{"op":"c","source":"{secret}"}}"#),
        format!(r#"{{"op":"c","source":{{}},"after":"{secret}"}}"#),
        format!(r#"{{"source":{{}},"tableChanges":["{secret}"]}}"#),
    ] {
        match decode(&record(Some(secret), Some(&value))) {
            Decoded::Poison { reason } => assert!(!reason.contains(secret), "{reason}"),
            other => panic!("{value}: {other:?}"),
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_decode_to_something(
        key in prop::option::of(prop::collection::vec(any::<u8>(), 0..40)),
        value in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let record = Record { key, value: Some(value), ..record(None, None) };
        let decoded = decode(&record);
        prop_assert!(!matches!(decoded, Decoded::Tombstone) || record.value.as_deref() == Some(b"null"));
        let _ = embedded_schemas(&record);
    }

    #[test]
    fn a_damaged_event_decodes_to_something(cut in 0usize..900, letter in any::<char>(), wrap in any::<bool>()) {
        let text = if wrap { with_schema(MYSQL_UPDATE) } else { MYSQL_UPDATE.to_owned() };
        let mut damaged: Vec<char> = text.chars().collect();
        let at = cut % damaged.len();
        damaged[at] = letter;
        let damaged: String = damaged.into_iter().collect();
        drop(decode(&record(Some(&damaged), Some(&damaged))));
        drop(decode(&record(None, text.get(..at))));
    }
}
