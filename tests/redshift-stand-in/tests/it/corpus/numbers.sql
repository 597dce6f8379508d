# ABS, CEIL, FLOOR, SIGN functions
SELECT abs(-38), ceil(2.3), ceiling(-2.3), floor(-2.3), sign(-5), abs(-1.5)
-> 38|3|-2|-3|-1|1.5

# MOD function
SELECT mod(10, 4), mod(-10, 3), 10 % 4
-> 2|-1|2

# POWER function
SELECT power(2, 10), pow(9, 0.5), 2 ^ 3
-> 1024|3|8

# ROUND function
SELECT round(28.05, 1), round(2.5), round(-2.5), round(1234.567, -2), round(7)
-> 28.1|3|-3|1200|7

# TRUNC function
SELECT trunc(111.86), trunc(111.86, 1), trunc(-111.86, -1), trunc(5)
-> 111|111.8|-110|5

# SQRT, CBRT, EXP, LN, LOG functions
SELECT sqrt(16), cbrt(27), round(exp(1)::decimal(10,5), 5), ln(1), log(1000), dlog10(100), dexp(0), dlog1(1)
-> 4|3|2.71828|0|3|2|1|0

# PI, DEGREES, RADIANS functions
SELECT pi() > 3.14159, degrees(pi()), round(radians(180)::decimal(10,4), 4)
-> true|180|3.1416

# Trigonometric functions
SELECT sin(0), cos(0), tan(0), asin(0), acos(1), atan(0), atan2(0, 1)
-> 0|1|0|0|0|0|0

# Mathematical operator symbols
SELECT |/ 25.0, ||/ 27.0, @ -5, 91 & 15, 32 | 3, 17 # 5, ~ 1, 1 << 4, 8 >> 2
-> 5|3|5|11|35|20|-2|16|2

# Integer division
SELECT 7 / 2, -7 / 2, 7 % 2, 1 / 3
-> 3|-3|1|0

# Division by zero
SELECT 1 / 0
!! ivide by zero

# Numeric calculations: addition keeps the larger scale
SELECT 1.5 + 2.25, 1.50 - 0.5, 1.0::decimal(10,4) + 1
-> 3.75|1.00|2.0000

# Numeric calculations: multiplication adds scales
SELECT 1.5 * 2.25, 2.00 * 3
-> 3.375|6.00

# Numeric calculations: division scale is max(4, s1 + p2 - s2 + 1)
SELECT 10.0::decimal(5,1) / 4.0::decimal(5,1), 1::decimal(8,2) / 3::decimal(8,2)
-> 2.500000|0.333333333

# Numeric calculations: division of DECIMAL by INTEGER (an INTEGER is DECIMAL(10,0))
SELECT 10.00::decimal(8,2) / 4
-> 2.5000000000000

# Numeric calculations: overflow
SELECT 99999999999999999999999999999999999999::decimal(38,0) * 10
!! overflow

# Integer types: overflow
SELECT 2147483647::int + 1::int
!! out of range

SELECT 32767::smallint + 1::smallint
!! out of range

SELECT 40000::smallint
!! out of range

# CAST: a DECIMAL to INTEGER rounds
SELECT cast(109.652 AS int), 2.5::int, (-2.5)::int, 162.00::integer
-> 110|3|-3|162

# CAST: DECIMAL rounds to the target's scale
SELECT 162.005::decimal(5,2), cast('12.345' AS decimal(4,1)), 1.5::decimal
-> 162.01|12.3|2

# CAST: the value does not fit
SELECT 162.00::decimal(3,2)
!! overflow

# DECIMAL without precision is DECIMAL(18,0)
SELECT 12.7::numeric
-> 13

# Implicit conversion of a string constant
SELECT '5' + 3, 10 - '4', '2' * 3
-> 8|6|6

# Comparison of a number with a string constant
SELECT 1 = '1', 5 < '10'
-> true|true

# CAST: not a number
SELECT 'abc'::int
!! Invalid digit, Value 'a', Pos 0, Type: Integer

SELECT '1.5'::int
!! Invalid digit

# TRY_CAST function
SELECT try_cast('123' AS int), try_cast('foo' AS int), try_cast('2020-13-01' AS date), try_cast('1.5' AS decimal(5,1))
-> 123|~|~|1.5

# CONVERT function
SELECT convert(int, 2.6), convert(decimal(5,2), '3.14159')
-> 3|3.14

# BOOLEAN type
SELECT 't'::boolean, 'no'::boolean, 1::boolean, 0::boolean, true::int
-> true|false|true|false|1

# BOOLEAN type: no text form
SELECT true::varchar
!! cannot cast type boolean to character varying

# Three-valued logic
SELECT NULL AND false, NULL OR true, NOT NULL::boolean, NULL = NULL, (1 = NULL) IS UNKNOWN
-> false|true|~|~|true

# IS TRUE, IS FALSE
SELECT (1 = 1) IS TRUE, (1 = 2) IS NOT FALSE, (NULL::boolean) IS TRUE
-> true|false|false

# BETWEEN
SELECT 5 BETWEEN 1 AND 5, 5 NOT BETWEEN 6 AND 1, NULL BETWEEN 1 AND 2
-> true|true|~

