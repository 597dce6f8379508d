//! Data types (Redshift Database Developer Guide, "Data types").

use super::{Parsed, Parser};
use crate::error::SqlError;
use crate::lexer::Kind;
use crate::statement::ArgumentType;
use crate::types::{DEFAULT_VARBYTE, DEFAULT_VARCHAR, MAX_VARBYTE, MAX_VARCHAR, RsType};

impl Parser<'_> {
    /// `(n)`, or `(MAX)` as `max`.
    fn length(&mut self, max: u64, type_name: &str) -> Parsed<Option<u32>> {
        if !self.eat_symbol("(") {
            return Ok(None);
        }
        let length = if self.eat_word("MAX") { max } else { self.unsigned()? };
        self.expect_symbol(")")?;
        if length == 0 {
            return self.refuse(SqlError::new("22023", format!("length for type {type_name} must be at least 1")));
        }
        match u32::try_from(length) {
            Ok(fits) if length <= max => Ok(Some(fits)),
            _ => self.refuse(SqlError::new("22023", format!("length for type {type_name} cannot exceed {max}"))),
        }
    }

    fn with_time_zone(&mut self) -> Parsed<bool> {
        if self.is_words(&["WITH", "TIME", "ZONE"]) {
            self.expect_words(&["WITH", "TIME", "ZONE"])?;
            return Ok(true);
        }
        if self.is_words(&["WITHOUT", "TIME", "ZONE"]) {
            self.expect_words(&["WITHOUT", "TIME", "ZONE"])?;
        }
        Ok(false)
    }

    /// `(precision)` of date and time types: Redshift has microseconds only.
    fn no_precision(&mut self) -> Parsed<()> {
        if self.is_symbol("(") {
            return Err(self.unexpected());
        }
        Ok(())
    }

    pub(super) fn is_type_literal(&self) -> bool {
        let literal = |ahead| matches!(self.token_at(ahead).kind, Kind::Text(_));
        match self.keyword().as_deref() {
            Some("DATE" | "TIME" | "TIMETZ" | "TIMESTAMP" | "TIMESTAMPTZ") => {
                literal(1) || (self.is_word_at(2, "TIME") && self.is_word_at(3, "ZONE") && literal(4))
            }
            Some(
                "INT" | "INTEGER" | "BIGINT" | "SMALLINT" | "FLOAT" | "BOOL" | "BOOLEAN" | "NUMERIC" | "DECIMAL"
                | "VARCHAR",
            ) => literal(1),
            _ => false,
        }
    }

    /// A type behind `::` or in CAST, or as definitions of views show it: `"varchar"` has no length, and nothing is cut.
    pub(super) fn cast_type(&mut self) -> Parsed<RsType> {
        let Kind::Quoted(name) = self.kind() else {
            return self.data_type();
        };
        let rs_type = match name.as_str() {
            "varchar" | "text" => RsType::Varchar(MAX_VARCHAR),
            "char" => RsType::Char(1),
            "date" => RsType::Date,
            "time" => RsType::Time,
            "timestamp" => RsType::Timestamp,
            "timestamptz" => RsType::TimestampTz,
            "bool" => RsType::Boolean,
            "int2" => RsType::SmallInt,
            "int4" => RsType::Integer,
            "int8" => RsType::BigInt,
            "float4" => RsType::Real,
            "float8" => RsType::Double,
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(rs_type)
    }

    pub(super) fn data_type(&mut self) -> Parsed<RsType> {
        let Some(word) = self.keyword() else {
            return Err(self.unexpected());
        };
        let place = (self.position(), self.line());
        self.advance();
        let rs_type = match word.as_str() {
            "SMALLINT" | "INT2" => RsType::SmallInt,
            // The catalogs' type of names; nothing in the data types of columns.
            "NAME" => RsType::Varchar(128),
            "INTEGER" | "INT" | "INT4" => RsType::Integer,
            "BIGINT" | "INT8" => RsType::BigInt,
            "DECIMAL" | "NUMERIC" | "DEC" => self.decimal()?,
            "REAL" | "FLOAT4" => RsType::Real,
            "DOUBLE" => {
                self.expect_word("PRECISION")?;
                RsType::Double
            }
            "FLOAT8" => RsType::Double,
            "FLOAT" => {
                if self.eat_symbol("(") {
                    let bits = self.unsigned()?;
                    self.expect_symbol(")")?;
                    if (1..=24).contains(&bits) {
                        return Ok(RsType::Real);
                    }
                }
                RsType::Double
            }
            "BOOLEAN" | "BOOL" => RsType::Boolean,
            "CHAR" | "CHARACTER" | "NCHAR" => {
                if self.eat_word("VARYING") {
                    RsType::Varchar(self.length(u64::from(MAX_VARCHAR), "varchar")?.unwrap_or(DEFAULT_VARCHAR))
                } else {
                    RsType::Char(self.length(4096, "char")?.unwrap_or(1))
                }
            }
            "BPCHAR" => RsType::Char(256),
            "VARCHAR" | "NVARCHAR" => {
                RsType::Varchar(self.length(u64::from(MAX_VARCHAR), "varchar")?.unwrap_or(DEFAULT_VARCHAR))
            }
            "TEXT" => RsType::Varchar(self.length(u64::from(MAX_VARCHAR), "varchar")?.unwrap_or(DEFAULT_VARCHAR)),
            "DATE" => RsType::Date,
            "TIME" => {
                self.no_precision()?;
                if self.with_time_zone()? { RsType::TimeTz } else { RsType::Time }
            }
            "TIMETZ" => RsType::TimeTz,
            "TIMESTAMP" => {
                self.no_precision()?;
                if self.with_time_zone()? { RsType::TimestampTz } else { RsType::Timestamp }
            }
            "TIMESTAMPTZ" => RsType::TimestampTz,
            // Not among the guide's names; AWS's own samples declare columns and variables with it (sp_unload of amazon-redshift-utils).
            "DATETIME" => RsType::Timestamp,
            // The catalogs show lists of grants in their print form.
            "ACLITEM" if self.is_symbol("[") && self.is_symbol_at(1, "]") => {
                self.advance();
                self.advance();
                RsType::Varchar(MAX_VARCHAR)
            }
            "SUPER" => RsType::Super,
            "VARBYTE" | "VARBINARY" => self.varbyte()?,
            "BINARY" => {
                self.expect_word("VARYING")?;
                self.varbyte()?
            }
            "INTERVAL" => {
                self.interval_qualifier()?;
                RsType::Interval
            }
            "GEOMETRY" | "GEOGRAPHY" | "HLLSKETCH" => {
                return Err(SqlError::not_in_stand_in(&format!("the data type {word}")).at(place.0, place.1));
            }
            _ => {
                return Err(SqlError::new(
                    "42704",
                    format!("type \"{}\" does not exist in Redshift", word.to_ascii_lowercase()),
                )
                .at(place.0, place.1));
            }
        };
        if self.is_symbol("[") && self.is_symbol_at(1, "]") {
            return self.refuse(SqlError::unsupported("array types are not supported by Redshift: use SUPER"));
        }
        Ok(rs_type)
    }

    fn decimal(&mut self) -> Parsed<RsType> {
        if !self.eat_symbol("(") {
            return Ok(RsType::Decimal(18, 0));
        }
        let precision = self.unsigned()?;
        let scale = if self.eat_symbol(",") { self.unsigned()? } else { 0 };
        self.expect_symbol(")")?;
        if !(1..=38).contains(&precision) {
            return self
                .refuse(SqlError::new("22023", format!("DECIMAL precision {precision} must be between 1 and 38")));
        }
        if scale > precision.min(37) {
            return self.refuse(SqlError::new(
                "22023",
                format!("DECIMAL scale {scale} must be between 0 and {}", precision.min(37)),
            ));
        }
        Ok(RsType::Decimal(u8::try_from(precision).expect("at most 38"), u8::try_from(scale).expect("at most 37")))
    }

    fn varbyte(&mut self) -> Parsed<RsType> {
        Ok(RsType::Varbyte(self.length(u64::from(MAX_VARBYTE), "varbyte")?.unwrap_or(DEFAULT_VARBYTE)))
    }

    /// `YEAR TO MONTH`, `DAY TO SECOND [(p)]`, single fields.
    pub(super) fn interval_qualifier(&mut self) -> Parsed<Option<String>> {
        let field = |word: Option<String>| {
            word.filter(|w| matches!(w.as_str(), "YEAR" | "MONTH" | "DAY" | "HOUR" | "MINUTE" | "SECOND"))
        };
        let Some(first) = field(self.keyword()) else {
            return Ok(None);
        };
        self.advance();
        let mut text = first;
        if self.eat_word("TO") {
            let Some(second) = field(self.keyword()) else {
                return Err(self.unexpected());
            };
            self.advance();
            text = format!("{text} TO {second}");
        }
        if self.eat_symbol("(") {
            self.unsigned()?;
            self.expect_symbol(")")?;
        }
        Ok(Some(text))
    }

    /// A type of a routine's argument.
    pub(super) fn argument_type(&mut self) -> Parsed<ArgumentType> {
        if self.eat_word("REFCURSOR") {
            return Ok(ArgumentType::RefCursor);
        }
        self.data_type().map(ArgumentType::Scalar)
    }
}
