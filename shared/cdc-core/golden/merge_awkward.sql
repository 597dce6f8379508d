CREATE OR REPLACE PROCEDURE "cdc"."sp_merge_shop_db_it_s__odd__1a2b3c4d"(
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
-- Purpose:   fold the landed records of srv.Shop DB.It's "Odd" above the watermark into "shop db"."it's ""odd""".
-- Arguments: cdc_max_rows           at most about this many landed records are merged, the rest stays pending
--            cdc_only_partition     -1, or the one Kafka partition to merge
--            cdc_quarantine_offset  -1, or the offset of cdc_only_partition's next record, which then goes
--                               to quarantine unread because merging it fails every time
-- Returns:   one row of counts; see the OUT arguments.
-- Locking:   the table's own watermark table, first and alone. Readers of the target are never blocked.
-- Repeats:   what the watermark has passed is not read again, so a repeated call changes nothing.
-- By hand:   SET enable_case_sensitive_identifier TO true; SET json_parse_truncate_strings TO on; CALL "cdc"."sp_merge_shop_db_it_s__odd__1a2b3c4d"(100000, -1, -1);
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
    LOCK TABLE "cdc"."watermark_shop_db_it_s__odd__1a2b3c4d";
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
    FOR cdc_mark IN SELECT w.kafka_partition, w.kafka_offset, w.refresh_time FROM "cdc"."watermark_shop_db_it_s__odd__1a2b3c4d" AS w ORDER BY w.kafka_partition LOOP
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
    DROP TABLE IF EXISTS "cdc_pending_shop_db_it_s__odd__1a2b3c4d";
    EXECUTE 'CREATE TEMP TABLE "cdc_pending_shop_db_it_s__odd__1a2b3c4d" AS '
         || 'SELECT l.kafka_partition, MIN(l.kafka_offset) AS first_offset, MAX(l.kafka_offset) AS last_offset, COUNT(*) AS landed '
         || 'FROM "cdc_landing"."shop_db_it_s__odd__1a2b3c4d" AS l WHERE ' || cdc_scope || ' GROUP BY l.kafka_partition';
    SELECT COALESCE(SUM(p.landed), 0), COUNT(*) INTO cdc_pending_total, cdc_partition_count FROM "cdc_pending_shop_db_it_s__odd__1a2b3c4d" AS p;
    IF cdc_pending_total = 0 THEN
        RETURN;
    END IF;
    -- range: how far this merge reads in each partition; at least one record of each.
    cdc_share := CASE WHEN cdc_quarantine_offset >= 0 THEN 1
                  WHEN cdc_pending_total <= cdc_max_rows THEN 0
                  ELSE GREATEST(cdc_max_rows / cdc_partition_count, 1) END;
    DROP TABLE IF EXISTS "cdc_range_shop_db_it_s__odd__1a2b3c4d";
    EXECUTE 'CREATE TEMP TABLE "cdc_range_shop_db_it_s__odd__1a2b3c4d" AS '
         || 'SELECT p.kafka_partition, w.kafka_offset AS old_offset, p.first_offset, '
         || CASE WHEN cdc_share = 0 THEN 'p.last_offset'
                 ELSE 'LEAST(p.last_offset, p.first_offset + ' || (cdc_share - 1)::VARCHAR(20) || ')' END
         || ' AS last_offset FROM "cdc_pending_shop_db_it_s__odd__1a2b3c4d" AS p LEFT JOIN "cdc"."watermark_shop_db_it_s__odd__1a2b3c4d" AS w ON w.kafka_partition = p.kafka_partition'
         || CASE WHEN cdc_quarantine_offset >= 0 THEN ' WHERE p.first_offset = ' || cdc_quarantine_offset::VARCHAR(20) ELSE '' END;
    cdc_scope := '';
    FOR cdc_mark IN SELECT r.kafka_partition, r.first_offset, r.last_offset FROM "cdc_range_shop_db_it_s__odd__1a2b3c4d" AS r ORDER BY r.kafka_partition LOOP
        cdc_scope := cdc_scope || ' OR (l.kafka_partition = ' || cdc_mark.kafka_partition::VARCHAR(20)
              || ' AND l.kafka_offset BETWEEN ' || cdc_mark.first_offset::VARCHAR(20) || ' AND ' || cdc_mark.last_offset::VARCHAR(20) || ')';
    END LOOP;
    IF cdc_scope = '' THEN
        cdc_pending_rows := cdc_pending_total;
        RETURN;
    END IF;
    -- landed: the raw records of the range. arrival orders them across partitions and never
    -- against a partition's own offset order.
    DROP TABLE IF EXISTS "cdc_landed_shop_db_it_s__odd__1a2b3c4d";
    EXECUTE 'CREATE TEMP TABLE "cdc_landed_shop_db_it_s__odd__1a2b3c4d" AS '
         || 'SELECT l.kafka_partition, l.kafka_offset, l.kafka_timestamp, l.refresh_time, l.kafka_key, l.kafka_value, '
         || 'MAX(l.kafka_timestamp) OVER (PARTITION BY l.kafka_partition ORDER BY l.kafka_offset ROWS UNBOUNDED PRECEDING) AS arrival, '
         || CASE WHEN cdc_quarantine_offset >= 0 THEN '''unmergeable''' ELSE
            'CASE WHEN l.kafka_value IS NULL OR OCTET_LENGTH(l.kafka_value) = 0 THEN ''tombstone'' '
         || 'WHEN CAN_JSON_PARSE(l.kafka_value) THEN ''json'' ELSE ''malformed'' END' END || '::VARCHAR(16) AS shape '
         || 'FROM "cdc_landing"."shop_db_it_s__odd__1a2b3c4d" AS l WHERE ' || SUBSTRING(cdc_scope, 5);
    SELECT COUNT(*) INTO cdc_landed_rows FROM "cdc_landed_shop_db_it_s__odd__1a2b3c4d" AS l;
    cdc_pending_rows := cdc_pending_total - cdc_landed_rows;
    -- parsed, events: the change event's envelope, with or without an embedded schema around it, or a
    -- flattened row (ExtractNewRecordState), known by its fields __op or __deleted or its schema's name.
    DROP TABLE IF EXISTS "cdc_parsed_shop_db_it_s__odd__1a2b3c4d";
    CREATE TEMP TABLE "cdc_parsed_shop_db_it_s__odd__1a2b3c4d" AS
    SELECT l.kafka_partition, l.kafka_offset, l.kafka_timestamp, l.arrival, CASE WHEN OCTET_LENGTH(l.kafka_value) > 65535 THEN 65531 ELSE 65535 END AS whole,
           JSON_PARSE(l.kafka_value) AS document
    FROM "cdc_landed_shop_db_it_s__odd__1a2b3c4d" AS l WHERE l.shape = 'json';
    -- repaired: what only U+0000 keeps from being parsed, with a mark in its place; values with the mark do not fit.
    -- Piece by piece, since text holds 65,535 hexadecimal digits.
    SELECT COUNT(*) INTO cdc_malformed_count FROM "cdc_landed_shop_db_it_s__odd__1a2b3c4d" AS l WHERE l.shape = 'malformed';
    IF cdc_malformed_count > 0 THEN
        DROP TABLE IF EXISTS "cdc_repaired_shop_db_it_s__odd__1a2b3c4d";
        CREATE TEMP TABLE "cdc_repaired_shop_db_it_s__odd__1a2b3c4d" AS
        SELECT l.kafka_partition, l.kafka_offset, l.kafka_timestamp, l.arrival, l.kafka_value AS original,
               CAST(SUBSTRING(l.kafka_value, 1, 0) AS VARBYTE(16777216)) AS kafka_value, 0::INTEGER AS done
        FROM "cdc_landed_shop_db_it_s__odd__1a2b3c4d" AS l WHERE l.shape = 'malformed';
        WHILE cdc_malformed_count > 0 LOOP
            DROP TABLE IF EXISTS "cdc_piece_shop_db_it_s__odd__1a2b3c4d";
            CREATE TEMP TABLE "cdc_piece_shop_db_it_s__odd__1a2b3c4d" AS
            SELECT h.kafka_partition, h.kafka_offset, h.bytes, h.digits,
                   CASE WHEN h.remaining > h.bytes THEN REGEXP_REPLACE(h.digits, '5c(75([346][0-9a-f]){0,3})?$', '') ELSE h.digits END AS body
            FROM (SELECT r.kafka_partition, r.kafka_offset, OCTET_LENGTH(r.original) - r.done AS remaining,
                         LEAST(OCTET_LENGTH(r.original) - r.done, 16000) AS bytes,
                         REPLACE(LOWER(TO_HEX(SUBSTRING(r.original, r.done + 1, 16000))), '5c5c', '01') AS digits
                  FROM "cdc_repaired_shop_db_it_s__odd__1a2b3c4d" AS r WHERE r.done < OCTET_LENGTH(r.original)) AS h;
            UPDATE "cdc_repaired_shop_db_it_s__odd__1a2b3c4d" SET done = "cdc_repaired_shop_db_it_s__odd__1a2b3c4d".done + n.bytes - (LEN(n.digits) - LEN(n.body)) / 2,
                   kafka_value = "cdc_repaired_shop_db_it_s__odd__1a2b3c4d".kafka_value || FROM_HEX(REPLACE(REPLACE(n.body, '5c7530303030', '5f5f6364635f6e756c5f5f21'), '01', '5c5c'))
            FROM "cdc_piece_shop_db_it_s__odd__1a2b3c4d" AS n
            WHERE "cdc_repaired_shop_db_it_s__odd__1a2b3c4d".kafka_partition = n.kafka_partition AND "cdc_repaired_shop_db_it_s__odd__1a2b3c4d".kafka_offset = n.kafka_offset;
            SELECT COUNT(*) INTO cdc_malformed_count FROM "cdc_repaired_shop_db_it_s__odd__1a2b3c4d" AS r WHERE r.done < OCTET_LENGTH(r.original);
        END LOOP;
        DELETE FROM "cdc_repaired_shop_db_it_s__odd__1a2b3c4d" WHERE NOT COALESCE(CAN_JSON_PARSE(kafka_value), false);
        UPDATE "cdc_landed_shop_db_it_s__odd__1a2b3c4d" SET shape = 'repaired' FROM "cdc_repaired_shop_db_it_s__odd__1a2b3c4d" AS r
        WHERE "cdc_landed_shop_db_it_s__odd__1a2b3c4d".kafka_partition = r.kafka_partition AND "cdc_landed_shop_db_it_s__odd__1a2b3c4d".kafka_offset = r.kafka_offset;
        INSERT INTO "cdc_parsed_shop_db_it_s__odd__1a2b3c4d" (kafka_partition, kafka_offset, kafka_timestamp, arrival, whole, document)
        SELECT r.kafka_partition, r.kafka_offset, r.kafka_timestamp, r.arrival, CASE WHEN OCTET_LENGTH(r.kafka_value) > 65535 THEN 65531 ELSE 65535 END, JSON_PARSE(r.kafka_value)
        FROM "cdc_repaired_shop_db_it_s__odd__1a2b3c4d" AS r;
    END IF;
    DROP TABLE IF EXISTS "cdc_events_shop_db_it_s__odd__1a2b3c4d";
    CREATE TEMP TABLE "cdc_events_shop_db_it_s__odd__1a2b3c4d" AS
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
                FROM "cdc_parsed_shop_db_it_s__odd__1a2b3c4d" AS p) AS d) AS e;
    -- held: from where on records wait, because the provisioner has not seen a change of the table's definition.
    DROP TABLE IF EXISTS "cdc_held_shop_db_it_s__odd__1a2b3c4d";
    CREATE TEMP TABLE "cdc_held_shop_db_it_s__odd__1a2b3c4d" (kafka_partition BIGINT, kafka_offset BIGINT, reason VARCHAR(256));
    INSERT INTO "cdc_held_shop_db_it_s__odd__1a2b3c4d"
    SELECT e._cdc_kafka_partition, MIN(e._cdc_kafka_offset), 'deletions arrive as records without a value'
    FROM "cdc_events_shop_db_it_s__odd__1a2b3c4d" AS e WHERE e._cdc_is_row AND e._cdc_image."__deleted" IS NULL GROUP BY e._cdc_kafka_partition;
    SELECT COUNT(*) INTO cdc_news FROM "cdc_held_shop_db_it_s__odd__1a2b3c4d" AS h;
    IF cdc_news > 0 THEN
        -- Flattened events have no place in the log: what is newer in other partitions waits, too.
        INSERT INTO "cdc_held_shop_db_it_s__odd__1a2b3c4d"
        SELECT l.kafka_partition, MIN(l.kafka_offset), 'an older record waits in another partition'
        FROM "cdc_landed_shop_db_it_s__odd__1a2b3c4d" AS l JOIN (SELECT MIN(e._cdc_arrival) AS arrival FROM "cdc_events_shop_db_it_s__odd__1a2b3c4d" AS e JOIN "cdc_held_shop_db_it_s__odd__1a2b3c4d" AS h
             ON h.kafka_partition = e._cdc_kafka_partition AND h.kafka_offset = e._cdc_kafka_offset WHERE e._cdc_is_row) AS f ON l.arrival > f.arrival
        GROUP BY l.kafka_partition;
        INSERT INTO "cdc"."holds" (held_at, table_name, topic, kafka_partition, kafka_offset, reason)
        SELECT SYSDATE, 'shop db.it''s "odd"', 'srv.Shop DB.It''s "Odd"', h.kafka_partition, h.kafka_offset, h.reason FROM "cdc_held_shop_db_it_s__odd__1a2b3c4d" AS h
        WHERE NOT EXISTS (SELECT 1 FROM "cdc"."holds" AS o WHERE o.table_name = 'shop db.it''s "odd"'
                          AND o.kafka_partition = h.kafka_partition AND o.kafka_offset = h.kafka_offset AND o.reason = h.reason);
        DELETE FROM "cdc_landed_shop_db_it_s__odd__1a2b3c4d" USING (SELECT h.kafka_partition, MIN(h.kafka_offset) AS first_offset FROM "cdc_held_shop_db_it_s__odd__1a2b3c4d" AS h GROUP BY h.kafka_partition) AS f
        WHERE "cdc_landed_shop_db_it_s__odd__1a2b3c4d".kafka_partition = f.kafka_partition AND "cdc_landed_shop_db_it_s__odd__1a2b3c4d".kafka_offset >= f.first_offset;
        GET DIAGNOSTICS cdc_held_rows := ROW_COUNT;
        DELETE FROM "cdc_events_shop_db_it_s__odd__1a2b3c4d" USING (SELECT h.kafka_partition, MIN(h.kafka_offset) AS first_offset FROM "cdc_held_shop_db_it_s__odd__1a2b3c4d" AS h GROUP BY h.kafka_partition) AS f
        WHERE "cdc_events_shop_db_it_s__odd__1a2b3c4d"._cdc_kafka_partition = f.kafka_partition AND "cdc_events_shop_db_it_s__odd__1a2b3c4d"._cdc_kafka_offset >= f.first_offset;
        cdc_landed_rows := cdc_landed_rows - cdc_held_rows;
    END IF;
    -- hexadecimal, unscaled: decimals arrive as base64 of a two's complement number without its point.
    DROP TABLE IF EXISTS "cdc_hexadecimal_shop_db_it_s__odd__1a2b3c4d";
    CREATE TEMP TABLE "cdc_hexadecimal_shop_db_it_s__odd__1a2b3c4d" AS
    SELECT e.*,
           "cdc"."f_decimal_any"(e._cdc_image."any"::VARCHAR(65535), JSON_TYPEOF(e._cdc_image."any"), 0, 10) AS _cdc_h0,
         "cdc"."f_base64_hex"(e._cdc_image."var"."value"::VARCHAR(65535), JSON_TYPEOF(e._cdc_image."var"."value")) AS _cdc_h1
    FROM "cdc_events_shop_db_it_s__odd__1a2b3c4d" AS e;
    DROP TABLE IF EXISTS "cdc_unscaled_shop_db_it_s__odd__1a2b3c4d";
    CREATE TEMP TABLE "cdc_unscaled_shop_db_it_s__odd__1a2b3c4d" AS
    SELECT h.*,
           "cdc"."f_hex_integer"(h._cdc_h0) AS _cdc_u0,
         "cdc"."f_hex_integer"(h._cdc_h1) AS _cdc_u1
    FROM "cdc_hexadecimal_shop_db_it_s__odd__1a2b3c4d" AS h;
    -- elements, digits, items, list: the elements of amounts, decoded one by one and put together again.
    DROP TABLE IF EXISTS "cdc_elements_0_shop_db_it_s__odd__1a2b3c4d";
    CREATE TEMP TABLE "cdc_elements_0_shop_db_it_s__odd__1a2b3c4d" AS
    SELECT e._cdc_kafka_partition, e._cdc_kafka_offset, n AS _cdc_index, i AS _cdc_item, "cdc"."f_base64_hex"(i::VARCHAR(65535), JSON_TYPEOF(i)) AS _cdc_hex
    FROM "cdc_unscaled_shop_db_it_s__odd__1a2b3c4d" AS e, e._cdc_image."amounts" AS i AT n;
    DROP TABLE IF EXISTS "cdc_digits_0_shop_db_it_s__odd__1a2b3c4d";
    CREATE TEMP TABLE "cdc_digits_0_shop_db_it_s__odd__1a2b3c4d" AS
    SELECT d.*, "cdc"."f_hex_integer"(d._cdc_hex) AS _cdc_unscaled FROM "cdc_elements_0_shop_db_it_s__odd__1a2b3c4d" AS d;
    DROP TABLE IF EXISTS "cdc_items_0_shop_db_it_s__odd__1a2b3c4d";
    CREATE TEMP TABLE "cdc_items_0_shop_db_it_s__odd__1a2b3c4d" AS
    SELECT d._cdc_kafka_partition, d._cdc_kafka_offset, d._cdc_index,
           (CASE WHEN JSON_TYPEOF(d._cdc_item) = 'null' THEN 'null' ELSE "cdc"."f_decimal"(d._cdc_unscaled, d._cdc_hex, 2, 38) END)::VARCHAR(65535) AS _cdc_json
    FROM "cdc_digits_0_shop_db_it_s__odd__1a2b3c4d" AS d;
    DROP TABLE IF EXISTS "cdc_list_0_shop_db_it_s__odd__1a2b3c4d";
    CREATE TEMP TABLE "cdc_list_0_shop_db_it_s__odd__1a2b3c4d" AS
    SELECT d._cdc_kafka_partition, d._cdc_kafka_offset, '[' || LISTAGG(d._cdc_json, ',') WITHIN GROUP (ORDER BY d._cdc_index) || ']' AS _cdc_list
    FROM "cdc_items_0_shop_db_it_s__odd__1a2b3c4d" AS d
    JOIN (SELECT w._cdc_kafka_partition, w._cdc_kafka_offset FROM "cdc_items_0_shop_db_it_s__odd__1a2b3c4d" AS w GROUP BY w._cdc_kafka_partition, w._cdc_kafka_offset
          HAVING COUNT(w._cdc_json) = COUNT(*) AND SUM(OCTET_LENGTH(w._cdc_json) + 1) < 65000) AS g
         ON g._cdc_kafka_partition = d._cdc_kafka_partition AND g._cdc_kafka_offset = d._cdc_kafka_offset
    GROUP BY d._cdc_kafka_partition, d._cdc_kafka_offset;
    -- elements, digits, items, list: the elements of days, decoded one by one and put together again.
    DROP TABLE IF EXISTS "cdc_elements_1_shop_db_it_s__odd__1a2b3c4d";
    CREATE TEMP TABLE "cdc_elements_1_shop_db_it_s__odd__1a2b3c4d" AS
    SELECT e._cdc_kafka_partition, e._cdc_kafka_offset, n AS _cdc_index, i AS _cdc_item, NULL::VARCHAR(64) AS _cdc_hex
    FROM "cdc_unscaled_shop_db_it_s__odd__1a2b3c4d" AS e, e._cdc_image."days" AS i AT n;
    DROP TABLE IF EXISTS "cdc_digits_1_shop_db_it_s__odd__1a2b3c4d";
    CREATE TEMP TABLE "cdc_digits_1_shop_db_it_s__odd__1a2b3c4d" AS
    SELECT d.*, NULL::DECIMAL(38,0) AS _cdc_unscaled FROM "cdc_elements_1_shop_db_it_s__odd__1a2b3c4d" AS d;
    DROP TABLE IF EXISTS "cdc_items_1_shop_db_it_s__odd__1a2b3c4d";
    CREATE TEMP TABLE "cdc_items_1_shop_db_it_s__odd__1a2b3c4d" AS
    SELECT d._cdc_kafka_partition, d._cdc_kafka_offset, d._cdc_index,
           (CASE WHEN JSON_TYPEOF(d._cdc_item) = 'null' THEN 'null' ELSE '"' || "cdc"."f_date_days"(d._cdc_item::BIGINT)::VARCHAR(40) || '"' END)::VARCHAR(65535) AS _cdc_json
    FROM "cdc_digits_1_shop_db_it_s__odd__1a2b3c4d" AS d;
    DROP TABLE IF EXISTS "cdc_list_1_shop_db_it_s__odd__1a2b3c4d";
    CREATE TEMP TABLE "cdc_list_1_shop_db_it_s__odd__1a2b3c4d" AS
    SELECT d._cdc_kafka_partition, d._cdc_kafka_offset, '[' || LISTAGG(d._cdc_json, ',') WITHIN GROUP (ORDER BY d._cdc_index) || ']' AS _cdc_list
    FROM "cdc_items_1_shop_db_it_s__odd__1a2b3c4d" AS d
    JOIN (SELECT w._cdc_kafka_partition, w._cdc_kafka_offset FROM "cdc_items_1_shop_db_it_s__odd__1a2b3c4d" AS w GROUP BY w._cdc_kafka_partition, w._cdc_kafka_offset
          HAVING COUNT(w._cdc_json) = COUNT(*) AND SUM(OCTET_LENGTH(w._cdc_json) + 1) < 65000) AS g
         ON g._cdc_kafka_partition = d._cdc_kafka_partition AND g._cdc_kafka_offset = d._cdc_kafka_offset
    GROUP BY d._cdc_kafka_partition, d._cdc_kafka_offset;
    DROP TABLE IF EXISTS "cdc_arrays_shop_db_it_s__odd__1a2b3c4d";
    CREATE TEMP TABLE "cdc_arrays_shop_db_it_s__odd__1a2b3c4d" AS
    SELECT e.*, JSON_PARSE(l0._cdc_list) AS _cdc_a0, JSON_PARSE(l1._cdc_list) AS _cdc_a1
    FROM "cdc_unscaled_shop_db_it_s__odd__1a2b3c4d" AS e
    LEFT JOIN "cdc_list_0_shop_db_it_s__odd__1a2b3c4d" AS l0 ON l0._cdc_kafka_partition = e._cdc_kafka_partition AND l0._cdc_kafka_offset = e._cdc_kafka_offset
    LEFT JOIN "cdc_list_1_shop_db_it_s__odd__1a2b3c4d" AS l1 ON l1._cdc_kafka_partition = e._cdc_kafka_partition AND l1._cdc_kafka_offset = e._cdc_kafka_offset;
    -- typed: one column per column of the target. _cdc_fault says why a record cannot be merged,
    -- _cdc_lost names columns whose value is there but does not fit, _cdc_nulled counts such values of
    -- columns that do not ask for quarantine, _cdc_truncated counts text that was cut.
    DROP TABLE IF EXISTS "cdc_typed_shop_db_it_s__odd__1a2b3c4d";
    CREATE TEMP TABLE "cdc_typed_shop_db_it_s__odd__1a2b3c4d" AS
    SELECT t.*,
           (CASE WHEN t._cdc_op IS NULL THEN 'the value is JSON but not a change event: it has no op'
                 WHEN t._cdc_op = 't' THEN CASE WHEN t._cdc_position IS NULL THEN 'a truncation has no place in the log of the source' END
                 WHEN t._cdc_op NOT IN ('c', 'r', 'u', 'd') THEN 'the operation is not a row change: ' || LEFT(t._cdc_op, 8)
                 WHEN NOT COALESCE(IS_OBJECT(t._cdc_image), false) THEN 'the row image is missing'
                 WHEN t."select" IS NULL THEN 'a key column is missing or not readable as its type' END)::VARCHAR(256) AS _cdc_fault,
           (CASE WHEN t._cdc_op = 'd' THEN '' ELSE "cdc"."f_lost"(t."it's" IS NULL, JSON_TYPEOF(t._cdc_image."It's"), 'it''s')
      || CASE WHEN STRPOS(t._cdc_unavailable, ',a"b,') > 0 THEN '' ELSE "cdc"."f_lost"(t."a""b" IS NULL, JSON_TYPEOF(t._cdc_image."a""b"), 'a"b') END
      || "cdc"."f_lost"(t."float 32" IS NULL, JSON_TYPEOF(t._cdc_image."Float 32"), 'float 32')
      || "cdc"."f_lost"(t."flag" IS NULL, JSON_TYPEOF(t._cdc_image."flag"), 'flag')
      || "cdc"."f_lost"(t."day" IS NULL, JSON_TYPEOF(t._cdc_image."day"), 'day')
      || "cdc"."f_lost"(t."t_ms" IS NULL, JSON_TYPEOF(t._cdc_image."t_ms"), 't_ms')
      || "cdc"."f_lost"(t."t_us" IS NULL, JSON_TYPEOF(t._cdc_image."t_us"), 't_us')
      || "cdc"."f_lost"(t."ts_ms" IS NULL, JSON_TYPEOF(t._cdc_image."ts_ms"), 'ts_ms')
      || "cdc"."f_lost"(t."ts_us" IS NULL, JSON_TYPEOF(t._cdc_image."ts_us"), 'ts_us')
      || "cdc"."f_lost"(t."zoned" IS NULL, JSON_TYPEOF(t._cdc_image."zoned"), 'zoned')
      || CASE WHEN STRPOS(t._cdc_unavailable, ',raw,') > 0 THEN '' ELSE "cdc"."f_lost"(t."raw" IS NULL, JSON_TYPEOF(t._cdc_image."raw"), 'raw') END
      || CASE WHEN STRPOS(t._cdc_unavailable, ',b64,') > 0 THEN '' ELSE "cdc"."f_lost"(t."b64" IS NULL, JSON_TYPEOF(t._cdc_image."b64"), 'b64') END
      || CASE WHEN STRPOS(t._cdc_unavailable, ',binary,') > 0 THEN '' ELSE "cdc"."f_lost"(t."binary" IS NULL, JSON_TYPEOF(t._cdc_image."binary"), 'binary') END
      || "cdc"."f_lost"(t."any" IS NULL, JSON_TYPEOF(t._cdc_image."any"), 'any')
      || CASE WHEN STRPOS(t._cdc_unavailable, ',var,') > 0 THEN '' ELSE "cdc"."f_lost"(t."var" IS NULL, JSON_TYPEOF(t._cdc_image."var"), 'var') END
      || "cdc"."f_lost"(t."iso_day" IS NULL, JSON_TYPEOF(t._cdc_image."iso_day"), 'iso_day')
      || "cdc"."f_lost"(t."iso_time" IS NULL, JSON_TYPEOF(t._cdc_image."iso_time"), 'iso_time')
      || "cdc"."f_lost"(t."iso_ts" IS NULL, JSON_TYPEOF(t._cdc_image."iso_ts"), 'iso_ts')
      || "cdc"."f_lost"(t."t_ns" IS NULL, JSON_TYPEOF(t._cdc_image."t_ns"), 't_ns')
      || "cdc"."f_lost"(t."ts_ns" IS NULL, JSON_TYPEOF(t._cdc_image."ts_ns"), 'ts_ns')
      || "cdc"."f_lost"(t."bits" IS NULL, JSON_TYPEOF(t._cdc_image."bits"), 'bits')
      || "cdc"."f_lost"(t."shape" IS NULL, JSON_TYPEOF(t._cdc_image."shape"), 'shape')
      || CASE WHEN STRPOS(t._cdc_unavailable, ',tags,') > 0 THEN '' ELSE "cdc"."f_lost"(t."tags" IS NULL, JSON_TYPEOF(t._cdc_image."tags"), 'tags') END
      || CASE WHEN STRPOS(t._cdc_unavailable, ',amounts,') > 0 THEN '' ELSE "cdc"."f_lost"(t."amounts" IS NULL, JSON_TYPEOF(t._cdc_image."amounts"), 'amounts') END
      || CASE WHEN STRPOS(t._cdc_unavailable, ',days,') > 0 THEN '' ELSE "cdc"."f_lost"(t."days" IS NULL, JSON_TYPEOF(t._cdc_image."days"), 'days') END
      || CASE WHEN STRPOS(t._cdc_unavailable, ',cut,') > 0 THEN '' ELSE "cdc"."f_lost"(t."cut" IS NULL, JSON_TYPEOF(t._cdc_image."cut"), 'cut') END END)::VARCHAR(65535) AS _cdc_lost,
           (CASE WHEN t._cdc_op = 'd' THEN 0 ELSE CASE WHEN CASE WHEN STRPOS(t._cdc_unavailable, ',dropped,') > 0 THEN '' ELSE "cdc"."f_lost"(t."dropped" IS NULL, JSON_TYPEOF(t._cdc_image."dropped"), 'dropped') END = '' THEN 0 ELSE 1 END END)::BIGINT AS _cdc_nulled,
           (COALESCE(t."_cdc_old_select" <> t."select" OR OCTET_LENGTH(t."_cdc_old_select") <> OCTET_LENGTH(t."select"), false)) AS _cdc_moved
    FROM (SELECT c._cdc_kafka_partition, c._cdc_kafka_offset, c._cdc_arrival, c._cdc_op, c._cdc_image, c._cdc_source_ms,
                 c._cdc_domain, c._cdc_position,
                 (CASE WHEN c._cdc_image."a""b"::VARCHAR(65535) = '__debezium_unavailable_value' THEN ',a"b,' ELSE '' END
      || CASE WHEN (c._cdc_image."raw"::VARCHAR(65535) = '__debezium_unavailable_value' OR c._cdc_image."raw"::VARCHAR(65535) = '5f5f646562657a69756d5f756e617661696c61626c655f76616c7565') THEN ',raw,' ELSE '' END
      || CASE WHEN c._cdc_image."b64"::VARCHAR(65535) = 'X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==' THEN ',b64,' ELSE '' END
      || CASE WHEN (c._cdc_image."binary"::VARCHAR(65535) = '__debezium_unavailable_value' OR c._cdc_image."binary"::VARCHAR(65535) = 'X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==' OR c._cdc_image."binary"::VARCHAR(65535) = '5f5f646562657a69756d5f756e617661696c61626c655f76616c7565') THEN ',binary,' ELSE '' END
      || CASE WHEN c._cdc_image."var"::VARCHAR(65535) = '__debezium_unavailable_value' THEN ',var,' ELSE '' END
      || CASE WHEN (c._cdc_image."tags"::VARCHAR(65535) = '__debezium_unavailable_value' OR c._cdc_image."tags" = JSON_PARSE('["__debezium_unavailable_value"]') OR c._cdc_image."tags" = JSON_PARSE('["X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="]') OR c._cdc_image."tags" = JSON_PARSE('["b68a35a7-17ad-35b3-af2a-ae46edb4545a"]') OR c._cdc_image."tags" = JSON_PARSE('[95,95,100,101,98,101,122,105,117,109,95,117,110,97,118,97,105,108,97,98,108,101,95,118,97,108,117,101]') OR c._cdc_image."tags" = JSON_PARSE('{"__debezium_unavailable_value":"__debezium_unavailable_value"}')) THEN ',tags,' ELSE '' END
      || CASE WHEN (c._cdc_image."amounts"::VARCHAR(65535) = '__debezium_unavailable_value' OR c._cdc_image."amounts" = JSON_PARSE('["__debezium_unavailable_value"]') OR c._cdc_image."amounts" = JSON_PARSE('["X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="]') OR c._cdc_image."amounts" = JSON_PARSE('["b68a35a7-17ad-35b3-af2a-ae46edb4545a"]') OR c._cdc_image."amounts" = JSON_PARSE('[95,95,100,101,98,101,122,105,117,109,95,117,110,97,118,97,105,108,97,98,108,101,95,118,97,108,117,101]') OR c._cdc_image."amounts" = JSON_PARSE('{"__debezium_unavailable_value":"__debezium_unavailable_value"}')) THEN ',amounts,' ELSE '' END
      || CASE WHEN (c._cdc_image."days"::VARCHAR(65535) = '__debezium_unavailable_value' OR c._cdc_image."days" = JSON_PARSE('["__debezium_unavailable_value"]') OR c._cdc_image."days" = JSON_PARSE('["X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="]') OR c._cdc_image."days" = JSON_PARSE('["b68a35a7-17ad-35b3-af2a-ae46edb4545a"]') OR c._cdc_image."days" = JSON_PARSE('[95,95,100,101,98,101,122,105,117,109,95,117,110,97,118,97,105,108,97,98,108,101,95,118,97,108,117,101]') OR c._cdc_image."days" = JSON_PARSE('{"__debezium_unavailable_value":"__debezium_unavailable_value"}')) THEN ',days,' ELSE '' END
      || CASE WHEN c._cdc_image."cut"::VARCHAR(65535) = '__debezium_unavailable_value' THEN ',cut,' ELSE '' END
      || CASE WHEN c._cdc_image."dropped"::VARCHAR(65535) = '__debezium_unavailable_value' THEN ',dropped,' ELSE '' END)::VARCHAR(65535) AS _cdc_unavailable,
                 (CASE WHEN c._cdc_op = 'd' THEN 0 ELSE CASE WHEN JSON_TYPEOF(c._cdc_image."cut") = 'string' AND OCTET_LENGTH(c._cdc_image."cut"::VARCHAR(65535)) > 10 THEN 1 ELSE 0 END END)::BIGINT AS _cdc_truncated,
                 "cdc"."f_text"(c._cdc_before."select"::VARCHAR(65535), JSON_TYPEOF(c._cdc_before."select"), 40)::VARCHAR(40) AS "_cdc_old_select",
         "cdc"."f_text"(c._cdc_image."select"::VARCHAR(65535), JSON_TYPEOF(c._cdc_image."select"), 40)::VARCHAR(40) AS "select",
         CASE WHEN c._cdc_image."It's"::BIGINT >= 0 THEN c._cdc_image."It's"::BIGINT::DECIMAL(20,0)
              ELSE c._cdc_image."It's"::BIGINT::DECIMAL(20,0) + 18446744073709551616 END::DECIMAL(20,0) AS "it's",
         "cdc"."f_decimal_fit"(c._cdc_image."a""b"::VARCHAR(65535), 28, 10)::DECIMAL(38,10) AS "a""b",
         CASE WHEN JSON_TYPEOF(c._cdc_image."Float 32") <> 'string' THEN c._cdc_image."Float 32"::REAL
              WHEN c._cdc_image."Float 32"::VARCHAR(65535) IN ('NaN', 'Infinity', '-Infinity') THEN c._cdc_image."Float 32"::VARCHAR(65535)::REAL END AS "float 32",
         c._cdc_image."flag"::BOOLEAN AS "flag",
         "cdc"."f_date_days"(c._cdc_image."day"::BIGINT) AS "day",
         "cdc"."f_time_micros"(c._cdc_image."t_ms"::INTEGER::BIGINT * 1000) AS "t_ms",
         "cdc"."f_time_micros"(c._cdc_image."t_us"::BIGINT) AS "t_us",
         "cdc"."f_timestamp_micros"(CASE WHEN ABS(c._cdc_image."ts_ms"::BIGINT) <= 9223372036854775 THEN c._cdc_image."ts_ms"::BIGINT * 1000 END) AS "ts_ms",
         "cdc"."f_timestamp_micros"(c._cdc_image."ts_us"::BIGINT) AS "ts_us",
         "cdc"."f_zoned_timestamp"(c._cdc_image."zoned"::VARCHAR(65535)) AS "zoned",
         CASE WHEN MOD(LEN(c._cdc_image."raw"::VARCHAR(65535)), 2) = 0 AND c._cdc_image."raw"::VARCHAR(65535) ~ '^[0-9A-Fa-f]*$' AND LEN(c._cdc_image."raw"::VARCHAR(65535)) <= 128
              THEN TO_VARBYTE(c._cdc_image."raw"::VARCHAR(65535), 'hex')::VARBYTE(64) END AS "raw",
         CASE WHEN OCTET_LENGTH(c._cdc_image."b64"::VARCHAR(65535)) > c._cdc_whole THEN NULL ELSE CASE WHEN JSON_TYPEOF(c._cdc_image."b64") = 'string' AND MOD(LEN(c._cdc_image."b64"::VARCHAR(65535)), 4) = 0 AND c._cdc_image."b64"::VARCHAR(65535) ~ '^[A-Za-z0-9+/_-]*={0,2}$'
              AND LEN(c._cdc_image."b64"::VARCHAR(65535)) / 4 * 3 - (LEN(c._cdc_image."b64"::VARCHAR(65535)) - LEN(REPLACE(c._cdc_image."b64"::VARCHAR(65535), '=', ''))) <= 65535 THEN TO_VARBYTE(TRANSLATE(c._cdc_image."b64"::VARCHAR(65535), '-_', '+/'), 'base64')::VARBYTE(65535) END END AS "b64",
         CASE WHEN JSON_TYPEOF(c._cdc_image."binary") <> 'string' THEN NULL
              WHEN c._cdc_image."binary"::VARCHAR(65535) ~ '^([0-9a-f][0-9a-f])*$'
              THEN CASE WHEN (c._cdc_image."binary"::VARCHAR(65535) = '' OR MOD(LEN(c._cdc_image."binary"::VARCHAR(65535)), 4) <> 0 OR LEN(c._cdc_image."binary"::VARCHAR(65535)) >= 32) AND LEN(c._cdc_image."binary"::VARCHAR(65535)) <= 32
                        THEN TO_VARBYTE(c._cdc_image."binary"::VARCHAR(65535), 'hex')::VARBYTE(16) END
              WHEN MOD(LEN(c._cdc_image."binary"::VARCHAR(65535)), 4) = 0 AND c._cdc_image."binary"::VARCHAR(65535) ~ '^[A-Za-z0-9+/_-]*={0,2}$'
              AND LEN(c._cdc_image."binary"::VARCHAR(65535)) / 4 * 3 - (LEN(c._cdc_image."binary"::VARCHAR(65535)) - LEN(REPLACE(c._cdc_image."binary"::VARCHAR(65535), '=', ''))) <= 16 THEN TO_VARBYTE(TRANSLATE(c._cdc_image."binary"::VARCHAR(65535), '-_', '+/'), 'base64')::VARBYTE(16) END AS "binary",
         "cdc"."f_decimal"(c._cdc_u0, c._cdc_h0, 0, 10)::DECIMAL(10,0) AS "any",
         CASE WHEN OCTET_LENGTH(CASE WHEN JSON_TYPEOF(c._cdc_image."var") = 'object' THEN "cdc"."f_decimal_text"(c._cdc_u1, c._cdc_image."var"."scale"::INTEGER, 38)
              WHEN JSON_TYPEOF(c._cdc_image."var") <> 'string' THEN NULL
              WHEN c._cdc_image."var"::VARCHAR(65535) = 'NAN' THEN 'NaN' WHEN c._cdc_image."var"::VARCHAR(65535) = 'POSITIVE_INFINITY' THEN 'Infinity' WHEN c._cdc_image."var"::VARCHAR(65535) = 'NEGATIVE_INFINITY' THEN '-Infinity'
              WHEN c._cdc_image."var"::VARCHAR(65535) ~ '^(NaN|-?Infinity|[+-]?[0-9]+([.][0-9]+)?)$' THEN c._cdc_image."var"::VARCHAR(65535) END) <= 100 THEN CASE WHEN JSON_TYPEOF(c._cdc_image."var") = 'object' THEN "cdc"."f_decimal_text"(c._cdc_u1, c._cdc_image."var"."scale"::INTEGER, 38)
              WHEN JSON_TYPEOF(c._cdc_image."var") <> 'string' THEN NULL
              WHEN c._cdc_image."var"::VARCHAR(65535) = 'NAN' THEN 'NaN' WHEN c._cdc_image."var"::VARCHAR(65535) = 'POSITIVE_INFINITY' THEN 'Infinity' WHEN c._cdc_image."var"::VARCHAR(65535) = 'NEGATIVE_INFINITY' THEN '-Infinity'
              WHEN c._cdc_image."var"::VARCHAR(65535) ~ '^(NaN|-?Infinity|[+-]?[0-9]+([.][0-9]+)?)$' THEN c._cdc_image."var"::VARCHAR(65535) END END::VARCHAR(100) AS "var",
         "cdc"."f_date_iso"(c._cdc_image."iso_day"::VARCHAR(65535)) AS "iso_day",
         "cdc"."f_time_iso"(c._cdc_image."iso_time"::VARCHAR(65535)) AS "iso_time",
         "cdc"."f_timestamp_iso"(c._cdc_image."iso_ts"::VARCHAR(65535)) AS "iso_ts",
         "cdc"."f_time_micros"(CASE WHEN MOD(c._cdc_image."t_ns"::BIGINT, 1000) = 0 THEN c._cdc_image."t_ns"::BIGINT / 1000 END) AS "t_ns",
         "cdc"."f_timestamp_micros"(CASE WHEN MOD(c._cdc_image."ts_ns"::BIGINT, 1000) = 0 THEN c._cdc_image."ts_ns"::BIGINT / 1000 END) AS "ts_ns",
         CASE WHEN JSON_TYPEOF(c._cdc_image."bits") = 'string'
              THEN RIGHT('000000000000' || SUBSTRING("cdc"."f_base64_bits"(c._cdc_image."bits"::VARCHAR(65535), 2), 9, 8)
              || SUBSTRING("cdc"."f_base64_bits"(c._cdc_image."bits"::VARCHAR(65535), 2), 1, 8), 12) END::VARCHAR(12) AS "bits",
         CASE WHEN OCTET_LENGTH(c._cdc_image."shape"."wkb"::VARCHAR(65535)) > c._cdc_whole THEN NULL ELSE "cdc"."f_geometry"(c._cdc_image."shape"."wkb"::VARCHAR(65535), c._cdc_image."shape"."srid"::INTEGER) END AS "shape",
         CASE WHEN c._cdc_whole < 65535 AND JSON_SIZE(c._cdc_image."tags") > c._cdc_whole THEN NULL ELSE CASE WHEN JSON_TYPEOF(c._cdc_image."tags") = 'object' OR JSON_TYPEOF(c._cdc_image."tags") = 'array' AND NOT COALESCE(c._cdc_image."tags"[0]::VARCHAR(65535) ~ '^[[]+L[A-Za-z.]+;@[0-9a-f]+$', false) THEN c._cdc_image."tags" END END AS "tags",
         CASE WHEN JSON_TYPEOF(c._cdc_image."amounts") <> 'array' THEN NULL WHEN GET_ARRAY_LENGTH(c._cdc_image."amounts") = 0 THEN c._cdc_image."amounts" ELSE c._cdc_a0 END AS "amounts",
         CASE WHEN JSON_TYPEOF(c._cdc_image."days") <> 'array' THEN NULL WHEN GET_ARRAY_LENGTH(c._cdc_image."days") = 0 THEN c._cdc_image."days" ELSE c._cdc_a1 END AS "days",
         "cdc"."f_text"(c._cdc_image."cut"::VARCHAR(65535), JSON_TYPEOF(c._cdc_image."cut"), 65535)::VARCHAR(10) AS "cut",
         "cdc"."f_text"(c._cdc_image."dropped"::VARCHAR(65535), JSON_TYPEOF(c._cdc_image."dropped"), 10)::VARCHAR(10) AS "dropped"
          FROM "cdc_arrays_shop_db_it_s__odd__1a2b3c4d" AS c) AS t;
    -- An update that changed the key deletes the row of the old key.
    INSERT INTO "cdc_typed_shop_db_it_s__odd__1a2b3c4d" (_cdc_kafka_partition, _cdc_kafka_offset, _cdc_arrival, _cdc_op, _cdc_source_ms, _cdc_domain, _cdc_position,
           _cdc_moved, "select", _cdc_lost, _cdc_nulled, _cdc_unavailable, _cdc_truncated)
    SELECT t._cdc_kafka_partition, t._cdc_kafka_offset, t._cdc_arrival, 'd', t._cdc_source_ms, t._cdc_domain, t._cdc_position,
           false, t."_cdc_old_select", '', 0, '', 0
    FROM "cdc_typed_shop_db_it_s__odd__1a2b3c4d" AS t WHERE t._cdc_moved AND t._cdc_fault IS NULL;
    -- Records that cannot be merged at all. A statement that writes nothing would still wait for other tables' merges.
    SELECT COUNT(*) INTO cdc_records_quarantined
    FROM "cdc_landed_shop_db_it_s__odd__1a2b3c4d" AS l LEFT JOIN "cdc_typed_shop_db_it_s__odd__1a2b3c4d" AS t ON t._cdc_kafka_partition = l.kafka_partition AND t._cdc_kafka_offset = l.kafka_offset
        WHERE l.shape IN ('malformed', 'unmergeable') OR t._cdc_fault IS NOT NULL;
    IF cdc_records_quarantined > 0 THEN
        INSERT INTO "cdc"."quarantine" (quarantined_at, table_name, topic, kafka_partition, kafka_offset, kafka_timestamp, scope, reason, column_names, kafka_key, kafka_value)
        SELECT SYSDATE, 'shop db.it''s "odd"', 'srv.Shop DB.It''s "Odd"', l.kafka_partition, l.kafka_offset, l.kafka_timestamp, 'record',
               CASE l.shape WHEN 'malformed' THEN 'the value is not JSON that the warehouse can parse'
                            WHEN 'unmergeable' THEN 'merging this record failed every time'
                            ELSE t._cdc_fault END, NULL, l.kafka_key, l.kafka_value
        FROM "cdc_landed_shop_db_it_s__odd__1a2b3c4d" AS l LEFT JOIN "cdc_typed_shop_db_it_s__odd__1a2b3c4d" AS t ON t._cdc_kafka_partition = l.kafka_partition AND t._cdc_kafka_offset = l.kafka_offset
        WHERE l.shape IN ('malformed', 'unmergeable') OR t._cdc_fault IS NOT NULL;
    END IF;
    -- Truncations: written down, because older changes may still come from other partitions.
    SELECT COUNT(*) INTO cdc_truncations FROM "cdc_typed_shop_db_it_s__odd__1a2b3c4d" AS t WHERE t._cdc_op = 't' AND t._cdc_fault IS NULL;
    IF cdc_truncations > 0 THEN
        INSERT INTO "cdc"."truncations" (detected_at, table_name, source_domain, source_position, source_ts, arrival, applied)
        SELECT SYSDATE, 'shop db.it''s "odd"', t._cdc_domain, t._cdc_position, DATEADD(millisecond, MOD(t._cdc_source_ms, 86400000)::INTEGER, DATEADD(day, (t._cdc_source_ms / 86400000)::INTEGER, CAST('1970-01-01' AS TIMESTAMP))), t._cdc_arrival, false
        FROM "cdc_typed_shop_db_it_s__odd__1a2b3c4d" AS t WHERE t._cdc_op = 't' AND t._cdc_fault IS NULL;
        DELETE FROM "cdc_typed_shop_db_it_s__odd__1a2b3c4d" WHERE "cdc_typed_shop_db_it_s__odd__1a2b3c4d"._cdc_op = 't' AND "cdc_typed_shop_db_it_s__odd__1a2b3c4d"._cdc_fault IS NULL;
    END IF;
    DELETE FROM "cdc_typed_shop_db_it_s__odd__1a2b3c4d" USING "cdc"."truncations" AS x WHERE x.table_name = 'shop db.it''s "odd"' AND "cdc_typed_shop_db_it_s__odd__1a2b3c4d"._cdc_fault IS NULL
         AND (("cdc_typed_shop_db_it_s__odd__1a2b3c4d"._cdc_domain = x.source_domain AND "cdc_typed_shop_db_it_s__odd__1a2b3c4d"._cdc_position < x.source_position)
             OR (COALESCE("cdc_typed_shop_db_it_s__odd__1a2b3c4d"._cdc_domain, '') <> COALESCE(x.source_domain, '-') AND "cdc_typed_shop_db_it_s__odd__1a2b3c4d"._cdc_arrival <= x.arrival));
    SELECT COUNT(*) INTO cdc_truncations FROM "cdc"."truncations" AS x WHERE x.table_name = 'shop db.it''s "odd"' AND NOT x.applied;
    IF cdc_truncations > 0 THEN
        DELETE FROM "shop db"."it's ""odd""" USING "cdc"."truncations" AS x WHERE x.table_name = 'shop db.it''s "odd"' AND NOT x.applied
             AND (("shop db"."it's ""odd"""._cdc_domain = x.source_domain AND "shop db"."it's ""odd"""._cdc_position < x.source_position)
             OR (COALESCE("shop db"."it's ""odd"""._cdc_domain, '') <> COALESCE(x.source_domain, '-') AND COALESCE("shop db"."it's ""odd"""._cdc_source_ts <= x.source_ts OR DATE_TRUNC('second', "shop db"."it's ""odd"""._cdc_source_ts) = x.source_ts, true)));
        GET DIAGNOSTICS cdc_truncated_rows := ROW_COUNT;
        UPDATE "cdc"."truncations" SET applied = true WHERE table_name = 'shop db.it''s "odd"' AND NOT applied;
    END IF;
    -- Snapshot reads that come late: another partition has a change that the source made after the read.
    SELECT COUNT(*) INTO cdc_late_reads FROM "cdc_typed_shop_db_it_s__odd__1a2b3c4d" AS t WHERE t._cdc_op = 'r' AND t._cdc_position IS NULL;
    IF cdc_late_reads > 0 THEN
        -- In this range the read goes before the change, which may need a value of it.
        UPDATE "cdc_typed_shop_db_it_s__odd__1a2b3c4d" SET _cdc_arrival = DATEADD(microsecond, -1, h._cdc_arrival)
        FROM (SELECT r._cdc_kafka_partition, r._cdc_kafka_offset, MIN(t._cdc_arrival) AS _cdc_arrival
              FROM "cdc_typed_shop_db_it_s__odd__1a2b3c4d" AS r JOIN "cdc_typed_shop_db_it_s__odd__1a2b3c4d" AS t ON t."select" = r."select" AND OCTET_LENGTH(t."select") = OCTET_LENGTH(r."select")
              WHERE r._cdc_op = 'r' AND r._cdc_position IS NULL AND r._cdc_fault IS NULL AND t._cdc_op <> 'r' AND t._cdc_fault IS NULL
                   AND t._cdc_kafka_partition <> r._cdc_kafka_partition AND t._cdc_source_ms > r._cdc_source_ms
              GROUP BY r._cdc_kafka_partition, r._cdc_kafka_offset) AS h
        WHERE "cdc_typed_shop_db_it_s__odd__1a2b3c4d"._cdc_kafka_partition = h._cdc_kafka_partition AND "cdc_typed_shop_db_it_s__odd__1a2b3c4d"._cdc_kafka_offset = h._cdc_kafka_offset
             AND "cdc_typed_shop_db_it_s__odd__1a2b3c4d"._cdc_arrival >= h._cdc_arrival;
        -- A change that has been merged already wins.
        DELETE FROM "cdc_typed_shop_db_it_s__odd__1a2b3c4d" USING "shop db"."it's ""odd""" AS h WHERE "cdc_typed_shop_db_it_s__odd__1a2b3c4d"."select" = h."select" AND OCTET_LENGTH("cdc_typed_shop_db_it_s__odd__1a2b3c4d"."select") = OCTET_LENGTH(h."select") AND "cdc_typed_shop_db_it_s__odd__1a2b3c4d"._cdc_op = 'r'
             AND "cdc_typed_shop_db_it_s__odd__1a2b3c4d"._cdc_position IS NULL AND "cdc_typed_shop_db_it_s__odd__1a2b3c4d"._cdc_fault IS NULL
             AND h._cdc_kafka_partition <> "cdc_typed_shop_db_it_s__odd__1a2b3c4d"._cdc_kafka_partition AND h._cdc_source_ts > DATEADD(millisecond, MOD("cdc_typed_shop_db_it_s__odd__1a2b3c4d"._cdc_source_ms, 86400000)::INTEGER, DATEADD(day, ("cdc_typed_shop_db_it_s__odd__1a2b3c4d"._cdc_source_ms / 86400000)::INTEGER, CAST('1970-01-01' AS TIMESTAMP)));
        DELETE FROM "cdc_typed_shop_db_it_s__odd__1a2b3c4d" USING "cdc"."ledger_shop_db_it_s__odd__1a2b3c4d" AS h WHERE "cdc_typed_shop_db_it_s__odd__1a2b3c4d"."select" = h."select" AND OCTET_LENGTH("cdc_typed_shop_db_it_s__odd__1a2b3c4d"."select") = OCTET_LENGTH(h."select") AND "cdc_typed_shop_db_it_s__odd__1a2b3c4d"._cdc_op = 'r'
             AND "cdc_typed_shop_db_it_s__odd__1a2b3c4d"._cdc_position IS NULL AND "cdc_typed_shop_db_it_s__odd__1a2b3c4d"._cdc_fault IS NULL
             AND h._cdc_kafka_partition <> "cdc_typed_shop_db_it_s__odd__1a2b3c4d"._cdc_kafka_partition AND h._cdc_source_ts > DATEADD(millisecond, MOD("cdc_typed_shop_db_it_s__odd__1a2b3c4d"._cdc_source_ms, 86400000)::INTEGER, DATEADD(day, ("cdc_typed_shop_db_it_s__odd__1a2b3c4d"._cdc_source_ms / 86400000)::INTEGER, CAST('1970-01-01' AS TIMESTAMP)));
    END IF;
    -- A deletion whose row another partition creates at the same place of the log is no deletion.
    DELETE FROM "cdc_typed_shop_db_it_s__odd__1a2b3c4d" USING (SELECT d._cdc_kafka_partition, d._cdc_kafka_offset FROM "cdc_typed_shop_db_it_s__odd__1a2b3c4d" AS d JOIN "cdc_typed_shop_db_it_s__odd__1a2b3c4d" AS c ON d."select" = c."select" AND OCTET_LENGTH(d."select") = OCTET_LENGTH(c."select") AND d._cdc_domain = c._cdc_domain AND d._cdc_position = c._cdc_position
          WHERE d._cdc_op = 'd' AND c._cdc_op = 'c'
          GROUP BY d._cdc_kafka_partition, d._cdc_kafka_offset
          HAVING MIN(CASE WHEN c._cdc_kafka_partition = d._cdc_kafka_partition THEN 0 ELSE 1 END) = 1) AS h
    WHERE "cdc_typed_shop_db_it_s__odd__1a2b3c4d"._cdc_op = 'd' AND "cdc_typed_shop_db_it_s__odd__1a2b3c4d"._cdc_kafka_partition = h._cdc_kafka_partition AND "cdc_typed_shop_db_it_s__odd__1a2b3c4d"._cdc_kafka_offset = h._cdc_kafka_offset;
    DELETE FROM "cdc_typed_shop_db_it_s__odd__1a2b3c4d" USING "shop db"."it's ""odd""" AS h WHERE "cdc_typed_shop_db_it_s__odd__1a2b3c4d"."select" = h."select" AND OCTET_LENGTH("cdc_typed_shop_db_it_s__odd__1a2b3c4d"."select") = OCTET_LENGTH(h."select") AND "cdc_typed_shop_db_it_s__odd__1a2b3c4d"._cdc_domain = h._cdc_domain AND "cdc_typed_shop_db_it_s__odd__1a2b3c4d"._cdc_position = h._cdc_position AND "cdc_typed_shop_db_it_s__odd__1a2b3c4d"._cdc_op = 'd'
         AND h._cdc_kafka_partition <> "cdc_typed_shop_db_it_s__odd__1a2b3c4d"._cdc_kafka_partition;
    -- history: every comparable position of the touched keys, the rows' own and the deleted keys' first.
    DROP TABLE IF EXISTS "cdc_touched_shop_db_it_s__odd__1a2b3c4d";
    CREATE TEMP TABLE "cdc_touched_shop_db_it_s__odd__1a2b3c4d" DISTSTYLE KEY DISTKEY ("select") COMPOUND SORTKEY ("select") AS
    SELECT DISTINCT t."select" FROM "cdc_typed_shop_db_it_s__odd__1a2b3c4d" AS t WHERE t._cdc_fault IS NULL;
    DROP TABLE IF EXISTS "cdc_history_shop_db_it_s__odd__1a2b3c4d";
    CREATE TEMP TABLE "cdc_history_shop_db_it_s__odd__1a2b3c4d" DISTSTYLE KEY DISTKEY ("select") COMPOUND SORTKEY ("select") AS
    SELECT t."select", t._cdc_arrival, t._cdc_kafka_partition, t._cdc_kafka_offset, t._cdc_domain, t._cdc_position,
           t._cdc_source_ms, 1 AS _cdc_incoming
    FROM "cdc_typed_shop_db_it_s__odd__1a2b3c4d" AS t WHERE t._cdc_fault IS NULL AND t._cdc_domain IS NOT NULL AND t._cdc_position IS NOT NULL
    UNION ALL
    SELECT h."select", CAST('0001-01-01' AS TIMESTAMP), h._cdc_kafka_partition, h._cdc_kafka_offset, h._cdc_domain, h._cdc_position,
           DATEDIFF(millisecond, CAST('1970-01-01' AS TIMESTAMP), h._cdc_source_ts), 0
    FROM "shop db"."it's ""odd""" AS h JOIN "cdc_touched_shop_db_it_s__odd__1a2b3c4d" AS t ON h."select" = t."select" WHERE h._cdc_domain IS NOT NULL
    UNION ALL
    SELECT h."select", CAST('0001-01-01' AS TIMESTAMP), -1, -1, h._cdc_domain, h._cdc_position,
           DATEDIFF(millisecond, CAST('1970-01-01' AS TIMESTAMP), h._cdc_source_ts), 0
    FROM "cdc"."ledger_shop_db_it_s__odd__1a2b3c4d" AS h JOIN "cdc_touched_shop_db_it_s__odd__1a2b3c4d" AS t ON h."select" = t."select" WHERE h._cdc_domain IS NOT NULL;
    -- stale: a run is a stretch of one domain. A position that goes back while the source's clock goes on
    -- is a restarted log and begins a new epoch. Positions are compared within one epoch only.
    DROP TABLE IF EXISTS "cdc_stale_shop_db_it_s__odd__1a2b3c4d";
    CREATE TEMP TABLE "cdc_stale_shop_db_it_s__odd__1a2b3c4d" DISTSTYLE KEY DISTKEY ("select") COMPOUND SORTKEY ("select") AS
    SELECT s."select", s._cdc_arrival, s._cdc_kafka_partition, s._cdc_kafka_offset, s._cdc_domain, s._cdc_position, s._cdc_source_ms, s._cdc_incoming, s._cdc_run, s._cdc_epoch,
           CASE WHEN s._cdc_position < MAX(s._cdc_position) OVER (PARTITION BY s."select", OCTET_LENGTH(s."select"), s._cdc_run, s._cdc_epoch ORDER BY s._cdc_arrival, s._cdc_kafka_partition, s._cdc_kafka_offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
                THEN 1 ELSE 0 END AS _cdc_stale,
           MAX(s._cdc_source_ms) OVER (PARTITION BY s."select", OCTET_LENGTH(s."select"), s._cdc_run, s._cdc_epoch ORDER BY s._cdc_arrival, s._cdc_kafka_partition, s._cdc_kafka_offset ROWS UNBOUNDED PRECEDING) AS _cdc_newest_ms
    FROM (SELECT q."select", q._cdc_arrival, q._cdc_kafka_partition, q._cdc_kafka_offset, q._cdc_domain, q._cdc_position, q._cdc_source_ms, q._cdc_incoming, q._cdc_run,
                 SUM(q._cdc_restarted) OVER (PARTITION BY q."select", OCTET_LENGTH(q."select"), q._cdc_run ORDER BY q._cdc_arrival, q._cdc_kafka_partition, q._cdc_kafka_offset ROWS UNBOUNDED PRECEDING) AS _cdc_epoch
          FROM (SELECT u."select", u._cdc_arrival, u._cdc_kafka_partition, u._cdc_kafka_offset, u._cdc_domain, u._cdc_position, u._cdc_source_ms, u._cdc_incoming, u._cdc_run,
                       CASE WHEN u._cdc_position < MAX(u._cdc_position) OVER (PARTITION BY u."select", OCTET_LENGTH(u."select"), u._cdc_run ORDER BY u._cdc_arrival, u._cdc_kafka_partition, u._cdc_kafka_offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
                             AND u._cdc_source_ms > MAX(u._cdc_source_ms) OVER (PARTITION BY u."select", OCTET_LENGTH(u."select"), u._cdc_run ORDER BY u._cdc_arrival, u._cdc_kafka_partition, u._cdc_kafka_offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
                            THEN 1 ELSE 0 END AS _cdc_restarted
                FROM (SELECT r."select", r._cdc_arrival, r._cdc_kafka_partition, r._cdc_kafka_offset, r._cdc_domain, r._cdc_position, r._cdc_source_ms, r._cdc_incoming,
                             SUM(CASE WHEN r._cdc_previous IS NULL OR r._cdc_previous = r._cdc_domain THEN 0 ELSE 1 END)
                                 OVER (PARTITION BY r."select", OCTET_LENGTH(r."select") ORDER BY r._cdc_arrival, r._cdc_kafka_partition, r._cdc_kafka_offset ROWS UNBOUNDED PRECEDING) AS _cdc_run
                      FROM (SELECT h."select", h._cdc_arrival, h._cdc_kafka_partition, h._cdc_kafka_offset, h._cdc_domain, h._cdc_position, h._cdc_source_ms, h._cdc_incoming,
                                   LAG(h._cdc_domain) OVER (PARTITION BY h."select", OCTET_LENGTH(h."select") ORDER BY h._cdc_arrival, h._cdc_kafka_partition, h._cdc_kafka_offset) AS _cdc_previous
                            FROM "cdc_history_shop_db_it_s__odd__1a2b3c4d" AS h) AS r) AS u) AS q) AS s;
    SELECT COUNT(*) INTO cdc_stale_rows FROM "cdc_stale_shop_db_it_s__odd__1a2b3c4d" AS s WHERE s._cdc_stale = 1 AND s._cdc_incoming = 1;
    -- lost: rows that are created although they are there: no event said that they had gone.
    SELECT COUNT(*) INTO cdc_lost_rows FROM "cdc_typed_shop_db_it_s__odd__1a2b3c4d" AS t WHERE (t._cdc_op = 'c' OR (t._cdc_op = 'd' AND t._cdc_domain = 'lsn' AND OCTET_LENGTH(t."select") = 0)) AND t._cdc_fault IS NULL;
    IF cdc_lost_rows > 0 THEN
        DROP TABLE IF EXISTS "cdc_lost_shop_db_it_s__odd__1a2b3c4d";
        CREATE TEMP TABLE "cdc_lost_shop_db_it_s__odd__1a2b3c4d" DISTSTYLE KEY DISTKEY ("select") COMPOUND SORTKEY ("select") AS
        SELECT q."select", q._cdc_kafka_partition, q._cdc_kafka_offset, q._cdc_op, q._cdc_domain, q._cdc_position, q._cdc_source_ms
        FROM (SELECT x.*, LAG(x._cdc_op) OVER (PARTITION BY x."select", OCTET_LENGTH(x."select"), x._cdc_kafka_partition ORDER BY x._cdc_kafka_offset) AS _cdc_was_op, LAG(x._cdc_domain) OVER (PARTITION BY x."select", OCTET_LENGTH(x."select"), x._cdc_kafka_partition ORDER BY x._cdc_kafka_offset) AS _cdc_was_domain,
                     LAG(x._cdc_position) OVER (PARTITION BY x."select", OCTET_LENGTH(x."select"), x._cdc_kafka_partition ORDER BY x._cdc_kafka_offset) AS _cdc_was_position, LAG(x._cdc_source_ms) OVER (PARTITION BY x."select", OCTET_LENGTH(x."select"), x._cdc_kafka_partition ORDER BY x._cdc_kafka_offset) AS _cdc_was_ms,
                     MAX(x._cdc_position) OVER (PARTITION BY x."select", OCTET_LENGTH(x."select"), x._cdc_kafka_partition, x._cdc_domain ORDER BY x._cdc_kafka_offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS _cdc_newest
              FROM (SELECT t."select", t._cdc_kafka_partition, t._cdc_kafka_offset, t._cdc_op, t._cdc_domain, t._cdc_position, t._cdc_source_ms
                    FROM "cdc_typed_shop_db_it_s__odd__1a2b3c4d" AS t LEFT JOIN "cdc_stale_shop_db_it_s__odd__1a2b3c4d" AS s ON s."select" = t."select" AND OCTET_LENGTH(s."select") = OCTET_LENGTH(t."select") AND s._cdc_incoming = 1 AND s._cdc_stale = 1
                         AND s._cdc_kafka_partition = t._cdc_kafka_partition AND s._cdc_kafka_offset = t._cdc_kafka_offset
                    WHERE t._cdc_fault IS NULL AND s._cdc_stale IS NULL
                    UNION ALL
                    SELECT h."select", h._cdc_kafka_partition, h._cdc_kafka_offset, 'r', h._cdc_domain, h._cdc_position,
                           DATEDIFF(millisecond, CAST('1970-01-01' AS TIMESTAMP), h._cdc_source_ts)
                    FROM "shop db"."it's ""odd""" AS h JOIN "cdc_touched_shop_db_it_s__odd__1a2b3c4d" AS k ON h."select" = k."select" AND OCTET_LENGTH(h."select") = OCTET_LENGTH(k."select")) AS x) AS q
        WHERE (q._cdc_op = 'd' AND q._cdc_domain = 'lsn' AND OCTET_LENGTH(q."select") = 0 AND COALESCE(q._cdc_was_op, 'd') = 'd') OR (q._cdc_op = 'c' AND q._cdc_was_op <> 'd'
              AND COALESCE(q._cdc_newest < q._cdc_position, true)
              AND ((q._cdc_was_domain = q._cdc_domain AND q._cdc_was_position IS NOT NULL) OR q._cdc_was_ms < q._cdc_source_ms));
        -- overtaken: with a deferred constraint of PostgreSQL a row takes a key before the row that has it leaves
        -- it, in one transaction. The deletion that follows is of the row that was there first.
        DROP TABLE IF EXISTS "cdc_overtaken_shop_db_it_s__odd__1a2b3c4d";
        CREATE TEMP TABLE "cdc_overtaken_shop_db_it_s__odd__1a2b3c4d" AS
        SELECT d."select", d._cdc_kafka_partition, d._cdc_kafka_offset, s._cdc_kafka_partition AS _cdc_by_partition, s._cdc_kafka_offset AS _cdc_by_offset,
               ROW_NUMBER() OVER (PARTITION BY s."select", OCTET_LENGTH(s."select"), s._cdc_position ORDER BY d._cdc_position, d._cdc_kafka_offset) AS _cdc_turn
        FROM "cdc_lost_shop_db_it_s__odd__1a2b3c4d" AS s JOIN "cdc_typed_shop_db_it_s__odd__1a2b3c4d" AS d ON d."select" = s."select" AND OCTET_LENGTH(d."select") = OCTET_LENGTH(s."select") AND d._cdc_op = 'd' AND d._cdc_fault IS NULL AND d._cdc_domain = s._cdc_domain
             AND d._cdc_position > s._cdc_position AND d._cdc_source_ms = s._cdc_source_ms
        WHERE s._cdc_op = 'c' AND s._cdc_domain = 'lsn';
        DELETE FROM "cdc_typed_shop_db_it_s__odd__1a2b3c4d" USING "cdc_overtaken_shop_db_it_s__odd__1a2b3c4d" AS o WHERE o._cdc_turn = 1 AND "cdc_typed_shop_db_it_s__odd__1a2b3c4d"._cdc_op = 'd' AND "cdc_typed_shop_db_it_s__odd__1a2b3c4d"."select" = o."select" AND OCTET_LENGTH("cdc_typed_shop_db_it_s__odd__1a2b3c4d"."select") = OCTET_LENGTH(o."select")
             AND "cdc_typed_shop_db_it_s__odd__1a2b3c4d"._cdc_kafka_partition = o._cdc_kafka_partition AND "cdc_typed_shop_db_it_s__odd__1a2b3c4d"._cdc_kafka_offset = o._cdc_kafka_offset;
        DELETE FROM "cdc_lost_shop_db_it_s__odd__1a2b3c4d" USING "cdc_overtaken_shop_db_it_s__odd__1a2b3c4d" AS o WHERE o._cdc_turn = 1
             AND "cdc_lost_shop_db_it_s__odd__1a2b3c4d"._cdc_kafka_partition = o._cdc_by_partition AND "cdc_lost_shop_db_it_s__odd__1a2b3c4d"._cdc_kafka_offset = o._cdc_by_offset;
        SELECT COUNT(*) INTO cdc_lost_rows FROM "cdc_lost_shop_db_it_s__odd__1a2b3c4d" AS s;
        IF cdc_lost_rows > 0 THEN
            INSERT INTO "cdc"."quarantine" (quarantined_at, table_name, topic, kafka_partition, kafka_offset, kafka_timestamp, scope, reason, column_names, kafka_key, kafka_value)
            SELECT SYSDATE, 'shop db.it''s "odd"', 'srv.Shop DB.It''s "Odd"', l.kafka_partition, l.kafka_offset, l.kafka_timestamp, 'lost',
                   CASE s._cdc_op WHEN 'd' THEN 'the row that was deleted cannot be told: its key has fillers, as with REPLICA IDENTITY USING INDEX; declare the index''s columns as key' ELSE 'the source created the row although it was there: no event said that it had gone, and others may have gone with it' END, NULL, l.kafka_key, l.kafka_value
            FROM "cdc_lost_shop_db_it_s__odd__1a2b3c4d" AS s JOIN "cdc_landed_shop_db_it_s__odd__1a2b3c4d" AS l ON l.kafka_partition = s._cdc_kafka_partition AND l.kafka_offset = s._cdc_kafka_offset;
        END IF;
    END IF;
    -- newest, position: per key the last change that is not stale, and the last comparable position,
    -- which a snapshot read does not take away.
    DROP TABLE IF EXISTS "cdc_newest_shop_db_it_s__odd__1a2b3c4d";
    CREATE TEMP TABLE "cdc_newest_shop_db_it_s__odd__1a2b3c4d" DISTSTYLE KEY DISTKEY ("select") COMPOUND SORTKEY ("select") AS
    SELECT t.*, ROW_NUMBER() OVER (PARTITION BY t."select", OCTET_LENGTH(t."select") ORDER BY t._cdc_arrival DESC, t._cdc_position DESC NULLS LAST, t._cdc_kafka_partition DESC, t._cdc_kafka_offset DESC) AS _cdc_rank
    FROM "cdc_typed_shop_db_it_s__odd__1a2b3c4d" AS t
    LEFT JOIN "cdc_stale_shop_db_it_s__odd__1a2b3c4d" AS s ON s."select" = t."select" AND OCTET_LENGTH(s."select") = OCTET_LENGTH(t."select") AND s._cdc_incoming = 1 AND s._cdc_stale = 1
         AND s._cdc_kafka_partition = t._cdc_kafka_partition AND s._cdc_kafka_offset = t._cdc_kafka_offset
    WHERE t._cdc_fault IS NULL AND s._cdc_stale IS NULL;
    DROP TABLE IF EXISTS "cdc_position_shop_db_it_s__odd__1a2b3c4d";
    CREATE TEMP TABLE "cdc_position_shop_db_it_s__odd__1a2b3c4d" DISTSTYLE KEY DISTKEY ("select") COMPOUND SORTKEY ("select") AS
    SELECT s.*, ROW_NUMBER() OVER (PARTITION BY s."select", OCTET_LENGTH(s."select") ORDER BY s._cdc_arrival DESC, s._cdc_position DESC NULLS LAST, s._cdc_kafka_partition DESC, s._cdc_kafka_offset DESC) AS _cdc_rank
    FROM "cdc_stale_shop_db_it_s__odd__1a2b3c4d" AS s WHERE s._cdc_stale = 0;
    -- staging: one typed row per key.
    DROP TABLE IF EXISTS "cdc_staging_shop_db_it_s__odd__1a2b3c4d";
    CREATE TEMP TABLE "cdc_staging_shop_db_it_s__odd__1a2b3c4d" DISTSTYLE KEY DISTKEY ("select") COMPOUND SORTKEY ("select") AS
    SELECT n."select", n."it's", n."a""b", n."float 32", n."flag", n."day", n."t_ms", n."t_us", n."ts_ms", n."ts_us", n."zoned", n."raw", n."b64", n."binary", n."any", n."var", n."iso_day", n."iso_time", n."iso_ts", n."t_ns", n."ts_ns", n."bits", n."shape", n."tags", n."amounts", n."days", n."cut", n."dropped",
           n._cdc_op, n._cdc_lost, n._cdc_nulled, n._cdc_truncated, n._cdc_unavailable, n._cdc_kafka_partition, n._cdc_kafka_offset,
           p._cdc_domain, p._cdc_position,
           DATEADD(millisecond, MOD(COALESCE(p._cdc_newest_ms, n._cdc_source_ms), 86400000)::INTEGER, DATEADD(day, (COALESCE(p._cdc_newest_ms, n._cdc_source_ms) / 86400000)::INTEGER, CAST('1970-01-01' AS TIMESTAMP))) AS _cdc_source_ts
    FROM "cdc_newest_shop_db_it_s__odd__1a2b3c4d" AS n LEFT JOIN "cdc_position_shop_db_it_s__odd__1a2b3c4d" AS p ON p."select" = n."select" AND OCTET_LENGTH(p."select") = OCTET_LENGTH(n."select") AND p._cdc_rank = 1
    WHERE n._cdc_rank = 1;
    -- An unchanged large value arrives as a placeholder. An earlier change of this range may hold it, within
    -- one life of the row; a row that is new and whose value nobody holds gets NULL and an entry in quarantine.
    SELECT COUNT(*) INTO cdc_unavailable_count FROM "cdc_staging_shop_db_it_s__odd__1a2b3c4d" AS s WHERE s._cdc_unavailable <> '' AND s._cdc_op <> 'd';
    IF cdc_unavailable_count > 0 THEN
        DROP TABLE IF EXISTS "cdc_life_shop_db_it_s__odd__1a2b3c4d";
        CREATE TEMP TABLE "cdc_life_shop_db_it_s__odd__1a2b3c4d" AS
        SELECT s."select", b._cdc_barrier,
               CASE WHEN b._cdc_barrier IS NOT NULL OR h."select" IS NULL THEN 1 ELSE 0 END AS _cdc_new
        FROM "cdc_staging_shop_db_it_s__odd__1a2b3c4d" AS s
        LEFT JOIN (SELECT n."select", MIN(n._cdc_rank) AS _cdc_barrier FROM "cdc_newest_shop_db_it_s__odd__1a2b3c4d" AS n
                   WHERE n._cdc_op IN ('c', 'd') GROUP BY n."select", OCTET_LENGTH(n."select")) AS b ON b."select" = s."select" AND OCTET_LENGTH(b."select") = OCTET_LENGTH(s."select")
        LEFT JOIN "shop db"."it's ""odd""" AS h ON h."select" = s."select" AND OCTET_LENGTH(h."select") = OCTET_LENGTH(s."select")
        WHERE s._cdc_unavailable <> '' AND s._cdc_op <> 'd';
        UPDATE "cdc_staging_shop_db_it_s__odd__1a2b3c4d" SET "a""b" = f."a""b", _cdc_lost = "cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_lost || f._cdc_lost, _cdc_unavailable = REPLACE("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',a"b,', '')
        FROM (SELECT n."select", n."a""b", CASE WHEN STRPOS(',' || n._cdc_lost, ',a"b,') > 0 THEN 'a"b,' ELSE '' END AS _cdc_lost, ROW_NUMBER() OVER (PARTITION BY n."select", OCTET_LENGTH(n."select") ORDER BY n._cdc_rank) AS _cdc_nearest
              FROM "cdc_newest_shop_db_it_s__odd__1a2b3c4d" AS n JOIN "cdc_life_shop_db_it_s__odd__1a2b3c4d" AS b ON b."select" = n."select" AND OCTET_LENGTH(b."select") = OCTET_LENGTH(n."select")
              WHERE STRPOS(n._cdc_unavailable, ',a"b,') = 0 AND n._cdc_op <> 'd'
                    AND (b._cdc_barrier IS NULL OR n._cdc_rank <= b._cdc_barrier)) AS f
        WHERE "cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select" = f."select" AND OCTET_LENGTH("cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select") = OCTET_LENGTH(f."select") AND f._cdc_nearest = 1 AND STRPOS("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',a"b,') > 0;
        UPDATE "cdc_staging_shop_db_it_s__odd__1a2b3c4d" SET "a""b" = NULL, _cdc_lost = "cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_lost || 'a"b,',
               _cdc_unavailable = REPLACE("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',a"b,', '')
        FROM "cdc_life_shop_db_it_s__odd__1a2b3c4d" AS b WHERE "cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select" = b."select" AND OCTET_LENGTH("cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select") = OCTET_LENGTH(b."select") AND b._cdc_new = 1 AND STRPOS("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',a"b,') > 0;
        UPDATE "cdc_staging_shop_db_it_s__odd__1a2b3c4d" SET "raw" = f."raw", _cdc_lost = "cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_lost || f._cdc_lost, _cdc_unavailable = REPLACE("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',raw,', '')
        FROM (SELECT n."select", n."raw", CASE WHEN STRPOS(',' || n._cdc_lost, ',raw,') > 0 THEN 'raw,' ELSE '' END AS _cdc_lost, ROW_NUMBER() OVER (PARTITION BY n."select", OCTET_LENGTH(n."select") ORDER BY n._cdc_rank) AS _cdc_nearest
              FROM "cdc_newest_shop_db_it_s__odd__1a2b3c4d" AS n JOIN "cdc_life_shop_db_it_s__odd__1a2b3c4d" AS b ON b."select" = n."select" AND OCTET_LENGTH(b."select") = OCTET_LENGTH(n."select")
              WHERE STRPOS(n._cdc_unavailable, ',raw,') = 0 AND n._cdc_op <> 'd'
                    AND (b._cdc_barrier IS NULL OR n._cdc_rank <= b._cdc_barrier)) AS f
        WHERE "cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select" = f."select" AND OCTET_LENGTH("cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select") = OCTET_LENGTH(f."select") AND f._cdc_nearest = 1 AND STRPOS("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',raw,') > 0;
        UPDATE "cdc_staging_shop_db_it_s__odd__1a2b3c4d" SET "raw" = NULL, _cdc_lost = "cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_lost || 'raw,',
               _cdc_unavailable = REPLACE("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',raw,', '')
        FROM "cdc_life_shop_db_it_s__odd__1a2b3c4d" AS b WHERE "cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select" = b."select" AND OCTET_LENGTH("cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select") = OCTET_LENGTH(b."select") AND b._cdc_new = 1 AND STRPOS("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',raw,') > 0;
        UPDATE "cdc_staging_shop_db_it_s__odd__1a2b3c4d" SET "b64" = f."b64", _cdc_lost = "cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_lost || f._cdc_lost, _cdc_unavailable = REPLACE("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',b64,', '')
        FROM (SELECT n."select", n."b64", CASE WHEN STRPOS(',' || n._cdc_lost, ',b64,') > 0 THEN 'b64,' ELSE '' END AS _cdc_lost, ROW_NUMBER() OVER (PARTITION BY n."select", OCTET_LENGTH(n."select") ORDER BY n._cdc_rank) AS _cdc_nearest
              FROM "cdc_newest_shop_db_it_s__odd__1a2b3c4d" AS n JOIN "cdc_life_shop_db_it_s__odd__1a2b3c4d" AS b ON b."select" = n."select" AND OCTET_LENGTH(b."select") = OCTET_LENGTH(n."select")
              WHERE STRPOS(n._cdc_unavailable, ',b64,') = 0 AND n._cdc_op <> 'd'
                    AND (b._cdc_barrier IS NULL OR n._cdc_rank <= b._cdc_barrier)) AS f
        WHERE "cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select" = f."select" AND OCTET_LENGTH("cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select") = OCTET_LENGTH(f."select") AND f._cdc_nearest = 1 AND STRPOS("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',b64,') > 0;
        UPDATE "cdc_staging_shop_db_it_s__odd__1a2b3c4d" SET "b64" = NULL, _cdc_lost = "cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_lost || 'b64,',
               _cdc_unavailable = REPLACE("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',b64,', '')
        FROM "cdc_life_shop_db_it_s__odd__1a2b3c4d" AS b WHERE "cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select" = b."select" AND OCTET_LENGTH("cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select") = OCTET_LENGTH(b."select") AND b._cdc_new = 1 AND STRPOS("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',b64,') > 0;
        UPDATE "cdc_staging_shop_db_it_s__odd__1a2b3c4d" SET "binary" = f."binary", _cdc_lost = "cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_lost || f._cdc_lost, _cdc_unavailable = REPLACE("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',binary,', '')
        FROM (SELECT n."select", n."binary", CASE WHEN STRPOS(',' || n._cdc_lost, ',binary,') > 0 THEN 'binary,' ELSE '' END AS _cdc_lost, ROW_NUMBER() OVER (PARTITION BY n."select", OCTET_LENGTH(n."select") ORDER BY n._cdc_rank) AS _cdc_nearest
              FROM "cdc_newest_shop_db_it_s__odd__1a2b3c4d" AS n JOIN "cdc_life_shop_db_it_s__odd__1a2b3c4d" AS b ON b."select" = n."select" AND OCTET_LENGTH(b."select") = OCTET_LENGTH(n."select")
              WHERE STRPOS(n._cdc_unavailable, ',binary,') = 0 AND n._cdc_op <> 'd'
                    AND (b._cdc_barrier IS NULL OR n._cdc_rank <= b._cdc_barrier)) AS f
        WHERE "cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select" = f."select" AND OCTET_LENGTH("cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select") = OCTET_LENGTH(f."select") AND f._cdc_nearest = 1 AND STRPOS("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',binary,') > 0;
        UPDATE "cdc_staging_shop_db_it_s__odd__1a2b3c4d" SET "binary" = NULL, _cdc_lost = "cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_lost || 'binary,',
               _cdc_unavailable = REPLACE("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',binary,', '')
        FROM "cdc_life_shop_db_it_s__odd__1a2b3c4d" AS b WHERE "cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select" = b."select" AND OCTET_LENGTH("cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select") = OCTET_LENGTH(b."select") AND b._cdc_new = 1 AND STRPOS("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',binary,') > 0;
        UPDATE "cdc_staging_shop_db_it_s__odd__1a2b3c4d" SET "var" = f."var", _cdc_lost = "cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_lost || f._cdc_lost, _cdc_unavailable = REPLACE("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',var,', '')
        FROM (SELECT n."select", n."var", CASE WHEN STRPOS(',' || n._cdc_lost, ',var,') > 0 THEN 'var,' ELSE '' END AS _cdc_lost, ROW_NUMBER() OVER (PARTITION BY n."select", OCTET_LENGTH(n."select") ORDER BY n._cdc_rank) AS _cdc_nearest
              FROM "cdc_newest_shop_db_it_s__odd__1a2b3c4d" AS n JOIN "cdc_life_shop_db_it_s__odd__1a2b3c4d" AS b ON b."select" = n."select" AND OCTET_LENGTH(b."select") = OCTET_LENGTH(n."select")
              WHERE STRPOS(n._cdc_unavailable, ',var,') = 0 AND n._cdc_op <> 'd'
                    AND (b._cdc_barrier IS NULL OR n._cdc_rank <= b._cdc_barrier)) AS f
        WHERE "cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select" = f."select" AND OCTET_LENGTH("cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select") = OCTET_LENGTH(f."select") AND f._cdc_nearest = 1 AND STRPOS("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',var,') > 0;
        UPDATE "cdc_staging_shop_db_it_s__odd__1a2b3c4d" SET "var" = NULL, _cdc_lost = "cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_lost || 'var,',
               _cdc_unavailable = REPLACE("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',var,', '')
        FROM "cdc_life_shop_db_it_s__odd__1a2b3c4d" AS b WHERE "cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select" = b."select" AND OCTET_LENGTH("cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select") = OCTET_LENGTH(b."select") AND b._cdc_new = 1 AND STRPOS("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',var,') > 0;
        UPDATE "cdc_staging_shop_db_it_s__odd__1a2b3c4d" SET "tags" = f."tags", _cdc_lost = "cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_lost || f._cdc_lost, _cdc_unavailable = REPLACE("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',tags,', '')
        FROM (SELECT n."select", n."tags", CASE WHEN STRPOS(',' || n._cdc_lost, ',tags,') > 0 THEN 'tags,' ELSE '' END AS _cdc_lost, ROW_NUMBER() OVER (PARTITION BY n."select", OCTET_LENGTH(n."select") ORDER BY n._cdc_rank) AS _cdc_nearest
              FROM "cdc_newest_shop_db_it_s__odd__1a2b3c4d" AS n JOIN "cdc_life_shop_db_it_s__odd__1a2b3c4d" AS b ON b."select" = n."select" AND OCTET_LENGTH(b."select") = OCTET_LENGTH(n."select")
              WHERE STRPOS(n._cdc_unavailable, ',tags,') = 0 AND n._cdc_op <> 'd'
                    AND (b._cdc_barrier IS NULL OR n._cdc_rank <= b._cdc_barrier)) AS f
        WHERE "cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select" = f."select" AND OCTET_LENGTH("cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select") = OCTET_LENGTH(f."select") AND f._cdc_nearest = 1 AND STRPOS("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',tags,') > 0;
        UPDATE "cdc_staging_shop_db_it_s__odd__1a2b3c4d" SET "tags" = NULL, _cdc_lost = "cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_lost || 'tags,',
               _cdc_unavailable = REPLACE("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',tags,', '')
        FROM "cdc_life_shop_db_it_s__odd__1a2b3c4d" AS b WHERE "cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select" = b."select" AND OCTET_LENGTH("cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select") = OCTET_LENGTH(b."select") AND b._cdc_new = 1 AND STRPOS("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',tags,') > 0;
        UPDATE "cdc_staging_shop_db_it_s__odd__1a2b3c4d" SET "amounts" = f."amounts", _cdc_lost = "cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_lost || f._cdc_lost, _cdc_unavailable = REPLACE("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',amounts,', '')
        FROM (SELECT n."select", n."amounts", CASE WHEN STRPOS(',' || n._cdc_lost, ',amounts,') > 0 THEN 'amounts,' ELSE '' END AS _cdc_lost, ROW_NUMBER() OVER (PARTITION BY n."select", OCTET_LENGTH(n."select") ORDER BY n._cdc_rank) AS _cdc_nearest
              FROM "cdc_newest_shop_db_it_s__odd__1a2b3c4d" AS n JOIN "cdc_life_shop_db_it_s__odd__1a2b3c4d" AS b ON b."select" = n."select" AND OCTET_LENGTH(b."select") = OCTET_LENGTH(n."select")
              WHERE STRPOS(n._cdc_unavailable, ',amounts,') = 0 AND n._cdc_op <> 'd'
                    AND (b._cdc_barrier IS NULL OR n._cdc_rank <= b._cdc_barrier)) AS f
        WHERE "cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select" = f."select" AND OCTET_LENGTH("cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select") = OCTET_LENGTH(f."select") AND f._cdc_nearest = 1 AND STRPOS("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',amounts,') > 0;
        UPDATE "cdc_staging_shop_db_it_s__odd__1a2b3c4d" SET "amounts" = NULL, _cdc_lost = "cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_lost || 'amounts,',
               _cdc_unavailable = REPLACE("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',amounts,', '')
        FROM "cdc_life_shop_db_it_s__odd__1a2b3c4d" AS b WHERE "cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select" = b."select" AND OCTET_LENGTH("cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select") = OCTET_LENGTH(b."select") AND b._cdc_new = 1 AND STRPOS("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',amounts,') > 0;
        UPDATE "cdc_staging_shop_db_it_s__odd__1a2b3c4d" SET "days" = f."days", _cdc_lost = "cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_lost || f._cdc_lost, _cdc_unavailable = REPLACE("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',days,', '')
        FROM (SELECT n."select", n."days", CASE WHEN STRPOS(',' || n._cdc_lost, ',days,') > 0 THEN 'days,' ELSE '' END AS _cdc_lost, ROW_NUMBER() OVER (PARTITION BY n."select", OCTET_LENGTH(n."select") ORDER BY n._cdc_rank) AS _cdc_nearest
              FROM "cdc_newest_shop_db_it_s__odd__1a2b3c4d" AS n JOIN "cdc_life_shop_db_it_s__odd__1a2b3c4d" AS b ON b."select" = n."select" AND OCTET_LENGTH(b."select") = OCTET_LENGTH(n."select")
              WHERE STRPOS(n._cdc_unavailable, ',days,') = 0 AND n._cdc_op <> 'd'
                    AND (b._cdc_barrier IS NULL OR n._cdc_rank <= b._cdc_barrier)) AS f
        WHERE "cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select" = f."select" AND OCTET_LENGTH("cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select") = OCTET_LENGTH(f."select") AND f._cdc_nearest = 1 AND STRPOS("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',days,') > 0;
        UPDATE "cdc_staging_shop_db_it_s__odd__1a2b3c4d" SET "days" = NULL, _cdc_lost = "cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_lost || 'days,',
               _cdc_unavailable = REPLACE("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',days,', '')
        FROM "cdc_life_shop_db_it_s__odd__1a2b3c4d" AS b WHERE "cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select" = b."select" AND OCTET_LENGTH("cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select") = OCTET_LENGTH(b."select") AND b._cdc_new = 1 AND STRPOS("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',days,') > 0;
        UPDATE "cdc_staging_shop_db_it_s__odd__1a2b3c4d" SET "cut" = f."cut", _cdc_lost = "cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_lost || f._cdc_lost, _cdc_unavailable = REPLACE("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',cut,', '')
        FROM (SELECT n."select", n."cut", CASE WHEN STRPOS(',' || n._cdc_lost, ',cut,') > 0 THEN 'cut,' ELSE '' END AS _cdc_lost, ROW_NUMBER() OVER (PARTITION BY n."select", OCTET_LENGTH(n."select") ORDER BY n._cdc_rank) AS _cdc_nearest
              FROM "cdc_newest_shop_db_it_s__odd__1a2b3c4d" AS n JOIN "cdc_life_shop_db_it_s__odd__1a2b3c4d" AS b ON b."select" = n."select" AND OCTET_LENGTH(b."select") = OCTET_LENGTH(n."select")
              WHERE STRPOS(n._cdc_unavailable, ',cut,') = 0 AND n._cdc_op <> 'd'
                    AND (b._cdc_barrier IS NULL OR n._cdc_rank <= b._cdc_barrier)) AS f
        WHERE "cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select" = f."select" AND OCTET_LENGTH("cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select") = OCTET_LENGTH(f."select") AND f._cdc_nearest = 1 AND STRPOS("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',cut,') > 0;
        UPDATE "cdc_staging_shop_db_it_s__odd__1a2b3c4d" SET "cut" = NULL, _cdc_lost = "cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_lost || 'cut,',
               _cdc_unavailable = REPLACE("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',cut,', '')
        FROM "cdc_life_shop_db_it_s__odd__1a2b3c4d" AS b WHERE "cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select" = b."select" AND OCTET_LENGTH("cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select") = OCTET_LENGTH(b."select") AND b._cdc_new = 1 AND STRPOS("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',cut,') > 0;
        UPDATE "cdc_staging_shop_db_it_s__odd__1a2b3c4d" SET "dropped" = f."dropped", _cdc_lost = "cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_lost || f._cdc_lost, _cdc_unavailable = REPLACE("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',dropped,', '')
        FROM (SELECT n."select", n."dropped", CASE WHEN STRPOS(',' || n._cdc_lost, ',dropped,') > 0 THEN 'dropped,' ELSE '' END AS _cdc_lost, ROW_NUMBER() OVER (PARTITION BY n."select", OCTET_LENGTH(n."select") ORDER BY n._cdc_rank) AS _cdc_nearest
              FROM "cdc_newest_shop_db_it_s__odd__1a2b3c4d" AS n JOIN "cdc_life_shop_db_it_s__odd__1a2b3c4d" AS b ON b."select" = n."select" AND OCTET_LENGTH(b."select") = OCTET_LENGTH(n."select")
              WHERE STRPOS(n._cdc_unavailable, ',dropped,') = 0 AND n._cdc_op <> 'd'
                    AND (b._cdc_barrier IS NULL OR n._cdc_rank <= b._cdc_barrier)) AS f
        WHERE "cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select" = f."select" AND OCTET_LENGTH("cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select") = OCTET_LENGTH(f."select") AND f._cdc_nearest = 1 AND STRPOS("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',dropped,') > 0;
        UPDATE "cdc_staging_shop_db_it_s__odd__1a2b3c4d" SET "dropped" = NULL, _cdc_lost = "cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_lost || 'dropped,',
               _cdc_unavailable = REPLACE("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',dropped,', '')
        FROM "cdc_life_shop_db_it_s__odd__1a2b3c4d" AS b WHERE "cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select" = b."select" AND OCTET_LENGTH("cdc_staging_shop_db_it_s__odd__1a2b3c4d"."select") = OCTET_LENGTH(b."select") AND b._cdc_new = 1 AND STRPOS("cdc_staging_shop_db_it_s__odd__1a2b3c4d"._cdc_unavailable, ',dropped,') > 0;
    END IF;
    -- Values that could not be read: the row is merged without them.
    SELECT COUNT(*) INTO cdc_values_quarantined FROM "cdc_staging_shop_db_it_s__odd__1a2b3c4d" AS s WHERE s._cdc_lost <> '';
    IF cdc_values_quarantined > 0 THEN
        INSERT INTO "cdc"."quarantine" (quarantined_at, table_name, topic, kafka_partition, kafka_offset, kafka_timestamp, scope, reason, column_names, kafka_key, kafka_value)
        SELECT SYSDATE, 'shop db.it''s "odd"', 'srv.Shop DB.It''s "Odd"', l.kafka_partition, l.kafka_offset, l.kafka_timestamp, 'value',
               'the value is missing, not readable as the column''s type, or too long for it', s._cdc_lost, l.kafka_key, l.kafka_value
        FROM "cdc_staging_shop_db_it_s__odd__1a2b3c4d" AS s JOIN "cdc_landed_shop_db_it_s__odd__1a2b3c4d" AS l ON l.kafka_partition = s._cdc_kafka_partition AND l.kafka_offset = s._cdc_kafka_offset
        WHERE s._cdc_lost <> '';
    END IF;
    cdc_quarantined_rows := cdc_records_quarantined + cdc_values_quarantined + cdc_lost_rows;
    -- Delete the deleted, merge the rest.
    DELETE FROM "shop db"."it's ""odd""" USING "cdc_staging_shop_db_it_s__odd__1a2b3c4d" AS s WHERE "shop db"."it's ""odd"""."select" = s."select" AND OCTET_LENGTH("shop db"."it's ""odd"""."select") = OCTET_LENGTH(s."select") AND s._cdc_op = 'd';
    GET DIAGNOSTICS cdc_deleted_rows := ROW_COUNT;
    cdc_deleted_rows := cdc_deleted_rows + cdc_truncated_rows;
    DROP TABLE IF EXISTS "cdc_upserts_shop_db_it_s__odd__1a2b3c4d";
    CREATE TEMP TABLE "cdc_upserts_shop_db_it_s__odd__1a2b3c4d" DISTSTYLE KEY DISTKEY ("select") COMPOUND SORTKEY ("select") AS SELECT s.* FROM "cdc_staging_shop_db_it_s__odd__1a2b3c4d" AS s WHERE s._cdc_op <> 'd';
    SELECT COUNT(*) INTO cdc_applied_rows FROM "cdc_upserts_shop_db_it_s__odd__1a2b3c4d" AS u;
    MERGE INTO "shop db"."it's ""odd""" USING "cdc_upserts_shop_db_it_s__odd__1a2b3c4d" AS s ON "it's ""odd"""."select" = s."select" AND OCTET_LENGTH("it's ""odd"""."select") = OCTET_LENGTH(s."select")
    WHEN MATCHED THEN UPDATE SET
        "it's" = s."it's",
        "a""b" = CASE WHEN STRPOS(s._cdc_unavailable, ',a"b,') > 0 THEN "it's ""odd"""."a""b" ELSE s."a""b" END,
        "float 32" = s."float 32",
        "flag" = s."flag",
        "day" = s."day",
        "t_ms" = s."t_ms",
        "t_us" = s."t_us",
        "ts_ms" = s."ts_ms",
        "ts_us" = s."ts_us",
        "zoned" = s."zoned",
        "raw" = CASE WHEN STRPOS(s._cdc_unavailable, ',raw,') > 0 THEN "it's ""odd"""."raw" ELSE s."raw" END,
        "b64" = CASE WHEN STRPOS(s._cdc_unavailable, ',b64,') > 0 THEN "it's ""odd"""."b64" ELSE s."b64" END,
        "binary" = CASE WHEN STRPOS(s._cdc_unavailable, ',binary,') > 0 THEN "it's ""odd"""."binary" ELSE s."binary" END,
        "any" = s."any",
        "var" = CASE WHEN STRPOS(s._cdc_unavailable, ',var,') > 0 THEN "it's ""odd"""."var" ELSE s."var" END,
        "iso_day" = s."iso_day",
        "iso_time" = s."iso_time",
        "iso_ts" = s."iso_ts",
        "t_ns" = s."t_ns",
        "ts_ns" = s."ts_ns",
        "bits" = s."bits",
        "shape" = s."shape",
        "tags" = CASE WHEN STRPOS(s._cdc_unavailable, ',tags,') > 0 THEN "it's ""odd"""."tags" ELSE s."tags" END,
        "amounts" = CASE WHEN STRPOS(s._cdc_unavailable, ',amounts,') > 0 THEN "it's ""odd"""."amounts" ELSE s."amounts" END,
        "days" = CASE WHEN STRPOS(s._cdc_unavailable, ',days,') > 0 THEN "it's ""odd"""."days" ELSE s."days" END,
        "cut" = CASE WHEN STRPOS(s._cdc_unavailable, ',cut,') > 0 THEN "it's ""odd"""."cut" ELSE s."cut" END,
        "dropped" = CASE WHEN STRPOS(s._cdc_unavailable, ',dropped,') > 0 THEN "it's ""odd"""."dropped" ELSE s."dropped" END,
        "_cdc_domain" = s."_cdc_domain",
        "_cdc_position" = s."_cdc_position",
        "_cdc_source_ts" = s."_cdc_source_ts",
        "_cdc_kafka_partition" = s."_cdc_kafka_partition",
        "_cdc_kafka_offset" = s."_cdc_kafka_offset"
    WHEN NOT MATCHED THEN INSERT ("select", "it's", "a""b", "float 32", "flag", "day", "t_ms", "t_us", "ts_ms", "ts_us", "zoned", "raw", "b64", "binary", "any", "var", "iso_day", "iso_time", "iso_ts", "t_ns", "ts_ns", "bits", "shape", "tags", "amounts", "days", "cut", "dropped", "_cdc_domain", "_cdc_position", "_cdc_source_ts", "_cdc_kafka_partition", "_cdc_kafka_offset")
         VALUES (s."select", s."it's", s."a""b", s."float 32", s."flag", s."day", s."t_ms", s."t_us", s."ts_ms", s."ts_us", s."zoned", s."raw", s."b64", s."binary", s."any", s."var", s."iso_day", s."iso_time", s."iso_ts", s."t_ns", s."ts_ns", s."bits", s."shape", s."tags", s."amounts", s."days", s."cut", s."dropped", s."_cdc_domain", s."_cdc_position", s."_cdc_source_ts", s."_cdc_kafka_partition", s."_cdc_kafka_offset");
    -- The ledger remembers the positions of deletions, so that a late older change stays out.
    DELETE FROM "cdc"."ledger_shop_db_it_s__odd__1a2b3c4d" USING "cdc_staging_shop_db_it_s__odd__1a2b3c4d" AS s WHERE "cdc"."ledger_shop_db_it_s__odd__1a2b3c4d"."select" = s."select" AND OCTET_LENGTH("cdc"."ledger_shop_db_it_s__odd__1a2b3c4d"."select") = OCTET_LENGTH(s."select");
    DELETE FROM "cdc"."ledger_shop_db_it_s__odd__1a2b3c4d" WHERE _cdc_deleted_at < DATEADD(day, -7, SYSDATE);
    INSERT INTO "cdc"."ledger_shop_db_it_s__odd__1a2b3c4d" ("select", _cdc_domain, _cdc_position, _cdc_source_ts, _cdc_kafka_partition, _cdc_deleted_at)
    SELECT s."select", s._cdc_domain, s._cdc_position, s._cdc_source_ts, s._cdc_kafka_partition, SYSDATE
    FROM "cdc_staging_shop_db_it_s__odd__1a2b3c4d" AS s WHERE s._cdc_op = 'd' AND s._cdc_domain IS NOT NULL;
    -- Offsets that never landed: harmless after compaction and transactions, a loss if somebody saw a record there.
    DROP TABLE IF EXISTS "cdc_gap_shop_db_it_s__odd__1a2b3c4d";
    CREATE TEMP TABLE "cdc_gap_shop_db_it_s__odd__1a2b3c4d" AS
    SELECT g.kafka_partition, g.previous_offset + 1 AS first_missing, g.kafka_offset - 1 AS last_missing
    FROM (SELECT l.kafka_partition, l.kafka_offset,
                 COALESCE(LAG(l.kafka_offset) OVER (PARTITION BY l.kafka_partition ORDER BY l.kafka_offset), r.old_offset, -1) AS previous_offset
          FROM "cdc_landed_shop_db_it_s__odd__1a2b3c4d" AS l JOIN "cdc_range_shop_db_it_s__odd__1a2b3c4d" AS r ON r.kafka_partition = l.kafka_partition) AS g
    WHERE g.kafka_offset > g.previous_offset + 1;
    SELECT COALESCE(SUM(g.last_missing - g.first_missing + 1), 0) INTO cdc_missing FROM "cdc_gap_shop_db_it_s__odd__1a2b3c4d" AS g;
    IF cdc_missing > 0 THEN
        INSERT INTO "cdc"."gaps" (detected_at, table_name, kafka_partition, first_missing, last_missing)
        SELECT SYSDATE, 'shop db.it''s "odd"', g.kafka_partition, g.first_missing, g.last_missing FROM "cdc_gap_shop_db_it_s__odd__1a2b3c4d" AS g;
        -- What the stream scan itself reports as unreadable in this range.
        INSERT INTO "cdc"."quarantine" (quarantined_at, table_name, topic, kafka_partition, kafka_offset, kafka_timestamp, scope, reason)
        SELECT SYSDATE, 'shop db.it''s "odd"', 'srv.Shop DB.It''s "Odd"', g.kafka_partition, e.position::BIGINT, e.stream_timestamp, 'scan', LEFT(TRIM(e.error_reason), 256)
        FROM sys_stream_scan_errors AS e JOIN "cdc_gap_shop_db_it_s__odd__1a2b3c4d" AS g ON e.partition_id::BIGINT = g.kafka_partition
             AND e.position::BIGINT BETWEEN g.first_missing AND g.last_missing
        WHERE e.stream_name = 'srv.Shop DB.It''s "Odd"';
    END IF;
    -- The merge log: one row per partition.
    INSERT INTO "cdc"."merge_log" (merged_at, table_name, kafka_partition, first_offset, last_offset, landed, reads, creates, updates, deletes, tombstones, stale, quarantined, nulled_values, truncated_values, newest_source_ts)
    SELECT SYSDATE, 'shop db.it''s "odd"', r.kafka_partition, r.first_offset, r.last_offset, l.landed,
           COALESCE(t.reads, 0), COALESCE(t.creates, 0), COALESCE(t.updates, 0), COALESCE(t.deletes, 0), l.tombstones,
           COALESCE(s.stale, 0), l.unreadable + COALESCE(t.faults, 0) + COALESCE(v.lost, 0),
           COALESCE(v.nulled, 0), COALESCE(v.truncated, 0), DATEADD(millisecond, MOD(t.newest_ms, 86400000)::INTEGER, DATEADD(day, (t.newest_ms / 86400000)::INTEGER, CAST('1970-01-01' AS TIMESTAMP)))
    FROM "cdc_range_shop_db_it_s__odd__1a2b3c4d" AS r
    JOIN (SELECT a.kafka_partition, COUNT(*) AS landed, SUM(CASE WHEN a.shape = 'tombstone' THEN 1 ELSE 0 END) AS tombstones,
                 SUM(CASE WHEN a.shape IN ('malformed', 'unmergeable') THEN 1 ELSE 0 END) AS unreadable
          FROM "cdc_landed_shop_db_it_s__odd__1a2b3c4d" AS a GROUP BY a.kafka_partition) AS l ON l.kafka_partition = r.kafka_partition
    LEFT JOIN (SELECT b._cdc_kafka_partition, MAX(b._cdc_source_ms) AS newest_ms,
                      SUM(CASE WHEN b._cdc_op = 'r' THEN 1 ELSE 0 END) AS reads, SUM(CASE WHEN b._cdc_op = 'c' THEN 1 ELSE 0 END) AS creates,
                      SUM(CASE WHEN b._cdc_op = 'u' THEN 1 ELSE 0 END) AS updates, SUM(CASE WHEN b._cdc_op = 'd' THEN 1 ELSE 0 END) AS deletes,
                      SUM(CASE WHEN b._cdc_fault IS NOT NULL THEN 1 ELSE 0 END) AS faults
               FROM "cdc_typed_shop_db_it_s__odd__1a2b3c4d" AS b GROUP BY b._cdc_kafka_partition) AS t ON t._cdc_kafka_partition = r.kafka_partition
    LEFT JOIN (SELECT c._cdc_kafka_partition, COUNT(*) AS stale FROM "cdc_stale_shop_db_it_s__odd__1a2b3c4d" AS c WHERE c._cdc_stale = 1 AND c._cdc_incoming = 1
               GROUP BY c._cdc_kafka_partition) AS s ON s._cdc_kafka_partition = r.kafka_partition
    LEFT JOIN (SELECT d._cdc_kafka_partition, SUM(CASE WHEN d._cdc_lost <> '' THEN 1 ELSE 0 END) AS lost,
                      SUM(d._cdc_nulled) AS nulled, SUM(d._cdc_truncated) AS truncated FROM "cdc_staging_shop_db_it_s__odd__1a2b3c4d" AS d
               GROUP BY d._cdc_kafka_partition) AS v ON v._cdc_kafka_partition = r.kafka_partition;
    -- Advance the watermark by compare-and-set.
    DROP TABLE IF EXISTS "cdc_mark_shop_db_it_s__odd__1a2b3c4d";
    CREATE TEMP TABLE "cdc_mark_shop_db_it_s__odd__1a2b3c4d" AS
    SELECT r.kafka_partition, r.old_offset, l.last_offset, l.newest, l.refresh_time, COALESCE(g.missing, 0) AS missing
    FROM "cdc_range_shop_db_it_s__odd__1a2b3c4d" AS r
    JOIN (SELECT a.kafka_partition, MAX(a.kafka_offset) AS last_offset, MAX(a.kafka_timestamp) AS newest, MAX(a.refresh_time) AS refresh_time
          FROM "cdc_landed_shop_db_it_s__odd__1a2b3c4d" AS a GROUP BY a.kafka_partition) AS l ON l.kafka_partition = r.kafka_partition
    LEFT JOIN (SELECT b.kafka_partition, SUM(b.last_missing - b.first_missing + 1) AS missing
               FROM "cdc_gap_shop_db_it_s__odd__1a2b3c4d" AS b GROUP BY b.kafka_partition) AS g ON g.kafka_partition = r.kafka_partition;
    SELECT COUNT(*) INTO cdc_expected FROM "cdc_mark_shop_db_it_s__odd__1a2b3c4d" AS m WHERE m.old_offset IS NOT NULL;
    UPDATE "cdc"."watermark_shop_db_it_s__odd__1a2b3c4d" SET kafka_offset = m.last_offset,
           kafka_timestamp = CASE WHEN "cdc"."watermark_shop_db_it_s__odd__1a2b3c4d".kafka_timestamp > m.newest THEN "cdc"."watermark_shop_db_it_s__odd__1a2b3c4d".kafka_timestamp ELSE m.newest END,
           refresh_time = m.refresh_time, gaps = "cdc"."watermark_shop_db_it_s__odd__1a2b3c4d".gaps + m.missing, merged_at = SYSDATE
    FROM "cdc_mark_shop_db_it_s__odd__1a2b3c4d" AS m WHERE "cdc"."watermark_shop_db_it_s__odd__1a2b3c4d".kafka_partition = m.kafka_partition AND "cdc"."watermark_shop_db_it_s__odd__1a2b3c4d".kafka_offset = m.old_offset;
    GET DIAGNOSTICS cdc_advanced := ROW_COUNT;
    IF cdc_advanced <> cdc_expected THEN
        RAISE EXCEPTION 'the watermark moved while merging; nothing was merged, call again';
    END IF;
    INSERT INTO "cdc"."watermark_shop_db_it_s__odd__1a2b3c4d" (kafka_partition, kafka_offset, kafka_timestamp, refresh_time, gaps, merged_at)
    SELECT m.kafka_partition, m.last_offset, m.newest, m.refresh_time, m.missing, SYSDATE FROM "cdc_mark_shop_db_it_s__odd__1a2b3c4d" AS m WHERE m.old_offset IS NULL;
END;
$procedure$ LANGUAGE plpgsql SECURITY DEFINER
