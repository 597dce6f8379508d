//! The PostgreSQL functions that translated SQL calls.
//!
//! Invariant: the script is idempotent and needs PostgreSQL 15 only; everything is in the schema `rs`.

/// SQL script that creates or replaces the schema `rs` and its functions. Run it once per database as its owner.
#[must_use]
pub fn helpers() -> &'static str {
    concat!(
        include_str!("helpers/base.sql"),
        "\n",
        include_str!("helpers/super.sql"),
        "\n",
        include_str!("helpers/arrays.sql")
    )
}
