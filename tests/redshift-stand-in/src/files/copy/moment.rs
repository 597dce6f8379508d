//! Dates and times of files: DATEFORMAT and TIMEFORMAT ("Data conversion parameters", "DATEFORMAT and TIMEFORMAT strings",
//! "Using automatic recognition with DATEFORMAT and TIMEFORMAT").
//!
//! What comes out is text that PostgreSQL reads in one way only.

use redshift_sql::statement::files::MomentFormat;

use crate::value::{date_text, timestamp_text};

/// Julian day of 2000-01-01, and that day in seconds since 1970.
const JULIAN_EPOCH: i64 = 2_451_545;
const UNIX_EPOCH: i64 = 946_684_800;

const MONTHS: [&str; 12] = [
    "JANUARY",
    "FEBRUARY",
    "MARCH",
    "APRIL",
    "MAY",
    "JUNE",
    "JULY",
    "AUGUST",
    "SEPTEMBER",
    "OCTOBER",
    "NOVEMBER",
    "DECEMBER",
];

/// What a text says.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Parts {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
    afternoon: Option<bool>,
    before_christ: bool,
    /// Minutes east of Greenwich.
    zone: Option<i64>,
}

impl Parts {
    fn check(mut self) -> Option<Self> {
        if let Some(afternoon) = self.afternoon {
            if !(1..=12).contains(&self.hour) {
                return None;
            }
            self.hour = self.hour % 12 + if afternoon { 12 } else { 0 };
        }
        let (year, month, day) = (self.year?, self.month?, self.day?);
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let last = match month {
            2 => 28 + i64::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        let whole_day = self.hour == 24 && self.minute == 0 && self.second == 0;
        let time = (self.hour < 24 || whole_day) && self.minute < 60 && self.second < 60;
        (year > 0 && (1..=last).contains(&day) && time).then_some(self)
    }

    fn date(&self) -> String {
        let (year, month, day) = (self.year.unwrap_or(1), self.month.unwrap_or(1), self.day.unwrap_or(1));
        format!("{year:04}-{month:02}-{day:02}")
    }

    fn era(&self) -> &'static str {
        if self.before_christ { " BC" } else { "" }
    }

    fn timestamp(&self, with_zone: bool) -> String {
        let (date, era) = (self.date(), self.era());
        let mut text = format!("{date} {:02}:{:02}:{:02}.{:06}", self.hour, self.minute, self.second, self.micros);
        if with_zone {
            let zone = self.zone.unwrap_or(0);
            text += &format!("{}{:02}:{:02}", if zone < 0 { '-' } else { '+' }, zone.abs() / 60, zone.abs() % 60);
        }
        text + era
    }
}

/// A DATE.
pub(super) fn date(text: &str, format: &MomentFormat) -> Option<String> {
    let parts = match format {
        // The time behind a date is cut off.
        MomentFormat::Default => by_format(text, "YYYY-MM-DD", true)?,
        MomentFormat::Explicit(format) => by_format(text, format, true)?,
        _ => match julian(text) {
            Some((days, _)) => return Some(date_text(days)),
            None => by_itself(text)?,
        },
    };
    parts.check().map(|parts| parts.date() + parts.era())
}

/// A TIMESTAMP or TIMESTAMPTZ; a date without time is its midnight.
pub(super) fn timestamp(text: &str, format: &MomentFormat, with_zone: bool) -> Option<String> {
    let zone = if with_zone { "+00" } else { "" };
    let parts = match format {
        MomentFormat::EpochSeconds => return epoch(text, 1_000_000).map(|text| text + zone),
        MomentFormat::EpochMilliseconds => return epoch(text, 1_000).map(|text| text + zone),
        MomentFormat::Explicit(format) => by_format(text, format, false)?,
        MomentFormat::Default => by_default(text, with_zone)?,
        MomentFormat::Auto => match julian(text) {
            Some((days, time)) => return Some(format!("{} {time}{zone}", date_text(days))),
            None => by_itself(text)?,
        },
    };
    parts.check().map(|parts| parts.timestamp(with_zone))
}

/// A TIME or TIMETZ.
pub(super) fn time(text: &str, with_zone: bool) -> Option<String> {
    let mut reader = Reader { rest: text };
    let mut parts = Parts { year: Some(2000), month: Some(1), day: Some(1), ..Parts::default() };
    reader.clock(&mut parts)?;
    reader.blanks();
    if with_zone && !reader.rest.is_empty() {
        parts.zone = Some(reader.zone()?);
    }
    let parts = if reader.rest.is_empty() { parts.check()? } else { return None };
    let text = parts.timestamp(with_zone);
    text.split_once(' ').map(|(_, time)| time.to_owned())
}

