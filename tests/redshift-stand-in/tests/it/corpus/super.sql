CREATE TABLE customer (c_custkey BIGINT, c_orders SUPER);
INSERT INTO customer VALUES (1, json_parse('[{"o_orderkey": 10, "o_orderstatus": "F", "o_lineitems": [{"qty": 5}, {"qty": 7}]}, {"o_orderkey": 11, "o_orderstatus": "O", "o_lineitems": []}]')), (2, json_parse('[]')), (3, NULL)

# Querying semi-structured data: navigation
SELECT c_orders[0].o_orderkey, c_orders[0].o_lineitems[1].qty, c_orders[5], c_orders.nothing FROM customer WHERE c_custkey = 1
-> 10|7|~|~

SELECT c_orders[0].o_orderstatus FROM customer WHERE c_custkey = 1
-> "F"

SELECT c_orders[0]['o_orderkey'] FROM customer WHERE c_custkey = 1
-> 10

# Unnesting queries
SELECT c.c_custkey, o.o_orderkey FROM customer c, c.c_orders o ORDER BY o.o_orderkey::int
-> 1|10
-> 1|11

SELECT o.o_orderkey AS orderkey, l.qty FROM customer c, c.c_orders o, o.o_lineitems l ORDER BY 2
-> 10|5
-> 10|7

SELECT o.o_orderkey, i FROM customer AS c, c.c_orders AS o AT i ORDER BY i
-> 10|0
-> 11|1

SELECT c.c_custkey, o.o_orderkey FROM customer c LEFT JOIN c.c_orders o ON true ORDER BY 1, 2
-> 1|10
-> 1|11
-> 2|~
-> 3|~

SELECT o.o_orderkey FROM customer c, UNNEST(c.c_orders) AS o ORDER BY 1
-> 10
-> 11

CREATE TABLE foo AS SELECT json_parse('[[1.1, 1.2], [2.1, 2.2]]') AS multi_level_array

SELECT array, element FROM foo AS f, f.multi_level_array AS array, array AS element ORDER BY element
-> [1.1,1.2]|1.1
-> [1.1,1.2]|1.2
-> [2.1,2.2]|2.1
-> [2.1,2.2]|2.2

CREATE TABLE bar AS SELECT json_parse('{"scalar_array": [1, 2.3, 45000000]}') AS data

SELECT element, index FROM bar AS b, b.data.scalar_array AS element AT index ORDER BY 2
-> 1|0
-> 2.3|1
-> 45000000|2

# Object unpivoting
SELECT attr, json_typeof(val) FROM customer c, UNPIVOT c.c_orders[0] AS val AT attr WHERE c_custkey = 1 ORDER BY attr
-> o_lineitems|array
-> o_orderkey|number
-> o_orderstatus|string

SELECT attr, val FROM customer c, c.c_orders o, UNPIVOT o AS val AT attr WHERE attr = 'o_orderkey' ORDER BY 2
-> o_orderkey|10
-> o_orderkey|11

# Dynamic typing
SELECT count(*) FROM customer WHERE c_orders[0].o_orderstatus = 'F'
-> 1

SELECT count(*) FROM customer WHERE c_orders[0].o_orderstatus = 1
-> 0

SELECT c_orders[0].o_orderstatus <= 5, c_orders[0].o_orderkey + 1, c_orders[0].o_orderkey > 5 FROM customer WHERE c_custkey = 1
-> ~|11|true

# Dynamic typing: deep equality, GROUP BY and ORDER BY
SELECT json_parse('{"a": [1, 2]}') = json_parse('{"a":[1,2]}'), json_parse('[1]') = json_parse('[2]'), json_parse('1') = json_parse('1.0')
-> true|false|true

SELECT o.o_orderstatus, count(*) FROM customer c, c.c_orders o GROUP BY o.o_orderstatus ORDER BY 1
-> "F"|1
-> "O"|1

# Lax and strict modes: casts
SELECT json_parse('"abc"')::varchar, json_parse('12')::int, json_parse('"12"')::int, json_parse('{"a":1}')::varchar, json_parse('true')::boolean, json_parse('"2020-01-02"')::date
-> abc|12|~|~|true|2020-01-02

# Lax and strict modes: strict
SET cast_super_null_on_error TO off

SELECT json_parse('"x"')::int
!! 

RESET cast_super_null_on_error

SET navigate_super_null_on_error TO off

