# Overview of stored procedures: IN, INOUT and OUT arguments
CREATE OR REPLACE PROCEDURE test_sp1(f1 int, f2 varchar(20)) AS $$
BEGIN
  RAISE INFO 'f1 = %, f2 = %', f1, f2;
END;
$$ LANGUAGE plpgsql

CALL test_sp1(5, 'abc')

CREATE OR REPLACE PROCEDURE test_sp2(f1 IN int, f2 INOUT varchar(256), out_var OUT varchar(256)) AS $$
DECLARE
  loop_var int;
BEGIN
  IF f1 is null OR f2 is null THEN
    RAISE EXCEPTION 'input cannot be null';
  END IF;
  DROP TABLE if exists my_etl;
  CREATE TEMP TABLE my_etl(a int, b varchar);
  FOR loop_var IN 1..f1 LOOP
    insert into my_etl values (loop_var, f2);
    f2 := f2 || '+' || f2;
  END LOOP;
  SELECT INTO out_var count(*) from my_etl;
END;
$$ LANGUAGE plpgsql

CALL test_sp2(2, '2019')
-> 2019+2019+2019+2019|2

CALL test_sp2(NULL, 'x')
!! input cannot be null

# CREATE PROCEDURE: arguments without names, defaults of modes, overloads
CREATE PROCEDURE sp_over(a int) AS $$ BEGIN a := a; END; $$ LANGUAGE plpgsql

CREATE PROCEDURE sp_over(a varchar(10)) AS $$ BEGIN a := a; END; $$ LANGUAGE plpgsql

CREATE PROCEDURE sp_over(a int) AS $$ BEGIN a := a; END; $$ LANGUAGE plpgsql
!! already exists

# PL/pgSQL: conditional statements and loops
CREATE OR REPLACE PROCEDURE sp_loops(total OUT int, words OUT varchar(100)) AS $$
DECLARE
  i int := 0;
  r record;
BEGIN
  total := 0;
  words := '';
  LOOP
    i := i + 1;
    EXIT WHEN i > 5;
    CONTINUE WHEN i = 2;
    total := total + i;
  END LOOP;
  WHILE i > 3 LOOP
    i := i - 1;
  END LOOP;
  FOR j IN REVERSE 3..1 LOOP
    words := words || j;
  END LOOP;
  FOR r IN SELECT 1 AS n UNION ALL SELECT 2 ORDER BY 1 LOOP
    words := words || ',' || r.n;
  END LOOP;
  IF i = 3 THEN words := words || ' three';
  ELSIF i = 4 THEN words := words || ' four';
  ELSE words := words || ' other';
  END IF;
  CASE total WHEN 13 THEN words := words || '!'; ELSE words := words || '?'; END CASE;
END;
$$ LANGUAGE plpgsql

CALL sp_loops()
-> 13|321,1,2 three!

# PL/pgSQL: dynamic SQL
CREATE TABLE dyn (k int, v varchar(20))

CREATE OR REPLACE PROCEDURE sp_dynamic(tab varchar(30), found_rows OUT bigint) AS $$
DECLARE
  n bigint;
  stmt varchar(500);
BEGIN
  EXECUTE 'INSERT INTO ' || quote_ident(tab) || ' VALUES (1, ' || quote_literal('it''s') || '), (2, NULL)';
  GET DIAGNOSTICS n := ROW_COUNT;
  stmt := 'SELECT count(*) FROM ' || tab || ' WHERE k <= ' || n;
  EXECUTE stmt INTO found_rows;
END;
$$ LANGUAGE plpgsql

CALL sp_dynamic('dyn')
-> 2

SELECT v FROM dyn WHERE k = 1
-> it's

# PL/pgSQL: FOUND, SELECT INTO, record and %ROWTYPE
CREATE OR REPLACE PROCEDURE sp_found(res OUT varchar(200)) AS $$
DECLARE
  rec record;
  x dyn.v%TYPE;
BEGIN
  SELECT INTO rec * FROM dyn WHERE k = 99;
  IF NOT FOUND THEN res := 'none'; END IF;
  SELECT k, v INTO rec FROM dyn WHERE k = 1;
  IF FOUND THEN res := res || ' ' || rec.v; END IF;
  UPDATE dyn SET v = 'new' WHERE k = 2;
  IF FOUND THEN res := res || ' updated'; END IF;
  SELECT v INTO x FROM dyn WHERE k = 2;
  res := res || ' ' || x;
END;
$$ LANGUAGE plpgsql

CALL sp_found()
-> none it's updated new

# PL/pgSQL: cursors
CREATE OR REPLACE PROCEDURE sp_cursor(total OUT int) AS $$
DECLARE
  c CURSOR FOR SELECT k FROM dyn ORDER BY k;
  v int;
BEGIN
  total := 0;
  OPEN c;
  LOOP
    FETCH c INTO v;
    EXIT WHEN NOT FOUND;
    total := total + v;
  END LOOP;
  CLOSE c;
END;
$$ LANGUAGE plpgsql

