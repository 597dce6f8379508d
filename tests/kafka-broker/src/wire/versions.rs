//! Which requests the broker takes, and in which versions.
//!
//! The upper bounds are chosen: Produce, Fetch and Metadata stay below topic ids, groups below static
//! membership, and everything below transactions. The lower bounds are the codec's.

use kafka_protocol::messages::ApiKey;

/// The supported versions of every supported request, both ends included.
pub(crate) const SUPPORTED: &[(ApiKey, i16, i16)] = &[
    (ApiKey::Produce, 3, 9),
    (ApiKey::Fetch, 4, 12),
    (ApiKey::ListOffsets, 1, 7),
    (ApiKey::Metadata, 0, 9),
    (ApiKey::OffsetCommit, 2, 6),
    (ApiKey::OffsetFetch, 1, 7),
    (ApiKey::FindCoordinator, 0, 3),
    (ApiKey::JoinGroup, 0, 4),
    (ApiKey::Heartbeat, 0, 2),
    (ApiKey::LeaveGroup, 0, 2),
    (ApiKey::SyncGroup, 0, 2),
    (ApiKey::DescribeGroups, 0, 3),
    (ApiKey::ListGroups, 0, 4),
    (ApiKey::SaslHandshake, 1, 1),
    (ApiKey::ApiVersions, 0, 3),
    (ApiKey::CreateTopics, 2, 6),
    (ApiKey::DeleteTopics, 1, 5),
    (ApiKey::DeleteRecords, 0, 2),
    (ApiKey::InitProducerId, 0, 4),
    (ApiKey::CreatePartitions, 0, 3),
    (ApiKey::DescribeConfigs, 1, 4),
    (ApiKey::SaslAuthenticate, 0, 2),
    (ApiKey::DeleteGroups, 0, 2),
    (ApiKey::IncrementalAlterConfigs, 0, 1),
];

/// The supported versions of a request. `None`: it is not supported at all.
pub(crate) fn range(api: ApiKey) -> Option<(i16, i16)> {
    SUPPORTED.iter().find(|(key, _, _)| *key == api).map(|&(_, min, max)| (min, max))
}

pub(crate) fn supported(api: ApiKey, version: i16) -> bool {
    range(api).is_some_and(|(min, max)| (min..=max).contains(&version))
}

/// The versions that are announced to clients.
///
/// Produce is announced from version 0 on, as Apache Kafka does since 4.0 (KAFKA-18659): librdkafka compresses
/// only for brokers that announce the old versions, and never sends them to one that has the new ones.
pub(crate) fn announced() -> impl Iterator<Item = (ApiKey, i16, i16)> {
    SUPPORTED.iter().map(|&(api, min, max)| match api {
        ApiKey::Produce => (api, 0, max),
        _ => (api, min, max),
    })
}
