CREATE OR REPLACE FUNCTION "cdc"."f_base64_group"(VARCHAR(4))
RETURNS VARCHAR(6)
IMMUTABLE
AS $function$
SELECT CASE WHEN LEN($1) < 4 THEN ''
            ELSE LPAD(TO_HEX((STRPOS('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', SUBSTRING($1, 1, 1)) - 1) * 262144
                           + (STRPOS('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', SUBSTRING($1, 2, 1)) - 1) * 4096
                           + (STRPOS('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', SUBSTRING($1, 3, 1)) - 1) * 64
                           + (STRPOS('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', SUBSTRING($1, 4, 1)) - 1)), 6, '0') END
$function$ LANGUAGE sql;

CREATE OR REPLACE FUNCTION "cdc"."f_base64_hex"(VARCHAR(65535), VARCHAR(16))
RETURNS VARCHAR(65535)
IMMUTABLE
AS $function$
SELECT CASE WHEN $2 = 'number' THEN '#' || $1
            WHEN $2 = 'string' AND LEN($1) BETWEEN 4 AND 24 AND MOD(LEN($1), 4) = 0
             AND $1 ~ '^[A-Za-z0-9+/]+={0,2}$'
            THEN LEFT("cdc"."f_base64_group"(SUBSTRING(TRANSLATE($1, '=', 'A'), 1, 4))
                  || "cdc"."f_base64_group"(SUBSTRING(TRANSLATE($1, '=', 'A'), 5, 4))
                  || "cdc"."f_base64_group"(SUBSTRING(TRANSLATE($1, '=', 'A'), 9, 4))
                  || "cdc"."f_base64_group"(SUBSTRING(TRANSLATE($1, '=', 'A'), 13, 4))
                  || "cdc"."f_base64_group"(SUBSTRING(TRANSLATE($1, '=', 'A'), 17, 4))
                  || "cdc"."f_base64_group"(SUBSTRING(TRANSLATE($1, '=', 'A'), 21, 4)), LEN($1) / 4 * 6 - 2 * (LEN($1) - LEN(REPLACE($1, '=', ''))))
       END
$function$ LANGUAGE sql;

CREATE OR REPLACE FUNCTION "cdc"."f_hex_magnitude"(VARCHAR(65535))
RETURNS VARCHAR(64)
IMMUTABLE
AS $function$
SELECT LPAD(CASE WHEN SUBSTRING($1, 1, 1) >= '8' THEN TRANSLATE($1, '0123456789abcdef', 'fedcba9876543210') ELSE $1 END, 32, '0')
$function$ LANGUAGE sql;

CREATE OR REPLACE FUNCTION "cdc"."f_hex_half"(VARCHAR(16))
RETURNS DECIMAL(20,0)
IMMUTABLE
AS $function$
SELECT (STRTOL(SUBSTRING($1, 1, 8), 16)::DECIMAL(20,0) * 4294967296 + STRTOL(SUBSTRING($1, 9, 8), 16))::DECIMAL(20,0)
$function$ LANGUAGE sql;

CREATE OR REPLACE FUNCTION "cdc"."f_hex_integer"(VARCHAR(65535))
RETURNS DECIMAL(38,0)
IMMUTABLE
AS $function$
SELECT CASE WHEN LEN($1) BETWEEN 2 AND 32 AND LEFT($1, 1) <> '#'
             AND ("cdc"."f_hex_half"(SUBSTRING("cdc"."f_hex_magnitude"($1), 1, 16)) < 5421010862427522170
                  OR ("cdc"."f_hex_half"(SUBSTRING("cdc"."f_hex_magnitude"($1), 1, 16)) = 5421010862427522170
                      AND "cdc"."f_hex_half"(SUBSTRING("cdc"."f_hex_magnitude"($1), 17, 16)) <= 687399551400673279 - CASE WHEN SUBSTRING($1, 1, 1) >= '8' THEN 1 ELSE 0 END))
            THEN CASE WHEN SUBSTRING($1, 1, 1) >= '8'
                      THEN -("cdc"."f_hex_half"(SUBSTRING("cdc"."f_hex_magnitude"($1), 1, 16))::DECIMAL(38,0) * 18446744073709551616 + "cdc"."f_hex_half"(SUBSTRING("cdc"."f_hex_magnitude"($1), 17, 16))) - 1
                      ELSE "cdc"."f_hex_half"(SUBSTRING("cdc"."f_hex_magnitude"($1), 1, 16))::DECIMAL(38,0) * 18446744073709551616 + "cdc"."f_hex_half"(SUBSTRING("cdc"."f_hex_magnitude"($1), 17, 16)) END
       END::DECIMAL(38,0)
