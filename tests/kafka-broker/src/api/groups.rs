//! The requests of consumer groups, translated to and from the coordinator.

use std::collections::BTreeMap;
use std::time::Duration;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::offset_commit_response::{OffsetCommitResponsePartition, OffsetCommitResponseTopic};
use kafka_protocol::messages::offset_fetch_response::{OffsetFetchResponsePartition, OffsetFetchResponseTopic};
use kafka_protocol::messages::{
    BrokerId, DeleteGroupsRequest, DeleteGroupsResponse, DescribeGroupsRequest, DescribeGroupsResponse,
    FindCoordinatorRequest, FindCoordinatorResponse, GroupId, HeartbeatRequest, HeartbeatResponse, JoinGroupRequest,
    JoinGroupResponse, LeaveGroupRequest, LeaveGroupResponse, ListGroupsRequest, ListGroupsResponse,
    OffsetCommitRequest, OffsetCommitResponse, OffsetFetchRequest, OffsetFetchResponse, SyncGroupRequest,
    SyncGroupResponse, TopicName,
};

use super::{Caller, NO_TRANSACTIONS, code, text};
use crate::cluster::{Cluster, NODE_ID};
use crate::groups::offsets::{Committed, Place};
use crate::groups::{JoinError, Joining, Overview, Phase};
use crate::wire::Request;

/// The coordinator of a group, among the kinds of coordinators.
const GROUP: i8 = 0;
/// Kafka's `offset.metadata.max.bytes`.
const MAX_METADATA: usize = 4096;

pub(super) fn find_coordinator(
    caller: &Caller,
    version: i16,
    request: &FindCoordinatorRequest,
) -> FindCoordinatorResponse {
    let answer = FindCoordinatorResponse::default();
    if request.key_type != GROUP {
        return answer
            .with_error_code(ResponseError::TransactionalIdAuthorizationFailed.code())
            .with_error_message(Some(text(NO_TRANSACTIONS)))
            .with_node_id(BrokerId(-1))
            .with_port(-1);
    }
    let answer = answer.with_node_id(BrokerId(NODE_ID)).with_host(text(&caller.host)).with_port(i32::from(caller.port));
    if version >= 1 { answer.with_error_message(None) } else { answer }
}

pub(super) async fn join(
    cluster: &Cluster,
    caller: &Caller,
    frame: &Request,
    request: JoinGroupRequest,
) -> JoinGroupResponse {
    let session_timeout = millis(request.session_timeout_ms);
    let protocols = request.protocols.into_iter();
    let joining = Joining {
        id_required: frame.version >= 4,
        client_id: frame.client_id.clone(),
        client_host: caller.peer.clone(),
        session_timeout,
        // Version 0 has one time for both.
        rebalance_timeout: match frame.version {
            0 => session_timeout,
            _ => millis(request.rebalance_timeout_ms),
        },
        protocol_type: request.protocol_type.to_string(),
        protocols: protocols.map(|protocol| (protocol.name.to_string(), protocol.metadata)).collect(),
        member_id: request.member_id.to_string(),
    };
    let joined = if request.group_id.is_empty() {
        Err(JoinError { code: ResponseError::InvalidGroupId, member_id: joining.member_id })
    } else {
        cluster.groups.join(&request.group_id, joining).await
    };
    match joined {
        Ok(joined) => {
            let members = joined.members.into_iter().map(|(id, metadata)| {
                JoinGroupResponseMember::default().with_member_id(text(id)).with_metadata(metadata)
            });
            JoinGroupResponse::default()
                .with_generation_id(joined.generation)
                .with_protocol_name(Some(text(joined.protocol)))
                .with_leader(text(joined.leader))
                .with_member_id(text(joined.member_id))
                .with_members(members.collect())
        }
        Err(JoinError { code, member_id }) => JoinGroupResponse::default()
            .with_error_code(code.code())
            .with_generation_id(-1)
            .with_protocol_name(Some(text("")))
            .with_member_id(text(member_id)),
    }
}

pub(super) async fn sync(cluster: &Cluster, request: SyncGroupRequest) -> SyncGroupResponse {
    let assignments = request.assignments.into_iter();
    let assignments = assignments.map(|assignment| (assignment.member_id.to_string(), assignment.assignment)).collect();
    let result = cluster.groups.sync(&request.group_id, request.generation_id, &request.member_id, assignments).await;
    SyncGroupResponse::default().with_error_code(code(&result)).with_assignment(result.unwrap_or_default())
}

pub(super) fn heartbeat(cluster: &Cluster, request: &HeartbeatRequest) -> HeartbeatResponse {
    let result = cluster.groups.heartbeat(&request.group_id, request.generation_id, &request.member_id);
    HeartbeatResponse::default().with_error_code(code(&result))
}

pub(super) fn leave(cluster: &Cluster, request: &LeaveGroupRequest) -> LeaveGroupResponse {
    let result = cluster.groups.leave(&request.group_id, &request.member_id);
    LeaveGroupResponse::default().with_error_code(code(&result))
}

