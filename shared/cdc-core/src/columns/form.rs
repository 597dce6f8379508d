//! The form of a field: all that an event's schema says of it that matters for how its values are
//! read, as one text. The merge procedure makes the same text of an event's schema, from the same
//! [`PARTS`]. What is read the same has the same form: nullability, defaults, the order of fields
//! and further values of an enum are no part of it.

use crate::event::json::Object;

/// The form's parts: what stands in front of each, and where it is in the field's schema. An
/// absent part gives nothing.
pub(crate) const PARTS: [(&str, &[&str]); 11] = [
    ("", &["type"]),
    (" ", &["name"]),
    (" scale ", &["parameters", "scale"]),
    (" precision ", &["parameters", "connect.decimal.precision"]),
    (" length ", &["parameters", "length"]),
    (" from ", &["parameters", "__debezium.source.column.type"]),
    (" of ", &["parameters", "__debezium.source.column.length"]),
    (",", &["parameters", "__debezium.source.column.scale"]),
    (" holding ", &["items", "type"]),
    (" ", &["items", "name"]),
    (" scale ", &["items", "parameters", "scale"]),
];

/// Where the list of an enum's values is: the longest value is no longer than that.
pub(crate) const ALLOWED: [&str; 2] = ["parameters", "allowed"];

/// The sizes in bytes by which a column grows of which only an upper limit is known, so that not
/// every new value of an enum changes the table.
pub(crate) const STEPS: [u32; 5] = [255, 1_024, 4_096, 16_384, 65_535];

/// What the form says of an enum whose values need more than the first of the [`STEPS`].
pub(crate) fn size_text(bytes: u32) -> String {
    format!(" up to {bytes} bytes")
}

/// The smallest step that so many bytes fit into.
pub(super) fn stepped(bytes: usize) -> u32 {
    STEPS.into_iter().find(|step| usize::try_from(*step).is_ok_and(|step| bytes <= step)).unwrap_or(STEPS[4])
}

/// A field's form.
pub(super) fn of(field: &Object<'_>) -> String {
    let mut form = String::new();
    for (label, path) in PARTS {
        if let Some(part) = at(field, path) {
            form.push_str(label);
            form.push_str(&part);
        }
    }
    if let Some(allowed) = at(field, &ALLOWED) {
        let size = stepped(allowed.len());
        if size > STEPS[0] {
            form.push_str(&size_text(size));
        }
    }
    form
}

fn at(object: &Object<'_>, path: &[&str]) -> Option<String> {
    match path {
        [] => None,
        [name] => scalar(object, name),
        [name, rest @ ..] => at(&object.object(name)?, rest),
    }
}

/// A text, or a number or truth value as it is written. None when absent, null or something else.
pub(super) fn scalar(object: &Object<'_>, name: &str) -> Option<String> {
    object.string(name).or_else(|| {
        let raw = object.raw(name)?.get();
        (raw != "null" && !raw.starts_with(['{', '['])).then(|| raw.to_owned())
    })
}