$function$ LANGUAGE sql;

CREATE OR REPLACE FUNCTION "cdc"."f_decimal_text"(DECIMAL(38,0), INTEGER, INTEGER)
RETURNS VARCHAR(16500)
IMMUTABLE
AS $function$
SELECT CASE WHEN (LEN(ABS($1)::VARCHAR(40)) > GREATEST($3, 1) AND $1 <> 0) OR $2 NOT BETWEEN -1000 AND 16383 THEN NULL
            ELSE CASE WHEN $1 < 0 THEN '-' ELSE '' END
              || CASE WHEN $1 = 0 AND $2 <= 0 THEN '0'
                      WHEN $2 <= 0 THEN ABS($1)::VARCHAR(40) || REPEAT('0', -$2)
                      ELSE LEFT(LPAD(ABS($1)::VARCHAR(40), GREATEST(LEN(ABS($1)::VARCHAR(40)), $2 + 1), '0'), LEN(LPAD(ABS($1)::VARCHAR(40), GREATEST(LEN(ABS($1)::VARCHAR(40)), $2 + 1), '0')) - $2)
                           || '.' || RIGHT(LPAD(ABS($1)::VARCHAR(40), GREATEST(LEN(ABS($1)::VARCHAR(40)), $2 + 1), '0'), $2) END END
$function$ LANGUAGE sql;

CREATE OR REPLACE FUNCTION "cdc"."f_decimal_fit"(VARCHAR(65535), INTEGER, INTEGER)
RETURNS VARCHAR(128)
IMMUTABLE
AS $function$
SELECT CASE WHEN $1 ~ '^[+-]?[0-9]+([.][0-9]+)?$' AND LEN(LTRIM(SPLIT_PART($1, '.', 1), '+-0')) <= $2 AND LEN(RTRIM(SPLIT_PART($1, '.', 2), '0')) <= $3
            THEN CASE WHEN LEFT($1, 1) = '-' THEN '-' ELSE '' END
              || CASE WHEN LTRIM(SPLIT_PART($1, '.', 1), '+-0') = '' THEN '0' ELSE LTRIM(SPLIT_PART($1, '.', 1), '+-0') END
              || CASE WHEN RTRIM(SPLIT_PART($1, '.', 2), '0') = '' THEN '' ELSE '.' || RTRIM(SPLIT_PART($1, '.', 2), '0') END END
$function$ LANGUAGE sql;

CREATE OR REPLACE FUNCTION "cdc"."f_decimal_any"(VARCHAR(65535), VARCHAR(16), INTEGER, INTEGER)
RETURNS VARCHAR(65535)
IMMUTABLE
AS $function$
SELECT CASE WHEN $2 = 'number' AND $4 > 15 AND LEN(BTRIM(TRANSLATE($1, '-.', ''), '0')) < 18 THEN NULL
            WHEN $2 = 'string' AND ($1 ~ '[.]|^-' OR ($3 = 0 AND $1 ~ '^[0-9]+$' AND MOD(LEN($1), 4) <> 0)) THEN '#' || $1
            WHEN $2 = 'string' AND $3 = 0 AND $1 ~ '^[0-9]+$' THEN NULL
            ELSE "cdc"."f_base64_hex"($1, $2) END
$function$ LANGUAGE sql;

CREATE OR REPLACE FUNCTION "cdc"."f_decimal"(DECIMAL(38,0), VARCHAR(65535), INTEGER, INTEGER)
RETURNS VARCHAR(16500)
IMMUTABLE
AS $function$
SELECT CASE WHEN LEFT($2, 1) = '#' THEN "cdc"."f_decimal_fit"(SUBSTRING($2, 2), $4 - $3, $3)
            ELSE "cdc"."f_decimal_text"($1, $3, $4) END
$function$ LANGUAGE sql;

