CREATE SCHEMA IF NOT EXISTS "cdc";

CREATE TABLE IF NOT EXISTS "cdc"."catalog" (
    applied_at TIMESTAMP NOT NULL,
    object_kind VARCHAR(32) NOT NULL,
    object_name VARCHAR(300) NOT NULL,
    action VARCHAR(16) NOT NULL,
    fingerprint VARCHAR(64) NOT NULL,
    table_name VARCHAR(260),
    topic VARCHAR(260),
    reason VARCHAR(1024)
)
DISTSTYLE AUTO;

CREATE TABLE IF NOT EXISTS "cdc"."quarantine" (
    quarantined_at TIMESTAMP NOT NULL,
    table_name VARCHAR(260) NOT NULL,
    topic VARCHAR(260) NOT NULL,
    kafka_partition BIGINT NOT NULL,
    kafka_offset BIGINT NOT NULL,
    kafka_timestamp TIMESTAMP,
    scope VARCHAR(8) NOT NULL,
    reason VARCHAR(256) NOT NULL,
    column_names VARCHAR(65535),
    kafka_key VARBYTE(16777216),
    kafka_value VARBYTE(16777216)
)
DISTSTYLE EVEN
SORTKEY (quarantined_at);

CREATE TABLE IF NOT EXISTS "cdc"."merge_log" (
    merged_at TIMESTAMP NOT NULL,
    table_name VARCHAR(260) NOT NULL,
    kafka_partition BIGINT NOT NULL,
    first_offset BIGINT NOT NULL,
    last_offset BIGINT NOT NULL,
    landed BIGINT NOT NULL,
    reads BIGINT NOT NULL,
    creates BIGINT NOT NULL,
    updates BIGINT NOT NULL,
    deletes BIGINT NOT NULL,
    tombstones BIGINT NOT NULL,
    stale BIGINT NOT NULL,
    quarantined BIGINT NOT NULL,
    nulled_values BIGINT NOT NULL,
    truncated_values BIGINT NOT NULL,
    newest_source_ts TIMESTAMP
)
DISTSTYLE EVEN
SORTKEY (merged_at);

CREATE TABLE IF NOT EXISTS "cdc"."gaps" (
    detected_at TIMESTAMP NOT NULL,
    table_name VARCHAR(260) NOT NULL,
    kafka_partition BIGINT NOT NULL,
    first_missing BIGINT NOT NULL,
    last_missing BIGINT NOT NULL
)
DISTSTYLE EVEN
SORTKEY (detected_at);

CREATE TABLE IF NOT EXISTS "cdc"."holds" (
    held_at TIMESTAMP NOT NULL,
    table_name VARCHAR(260) NOT NULL,
    topic VARCHAR(260) NOT NULL,
    kafka_partition BIGINT NOT NULL,
    kafka_offset BIGINT NOT NULL,
    reason VARCHAR(256) NOT NULL
)
DISTSTYLE EVEN
SORTKEY (held_at);

CREATE TABLE IF NOT EXISTS "cdc"."definitions" (
    recorded_at TIMESTAMP NOT NULL,
    table_name VARCHAR(260) NOT NULL,
    piece BIGINT NOT NULL,
    learned_from VARCHAR(65535) NOT NULL
)
DISTSTYLE AUTO;

DELETE FROM "cdc"."definitions" WHERE table_name = 'sales.order';
INSERT INTO "cdc"."definitions" (recorded_at, table_name, piece, learned_from) VALUES (SYSDATE, 'sales.order', 1, '{"key":"it''s"}');

CREATE TABLE IF NOT EXISTS "cdc"."truncations" (
    detected_at TIMESTAMP NOT NULL,
    table_name VARCHAR(260) NOT NULL,
    source_domain VARCHAR(128),
    source_position VARCHAR(80),
    source_ts TIMESTAMP,
    arrival TIMESTAMP,
    applied BOOLEAN NOT NULL
)
DISTSTYLE EVEN;

CREATE TABLE IF NOT EXISTS "cdc"."settings_probe" (probe SUPER)
DISTSTYLE ALL;

DELETE FROM "cdc"."settings_probe";

INSERT INTO "cdc"."settings_probe" SELECT JSON_PARSE('{"cdcProbe":1}');

CREATE EXTERNAL SCHEMA "cdc_kafka"
FROM KAFKA
IAM_ROLE 'arn:aws:iam::123456789012:role/redshift-stream'
URI 'b-1.example:9098,b-2.example:9098'
AUTHENTICATION iam;

CREATE OR REPLACE VIEW "cdc"."watermarks" AS
SELECT CAST('salesdb.sales_order_detail' AS VARCHAR(260)) AS table_name, w.kafka_partition, w.kafka_offset,
       DATEDIFF(millisecond, CAST('1970-01-01' AS TIMESTAMP), w.kafka_timestamp) AS kafka_timestamp_ms,
       DATEDIFF(millisecond, CAST('1970-01-01' AS TIMESTAMP), w.refresh_time) AS refresh_time_ms,
       w.gaps,
       DATEDIFF(millisecond, CAST('1970-01-01' AS TIMESTAMP), w.merged_at) AS merged_at_ms
FROM "cdc"."watermark_salesdb_sales_order_detail" AS w
UNION ALL
SELECT CAST('shop db.it''s "odd"' AS VARCHAR(260)) AS table_name, w.kafka_partition, w.kafka_offset,
       DATEDIFF(millisecond, CAST('1970-01-01' AS TIMESTAMP), w.kafka_timestamp) AS kafka_timestamp_ms,
       DATEDIFF(millisecond, CAST('1970-01-01' AS TIMESTAMP), w.refresh_time) AS refresh_time_ms,
       w.gaps,
       DATEDIFF(millisecond, CAST('1970-01-01' AS TIMESTAMP), w.merged_at) AS merged_at_ms
FROM "cdc"."watermark_shop_db_it_s__odd__1a2b3c4d" AS w
WITH NO SCHEMA BINDING