SELECT c_orders.a FROM customer WHERE c_custkey = 1
!! 

RESET navigate_super_null_on_error

# JSON_PARSE function
SELECT json_parse('[10001,10002,"abc"]'), json_typeof(json_parse('[10001,10002,"abc"]')), json_parse('"a"'), json_parse('null') IS NULL
-> [10001,10002,"abc"]|array|"a"|true

SELECT json_parse('{bad')
!! JSON_PARSE

# SUPER configurations: json_parse_dedup_attributes (default false): duplicate attribute names are an error
SELECT json_parse('{"a": 1, "b": {"a": 2}, "c": [{"d": 1, "d": 2}]}')
!! Duplicate attribute names

SELECT can_json_parse('{"a":1,"a":1,"b":1e8}'), can_json_parse('{"a":1,"b":1e8}'), can_json_parse('{"a":null,"a":1}'), can_json_parse('{"a":1.5e-3,"\\u0061":1}'), can_json_parse('{"1e5":1,"15":1e5}')
-> false|true|false|false|true

SELECT can_json_parse('{"null":1,"nul\\u006c":2}'), can_json_parse('{"null":1,"true":2, "x":"\\u00e9"}'), can_json_parse('{"a":-0,"b":"\\/"}'), can_json_parse('[{"a":[{"b":1,"c":{},"b":2}]}]'), can_json_parse('{"a":{"b":1},"c":{"b":1}}')
-> false|true|true|false|true

SELECT can_json_parse('{"a\\u0022":1,"a\\"":2}'), can_json_parse('{"a\\u0022":1,"a":"\\u0022null"}'), can_json_parse('{"a":"\\\\u0022","b":null}'), can_json_parse('{"a":"\\u0022","a":"x\\u0022y"}')
-> false|true|true|false

CREATE TABLE documents AS SELECT 1 AS n, '{"a":1,"a":2}'::varchar(100) AS t UNION ALL SELECT 2, '{"a":3}' UNION ALL SELECT 3, '{a' UNION ALL SELECT 4, NULL

# CAN_JSON_PARSE function: true if JSON_PARSE would succeed
SELECT n, json_parse(t) FROM documents WHERE can_json_parse(t) ORDER BY n
-> 2|{"a":3}

SELECT n, CASE WHEN can_json_parse(t) THEN json_parse(t) END AS v, NOT can_json_parse(t) FROM documents ORDER BY n
-> 1|~|true
-> 2|{"a":3}|false
-> 3|~|true
-> 4|~|~

SELECT count(*) FROM (SELECT n, json_parse(t) AS v FROM documents WHERE can_json_parse(t)) AS d WHERE d.v.a = 2
-> 0

SELECT n, json_parse(t) FROM documents WHERE can_json_parse(t) OR n = 1
!! Duplicate attribute names

DROP TABLE documents

# JSON_PARSE function: attributes keep their order
SELECT json_parse('{"zeta": 1, "a": {"y": 2, "b": 3}, "mm": null}')
-> {"zeta":1,"a":{"y":2,"b":3},"mm":null}

CREATE TABLE ordered (n INT, v SUPER); INSERT INTO ordered VALUES (1, json_parse('{"name": "Jo", "id": 7, "tags": [{"y": 1, "b": 2}]}')), (2, NULL); CREATE TEMP TABLE ordered_copy AS SELECT * FROM ordered

SELECT v, v.tags[0], json_serialize(v), json_size(v), get_number_attributes(v) FROM ordered_copy WHERE n = 1
-> {"name":"Jo","id":7,"tags":[{"y":1,"b":2}]}|{"y":1,"b":2}|{"name":"Jo","id":7,"tags":[{"y":1,"b":2}]}|43|3

SELECT a, x FROM ordered o, UNPIVOT o.v AS x AT a
-> name|"Jo"
-> id|7
-> tags|[{"y":1,"b":2}]

# Dynamic typing: deep equality does not ask for the order of attributes
SELECT v = json_parse('{"id": 7, "tags": [{"b": 2, "y": 1}], "name": "Jo"}'), array_contains(array(v), json_parse('{"tags": [{"b": 2, "y": 1}], "id": 7, "name": "Jo"}')) FROM ordered WHERE n = 1
-> true|true

SELECT array_distinct(json_parse('[{"bb": 1, "a": 2}, {"a": 2, "bb": 1}]')), upper_attribute_names(json_parse('{"zz": {"y": 1, "b": 2}, "a": 2}'))
-> [{"bb":1,"a":2}]|{"ZZ":{"Y":1,"B":2},"A":2}

