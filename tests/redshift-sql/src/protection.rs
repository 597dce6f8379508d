//! What policies do to a relation for the user who asks (Redshift Database Developer Guide, "Row-level security",
//! "Dynamic data masking"): the engine finds out which apply, the rewriter puts them in place.

use crate::types::RsType;

/// The policies of a relation that apply to the user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Protection {
    /// The name that the policies give the relation.
    pub alias: Option<String>,
    /// Which rows are seen; `None` is all.
    pub rows: Option<RowFilter>,
    /// Masked columns, one entry each.
    pub masks: Vec<Mask>,
    /// Why the stand-in cannot read or change it for this user.
    pub refused: Option<String>,
}

/// The rows that are seen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowFilter {
    /// CONJUNCTION TYPE OR.
    pub any: bool,
    /// Redshift SQL of the USING clauses; without any, no row is seen.
    pub predicates: Vec<String>,
}

/// A masked column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    /// The column.
    pub column: String,
    /// Redshift SQL of the USING clause.
    pub using: String,
    /// Which expression of USING it is, from 0.
    pub place: usize,
    /// Name and type of the policy's input columns, and the relation's columns that they stand for.
    pub inputs: Vec<(String, RsType, String)>,
}