CALL sp_cursor()
-> 3

# Trapping errors: atomic mode rethrows, the handler's work stays
CREATE TABLE errors (msg varchar(200))

CREATE OR REPLACE PROCEDURE sp_atomic() AS $$
BEGIN
  INSERT INTO dyn VALUES (77, 'lost');
  INSERT INTO dyn VALUES (1 / 0, 'x');
EXCEPTION WHEN OTHERS THEN
  INSERT INTO errors VALUES (SQLERRM);
END;
$$ LANGUAGE plpgsql

CALL sp_atomic()
!! ivide by zero

SELECT count(*), (SELECT count(*) FROM dyn WHERE k = 77) FROM errors
-> 1|0

# Trapping errors: NONATOMIC
CREATE OR REPLACE PROCEDURE sp_nonatomic() NONATOMIC AS $$
BEGIN
  INSERT INTO dyn VALUES (78, 'kept');
  EXECUTE 'SELECT 1 / 0';
EXCEPTION WHEN OTHERS THEN
  INSERT INTO errors VALUES (SQLSTATE);
END;
$$ LANGUAGE plpgsql

CALL sp_nonatomic()

SELECT count(*), (SELECT count(*) FROM dyn WHERE k = 78) FROM errors
-> 2|1

# Managing transactions: COMMIT and ROLLBACK
CREATE OR REPLACE PROCEDURE sp_commit() AS $$
BEGIN
  INSERT INTO dyn VALUES (80, 'a');
  COMMIT;
  INSERT INTO dyn VALUES (81, 'b');
  ROLLBACK;
END;
$$ LANGUAGE plpgsql

CALL sp_commit()

SELECT k FROM dyn WHERE k BETWEEN 80 AND 81
-> 80

BEGIN

CALL sp_commit()
!! atomic

ROLLBACK

# RAISE: placeholders take variables
CREATE OR REPLACE PROCEDURE sp_raise(n int) AS $$
DECLARE m varchar(20) := 'x';
BEGIN
  RAISE EXCEPTION 'bad % and %', n, m;
END;
$$ LANGUAGE plpgsql

CALL sp_raise(3)
!! bad 3 and x

# Stored procedure limitations
CREATE OR REPLACE PROCEDURE sp_vacuum() AS $$ BEGIN VACUUM dyn; END; $$ LANGUAGE plpgsql
!! VACUUM

# Nesting
CREATE OR REPLACE PROCEDURE sp_inner(a INOUT int) AS $$ BEGIN a := a * 2; END; $$ LANGUAGE plpgsql

CREATE OR REPLACE PROCEDURE sp_outer(a INOUT int) AS $$ BEGIN CALL sp_inner(a); a := a + 1; END; $$ LANGUAGE plpgsql

CALL sp_outer(5)
-> 11

# MERGE in a procedure: a typical slowly changing load
CREATE TABLE dim (id int, name varchar(20), changed timestamp);
CREATE TABLE stage (id int, name varchar(20), op char(1));
INSERT INTO stage VALUES (1, 'a', 'I'), (2, 'b', 'I'), (1, 'a2', 'U'), (2, 'b', 'D')

CREATE OR REPLACE PROCEDURE sp_load(rows OUT bigint) AS $$
BEGIN
  DROP TABLE IF EXISTS latest;
  CREATE TEMP TABLE latest AS
    SELECT id, name, op FROM (SELECT *, row_number() OVER (PARTITION BY id ORDER BY op DESC) AS rn FROM stage) AS s WHERE rn = 1;
  DELETE FROM dim USING latest WHERE dim.id = latest.id AND latest.op = 'D';
  MERGE INTO dim USING latest ON dim.id = latest.id
    WHEN MATCHED THEN UPDATE SET name = latest.name, changed = getdate()
    WHEN NOT MATCHED THEN INSERT (id, name, changed) VALUES (latest.id, latest.name, getdate());
  SELECT INTO rows count(*) FROM dim;
END;
$$ LANGUAGE plpgsql

CALL sp_load()
-> 2

CALL sp_load()
-> 2

SELECT id, name FROM dim ORDER BY 1
-> 1|a2
-> 2|b

# Refcursor results
CREATE OR REPLACE PROCEDURE sp_ref(rs INOUT refcursor) AS $$
BEGIN
  OPEN rs FOR SELECT k FROM dyn WHERE k < 3 ORDER BY k;
END;
$$ LANGUAGE plpgsql

BEGIN

CALL sp_ref('mycursor')
-> mycursor

FETCH ALL FROM mycursor
-> 1
-> 2

COMMIT

# CREATE FUNCTION: scalar SQL functions
CREATE FUNCTION f_sql_greater(float, float) RETURNS float STABLE AS $$ SELECT CASE WHEN $1 > $2 THEN $1 ELSE $2 END $$ LANGUAGE sql

SELECT f_sql_greater(1, 2.5), f_sql_greater(k, 1) FROM dyn WHERE k = 2
-> 2.5|2

