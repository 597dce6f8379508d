//! Sessions that outlive a statement (`SessionKeepAliveSeconds`, `SessionId`), and idle engine
//! sessions of those that do not.
//!
//! Management guide, "Session reuse": a session runs one statement at a time and queues none, is
//! closed when it was idle for the keep-alive time, and after 24 hours whatever it does.
//!
//! Invariant: an engine session is in one place: here while it is idle, with its statement while it
//! is busy.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clock::Timestamp;
use crate::engine::{Login, Session};
use crate::error::ApiError;
use crate::execute::Connection;
use crate::options::{Identity, Limits};
use crate::statement::Target;

/// How long an idle engine session is kept for the next statement of its login.
const IDLE: Duration = Duration::from_secs(60);

pub(crate) enum State {
    Available(Box<dyn Session>),
    /// The id of the statement that it is running.
    Busy(String),
    Closed,
}

impl State {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Available(_) => "AVAILABLE",
            Self::Busy(_) => "BUSY",
            Self::Closed => "CLOSED",
        }
    }
}

pub(crate) struct SessionEntry {
    pub(crate) id: String,
    pub(crate) owner: Identity,
    pub(crate) login: Login,
    pub(crate) target: Target,
    pub(crate) secret_arn: Option<String>,
    pub(crate) keep_alive: u64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    /// When it will be closed if nothing happens.
    pub(crate) ttl: Timestamp,
    pub(crate) state: State,
    opened: Instant,
    /// Counts uses, so that an old timer does not close a session that was used since.
    uses: u64,
}

/// A timer that the caller must run for a session that became idle.
pub(crate) struct Expiry {
    pub(crate) after: Duration,
    pub(crate) uses: u64,
}

/// An engine session that nobody uses, and since when.
type Idle = (Box<dyn Session>, Instant);

#[derive(Default)]
struct Inner {
    sessions: BTreeMap<String, SessionEntry>,
    idle: HashMap<Login, Vec<Idle>>,
}

/// The sessions.
pub(crate) struct Sessions {
    inner: Mutex<Inner>,
    limits: Limits,
}

