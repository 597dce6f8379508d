-- Functions of the Redshift stand-in for PostgreSQL 15 or newer. Idempotent; everything is in the schema rs.
-- Comments name the Redshift page whose rule a function carries.
CREATE SCHEMA IF NOT EXISTS rs;
GRANT USAGE ON SCHEMA rs TO PUBLIC;

-- Session ------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION rs.current_user_name() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT COALESCE(NULLIF(current_setting('rs.user', true), ''), current_user::text) $$;
CREATE OR REPLACE FUNCTION rs.session_user_name() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT COALESCE(NULLIF(current_setting('rs.session_user', true), ''), NULLIF(current_setting('rs.user', true), ''), session_user::text) $$;
CREATE OR REPLACE FUNCTION rs.current_user_id() RETURNS integer LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT COALESCE((SELECT usesysid::bigint::integer FROM pg_catalog.pg_user WHERE usename = rs.current_user_name()), 100) $$;

-- "SET", "SET_CONFIG", "CURRENT_SETTING": session context variables. Without the sign before it, an empty value would be none.
CREATE OR REPLACE FUNCTION rs.set_context(name text, value text, is_local boolean) RETURNS text LANGUAGE plpgsql VOLATILE AS
$$ BEGIN
  PERFORM set_config('rs_context.' || name, COALESCE('=' || value, ''), is_local);
  PERFORM set_config('rs.contexts', concat_ws(' ', current_setting('rs.contexts', true), name), is_local);
  RETURN value;
END $$;
CREATE OR REPLACE FUNCTION rs.context_variable(name text, must boolean) RETURNS text LANGUAGE plpgsql STABLE AS
$$ DECLARE v text := current_setting('rs_context.' || name, true);
BEGIN
  IF v LIKE '=%' THEN RETURN substr(v, 2); END IF;
  IF must THEN RAISE EXCEPTION 'unrecognized configuration parameter "%"', name USING ERRCODE = '42704'; END IF;
  RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION rs.forget_context() RETURNS void LANGUAGE sql VOLATILE AS
$$ SELECT set_config('rs_context.' || name, '', false) FROM string_to_table(current_setting('rs.contexts', true), ' ') AS t(name) WHERE name <> '' $$;

-- Queries ------------------------------------------------------------------------------------------------------------

-- SELECT DISTINCT … ORDER BY of what is not selected: one value for each row, or none that the guide defines.
CREATE OR REPLACE FUNCTION rs.sole_value(v anyelement, n bigint) RETURNS anyelement LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
$$ BEGIN
  IF n > 1 THEN
    RAISE EXCEPTION 'SELECT DISTINCT makes one row of several values of an ORDER BY expression: which of them counts is not documented'
      USING ERRCODE = '0A000', HINT = 'select the expression, too, or use GROUP BY with MIN or MAX';
  END IF;
  RETURN v;
END $$;

-- Strings and bytes --------------------------------------------------------------------------------------------------

-- Text to an integer: Redshift's own error.
CREATE OR REPLACE FUNCTION rs.digits(t text) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ DECLARE p integer;
BEGIN
  RETURN t::bigint;
EXCEPTION WHEN invalid_text_representation THEN
  p := length(substring(t FROM '^\s*[-+]?[0-9]*'));
  RAISE EXCEPTION 'Invalid digit, Value ''%'', Pos %, Type: Integer', substr(t, p + 1, 1), p USING ERRCODE = '22018';
