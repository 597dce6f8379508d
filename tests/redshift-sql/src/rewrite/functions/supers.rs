//! Functions of SUPER values and of JSON text.

use super::{Arguments, boolean, int, super_value, text};
use crate::ast::ObjectTransform;
use crate::error::SqlError;
use crate::quote_literal;
use crate::rewrite::scope::Scope;
use crate::rewrite::{Rewriter, Typed};
use crate::types::{MAX_VARCHAR, RsType};

impl Rewriter<'_> {
    /// "JSON functions", "Array functions", "Object functions", "SUPER type information functions".
    pub(super) fn supers(&self, name: &str, args: &[Typed]) -> Result<Option<Typed>, SqlError> {
        let a = Arguments { rewriter: self, values: args };
        Ok(Some(match (name, args.len()) {
            ("json_parse", 1) => super_value(self.json_parse(&args[0])?),
            ("can_json_parse", 1) => {
                let bytes = if a.is_varbyte(0) { args[0].sql.clone() } else { a.text(0)? };
                boolean(format!("rs.can_json_parse({bytes}{})", self.parsing_options()))
            }
            ("json_serialize", 1) => text(format!("rs.json_serialize({})", a.json(0)?), MAX_VARCHAR),
            ("json_serialize_to_varbyte", 1) => Typed::new(
                format!("convert_to(rs.super_json({}), 'UTF8')", a.json(0)?),
                RsType::Varbyte(crate::types::MAX_VARBYTE),
            ),
            ("json_size", 1) if a.is_super(0) => int(format!("octet_length(rs.super_json({}))", args[0].sql)),
            ("json_typeof", 1) if a.is_super(0) => text(format!("jsonb_typeof({})", args[0].sql), 16),
            ("decimal_precision" | "decimal_scale", 1) if a.is_super(0) => int(format!("rs.{name}({})", args[0].sql)),
            ("json_size" | "json_typeof" | "decimal_precision" | "decimal_scale", 1) => {
                return Err(SqlError::new("42883", format!("function {name}({}) does not exist", args[0].ty)));
            }
            (
                "is_object"
                | "is_array"
                | "is_varchar"
                | "is_char"
                | "is_boolean"
                | "is_bigint"
                | "is_integer"
                | "is_smallint"
                | "is_decimal"
                | "is_float"
                | "is_scalar"
                | "is_valid_json"
                | "is_valid_json_array",
                1,
            ) => {
                if name.starts_with("is_valid") {
                    boolean(format!("rs.{name}({})", a.text(0)?))
                } else {
                    boolean(format!("rs.{name}({})", a.json(0)?))
                }
            }
            ("get_array_length", 1) => int(format!("rs.get_array_length({})", a.json(0)?)),
            ("get_number_attributes", 1) => int(format!("rs.get_number_attributes({})", a.json(0)?)),
            ("size", 1) if a.is_super(0) => int(format!("octet_length(rs.plain({})::text)", args[0].sql)),
            ("lower_attribute_names" | "upper_attribute_names", 1) => super_value(format!("rs.{name}({})", a.json(0)?)),
            ("array", _) => {
                let list = (0..args.len()).map(|i| a.json(i)).collect::<Result<Vec<_>, _>>()?;
                super_value(format!("jsonb_build_array({})", list.join(", ")))
            }
            ("object", n) if n % 2 == 0 => {
                let (mut names, mut values) = (Vec::new(), Vec::new());
                for pair in (0..n).step_by(2) {
                    names.push(a.text(pair)?);
                    values.push(a.json(pair + 1)?);
                }
                super_value(format!(
                    "rs.object(ARRAY[{}]::text[], ARRAY[{}]::jsonb[])",
                    names.join(", "),
                    values.join(", ")
                ))
            }
            ("array_concat", 2) => super_value(format!("rs.array_concat({}, {})", a.json(0)?, a.json(1)?)),
            ("array_flatten", 1) => super_value(format!("rs.array_flatten({})", a.json(0)?)),
            ("array_contains", 2 | 3) => boolean(self.array_search(name, &a)?),
            ("array_position", 2 | 3) => int(self.array_search(name, &a)?),
            ("array_positions", 2 | 3) => super_value(self.array_search(name, &a)?),
            ("array_distinct", 1) => super_value(format!("rs.array_distinct({})", a.json(0)?)),
            ("array_except" | "array_intersection" | "array_union", 2 | 3) => {
                // "ARRAY_EXCEPT function": multi-sets unless the third argument is true.
                super_value(format!("rs.{name}({}, {}, {})", a.json(0)?, a.json(1)?, a.flag(2, "false")?))
            }
            ("array_sort", 1..=3) => {
                super_value(format!("rs.array_sort({}, {}, {})", a.json(0)?, a.flag(1, "true")?, a.flag(2, "NULL")?))
            }
            ("arrays_overlap", 2) => boolean(format!("rs.arrays_overlap({}, {})", a.json(0)?, a.json(1)?)),
            ("subarray", 2) => super_value(format!("rs.subarray({}, {}, NULL)", a.json(0)?, a.whole(1)?)),
            ("subarray", 3) => super_value(format!("rs.subarray({}, {}, {})", a.json(0)?, a.whole(1)?, a.whole(2)?)),
            ("split_to_array", 1) => super_value(format!("to_jsonb(string_to_array({}, ','))", a.text(0)?)),
            ("split_to_array", 2) => super_value(format!("to_jsonb(string_to_array({}, {}))", a.text(0)?, a.text(1)?)),
            // The catalogs show arrays in their print form: {1,2}.
            ("array_to_string", 2) if args[0].ty.is_character() => text(
                format!("pg_catalog.replace(pg_catalog.btrim(({})::text, '{{}}'), ',', {})", args[0].sql, a.text(1)?),
                MAX_VARCHAR,
            ),
            ("array_upper", 2) if args[0].ty.is_character() => int(format!(
                "pg_catalog.array_length(pg_catalog.string_to_array(NULLIF(pg_catalog.btrim(({})::text, '{{}}'), ''), ','), {})",
                args[0].sql,
                a.whole(1)?
            )),
            ("array_to_string", 2) => text(format!("rs.array_to_string({}, {})", a.json(0)?, a.text(1)?), MAX_VARCHAR),
            ("json_extract_path_text", 2..) => {
                let (path, quiet) = match &args[args.len() - 1] {
                    last if last.ty == RsType::Boolean => (&args[1..args.len() - 1], last.sql.clone()),
                    _ => (&args[1..], "false".to_owned()),
                };
                let keys = path.iter().map(|a| self.text_of(a)).collect::<Result<Vec<_>, _>>()?;
                text(
                    format!("rs.json_extract_path_text({}, ARRAY[{}]::text[], {quiet})", a.text(0)?, keys.join(", ")),
                    MAX_VARCHAR,
                )
            }
            ("json_extract_array_element_text", 2 | 3) => {
                let quiet = if args.len() == 3 { args[2].sql.clone() } else { "false".to_owned() };
                text(
                    format!("rs.json_extract_array_element_text({}, {}, {quiet})", a.text(0)?, a.whole(1)?),
                    MAX_VARCHAR,
                )
            }
            ("json_array_length", 1 | 2) => {
                let quiet = if args.len() == 2 { args[1].sql.clone() } else { "false".to_owned() };
                int(format!("rs.json_array_length({}, {quiet})", a.text(0)?))
            }
            _ => return Ok(None),
        }))
    }

    /// "JSON_PARSE function"; the settings of "SUPER configurations" are arguments of the helper.
    ///
    /// To note the order of attributes takes as long as all else of a merge together. Documents of bytes that go into a temporary
    /// table, a merge procedure's landed events, are left in jsonb's order.
    fn json_parse(&self, value: &Typed) -> Result<String, SqlError> {
        if value.ty == RsType::Super {
            return Err(SqlError::new("42883", "function json_parse(super) does not exist"));
        }
        let text = if matches!(value.ty, RsType::Varbyte(_)) { value.sql.clone() } else { self.text_of(value)? };
        let options = self.parsing_options();
        let bytes = matches!(value.ty, RsType::Varbyte(_));
        let or_null = if self.settings.parse_super_null_on_error { "_or_null" } else { "" };
        if !(bytes && self.fills_temporary) {
            return Ok(format!("rs.json_ordered{or_null}({text}{options})"));
        }
        // What is known was not cut.
        if options.is_empty() && self.known_json.contains(&text) {
            return Ok(format!("rs.json_known({text})"));
        }
        Ok(format!("rs.json_parse{or_null}({text}{options})"))
    }

    /// The settings that decide what JSON_PARSE takes, if they are not the default.
    fn parsing_options(&self) -> String {
        let s = self.settings;
        if s.json_parse_truncate_strings || s.json_parse_dedup_attributes {
            format!(", {}, {}", s.json_parse_truncate_strings, s.json_parse_dedup_attributes)
        } else {
            String::new()
        }
    }

    /// "ARRAY_POSITION function": a NULL can be searched unless `null_match` is false.
    fn array_search(&self, name: &str, a: &Arguments<'_>) -> Result<String, SqlError> {
        Ok(format!("rs.{name}({}, {}, {})", a.json(0)?, a.json(1)?, a.flag(2, "true")?))
    }

    /// "OBJECT_TRANSFORM function": paths are constants of quoted names, `"a"."b"`.
    pub(in crate::rewrite) fn object_transform(
        &mut self,
        transform: &ObjectTransform,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let input = self.expr(&transform.input, scope)?;
        let input = self.to_super(&input)?;
        let list = |paths: Vec<Vec<String>>| quote_literal(&json_paths(&paths));
        let keep = transform.keep.iter().map(|p| path_names(p)).collect::<Result<Vec<_>, _>>()?;
        let mut paths = Vec::new();
        let mut values = Vec::new();
        for (path, value) in &transform.set {
            paths.push(path_names(path)?);
            let value = self.expr(value, scope)?;
            values.push(self.to_super(&value)?);
        }
        if keep.is_empty() && paths.is_empty() {
            return Ok(super_value(input));
        }
        Ok(super_value(format!(
            "rs.object_transform({input}, {}, {}, ARRAY[{}]::jsonb[])",
            list(keep),
            list(paths),
            values.join(", ")
        )))
    }
}

/// The names of a path such as `"a"."b"`.
fn path_names(path: &str) -> Result<Vec<String>, SqlError> {
    let wrong = || {
        SqlError::new(
            "22023",
            format!("invalid path {path} of OBJECT_TRANSFORM: write quoted names with points between them"),
        )
    };
    let mut names = Vec::new();
    for part in path.split('.') {
        let name =
            part.strip_prefix('"').and_then(|p| p.strip_suffix('"')).filter(|n| !n.is_empty() && !n.contains('"'));
        names.push(name.ok_or_else(wrong)?.to_owned());
    }
    Ok(names)
}

/// Paths as a JSON array of arrays of names.
fn json_paths(paths: &[Vec<String>]) -> String {
    let quoted = |name: &String| format!("\"{}\"", name.replace('\\', "\\\\"));
    let lists: Vec<String> =
        paths.iter().map(|p| format!("[{}]", p.iter().map(quoted).collect::<Vec<_>>().join(","))).collect();
    format!("[{}]", lists.join(","))
}
