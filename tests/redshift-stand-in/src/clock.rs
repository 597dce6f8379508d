//! The warehouse's clock.

use std::time::SystemTime;

#[expect(clippy::disallowed_methods, reason = "a warehouse keeps real time; it is part of no function")]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}
