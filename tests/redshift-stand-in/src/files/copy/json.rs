//! JSON documents ("COPY from JSON format"): one row for each object or array that stands by itself in the file.

use std::collections::HashMap;

use redshift_data_api::SqlError;
use redshift_sql::Column;
use redshift_sql::statement::files::JsonMapping;
use serde_json::value::RawValue;

use super::convert::Value;
use super::fault::Fault;
use crate::error::SqlResult;

/// A document's row.
pub(super) struct Row {
    pub(super) line: i64,
    pub(super) raw: Vec<u8>,
    pub(super) values: Result<Vec<Value>, Fault>,
}

/// A step of a JSONPath expression.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(usize),
}

/// How documents become rows.
pub(super) struct Reader<'a> {
    columns: &'a [Column],
    ignore_case: bool,
    whole: bool,
    paths: Option<Vec<Vec<Step>>>,
}

impl<'a> Reader<'a> {
    /// `file` is the content of the JSONPaths file.
    pub(super) fn new(mapping: &JsonMapping, columns: &'a [Column], file: Option<&[u8]>) -> SqlResult<Self> {
        let whole = *mapping == JsonMapping::Whole;
        if whole && !matches!(columns, [column] if column.rs_type == redshift_sql::RsType::Super) {
            return Err(SqlError::new("0A000", "JSON 'noshred' needs one column, and that a SUPER"));
        }
        let paths = match file {
            Some(file) => json_paths(file)?,
            None => None,
        };
        if let Some(paths) = &paths
            && paths.len() != columns.len()
        {
            return Err(SqlError::new(
                "22023",
                format!(
                    "Number of jsonpaths and the number of columns should match. JSONPath size: {}, Number of columns: {}",
                    paths.len(),
                    columns.len()
                ),
            ));
        }
        let ignore_case = matches!(mapping, JsonMapping::Auto { ignore_case: true });
        Ok(Self { columns, ignore_case, whole, paths })
    }

    pub(super) fn rows(&self, text: &[u8]) -> Vec<Row> {
        let mut stream = serde_json::Deserializer::from_slice(text).into_iter::<Box<RawValue>>();
        let mut rows = Vec::new();
        let (mut line, mut counted) = (1, 0);
        loop {
            let start = counted + text[counted..].iter().take_while(|b| b.is_ascii_whitespace()).count();
            line += feeds(&text[counted..start]);
            let document = stream.next();
            let end = stream.byte_offset();
            match document {
                None => return rows,
                Some(Ok(document)) => {
                    rows.push(Row { line, raw: text[start..end].to_vec(), values: self.values(document.get()) });
                    line += feeds(&text[start..end]);
                    counted = end;
                }
                // Where a document is broken, the next one cannot be found.
                Some(Err(_)) => {
                    let raw = text[start..].iter().copied().take(1024).collect();
                    rows.push(Row { line, raw, values: Err(Fault::line("Invalid JSON format")) });
                    return rows;
                }
            }
        }
    }

    fn values(&self, document: &str) -> Result<Vec<Value>, Fault> {
        if self.whole {
            return Ok(vec![Value::Json(document.to_owned())]);
        }
        if let Some(paths) = &self.paths {
            return paths.iter().map(|path| follow(document, path)).collect();
        }
        let object: HashMap<String, &RawValue> =
            serde_json::from_str(document).map_err(|_| Fault::line("Invalid JSON format: an object is needed"))?;
        let folded: HashMap<String, &RawValue> = if self.ignore_case {
            object.iter().map(|(name, value)| (name.to_lowercase(), *value)).collect()
        } else {
            object
        };
        Ok(self.columns.iter().map(|column| folded.get(&column.name).map_or(Value::Null, |v| value(v.get()))).collect())
    }
}

fn feeds(bytes: &[u8]) -> i64 {
    i64::try_from(bytes.iter().filter(|b| **b == b'\n').count()).unwrap_or(i64::MAX)
}

fn value(json: &str) -> Value {
    let json = json.trim();
    match json.as_bytes().first() {
        Some(b'n') | None => Value::Null,
        Some(b'"') => serde_json::from_str(json).map_or(Value::Null, Value::JsonText),
        Some(b'{' | b'[') => Value::Json(on_one_line(json)),
        Some(_) => Value::Json(json.to_owned()),
    }
}

