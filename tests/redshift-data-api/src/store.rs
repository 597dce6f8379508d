//! The statements that the server remembers, and the client tokens that lead to them.
//!
//! Invariant: a token leads to one statement for its lifetime, decided under one lock, so that two
//! requests with one token at the same instant cannot both execute.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::error::ApiError;
use crate::options::{AfterFailure, Identity, Limits, TokenReuse, Unconfirmed};
use crate::statement::{Statement, Status};

#[derive(Default)]
struct Inner {
    statements: HashMap<String, Arc<Statement>>,
    /// Those that had not come to their end when last looked at.
    active: Vec<Arc<Statement>>,
    /// Ids, oldest first.
    order: VecDeque<(String, Instant)>,
    tokens: HashMap<TokenKey, TokenEntry>,
    token_order: VecDeque<(TokenKey, Instant)>,
}

/// A caller's token: another caller's equal token is another token.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct TokenKey {
    principal: String,
    token: String,
}

struct TokenEntry {
    /// Hash of what was asked for.
    fingerprint: u64,
    statement: Arc<Statement>,
    since: Instant,
}

/// What became of a submission.
pub(crate) enum Submitted {
    /// The statement is new and must be executed.
    New(Arc<Statement>),
    /// The token was used before; this is its statement.
    Known(Arc<Statement>),
}

/// The store.
pub(crate) struct Store {
    inner: Mutex<Inner>,
    limits: Limits,
    unconfirmed: Unconfirmed,
}

impl Store {
    pub(crate) fn new(limits: Limits, unconfirmed: Unconfirmed) -> Self {
        Self { inner: Mutex::default(), limits, unconfirmed }
    }

    /// Finds the statement of a token, or makes a new one.
    ///
    /// `make` is called at most once, under the store's lock, and may refuse.
    pub(crate) fn submit(
        &self,
        caller: &Identity,
        token: Option<&str>,
        fingerprint: &str,
        make: impl FnOnce() -> Result<Statement, ApiError>,
    ) -> Result<Submitted, ApiError> {
        let now = Instant::now();
        let mut inner = self.lock();
        self.forget(&mut inner, now);
        let key = token.map(|token| TokenKey { principal: caller.db_user(), token: token.to_owned() });
        let fingerprint = hash(fingerprint);
        if let Some(entry) = key.as_ref().and_then(|key| inner.tokens.get(key)) {
            let same = entry.fingerprint == fingerprint;
            if !same && self.unconfirmed.token_reuse == TokenReuse::Refuse {
                return Err(ApiError::validation("The client token was used before with other request parameters."));
            }
            let again = same
                && self.unconfirmed.token_after_failure == AfterFailure::NewStatement
                && matches!(entry.statement.status(), Status::Failed | Status::Aborted);
            if !again {
                return Ok(Submitted::Known(Arc::clone(&entry.statement)));
            }
        }
        inner.active.retain(|statement| !statement.status().is_terminal());
        if inner.active.len() >= self.limits.active_statements {
            return Err(ApiError::active_statements());
        }
        let statement = Arc::new(make()?);
        inner.active.push(Arc::clone(&statement));
        inner.order.push_back((statement.id.clone(), now));
        inner.statements.insert(statement.id.clone(), Arc::clone(&statement));
        if let Some(key) = key {
            inner.token_order.push_back((key.clone(), now));
            inner.tokens.insert(key, TokenEntry { fingerprint, statement: Arc::clone(&statement), since: now });
        }
        Ok(Submitted::New(statement))
    }

    /// The statement of an id without suffix, if the caller may know of it (management guide: "the
    /// same IAM role or IAM user that ran the statement").
    pub(crate) fn get(&self, caller: &Identity, id: &str) -> Result<Arc<Statement>, ApiError> {
        let mut inner = self.lock();
        self.forget(&mut inner, Instant::now());
        inner
            .statements
            .get(id)
            .filter(|statement| statement.request.owner.same_principal(caller))
            .cloned()
            .ok_or_else(|| ApiError::not_found("Query does not exist.", id))
    }

    /// The statement of an id without suffix, whoever owns it.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<Statement>> {
        self.lock().statements.get(id).cloned()
    }

    /// All statements, newest first.
    pub(crate) fn all(&self) -> Vec<Arc<Statement>> {
        let mut inner = self.lock();
        self.forget(&mut inner, Instant::now());
        inner.order.iter().rev().filter_map(|(id, _)| inner.statements.get(id).cloned()).collect()
    }

    /// Drops what is too old; a statement that still runs is kept.
    fn forget(&self, inner: &mut Inner, now: Instant) {
        while let Some((id, since)) = inner.order.front()
            && now.saturating_duration_since(*since) >= self.limits.retention
        {
            match inner.statements.entry(id.clone()) {
                Entry::Occupied(found) if found.get().status().is_terminal() => {
                    drop(found.remove());
                }
                Entry::Occupied(_) => break,
                Entry::Vacant(_) => {}
            }
            inner.order.pop_front();
        }
        while let Some((key, since)) = inner.token_order.front()
            && now.saturating_duration_since(*since) >= self.limits.token_lifetime
        {
            // A token that was taken again after a failure has a younger entry of its own.
            if inner.tokens.get(key).is_some_and(|entry| entry.since == *since) {
                inner.tokens.remove(key);
            }
            inner.token_order.pop_front();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Within one process the hash only tells requests of one token apart.
fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
