CREATE MATERIALIZED VIEW "cdc_landing"."salesdb_sales_order_detail"
DISTSTYLE EVEN
AUTO REFRESH NO
AS SELECT kafka_partition, kafka_offset, kafka_timestamp_type, kafka_timestamp,
          kafka_key, kafka_value, kafka_headers, refresh_time
FROM "cdc_kafka"."salesdb.salesdb.SALES_ORDER_DETAIL";

ALTER MATERIALIZED VIEW "cdc_landing"."salesdb_sales_order_detail" AUTO REFRESH NO;

CREATE OR REPLACE VIEW "cdc_landing"."salesdb_sales_order_detail_events" AS
SELECT l.kafka_partition, l.kafka_offset, l.kafka_timestamp, l.refresh_time,
       FROM_VARBYTE(l.kafka_key, 'utf-8') AS event_key,
       CASE WHEN CAN_JSON_PARSE(l.kafka_value) THEN JSON_PARSE(l.kafka_value) END AS payload
FROM "cdc_landing"."salesdb_sales_order_detail" AS l
WITH NO SCHEMA BINDING;

CREATE TABLE IF NOT EXISTS "salesdb"."sales_order_detail" (
    "order_id" BIGINT NOT NULL,
    "line_no" INTEGER NOT NULL,
    "sku" VARCHAR(96),
    "quantity" DECIMAL(10,3),
    "note" VARCHAR(65535),
    "_cdc_domain" VARCHAR(128),
    "_cdc_position" VARCHAR(80),
    "_cdc_source_ts" TIMESTAMP,
    "_cdc_kafka_partition" BIGINT,
    "_cdc_kafka_offset" BIGINT
)
DISTSTYLE KEY DISTKEY ("order_id")
COMPOUND SORTKEY ("order_id", "line_no");

CREATE TABLE IF NOT EXISTS "cdc"."watermark_salesdb_sales_order_detail" (
    kafka_partition BIGINT NOT NULL,
    kafka_offset BIGINT NOT NULL,
    kafka_timestamp TIMESTAMP,
    refresh_time TIMESTAMP,
    gaps BIGINT NOT NULL,
    merged_at TIMESTAMP NOT NULL
)
DISTSTYLE ALL;

CREATE TABLE IF NOT EXISTS "cdc"."ledger_salesdb_sales_order_detail" (
    "order_id" BIGINT NOT NULL,
    "line_no" INTEGER NOT NULL,
    "_cdc_domain" VARCHAR(128),
    "_cdc_position" VARCHAR(80),
    "_cdc_source_ts" TIMESTAMP,
    "_cdc_kafka_partition" BIGINT,
    "_cdc_deleted_at" TIMESTAMP NOT NULL
)
DISTSTYLE KEY DISTKEY ("order_id")
COMPOUND SORTKEY ("order_id", "line_no");

CREATE OR REPLACE PROCEDURE "cdc"."sp_refresh_salesdb_sales_order_detail"()
AS $procedure$
-- Purpose: make the landing view catch up with its topic, for callers that do not own it.
-- Writes:  the landing view only. Safe to repeat: a refresh with nothing new changes nothing.
-- By hand: CALL "cdc"."sp_refresh_salesdb_sales_order_detail"();
BEGIN
    EXECUTE 'REFRESH MATERIALIZED VIEW "cdc_landing"."salesdb_sales_order_detail"';
END;
$procedure$ LANGUAGE plpgsql SECURITY DEFINER