pub(super) fn commit(cluster: &Cluster, request: OffsetCommitRequest) -> OffsetCommitResponse {
    let allowed =
        cluster.groups.may_commit(&request.group_id, request.generation_id_or_member_epoch, &request.member_id);
    let mut positions = Vec::new();
    let mut answers = Vec::new();
    for topic in request.topics {
        let mut partitions = Vec::new();
        for partition in topic.partitions {
            let index = partition.partition_index;
            let metadata = partition.committed_metadata.unwrap_or_default();
            let result = allowed.and_then(|()| {
                cluster.topics.log(&topic.name, index).ok_or(ResponseError::UnknownTopicOrPartition)?;
                if metadata.len() > MAX_METADATA {
                    return Err(ResponseError::OffsetMetadataTooLarge);
                }
                Ok(())
            });
            if result.is_ok() {
                let committed = Committed {
                    offset: partition.committed_offset,
                    leader_epoch: partition.committed_leader_epoch,
                    metadata: metadata.to_string(),
                };
                positions.push(((topic.name.to_string(), index), committed));
            }
            partitions.push((index, code(&result)));
        }
        answers.push((topic.name, partitions));
    }
    let stored = cluster.offsets.commit(&request.group_id, positions);
    if let Err(error) = &stored {
        tracing::error!(%error, "could not store committed offsets");
    }
    let topics = answers.into_iter().map(|(name, partitions)| {
        let partitions = partitions.into_iter().map(|(index, code)| {
            let code = match (&stored, code) {
                (Err(_), 0) => ResponseError::CoordinatorNotAvailable.code(),
                (_, code) => code,
            };
            OffsetCommitResponsePartition::default().with_partition_index(index).with_error_code(code)
        });
        OffsetCommitResponseTopic::default().with_name(name).with_partitions(partitions.collect())
    });
    OffsetCommitResponse::default().with_topics(topics.collect())
}

pub(super) fn fetch(cluster: &Cluster, version: i16, request: OffsetFetchRequest) -> OffsetFetchResponse {
    let committed = cluster.offsets.of(&request.group_id);
    let mut wanted: BTreeMap<String, Vec<i32>> = BTreeMap::new();
    match request.topics {
        Some(topics) => {
            for topic in topics {
                let partitions = wanted.entry(topic.name.to_string()).or_default();
                partitions.extend(topic.partition_indexes);
            }
        }
        None => {
            for (topic, partition) in committed.keys() {
                wanted.entry(topic.clone()).or_default().push(*partition);
            }
        }
    }
    let topics = wanted.into_iter().map(|(topic, partitions)| {
        let partitions = partitions.into_iter().map(|index| position(version, &committed, (topic.clone(), index)));
        OffsetFetchResponseTopic::default().with_partitions(partitions.collect()).with_name(TopicName(text(&topic)))
    });
    OffsetFetchResponse::default().with_topics(topics.collect())
}

fn position(version: i16, committed: &BTreeMap<Place, Committed>, place: Place) -> OffsetFetchResponsePartition {
    let answer = OffsetFetchResponsePartition::default().with_partition_index(place.1);
    match committed.get(&place) {
        Some(committed) => {
            let answer = answer.with_committed_offset(committed.offset).with_metadata(Some(text(&committed.metadata)));
            if version >= 5 { answer.with_committed_leader_epoch(committed.leader_epoch) } else { answer }
        }
        None => answer.with_committed_offset(-1).with_metadata(Some(text(""))),
    }
}

pub(super) fn list(cluster: &Cluster, version: i16, request: &ListGroupsRequest) -> ListGroupsResponse {
    let groups = all(cluster).into_iter().filter(|(_, group)| {
        let state = group.phase.as_str();
        request.states_filter.is_empty() || request.states_filter.iter().any(|wanted| wanted.as_str() == state)
    });
    let groups = groups.map(|(name, group)| {
        let listed =
            ListedGroup::default().with_group_id(GroupId(text(name))).with_protocol_type(text(group.protocol_type));
        if version >= 4 { listed.with_group_state(text(group.phase.as_str())) } else { listed }
    });
    ListGroupsResponse::default().with_groups(groups.collect())
}

pub(super) fn describe(cluster: &Cluster, request: DescribeGroupsRequest) -> DescribeGroupsResponse {
    let mut known = all(cluster);
    let groups = request.groups.into_iter().map(|name| {
        let group = known.remove(name.as_str());
        let described = DescribedGroup::default().with_group_id(name);
        let Some(group) = group else {
            return described.with_group_state(text("Dead"));
        };
        let members = group.members.into_iter().map(|member| {
            DescribedGroupMember::default()
                .with_member_id(text(member.id))
                .with_client_id(text(member.client_id))
                .with_client_host(text(member.client_host))
                .with_member_metadata(member.metadata)
                .with_member_assignment(member.assignment)
        });
        described
            .with_group_state(text(group.phase.as_str()))
            .with_protocol_type(text(group.protocol_type))
            .with_protocol_data(text(group.protocol))
            .with_members(members.collect())
    });
    DescribeGroupsResponse::default().with_groups(groups.collect())
}

pub(super) fn delete(cluster: &Cluster, request: DeleteGroupsRequest) -> DeleteGroupsResponse {
    let results = request.groups_names.into_iter().map(|name| {
        let result = cluster.groups.delete(&name).and_then(|had_members| match cluster.offsets.delete_group(&name) {
            Ok(had_offsets) if had_members || had_offsets => Ok(()),
            Ok(_) => Err(ResponseError::GroupIdNotFound),
            Err(_) => Err(ResponseError::CoordinatorNotAvailable),
        });
        DeletableGroupResult::default().with_error_code(code(&result)).with_group_id(name)
    });
    DeleteGroupsResponse::default().with_results(results.collect())
}

/// The groups with members and those that only have committed offsets.
fn all(cluster: &Cluster) -> BTreeMap<String, Overview> {
    let mut groups = cluster.groups.overview();
    for name in cluster.offsets.groups() {
        groups.entry(name).or_insert_with(|| Overview {
            phase: Phase::Empty,
            protocol_type: "consumer".to_owned(),
            protocol: String::new(),
            members: Vec::new(),
        });
    }
    groups
}

fn millis(millis: i32) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}
