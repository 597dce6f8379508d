//! The landing view: a streaming materialized view that keeps what Kafka delivered, raw.
//!
//! It parses nothing. A conversion that fails inside a streaming view fails every refresh from
//! then on (Redshift Database Developer Guide, "Streaming ingestion to a materialized view"),
//! and whether a guard protects `JSON_PARSE` there is not documented. Its text does not depend
//! on the table's columns, so a schema change never re-creates it: a re-created view would
//! start at the topic's beginning again.

use super::ident::qualified;
use super::layout::Layout;
use crate::catalog::TableSpec;

/// `CREATE MATERIALIZED VIEW` for a topic.
///
/// There is no sort key: refreshes append, so that blocks are in the order of `refresh_time`
/// and of each partition's offsets anyway, and zone maps serve the merge's predicate.
#[must_use]
pub fn create(layout: &Layout, spec: &TableSpec) -> String {
    landing(&layout.landing_view(spec), &layout.stream(spec), spec.auto_refresh)
}

/// `CREATE MATERIALIZED VIEW` for the schema-change topic.
#[must_use]
pub fn create_schema_changes(layout: &Layout, topic: &str) -> String {
    landing(&layout.schema_changes_view(), &qualified(&layout.external_schema, topic), false)
}

fn landing(view: &str, stream: &str, auto_refresh: bool) -> String {
    format!(
        "CREATE MATERIALIZED VIEW {view}\n\
         DISTSTYLE EVEN\n\
         AUTO REFRESH {auto}\n\
         AS SELECT kafka_partition, kafka_offset, kafka_timestamp_type, kafka_timestamp,\n\
         \x20         kafka_key, kafka_value, kafka_headers, refresh_time\n\
         FROM {stream}",
        auto = if auto_refresh { "YES" } else { "NO" },
    )
}

/// `ALTER MATERIALIZED VIEW … AUTO REFRESH`, the one option that can change in place.
#[must_use]
pub fn alter_auto_refresh(layout: &Layout, spec: &TableSpec) -> String {
    format!(
        "ALTER MATERIALIZED VIEW {} AUTO REFRESH {}",
        layout.landing_view(spec),
        if spec.auto_refresh { "YES" } else { "NO" }
    )
}

/// The view for people: one parsed payload per landed record.
///
/// Late binding, so that it neither blocks nor follows a change of the landing view.
#[must_use]
pub fn create_events_view(layout: &Layout, spec: &TableSpec) -> String {
    format!(
        "CREATE OR REPLACE VIEW {view} AS\n\
         SELECT l.kafka_partition, l.kafka_offset, l.kafka_timestamp, l.refresh_time,\n\
         \x20      FROM_VARBYTE(l.kafka_key, 'utf-8') AS event_key,\n\
         \x20      CASE WHEN CAN_JSON_PARSE(l.kafka_value) THEN JSON_PARSE(l.kafka_value) END AS payload\n\
         FROM {landing} AS l\n\
         WITH NO SCHEMA BINDING",
        view = layout.events_view(spec),
        landing = layout.landing_view(spec),
    )
}
