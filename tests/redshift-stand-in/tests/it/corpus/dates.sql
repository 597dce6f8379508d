# ADD_MONTHS function
SELECT add_months('2008-03-31', 1), add_months('2008-04-30', 1), add_months('2008-03-31', -1)
-> 2008-04-30 00:00:00|2008-05-31 00:00:00|2008-02-29 00:00:00

# AT TIME ZONE clause
SELECT timestamp '2013-02-01 08:00:00' AT TIME ZONE 'America/New_York', timestamptz '2001-02-16 20:38:40-05' AT TIME ZONE 'MST'
-> 2013-02-01 13:00:00+00|2001-02-16 18:38:40

# CONVERT_TIMEZONE function
SELECT convert_timezone('America/New_York', '2013-02-01 08:00:00'), convert_timezone('EST', 'PST', '20080305 12:25:29'), convert_timezone('America/New_York', 'UTC', '2022-07-01 00:00:00')
-> 2013-02-01 03:00:00|2008-03-05 09:25:29|2022-07-01 04:00:00

# DATE_CMP function
SELECT date_cmp('2008-01-01', '2008-01-04'), date_cmp('2008-01-04', '2008-01-04'), date_cmp(date '2008-01-05', '2008-01-04')
-> -1|0|1

# DATE_CMP_TIMESTAMP function
SELECT date_cmp_timestamp('2008-06-18', '2008-06-18 00:00:01'), date_cmp_timestamptz('2008-06-18', '2008-06-17 00:00:00+00')
-> -1|1

# TIMESTAMP_CMP functions
SELECT timestamp_cmp('2008-01-01', '2008-01-02'), timestamp_cmp_date('2008-01-01 00:00:00', '2008-01-01'), timestamp_cmp_timestamptz('2008-01-01 00:00:00', '2008-01-01 00:00:00+00'), timestamptz_cmp('2008-01-01 00:00:00+00', '2007-01-01 00:00:00+00'), timestamptz_cmp_date('2008-01-01 00:00:00+00', '2009-01-01'), timestamptz_cmp_timestamp('2008-01-01 00:00:00+00', '2008-01-01 00:00:00')
-> -1|0|0|1|-1|0

# DATE_PART function
SELECT date_part(minute, timestamp '2023-01-04 04:05:06.789'), date_part(w, date '20220502'), date_part(year, '2008-01-24 06:43:29'), date_part(dow, date '2022-05-01'), date_part(ms, timestamp '2023-01-04 04:05:06.789')
-> 5|18|2008|0|789

# DATE_PART_YEAR function
SELECT date_part_year(date '20220502 04:05:06.789')
-> 2022

# EXTRACT function
SELECT extract(hour FROM timestamp '2009-09-09 14:08:09'), extract(epoch FROM timestamp '1970-01-02'), extract(doy FROM date '2008-12-31'), extract(qtr FROM date '2008-12-31'), extract(minute FROM time '12:34:56')
-> 14|86400|366|4|34

# DATE_TRUNC function
SELECT date_trunc('hour', timestamp '20200430 04:05:06.789'), date_trunc('week', date '2008-09-24'), date_trunc('month', timestamp '2008-09-24 10:00:00'), date_trunc('quarter', date '2008-09-24')
-> 2020-04-30 04:00:00|2008-09-22 00:00:00|2008-09-01 00:00:00|2008-07-01 00:00:00

# DATEADD function
SELECT dateadd(day, 30, '2008-11-01'), dateadd(month, 18, '2008-02-28'), dateadd(month, 1, '2008-01-31'), dateadd(minutes, 30, date '2012-04-20'), dateadd(hour, -1, timestamp '2012-04-20 00:30:00')
-> 2008-12-01 00:00:00|2009-08-28 00:00:00|2008-02-29 00:00:00|2012-04-20 00:30:00|2012-04-19 23:30:00

# DATEADD function: abbreviations
SELECT dateadd(m, 1, '2008-01-01'), dateadd(mon, 1, '2008-01-01'), dateadd(w, 1, '2008-01-01'), dateadd(q, 1, '2008-01-01')
!! date part

