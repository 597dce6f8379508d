//! One consumer group as a state machine: every method takes the time and never waits.
//!
//! Empty -> preparing (members join) -> completing (the leader assigns) -> stable, and back to preparing
//! whenever the members or what they want change. Invariant: `generation` grows with every completed
//! preparation, and a member's answers refer to exactly one generation.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use kafka_protocol::ResponseError;

use super::JoinError;

/// How long the first rebalance of an empty group waits for more members (`group.initial.rebalance.delay.ms`;
/// Kafka's default is 3 s, its documentation recommends less for development).
const INITIAL_DELAY: Duration = Duration::from_millis(200);
const MAX_SESSION: Duration = Duration::from_secs(1800);

/// The protocol's names of these are in `as_str`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Phase {
    #[default]
    Empty,
    Preparing,
    Completing,
    Stable,
}

impl Phase {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::Preparing => "PreparingRebalance",
            Self::Completing => "CompletingRebalance",
            Self::Stable => "Stable",
        }
    }
}

/// What a member says when it joins.
#[derive(Debug, Clone)]
pub(crate) struct Joining {
    pub(crate) member_id: String,
    /// A new member is told its id first and joins with it (KIP-394, JoinGroup version 4).
    pub(crate) id_required: bool,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) session_timeout: Duration,
    pub(crate) rebalance_timeout: Duration,
    pub(crate) protocol_type: String,
    /// By preference.
    pub(crate) protocols: Vec<(String, Bytes)>,
}

/// What a member learns when a rebalance has gathered all members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Joined {
    pub(crate) generation: i32,
    pub(crate) protocol: String,
    pub(crate) leader: String,
    pub(crate) member_id: String,
    /// All members with their metadata, for the leader; empty for the others.
    pub(crate) members: Vec<(String, Bytes)>,
}

/// What tools are shown of a group.
#[derive(Debug, Clone)]
pub(crate) struct Overview {
    pub(crate) phase: Phase,
    pub(crate) protocol_type: String,
    pub(crate) protocol: String,
    pub(crate) members: Vec<MemberOverview>,
}

#[derive(Debug, Clone)]
pub(crate) struct MemberOverview {
    pub(crate) id: String,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) metadata: Bytes,
    pub(crate) assignment: Bytes,
}

#[derive(Debug)]
struct Member {
    joining: Joining,
    assignment: Bytes,
    last_seen: Instant,
    /// It has joined the rebalance that is being prepared.
    ready: bool,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    phase: Phase,
    generation: i32,
    protocol_type: String,
    protocol: String,
    leader: String,
    members: BTreeMap<String, Member>,
    /// Ids that were given out and not yet used, with the time they lapse.
    promised: BTreeMap<String, Instant>,
    /// The preparation ends at the latest …
    deadline: Option<Instant>,
    /// … and at the earliest at these times.
    hold: Option<Instant>,
    next_id: u64,
}

impl State {
    /// Lets passed deadlines take effect: silent members are removed and a due rebalance is completed.
    pub(crate) fn advance(&mut self, now: Instant) {
        self.promised.retain(|_, lapses| *lapses > now);
        let silent: Vec<String> = self
            .members
            .iter()
            .filter(|(_, member)| now >= member.last_seen + member.joining.session_timeout)
            .map(|(id, _)| id.clone())
            .collect();
        for id in silent {
            self.remove(&id, now);
        }
        if self.phase == Phase::Preparing {
            let held = self.hold.is_some_and(|hold| now < hold);
            let late = self.deadline.is_some_and(|deadline| now >= deadline);
            if late || (!held && self.members.values().all(|member| member.ready)) {
                self.complete(now);
            }
        }
    }

