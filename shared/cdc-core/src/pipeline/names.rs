//! Names in the warehouse: lower case, at most 127 bytes, and stems that are unique.

use sha2::{Digest, Sha256};

/// Redshift's limit for an identifier (Redshift Database Developer Guide, "Names and
/// identifiers").
pub const IDENTIFIER_MAX_BYTES: usize = 127;

/// The longest slug: generated names put a prefix of up to 37 bytes before or behind it.
pub const SLUG_MAX_BYTES: usize = 90;

/// How many hexadecimal digits of the hash end a slug that lost something.
const HASH_DIGITS: usize = 10;

/// The stem of a table's generated names: the topic without the prefix, in lower case, with
/// every byte other than `a-z`, `0-9` and `_` as `_`.
///
/// Where that loses anything other than upper case and the one dot between database and table,
/// or the result is too long, a hash of the exact topic follows. Two topics then have one slug
/// only if they differ by nothing but upper and lower case or by where that dot is
/// (`a.b_c` and `a_b.c`); `Pipeline::catalog` refuses such a pair.
#[must_use]
pub fn slug(topic: &str, topic_prefix: &str) -> String {
    let rest = topic
        .strip_prefix(topic_prefix)
        .and_then(|rest| rest.strip_prefix('.'))
        .filter(|rest| !rest.is_empty())
        .unwrap_or(topic);
    let lower = rest.to_lowercase();
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let stem: String = lower.bytes().map(|byte| if plain(byte) { char::from(byte) } else { '_' }).collect();
    let lost = lower.bytes().any(|byte| !plain(byte) && byte != b'.') || lower.matches('.').count() > 1;
    if !lost && stem.len() <= SLUG_MAX_BYTES {
        return stem;
    }
    let digest = Sha256::digest(topic.as_bytes());
    let hash: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut cut = stem;
    cut.truncate(SLUG_MAX_BYTES - HASH_DIGITS - 1);
    format!("{cut}_{}", &hash[..HASH_DIGITS])
}

/// A name as it is used in the warehouse: lower case.
#[must_use]
pub fn folded(name: &str) -> String {
    name.to_lowercase()
}

/// Why a name cannot be an identifier in Redshift. None when it can.
///
/// Quoted identifiers may hold any printable character, also spaces, dots and quotes.
#[must_use]
pub fn identifier_problem(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("is empty".to_owned());
    }
    let bytes = folded(name).len();
    if bytes > IDENTIFIER_MAX_BYTES {
        return Some(format!(
            "has {bytes} bytes, and Redshift cuts names at {IDENTIFIER_MAX_BYTES}; choose a shorter one"
        ));
    }
    if name.chars().any(char::is_control) {
        return Some("holds a control character".to_owned());
    }
    None
}
