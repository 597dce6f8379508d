SET enable_case_sensitive_identifier TO true;
SET json_parse_truncate_strings TO on;
CALL "cdc"."sp_refresh_salesdb_sales_order_detail"();
CALL "cdc"."sp_refresh_shop_db_it_s__odd__1a2b3c4d"();
CALL "cdc"."sp_merge_salesdb_sales_order_detail"(100000, -1, -1);
CALL "cdc"."sp_merge_shop_db_it_s__odd__1a2b3c4d"(1, 2, 17);
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
ORDER BY table_name, kafka_partition
