CREATE TABLE sales (salesid INT, sellerid INT, buyerid INT, qty SMALLINT, price DECIMAL(8,2), sold DATE);
INSERT INTO sales VALUES (1, 1, 10, 1, 10.00, '2008-01-01'), (2, 1, 11, 2, 20.00, '2008-01-02'), (3, 2, 10, 3, 30.00, '2008-02-01'), (4, 2, NULL, 4, 40.50, '2008-02-02'), (5, 3, 12, 5, 55.55, '2008-03-01')

# SELECT: TOP
SELECT TOP 2 salesid FROM sales ORDER BY salesid DESC
-> 5
-> 4

# LIMIT and OFFSET
SELECT salesid FROM sales ORDER BY 1 LIMIT 2 OFFSET 1
-> 2
-> 3

SELECT salesid FROM sales ORDER BY 1 OFFSET 4 LIMIT ALL
-> 5

# ORDER BY clause: nulls are last in ascending and first in descending order
SELECT buyerid FROM sales ORDER BY buyerid, salesid
-> 10
-> 10
-> 11
-> 12
-> ~

SELECT buyerid FROM sales ORDER BY buyerid DESC, salesid LIMIT 2
-> ~
-> 12

SELECT buyerid FROM sales ORDER BY buyerid NULLS FIRST, salesid LIMIT 1
-> ~

# SELECT list: lateral column alias
SELECT salesid AS s, s * 2 AS doubled, doubled + 1 FROM sales WHERE salesid = 1
-> 1|2|3

# WHERE clause: a column alias of the select list does not stand in WHERE of an aggregate
SELECT sellerid AS who, sum(qty) AS total FROM sales GROUP BY who HAVING sum(qty) > 3 ORDER BY 1
-> 2|7
-> 3|5

# EXCLUDE column_list
SELECT * EXCLUDE (price, sold, qty) FROM sales WHERE salesid = 1
-> 1|1|10

SELECT * EXCLUDE price, sold FROM sales WHERE salesid = 1
-> 1|1|10|1

# GROUP BY clause: ALL
SELECT sellerid, sum(qty) FROM sales GROUP BY ALL ORDER BY 1
-> 1|3
-> 2|7
-> 3|5

SELECT sellerid + 1 AS n, max(price), count(*) FROM sales GROUP BY ALL ORDER BY 1 LIMIT 1
-> 2|20.00|2

# GROUP BY clause: ordinals
SELECT sellerid, avg(price) FROM sales GROUP BY 1 ORDER BY 1
-> 1|15.00
-> 2|35.25
-> 3|55.55

# Aggregation extensions: GROUPING SETS
SELECT sellerid, buyerid, sum(qty) FROM sales WHERE sellerid < 3 GROUP BY GROUPING SETS ((sellerid), (buyerid), ()) ORDER BY 1, 2, 3
-> 1|~|3
-> 2|~|7
-> ~|10|4
-> ~|11|2
-> ~|~|4
-> ~|~|10

# Aggregation extensions: ROLLUP and CUBE
SELECT sellerid, sum(qty) FROM sales GROUP BY ROLLUP(sellerid) ORDER BY 1
-> 1|3
-> 2|7
-> 3|5
-> ~|15

SELECT count(*) FROM (SELECT sellerid, buyerid, count(*) AS n FROM sales GROUP BY CUBE(sellerid, buyerid)) AS c
-> 13

# GROUPING function
SELECT sellerid, grouping(sellerid), sum(qty) FROM sales GROUP BY ROLLUP(sellerid) ORDER BY 2, 1
-> 1|0|3
-> 2|0|7
-> 3|0|5
-> ~|1|15

# GROUPING_ID function
SELECT grouping_id(sellerid, buyerid) AS g, count(*) FROM sales GROUP BY GROUPING SETS ((sellerid, buyerid), (sellerid), ()) ORDER BY 1, 2
-> 0|1
-> 0|1
-> 0|1
-> 0|1
-> 0|1
-> 1|1
-> 1|2
-> 1|2
-> 3|5

# AVG function: of integers
SELECT avg(qty), avg(qty::float), avg(price) FROM sales
-> 3|3|31.21