    /// Takes a join in. Returns the member's id and the generation it waits to be followed.
    pub(crate) fn join(&mut self, mut joining: Joining, now: Instant) -> Result<(String, i32), JoinError> {
        let refuse = |code, member_id: &str| Err(JoinError { code, member_id: member_id.to_owned() });
        let given = joining.member_id.clone();
        if joining.session_timeout.is_zero() || joining.session_timeout > MAX_SESSION {
            return refuse(ResponseError::InvalidSessionTimeout, &given);
        }
        let known = self.members.contains_key(&given);
        if !given.is_empty() && !known && self.promised.remove(&given).is_none() {
            return refuse(ResponseError::UnknownMemberId, &given);
        }
        if !self.fits(&joining) {
            return refuse(ResponseError::InconsistentGroupProtocol, &given);
        }
        if given.is_empty() {
            self.next_id += 1;
            let unique = uuid::Uuid::new_v4().simple().to_string();
            joining.member_id = format!("{}-{}-{unique}", joining.client_id, self.next_id);
            if joining.id_required {
                let id = joining.member_id;
                self.promised.insert(id.clone(), now + joining.session_timeout);
                return refuse(ResponseError::MemberIdRequired, &id);
            }
        }
        let id = joining.member_id.clone();
        let unchanged = self.members.get(&id).is_some_and(|member| member.joining.protocols == joining.protocols);
        // A follower that only repeats its join is told the current generation; a leader may want to reassign.
        let repeated = match self.phase {
            Phase::Stable => unchanged && id != self.leader,
            Phase::Completing => unchanged,
            Phase::Empty | Phase::Preparing => false,
        };
        if repeated {
            self.seen(&id, now);
            return Ok((id, self.generation - 1));
        }
        if self.members.is_empty() {
            self.protocol_type.clone_from(&joining.protocol_type);
            self.hold = Some(now + INITIAL_DELAY);
        }
        let assignment = self.members.remove(&id).map(|member| member.assignment).unwrap_or_default();
        self.prepare(now);
        let patience = now + joining.rebalance_timeout;
        self.deadline.get_or_insert(patience);
        self.members.insert(id.clone(), Member { joining, assignment, last_seen: now, ready: true });
        Ok((id, self.generation))
    }

    /// The answer to a join, once the generation after `round` exists. `None`: wait.
    pub(crate) fn join_result(&mut self, id: &str, round: i32, now: Instant) -> Option<Result<Joined, ResponseError>> {
        // A waiting member is alive: it cannot send heartbeats meanwhile.
        self.seen(id, now);
        self.advance(now);
        if !self.members.contains_key(id) {
            return Some(Err(ResponseError::UnknownMemberId));
        }
        if self.generation <= round {
            return None;
        }
        let members = if id == self.leader {
            self.members.iter().map(|(id, member)| (id.clone(), member.metadata(&self.protocol))).collect()
        } else {
            Vec::new()
        };
        Some(Ok(Joined {
            generation: self.generation,
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            member_id: id.to_owned(),
            members,
        }))
    }

    /// Takes the leader's assignments; from other members there are none to take.
    pub(crate) fn assign(
        &mut self,
        generation: i32,
        id: &str,
        assignments: Vec<(String, Bytes)>,
        now: Instant,
    ) -> Result<(), ResponseError> {
        self.check(generation, id, now)?;
        if self.phase == Phase::Completing && id == self.leader {
            for member in self.members.values_mut() {
                member.assignment = Bytes::new();
            }
            for (id, assignment) in assignments {
                if let Some(member) = self.members.get_mut(&id) {
                    member.assignment = assignment;
                }
            }
            self.phase = Phase::Stable;
        }
        Ok(())
    }

    /// The member's assignment, once the leader has given it. `None`: wait.
    pub(crate) fn sync_result(
        &mut self,
        generation: i32,
        id: &str,
        now: Instant,
    ) -> Option<Result<Bytes, ResponseError>> {
        if self.generation > generation {
            return Some(Err(ResponseError::RebalanceInProgress));
        }
        if let Err(code) = self.check(generation, id, now) {
            return Some(Err(code));
        }
        match self.phase {
            Phase::Stable => Some(Ok(self.members[id].assignment.clone())),
            Phase::Completing => None,
            Phase::Empty | Phase::Preparing => Some(Err(ResponseError::RebalanceInProgress)),
        }
    }

    pub(crate) fn heartbeat(&mut self, generation: i32, id: &str, now: Instant) -> Result<(), ResponseError> {
        self.check(generation, id, now)?;
        if self.phase == Phase::Preparing {
            return Err(ResponseError::RebalanceInProgress);
        }
        Ok(())
    }

