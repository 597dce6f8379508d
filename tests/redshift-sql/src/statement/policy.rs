//! Row-level security and dynamic data masking.

use crate::ast::ObjectName;
use crate::statement::Grantee;
use crate::types::RsType;

/// What a policy does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are Redshift's")]
pub enum PolicyKind {
    Rls,
    Masking,
}

/// CREATE, ALTER, DROP, ATTACH and DETACH of policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyStatement {
    /// RLS or MASKING.
    pub kind: PolicyKind,
    /// The policy's name.
    pub name: String,
    /// What is done.
    pub action: PolicyAction,
}

/// What is done with a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are Redshift's")]
pub enum PolicyAction {
    Create {
        if_not_exists: bool,
        columns: Vec<(String, RsType)>,
        alias: Option<String>,
        /// Text between the parentheses of USING, which has been parsed.
        using: String,
    },
    Alter {
        using: String,
    },
    Drop {
        if_exists: bool,
        cascade: bool,
    },
    Attach(Attachment),
    Detach(Attachment),
}

/// Where a policy is attached, or detached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// One relation for masking policies.
    pub relations: Vec<ObjectName>,
    /// Masked columns.
    pub outputs: Vec<String>,
    /// The columns that the expression reads; those that it masks if empty.
    pub inputs: Vec<String>,
    /// Users, roles, PUBLIC.
    pub grantees: Vec<Grantee>,
    /// PRIORITY.
    pub priority: i32,
}