/// An object or array as text: as it is written, without line breaks and what indents the lines.
fn on_one_line(json: &str) -> String {
    json.split(['\n', '\r']).map(str::trim).collect()
}

/// A name that is missing is NULL, an array's element that is missing is an error ("JSONPath expressions").
fn follow(document: &str, path: &[Step]) -> Result<Value, Fault> {
    let [step, rest @ ..] = path else { return Ok(value(document)) };
    match step {
        Step::Name(name) => {
            let object: HashMap<String, &RawValue> = match serde_json::from_str(document) {
                Ok(object) => object,
                Err(_) => return Ok(Value::Null),
            };
            object.get(name).map_or(Ok(Value::Null), |inside| follow(inside.get(), rest))
        }
        Step::Index(index) => {
            let wrong = || Fault::line("Invalid JSONPath format: Not an array or index out of range.");
            let array: Vec<&RawValue> = serde_json::from_str(document).map_err(|_| wrong())?;
            follow(array.get(*index).ok_or_else(wrong)?.get(), rest)
        }
    }
}

/// `{"jsonpaths": [ "$.a", … ]}`. "If the name is any string other than "jsonpaths", COPY uses the 'auto' argument": `None`.
fn json_paths(file: &[u8]) -> SqlResult<Option<Vec<Vec<Step>>>> {
    let wrong = |what: &str| SqlError::new("22023", format!("the JSONPaths file {what}"));
    let object: HashMap<String, serde_json::Value> =
        serde_json::from_slice(file).map_err(|_| wrong("is not a JSON object"))?;
    let Some(list) = object.get("jsonpaths") else { return Ok(None) };
    let list = list.as_array().ok_or_else(|| wrong("must hold an array"))?;
    let paths: Option<Vec<_>> = list.iter().map(|path| path.as_str().and_then(json_path)).collect();
    let paths = paths.ok_or_else(|| wrong("holds an expression that COPY does not know"))?;
    let text = |mark: &str| list.iter().any(|path| path.as_str().is_some_and(|path| path.contains(mark)));
    if text("['") && text("$.") {
        return Err(wrong("mixes bracket notation and dot notation"));
    }
    Ok(Some(paths))
}

fn json_path(text: &str) -> Option<Vec<Step>> {
    let mut rest = text.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(name) = rest.strip_prefix('.') {
            let end = name.find(['.', '[']).unwrap_or(name.len());
            if end == 0 {
                return None;
            }
            steps.push(Step::Name(name[..end].to_owned()));
            rest = &name[end..];
        } else if let Some(name) = rest.strip_prefix("['") {
            let (name, after) = name.split_once("']")?;
            steps.push(Step::Name(name.to_owned()));
            rest = after;
        } else {
            let (index, after) = rest.strip_prefix('[')?.split_once(']')?;
            steps.push(Step::Index(index.parse().ok()?));
            rest = after;
        }
    }
    Some(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "COPY from JSON format": its examples of expressions, and of what they give.
    #[test]
    fn paths_are_followed() {
        let document = "{\"id\": 0, \"tags\": [\n  \"nisi\",\n  \"culpa\"\n ], \"friends\": [{\"id\": 0}, {\n    \"id\": 1,\n    \"name\": \"Renaldo\"\n }]}";
        let at = |path: &str| follow(document, &json_path(path).unwrap());
        assert_eq!(at("$['tags']"), Ok(Value::Json("[\"nisi\",\"culpa\"]".into())));
        assert_eq!(at("$['friends'][1]"), Ok(Value::Json("{\"id\": 1,\"name\": \"Renaldo\"}".into())));
        assert_eq!(at("$.friends[1].name"), Ok(Value::JsonText("Renaldo".into())));
        assert_eq!(at("$.nobody.name"), Ok(Value::Null));
        assert!(at("$.tags[7]").is_err());
        assert_eq!(json_path("$.*"), Some(vec![Step::Name("*".into())]));
        assert_eq!(json_path("id"), None);
    }
}
