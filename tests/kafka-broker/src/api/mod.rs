//! What every request does. Each module answers a family of requests with protocol codes, never with panics.

mod admin;
mod configs;
mod fetch;
mod groups;
mod list_offsets;
mod metadata;
mod produce;
pub(crate) mod sasl;
#[cfg(test)]
mod tests;

pub(crate) use admin::delete_topic;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::api_versions_response::{ApiVersion, ApiVersionsResponse};
use kafka_protocol::messages::{ApiKey, InitProducerIdRequest, InitProducerIdResponse, ProducerId};
use kafka_protocol::protocol::StrBytes;

use crate::cluster::Cluster;
use crate::error::BrokerError;
use crate::wire::{FrameError, Request, versions};

/// Why a transaction is refused, in the answers that have room for a reason.
const NO_TRANSACTIONS: &str = "this broker does not support transactions";

/// Where a client reached the broker and from where.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// What clients of this listener are told to connect to.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) peer: String,
}

/// Answers one request. `None`: the client wants no answer.
pub(crate) async fn handle(cluster: &Cluster, caller: &Caller, request: &Request) -> Result<Option<Bytes>, FrameError> {
    let answer = match request.api {
        ApiKey::ApiVersions => api_versions(request),
        ApiKey::Metadata => request.answer(&metadata::metadata(cluster, caller, request.version, request.body()?)),
        ApiKey::Produce => return produce::produce(cluster, request),
        ApiKey::Fetch => request.answer(&fetch::fetch(cluster, request.version, &request.body()?).await),
        ApiKey::ListOffsets => request.answer(&list_offsets::list(cluster, request.version, request.body()?)),
        ApiKey::InitProducerId => request.answer(&init_producer_id(cluster, &request.body()?)),
        ApiKey::CreateTopics => request.answer(&admin::create_topics(cluster, request.version, request.body()?)),
        ApiKey::DeleteTopics => request.answer(&admin::delete_topics(cluster, request.version, request.body()?)),
        ApiKey::CreatePartitions => request.answer(&admin::create_partitions(cluster, request.body()?)),
        ApiKey::DeleteRecords => request.answer(&admin::delete_records(cluster, request.body()?)),
        ApiKey::DescribeConfigs => request.answer(&configs::describe(cluster, request.version, request.body()?)),
        ApiKey::IncrementalAlterConfigs => request.answer(&configs::alter(cluster, request.body()?)),
        ApiKey::FindCoordinator => request.answer(&groups::find_coordinator(caller, request.version, &request.body()?)),
        ApiKey::JoinGroup => {
            let answer = groups::join(cluster, caller, request, request.body()?).await;
            request.answer(&answer)
        }
        ApiKey::SyncGroup => request.answer(&groups::sync(cluster, request.body()?).await),
        ApiKey::Heartbeat => request.answer(&groups::heartbeat(cluster, &request.body()?)),
        ApiKey::LeaveGroup => request.answer(&groups::leave(cluster, &request.body()?)),
        ApiKey::OffsetCommit => request.answer(&groups::commit(cluster, request.body()?)),
        ApiKey::OffsetFetch => request.answer(&groups::fetch(cluster, request.version, request.body()?)),
        ApiKey::ListGroups => request.answer(&groups::list(cluster, request.version, &request.body()?)),
        ApiKey::DescribeGroups => request.answer(&groups::describe(cluster, request.body()?)),
        ApiKey::DeleteGroups => request.answer(&groups::delete(cluster, request.body()?)),
        other => Err(FrameError::UnknownApi(other as i16)),
    };
    answer.map(Some)
}

/// The supported versions; an unsupported version of this very request is answered with them too (KIP-511).
fn api_versions(request: &Request) -> Result<Bytes, FrameError> {
    let code = if request.supported { 0 } else { ResponseError::UnsupportedVersion.code() };
    let keys = versions::announced().map(|(api, min, max)| {
        ApiVersion::default().with_api_key(api as i16).with_min_version(min).with_max_version(max)
    });
    request.answer(&ApiVersionsResponse::default().with_error_code(code).with_api_keys(keys.collect()))
}

/// A fresh id for an idempotent producer; transactional ones are refused for good.
fn init_producer_id(cluster: &Cluster, request: &InitProducerIdRequest) -> InitProducerIdResponse {
    if request.transactional_id.is_some() {
        return InitProducerIdResponse::default()
            .with_error_code(ResponseError::TransactionalIdAuthorizationFailed.code())
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1);
    }
    InitProducerIdResponse::default().with_producer_id(ProducerId(cluster.new_producer_id())).with_producer_epoch(0)
}

/// The protocol's code for an error of the broker's own operations.
fn code_of(error: &BrokerError) -> ResponseError {
    match error {
        BrokerError::TopicExists { .. } => ResponseError::TopicAlreadyExists,
        BrokerError::UnknownTopic { .. } => ResponseError::UnknownTopicOrPartition,
        BrokerError::InvalidTopic { .. } => ResponseError::InvalidTopicException,
        BrokerError::InvalidPartitions { .. } => ResponseError::InvalidPartitions,
        BrokerError::Storage { .. } => ResponseError::KafkaStorageError,
        _ => ResponseError::UnknownServerError,
    }
}

/// 0, or the code of the error.
fn code<T>(result: &Result<T, ResponseError>) -> i16 {
    match result {
        Ok(_) => 0,
        Err(code) => code.code(),
    }
}

fn text(text: impl Into<String>) -> StrBytes {
    StrBytes::from_string(text.into())
}
