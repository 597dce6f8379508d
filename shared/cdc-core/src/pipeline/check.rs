//! Checks a file's tree against the JSON Schema of the document and collects every problem.
//!
//! Only the parts of JSON Schema that schemars generates for `document.rs` are known; a keyword
//! that is not handled here makes the test of the schema fail, so nothing goes unchecked.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::Problem;
use super::yaml::{Mark, Node, Value};

/// Keywords that describe and do not restrict, or are handled below.
#[cfg(test)]
pub(super) const KNOWN_KEYWORDS: [&str; 23] = [
    "$schema",
    "title",
    "description",
    "default",
    "format",
    "$defs",
    "$ref",
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "enum",
    "const",
    "oneOf",
    "anyOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "pattern",
];

/// Checks a tree against a schema and remembers where every place of the file is.
pub(super) struct Checker<'a> {
    definitions: Option<&'a Map<String, Json>>,
    pub(super) problems: Vec<Problem>,
    /// Where the value of each place is written, such as `tables[1].columns`.
    pub(super) marks: BTreeMap<String, Mark>,
}

impl<'a> Checker<'a> {
    pub(super) fn new(schema: &'a Json) -> Self {
        Self {
            definitions: schema.get("$defs").and_then(Json::as_object),
            problems: Vec::new(),
            marks: BTreeMap::new(),
        }
    }

    /// Checks one node and everything below it.
    pub(super) fn check(&mut self, node: &Node, schema: &'a Json, place: &str) {
        self.marks.insert(place.to_owned(), node.mark);
        let schema = self.resolved(schema);
        if let Some(choices) = schema.get("anyOf").and_then(Json::as_array) {
            return self.check_choices(node, choices, place);
        }
        if let Some(allowed) = allowed_texts(schema) {
            return self.check_allowed(node, &allowed, place);
        }
        if !fits_type(&node.value, schema) {
            let message = format!("expected {}, found {}", expectation(schema), node.value.kind());
            return self.report(node.mark, place, message);
        }
        match &node.value {
            Value::Text(text) => self.check_text(node.mark, text, schema, place),
            Value::Integer(number) => self.check_number(node.mark, *number, schema, place),
            Value::List(items) => self.check_list(node.mark, items, schema, place),
            Value::Map(entries) => self.check_map(node.mark, entries, schema, place),
            Value::Null | Value::Bool(_) | Value::Float(_) => {}
        }
    }

