//! What MySQL and MariaDB put into the rows of a table for a column that is added with NOT NULL and
//! without a default (MySQL Reference Manual, "Data Type Default Values"): zero, an empty text, the
//! first value of an enum.

use crate::event::ColumnStructure;

/// The value as a default is written. None where it is none that can be told: times, whose zero is
/// no time; documents; binary values.
pub(super) fn default(column: &ColumnStructure) -> Option<String> {
    let name = column.type_name.to_uppercase();
    let text = match name.split(' ').next()? {
        "TINYINT" | "SMALLINT" | "MEDIUMINT" | "INT" | "INTEGER" | "BIGINT" | "INT1" | "INT2" | "INT3" | "INT4"
        | "INT8" | "BOOL" | "BOOLEAN" | "DECIMAL" | "DEC" | "NUMERIC" | "FIXED" | "FLOAT" | "DOUBLE" | "REAL"
        | "YEAR" => "0".to_owned(),
        "BIT" => "b'0'".to_owned(),
        "TIME" => "00:00:00".to_owned(),
        "CHAR" | "VARCHAR" | "TINYTEXT" | "TEXT" | "MEDIUMTEXT" | "LONGTEXT" | "SET" => String::new(),
        "ENUM" => column.enum_values.first().map(|value| super::super::unquoted(value, false))?,
        _ => return None,
    };
    Some(text)
}