CREATE OR REPLACE FUNCTION "cdc"."f_base64_bits"(VARCHAR(65535), INTEGER)
RETURNS VARCHAR(4096)
IMMUTABLE
AS $function$
SELECT CASE WHEN MOD(LEN($1), 4) = 0 AND $1 ~ '^[A-Za-z0-9+/]*={0,2}$'
             AND LEN($1) / 4 * 3 - (LEN($1) - LEN(REPLACE($1, '=', ''))) <= $2
            THEN FROM_VARBYTE(TO_VARBYTE($1, 'base64'), 'binary') END
$function$ LANGUAGE sql;

CREATE OR REPLACE FUNCTION "cdc"."f_geometry"(VARCHAR(65535), INTEGER)
RETURNS VARCHAR(65535)
IMMUTABLE
AS $function$
SELECT CASE WHEN LEN($1) BETWEEN 4 AND 43600 AND MOD(LEN($1), 4) = 0 AND $1 ~ '^[A-Za-z0-9+/]*={0,2}$'
            THEN COALESCE('SRID=' || $2::VARCHAR(12) || ';', '') || LOWER(TO_HEX(TO_VARBYTE($1, 'base64'))) END
$function$ LANGUAGE sql;

CREATE OR REPLACE FUNCTION "cdc"."f_date_days"(BIGINT)
RETURNS DATE
IMMUTABLE
AS $function$
SELECT CASE WHEN $1 BETWEEN -2440550 AND 106762939
            THEN DATEADD(day, $1::INTEGER, '1970-01-01'::DATE)::DATE END
$function$ LANGUAGE sql;

CREATE OR REPLACE FUNCTION "cdc"."f_time_micros"(BIGINT)
RETURNS TIME
IMMUTABLE
AS $function$
SELECT CASE WHEN $1 BETWEEN 0 AND 86399999999
            THEN DATEADD(microsecond, MOD($1, 1000000)::INTEGER,
                 DATEADD(second, ($1 / 1000000)::INTEGER, '1970-01-01'::TIMESTAMP))::TIME
            WHEN $1 = 86400000000 THEN '24:00:00'::TIME END
$function$ LANGUAGE sql;

CREATE OR REPLACE FUNCTION "cdc"."f_timestamp_micros"(BIGINT)
RETURNS TIMESTAMP
IMMUTABLE
AS $function$
SELECT CASE WHEN $1 BETWEEN -210863520000000000 AND 9223371244799999999
            THEN DATEADD(microsecond, MOD(MOD(MOD($1, 86400000000) + 86400000000, 86400000000), 1000000)::INTEGER,
                 DATEADD(second, (MOD(MOD($1, 86400000000) + 86400000000, 86400000000) / 1000000)::INTEGER,
                 DATEADD(day, (($1 - MOD(MOD($1, 86400000000) + 86400000000, 86400000000)) / 86400000000)::INTEGER, '1970-01-01'::TIMESTAMP))) END
$function$ LANGUAGE sql;

CREATE OR REPLACE FUNCTION "cdc"."f_iso_year"(VARCHAR(65535))
RETURNS INTEGER
IMMUTABLE
AS $function$
SELECT CASE WHEN LEFT($1, 1) = '-' THEN -(SPLIT_PART(SUBSTRING($1, 2, 12), '-', 1)::INTEGER)
            WHEN LEFT($1, 1) = '+' THEN SPLIT_PART(SUBSTRING($1, 2, 12), '-', 1)::INTEGER
            ELSE LEFT($1, 4)::INTEGER END
$function$ LANGUAGE sql;

CREATE OR REPLACE FUNCTION "cdc"."f_iso_near"(VARCHAR(65535))
RETURNS VARCHAR(48)
IMMUTABLE
AS $function$
SELECT (2000 + MOD(MOD("cdc"."f_iso_year"($1), 400) + 400, 400))::VARCHAR(4)
       || SUBSTRING($1, CASE WHEN LEFT($1, 1) IN ('+', '-') THEN STRPOS(SUBSTRING($1, 2, 12), '-') + 1 ELSE 5 END, 40)
$function$ LANGUAGE sql;

CREATE OR REPLACE FUNCTION "cdc"."f_iso_days"(VARCHAR(65535))
RETURNS INTEGER
IMMUTABLE
AS $function$
SELECT ("cdc"."f_iso_year"($1) - (2000 + MOD(MOD("cdc"."f_iso_year"($1), 400) + 400, 400))) / 400 * 146097
$function$ LANGUAGE sql;

