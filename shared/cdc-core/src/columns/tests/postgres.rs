//! What recordings of PostgreSQL 15 with connector 3.6 showed.

use super::*;

const DUMP: &str = r#"
CREATE DOMAIN db.price AS numeric(10,2);
CREATE DOMAIN db.discount AS db.price;
CREATE TABLE db.t (
    id integer NOT NULL,
    d db.discount,
    da db.price[],
    total integer GENERATED ALWAYS AS ((id * 2)) STORED,
    seen bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    iv interval[],
    m money[],
    n name[],
    p numeric(10,2)[],
    np numeric[],
    nn numeric(38,38)
);
"#;

/// A generated column is in no event, and so are arrays of these types and of domains: each
/// row would be in quarantine for the missing value.
#[test]
fn a_dump_s_columns_that_no_event_has_are_left_out() {
    let table = dump_of(DUMP, Connector::Postgresql, "t");
    assert_eq!(
        shown(&table),
        [
            "id INTEGER not null Integer",
            "d DECIMAL(10,2) DecimalAny { scale: 2 }",
            "da unsupported",
            "total unsupported",
            "seen BIGINT not null Integer",
            "iv unsupported",
            "m unsupported",
            "n unsupported",
            "p SUPER Array(DecimalAny { precision: 10, scale: 2 })",
            "np SUPER Array(DecimalVariable)",
            "nn VARCHAR(41) DecimalAny { scale: 38 }",
        ]
    );
}

/// The events of such a table have the index's columns of the former row only: with the primary key
/// as the key, no deletion found its row, and a table without one was counted by rows of nulls.
#[test]
fn the_index_that_is_the_replica_identity_is_the_key() {
    let dump = |identity: &str| {
        let sql = format!(
            "CREATE TABLE db.t (id integer NOT NULL, \"B\" text NOT NULL, c integer NOT NULL);\n\
             ALTER TABLE ONLY db.t ADD CONSTRAINT t_pkey PRIMARY KEY (id);\n\
             ALTER TABLE ONLY db.t ADD CONSTRAINT t_c UNIQUE (c);\n\
             CREATE INDEX t_id ON db.t USING btree (id, c);\n\
             CREATE UNIQUE INDEX t_bc ON db.t USING btree (\"B\", c);\n\
             ALTER TABLE ONLY db.t {identity};\n"
        );
        dump_of(&sql, Connector::Postgresql, "t").key
    };
    assert_eq!(dump("REPLICA IDENTITY USING INDEX t_bc"), ["B", "c"]);
    assert_eq!(dump("REPLICA IDENTITY USING INDEX t_c"), ["c"]);
    for other in ["REPLICA IDENTITY FULL", "REPLICA IDENTITY NOTHING", "REPLICA IDENTITY USING INDEX elsewhere"] {
        assert_eq!(dump(other), ["id"], "{other}");
    }
}

