//! The documentation's table of types, made by the code that maps them.
//!
//! `UPDATE_GOLDEN=1 cargo test -p cdc-core` writes `TYPES.md` anew after a wanted change.

use super::dump::declared_type;
use super::*;
use crate::catalog::{Decoding, Element};

/// What a value looks like in an event, for people.
fn form(decoding: Decoding) -> String {
    match decoding {
        Decoding::Integer => "number".into(),
        Decoding::UnsignedBigInt => "number; negative ones are those beyond 2^63-1".into(),
        Decoding::Float => "number, or the text NaN, Infinity, -Infinity".into(),
        Decoding::Boolean => "true or false".into(),
        Decoding::Text => "text".into(),
        Decoding::Label => {
            "text; backslashes that the stream puts in front of a comma or a backslash are taken away".into()
        }
        Decoding::DecimalBase64 { .. } => "base64 of the unscaled number, or a number".into(),
        Decoding::DecimalText => "decimal text or a number".into(),
        Decoding::DecimalAny { .. } => {
            "base64 of the unscaled number, decimal text or a number; the form decides".into()
        }
        Decoding::DecimalVariable => "structure of scale and base64, or decimal text".into(),
        Decoding::DateDays => "days since 1970".into(),
        Decoding::DateIso | Decoding::TimeIso | Decoding::TimestampIso | Decoding::ZonedTimestamp => {
            "ISO 8601 text".into()
        }
        Decoding::TimeMillis => "milliseconds of the day".into(),
        Decoding::TimeMicros => "microseconds of the day".into(),
        Decoding::TimeNanos => "nanoseconds of the day".into(),
        Decoding::TimestampMillis => "milliseconds since 1970".into(),
        Decoding::TimestampMicros => "microseconds since 1970".into(),
        Decoding::TimestampNanos => "nanoseconds since 1970".into(),
        Decoding::BytesHex => "hexadecimal text".into(),
        Decoding::BytesBase64 => "base64, standard or URL-safe".into(),
        Decoding::BytesAny => "base64 or hexadecimal text; the form decides".into(),
        Decoding::Bits { .. } => "base64, lowest byte first; becomes binary digits, highest first".into(),
        Decoding::Geometry => "structure of WKB and SRID; becomes `SRID=n;` and hexadecimal WKB".into(),
        Decoding::Super => "array or object, as it is".into(),
        Decoding::Array(Element::BytesBase64) => "array of base64; becomes an array of hexadecimal text".into(),
        Decoding::Array(Element::DecimalAny { .. }) => {
            "array of base64, decimal text or numbers; becomes an array of numbers".into()
        }
        Decoding::Array(Element::DecimalVariable) => {
            "array of structures of scale and base64; becomes an array of decimal text".into()
        }
        Decoding::Array(Element::DateIso | Element::TimeIso | Element::TimestampIso) => {
            "array of ISO 8601 text; becomes an array of text such as 2024-02-29".into()
        }
        Decoding::Array(Element::DecimalBase64 { .. }) => "array of base64; becomes an array of numbers".into(),
        Decoding::Array(_) => "array of numbers; becomes an array of text such as 2024-02-29".into(),
    }
}

fn row(first: &str, second: &str, mapped: &Mapped) -> String {
    let (target, arrives) = match mapped {
        Mapped::Exact(target, decoding) => (target.to_string(), form(*decoding)),
        Mapped::UnsizedText => ("VARCHAR(u)".to_owned(), form(Decoding::Text)),
        Mapped::Unsized(decoding) => ("VARCHAR(u)".to_owned(), form(*decoding)),
        Mapped::Unsupported { reason } => ("left out or refused".to_owned(), reason.clone()),
    };
    format!("| {first} | {second} | {target} | {arrives} |\n")
}