    fn resolved(&self, schema: &'a Json) -> &'a Json {
        let mut schema = schema;
        while let Some(target) = schema
            .get("$ref")
            .and_then(Json::as_str)
            .and_then(|reference| reference.strip_prefix("#/$defs/"))
            .and_then(|name| self.definitions?.get(name))
        {
            schema = target;
        }
        schema
    }

    /// Takes the alternative of the value's own type, so that its problems are the ones shown.
    fn check_choices(&mut self, node: &Node, choices: &'a [Json], place: &str) {
        let fitting = choices.iter().find(|choice| {
            let choice = self.resolved(choice);
            match allowed_texts(choice) {
                Some(_) => matches!(node.value, Value::Text(_)),
                None => fits_type(&node.value, choice),
            }
        });
        match fitting {
            Some(choice) => self.check(node, choice, place),
            None => {
                let expected: Vec<String> = choices
                    .iter()
                    .map(|choice| self.resolved(choice))
                    .filter(|choice| type_names(choice) != ["null"])
                    .map(expectation)
                    .collect();
                let message = format!("expected {}, found {}", expected.join(" or "), node.value.kind());
                self.report(node.mark, place, message);
            }
        }
    }

    fn check_allowed(&mut self, node: &Node, allowed: &[&str], place: &str) {
        let Value::Text(text) = &node.value else {
            let message = format!("expected one of {}, found {}", allowed.join(", "), node.value.kind());
            return self.report(node.mark, place, message);
        };
        if !allowed.contains(&text.as_str()) {
            let hint = match nearest(text, allowed.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it is one of {}", allowed.join(", ")),
            };
            self.report(node.mark, place, format!("unknown value `{text}`; {hint}"));
        }
    }

    fn check_text(&mut self, mark: Mark, text: &str, schema: &Json, place: &str) {
        let length = text.chars().count();
        let limit = |name: &str| schema.get(name).and_then(Json::as_u64).and_then(|limit| usize::try_from(limit).ok());
        if limit("minLength").is_some_and(|least| length < least) {
            return self.report(mark, place, "must not be empty".to_owned());
        }
        if let Some(most) = limit("maxLength").filter(|most| length > *most) {
            let message = format!("is longer than {most} characters");
            return self.report(mark, place, message);
        }
        if let Some(pattern) = schema.get("pattern").and_then(Json::as_str) {
            let matches = regex::Regex::new(pattern).is_ok_and(|regex| regex.is_match(text));
            if !matches {
                let message = format!("`{text}` does not have the form {pattern}");
                self.report(mark, place, message);
            }
        }
    }

    fn check_number(&mut self, mark: Mark, number: i64, schema: &Json, place: &str) {
        let least = schema.get("minimum").and_then(Json::as_i64);
        let most = schema.get("maximum").and_then(Json::as_i64);
        if least.is_some_and(|least| number < least) || most.is_some_and(|most| number > most) {
            let message = match (least, most) {
                (Some(least), Some(most)) if least == most => format!("must be {least}"),
                (Some(least), Some(most)) => format!("must be between {least} and {most}"),
                (Some(least), None) => format!("must be at least {least}"),
                (_, most) => format!("must be at most {}", most.unwrap_or(i64::MAX)),
            };
            self.report(mark, place, message);
        }
    }

    fn check_list(&mut self, mark: Mark, items: &[Node], schema: &'a Json, place: &str) {
        let least = schema.get("minItems").and_then(Json::as_u64).unwrap_or(0);
        if (items.len() as u64) < least {
            self.report(mark, place, "must not be empty".to_owned());
        }
        if let Some(item_schema) = schema.get("items") {
            for (index, item) in items.iter().enumerate() {
                self.check(item, item_schema, &format!("{place}[{index}]"));
            }
        }
    }

    fn check_map(&mut self, mark: Mark, entries: &[(Node, Node)], schema: &'a Json, place: &str) {
        let properties = schema.get("properties").and_then(Json::as_object);
        let others = schema.get("additionalProperties");
        let mut seen: BTreeMap<String, Mark> = BTreeMap::new();
        for (key, value) in entries {
            let name = key.value.key_text();
            let inner = join(place, &name);
            if let Some(first) = seen.get(&name) {
                let message = format!("the key is already given on line {}", first.line);
                self.report(key.mark, &inner, message);
                continue;
            }
            seen.insert(name.clone(), key.mark);
            match properties.and_then(|properties| properties.get(&name)) {
                Some(property) => self.check(value, property, &inner),
                None => match others {
                    Some(other) if other.is_object() => self.check(value, other, &inner),
                    _ => {
                        let message = unknown_key(&name, properties);
                        self.report(key.mark, &inner, message);
                    }
                },
            }
        }
        let required = schema.get("required").and_then(Json::as_array);
        for name in required.into_iter().flatten().filter_map(Json::as_str) {
            if !seen.contains_key(name) {
                self.report(mark, place, format!("the key `{name}` is missing"));
            }
        }
    }

    fn report(&mut self, mark: Mark, place: &str, message: String) {
        self.problems.push(Problem { line: mark.line, column: mark.column, place: place.to_owned(), message });
    }
}

/// `tables[1]` and `topic` make `tables[1].topic`.
pub(super) fn join(place: &str, name: &str) -> String {
    if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") }
}

fn unknown_key(name: &str, properties: Option<&Map<String, Json>>) -> String {
    let known = || properties.into_iter().flatten().map(|(key, _)| key.as_str());
    match nearest(name, known()) {
        Some(near) => format!("unknown key `{name}`; did you mean `{near}`?"),
        None => {
            let all: Vec<&str> = known().collect();
            format!("unknown key `{name}`; the keys here are {}", all.join(", "))
        }
    }
}

/// The texts that a schema of an enumeration allows, however schemars spells it.
fn allowed_texts(schema: &Json) -> Option<Vec<&str>> {
    if let Some(values) = schema.get("enum").and_then(Json::as_array) {
        return Some(values.iter().filter_map(Json::as_str).collect());
    }
    let variants = schema.get("oneOf").and_then(Json::as_array)?;
    variants.iter().map(|variant| variant.get("const").and_then(Json::as_str)).collect()
}

fn type_names(schema: &Json) -> Vec<&str> {
    match schema.get("type") {
        Some(Json::String(name)) => vec![name.as_str()],
        Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    }
}

fn fits_type(value: &Value, schema: &Json) -> bool {
    let names = type_names(schema);
    names.is_empty()
        || names.iter().any(|name| {
            matches!(
                (*name, value),
                ("null", Value::Null)
                    | ("boolean", Value::Bool(_))
                    | ("integer", Value::Integer(_))
                    | ("number", Value::Integer(_) | Value::Float(_))
                    | ("string", Value::Text(_))
                    | ("array", Value::List(_))
                    | ("object", Value::Map(_))
            )
        })
}

fn expectation(schema: &Json) -> String {
    let names: Vec<&str> = type_names(schema)
        .into_iter()
        .filter(|name| *name != "null")
        .map(|name| match name {
            "boolean" => "true or false",
            "integer" => "a whole number",
            "number" => "a number",
            "string" => "text",
            "array" => "a list",
            _ => "a mapping",
        })
        .collect();
    match allowed_texts(schema) {
        Some(allowed) => format!("one of {}", allowed.join(", ")),
        None => names.join(" or "),
    }
}

/// The candidate with the smallest edit distance, if it is near enough to be a slip: at most a
/// third of the longer name's letters.
pub(crate) fn nearest<'n>(name: &str, candidates: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    candidates
        .map(|candidate| (edit_distance(name, candidate), candidate))
        .filter(|(distance, candidate)| {
            let longer = name.chars().count().max(candidate.chars().count());
            *distance <= (longer / 3).max(1)
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours that make one text the other,
/// without regard to upper and lower case.
pub(super) fn edit_distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.to_lowercase().chars().collect();
    let right: Vec<char> = right.to_lowercase().chars().collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=right.len()).collect()];
    for (i, from) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in right.iter().enumerate() {
            let replace = rows[i][j] + usize::from(from != to);
            let mut best = replace.min(rows[i][j + 1] + 1).min(row[j] + 1);
            let swapped = i > 0 && j > 0 && *from == right[j - 1] && left[i - 1] == *to;
            if swapped {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}
