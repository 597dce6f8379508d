//! What a table's changes become: the present rows, or more of the past.

/// What a table's changes become in its target table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The rows that the source has now; what it deletes is deleted.
    #[default]
    Current,
    /// The rows that the source has now, and marked with `_cdc_deleted` those that it had.
    SoftDelete,
    /// Every version of every row, with the source's time from which and until which it counted
    /// (`_cdc_valid_from`, `_cdc_valid_to`).
    History,
    /// Every change event as a row of its own, in the order and as often as it came. Needs no key.
    Append,
    /// The rows that the source has now, of a table without a key: chosen by `keyless`.
    #[serde(skip)]
    Count,
}

impl Mode {
    /// The name in the pipeline file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::SoftDelete => "soft_delete",
            Self::History => "history",
            Self::Append => "append",
            Self::Count => "count",
        }
    }

    /// Whether changes are folded by key.
    #[must_use]
    pub fn needs_key(self) -> bool {
        !matches!(self, Self::Append | Self::Count)
    }

    /// Whether every change counts, so that two changes of one row in one transaction have to be
    /// told apart from one change that was sent twice.
    #[must_use]
    pub fn keeps_changes(self) -> bool {
        matches!(self, Self::History | Self::Append)
    }

    /// Whether the warehouse remembers positions that are no row's any more, in the ledger.
    #[must_use]
    pub fn has_ledger(self) -> bool {
        self != Self::Append
    }

    /// Whether rows are counted by their values instead of being found by a key.
    #[must_use]
    pub fn counts(self) -> bool {
        self == Self::Count
    }
}
