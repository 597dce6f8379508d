//! Which definition of its table an event is of, by its place in the source's log.
//!
//! Kafka's time tells where the place does not: Connect's producer stamps records in the order in
//! which the connector hands them over, a schema change before the events that follow it (Apache
//! Kafka, `message.timestamp.type=CreateTime`, the default). What is stamped in the change's own
//! millisecond is told by nothing but what else the event carries.

use super::super::decoding_functions::{PASSED, POSITION};
use super::super::ident::literal;
use super::super::layout::Layout;
use super::super::merge_procedure::{millis_to_timestamp, origin};
use crate::catalog::{ChangePoint, TableDefinition};

/// Kafka's times that are no further apart than this tell no order, in milliseconds.
pub(in crate::sql) const MARGIN_MS: i64 = 1;

/// Whether an event is at or after a schema change, or may be. `event` names a relation with
/// `_cdc_log_server`, `_cdc_log_position` and `_cdc_kafka_timestamp`; `position` and
/// `kafka_timestamp` are expressions for the change's place, and `comparable` is the condition,
/// beginning with ` AND `, under which positions count.
///
/// Positions count on one server only; a snapshot's records do not tell the server. Otherwise
/// Kafka's time decides: Debezium writes a schema change before the events that follow it.
pub(in crate::sql) fn at_or_after(event: &str, comparable: &str, position: &str, kafka_timestamp: &str) -> String {
    format!(
        "CASE WHEN {event}._cdc_log_position IS NOT NULL{comparable}\n\
         \x20               THEN {event}._cdc_log_position >= {position}\n\
         \x20               ELSE COALESCE({event}._cdc_kafka_timestamp >= DATEADD(millisecond, -{MARGIN_MS}, {kafka_timestamp}), true) END"
    )
}

/// The place in the log of a relation with the attributes `file` and `pos`.
pub(in crate::sql) fn log_position(layout: &Layout, source: &str) -> String {
    position(layout, &format!("{source}.\"file\"::VARCHAR(512)"), &format!("{source}.\"pos\"::BIGINT"))
}

fn position(layout: &Layout, file: &str, pos: &str) -> String {
    format!("{}(NULL, NULL, {file}, {pos}, 0, NULL)::VARCHAR(80)", layout.function(POSITION))
}

/// What tells the place of the event `e`, as columns that end with a comma. Of flattened rows the
/// server is -1 if they do not have it: then the place is that of some server.
pub(in crate::sql) fn columns(layout: &Layout) -> String {
    let field = |name: &str, kind: &str| {
        format!("{}, CASE WHEN e.is_row THEN e.envelope.\"__{name}\"::{kind} END", origin(name, kind))
    };
    let either = |name: &str, kind: &str| format!("COALESCE({})", field(name, kind));
    format!(
        "\n\
         \x20          e.kafka_timestamp AS _cdc_kafka_timestamp,\n\
         \x20          COALESCE({server_id}, CASE WHEN e.is_row THEN -1 ELSE 0 END) AS _cdc_log_server,\n\
         \x20          {position} AS _cdc_log_position,\n\
         \x20          CASE WHEN e.is_row THEN e.envelope.\"__ts_ms\"::BIGINT ELSE e.envelope.\"ts_ms\"::BIGINT END AS _cdc_connector_ms,",
        server_id = field("server_id", "BIGINT"),
        position = position(layout, &either("file", "VARCHAR(512)"), &either("pos", "BIGINT")),
    )
}

/// The events of `source`, each with the first and the last version that it may be of, counted from
/// 0 for the oldest: a query.
pub(in crate::sql) fn versions(layout: &Layout, table: &TableDefinition, source: &str) -> String {
    let number = |number: Option<i64>| number.map_or_else(|| "NULL".to_owned(), |number| number.to_string());
    let passed = |point: &ChangePoint| {
        format!(
            "{function}(e._cdc_log_position, e._cdc_log_server, e._cdc_kafka_ms, e._cdc_source_ms, e._cdc_connector_ms, {position}, {server}, {kafka}, {source}, {connector})",
            function = layout.function(PASSED),
            position = literal(&point.log.position),
            server = point.log.server_id,
            kafka = number(point.kafka_timestamp_ms),
            source = number(point.source_ms),
            connector = number(point.connector_ms),
        )
    };
    let passed: Vec<String> = table.former.iter().filter_map(|former| former.until.as_ref()).map(passed).collect();
    format!(
        "SELECT p.*, MOD(p._cdc_passed, 1000) AS _cdc_version, p._cdc_passed / 1000 AS _cdc_version_to\n\
         \x20   FROM (SELECT e.*,\n\
         \x20                {passed} AS _cdc_passed\n\
         \x20         FROM (SELECT s.*, DATEDIFF(millisecond, CAST('1970-01-01' AS TIMESTAMP), s._cdc_kafka_timestamp) AS _cdc_kafka_ms\n\
         \x20               FROM {source} AS s) AS e) AS p",
        passed = passed.join("\n                 + "),
    )
}

/// A timestamp literal; the epoch if none is known.
pub(in crate::sql) fn timestamp(millis: Option<i64>) -> String {
    millis_to_timestamp(&millis.unwrap_or(0).to_string(), "CAST('1970-01-01' AS TIMESTAMP)")
}