CREATE OR REPLACE FUNCTION "cdc"."f_zoned_timestamp"(VARCHAR(65535))
RETURNS TIMESTAMPTZ
IMMUTABLE
AS $function$
SELECT CASE WHEN $1 ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})$'
             AND LEFT($1, 4) <> '0000'
            THEN REPLACE(REPLACE($1, 'T', ' '), 'Z', '+00')::TIMESTAMPTZ
            WHEN $1 ~ '^([+-][0-9]{4,6}|0000)-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?Z$'
            THEN (CASE WHEN "cdc"."f_iso_year"($1) BETWEEN -4712 AND 294276
                      THEN DATEADD(day, "cdc"."f_iso_days"($1), REPLACE(REPLACE("cdc"."f_iso_near"($1), 'T', ' '), 'Z', '')::TIMESTAMP)::TIMESTAMP END) AT TIME ZONE 'UTC' END
$function$ LANGUAGE sql;

CREATE OR REPLACE FUNCTION "cdc"."f_date_iso"(VARCHAR(65535))
RETURNS DATE
IMMUTABLE
AS $function$
SELECT CASE WHEN $1 ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}(Z|[+]00:00)?$' AND LEFT($1, 4) <> '0000'
            THEN LEFT($1, 10)::DATE
            WHEN $1 ~ '^([+-][0-9]{4,6}|0000)-[0-9]{2}-[0-9]{2}(Z|[+]00:00)?$'
            THEN CASE WHEN "cdc"."f_iso_year"($1) BETWEEN -4712 AND 294276
                      THEN DATEADD(day, "cdc"."f_iso_days"($1), LEFT("cdc"."f_iso_near"($1), 10)::DATE)::DATE END END
$function$ LANGUAGE sql;

CREATE OR REPLACE FUNCTION "cdc"."f_time_iso"(VARCHAR(65535))
RETURNS TIME
IMMUTABLE
AS $function$
SELECT CASE WHEN $1 ~ '^[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6}0*)?)?(Z|[+]00:00)?$'
            THEN LEFT(REPLACE(REPLACE($1, 'Z', ''), '+00:00', ''), 15)::TIME END
$function$ LANGUAGE sql;

CREATE OR REPLACE FUNCTION "cdc"."f_timestamp_iso"(VARCHAR(65535))
RETURNS TIMESTAMP
IMMUTABLE
AS $function$
SELECT CASE WHEN $1 ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6}0*)?)?(Z|[+]00:00)?$' AND LEFT($1, 4) <> '0000'
            THEN LEFT(REPLACE(REPLACE(REPLACE($1, 'T', ' '), 'Z', ''), '+00:00', ''), 26)::TIMESTAMP
            WHEN $1 ~ '^([+-][0-9]{4,6}|0000)-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6}0*)?)?(Z|[+]00:00)?$'
            THEN CASE WHEN "cdc"."f_iso_year"($1) BETWEEN -4712 AND 294246
                      THEN DATEADD(day, "cdc"."f_iso_days"($1), LEFT(REPLACE(REPLACE(REPLACE("cdc"."f_iso_near"($1), 'T', ' '), 'Z', ''), '+00:00', ''), 26)::TIMESTAMP)::TIMESTAMP END END
$function$ LANGUAGE sql;

CREATE OR REPLACE FUNCTION "cdc"."f_position_domain"(VARCHAR(64), VARCHAR(256), BIGINT, VARCHAR(512), BIGINT)
RETURNS VARCHAR(128)
IMMUTABLE
AS $function$
SELECT CASE WHEN COALESCE($1, 'false') <> 'false' THEN NULL
            WHEN $5 IS NOT NULL THEN 'lsn'
            WHEN STRPOS($2, ':') > 0 THEN LEFT('gtid:' || LEFT($2, LEN($2) - STRPOS(REVERSE($2), ':')), 128)
            WHEN STRPOS($2, '-') > 0 THEN 'gtid:' || SPLIT_PART($2, '-', 1)
            WHEN $4 IS NOT NULL AND $3 IS NOT NULL THEN 'binlog:' || $3::VARCHAR(20) END
$function$ LANGUAGE sql;