END $$;
-- "SUBSTRING function": a start before 1 counts towards the length, as in PostgreSQL; a negative length gives an empty string.
CREATE OR REPLACE FUNCTION rs.substring(t text, start integer) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT substr(t, start) $$;
CREATE OR REPLACE FUNCTION rs.substring(t text, start integer, size integer) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$ BEGIN RETURN substr(t, start, greatest(size, 0)); END $$;
CREATE OR REPLACE FUNCTION rs.substring_bytes(b bytea, start integer) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT substr(b, start) $$;
CREATE OR REPLACE FUNCTION rs.substring_bytes(b bytea, start integer, size integer) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$ BEGIN RETURN substr(b, start, greatest(size, 0)); END $$;
-- "LEFT and RIGHT functions": the count is positive; PostgreSQL's negative counts do not exist.
CREATE OR REPLACE FUNCTION rs.left_chars(t text, n integer) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$ BEGIN RETURN left(t, greatest(n, 0)); END $$;
CREATE OR REPLACE FUNCTION rs.right_chars(t text, n integer) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$ BEGIN RETURN right(t, greatest(n, 0)); END $$;
-- "QUOTE_IDENT function": quotes only where needed; "QUOTE_LITERAL function": backslashes are doubled.
CREATE OR REPLACE FUNCTION rs.quote_ident(t text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT pg_catalog.quote_ident(t) $$;
CREATE OR REPLACE FUNCTION rs.quote_literal(t text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT '''' || replace(replace(t, '\', '\\'), '''', '''''') || '''' $$;
-- "STRTOL function": base 2 to 36, the 64-bit signed range.
CREATE OR REPLACE FUNCTION rs.strtol_any(t text, base integer) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ DECLARE
  s text := lower(btrim(t));
  negative boolean := false;
  n numeric := 0;
  d integer;
BEGIN
  IF base < 2 OR base > 36 THEN RAISE EXCEPTION 'The base % of STRTOL is not between 2 and 36', base USING ERRCODE = '22023'; END IF;
  IF left(s, 1) IN ('+', '-') THEN negative := left(s, 1) = '-'; s := substr(s, 2); END IF;
  IF base = 16 AND left(s, 2) = '0x' THEN s := substr(s, 3); END IF;
  IF s = '' THEN RAISE EXCEPTION 'The input of STRTOL is not a number' USING ERRCODE = '22018'; END IF;
  FOR i IN 1 .. length(s) LOOP
    d := strpos('0123456789abcdefghijklmnopqrstuvwxyz', substr(s, i, 1)) - 1;
    IF d < 0 OR d >= base THEN RAISE EXCEPTION 'The input of STRTOL is not a valid base % number', base USING ERRCODE = '22018'; END IF;
    n := n * base + d;
  END LOOP;
  IF negative THEN n := -n; END IF;
  IF n NOT BETWEEN -9223372036854775808 AND 9223372036854775807 THEN
    RAISE EXCEPTION 'The input of STRTOL is out of range for type bigint' USING ERRCODE = '22003';
  END IF;
  RETURN n;
END $$;
-- The common case, short hexadecimal, goes first: merge procedures call this for every decimal.
CREATE OR REPLACE FUNCTION rs.strtol(t text, base integer) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  IF base = 16 AND length(t) BETWEEN 1 AND 15 AND translate(t, '0123456789abcdefABCDEF', '') = '' THEN
    RETURN ('x' || lpad(t, 16, '0'))::bit(64)::bigint;
  END IF;
  RETURN rs.strtol_any(t, base);
END $$;
CREATE OR REPLACE FUNCTION rs.from_hex(t text) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  RETURN decode(t, 'hex');
EXCEPTION WHEN data_exception THEN RAISE EXCEPTION 'The input of FROM_HEX is not hexadecimal' USING ERRCODE = '22023';
END $$;
-- "TO_VARBYTE function", "FROM_VARBYTE function": hex, binary, utf8 (utf-8, utf_8), base64.
CREATE OR REPLACE FUNCTION rs.to_varbyte(t text, format text) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  CASE lower(format)
    WHEN 'hex' THEN RETURN rs.from_hex(t);
    WHEN 'utf8', 'utf-8', 'utf_8' THEN RETURN convert_to(t, 'UTF8');
    WHEN 'base64' THEN
      IF t !~ '^[A-Za-z0-9+/]*={0,2}$' OR length(t) % 4 <> 0 THEN RAISE EXCEPTION 'The input of TO_VARBYTE is not base64' USING ERRCODE = '22023'; END IF;
      RETURN decode(t, 'base64');
    WHEN 'binary' THEN
      IF t !~ '^([01]{8})*$' THEN RAISE EXCEPTION 'The input of TO_VARBYTE is not binary' USING ERRCODE = '22023'; END IF;
      RETURN COALESCE((SELECT string_agg(set_byte('\x00'::bytea, 0, substr(t, i, 8)::bit(8)::integer), ''::bytea ORDER BY i) FROM generate_series(1, length(t), 8) AS i), ''::bytea);
    ELSE RAISE EXCEPTION 'The format "%" is not one of hex, binary, utf8, base64', format USING ERRCODE = '22023';
  END CASE;
END $$;
CREATE OR REPLACE FUNCTION rs.from_varbyte(b bytea, format text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  CASE lower(format)
    WHEN 'hex' THEN RETURN encode(b, 'hex');
    WHEN 'utf8', 'utf-8', 'utf_8' THEN RETURN convert_from(b, 'UTF8');
    WHEN 'base64' THEN RETURN translate(encode(b, 'base64'), E'\n', '');
    WHEN 'binary' THEN RETURN COALESCE((SELECT string_agg(get_byte(b, i)::bit(8)::text, '' ORDER BY i) FROM generate_series(0, octet_length(b) - 1) AS i), '');
    ELSE RAISE EXCEPTION 'The format "%" is not one of hex, binary, utf8, base64', format USING ERRCODE = '22023';
  END CASE;
END $$;
CREATE OR REPLACE FUNCTION rs.varbyte_integer(b bytea) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  IF octet_length(b) NOT IN (2, 4, 8) THEN RAISE EXCEPTION 'a VARBYTE of % bytes cannot be cast to an integer', octet_length(b) USING ERRCODE = '22023'; END IF;
  RETURN CASE octet_length(b)
    WHEN 2 THEN ('x' || encode(b, 'hex'))::bit(16)::integer - CASE WHEN get_bit(b, 7) = 1 THEN 65536 ELSE 0 END
    WHEN 4 THEN ('x' || encode(b, 'hex'))::bit(32)::integer
    ELSE ('x' || encode(b, 'hex'))::bit(64)::bigint END;
END $$;
-- "IS_UTF8 function".
CREATE OR REPLACE FUNCTION rs.is_utf8(b bytea) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  PERFORM convert_from(b, 'UTF8');
  RETURN true;
EXCEPTION WHEN data_exception THEN RETURN false;
END $$;
-- "SHA2 function": 0 and 256 are SHA-256.
CREATE OR REPLACE FUNCTION rs.sha2(b bytea, bits integer) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  RETURN CASE bits
    WHEN 0 THEN encode(sha256(b), 'hex') WHEN 256 THEN encode(sha256(b), 'hex') WHEN 224 THEN encode(sha224(b), 'hex')
    WHEN 384 THEN encode(sha384(b), 'hex') WHEN 512 THEN encode(sha512(b), 'hex') ELSE '' END;
END $$;
-- "LISTAGG function".
CREATE OR REPLACE FUNCTION rs.listagg_check(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  IF octet_length(t) > 65535 THEN RAISE EXCEPTION 'Result size exceeds LISTAGG limit' USING ERRCODE = '22001'; END IF;
  RETURN t;
END $$;

-- "REGEXP_…": c is case-sensitive, i insensitive, e a part of the match; p asks for PCRE, of which PostgreSQL's patterns have
-- the common constructs (look-ahead and look-behind, back references, lazy quantifiers) and refuse the others.
CREATE OR REPLACE FUNCTION rs.regexp_flags(f text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  IF f ~ '[^ceip]' THEN RAISE EXCEPTION 'invalid regular expression parameters "%": use c, e, i and p', f USING ERRCODE = '22023'; END IF;
  RETURN CASE WHEN f LIKE '%i%' THEN 'i' ELSE 'c' END;
END $$;
CREATE OR REPLACE FUNCTION rs.regexp_count(t text, p text, start integer, f text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT pg_catalog.regexp_count(t, p, start, rs.regexp_flags(f)) $$;
CREATE OR REPLACE FUNCTION rs.regexp_instr(t text, p text, start integer, nth integer, opt integer, f text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT pg_catalog.regexp_instr(t, p, start, nth, opt, rs.regexp_flags(f), CASE WHEN f LIKE '%e%' THEN 1 ELSE 0 END) $$;
-- An empty string if nothing matches.
CREATE OR REPLACE FUNCTION rs.regexp_substr(t text, p text, start integer, nth integer, f text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT COALESCE(pg_catalog.regexp_substr(t, p, start, nth, rs.regexp_flags(f), CASE WHEN f LIKE '%e%' THEN 1 ELSE 0 END), '') $$;
CREATE OR REPLACE FUNCTION rs.regexp_replace(t text, p text, r text, start integer, f text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT pg_catalog.regexp_replace(t, p, pg_catalog.regexp_replace(r, '\$([0-9])', '\\\1', 'g'), start, 0, rs.regexp_flags(f)) $$;

-- "TRY_CAST function".
CREATE OR REPLACE FUNCTION rs.try_cast(t text, type_of anyelement, type_name text) RETURNS anyelement LANGUAGE plpgsql STABLE PARALLEL SAFE AS
$$ DECLARE result type_of%TYPE;
BEGIN
  IF t IS NULL THEN RETURN NULL; END IF;
  EXECUTE 'SELECT $1::' || type_name INTO result USING t;
  RETURN result;
EXCEPTION WHEN data_exception THEN RETURN NULL;
END $$;

-- Dates --------------------------------------------------------------------------------------------------------------

-- "DATEADD function", usage notes: 29 February plus years that are no leap years is 1 March.
CREATE OR REPLACE FUNCTION rs.dateadd_year(n bigint, t timestamp) RETURNS timestamp LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ DECLARE r timestamp := t + make_interval(years => n::integer);
BEGIN
  IF extract(day FROM r) <> extract(day FROM t) THEN RETURN r + INTERVAL '1 day'; END IF;
  RETURN r;
END $$;
-- "ADD_MONTHS function": the last day of a month stays the last day.
CREATE OR REPLACE FUNCTION rs.add_months(t timestamp, n integer) RETURNS timestamp LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ DECLARE r timestamp := t + make_interval(months => n);
BEGIN
  IF extract(month FROM t) <> extract(month FROM t + INTERVAL '1 day') THEN
    RETURN date_trunc('month', r) + INTERVAL '1 month' - INTERVAL '1 day' + (t - date_trunc('day', t));
  END IF;
  RETURN r;
END $$;
CREATE OR REPLACE FUNCTION rs.months_between(a timestamp, b timestamp) RETURNS double precision LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ DECLARE
  months integer := (extract(year FROM a) - extract(year FROM b)) * 12 + extract(month FROM a) - extract(month FROM b);
  last_a boolean := extract(month FROM a) <> extract(month FROM a + INTERVAL '1 day');
  last_b boolean := extract(month FROM b) <> extract(month FROM b + INTERVAL '1 day');
BEGIN
  IF extract(day FROM a) = extract(day FROM b) OR (last_a AND last_b) THEN RETURN months; END IF;
  RETURN months + (extract(day FROM a) - extract(day FROM b)) / 31.0;
END $$;
CREATE OR REPLACE FUNCTION rs.next_day(d date, weekday text) RETURNS date LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ DECLARE n integer := array_position(ARRAY['su', 'mo', 'tu', 'we', 'th', 'fr', 'sa'], left(lower(btrim(weekday)), 2)) - 1;
BEGIN
  IF n IS NULL THEN RAISE EXCEPTION 'not a day of the week' USING ERRCODE = '22023'; END IF;
  RETURN d + ((n - extract(dow FROM d)::integer + 6) % 7 + 1);
END $$;
-- "DATEDIFF function": boundaries crossed. Weeks start on Monday, as DATE_TRUNC's do.
CREATE OR REPLACE FUNCTION rs.datediff_year(a timestamp, b timestamp) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT (extract(year FROM b) - extract(year FROM a))::bigint $$;
CREATE OR REPLACE FUNCTION rs.datediff_decade(a timestamp, b timestamp) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT (extract(decade FROM b) - extract(decade FROM a))::bigint $$;
CREATE OR REPLACE FUNCTION rs.datediff_century(a timestamp, b timestamp) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT (extract(century FROM b) - extract(century FROM a))::bigint $$;
CREATE OR REPLACE FUNCTION rs.datediff_millennium(a timestamp, b timestamp) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT (extract(millennium FROM b) - extract(millennium FROM a))::bigint $$;
CREATE OR REPLACE FUNCTION rs.datediff_quarter(a timestamp, b timestamp) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT ((extract(year FROM b) - extract(year FROM a)) * 4 + extract(quarter FROM b) - extract(quarter FROM a))::bigint $$;
CREATE OR REPLACE FUNCTION rs.datediff_month(a timestamp, b timestamp) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT ((extract(year FROM b) - extract(year FROM a)) * 12 + extract(month FROM b) - extract(month FROM a))::bigint $$;
CREATE OR REPLACE FUNCTION rs.datediff_week(a timestamp, b timestamp) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT ((date_trunc('week', b)::date - date_trunc('week', a)::date) / 7)::bigint $$;
CREATE OR REPLACE FUNCTION rs.datediff_day(a timestamp, b timestamp) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT (b::date - a::date)::bigint $$;
CREATE OR REPLACE FUNCTION rs.datediff_hour(a timestamp, b timestamp) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT (extract(epoch FROM date_trunc('hour', b) - date_trunc('hour', a)) / 3600)::bigint $$;
CREATE OR REPLACE FUNCTION rs.datediff_minute(a timestamp, b timestamp) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT (extract(epoch FROM date_trunc('minute', b) - date_trunc('minute', a)) / 60)::bigint $$;
CREATE OR REPLACE FUNCTION rs.datediff_second(a timestamp, b timestamp) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT extract(epoch FROM date_trunc('second', b) - date_trunc('second', a))::bigint $$;
CREATE OR REPLACE FUNCTION rs.datediff_millisecond(a timestamp, b timestamp) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT (extract(epoch FROM date_trunc('millisecond', b) - date_trunc('millisecond', a)) * 1000)::bigint $$;
CREATE OR REPLACE FUNCTION rs.datediff_microsecond(a timestamp, b timestamp) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT (extract(epoch FROM b - a) * 1000000)::bigint $$;

-- Privileges that tools ask for: the stand-in answers for the connected role.
CREATE OR REPLACE FUNCTION rs.has_schema_privilege(name text, privilege text) RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT pg_catalog.has_schema_privilege(name, privilege) $$;
CREATE OR REPLACE FUNCTION rs.has_schema_privilege(who text, name text, privilege text) RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT pg_catalog.has_schema_privilege(who::name, name, privilege) $$;
-- Redshift's own system relations lie in a schema of their own, and all may read them.
CREATE OR REPLACE FUNCTION rs.is_system_relation(name text) RETURNS boolean LANGUAGE sql STABLE AS
$$ SELECT pg_catalog.to_regclass(name) IS NULL
      AND pg_catalog.to_regclass('rs_sys.' || pg_catalog.quote_ident(pg_catalog.regexp_replace(pg_catalog.lower(name), '^pg_catalog\.', ''))) IS NOT NULL $$;
CREATE OR REPLACE FUNCTION rs.has_table_privilege(name text, privilege text) RETURNS boolean LANGUAGE sql STABLE AS
$$ SELECT CASE WHEN rs.is_system_relation(name) THEN pg_catalog.upper(privilege) = 'SELECT' ELSE pg_catalog.has_table_privilege(name, privilege) END $$;
CREATE OR REPLACE FUNCTION rs.has_table_privilege(who text, name text, privilege text) RETURNS boolean LANGUAGE sql STABLE AS
$$ SELECT CASE WHEN rs.is_system_relation(name) THEN pg_catalog.upper(privilege) = 'SELECT' ELSE pg_catalog.has_table_privilege(who::name, name, privilege) END $$;
CREATE OR REPLACE FUNCTION rs.has_database_privilege(name text, privilege text) RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT pg_catalog.has_database_privilege(name, privilege) $$;
CREATE OR REPLACE FUNCTION rs.has_database_privilege(who text, name text, privilege text) RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT pg_catalog.has_database_privilege(who::name, name, privilege) $$;

-- Hashes ---------------------------------------------------------------------------------------------------------------

-- "CRC32 function": eight hexadecimal digits of CRC-32C.
CREATE OR REPLACE FUNCTION rs.crc32(b bytea) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ DECLARE c bigint := 4294967295;
BEGIN
  FOR i IN 0 .. octet_length(b) - 1 LOOP
    c := c # get_byte(b, i);
    FOR k IN 1 .. 8 LOOP c := CASE WHEN c & 1 = 1 THEN (c >> 1) # 2197175160 ELSE c >> 1 END; END LOOP;
  END LOOP;
  RETURN lpad(to_hex(c # 4294967295), 8, '0');
END $$;
-- "SHA1 function" (FIPS 180-4).
CREATE OR REPLACE FUNCTION rs.sha1(b bytea) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ DECLARE
  mask CONSTANT bigint := 4294967295;
  h bigint[] := ARRAY[1732584193, 4023233417, 2562383102, 271733878, 3285377520];
  m bytea := b || '\x80'::bytea;
  w bigint[]; x bigint[]; f bigint; k bigint; t bigint; o integer;
BEGIN
  WHILE octet_length(m) % 64 <> 56 LOOP m := m || '\x00'::bytea; END LOOP;
  m := m || int8send(octet_length(b)::bigint * 8);
  FOR o IN 0 .. octet_length(m) / 64 - 1 LOOP
    FOR i IN 0 .. 15 LOOP
      w[i] := (get_byte(m, o * 64 + i * 4)::bigint << 24) | (get_byte(m, o * 64 + i * 4 + 1) << 16)
            | (get_byte(m, o * 64 + i * 4 + 2) << 8) | get_byte(m, o * 64 + i * 4 + 3);
    END LOOP;
    FOR i IN 16 .. 79 LOOP
      t := w[i - 3] # w[i - 8] # w[i - 14] # w[i - 16];
      w[i] := ((t << 1) | (t >> 31)) & mask;
    END LOOP;
    x := h;
    FOR i IN 0 .. 79 LOOP
      IF i < 20 THEN f := (x[2] & x[3]) | (~x[2] & mask & x[4]); k := 1518500249;
      ELSIF i < 40 THEN f := x[2] # x[3] # x[4]; k := 1859775393;
      ELSIF i < 60 THEN f := (x[2] & x[3]) | (x[2] & x[4]) | (x[3] & x[4]); k := 2400959708;
      ELSE f := x[2] # x[3] # x[4]; k := 3395469782; END IF;
      t := ((((x[1] << 5) | (x[1] >> 27)) & mask) + f + x[5] + k + w[i]) & mask;
      x := ARRAY[t, x[1], ((x[2] << 30) | (x[2] >> 2)) & mask, x[3], x[4]];
    END LOOP;
    FOR i IN 1 .. 5 LOOP h[i] := (h[i] + x[i]) & mask; END LOOP;
  END LOOP;
  RETURN (SELECT string_agg(lpad(to_hex(v), 8, '0'), '' ORDER BY i) FROM unnest(h) WITH ORDINALITY AS u(v, i));
END $$;
-- "MURMUR3_32_HASH": 32-bit Murmur3A over the bytes of the Apache Iceberg specification, appendix B.
CREATE OR REPLACE FUNCTION rs.murmur3(b bytea, seed integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ DECLARE
  mask CONSTANT bigint := 4294967295;
  n CONSTANT integer := octet_length(b);
  h bigint := seed::bigint & mask;
  k bigint;
BEGIN
  FOR i IN 0 .. (n + 3) / 4 - 1 LOOP
    k := 0;
    FOR j IN REVERSE least(i * 4 + 3, n - 1) .. i * 4 LOOP k := (k << 8) | get_byte(b, j); END LOOP;
    k := (k * 3432918353::numeric % 4294967296)::bigint;
    k := ((k << 15) | (k >> 17)) & mask;
    k := (k * 461845907::numeric % 4294967296)::bigint;
    h := h # k;
    IF i * 4 + 4 <= n THEN
      h := ((h << 13) | (h >> 19)) & mask;
      h := (h * 5 + 3864292196) & mask;
    END IF;
  END LOOP;
  h := h # n;
  h := ((h # (h >> 16)) * 2246822507::numeric % 4294967296)::bigint;
  h := ((h # (h >> 13)) * 3266489909::numeric % 4294967296)::bigint;
  h := h # (h >> 16);
  RETURN CASE WHEN h > 2147483647 THEN h - 4294967296 ELSE h END;
END $$;
-- "FNV_HASH function": 64-bit FNV-1a over the value's bytes.
CREATE OR REPLACE FUNCTION rs.fnv_hash(b bytea, seed bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ DECLARE h bigint := seed; n numeric;
BEGIN
  FOR i IN 0 .. octet_length(b) - 1 LOOP
    h := h # get_byte(b, i);
    n := mod(h::numeric * 1099511628211, 18446744073709551616);
    IF n > 9223372036854775807 THEN n := n - 18446744073709551616; ELSIF n < -9223372036854775808 THEN n := n + 18446744073709551616; END IF;
    h := n;
  END LOOP;
  RETURN h;
END $$;
-- Redshift's bytes of a number are in little-endian order.
CREATE OR REPLACE FUNCTION rs.reversed(b bytea) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT string_agg(substr(b, i, 1), ''::bytea ORDER BY i DESC) FROM generate_series(1, octet_length(b)) AS i $$;

-- More strings -----------------------------------------------------------------------------------------------------------

-- "SOUNDEX function": a letter and three digits; NULL for an empty string.
CREATE OR REPLACE FUNCTION rs.soundex(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ DECLARE s text := regexp_replace(upper(t), '[^A-Z]', '', 'g'); code text; last text := ''; result text := ''; c text;
BEGIN
  IF s = '' THEN RETURN NULL; END IF;
  FOR i IN 1 .. length(s) LOOP
    c := substr(s, i, 1);
    code := translate(c, 'BFPVCGJKQSXZDTLMNRAEIOUYHW', '11112222222233455600000099');
    IF i = 1 THEN result := c;
    ELSIF code NOT IN ('0', '9') AND code <> last THEN result := result || code; END IF;
    IF code <> '9' THEN last := code; END IF;
  END LOOP;
  RETURN rpad(left(result, 4), 4, '0');
END $$;
-- "DIFFERENCE function": equal places of two SOUNDEX codes. An empty string has no code.
CREATE OR REPLACE FUNCTION rs.difference(a text, b text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT count(*)::integer FROM generate_series(1, 4) AS i WHERE substr(rs.soundex(a), i, 1) = substr(rs.soundex(b), i, 1) $$;
CREATE OR REPLACE FUNCTION rs.octetindex(needle text, hay text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT position(convert_to(needle, 'UTF8') IN convert_to(hay, 'UTF8')) $$;
-- "SPLIT_PART function": the part must be greater than 0.
CREATE OR REPLACE FUNCTION rs.split_part(t text, d text, n integer) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  IF n < 1 THEN RAISE EXCEPTION 'field position must be greater than zero' USING ERRCODE = '22023'; END IF;
  RETURN split_part(t, d, n);
END $$;
-- "TEXT_TO_INT_ALT function", "TEXT_TO_NUMERIC_ALT function": Teradata's signs may stand behind.
CREATE OR REPLACE FUNCTION rs.trailing_sign(t text) RETURNS numeric LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ DECLARE s text := btrim(t);
BEGIN
  IF right(s, 1) IN ('+', '-') THEN s := right(s, 1) || left(s, -1); END IF;
  RETURN s::numeric;
END $$;
-- "TO_DATE function": without is_strict, days beyond a month's end run into the next month.
CREATE OR REPLACE FUNCTION rs.to_date(t text, f text, strict boolean) RETURNS date LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ DECLARE u text := upper(f); y integer := strpos(upper(f), 'YYYY'); m integer := strpos(upper(f), 'MM'); d integer := strpos(upper(f), 'DD');
BEGIN
  RETURN to_date(t, f);
EXCEPTION WHEN datetime_field_overflow THEN
  IF strict OR y = 0 OR m = 0 OR d = 0 OR length(u) <> length(t) THEN RAISE; END IF;
  RETURN make_date(substr(t, y, 4)::integer, 1, 1) + make_interval(months => substr(t, m, 2)::integer - 1) + make_interval(days => substr(t, d, 2)::integer - 1);
END $$;

-- Window functions that PostgreSQL lacks ---------------------------------------------------------------------------------

-- IGNORE NULLS: aggregates whose strict steps pass over NULL.
CREATE OR REPLACE FUNCTION rs.keep_first(anyelement, anyelement) RETURNS anyelement LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1 $$;
CREATE OR REPLACE FUNCTION rs.keep_last(anyelement, anyelement) RETURNS anyelement LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $2 $$;
CREATE OR REPLACE AGGREGATE rs.first_known(anyelement) (SFUNC = rs.keep_first, STYPE = anyelement, PARALLEL = SAFE);
CREATE OR REPLACE AGGREGATE rs.last_known(anyelement) (SFUNC = rs.keep_last, STYPE = anyelement, PARALLEL = SAFE);
-- "LISTAGG window function" with DISTINCT: the first of equal values stays.
CREATE OR REPLACE FUNCTION rs.join_distinct(a text[], separator text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT string_agg(v, separator ORDER BY i) FROM (SELECT v, min(i) AS i FROM unnest(a) WITH ORDINALITY AS u(v, i) WHERE v IS NOT NULL GROUP BY v) AS d $$;
-- "PERCENTILE_CONT window function", "MEDIAN window function".
CREATE OR REPLACE FUNCTION rs.percentile_cont(a double precision[], fraction double precision) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT percentile_cont(fraction) WITHIN GROUP (ORDER BY v) FROM unnest(a) AS u(v) $$;
CREATE OR REPLACE FUNCTION rs.percentile_disc(a anyarray, fraction double precision) RETURNS anyelement LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT percentile_disc(fraction) WITHIN GROUP (ORDER BY v) FROM unnest(a) AS u(v) $$;

-- Numbers ----------------------------------------------------------------------------------------------------------------

-- The nearest whole number if it is the root.
CREATE OR REPLACE FUNCTION rs.cbrt(x double precision) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT CASE WHEN power(round(cbrt(x)), 3) = x THEN round(cbrt(x)) ELSE cbrt(x) END $$;
-- GREATEST and LEAST of SUPER: nulls are left out.
CREATE OR REPLACE FUNCTION rs.super_greatest(VARIADIC v jsonb[]) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT e FROM unnest(v) AS u(e) WHERE e <> 'null'::jsonb ORDER BY e DESC LIMIT 1 $$;
CREATE OR REPLACE FUNCTION rs.super_least(VARIADIC v jsonb[]) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT e FROM unnest(v) AS u(e) WHERE e <> 'null'::jsonb ORDER BY e LIMIT 1 $$;