# CREATE FUNCTION: Python functions are no longer created
CREATE FUNCTION f_py(a int) RETURNS int IMMUTABLE AS $$ return a $$ LANGUAGE plpythonu
!! ython

# DROP PROCEDURE, SHOW PROCEDURE, GRANT
GRANT EXECUTE ON PROCEDURE sp_raise(int) TO PUBLIC

ALTER PROCEDURE sp_raise(int) RENAME TO sp_raise2

DROP PROCEDURE sp_raise2(int)

DROP PROCEDURE sp_nowhere()
!! does not exist

# CALL: not a procedure
CALL f_sql_greater(1, 2)
!! 

SELECT sp_load()
!!

# Supported PL/pgSQL statements: what a session is, from the first statement on
CREATE TABLE who (n VARCHAR(300)); CREATE PROCEDURE note_user() AS $$ DECLARE u VARCHAR; s VARCHAR; BEGIN u := current_user; s := session_user; INSERT INTO who VALUES (u || ' ' || s); END; $$ LANGUAGE plpgsql; CALL note_user(); SELECT n FROM who
-> awsuser awsuser

# Overloaded procedures: a string constant is a string first
CREATE PROCEDURE note_kind(a INT) AS $$ BEGIN INSERT INTO who VALUES ('int'); END; $$ LANGUAGE plpgsql; CREATE PROCEDURE note_kind(a VARCHAR) AS $$ BEGIN INSERT INTO who VALUES ('text'); END; $$ LANGUAGE plpgsql; CALL note_kind('7'); CALL note_kind(7); SELECT n FROM who WHERE n LIKE '%t%' AND n NOT LIKE '% %' ORDER BY 1
-> int
-> text

# Clusters of embeddings: vectors as SUPER arrays, tables by dynamic SQL, a commit in every turn
CREATE TABLE doc_vectors (doc VARCHAR(5), v SUPER); INSERT INTO doc_vectors VALUES ('a', json_parse('[1.0, 0.0]')), ('b', json_parse('[0.9, 0.1]')), ('c', json_parse('[0.0, 1.0]')), ('d', json_parse('[0.1, 0.9]'))

CREATE PROCEDURE nearest(prefix IN VARCHAR, groups IN INT) AS $$
DECLARE g INT := 1; size INT;
BEGIN
  EXECUTE 'SELECT ceil(count(1) / ' || groups || ') FROM ' || prefix || '_vectors' INTO size;
  EXECUTE 'CREATE TABLE ' || prefix || '_centre (g INT, v SUPER, since TIMESTAMP, until TIMESTAMP) DISTSTYLE ALL';
  EXECUTE 'CREATE TABLE ' || prefix || '_member (g INT, doc VARCHAR(5), likeness FLOAT, place BIGINT) DISTKEY (doc)';
  WHILE g <= groups LOOP
    EXECUTE 'INSERT INTO ' || prefix || '_centre SELECT ' || g || ', v, current_timestamp, NULL FROM ' || prefix || '_vectors WHERE doc NOT IN (SELECT doc FROM ' || prefix || '_member) ORDER BY doc LIMIT 1';
    COMMIT;
    EXECUTE 'INSERT INTO ' || prefix || '_member SELECT * FROM (SELECT *, rank() OVER (PARTITION BY s.g ORDER BY s.likeness DESC) place FROM (
      SELECT k.g, e.doc, sum(kx::FLOAT * ex::FLOAT) / sqrt(sum(kx::FLOAT * kx::FLOAT) * sum(ex::FLOAT * ex::FLOAT)) likeness
      FROM ' || prefix || '_centre k, k.v kx AT ki, ' || prefix || '_vectors e, e.v ex AT ei
      WHERE ki = ei AND k.g = ' || g || ' AND e.doc NOT IN (SELECT doc FROM ' || prefix || '_member) GROUP BY 1, 2) s) r WHERE r.place <= ' || size;
    EXECUTE 'DROP TABLE IF EXISTS #middle';
    EXECUTE 'CREATE TABLE #middle AS SELECT json_parse(''['' || listagg(x::VARCHAR, '','') WITHIN GROUP (ORDER BY i) || '']'') v FROM (SELECT i, avg(p::FLOAT) x FROM ' || prefix || '_member m, ' || prefix || '_vectors w, w.v AS p AT i WHERE m.doc = w.doc AND m.g = ' || g || ' GROUP BY i) c';
    EXECUTE 'UPDATE ' || prefix || '_centre SET v = (SELECT v FROM #middle), until = current_timestamp WHERE g = ' || g;
    COMMIT;
    g := g + 1;
  END LOOP;
END $$ LANGUAGE plpgsql

CALL nearest('doc', 2); SELECT m.g, m.doc, m.place, c.v FROM doc_member m JOIN doc_centre c ON c.g = m.g ORDER BY 1, 3
-> 1|a|1|[0.95,0.05]
-> 1|b|2|[0.95,0.05]
-> 2|c|1|[0.05,0.95]
-> 2|d|2|[0.05,0.95]