fn epoch(text: &str, unit: i64) -> Option<String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let micros = whole.parse::<i64>().ok()?.checked_mul(unit)?;
    let digits: String = fraction.chars().chain("000000".chars()).take(6).collect();
    let part = digits.parse::<i64>().ok()? * unit / 1_000_000;
    let micros = if whole.starts_with('-') { micros.checked_sub(part)? } else { micros.checked_add(part)? };
    Some(timestamp_text(micros.checked_sub(UNIX_EPOCH * 1_000_000)?))
}

/// `J2451187`, with a time behind it or not: days since 2000-01-01 and the time.
fn julian(text: &str) -> Option<(i64, String)> {
    let (day, clock) = text.strip_prefix(['J', 'j'])?.split_once(' ').unwrap_or((&text[1..], "00:00:00"));
    let days = day.parse::<u32>().ok()?;
    Some((i64::from(days) - JULIAN_EPOCH, time(clock, false)?))
}

/// `YYYY-MM-DD HH:MI:SS`, with OF behind it for TIMESTAMPTZ.
fn by_default(text: &str, with_zone: bool) -> Option<Parts> {
    let mut reader = Reader { rest: text };
    let mut parts = Parts { year: Some(reader.exactly(4)?), ..Parts::default() };
    reader.literal('-')?;
    parts.month = Some(reader.exactly(2)?);
    reader.literal('-')?;
    parts.day = Some(reader.exactly(2)?);
    if reader.rest.trim_end().is_empty() {
        return Some(parts);
    }
    reader.literal(' ')?;
    reader.clock(&mut parts)?;
    if with_zone && !reader.rest.is_empty() {
        reader.blanks();
        parts.zone = Some(reader.zone()?);
    }
    reader.rest.is_empty().then_some(parts)
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn take(&mut self, most: usize, fits: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.char_indices().take(most).find(|(_, c)| !fits(*c)).map(|(at, _)| at);
        let end = end.unwrap_or_else(|| self.rest.char_indices().nth(most).map_or(self.rest.len(), |(at, _)| at));
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn number(&mut self, most: usize) -> Option<i64> {
        self.take(most, |c| c.is_ascii_digit()).parse().ok()
    }

    fn exactly(&mut self, digits: usize) -> Option<i64> {
        let text = self.take(digits, |c| c.is_ascii_digit());
        if text.len() == digits { text.parse().ok() } else { None }
    }

    fn literal(&mut self, c: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(c)?;
        Some(())
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn word(&mut self) -> &'a str {
        self.take(usize::MAX, |c| c.is_ascii_alphabetic())
    }

    /// The digits behind the seconds' point, as microseconds.
    fn fraction(&mut self, parts: &mut Parts) -> Option<()> {
        if self.literal('.').is_some() {
            let digits = self.take(usize::MAX, |c| c.is_ascii_digit());
            let digits: String = digits.chars().chain("000000".chars()).take(6).collect();
            parts.micros = digits.parse().ok()?;
        }
        Some(())
    }

    /// `HH:MI[:SS[.ffffff]]`.
    fn clock(&mut self, parts: &mut Parts) -> Option<()> {
        parts.hour = self.number(2)?;
        self.literal(':')?;
        parts.minute = self.number(2)?;
        if self.literal(':').is_some() {
            parts.second = self.number(2)?;
            self.fraction(parts)?;
        }
        Some(())
    }

    /// `Z`, `+02`, `-08:00`, `PST`.
    fn zone(&mut self) -> Option<i64> {
        let sign = match self.rest.chars().next()? {
            '+' => 1,
            '-' => -1,
            _ => return named_zone(self.word()),
        };
        self.rest = &self.rest[1..];
        let hours = self.number(2)?;
        let _ = self.literal(':');
        let minutes = if self.rest.is_empty() { 0 } else { self.number(2)? };
        Some(sign * (hours * 60 + minutes))
    }
}

fn named_zone(name: &str) -> Option<i64> {
    Some(match name.to_ascii_uppercase().as_str() {
        "Z" | "UTC" | "GMT" => 0,
        "EDT" => -4 * 60,
        "EST" | "CDT" => -5 * 60,
        "CST" | "MDT" => -6 * 60,
        "MST" | "PDT" => -7 * 60,
        "PST" => -8 * 60,
        "CET" => 60,
        "CEST" => 2 * 60,
        _ => return None,
    })
}

fn month(name: &str) -> Option<i64> {
    let name = name.to_ascii_uppercase();
    let found = MONTHS.iter().position(|month| *month == name || month[..3] == name)?;
    i64::try_from(found + 1).ok()
}

/// "The date format can include time information, but this information is ignored": so is what stands behind a date.
fn by_format(text: &str, format: &str, date_only: bool) -> Option<Parts> {
    const PATTERNS: [&str; 13] =
        ["YYYY", "MONTH", "HH24", "HH12", "MON", "YY", "MM", "DD", "HH", "MI", "SS", "AM", "PM"];
    let upper = format.to_ascii_uppercase();
    let mut pattern = upper.as_str();
    let mut reader = Reader { rest: text };
    let mut parts = Parts::default();
    while !pattern.is_empty() {
        let Some(found) = PATTERNS.iter().find(|p| pattern.starts_with(**p)) else {
            let literal = format[format.len() - pattern.len()..].chars().next()?;
            reader.literal(literal)?;
            pattern = &pattern[literal.len_utf8()..];
            continue;
        };
        pattern = &pattern[found.len()..];
        match *found {
            "YYYY" => parts.year = Some(reader.exactly(4)?),
            "YY" => parts.year = Some(two_digits(reader.exactly(2)?)),
            "MONTH" | "MON" => parts.month = Some(month(reader.word())?),
            "MM" => parts.month = Some(reader.number(2)?),
            "DD" => parts.day = Some(reader.number(2)?),
            "MI" => parts.minute = reader.number(2)?,
            "SS" => {
                parts.second = reader.number(2)?;
                reader.fraction(&mut parts)?;
            }
            "AM" | "PM" => parts.afternoon = Some(afternoon(reader.word())?),
            _ => parts.hour = reader.number(2)?,
        }
    }
    let rest = reader.rest;
    let over = rest.trim_end().is_empty() || (date_only && rest.starts_with([' ', 'T']));
    over.then_some(parts)
}

fn afternoon(word: &str) -> Option<bool> {
    match word.to_ascii_uppercase().as_str() {
        "AM" => Some(false),
        "PM" => Some(true),
        _ => None,
    }
}

/// The century of a year of two digits, as PostgreSQL chooses it.
fn two_digits(year: i64) -> i64 {
    if year < 70 { 2000 + year } else { 1900 + year }
}

/// 'auto': the formats of "Using automatic recognition".
fn by_itself(text: &str) -> Option<Parts> {
    let mut reader = Reader { rest: text.trim() };
    let mut parts = Parts::default();
    let (mut numbers, mut separators): (Vec<&str>, Vec<char>) = (Vec::new(), Vec::new());
    let mut clock = false;
    let mut word_at = None;
    while let Some(c) = reader.rest.chars().next() {
        let colon =
            reader.rest.find(':').is_some_and(|at| at <= 2 && reader.rest[..at].bytes().all(|b| b.is_ascii_digit()));
        if c.is_ascii_digit() && colon && !clock {
            reader.clock(&mut parts)?;
            clock = true;
            if reader.rest.starts_with(['+', '-']) {
                parts.zone = Some(reader.zone()?);
            }
        } else if c.is_ascii_digit() {
            numbers.push(reader.take(usize::MAX, |c| c.is_ascii_digit()));
        } else if c.is_ascii_alphabetic() {
            let word = reader.word();
            if let Some(month) = month(word) {
                parts.month = Some(month);
                word_at = Some(numbers.len());
            } else if word.eq_ignore_ascii_case("BC") {
                parts.before_christ = true;
            } else if let Some(afternoon) = afternoon(word) {
                parts.afternoon = Some(afternoon);
            } else if let Some(zone) = named_zone(word) {
                parts.zone = Some(zone);
            } else if !word.eq_ignore_ascii_case("T") || numbers.is_empty() {
                return None;
            }
        } else {
            if !matches!(c, ' ' | '-' | '/' | '.' | ',') {
                return None;
            }
            separators.push(c);
            reader.rest = &reader.rest[1..];
        }
    }
    let value = |text: &str| text.parse::<i64>().ok();
    let year = |text: &str| value(text).map(|year| if text.len() <= 2 { two_digits(year) } else { year });
    match (numbers.as_slice(), word_at) {
        // Month by name: the day is the number that can be one.
        ([a, b], Some(_)) if a.len() > 2 => (parts.year, parts.day) = (value(a), value(b)),
        ([a, b], Some(_)) => (parts.day, parts.year) = (value(a), year(b)),
        (_, Some(_)) => return None,
        // YYYYMMDD or YYMMDD, with HHMISS or without.
        ([date, rest @ ..], None) if date.len() == 8 || date.len() == 6 => {
            let (years, days) = date.split_at(date.len() - 4);
            (parts.year, parts.month, parts.day) = (year(years), value(&days[..2]), value(&days[2..]));
            match rest {
                [] => {}
                [time] if time.len() == 6 && !clock => {
                    (parts.hour, parts.minute) = (value(&time[..2])?, value(&time[2..4])?);
                    parts.second = value(&time[4..])?;
                }
                _ => return None,
            }
        }
        // YYYY.DDD
        ([years, days], None) if years.len() == 4 && days.len() == 3 => {
            let (years, days) = (value(years)?, value(days)?);
            let leap = years % 4 == 0 && (years % 100 != 0 || years % 400 == 0);
            let lengths = [31, 28 + i64::from(leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
            let mut left = days;
            let month = lengths.iter().position(|length| {
                let here = left <= *length;
                if !here {
                    left -= length;
                }
                here
            })?;
            (parts.year, parts.month, parts.day) = (Some(years), i64::try_from(month + 1).ok(), Some(left));
        }
        ([a, b, c], None) if a.len() == 4 => (parts.year, parts.month, parts.day) = (value(a), value(b), value(c)),
        // DD.MM.YYYY, unless only the second can be the day; the others begin with the month.
        ([a, b, c], None) => {
            let (a, b) = (value(a)?, value(b)?);
            let day_first = separators.first() == Some(&'.') && b <= 12;
            (parts.month, parts.day) = if day_first { (Some(b), Some(a)) } else { (Some(a), Some(b)) };
            parts.year = year(c);
        }
        _ => return None,
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auto(text: &str) -> Option<String> {
        timestamp(text, &MomentFormat::Auto, false)
    }

    /// "Using automatic recognition with DATEFORMAT and TIMEFORMAT": its table.
    #[test]
    fn formats_are_recognised() {
        for (text, wanted) in [
            ("2019-02-11T05:09:12.195Z", "2019-02-11 05:09:12.195000"),
            ("J2451187", "1999-01-08 00:00:00.000000"),
            ("19960108 040809", "1996-01-08 04:08:09.000000"),
            ("960108 040809", "1996-01-08 04:08:09.000000"),
            ("1996.008", "1996-01-08 00:00:00.000000"),
            ("1996-01-08 04:05:06.789", "1996-01-08 04:05:06.789000"),
            ("17 Dec 07:37:16 1997 PST", "1997-12-17 07:37:16.000000"),
            ("12/17/1997 07:37:16.00 PST", "1997-12-17 07:37:16.000000"),
            ("1997-12-17 07:37:16-08", "1997-12-17 07:37:16.000000"),
            ("12.17.1997 07:37:16.00 PST", "1997-12-17 07:37:16.000000"),
            ("8 Jan 1999", "1999-01-08 00:00:00.000000"),
        ] {
            assert_eq!(auto(text).as_deref(), Some(wanted), "{text}");
        }
        assert_eq!(date("Jan-08-95 BC", &MomentFormat::Auto).as_deref(), Some("1995-01-08 BC"));
        assert_eq!(
            timestamp("1997-12-17 07:37:16-08", &MomentFormat::Auto, true).as_deref(),
            Some("1997-12-17 07:37:16.000000-08:00")
        );
        assert_eq!(auto("1996-13-08"), None);
        assert_eq!(auto("yesterday"), None);
    }

    /// "DATEFORMAT and TIMEFORMAT strings".
    #[test]
    fn formats_are_followed() {
        let explicit = |format: &str| MomentFormat::Explicit(format.to_owned());
        assert_eq!(date("Jan-01-1999", &explicit("MON-DD-YYYY")).as_deref(), Some("1999-01-01"));
        assert_eq!(date("03/31/2003", &explicit("MM/DD/YYYY")).as_deref(), Some("2003-03-31"));
        assert_eq!(date("20240229", &explicit("YYYYMMDD")).as_deref(), Some("2024-02-29"));
        assert_eq!(date("2023-02-29", &MomentFormat::Default), None);
        assert_eq!(date("08/01/02", &MomentFormat::Default), None);
        let evening = timestamp("03/31/2003 06:45 PM", &explicit("MM/DD/YYYY HH12:MI AM"), false);
        assert_eq!(evening.as_deref(), Some("2003-03-31 18:45:00.000000"));
        let time = timestamp("2009-01-12 14:15:57.119568", &explicit("YYYY-MM-DD HH:MI:SS"), false);
        assert_eq!(time.as_deref(), Some("2009-01-12 14:15:57.119568"));
        assert_eq!(timestamp("2009-01-12T14:15:57", &MomentFormat::Default, false), None);
        assert_eq!(timestamp("1286060866", &MomentFormat::EpochSeconds, false).as_deref(), Some("2010-10-02 23:07:46"));
        assert_eq!(
            timestamp("1286060866123", &MomentFormat::EpochMilliseconds, false).as_deref(),
            Some("2010-10-02 23:07:46.123")
        );
    }
}
