//! What takes the clear values of protected columns away.

use super::{HASH, KEEP_LAST, function};
use crate::catalog::MASK;
use crate::sql::layout::Layout;
use crate::sql::protect;

/// A text and the key. What SHA2 makes of NULL is not documented, so it is not asked.
pub(super) fn hash(layout: &Layout) -> String {
    let body = format!("SELECT CASE WHEN $1 IS NOT NULL THEN {} END", protect::keyed("$1", "$2"));
    function(layout, HASH, "VARCHAR(65535), VARCHAR(64)", "VARCHAR(64)", &body)
}

/// A text and how many characters of it stay, at least one. A text that has no more is masked whole.
pub(super) fn keep_last(layout: &Layout) -> String {
    let body =
        format!("SELECT CASE WHEN LEN($1) > $2 THEN '{MASK}' || RIGHT($1, $2) WHEN $1 IS NOT NULL THEN '{MASK}' END");
    function(layout, KEEP_LAST, "VARCHAR(65535), INTEGER", "VARCHAR(300)", &body)
}
