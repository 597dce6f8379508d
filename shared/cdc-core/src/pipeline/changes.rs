//! What is to be done when a source table changes: a policy for each kind of change.

use schemars::JsonSchema;
use serde::Deserialize;

/// What to do with a change that may also be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChangePolicy {
    /// The target follows.
    #[default]
    Apply,
    /// The table waits until somebody accepts the change; `plan` says what waits.
    Hold,
    /// The target does not follow, and nothing waits.
    Ignore,
}

/// What to do with a change without which values would be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FollowPolicy {
    /// The target follows.
    #[default]
    Apply,
    /// The table waits until somebody accepts the change; `plan` says what waits.
    Hold,
}

impl From<FollowPolicy> for ChangePolicy {
    fn from(policy: FollowPolicy) -> Self {
        match policy {
            FollowPolicy::Apply => Self::Apply,
            FollowPolicy::Hold => Self::Hold,
        }
    }
}

/// One policy for every kind of change, or one for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum StatedPolicies {
    /// The same for all kinds.
    All(FollowPolicy),
    /// Kind by kind; what is left out stays as it is stated elsewhere, or `apply`.
    Each(EachPolicy),
}

/// A policy for each kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct EachPolicy {
    /// A column was added. Ignored, it is left out of the target.
    pub(super) add_column: Option<ChangePolicy>,
    /// A column was dropped. The target keeps it, with what it held.
    pub(super) drop_column: Option<FollowPolicy>,
    /// A column has another name.
    pub(super) rename_column: Option<FollowPolicy>,
    /// A column has another type, or its values arrive in another form.
    pub(super) change_type: Option<FollowPolicy>,
    /// The key consists of other columns.
    pub(super) change_key: Option<FollowPolicy>,
    /// The table was emptied. Ignored, the rows stay.
    pub(super) truncate: Option<ChangePolicy>,
    /// The table was dropped and created anew.
    pub(super) recreate: Option<FollowPolicy>,
}

/// The policies of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChangePolicies {
    /// A column was added.
    pub add_column: ChangePolicy,
    /// A column was dropped.
    pub drop_column: FollowPolicy,
    /// A column has another name.
    pub rename_column: FollowPolicy,
    /// A column has another type.
    pub change_type: FollowPolicy,
    /// The key consists of other columns.
    pub change_key: FollowPolicy,
    /// The table was emptied.
    pub truncate: ChangePolicy,
    /// The table was dropped and created anew.
    pub recreate: FollowPolicy,
}

impl ChangePolicies {
    /// What an entry states goes over what is there.
    pub(super) fn state(&mut self, stated: StatedPolicies) {
        let each = match stated {
            StatedPolicies::All(policy) => EachPolicy {
                add_column: Some(policy.into()),
                drop_column: Some(policy),
                rename_column: Some(policy),
                change_type: Some(policy),
                change_key: Some(policy),
                truncate: Some(policy.into()),
                recreate: Some(policy),
            },
            StatedPolicies::Each(each) => each,
        };
        self.add_column = each.add_column.unwrap_or(self.add_column);
        self.drop_column = each.drop_column.unwrap_or(self.drop_column);
        self.rename_column = each.rename_column.unwrap_or(self.rename_column);
        self.change_type = each.change_type.unwrap_or(self.change_type);
        self.change_key = each.change_key.unwrap_or(self.change_key);
        self.truncate = each.truncate.unwrap_or(self.truncate);
        self.recreate = each.recreate.unwrap_or(self.recreate);
    }
}