SELECT dateadd(m, 1, '2008-01-01'), dateadd(mon, 1, '2008-01-01'), dateadd(w, 1, '2008-01-01'), dateadd(qtr, 1, '2008-01-01'), dateadd(us, 5, '2008-01-01')
-> 2008-01-01 00:01:00|2008-02-01 00:00:00|2008-01-08 00:00:00|2008-04-01 00:00:00|2008-01-01 00:00:00.000005

# DATEADD function: milliseconds since 1970, as awslabs/clickstream-analytics-on-aws adds them
SELECT dateadd(ms, 1704189600000, '1970-01-01'), dateadd(s, 4102444800, '1970-01-01'), dateadd(us, '1704189600000001', '1970-01-01')
-> 2024-01-02 10:00:00|2100-01-01 00:00:00|2024-01-02 10:00:00.000001

SELECT dateadd(day, 3000000000, '1970-01-01')
!! out of range

# DATEADD function: TIME and TIMETZ
SELECT dateadd(minute, 5, time '13:24:55'), dateadd(second, 1, timetz '13:24:55+00')
-> 13:29:55|13:24:56+00

# DATEDIFF function
SELECT datediff(week, '2009-01-01', '2009-12-31'), datediff(year, '2008-12-31', '2009-01-01'), datediff(month, '2008-01-31', '2008-02-01'), datediff(day, '2008-01-01 23:59:59', '2008-01-02 00:00:00'), datediff(hour, '2008-01-01 00:59:59', '2008-01-01 01:00:00')
-> 52|1|1|1|1

# DATEDIFF function: backwards, quarters, times
SELECT datediff(qtr, '1998-07-01', '1999-01-01'), datediff(day, '2008-01-02', '2008-01-01'), datediff(minute, time '13:00:00', time '14:30:00'), datediff('second', '2020-01-01', '2020-01-01 00:01:00')
-> 2|-1|90|60

# LAST_DAY function
SELECT last_day('2008-02-10'), last_day(date '2009-02-28')
-> 2008-02-29|2009-02-28

# MONTHS_BETWEEN function
SELECT months_between('1969-01-18', '1969-03-18'), months_between('2008-03-31', '2008-02-29')
-> -2|1

# NEXT_DAY function
SELECT next_day('8/20/2014', 'Tuesday'), next_day('2014-08-20', 'Wed'), next_day('2014-08-20', 'th')
-> 2014-08-26|2014-08-27|2014-08-21

# TRUNC function on dates
SELECT trunc(timestamp '2008-01-24 06:43:29')
-> 2008-01-24

# TO_TIMESTAMP function
SELECT to_timestamp('2011-12-18 23:38:15', 'YYYY-MM-DD HH24:MI:SS'), to_timestamp('31/12/2011', 'DD/MM/YYYY')
-> 2011-12-18 23:38:15+00|2011-12-31 00:00:00+00

# TO_DATE function
SELECT to_date('02 Oct 2001', 'DD Mon YYYY'), to_date('20010631', 'YYYYMMDD', false), to_date('20010631', 'YYYYMMDD')
-> 2001-10-02|2001-07-01|2001-07-01

# TO_DATE function: is_strict
SELECT to_date('20010631', 'YYYYMMDD', true)
!! 

# TO_CHAR function: dates
SELECT to_char(timestamp '2009-12-31 23:15:59', 'MONTH-DY-DD-YYYY HH12:MIPM'), to_char(date '2009-12-31', 'YYYYMMDD'), to_char(date '2009-12-31', 'Q'), to_char(timestamp '2009-12-31 23:15:59.25', 'HH24:MI:SS.MS')
-> DECEMBER -THU-31-2009 11:15PM|20091231|4|23:15:59.250

# Interval literals
SELECT date '2008-12-31' + interval '1 second', date '2008-12-31' + interval '1 minute', date '2008-12-31' + interval '0.5 days', date '2008-12-31' + interval '3.5 weeks'
-> 2008-12-31 00:00:01|2008-12-31 00:01:00|2008-12-31 12:00:00|2009-01-24 12:00:00

# Interval literals
SELECT date '2008-12-31' + interval '52 days', date '2000-02-29' + interval '1 year', timestamp '2008-01-01' - interval '1 week, 1 hour, 1 minute, 1 second'
-> 2009-02-21 00:00:00|2001-02-28 00:00:00|2007-12-24 22:58:59