/// Source types by connector. A `/` starts the settings that the row is about.
const MYSQL: &str = "tinyint|tinyint unsigned|smallint|smallint unsigned|mediumint|int|int unsigned|bigint|bigint unsigned|bigint unsigned/bigint.unsigned.handling.mode: precise|boolean|bit(1)|bit(12)|decimal(12,2)|decimal(12,2)/decimal.handling.mode: precise|decimal(12,2)/decimal.handling.mode: string|decimal(12,2)/decimal.handling.mode: double|decimal(19,0)|decimal(65,30)|decimal(65,30)/decimal.handling.mode: string|float|float(30)|double|date|date/time.precision.mode: isostring|time|time/time.precision.mode: connect|time/time.precision.mode: isostring|time/time.precision.mode: nanoseconds|datetime|datetime(6)|datetime(6)/time.precision.mode: connect|datetime(6)/time.precision.mode: microseconds|datetime(6)/time.precision.mode: nanoseconds|datetime(6)/time.precision.mode: isostring|timestamp(6)|year|char(10)|varchar(20)|varchar(20) character set ascii|tinytext|text|json|enum('a','b')|set('a','b')|binary(8)|binary(8)/binary.handling.mode: bytes|binary(8)/binary.handling.mode: hex|varbinary(64)|blob|uuid|inet6|geometry|point|vector(3)";
const POSTGRES: &str = "smallint|integer|bigint|oid|boolean|bit(1)|bit(12)|bit varying(12)|numeric(12,2)|numeric(12,2)/decimal.handling.mode: precise|numeric(12,2)/decimal.handling.mode: string|numeric(12,2)/decimal.handling.mode: double|numeric|numeric/decimal.handling.mode: string|numeric(40,20)/decimal.handling.mode: string|numeric(38,38)|money|real|double precision|date|time(3)|time|time/time.precision.mode: connect|timetz|timestamp(3)|timestamp|timestamp/time.precision.mode: connect|timestamp/time.precision.mode: isostring|timestamptz|interval|interval/interval.handling.mode: string|char(10)|varchar(20)|text|citext|name|uuid|json|jsonb|xml|ltree|tsvector|inet|cidr|macaddr|int4range|tstzrange|hstore|hstore/hstore.handling.mode: map|bytea|bytea/binary.handling.mode: bytes|bytea/binary.handling.mode: hex|integer[]|text[]|numeric(10,2)[]|numeric(10,2)[]/decimal.handling.mode: precise|numeric[]|date[]|date[]/time.precision.mode: isostring|timestamp[]|timestamp[]/time.precision.mode: nanoseconds|bytea[]/binary.handling.mode: bytes|point|geometry|geography|vector(3)|halfvec(3)|sparsevec(3)";
/// Fields of an event's schema.
const FIELDS: &str = r#"{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2","connect.decimal.precision":"12"}}
{"type":"struct","name":"io.debezium.data.VariableScaleDecimal"}
{"type":"int32","name":"org.apache.kafka.connect.data.Date"}
{"type":"int32","name":"org.apache.kafka.connect.data.Time"}
{"type":"int64","name":"org.apache.kafka.connect.data.Timestamp"}
{"type":"int32","name":"io.debezium.time.Date"}
{"type":"int32","name":"io.debezium.time.Time"}
{"type":"int64","name":"io.debezium.time.MicroTime"}
{"type":"int64","name":"io.debezium.time.NanoTime"}
{"type":"int64","name":"io.debezium.time.Timestamp"}
{"type":"int64","name":"io.debezium.time.MicroTimestamp"}
{"type":"int64","name":"io.debezium.time.NanoTimestamp"}
{"type":"string","name":"io.debezium.time.ZonedTime"}
{"type":"string","name":"io.debezium.time.ZonedTimestamp"}
{"type":"string","name":"io.debezium.time.IsoDate"}
{"type":"string","name":"io.debezium.time.IsoTime"}
{"type":"string","name":"io.debezium.time.IsoTimestamp"}
{"type":"int32","name":"io.debezium.time.Year"}
{"type":"string","name":"io.debezium.time.Interval"}
{"type":"int64","name":"io.debezium.time.MicroDuration"}
{"type":"int64","name":"io.debezium.time.NanoDuration"}
{"type":"struct","name":"io.debezium.time.StructuredTimestamp"}
{"type":"bytes","name":"io.debezium.data.Bits","parameters":{"length":"12"}}
{"type":"string","name":"io.debezium.data.Enum","parameters":{"allowed":"a,b"}}
{"type":"string","name":"io.debezium.data.EnumSet","parameters":{"allowed":"a,b"}}
{"type":"string","name":"io.debezium.data.Json"}
{"type":"string","name":"io.debezium.data.Xml"}
{"type":"string","name":"io.debezium.data.Uuid"}
{"type":"string","name":"io.debezium.data.Ltree"}
{"type":"string","name":"io.debezium.data.Tsvector"}
{"type":"array","name":"io.debezium.data.FloatVector"}
{"type":"array","name":"io.debezium.data.DoubleVector"}
{"type":"struct","name":"io.debezium.data.SparseDoubleVector"}
{"type":"struct","name":"io.debezium.data.geometry.Geometry"}
{"type":"struct","name":"io.debezium.data.geometry.Geography"}
{"type":"struct","name":"io.debezium.data.geometry.Point"}
{"type":"struct","name":"io.debezium.data.geometry.Circle"}
{"type":"int8"}
{"type":"int16"}
{"type":"int32"}
{"type":"int64"}
{"type":"float"}
{"type":"double"}
{"type":"boolean"}
{"type":"string"}
{"type":"bytes"}
{"type":"array","items":{"type":"string"}}
{"type":"map"}
{"type":"struct"}"#;

const INTRODUCTION: &str = "# How types are mapped

This page is made by the code that maps them; a test compares it. `u` is the pipeline file's `defaults.unsized_text_bytes`, 65,535 unless stated.

Where an event carries its schema, the schema says how a value arrives. Where a dump, the schema-change topic, `column.propagate.source.type` or `columns.declare` tells the source's own type, that says what the value is: how long text is, that a number is unsigned, that text is a decimal or a binary value. Both together are best. Without schemas in the events, state under `source.settings` those settings of the connector that are not its defaults:

```yaml
source:
  topic_prefix: salesdb
  settings:
    time.precision.mode: connect
    binary.handling.mode: hex
```

## Values that a column cannot hold