impl Sessions {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { inner: Mutex::default(), limits }
    }

    /// Makes a new session that is busy with its first statement.
    pub(crate) fn create(
        &self,
        id: &str,
        statement: &str,
        owner: &Identity,
        connection: &Connection,
        keep_alive: u64,
    ) -> Result<(), ApiError> {
        let mut inner = self.lock();
        let now = Timestamp::now();
        // Closed sessions are listed for 24 hours.
        let horizon = u64::try_from(self.limits.retention.as_millis()).unwrap_or(u64::MAX);
        inner.sessions.retain(|_, session| {
            !matches!(session.state, State::Closed) || session.updated_at.0.saturating_add(horizon) > now.0
        });
        let open = inner.sessions.values().filter(|session| !matches!(session.state, State::Closed)).count();
        if open >= self.limits.sessions {
            return Err(ApiError::active_sessions());
        }
        inner.sessions.insert(
            id.to_owned(),
            SessionEntry {
                id: id.to_owned(),
                owner: owner.clone(),
                login: connection.login.clone(),
                target: connection.target.clone(),
                secret_arn: connection.secret_arn.clone(),
                keep_alive,
                created_at: now,
                updated_at: now,
                ttl: now.plus(self.limits.session_lifetime.as_secs()),
                state: State::Busy(statement.to_owned()),
                opened: Instant::now(),
                uses: 0,
            },
        );
        Ok(())
    }

    /// Where a session is connected to, for a request that names it. The errors' texts are the
    /// service's.
    pub(crate) fn look(&self, id: &str, caller: &Identity) -> Result<Connection, ApiError> {
        let inner = self.lock();
        let session = find(&inner, id, caller)?;
        Ok(Connection {
            login: session.login.clone(),
            target: session.target.clone(),
            secret_arn: session.secret_arn.clone(),
        })
    }

    /// Takes an idle session for a statement.
    pub(crate) fn acquire(
        &self,
        id: &str,
        caller: &Identity,
        statement: &str,
        keep_alive: Option<u64>,
    ) -> Result<Box<dyn Session>, ApiError> {
        let mut inner = self.lock();
        find(&inner, id, caller)?;
        let unavailable = || ApiError::validation("Session is not available");
        let session = inner.sessions.get_mut(id).ok_or_else(unavailable)?;
        if !matches!(session.state, State::Available(_)) {
            return Err(unavailable());
        }
        let taken = std::mem::replace(&mut session.state, State::Busy(statement.to_owned()));
        let State::Available(taken) = taken else {
            return Err(unavailable());
        };
        session.uses += 1;
        session.updated_at = Timestamp::now();
        if let Some(keep_alive) = keep_alive {
            session.keep_alive = keep_alive;
        }
        Ok(taken)
    }

    /// Gives a session back after its statement; without an engine session it is closed. Returns the
    /// timer that will close it.
    pub(crate) fn release(&self, id: &str, engine: Option<Box<dyn Session>>) -> Option<Expiry> {
        let mut inner = self.lock();
        let session = inner.sessions.get_mut(id)?;
        let now = Timestamp::now();
        session.updated_at = now;
        let left = self.limits.session_lifetime.saturating_sub(session.opened.elapsed());
        let keep = Duration::from_secs(session.keep_alive).min(left);
        match engine {
            Some(engine) if matches!(session.state, State::Busy(_)) && !keep.is_zero() => {
                session.state = State::Available(engine);
                session.ttl = now.plus(keep.as_secs());
                Some(Expiry { after: keep, uses: session.uses })
            }
            _ => {
                session.state = State::Closed;
                session.ttl = now;
                None
            }
        }
    }

    /// Closes a session that was not used since its timer was set.
    pub(crate) fn expire(&self, id: &str, uses: u64) {
        let mut inner = self.lock();
        if let Some(session) = inner.sessions.get_mut(id)
            && session.uses == uses
            && matches!(session.state, State::Available(_))
        {
            close(session);
        }
    }

    /// Closes a session whatever it does, and returns the id of the statement that it is running.
    pub(crate) fn close(&self, id: &str) -> Option<String> {
        let mut inner = self.lock();
        let session = inner.sessions.get_mut(id)?;
        let running = match &session.state {
            State::Busy(statement) => Some(statement.clone()),
            State::Available(_) | State::Closed => None,
        };
        close(session);
        running
    }

    /// Reads the sessions, newest first.
    pub(crate) fn read<T>(&self, read: impl FnMut(&SessionEntry) -> Option<T>) -> Vec<T> {
        let inner = self.lock();
        let mut sessions: Vec<_> = inner.sessions.values().collect();
        sessions.sort_by_key(|session| Reverse(session.opened));
        sessions.into_iter().filter_map(read).collect()
    }

    /// An idle engine session of that login.
    pub(crate) fn take_idle(&self, login: &Login) -> Option<Box<dyn Session>> {
        let mut inner = self.lock();
        let idle = inner.idle.get_mut(login)?;
        idle.retain(|(session, since)| since.elapsed() < IDLE && session.is_alive());
        idle.pop().map(|(session, _)| session)
    }

    /// Keeps a session that is as good as new.
    pub(crate) fn keep_idle(&self, login: &Login, session: Box<dyn Session>) {
        let mut inner = self.lock();
        let idle = inner.idle.entry(login.clone()).or_default();
        idle.retain(|(_, since)| since.elapsed() < IDLE);
        if idle.len() < self.limits.idle_sessions {
            idle.push((session, Instant::now()));
        }
    }

    /// Drops every engine session.
    pub(crate) fn clear(&self) {
        let mut inner = self.lock();
        inner.sessions.clear();
        inner.idle.clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn close(session: &mut SessionEntry) {
    session.state = State::Closed;
    session.uses += 1;
    session.updated_at = Timestamp::now();
    session.ttl = session.updated_at;
}

fn find<'a>(inner: &'a Inner, id: &str, caller: &Identity) -> Result<&'a SessionEntry, ApiError> {
    inner
        .sessions
        .get(id)
        .filter(|session| session.owner.same_principal(caller))
        .ok_or_else(|| ApiError::validation(format!("Session with Id: {id} is invalid.")))
}