# A variable of a procedure keeps it, too
CREATE PROCEDURE keep_order() AS $$ DECLARE d SUPER; e SUPER; BEGIN SELECT INTO d v FROM ordered WHERE n = 1; e := d; UPDATE ordered SET v = e WHERE n = 2; END; $$ LANGUAGE plpgsql; CALL keep_order()

SELECT v FROM ordered WHERE n = 2
-> {"name":"Jo","id":7,"tags":[{"y":1,"b":2}]}

DROP TABLE ordered

# JSON_EXTRACT_PATH_TEXT function: a part as it is written
SELECT json_extract_path_text('{"f2": {"f3": 1}, "f4": {"f6": "star", "f5": 99}}', 'f4')
-> {"f6":"star","f5":99}

# DECIMAL_PRECISION function, DECIMAL_SCALE function
SELECT decimal_precision(3.14159::super), decimal_scale(3.14159::super), decimal_precision(json_parse('"x"'))
-> 6|5|~

# CAN_JSON_PARSE function
SELECT can_json_parse('{"a":1}'), can_json_parse('{a'), can_json_parse('[1]'::varbyte)
-> true|false|true

# SUPER configurations, Parsing options: a string over 65,535 bytes is an error unless it may be cut
SELECT json_parse('["'::varbyte || from_hex(repeat('61', 30000)) || from_hex(repeat('61', 30000)) || from_hex(repeat('61', 30000)) || '"]'::varbyte)
!! 65535

SET json_parse_truncate_strings TO on

SELECT octet_length(json_parse('["'::varbyte || from_hex(repeat('61', 30000)) || from_hex(repeat('61', 30000)) || from_hex(repeat('61', 30000)) || '"]'::varbyte)[0]::varchar(65535)), can_json_parse('["'::varbyte || from_hex(repeat('61', 30000)) || from_hex(repeat('61', 30000)) || from_hex(repeat('61', 30000)) || '"]'::varbyte)
-> 65535|true

RESET json_parse_truncate_strings

# JSON_SIZE function
SELECT json_size(json_parse('[10001,10002,"⬤"]'))
-> 19

# JSON_SERIALIZE function
SELECT json_serialize(json_parse('[10001, 10002, "abc"]')), json_serialize(json_parse('{"a": "x\\"y"}'))
-> [10001,10002,"abc"]|{"a":"x\"y"}

# JSON_TYPEOF function
SELECT json_typeof(array(1, 2)), json_typeof(json_parse('1')), json_typeof(json_parse('"a"')), json_typeof(json_parse('true')), json_typeof(json_parse('{"a":null}').a), json_typeof(object())
-> array|number|string|boolean|null|object

# Type information functions
SELECT is_array(array(1)), is_object(array(1)), is_varchar(json_parse('"a"')), is_bigint(json_parse('1')), is_integer(json_parse('3000000000')), is_smallint(json_parse('5')), is_decimal(json_parse('1.5')), is_float(json_parse('1.5')), is_boolean(json_parse('true')), is_scalar(json_parse('{}')), is_char(json_parse('"a"'))
-> true|false|true|true|false|true|true|true|true|false|true

# ARRAY function
SELECT array(1, 50, NULL, 100), array(), array(1, 'two', array(3))
-> [1,50,null,100]|[]|[1,"two",[3]]

# ARRAY_CONCAT function
SELECT array_concat(array(10001, 10002), array(10003)), array_concat(array(1), array('A', 'B'))
-> [10001,10002,10003]|[1,"A","B"]

# ARRAY_CONTAINS function
SELECT array_contains(array(1, 2, 3), 2), array_contains(array('red', 'green'), 'blue')
-> true|false

# ARRAY_DISTINCT, ARRAY_EXCEPT, ARRAY_INTERSECTION, ARRAY_UNION functions
SELECT array_distinct(array(1, 2, 2, 1)), array_except(array('a', 'b', 'c'), array('b')), array_intersection(array(1, 2, 3), array(3, 2)), array_union(array(1, 2), array(2, 3))
-> [1,2]|["a","c"]|[2,3]|[1,2,3]

# ARRAY_POSITION and ARRAY_POSITIONS functions: positions count from 0
SELECT array_position(array('red', 'green', 'red'), 'green'), array_positions(array('red', 'green', 'red'), 'red'), array_position(array(1), 5)
-> 1|[0,2]|-1

