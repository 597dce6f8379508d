//! The coordinator of consumer groups, in the classic protocol (join, sync, heartbeat, leave).
//!
//! Membership lives in memory, as in Kafka a restart makes members join again; committed offsets are kept
//! by `offsets`. There is no timer: members that wait for a rebalance, and everyone who asks for the group,
//! carry it on when its deadlines have passed.

pub(crate) mod offsets;
mod state;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use kafka_protocol::ResponseError;
use tokio::sync::Notify;

use state::State;
pub(crate) use state::{Joined, Joining, Overview, Phase};

/// How long a waiting member sleeps at most before it looks for passed deadlines.
const TICK: Duration = Duration::from_millis(200);

#[derive(Debug, Default)]
struct Group {
    state: Mutex<State>,
    changed: Notify,
}

/// All groups with members, now or since the start of the broker.
#[derive(Debug, Default)]
pub(crate) struct Groups(Mutex<BTreeMap<String, Arc<Group>>>);

impl Groups {
    /// Joins a group and waits until the rebalance that this causes, if any, is through.
    pub(crate) async fn join(&self, group: &str, joining: Joining) -> Result<Joined, JoinError> {
        let group = self.group_or_new(group);
        let (member, round) = group.locked(|state, now| state.join(joining, now))?;
        group.changed.notify_waiters();
        loop {
            let changed = group.changed.notified();
            if let Some(joined) = group.locked(|state, now| state.join_result(&member, round, now)) {
                group.changed.notify_waiters();
                return joined.map_err(|code| JoinError { code, member_id: member });
            }
            drop(tokio::time::timeout(TICK, changed).await);
        }
    }

    /// Hands in the leader's assignments, or waits for them; returns the member's own.
    pub(crate) async fn sync(
        &self,
        group: &str,
        generation: i32,
        member: &str,
        assignments: Vec<(String, Bytes)>,
    ) -> Result<Bytes, ResponseError> {
        let group = self.group(group).ok_or(ResponseError::UnknownMemberId)?;
        group.locked(|state, now| state.assign(generation, member, assignments, now))?;
        group.changed.notify_waiters();
        loop {
            let changed = group.changed.notified();
            if let Some(result) = group.locked(|state, now| state.sync_result(generation, member, now)) {
                return result;
            }
            drop(tokio::time::timeout(TICK, changed).await);
        }
    }

    pub(crate) fn heartbeat(&self, group: &str, generation: i32, member: &str) -> Result<(), ResponseError> {
        let group = self.group(group).ok_or(ResponseError::UnknownMemberId)?;
        group.locked(|state, now| state.heartbeat(generation, member, now))
    }

    pub(crate) fn leave(&self, group: &str, member: &str) -> Result<(), ResponseError> {
        let group = self.group(group).ok_or(ResponseError::UnknownMemberId)?;
        group.locked(|state, now| state.leave(member, now))?;
        group.changed.notify_waiters();
        Ok(())
    }

    /// Whether a member of this generation, or anyone at all if the group is empty, may commit offsets.
    pub(crate) fn may_commit(&self, group: &str, generation: i32, member: &str) -> Result<(), ResponseError> {
        match self.group(group) {
            Some(group) => group.locked(|state, now| state.may_commit(generation, member, now)),
            None if generation < 0 => Ok(()),
            None => Err(ResponseError::IllegalGeneration),
        }
    }

    /// Every group that has or had members.
    pub(crate) fn overview(&self) -> BTreeMap<String, Overview> {
        let groups = self.lock().clone();
        groups.into_iter().map(|(name, group)| (name, group.locked(|state, _| state.overview()))).collect()
    }

    /// Forgets an empty group. False: there was none.
    pub(crate) fn delete(&self, name: &str) -> Result<bool, ResponseError> {
        let mut groups = self.lock();
        let Some(group) = groups.get(name) else {
            return Ok(false);
        };
        if group.locked(|state, _| state.overview().phase != Phase::Empty) {
            return Err(ResponseError::NonEmptyGroup);
        }
        groups.remove(name);
        Ok(true)
    }

    fn group(&self, name: &str) -> Option<Arc<Group>> {
        self.lock().get(name).cloned()
    }

    fn group_or_new(&self, name: &str) -> Arc<Group> {
        self.lock().entry(name.to_owned()).or_default().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Group>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A refused join; the protocol returns the member id with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JoinError {
    pub(crate) code: ResponseError,
    pub(crate) member_id: String,
}

impl Group {
    /// Runs `action` on the state after letting passed deadlines take effect.
    fn locked<T>(&self, action: impl FnOnce(&mut State, Instant) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        state.advance(now);
        action(&mut state, now)
    }
}