A value that does not fit is never changed silently. `on_unfit_value` says what becomes of it, under `defaults`, for a table, or for single columns under `columns.on_unfit_value`:

| policy | the row | the record | counted |
|---|---|---|---|
| `quarantine` (default) | has NULL | is in quarantine with the column's name | `merge_log.quarantined` |
| `truncate` | has the text up to the last character that fits; NULL for what is no text | only if it was no text | `merge_log.truncated_values` |
| `null` | has NULL | is not in quarantine | `merge_log.nulled_values` |

What does not fit: text longer than its column; a decimal of more than 38 digits, or more in front of the point than the column has; a time outside 00:00 to 24:00; a year before 4713 BC or after 294276, and the infinities of PostgreSQL; nanoseconds that are no whole microseconds; a number outside its type; anything of another JSON type than expected. In the key, such a value puts the whole record into quarantine.

What the connector or the converter changed before, no consumer can undo: a null that arrives as the column's default (set `replace.null.with.default=false` in the converter, and in ExtractNewRecordState if it is used; provisioning warns), years below 100 that MySQL's connector moves (`enable.time.adjuster`), the year 0000 and zero dates of columns without NULL, which arrive as 1970-01-01, FLOAT in MySQL's snapshots, which has six digits there, times of day outside a day with `time.precision.mode=connect`, the number of bits of a `bit varying` (where only the events' schema is known, it cannot be told from `bit` and gets zeros in front), the offset of a `timetz`, 24:00 as ISO 8601 text. Intervals as numbers count a month as 30.4375 days. PostgreSQL's connector 3.6 also sends null for values of type `name`, for NaN of decimals as bytes, for timestamps in nanoseconds outside of 1677 to 2262 and for arrays whose elements it cannot convert (NaN, or null among enums); dates BC as years after 1 in snapshots; times in arrays without microseconds, and timestamps in arrays from before 1582-10-15 by days too late, which are not taken for values; arrays of more than one dimension as nulls, or as names of Java objects, which are not taken for values. MySQL and MariaDB take digits of a second from the rows of a column that gets fewer (`datetime(3)` to `datetime`) without an event; the schema-change topic tells, and so do schemas with `column.propagate.source.type`, otherwise provisioning warns and rows keep their digits until their next event. NULL, JSON's null and a missing value are different: a column that an event does not have is quarantined, not taken for NULL.

An enum's value in the stream of MySQL and MariaDB has a backslash in front of a comma, and two for one; in a snapshot it is as it is. The backslash is taken away, so a label of two backslashes, or of one and a comma, loses one in a snapshot.

An unchanged large value of PostgreSQL (TOAST) arrives as a placeholder, in any of the forms that text, binary values, arrays and hstore give it. It never overwrites the value that is there. The connector sends null instead for binary values as base64 text and for arrays of types other than integers, text, UUID, JSON, dates as numbers and binary values: give tables with large values of these `REPLICA IDENTITY FULL`. `unavailable.value.placeholder` under `source.settings` names another placeholder.
";

fn table() -> String {
    let mut text = INTRODUCTION.to_owned();
    for (title, connector, types) in
        [("MySQL and MariaDB", Connector::Mysql, MYSQL), ("PostgreSQL", Connector::Postgresql, POSTGRES)]
    {
        text.push_str(&format!("\n## {title}\n\n| source type | setting | target | arrives as |\n|---|---|---|---|\n"));
        for line in types.split('|') {
            let (source_type, setting) = line.split_once('/').unwrap_or((line, ""));
            let settings = match setting.split_once(": ") {
                None => ConnectorSettings::default(),
                Some((name, value)) => serde_json::from_value(serde_json::json!({ name: value }))
                    .unwrap_or_else(|e| panic!("{setting}: {e}")),
            };
            let sql = declared_type(source_type, connector).unwrap_or_else(|| panic!("{source_type} is no type"));
            let own = SourceSql { sql, is_postgres: connector == Connector::Postgresql, is_enum: false };
            let setting = setting.replace(": ", "=");
            text.push_str(&row(&format!("`{source_type}`"), &setting, &own.map(&settings)));
        }
    }
    text.push_str("\n## Fields of an event's schema\n\nWhere nothing else tells the source's type.\n\n| type | logical type | target | arrives as |\n|---|---|---|---|\n");
    for field in FIELDS.lines() {
        let json: serde_json::Value = serde_json::from_str(field).unwrap();
        let parse = field.replacen('{', r#"{"field":"c","optional":true,"#, 1);
        let schema =
            format!(r#"{{"type":"struct","fields":[{{"type":"struct","fields":[{parse}],"field":"after"}}]}}"#);
        let columns = from_event_schema(None, &schema).unwrap().columns;
        let logical = json["name"].as_str().map(|name| format!("`{name}`")).unwrap_or_default();
        let mapped = columns[0].mapped(&ConnectorSettings::default());
        text.push_str(&row(json["type"].as_str().unwrap(), &logical, &mapped));
    }
    text
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a developer's switch, read by tests only")]
fn the_page_of_types_is_what_the_code_does() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("TYPES.md");
    let made = table();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &made).expect("the page is writable");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, made, "TYPES.md differs; see the module's comment");
}
