//! The state machine of a group, with a clock of its own, and the journal of offsets.

use std::io::Write as _;
use std::time::{Duration, Instant};

use bytes::Bytes;
use kafka_protocol::ResponseError;

use super::offsets::{Committed, Offsets};
use super::state::{Joining, Phase, State};

const SECOND: Duration = Duration::from_secs(1);

fn joining(member_id: &str, protocols: &[&str]) -> Joining {
    Joining {
        member_id: member_id.to_owned(),
        id_required: false,
        client_id: "client".to_owned(),
        client_host: "/127.0.0.1".to_owned(),
        session_timeout: 10 * SECOND,
        rebalance_timeout: 60 * SECOND,
        protocol_type: "consumer".to_owned(),
        protocols: protocols.iter().map(|name| ((*name).to_owned(), Bytes::from((*name).to_owned()))).collect(),
    }
}

/// A group of two, balanced; returns the leader, the follower and the time.
fn group_of_two() -> (State, String, String, Instant) {
    let mut state = State::default();
    let now = Instant::now();
    let (a, round) = state.join(joining("", &["range"]), now).unwrap();
    assert!(state.join_result(&a, round, now).is_none(), "others may come");
    let (b, _) = state.join(joining("", &["sticky", "range"]), now).unwrap();
    let now = now + SECOND;
    let first = state.join_result(&a, round, now).unwrap().unwrap();
    let second = state.join_result(&b, round, now).unwrap().unwrap();
    assert_eq!(first.leader, second.leader);
    assert_eq!(first.protocol, "range", "what both offer");
    let (leader, follower) = if first.leader == a { (a, b) } else { (b, a) };
    let of_leader = if first.member_id == leader { first } else { second };
    assert_eq!(of_leader.members.len(), 2);
    assert_eq!(of_leader.generation, 1);
    (state, leader, follower, now)
}

fn assign(state: &mut State, leader: &str, follower: &str, now: Instant) {
    let assignments =
        vec![(leader.to_owned(), Bytes::from("to the leader")), (follower.to_owned(), Bytes::from("to the follower"))];
    state.assign(1, leader, assignments, now).unwrap();
}

#[test]
fn members_gather_and_the_leader_assigns() {
    let (mut state, leader, follower, now) = group_of_two();
    assert!(state.sync_result(1, &follower, now).is_none(), "the leader has not spoken");
    assign(&mut state, &leader, &follower, now);
    assert_eq!(state.sync_result(1, &follower, now), Some(Ok(Bytes::from("to the follower"))));
    assert_eq!(state.overview().phase, Phase::Stable);
    assert_eq!(state.heartbeat(1, &follower, now), Ok(()));
    assert_eq!(state.heartbeat(0, &follower, now), Err(ResponseError::IllegalGeneration));
    assert_eq!(state.heartbeat(1, "stranger", now), Err(ResponseError::UnknownMemberId));
}

#[test]
fn a_third_member_makes_the_others_join_again() {
    let (mut state, leader, follower, now) = group_of_two();
    assign(&mut state, &leader, &follower, now);
    let (third, round) = state.join(joining("", &["range"]), now).unwrap();
    assert_eq!(state.heartbeat(1, &leader, now), Err(ResponseError::RebalanceInProgress));
    assert!(state.join_result(&third, round, now).is_none());
    state.join(joining(&leader, &["range"]), now).unwrap();
    state.join(joining(&follower, &["range"]), now).unwrap();
    let joined = state.join_result(&third, round, now).unwrap().unwrap();
    assert_eq!((joined.generation, joined.leader), (2, leader.clone()));
    assert_eq!(state.sync_result(1, &follower, now), Some(Err(ResponseError::RebalanceInProgress)));
}

