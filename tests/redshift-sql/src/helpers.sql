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

-- SUPER: reading -----------------------------------------------------------------------------------------------------

-- An index from a variable: PostgreSQL counts negative ones from the end, Redshift does not.
CREATE OR REPLACE FUNCTION rs.super_index(i bigint) RETURNS integer LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN RETURN CASE WHEN i BETWEEN 0 AND 2147483647 THEN i::integer ELSE 2147483647 END; END $$;

-- "SUPER configurations": navigate_super_null_on_error = off.
CREATE OR REPLACE FUNCTION rs.super_navigate_strict(v jsonb, key text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  IF jsonb_typeof(v) <> 'object' THEN RAISE EXCEPTION 'Invalid SUPER navigation: an attribute of a value that is not an object' USING ERRCODE = '22023'; END IF;
  RETURN v -> key;
END $$;
CREATE OR REPLACE FUNCTION rs.super_navigate_strict(v jsonb, i integer) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  IF jsonb_typeof(v) <> 'array' THEN RAISE EXCEPTION 'Invalid SUPER navigation: an element of a value that is not an array' USING ERRCODE = '22023'; END IF;
  RETURN v -> i;
END $$;

-- "query-super": a cast to another kind of value gives NULL. A string is not a number, a number is not a boolean.
-- In SQL, for PostgreSQL to put them in place: merges call them for every value. Whole numbers are rounded, half away from zero, so that
-- the highest is under n + 0.5 and the lowest over -n - 1.5.
CREATE OR REPLACE FUNCTION rs.super_number(v jsonb) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE WHEN jsonb_typeof(v) = 'number' THEN v::numeric END $$;
CREATE OR REPLACE FUNCTION rs.super_bigint(v jsonb) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE WHEN jsonb_typeof(v) = 'number' AND abs(v::numeric + 0.5) < 9223372036854775808 THEN v::bigint END $$;
CREATE OR REPLACE FUNCTION rs.super_integer(v jsonb) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE WHEN jsonb_typeof(v) = 'number' AND abs(v::numeric + 0.5) < 2147483648 THEN v::integer END $$;
CREATE OR REPLACE FUNCTION rs.super_smallint(v jsonb) RETURNS smallint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE WHEN jsonb_typeof(v) = 'number' AND abs(v::numeric + 0.5) < 32768 THEN v::smallint END $$;
CREATE OR REPLACE FUNCTION rs.super_decimal(v jsonb, p integer, s integer) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE WHEN jsonb_typeof(v) = 'number' AND abs(round(v::numeric, s)) < power(10::numeric, p - s) THEN round(v::numeric, s) END $$;
CREATE OR REPLACE FUNCTION rs.super_double(v jsonb) RETURNS double precision LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  IF jsonb_typeof(v) <> 'number' THEN RETURN NULL; END IF;
  RETURN v::double precision;
EXCEPTION WHEN numeric_value_out_of_range THEN RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION rs.super_real(v jsonb) RETURNS real LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  IF jsonb_typeof(v) <> 'number' THEN RETURN NULL; END IF;
  RETURN v::real;
EXCEPTION WHEN numeric_value_out_of_range THEN RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION rs.super_boolean(v jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE WHEN jsonb_typeof(v) = 'boolean' THEN v::boolean END $$;
CREATE OR REPLACE FUNCTION rs.super_string(v jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE WHEN jsonb_typeof(v) = 'string' THEN v #>> '{}' END $$;

-- "Character types": a string is cut on a character boundary.
CREATE OR REPLACE FUNCTION rs.truncate_bytes(v text, n integer) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ DECLARE
  low integer := 0;
  high integer := least(length(v), n);
  middle integer;
BEGIN
  WHILE low < high LOOP
    middle := (low + high + 1) / 2;
    IF octet_length(left(v, middle)) <= n THEN low := middle; ELSE high := middle - 1; END IF;
  END LOOP;
  RETURN left(v, low);
END $$;
CREATE OR REPLACE FUNCTION rs.varchar(v text, n integer) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  IF octet_length(v) <= n THEN RETURN v; END IF;
  RETURN rs.truncate_bytes(v, n);
END $$;
-- Assignment to a variable: too long is an error, unless only blanks are lost.
CREATE OR REPLACE FUNCTION rs.varchar_assign(v text, n integer) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  IF octet_length(v) <= n THEN RETURN v; END IF;
  IF octet_length(rtrim(v, ' ')) <= n THEN RETURN rs.truncate_bytes(v, n); END IF;
  RAISE EXCEPTION 'value too long for type character varying(%)', n USING ERRCODE = '22001';
END $$;
-- "Limitations" of SUPER: objects and arrays have no text.
CREATE OR REPLACE FUNCTION rs.super_varchar_any(v jsonb, n integer) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ DECLARE t text;
BEGIN
  IF jsonb_typeof(v) IN ('object', 'array', 'null') THEN RETURN NULL; END IF;
  t := v #>> '{}';
  IF octet_length(t) <= n THEN RETURN t; END IF;
  RETURN rs.truncate_bytes(t, n);
END $$;
CREATE OR REPLACE FUNCTION rs.super_varchar(v jsonb, n integer) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE WHEN jsonb_typeof(v) = 'string' AND octet_length(v #>> '{}') <= n THEN v #>> '{}' ELSE rs.super_varchar_any(v, n) END $$;

CREATE OR REPLACE FUNCTION rs.super_date(v jsonb) RETURNS date LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  IF jsonb_typeof(v) <> 'string' THEN RETURN NULL; END IF;
  RETURN (v #>> '{}')::date;
EXCEPTION WHEN data_exception THEN RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION rs.super_timestamp(v jsonb) RETURNS timestamp LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  IF jsonb_typeof(v) <> 'string' THEN RETURN NULL; END IF;
  RETURN (v #>> '{}')::timestamp;
EXCEPTION WHEN data_exception THEN RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION rs.super_timestamptz(v jsonb) RETURNS timestamptz LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  IF jsonb_typeof(v) <> 'string' THEN RETURN NULL; END IF;
  RETURN (v #>> '{}')::timestamptz;
EXCEPTION WHEN data_exception THEN RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION rs.super_time(v jsonb) RETURNS time LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  IF jsonb_typeof(v) <> 'string' THEN RETURN NULL; END IF;
  RETURN (v #>> '{}')::time;
EXCEPTION WHEN data_exception THEN RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION rs.super_timetz(v jsonb) RETURNS timetz LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  IF jsonb_typeof(v) <> 'string' THEN RETURN NULL; END IF;
  RETURN (v #>> '{}')::timetz;
EXCEPTION WHEN data_exception THEN RETURN NULL;
END $$;

-- "SUPER configurations": cast_super_null_on_error = off.
CREATE OR REPLACE FUNCTION rs.cast_checked(v jsonb, result anyelement) RETURNS anyelement LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
$$ BEGIN
  IF result IS NULL AND v IS NOT NULL AND v <> 'null'::jsonb THEN
    RAISE EXCEPTION 'Invalid cast from SUPER: the value is not of the requested type' USING ERRCODE = '22018';
  END IF;
  RETURN result;
END $$;

-- "Dynamic typing": equality is deep and false for different kinds; order exists within one kind only.
CREATE OR REPLACE FUNCTION rs.super_equal(a jsonb, b jsonb) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  IF a = 'null'::jsonb OR b = 'null'::jsonb THEN RETURN NULL; END IF;
  IF jsonb_typeof(a) = 'string' AND jsonb_typeof(b) = 'string' THEN
    RETURN (a #>> '{}')::bpchar = (b #>> '{}')::bpchar;
  END IF;
  RETURN a = b;
END $$;
CREATE OR REPLACE FUNCTION rs.super_compare(a jsonb, b jsonb) RETURNS integer LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ DECLARE x bpchar; y bpchar;
BEGIN
  IF jsonb_typeof(a) <> jsonb_typeof(b) THEN RETURN NULL; END IF;
  IF jsonb_typeof(a) = 'number' THEN RETURN sign(a::numeric - b::numeric)::integer; END IF;
  IF jsonb_typeof(a) = 'string' THEN
    x := (a #>> '{}')::bpchar; y := (b #>> '{}')::bpchar;
    RETURN CASE WHEN x < y THEN -1 WHEN x > y THEN 1 ELSE 0 END;
  END IF;
  IF jsonb_typeof(a) = 'boolean' THEN RETURN (a::boolean)::integer - (b::boolean)::integer; END IF;
  RETURN NULL;
END $$;

-- "Unnesting queries", "Object unpivoting": anything but an array (object) has no rows.
CREATE OR REPLACE FUNCTION rs.super_elements(v jsonb) RETURNS SETOF jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 20 AS
$$ SELECT e FROM jsonb_array_elements(CASE WHEN jsonb_typeof(v) = 'array' THEN v ELSE '[]'::jsonb END) AS x(e) $$;
CREATE OR REPLACE FUNCTION rs.super_attributes(v jsonb) RETURNS TABLE (key text, value jsonb) LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 20 AS
$$ SELECT e.key, e.value FROM jsonb_each(CASE WHEN jsonb_typeof(v) = 'object' THEN v ELSE '{}'::jsonb END) AS e $$;

-- SUPER: making ------------------------------------------------------------------------------------------------------

-- "Limitations" of SUPER: strings of at most 65,535 bytes, nesting of at most 1,000 levels, 16 MB in all.
CREATE OR REPLACE FUNCTION rs.too_long_string(v jsonb) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  RETURN EXISTS (
    WITH RECURSIVE nodes(n) AS (
      SELECT v
      UNION ALL
      SELECT c.child FROM nodes, LATERAL (
        SELECT value AS child FROM jsonb_each(CASE WHEN jsonb_typeof(n) = 'object' THEN n ELSE '{}'::jsonb END)
        UNION ALL
        SELECT value FROM jsonb_array_elements(CASE WHEN jsonb_typeof(n) = 'array' THEN n ELSE '[]'::jsonb END)
      ) AS c
    )
    SELECT 1 FROM nodes WHERE jsonb_typeof(n) = 'string' AND octet_length(n #>> '{}') > 65535);
END $$;
CREATE OR REPLACE FUNCTION rs.truncate_strings(v jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  CASE jsonb_typeof(v)
    WHEN 'string' THEN RETURN to_jsonb(rs.varchar(v #>> '{}', 65535));
    WHEN 'array' THEN RETURN COALESCE((SELECT jsonb_agg(rs.truncate_strings(e) ORDER BY i) FROM jsonb_array_elements(v) WITH ORDINALITY AS x(e, i)), '[]'::jsonb);
    WHEN 'object' THEN RETURN COALESCE((SELECT jsonb_object_agg(key, rs.truncate_strings(value)) FROM jsonb_each(v)), '{}'::jsonb);
    ELSE RETURN v;
  END CASE;
END $$;

-- Whether a text has duplicate attribute names, anywhere; `stored` is the text of its jsonb, which keeps the last of equal names. Names
-- have quotes, so that a lost one is a lost quote; nothing else changes their number but the escape \u0022, which is read for that.
-- JSON_STRIP_NULLS keeps duplicates and writes escapes as jsonb does; nulls become true first, for it to keep them.
CREATE OR REPLACE FUNCTION rs.has_duplicates(t text, stored text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ DECLARE plain text := CASE WHEN strpos(t, '\u0022') > 0 THEN json_strip_nulls(replace(t, 'null', 'true')::json)::text ELSE t END;
BEGIN
  RETURN octet_length(plain) - octet_length(replace(plain, '"', '')) <> octet_length(stored) - octet_length(replace(stored, '"', ''));
END $$;

-- "JSON_PARSE function", "SUPER configurations". Without a handler, which would cost a subtransaction for every value: PostgreSQL's
-- own errors of bad JSON and bad UTF-8 get Redshift's words outside. The first comparison is that of has_duplicates, without a call.
CREATE OR REPLACE FUNCTION rs.json_checked(t text, truncate boolean, dedup boolean) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS
$$ DECLARE
  v jsonb := t::jsonb;
  stored text := v::text;
BEGIN
  IF (octet_length(t) - octet_length(replace(t, '"', '')) <> octet_length(stored) - octet_length(replace(stored, '"', '')) OR t LIKE '%\\u0022%')
      AND NOT dedup AND rs.has_duplicates(t, stored) THEN
    RAISE EXCEPTION 'JSON_PARSE() error: Duplicate attribute names in an object' USING ERRCODE = '22023';
  END IF;
  IF octet_length(t) > 65535 AND rs.too_long_string(v) THEN
    IF truncate THEN RETURN rs.truncate_strings(v); END IF;
    RAISE EXCEPTION 'JSON_PARSE() error: String value exceeds the max size of 65535 bytes' USING ERRCODE = '22001';
  END IF;
  RETURN v;
END $$;

-- STABLE as CONVERT_FROM is: only then PostgreSQL puts them in place.
CREATE OR REPLACE FUNCTION rs.json_parse(t text) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT rs.json_checked(t, false, false) $$;
CREATE OR REPLACE FUNCTION rs.json_parse(b bytea) RETURNS jsonb LANGUAGE sql STABLE STRICT PARALLEL SAFE AS
$$ SELECT rs.json_checked(convert_from(b, 'UTF8'), false, false) $$;
CREATE OR REPLACE FUNCTION rs.json_parse(t text, truncate boolean, dedup boolean) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT rs.json_checked(t, truncate, dedup) $$;
CREATE OR REPLACE FUNCTION rs.json_parse(b bytea, truncate boolean, dedup boolean) RETURNS jsonb LANGUAGE sql STABLE STRICT PARALLEL SAFE AS
$$ SELECT rs.json_checked(convert_from(b, 'UTF8'), truncate, dedup) $$;
CREATE OR REPLACE FUNCTION rs.json_parse_or_null(t text, truncate boolean DEFAULT false, dedup boolean DEFAULT false) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS
$$ BEGIN
  RETURN rs.json_checked(t, truncate, dedup);
EXCEPTION WHEN data_exception OR syntax_error_or_access_rule_violation OR program_limit_exceeded THEN RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION rs.json_parse_or_null(b bytea, truncate boolean DEFAULT false, dedup boolean DEFAULT false) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS
$$ BEGIN
  RETURN rs.json_checked(convert_from(b, 'UTF8'), truncate, dedup);
EXCEPTION WHEN data_exception OR syntax_error_or_access_rule_violation OR program_limit_exceeded THEN RETURN NULL;
END $$;

-- "CAN_JSON_PARSE function": true if and only if JSON_PARSE would succeed, with the session's settings; NULL for NULL (not stated by
-- the guide). First what json_checked does with nearly all values, without a call.
CREATE OR REPLACE FUNCTION rs.can_json_parse(t text, truncate boolean DEFAULT false, dedup boolean DEFAULT false) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ DECLARE stored text;
BEGIN
  stored := t::jsonb::text;
  IF octet_length(t) <= 65535 AND octet_length(t) - octet_length(replace(t, '"', '')) = octet_length(stored) - octet_length(replace(stored, '"', ''))
      AND t NOT LIKE '%\\u0022%' THEN RETURN true; END IF;
  RETURN rs.json_checked(t, truncate, dedup) IS NOT NULL;
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN RETURN false;
END $$;
CREATE OR REPLACE FUNCTION rs.can_json_parse(b bytea, truncate boolean DEFAULT false, dedup boolean DEFAULT false) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ DECLARE t text; stored text;
BEGIN
  t := convert_from(b, 'UTF8'); stored := t::jsonb::text;
  IF octet_length(t) <= 65535 AND octet_length(t) - octet_length(replace(t, '"', '')) = octet_length(stored) - octet_length(replace(stored, '"', ''))
      AND t NOT LIKE '%\\u0022%' THEN RETURN true; END IF;
  RETURN rs.json_checked(t, truncate, dedup) IS NOT NULL;
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN RETURN false;
END $$;

-- JSON_PARSE of what CAN_JSON_PARSE has found good: nothing is left to check. Not in place, for its cost: PostgreSQL tests the cheap
-- conditions first, and a condition on the value must come after CAN_JSON_PARSE.
CREATE OR REPLACE FUNCTION rs.json_known(t text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS
$$ BEGIN RETURN t::jsonb; END $$;
CREATE OR REPLACE FUNCTION rs.json_known(b bytea) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS
$$ BEGIN RETURN convert_from(b, 'UTF8')::jsonb; END $$;

-- Compact text of a SUPER value, as Redshift prints it.
CREATE OR REPLACE FUNCTION rs.super_json(v jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  CASE jsonb_typeof(v)
    WHEN 'array' THEN RETURN '[' || COALESCE((SELECT string_agg(rs.super_json(e), ',' ORDER BY i) FROM jsonb_array_elements(v) WITH ORDINALITY AS x(e, i)), '') || ']';
    WHEN 'object' THEN RETURN '{' || COALESCE((SELECT string_agg(to_jsonb(key)::text || ':' || rs.super_json(value), ',') FROM jsonb_each(v)), '') || '}';
    ELSE RETURN v::text;
  END CASE;
END $$;
CREATE OR REPLACE FUNCTION rs.json_serialize(v jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ DECLARE t text := rs.super_json(v);
BEGIN
  IF octet_length(t) > 65535 THEN RAISE EXCEPTION 'JSON_SERIALIZE() error: the result exceeds the max size of 65535 bytes' USING ERRCODE = '22001'; END IF;
  RETURN t;
END $$;

-- "SUPER type information functions": NULL for NULL, false for a JSON null.
CREATE OR REPLACE FUNCTION rs.is_object(v jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT jsonb_typeof(v) = 'object' $$;
CREATE OR REPLACE FUNCTION rs.is_array(v jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT jsonb_typeof(v) = 'array' $$;
CREATE OR REPLACE FUNCTION rs.is_varchar(v jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT jsonb_typeof(v) = 'string' $$;
CREATE OR REPLACE FUNCTION rs.is_char(v jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT jsonb_typeof(v) = 'string' AND octet_length(v #>> '{}') = length(v #>> '{}') $$;
CREATE OR REPLACE FUNCTION rs.is_boolean(v jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT jsonb_typeof(v) = 'boolean' $$;
CREATE OR REPLACE FUNCTION rs.is_scalar(v jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT jsonb_typeof(v) IN ('string', 'number', 'boolean') $$;
CREATE OR REPLACE FUNCTION rs.is_whole(v jsonb, low numeric, high numeric) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  IF jsonb_typeof(v) <> 'number' THEN RETURN false; END IF;
  RETURN v::numeric = trunc(v::numeric) AND v::numeric BETWEEN low AND high;
END $$;
CREATE OR REPLACE FUNCTION rs.is_bigint(v jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT rs.is_whole(v, -9223372036854775808, 9223372036854775807) $$;
CREATE OR REPLACE FUNCTION rs.is_integer(v jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT rs.is_whole(v, -2147483648, 2147483647) $$;
CREATE OR REPLACE FUNCTION rs.is_smallint(v jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT rs.is_whole(v, -32768, 32767) $$;
CREATE OR REPLACE FUNCTION rs.is_decimal(v jsonb) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN RETURN jsonb_typeof(v) = 'number' AND length(replace(replace((v::numeric)::text, '.', ''), '-', '')) <= 38; END $$;
CREATE OR REPLACE FUNCTION rs.is_float(v jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT jsonb_typeof(v) = 'number' $$;
CREATE OR REPLACE FUNCTION rs.is_valid_json(t text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN RETURN json_typeof(t::json) = 'object'; EXCEPTION WHEN data_exception THEN RETURN false; END $$;
CREATE OR REPLACE FUNCTION rs.is_valid_json_array(t text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN RETURN json_typeof(t::json) = 'array'; EXCEPTION WHEN data_exception THEN RETURN false; END $$;
CREATE OR REPLACE FUNCTION rs.get_array_length(v jsonb) RETURNS integer LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN IF jsonb_typeof(v) = 'array' THEN RETURN jsonb_array_length(v); END IF; RETURN NULL; END $$;
CREATE OR REPLACE FUNCTION rs.get_number_attributes(v jsonb) RETURNS integer LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN IF jsonb_typeof(v) = 'object' THEN RETURN (SELECT count(*) FROM jsonb_object_keys(v)); END IF; RETURN NULL; END $$;
CREATE OR REPLACE FUNCTION rs.lower_attribute_names(v jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  CASE jsonb_typeof(v)
    WHEN 'array' THEN RETURN COALESCE((SELECT jsonb_agg(rs.lower_attribute_names(e) ORDER BY i) FROM jsonb_array_elements(v) WITH ORDINALITY AS x(e, i)), '[]'::jsonb);
    WHEN 'object' THEN RETURN COALESCE((SELECT jsonb_object_agg(lower(key), rs.lower_attribute_names(value)) FROM jsonb_each(v)), '{}'::jsonb);
    ELSE RETURN v;
  END CASE;
END $$;
CREATE OR REPLACE FUNCTION rs.upper_attribute_names(v jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  CASE jsonb_typeof(v)
    WHEN 'array' THEN RETURN COALESCE((SELECT jsonb_agg(rs.upper_attribute_names(e) ORDER BY i) FROM jsonb_array_elements(v) WITH ORDINALITY AS x(e, i)), '[]'::jsonb);
    WHEN 'object' THEN RETURN COALESCE((SELECT jsonb_object_agg(upper(key), rs.upper_attribute_names(value)) FROM jsonb_each(v)), '{}'::jsonb);
    ELSE RETURN v;
  END CASE;
END $$;
CREATE OR REPLACE FUNCTION rs.array_concat(a jsonb, b jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN IF jsonb_typeof(a) = 'array' AND jsonb_typeof(b) = 'array' THEN RETURN a || b; END IF; RETURN NULL; END $$;
CREATE OR REPLACE FUNCTION rs.array_flatten(v jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  IF jsonb_typeof(v) <> 'array' THEN RETURN NULL; END IF;
  RETURN COALESCE((SELECT jsonb_agg(f ORDER BY i, j) FROM jsonb_array_elements(v) WITH ORDINALITY AS x(e, i),
    LATERAL jsonb_array_elements(CASE WHEN jsonb_typeof(e) = 'array' THEN rs.array_flatten(e) ELSE jsonb_build_array(e) END) WITH ORDINALITY AS y(f, j)), '[]'::jsonb);
END $$;
CREATE OR REPLACE FUNCTION rs.subarray(v jsonb, start integer, size integer) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
$$ BEGIN
  IF jsonb_typeof(v) IS DISTINCT FROM 'array' THEN RETURN NULL; END IF;
  RETURN COALESCE((SELECT jsonb_agg(e ORDER BY i) FROM jsonb_array_elements(v) WITH ORDINALITY AS x(e, i) WHERE i > start AND (size IS NULL OR i <= start + size)), '[]'::jsonb);
END $$;
CREATE OR REPLACE FUNCTION rs.array_to_string(v jsonb, d text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  IF jsonb_typeof(v) <> 'array' THEN RETURN NULL; END IF;
  RETURN COALESCE((SELECT string_agg(e #>> '{}', d ORDER BY i) FROM jsonb_array_elements(v) WITH ORDINALITY AS x(e, i)), '');
END $$;

-- JSON text functions ("JSON functions").
CREATE OR REPLACE FUNCTION rs.json_text(t text, quiet boolean) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN RETURN t::jsonb;
EXCEPTION WHEN data_exception THEN
  IF quiet THEN RETURN NULL; END IF;
  RAISE EXCEPTION 'JSON parsing error' USING ERRCODE = '22023';
END $$;
CREATE OR REPLACE FUNCTION rs.json_extract_path_text(t text, path text[], quiet boolean) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ DECLARE v jsonb := rs.json_text(t, quiet); k text;
BEGIN
  IF v IS NULL THEN RETURN NULL; END IF;
  FOREACH k IN ARRAY path LOOP v := CASE WHEN jsonb_typeof(v) = 'object' THEN v -> k END; END LOOP;
  IF jsonb_typeof(v) IN ('object', 'array') THEN RETURN rs.super_json(v); END IF;
  RETURN v #>> '{}';
END $$;
CREATE OR REPLACE FUNCTION rs.json_extract_array_element_text(t text, i integer, quiet boolean) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ DECLARE v jsonb := rs.json_text(t, quiet);
BEGIN
  IF v IS NULL OR i < 0 THEN RETURN NULL; END IF;
  v := CASE WHEN jsonb_typeof(v) = 'array' THEN v -> i END;
  IF jsonb_typeof(v) IN ('object', 'array') THEN RETURN rs.super_json(v); END IF;
  RETURN v #>> '{}';
END $$;
CREATE OR REPLACE FUNCTION rs.json_array_length(t text, quiet boolean) RETURNS integer LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ DECLARE v jsonb := rs.json_text(t, quiet);
BEGIN
  IF jsonb_typeof(v) = 'array' THEN RETURN jsonb_array_length(v); END IF;
  IF quiet THEN RETURN NULL; END IF;
  RAISE EXCEPTION 'JSON parsing error: not an array' USING ERRCODE = '22023';
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

-- Arrays -----------------------------------------------------------------------------------------------------------------

-- "ARRAY_CONTAINS", "ARRAY_POSITION", "ARRAY_POSITIONS": positions from 0. With null_match a NULL is an element like others.
CREATE OR REPLACE FUNCTION rs.same_element(e jsonb, v jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE WHEN v IS NULL OR v = 'null'::jsonb THEN e = 'null'::jsonb ELSE COALESCE(rs.super_equal(e, v), false) END $$;
CREATE OR REPLACE FUNCTION rs.array_positions(a jsonb, v jsonb, null_match boolean) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
$$ DECLARE found jsonb;
BEGIN
  IF jsonb_typeof(a) IS DISTINCT FROM 'array' THEN RETURN NULL; END IF;
  IF NOT null_match AND (v IS NULL OR v = 'null'::jsonb) THEN RETURN NULL; END IF;
  found := COALESCE((SELECT jsonb_agg(i - 1 ORDER BY i) FROM jsonb_array_elements(a) WITH ORDINALITY AS x(e, i) WHERE rs.same_element(e, v)), '[]'::jsonb);
  IF found = '[]'::jsonb AND NOT null_match AND a @> 'null'::jsonb THEN RETURN NULL; END IF;
  RETURN found;
END $$;
CREATE OR REPLACE FUNCTION rs.array_position(a jsonb, v jsonb, null_match boolean) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE WHEN p = '[]'::jsonb THEN -1 ELSE (p -> 0)::integer END FROM rs.array_positions(a, v, null_match) AS p $$;
CREATE OR REPLACE FUNCTION rs.array_contains(a jsonb, v jsonb, null_match boolean) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT p <> '[]'::jsonb FROM rs.array_positions(a, v, null_match) AS p $$;
-- Elements with how often each came before, so that multi-sets can be compared.
CREATE OR REPLACE FUNCTION rs.numbered(a jsonb) RETURNS TABLE (e jsonb, i bigint, n bigint) LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT x.e, x.i, row_number() OVER (PARTITION BY x.e ORDER BY x.i) FROM jsonb_array_elements(a) WITH ORDINALITY AS x(e, i) $$;
CREATE OR REPLACE FUNCTION rs.array_distinct(a jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  IF jsonb_typeof(a) <> 'array' THEN RETURN NULL; END IF;
  RETURN COALESCE((SELECT jsonb_agg(e ORDER BY i) FROM rs.numbered(a) WHERE n = 1), '[]'::jsonb);
END $$;
CREATE OR REPLACE FUNCTION rs.array_except(a jsonb, b jsonb, as_sets boolean) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  IF jsonb_typeof(a) <> 'array' OR jsonb_typeof(b) <> 'array' THEN RETURN NULL; END IF;
  RETURN COALESCE((SELECT jsonb_agg(x.e ORDER BY x.i) FROM rs.numbered(a) AS x
    WHERE CASE WHEN as_sets THEN x.n = 1 AND NOT EXISTS (SELECT 1 FROM rs.numbered(b) AS y WHERE y.e = x.e)
               ELSE NOT EXISTS (SELECT 1 FROM rs.numbered(b) AS y WHERE y.e = x.e AND y.n = x.n) END), '[]'::jsonb);
END $$;
CREATE OR REPLACE FUNCTION rs.array_intersection(a jsonb, b jsonb, as_sets boolean) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  IF jsonb_typeof(a) <> 'array' OR jsonb_typeof(b) <> 'array' THEN RETURN NULL; END IF;
  RETURN COALESCE((SELECT jsonb_agg(x.e ORDER BY x.i) FROM rs.numbered(a) AS x
    WHERE (x.n = 1 OR NOT as_sets) AND EXISTS (SELECT 1 FROM rs.numbered(b) AS y WHERE y.e = x.e AND (as_sets OR y.n = x.n))), '[]'::jsonb);
END $$;
CREATE OR REPLACE FUNCTION rs.array_union(a jsonb, b jsonb, as_sets boolean) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  IF jsonb_typeof(a) <> 'array' OR jsonb_typeof(b) <> 'array' THEN RETURN NULL; END IF;
  IF as_sets THEN RETURN rs.array_distinct(a || b); END IF;
  RETURN a || rs.array_except(b, a, false);
END $$;
-- "ARRAY_SORT function": booleans, numbers, strings, arrays, objects; nulls where asked, else at the end of the greater side.
CREATE OR REPLACE FUNCTION rs.array_sort(a jsonb, ascending boolean, nulls_first boolean) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
$$ DECLARE first boolean := COALESCE(nulls_first, NOT ascending); nulls jsonb; rest jsonb;
BEGIN
  IF jsonb_typeof(a) IS DISTINCT FROM 'array' THEN RETURN NULL; END IF;
  SELECT COALESCE(jsonb_agg(e) FILTER (WHERE e = 'null'::jsonb), '[]'::jsonb) INTO nulls FROM jsonb_array_elements(a) AS x(e);
  SELECT COALESCE(jsonb_agg(e ORDER BY CASE WHEN ascending THEN k ELSE -k END, CASE WHEN ascending THEN r ELSE -r END), '[]'::jsonb) INTO rest
  FROM (SELECT e, array_position(ARRAY['boolean', 'number', 'string', 'array', 'object'], jsonb_typeof(e)) AS k, row_number() OVER (ORDER BY e) AS r
        FROM jsonb_array_elements(a) AS x(e) WHERE e <> 'null'::jsonb) AS ranked;
  RETURN CASE WHEN first THEN nulls || rest ELSE rest || nulls END;
END $$;
CREATE OR REPLACE FUNCTION rs.arrays_overlap(a jsonb, b jsonb) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  IF jsonb_typeof(a) <> 'array' OR jsonb_typeof(b) <> 'array' THEN RETURN NULL; END IF;
  RETURN EXISTS (SELECT 1 FROM rs.numbered(a) AS x JOIN rs.numbered(b) AS y ON x.e = y.e);
END $$;

-- SUPER: computing -------------------------------------------------------------------------------------------------------

-- "Operators and functions" of SUPER: + adds numbers and joins strings; anything else is NULL.
CREATE OR REPLACE FUNCTION rs.super_plus(a jsonb, b jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  IF jsonb_typeof(a) = 'number' AND jsonb_typeof(b) = 'number' THEN RETURN to_jsonb(a::numeric + b::numeric); END IF;
  IF jsonb_typeof(a) = 'string' AND jsonb_typeof(b) = 'string' THEN RETURN to_jsonb((a #>> '{}') || (b #>> '{}')); END IF;
  RETURN NULL;
END $$;
-- "OBJECT_TRANSFORM function": paths are arrays of attribute names.
CREATE OR REPLACE FUNCTION rs.object_put(v jsonb, path text[], value jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
$$ DECLARE base jsonb := CASE WHEN jsonb_typeof(v) = 'object' THEN v ELSE '{}'::jsonb END;
BEGIN
  IF cardinality(path) = 1 THEN RETURN base || jsonb_build_object(path[1], value); END IF;
  RETURN base || jsonb_build_object(path[1], rs.object_put(base -> path[1], path[2:], value));
END $$;
CREATE OR REPLACE FUNCTION rs.object_transform(v jsonb, keep jsonb, paths jsonb, new_values jsonb[]) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
$$ DECLARE result jsonb := '{}'; p jsonb; path text[]; kept jsonb;
BEGIN
  IF jsonb_typeof(v) IS DISTINCT FROM 'object' THEN RETURN v; END IF;
  FOR p IN SELECT e FROM jsonb_array_elements(keep) AS x(e) LOOP
    path := ARRAY(SELECT jsonb_array_elements_text(p));
    kept := v #> path;
    IF kept IS NOT NULL THEN result := rs.object_put(result, path, kept); END IF;
  END LOOP;
  FOR i IN 0 .. jsonb_array_length(paths) - 1 LOOP
    path := ARRAY(SELECT jsonb_array_elements_text(paths -> i));
    result := rs.object_put(result, path, COALESCE(new_values[i + 1], 'null'::jsonb));
  END LOOP;
  RETURN result;
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