# SUM and COUNT functions
SELECT sum(qty), sum(price), count(buyerid), count(DISTINCT sellerid), count(*) FROM sales
-> 15|156.05|4|3|5

# APPROXIMATE COUNT
SELECT approximate count(DISTINCT sellerid) FROM sales
-> 3

# APPROXIMATE PERCENTILE_DISC function
SELECT approximate percentile_disc(0.5) WITHIN GROUP (ORDER BY qty) FROM sales
-> 3

# MEDIAN function
SELECT median(qty), median(price) FROM sales
-> 3|30

# PERCENTILE_CONT and PERCENTILE_DISC functions
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY qty), percentile_disc(0.5) WITHIN GROUP (ORDER BY qty) FROM sales WHERE qty < 5
-> 2.5|2

# STDDEV and VARIANCE functions
SELECT stddev_pop(qty)::decimal(10,4), var_samp(qty), variance(qty) FROM sales
-> 1.4142|2.5|2.5

# BIT_AND, BIT_OR, BOOL_AND, BOOL_OR functions
SELECT bit_and(qty), bit_or(qty), bool_and(qty > 0), bool_or(qty > 4) FROM sales
-> 0|7|true|true

# ANY_VALUE function
SELECT any_value(sellerid) FROM sales WHERE sellerid = 3
-> 3

# LISTAGG function
SELECT listagg(sellerid, ', ') WITHIN GROUP (ORDER BY salesid), listagg(DISTINCT sellerid, ',') WITHIN GROUP (ORDER BY sellerid) FROM sales
-> 1, 1, 2, 2, 3|1,2,3

SELECT sellerid, listagg(salesid) WITHIN GROUP (ORDER BY salesid DESC) FROM sales GROUP BY sellerid ORDER BY 1
-> 1|21
-> 2|43
-> 3|5

# LISTAGG window function
SELECT salesid, listagg(salesid, '-') WITHIN GROUP (ORDER BY salesid) OVER (PARTITION BY sellerid) FROM sales ORDER BY 1
-> 1|1-2
-> 2|1-2
-> 3|3-4
-> 4|3-4
-> 5|5

SELECT DISTINCT listagg(DISTINCT sellerid, '-') WITHIN GROUP (ORDER BY sellerid DESC) OVER () FROM sales
-> 3-2-1

# Window functions: ranks
SELECT salesid, row_number() OVER (PARTITION BY sellerid ORDER BY price DESC), rank() OVER (ORDER BY sellerid), dense_rank() OVER (ORDER BY sellerid) FROM sales ORDER BY 1
-> 1|2|1|1
-> 2|1|1|1
-> 3|2|3|2
-> 4|1|3|2
-> 5|1|5|3

# Window functions: an aggregate with ORDER BY needs a frame
SELECT sum(qty) OVER (ORDER BY salesid) FROM sales
!! require a frame clause

