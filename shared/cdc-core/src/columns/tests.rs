//! Columns by example: recorded schemas and schema changes, shortened, and awkward dumps.

use proptest::prelude::*;

use super::*;
use crate::catalog::{Decoding, Mode, RedshiftType};
use crate::kafka::RecordPosition;
use crate::pipeline::TopicRole;

mod postgres;

fn record(topic: &str, timestamp_ms: i64, key: Option<&str>, value: &str) -> Record {
    Record {
        position: RecordPosition { topic: topic.to_owned(), partition: 0, offset: timestamp_ms },
        timestamp_ms: Some(timestamp_ms),
        key: key.map(|text| text.as_bytes().to_vec()),
        value: Some(value.as_bytes().to_vec()),
        headers: Vec::new(),
    }
}

/// `name TYPE Decoding` of each column, or why there is none.
fn shown(table: &SourceTable) -> Vec<String> {
    table
        .columns
        .iter()
        .map(|column| {
            let null = if column.nullable { "" } else { " not null" };
            match &column.mapped(&ConnectorSettings::default()) {
                Mapped::Exact(kind, decoding) => {
                    format!("{} {kind}{null} {decoding:?}", column.name)
                }
                Mapped::UnsizedText => format!("{} text{null}", column.name),
                Mapped::Unsized(decoding) => format!("{} text{null} {decoding:?}", column.name),
                Mapped::Unsupported { .. } => format!("{} unsupported", column.name),
            }
        })
        .collect()
}

fn dump_of(sql: &str, connector: Connector, table: &str) -> SourceTable {
    from_dump("d.sql", sql, Some(connector))
        .unwrap()
        .find("db", table)
        .unwrap_or_else(|| panic!("no table {table}"))
        .clone()
}

const MYSQLDUMP: &str = r"-- MySQL dump 10.13
/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
CREATE DATABASE /*!32312 IF NOT EXISTS*/ `db` /*!40100 DEFAULT CHARACTER SET utf8mb4 */;
USE `db`;
DROP TABLE IF EXISTS `weird ``table`;
/*!50503 SET character_set_client = utf8mb4 */;
CREATE TABLE `weird ``table` (
  `ID` bigint unsigned NOT NULL AUTO_INCREMENT COMMENT 'the id; NOT NULL, PRIMARY KEY (`x`)',
  `A B` varchar(10) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL DEFAULT 'it''s, (\'x\')',
  `price` decimal(12,2) unsigned zerofill DEFAULT NULL,
  `e` enum('a','b,c','d''e') DEFAULT 'a',
  `s` set('x','y') CHARACTER SET ascii DEFAULT NULL,
  `at` timestamp(3) NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  `dt` datetime(6) DEFAULT NULL,
  `dt3` datetime(3) DEFAULT NULL,
  `total` int GENERATED ALWAYS AS ((`ID` * 2)) VIRTUAL,
  `bits` bit(8) DEFAULT b'0',
  `flag` bit(1) DEFAULT b'1',
  `j` json DEFAULT NULL CHECK (json_valid(`j`)),
  `n` national varchar(5),
  `d` double(20,5) NOT NULL,
  `f` float DEFAULT NULL,
  `y` year DEFAULT NULL,
  `t` time DEFAULT NULL,
  `big` decimal(65,30),
  `tiny` tinytext CHARACTER SET latin1,
  `b` tinyint(1) /*!80023 INVISIBLE */,
  PRIMARY KEY (`ID`,`A B`(5)),
  UNIQUE KEY `u` (`price`),
  KEY `k` (`e`,`dt`) USING BTREE COMMENT 'no column',
  FULLTEXT KEY `ft` (`A B`),
  CONSTRAINT `fk` FOREIGN KEY (`price`) REFERENCES `other` (`id`) ON DELETE CASCADE,
  CONSTRAINT `ck` CHECK ((`d` > 0))
) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb3 COMMENT='a;b'
/*!50100 PARTITION BY HASH (`ID`) PARTITIONS 4 */;
INSERT INTO `weird ``table` VALUES (1,'CREATE TABLE `no` (`x` int);','\'');
DELIMITER ;;
CREATE TRIGGER t BEFORE INSERT ON other FOR EACH ROW BEGIN SET NEW.a = 1; END ;;
DELIMITER ;
";

