//! Fetch: waits until enough bytes are there or the client's time is up, then reads whole batches.
//!
//! There are no fetch sessions: every request names all its partitions (KIP-227 lets a broker answer with
//! session 0). The byte limits are the client's, with one exception that keeps consumers going: the first
//! batch of the first partition that has one is returned whatever its size (KIP-74).

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_request::FetchPartition;
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::{BrokerId, FetchRequest, FetchResponse};
use tokio::time::Instant;

use crate::cluster::Cluster;
use crate::log::Bounds;

/// The largest answer, whatever the client asks for (Kafka's `fetch.max.bytes` of a broker).
const MAX_BYTES: usize = 55 * 1024 * 1024;

pub(super) async fn fetch(cluster: &Cluster, version: i16, request: &FetchRequest) -> FetchResponse {
    if version >= 7 && request.session_id != 0 && request.session_epoch > 0 {
        return FetchResponse::default().with_error_code(ResponseError::FetchSessionIdNotFound.code());
    }
    let wait = u64::try_from(request.max_wait_ms).unwrap_or(0);
    let deadline = Instant::now() + Duration::from_millis(wait);
    let wanted = usize::try_from(request.min_bytes).unwrap_or(0);
    loop {
        let mut changes = cluster.watch_changes();
        if is_due(cluster, request, wanted) || Instant::now() >= deadline {
            return read(cluster, version, request);
        }
        // Both outcomes lead to another look.
        drop(tokio::time::timeout_at(deadline, changes.changed()).await);
    }
}

/// Whether enough bytes are there, or an error that the client should not wait for.
fn is_due(cluster: &Cluster, request: &FetchRequest, wanted: usize) -> bool {
    let mut found = 0;
    for topic in &request.topics {
        for partition in &topic.partitions {
            let limit = size(partition.partition_max_bytes);
            let available = cluster
                .topics
                .log(&topic.topic, partition.partition)
                .ok_or(ResponseError::UnknownTopicOrPartition)
                .and_then(|log| log.available(partition.fetch_offset, limit, true));
            match available {
                Ok(bytes) => found += bytes,
                Err(_) => return true,
            }
        }
    }
    found >= wanted
}

fn read(cluster: &Cluster, version: i16, request: &FetchRequest) -> FetchResponse {
    let mut budget = Budget { left: size(request.max_bytes).min(MAX_BYTES), first: true };
    let responses = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            let result = read_partition(cluster, &topic.topic, partition, &mut budget);
            answer(version, partition.partition, result)
        });
        FetchableTopicResponse::default().with_topic(topic.topic.clone()).with_partitions(partitions.collect())
    });
    FetchResponse::default().with_responses(responses.collect())
}

struct Budget {
    left: usize,
    /// Nothing has been read yet.
    first: bool,
}

fn read_partition(
    cluster: &Cluster,
    topic: &str,
    partition: &FetchPartition,
    budget: &mut Budget,
) -> Result<(Bounds, Bytes), ResponseError> {
    let log = cluster.topics.log(topic, partition.partition).ok_or(ResponseError::UnknownTopicOrPartition)?;
    let limit = size(partition.partition_max_bytes).min(budget.left);
    let records = log.read(partition.fetch_offset, limit, budget.first)?;
    if !records.is_empty() {
        budget.first = false;
        budget.left = budget.left.saturating_sub(records.len());
    }
    // After the records, so that the end is never before what was just read.
    Ok((log.bounds(), records))
}

fn answer(version: i16, partition: i32, result: Result<(Bounds, Bytes), ResponseError>) -> PartitionData {
    let answer = PartitionData::default().with_partition_index(partition);
    let answer = if version >= 11 { answer.with_preferred_read_replica(BrokerId(-1)) } else { answer };
    let (code, bounds, records) = match result {
        Ok((bounds, records)) => (0, bounds, records),
        Err(error) => (error.code(), Bounds { start: -1, next: -1 }, Bytes::new()),
    };
    let answer = answer
        .with_error_code(code)
        .with_high_watermark(bounds.next)
        .with_last_stable_offset(bounds.next)
        .with_records(Some(records));
    if version >= 5 { answer.with_log_start_offset(bounds.start) } else { answer }
}

fn size(bytes: i32) -> usize {
    usize::try_from(bytes).unwrap_or(0)
}
