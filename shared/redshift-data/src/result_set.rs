//! Rows fetched from the warehouse, read by column name.
//!
//! Values keep the Data API's own types: integers, doubles, booleans and text; decimals, dates,
//! SUPER and VARBYTE arrive as text (Redshift Management Guide, "Data type mapping").

use crate::error::ReadError;

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Any integer type.
    Integer(i64),
    /// REAL and DOUBLE PRECISION.
    Double(f64),
    /// BOOLEAN.
    Boolean(bool),
    /// Everything else.
    Text(String),
    /// A binary value.
    Bytes(Vec<u8>),
}

impl From<i64> for Cell {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<bool> for Cell {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<&str> for Cell {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Cell {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

/// All rows of one statement.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ResultSet {
    /// Column names, in order.
    pub columns: Vec<String>,
    /// Rows, in the statement's order; None is SQL's NULL.
    pub rows: Vec<Vec<Option<Cell>>>,
}

impl ResultSet {
    /// A result with these columns and rows.
    #[must_use]
    pub fn of(columns: &[&str], rows: Vec<Vec<Option<Cell>>>) -> Self {
        Self { columns: columns.iter().map(|&name| name.to_owned()).collect(), rows }
    }

    /// The rows in order.
    pub fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|cells| Row { columns: &self.columns, cells })
    }

    /// The first row.
    #[must_use]
    pub fn first(&self) -> Option<Row<'_>> {
        self.iter().next()
    }
}

/// One row, read by column name. Names are compared without regard to case: Redshift folds
/// them to lower case or keeps them, depending on a session setting.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    columns: &'a [String],
    cells: &'a [Option<Cell>],
}

impl<'a> Row<'a> {
    fn cell(&self, column: &str) -> Result<Option<&'a Cell>, ReadError> {
        self.columns
            .iter()
            .position(|name| name.eq_ignore_ascii_case(column))
            .and_then(|index| self.cells.get(index))
            .map(Option::as_ref)
            .ok_or_else(|| ReadError::NoColumn { column: column.to_owned(), present: self.columns.join(", ") })
    }

    fn typed<T>(
        &self,
        column: &str,
        expected: &'static str,
        read: impl FnOnce(&'a Cell) -> Option<T>,
    ) -> Result<Option<T>, ReadError> {
        self.cell(column)?
            .map(|cell| read(cell).ok_or_else(|| ReadError::Type { column: column.to_owned(), expected }))
            .transpose()
    }

    /// An integer. Text that is an integer counts as one: a sum over BIGINT is a decimal, which
    /// the Data API writes as text.
    pub fn integer(&self, column: &str) -> Result<Option<i64>, ReadError> {
        self.typed(column, "integer", |cell| match cell {
            Cell::Integer(value) => Some(*value),
            Cell::Text(text) => text.parse().ok(),
            Cell::Double(_) | Cell::Boolean(_) | Cell::Bytes(_) => None,
        })
    }

    /// A floating point number; integers count as such.
    pub fn double(&self, column: &str) -> Result<Option<f64>, ReadError> {
        self.typed(column, "number", |cell| match cell {
            #[expect(clippy::cast_precision_loss, reason = "asked for as an approximate number")]
            Cell::Integer(value) => Some(*value as f64),
            Cell::Double(value) => Some(*value),
            Cell::Text(text) => text.parse().ok(),
            Cell::Boolean(_) | Cell::Bytes(_) => None,
        })
    }

    /// A boolean.
    pub fn boolean(&self, column: &str) -> Result<Option<bool>, ReadError> {
        self.typed(column, "boolean", |cell| match cell {
            Cell::Boolean(value) => Some(*value),
            Cell::Integer(_) | Cell::Double(_) | Cell::Text(_) | Cell::Bytes(_) => None,
        })
    }

    /// A text.
    pub fn text(&self, column: &str) -> Result<Option<&'a str>, ReadError> {
        self.typed(column, "text", |cell| match cell {
            Cell::Text(value) => Some(value.as_str()),
            Cell::Integer(_) | Cell::Double(_) | Cell::Boolean(_) | Cell::Bytes(_) => None,
        })
    }

    /// An integer that the query promises to be there.
    pub fn required_integer(&self, column: &str) -> Result<i64, ReadError> {
        self.integer(column)?.ok_or_else(|| ReadError::Null { column: column.to_owned() })
    }

    /// A text that the query promises to be there.
    pub fn required_text(&self, column: &str) -> Result<&'a str, ReadError> {
        self.text(column)?.ok_or_else(|| ReadError::Null { column: column.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_by_name_and_say_what_is_wrong() {
        let result =
            ResultSet::of(&["table_name", "Total", "rows"], vec![vec![Some("a.b".into()), Some("12".into()), None]]);
        let row = result.first().unwrap();
        assert_eq!(row.required_text("table_name"), Ok("a.b"));
        assert_eq!(row.required_integer("total"), Ok(12));
        assert_eq!(row.integer("rows"), Ok(None));
        assert_eq!(row.required_integer("rows"), Err(ReadError::Null { column: "rows".to_owned() }));
        assert_eq!(
            row.integer("table_name"),
            Err(ReadError::Type { column: "table_name".to_owned(), expected: "integer" })
        );
        assert!(matches!(row.text("gone"), Err(ReadError::NoColumn { .. })));
    }
}
