SET enable_case_sensitive_identifier TO true;
CALL "cdc"."sp_refresh_salesdb_sales_order_detail"();
CALL "cdc"."sp_refresh_shop_db_it_s__odd__1a2b3c4d"();
CALL "cdc"."sp_merge_salesdb_sales_order_detail"(100000, -1, -1);
CALL "cdc"."sp_merge_shop_db_it_s__odd__1a2b3c4d"(1, 2, 17);
SELECT w.table_name, w.kafka_partition, w.kafka_offset, w.kafka_timestamp_ms, w.refresh_time_ms, w.gaps, w.merged_at_ms FROM "cdc"."watermarks" AS w WHERE w.table_name IN ('salesdb.sales_order_detail', 'shop db.it''s "odd"') ORDER BY w.table_name, w.kafka_partition
