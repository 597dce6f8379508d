-- SUPER: arrays and computing. Needs the functions of super.sql.

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
CREATE OR REPLACE FUNCTION rs.numbered(a jsonb) RETURNS TABLE (e jsonb, p jsonb, i bigint, n bigint) LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT x.e, x.p, x.i, row_number() OVER (PARTITION BY x.p ORDER BY x.i)
   FROM (SELECT y.e, rs.plain(y.e) AS p, y.i FROM jsonb_array_elements(a) WITH ORDINALITY AS y(e, i)) AS x $$;
CREATE OR REPLACE FUNCTION rs.array_distinct(a jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  IF jsonb_typeof(a) <> 'array' THEN RETURN NULL; END IF;
  RETURN COALESCE((SELECT jsonb_agg(e ORDER BY i) FROM rs.numbered(a) WHERE n = 1), '[]'::jsonb);
END $$;
CREATE OR REPLACE FUNCTION rs.array_except(a jsonb, b jsonb, as_sets boolean) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  IF jsonb_typeof(a) <> 'array' OR jsonb_typeof(b) <> 'array' THEN RETURN NULL; END IF;
  RETURN COALESCE((SELECT jsonb_agg(x.e ORDER BY x.i) FROM rs.numbered(a) AS x
    WHERE CASE WHEN as_sets THEN x.n = 1 AND NOT EXISTS (SELECT 1 FROM rs.numbered(b) AS y WHERE y.p = x.p)
               ELSE NOT EXISTS (SELECT 1 FROM rs.numbered(b) AS y WHERE y.p = x.p AND y.n = x.n) END), '[]'::jsonb);
END $$;
CREATE OR REPLACE FUNCTION rs.array_intersection(a jsonb, b jsonb, as_sets boolean) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  IF jsonb_typeof(a) <> 'array' OR jsonb_typeof(b) <> 'array' THEN RETURN NULL; END IF;
  RETURN COALESCE((SELECT jsonb_agg(x.e ORDER BY x.i) FROM rs.numbered(a) AS x
    WHERE (x.n = 1 OR NOT as_sets) AND EXISTS (SELECT 1 FROM rs.numbered(b) AS y WHERE y.p = x.p AND (as_sets OR y.n = x.n))), '[]'::jsonb);
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
  FROM (SELECT e, array_position(ARRAY['boolean', 'number', 'string', 'array', 'object'], jsonb_typeof(e)) AS k, row_number() OVER (ORDER BY rs.plain(e)) AS r
        FROM jsonb_array_elements(a) AS x(e) WHERE e <> 'null'::jsonb) AS ranked;
  RETURN CASE WHEN first THEN nulls || rest ELSE rest || nulls END;
END $$;
CREATE OR REPLACE FUNCTION rs.arrays_overlap(a jsonb, b jsonb) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
  IF jsonb_typeof(a) <> 'array' OR jsonb_typeof(b) <> 'array' THEN RETURN NULL; END IF;
  RETURN EXISTS (SELECT 1 FROM rs.numbered(a) AS x JOIN rs.numbered(b) AS y ON x.p = y.p);
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
$$ DECLARE base jsonb := CASE WHEN jsonb_typeof(v) = 'object' THEN v ELSE '{}'::jsonb END; names text[];
BEGIN
  names := ARRAY(SELECT x.key FROM rs.super_attributes(base) WITH ORDINALITY AS x(key, value, i) ORDER BY x.i);
  IF path[1] <> ALL (names) THEN names := names || path[1]; END IF;
  IF cardinality(path) > 1 THEN value := rs.object_put(base -> path[1], path[2:], value); END IF;
  RETURN rs.marked((base - E'\x01order') || jsonb_build_object(path[1], value), names);
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
