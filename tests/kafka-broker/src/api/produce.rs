//! Produce: each partition's batch is checked and appended on its own; one refusal does not stop the others.

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};

use super::{NO_TRANSACTIONS, text};
use crate::batch::{self, BatchHeader};
use crate::cluster::Cluster;
use crate::log::Appended;
use crate::wire::{FrameError, Request};

/// A refused batch: the code, and a reason for the versions that carry one.
struct Refusal {
    code: ResponseError,
    reason: Option<String>,
}

impl From<ResponseError> for Refusal {
    fn from(code: ResponseError) -> Self {
        Self { code, reason: None }
    }
}

pub(super) fn produce(cluster: &Cluster, request: &Request) -> Result<Option<Bytes>, FrameError> {
    let body: ProduceRequest = request.body()?;
    let transactional = body.transactional_id.is_some();
    let acks = body.acks;
    let mut refused = false;
    let mut stored = false;
    let mut responses = Vec::with_capacity(body.topic_data.len());
    for topic in body.topic_data {
        let mut partitions = Vec::with_capacity(topic.partition_data.len());
        for partition in topic.partition_data {
            let result = if transactional {
                Err(Refusal {
                    code: ResponseError::TransactionalIdAuthorizationFailed,
                    reason: Some(NO_TRANSACTIONS.to_owned()),
                })
            } else if !matches!(acks, -1..=1) {
                Err(ResponseError::InvalidRequiredAcks.into())
            } else {
                append(cluster, &topic.name, partition.index, partition.records)
            };
            match &result {
                Ok(_) => stored = true,
                Err(_) => refused = true,
            }
            partitions.push(answer(request.version, partition.index, result));
        }
        responses.push(TopicProduceResponse::default().with_name(topic.name).with_partition_responses(partitions));
    }
    if stored {
        cluster.announce_change();
    }
    if acks == 0 {
        // As Kafka does: the only way to tell a producer that waits for nothing is to hang up.
        return if refused { Err(FrameError::RefusedWithoutAnswer) } else { Ok(None) };
    }
    request.answer(&ProduceResponse::default().with_responses(responses)).map(Some)
}

fn append(cluster: &Cluster, topic: &str, partition: i32, records: Option<Bytes>) -> Result<Appended, Refusal> {
    let topic = cluster.topics.get(topic).ok_or(ResponseError::UnknownTopicOrPartition)?;
    let log = topic.partition(partition).ok_or(ResponseError::UnknownTopicOrPartition)?;
    let records = records.filter(|records| !records.is_empty()).ok_or(ResponseError::CorruptMessage)?;
    let limit = cluster.topics.max_message_bytes(&topic);
    if records.len() > limit {
        return Err(Refusal {
            code: ResponseError::MessageTooLarge,
            reason: Some(format!("the largest batch of this topic is {limit} bytes")),
        });
    }
    let header: BatchHeader =
        batch::accept(&records).map_err(|error| Refusal { code: error.code(), reason: Some(error.to_string()) })?;
    Ok(log.append(header, &records)?)
}

fn answer(version: i16, partition: i32, result: Result<Appended, Refusal>) -> PartitionProduceResponse {
    let answer = PartitionProduceResponse::default().with_index(partition).with_log_append_time_ms(-1);
    match result {
        Ok(appended) => {
            let answer = answer.with_base_offset(appended.base_offset);
            if version >= 5 { answer.with_log_start_offset(appended.log_start) } else { answer }
        }
        Err(refusal) => {
            let answer = answer.with_error_code(refusal.code.code()).with_base_offset(-1);
            match refusal.reason {
                Some(reason) if version >= 8 => answer.with_error_message(Some(text(reason))),
                _ => answer,
            }
        }
    }
}
