//! Which version of the table an event is of, told by the schema that it carries; and events with
//! a schema that nobody knows, which wait.
//!
//! Events are grouped by their schema's text, which is compared with nothing but others of the
//! same merge: neither the order of attributes nor the exact text of JSON_SERIALIZE_TO_VARBYTE is
//! documented. One event of each group has its fields unnested, and their forms are compared with
//! those that the provisioner knows.

use sha2::{Digest, Sha256};

use super::Writer;
use crate::catalog::Shapes;
use crate::columns::form;
use crate::sql::grants::in_list;
use crate::sql::ident::{literal, quoted};

/// Bytes of a schema that one piece of its outline covers: VARCHAR holds 65,535 hexadecimal digits.
const PIECE_BYTES: u32 = 30_000;

/// Pieces of an outline. A longer schema is a group of its own for each event.
const PIECES: u32 = 5;

impl Writer<'_> {
    /// The stages up to `shaped`, which has the version of each event that carries a schema, and
    /// what has to wait.
    pub(super) fn shape_holds(&self, shapes: &Shapes) -> String {
        let stage = |name| self.stage(name);
        let (parsed, events, held) = (stage("parsed"), stage("events"), stage("held"));
        let (outline, sample, row, facts) = (stage("outline"), stage("sample"), stage("row"), stage("facts"));
        let (known, verdict, shaped) = (stage("known"), stage("verdict"), stage("shaped"));
        let after = "p.document.\"schema\".\"fields\"[1]";
        let pieces: Vec<String> = (0..PIECES)
            .map(|piece| format!("MD5(TO_HEX(SUBSTRING(o.bytes, {}, {PIECE_BYTES})))", piece * PIECE_BYTES + 1))
            .collect();
        format!(
            "\x20   -- outline, sample, row, facts: the schemas that events carry, their columns and the form of each.\n\
             \x20   DROP TABLE IF EXISTS {outline};\n\
             \x20   CREATE TEMP TABLE {outline} AS\n\
             \x20   SELECT o.kafka_partition, o.kafka_offset,\n\
             \x20          {pieces} || CASE WHEN OCTET_LENGTH(o.bytes) > {longest}\n\
             \x20                THEN o.kafka_partition::VARCHAR(20) || ' ' || o.kafka_offset::VARCHAR(20) ELSE '' END AS outline\n\
             \x20   FROM (SELECT p.kafka_partition, p.kafka_offset,\n\
             \x20                JSON_SERIALIZE_TO_VARBYTE(CASE WHEN {after}.\"field\"::VARCHAR(512) = 'after' THEN {after} ELSE p.document.\"schema\" END) AS bytes\n\
             \x20         FROM {parsed} AS p WHERE IS_OBJECT(p.document.\"schema\") AND IS_OBJECT(p.document.\"payload\")) AS o;\n\
             \x20   DROP TABLE IF EXISTS {sample};\n\
             \x20   CREATE TEMP TABLE {sample} AS\n\
             \x20   SELECT g.outline, p.document.\"schema\" AS value_schema\n\
             \x20   FROM (SELECT o.outline, o.kafka_partition, o.kafka_offset,\n\
             \x20                ROW_NUMBER() OVER (PARTITION BY o.outline ORDER BY o.kafka_partition, o.kafka_offset) AS nth\n\
             \x20         FROM {outline} AS o) AS g\n\
             \x20   JOIN {parsed} AS p ON p.kafka_partition = g.kafka_partition AND p.kafka_offset = g.kafka_offset\n\
             \x20   WHERE g.nth = 1;\n\
             \x20   DROP TABLE IF EXISTS {row};\n\
             \x20   CREATE TEMP TABLE {row} AS\n\
             \x20   SELECT s.outline, r AS row_schema FROM {sample} AS s, s.value_schema.\"fields\" AS r WHERE r.\"field\"::VARCHAR(512) = 'after';\n\
             \x20   INSERT INTO {row}\n\
             \x20   SELECT s.outline, s.value_schema FROM {sample} AS s WHERE RIGHT(s.value_schema.\"name\"::VARCHAR(65535), 6) = '.Value';\n\
             \x20   DROP TABLE IF EXISTS {facts};\n\
             \x20   CREATE TEMP TABLE {facts} AS\n\
             \x20   SELECT r.outline, f.\"field\"::VARCHAR(512) AS attribute,\n\
             \x20          ({form})::VARCHAR(4096) AS form\n\
             \x20   FROM {row} AS r, r.row_schema.\"fields\" AS f\n\
             \x20   WHERE (RIGHT(r.row_schema.\"name\"::VARCHAR(65535), 6) <> '.Value' OR r.row_schema.\"field\"::VARCHAR(512) = 'after' OR LEFT(f.\"field\"::VARCHAR(512), 2) <> '__'){counted};\n\
             \x20   -- known, verdict, shaped: what of that is known, and which version of the table each event is of.\n\
             \x20   DROP TABLE IF EXISTS {known};\n\
             \x20   CREATE TEMP TABLE {known} (attribute VARCHAR(512), form VARCHAR(4096), weight BIGINT);\n\
             \x20   INSERT INTO {known} VALUES {knowns};\n\
             \x20   DROP TABLE IF EXISTS {verdict};\n\
             \x20   CREATE TEMP TABLE {verdict} AS\n\
             \x20   SELECT f.outline, COUNT(*) AS facts, COUNT(k.weight) AS known, SUM(k.weight) AS weight,\n\
             \x20          MIN(CASE WHEN n.attribute IS NULL THEN 'column ' || LEFT(f.attribute, 200) || ' is new'\n\
             \x20                   WHEN k.weight IS NULL THEN 'column ' || LEFT(f.attribute, 100) || ' is ' || LEFT(f.form, 100) || ' now' END) AS stranger\n\
             \x20   FROM {facts} AS f LEFT JOIN {known} AS k ON k.attribute = f.attribute AND k.form = f.form\n\
             \x20   LEFT JOIN (SELECT a.attribute FROM {known} AS a GROUP BY a.attribute) AS n ON n.attribute = f.attribute\n\
             \x20   GROUP BY f.outline;\n\
             \x20   DROP TABLE IF EXISTS {shaped};\n\
             \x20   CREATE TEMP TABLE {shaped} AS\n\
             \x20   SELECT o.kafka_partition, o.kafka_offset, v.outline, v.stranger,\n\
             \x20          CASE {versions} END AS version\n\
             \x20   FROM {outline} AS o LEFT JOIN {verdict} AS v ON v.outline = o.outline;\n\
             \x20   INSERT INTO {held}\n\
             \x20   SELECT s.kafka_partition, MIN(s.kafka_offset), COALESCE(s.stranger, 'a column is gone')\n\
             \x20   FROM {shaped} AS s WHERE s.version IS NULL AND s.outline IS NOT NULL GROUP BY s.kafka_partition, s.stranger;\n\
             \x20   -- An event without a schema that has the table's columns waits: the converter was set otherwise.\n\
             \x20   INSERT INTO {held}\n\
             \x20   SELECT c.kafka_partition, MIN(c.kafka_offset), 'the event carries no schema'\n\
             \x20   FROM (SELECT n.kafka_partition, n.kafka_offset, COUNT(*) AS attributes, COUNT(k.attribute) AS known\n\
             \x20         FROM (SELECT e._cdc_kafka_partition AS kafka_partition, e._cdc_kafka_offset AS kafka_offset, attribute\n\
             \x20               FROM (SELECT e.* FROM {events} AS e LEFT JOIN {shaped} AS s ON s.kafka_partition = e._cdc_kafka_partition AND s.kafka_offset = e._cdc_kafka_offset\n\
             \x20                     WHERE s.kafka_offset IS NULL AND e._cdc_op IN ('c', 'r', 'u', 'd')) AS e, UNPIVOT e._cdc_image AS value AT attribute) AS n\n\
             \x20         LEFT JOIN (SELECT a.attribute FROM {known} AS a GROUP BY a.attribute) AS k ON k.attribute = n.attribute\n\
             \x20         GROUP BY n.kafka_partition, n.kafka_offset) AS c\n\
             \x20   WHERE c.known = c.attributes AND c.attributes IN ({counts}) GROUP BY c.kafka_partition;\n",
            pieces = pieces.join(" || "),
            longest = PIECES * PIECE_BYTES,
            form = form_of("f"),
            counted = counted(shapes),
            knowns = knowns(shapes),
            versions = versions(shapes),
            counts = counts(shapes),
        )
    }

    /// Events without a schema that do not wait: nothing tells how their values are to be read.
    pub(super) fn without_schema(&self) -> String {
        let typed = self.stage("typed");
        format!(
            "\x20   UPDATE {typed} SET _cdc_fault = 'the event carries no schema, as the events of this table do'\n\
             \x20   FROM (SELECT t._cdc_kafka_partition, t._cdc_kafka_offset FROM {typed} AS t\n\
             \x20         LEFT JOIN {shaped} AS s ON s.kafka_partition = t._cdc_kafka_partition AND s.kafka_offset = t._cdc_kafka_offset\n\
             \x20         WHERE s.kafka_offset IS NULL AND t._cdc_fault IS NULL) AS f\n\
             \x20   WHERE {typed}._cdc_kafka_partition = f._cdc_kafka_partition AND {typed}._cdc_kafka_offset = f._cdc_kafka_offset;",
            shaped = self.stage("shaped"),
        )
    }

    /// The version of each event as `_cdc_version`, for a table whose versions the events' schemas
    /// tell: a query over `source`.
    pub(super) fn shaped_versions(&self, source: &str) -> String {
        format!(
            "SELECT e.*, COALESCE(s.version, {present}) AS _cdc_version\n\
             \x20         FROM {source} AS e LEFT JOIN {shaped} AS s ON s.kafka_partition = e._cdc_kafka_partition AND s.kafka_offset = e._cdc_kafka_offset",
            present = self.table.former.len(),
            shaped = self.stage("shaped"),
        )
    }
}