    pub(crate) fn leave(&mut self, id: &str, now: Instant) -> Result<(), ResponseError> {
        if self.promised.remove(id).is_some() {
            return Ok(());
        }
        if !self.members.contains_key(id) {
            return Err(ResponseError::UnknownMemberId);
        }
        self.remove(id, now);
        self.advance(now);
        Ok(())
    }

    pub(crate) fn may_commit(&mut self, generation: i32, id: &str, now: Instant) -> Result<(), ResponseError> {
        if generation < 0 && self.members.is_empty() {
            return Ok(());
        }
        self.check(generation, id, now)?;
        if self.phase == Phase::Completing {
            return Err(ResponseError::RebalanceInProgress);
        }
        Ok(())
    }

    pub(crate) fn overview(&self) -> Overview {
        let members = self.members.iter().map(|(id, member)| MemberOverview {
            id: id.clone(),
            client_id: member.joining.client_id.clone(),
            client_host: member.joining.client_host.clone(),
            metadata: member.metadata(&self.protocol),
            assignment: member.assignment.clone(),
        });
        Overview {
            phase: self.phase,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            members: members.collect(),
        }
    }

    /// Whether what a member offers has something in common with all others.
    fn fits(&self, joining: &Joining) -> bool {
        if joining.protocol_type.is_empty() || joining.protocols.is_empty() {
            return false;
        }
        let mut others =
            self.members.iter().filter(|(id, _)| **id != joining.member_id).map(|(_, member)| member).peekable();
        if others.peek().is_none() {
            return true;
        }
        let others: Vec<&Member> = others.collect();
        joining.protocol_type == self.protocol_type
            && joining.protocols.iter().any(|(name, _)| others.iter().all(|other| other.offers(name)))
    }

    fn check(&mut self, generation: i32, id: &str, now: Instant) -> Result<(), ResponseError> {
        if !self.members.contains_key(id) {
            return Err(ResponseError::UnknownMemberId);
        }
        if generation != self.generation {
            return Err(ResponseError::IllegalGeneration);
        }
        self.seen(id, now);
        Ok(())
    }

    fn seen(&mut self, id: &str, now: Instant) {
        if let Some(member) = self.members.get_mut(id) {
            member.last_seen = now;
        }
    }

    fn remove(&mut self, id: &str, now: Instant) {
        self.members.remove(id);
        self.prepare(now);
    }

    /// Begins a rebalance, unless one is being prepared.
    fn prepare(&mut self, now: Instant) {
        if self.phase == Phase::Preparing {
            return;
        }
        self.phase = Phase::Preparing;
        for member in self.members.values_mut() {
            member.ready = false;
        }
        let patience = self.members.values().map(|member| member.joining.rebalance_timeout).max();
        self.deadline = patience.map(|patience| now + patience);
    }

    /// Ends the preparation with the members that are ready.
    fn complete(&mut self, now: Instant) {
        self.members.retain(|_, member| member.ready);
        self.generation = self.generation.checked_add(1).unwrap_or(1);
        self.deadline = None;
        self.hold = None;
        for member in self.members.values_mut() {
            member.ready = false;
            member.last_seen = now;
        }
        if self.members.is_empty() {
            self.phase = Phase::Empty;
            self.protocol.clear();
            self.leader.clear();
            return;
        }
        if !self.members.contains_key(&self.leader) {
            self.leader = self.members.keys().next().cloned().unwrap_or_default();
        }
        self.protocol = self.elect_protocol();
        self.phase = Phase::Completing;
    }

    /// Every member votes for the first of its protocols that all others offer too.
    fn elect_protocol(&self) -> String {
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for member in self.members.values() {
            let choice =
                member.joining.protocols.iter().find(|(name, _)| self.members.values().all(|other| other.offers(name)));
            if let Some((name, _)) = choice {
                *votes.entry(name).or_default() += 1;
            }
        }
        votes.into_iter().max_by_key(|(_, count)| *count).map(|(name, _)| name.to_owned()).unwrap_or_default()
    }
}

impl Member {
    fn offers(&self, protocol: &str) -> bool {
        self.joining.protocols.iter().any(|(name, _)| name == protocol)
    }

    fn metadata(&self, protocol: &str) -> Bytes {
        self.joining
            .protocols
            .iter()
            .find(|(name, _)| name == protocol)
            .map(|(_, metadata)| metadata.clone())
            .unwrap_or_default()
    }
}