SELECT salesid, sum(qty) OVER (ORDER BY salesid ROWS UNBOUNDED PRECEDING), avg(qty) OVER (ORDER BY salesid ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM sales ORDER BY 1
-> 1|1|1
-> 2|3|2
-> 3|6|3
-> 4|10|4
-> 5|15|4

# FIRST_VALUE and LAST_VALUE window functions: IGNORE NULLS
SELECT salesid, last_value(buyerid IGNORE NULLS) OVER (ORDER BY salesid ROWS UNBOUNDED PRECEDING), first_value(buyerid) IGNORE NULLS OVER (ORDER BY salesid DESC ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM sales ORDER BY 1
-> 1|10|12
-> 2|11|12
-> 3|10|12
-> 4|10|12
-> 5|12|12

# LAG and LEAD window functions: IGNORE NULLS
SELECT salesid, lag(buyerid, 1) IGNORE NULLS OVER (ORDER BY salesid), lead(buyerid) OVER (ORDER BY salesid), lead(buyerid) IGNORE NULLS OVER (ORDER BY salesid), lag(buyerid, 2) IGNORE NULLS OVER (ORDER BY salesid) FROM sales ORDER BY 1
-> 1|~|11|11|~
-> 2|10|10|10|~
-> 3|11|~|12|10
-> 4|10|12|12|11
-> 5|10|~|~|11

# NTH_VALUE window function
SELECT salesid, nth_value(buyerid, 4) IGNORE NULLS OVER (ORDER BY salesid ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM sales WHERE salesid > 4 OR salesid < 2 ORDER BY 1
-> 1|~
-> 5|~

# MEDIAN window function
SELECT salesid, median(price) OVER (PARTITION BY sellerid) FROM sales ORDER BY 1
-> 1|15
-> 2|15
-> 3|35.25
-> 4|35.25
-> 5|55.55

# PERCENTILE_CONT and PERCENTILE_DISC window functions
SELECT salesid, percentile_cont(0.5) WITHIN GROUP (ORDER BY qty) OVER (PARTITION BY sellerid), percentile_disc(0.5) WITHIN GROUP (ORDER BY qty) OVER (PARTITION BY sellerid) FROM sales ORDER BY 1 LIMIT 2
-> 1|1.5|1
-> 2|1.5|1

# RATIO_TO_REPORT window function
SELECT salesid, ratio_to_report(qty) OVER (PARTITION BY sellerid) FROM sales WHERE sellerid > 1 ORDER BY 1
-> 3|0.42857142857142855
-> 4|0.5714285714285714
-> 5|1

# CUME_DIST, PERCENT_RANK and NTILE window functions
SELECT salesid, cume_dist() OVER (ORDER BY salesid), percent_rank() OVER (ORDER BY salesid), ntile(2) OVER (ORDER BY salesid) FROM sales ORDER BY 1 LIMIT 2
-> 1|0.2|0|1
-> 2|0.4|0.25|1

# QUALIFY clause
SELECT salesid, sellerid FROM sales AS s QUALIFY row_number() OVER (PARTITION BY sellerid ORDER BY price DESC) = 1 ORDER BY 1
-> 2|1
-> 4|2
-> 5|3

SELECT sellerid, row_number() OVER (PARTITION BY sellerid ORDER BY salesid) AS rn FROM sales WHERE qty > 0 QUALIFY rn = 2 ORDER BY 1
-> 1|2
-> 2|2

# WITH clause
WITH big AS (SELECT * FROM sales WHERE price > 25), by_seller (id, total) AS (SELECT sellerid, sum(price) FROM big GROUP BY 1) SELECT * FROM by_seller ORDER BY id
-> 2|70.50
-> 3|55.55

# WITH clause: recursive
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n ORDER BY i
-> 1
-> 2
-> 3

WITH RECURSIVE tree (id, parent, path) AS (SELECT 1, NULL::int, '1'::varchar(50) UNION ALL SELECT id + 1, id, path || '.' || (id + 1) FROM tree WHERE id < 3) SELECT path FROM tree ORDER BY id
-> 1
-> 1.2
-> 1.2.3

# JOIN examples
SELECT a.salesid, b.salesid FROM sales a JOIN sales b ON a.sellerid = b.sellerid AND a.salesid < b.salesid ORDER BY 1
-> 1|2
-> 3|4

SELECT count(*) FROM sales a LEFT JOIN (SELECT 10 AS buyerid) b USING (buyerid) WHERE b.buyerid IS NULL
-> 3

SELECT a.n, b.n FROM (SELECT 1 AS n UNION ALL SELECT 2) a FULL OUTER JOIN (SELECT 2 AS n UNION ALL SELECT 3) b ON a.n = b.n ORDER BY 1, 2
-> 1|~
-> 2|2
-> ~|3

SELECT count(*) FROM sales NATURAL JOIN (SELECT 1 AS sellerid) s
-> 2

# FROM clause: a subquery without an alias
SELECT count(*) FROM (SELECT salesid FROM sales WHERE qty > 2)
-> 3

# Oracle-Style outer joins in the WHERE clause
CREATE TABLE shelf (id INT, label VARCHAR(10)); INSERT INTO shelf VALUES (1, 'top'), (2, 'low'), (3, 'none'); CREATE TABLE book (id INT, shelf_id INT, pages INT); INSERT INTO book VALUES (10, 1, 300), (11, 1, 90), (12, 2, 80)

SELECT label, book.id FROM shelf, book WHERE shelf.id = book.shelf_id(+) ORDER BY 1, 2
-> low|12
-> none|~
-> top|10
-> top|11

SELECT label, book.id FROM shelf, book WHERE shelf.id = book.shelf_id(+) AND pages(+) > 100 ORDER BY 1, 2
-> low|~
-> none|~
-> top|10

SELECT label, book.id FROM shelf, book WHERE shelf.id = book.shelf_id(+) AND pages > 100
-> top|10

SELECT count(*) FROM shelf a, shelf b WHERE a.id(+) * 2 = b.id
-> 3

SELECT count(*) FROM shelf, book WHERE shelf.id = book.shelf_id(+) OR pages = 1
!! Outer join operator (+) not allowed in operand of OR or IN.

SELECT count(*) FROM shelf, book, book other WHERE book.shelf_id(+) = shelf.id AND book.pages(+) = other.id
!! A table may be outer joined to at most one other table.

SELECT count(*) FROM shelf JOIN book ON true WHERE shelf.id = book.shelf_id(+)
!! FROM clause join syntax

# CONNECT BY clause
CREATE TABLE part (id INT, name VARCHAR(10), whole INT); INSERT INTO part VALUES (1, 'bike', NULL), (2, 'wheel', 1), (3, 'frame', 1), (4, 'spoke', 2), (5, 'rim', 2), (6, 'car', NULL)

SELECT id, name, level FROM part START WITH name = 'bike' CONNECT BY PRIOR id = whole ORDER BY level, id
-> 1|bike|1
-> 2|wheel|2
-> 3|frame|2
-> 4|spoke|3
-> 5|rim|3

SELECT p.name FROM part p WHERE level > 1 AND name <> 'rim' CONNECT BY whole = PRIOR p.id START WITH whole IS NULL ORDER BY 1
-> frame
-> spoke
-> wheel

SELECT level, count(*) FROM part AS start CONNECT BY PRIOR id = whole AND level < 3 START WITH id = 1 GROUP BY level ORDER BY level
-> 1|1
-> 2|2

SELECT count(*) FROM part CONNECT BY PRIOR id = whole
-> 12

SELECT level FROM part CONNECT BY level < 5
!! PRIOR

# UNION, INTERSECT and EXCEPT
SELECT sellerid FROM sales UNION SELECT 9 EXCEPT SELECT 1 ORDER BY 1
-> 2
-> 3
-> 9

SELECT sellerid FROM sales INTERSECT SELECT 2 UNION ALL SELECT 7 ORDER BY 1
-> 2
-> 7

SELECT 1 AS a MINUS SELECT 1
-> (none)

SELECT 1 EXCEPT ALL SELECT 1
!! EXCEPT ALL

# Subqueries
SELECT salesid FROM sales WHERE price = (SELECT max(price) FROM sales) OR sellerid IN (SELECT 1) ORDER BY 1
-> 1
-> 2
-> 5

SELECT salesid FROM sales s WHERE EXISTS (SELECT 1 FROM sales x WHERE x.sellerid = s.sellerid AND x.salesid > s.salesid) ORDER BY 1
-> 1
-> 3

SELECT salesid FROM sales WHERE price >= ALL (SELECT price FROM sales)
-> 5

SELECT sellerid, (SELECT max(price) FROM sales x WHERE x.sellerid = s.sellerid) FROM sales s WHERE salesid = 1
-> 1|20.00

# Row comparisons
SELECT salesid FROM sales WHERE (sellerid, buyerid) IN ((1, 10), (2, 10)) ORDER BY 1
-> 1
-> 3

SELECT salesid FROM sales WHERE (sellerid, buyerid) = (1, 11)
-> 2

SELECT salesid FROM sales WHERE (sellerid, buyerid) IN (SELECT 3, 12)
-> 5

# PIVOT
SELECT * FROM (SELECT sellerid, qty FROM sales) PIVOT (sum(qty) FOR sellerid IN (1, 2, 3))
-> 3|7|5

SELECT * FROM (SELECT sellerid, salesid > 2 AS late FROM sales) PIVOT (count(*) AS n FOR sellerid IN (1 AS one, 2 AS two)) ORDER BY late
-> false|2|0
-> true|0|2

SELECT late, one_n, two_n FROM (SELECT sellerid, salesid > 2 AS late FROM sales) PIVOT (count(*) AS n FOR sellerid IN (1 AS one, 2 AS two)) AS p WHERE p.two_n = 2
-> true|0|2

SELECT "10", "null" FROM (SELECT buyerid, qty FROM sales) PIVOT (sum(qty) FOR buyerid IN (10, NULL))
-> 4|4

# PIVOT: not over joins
SELECT * FROM (sales a JOIN sales b ON a.salesid = b.salesid) PIVOT (sum(qty) FOR sellerid IN (1))
!! 

CREATE TABLE count_by_color (quality VARCHAR, red INT, green INT, blue INT);
INSERT INTO count_by_color VALUES ('high', 15, 20, 7), ('normal', 35, NULL, 40), ('low', 10, 23, NULL)

# UNPIVOT
SELECT * FROM (SELECT red, green, blue FROM count_by_color) UNPIVOT (cnt FOR color IN (red, green, blue)) ORDER BY color, cnt
-> blue|7
-> blue|40
-> green|20
-> green|23
-> red|10
-> red|15
-> red|35

SELECT quality, color, cnt FROM count_by_color UNPIVOT INCLUDE NULLS (cnt FOR color IN (red AS r, green AS g)) ORDER BY 1, 2
-> high|g|20
-> high|r|15
-> low|g|23
-> low|r|10
-> normal|g|~
-> normal|r|35

# Examples of UPDATE statements: what FROM calls by an alias is the target itself; outer joins to it are refused
CREATE TABLE kinds (catid INT, catgroup VARCHAR(10), catname VARCHAR(10)); INSERT INTO kinds VALUES (8, 'Shows', 'Opera'), (9, 'Concerts', 'Pop'), (10, 'Concerts', 'Jazz');
CREATE TABLE shown (catid INT); INSERT INTO shown VALUES (8), (9), (9)

UPDATE kinds SET catid = 100 FROM shown JOIN kinds cat ON shown.catid = cat.catid WHERE cat.catgroup = 'Concerts' OR cat.catgroup = 'None'

SELECT * FROM kinds ORDER BY catid
-> 8|Shows|Opera
-> 10|Concerts|Jazz
-> 100|Concerts|Pop

UPDATE kinds SET catname = k.catname || catgroup FROM shown s, kinds k WHERE s.catid = k.catid AND (k.catid, catgroup) IN (SELECT catid, MAX(catgroup) FROM kinds i WHERE i.catid = s.catid GROUP BY 1)

UPDATE kinds SET catname = 'x' FROM shown LEFT JOIN kinds cat ON shown.catid = cat.catid WHERE cat.catgroup = 'Shows'
!! Target table must be part of an equijoin predicate

UPDATE kinds SET catname = other.catname FROM kinds other WHERE other.catid = 8 AND kinds.catid = 10

UPDATE kinds SET catgroup = 'y' FROM shown s INNER JOIN public.kinds ON s.catid + 92 = kinds.catid

SELECT * FROM kinds ORDER BY catid
-> 8|Shows|OperaShows
-> 10|Concerts|OperaShows
-> 100|y|Pop

# UPDATE: FROM, alias and subquery
UPDATE sales SET qty = s.n FROM (SELECT 1 AS id, 9 AS n) s WHERE sales.salesid = s.id

UPDATE sales AS t SET price = t.price + 1, buyerid = DEFAULT WHERE t.salesid = 1

SELECT qty, price, buyerid FROM sales WHERE salesid = 1
-> 9|11.00|~

# DELETE: USING
DELETE FROM sales USING (SELECT 1 AS id) s WHERE sales.salesid = s.id

# DELETE with a WITH clause
WITH gone AS (SELECT 2 AS id) DELETE FROM sales WHERE salesid IN (SELECT id FROM gone)

DELETE sales WHERE salesid = 3

SELECT salesid FROM sales ORDER BY 1
-> 4
-> 5

# INSERT: column list, DEFAULT, query
CREATE TABLE defaults (id INT IDENTITY(1,1), name VARCHAR(20) DEFAULT 'none', at TIMESTAMP DEFAULT sysdate)

INSERT INTO defaults (name) VALUES ('a'), (DEFAULT)

INSERT INTO defaults DEFAULT VALUES

INSERT INTO defaults (name) SELECT 'q'

SELECT id, name, at IS NOT NULL FROM defaults ORDER BY id
-> 1|a|true
-> 2|none|true
-> 3|none|true
-> 4|q|true

INSERT INTO defaults (id, name) VALUES (9, 'x')
!! identity

# CREATE TABLE, INSERT: values of a column GENERATED BY DEFAULT AS IDENTITY may be given, those of an IDENTITY column may not
CREATE TABLE numbered (hist_id BIGINT IDENTITY(0, 1), base_id BIGINT GENERATED BY DEFAULT AS IDENTITY(10, 1), name VARCHAR(9))

INSERT INTO numbered (name) VALUES ('a')

INSERT INTO numbered (base_id, name) VALUES (5, 'b'), (DEFAULT, 'c')

INSERT INTO numbered VALUES (7, 'd')

INSERT INTO numbered (hist_id, name) VALUES (5, 'e')
!! cannot set an identity column

SELECT hist_id, base_id, name FROM numbered ORDER BY hist_id
-> 0|10|a
-> 1|5|b
-> 2|11|c
-> 3|7|d

# MERGE
CREATE TABLE target (id INT, name VARCHAR(10)); INSERT INTO target VALUES (101, 'Bob'), (102, 'John'), (103, 'Susan');
CREATE TABLE source (id INT, name VARCHAR(10)); INSERT INTO source VALUES (102, 'Tony'), (103, 'Alice'), (104, 'Bill')

MERGE INTO target USING source ON target.id = source.id WHEN MATCHED THEN UPDATE SET id = source.id, name = source.name WHEN NOT MATCHED THEN INSERT VALUES (source.id, source.name)

SELECT * FROM target ORDER BY id
-> 101|Bob
-> 102|Tony
-> 103|Alice
-> 104|Bill

MERGE INTO target USING source AS s ON target.id = s.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)

SELECT id FROM target
-> 101

MERGE INTO target USING (SELECT DISTINCT id, name FROM source) s ON target.id = s.id WHEN MATCHED THEN UPDATE SET name = s.name WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.name)

SELECT count(*) FROM target
-> 4

MERGE INTO target USING source ON target.id = source.id REMOVE DUPLICATES

SELECT count(*) FROM target
-> 4

# MERGE: restrictions
MERGE INTO target t USING source ON t.id = source.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (source.id, source.name)
!! 

MERGE INTO target USING source ON target.id = source.id WHEN MATCHED THEN DELETE
!! MERGE statement with a single WHEN clause is not enabled

INSERT INTO source VALUES (104, 'again')

MERGE INTO target USING source ON target.id = source.id WHEN MATCHED THEN UPDATE SET name = source.name WHEN NOT MATCHED THEN INSERT VALUES (source.id, source.name)
!! Found multiple matches to update the same tuple.

MERGE INTO target USING (SELECT * FROM target) s ON target.id = s.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.name)
!! cannot reference target table

# What PostgreSQL has and Redshift has not
SELECT DISTINCT ON (id) id FROM target
!! DISTINCT ON

INSERT INTO target VALUES (1, 'a') ON CONFLICT DO NOTHING
!! 

INSERT INTO target VALUES (1, 'a') RETURNING id
!! 

SELECT count(*) FILTER (WHERE id > 1) FROM target
!! FILTER

SELECT * FROM target FETCH FIRST 1 ROW ONLY
!! 

SELECT string_agg(name, ',') FROM target
!! does not exist

SELECT '{"a":1}'::jsonb
!! jsonb

VALUES (1)
!! 

SELECT * FROM (VALUES (1)) AS v
!! 

SELECT * FROM target FOR UPDATE
!! 

# HLL functions
SELECT hll(id) FROM target
!! HLL

# Spatial functions
SELECT st_point(1, 2)
!! ST_POINT