/// The form of a field, as [`form::of`] makes it.
fn form_of(field: &str) -> String {
    let path = |path: &[&str]| path.iter().fold(field.to_owned(), |text, name| format!("{text}.{}", quoted(name)));
    let parts: Vec<String> = form::PARTS
        .iter()
        .map(|(label, names)| {
            let value = format!("{}::VARCHAR(512)", path(names));
            if label.is_empty() {
                format!("COALESCE({value}, '')")
            } else {
                format!("COALESCE({} || {value}, '')", literal(label))
            }
        })
        .collect();
    let length = format!("OCTET_LENGTH({}::VARCHAR(65535))", path(&form::ALLOWED));
    let steps: Vec<String> = form::STEPS
        .windows(2)
        .rev()
        .map(|pair| format!("WHEN {length} > {} THEN {}", pair[0], literal(&form::size_text(pair[1]))))
        .collect();
    format!("{}\n           || CASE {} ELSE '' END", parts.join("\n           || "), steps.join("\n              "))
}

fn counted(shapes: &Shapes) -> String {
    let list =
        |names: &std::collections::BTreeSet<String>| in_list(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut text = String::new();
    if let Some(only) = &shapes.only {
        text.push_str(&format!(" AND f.\"field\"::VARCHAR(512) IN ({})", list(only)));
    }
    if !shapes.ignored.is_empty() {
        text.push_str(&format!(" AND f.\"field\"::VARCHAR(512) NOT IN ({})", list(&shapes.ignored)));
    }
    text
}

/// A number that stands for one column in one form. Sums of them tell sets of columns apart.
pub(super) fn weight(attribute: &str, form: &str) -> i64 {
    let digest = Sha256::digest(format!("{attribute}\0{form}").as_bytes());
    digest.iter().take(6).fold(0, |number, byte| number << 8 | i64::from(*byte))
}

fn knowns(shapes: &Shapes) -> String {
    let mut rows = std::collections::BTreeSet::new();
    for (attribute, form) in shapes.known.iter().flat_map(|shape| &shape.forms) {
        rows.insert(format!("({}, {}, {})", literal(attribute), literal(form), weight(attribute, form)));
    }
    if rows.is_empty() {
        return "(NULL, NULL, NULL)".to_owned();
    }
    rows.into_iter().collect::<Vec<_>>().join(",\n           ")
}

/// How many columns the known schemas have.
fn counts(shapes: &Shapes) -> String {
    let counts: std::collections::BTreeSet<usize> = shapes.known.iter().map(|shape| shape.forms.len()).collect();
    let counts: Vec<String> = counts.iter().map(usize::to_string).collect();
    if counts.is_empty() { "-1".to_owned() } else { counts.join(", ") }
}

fn versions(shapes: &Shapes) -> String {
    let branches: Vec<String> = shapes
        .known
        .iter()
        .map(|shape| {
            let count = shape.forms.len();
            let sum: i64 = shape.forms.iter().map(|(attribute, form)| weight(attribute, form)).sum();
            format!("WHEN v.facts = {count} AND v.known = {count} AND v.weight = {sum} THEN {}", shape.version)
        })
        .collect();
    branches.join("\n               ")
}
