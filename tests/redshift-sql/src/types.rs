//! Redshift's data types, their limits and their PostgreSQL representation.
//!
//! Source of the limits: Redshift Database Developer Guide, "Data types". Invariant: a value of `RsType` made by the parser
//! is within Redshift's limits.

use std::fmt;

/// A Redshift data type. `Display` prints it as Redshift's catalogs do (`character varying(20)`, `numeric(18,0)`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RsType {
    /// INT2.
    SmallInt,
    /// INT4.
    Integer,
    /// INT8.
    BigInt,
    /// NUMERIC(precision, scale): 1..=38, scale 0..=37.
    Decimal(u8, u8),
    /// FLOAT4.
    Real,
    /// FLOAT8, FLOAT.
    Double,
    /// BOOL.
    Boolean,
    /// CHAR(bytes), 1..=4096 in tables.
    Char(u32),
    /// VARCHAR(bytes), 1..=65535 in tables, up to 16,000,000 in memory.
    Varchar(u32),
    /// DATE.
    Date,
    /// TIME without time zone.
    Time,
    /// TIME WITH TIME ZONE.
    TimeTz,
    /// TIMESTAMP without time zone, microseconds.
    Timestamp,
    /// TIMESTAMP WITH TIME ZONE.
    TimestampTz,
    /// INTERVAL literals and results.
    Interval,
    /// SUPER, stored as jsonb.
    Super,
    /// VARBYTE(bytes), stored as bytea.
    Varbyte(u32),
    /// OID and other catalog-only types: readable in catalog views, not usable in tables.
    Oid,
    /// A bare NULL or a parameter whose type is not known. Never a column of a table.
    Unknown,
}

/// Bytes of VARCHAR without a length (Redshift Database Developer Guide, "Character types").
pub const DEFAULT_VARCHAR: u32 = 256;
/// Bytes of VARCHAR(MAX).
pub const MAX_VARCHAR: u32 = 65_535;
/// Bytes of VARBYTE without a length ("VARBYTE type").
pub const DEFAULT_VARBYTE: u32 = 64_000;
/// Bytes of VARBYTE at most.
pub const MAX_VARBYTE: u32 = 16_777_216;

impl RsType {
    /// The PostgreSQL type that holds values of this type.
    #[must_use]
    pub fn postgres(&self) -> String {
        match self {
            Self::SmallInt => "smallint".into(),
            Self::Integer => "integer".into(),
            Self::BigInt => "bigint".into(),
            Self::Decimal(p, s) => format!("numeric({p},{s})"),
            Self::Real => "real".into(),
            Self::Double => "double precision".into(),
            Self::Boolean => "boolean".into(),
            Self::Char(n) => format!("character({n})"),
            // PostgreSQL's varchar(n) ends at 10,485,760 characters.
            Self::Varchar(n) if *n > 10_485_760 => "character varying".into(),
            Self::Varchar(n) => format!("character varying({n})"),
            Self::Date => "date".into(),
            Self::Time => "time without time zone".into(),
            Self::TimeTz => "time with time zone".into(),
            Self::Timestamp => "timestamp without time zone".into(),
            Self::TimestampTz => "timestamp with time zone".into(),
            Self::Interval => "interval".into(),
            Self::Super => "jsonb".into(),
            Self::Varbyte(_) => "bytea".into(),
            Self::Oid => "oid".into(),
            Self::Unknown => "text".into(),
        }
    }

    /// The RsType of a column as PostgreSQL's `format_type(atttypid, atttypmod)` prints it; `None` for types Redshift has not.
    ///
    /// `text` and `name` (catalog views) become VARCHAR(65535) and VARCHAR(128); `numeric` without a modifier becomes
    /// DECIMAL(38,0) only for the engine's own views: tables always have a modifier.
    #[must_use]
    pub fn from_postgres(format_type: &str) -> Option<Self> {
        let (base, modifier) = match format_type.split_once('(') {
            Some((base, rest)) => {
                let (inside, after) = rest.split_once(')')?;
                (format!("{}{}", base.trim_end(), after), Some(inside))
            }
            None => (format_type.to_owned(), None),
        };
        let first = || modifier.and_then(|m| m.split(',').next()).and_then(|n| n.trim().parse::<u32>().ok());
        Some(match base.as_str() {
            "smallint" => Self::SmallInt,
            "integer" => Self::Integer,
            "bigint" => Self::BigInt,
            "real" => Self::Real,
            "double precision" => Self::Double,
            "boolean" => Self::Boolean,
            "numeric" => match modifier {
                None => Self::Decimal(38, 0),
                Some(m) => {
                    let mut parts = m.split(',').map(|n| n.trim().parse::<u8>().ok());
                    Self::Decimal(parts.next()??, parts.next().unwrap_or(Some(0))?)
                }
            },
            "character" => Self::Char(first().unwrap_or(1)),
            "bpchar" => Self::Char(first().unwrap_or(4096)),
            "\"char\"" => Self::Char(1),
            "character varying" => Self::Varchar(first().unwrap_or(MAX_VARCHAR)),
            "text" => Self::Varchar(MAX_VARCHAR),
            "name" => Self::Varchar(128),
            "date" => Self::Date,
            "time without time zone" => Self::Time,
            "time with time zone" => Self::TimeTz,
            "timestamp without time zone" => Self::Timestamp,
            "timestamp with time zone" => Self::TimestampTz,
            "interval" => Self::Interval,
            "jsonb" => Self::Super,
            "bytea" => Self::Varbyte(DEFAULT_VARBYTE),
            "oid" | "regproc" | "regclass" | "xid" => Self::Oid,
            _ => return None,
        })
    }

    /// CHAR or VARCHAR.
    #[must_use]
    pub fn is_character(&self) -> bool {
        matches!(self, Self::Char(_) | Self::Varchar(_))
    }

    /// SMALLINT, INTEGER or BIGINT.
    #[must_use]
    pub fn is_integer(&self) -> bool {
        matches!(self, Self::SmallInt | Self::Integer | Self::BigInt)
    }

    /// Any number type.
    #[must_use]
    pub fn is_numeric(&self) -> bool {
        self.is_integer() || matches!(self, Self::Decimal(..) | Self::Real | Self::Double)
    }

    /// DATE, TIMESTAMP or TIMESTAMPTZ.
    #[must_use]
    pub fn is_datetime(&self) -> bool {
        matches!(self, Self::Date | Self::Timestamp | Self::TimestampTz)
    }

    /// The name that the Data API reports in `ColumnMetadata.typeName` (`int8`, `varchar`, `super`, …).
    #[must_use]
    pub fn short_name(&self) -> &'static str {
        match self {
            Self::SmallInt => "int2",
            Self::Integer => "int4",
            Self::BigInt => "int8",
            Self::Decimal(..) => "numeric",
            Self::Real => "float4",
            Self::Double => "float8",
            Self::Boolean => "bool",
            Self::Char(_) => "bpchar",
            Self::Varchar(_) | Self::Unknown => "varchar",
            Self::Date => "date",
            Self::Time => "time",
            Self::TimeTz => "timetz",
            Self::Timestamp => "timestamp",
            Self::TimestampTz => "timestamptz",
            Self::Interval => "interval",
            Self::Super => "super",
            Self::Varbyte(_) => "varbyte",
            Self::Oid => "oid",
        }
    }
}

impl fmt::Display for RsType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Super => f.write_str("super"),
            Self::Varbyte(n) => write!(f, "binary varying({n})"),
            Self::Unknown => f.write_str("unknown"),
            Self::Varchar(n) => write!(f, "character varying({n})"),
            other => f.write_str(&other.postgres()),
        }
    }
}