#[test]
fn reads_a_mysqldump() {
    let table = dump_of(MYSQLDUMP, Connector::Mysql, "weird__table");
    assert_eq!(table.key, ["ID", "A B"]);
    assert_eq!(
        shown(&table),
        [
            "ID DECIMAL(20,0) not null UnsignedBigInt",
            "A B VARCHAR(30) not null Text",
            "price DECIMAL(12,2) DecimalAny { scale: 2 }",
            "e VARCHAR(255) Label",
            "s VARCHAR(255) Text",
            "at TIMESTAMPTZ ZonedTimestamp",
            "dt TIMESTAMP TimestampMicros",
            "dt3 TIMESTAMP TimestampMillis",
            "total INTEGER Integer",
            "bits VARCHAR(8) Bits { length: 8 }",
            "flag BOOLEAN Boolean",
            "j text",
            "n VARCHAR(15) Text",
            "d DOUBLE PRECISION not null Float",
            "f REAL Float",
            "y SMALLINT Integer",
            "t TIME TimeMicros",
            "big DECIMAL(38,30) DecimalAny { scale: 30 }",
            "tiny VARCHAR(765) Text",
            "b SMALLINT Integer",
        ]
    );
    let all = from_dump("d.sql", MYSQLDUMP, None).unwrap();
    assert_eq!(all.iter().count(), 1);
}

#[test]
fn a_row_of_a_mysql_table_may_be_inline() {
    let sql = "CREATE TABLE IF NOT EXISTS db.t (id INT PRIMARY KEY, ok BOOLEAN NOT NULL DEFAULT FALSE, u INT UNSIGNED, key(id), v varchar(70000))";
    let table = dump_of(sql, Connector::Mariadb, "t");
    assert_eq!(table.key, ["id"]);
    assert_eq!(
        shown(&table),
        ["id INTEGER not null Integer", "ok SMALLINT not null Integer", "u BIGINT Integer", "v VARCHAR(65535) Text",]
    );
}

