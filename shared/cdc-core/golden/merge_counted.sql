CREATE TABLE IF NOT EXISTS "salesdb"."sales_order_detail" (
    "order_id" BIGINT,
    "line_no" INTEGER,
    "sku" VARCHAR(96),
    "quantity" DECIMAL(10,3),
    "note" VARCHAR(65535),
    "_cdc_row" VARCHAR(64),
    "_cdc_domain" VARCHAR(128),
    "_cdc_position" VARCHAR(80),
    "_cdc_source_ts" TIMESTAMP,
    "_cdc_kafka_partition" BIGINT,
    "_cdc_kafka_offset" BIGINT
)
DISTSTYLE KEY DISTKEY ("_cdc_row")
SORTKEY ("_cdc_row");

CREATE TABLE IF NOT EXISTS "cdc"."ledger_salesdb_sales_order_detail" (
    "_cdc_row" VARCHAR(64) NOT NULL,
    "_cdc_change" SMALLINT NOT NULL,
    "_cdc_domain" VARCHAR(128),
    "_cdc_position" VARCHAR(80),
    "_cdc_log_file" VARCHAR(512),
    "_cdc_log_place" VARCHAR(600),
    "_cdc_owed" BOOLEAN NOT NULL,
    "_cdc_source_ts" TIMESTAMP,
    "_cdc_kafka_partition" BIGINT,
    "_cdc_kafka_offset" BIGINT,
    "_cdc_seen_at" TIMESTAMP NOT NULL
)
DISTSTYLE KEY DISTKEY ("_cdc_row")
SORTKEY ("_cdc_row");

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
    cdc_snapshot VARCHAR(600);
    cdc_doubtful BIGINT := 0;
