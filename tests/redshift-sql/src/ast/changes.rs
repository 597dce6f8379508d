//! INSERT, UPDATE, DELETE and MERGE.

use super::{Cte, Expr, ObjectName, Query, TableRef};

/// INSERT.
#[derive(Debug, Clone, PartialEq)]
pub struct Insert {
    /// Target.
    pub table: ObjectName,
    /// Column list; empty if not given.
    pub columns: Vec<String>,
    /// VALUES (a member of None is DEFAULT), or a query; None is DEFAULT VALUES.
    pub source: Option<Query>,
}

/// UPDATE.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// WITH.
    pub with: Vec<Cte>,
    /// Target.
    pub table: ObjectName,
    /// Alias.
    pub alias: Option<String>,
    /// SET column = expression; None is DEFAULT.
    pub set: Vec<(String, Option<Expr>)>,
    /// FROM.
    pub from: Vec<TableRef>,
    /// WHERE.
    pub selection: Option<Expr>,
}

/// DELETE.
#[derive(Debug, Clone, PartialEq)]
pub struct Delete {
    /// WITH.
    pub with: Vec<Cte>,
    /// Target.
    pub table: ObjectName,
    /// Alias.
    pub alias: Option<String>,
    /// USING.
    pub using: Vec<TableRef>,
    /// WHERE.
    pub selection: Option<Expr>,
}

/// WHEN MATCHED of MERGE.
#[derive(Debug, Clone, PartialEq)]
pub enum MatchedAction {
    /// UPDATE SET.
    Update(Vec<(String, Expr)>),
    /// DELETE.
    Delete,
}

/// What MERGE does.
#[derive(Debug, Clone, PartialEq)]
pub enum MergeAction {
    /// Both WHEN clauses.
    When {
        /// WHEN MATCHED THEN.
        matched: MatchedAction,
        /// Columns of INSERT; empty if not given.
        insert_columns: Vec<String>,
        /// VALUES of INSERT.
        insert_values: Vec<Expr>,
    },
    /// REMOVE DUPLICATES.
    RemoveDuplicates,
}

/// MERGE.
#[derive(Debug, Clone, PartialEq)]
pub struct Merge {
    /// Target; Redshift allows no alias.
    pub target: ObjectName,
    /// Source: a relation or a subquery with an alias.
    pub source: TableRef,
    /// ON.
    pub on: Expr,
    /// The rest.
    pub action: MergeAction,
}
