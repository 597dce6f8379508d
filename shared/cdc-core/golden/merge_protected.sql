CREATE TABLE IF NOT EXISTS "cdc"."hash_key" (
    hash_key VARCHAR(64) NOT NULL,
    made_at TIMESTAMP NOT NULL
)
DISTSTYLE ALL;

INSERT INTO "cdc"."hash_key" (hash_key, made_at)
SELECT SHA2(:seed || '-' || CAST(RANDOM() AS VARCHAR(40)) || '-' || CAST(RANDOM() AS VARCHAR(40)) || '-' || CAST(RANDOM() AS VARCHAR(40)) || '-' || CAST(RANDOM() AS VARCHAR(40)), 256), SYSDATE
WHERE NOT EXISTS (SELECT 1 FROM "cdc"."hash_key" AS y);

CREATE TABLE IF NOT EXISTS "salesdb"."sales_order_detail" (
    "order_id" BIGINT NOT NULL,
    "line_no" INTEGER NOT NULL,
    "sku" VARCHAR(96),
    "quantity" DECIMAL(10,3),
    "note" VARCHAR(64),
    "email" VARCHAR(64),
    "card" VARCHAR(20),
    "born" VARCHAR(64),
    "paid" VARCHAR(64),
    "tags" VARCHAR(4),
    "token" VARCHAR(64),
    "weight" VARCHAR(8),
    "_cdc_domain" VARCHAR(128),
    "_cdc_position" VARCHAR(80),
    "_cdc_source_ts" TIMESTAMP,
    "_cdc_kafka_partition" BIGINT,
    "_cdc_kafka_offset" BIGINT
)
DISTSTYLE KEY DISTKEY ("order_id")
COMPOUND SORTKEY ("order_id", "line_no");

CREATE OR REPLACE PROCEDURE "cdc"."sp_merge_salesdb_sales_order_detail"(
    cdc_max_rows IN BIGINT,
    cdc_only_partition IN BIGINT,
    cdc_quarantine_offset IN BIGINT,
    cdc_landed_rows OUT BIGINT,
    cdc_applied_rows OUT BIGINT,
    cdc_deleted_rows OUT BIGINT,
    cdc_stale_rows OUT BIGINT,
    cdc_quarantined_rows OUT BIGINT,
    cdc_pending_rows OUT BIGINT,
    cdc_held_rows OUT BIGINT
)
AS $procedure$
-- Purpose:   fold the landed records of salesdb.salesdb.SALES_ORDER_DETAIL above the watermark into "salesdb"."sales_order_detail".
-- Arguments: cdc_max_rows           at most about this many landed records are merged, the rest stays pending
--            cdc_only_partition     -1, or the one Kafka partition to merge
--            cdc_quarantine_offset  -1, or the offset of cdc_only_partition's next record, which then goes
--                               to quarantine unread because merging it fails every time
-- Returns:   one row of counts; see the OUT arguments.
-- Locking:   the table's own watermark table, first and alone. Readers of the target are never blocked.
-- Repeats:   what the watermark has passed is not read again, so a repeated call changes nothing.
-- By hand:   SET enable_case_sensitive_identifier TO true; SET json_parse_truncate_strings TO on; CALL "cdc"."sp_merge_salesdb_sales_order_detail"(100000, -1, -1);
DECLARE
    cdc_probe BIGINT;
    cdc_mark RECORD;
    cdc_scope VARCHAR(65535) := '';
    cdc_known VARCHAR(65535) := '';
    cdc_pending_total BIGINT := 0;
    cdc_partition_count BIGINT := 0;
    cdc_share BIGINT := 0;
    cdc_records_quarantined BIGINT := 0;
    cdc_values_quarantined BIGINT := 0;
    cdc_missing BIGINT := 0;
    cdc_expected BIGINT := 0;
    cdc_advanced BIGINT := 0;
    cdc_unavailable_count BIGINT := 0;
    cdc_malformed_count BIGINT := 0;
    cdc_late_reads BIGINT := 0;
    cdc_lost_rows BIGINT := 0;
    cdc_truncations BIGINT := 0;
    cdc_truncated_rows BIGINT := 0;
    cdc_news BIGINT := 0;
