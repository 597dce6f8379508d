//! What a session tells the history of its statements and of what its procedures say.
//!
//! Invariant: statements of one transaction block have the id of its first statement in common.

use super::RedshiftSession;
use crate::clock;
use crate::error::SqlResult;
use crate::history::{self, Event};

impl RedshiftSession {
    /// What the history says of a statement that begins now. What it is shows when it was parsed.
    pub(crate) fn entry(&self, query_id: i64, text: &str) -> history::Entry {
        history::Entry {
            user: self.login.clone(),
            query_id,
            label: self.settings.query_group.clone(),
            transaction_id: if self.block_id == 0 { self.query_id } else { self.block_id },
            session_id: self.pid,
            started: clock::now(),
            kind: kind_by_word(text),
            text: text.to_owned(),
            security_user: None,
            caller: None,
        }
    }

    /// Notes what RAISE said, if the parameter lets its level pass (Redshift Database Developer Guide,
    /// "stored_proc_log_min_messages").
    pub(crate) fn raised(&mut self, level: i32, text: String, line: usize) -> SqlResult<()> {
        let least = match self.parameter("stored_proc_log_min_messages")?.to_ascii_uppercase().as_str() {
            "INFO" => 30,
            "NOTICE" => 40,
            "WARNING" => 50,
            "EXCEPTION" => 60,
            _ => 20,
        };
        if level >= least {
            let message = history::Message {
                user: self.login.clone(),
                session_id: self.pid,
                transaction_id: if self.block_id == 0 { self.query_id } else { self.block_id },
                query_id: self.query_id,
                level,
                text,
                line: i32::try_from(line).unwrap_or(i32::MAX),
            };
            self.database.history.send(Event::Raised(message, clock::now()));
        }
        Ok(())
    }
}

/// The kinds that PG_LAST_QUERY_ID and STL_QUERY know; others are commands.
pub(super) fn is_query(kind: &str) -> bool {
    ["SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "CTAS", "COPY", "UNLOAD"].contains(&kind)
}

/// What a statement is, by its first word: for the time until it was parsed, and for what cannot be parsed.
fn kind_by_word(text: &str) -> &'static str {
    let word: String = text.trim_start().chars().take_while(char::is_ascii_alphabetic).collect();
    match word.to_ascii_uppercase().as_str() {
        "WITH" => "SELECT",
        word => history_kind(word),
    }
}

/// What a statement is, by its tag.
pub(super) fn history_kind(tag: &str) -> &'static str {
    match tag {
        "SELECT" => "SELECT",
        "INSERT" => "INSERT",
        "UPDATE" => "UPDATE",
        "DELETE" => "DELETE",
        "MERGE" => "MERGE",
        "COPY" => "COPY",
        "UNLOAD" => "UNLOAD",
        "CALL" => "CALL",
        "CREATE TABLE AS" => "CTAS",
        "REFRESH MATERIALIZED VIEW" => "REFRESH MATERIALIZED VIEW",
        tag if ["CREATE", "ALTER", "DROP", "TRUNCATE", "GRANT", "REVOKE"].iter().any(|w| tag.starts_with(w)) => "DDL",
        _ => "UTILITY",
    }
}
