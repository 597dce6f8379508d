//! Values of every decoding, encoded as Debezium and JsonConverter encode them, through landing
//! view and merge procedure: what comes out is what went in, or NULL where it does not fit.
//!
//! Extremes first, then random values of a fixed seed. The expected texts are made here,
//! without any of the SQL.

use cdc_core::catalog::{Column, Decoding, Element, Mode, OnUnfitValue, RedshiftType, TableDefinition};
use cdc_core::sql::synchronise::{MergeBound, synchronise};
use local_stack::producer::Producer;
use local_stack::recording::RecordedRecord;
use local_stack::stack::{Stack, StackOptions};
use serde_json::{Value, json};

use crate::histories::{Random, layout, provision};
use crate::tables::{column, table};

const RANDOM_VALUES: usize = 120;
const MAX_DECIMAL: i128 = 99_999_999_999_999_999_999_999_999_999_999_999_999;

/// A value in an event, and its text in the target; None is NULL.
type Pair = (Value, Option<String>);

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let mut bits = 0_u32;
        for index in 0..3 {
            bits = bits << 8 | u32::from(group.get(index).copied().unwrap_or(0));
        }
        for index in 0..4 {
            let digit = char::from(ALPHABET[(bits >> (18 - 6 * index) & 63) as usize]);
            text.push(if index <= group.len() { digit } else { '=' });
        }
    }
    text
}

/// The shortest big-endian two's complement bytes, as Java's BigInteger writes them.
fn unscaled(number: i128) -> String {
    let bytes = number.to_be_bytes();
    let mut start = 0;
    while start < 15
        && ((bytes[start] == 0 && bytes[start + 1] < 128) || (bytes[start] == 255 && bytes[start + 1] >= 128))
    {
        start += 1;
    }
    base64(&bytes[start..])
}