#[test]
fn who_does_not_join_again_in_time_is_left_behind() {
    let (mut state, leader, follower, now) = group_of_two();
    assign(&mut state, &leader, &follower, now);
    let (third, round) = state.join(joining("", &["range"]), now).unwrap();
    // The others stay silent; the newcomer waits on.
    let mut later = now;
    for _ in 0..9 {
        later += SECOND;
        assert!(state.join_result(&third, round, later).is_none());
    }
    let joined = state.join_result(&third, round, later + SECOND).unwrap().unwrap();
    assert_eq!(joined.leader, third);
    assert_eq!(joined.members.len(), 1);
    assert_eq!(state.heartbeat(2, &follower, later), Err(ResponseError::UnknownMemberId));
}

#[test]
fn a_leaving_member_empties_the_group() {
    let (mut state, leader, follower, now) = group_of_two();
    assign(&mut state, &leader, &follower, now);
    state.leave(&leader, now).unwrap();
    assert_eq!(state.heartbeat(1, &follower, now), Err(ResponseError::RebalanceInProgress));
    state.leave(&follower, now).unwrap();
    assert_eq!(state.overview().phase, Phase::Empty);
    assert_eq!(state.leave(&follower, now), Err(ResponseError::UnknownMemberId));
}

#[test]
fn a_new_member_is_told_its_id_first_if_the_version_wants_it() {
    let mut state = State::default();
    let now = Instant::now();
    let asking = Joining { id_required: true, ..joining("", &["range"]) };
    let told = state.join(asking, now).unwrap_err();
    assert_eq!(told.code, ResponseError::MemberIdRequired);
    let named = Joining { id_required: true, ..joining(&told.member_id, &["range"]) };
    assert_eq!(state.join(named, now).unwrap().0, told.member_id);
    let stranger = state.join(joining("stranger", &["range"]), now).unwrap_err();
    assert_eq!(stranger.code, ResponseError::UnknownMemberId);
}

#[test]
fn members_without_a_common_protocol_do_not_come_together() {
    let (mut state, ..) = group_of_two();
    let now = Instant::now();
    let other = state.join(joining("", &["cooperative"]), now).unwrap_err();
    assert_eq!(other.code, ResponseError::InconsistentGroupProtocol);
    let none = state.join(joining("", &[]), now).unwrap_err();
    assert_eq!(none.code, ResponseError::InconsistentGroupProtocol);
}

#[test]
fn only_members_commit_to_a_group_that_has_any() {
    let (mut state, leader, follower, now) = group_of_two();
    assert_eq!(state.may_commit(1, &leader, now), Err(ResponseError::RebalanceInProgress));
    assign(&mut state, &leader, &follower, now);
    assert_eq!(state.may_commit(1, &follower, now), Ok(()));
    assert_eq!(state.may_commit(-1, "", now), Err(ResponseError::UnknownMemberId));
    assert_eq!(State::default().may_commit(-1, "", now), Ok(()));
}

fn committed(offset: i64) -> Committed {
    Committed { offset, leader_epoch: 0, metadata: "note".to_owned() }
}

#[test]
fn committed_offsets_are_there_after_a_restart_even_behind_a_torn_line() {
    let directory = tempfile::tempdir().unwrap();
    let place = |topic: &str| (topic.to_owned(), 0);
    {
        let offsets = Offsets::open(directory.path()).unwrap();
        let positions = vec![(place("a"), committed(1)), (place("b"), committed(2))];
        offsets.commit("group", positions).unwrap();
        offsets.commit("group", vec![(place("a"), committed(5))]).unwrap();
        offsets.commit("gone", vec![(place("a"), committed(5))]).unwrap();
        assert!(offsets.delete_group("gone").unwrap());
        assert!(!offsets.delete_group("gone").unwrap());
        offsets.delete_topic("b").unwrap();
    }
    let path = directory.path().join("group-offsets.jsonl");
    let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(br#"{"group":"group","topic":"a","par"#).unwrap();
    let offsets = Offsets::open(directory.path()).unwrap();
    let left = offsets.of("group");
    assert_eq!(left.into_iter().collect::<Vec<_>>(), [(place("a"), committed(5))]);
    assert_eq!(offsets.groups(), ["group"]);
}
