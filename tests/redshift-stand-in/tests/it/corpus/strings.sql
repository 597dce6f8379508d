# ASCII function
SELECT ascii('amazon')
-> 97

# BTRIM function
SELECT btrim('     abc     '), btrim('xyzaxyzbxyzcxyz', 'xyz')
-> abc|axyzbxyzc

# CHARINDEX function
SELECT charindex('dog', 'fish'), charindex('fish', 'dogfish')
-> 0|4

# CHR function
SELECT chr(65), chr(8364)
-> A|€

# CONCAT function
SELECT concat('December 25, ', '2008'), concat('a', NULL)
-> December 25, 2008|~

# || (Concatenation) operator
SELECT 'a' || NULL, 'a' || 'b' || 1
-> ~|ab1

# CRC32 function
SELECT crc32('Amazon Redshift')
-> f2726906

# SOUNDEX function
SELECT soundex('Amazon'), soundex('Redshift'), soundex('Tymczak'), soundex('')
-> A525|R321|T522|~

# DIFFERENCE function
SELECT difference('Amazon', 'Amazon'), difference('Amazon', 'Ammazzon'), difference('Amazon', 'Redshift')
-> 4|4|1

# FNV_HASH function
SELECT fnv_hash(1), fnv_hash('Amazon Redshift'), fnv_hash('Amazon Redshift', fnv_hash(1))
-> -5968735742475085980|7783490368944507294|-2202602717770968555

# FNV_HASH function: combined columns
SELECT fnv_hash('abcd'), fnv_hash('cd', fnv_hash('ab')), fnv_hash(1::smallint), fnv_hash(1::bigint)
-> -281581062704388899|-281581062704388899|589727492704079044|-8517097267634966620

# INITCAP function
SELECT initcap('Nibh.Quisque@dictum.ca'), initcap('iPAD O''NEIL')
-> Nibh.Quisque@Dictum.Ca|Ipad O'Neil

# LEFT and RIGHT functions
SELECT left('Chicago', 5), right('Chicago', 5), left('ab', 9)
-> Chica|icago|ab

# LEN function
SELECT len('français'), octet_length('français'), len('cat   '), length('')
-> 8|9|6|0

# LEN function: trailing blanks of CHAR do not count
SELECT len('cat'::char(10)), octet_length('cat'::char(10))
-> 3|3

# LPAD and RPAD functions
SELECT lpad('Tennis', 10, '..'), rpad('Tennis', 10, '..'), lpad('Chicago', 5), rpad('a', 3)
-> ....Tennis|Tennis....|Chica|a  

# LPAD and RPAD functions: a string that is too long is cut
SELECT lpad('abcdef', 3, 'x'), lpad('abc', 0, 'x')
-> abc|

# LTRIM function
SELECT ltrim('2008-01-24 06:43:29', '2008-'), ltrim('  a ')
-> 1-24 06:43:29|a 

# OCTETINDEX function: bytes, not characters
SELECT octetindex('q', 'AMAZON REDSHIFT'), octetindex('fish', 'dogfish'), octetindex('x', 'éèx'), charindex('x', 'éèx')
-> 0|4|5|3

# POSITION function
SELECT position('fish' IN 'dogfish'), position('x' IN 'dog')
-> 4|0

# QUOTE_IDENT function
SELECT quote_ident('"CAT"'), quote_ident('cat'), quote_ident('two words')
-> """CAT"""|cat|"two words"

# QUOTE_LITERAL function
SELECT quote_literal('''CAT'''), quote_literal('a')
-> '''CAT'''|'a'

# REGEXP_COUNT function
SELECT regexp_count('abcdefghijklmnopqrstuvwxyz', '[a-z]{3}'), regexp_count('the fox', 'FOX', 1, 'i')
-> 8|1

# REGEXP_COUNT function: Perl compatible patterns
SELECT regexp_count('passwd7 plain A1234 a1234', '(?=[^ ]*[a-z])(?=[^ ]*[0-9])[^ ]+', 1, 'p'), regexp_count('passwd7 plain A1234 a1234', '(?=[^ ]*[a-z])(?=[^ ]*[0-9])[^ ]+', 1, 'ip')
-> 2|3

# REGEXP_INSTR function
SELECT regexp_instr('the fox', 'FOX', 1, 1, 0, 'i'), regexp_instr('user@example.com', '@[^.]*'), regexp_instr('user@example.com', '@[^.]*', 1, 1, 1)
-> 5|5|13

# REGEXP_REPLACE function
SELECT regexp_replace('the fox', 'FOX', 'quick brown fox', 1, 'i'), regexp_replace('alice@example.com', '@.*\\.(org|gov|com|edu|ca)$')
-> the quick brown fox|alice

# REGEXP_REPLACE function: all occurrences
SELECT regexp_replace('a1b22c', '[0-9]+', '#'), regexp_replace('a1b22c', '[0-9]+', '#', 3)
-> a#b#c|a1b#c

