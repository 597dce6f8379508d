//! Requests that change topics: create, delete, add partitions, delete records.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_protocol::messages::delete_records_response::{DeleteRecordsPartitionResult, DeleteRecordsTopicResult};
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreateTopicsRequest, CreateTopicsResponse, DeleteRecordsRequest,
    DeleteRecordsResponse, DeleteTopicsRequest, DeleteTopicsResponse,
};

use super::{code, code_of, text};
use crate::cluster::{Cluster, NODE_ID};
use crate::configs::{self, Settings};
use crate::error::BrokerError;

/// A code with its reason.
struct Refusal(ResponseError, String);

impl From<BrokerError> for Refusal {
    fn from(error: BrokerError) -> Self {
        Self(code_of(&error), error.to_string())
    }
}

pub(super) fn create_topics(cluster: &Cluster, version: i16, request: CreateTopicsRequest) -> CreateTopicsResponse {
    let validate_only = request.validate_only;
    let topics = request.topics.into_iter().map(|topic| {
        let result = create_topic(cluster, &topic, validate_only);
        let answer = CreatableTopicResult::default().with_name(topic.name).with_error_message(None);
        match result {
            Ok(partitions) if version >= 5 => answer.with_num_partitions(partitions).with_replication_factor(1),
            Ok(_) => answer,
            Err(Refusal(code, reason)) => answer.with_error_code(code.code()).with_error_message(Some(text(reason))),
        }
    });
    CreateTopicsResponse::default().with_topics(topics.collect())
}

fn create_topic(cluster: &Cluster, topic: &CreatableTopic, validate_only: bool) -> Result<i32, Refusal> {
    let partitions = if topic.assignments.is_empty() {
        match topic.num_partitions {
            -1 => cluster.options.default_partitions,
            count => count,
        }
    } else {
        let elsewhere = topic
            .assignments
            .iter()
            .any(|assignment| assignment.broker_ids.len() != 1 || assignment.broker_ids[0].0 != NODE_ID);
        if elsewhere {
            return Err(Refusal(ResponseError::InvalidReplicaAssignment, format!("the only broker is {NODE_ID}")));
        }
        i32::try_from(topic.assignments.len()).unwrap_or(i32::MAX)
    };
    if !matches!(topic.replication_factor, -1 | 1) {
        return Err(Refusal(
            ResponseError::InvalidReplicationFactor,
            "there is one broker, so the replication factor is 1".to_owned(),
        ));
    }
    let mut settings = Settings::new();
    for config in &topic.configs {
        // Without a value the default stays.
        if let Some(value) = &config.value {
            configs::check(&config.name, value).map_err(|reason| Refusal(ResponseError::InvalidConfig, reason))?;
            settings.insert(config.name.to_string(), value.to_string());
        }
    }
    if validate_only {
        cluster.topics.check_new(&topic.name, partitions)?;
    } else {
        cluster.topics.create(&topic.name, partitions, settings)?;
    }
    Ok(partitions)
}

pub(super) fn delete_topics(cluster: &Cluster, version: i16, request: DeleteTopicsRequest) -> DeleteTopicsResponse {
    let responses = request.topic_names.into_iter().map(|name| {
        let result = delete_topic(cluster, &name);
        let answer = DeletableTopicResult::default().with_name(Some(name));
        match result {
            Ok(()) => answer,
            Err(error) => {
                let answer = answer.with_error_code(code_of(&error).code());
                if version >= 5 { answer.with_error_message(Some(text(error.to_string()))) } else { answer }
            }
        }
    });
    DeleteTopicsResponse::default().with_responses(responses.collect())
}

/// Deletes a topic and what groups have committed for it, and wakes those who wait for its records.
pub(crate) fn delete_topic(cluster: &Cluster, name: &str) -> Result<(), BrokerError> {
    cluster.topics.delete(name)?;
    cluster.announce_change();
    if let Err(error) = cluster.offsets.delete_topic(name) {
        tracing::warn!(topic = name, %error, "could not remove the committed offsets of a deleted topic");
    }
    Ok(())
}

pub(super) fn create_partitions(cluster: &Cluster, request: CreatePartitionsRequest) -> CreatePartitionsResponse {
    let validate_only = request.validate_only;
    let results = request.topics.into_iter().map(|topic| {
        let result = cluster.topics.grow(&topic.name, topic.count, validate_only);
        let answer = CreatePartitionsTopicResult::default().with_name(topic.name);
        match result {
            Ok(()) => answer,
            Err(error) => {
                answer.with_error_code(code_of(&error).code()).with_error_message(Some(text(error.to_string())))
            }
        }
    });
    CreatePartitionsResponse::default().with_results(results.collect())
}

pub(super) fn delete_records(cluster: &Cluster, request: DeleteRecordsRequest) -> DeleteRecordsResponse {
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            let result = cluster
                .topics
                .log(&topic.name, partition.partition_index)
                .ok_or(ResponseError::UnknownTopicOrPartition)
                .and_then(|log| log.delete_before(partition.offset));
            DeleteRecordsPartitionResult::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(code(&result))
                .with_low_watermark(result.unwrap_or(-1))
        });
        DeleteRecordsTopicResult::default().with_partitions(partitions.collect()).with_name(topic.name.clone())
    });
    DeleteRecordsResponse::default().with_topics(topics.collect())
}
