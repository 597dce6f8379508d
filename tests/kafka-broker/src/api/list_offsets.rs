//! ListOffsets: the ends of a log, and the first record at or after a timestamp.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::list_offsets_request::ListOffsetsPartition;
use kafka_protocol::messages::list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse};
use kafka_protocol::messages::{ListOffsetsRequest, ListOffsetsResponse};

use crate::cluster::Cluster;
use crate::log::LEADER_EPOCH;

/// The protocol's special timestamps.
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const LARGEST_TIMESTAMP: i64 = -3;

pub(super) fn list(cluster: &Cluster, version: i16, request: ListOffsetsRequest) -> ListOffsetsResponse {
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            let result = find(cluster, &topic.name, partition);
            answer(version, partition.partition_index, result)
        });
        ListOffsetsTopicResponse::default().with_partitions(partitions.collect()).with_name(topic.name.clone())
    });
    ListOffsetsResponse::default().with_topics(topics.collect())
}

/// Offset and timestamp; both are -1 where there is nothing to find.
fn find(cluster: &Cluster, topic: &str, partition: &ListOffsetsPartition) -> Result<(i64, i64), ResponseError> {
    let log = cluster.topics.log(topic, partition.partition_index).ok_or(ResponseError::UnknownTopicOrPartition)?;
    match partition.timestamp {
        LATEST => Ok((log.bounds().next, -1)),
        EARLIEST => Ok((log.bounds().start, -1)),
        LARGEST_TIMESTAMP => Ok(log.max_timestamp()?.unwrap_or((-1, -1))),
        timestamp if timestamp >= 0 => Ok(log.find_timestamp(timestamp)?.unwrap_or((-1, -1))),
        _ => Err(ResponseError::UnsupportedVersion),
    }
}

fn answer(version: i16, partition: i32, result: Result<(i64, i64), ResponseError>) -> ListOffsetsPartitionResponse {
    let answer = ListOffsetsPartitionResponse::default().with_partition_index(partition);
    match result {
        Ok((offset, timestamp)) => {
            let answer = answer.with_offset(offset).with_timestamp(timestamp);
            if version >= 4 && offset >= 0 { answer.with_leader_epoch(LEADER_EPOCH) } else { answer }
        }
        Err(error) => answer.with_error_code(error.code()).with_offset(-1).with_timestamp(-1),
    }
}