fn decimal(number: i128, scale: usize) -> String {
    let digits = format!("{:0>width$}", number.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if number < 0 { "-" } else { "" };
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// `YYYY-MM-DD` of days since 1970, in the proleptic Gregorian calendar, with ` BC` before the year 1.
fn date(days: i64) -> String {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    if year > 0 { format!("{year:04}-{month:02}-{day:02}") } else { format!("{:04}-{month:02}-{day:02} BC", 1 - year) }
}

fn time(micros: i64) -> String {
    let seconds = micros / 1_000_000;
    let text = format!("{:02}:{:02}:{:02}.{:06}", seconds / 3600, seconds / 60 % 60, seconds % 60, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn timestamp(micros: i64) -> String {
    const DAY: i64 = 86_400_000_000;
    let (day, time) = (date(micros.div_euclid(DAY)), time(micros.rem_euclid(DAY)));
    match day.strip_suffix(" BC") {
        Some(day) => format!("{day} {time} BC"),
        None => format!("{day} {time}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(random: &mut Random, longest: u64) -> Vec<u8> {
    let length = random.below(longest + 1);
    (0..length).map(|_| random.next().to_le_bytes()[0]).collect()
}

/// A number with a random count of digits.
fn number(random: &mut Random, digits: u64) -> i128 {
    let limit = 10_i128.pow(u32::try_from(1 + random.below(digits)).expect("a small number"));
    let wide = i128::from(random.next()) << 64 | i128::from(random.next());
    wide.rem_euclid(limit) * if random.below(2) == 0 { 1 } else { -1 }
}

/// Any text of Unicode but U+0000.
fn text(random: &mut Random, longest: u64) -> String {
    let length = random.below(longest + 1);
    (0..length)
        .map(|_| {
            let limit = [0x20, 0x80, 0x800, 0x1_0000, 0x11_0000][usize::try_from(random.below(5)).expect("below five")];
            char::from_u32(1 + u32::try_from(random.below(limit - 1)).expect("a code point")).unwrap_or('\u{FFFD}')
        })
        .collect()
}

struct Tested {
    name: &'static str,
    kind: RedshiftType,
    decoding: Decoding,
    policy: OnUnfitValue,
    extremes: Vec<Pair>,
    random: fn(&mut Random) -> Pair,
}

fn fits<T>(limits: std::ops::RangeInclusive<T>, value: T, show: impl Fn(T) -> String) -> Option<String>
where
    T: PartialOrd + Copy,
{
    limits.contains(&value).then(|| show(value))
}

/// Days from 4713 BC on to the last that a DATE has.
const DAYS: std::ops::RangeInclusive<i64> = -2_440_550..=106_762_939;

/// From 4713 BC on, in microseconds; the source's infinities lie behind the last.
const MOMENTS: std::ops::RangeInclusive<i64> = -2_440_550 * 86_400_000_000..=9_223_371_244_799_999_999;

#[expect(clippy::too_many_lines, reason = "a table of decodings reads best in one piece")]
fn tested() -> Vec<Tested> {
    let some = |text: &str| Some(text.to_owned());
    let dec = |precision, scale| RedshiftType::Decimal { precision, scale };
    let quarantine = OnUnfitValue::Quarantine;
    let of =
        |name, kind, decoding, extremes, random| Tested { name, kind, decoding, policy: quarantine, extremes, random };
    let edges: Vec<i128> =
        [0, 1, -1, 127, 128, -128, -129, 255, 256, 32_767, -32_769, MAX_DECIMAL, -MAX_DECIMAL].to_vec();
    vec![
        of(
            "d38",
            dec(38, 10),
            Decoding::DecimalBase64 { scale: 10 },
            edges
                .iter()
                .map(|edge| (json!(unscaled(*edge)), Some(decimal(*edge, 10))))
                .chain([
                    (json!(unscaled(MAX_DECIMAL + 1)), None),
                    (json!(unscaled(-MAX_DECIMAL - 1)), None),
                    (json!("not base64"), None),
                    (json!(12.5), some("12.5000000000")),
                    (json!({"scale": 1}), None),
                ])
                .collect(),
            |random| {
                let number = number(random, 38);
                (json!(unscaled(number)), Some(decimal(number, 10)))
            },
        ),
        of(
            "d_any",
            dec(38, 0),
            Decoding::DecimalAny { scale: 0 },
            vec![
                (json!("1234"), None),
                (json!(5), None),
                (json!("12345"), some("12345")),
                (json!("-1234"), some("-1234")),
            ],
            |random| {
                let number = number(random, 38);
                let text = unscaled(number);
                let ambiguous = text.bytes().all(|byte| byte.is_ascii_digit());
                (json!(text), (!ambiguous).then(|| decimal(number, 0)))
            },
        ),
        of(
            "d_text",
            dec(12, 3),
            Decoding::DecimalText,
            vec![
                (json!("999999999.999"), some("999999999.999")),
                (json!("1000000000"), None),
                (json!("0.0001"), None),
                (json!("-0000.5000"), some("-0.500")),
                (json!("NaN"), None),
                (json!(""), None),
            ],
            |random| {
                let number = number(random, 12);
                (json!(decimal(number, 3)), Some(decimal(number, 3)))
            },
        ),
        of(
            "d_var",
            RedshiftType::Varchar { bytes: 200 },
            Decoding::DecimalVariable,
            vec![
                (json!({"scale": -3, "value": unscaled(12)}), some("12000")),
                (json!({"scale": 0, "value": unscaled(0)}), some("0")),
                (json!({"scale": 50, "value": unscaled(-1)}), Some(decimal(-1, 50))),
                (json!({"scale": 0, "value": unscaled(MAX_DECIMAL + 1)}), None),
                (json!("NaN"), some("NaN")),
                (json!(1.5), None),
            ],
            |random| {
                let (number, scale) = (number(random, 38), random.below(60));
                let scale_of = usize::try_from(scale).expect("a small number");
                (json!({"scale": scale, "value": unscaled(number)}), Some(decimal(number, scale_of)))
            },
        ),
        of(
            "u64",
            dec(20, 0),
            Decoding::UnsignedBigInt,
            vec![
                (json!(-1), some("18446744073709551615")),
                (json!(i64::MIN), some("9223372036854775808")),
                (json!("1"), None),
            ],
            |random| {
                let number = random.next();
                (json!(number.cast_signed()), Some(number.to_string()))
            },
        ),
        of(
            "i16",
            RedshiftType::SmallInt,
            Decoding::Integer,
            vec![
                (json!(32_767), some("32767")),
                (json!(32_768), None),
                (json!(-32_768), some("-32768")),
                (json!(true), None),
            ],
            |random| {
                let number = i64::try_from(random.below(100_000)).expect("small") - 50_000;
                (json!(number), fits(-32_768..=32_767, number, |number| number.to_string()))
            },
        ),
        of(
            "f64",
            RedshiftType::DoublePrecision,
            Decoding::Float,
            vec![
                (json!("NaN"), some("NaN")),
                (json!("Infinity"), some("inf")),
                (json!("-Infinity"), some("-inf")),
                (json!("1"), None),
            ],
            |random| {
                let number = f64::from_bits(random.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x2000_0000_0000_0000);
                (json!(number), Some(number.to_string()))
            },
        ),
        of(
            "day",
            RedshiftType::Date,
            Decoding::DateDays,
            vec![
                (json!(-719_162), some("0001-01-01")),
                (json!(-719_163), some("0001-12-31 BC")),
                (json!(-2_440_551), None),
                (json!(2_932_896), some("9999-12-31")),
                (json!(2_932_897), some("10000-01-01")),
                (json!(i32::MAX), None),
                (json!(11_016), some("2000-02-29")),
            ],
            |random| {
                let days = i64::try_from(random.below(8_000_000)).expect("small") - 4_000_000;
                (json!(days), fits(DAYS, days, date))
            },
        ),
        of(
            "day_iso",
            RedshiftType::Date,
            Decoding::DateIso,
            vec![
                (json!("0000-01-01Z"), some("0001-01-01 BC")),
                (json!("-0001-01-01Z"), some("0002-01-01 BC")),
                (json!("+10000-01-01Z"), some("10000-01-01")),
                (json!("-9999-01-01Z"), None),
                (json!(1), None),
            ],
            |random| {
                let day = date(i64::try_from(random.below(3_000_000)).expect("small") - 700_000);
                (json!(format!("{day}Z")), Some(day))
            },
        ),
        of(
            "t_us",
            RedshiftType::Time,
            Decoding::TimeMicros,
            vec![
                (json!(0), some("00:00:00")),
                (json!(86_399_999_999_i64), some("23:59:59.999999")),
                (json!(86_400_000_000_i64), some("24:00:00")),
                (json!(86_400_000_001_i64), None),
                (json!(-1), None),
                (json!(3_020_399_000_000_i64), None),
            ],
            |random| {
                let micros = i64::try_from(random.below(86_400_000_000)).expect("a day");
                (json!(micros), Some(time(micros)))
            },
        ),
        of(
            "t_ns",
            RedshiftType::Time,
            Decoding::TimeNanos,
            vec![(json!(1), None), (json!(86_399_999_999_000_i64), some("23:59:59.999999"))],
            |random| {
                let micros = i64::try_from(random.below(86_400_000_000)).expect("a day");
                (json!(micros * 1000), Some(time(micros)))
            },
        ),
        of(
            "t_iso",
            RedshiftType::Time,
            Decoding::TimeIso,
            vec![
                (json!("12:34Z"), some("12:34:00")),
                (json!("12:34:56.123456789Z"), None),
                (json!("12:34:56.123456000Z"), some("12:34:56.123456")),
            ],
            |random| {
                let micros = i64::try_from(random.below(86_400_000_000)).expect("a day");
                (json!(format!("{}Z", time(micros))), Some(time(micros)))
            },
        ),
        of(
            "ts_ms",
            RedshiftType::Timestamp,
            Decoding::TimestampMillis,
            vec![
                (json!(-62_135_596_800_000_i64), some("0001-01-01 00:00:00")),
                (json!(-62_135_596_800_001_i64), some("0001-12-31 23:59:59.999 BC")),
                (json!(-1), some("1969-12-31 23:59:59.999")),
                (json!(9_223_372_036_825_200_i64), None),
            ],
            |random| {
                let millis = i64::try_from(random.below(400_000_000_000_000)).expect("small") - 100_000_000_000_000;
                (json!(millis), fits(MOMENTS, millis * 1000, timestamp))
            },
        ),
        of(
            "ts_us",
            RedshiftType::Timestamp,
            Decoding::TimestampMicros,
            vec![
                (json!(-1), some("1969-12-31 23:59:59.999999")),
                (json!(253_402_300_799_999_999_i64), some("9999-12-31 23:59:59.999999")),
                (json!(9_223_372_036_825_200_000_i64), None),
                (json!(i64::MIN), None),
            ],
            |random| {
                let micros =
                    i64::try_from(random.below(400_000_000_000_000_000)).expect("small") - 100_000_000_000_000_000;
                (json!(micros), fits(MOMENTS, micros, timestamp))
            },
        ),
        of(
            "ts_ns",
            RedshiftType::Timestamp,
            Decoding::TimestampNanos,
            vec![(json!(1_700_000_000_000_000_001_i64), None), (json!(-1000), some("1969-12-31 23:59:59.999999"))],
            |random| {
                let micros = i64::try_from(random.below(9_000_000_000_000_000)).expect("small") - 4_000_000_000_000_000;
                (json!(micros * 1000), Some(timestamp(micros)))
            },
        ),
        of(
            "ts_iso",
            RedshiftType::Timestamp,
            Decoding::TimestampIso,
            vec![
                (json!("2024-02-29T12:34Z"), some("2024-02-29 12:34:00")),
                (json!("0000-01-01T00:00:00Z"), some("0001-01-01 00:00:00 BC")),
            ],
            |random| {
                let micros =
                    i64::try_from(random.below(300_000_000_000_000_000)).expect("small") - 60_000_000_000_000_000;
                (json!(format!("{}Z", timestamp(micros).replace(' ', "T"))), Some(timestamp(micros)))
            },
        ),
        of(
            "tz",
            RedshiftType::TimestampTz,
            Decoding::ZonedTimestamp,
            vec![
                (json!("2024-02-29T12:34:56+05:30"), some("2024-02-29 07:04:56+00")),
                (json!("0000-01-01T00:00:00Z"), some("0001-01-01 00:00:00+00 BC")),
                (json!("+10000-01-01T00:00:00Z"), some("10000-01-01 00:00:00+00")),
            ],
            |random| {
                let micros =
                    i64::try_from(random.below(300_000_000_000_000_000)).expect("small") - 60_000_000_000_000_000;
                (json!(format!("{}Z", timestamp(micros).replace(' ', "T"))), Some(format!("{}+00", timestamp(micros))))
            },
        ),
        of(
            "b64",
            RedshiftType::Varbyte { bytes: 200 },
            Decoding::BytesBase64,
            vec![
                (json!(""), some("")),
                (json!(base64(&[0; 200])), Some(hex(&[0; 200]))),
                (json!(base64(&[0; 201])), None),
                (json!("-_-_"), some("fbffbf")),
                (json!("abc"), None),
                (json!(1234), None),
            ],
            |random| {
                let bytes = bytes(random, 200);
                (json!(base64(&bytes)), Some(hex(&bytes)))
            },
        ),
        of(
            "b_hex",
            RedshiftType::Varbyte { bytes: 100 },
            Decoding::BytesHex,
            vec![(json!(""), some("")), (json!("0"), None), (json!("xy"), None), (json!(hex(&[7; 101])), None)],
            |random| {
                let bytes = bytes(random, 100);
                (json!(hex(&bytes)), Some(hex(&bytes)))
            },
        ),
        of(
            "b_any",
            RedshiftType::Varbyte { bytes: 200 },
            Decoding::BytesAny,
            vec![
                (json!(""), some("")),
                (json!("abcd"), None),
                (json!("abcdef"), some("abcdef")),
                (json!("AAAA"), some("000000")),
            ],
            |random| {
                let bytes = bytes(random, 200);
                if random.below(2) == 0 {
                    let text = hex(&bytes);
                    let ambiguous = !text.is_empty() && text.len().is_multiple_of(4) && text.len() < 32;
                    return (json!(text), (!ambiguous).then(|| hex(&bytes)));
                }
                let text = base64(&bytes);
                let like_hex = !text.is_empty() && text.bytes().all(|byte| b"0123456789abcdef".contains(&byte));
                (json!(text), (!like_hex).then(|| hex(&bytes)))
            },
        ),
        of(
            "bits",
            RedshiftType::Varchar { bytes: 37 },
            Decoding::Bits { length: 37 },
            vec![
                (json!(base64(&[5])), Some(format!("{:037b}", 5))),
                (json!(base64(&[0; 6])), None),
                (json!("?"), None),
            ],
            |random| {
                let number = random.next() >> 27;
                (json!(base64(&number.to_le_bytes()[..5])), Some(format!("{number:037b}")))
            },
        ),
        of(
            "shape",
            RedshiftType::Varchar { bytes: 1_000 },
            Decoding::Geometry,
            vec![
                (json!({"wkb": "AQEAAAA=", "srid": null}), some("0101000000")),
                (json!({"wkb": base64(&[1; 600]), "srid": 1}), None),
                (json!("text"), None),
            ],
            |random| {
                let mut bytes = bytes(random, 300);
                bytes.push(1);
                let srid = random.below(5_000);
                (json!({"wkb": base64(&bytes), "srid": srid}), Some(format!("SRID={srid};{}", hex(&bytes))))
            },
        ),
        of(
            "list",
            RedshiftType::Super,
            Decoding::Super,
            vec![(json!([]), some("[]")), (json!("text"), None), (json!([1, null, "a"]), some(r#"[1,null,"a"]"#))],
            |random| {
                let numbers: Vec<u64> = (0..random.below(5)).map(|_| random.below(1000)).collect();
                (json!(numbers), Some(json!(numbers).to_string()))
            },
        ),
        of(
            "amounts",
            RedshiftType::Super,
            Decoding::Array(Element::DecimalBase64 { scale: 2 }),
            vec![(json!([]), some("[]")), (json!(["?"]), None), (json!([unscaled(125), null]), some("[1.25,null]"))],
            |random| {
                let numbers: Vec<i128> = (0..random.below(5)).map(|_| number(random, 30)).collect();
                let shown: Vec<String> = numbers.iter().map(|number| decimal(*number, 2)).collect();
                let raw: Vec<String> = numbers.iter().map(|number| unscaled(*number)).collect();
                (json!(raw), Some(format!("[{}]", shown.join(","))))
            },
        ),
        of(
            "days",
            RedshiftType::Super,
            Decoding::Array(Element::DateDays),
            vec![(json!([19_782, null]), some(r#"["2024-02-29",null]"#)), (json!([i32::MIN]), None)],
            |random| {
                let days: Vec<i64> =
                    (0..random.below(5)).map(|_| i64::try_from(random.below(100_000)).expect("small")).collect();
                let shown: Vec<String> = days.iter().map(|day| date(*day)).collect();
                (json!(days), Some(json!(shown).to_string()))
            },
        ),
        of(
            "note",
            RedshiftType::Varchar { bytes: 100 },
            Decoding::Text,
            vec![
                (json!("a\u{0}b"), None),
                (json!("\\u0000 is no U+0000"), some("\\u0000 is no U+0000")),
                (json!("\u{FFFF}\u{10FFFF}\u{1F600}"), some("\u{FFFF}\u{10FFFF}\u{1F600}")),
                (json!("é".repeat(50)), Some("é".repeat(50))),
                (json!("é".repeat(51)), None),
                (json!("trailing  "), some("trailing  ")),
                (json!("'\"\\\r\n\t"), some("'\"\\\r\n\t")),
                (json!(7), None),
            ],
            |random| {
                let text = text(random, 40);
                (json!(text), (text.len() <= 100).then_some(text))
            },
        ),
        // The snapshot sends enum values as they are, the stream with backslashes.
        of(
            "label",
            RedshiftType::Varchar { bytes: 12 },
            Decoding::Label,
            vec![
                (json!("with,comma"), some("with,comma")),
                (json!("with\\,comma"), some("with,comma")),
                (json!("back\\slash"), some("back\\slash")),
                (json!("back\\\\slash"), some("back\\slash")),
                (json!("\\\\\\,"), some("\\,")),
                (json!("twelve,\\,\\,\\,\\,."), some("twelve,,,,,.")),
                (json!("thirteen,\\,\\,\\,."), None),
                (json!("it's \"q\""), some("it's \"q\"")),
                (json!(""), some("")),
                (json!(7), None),
            ],
            |random| {
                let text = text(random, 3).replace(['\\', '\0'], "b");
                (json!(text.replace(',', "\\,")), Some(text))
            },
        ),
        Tested {
            policy: OnUnfitValue::Truncate,
            ..of(
                "cut",
                RedshiftType::Varchar { bytes: 5 },
                Decoding::Text,
                vec![
                    (json!("ééé"), some("éé")),
                    (json!("12345"), some("12345")),
                    (json!("1234é"), some("1234")),
                    (json!(7), None),
                ],
                |random| {
                    let text = text(random, 4);
                    let kept = (0..=5).rev().find(|end| text.is_char_boundary((*end).min(text.len()))).unwrap_or(0);
                    (json!(text), Some(text[..kept.min(text.len())].to_owned()))
                },
            )
        },
        Tested {
            policy: OnUnfitValue::Null,
            ..of("dropped", RedshiftType::SmallInt, Decoding::Integer, vec![(json!(40_000), None)], |random| {
                let number = random.below(30_000);
                (json!(number), Some(number.to_string()))
            })
        },
    ]
}

/// One table per decoding, so that a failure names it.
fn definition(tested: &Tested) -> TableDefinition {
    let value = Column { on_unfit_value: tested.policy, ..column("v", tested.kind, tested.decoding) };
    let columns = vec![column("k", RedshiftType::BigInt, Decoding::Integer), value];
    table(&format!("values.public.{}", tested.name), "values_of", columns, &["k"], Mode::default())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_decoding_gives_the_value_back_or_null() {
    let stack = Stack::start(StackOptions::default(), None).await.expect("the stack starts");
    let warehouse = stack.administrator();
    let tested = tested();
    let tables: Vec<TableDefinition> = tested.iter().map(definition).collect();
    for table in &tables {
        stack.broker().create_topic(&table.spec.topic, 1).expect("a new topic");
    }
    provision(&warehouse, vec![stack.kafka()], tables.clone()).await;
    let mut producer = Producer::connect(&stack.kafka()).await.expect("the broker is reachable");
    let mut random = Random(42);
    for (tested, table) in tested.into_iter().zip(&tables) {
        let name = tested.name;
        let mut pairs: Vec<Pair> = vec![(Value::Null, None)];
        pairs.extend(tested.extremes);
        pairs.extend((0..RANDOM_VALUES).map(|_| (tested.random)(&mut random)));
        let records: Vec<RecordedRecord> = pairs
            .iter()
            .enumerate()
            .map(|(key, (value, _))| RecordedRecord {
                topic: table.spec.topic.clone(),
                partition: 0,
                offset: 0,
                timestamp: 0,
                key: None,
                value: Some(json!({"op": "c", "source": {"ts_ms": 1}, "after": {"k": key, "v": value}}).to_string()),
                headers: Vec::new(),
            })
            .collect();
        producer.produce(&records).await.expect("the broker takes records");
        let batch = synchronise(&layout(), &[(&table.spec, MergeBound::rows(10_000))]);
        let statements: Vec<&str> = batch.statements.iter().map(String::as_str).collect();
        warehouse.batch(&statements).await.unwrap_or_else(|error| panic!("{name}: {error:#}"));
        let rows = warehouse
            .query(&format!("SELECT t.v FROM {} AS t ORDER BY t.k", layout().target_table(&table.spec)))
            .await
            .expect("the target is readable");
        assert_eq!(rows.len(), pairs.len(), "{name}: every row lands");
        for ((value, expected), row) in pairs.iter().zip(&rows) {
            assert_eq!(row[0], *expected, "{name}: {value}");
        }
        let unfit = pairs.iter().filter(|(value, expected)| !value.is_null() && expected.is_none()).count();
        let counted = |sql: String| {
            let warehouse = warehouse.clone();
            async move {
                let rows = warehouse.query(&sql).await.expect("the control tables are readable");
                rows[0][0].as_deref().and_then(|text| text.parse::<usize>().ok()).unwrap_or(0)
            }
        };
        let log = |column: &str| {
            format!("SELECT SUM(m.{column}) FROM cdc.merge_log AS m WHERE m.table_name = '{}'", table.spec.id())
        };
        let quarantined = counted(format!(
            "SELECT COUNT(*) FROM cdc.quarantine AS q WHERE q.scope = 'value' AND q.table_name = '{}'",
            table.spec.id()
        ))
        .await;
        let nulled = counted(log("nulled_values")).await;
        let truncated = counted(log("truncated_values")).await;
        match tested.policy {
            OnUnfitValue::Quarantine => assert_eq!((quarantined, nulled, truncated), (unfit, 0, 0), "{name}"),
            OnUnfitValue::Null => assert_eq!((quarantined, nulled, truncated), (0, unfit, 0), "{name}"),
            OnUnfitValue::Truncate => {
                let cut = pairs
                    .iter()
                    .filter(|(value, kept)| value.as_str().is_some_and(|text| kept.as_deref() != Some(text)))
                    .count();
                assert_eq!((quarantined, nulled, truncated), (unfit, 0, cut), "{name}");
            }
        }
    }
    stack.shutdown().await;
}