# Interval types
SELECT date '2008-01-01' + interval '1-2' YEAR TO MONTH, timestamp '2008-01-01' + interval '1 02:03:04' DAY TO SECOND, interval '2' YEAR + date '2008-01-01'
-> 2009-03-01 00:00:00|2008-01-02 02:03:04|2010-01-01 00:00:00

# Date arithmetic
SELECT date '2008-01-10' - date '2008-01-01', date '2008-01-01' + 5, date '2008-01-10' - 5
-> 9|2008-01-06|2008-01-05

# DATE type: input forms
SELECT '2008/06/01'::date, '01/02/2008'::date, '20080601'::date, 'Jan-31-1999'::date, '31-Dec-2008'::date
-> 2008-06-01|2008-01-02|2008-06-01|1999-01-31|2008-12-31

# TIMESTAMP type: a zone in the input is ignored
SELECT '2008-06-01 09:59:59+05'::timestamp, '2008-06-01 09:59:59.123456789'::timestamp
-> 2008-06-01 09:59:59|2008-06-01 09:59:59.123457

# TIMESTAMPTZ type: kept in UTC
SELECT '2008-06-01 09:59:59+05'::timestamptz, '2008-06-01 09:59:59 US/Eastern'::timestamptz
-> 2008-06-01 04:59:59+00|2008-06-01 13:59:59+00

# TIME types
SELECT '13:24:55'::time, '01:02 PM'::time, '13:24:55+02'::timetz
-> 13:24:55|13:02:00|13:24:55+02

# TIMEZONE function
SELECT timezone('America/New_York', timestamp '2008-01-01 00:00:00')
-> 2008-01-01 05:00:00+00

# Implicit conversion of a string constant to a date
SELECT date '2008-01-01' = '2008-01-01', date '2008-01-01' < '2008-01-02 00:00:00'::timestamp, date '2008-01-05' BETWEEN '2008-01-01' AND '2008-01-31'
-> true|true|true

# DATE type: out of range
SELECT '2008-02-30'::date
!! 

# GETDATE and SYSDATE functions
SELECT getdate() >= sysdate - interval '1 minute', trunc(sysdate) = current_date, date_part(ms, getdate())
-> true|true|0

# Leader node-only functions: without a table
SELECT now() IS NOT NULL, current_timestamp IS NOT NULL, age('2008-01-02', '2008-01-01') IS NOT NULL
-> true|true|true

CREATE TABLE d (at TIMESTAMP)

# Leader node-only functions: with a table
SELECT now(), at FROM d
!! not supported on Redshift tables

# AWS's own samples write CURRENT_TIMESTAMP into tables, though the page names it
SELECT count(*) FROM d WHERE at < current_timestamp
-> 0

SELECT count(*) FROM d WHERE at < getdate()
-> 0

# Leader node-only functions: GENERATE_SERIES
SELECT * FROM generate_series(1, 3)
-> 1
-> 2
-> 3

SELECT n FROM generate_series(1, 5, 2) AS g(n)
-> 1
-> 3
-> 5

SELECT generate_series(1, 3) AS n
-> 1
-> 2
-> 3

SELECT g.n FROM generate_series(1, 3) AS g(n) CROSS JOIN d
!! not supported on Redshift tables

# Time zones
SET timezone TO 'America/New_York'

SELECT timestamptz '2008-01-01 00:00:00+00', '2008-01-01 00:00:00'::timestamptz AT TIME ZONE 'UTC'
-> 2007-12-31 19:00:00-05|2008-01-01 05:00:00

RESET timezone

# ISFINITE function is leader node-only
SELECT isfinite(date '2008-01-01')
-> true

# DATEDIFF of an hour part over a day part
SELECT datediff(epoch, '2008-01-01', '2008-01-02')
!! 

# Date parts for date or timestamp functions
SELECT date_part(decade, date '2008-01-01'), date_part(century, date '2008-01-01'), date_part(mil, date '2008-01-01'), date_part(yearday, date '2008-02-01'), date_part(weekday, date '2008-02-01')
-> 200|21|3|32|5

SELECT date_part(foo, date '2008-01-01')
!! date part
