CREATE OR REPLACE PROCEDURE "cdc"."sp_reshape_salesdb_sales_order_detail"()
AS $procedure$
-- Purpose: build the table anew with another key. Called once and dropped.
BEGIN
    LOCK TABLE "cdc"."watermark_salesdb_sales_order_detail";
    DROP TABLE IF EXISTS "salesdb"."sales_order_detail__cdc_new";
    CREATE TABLE "salesdb"."sales_order_detail__cdc_new" ("order_id" BIGINT NOT NULL, "line_no" INTEGER, "sku" VARCHAR(96), "quantity" DECIMAL(10,3), "note" VARCHAR(65535), "gone" INTEGER, "_cdc_domain" VARCHAR(128), "_cdc_position" VARCHAR(80), "_cdc_source_ts" TIMESTAMP, "_cdc_kafka_partition" BIGINT, "_cdc_kafka_offset" BIGINT) DISTSTYLE KEY DISTKEY ("order_id") COMPOUND SORTKEY ("order_id");
    INSERT INTO "salesdb"."sales_order_detail__cdc_new" ("order_id", "line_no", "sku", "quantity", "note", "gone", "_cdc_domain", "_cdc_position", "_cdc_source_ts", "_cdc_kafka_partition", "_cdc_kafka_offset") SELECT "order_id", "line_no", "sku", "quantity", "note", "gone", "_cdc_domain", "_cdc_position", "_cdc_source_ts", "_cdc_kafka_partition", "_cdc_kafka_offset" FROM "salesdb"."sales_order_detail";
    ALTER TABLE "salesdb"."sales_order_detail" RENAME TO "sales_order_detail__cdc_old";
    ALTER TABLE "salesdb"."sales_order_detail__cdc_new" RENAME TO "sales_order_detail";
    DROP TABLE "salesdb"."sales_order_detail__cdc_old";
    DROP TABLE IF EXISTS "cdc"."ledger_salesdb_sales_order_detail";
    CREATE TABLE IF NOT EXISTS "cdc"."ledger_salesdb_sales_order_detail" (     "order_id" BIGINT NOT NULL,     "_cdc_domain" VARCHAR(128),     "_cdc_position" VARCHAR(80),     "_cdc_source_ts" TIMESTAMP,     "_cdc_kafka_partition" BIGINT,     "_cdc_deleted_at" TIMESTAMP NOT NULL ) DISTSTYLE KEY DISTKEY ("order_id") COMPOUND SORTKEY ("order_id");
    GRANT USAGE ON SCHEMA "salesdb" TO ROLE "analysts";
    GRANT SELECT ON "salesdb"."sales_order_detail" TO ROLE "analysts";
    GRANT SELECT ON "salesdb"."sales_order_detail" TO "IAMR:Ana" WITH GRANT OPTION;
    GRANT SELECT ON "salesdb"."sales_order_detail" TO ROLE "auditors";
    GRANT SELECT, DELETE ON "salesdb"."sales_order_detail" TO GROUP "staff";
    GRANT SELECT ("gone") ON "salesdb"."sales_order_detail" TO PUBLIC;
END;
$procedure$ LANGUAGE plpgsql;

CALL "cdc"."sp_reshape_salesdb_sales_order_detail"();

DROP PROCEDURE "cdc"."sp_reshape_salesdb_sales_order_detail"()