BEGIN
    -- The lock comes before anything that would take a snapshot.
    LOCK TABLE "cdc"."watermark_salesdb_sales_order_detail";
    -- Without case-sensitive names every mixed-case attribute would read as NULL.
    SELECT p.probe."cdcProbe"::BIGINT INTO cdc_probe FROM "cdc"."settings_probe" AS p;
    IF cdc_probe IS NULL OR cdc_probe <> 1 THEN
        RAISE EXCEPTION 'enable_case_sensitive_identifier is off in this session; set it to true before calling a merge procedure';
    END IF;
    SELECT COUNT(*) INTO cdc_probe FROM "cdc"."hash_key" AS y;
    IF cdc_probe <> 1 THEN
        RAISE EXCEPTION 'the table hash_key has not exactly one row, so nothing can be hashed; restore it from its backup';
    END IF;
    cdc_landed_rows := 0;
    cdc_applied_rows := 0;
    cdc_deleted_rows := 0;
    cdc_stale_rows := 0;
    cdc_quarantined_rows := 0;
    cdc_pending_rows := 0;
    cdc_held_rows := 0;
    -- pending: what has landed above the watermark.
    FOR cdc_mark IN SELECT w.kafka_partition, w.kafka_offset, w.refresh_time FROM "cdc"."watermark_salesdb_sales_order_detail" AS w ORDER BY w.kafka_partition LOOP
        cdc_scope := cdc_scope || ' OR (l.kafka_partition = ' || cdc_mark.kafka_partition::VARCHAR(20)
              || ' AND l.kafka_offset > ' || cdc_mark.kafka_offset::VARCHAR(20)
              || COALESCE(' AND l.refresh_time >= ''' || DATEADD(day, -1, cdc_mark.refresh_time)::VARCHAR(40) || '''::TIMESTAMP', '') || ')';
        cdc_known := cdc_known || ', ' || cdc_mark.kafka_partition::VARCHAR(20);
    END LOOP;
    IF cdc_known = '' THEN
        cdc_scope := 'l.kafka_offset >= 0';
    ELSE
        cdc_scope := '(' || SUBSTRING(cdc_scope, 5) || ' OR l.kafka_partition NOT IN (' || SUBSTRING(cdc_known, 3) || '))';
    END IF;
    IF cdc_only_partition >= 0 THEN
        cdc_scope := cdc_scope || ' AND l.kafka_partition = ' || cdc_only_partition::VARCHAR(20);
    END IF;
    DROP TABLE IF EXISTS "cdc_pending_salesdb_sales_order_detail";
    EXECUTE 'CREATE TEMP TABLE "cdc_pending_salesdb_sales_order_detail" AS '
         || 'SELECT l.kafka_partition, MIN(l.kafka_offset) AS first_offset, MAX(l.kafka_offset) AS last_offset, COUNT(*) AS landed '
         || 'FROM "cdc_landing"."salesdb_sales_order_detail" AS l WHERE ' || cdc_scope || ' GROUP BY l.kafka_partition';
    SELECT COALESCE(SUM(p.landed), 0), COUNT(*) INTO cdc_pending_total, cdc_partition_count FROM "cdc_pending_salesdb_sales_order_detail" AS p;
    IF cdc_pending_total = 0 THEN
        RETURN;
    END IF;
    -- range: how far this merge reads in each partition; at least one record of each.
    cdc_share := CASE WHEN cdc_quarantine_offset >= 0 THEN 1
                  WHEN cdc_pending_total <= cdc_max_rows THEN 0
                  ELSE GREATEST(cdc_max_rows / cdc_partition_count, 1) END;
    DROP TABLE IF EXISTS "cdc_range_salesdb_sales_order_detail";
    EXECUTE 'CREATE TEMP TABLE "cdc_range_salesdb_sales_order_detail" AS '
         || 'SELECT p.kafka_partition, w.kafka_offset AS old_offset, p.first_offset, '
         || CASE WHEN cdc_share = 0 THEN 'p.last_offset'
                 ELSE 'LEAST(p.last_offset, p.first_offset + ' || (cdc_share - 1)::VARCHAR(20) || ')' END
         || ' AS last_offset FROM "cdc_pending_salesdb_sales_order_detail" AS p LEFT JOIN "cdc"."watermark_salesdb_sales_order_detail" AS w ON w.kafka_partition = p.kafka_partition'
         || CASE WHEN cdc_quarantine_offset >= 0 THEN ' WHERE p.first_offset = ' || cdc_quarantine_offset::VARCHAR(20) ELSE '' END;
    cdc_scope := '';
    FOR cdc_mark IN SELECT r.kafka_partition, r.first_offset, r.last_offset FROM "cdc_range_salesdb_sales_order_detail" AS r ORDER BY r.kafka_partition LOOP
        cdc_scope := cdc_scope || ' OR (l.kafka_partition = ' || cdc_mark.kafka_partition::VARCHAR(20)
              || ' AND l.kafka_offset BETWEEN ' || cdc_mark.first_offset::VARCHAR(20) || ' AND ' || cdc_mark.last_offset::VARCHAR(20) || ')';
    END LOOP;
    IF cdc_scope = '' THEN
        cdc_pending_rows := cdc_pending_total;
        RETURN;
    END IF;
    -- landed: the raw records of the range. arrival orders them across partitions and never
    -- against a partition's own offset order.
    DROP TABLE IF EXISTS "cdc_landed_salesdb_sales_order_detail";
    EXECUTE 'CREATE TEMP TABLE "cdc_landed_salesdb_sales_order_detail" AS '
         || 'SELECT l.kafka_partition, l.kafka_offset, l.kafka_timestamp, l.refresh_time, l.kafka_key, l.kafka_value, '
         || 'MAX(l.kafka_timestamp) OVER (PARTITION BY l.kafka_partition ORDER BY l.kafka_offset ROWS UNBOUNDED PRECEDING) AS arrival, '
         || CASE WHEN cdc_quarantine_offset >= 0 THEN '''unmergeable''' ELSE
            'CASE WHEN l.kafka_value IS NULL OR OCTET_LENGTH(l.kafka_value) = 0 THEN ''tombstone'' '
         || 'WHEN CAN_JSON_PARSE(l.kafka_value) THEN ''json'' ELSE ''malformed'' END' END || '::VARCHAR(16) AS shape '
         || 'FROM "cdc_landing"."salesdb_sales_order_detail" AS l WHERE ' || SUBSTRING(cdc_scope, 5);
    SELECT COUNT(*) INTO cdc_landed_rows FROM "cdc_landed_salesdb_sales_order_detail" AS l;
    cdc_pending_rows := cdc_pending_total - cdc_landed_rows;
    -- parsed, events: the change event's envelope, with or without an embedded schema around it, or a
    -- flattened row (ExtractNewRecordState), known by its fields __op or __deleted or its schema's name.
    DROP TABLE IF EXISTS "cdc_parsed_salesdb_sales_order_detail";
    CREATE TEMP TABLE "cdc_parsed_salesdb_sales_order_detail" AS
    SELECT l.kafka_partition, l.kafka_offset, l.kafka_timestamp, l.arrival, CASE WHEN OCTET_LENGTH(l.kafka_value) > 65535 THEN 65531 ELSE 65535 END AS whole,
           JSON_PARSE(l.kafka_value) AS document
    FROM "cdc_landed_salesdb_sales_order_detail" AS l WHERE l.shape = 'json';
    -- repaired: what only U+0000 keeps from being parsed, with a mark in its place; values with the mark do not fit.
    -- Piece by piece, since text holds 65,535 hexadecimal digits.
    SELECT COUNT(*) INTO cdc_malformed_count FROM "cdc_landed_salesdb_sales_order_detail" AS l WHERE l.shape = 'malformed';
    IF cdc_malformed_count > 0 THEN
        DROP TABLE IF EXISTS "cdc_repaired_salesdb_sales_order_detail";
        CREATE TEMP TABLE "cdc_repaired_salesdb_sales_order_detail" AS
        SELECT l.kafka_partition, l.kafka_offset, l.kafka_timestamp, l.arrival, l.kafka_value AS original,
               CAST(SUBSTRING(l.kafka_value, 1, 0) AS VARBYTE(16777216)) AS kafka_value, 0::INTEGER AS done
        FROM "cdc_landed_salesdb_sales_order_detail" AS l WHERE l.shape = 'malformed';
        WHILE cdc_malformed_count > 0 LOOP
            DROP TABLE IF EXISTS "cdc_piece_salesdb_sales_order_detail";
            CREATE TEMP TABLE "cdc_piece_salesdb_sales_order_detail" AS
            SELECT h.kafka_partition, h.kafka_offset, h.bytes, h.digits,
                   CASE WHEN h.remaining > h.bytes THEN REGEXP_REPLACE(h.digits, '5c(75([346][0-9a-f]){0,3})?$', '') ELSE h.digits END AS body
            FROM (SELECT r.kafka_partition, r.kafka_offset, OCTET_LENGTH(r.original) - r.done AS remaining,
                         LEAST(OCTET_LENGTH(r.original) - r.done, 16000) AS bytes,
                         REPLACE(LOWER(TO_HEX(SUBSTRING(r.original, r.done + 1, 16000))), '5c5c', '01') AS digits
                  FROM "cdc_repaired_salesdb_sales_order_detail" AS r WHERE r.done < OCTET_LENGTH(r.original)) AS h;
            UPDATE "cdc_repaired_salesdb_sales_order_detail" SET done = "cdc_repaired_salesdb_sales_order_detail".done + n.bytes - (LEN(n.digits) - LEN(n.body)) / 2,
                   kafka_value = "cdc_repaired_salesdb_sales_order_detail".kafka_value || FROM_HEX(REPLACE(REPLACE(n.body, '5c7530303030', '5f5f6364635f6e756c5f5f21'), '01', '5c5c'))
            FROM "cdc_piece_salesdb_sales_order_detail" AS n
            WHERE "cdc_repaired_salesdb_sales_order_detail".kafka_partition = n.kafka_partition AND "cdc_repaired_salesdb_sales_order_detail".kafka_offset = n.kafka_offset;
            SELECT COUNT(*) INTO cdc_malformed_count FROM "cdc_repaired_salesdb_sales_order_detail" AS r WHERE r.done < OCTET_LENGTH(r.original);
        END LOOP;
        DELETE FROM "cdc_repaired_salesdb_sales_order_detail" WHERE NOT COALESCE(CAN_JSON_PARSE(kafka_value), false);
        UPDATE "cdc_landed_salesdb_sales_order_detail" SET shape = 'repaired' FROM "cdc_repaired_salesdb_sales_order_detail" AS r
        WHERE "cdc_landed_salesdb_sales_order_detail".kafka_partition = r.kafka_partition AND "cdc_landed_salesdb_sales_order_detail".kafka_offset = r.kafka_offset;
        INSERT INTO "cdc_parsed_salesdb_sales_order_detail" (kafka_partition, kafka_offset, kafka_timestamp, arrival, whole, document)
        SELECT r.kafka_partition, r.kafka_offset, r.kafka_timestamp, r.arrival, CASE WHEN OCTET_LENGTH(r.kafka_value) > 65535 THEN 65531 ELSE 65535 END, JSON_PARSE(r.kafka_value)
        FROM "cdc_repaired_salesdb_sales_order_detail" AS r;
    END IF;
    DROP TABLE IF EXISTS "cdc_events_salesdb_sales_order_detail";
    CREATE TEMP TABLE "cdc_events_salesdb_sales_order_detail" AS
    SELECT e.kafka_partition AS _cdc_kafka_partition, e.kafka_offset AS _cdc_kafka_offset, e.arrival AS _cdc_arrival, e.whole AS _cdc_whole, e.is_row AS _cdc_is_row,
           CASE WHEN e.is_row THEN CASE WHEN e.envelope."__deleted"::VARCHAR(16) = 'true' THEN 'd' ELSE COALESCE(e.envelope."__op"::VARCHAR(16), 'u') END ELSE e.envelope."op"::VARCHAR(16) END AS _cdc_op,
           CASE WHEN e.is_row THEN e.envelope WHEN e.envelope."op"::VARCHAR(16) = 'd' THEN e.envelope."before" ELSE e.envelope."after" END AS _cdc_image,
           CASE WHEN e.is_row THEN NULL WHEN e.envelope."op"::VARCHAR(16) = 'u' THEN e.envelope."before" END AS _cdc_before,
           CASE WHEN e.is_row THEN e.envelope."__source_ts_ms"::BIGINT ELSE e.envelope."source"."ts_ms"::BIGINT END AS _cdc_source_ms,
           "cdc"."f_position_domain"(CASE WHEN e.is_row THEN e.envelope."__source_snapshot"::VARCHAR(64) ELSE e.envelope."source"."snapshot"::VARCHAR(64) END, CASE WHEN e.is_row THEN e.envelope."__source_gtid"::VARCHAR(256) ELSE e.envelope."source"."gtid"::VARCHAR(256) END, CASE WHEN e.is_row THEN e.envelope."__source_server_id"::BIGINT ELSE e.envelope."source"."server_id"::BIGINT END, CASE WHEN e.is_row THEN e.envelope."__source_file"::VARCHAR(512) ELSE e.envelope."source"."file"::VARCHAR(512) END, CASE WHEN e.is_row THEN e.envelope."__source_lsn"::BIGINT ELSE e.envelope."source"."lsn"::BIGINT END)::VARCHAR(128) AS _cdc_domain,
           "cdc"."f_position"(CASE WHEN e.is_row THEN e.envelope."__source_snapshot"::VARCHAR(64) ELSE e.envelope."source"."snapshot"::VARCHAR(64) END, CASE WHEN e.is_row THEN e.envelope."__source_gtid"::VARCHAR(256) ELSE e.envelope."source"."gtid"::VARCHAR(256) END, CASE WHEN e.is_row THEN e.envelope."__source_file"::VARCHAR(512) ELSE e.envelope."source"."file"::VARCHAR(512) END, CASE WHEN e.is_row THEN e.envelope."__source_pos"::BIGINT ELSE e.envelope."source"."pos"::BIGINT END, CASE WHEN e.is_row THEN e.envelope."__source_row"::BIGINT ELSE e.envelope."source"."row"::BIGINT END, CASE WHEN e.is_row THEN e.envelope."__source_lsn"::BIGINT ELSE e.envelope."source"."lsn"::BIGINT END)::VARCHAR(80) AS _cdc_position
    FROM (SELECT d.kafka_partition, d.kafka_offset, d.kafka_timestamp, d.arrival, d.whole, d.envelope,
                 COALESCE(NOT COALESCE(IS_OBJECT(d.envelope."source"), false) AND (JSON_TYPEOF(d.envelope."__op") = 'string'
                     OR JSON_TYPEOF(d.envelope."__deleted") IN ('string', 'boolean') OR d.has_row_schema), false) AS is_row
          FROM (SELECT p.kafka_partition, p.kafka_offset, p.kafka_timestamp, p.arrival, p.whole,
                       CASE WHEN IS_OBJECT(p.document."schema") AND IS_OBJECT(p.document."payload") THEN p.document."payload" ELSE p.document END AS envelope,
                       COALESCE(RIGHT(p.document."schema"."name"::VARCHAR(65535), 6) = '.Value', false) AS has_row_schema
                FROM "cdc_parsed_salesdb_sales_order_detail" AS p) AS d) AS e;
    -- held: from where on records wait, because the provisioner has not seen a change of the table's definition.
    DROP TABLE IF EXISTS "cdc_held_salesdb_sales_order_detail";
    CREATE TEMP TABLE "cdc_held_salesdb_sales_order_detail" (kafka_partition BIGINT, kafka_offset BIGINT, reason VARCHAR(256));
    INSERT INTO "cdc_held_salesdb_sales_order_detail"
    SELECT n._cdc_kafka_partition, MIN(n._cdc_kafka_offset), 'column ' || LEFT(n.attribute, 200) || ' is new'
    FROM (SELECT e._cdc_kafka_partition, e._cdc_kafka_offset, attribute
          FROM "cdc_events_salesdb_sales_order_detail" AS e, UNPIVOT e._cdc_image AS value AT attribute
          WHERE e._cdc_op IN ('c', 'r', 'u') AND (NOT e._cdc_is_row OR LEFT(attribute, 2) <> '__')) AS n
    WHERE n.attribute NOT IN ('LINE_NO', 'NOTE', 'ORDER_ID', 'QUANTITY', 'SKU')
    GROUP BY n._cdc_kafka_partition, n.attribute;
    INSERT INTO "cdc_held_salesdb_sales_order_detail"
    SELECT e._cdc_kafka_partition, MIN(e._cdc_kafka_offset), 'deletions arrive as records without a value'
    FROM "cdc_events_salesdb_sales_order_detail" AS e WHERE e._cdc_is_row AND e._cdc_image."__deleted" IS NULL GROUP BY e._cdc_kafka_partition;
    SELECT COUNT(*) INTO cdc_news FROM "cdc_held_salesdb_sales_order_detail" AS h;
    IF cdc_news > 0 THEN
        -- Flattened events have no place in the log: what is newer in other partitions waits, too.
        INSERT INTO "cdc_held_salesdb_sales_order_detail"
        SELECT l.kafka_partition, MIN(l.kafka_offset), 'an older record waits in another partition'
        FROM "cdc_landed_salesdb_sales_order_detail" AS l JOIN (SELECT MIN(e._cdc_arrival) AS arrival FROM "cdc_events_salesdb_sales_order_detail" AS e JOIN "cdc_held_salesdb_sales_order_detail" AS h
             ON h.kafka_partition = e._cdc_kafka_partition AND h.kafka_offset = e._cdc_kafka_offset WHERE e._cdc_is_row) AS f ON l.arrival > f.arrival
        GROUP BY l.kafka_partition;
        INSERT INTO "cdc"."holds" (held_at, table_name, topic, kafka_partition, kafka_offset, reason)
        SELECT SYSDATE, 'salesdb.sales_order_detail', 'salesdb.salesdb.SALES_ORDER_DETAIL', h.kafka_partition, h.kafka_offset, h.reason FROM "cdc_held_salesdb_sales_order_detail" AS h
        WHERE NOT EXISTS (SELECT 1 FROM "cdc"."holds" AS o WHERE o.table_name = 'salesdb.sales_order_detail'
                          AND o.kafka_partition = h.kafka_partition AND o.kafka_offset = h.kafka_offset AND o.reason = h.reason);
        DELETE FROM "cdc_landed_salesdb_sales_order_detail" USING (SELECT h.kafka_partition, MIN(h.kafka_offset) AS first_offset FROM "cdc_held_salesdb_sales_order_detail" AS h GROUP BY h.kafka_partition) AS f
        WHERE "cdc_landed_salesdb_sales_order_detail".kafka_partition = f.kafka_partition AND "cdc_landed_salesdb_sales_order_detail".kafka_offset >= f.first_offset;
        GET DIAGNOSTICS cdc_held_rows := ROW_COUNT;
        DELETE FROM "cdc_events_salesdb_sales_order_detail" USING (SELECT h.kafka_partition, MIN(h.kafka_offset) AS first_offset FROM "cdc_held_salesdb_sales_order_detail" AS h GROUP BY h.kafka_partition) AS f
        WHERE "cdc_events_salesdb_sales_order_detail"._cdc_kafka_partition = f.kafka_partition AND "cdc_events_salesdb_sales_order_detail"._cdc_kafka_offset >= f.first_offset;
        cdc_landed_rows := cdc_landed_rows - cdc_held_rows;
    END IF;
    -- hexadecimal, unscaled: decimals arrive as base64 of a two's complement number without its point.
    DROP TABLE IF EXISTS "cdc_hexadecimal_salesdb_sales_order_detail";
    CREATE TEMP TABLE "cdc_hexadecimal_salesdb_sales_order_detail" AS
    SELECT e.*,
           "cdc"."f_base64_hex"(e._cdc_image."QUANTITY"::VARCHAR(65535), JSON_TYPEOF(e._cdc_image."QUANTITY")) AS _cdc_h0,
         "cdc"."f_base64_hex"(e._cdc_image."WEIGHT"::VARCHAR(65535), JSON_TYPEOF(e._cdc_image."WEIGHT")) AS _cdc_h1
    FROM "cdc_events_salesdb_sales_order_detail" AS e;
    DROP TABLE IF EXISTS "cdc_unscaled_salesdb_sales_order_detail";
    CREATE TEMP TABLE "cdc_unscaled_salesdb_sales_order_detail" AS
    SELECT h.*,
           "cdc"."f_hex_integer"(h._cdc_h0) AS _cdc_u0,
         "cdc"."f_hex_integer"(h._cdc_h1) AS _cdc_u1
    FROM "cdc_hexadecimal_salesdb_sales_order_detail" AS h;
    -- typed: one column per column of the target. _cdc_fault says why a record cannot be merged,
    -- _cdc_lost names columns whose value is there but does not fit, _cdc_nulled counts such values of
    -- columns that do not ask for quarantine, _cdc_truncated counts text that was cut.
    DROP TABLE IF EXISTS "cdc_typed_salesdb_sales_order_detail";
    CREATE TEMP TABLE "cdc_typed_salesdb_sales_order_detail" AS
    SELECT t.*,
           (CASE WHEN t._cdc_op IS NULL THEN 'the value is JSON but not a change event: it has no op'
                 WHEN t._cdc_op = 't' THEN CASE WHEN t._cdc_position IS NULL THEN 'a truncation has no place in the log of the source' END
                 WHEN t._cdc_op NOT IN ('c', 'r', 'u', 'd') THEN 'the operation is not a row change: ' || LEFT(t._cdc_op, 8)
                 WHEN NOT COALESCE(IS_OBJECT(t._cdc_image), false) THEN 'the row image is missing'
                 WHEN t."order_id" IS NULL OR t."line_no" IS NULL THEN 'a key column is missing or not readable as its type' END)::VARCHAR(256) AS _cdc_fault,
           (CASE WHEN t._cdc_op = 'd' THEN '' ELSE CASE WHEN STRPOS(t._cdc_unavailable, ',sku,') > 0 THEN '' ELSE "cdc"."f_lost"(t."sku" IS NULL, JSON_TYPEOF(t._cdc_image."SKU"), 'sku') END
      || "cdc"."f_lost"(t."quantity" IS NULL, JSON_TYPEOF(t._cdc_image."QUANTITY"), 'quantity')
      || CASE WHEN STRPOS(t._cdc_unavailable, ',note,') > 0 THEN '' ELSE "cdc"."f_lost"(t."note" IS NULL, JSON_TYPEOF(t._cdc_image."NOTE"), 'note') END
      || CASE WHEN STRPOS(t._cdc_unavailable, ',email,') > 0 THEN '' ELSE "cdc"."f_lost"(t."email" IS NULL, JSON_TYPEOF(t._cdc_image."EMAIL"), 'email') END
      || CASE WHEN STRPOS(t._cdc_unavailable, ',card,') > 0 THEN '' ELSE "cdc"."f_lost"(t."card" IS NULL, JSON_TYPEOF(t._cdc_image."CARD"), 'card') END
      || "cdc"."f_lost"(t."born" IS NULL, JSON_TYPEOF(t._cdc_image."BORN"), 'born')
      || "cdc"."f_lost"(t."paid" IS NULL, JSON_TYPEOF(t._cdc_image."PAID"), 'paid')
      || CASE WHEN STRPOS(t._cdc_unavailable, ',tags,') > 0 THEN '' ELSE "cdc"."f_lost"(t."tags" IS NULL, JSON_TYPEOF(t._cdc_image."TAGS"), 'tags') END
      || CASE WHEN STRPOS(t._cdc_unavailable, ',token,') > 0 THEN '' ELSE "cdc"."f_lost"(t."token" IS NULL, JSON_TYPEOF(t._cdc_image."TOKEN"), 'token') END
      || "cdc"."f_lost"(t."weight" IS NULL, JSON_TYPEOF(t._cdc_image."WEIGHT"), 'weight') END)::VARCHAR(65535) AS _cdc_lost,
           (0)::BIGINT AS _cdc_nulled,
           (COALESCE(t."_cdc_old_order_id" <> t."order_id", false) OR COALESCE(t."_cdc_old_line_no" <> t."line_no", false)) AS _cdc_moved
    FROM (SELECT c._cdc_kafka_partition, c._cdc_kafka_offset, c._cdc_arrival, c._cdc_op, c._cdc_image, c._cdc_source_ms,
                 c._cdc_domain, c._cdc_position,
                 (CASE WHEN c._cdc_image."SKU"::VARCHAR(65535) = '__debezium_unavailable_value' THEN ',sku,' ELSE '' END
      || CASE WHEN c._cdc_image."NOTE"::VARCHAR(65535) = '__debezium_unavailable_value' THEN ',note,' ELSE '' END
      || CASE WHEN c._cdc_image."EMAIL"::VARCHAR(65535) = '__debezium_unavailable_value' THEN ',email,' ELSE '' END
      || CASE WHEN c._cdc_image."CARD"::VARCHAR(65535) = '__debezium_unavailable_value' THEN ',card,' ELSE '' END
      || CASE WHEN (c._cdc_image."TAGS"::VARCHAR(65535) = '__debezium_unavailable_value' OR c._cdc_image."TAGS" = JSON_PARSE('["__debezium_unavailable_value"]') OR c._cdc_image."TAGS" = JSON_PARSE('["X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="]') OR c._cdc_image."TAGS" = JSON_PARSE('["b68a35a7-17ad-35b3-af2a-ae46edb4545a"]') OR c._cdc_image."TAGS" = JSON_PARSE('[95,95,100,101,98,101,122,105,117,109,95,117,110,97,118,97,105,108,97,98,108,101,95,118,97,108,117,101]') OR c._cdc_image."TAGS" = JSON_PARSE('{"__debezium_unavailable_value":"__debezium_unavailable_value"}')) THEN ',tags,' ELSE '' END
      || CASE WHEN c._cdc_image."TOKEN"::VARCHAR(65535) = 'X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==' THEN ',token,' ELSE '' END)::VARCHAR(65535) AS _cdc_unavailable,
                 (0)::BIGINT AS _cdc_truncated,
                 c._cdc_before."ORDER_ID"::BIGINT AS "_cdc_old_order_id",
         c._cdc_before."LINE_NO"::INTEGER AS "_cdc_old_line_no",
         c._cdc_image."ORDER_ID"::BIGINT AS "order_id",
         c._cdc_image."LINE_NO"::INTEGER AS "line_no",
         "cdc"."f_text"(c._cdc_image."SKU"::VARCHAR(65535), JSON_TYPEOF(c._cdc_image."SKU"), 96)::VARCHAR(96) AS "sku",
         "cdc"."f_decimal"(c._cdc_u0, c._cdc_h0, 3, 10)::DECIMAL(10,3) AS "quantity",
         "cdc"."f_hash"("cdc"."f_text"(c._cdc_image."NOTE"::VARCHAR(65535), JSON_TYPEOF(c._cdc_image."NOTE"), c._cdc_whole)::VARCHAR(65535), y.hash_key)::VARCHAR(64) AS "note",
         "cdc"."f_hash"("cdc"."f_text"(c._cdc_image."EMAIL"::VARCHAR(65535), JSON_TYPEOF(c._cdc_image."EMAIL"), 320)::VARCHAR(320), y.hash_key)::VARCHAR(64) AS "email",
         "cdc"."f_keep_last"("cdc"."f_text"(c._cdc_image."CARD"::VARCHAR(65535), JSON_TYPEOF(c._cdc_image."CARD"), 320)::VARCHAR(320), 4)::VARCHAR(20) AS "card",
         "cdc"."f_hash"(REPLACE(TO_CHAR("cdc"."f_date_days"(c._cdc_image."BORN"::BIGINT), 'YYYY-MM-DD AD'), ' AD', ''), y.hash_key)::VARCHAR(64) AS "born",
         "cdc"."f_hash"(REPLACE(TO_CHAR(("cdc"."f_zoned_timestamp"(c._cdc_image."PAID"::VARCHAR(65535))) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US AD'), ' AD', ''), y.hash_key)::VARCHAR(64) AS "paid",
         CASE WHEN CASE WHEN c._cdc_whole < 65535 AND JSON_SIZE(c._cdc_image."TAGS") > c._cdc_whole THEN NULL ELSE CASE WHEN JSON_TYPEOF(c._cdc_image."TAGS") = 'object' OR JSON_TYPEOF(c._cdc_image."TAGS") = 'array' AND NOT COALESCE(c._cdc_image."TAGS"[0]::VARCHAR(65535) ~ '^[[]+L[A-Za-z.]+;@[0-9a-f]+$', false) THEN c._cdc_image."TAGS" END END IS NOT NULL THEN '****' END::VARCHAR(4) AS "tags",
         "cdc"."f_hash"(LOWER(TO_HEX(CASE WHEN JSON_TYPEOF(c._cdc_image."TOKEN") = 'string' AND MOD(LEN(c._cdc_image."TOKEN"::VARCHAR(65535)), 4) = 0 AND c._cdc_image."TOKEN"::VARCHAR(65535) ~ '^[A-Za-z0-9+/_-]*={0,2}$'
              AND LEN(c._cdc_image."TOKEN"::VARCHAR(65535)) / 4 * 3 - (LEN(c._cdc_image."TOKEN"::VARCHAR(65535)) - LEN(REPLACE(c._cdc_image."TOKEN"::VARCHAR(65535), '=', ''))) <= 16 THEN TO_VARBYTE(TRANSLATE(c._cdc_image."TOKEN"::VARCHAR(65535), '-_', '+/'), 'base64')::VARBYTE(16) END)), y.hash_key)::VARCHAR(64) AS "token",
         "cdc"."f_keep_last"(("cdc"."f_decimal"(c._cdc_u1, c._cdc_h1, 2, 10)::DECIMAL(10,2))::VARCHAR(64), 1)::VARCHAR(8) AS "weight"
          FROM "cdc_unscaled_salesdb_sales_order_detail" AS c CROSS JOIN "cdc"."hash_key" AS y) AS t;
    -- An update that changed the key deletes the row of the old key.
    INSERT INTO "cdc_typed_salesdb_sales_order_detail" (_cdc_kafka_partition, _cdc_kafka_offset, _cdc_arrival, _cdc_op, _cdc_source_ms, _cdc_domain, _cdc_position,
           _cdc_moved, "order_id", "line_no", _cdc_lost, _cdc_nulled, _cdc_unavailable, _cdc_truncated)
    SELECT t._cdc_kafka_partition, t._cdc_kafka_offset, t._cdc_arrival, 'd', t._cdc_source_ms, t._cdc_domain, t._cdc_position,
           false, t."_cdc_old_order_id", t."_cdc_old_line_no", '', 0, '', 0
    FROM "cdc_typed_salesdb_sales_order_detail" AS t WHERE t._cdc_moved AND t._cdc_fault IS NULL;
    -- Records that cannot be merged at all. A statement that writes nothing would still wait for other tables' merges.
    SELECT COUNT(*) INTO cdc_records_quarantined
    FROM "cdc_landed_salesdb_sales_order_detail" AS l LEFT JOIN "cdc_typed_salesdb_sales_order_detail" AS t ON t._cdc_kafka_partition = l.kafka_partition AND t._cdc_kafka_offset = l.kafka_offset
        WHERE l.shape IN ('malformed', 'unmergeable') OR t._cdc_fault IS NOT NULL;
    IF cdc_records_quarantined > 0 THEN
        INSERT INTO "cdc"."quarantine" (quarantined_at, table_name, topic, kafka_partition, kafka_offset, kafka_timestamp, scope, reason, column_names, kafka_key, kafka_value)
        SELECT SYSDATE, 'salesdb.sales_order_detail', 'salesdb.salesdb.SALES_ORDER_DETAIL', l.kafka_partition, l.kafka_offset, l.kafka_timestamp, 'record',
               CASE l.shape WHEN 'malformed' THEN 'the value is not JSON that the warehouse can parse'
                            WHEN 'unmergeable' THEN 'merging this record failed every time'
                            ELSE t._cdc_fault END, NULL, l.kafka_key, l.kafka_value
        FROM "cdc_landed_salesdb_sales_order_detail" AS l LEFT JOIN "cdc_typed_salesdb_sales_order_detail" AS t ON t._cdc_kafka_partition = l.kafka_partition AND t._cdc_kafka_offset = l.kafka_offset
        WHERE l.shape IN ('malformed', 'unmergeable') OR t._cdc_fault IS NOT NULL;
    END IF;
    -- Truncations: written down, because older changes may still come from other partitions.
    SELECT COUNT(*) INTO cdc_truncations FROM "cdc_typed_salesdb_sales_order_detail" AS t WHERE t._cdc_op = 't' AND t._cdc_fault IS NULL;
    IF cdc_truncations > 0 THEN
        INSERT INTO "cdc"."truncations" (detected_at, table_name, source_domain, source_position, source_ts, arrival, applied)
        SELECT SYSDATE, 'salesdb.sales_order_detail', t._cdc_domain, t._cdc_position, DATEADD(millisecond, MOD(t._cdc_source_ms, 86400000)::INTEGER, DATEADD(day, (t._cdc_source_ms / 86400000)::INTEGER, CAST('1970-01-01' AS TIMESTAMP))), t._cdc_arrival, false
        FROM "cdc_typed_salesdb_sales_order_detail" AS t WHERE t._cdc_op = 't' AND t._cdc_fault IS NULL;
        DELETE FROM "cdc_typed_salesdb_sales_order_detail" WHERE "cdc_typed_salesdb_sales_order_detail"._cdc_op = 't' AND "cdc_typed_salesdb_sales_order_detail"._cdc_fault IS NULL;
    END IF;
    DELETE FROM "cdc_typed_salesdb_sales_order_detail" USING "cdc"."truncations" AS x WHERE x.table_name = 'salesdb.sales_order_detail' AND "cdc_typed_salesdb_sales_order_detail"._cdc_fault IS NULL
         AND (("cdc_typed_salesdb_sales_order_detail"._cdc_domain = x.source_domain AND "cdc_typed_salesdb_sales_order_detail"._cdc_position < x.source_position)
             OR (COALESCE("cdc_typed_salesdb_sales_order_detail"._cdc_domain, '') <> COALESCE(x.source_domain, '-') AND "cdc_typed_salesdb_sales_order_detail"._cdc_arrival <= x.arrival));
    SELECT COUNT(*) INTO cdc_truncations FROM "cdc"."truncations" AS x WHERE x.table_name = 'salesdb.sales_order_detail' AND NOT x.applied;
    IF cdc_truncations > 0 THEN
        DELETE FROM "salesdb"."sales_order_detail" USING "cdc"."truncations" AS x WHERE x.table_name = 'salesdb.sales_order_detail' AND NOT x.applied
             AND (("salesdb"."sales_order_detail"._cdc_domain = x.source_domain AND "salesdb"."sales_order_detail"._cdc_position < x.source_position)
             OR (COALESCE("salesdb"."sales_order_detail"._cdc_domain, '') <> COALESCE(x.source_domain, '-') AND COALESCE("salesdb"."sales_order_detail"._cdc_source_ts <= x.source_ts OR DATE_TRUNC('second', "salesdb"."sales_order_detail"._cdc_source_ts) = x.source_ts, true)));
        GET DIAGNOSTICS cdc_truncated_rows := ROW_COUNT;
        UPDATE "cdc"."truncations" SET applied = true WHERE table_name = 'salesdb.sales_order_detail' AND NOT applied;
    END IF;
    -- Snapshot reads that come late: another partition has a change that the source made after the read.
    SELECT COUNT(*) INTO cdc_late_reads FROM "cdc_typed_salesdb_sales_order_detail" AS t WHERE t._cdc_op = 'r' AND t._cdc_position IS NULL;
    IF cdc_late_reads > 0 THEN
        -- In this range the read goes before the change, which may need a value of it.
        UPDATE "cdc_typed_salesdb_sales_order_detail" SET _cdc_arrival = DATEADD(microsecond, -1, h._cdc_arrival)
        FROM (SELECT r._cdc_kafka_partition, r._cdc_kafka_offset, MIN(t._cdc_arrival) AS _cdc_arrival
              FROM "cdc_typed_salesdb_sales_order_detail" AS r JOIN "cdc_typed_salesdb_sales_order_detail" AS t ON t."order_id" = r."order_id" AND t."line_no" = r."line_no"
              WHERE r._cdc_op = 'r' AND r._cdc_position IS NULL AND r._cdc_fault IS NULL AND t._cdc_op <> 'r' AND t._cdc_fault IS NULL
                   AND t._cdc_kafka_partition <> r._cdc_kafka_partition AND t._cdc_source_ms > r._cdc_source_ms
              GROUP BY r._cdc_kafka_partition, r._cdc_kafka_offset) AS h
        WHERE "cdc_typed_salesdb_sales_order_detail"._cdc_kafka_partition = h._cdc_kafka_partition AND "cdc_typed_salesdb_sales_order_detail"._cdc_kafka_offset = h._cdc_kafka_offset
             AND "cdc_typed_salesdb_sales_order_detail"._cdc_arrival >= h._cdc_arrival;
        -- A change that has been merged already wins.
        DELETE FROM "cdc_typed_salesdb_sales_order_detail" USING "salesdb"."sales_order_detail" AS h WHERE "cdc_typed_salesdb_sales_order_detail"."order_id" = h."order_id" AND "cdc_typed_salesdb_sales_order_detail"."line_no" = h."line_no" AND "cdc_typed_salesdb_sales_order_detail"._cdc_op = 'r'
             AND "cdc_typed_salesdb_sales_order_detail"._cdc_position IS NULL AND "cdc_typed_salesdb_sales_order_detail"._cdc_fault IS NULL
             AND h._cdc_kafka_partition <> "cdc_typed_salesdb_sales_order_detail"._cdc_kafka_partition AND h._cdc_source_ts > DATEADD(millisecond, MOD("cdc_typed_salesdb_sales_order_detail"._cdc_source_ms, 86400000)::INTEGER, DATEADD(day, ("cdc_typed_salesdb_sales_order_detail"._cdc_source_ms / 86400000)::INTEGER, CAST('1970-01-01' AS TIMESTAMP)));
        DELETE FROM "cdc_typed_salesdb_sales_order_detail" USING "cdc"."ledger_salesdb_sales_order_detail" AS h WHERE "cdc_typed_salesdb_sales_order_detail"."order_id" = h."order_id" AND "cdc_typed_salesdb_sales_order_detail"."line_no" = h."line_no" AND "cdc_typed_salesdb_sales_order_detail"._cdc_op = 'r'
             AND "cdc_typed_salesdb_sales_order_detail"._cdc_position IS NULL AND "cdc_typed_salesdb_sales_order_detail"._cdc_fault IS NULL
             AND h._cdc_kafka_partition <> "cdc_typed_salesdb_sales_order_detail"._cdc_kafka_partition AND h._cdc_source_ts > DATEADD(millisecond, MOD("cdc_typed_salesdb_sales_order_detail"._cdc_source_ms, 86400000)::INTEGER, DATEADD(day, ("cdc_typed_salesdb_sales_order_detail"._cdc_source_ms / 86400000)::INTEGER, CAST('1970-01-01' AS TIMESTAMP)));
    END IF;
    -- A deletion whose row another partition creates at the same place of the log is no deletion.
    DELETE FROM "cdc_typed_salesdb_sales_order_detail" USING (SELECT d._cdc_kafka_partition, d._cdc_kafka_offset FROM "cdc_typed_salesdb_sales_order_detail" AS d JOIN "cdc_typed_salesdb_sales_order_detail" AS c ON d."order_id" = c."order_id" AND d."line_no" = c."line_no" AND d._cdc_domain = c._cdc_domain AND d._cdc_position = c._cdc_position
          WHERE d._cdc_op = 'd' AND c._cdc_op = 'c'
          GROUP BY d._cdc_kafka_partition, d._cdc_kafka_offset
          HAVING MIN(CASE WHEN c._cdc_kafka_partition = d._cdc_kafka_partition THEN 0 ELSE 1 END) = 1) AS h
    WHERE "cdc_typed_salesdb_sales_order_detail"._cdc_op = 'd' AND "cdc_typed_salesdb_sales_order_detail"._cdc_kafka_partition = h._cdc_kafka_partition AND "cdc_typed_salesdb_sales_order_detail"._cdc_kafka_offset = h._cdc_kafka_offset;
    DELETE FROM "cdc_typed_salesdb_sales_order_detail" USING "salesdb"."sales_order_detail" AS h WHERE "cdc_typed_salesdb_sales_order_detail"."order_id" = h."order_id" AND "cdc_typed_salesdb_sales_order_detail"."line_no" = h."line_no" AND "cdc_typed_salesdb_sales_order_detail"._cdc_domain = h._cdc_domain AND "cdc_typed_salesdb_sales_order_detail"._cdc_position = h._cdc_position AND "cdc_typed_salesdb_sales_order_detail"._cdc_op = 'd'
         AND h._cdc_kafka_partition <> "cdc_typed_salesdb_sales_order_detail"._cdc_kafka_partition;
    -- history: every comparable position of the touched keys, the rows' own and the deleted keys' first.
    DROP TABLE IF EXISTS "cdc_touched_salesdb_sales_order_detail";
    CREATE TEMP TABLE "cdc_touched_salesdb_sales_order_detail" DISTSTYLE KEY DISTKEY ("order_id") COMPOUND SORTKEY ("order_id", "line_no") AS
    SELECT DISTINCT t."order_id", t."line_no" FROM "cdc_typed_salesdb_sales_order_detail" AS t WHERE t._cdc_fault IS NULL;
    DROP TABLE IF EXISTS "cdc_history_salesdb_sales_order_detail";
    CREATE TEMP TABLE "cdc_history_salesdb_sales_order_detail" DISTSTYLE KEY DISTKEY ("order_id") COMPOUND SORTKEY ("order_id", "line_no") AS
    SELECT t."order_id", t."line_no", t._cdc_arrival, t._cdc_kafka_partition, t._cdc_kafka_offset, t._cdc_domain, t._cdc_position,
           t._cdc_source_ms, 1 AS _cdc_incoming
    FROM "cdc_typed_salesdb_sales_order_detail" AS t WHERE t._cdc_fault IS NULL AND t._cdc_domain IS NOT NULL AND t._cdc_position IS NOT NULL
    UNION ALL
    SELECT h."order_id", h."line_no", CAST('0001-01-01' AS TIMESTAMP), h._cdc_kafka_partition, h._cdc_kafka_offset, h._cdc_domain, h._cdc_position,
           DATEDIFF(millisecond, CAST('1970-01-01' AS TIMESTAMP), h._cdc_source_ts), 0
    FROM "salesdb"."sales_order_detail" AS h JOIN "cdc_touched_salesdb_sales_order_detail" AS t ON h."order_id" = t."order_id" AND h."line_no" = t."line_no" WHERE h._cdc_domain IS NOT NULL
    UNION ALL
    SELECT h."order_id", h."line_no", CAST('0001-01-01' AS TIMESTAMP), -1, -1, h._cdc_domain, h._cdc_position,
           DATEDIFF(millisecond, CAST('1970-01-01' AS TIMESTAMP), h._cdc_source_ts), 0
    FROM "cdc"."ledger_salesdb_sales_order_detail" AS h JOIN "cdc_touched_salesdb_sales_order_detail" AS t ON h."order_id" = t."order_id" AND h."line_no" = t."line_no" WHERE h._cdc_domain IS NOT NULL;
    -- stale: a run is a stretch of one domain. A position that goes back while the source's clock goes on
    -- is a restarted log and begins a new epoch. Positions are compared within one epoch only.
    DROP TABLE IF EXISTS "cdc_stale_salesdb_sales_order_detail";
    CREATE TEMP TABLE "cdc_stale_salesdb_sales_order_detail" DISTSTYLE KEY DISTKEY ("order_id") COMPOUND SORTKEY ("order_id", "line_no") AS
    SELECT s."order_id", s."line_no", s._cdc_arrival, s._cdc_kafka_partition, s._cdc_kafka_offset, s._cdc_domain, s._cdc_position, s._cdc_source_ms, s._cdc_incoming, s._cdc_run, s._cdc_epoch,
           CASE WHEN s._cdc_position < MAX(s._cdc_position) OVER (PARTITION BY s."order_id", s."line_no", s._cdc_run, s._cdc_epoch ORDER BY s._cdc_arrival, s._cdc_kafka_partition, s._cdc_kafka_offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
                THEN 1 ELSE 0 END AS _cdc_stale,
           MAX(s._cdc_source_ms) OVER (PARTITION BY s."order_id", s."line_no", s._cdc_run, s._cdc_epoch ORDER BY s._cdc_arrival, s._cdc_kafka_partition, s._cdc_kafka_offset ROWS UNBOUNDED PRECEDING) AS _cdc_newest_ms
    FROM (SELECT q."order_id", q."line_no", q._cdc_arrival, q._cdc_kafka_partition, q._cdc_kafka_offset, q._cdc_domain, q._cdc_position, q._cdc_source_ms, q._cdc_incoming, q._cdc_run,
                 SUM(q._cdc_restarted) OVER (PARTITION BY q."order_id", q."line_no", q._cdc_run ORDER BY q._cdc_arrival, q._cdc_kafka_partition, q._cdc_kafka_offset ROWS UNBOUNDED PRECEDING) AS _cdc_epoch
          FROM (SELECT u."order_id", u."line_no", u._cdc_arrival, u._cdc_kafka_partition, u._cdc_kafka_offset, u._cdc_domain, u._cdc_position, u._cdc_source_ms, u._cdc_incoming, u._cdc_run,
                       CASE WHEN u._cdc_position < MAX(u._cdc_position) OVER (PARTITION BY u."order_id", u."line_no", u._cdc_run ORDER BY u._cdc_arrival, u._cdc_kafka_partition, u._cdc_kafka_offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
                             AND u._cdc_source_ms > MAX(u._cdc_source_ms) OVER (PARTITION BY u."order_id", u."line_no", u._cdc_run ORDER BY u._cdc_arrival, u._cdc_kafka_partition, u._cdc_kafka_offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
                            THEN 1 ELSE 0 END AS _cdc_restarted
                FROM (SELECT r."order_id", r."line_no", r._cdc_arrival, r._cdc_kafka_partition, r._cdc_kafka_offset, r._cdc_domain, r._cdc_position, r._cdc_source_ms, r._cdc_incoming,
                             SUM(CASE WHEN r._cdc_previous IS NULL OR r._cdc_previous = r._cdc_domain THEN 0 ELSE 1 END)
                                 OVER (PARTITION BY r."order_id", r."line_no" ORDER BY r._cdc_arrival, r._cdc_kafka_partition, r._cdc_kafka_offset ROWS UNBOUNDED PRECEDING) AS _cdc_run
                      FROM (SELECT h."order_id", h."line_no", h._cdc_arrival, h._cdc_kafka_partition, h._cdc_kafka_offset, h._cdc_domain, h._cdc_position, h._cdc_source_ms, h._cdc_incoming,
                                   LAG(h._cdc_domain) OVER (PARTITION BY h."order_id", h."line_no" ORDER BY h._cdc_arrival, h._cdc_kafka_partition, h._cdc_kafka_offset) AS _cdc_previous
                            FROM "cdc_history_salesdb_sales_order_detail" AS h) AS r) AS u) AS q) AS s;
    SELECT COUNT(*) INTO cdc_stale_rows FROM "cdc_stale_salesdb_sales_order_detail" AS s WHERE s._cdc_stale = 1 AND s._cdc_incoming = 1;
    -- lost: rows that are created although they are there: no event said that they had gone.
    SELECT COUNT(*) INTO cdc_lost_rows FROM "cdc_typed_salesdb_sales_order_detail" AS t WHERE (t._cdc_op = 'c' OR (t._cdc_op = 'd' AND t._cdc_domain = 'lsn' AND t."order_id" = 0 AND t."line_no" = 0)) AND t._cdc_fault IS NULL;
    IF cdc_lost_rows > 0 THEN
        DROP TABLE IF EXISTS "cdc_lost_salesdb_sales_order_detail";
        CREATE TEMP TABLE "cdc_lost_salesdb_sales_order_detail" DISTSTYLE KEY DISTKEY ("order_id") COMPOUND SORTKEY ("order_id", "line_no") AS
        SELECT q."order_id", q."line_no", q._cdc_kafka_partition, q._cdc_kafka_offset, q._cdc_op, q._cdc_domain, q._cdc_position, q._cdc_source_ms
        FROM (SELECT x.*, LAG(x._cdc_op) OVER (PARTITION BY x."order_id", x."line_no", x._cdc_kafka_partition ORDER BY x._cdc_kafka_offset) AS _cdc_was_op, LAG(x._cdc_domain) OVER (PARTITION BY x."order_id", x."line_no", x._cdc_kafka_partition ORDER BY x._cdc_kafka_offset) AS _cdc_was_domain,
                     LAG(x._cdc_position) OVER (PARTITION BY x."order_id", x."line_no", x._cdc_kafka_partition ORDER BY x._cdc_kafka_offset) AS _cdc_was_position, LAG(x._cdc_source_ms) OVER (PARTITION BY x."order_id", x."line_no", x._cdc_kafka_partition ORDER BY x._cdc_kafka_offset) AS _cdc_was_ms,
                     MAX(x._cdc_position) OVER (PARTITION BY x."order_id", x."line_no", x._cdc_kafka_partition, x._cdc_domain ORDER BY x._cdc_kafka_offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS _cdc_newest
              FROM (SELECT t."order_id", t."line_no", t._cdc_kafka_partition, t._cdc_kafka_offset, t._cdc_op, t._cdc_domain, t._cdc_position, t._cdc_source_ms
                    FROM "cdc_typed_salesdb_sales_order_detail" AS t LEFT JOIN "cdc_stale_salesdb_sales_order_detail" AS s ON s."order_id" = t."order_id" AND s."line_no" = t."line_no" AND s._cdc_incoming = 1 AND s._cdc_stale = 1
                         AND s._cdc_kafka_partition = t._cdc_kafka_partition AND s._cdc_kafka_offset = t._cdc_kafka_offset
                    WHERE t._cdc_fault IS NULL AND s._cdc_stale IS NULL
                    UNION ALL
                    SELECT h."order_id", h."line_no", h._cdc_kafka_partition, h._cdc_kafka_offset, 'r', h._cdc_domain, h._cdc_position,
                           DATEDIFF(millisecond, CAST('1970-01-01' AS TIMESTAMP), h._cdc_source_ts)
                    FROM "salesdb"."sales_order_detail" AS h JOIN "cdc_touched_salesdb_sales_order_detail" AS k ON h."order_id" = k."order_id" AND h."line_no" = k."line_no") AS x) AS q
        WHERE (q._cdc_op = 'd' AND q._cdc_domain = 'lsn' AND q."order_id" = 0 AND q."line_no" = 0 AND COALESCE(q._cdc_was_op, 'd') = 'd') OR (q._cdc_op = 'c' AND q._cdc_was_op <> 'd'
              AND COALESCE(q._cdc_newest < q._cdc_position, true)
              AND ((q._cdc_was_domain = q._cdc_domain AND q._cdc_was_position IS NOT NULL) OR q._cdc_was_ms < q._cdc_source_ms));
        -- overtaken: with a deferred constraint of PostgreSQL a row takes a key before the row that has it leaves
        -- it, in one transaction. The deletion that follows is of the row that was there first.
        DROP TABLE IF EXISTS "cdc_overtaken_salesdb_sales_order_detail";
        CREATE TEMP TABLE "cdc_overtaken_salesdb_sales_order_detail" AS
        SELECT d."order_id", d."line_no", d._cdc_kafka_partition, d._cdc_kafka_offset, s._cdc_kafka_partition AS _cdc_by_partition, s._cdc_kafka_offset AS _cdc_by_offset,
               ROW_NUMBER() OVER (PARTITION BY s."order_id", s."line_no", s._cdc_position ORDER BY d._cdc_position, d._cdc_kafka_offset) AS _cdc_turn
        FROM "cdc_lost_salesdb_sales_order_detail" AS s JOIN "cdc_typed_salesdb_sales_order_detail" AS d ON d."order_id" = s."order_id" AND d."line_no" = s."line_no" AND d._cdc_op = 'd' AND d._cdc_fault IS NULL AND d._cdc_domain = s._cdc_domain
             AND d._cdc_position > s._cdc_position AND d._cdc_source_ms = s._cdc_source_ms
        WHERE s._cdc_op = 'c' AND s._cdc_domain = 'lsn';
        DELETE FROM "cdc_typed_salesdb_sales_order_detail" USING "cdc_overtaken_salesdb_sales_order_detail" AS o WHERE o._cdc_turn = 1 AND "cdc_typed_salesdb_sales_order_detail"._cdc_op = 'd' AND "cdc_typed_salesdb_sales_order_detail"."order_id" = o."order_id" AND "cdc_typed_salesdb_sales_order_detail"."line_no" = o."line_no"
             AND "cdc_typed_salesdb_sales_order_detail"._cdc_kafka_partition = o._cdc_kafka_partition AND "cdc_typed_salesdb_sales_order_detail"._cdc_kafka_offset = o._cdc_kafka_offset;
        DELETE FROM "cdc_lost_salesdb_sales_order_detail" USING "cdc_overtaken_salesdb_sales_order_detail" AS o WHERE o._cdc_turn = 1
             AND "cdc_lost_salesdb_sales_order_detail"._cdc_kafka_partition = o._cdc_by_partition AND "cdc_lost_salesdb_sales_order_detail"._cdc_kafka_offset = o._cdc_by_offset;
        SELECT COUNT(*) INTO cdc_lost_rows FROM "cdc_lost_salesdb_sales_order_detail" AS s;
        IF cdc_lost_rows > 0 THEN
            INSERT INTO "cdc"."quarantine" (quarantined_at, table_name, topic, kafka_partition, kafka_offset, kafka_timestamp, scope, reason, column_names, kafka_key, kafka_value)
            SELECT SYSDATE, 'salesdb.sales_order_detail', 'salesdb.salesdb.SALES_ORDER_DETAIL', l.kafka_partition, l.kafka_offset, l.kafka_timestamp, 'lost',
                   CASE s._cdc_op WHEN 'd' THEN 'the row that was deleted cannot be told: its key has fillers, as with REPLICA IDENTITY USING INDEX; declare the index''s columns as key' ELSE 'the source created the row although it was there: no event said that it had gone, and others may have gone with it' END, NULL, l.kafka_key, l.kafka_value
            FROM "cdc_lost_salesdb_sales_order_detail" AS s JOIN "cdc_landed_salesdb_sales_order_detail" AS l ON l.kafka_partition = s._cdc_kafka_partition AND l.kafka_offset = s._cdc_kafka_offset;
        END IF;
    END IF;
    -- newest, position: per key the last change that is not stale, and the last comparable position,
    -- which a snapshot read does not take away.
    DROP TABLE IF EXISTS "cdc_newest_salesdb_sales_order_detail";
    CREATE TEMP TABLE "cdc_newest_salesdb_sales_order_detail" DISTSTYLE KEY DISTKEY ("order_id") COMPOUND SORTKEY ("order_id", "line_no") AS
    SELECT t.*, ROW_NUMBER() OVER (PARTITION BY t."order_id", t."line_no" ORDER BY t._cdc_arrival DESC, t._cdc_position DESC NULLS LAST, t._cdc_kafka_partition DESC, t._cdc_kafka_offset DESC) AS _cdc_rank
    FROM "cdc_typed_salesdb_sales_order_detail" AS t
    LEFT JOIN "cdc_stale_salesdb_sales_order_detail" AS s ON s."order_id" = t."order_id" AND s."line_no" = t."line_no" AND s._cdc_incoming = 1 AND s._cdc_stale = 1
         AND s._cdc_kafka_partition = t._cdc_kafka_partition AND s._cdc_kafka_offset = t._cdc_kafka_offset
    WHERE t._cdc_fault IS NULL AND s._cdc_stale IS NULL;
    DROP TABLE IF EXISTS "cdc_position_salesdb_sales_order_detail";
    CREATE TEMP TABLE "cdc_position_salesdb_sales_order_detail" DISTSTYLE KEY DISTKEY ("order_id") COMPOUND SORTKEY ("order_id", "line_no") AS
    SELECT s.*, ROW_NUMBER() OVER (PARTITION BY s."order_id", s."line_no" ORDER BY s._cdc_arrival DESC, s._cdc_position DESC NULLS LAST, s._cdc_kafka_partition DESC, s._cdc_kafka_offset DESC) AS _cdc_rank
    FROM "cdc_stale_salesdb_sales_order_detail" AS s WHERE s._cdc_stale = 0;
    -- staging: one typed row per key.
    DROP TABLE IF EXISTS "cdc_staging_salesdb_sales_order_detail";
    CREATE TEMP TABLE "cdc_staging_salesdb_sales_order_detail" DISTSTYLE KEY DISTKEY ("order_id") COMPOUND SORTKEY ("order_id", "line_no") AS
    SELECT n."order_id", n."line_no", n."sku", n."quantity", n."note", n."email", n."card", n."born", n."paid", n."tags", n."token", n."weight",
           n._cdc_op, n._cdc_lost, n._cdc_nulled, n._cdc_truncated, n._cdc_unavailable, n._cdc_kafka_partition, n._cdc_kafka_offset,
           p._cdc_domain, p._cdc_position,
           DATEADD(millisecond, MOD(COALESCE(p._cdc_newest_ms, n._cdc_source_ms), 86400000)::INTEGER, DATEADD(day, (COALESCE(p._cdc_newest_ms, n._cdc_source_ms) / 86400000)::INTEGER, CAST('1970-01-01' AS TIMESTAMP))) AS _cdc_source_ts
    FROM "cdc_newest_salesdb_sales_order_detail" AS n LEFT JOIN "cdc_position_salesdb_sales_order_detail" AS p ON p."order_id" = n."order_id" AND p."line_no" = n."line_no" AND p._cdc_rank = 1
    WHERE n._cdc_rank = 1;
    -- An unchanged large value arrives as a placeholder. An earlier change of this range may hold it, within
    -- one life of the row; a row that is new and whose value nobody holds gets NULL and an entry in quarantine.
    SELECT COUNT(*) INTO cdc_unavailable_count FROM "cdc_staging_salesdb_sales_order_detail" AS s WHERE s._cdc_unavailable <> '' AND s._cdc_op <> 'd';
    IF cdc_unavailable_count > 0 THEN
        DROP TABLE IF EXISTS "cdc_life_salesdb_sales_order_detail";
        CREATE TEMP TABLE "cdc_life_salesdb_sales_order_detail" AS
        SELECT s."order_id", s."line_no", b._cdc_barrier,
               CASE WHEN b._cdc_barrier IS NOT NULL OR h."order_id" IS NULL THEN 1 ELSE 0 END AS _cdc_new
        FROM "cdc_staging_salesdb_sales_order_detail" AS s
        LEFT JOIN (SELECT n."order_id", n."line_no", MIN(n._cdc_rank) AS _cdc_barrier FROM "cdc_newest_salesdb_sales_order_detail" AS n
                   WHERE n._cdc_op IN ('c', 'd') GROUP BY n."order_id", n."line_no") AS b ON b."order_id" = s."order_id" AND b."line_no" = s."line_no"
        LEFT JOIN "salesdb"."sales_order_detail" AS h ON h."order_id" = s."order_id" AND h."line_no" = s."line_no"
        WHERE s._cdc_unavailable <> '' AND s._cdc_op <> 'd';
        UPDATE "cdc_staging_salesdb_sales_order_detail" SET "sku" = f."sku", _cdc_lost = "cdc_staging_salesdb_sales_order_detail"._cdc_lost || f._cdc_lost, _cdc_unavailable = REPLACE("cdc_staging_salesdb_sales_order_detail"._cdc_unavailable, ',sku,', '')
        FROM (SELECT n."order_id", n."line_no", n."sku", CASE WHEN STRPOS(',' || n._cdc_lost, ',sku,') > 0 THEN 'sku,' ELSE '' END AS _cdc_lost, ROW_NUMBER() OVER (PARTITION BY n."order_id", n."line_no" ORDER BY n._cdc_rank) AS _cdc_nearest
              FROM "cdc_newest_salesdb_sales_order_detail" AS n JOIN "cdc_life_salesdb_sales_order_detail" AS b ON b."order_id" = n."order_id" AND b."line_no" = n."line_no"
              WHERE STRPOS(n._cdc_unavailable, ',sku,') = 0 AND n._cdc_op <> 'd'
                    AND (b._cdc_barrier IS NULL OR n._cdc_rank <= b._cdc_barrier)) AS f
        WHERE "cdc_staging_salesdb_sales_order_detail"."order_id" = f."order_id" AND "cdc_staging_salesdb_sales_order_detail"."line_no" = f."line_no" AND f._cdc_nearest = 1 AND STRPOS("cdc_staging_salesdb_sales_order_detail"._cdc_unavailable, ',sku,') > 0;
        UPDATE "cdc_staging_salesdb_sales_order_detail" SET "sku" = NULL, _cdc_lost = "cdc_staging_salesdb_sales_order_detail"._cdc_lost || 'sku,',
               _cdc_unavailable = REPLACE("cdc_staging_salesdb_sales_order_detail"._cdc_unavailable, ',sku,', '')
        FROM "cdc_life_salesdb_sales_order_detail" AS b WHERE "cdc_staging_salesdb_sales_order_detail"."order_id" = b."order_id" AND "cdc_staging_salesdb_sales_order_detail"."line_no" = b."line_no" AND b._cdc_new = 1 AND STRPOS("cdc_staging_salesdb_sales_order_detail"._cdc_unavailable, ',sku,') > 0;
        UPDATE "cdc_staging_salesdb_sales_order_detail" SET "note" = f."note", _cdc_lost = "cdc_staging_salesdb_sales_order_detail"._cdc_lost || f._cdc_lost, _cdc_unavailable = REPLACE("cdc_staging_salesdb_sales_order_detail"._cdc_unavailable, ',note,', '')
        FROM (SELECT n."order_id", n."line_no", n."note", CASE WHEN STRPOS(',' || n._cdc_lost, ',note,') > 0 THEN 'note,' ELSE '' END AS _cdc_lost, ROW_NUMBER() OVER (PARTITION BY n."order_id", n."line_no" ORDER BY n._cdc_rank) AS _cdc_nearest
              FROM "cdc_newest_salesdb_sales_order_detail" AS n JOIN "cdc_life_salesdb_sales_order_detail" AS b ON b."order_id" = n."order_id" AND b."line_no" = n."line_no"
              WHERE STRPOS(n._cdc_unavailable, ',note,') = 0 AND n._cdc_op <> 'd'
                    AND (b._cdc_barrier IS NULL OR n._cdc_rank <= b._cdc_barrier)) AS f
        WHERE "cdc_staging_salesdb_sales_order_detail"."order_id" = f."order_id" AND "cdc_staging_salesdb_sales_order_detail"."line_no" = f."line_no" AND f._cdc_nearest = 1 AND STRPOS("cdc_staging_salesdb_sales_order_detail"._cdc_unavailable, ',note,') > 0;
        UPDATE "cdc_staging_salesdb_sales_order_detail" SET "note" = NULL, _cdc_lost = "cdc_staging_salesdb_sales_order_detail"._cdc_lost || 'note,',
               _cdc_unavailable = REPLACE("cdc_staging_salesdb_sales_order_detail"._cdc_unavailable, ',note,', '')
        FROM "cdc_life_salesdb_sales_order_detail" AS b WHERE "cdc_staging_salesdb_sales_order_detail"."order_id" = b."order_id" AND "cdc_staging_salesdb_sales_order_detail"."line_no" = b."line_no" AND b._cdc_new = 1 AND STRPOS("cdc_staging_salesdb_sales_order_detail"._cdc_unavailable, ',note,') > 0;
        UPDATE "cdc_staging_salesdb_sales_order_detail" SET "email" = f."email", _cdc_lost = "cdc_staging_salesdb_sales_order_detail"._cdc_lost || f._cdc_lost, _cdc_unavailable = REPLACE("cdc_staging_salesdb_sales_order_detail"._cdc_unavailable, ',email,', '')
        FROM (SELECT n."order_id", n."line_no", n."email", CASE WHEN STRPOS(',' || n._cdc_lost, ',email,') > 0 THEN 'email,' ELSE '' END AS _cdc_lost, ROW_NUMBER() OVER (PARTITION BY n."order_id", n."line_no" ORDER BY n._cdc_rank) AS _cdc_nearest
              FROM "cdc_newest_salesdb_sales_order_detail" AS n JOIN "cdc_life_salesdb_sales_order_detail" AS b ON b."order_id" = n."order_id" AND b."line_no" = n."line_no"
              WHERE STRPOS(n._cdc_unavailable, ',email,') = 0 AND n._cdc_op <> 'd'
                    AND (b._cdc_barrier IS NULL OR n._cdc_rank <= b._cdc_barrier)) AS f
        WHERE "cdc_staging_salesdb_sales_order_detail"."order_id" = f."order_id" AND "cdc_staging_salesdb_sales_order_detail"."line_no" = f."line_no" AND f._cdc_nearest = 1 AND STRPOS("cdc_staging_salesdb_sales_order_detail"._cdc_unavailable, ',email,') > 0;
        UPDATE "cdc_staging_salesdb_sales_order_detail" SET "email" = NULL, _cdc_lost = "cdc_staging_salesdb_sales_order_detail"._cdc_lost || 'email,',
               _cdc_unavailable = REPLACE("cdc_staging_salesdb_sales_order_detail"._cdc_unavailable, ',email,', '')
        FROM "cdc_life_salesdb_sales_order_detail" AS b WHERE "cdc_staging_salesdb_sales_order_detail"."order_id" = b."order_id" AND "cdc_staging_salesdb_sales_order_detail"."line_no" = b."line_no" AND b._cdc_new = 1 AND STRPOS("cdc_staging_salesdb_sales_order_detail"._cdc_unavailable, ',email,') > 0;
        UPDATE "cdc_staging_salesdb_sales_order_detail" SET "card" = f."card", _cdc_lost = "cdc_staging_salesdb_sales_order_detail"._cdc_lost || f._cdc_lost, _cdc_unavailable = REPLACE("cdc_staging_salesdb_sales_order_detail"._cdc_unavailable, ',card,', '')
        FROM (SELECT n."order_id", n."line_no", n."card", CASE WHEN STRPOS(',' || n._cdc_lost, ',card,') > 0 THEN 'card,' ELSE '' END AS _cdc_lost, ROW_NUMBER() OVER (PARTITION BY n."order_id", n."line_no" ORDER BY n._cdc_rank) AS _cdc_nearest
              FROM "cdc_newest_salesdb_sales_order_detail" AS n JOIN "cdc_life_salesdb_sales_order_detail" AS b ON b."order_id" = n."order_id" AND b."line_no" = n."line_no"
              WHERE STRPOS(n._cdc_unavailable, ',card,') = 0 AND n._cdc_op <> 'd'
                    AND (b._cdc_barrier IS NULL OR n._cdc_rank <= b._cdc_barrier)) AS f
        WHERE "cdc_staging_salesdb_sales_order_detail"."order_id" = f."order_id" AND "cdc_staging_salesdb_sales_order_detail"."line_no" = f."line_no" AND f._cdc_nearest = 1 AND STRPOS("cdc_staging_salesdb_sales_order_detail"._cdc_unavailable, ',card,') > 0;
        UPDATE "cdc_staging_salesdb_sales_order_detail" SET "card" = NULL, _cdc_lost = "cdc_staging_salesdb_sales_order_detail"._cdc_lost || 'card,',
               _cdc_unavailable = REPLACE("cdc_staging_salesdb_sales_order_detail"._cdc_unavailable, ',card,', '')
        FROM "cdc_life_salesdb_sales_order_detail" AS b WHERE "cdc_staging_salesdb_sales_order_detail"."order_id" = b."order_id" AND "cdc_staging_salesdb_sales_order_detail"."line_no" = b."line_no" AND b._cdc_new = 1 AND STRPOS("cdc_staging_salesdb_sales_order_detail"._cdc_unavailable, ',card,') > 0;
        UPDATE "cdc_staging_salesdb_sales_order_detail" SET "tags" = f."tags", _cdc_lost = "cdc_staging_salesdb_sales_order_detail"._cdc_lost || f._cdc_lost, _cdc_unavailable = REPLACE("cdc_staging_salesdb_sales_order_detail"._cdc_unavailable, ',tags,', '')
        FROM (SELECT n."order_id", n."line_no", n."tags", CASE WHEN STRPOS(',' || n._cdc_lost, ',tags,') > 0 THEN 'tags,' ELSE '' END AS _cdc_lost, ROW_NUMBER() OVER (PARTITION BY n."order_id", n."line_no" ORDER BY n._cdc_rank) AS _cdc_nearest
              FROM "cdc_newest_salesdb_sales_order_detail" AS n JOIN "cdc_life_salesdb_sales_order_detail" AS b ON b."order_id" = n."order_id" AND b."line_no" = n."line_no"
              WHERE STRPOS(n._cdc_unavailable, ',tags,') = 0 AND n._cdc_op <> 'd'
                    AND (b._cdc_barrier IS NULL OR n._cdc_rank <= b._cdc_barrier)) AS f
        WHERE "cdc_staging_salesdb_sales_order_detail"."order_id" = f."order_id" AND "cdc_staging_salesdb_sales_order_detail"."line_no" = f."line_no" AND f._cdc_nearest = 1 AND STRPOS("cdc_staging_salesdb_sales_order_detail"._cdc_unavailable, ',tags,') > 0;
        UPDATE "cdc_staging_salesdb_sales_order_detail" SET "tags" = NULL, _cdc_lost = "cdc_staging_salesdb_sales_order_detail"._cdc_lost || 'tags,',
               _cdc_unavailable = REPLACE("cdc_staging_salesdb_sales_order_detail"._cdc_unavailable, ',tags,', '')
        FROM "cdc_life_salesdb_sales_order_detail" AS b WHERE "cdc_staging_salesdb_sales_order_detail"."order_id" = b."order_id" AND "cdc_staging_salesdb_sales_order_detail"."line_no" = b."line_no" AND b._cdc_new = 1 AND STRPOS("cdc_staging_salesdb_sales_order_detail"._cdc_unavailable, ',tags,') > 0;
        UPDATE "cdc_staging_salesdb_sales_order_detail" SET "token" = f."token", _cdc_lost = "cdc_staging_salesdb_sales_order_detail"._cdc_lost || f._cdc_lost, _cdc_unavailable = REPLACE("cdc_staging_salesdb_sales_order_detail"._cdc_unavailable, ',token,', '')
        FROM (SELECT n."order_id", n."line_no", n."token", CASE WHEN STRPOS(',' || n._cdc_lost, ',token,') > 0 THEN 'token,' ELSE '' END AS _cdc_lost, ROW_NUMBER() OVER (PARTITION BY n."order_id", n."line_no" ORDER BY n._cdc_rank) AS _cdc_nearest
              FROM "cdc_newest_salesdb_sales_order_detail" AS n JOIN "cdc_life_salesdb_sales_order_detail" AS b ON b."order_id" = n."order_id" AND b."line_no" = n."line_no"
              WHERE STRPOS(n._cdc_unavailable, ',token,') = 0 AND n._cdc_op <> 'd'
                    AND (b._cdc_barrier IS NULL OR n._cdc_rank <= b._cdc_barrier)) AS f
        WHERE "cdc_staging_salesdb_sales_order_detail"."order_id" = f."order_id" AND "cdc_staging_salesdb_sales_order_detail"."line_no" = f."line_no" AND f._cdc_nearest = 1 AND STRPOS("cdc_staging_salesdb_sales_order_detail"._cdc_unavailable, ',token,') > 0;
        UPDATE "cdc_staging_salesdb_sales_order_detail" SET "token" = NULL, _cdc_lost = "cdc_staging_salesdb_sales_order_detail"._cdc_lost || 'token,',
               _cdc_unavailable = REPLACE("cdc_staging_salesdb_sales_order_detail"._cdc_unavailable, ',token,', '')
        FROM "cdc_life_salesdb_sales_order_detail" AS b WHERE "cdc_staging_salesdb_sales_order_detail"."order_id" = b."order_id" AND "cdc_staging_salesdb_sales_order_detail"."line_no" = b."line_no" AND b._cdc_new = 1 AND STRPOS("cdc_staging_salesdb_sales_order_detail"._cdc_unavailable, ',token,') > 0;
    END IF;
    -- Values that could not be read: the row is merged without them.
    SELECT COUNT(*) INTO cdc_values_quarantined FROM "cdc_staging_salesdb_sales_order_detail" AS s WHERE s._cdc_lost <> '';
    IF cdc_values_quarantined > 0 THEN
        INSERT INTO "cdc"."quarantine" (quarantined_at, table_name, topic, kafka_partition, kafka_offset, kafka_timestamp, scope, reason, column_names, kafka_key, kafka_value)
        SELECT SYSDATE, 'salesdb.sales_order_detail', 'salesdb.salesdb.SALES_ORDER_DETAIL', l.kafka_partition, l.kafka_offset, l.kafka_timestamp, 'value',
               'the value is missing, not readable as the column''s type, or too long for it', s._cdc_lost, l.kafka_key, l.kafka_value
        FROM "cdc_staging_salesdb_sales_order_detail" AS s JOIN "cdc_landed_salesdb_sales_order_detail" AS l ON l.kafka_partition = s._cdc_kafka_partition AND l.kafka_offset = s._cdc_kafka_offset
        WHERE s._cdc_lost <> '';
    END IF;
    cdc_quarantined_rows := cdc_records_quarantined + cdc_values_quarantined + cdc_lost_rows;
    -- Delete the deleted, merge the rest.
    DELETE FROM "salesdb"."sales_order_detail" USING "cdc_staging_salesdb_sales_order_detail" AS s WHERE "salesdb"."sales_order_detail"."order_id" = s."order_id" AND "salesdb"."sales_order_detail"."line_no" = s."line_no" AND s._cdc_op = 'd';
    GET DIAGNOSTICS cdc_deleted_rows := ROW_COUNT;
    cdc_deleted_rows := cdc_deleted_rows + cdc_truncated_rows;
    DROP TABLE IF EXISTS "cdc_upserts_salesdb_sales_order_detail";
    CREATE TEMP TABLE "cdc_upserts_salesdb_sales_order_detail" DISTSTYLE KEY DISTKEY ("order_id") COMPOUND SORTKEY ("order_id", "line_no") AS SELECT s.* FROM "cdc_staging_salesdb_sales_order_detail" AS s WHERE s._cdc_op <> 'd';
    SELECT COUNT(*) INTO cdc_applied_rows FROM "cdc_upserts_salesdb_sales_order_detail" AS u;
    MERGE INTO "salesdb"."sales_order_detail" USING "cdc_upserts_salesdb_sales_order_detail" AS s ON "sales_order_detail"."order_id" = s."order_id" AND "sales_order_detail"."line_no" = s."line_no"
    WHEN MATCHED THEN UPDATE SET
        "sku" = CASE WHEN STRPOS(s._cdc_unavailable, ',sku,') > 0 THEN "sales_order_detail"."sku" ELSE s."sku" END,
        "quantity" = s."quantity",
        "note" = CASE WHEN STRPOS(s._cdc_unavailable, ',note,') > 0 THEN "sales_order_detail"."note" ELSE s."note" END,
        "email" = CASE WHEN STRPOS(s._cdc_unavailable, ',email,') > 0 THEN "sales_order_detail"."email" ELSE s."email" END,
        "card" = CASE WHEN STRPOS(s._cdc_unavailable, ',card,') > 0 THEN "sales_order_detail"."card" ELSE s."card" END,
        "born" = s."born",
        "paid" = s."paid",
        "tags" = CASE WHEN STRPOS(s._cdc_unavailable, ',tags,') > 0 THEN "sales_order_detail"."tags" ELSE s."tags" END,
        "token" = CASE WHEN STRPOS(s._cdc_unavailable, ',token,') > 0 THEN "sales_order_detail"."token" ELSE s."token" END,
        "weight" = s."weight",
        "_cdc_domain" = s."_cdc_domain",
        "_cdc_position" = s."_cdc_position",
        "_cdc_source_ts" = s."_cdc_source_ts",
        "_cdc_kafka_partition" = s."_cdc_kafka_partition",
        "_cdc_kafka_offset" = s."_cdc_kafka_offset"
    WHEN NOT MATCHED THEN INSERT ("order_id", "line_no", "sku", "quantity", "note", "email", "card", "born", "paid", "tags", "token", "weight", "_cdc_domain", "_cdc_position", "_cdc_source_ts", "_cdc_kafka_partition", "_cdc_kafka_offset")
         VALUES (s."order_id", s."line_no", s."sku", s."quantity", s."note", s."email", s."card", s."born", s."paid", s."tags", s."token", s."weight", s."_cdc_domain", s."_cdc_position", s."_cdc_source_ts", s."_cdc_kafka_partition", s."_cdc_kafka_offset");
    -- The ledger remembers the positions of deletions, so that a late older change stays out.
    DELETE FROM "cdc"."ledger_salesdb_sales_order_detail" USING "cdc_staging_salesdb_sales_order_detail" AS s WHERE "cdc"."ledger_salesdb_sales_order_detail"."order_id" = s."order_id" AND "cdc"."ledger_salesdb_sales_order_detail"."line_no" = s."line_no";
    DELETE FROM "cdc"."ledger_salesdb_sales_order_detail" WHERE _cdc_deleted_at < DATEADD(day, -7, SYSDATE);
    INSERT INTO "cdc"."ledger_salesdb_sales_order_detail" ("order_id", "line_no", _cdc_domain, _cdc_position, _cdc_source_ts, _cdc_kafka_partition, _cdc_deleted_at)
    SELECT s."order_id", s."line_no", s._cdc_domain, s._cdc_position, s._cdc_source_ts, s._cdc_kafka_partition, SYSDATE
    FROM "cdc_staging_salesdb_sales_order_detail" AS s WHERE s._cdc_op = 'd' AND s._cdc_domain IS NOT NULL;
    -- Offsets that never landed: harmless after compaction and transactions, a loss if somebody saw a record there.
    DROP TABLE IF EXISTS "cdc_gap_salesdb_sales_order_detail";
    CREATE TEMP TABLE "cdc_gap_salesdb_sales_order_detail" AS
    SELECT g.kafka_partition, g.previous_offset + 1 AS first_missing, g.kafka_offset - 1 AS last_missing
    FROM (SELECT l.kafka_partition, l.kafka_offset,
                 COALESCE(LAG(l.kafka_offset) OVER (PARTITION BY l.kafka_partition ORDER BY l.kafka_offset), r.old_offset, -1) AS previous_offset
          FROM "cdc_landed_salesdb_sales_order_detail" AS l JOIN "cdc_range_salesdb_sales_order_detail" AS r ON r.kafka_partition = l.kafka_partition) AS g
    WHERE g.kafka_offset > g.previous_offset + 1;
    SELECT COALESCE(SUM(g.last_missing - g.first_missing + 1), 0) INTO cdc_missing FROM "cdc_gap_salesdb_sales_order_detail" AS g;
    IF cdc_missing > 0 THEN
        INSERT INTO "cdc"."gaps" (detected_at, table_name, kafka_partition, first_missing, last_missing)
        SELECT SYSDATE, 'salesdb.sales_order_detail', g.kafka_partition, g.first_missing, g.last_missing FROM "cdc_gap_salesdb_sales_order_detail" AS g;
        -- What the stream scan itself reports as unreadable in this range.
        INSERT INTO "cdc"."quarantine" (quarantined_at, table_name, topic, kafka_partition, kafka_offset, kafka_timestamp, scope, reason)
        SELECT SYSDATE, 'salesdb.sales_order_detail', 'salesdb.salesdb.SALES_ORDER_DETAIL', g.kafka_partition, e.position::BIGINT, e.stream_timestamp, 'scan', LEFT(TRIM(e.error_reason), 256)
        FROM sys_stream_scan_errors AS e JOIN "cdc_gap_salesdb_sales_order_detail" AS g ON e.partition_id::BIGINT = g.kafka_partition
             AND e.position::BIGINT BETWEEN g.first_missing AND g.last_missing
        WHERE e.stream_name = 'salesdb.salesdb.SALES_ORDER_DETAIL';
    END IF;
    -- The merge log: one row per partition.
    INSERT INTO "cdc"."merge_log" (merged_at, table_name, kafka_partition, first_offset, last_offset, landed, reads, creates, updates, deletes, tombstones, stale, quarantined, nulled_values, truncated_values, newest_source_ts)
    SELECT SYSDATE, 'salesdb.sales_order_detail', r.kafka_partition, r.first_offset, r.last_offset, l.landed,
           COALESCE(t.reads, 0), COALESCE(t.creates, 0), COALESCE(t.updates, 0), COALESCE(t.deletes, 0), l.tombstones,
           COALESCE(s.stale, 0), l.unreadable + COALESCE(t.faults, 0) + COALESCE(v.lost, 0),
           COALESCE(v.nulled, 0), COALESCE(v.truncated, 0), DATEADD(millisecond, MOD(t.newest_ms, 86400000)::INTEGER, DATEADD(day, (t.newest_ms / 86400000)::INTEGER, CAST('1970-01-01' AS TIMESTAMP)))
    FROM "cdc_range_salesdb_sales_order_detail" AS r
    JOIN (SELECT a.kafka_partition, COUNT(*) AS landed, SUM(CASE WHEN a.shape = 'tombstone' THEN 1 ELSE 0 END) AS tombstones,
                 SUM(CASE WHEN a.shape IN ('malformed', 'unmergeable') THEN 1 ELSE 0 END) AS unreadable
          FROM "cdc_landed_salesdb_sales_order_detail" AS a GROUP BY a.kafka_partition) AS l ON l.kafka_partition = r.kafka_partition
    LEFT JOIN (SELECT b._cdc_kafka_partition, MAX(b._cdc_source_ms) AS newest_ms,
                      SUM(CASE WHEN b._cdc_op = 'r' THEN 1 ELSE 0 END) AS reads, SUM(CASE WHEN b._cdc_op = 'c' THEN 1 ELSE 0 END) AS creates,
                      SUM(CASE WHEN b._cdc_op = 'u' THEN 1 ELSE 0 END) AS updates, SUM(CASE WHEN b._cdc_op = 'd' THEN 1 ELSE 0 END) AS deletes,
                      SUM(CASE WHEN b._cdc_fault IS NOT NULL THEN 1 ELSE 0 END) AS faults
               FROM "cdc_typed_salesdb_sales_order_detail" AS b GROUP BY b._cdc_kafka_partition) AS t ON t._cdc_kafka_partition = r.kafka_partition
    LEFT JOIN (SELECT c._cdc_kafka_partition, COUNT(*) AS stale FROM "cdc_stale_salesdb_sales_order_detail" AS c WHERE c._cdc_stale = 1 AND c._cdc_incoming = 1
               GROUP BY c._cdc_kafka_partition) AS s ON s._cdc_kafka_partition = r.kafka_partition
    LEFT JOIN (SELECT d._cdc_kafka_partition, SUM(CASE WHEN d._cdc_lost <> '' THEN 1 ELSE 0 END) AS lost,
                      SUM(d._cdc_nulled) AS nulled, SUM(d._cdc_truncated) AS truncated FROM "cdc_staging_salesdb_sales_order_detail" AS d
               GROUP BY d._cdc_kafka_partition) AS v ON v._cdc_kafka_partition = r.kafka_partition;
    -- Advance the watermark by compare-and-set.
    DROP TABLE IF EXISTS "cdc_mark_salesdb_sales_order_detail";
    CREATE TEMP TABLE "cdc_mark_salesdb_sales_order_detail" AS
    SELECT r.kafka_partition, r.old_offset, l.last_offset, l.newest, l.refresh_time, COALESCE(g.missing, 0) AS missing
    FROM "cdc_range_salesdb_sales_order_detail" AS r
    JOIN (SELECT a.kafka_partition, MAX(a.kafka_offset) AS last_offset, MAX(a.kafka_timestamp) AS newest, MAX(a.refresh_time) AS refresh_time
          FROM "cdc_landed_salesdb_sales_order_detail" AS a GROUP BY a.kafka_partition) AS l ON l.kafka_partition = r.kafka_partition
    LEFT JOIN (SELECT b.kafka_partition, SUM(b.last_missing - b.first_missing + 1) AS missing
               FROM "cdc_gap_salesdb_sales_order_detail" AS b GROUP BY b.kafka_partition) AS g ON g.kafka_partition = r.kafka_partition;
    SELECT COUNT(*) INTO cdc_expected FROM "cdc_mark_salesdb_sales_order_detail" AS m WHERE m.old_offset IS NOT NULL;
    UPDATE "cdc"."watermark_salesdb_sales_order_detail" SET kafka_offset = m.last_offset,
           kafka_timestamp = CASE WHEN "cdc"."watermark_salesdb_sales_order_detail".kafka_timestamp > m.newest THEN "cdc"."watermark_salesdb_sales_order_detail".kafka_timestamp ELSE m.newest END,
           refresh_time = m.refresh_time, gaps = "cdc"."watermark_salesdb_sales_order_detail".gaps + m.missing, merged_at = SYSDATE
    FROM "cdc_mark_salesdb_sales_order_detail" AS m WHERE "cdc"."watermark_salesdb_sales_order_detail".kafka_partition = m.kafka_partition AND "cdc"."watermark_salesdb_sales_order_detail".kafka_offset = m.old_offset;
    GET DIAGNOSTICS cdc_advanced := ROW_COUNT;
    IF cdc_advanced <> cdc_expected THEN
        RAISE EXCEPTION 'the watermark moved while merging; nothing was merged, call again';
    END IF;
    INSERT INTO "cdc"."watermark_salesdb_sales_order_detail" (kafka_partition, kafka_offset, kafka_timestamp, refresh_time, gaps, merged_at)
    SELECT m.kafka_partition, m.last_offset, m.newest, m.refresh_time, m.missing, SYSDATE FROM "cdc_mark_salesdb_sales_order_detail" AS m WHERE m.old_offset IS NULL;
END;
$procedure$ LANGUAGE plpgsql SECURITY DEFINER