# ARRAY_SORT function: kinds of values have an order
SELECT array_sort(array('b', 'a', 0, NULL, 1, false)), array_sort(array('b', 'a', 0, NULL, 1, false), false), array_sort(array(2, NULL, 1), false, false)
-> [false,0,1,"a","b",null]|[null,"b","a",1,0,false]|[2,1,null]

# ARRAY_POSITION function: nulls
SELECT array_position(array('red', NULL, 'green'), NULL), array_position(array('red', NULL), 'blue', false), array_position(array('red', NULL), 'blue', true), array_position(array('red'), NULL, false)
-> 1|~|-1|~

# ARRAY_EXCEPT function: multi-set and set semantics
SELECT array_except(array('b', 'b', 'b', 'b'), array('b', 'b')), array_except(array('a', 'b', 'b'), array('b'), true), array_except(array('a', NULL), array(NULL))
-> ["b","b"]|["a"]|["a"]

# ARRAYS_OVERLAP function
SELECT arrays_overlap(array(1, 2), array(2, 3)), arrays_overlap(array(1), array(3))
-> true|false

# ARRAY_FLATTEN function
SELECT array_flatten(array(array(1, 2, array(3, 4)), array(5))), array_flatten(array(1, array(2, array(3, array()))))
-> [1,2,3,4,5]|[1,2,3]

# Operators and functions: arithmetic over SUPER
SELECT floor(json_parse('2.5')), ceil(json_parse('2.5')), round(json_parse('2.5')), trunc(json_parse('-2.5')), abs(json_parse('-1.5')), json_parse('"a"') + json_parse('"b"'), json_parse('"a"') + json_parse('1'), json_parse('"a"') * 2, - json_parse('"a"')
-> 2|3|3|-2|1.5|"ab"|~|~|~

SELECT json_typeof(floor(json_parse('2.5'))), floor(json_parse('"a"')) IS NULL
-> number|true

# GET_ARRAY_LENGTH function
SELECT get_array_length(array(1, 2, 3, 4)), get_array_length(json_parse('{"a":1}'))
-> 4|~

# SPLIT_TO_ARRAY function
SELECT split_to_array('12|345|6789', '|'), split_to_array('a,b')
-> ["12","345","6789"]|["a","b"]

# SUBARRAY function
SELECT subarray(array('a', 'b', 'c', 'd', 'e', 'f'), 2, 3), subarray(array(1, 2, 3), 1)
-> ["c","d","e"]|[2,3]

# ARRAY_TO_STRING function
SELECT array_to_string(array(1, 2, 3), '-')
-> 1-2-3

# OBJECT function
SELECT object('bar', array(1, 2), 'foo', 1), object()
-> {"bar":[1,2],"foo":1}|{}

SELECT object('foo', 1, 'bar', array(1, 2))
-> {"foo":1,"bar":[1,2]}

# OBJECT_TRANSFORM function
SELECT object_transform(json_parse('{"name": {"first": "John", "last": "Doe"}, "age": 25, "ssn": "1", "company": "C", "country": "U.S."}') KEEP '"name"."first"', '"age"', '"company"', '"country"' SET '"name"."first"', 'JOHN', '"age"', 30, '"company"', 'Amazon')
-> {"name":{"first":"JOHN"},"age":30,"company":"Amazon","country":"U.S."}

SELECT object_transform(json_parse('{"name": {"first": "John", "last": "Doe"}, "age": 25}') KEEP '"name"."first"', '"age"' SET '"name"."first"', 'JOHN', '"age"', 30) = json_parse('{"name": {"first": "JOHN"}, "age": 30}')
-> true

SELECT object_transform(json_parse('[1]') KEEP '"a"'), object_transform(json_parse('{"a":1}')), object_transform(json_parse('{"a":1}') SET '"b"."c"', 2)
-> [1]|{"a":1}|{"b":{"c":2}}

# LOWER_ATTRIBUTE_NAMES and UPPER_ATTRIBUTE_NAMES functions
SELECT lower_attribute_names(json_parse('{"AbC": {"D": 1}}')), upper_attribute_names(json_parse('{"ab": 1}'))
-> {"abc":{"d":1}}|{"AB":1}

# GET_NUMBER_ATTRIBUTES function
SELECT get_number_attributes(json_parse('{"a":1,"b":2}'))
-> 2

