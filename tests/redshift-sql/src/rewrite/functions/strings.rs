//! String, hash, VARBYTE and formatting functions.

use super::{Arguments, big, boolean, constant, int, text};
use crate::error::SqlError;
use crate::rewrite::{Form, Rewriter, Typed};
use crate::types::{MAX_VARCHAR, RsType};

/// The default seed of FNV_HASH: the offset basis of 64-bit FNV.
const FNV_SEED: &str = "(-3750763034362895579)::bigint";

impl Rewriter<'_> {
    /// "String functions", "Hash functions", "VARBYTE operators", "Data type formatting functions".
    pub(super) fn strings(&self, name: &str, args: &[Typed]) -> Result<Option<Typed>, SqlError> {
        let a = Arguments { rewriter: self, values: args };
        Ok(Some(match (name, args.len()) {
            ("len" | "length" | "char_length" | "character_length" | "textlen", 1) => {
                if a.is_varbyte(0) {
                    int(format!("octet_length({})", args[0].sql))
                } else {
                    // Trailing blanks of CHAR do not count ("LEN function").
                    int(format!("length({})", a.text(0)?))
                }
            }
            ("octet_length", 1) => {
                if a.is_varbyte(0) {
                    int(format!("octet_length({})", args[0].sql))
                } else {
                    int(format!("octet_length({})", a.text(0)?))
                }
            }
            ("upper" | "lower" | "initcap" | "reverse", 1) => text(format!("{name}({})", a.text(0)?), a.width(0)),
            ("collate", 2) => {
                let Form::Text(collation) = &args[1].form else {
                    return Err(SqlError::syntax("the collation of COLLATE is a constant"));
                };
                let caseless = match collation.to_ascii_lowercase().as_str() {
                    "case_insensitive" | "ci" => true,
                    "case_sensitive" | "cs" => false,
                    _ => return Err(SqlError::new("22023", "COLLATE takes 'case_sensitive' or 'case_insensitive'")),
                };
                let mut value = text(format!("({})::character varying", a.text(0)?), a.width(0));
                value.caseless = caseless;
                value
            }
            ("btrim" | "trim", 1) => text(format!("btrim({})", a.text(0)?), a.width(0)),
            ("ltrim" | "rtrim", 1) => text(format!("{name}({})", a.text(0)?), a.width(0)),
            ("btrim" | "trim" | "ltrim" | "rtrim", 2) => {
                let f = if name == "trim" { "btrim" } else { name };
                text(format!("{f}({}, {})", a.text(0)?, a.text(1)?), a.width(0))
            }
            ("strpos" | "charindex", 2) => {
                let (hay, needle) = if name == "charindex" { (1, 0) } else { (0, 1) };
                int(format!("strpos({}, {})", a.text(hay)?, a.text(needle)?))
            }
            ("substring" | "substr", 2 | 3) => {
                let more = if args.len() == 3 { format!(", {}", a.whole(2)?) } else { String::new() };
                if a.is_varbyte(0) {
                    Typed::new(
                        format!("rs.substring_bytes({}, {}{more})", args[0].sql, a.whole(1)?),
                        args[0].ty.clone(),
                    )
                } else {
                    // A constant length needs no guard against negative ones, and bounds the result.
                    let limit = args.get(2).and_then(constant);
                    let f = if args.len() == 2 || limit.is_some() { "substr" } else { "rs.substring" };
                    let bound = limit.map_or(a.width(0), |n| a.width(0).min(n.saturating_mul(4)));
                    text(format!("{f}({}, {}{more})", a.text(0)?, a.whole(1)?), bound)
                }
            }
            ("left" | "right", 2) => match constant(&args[1]) {
                Some(n) => text(format!("{name}({}, {n})", a.text(0)?), a.width(0).min(n.saturating_mul(4))),
                None => text(format!("rs.{name}_chars({}, {})", a.text(0)?, a.whole(1)?), a.width(0)),
            },
            ("lpad" | "rpad", 2) => text(format!("{name}({}, {})", a.text(0)?, a.whole(1)?), MAX_VARCHAR),
            ("lpad" | "rpad", 3) => {
                text(format!("{name}({}, {}, {})", a.text(0)?, a.whole(1)?, a.text(2)?), MAX_VARCHAR)
            }
            ("repeat" | "replicate", 2) => text(format!("repeat({}, {})", a.text(0)?, a.whole(1)?), MAX_VARCHAR),
            ("replace", 3) => text(format!("replace({}, {}, {})", a.text(0)?, a.text(1)?, a.text(2)?), MAX_VARCHAR),
            ("translate", 3) => {
                text(format!("translate({}, {}, {})", a.text(0)?, a.text(1)?, a.text(2)?), a.width(0).saturating_mul(4))
            }
            ("split_part", 3) => {
                text(format!("rs.split_part({}, {}, {})", a.text(0)?, a.text(1)?, a.whole(2)?), a.width(0))
            }
            ("concat", 2) => return self.concat(&args[0], &args[1]).map(Some),
            ("chr", 1) => text(format!("chr({})", a.whole(0)?), 4),
            ("ascii", 1) => int(format!("ascii({})", a.text(0)?)),
            ("quote_ident", 1) => {
                text(format!("rs.quote_ident({})", a.text(0)?), a.width(0).saturating_mul(2).saturating_add(2))
            }
            ("quote_literal", 1) => {
                text(format!("rs.quote_literal({})", a.text(0)?), a.width(0).saturating_mul(2).saturating_add(2))
            }
            ("md5", 1) => {
                let bytes = a.bytes(0)?;
                text(format!("md5({bytes})"), 32)
            }
            ("sha2", 2) => {
                let bytes = a.bytes(0)?;
                text(format!("rs.sha2({bytes}, {})", a.whole(1)?), 128)
            }
            ("regexp_count", 2..=4)
            | ("regexp_substr", 2..=6)
            | ("regexp_replace", 2..=5)
            | ("regexp_instr", 2..=6) => {
                return self.regexp(name, args).map(Some);
            }
            ("to_hex", 1) => {
                if a.is_varbyte(0) {
                    text(format!("encode({}, 'hex')", args[0].sql), MAX_VARCHAR)
                } else {
                    text(format!("to_hex(({})::bigint)", a.number(0)?.sql), 16)
                }
            }
            ("from_hex", 1) => {
                Typed::new(format!("rs.from_hex({})", a.text(0)?), RsType::Varbyte((a.width(0) / 2).max(1)))
            }
            ("to_varbyte", 2) => {
                Typed::new(format!("rs.to_varbyte({}, {})", a.text(0)?, a.text(1)?), RsType::Varbyte(a.width(0).max(1)))
            }
            ("from_varbyte", 2) if a.is_varbyte(0) => {
                text(format!("rs.from_varbyte({}, {})", args[0].sql, a.text(1)?), MAX_VARCHAR)
            }
            ("getbit", 2) if a.is_varbyte(0) => int(format!("get_bit({}, {})", args[0].sql, a.whole(1)?)),
            ("strtol", 2) => big(format!("rs.strtol({}, {})", a.text(0)?, a.whole(1)?)),
            ("crc32", 1) => text(format!("rs.crc32({})", a.bytes(0)?), 8),
            ("func_sha1" | "sha1" | "sha", 1) => text(format!("rs.sha1({})", a.bytes(0)?), 40),
            ("fnv_hash", 1 | 2) => {
                let seed =
                    if args.len() == 2 { format!("({})::bigint", a.number(1)?.sql) } else { FNV_SEED.to_owned() };
                big(format!("rs.fnv_hash({}, {seed})", self.hashed_bytes(&args[0])?))
            }
            ("murmur3_32_hash", 1 | 2) => {
                let seed = if args.len() == 2 { a.whole(1)? } else { "0".to_owned() };
                int(format!("rs.murmur3({}, {seed})", self.iceberg_bytes(&args[0])?))
            }
            ("is_utf8", 1) if a.is_varbyte(0) => boolean(format!("rs.is_utf8({})", args[0].sql)),
            ("soundex", 1) => text(format!("rs.soundex({})", a.text(0)?), 4),
            ("difference", 2) => int(format!("rs.difference({}, {})", a.text(0)?, a.text(1)?)),
            ("octetindex", 2) => int(format!("rs.octetindex({}, {})", a.text(0)?, a.text(1)?)),
            ("bttext_pattern_cmp" | "bpcharcmp", 2) => int(format!("bpcharcmp({}, {})", a.text(0)?, a.text(1)?)),
            ("text_to_int_alt", 1) => int(format!("rs.trailing_sign({})::integer", a.text(0)?)),
            ("text_to_numeric_alt", 1..=3) => {
                let digits = |i: usize, default: u8| args.get(i).map_or(Some(default), |v| v.sql.parse().ok());
                match (digits(1, 38), digits(2, 0)) {
                    (Some(p @ 1..=38), Some(s)) if s <= p.min(37) => {
                        Typed::new(format!("rs.trailing_sign({})::numeric({p},{s})", a.text(0)?), RsType::Decimal(p, s))
                    }
                    _ => {
                        return Err(SqlError::new(
                            "22023",
                            "TEXT_TO_NUMERIC_ALT takes a precision of 1 to 38 and a scale within it",
                        ));
                    }
                }
            }
            ("to_char", 2) => match (&args[0].form, &args[0].ty) {
                (Form::Value, ty) if ty.is_numeric() => text(format!("to_char({}, {})", args[0].sql, a.text(1)?), 256),
                (_, ty) if ty.is_datetime() || *ty == RsType::Interval => {
                    text(format!("to_char({}, {})", args[0].sql, a.text(1)?), 256)
                }
                _ => text(format!("to_char({}, {})", a.moment(0)?.sql, a.text(1)?), 256),
            },
            ("to_number", 2) => {
                // The format's digits are the precision and, behind the point, the scale.
                let ty = match &args[1].form {
                    Form::Text(format) => format_digits(format),
                    _ => RsType::Decimal(38, 10),
                };
                Typed::new(format!("to_number({}, {})::{}", a.text(0)?, a.text(1)?, ty.postgres()), ty)
            }
            ("to_date", 2 | 3) => {
                let strict = args.get(2).map_or("false", |v| v.sql.as_str());
                Typed::new(format!("rs.to_date({}, {}, {strict})", a.text(0)?, a.text(1)?), RsType::Date)
            }
            ("to_timestamp", 2 | 3) => {
                Typed::new(format!("to_timestamp({}, {})", a.text(0)?, a.text(1)?), RsType::TimestampTz)
            }
            _ => return Ok(None),
        }))
    }

    /// "REGEXP_…" functions. Missing arguments get their documented defaults.
    fn regexp(&self, name: &str, args: &[Typed]) -> Result<Typed, SqlError> {
        let t = |i: usize, default: &str| match args.get(i) {
            Some(value) => self.text_of(value),
            None => Ok(default.to_owned()),
        };
        let w = |i: usize, default: &str| match args.get(i) {
            Some(value) => self.whole(value),
            None => Ok(default.to_owned()),
        };
        let (source, pattern) = (t(0, "")?, t(1, "")?);
        let width = Self::width(&args[0]);
        Ok(match name {
            "regexp_count" => int(format!("rs.regexp_count({source}, {pattern}, {}, {})", w(2, "1")?, t(3, "'c'")?)),
            "regexp_instr" => int(format!(
                "rs.regexp_instr({source}, {pattern}, {}, {}, {}, {})",
                w(2, "1")?,
                w(3, "1")?,
                w(4, "0")?,
                t(5, "'c'")?
            )),
            "regexp_substr" => text(
                format!("rs.regexp_substr({source}, {pattern}, {}, {}, {})", w(2, "1")?, w(3, "1")?, t(4, "'c'")?),
                width,
            ),
            _ => text(
                format!("rs.regexp_replace({source}, {pattern}, {}, {}, {})", t(2, "''")?, w(3, "1")?, t(4, "'c'")?),
                MAX_VARCHAR,
            ),
        })
    }

    /// The bytes that FNV_HASH takes of a value ("FNV_HASH function": 4 bytes of an INTEGER, 8 of a BIGINT, trailing blanks count).
    fn hashed_bytes(&self, value: &Typed) -> Result<String, SqlError> {
        let sql = &value.sql;
        let send = match &value.ty {
            RsType::SmallInt => "int2send",
            RsType::Integer => "int4send",
            RsType::BigInt => "int8send",
            RsType::Real => "float4send",
            RsType::Double => "float8send",
            RsType::Boolean => "boolsend",
            RsType::Date => "date_send",
            RsType::Timestamp => "timestamp_send",
            RsType::TimestampTz => "timestamptz_send",
            RsType::Varbyte(_) => return Ok(sql.clone()),
            t if t.is_character() => return Ok(format!("convert_to({}, 'UTF8')", self.text_of(value)?)),
            other => return Err(SqlError::not_in_stand_in(&format!("FNV_HASH of a value of type {other}"))),
        };
        Ok(format!("rs.reversed({send}({sql}))"))
    }

    /// The bytes that the Apache Iceberg specification hashes: numbers and dates as 64 bits, text in UTF-8.
    fn iceberg_bytes(&self, value: &Typed) -> Result<String, SqlError> {
        let sql = &value.sql;
        let long = match &value.ty {
            t if t.is_integer() => format!("({sql})::bigint"),
            RsType::Boolean => format!("({sql})::integer::bigint"),
            RsType::Date => format!("(({sql}) - date '1970-01-01')::bigint"),
            RsType::Timestamp | RsType::TimestampTz => format!("(extract(epoch FROM {sql}) * 1000000)::bigint"),
            RsType::Real | RsType::Double => return Ok(format!("rs.reversed(float8send(({sql})::double precision))")),
            RsType::Varbyte(_) => return Ok(sql.clone()),
            t if t.is_character() => return Ok(format!("convert_to({}, 'UTF8')", self.text_of(value)?)),
            other => return Err(SqlError::not_in_stand_in(&format!("MURMUR3_32_HASH of a value of type {other}"))),
        };
        Ok(format!("rs.reversed(int8send({long}))"))
    }
}

/// The DECIMAL that a number format such as `99G999D9S` holds ("Numeric format strings").
fn format_digits(format: &str) -> RsType {
    let upper = format.to_ascii_uppercase();
    let digits = |part: &str| u8::try_from(part.chars().filter(|c| matches!(c, '9' | '0')).count()).unwrap_or(38);
    let (whole, fraction) = upper.split_once(['D', '.']).unwrap_or((&upper, ""));
    let scale = digits(fraction).min(37);
    RsType::Decimal(digits(whole).saturating_add(scale).clamp(1, 38), scale)
}
