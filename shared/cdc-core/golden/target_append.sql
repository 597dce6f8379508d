CREATE TABLE IF NOT EXISTS "salesdb"."sales_order_detail" (
    "order_id" BIGINT,
    "line_no" INTEGER,
    "sku" VARCHAR(96),
    "quantity" DECIMAL(10,3),
    "note" VARCHAR(65535),
    "_cdc_op" VARCHAR(1),
    "_cdc_unavailable" VARCHAR(65535),
    "_cdc_domain" VARCHAR(128),
    "_cdc_position" VARCHAR(80),
    "_cdc_source_ts" TIMESTAMP,
    "_cdc_kafka_partition" BIGINT,
    "_cdc_kafka_offset" BIGINT
)
DISTSTYLE KEY DISTKEY ("order_id")
COMPOUND SORTKEY ("order_id", "line_no");

CREATE TABLE IF NOT EXISTS "shop db"."it's ""odd""" (
    "select" VARCHAR(40),
    "it's" DECIMAL(20,0),
    "a""b" DECIMAL(38,10),
    "float 32" REAL,
    "flag" BOOLEAN,
    "day" DATE,
    "t_ms" TIME,
    "t_us" TIME,
    "ts_ms" TIMESTAMP,
    "ts_us" TIMESTAMP,
    "zoned" TIMESTAMPTZ,
    "raw" VARBYTE(64),
    "b64" VARBYTE(65535),
    "binary" VARBYTE(16),
    "any" DECIMAL(10,0),
    "var" VARCHAR(100),
    "iso_day" DATE,
    "iso_time" TIME,
    "iso_ts" TIMESTAMP,
    "t_ns" TIME,
    "ts_ns" TIMESTAMP,
    "bits" VARCHAR(12),
    "shape" VARCHAR(65535),
    "tags" SUPER,
    "amounts" SUPER,
    "days" SUPER,
    "cut" VARCHAR(10),
    "dropped" VARCHAR(10),
    "_cdc_op" VARCHAR(1),
    "_cdc_unavailable" VARCHAR(65535),
    "_cdc_domain" VARCHAR(128),
    "_cdc_position" VARCHAR(80),
    "_cdc_source_ts" TIMESTAMP,
    "_cdc_kafka_partition" BIGINT,
    "_cdc_kafka_offset" BIGINT
)
DISTSTYLE KEY DISTKEY ("select")
COMPOUND SORTKEY ("select")