BEGIN
    -- The lock comes before anything that would take a snapshot.
    LOCK TABLE "cdc"."watermark_salesdb_sales_order_detail";
    -- Without case-sensitive names every mixed-case attribute would read as NULL.
    SELECT p.probe."cdcProbe"::BIGINT INTO cdc_probe FROM "cdc"."settings_probe" AS p;
    IF cdc_probe IS NULL OR cdc_probe <> 1 THEN
        RAISE EXCEPTION 'enable_case_sensitive_identifier is off in this session; set it to true before calling a merge procedure';
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
           COALESCE(CASE WHEN e.is_row THEN e.envelope."__source_file"::VARCHAR(512) ELSE e.envelope."source"."file"::VARCHAR(512) END, '') AS _cdc_log_file, COALESCE(CASE WHEN e.is_row THEN e.envelope."__source_pos"::BIGINT ELSE e.envelope."source"."pos"::BIGINT END::VARCHAR(20) || ':' || CASE WHEN e.is_row THEN e.envelope."__source_row"::BIGINT ELSE e.envelope."source"."row"::BIGINT END::VARCHAR(20), '') AS _cdc_log_place,
           CASE WHEN CASE WHEN e.is_row THEN e.envelope."__source_snapshot"::VARCHAR(64) ELSE e.envelope."source"."snapshot"::VARCHAR(64) END = 'incremental' THEN 'incremental'
                ELSE COALESCE(CASE WHEN e.is_row THEN e.envelope."__source_lsn"::BIGINT ELSE e.envelope."source"."lsn"::BIGINT END::VARCHAR(20), CASE WHEN e.is_row THEN e.envelope."__source_file"::VARCHAR(512) ELSE e.envelope."source"."file"::VARCHAR(512) END || ':' || CASE WHEN e.is_row THEN e.envelope."__source_pos"::BIGINT ELSE e.envelope."source"."pos"::BIGINT END::VARCHAR(20), '') END AS _cdc_snapshot,
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
    -- The snapshot that the table's records begin with counts. Of a later one nobody can tell which of its rows are
    -- there already, so its reads wait.
    SELECT MAX(b._cdc_log_place) INTO cdc_snapshot FROM "cdc"."ledger_salesdb_sales_order_detail" AS b WHERE b._cdc_domain = 'snapshot';
    IF cdc_snapshot IS NULL THEN
        SELECT CASE WHEN e._cdc_op = 'r' AND e._cdc_snapshot <> 'incremental' THEN e._cdc_snapshot ELSE 'none' END INTO cdc_snapshot
        FROM "cdc_events_salesdb_sales_order_detail" AS e WHERE e._cdc_op IN ('r', 'c', 'u', 'd')
        ORDER BY e._cdc_arrival, CASE WHEN e._cdc_op = 'r' THEN 0 ELSE 1 END, e._cdc_kafka_partition, e._cdc_kafka_offset LIMIT 1;
        -- A merge of one partition does not see whether another one begins with reads.
        IF cdc_snapshot IS NOT NULL AND (cdc_snapshot <> 'none' OR cdc_only_partition < 0) THEN
            INSERT INTO "cdc"."ledger_salesdb_sales_order_detail" (_cdc_row, _cdc_change, _cdc_domain, _cdc_position, _cdc_log_file, _cdc_log_place, _cdc_owed, _cdc_seen_at)
            VALUES ('', 0, 'snapshot', '', '', cdc_snapshot, true, SYSDATE);
        END IF;
    END IF;
    INSERT INTO "cdc_held_salesdb_sales_order_detail"
    SELECT e._cdc_kafka_partition, MIN(e._cdc_kafka_offset), 'another snapshot of a table without a key: its rows cannot be told from those that are there'
    FROM "cdc_events_salesdb_sales_order_detail" AS e WHERE e._cdc_op = 'r' AND e._cdc_snapshot <> cdc_snapshot
    GROUP BY e._cdc_kafka_partition;
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
    -- halves: a change takes a row of the former image away and adds one of the new image.
    DROP TABLE IF EXISTS "cdc_halves_salesdb_sales_order_detail";
    CREATE TEMP TABLE "cdc_halves_salesdb_sales_order_detail" AS
    SELECT e.*, h.change AS _cdc_change
    FROM "cdc_events_salesdb_sales_order_detail" AS e JOIN (SELECT 1 AS change UNION ALL SELECT -1 AS change) AS h
         ON (h.change > 0 AND COALESCE(e._cdc_op, '') <> 'd') OR (h.change < 0 AND e._cdc_op IN ('u', 'd'));
    UPDATE "cdc_halves_salesdb_sales_order_detail" SET _cdc_image = _cdc_before WHERE _cdc_op = 'u' AND _cdc_change < 0;
    -- hexadecimal, unscaled: decimals arrive as base64 of a two's complement number without its point.
    DROP TABLE IF EXISTS "cdc_hexadecimal_salesdb_sales_order_detail";
    CREATE TEMP TABLE "cdc_hexadecimal_salesdb_sales_order_detail" AS
    SELECT e.*,
           "cdc"."f_base64_hex"(e._cdc_image."QUANTITY"::VARCHAR(65535), JSON_TYPEOF(e._cdc_image."QUANTITY")) AS _cdc_h0
    FROM "cdc_halves_salesdb_sales_order_detail" AS e;
    DROP TABLE IF EXISTS "cdc_unscaled_salesdb_sales_order_detail";
    CREATE TEMP TABLE "cdc_unscaled_salesdb_sales_order_detail" AS
    SELECT h.*,
           "cdc"."f_hex_integer"(h._cdc_h0) AS _cdc_u0
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
                 WHEN NOT COALESCE(IS_OBJECT(t._cdc_image), false) THEN 'the row image is missing' END)::VARCHAR(256) AS _cdc_fault,
           (CASE WHEN t._cdc_change < 0 THEN '' ELSE "cdc"."f_lost"(t."order_id" IS NULL, JSON_TYPEOF(t._cdc_image."ORDER_ID"), 'order_id')
      || "cdc"."f_lost"(t."line_no" IS NULL, JSON_TYPEOF(t._cdc_image."LINE_NO"), 'line_no')
      || CASE WHEN STRPOS(t._cdc_unavailable, ',sku,') > 0 THEN '' ELSE "cdc"."f_lost"(t."sku" IS NULL, JSON_TYPEOF(t._cdc_image."SKU"), 'sku') END
      || "cdc"."f_lost"(t."quantity" IS NULL, JSON_TYPEOF(t._cdc_image."QUANTITY"), 'quantity')
      || CASE WHEN STRPOS(t._cdc_unavailable, ',note,') > 0 THEN '' ELSE "cdc"."f_lost"(t."note" IS NULL, JSON_TYPEOF(t._cdc_image."NOTE"), 'note') END END)::VARCHAR(65535) AS _cdc_lost,
           (0)::BIGINT AS _cdc_nulled,
           false AS _cdc_moved
    FROM (SELECT c._cdc_kafka_partition, c._cdc_kafka_offset, c._cdc_arrival, c._cdc_op, c._cdc_image, c._cdc_source_ms,
                 c._cdc_domain, c._cdc_position,
                 c._cdc_change, c._cdc_log_file, c._cdc_log_place, (CASE WHEN c._cdc_image."SKU"::VARCHAR(65535) = '__debezium_unavailable_value' THEN ',sku,' ELSE '' END
      || CASE WHEN c._cdc_image."NOTE"::VARCHAR(65535) = '__debezium_unavailable_value' THEN ',note,' ELSE '' END)::VARCHAR(65535) AS _cdc_unavailable,
                 (0)::BIGINT AS _cdc_truncated,
                 c._cdc_image."ORDER_ID"::BIGINT AS "order_id",
         c._cdc_image."LINE_NO"::INTEGER AS "line_no",
         "cdc"."f_text"(c._cdc_image."SKU"::VARCHAR(65535), JSON_TYPEOF(c._cdc_image."SKU"), 96)::VARCHAR(96) AS "sku",
         "cdc"."f_decimal"(c._cdc_u0, c._cdc_h0, 3, 10)::DECIMAL(10,3) AS "quantity",
         "cdc"."f_text"(c._cdc_image."NOTE"::VARCHAR(65535), JSON_TYPEOF(c._cdc_image."NOTE"), c._cdc_whole)::VARCHAR(65535) AS "note"
          FROM "cdc_unscaled_salesdb_sales_order_detail" AS c) AS t;
    -- A change of which one half cannot be read does not count at all.
    DELETE FROM "cdc_typed_salesdb_sales_order_detail" USING (SELECT b._cdc_kafka_partition, b._cdc_kafka_offset, MIN(b._cdc_change) AS _cdc_change
         FROM "cdc_typed_salesdb_sales_order_detail" AS b WHERE b._cdc_fault IS NOT NULL GROUP BY b._cdc_kafka_partition, b._cdc_kafka_offset) AS f
    WHERE "cdc_typed_salesdb_sales_order_detail"._cdc_kafka_partition = f._cdc_kafka_partition AND "cdc_typed_salesdb_sales_order_detail"._cdc_kafka_offset = f._cdc_kafka_offset AND ("cdc_typed_salesdb_sales_order_detail"._cdc_fault IS NULL OR "cdc_typed_salesdb_sales_order_detail"._cdc_change <> f._cdc_change);
    -- An unchanged large value is the one that the row had.
    UPDATE "cdc_typed_salesdb_sales_order_detail" SET "sku" = f."sku", _cdc_unavailable = REPLACE("cdc_typed_salesdb_sales_order_detail"._cdc_unavailable, ',sku,', '')
    FROM (SELECT b._cdc_kafka_partition, b._cdc_kafka_offset, b."sku" FROM "cdc_typed_salesdb_sales_order_detail" AS b
          WHERE b._cdc_op = 'u' AND b._cdc_change < 0 AND STRPOS(b._cdc_unavailable, ',sku,') = 0) AS f
    WHERE "cdc_typed_salesdb_sales_order_detail"._cdc_kafka_partition = f._cdc_kafka_partition AND "cdc_typed_salesdb_sales_order_detail"._cdc_kafka_offset = f._cdc_kafka_offset AND "cdc_typed_salesdb_sales_order_detail"._cdc_change > 0 AND STRPOS("cdc_typed_salesdb_sales_order_detail"._cdc_unavailable, ',sku,') > 0;
    UPDATE "cdc_typed_salesdb_sales_order_detail" SET _cdc_lost = "cdc_typed_salesdb_sales_order_detail"._cdc_lost || 'sku,'
    WHERE _cdc_change > 0 AND STRPOS(_cdc_unavailable, ',sku,') > 0;
    -- An unchanged large value is the one that the row had.
    UPDATE "cdc_typed_salesdb_sales_order_detail" SET "note" = f."note", _cdc_unavailable = REPLACE("cdc_typed_salesdb_sales_order_detail"._cdc_unavailable, ',note,', '')
    FROM (SELECT b._cdc_kafka_partition, b._cdc_kafka_offset, b."note" FROM "cdc_typed_salesdb_sales_order_detail" AS b
          WHERE b._cdc_op = 'u' AND b._cdc_change < 0 AND STRPOS(b._cdc_unavailable, ',note,') = 0) AS f
    WHERE "cdc_typed_salesdb_sales_order_detail"._cdc_kafka_partition = f._cdc_kafka_partition AND "cdc_typed_salesdb_sales_order_detail"._cdc_kafka_offset = f._cdc_kafka_offset AND "cdc_typed_salesdb_sales_order_detail"._cdc_change > 0 AND STRPOS("cdc_typed_salesdb_sales_order_detail"._cdc_unavailable, ',note,') > 0;
    UPDATE "cdc_typed_salesdb_sales_order_detail" SET _cdc_lost = "cdc_typed_salesdb_sales_order_detail"._cdc_lost || 'note,'
    WHERE _cdc_change > 0 AND STRPOS(_cdc_unavailable, ',note,') > 0;
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
    -- imaged: rows with the same values have the same _cdc_row.
    DROP TABLE IF EXISTS "cdc_imaged_salesdb_sales_order_detail";
    CREATE TEMP TABLE "cdc_imaged_salesdb_sales_order_detail" AS
    SELECT t.*,
           SHA2(CASE WHEN t."order_id" IS NULL THEN '-' ELSE SHA2(t."order_id"::VARCHAR(64), 256) END
               || CASE WHEN t."line_no" IS NULL THEN '-' ELSE SHA2(t."line_no"::VARCHAR(64), 256) END
               || CASE WHEN t."sku" IS NULL THEN '-' ELSE SHA2(t."sku", 256) END
               || CASE WHEN t."quantity" IS NULL THEN '-' ELSE SHA2(t."quantity"::VARCHAR(64), 256) END
               || CASE WHEN t."note" IS NULL THEN '-' ELSE SHA2(t."note", 256) END, 256)::VARCHAR(64) AS _cdc_row
    FROM "cdc_typed_salesdb_sales_order_detail" AS t WHERE t._cdc_fault IS NULL;
    -- occurrence: whether the ledger, or a record before it, has the same image at the same place of the log.
    DROP TABLE IF EXISTS "cdc_occurrence_salesdb_sales_order_detail";
    CREATE TEMP TABLE "cdc_occurrence_salesdb_sales_order_detail" AS
    SELECT o.*, CASE WHEN o._cdc_domain IS NOT NULL AND (o._cdc_known > 0 OR o._cdc_copy > 1) THEN 1 ELSE 0 END AS _cdc_again
    FROM (SELECT i.*, CASE WHEN k._cdc_row IS NULL THEN 0 ELSE 1 END AS _cdc_known,
                 ROW_NUMBER() OVER (PARTITION BY i._cdc_row, i._cdc_change, i._cdc_domain, i._cdc_position, i._cdc_log_file, i._cdc_log_place ORDER BY i._cdc_kafka_partition, i._cdc_kafka_offset) AS _cdc_copy
          FROM "cdc_imaged_salesdb_sales_order_detail" AS i
          LEFT JOIN (SELECT DISTINCT l._cdc_row, l._cdc_change, l._cdc_domain, l._cdc_position, l._cdc_log_file, l._cdc_log_place FROM "cdc"."ledger_salesdb_sales_order_detail" AS l WHERE l._cdc_domain IS NOT NULL) AS k
               ON k._cdc_row = i._cdc_row AND k._cdc_change = i._cdc_change AND k._cdc_domain = i._cdc_domain AND k._cdc_position = i._cdc_position AND k._cdc_log_file = i._cdc_log_file AND k._cdc_log_place = i._cdc_log_place) AS o;
    -- often: how often one file of the source's log has an image at a position, before this range and with it.
    DROP TABLE IF EXISTS "cdc_often_salesdb_sales_order_detail";
    CREATE TEMP TABLE "cdc_often_salesdb_sales_order_detail" AS
    SELECT f._cdc_row, f._cdc_change, f._cdc_domain, f._cdc_position, MAX(f.places_before) AS places_before, MAX(f.places_now) AS places_now
    FROM (SELECT p._cdc_row, p._cdc_change, p._cdc_domain, p._cdc_position, p._cdc_log_file, COUNT(DISTINCT CASE WHEN p.incoming = 0 THEN p._cdc_log_place END) AS places_before,
                 COUNT(DISTINCT p._cdc_log_place) AS places_now
          FROM (SELECT o._cdc_row, o._cdc_change, o._cdc_domain, o._cdc_position, o._cdc_log_file, o._cdc_log_place, 1 AS incoming FROM "cdc_occurrence_salesdb_sales_order_detail" AS o WHERE o._cdc_domain IS NOT NULL
                UNION ALL
                SELECT l._cdc_row, l._cdc_change, l._cdc_domain, l._cdc_position, l._cdc_log_file, l._cdc_log_place, 0 FROM "cdc"."ledger_salesdb_sales_order_detail" AS l WHERE l._cdc_domain IS NOT NULL) AS p
          GROUP BY p._cdc_row, p._cdc_change, p._cdc_domain, p._cdc_position, p._cdc_log_file) AS f
    GROUP BY f._cdc_row, f._cdc_change, f._cdc_domain, f._cdc_position;
    -- staging: the halves that count.
    DROP TABLE IF EXISTS "cdc_staging_salesdb_sales_order_detail";
    CREATE TEMP TABLE "cdc_staging_salesdb_sales_order_detail" AS
    SELECT n.*, CASE WHEN n._cdc_domain IS NULL OR (n._cdc_again = 0 AND n._cdc_nth <= m.places_now - m.places_before) THEN 1 ELSE 0 END AS _cdc_counts,
           DATEADD(millisecond, MOD(n._cdc_source_ms, 86400000)::INTEGER, DATEADD(day, (n._cdc_source_ms / 86400000)::INTEGER, CAST('1970-01-01' AS TIMESTAMP))) AS _cdc_source_ts
    FROM (SELECT o.*, ROW_NUMBER() OVER (PARTITION BY o._cdc_row, o._cdc_change, o._cdc_domain, o._cdc_position, o._cdc_again ORDER BY o._cdc_kafka_partition, o._cdc_kafka_offset) AS _cdc_nth
          FROM "cdc_occurrence_salesdb_sales_order_detail" AS o) AS n
    LEFT JOIN "cdc_often_salesdb_sales_order_detail" AS m ON m._cdc_row = n._cdc_row AND m._cdc_change = n._cdc_change AND m._cdc_domain = n._cdc_domain AND m._cdc_position = n._cdc_position;
    -- An insert of PostgreSQL whose image its place has added already: sent twice, or two rows of one COPY.
    SELECT COUNT(*) INTO cdc_doubtful FROM "cdc_staging_salesdb_sales_order_detail" AS s WHERE s._cdc_counts = 0 AND s._cdc_op = 'c' AND s._cdc_domain = 'lsn';
    IF cdc_doubtful > 0 THEN
        INSERT INTO "cdc"."quarantine" (quarantined_at, table_name, topic, kafka_partition, kafka_offset, kafka_timestamp, scope, reason, column_names, kafka_key, kafka_value)
        SELECT SYSDATE, 'salesdb.sales_order_detail', 'salesdb.salesdb.SALES_ORDER_DETAIL', l.kafka_partition, l.kafka_offset, l.kafka_timestamp, 'record',
               'the same row was inserted at the same place of the log: sent twice, or written twice by one statement', NULL, l.kafka_key, l.kafka_value
        FROM "cdc_staging_salesdb_sales_order_detail" AS s JOIN "cdc_landed_salesdb_sales_order_detail" AS l ON l.kafka_partition = s._cdc_kafka_partition AND l.kafka_offset = s._cdc_kafka_offset
        WHERE s._cdc_counts = 0 AND s._cdc_op = 'c' AND s._cdc_domain = 'lsn';
        cdc_records_quarantined := cdc_records_quarantined + cdc_doubtful;
    END IF;
    DROP TABLE IF EXISTS "cdc_stale_salesdb_sales_order_detail";
    CREATE TEMP TABLE "cdc_stale_salesdb_sales_order_detail" AS
    SELECT DISTINCT s._cdc_kafka_partition, s._cdc_kafka_offset, 1 AS _cdc_stale, 1 AS _cdc_incoming FROM "cdc_staging_salesdb_sales_order_detail" AS s WHERE s._cdc_counts = 0;
    SELECT COUNT(*) INTO cdc_stale_rows FROM "cdc_stale_salesdb_sales_order_detail" AS s;
    DELETE FROM "cdc_staging_salesdb_sales_order_detail" WHERE _cdc_counts = 0;
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
    -- Add, then take away: the n-th half of an image that takes away takes the n-th row of that image.
    INSERT INTO "salesdb"."sales_order_detail" ("order_id", "line_no", "sku", "quantity", "note", "_cdc_row", "_cdc_domain", "_cdc_position", "_cdc_source_ts", "_cdc_kafka_partition", "_cdc_kafka_offset")
    SELECT s."order_id", s."line_no", s."sku", s."quantity", s."note", s."_cdc_row", s."_cdc_domain", s."_cdc_position", s."_cdc_source_ts", s."_cdc_kafka_partition", s."_cdc_kafka_offset" FROM "cdc_staging_salesdb_sales_order_detail" AS s WHERE s._cdc_change > 0;
    SELECT COUNT(*) INTO cdc_applied_rows FROM "cdc_staging_salesdb_sales_order_detail" AS s WHERE s._cdc_change > 0;
    DELETE FROM "cdc"."ledger_salesdb_sales_order_detail" USING "cdc"."truncations" AS x WHERE x.table_name = 'salesdb.sales_order_detail' AND "cdc"."ledger_salesdb_sales_order_detail"._cdc_owed AND "cdc"."ledger_salesdb_sales_order_detail"._cdc_change < 0
         AND (("cdc"."ledger_salesdb_sales_order_detail"._cdc_domain = x.source_domain AND "cdc"."ledger_salesdb_sales_order_detail"._cdc_position < x.source_position)
             OR (COALESCE("cdc"."ledger_salesdb_sales_order_detail"._cdc_domain, '') <> COALESCE(x.source_domain, '-') AND COALESCE("cdc"."ledger_salesdb_sales_order_detail"._cdc_source_ts <= x.source_ts OR DATE_TRUNC('second', "cdc"."ledger_salesdb_sales_order_detail"._cdc_source_ts) = x.source_ts, true)));
    DROP TABLE IF EXISTS "cdc_taken_salesdb_sales_order_detail";
    CREATE TEMP TABLE "cdc_taken_salesdb_sales_order_detail" AS
    SELECT a.*, ROW_NUMBER() OVER (PARTITION BY a._cdc_row ORDER BY a._cdc_kafka_partition, a._cdc_kafka_offset) AS _cdc_nth
    FROM (SELECT s._cdc_row, s._cdc_kafka_partition, s._cdc_kafka_offset FROM "cdc_staging_salesdb_sales_order_detail" AS s WHERE s._cdc_change < 0
          UNION ALL
          SELECT l._cdc_row, l._cdc_kafka_partition, l._cdc_kafka_offset FROM "cdc"."ledger_salesdb_sales_order_detail" AS l WHERE l._cdc_owed AND l._cdc_change < 0) AS a;
    DROP TABLE IF EXISTS "cdc_found_salesdb_sales_order_detail";
    CREATE TEMP TABLE "cdc_found_salesdb_sales_order_detail" AS
    SELECT t._cdc_row, t._cdc_kafka_partition AS taken_partition, t._cdc_kafka_offset AS taken_offset, h._cdc_kafka_partition, h._cdc_kafka_offset
    FROM (SELECT r._cdc_row, r._cdc_kafka_partition, r._cdc_kafka_offset,
                 ROW_NUMBER() OVER (PARTITION BY r._cdc_row ORDER BY r._cdc_kafka_partition, r._cdc_kafka_offset) AS _cdc_nth
          FROM "salesdb"."sales_order_detail" AS r JOIN (SELECT DISTINCT a._cdc_row FROM "cdc_taken_salesdb_sales_order_detail" AS a) AS d ON d._cdc_row = r._cdc_row) AS h
    JOIN "cdc_taken_salesdb_sales_order_detail" AS t ON t._cdc_row = h._cdc_row AND t._cdc_nth = h._cdc_nth;
    DELETE FROM "salesdb"."sales_order_detail" USING "cdc_found_salesdb_sales_order_detail" AS f WHERE "salesdb"."sales_order_detail"._cdc_row = f._cdc_row
         AND "salesdb"."sales_order_detail"._cdc_kafka_partition = f._cdc_kafka_partition AND "salesdb"."sales_order_detail"._cdc_kafka_offset = f._cdc_kafka_offset;
    GET DIAGNOSTICS cdc_deleted_rows := ROW_COUNT;
    cdc_deleted_rows := cdc_deleted_rows + cdc_truncated_rows;
    -- The ledger remembers which places of the log have counted, and what is owed.
    UPDATE "cdc"."ledger_salesdb_sales_order_detail" SET _cdc_owed = false FROM "cdc_found_salesdb_sales_order_detail" AS f WHERE "cdc"."ledger_salesdb_sales_order_detail"._cdc_owed AND "cdc"."ledger_salesdb_sales_order_detail"._cdc_change < 0
         AND "cdc"."ledger_salesdb_sales_order_detail"._cdc_kafka_partition = f.taken_partition AND "cdc"."ledger_salesdb_sales_order_detail"._cdc_kafka_offset = f.taken_offset;
    DELETE FROM "cdc"."ledger_salesdb_sales_order_detail" WHERE NOT _cdc_owed AND _cdc_seen_at < DATEADD(day, -7, SYSDATE);
    INSERT INTO "cdc"."ledger_salesdb_sales_order_detail" (_cdc_row, _cdc_change, _cdc_domain, _cdc_position, _cdc_log_file, _cdc_log_place, _cdc_owed, _cdc_source_ts, _cdc_kafka_partition, _cdc_kafka_offset, _cdc_seen_at)
    SELECT s._cdc_row, s._cdc_change, s._cdc_domain, s._cdc_position, s._cdc_log_file, s._cdc_log_place,
           s._cdc_change < 0 AND f._cdc_row IS NULL, s._cdc_source_ts, s._cdc_kafka_partition, s._cdc_kafka_offset, SYSDATE
    FROM "cdc_staging_salesdb_sales_order_detail" AS s LEFT JOIN "cdc_found_salesdb_sales_order_detail" AS f ON s._cdc_change < 0
         AND f.taken_partition = s._cdc_kafka_partition AND f.taken_offset = s._cdc_kafka_offset
    WHERE s._cdc_domain IS NOT NULL OR (s._cdc_change < 0 AND f._cdc_row IS NULL);
    -- What is owed although nothing is left to merge is said aloud; a row that comes later still settles it.
    IF cdc_pending_rows = 0 AND cdc_held_rows = 0 AND cdc_only_partition < 0 THEN
        SELECT COUNT(*) INTO cdc_doubtful FROM "cdc_staging_salesdb_sales_order_detail" AS s LEFT JOIN "cdc_found_salesdb_sales_order_detail" AS f
             ON f.taken_partition = s._cdc_kafka_partition AND f.taken_offset = s._cdc_kafka_offset
        WHERE s._cdc_change < 0 AND f._cdc_row IS NULL;
        IF cdc_doubtful > 0 THEN
            INSERT INTO "cdc"."quarantine" (quarantined_at, table_name, topic, kafka_partition, kafka_offset, kafka_timestamp, scope, reason, column_names, kafka_key, kafka_value)
            SELECT SYSDATE, 'salesdb.sales_order_detail', 'salesdb.salesdb.SALES_ORDER_DETAIL', l.kafka_partition, l.kafka_offset, l.kafka_timestamp, 'record',
                   'the row that this change takes away is not there, or not yet', NULL, l.kafka_key, l.kafka_value
            FROM "cdc_staging_salesdb_sales_order_detail" AS s JOIN "cdc_landed_salesdb_sales_order_detail" AS l ON l.kafka_partition = s._cdc_kafka_partition AND l.kafka_offset = s._cdc_kafka_offset
            LEFT JOIN "cdc_found_salesdb_sales_order_detail" AS f ON f.taken_partition = s._cdc_kafka_partition AND f.taken_offset = s._cdc_kafka_offset
            WHERE s._cdc_change < 0 AND f._cdc_row IS NULL;
            cdc_quarantined_rows := cdc_quarantined_rows + cdc_doubtful;
        END IF;
    END IF;
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
               FROM "cdc_typed_salesdb_sales_order_detail" AS b WHERE (b._cdc_change < 0) = (b._cdc_op = 'd') GROUP BY b._cdc_kafka_partition) AS t ON t._cdc_kafka_partition = r.kafka_partition
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
