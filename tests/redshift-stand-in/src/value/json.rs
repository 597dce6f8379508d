//! The text of a SUPER value as Redshift shows it: without blanks, attributes in the order in which they were written.
//!
//! PostgreSQL sorts the attributes of a jsonb object. Where that is not the written order, the object has an attribute more with
//! the names in their order (`rs.marked` of redshift-sql's helpers). Invariant: that attribute is never shown.

/// The name of the attribute that holds the order, as PostgreSQL writes it in JSON.
const ORDER: &str = "\"\\u0001order\"";

/// The text of a JSON value that PostgreSQL printed.
pub(crate) fn shown(text: &str) -> String {
    if text.contains(ORDER) {
        let mut out = String::with_capacity(text.len());
        Reader { rest: text }.value(&mut out);
        return out;
    }
    compact(text)
}

/// JSON without the blanks that PostgreSQL puts after commas and colons.
fn compact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut quoted, mut escaped) = (false, false);
    for c in text.chars() {
        if quoted {
            out.push(c);
            if escaped {
                escaped = false;
            } else if c == '\\' {
                escaped = true;
            } else if c == '"' {
                quoted = false;
            }
        } else if c == '"' {
            quoted = true;
            out.push(c);
        } else if !c.is_ascii_whitespace() {
            out.push(c);
        }
    }
    out
}

/// Reads valid JSON, nested as deep as PostgreSQL lets it be.
struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn eat(&mut self, c: char) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// A string with its quotes.
    fn string(&mut self) -> &'t str {
        self.rest = self.rest.trim_start();
        let mut escaped = false;
        let end = self.rest.char_indices().skip(1).find_map(|(at, c)| {
            let closes = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            closes.then_some(at + 1)
        });
        let (string, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        string
    }

    /// The strings of an array.
    fn strings(&mut self) -> Vec<&'t str> {
        let mut out = Vec::new();
        if self.eat('[') {
            while !self.eat(']') && !self.rest.is_empty() {
                out.push(self.string());
                self.eat(',');
            }
        }
        out
    }

    fn value(&mut self, out: &mut String) {
        self.rest = self.rest.trim_start();
        match self.rest.chars().next() {
            Some('{') => self.object(out),
            Some('[') => {
                self.eat('[');
                out.push('[');
                while !self.eat(']') && !self.rest.is_empty() {
                    self.value(out);
                    if self.eat(',') {
                        out.push(',');
                    }
                }
                out.push(']');
            }
            Some('"') => out.push_str(self.string()),
            _ => {
                let end = self.rest.find([',', ']', '}']).unwrap_or(self.rest.len());
                let (scalar, rest) = self.rest.split_at(end);
                out.push_str(scalar.trim_end());
                self.rest = rest;
            }
        }
    }

    fn object(&mut self, out: &mut String) {
        self.eat('{');
        let mut members: Vec<(&str, String)> = Vec::new();
        let mut order = Vec::new();
        while !self.eat('}') && !self.rest.is_empty() {
            let name = self.string();
            self.eat(':');
            if name == ORDER {
                order = self.strings();
            } else {
                let mut value = String::new();
                self.value(&mut value);
                members.push((name, value));
            }
            self.eat(',');
        }
        if !order.is_empty() {
            let places: std::collections::HashMap<&str, usize> =
                order.into_iter().enumerate().map(|(place, name)| (name, place)).collect();
            members.sort_by_key(|(name, _)| places.get(name).copied());
        }
        out.push('{');
        for (n, (name, value)) in members.iter().enumerate() {
            if n > 0 {
                out.push(',');
            }
            out.push_str(name);
            out.push(':');
            out.push_str(value);
        }
        out.push('}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compacts_json_outside_of_strings() {
        assert_eq!(shown(r#"{"a": [1, 2], "b \" : ": "x , y"}"#), r#"{"a":[1,2],"b \" : ":"x , y"}"#);
    }

    #[test]
    fn shows_attributes_in_their_order() {
        let text = r#"[{"a": -1.5, "bb": {"x": null, "é\"": [], "\u0001order": ["é\"", "x"]}, "\u0001order": ["bb", "a"]}, {"z": " , "}]"#;
        assert_eq!(shown(text), r#"[{"bb":{"é\"":[],"x":null},"a":-1.5},{"z":" , "}]"#);
    }
}