CREATE OR REPLACE FUNCTION "cdc"."f_position"(VARCHAR(64), VARCHAR(256), VARCHAR(512), BIGINT, BIGINT, BIGINT)
RETURNS VARCHAR(80)
IMMUTABLE
AS $function$
SELECT CASE WHEN COALESCE($1, 'false') <> 'false' THEN NULL
            WHEN $6 IS NOT NULL THEN LPAD($6::VARCHAR(20), 20, '0')
            WHEN STRPOS($2, ':') > 0 THEN LPAD(REVERSE(SPLIT_PART(REVERSE($2), ':', 1)), 20, '0')
            WHEN STRPOS($2, '-') > 0 THEN LPAD(SPLIT_PART($2, '-', 3), 20, '0')
            WHEN $3 IS NOT NULL THEN LPAD(REVERSE(SPLIT_PART(REVERSE($3), '.', 1)), 12, '0')
                 || ':' || LPAD($4::VARCHAR(20), 20, '0') || ':' || LPAD($5::VARCHAR(20), 10, '0') END
$function$ LANGUAGE sql;

CREATE OR REPLACE FUNCTION "cdc"."f_lost"(BOOLEAN, VARCHAR(16), VARCHAR(127))
RETURNS VARCHAR(128)
IMMUTABLE
AS $function$
SELECT CASE WHEN $1 AND COALESCE($2, 'absent') <> 'null' THEN $3 || ',' ELSE '' END
$function$ LANGUAGE sql;

CREATE OR REPLACE FUNCTION "cdc"."f_passed"(VARCHAR(80), BIGINT, BIGINT, BIGINT, BIGINT, VARCHAR(80), BIGINT, BIGINT, BIGINT, BIGINT)
RETURNS BIGINT
IMMUTABLE
AS $function$
SELECT CASE WHEN $1 IS NOT NULL AND ($2 = $7 OR $2 = 0 OR ($7 = 0 AND $2 > 0)) THEN CASE WHEN $1 >= $6 THEN 1001 ELSE 0 END
            WHEN $3 < $8 - 1 THEN 0
            WHEN COALESCE($4 BETWEEN 1 AND $9 - MOD($9, 1000) - 1 OR ($2 = -1 AND $1 < $6 AND COALESCE($4 <= $9, true)), false) THEN CASE WHEN $3 <= $8 + 1 THEN 0 ELSE 1000 END
            WHEN $3 <= $8 + 1 AND $5 < $10 THEN 0
            WHEN $3 <= $8 + 1 AND NOT COALESCE(($2 = -1 AND $1 >= $6) OR $5 > $10, false) THEN 1000
            ELSE 1001 END::BIGINT
$function$ LANGUAGE sql;

CREATE OR REPLACE FUNCTION "cdc"."f_text"(VARCHAR(65535), VARCHAR(16), INTEGER)
RETURNS VARCHAR(65535)
IMMUTABLE
AS $function$
SELECT CASE WHEN $2 = 'string' AND STRPOS($1, '__cdc_nul__!') = 0 AND OCTET_LENGTH($1) <= $3 THEN $1 END
$function$ LANGUAGE sql;

CREATE OR REPLACE FUNCTION "cdc"."f_label"(VARCHAR(65535))
RETURNS VARCHAR(65535)
IMMUTABLE
AS $function$
SELECT CASE WHEN STRPOS($1, '\\') = 0 THEN $1
            ELSE REPLACE(REPLACE(REPLACE($1, '\\\\', '__cdc_backslash__'), '\\,', ','), '__cdc_backslash__', '\\') END
$function$ LANGUAGE sql;

CREATE OR REPLACE FUNCTION "cdc"."f_hash"(VARCHAR(65535), VARCHAR(64))
RETURNS VARCHAR(64)
IMMUTABLE
AS $function$
SELECT CASE WHEN $1 IS NOT NULL THEN SHA2($2 || ':' || SHA2($1, 256), 256) END
$function$ LANGUAGE sql;

CREATE OR REPLACE FUNCTION "cdc"."f_keep_last"(VARCHAR(65535), INTEGER)
RETURNS VARCHAR(300)
IMMUTABLE
AS $function$
SELECT CASE WHEN LEN($1) > $2 THEN '****' || RIGHT($1, $2) WHEN $1 IS NOT NULL THEN '****' END
$function$ LANGUAGE sql
