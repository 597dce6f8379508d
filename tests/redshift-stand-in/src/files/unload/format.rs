//! Rows as the lines of a file ("UNLOAD", Parameters).

use redshift_data_api::SqlError;
use redshift_sql::statement::files::UnloadFormat;
use redshift_sql::{OutputColumn, RsType};

use crate::error::SqlResult;
use crate::value::Datum;

/// How lines are written.
pub(super) struct Writer<'a> {
    pub(super) format: &'a UnloadFormat,
    pub(super) null_as: Option<&'a str>,
    pub(super) columns: Vec<&'a OutputColumn>,
}

impl Writer<'_> {
    /// Fails for FIXEDWIDTH if there are not as many widths as columns.
    pub(super) fn check(&self) -> SqlResult<()> {
        match self.format {
            UnloadFormat::FixedWidth(widths) if widths.len() != self.columns.len() => {
                Err(SqlError::new("22023", "FIXEDWIDTH needs a width for each column"))
            }
            _ => Ok(()),
        }
    }

    /// HEADER: "text transformation options also apply to the header line".
    pub(super) fn header(&self) -> SqlResult<String> {
        let names: Vec<Datum> = self.columns.iter().map(|column| Datum::Text(column.name.clone())).collect();
        self.line(names.iter().collect::<Vec<_>>().as_slice(), true)
    }

    pub(super) fn row(&self, values: &[&Datum]) -> SqlResult<String> {
        self.line(values, false)
    }

    fn line(&self, values: &[&Datum], header: bool) -> SqlResult<String> {
        let null = self.null_as.unwrap_or_default();
        let mut fields = Vec::with_capacity(values.len());
        for (index, (value, column)) in values.iter().zip(&self.columns).enumerate() {
            let is_null = **value == Datum::Null;
            // "NULL AS": a SUPER column has JSON's null, whatever the option says.
            let text = match text_of(value) {
                Some(text) => text,
                None if column.rs_type == RsType::Super => "null".to_owned(),
                None => null.to_owned(),
            };
            let characters = header || column.rs_type.is_character();
            fields.push(match self.format {
                UnloadFormat::Delimited { delimiter, escape, add_quotes } => {
                    let text =
                        if *escape && characters && !is_null { escaped(&text, *delimiter, *add_quotes) } else { text };
                    if *add_quotes { format!("\"{text}\"") } else { text }
                }
                UnloadFormat::Csv { delimiter } => csv(text, *delimiter),
                UnloadFormat::FixedWidth(widths) => {
                    fixed(text, widths.get(index).copied().unwrap_or_default(), is_null, characters)?
                }
                UnloadFormat::Json => {
                    format!("{}:{}", serde_json::Value::from(column.name.as_str()), json(value, &column.rs_type))
                }
            });
        }
        let line = match self.format {
            UnloadFormat::Delimited { delimiter, .. } | UnloadFormat::Csv { delimiter } => {
                fields.join(delimiter.encode_utf8(&mut [0; 4]))
            }
            UnloadFormat::FixedWidth(_) => fields.concat(),
            UnloadFormat::Json => format!("{{{}}}", fields.join(",")),
        };
        Ok(line + "\n")
    }
}

/// A value's text; booleans are `t` and `f`. `None` for NULL.
pub(super) fn text_of(value: &Datum) -> Option<String> {
    match value {
        Datum::Boolean(value) => Some(if *value { "t" } else { "f" }.to_owned()),
        other => other.clone().into_text(),
    }
}

/// "ESCAPE": before a line feed, a carriage return, the delimiter, the backslash, and quotation marks with ADDQUOTES.
fn escaped(text: &str, delimiter: char, quotes: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\n' | '\r' | '\\') || c == delimiter || (quotes && matches!(c, '"' | '\'')) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn csv(text: String, delimiter: char) -> String {
    if text.contains([delimiter, '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// "FIXEDWIDTH doesn't truncate data"; a null string that is too long gives an empty field, and an error in a character column.
fn fixed(text: String, width: usize, is_null: bool, characters: bool) -> SqlResult<String> {
    let length = text.chars().count();
    if length <= width {
        return Ok(text + &" ".repeat(width - length));
    }
    if is_null && !characters {
        return Ok(" ".repeat(width));
    }
    Err(SqlError::new("22001", "a value is longer than its column in the FIXEDWIDTH specification"))
}

fn json(value: &Datum, rs_type: &RsType) -> String {
    match (value, rs_type) {
        (Datum::Null, _) => "null".to_owned(),
        (Datum::Integer(number), _) => number.to_string(),
        (Datum::Float(number), _) if number.is_finite() => number.to_string(),
        (Datum::Text(text), RsType::Super | RsType::Decimal(..)) => text.clone(),
        (value, _) => serde_json::Value::from(text_of(value).unwrap_or_default()).to_string(),
    }
}