# REGEXP_REPLACE function: back references
SELECT regexp_replace('abc', '(a)(b)', '$2$1', 1, 'p')
-> bac

# REGEXP_SUBSTR function
SELECT regexp_substr('the fox', 'FOX', 1, 1, 'i'), regexp_substr('user@example.com', '@[^.]*'), regexp_substr('abc', 'x')
-> fox|@example|

# REGEXP_SUBSTR function: a part of the match
SELECT regexp_substr('key=value', '([a-z]+)=([a-z]+)', 1, 1, 'e')
-> key

# REPEAT function
SELECT repeat('ab', 3), replicate('x', 2)
-> ababab|xx

# REPLACE function
SELECT replace('Shows', 'Show', 'Theatre'), replace('aaa', 'a', '')
-> Theatres|

# REVERSE function
SELECT reverse('abc'), reverse(123)
-> cba|321

# RTRIM function
SELECT rtrim('Minnesota', 'ota'), rtrim('a  ')
-> Minnes|a

# SPLIT_PART function
SELECT split_part('abc$def$ghi', '$', 2), split_part('abc$def$ghi', '$', 4)
-> def|

# SPLIT_PART function: the part is 1 or greater
SELECT split_part('abc$def$ghi', '$', 0)
!! 

# STRPOS function
SELECT strpos('dogfish', 'fish'), strpos('dogfish', 'x')
-> 4|0

# STRTOL function
SELECT strtol('0xf', 16), strtol('abcd1234', 16), strtol('1234567', 10), strtol('110101', 2), strtol('-12', 10)
-> 15|2882343476|1234567|53|-12

# STRTOL function: a digit that the base does not have
SELECT strtol('12345678', 8)
!! 

# SUBSTRING function
SELECT substring('caterpillar', 6, 4), substring('caterpillar', 6, 8), substring('caterpillar', 0, 4), substring('caterpillar', 6), substring('caterpillar' FROM 6 FOR 4)
-> pill|pillar|cat|pillar|pill

# TRANSLATE function
SELECT translate('mint tea', 'inea', 'osin'), translate('abc', 'ab', 'x')
-> most tin|xc

# TRIM function
SELECT trim('     dog     '), trim('CD' FROM 'CDC') = '', trim(LEADING '"' FROM '"dog"'), trim(TRAILING '"' FROM '"dog"'), trim(BOTH '"' FROM '"dog"')
-> dog|true|dog"|"dog|dog

# UPPER and LOWER functions
SELECT upper('ünï'), lower('ÀB')
-> ÜNÏ|àb

# BTTEXT_PATTERN_CMP function
SELECT bttext_pattern_cmp('a', 'b'), bttext_pattern_cmp('b', 'a'), bttext_pattern_cmp('a', 'a')
-> -1|1|0

# MD5 function
SELECT md5('Amazon Redshift')
-> f7415e33f972c03abd4f3fed36748f7a

# SHA, SHA1 and FUNC_SHA1 functions
SELECT sha('abc'), sha1('abc'), func_sha1('abc') = sha1('abc')
-> a9993e364706816aba3e25717850c26c9cd0d89d|a9993e364706816aba3e25717850c26c9cd0d89d|true

# SHA2 function
SELECT sha2('abc', 256), len(sha2('abc', 384)), len(sha2('abc', 0)), len(sha2('abc', 224)), len(sha2('abc', 512))
-> ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad|96|64|56|128

# TO_HEX and FROM_HEX functions
SELECT to_hex(2147676847), to_hex('a'::varbyte), from_hex('6162')
-> 8002f2af|61|6162

# Backslash in a string constant
SELECT 'a\\b', 'it\'s', len('\n')
-> a\b|it's|1

# LIKE operator
SELECT 'abc' LIKE 'a%', 'abc' LIKE '_b_', 'ABC' LIKE 'abc', 'ABC' ILIKE 'a%', 'a_c' LIKE 'a\\_c', 'abc' LIKE 'a\\_c', 'a%c' LIKE 'a^%c' ESCAPE '^'
-> true|true|false|true|true|false|true

# SIMILAR TO operator
SELECT 'Chicago' SIMILAR TO '%(E|H|i)%', 'abc' SIMILAR TO 'a', 'abc' NOT SIMILAR TO '[a-c]+'
-> true|false|false

# POSIX operators
SELECT 'Chicago' ~ '.*C.*', 'Chicago' !~ '^C', 'abc' ~ '[0-9]', 'venue\\x' ~ '\\\\'
-> true|false|false|true

# POSIX operators: no case-insensitive form
SELECT 'abc' ~* 'A'
!! 

