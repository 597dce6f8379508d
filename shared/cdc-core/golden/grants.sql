CREATE ROLE "redshift_cdc";
CREATE USER "IAMR:change-handler" PASSWORD DISABLE;
GRANT ROLE "redshift_cdc" TO "IAMR:change-handler";
GRANT USAGE ON SCHEMA "cdc" TO ROLE "redshift_cdc";
GRANT USAGE ON SCHEMA "cdc_landing" TO ROLE "redshift_cdc";
GRANT SELECT ON "cdc"."catalog" TO ROLE "redshift_cdc";
GRANT SELECT ON "cdc"."quarantine" TO ROLE "redshift_cdc";
GRANT SELECT ON "cdc"."merge_log" TO ROLE "redshift_cdc";
GRANT SELECT ON "cdc"."gaps" TO ROLE "redshift_cdc";
GRANT SELECT ON "cdc"."holds" TO ROLE "redshift_cdc";
GRANT SELECT ON "cdc"."watermarks" TO ROLE "redshift_cdc";
GRANT EXECUTE ON PROCEDURE "cdc"."sp_refresh_salesdb_sales_order_detail"() TO ROLE "redshift_cdc";
GRANT EXECUTE ON PROCEDURE "cdc"."sp_merge_salesdb_sales_order_detail"(BIGINT, BIGINT, BIGINT) TO ROLE "redshift_cdc";
GRANT SELECT ON "cdc"."watermark_salesdb_sales_order_detail" TO ROLE "redshift_cdc";
GRANT SELECT ON "cdc_landing"."salesdb_sales_order_detail" TO ROLE "redshift_cdc";
GRANT USAGE ON SCHEMA "salesdb" TO ROLE "analysts";
GRANT SELECT ON "salesdb"."sales_order_detail" TO ROLE "analysts"
