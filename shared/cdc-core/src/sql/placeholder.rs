//! The placeholder of an unchanged large value of PostgreSQL, in the form that each type gives it.
//!
//! What PostgreSQL stores out of line (TOAST) and an update leaves alone is not in its log. The
//! connector sends a placeholder instead, which must never overwrite the value that is there.
//! Forms: recorded from connector 3.6 with a table of every type. For arrays of other types than
//! those below, and for bytea as base64 text, that connector sends null, which nobody can tell
//! from a null of the source.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};

use super::decode::attribute;
use super::ident::literal;
use crate::catalog::{Column, Decoding};

/// Whether the value is the placeholder. None for types that PostgreSQL never stores out of line.
///
/// Text has the placeholder itself, binary values its bytes, or itself where they arrive as
/// hexadecimal text. hstore has it as name and value. An array of text has it as its one
/// element, one of numbers the codes of its characters, one of UUIDs the UUID of that name.
#[must_use]
pub(super) fn unavailable(image: &str, column: &Column, placeholder: &str) -> Option<String> {
    let value = attribute(image, column);
    let is = |text: &str| format!("{value}::VARCHAR(65535) = {}", literal(text));
    let list = |element: &str| format!("{value} = JSON_PARSE({})", literal(&format!("[{element}]")));
    let json = |text: &str| serde_json::Value::from(text).to_string();
    let base64 = STANDARD.encode(placeholder);
    let hex = || placeholder.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    let object = format!("{{{own}:{own}}}", own = json(placeholder));
    let condition = match column.decoding {
        Decoding::Text if may_be_hstore(column) => format!("({} OR {})", is(placeholder), is(&object)),
        Decoding::Text | Decoding::DecimalText | Decoding::DecimalVariable => is(placeholder),
        Decoding::BytesBase64 => is(&base64),
        Decoding::BytesHex => format!("({} OR {})", is(placeholder), is(&hex())),
        Decoding::BytesAny => format!("({} OR {} OR {})", is(placeholder), is(&base64), is(&hex())),
        Decoding::Super | Decoding::Array(_) => {
            let codes: Vec<String> = placeholder.bytes().map(|byte| byte.to_string()).collect();
            format!(
                "({} OR {} OR {} OR {} OR {} OR {value} = JSON_PARSE({}))",
                is(placeholder),
                list(&json(placeholder)),
                list(&json(&base64)),
                list(&json(&name_based_uuid(placeholder))),
                list(&codes.join(",")),
                literal(&object),
            )
        }
        _ => return None,
    };
    Some(condition)
}

/// hstore arrives as JSON text; an event's schema does not tell it from JSON.
fn may_be_hstore(column: &Column) -> bool {
    let kind = column.source_type.to_ascii_lowercase();
    kind.contains("hstore") || kind.ends_with(".json")
}

/// The UUID of version 3 that Java makes of a name's bytes alone (`UUID.nameUUIDFromBytes`).
fn name_based_uuid(name: &str) -> String {
    let mut bytes: [u8; 16] = Md5::digest(name).into();
    bytes[6] = bytes[6] & 0x0f | 0x30;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{OnUnfitValue, Protection, RedshiftType};
    use crate::columns::UNAVAILABLE_VALUE;

    fn condition(decoding: Decoding, source_type: &str, placeholder: &str) -> String {
        let column = Column {
            source_name: "v".into(),
            target_name: "v".into(),
            target_type: RedshiftType::Super,
            decoding,
            nullable: true,
            source_type: source_type.into(),
            on_unfit_value: OnUnfitValue::Quarantine,
            protection: Protection::None,
        };
        unavailable("n", &column, placeholder).expect("a condition")
    }

    /// Each of these was recorded, and overwrote the row's value or put it into quarantine.
    #[test]
    fn the_placeholder_is_known_in_every_form_that_was_recorded() {
        for (decoding, source_type, placeholder, form) in [
            (Decoding::Text, "string", UNAVAILABLE_VALUE, "'__debezium_unavailable_value'"),
            (
                Decoding::Text,
                "io.debezium.data.Json",
                UNAVAILABLE_VALUE,
                r#"'{"__debezium_unavailable_value":"__debezium_unavailable_value"}'"#,
            ),
            (Decoding::Text, "hstore", "__gone__", r#"'{"__gone__":"__gone__"}'"#),
            (Decoding::BytesHex, "bytea", UNAVAILABLE_VALUE, "'__debezium_unavailable_value'"),
            (Decoding::BytesAny, "bytea", UNAVAILABLE_VALUE, "'__debezium_unavailable_value'"),
            (Decoding::BytesBase64, "bytes", UNAVAILABLE_VALUE, "'X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=='"),
            (Decoding::Super, "array", UNAVAILABLE_VALUE, r#"'["b68a35a7-17ad-35b3-af2a-ae46edb4545a"]'"#),
            (Decoding::Super, "array", "__gone__", r#"'["2c66fe9d-a9ee-36b9-b83a-5e4a8d39e7b2"]'"#),
            (Decoding::Super, "array", "__gone__", "'[95,95,103,111,110,101,95,95]'"),
            (
                Decoding::Super,
                "map",
                UNAVAILABLE_VALUE,
                r#"'{"__debezium_unavailable_value":"__debezium_unavailable_value"}'"#,
            ),
        ] {
            let condition = condition(decoding, source_type, placeholder);
            assert!(condition.contains(form), "{form} is not in {condition}");
        }
    }
}
