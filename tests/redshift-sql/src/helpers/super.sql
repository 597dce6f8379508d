-- SUPER: reading, making and showing values. jsonb holds them.

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
-- "Limitations": integers and decimals of scale 0 are cast as integers are, other decimals are not.
CREATE OR REPLACE FUNCTION rs.super_to_boolean(v jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE jsonb_typeof(v) WHEN 'boolean' THEN v::boolean WHEN 'number' THEN CASE WHEN scale(v::numeric) = 0 THEN v::numeric <> 0 END END $$;
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
  IF a = b THEN RETURN true; END IF;
  RETURN jsonb_typeof(a) IN ('object', 'array') AND rs.plain(a) = rs.plain(b);
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
$$ SELECT e.key, e.value FROM jsonb_each(CASE WHEN jsonb_typeof(v) = 'object' AND NOT v ? E'\x01order' THEN v ELSE '{}'::jsonb END) AS e
   UNION ALL SELECT o.key, v -> o.key FROM jsonb_array_elements_text(v -> E'\x01order') AS o(key) $$;

-- SUPER: the order of attributes -------------------------------------------------------------------------------------
--
-- jsonb sorts attributes by length and bytes. An object that was written in another order has an attribute more, E'\x01order', the
-- array of the others' names in their order; whatever shows, counts or compares attributes knows it.

CREATE OR REPLACE FUNCTION rs.marked(v jsonb, names text[]) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ DECLARE sorted text[] := ARRAY(SELECT jsonb_object_keys(v));
BEGIN
  IF names = sorted THEN RETURN v; END IF;
  IF E'\x01order' = ANY (names) THEN RAISE EXCEPTION 'the stand-in keeps the attribute name "\u0001order" to itself' USING ERRCODE = '0A000'; END IF;
  IF cardinality(names) > cardinality(sorted) THEN
    names := ARRAY(SELECT n FROM unnest(names) WITH ORDINALITY AS x(n, i) GROUP BY n ORDER BY max(i));
    IF names = sorted THEN RETURN v; END IF;
  END IF;
  RETURN v || jsonb_build_object(E'\x01order', to_jsonb(names));
END $$;
-- An object of names and values as they are given.
CREATE OR REPLACE FUNCTION rs.object(names text[], new_values jsonb[]) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT rs.marked(COALESCE(jsonb_object_agg(n, v), '{}'::jsonb), COALESCE(names, '{}')) FROM unnest(names, new_values) AS x(n, v) $$;
CREATE OR REPLACE FUNCTION rs.ordered(t json) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ DECLARE v jsonb; names text[];
BEGIN
  CASE json_typeof(t)
    WHEN 'object' THEN
      SELECT jsonb_object_agg(key, CASE WHEN json_typeof(value) IN ('object', 'array') THEN rs.ordered(value) ELSE value::jsonb END), array_agg(key ORDER BY i)
        INTO v, names FROM json_each(t) WITH ORDINALITY AS e(key, value, i);
      IF v IS NULL THEN RETURN '{}'::jsonb; END IF;
      RETURN rs.marked(v, names);
    WHEN 'array' THEN
      IF strpos(t::text, '{') = 0 THEN RETURN t::jsonb; END IF;
      RETURN (SELECT jsonb_agg(rs.ordered(e) ORDER BY i) FROM json_array_elements(t) WITH ORDINALITY AS x(e, i));
    ELSE RETURN t::jsonb;
  END CASE;
END $$;
-- The value without its order.
CREATE OR REPLACE FUNCTION rs.plain(v jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  IF jsonb_typeof(v) NOT IN ('object', 'array') OR strpos(v::text, '\u0001order') = 0 THEN RETURN v; END IF;
  IF jsonb_typeof(v) = 'array' THEN RETURN (SELECT jsonb_agg(rs.plain(e) ORDER BY i) FROM jsonb_array_elements(v) WITH ORDINALITY AS x(e, i)); END IF;
  RETURN (SELECT jsonb_object_agg(key, rs.plain(value)) FROM jsonb_each(v - E'\x01order'));
END $$;

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

-- The same with the written order of attributes.
CREATE OR REPLACE FUNCTION rs.json_ordered(t text, truncate boolean DEFAULT false, dedup boolean DEFAULT false) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS
$$ DECLARE v jsonb := rs.json_checked(t, truncate, dedup);
BEGIN
  IF strpos(t, '{') = 0 THEN RETURN v; END IF;
  v := rs.ordered(t::json);
  RETURN CASE WHEN truncate AND octet_length(t) > 65535 THEN rs.truncate_strings(v) ELSE v END;
END $$;
CREATE OR REPLACE FUNCTION rs.json_ordered(b bytea, truncate boolean DEFAULT false, dedup boolean DEFAULT false) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS
$$ BEGIN RETURN rs.json_ordered(convert_from(b, 'UTF8'), truncate, dedup); END $$;
CREATE OR REPLACE FUNCTION rs.json_ordered_or_null(t text, truncate boolean DEFAULT false, dedup boolean DEFAULT false) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS
$$ BEGIN
  RETURN rs.json_ordered(t, truncate, dedup);
EXCEPTION WHEN data_exception OR syntax_error_or_access_rule_violation OR program_limit_exceeded THEN RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION rs.json_ordered_or_null(b bytea, truncate boolean DEFAULT false, dedup boolean DEFAULT false) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS
$$ BEGIN
  RETURN rs.json_ordered(b, truncate, dedup);
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
    WHEN 'object' THEN RETURN '{' || COALESCE((SELECT string_agg(to_jsonb(key)::text || ':' || rs.super_json(value), ',' ORDER BY i) FROM rs.super_attributes(v) WITH ORDINALITY AS x(key, value, i)), '') || '}';
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
-- "DECIMAL_PRECISION function", "DECIMAL_SCALE function": the digits of a number, those after its point; NULL for what is no decimal.
CREATE OR REPLACE FUNCTION rs.decimal_precision(v jsonb) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT CASE WHEN rs.is_decimal(v) THEN greatest(length(ltrim(replace(replace((v::numeric)::text, '.', ''), '-', ''), '0')), 1) END $$;
CREATE OR REPLACE FUNCTION rs.decimal_scale(v jsonb) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT CASE WHEN rs.is_decimal(v) THEN scale(v::numeric) END $$;
CREATE OR REPLACE FUNCTION rs.is_float(v jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT jsonb_typeof(v) = 'number' $$;
CREATE OR REPLACE FUNCTION rs.is_valid_json(t text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN RETURN json_typeof(t::json) = 'object'; EXCEPTION WHEN data_exception THEN RETURN false; END $$;
CREATE OR REPLACE FUNCTION rs.is_valid_json_array(t text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN RETURN json_typeof(t::json) = 'array'; EXCEPTION WHEN data_exception THEN RETURN false; END $$;
CREATE OR REPLACE FUNCTION rs.get_array_length(v jsonb) RETURNS integer LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN IF jsonb_typeof(v) = 'array' THEN RETURN jsonb_array_length(v); END IF; RETURN NULL; END $$;
CREATE OR REPLACE FUNCTION rs.get_number_attributes(v jsonb) RETURNS integer LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN IF jsonb_typeof(v) = 'object' THEN RETURN (SELECT count(*) FROM rs.super_attributes(v)); END IF; RETURN NULL; END $$;
CREATE OR REPLACE FUNCTION rs.lower_attribute_names(v jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  CASE jsonb_typeof(v)
    WHEN 'array' THEN RETURN COALESCE((SELECT jsonb_agg(rs.lower_attribute_names(e) ORDER BY i) FROM jsonb_array_elements(v) WITH ORDINALITY AS x(e, i)), '[]'::jsonb);
    WHEN 'object' THEN RETURN (SELECT rs.object(array_agg(lower(key) ORDER BY i), array_agg(rs.lower_attribute_names(value) ORDER BY i)) FROM rs.super_attributes(v) WITH ORDINALITY AS x(key, value, i));
    ELSE RETURN v;
  END CASE;
END $$;
CREATE OR REPLACE FUNCTION rs.upper_attribute_names(v jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  CASE jsonb_typeof(v)
    WHEN 'array' THEN RETURN COALESCE((SELECT jsonb_agg(rs.upper_attribute_names(e) ORDER BY i) FROM jsonb_array_elements(v) WITH ORDINALITY AS x(e, i)), '[]'::jsonb);
    WHEN 'object' THEN RETURN (SELECT rs.object(array_agg(upper(key) ORDER BY i), array_agg(rs.upper_attribute_names(value) ORDER BY i)) FROM rs.super_attributes(v) WITH ORDINALITY AS x(key, value, i));
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
CREATE OR REPLACE FUNCTION rs.json_text(t text, quiet boolean) RETURNS json LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN RETURN t::json;
EXCEPTION WHEN data_exception THEN
  IF quiet THEN RETURN NULL; END IF;
  RAISE EXCEPTION 'JSON parsing error' USING ERRCODE = '22023';
END $$;
-- A part of a JSON text as text: strings without quotes, objects and arrays as they are written, without blanks.
CREATE OR REPLACE FUNCTION rs.json_part(v json) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT CASE WHEN json_typeof(v) IN ('object', 'array') THEN rs.super_json(rs.ordered(v)) ELSE v #>> '{}' END $$;
CREATE OR REPLACE FUNCTION rs.json_extract_path_text(t text, path text[], quiet boolean) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ DECLARE v json := rs.json_text(t, quiet); k text;
BEGIN
  IF v IS NULL THEN RETURN NULL; END IF;
  FOREACH k IN ARRAY path LOOP v := CASE WHEN json_typeof(v) = 'object' THEN v -> k END; END LOOP;
  RETURN rs.json_part(v);
END $$;
CREATE OR REPLACE FUNCTION rs.json_extract_array_element_text(t text, i integer, quiet boolean) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ DECLARE v json := rs.json_text(t, quiet);
BEGIN
  IF v IS NULL OR i < 0 THEN RETURN NULL; END IF;
  RETURN rs.json_part(CASE WHEN json_typeof(v) = 'array' THEN v -> i END);
END $$;
CREATE OR REPLACE FUNCTION rs.json_array_length(t text, quiet boolean) RETURNS integer LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ DECLARE v json := rs.json_text(t, quiet);
BEGIN
  IF json_typeof(v) = 'array' THEN RETURN json_array_length(v); END IF;
  IF quiet THEN RETURN NULL; END IF;
  RAISE EXCEPTION 'JSON parsing error: not an array' USING ERRCODE = '22023';
END $$;
