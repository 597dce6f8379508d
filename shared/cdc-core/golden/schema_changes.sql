CREATE MATERIALIZED VIEW "cdc_landing"."_schema_changes"
DISTSTYLE EVEN
AUTO REFRESH NO
AS SELECT kafka_partition, kafka_offset, kafka_timestamp_type, kafka_timestamp,
          kafka_key, kafka_value, kafka_headers, refresh_time
FROM "cdc_kafka"."salesdb";

CREATE OR REPLACE PROCEDURE "cdc"."sp_refresh_salesdb_sales_order_detail"()
AS $procedure$
-- Purpose: make the landing view catch up with its topic, for callers that do not own it.
-- Writes:  the landing view only. Safe to repeat: a refresh with nothing new changes nothing.
-- By hand: CALL "cdc"."sp_refresh_salesdb_sales_order_detail"();
BEGIN
    EXECUTE 'REFRESH MATERIALIZED VIEW "cdc_landing"."salesdb_sales_order_detail"';
    EXECUTE 'REFRESH MATERIALIZED VIEW "cdc_landing"."_schema_changes"';
END;
$procedure$ LANGUAGE plpgsql SECURITY DEFINER