#[test]
fn arrays_of_every_representation_are_decoded() {
    let array = |items: &str, name: &str| {
        format!(r#"{{"type":"array","items":{{"optional":true,{items}}},"optional":true,"field":"{name}"}}"#)
    };
    let fields = [
        array(r#""type":"struct","fields":[],"name":"io.debezium.data.VariableScaleDecimal""#, "variable"),
        array(r#""type":"string","name":"io.debezium.time.IsoDate""#, "date"),
        array(r#""type":"string","name":"io.debezium.time.IsoTime""#, "time"),
        array(r#""type":"string","name":"io.debezium.time.IsoTimestamp""#, "timestamp"),
        array(r#""type":"int64","name":"io.debezium.time.NanoTime""#, "nanotime"),
        array(r#""type":"int64","name":"io.debezium.time.NanoTimestamp""#, "nanotimestamp"),
        array(r#""type":"map","keys":{"type":"string"},"values":{"type":"string"}"#, "hstore"),
    ];
    let table = from_event_schema(None, &value_schema(&fields.join(","))).unwrap();
    assert_eq!(
        shown(&table),
        [
            "variable SUPER Array(DecimalVariable)",
            "date SUPER Array(DateIso)",
            "time SUPER Array(TimeIso)",
            "timestamp SUPER Array(TimestampIso)",
            "nanotime SUPER Array(TimeNanos)",
            "nanotimestamp SUPER Array(TimestampNanos)",
            "hstore SUPER Super",
        ]
    );
}

/// As the connector propagates them: 131,089 digits stand for none, 0 in a snapshot, 2,045 digits behind the
/// point for a scale of -3.
#[test]
fn propagated_types_are_taken_as_the_connector_means_them() {
    let propagated = |kind: &str, sql: &str, numbers: &str, name: &str| {
        format!(
            r#"{{{kind},"optional":true,"parameters":{{"__debezium.source.column.type":"{sql}"{numbers}}},"field":"{name}"}}"#
        )
    };
    let digits = |length: u32, scale: u32| {
        format!(r#","__debezium.source.column.length":"{length}","__debezium.source.column.scale":"{scale}""#)
    };
    let string = r#""type":"string""#;
    let bits = r#""type":"bytes","name":"io.debezium.data.Bits""#;
    let fields = [
        propagated(string, "NUMERIC", &digits(131_089, 0), "u"),
        propagated(string, "NUMERIC", r#","__debezium.source.column.length":"0""#, "u0"),
        propagated(string, "NUMERIC", &digits(40, 20), "n40"),
        propagated(string, "NUMERIC", &digits(5, 2_045), "neg"),
        propagated(bits, "VARBIT", &digits(5, 0), "vb"),
        propagated(r#""type":"boolean""#, "VARBIT", &digits(1, 0), "vb1"),
    ];
    let source = r#""field":"op"},{"type":"struct","fields":[],"name":"io.debezium.connector.postgresql.Source","field":"source"}"#;
    let schema = value_schema(&fields.join(",")).replace(r#""field":"op"}"#, source);
    let table = from_event_schema(None, &schema).unwrap();
    assert_eq!(
        shown(&table),
        [
            "u text DecimalVariable",
            "u0 text DecimalVariable",
            "n40 VARCHAR(43) DecimalVariable",
            "neg VARCHAR(2055) DecimalVariable",
            "vb unsupported",
            "vb1 unsupported",
        ]
    );
}

fn defined_from(sql: &str, settings: &str) -> Result<Definition, Vec<DefineProblem>> {
    let yaml = format!(
        "version: 1\nname: p\nsource: {{topic_prefix: p, connector: postgresql, dump: d.sql{settings}}}\ntables:\n  - topic: p.public.t\n"
    );
    let pipeline = Pipeline::parse(&yaml).unwrap();
    let mut knowledge = Knowledge::default();
    knowledge.learn_dump(&pipeline, "d.sql", sql).unwrap();
    let TopicRole::Table(spec) = pipeline.resolve("p.public.t") else {
        panic!("p.public.t is no table");
    };
    define(&pipeline, &spec, &knowledge).map_err(|error| error.problems)
}

#[test]
fn money_has_the_stated_digits() {
    let sql = "CREATE TABLE public.t (id int PRIMARY KEY, m money);";
    let defined = defined_from(sql, ", settings: {money.fraction.digits: 3}").unwrap();
    assert_eq!(defined.table.columns[1].target_type.to_string(), "DECIMAL(20,3)");
}

/// Provisioning failed half way: a SUPER column cannot be compared, nor be a sort key.
#[test]
fn a_key_of_an_array_is_refused() {
    let problems = defined_from("CREATE TABLE public.t (id int[] PRIMARY KEY);", "").unwrap_err();
    assert!(
        matches!(problems.as_slice(), [DefineProblem::Unsupported { column, next_step, .. }]
            if column == "id" && next_step.contains("declare another `key`")),
        "{problems:?}"
    );
}
