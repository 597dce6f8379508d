CREATE OR REPLACE PROCEDURE "cdc"."sp_reshape_salesdb_sales_order_detail"()
AS $procedure$
-- Purpose: take the clear values of protected columns away. Called once and dropped.
DECLARE
    cdc_probe BIGINT;
BEGIN
    LOCK TABLE "cdc"."watermark_salesdb_sales_order_detail";
    SELECT COUNT(*) INTO cdc_probe FROM "cdc"."hash_key" AS y;
    IF cdc_probe <> 1 THEN
        RAISE EXCEPTION 'the table hash_key has not exactly one row, so nothing can be hashed; restore it from its backup';
    END IF;
    ALTER TABLE "salesdb"."sales_order_detail" ADD COLUMN "_cdc_new_note" VARCHAR(64);
    UPDATE "salesdb"."sales_order_detail" SET "_cdc_new_note" = CASE WHEN "note" IS NOT NULL THEN SHA2((SELECT y.hash_key FROM "cdc"."hash_key" AS y) || ':' || SHA2("note", 256), 256) END::VARCHAR(64);
    ALTER TABLE "salesdb"."sales_order_detail" DROP COLUMN "note";
    ALTER TABLE "salesdb"."sales_order_detail" RENAME COLUMN "_cdc_new_note" TO "note";
    ALTER TABLE "salesdb"."sales_order_detail" ADD COLUMN "_cdc_new_email" VARCHAR(64);
    UPDATE "salesdb"."sales_order_detail" SET "_cdc_new_email" = CASE WHEN "email" IS NOT NULL THEN SHA2((SELECT y.hash_key FROM "cdc"."hash_key" AS y) || ':' || SHA2("email", 256), 256) END::VARCHAR(64);
    ALTER TABLE "salesdb"."sales_order_detail" DROP COLUMN "email";
    ALTER TABLE "salesdb"."sales_order_detail" RENAME COLUMN "_cdc_new_email" TO "email";
    ALTER TABLE "salesdb"."sales_order_detail" ADD COLUMN "_cdc_new_card" VARCHAR(20);
    UPDATE "salesdb"."sales_order_detail" SET "_cdc_new_card" = "cdc"."f_keep_last"("card", 4)::VARCHAR(20);
    ALTER TABLE "salesdb"."sales_order_detail" DROP COLUMN "card";
    ALTER TABLE "salesdb"."sales_order_detail" RENAME COLUMN "_cdc_new_card" TO "card";
    ALTER TABLE "salesdb"."sales_order_detail" DROP COLUMN "email_until_0a1b2c3d";
    ALTER TABLE "cdc"."watermark_salesdb_sales_order_detail" RENAME TO "watermark_salesdb_sales_order_detail__cdc_old";
    CREATE TABLE IF NOT EXISTS "cdc"."watermark_salesdb_sales_order_detail" (     kafka_partition BIGINT NOT NULL,     kafka_offset BIGINT NOT NULL,     kafka_timestamp TIMESTAMP,     refresh_time TIMESTAMP,     gaps BIGINT NOT NULL,     merged_at TIMESTAMP NOT NULL ) DISTSTYLE ALL;
    INSERT INTO "cdc"."watermark_salesdb_sales_order_detail" (kafka_partition, kafka_offset, kafka_timestamp, refresh_time, gaps, merged_at) SELECT kafka_partition, kafka_offset, kafka_timestamp, refresh_time, gaps, merged_at FROM "cdc"."watermark_salesdb_sales_order_detail__cdc_old";
    DROP TABLE "cdc"."watermark_salesdb_sales_order_detail__cdc_old";
    GRANT SELECT ON "cdc"."watermark_salesdb_sales_order_detail" TO ROLE "redshift_cdc_salesdb";
END;
$procedure$ LANGUAGE plpgsql;

CALL "cdc"."sp_reshape_salesdb_sales_order_detail"();

DROP PROCEDURE "cdc"."sp_reshape_salesdb_sales_order_detail"()