const PG_DUMP: &str = r#"--
-- PostgreSQL database dump
--
\restrict abcdef
SET statement_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);
CREATE FUNCTION db.f() RETURNS text LANGUAGE sql AS $$ SELECT 'it''s; CREATE TABLE x (a int)' $$;
CREATE TYPE db.mood AS ENUM ('happy', 'so so');
CREATE DOMAIN db.price AS numeric(10,2) CONSTRAINT c CHECK ((VALUE > (0)::numeric));
CREATE TABLE db."Order" (
    "ID" bigint NOT NULL,
    key text DEFAULT 'a,b'::text NOT NULL,
    vc character varying(10),
    "Ch" "char",
    c character(3),
    m db.mood,
    p db.price,
    n numeric,
    n2 numeric(3,5),
    neg numeric(3,-2),
    ts timestamp without time zone DEFAULT now(),
    ts3 timestamp(3) without time zone,
    tz timestamp with time zone,
    t0 time(0) without time zone,
    ttz time with time zone,
    arr integer[],
    arr2 character varying(10)[][],
    iv interval,
    b bytea,
    u uuid DEFAULT gen_random_uuid(),
    d double precision,
    odd db.composite,
    gen integer GENERATED ALWAYS AS ((id * 2)) STORED,
    CONSTRAINT ck CHECK ((p > (0)::numeric)),
    EXCLUDE USING gist (p WITH =)
);
ALTER TABLE db."Order" OWNER TO postgres;
CREATE TABLE db.part PARTITION OF db."Order" FOR VALUES IN ('a');
COPY db."Order" ("ID", key) FROM stdin;
1	it's \N
2	CREATE TABLE (
\.
ALTER TABLE ONLY db."Order"
    ADD CONSTRAINT order_pkey PRIMARY KEY ("ID", key);
"#;

#[test]
fn reads_a_pg_dump() {
    let table = dump_of(PG_DUMP, Connector::Postgresql, "Order");
    assert_eq!(table.key, ["ID", "key"]);
    assert_eq!(
        shown(&table),
        [
            "ID BIGINT not null Integer",
            "key text not null",
            "vc VARCHAR(40) Text",
            "Ch VARCHAR(63) Text",
            "c VARCHAR(12) Text",
            "m VARCHAR(255) Text",
            "p DECIMAL(10,2) DecimalAny { scale: 2 }",
            "n text DecimalVariable",
            "n2 DECIMAL(5,5) DecimalAny { scale: 5 }",
            "neg unsupported",
            "ts TIMESTAMP TimestampMicros",
            "ts3 TIMESTAMP TimestampMillis",
            "tz TIMESTAMPTZ ZonedTimestamp",
            "t0 TIME TimeMillis",
            "ttz VARCHAR(32) Text",
            "arr SUPER Super",
            "arr2 SUPER Super",
            "iv BIGINT Integer",
            "b VARBYTE(65535) BytesAny",
            "u VARCHAR(36) Text",
            "d DOUBLE PRECISION Float",
            "odd unsupported",
            "gen unsupported",
        ]
    );
    assert_eq!(from_dump("d.sql", PG_DUMP, None).unwrap().iter().count(), 1);
}

#[test]
fn a_dump_that_cannot_be_followed_names_table_and_line() {
    let error = |sql: &str| from_dump("d.sql", sql, Some(Connector::Mysql)).unwrap_err().to_string();
    assert_eq!(
        error("SELECT 1;\n\nCREATE TABLE t (\n  a int,\n  PRIMARY KEY\n);"),
        "dump d.sql, line 5: table t: expected the key's columns"
    );
    assert_eq!(error("CREATE TABLE t (\n a int"), "dump d.sql, line 1: table t: expected a closing parenthesis");
    assert_eq!(error("CREATE TABLE t (a, b int)"), "dump d.sql, line 1: table t: expected a column's type");
    assert!(error("CREATE TABLE `t (a int)").starts_with("dump d.sql, line 1: "));
    let unknown = from_dump("d.sql", "CREATE TABLE t (a int)", None).unwrap_err();
    assert!(matches!(unknown, DumpError::UnknownDialect { .. }));
}

#[test]
fn the_dialect_is_recognised() {
    let cases = [
        ("CREATE TABLE `t` (a int)", Some(Connector::Mysql)),
        ("CREATE TABLE t (a int) ENGINE=InnoDB", Some(Connector::Mysql)),
        ("create table t (a datetime)", Some(Connector::Mysql)),
        ("CREATE TABLE \"T\" (a int)", Some(Connector::Postgresql)),
        ("CREATE TABLE t (a timestamp with time zone)", Some(Connector::Postgresql)),
        ("CREATE TABLE t (a jsonb)", Some(Connector::Postgresql)),
        ("CREATE TABLE t (a int)", None),
        ("CREATE TABLE `t` (a jsonb)", None),
    ];
    for (sql, expected) in cases {
        assert_eq!(dump::recognise(sql), expected, "{sql}");
    }
}

const KEY_SCHEMA: &str =
    r#"{"type":"struct","fields":[{"type":"string","optional":false,"field":"SKU"}],"optional":false,"name":"k"}"#;

/// An event's value schema with these fields in its row images.
fn value_schema(fields: &str) -> String {
    let row =
        |name: &str| format!(r#"{{"type":"struct","fields":[{fields}],"optional":true,"name":"v","field":"{name}"}}"#);
    format!(
        r#"{{"type":"struct","fields":[{},{},{{"type":"string","optional":false,"field":"op"}}],"optional":false,"name":"e","version":2}}"#,
        row("before"),
        row("after")
    )
}

#[test]
fn reads_the_schema_of_an_event() {
    let fields = r#"
        {"type":"string","optional":false,"field":"SKU"},
        {"type":"bytes","optional":false,"name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2","connect.decimal.precision":"12"},"default":"AA==","field":"PRICE"},
        {"type":"bytes","optional":true,"name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2"},"field":"money"},
        {"type":"bytes","optional":true,"name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"30","connect.decimal.precision":"65"},"field":"big"},
        {"type":"struct","fields":[],"optional":true,"name":"io.debezium.data.VariableScaleDecimal","field":"any"},
        {"type":"int16","optional":true,"field":"i16"},
        {"type":"int32","optional":false,"default":0,"field":"i32"},
        {"type":"int64","optional":true,"field":"i64"},
        {"type":"int64","optional":true,"parameters":{"__debezium.source.column.type":"BIGINT UNSIGNED"},"field":"u64"},
        {"type":"float","optional":true,"field":"f"},
        {"type":"double","optional":true,"field":"d"},
        {"type":"boolean","optional":true,"field":"b"},
        {"type":"int32","optional":true,"name":"io.debezium.time.Date","field":"date"},
        {"type":"int64","optional":true,"name":"io.debezium.time.MicroTime","field":"time"},
        {"type":"int32","optional":true,"name":"io.debezium.time.Time","field":"time3"},
        {"type":"int64","optional":true,"name":"io.debezium.time.Timestamp","field":"ts3"},
        {"type":"int64","optional":true,"name":"org.apache.kafka.connect.data.Timestamp","field":"tsc"},
        {"type":"int64","optional":true,"name":"io.debezium.time.MicroTimestamp","field":"ts6"},
        {"type":"int64","optional":true,"name":"io.debezium.time.NanoTimestamp","field":"ts9"},
        {"type":"string","optional":true,"name":"io.debezium.time.ZonedTimestamp","field":"tz"},
        {"type":"int32","optional":true,"name":"io.debezium.time.Year","field":"y"},
        {"type":"string","optional":true,"name":"io.debezium.data.Enum","parameters":{"allowed":"a,b"},"field":"e"},
        {"type":"string","optional":true,"name":"io.debezium.data.Json","field":"j"},
        {"type":"string","optional":true,"parameters":{"__debezium.source.column.type":"VARCHAR","__debezium.source.column.length":"20"},"field":"v20"},
        {"type":"bytes","optional":true,"name":"io.debezium.data.Bits","parameters":{"length":"8"},"field":"bits"},
        {"type":"bytes","optional":true,"field":"blob"},
        {"type":"array","items":{"type":"int32","optional":true},"optional":true,"field":"arr"}"#;
    let table = from_event_schema(Some(KEY_SCHEMA), &value_schema(fields)).unwrap();
    assert_eq!(table.key, ["SKU"]);
    assert_eq!(
        shown(&table),
        [
            "SKU text not null",
            "PRICE DECIMAL(12,2) not null DecimalBase64 { scale: 2 }",
            "money DECIMAL(38,2) DecimalBase64 { scale: 2 }",
            "big DECIMAL(38,30) DecimalBase64 { scale: 30 }",
            "any text DecimalVariable",
            "i16 SMALLINT Integer",
            "i32 INTEGER not null Integer",
            "i64 BIGINT Integer",
            "u64 DECIMAL(20,0) UnsignedBigInt",
            "f REAL Float",
            "d DOUBLE PRECISION Float",
            "b BOOLEAN Boolean",
            "date DATE DateDays",
            "time TIME TimeMicros",
            "time3 TIME TimeMillis",
            "ts3 TIMESTAMP TimestampMillis",
            "tsc TIMESTAMP TimestampMillis",
            "ts6 TIMESTAMP TimestampMicros",
            "ts9 TIMESTAMP TimestampNanos",
            "tz TIMESTAMPTZ ZonedTimestamp",
            "y SMALLINT Integer",
            "e VARCHAR(255) Label",
            "j text",
            "v20 VARCHAR(80) Text",
            "bits VARCHAR(8) Bits { length: 8 }",
            "blob VARBYTE(65535) BytesBase64",
            "arr SUPER Super",
        ]
    );
    assert_eq!(from_event_schema(None, r#"{"type":"struct","fields":[]}"#), None);
    assert_eq!(from_event_schema(None, "null"), None);
}

/// A schema-change record for `db.T` with these columns, each `NAME TYPE`.
fn schema_change(at: i64, kind: &str, table: &str, columns: &[&str]) -> Record {
    let columns: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let (name, kind) = column.split_once(' ').unwrap();
            format!(
                r#"{{"name":"{name}","typeName":"{kind}","charsetName":"utf8mb4","length":10,"scale":2,"position":{},"optional":true,"enumValues":null}}"#,
                index + 1
            )
        })
        .collect();
    let structure = if columns.is_empty() {
        "null".to_owned()
    } else {
        format!(r#"{{"primaryKeyColumnNames":["id"],"columns":[{}]}}"#, columns.join(","))
    };
    let value = format!(
        r#"{{"source":{{"connector":"mysql"}},"databaseName":"db","ddl":"…","tableChanges":[{{"type":"{kind}","id":"\"db\".\"{table}\"","table":{structure}}}]}}"#
    );
    record("p", at, None, &value)
}

#[test]
fn schema_changes_fold_to_the_newest_definition() {
    let mut knowledge = Knowledge::default();
    for record in [
        schema_change(1, "DROP", "T", &[]),
        schema_change(2, "CREATE", "T", &["id INT", "v VARCHAR"]),
        schema_change(3, "CREATE", "U", &["id INT"]),
        schema_change(4, "ALTER", "T", &["id BIGINT", "v VARCHAR", "n DECIMAL UNSIGNED"]),
        schema_change(5, "ALTER", "renamed", &["id INT", "w TEXT"]),
        schema_change(6, "DROP", "U", &[]),
    ] {
        knowledge.learn(&record);
    }
    let table = knowledge.schema_changes.find("db", "T").unwrap();
    assert_eq!(
        shown(table),
        ["id BIGINT not null Integer", "v VARCHAR(40) Text", "n DECIMAL(10,2) DecimalAny { scale: 2 }"]
    );
    assert!(knowledge.schema_changes.find("db", "U").is_some());
    assert!(knowledge.schema_changes.find("db", "renamed").is_some());
    assert!(knowledge.schema_changes.find("other", "T").is_none());
}

#[test]
fn tables_are_found_by_the_topic_s_spelling() {
    let mut tables = SourceTables::default();
    let table = |key: &str| SourceTable { columns: Vec::new(), key: vec![key.to_owned()] };
    let name = |container: Option<&str>, table: &str| TableName {
        container: container.map(str::to_owned),
        table: table.to_owned(),
    };
    tables.insert(name(Some("db"), "Übergabe $1"), table("umlaut"));
    tables.insert(name(Some("db"), "Case"), table("Case"));
    tables.insert(name(Some("db"), "CASE"), table("CASE"));
    tables.insert(name(None, "bare"), table("bare"));
    tables.insert(name(Some("db"), "Mixed"), table("Mixed"));
    let key = |container: &str, table: &str| tables.find(container, table).map(|table| table.key[0].clone());
    assert_eq!(key("db", "_bergabe__1").as_deref(), Some("umlaut"));
    assert_eq!(key("db", "CASE").as_deref(), Some("CASE"));
    assert_eq!(key("db", "case"), None);
    assert_eq!(key("any", "bare").as_deref(), Some("bare"));
    assert_eq!(key("db", "mixed").as_deref(), Some("Mixed"));
    assert_eq!(key("other", "Mixed"), None);
}

fn pipeline(source: &str, tables: &str) -> Pipeline {
    let yaml = format!("version: 1\nname: p\nsource: {{topic_prefix: p, connector: mysql{source}}}\ntables:\n{tables}");
    match Pipeline::parse(&yaml) {
        Ok(pipeline) => pipeline,
        Err(errors) => panic!("{errors}"),
    }
}

fn defined(source: &str, tables: &str, knowledge: &Knowledge) -> Result<Definition, Vec<DefineProblem>> {
    let pipeline = pipeline(source, tables);
    let TopicRole::Table(spec) = pipeline.resolve("p.db.T") else {
        panic!("p.db.T is no table");
    };
    define(&pipeline, &spec, knowledge).map_err(|error| error.problems)
}

/// Events, schema changes and a dump that can be told apart by the type of `v`.
fn knowledge() -> Knowledge {
    let mut knowledge = Knowledge::default();
    let schema = value_schema(
        r#"{"type":"string","optional":false,"field":"SKU"},{"type":"int32","optional":true,"field":"v"}"#,
    );
    let event = r#"{"op":"c","source":{},"after":{"SKU":"a"}}"#;
    knowledge.learn(&record(
        "p.db.T",
        1,
        Some(&format!(r#"{{"schema":{KEY_SCHEMA},"payload":{{"SKU":"a"}}}}"#)),
        &format!(r#"{{"schema":{schema},"payload":{event}}}"#),
    ));
    knowledge.learn(&schema_change(1, "CREATE", "T", &["id INT", "v BIGINT", "b ODD", "name VARCHAR"]));
    knowledge
}

const ONE: &str = "  - topic: p.db.T\n";

#[test]
fn the_first_source_that_knows_the_table_counts() {
    let mut known = knowledge();
    let origin = |source: &str, knowledge: &Knowledge| {
        defined(source, "  - {topic: p.db.T, on_unsupported_column: exclude}\n", knowledge)
            .map(|definition| definition.origin)
    };
    assert_eq!(origin("", &known), Ok(Origin::SchemaChanges));
    assert_eq!(origin(", columns: events", &known), Ok(Origin::Events));
    assert_eq!(origin(", columns: schema_changes", &known), Ok(Origin::SchemaChanges));
    assert!(matches!(origin(", columns: dump, dump: d.sql", &known).unwrap_err()[..], [DefineProblem::Unknown { .. }]));
    let with_dump = pipeline("", ONE);
    known.learn_dump(&with_dump, "d.sql", "CREATE TABLE T (id int PRIMARY KEY, v text)").unwrap();
    // A dump may be newer than the events that are on their way.
    assert_eq!(origin("", &known), Ok(Origin::SchemaChanges));
    assert_eq!(origin(", columns: dump, dump: d.sql", &known), Ok(Origin::Dump));
    known.schema_changes = Default::default();
    assert_eq!(origin("", &known), Ok(Origin::Dump));
    let declared = "  - {topic: p.db.T, key: [id], columns: {declare: [{name: id, type: int unsigned}, {name: w, type: 'decimal(5,1)'}]}}\n";
    let definition = defined("", declared, &known).unwrap();
    assert_eq!(definition.origin, Origin::Declared);
    assert_eq!(definition.table.columns[0].target_type, RedshiftType::BigInt);
    assert_eq!(definition.table.columns[1].decoding, Decoding::DecimalAny { scale: 1 });
    assert!(!definition.table.columns[0].nullable);
}

#[test]
fn the_newest_schema_of_an_event_counts() {
    let mut knowledge = Knowledge::default();
    let event = |at: i64, kind: &str| {
        let schema = value_schema(&format!(r#"{{"type":"{kind}","optional":true,"field":"v"}}"#));
        record(
            "p.db.T",
            at,
            None,
            &format!(r#"{{"schema":{schema},"payload":{{"op":"c","source":{{}},"after":{{}}}}}}"#),
        )
    };
    for (at, kind) in [(5, "int64"), (3, "int16"), (4, "int16")] {
        knowledge.learn(&event(at, kind));
    }
    let definition = defined(", columns: events", ONE, &knowledge).unwrap();
    assert_eq!(definition.table.columns[0].target_type, RedshiftType::BigInt);
    assert!(definition.table.key.is_empty());
    knowledge.learn(&event(6, "boolean"));
    let definition = defined(", columns: events", ONE, &knowledge).unwrap();
    assert_eq!(definition.table.columns[0].target_type, RedshiftType::Boolean);
    assert!(knowledge.wants_pending("p.db.T"));
}

#[test]
fn settings_that_lose_information_are_told_by_the_events_and_the_source_s_types() {
    let dump =
        "CREATE TABLE T (id int PRIMARY KEY, d decimal(20,4), f double, t3 datetime(3), t6 datetime(6), c6 time(6))";
    let lossy = |source: &str, fields: Option<&str>| {
        let mut knowledge = Knowledge::default();
        knowledge.learn_dump(&pipeline("", ONE), "d.sql", dump).unwrap();
        if let Some(fields) = fields {
            let schema = value_schema(fields);
            let value = format!(r#"{{"schema":{schema},"payload":{{"op":"c","source":{{}},"after":{{}}}}}}"#);
            knowledge.learn(&record("p.db.T", 1, None, &value));
        }
        let definition = defined(source, ONE, &knowledge).unwrap();
        definition.lossy.into_values().collect::<Vec<_>>()
    };
    let field = |name: &str, kind: &str, logical: &str| {
        let logical = if logical.is_empty() { String::new() } else { format!(r#","name":"{logical}","version":1"#) };
        format!(r#"{{"type":"{kind}","optional":true,"field":"{name}"{logical}}}"#)
    };
    let sent = |decimal: (&str, &str), moment: &str, clock: (&str, &str)| {
        [
            field("id", "int32", ""),
            field("d", decimal.0, decimal.1),
            field("f", "double", ""),
            field("t3", "int64", "org.apache.kafka.connect.data.Timestamp"),
            field("t6", "int64", moment),
            field("c6", clock.0, clock.1),
        ]
        .join(",")
    };
    let connect = "org.apache.kafka.connect.data.Timestamp";
    let all = sent(("double", ""), connect, ("int32", "org.apache.kafka.connect.data.Time"));
    let none = sent(("string", ""), "io.debezium.time.MicroTimestamp", ("int64", "io.debezium.time.MicroTime"));
    assert_eq!(lossy("", Some(&all)), [vec!["d"], vec!["t6", "c6"]]);
    assert!(lossy("", Some(&none)).is_empty());
    assert!(lossy("", None).is_empty());
    let stated = ", settings: {time.precision.mode: connect, decimal.handling.mode: double}";
    assert_eq!(lossy(stated, None), [vec!["d"], vec!["t6", "c6"]]);
    assert!(lossy(stated, Some(&none)).is_empty(), "what the events say counts");
}

#[test]
fn options_apply_over_the_columns() {
    let known = knowledge();
    let names = |tables: &str| {
        defined("", tables, &known).map(|definition| {
            definition
                .table
                .columns
                .iter()
                .map(|column| format!("{}={}", column.source_name, column.target_name))
                .collect::<Vec<_>>()
        })
    };
    assert_eq!(
        names("  - {topic: p.db.T, columns: {exclude: [b], rename: {v: Value}}}\n").unwrap(),
        ["id=id", "v=value", "name=name"]
    );
    assert_eq!(names("  - {topic: p.db.T, columns: {include: [name]}}\n").unwrap(), ["id=id", "name=name"]);
    let excluded = defined("", "  - {topic: p.db.T, on_unsupported_column: exclude}\n", &known).unwrap();
    assert_eq!(excluded.excluded.len(), 1);
    assert_eq!(excluded.excluded[0].name, "b");
    assert_eq!(excluded.table.key, ["id"]);
    let other_key = defined("", "  - {topic: p.db.T, key: [name, v], columns: {exclude: [b]}}\n", &known).unwrap();
    assert_eq!(other_key.table.key, ["name", "v"]);
    let no_key = defined("", "  - {topic: p.db.T, key: [], columns: {exclude: [b]}}\n", &known).unwrap();
    assert!(no_key.table.key.is_empty());
    for (option, mode) in [
        ("mode: history", Mode::History),
        ("keyless: append", Mode::Append),
        ("keyless: count", Mode::Count),
        ("keyless: wait", Mode::Current),
    ] {
        let tables = format!("  - {{topic: p.db.T, {option}, columns: {{exclude: [b]}}}}\n");
        let with_key = if mode == Mode::History { mode } else { Mode::Current };
        assert_eq!(defined("", &tables, &known).unwrap().table.mode, with_key, "{option}");
        let tables = format!("  - {{topic: p.db.T, {option}, key: [], columns: {{exclude: [b]}}}}\n");
        assert_eq!(defined("", &tables, &known).unwrap().table.mode, mode, "{option}, no key");
    }
    // A pattern's columns need not exist in every table.
    assert!(names("  - {topic: p.db.*, columns: {exclude: [b, elsewhere]}}\n").is_ok());
}

/// Flattened events with `add.fields.prefix`: without a schema, what the transform added looked like
/// new columns of the source, and the table waited for ever.
#[test]
fn fields_that_the_transform_added_under_another_prefix_are_no_columns() {
    let known_of = |value: &str| {
        let mut known = knowledge();
        known = Knowledge { events: BTreeMap::new(), ..known };
        known.learn(&record("p.db.T", 2, Some("{\"id\":1}"), value));
        let tables = "  - {topic: p.db.*, columns: {exclude: [b]}}\n";
        defined("", tables, &known).unwrap().table.known_attributes.unwrap().into_iter().collect::<Vec<_>>()
    };
    let own = ["b", "id", "name", "v"];
    let row = |fields: &str| format!(r#"{{"id":1,"v":2,"name":"n",{fields}}}"#);
    assert_eq!(
        known_of(&row(r#""__deleted":"false","meta.op":"r","meta.source_ts_ms":5,"meta.table":"T","meta.more":1"#)),
        ["b", "id", "meta.op", "meta.source_ts_ms", "meta.table", "name", "v"]
    );
    for fields in [
        r#""__deleted":"false","shop":"Rome","sh_table":1"#,
        r#""__deleted":"false","__op":"r","__table":"T""#,
        r#""meta.op":"r","meta.table":"T""#,
    ] {
        assert_eq!(known_of(&row(fields)), own, "{fields}");
    }
}

/// The rows of a dropped partition stayed in the target, and nobody said so.
#[test]
fn a_table_that_lost_partitions_is_told() {
    let lost = |ddl: &str| {
        let mut known = knowledge();
        let mut change = schema_change(2, "ALTER", "T", &["id INT", "v BIGINT"]);
        change.value = change.value.map(|value| String::from_utf8(value).unwrap().replace('…', ddl).into_bytes());
        known.learn(&change);
        defined("", ONE, &known).unwrap().lost_partitions
    };
    assert!(lost("ALTER TABLE T DROP PARTITION p1"));
    assert!(!lost("ALTER TABLE T ADD PARTITION (PARTITION p1 VALUES LESS THAN (5))"));
}

/// Rows that InnoDB deletes for a foreign key are in no log.
#[test]
fn a_table_whose_foreign_key_acts_is_told() {
    let acts = |ddl: &str| {
        let mut known = knowledge();
        let mut change = schema_change(2, "ALTER", "T", &["id INT", "v BIGINT"]);
        change.value = change.value.map(|value| String::from_utf8(value).unwrap().replace('…', ddl).into_bytes());
        known.learn(&change);
        defined("", ONE, &known).unwrap().cascades
    };
    assert!(acts("ALTER TABLE T ADD FOREIGN KEY (v) REFERENCES U (id) ON DELETE CASCADE"));
    assert!(!acts("ALTER TABLE T ADD FOREIGN KEY (v) REFERENCES U (id)"));
}

/// A label is escaped in the stream of MySQL and MariaDB only, whatever tells of the type.
#[test]
fn labels_of_mysql_s_enums_may_be_escaped() {
    let name = |connector: &str| {
        let source =
            format!(r#"{{"type":"struct","name":"io.debezium.connector.{connector}.Source","field":"source"}}"#);
        let field = r#"{"type":"string","optional":true,"name":"io.debezium.data.Enum","parameters":{"allowed":"a\\,b,c"},"field":"e"}"#;
        let set = r#"{"type":"string","optional":true,"name":"io.debezium.data.EnumSet","parameters":{"allowed":"a,b"},"field":"s"}"#;
        let row = format!(r#"{{"type":"struct","fields":[{field},{set}],"name":"p.db.T.Value","field":"after"}}"#);
        let schema = format!(r#"{{"type":"struct","fields":[{row},{source}],"name":"p.db.T.Envelope"}}"#);
        shown(&from_event_schema(None, &schema).unwrap()).join(", ")
    };
    assert_eq!(name("mariadb"), "e VARCHAR(255) Label, s VARCHAR(255) Text");
    assert_eq!(name("mysql"), "e VARCHAR(255) Label, s VARCHAR(255) Text");
    assert_eq!(name("postgresql"), "e VARCHAR(255) Text, s VARCHAR(255) Text");
}

#[test]
fn what_cannot_be_defined_says_why() {
    let known = knowledge();
    let message = |source: &str, tables: &str| {
        let problems = defined(source, tables, &known).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        problems[0].to_string()
    };
    let cases = [
        (ONE, "column b of type odd(10,2): the type is not known; leave it out with `columns.exclude`"),
        (
            "  - {topic: p.db.T, key: [b], on_unsupported_column: exclude}\n",
            "it is part of the key; declare another `key`",
        ),
        (
            "  - {topic: p.db.T, columns: {exclude: [b, nmae]}}\n",
            "`columns` names the column nmae, which the table does not have; did you mean `name`?",
        ),
        (
            "  - {topic: p.db.T, key: [ID], columns: {exclude: [b]}}\n",
            "`key` names the column ID, which the table does not have; did you mean `id`?",
        ),
        (
            "  - {topic: p.db.T, columns: {exclude: [b], hash: [nmae]}}\n",
            "`columns` names the column nmae, which the table does not have; did you mean `name`?",
        ),
        (
            "  - {topic: p.db.T, columns: {exclude: [b], hash: [id]}}\n",
            "column id is part of the key, by whose clear values rows are found, and cannot be hashed or masked",
        ),
        (
            "  - {topic: p.db.T, key: [id], columns: {hash: [f], declare: [{name: id, type: int}, {name: f, type: double}]}}\n",
            "column f of type double cannot be hashed: no document says how Redshift writes all digits",
        ),
        (
            "  - {topic: p.db.T, key: [id], columns: {mask: {f: {keep_last: 1}}, declare: [{name: id, type: int}, {name: f, type: bool}]}}\n",
            "cannot be masked but for the last 1 characters: of two values each shows by its last characters; mask it without `keep_last`",
        ),
        ("  - {topic: p.db.T, columns: {exclude: [b, id]}}\n", "column id is part of the key and cannot be left out"),
        (
            "  - {topic: p.db.T, columns: {exclude: [b], rename: {v: Name}}}\n",
            "column name: the name `name` is another column's",
        ),
        ("  - {topic: p.db.T, columns: {exclude: [b], rename: {v: _cdc_v}}}\n", "begins with `_cdc_`"),
        ("  - {topic: p.db.T, columns: {exclude: [b], rename: {v: OID}}}\n", "is a system column's in Redshift"),
        ("  - {topic: p.db.T, keyless: error, key: [], columns: {exclude: [b]}}\n", "it has no key"),
        ("  - {topic: p.db.T, keyless: error, mode: history, key: [], columns: {exclude: [b]}}\n", "it has no key"),
        ("  - {topic: p.db.T, columns: {declare: [{name: a, type: int}]}}\n", "its key is not"),
        (
            "  - {topic: p.db.T, key: [a], columns: {declare: [{name: a, type: '(('}]}}\n",
            "the declared type `((` cannot be read",
        ),
    ];
    for (tables, expected) in cases {
        let found = message("", tables);
        assert!(found.contains(expected), "{tables}: {found}");
    }
    let unknown = define(
        &pipeline("", ONE),
        &match pipeline("", ONE).resolve("p.db.T") {
            TopicRole::Table(spec) => spec,
            other => panic!("{other:?}"),
        },
        &Knowledge::default(),
    )
    .unwrap_err();
    assert!(
        unknown.to_string().starts_with("table db.t (topic p.db.T) cannot be defined: its columns are not known; ")
    );
}

proptest! {
    #[test]
    fn any_text_is_a_dump_or_an_error(sql in "[a-zA-Z0-9 ,;()`'\"\\[\\].\n-]{0,80}", create in any::<bool>()) {
        let sql = if create { format!("CREATE TABLE {sql}") } else { sql };
        for connector in [Connector::Mysql, Connector::Postgresql] {
            drop(from_dump("d.sql", &sql, Some(connector)));
        }
    }

    #[test]
    fn text_always_has_room_for_its_characters(length in 1i64..200_000) {
        for charset in ["ascii", "latin1", "utf8mb3", "utf8mb4", "new_one"] {
            let sql = SqlType {
                name: "VARCHAR".to_owned(),
                arguments: vec![length],
                charset: Some(charset.to_owned()),
                ..SqlType::default()
            };
            match mysql::map(&sql, &ConnectorSettings::default()) {
                Mapped::Exact(RedshiftType::Varchar { bytes }, Decoding::Text) => {
                    prop_assert!(i64::from(bytes) >= length.min(65_535));
                    prop_assert!(bytes <= 65_535);
                }
                other => prop_assert!(false, "{other:?}"),
            }
        }
    }
}
