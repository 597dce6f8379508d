//! SQL text for Amazon Redshift. All of it is made here and nowhere else.
//!
//! Every function takes names and definitions and returns text; nothing is executed. Names go
//! through [`ident`], so that quoting happens in one place. Where a statement bends around a
//! limit of Redshift, the comment beside it names the limit.

pub mod control_schema;
pub mod decode;
pub mod decoding_functions;
pub mod external_schema;
pub mod grants;
pub mod ident;
pub mod landing_view;
pub mod layout;
pub mod measure;
pub mod merge_procedure;
pub mod mode_switch;
pub mod observe;
mod placeholder;
pub mod protect;
pub mod refresh_procedure;
pub mod reshape;
pub mod rights;
pub mod synchronise;
pub mod target_table;
pub mod union_view;
mod versions;

#[cfg(test)]
mod tests;