# GREATEST and LEAST functions: nulls are left out
SELECT greatest(1, NULL, 3), least(NULL, 2, 1), greatest(NULL::int, NULL), least('a', 'b')
-> 3|1|~|a

# NVL and COALESCE functions
SELECT nvl(NULL, 1), coalesce(NULL, NULL, 'x'), nvl('a', 'b'), nvl(NULL, NULL, 2)
-> 1|x|a|2

# NVL2 function
SELECT nvl2(1, 'set', 'null'), nvl2(NULL, 'set', 'null')
-> set|null

# NULLIF function
SELECT nullif(1, 1), nullif(1, 2), nullif('a', 'a ')
-> ~|1|~

# DECODE function
SELECT decode(2, 1, 'one', 2, 'two', 'many'), decode(3, 1, 'one'), decode(NULL, NULL, 'null', 'other')
-> two|~|null

# CASE conditional expression
SELECT CASE WHEN 1 = 2 THEN 'a' WHEN 2 = 2 THEN 'b' END, CASE 3 WHEN 1 THEN 'x' END, CASE WHEN true THEN 1 ELSE 2.5 END
-> b|~|1.0

# TO_CHAR function: numbers
SELECT to_char(-125.8, '999D99S'), to_char(125.8, '999D99'), to_char(1234567, '9,999,999'), to_char(5, '000'), to_char(12, 'RN')
-> 125.80-| 125.80| 1,234,567| 005|            XII

# TO_CHAR function: currency and fill mode
SELECT to_char(0.5, 'FM0.00'), to_char(1000, 'FM9999')
-> 0.50|1000

# TO_NUMBER function
SELECT to_number('12,454.8-', '99G999D9S'), to_number('$ 12,454.88', 'L 99G999D99')
-> -12454.8|12454.88

# INTERVAL_CMP function
SELECT interval_cmp('3 days', '1 year'), interval_cmp('1 year', '3 days'), interval_cmp('1 day', '24 hours')
-> -1|1|0

# CHECKSUM function
SELECT checksum(NULL::int) IS NOT NULL
!! CHECKSUM

# Numbers beyond the types
SELECT 123456789012345678901234567890123456789
!! 38

# Exponents
SELECT 1.5e3, 1e-2
-> 1500|0.01

# VARBYTE type
SELECT 'abc'::varbyte, to_varbyte('616263', 'hex'), from_varbyte(to_varbyte('616263', 'hex'), 'utf-8'), from_varbyte('a'::varbyte, 'binary'), len('abc'::varbyte)
-> 616263|616263|abc|01100001|3

# VARBYTE operators
SELECT 'ab'::varbyte || 'c'::varbyte, 'a'::varbyte < 'b'::varbyte, substring('abc'::varbyte, 2, 1), getbit(from_hex('4d'), 2), 'abc'::varbyte::varchar
-> 616263|true|62|1|abc

# TO_VARBYTE function, FROM_VARBYTE function
SELECT to_varbyte('YWJj', 'base64'), from_varbyte('abc'::varbyte, 'base64')
-> 616263|YWJj

# VARBYTE casts
SELECT 1::smallint::varbyte, 1::int::varbyte, 1::bigint::varbyte, from_hex('0000000a')::int
-> 0001|00000001|0000000000000001|10

# Overflow conditions: multiplication adds scales
SELECT cast(1 AS decimal(38, 20)) * cast(10 AS decimal(38, 20))
!! overflow

# Overflow conditions: the documented way around it
SELECT (cast(1 AS decimal(38, 20)) / (1 / cast(10 AS decimal(38, 20))))::int
-> 10

# Notes on division operations: FLOAT4 becomes FLOAT8
SELECT 1::float4 / 3::smallint > 0.333, 7::float / 2
-> true|3.5

# MURMUR3_32_HASH
SELECT murmur3_32_hash(1), murmur3_32_hash('Amazon Redshift'), murmur3_32_hash('abcd'), murmur3_32_hash('cd', murmur3_32_hash('ab')), murmur3_32_hash(1, murmur3_32_hash(1)), murmur3_32_hash(1, murmur3_32_hash(2))
-> 1392991556|-1563580564|1139631978|1711522338|-1193428387|1179621905

# The page's third example does not follow from its rule
SELECT murmur3_32_hash('Amazon Redshift', murmur3_32_hash(1))
<> -1346554171

# Type compatibility and conversion: numbers beside character strings
CREATE TABLE mixed (v VARCHAR(10), n INT, d DECIMAL(5,2), b BOOLEAN, t DATE); INSERT INTO mixed VALUES ('7', 7, 7, true, '2024-01-05')

SELECT v = n, v = d, v > 10, v::varchar(10) + '.0' = d, b = 1, 0 = b, t::varchar(10) = t FROM mixed
-> true|true|true|true|true|false|true

SELECT 'x'::varchar = 1.5
!!

DROP TABLE mixed

# Interval data types and literals: a number times an interval
SELECT timestamp 'epoch' + 1700000000 * interval '1 second', interval '90 minutes' * 2, 3 * interval '2 days'
-> 2023-11-14 22:13:20|03:00:00|6 days