# Significance of trailing blanks
SELECT 'a ' = 'a', 'a'::char(3) = 'a', 'a ' < 'a', 'a' IN ('a '), CASE 'a ' WHEN 'a' THEN 1 ELSE 0 END
-> true|true|false|true|1

# Significance of trailing blanks: not in LIKE, and not in lengths
SELECT 'a ' LIKE 'a', len('a ')
-> false|2

CREATE TABLE blanks (k VARCHAR(10), n INT); INSERT INTO blanks VALUES ('a', 1), ('a ', 2), ('b', 3)

# Significance of trailing blanks: GROUP BY
SELECT count(*), sum(n) FROM blanks GROUP BY k ORDER BY 1
-> 1|3
-> 2|3

# Significance of trailing blanks: DISTINCT
SELECT count(*) FROM (SELECT DISTINCT k FROM blanks) AS d
-> 2

# Significance of trailing blanks: UNION
SELECT count(*) FROM (SELECT 'a' AS k UNION SELECT 'a ') AS u
-> 1

# Significance of trailing blanks: joins and subqueries
SELECT count(*) FROM blanks AS x JOIN blanks AS y ON x.k = y.k WHERE x.k IN (SELECT k FROM blanks)
-> 5

# Significance of trailing blanks: INTERSECT and EXCEPT
SELECT count(*) FROM (SELECT k FROM blanks WHERE n = 2 EXCEPT SELECT k FROM blanks WHERE n = 1) AS e
-> 0

# Character types: VARCHAR lengths are bytes
CREATE TABLE narrow (c VARCHAR(4), d CHAR(3))

INSERT INTO narrow VALUES ('éé', 'abc')

INSERT INTO narrow VALUES ('ééx', 'abc')
!! value too long for type character varying(4)

INSERT INTO narrow VALUES ('x', 'abcd')
!! value too long for type character(3)

# Character types: an explicit cast cuts
SELECT 'abcdef'::varchar(3), 'éé'::varchar(3), cast('abcdef' AS char(2))
-> abc|é|ab

# Character types: CHAR holds single bytes only
SELECT octet_length(cast('ab' AS char(5))), '[' || cast('ab' AS char(5)) || ']'
-> 2|[ab]

# TEXT_TO_INT_ALT function
SELECT text_to_int_alt('5-'), text_to_int_alt('5'), text_to_int_alt('123+')
-> -5|5|123

# TEXT_TO_NUMERIC_ALT function
SELECT text_to_numeric_alt('15.4-', 10, 2), text_to_numeric_alt('15.45', 5, 1)
-> -15.40|15.5

# + on strings
SELECT 'a' + 'b'
-> ab

# COLLATE function
SELECT collate('A', 'case_insensitive') = 'a', collate('A', 'case_sensitive') = 'a', collate('Ab', 'case_insensitive') LIKE 'a%', 'ab' IN ('x', collate('AB', 'case_insensitive'))
-> true|false|true|true

# Querying semi-structured data: case-insensitive querying
CREATE TABLE notices (v SUPER); INSERT INTO notices VALUES (json_parse('{"state": "Open", "n": 1}')), (json_parse('{"state": "OPEN", "n": 2}')), (json_parse('{"state": "shut", "n": 3}'))

SELECT v.n FROM notices WHERE collate(v.state::VARCHAR, 'case_insensitive') = 'open' ORDER BY 1
-> 1
-> 2

ALTER TABLE notices ADD COLUMN x VARCHAR(5) ENCODE lzo DEFAULT 'a' COLLATE case_sensitive; DROP TABLE notices

# COLLATE function: what is compared is known, what is grouped, ordered or stored is refused
SELECT CASE collate('A', 'ci') WHEN 'a' THEN 1 END, collate('A', 'ci') IS NULL, collate('A', 'ci') <> 'a', collate('A', 'cs')
-> 1|false|false|A

SELECT collate(category, 'ci'), count(*) FROM (SELECT 'A' AS category UNION ALL SELECT 'a') GROUP BY 1
!! outside of

SELECT count(DISTINCT collate(category, 'ci')) FROM (SELECT 'A' AS category UNION ALL SELECT 'a')
!! outside of

SELECT category FROM (SELECT 'A' AS category UNION ALL SELECT 'a') ORDER BY collate(category, 'ci')
!! outside of

SELECT collate('A', 'ci') < 'b'
!! with <

SELECT collate('A', 'ci') IN (SELECT 'a')
!! outside of

SELECT collate('A', 'ci') || 'b' = 'ab'
!! with ||

SELECT collate('A', 'ci') SIMILAR TO 'a%'
!! SIMILAR TO

SELECT collate('A', 'none')
!! COLLATE takes

# Literals: a constant that goes on in the next line, and a type before a constant
SELECT 'ab'
  'cd', int '5' + 1, bool 'true'
-> abcd|6|true

SELECT 'ab' -- one
  -- two
  'cd' -- three
-> abcd
