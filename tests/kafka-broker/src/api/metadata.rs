//! Metadata: the one broker, and the topics a client asks for, created on the way if that is allowed.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{BrokerId, MetadataRequest, MetadataResponse, TopicName};

use super::{Caller, code_of, text};
use crate::cluster::{Cluster, NODE_ID};
use crate::configs::Settings;
use crate::error::BrokerError;
use crate::log::LEADER_EPOCH;
use crate::topics::Topic;

pub(super) fn metadata(cluster: &Cluster, caller: &Caller, version: i16, request: MetadataRequest) -> MetadataResponse {
    // Before version 4 a client could not say that it does not want topics created.
    let may_create = cluster.options.auto_create_topics && (version < 4 || request.allow_auto_topic_creation);
    let wanted = match request.topics {
        // In version 0 an empty list means all topics.
        Some(topics) if version > 0 || !topics.is_empty() => {
            topics.into_iter().filter_map(|topic| topic.name).collect()
        }
        _ => cluster.topics.all().keys().map(|name| TopicName(text(name))).collect::<Vec<_>>(),
    };
    let topics = wanted.into_iter().map(|name| match find(cluster, &name, may_create) {
        Ok(topic) => describe(name, &topic, version),
        Err(error) => MetadataResponseTopic::default().with_error_code(error.code()).with_name(Some(name)),
    });
    let broker = MetadataResponseBroker::default()
        .with_node_id(BrokerId(NODE_ID))
        .with_host(text(&caller.host))
        .with_port(i32::from(caller.port));
    MetadataResponse::default()
        .with_brokers(vec![broker])
        .with_cluster_id(Some(text(&cluster.id)))
        .with_controller_id(BrokerId(NODE_ID))
        .with_topics(topics.collect())
}

fn find(cluster: &Cluster, name: &str, may_create: bool) -> Result<Topic, ResponseError> {
    if let Some(topic) = cluster.topics.get(name) {
        return Ok(topic);
    }
    let partitions = cluster.options.default_partitions;
    match cluster.topics.check_new(name, partitions) {
        Err(error @ BrokerError::InvalidTopic { .. }) => return Err(code_of(&error)),
        _ if !may_create => return Err(ResponseError::UnknownTopicOrPartition),
        _ => {}
    }
    match cluster.topics.create(name, partitions, Settings::new()) {
        // Another client was faster.
        Ok(()) | Err(BrokerError::TopicExists { .. }) => {}
        Err(error) => return Err(code_of(&error)),
    }
    cluster.topics.get(name).ok_or(ResponseError::UnknownTopicOrPartition)
}

fn describe(name: TopicName, topic: &Topic, version: i16) -> MetadataResponseTopic {
    let partitions = (0..topic.partition_count()).map(|index| {
        let partition = MetadataResponsePartition::default()
            .with_partition_index(index)
            .with_leader_id(BrokerId(NODE_ID))
            .with_replica_nodes(vec![BrokerId(NODE_ID)])
            .with_isr_nodes(vec![BrokerId(NODE_ID)]);
        if version >= 7 { partition.with_leader_epoch(LEADER_EPOCH) } else { partition }
    });
    MetadataResponseTopic::default().with_name(Some(name)).with_partitions(partitions.collect())
}