# SIZE function
SELECT size(json_parse('[1]')) > 0
-> true

# JSON_EXTRACT_PATH_TEXT function
SELECT json_extract_path_text('{"f2":{"f3":1},"f4":{"f5":99,"f6":"star"}}', 'f4', 'f6'), json_extract_path_text('{"f2":{"f3":1}}', 'f2'), json_extract_path_text('{bad', 'a', true)
-> star|{"f3":1}|~

SELECT json_extract_path_text('{bad', 'a')
!! JSON

# JSON_EXTRACT_ARRAY_ELEMENT_TEXT function
SELECT json_extract_array_element_text('[111,112,113]', 2), json_extract_array_element_text('["a",["b",1,["c",2]]]', 1), json_extract_array_element_text('[1', 0, true)
-> 113|["b",1,["c",2]]|~

# JSON_ARRAY_LENGTH function
SELECT json_array_length('[11,12,13,{"f1":21,"f2":[25,26]},14]'), json_array_length('[11,12', true)
-> 5|~

# IS_VALID_JSON and IS_VALID_JSON_ARRAY functions
SELECT is_valid_json('{"a":2}'), is_valid_json('{''a'':2}'), is_valid_json_array('[1,2]'), is_valid_json_array('{"a":1}'), is_valid_json('{"a":{"b":1}')
-> true|false|true|false|false

# SUPER configurations: case of attribute names
SELECT json_parse('{"camelCase": 1}').camelCase, json_parse('{"camelCase": 1}')."camelCase"
-> ~|~

SET enable_case_sensitive_identifier TO true

SELECT json_parse('{"camelCase": 1}')."camelCase", json_parse('{"camelCase": 1}').camelCase
-> 1|~

RESET enable_case_sensitive_identifier

SET enable_case_sensitive_super_attribute TO true

SELECT json_parse('{"camelCase": 1}').camelCase
-> 1

RESET enable_case_sensitive_super_attribute

# SUPER configurations: duplicate attributes
SELECT json_parse('{"a":1,"a":2}')
!! uplicate

SET json_parse_dedup_attributes TO on

SELECT json_parse('{"a":1,"b":3,"a":2}')
-> {"b":3,"a":2}

RESET json_parse_dedup_attributes

# Limitations: numbers beyond 64 bits
SELECT json_parse('12345678901234567890.123456789')::decimal(38,10)
-> 12345678901234567890.1234567890

# Limitations: of numbers only those of scale 0 are booleans
SELECT 5::super::bool, 0::super::bool, 5.0::super::bool, json_parse('"t"')::bool
-> true|false|~|~

SELECT 5::decimal::bool
!! cannot cast

# Limitations: dates are not converted to SUPER
SELECT date '2020-01-01'::super
!! cannot cast

# INSERT of scalars into SUPER
CREATE TABLE s (v SUPER)

INSERT INTO s VALUES (1), ('text'), (json_parse('{"a":1}')), (NULL), (true)

SELECT v, json_typeof(v) FROM s WHERE v IS NOT NULL ORDER BY 2
-> true|boolean
-> 1|number
-> {"a":1}|object
-> "text"|string

# UPDATE and partial references
UPDATE s SET v.a = 2
!! 

MERGE INTO s USING (SELECT 1 AS v) x ON s.v.a = x.v WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (x.v)
!! Partial reference of SUPER column is not supported in MERGE statement

# Aggregates over SUPER
SELECT sum(o.o_orderkey), max(o.o_orderkey::int), count(o.o_orderkey), avg(o.o_orderkey) FROM customer c, c.c_orders o
-> 21|11|2|10.5

SELECT max(o.o_orderkey), min(o.o_orderstatus) FROM customer c, c.c_orders o
-> 11|"F"

# COALESCE and CASE over SUPER
SELECT nvl(json_parse('{"a":1}').b, 5), CASE WHEN json_parse('1') = 1 THEN 'one' END, greatest(json_parse('1'), json_parse('2'))
-> 5|one|2

# IS predicates of SUPER
SELECT json_parse('[1]') IS ARRAY, json_parse('{}') IS OBJECT, json_parse('1') IS NOT SCALAR
!! stand-in

# String functions over SUPER
SELECT upper(json_parse('"abc"')::varchar), len(json_parse('"abc"')::varchar), json_parse('"abc"')::varchar || 'd'
-> ABC|3|abcd
