//! Requests with something in every field, for the tests: one for every supported request and version.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::messages::{self, ApiKey, BrokerId, GroupId, RequestHeader, TopicName};
use kafka_protocol::protocol::{Encodable, StrBytes};
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, Record, RecordBatchEncoder,
    RecordEncodeOptions, TimestampType,
};

/// The topic that the samples speak of.
pub(crate) const TOPIC: &str = "sample";

/// One batch of records with the given timestamps, values and compression.
pub(crate) fn batch(timestamps: &[i64], compression: Compression) -> Bytes {
    producer_batch(timestamps, compression, NO_PRODUCER_ID, NO_PRODUCER_EPOCH, NO_SEQUENCE)
}

/// A batch of an idempotent producer.
pub(crate) fn producer_batch(
    timestamps: &[i64],
    compression: Compression,
    producer_id: i64,
    producer_epoch: i16,
    sequence: i32,
) -> Bytes {
    let records: Vec<Record> = (0..)
        .zip(timestamps)
        .map(|(index, &timestamp)| Record {
            transactional: false,
            control: false,
            delete_horizon: false,
            partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
            producer_id,
            producer_epoch,
            timestamp_type: TimestampType::Creation,
            offset: i64::from(index),
            // The encoder begins a new batch wherever this does not follow.
            sequence: sequence + index,
            timestamp,
            key: Some(Bytes::from(format!("key {index}"))),
            value: (index % 3 != 2).then(|| Bytes::from(vec![b'v'; 100])),
            headers: IndexMap::from([(StrBytes::from_static_str("h"), Some(Bytes::from("1")))]),
        })
        .collect();
    let mut bytes = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression };
    RecordBatchEncoder::encode(&mut bytes, &records, &options).unwrap();
    bytes.freeze()
}

/// A request as it comes out of a frame: header and body.
pub(crate) fn request(api: ApiKey, version: i16) -> Bytes {
    let mut bytes = BytesMut::new();
    RequestHeader::default()
        .with_request_api_key(api as i16)
        .with_request_api_version(version)
        .with_correlation_id(7)
        .with_client_id(Some(text("tester")))
        .encode(&mut bytes, api.request_header_version(version))
        .unwrap();
    bytes.put(body(api, version));
    bytes.freeze()
}

/// The body of `request`.
pub(crate) fn body(api: ApiKey, version: i16) -> Bytes {
    match api {
        ApiKey::Produce => encode(&produce(batch(&[5, 6], Compression::None)), version),
        ApiKey::Fetch => encode(&fetch(version, 0, 0), version),
        ApiKey::ListOffsets => {
            use messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
            let partition = ListOffsetsPartition::default().with_timestamp(-1);
            let topic = ListOffsetsTopic::default()
                .with_name(topic())
                .with_partitions(vec![partition.clone(), partition.with_partition_index(9)]);
            encode(
                &messages::ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![topic]),
                version,
            )
        }
        ApiKey::Metadata => {
            use messages::metadata_request::MetadataRequestTopic;
            let topic = MetadataRequestTopic::default().with_name(Some(topic()));
            let request = messages::MetadataRequest::default().with_topics(Some(vec![topic]));
            encode(&request, version)
        }
        ApiKey::OffsetCommit => {
            use messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
            let partition = OffsetCommitRequestPartition::default()
                .with_committed_offset(3)
                .with_committed_metadata(Some(text("note")));
            let topic = OffsetCommitRequestTopic::default().with_name(topic()).with_partitions(vec![partition]);
            encode(
                &messages::OffsetCommitRequest::default()
                    .with_group_id(group())
                    .with_generation_id_or_member_epoch(-1)
                    .with_topics(vec![topic]),
                version,
            )
        }
        ApiKey::OffsetFetch => {
            use messages::offset_fetch_request::OffsetFetchRequestTopic;
            let topic = OffsetFetchRequestTopic::default().with_name(topic()).with_partition_indexes(vec![0, 1]);
            encode(
                &messages::OffsetFetchRequest::default().with_group_id(group()).with_topics(Some(vec![topic])),
                version,
            )
        }
        ApiKey::FindCoordinator => {
            encode(&messages::FindCoordinatorRequest::default().with_key(text("group")), version)
        }
        ApiKey::JoinGroup => {
            use messages::join_group_request::JoinGroupRequestProtocol;
            let protocol = JoinGroupRequestProtocol::default()
                .with_name(text("range"))
                .with_metadata(Bytes::from_static(b"subscription"));
            encode(
                &messages::JoinGroupRequest::default()
                    .with_group_id(group())
                    .with_session_timeout_ms(1000)
                    .with_rebalance_timeout_ms(if version == 0 { -1 } else { 500 })
                    .with_protocol_type(text("consumer"))
                    .with_protocols(vec![protocol]),
                version,
            )
        }
        ApiKey::SyncGroup => {
            use messages::sync_group_request::SyncGroupRequestAssignment;
            let assignment = SyncGroupRequestAssignment::default()
                .with_member_id(text("member"))
                .with_assignment(Bytes::from_static(b"assignment"));
            encode(
                &messages::SyncGroupRequest::default()
                    .with_group_id(group())
                    .with_member_id(text("member"))
                    .with_assignments(vec![assignment]),
                version,
            )
        }
        ApiKey::Heartbeat => encode(
            &messages::HeartbeatRequest::default().with_group_id(group()).with_member_id(text("member")),
            version,
        ),
        ApiKey::LeaveGroup => encode(
            &messages::LeaveGroupRequest::default().with_group_id(group()).with_member_id(text("member")),
            version,
        ),
        ApiKey::DescribeGroups => {
            encode(&messages::DescribeGroupsRequest::default().with_groups(vec![group()]), version)
        }
        ApiKey::ListGroups => {
            let request = messages::ListGroupsRequest::default();
            if version >= 4 {
                encode(&request.with_states_filter(vec![text("Empty")]), version)
            } else {
                encode(&request, version)
            }
        }
        ApiKey::DeleteGroups => {
            encode(&messages::DeleteGroupsRequest::default().with_groups_names(vec![group()]), version)
        }
        ApiKey::SaslHandshake => {
            encode(&messages::SaslHandshakeRequest::default().with_mechanism(text("OAUTHBEARER")), version)
        }
        ApiKey::SaslAuthenticate => {
            encode(&messages::SaslAuthenticateRequest::default().with_auth_bytes(Bytes::from_static(b"n,,")), version)
        }
        ApiKey::ApiVersions => {
            let request = messages::ApiVersionsRequest::default();
            if version >= 3 {
                let named = request.with_client_software_name(text("test")).with_client_software_version(text("1"));
                encode(&named, version)
            } else {
                encode(&request, version)
            }
        }
        ApiKey::CreateTopics => {
            use messages::create_topics_request::{CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig};
            let assignment = CreatableReplicaAssignment::default().with_broker_ids(vec![BrokerId(1)]);
            let config = CreatableTopicConfig::default().with_name(text("retention.ms")).with_value(Some(text("1")));
            let created = CreatableTopic::default()
                .with_name(topic())
                .with_num_partitions(-1)
                .with_replication_factor(-1)
                .with_assignments(vec![assignment])
                .with_configs(vec![config]);
            encode(&messages::CreateTopicsRequest::default().with_topics(vec![created]), version)
        }
        ApiKey::DeleteTopics => {
            encode(&messages::DeleteTopicsRequest::default().with_topic_names(vec![topic()]), version)
        }
        ApiKey::DeleteRecords => {
            use messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
            let partition = DeleteRecordsPartition::default().with_offset(-1);
            let topic = DeleteRecordsTopic::default().with_name(topic()).with_partitions(vec![partition]);
            encode(&messages::DeleteRecordsRequest::default().with_topics(vec![topic]), version)
        }
        ApiKey::InitProducerId => {
            encode(&messages::InitProducerIdRequest::default().with_transactional_id(None), version)
        }
        ApiKey::CreatePartitions => {
            use messages::create_partitions_request::{CreatePartitionsAssignment, CreatePartitionsTopic};
            let assignment = CreatePartitionsAssignment::default().with_broker_ids(vec![BrokerId(1)]);
            let topic = CreatePartitionsTopic::default()
                .with_name(topic())
                .with_count(2)
                .with_assignments(Some(vec![assignment]));
            encode(&messages::CreatePartitionsRequest::default().with_topics(vec![topic]), version)
        }
        ApiKey::DescribeConfigs => {
            use messages::describe_configs_request::DescribeConfigsResource;
            let resource = DescribeConfigsResource::default()
                .with_resource_type(2)
                .with_resource_name(text(TOPIC))
                .with_configuration_keys(Some(vec![text("retention.ms")]));
            encode(&messages::DescribeConfigsRequest::default().with_resources(vec![resource]), version)
        }
        ApiKey::IncrementalAlterConfigs => {
            use messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
            let config = AlterableConfig::default().with_name(text("retention.ms")).with_value(Some(text("2")));
            let resource = AlterConfigsResource::default()
                .with_resource_type(2)
                .with_resource_name(text(TOPIC))
                .with_configs(vec![config]);
            encode(&messages::IncrementalAlterConfigsRequest::default().with_resources(vec![resource]), version)
        }
        other => panic!("there is no sample of {other:?}"),
    }
}

/// A produce request of one batch to partition 0.
pub(crate) fn produce(records: Bytes) -> messages::ProduceRequest {
    use messages::produce_request::{PartitionProduceData, TopicProduceData};
    let partition = PartitionProduceData::default().with_records(Some(records));
    let topic = TopicProduceData::default().with_name(topic()).with_partition_data(vec![partition]);
    messages::ProduceRequest::default()
        .with_acks(-1)
        .with_timeout_ms(1000)
        .with_transactional_id(None)
        .with_topic_data(vec![topic])
}

/// A fetch of partition 0 from `offset` on, waiting up to `max_wait_ms` for a byte.
pub(crate) fn fetch(version: i16, offset: i64, max_wait_ms: i32) -> messages::FetchRequest {
    use messages::fetch_request::{FetchPartition, FetchTopic};
    let partition = FetchPartition::default().with_fetch_offset(offset).with_partition_max_bytes(1 << 20);
    let topic = FetchTopic::default().with_topic(topic()).with_partitions(vec![partition]);
    let request = messages::FetchRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_max_wait_ms(max_wait_ms)
        .with_min_bytes(1)
        .with_max_bytes(1 << 20)
        .with_topics(vec![topic]);
    if version >= 7 { request.with_session_epoch(-1) } else { request }
}

fn encode<T: Encodable>(request: &T, version: i16) -> Bytes {
    let mut bytes = BytesMut::new();
    request.encode(&mut bytes, version).unwrap();
    bytes.freeze()
}

fn topic() -> TopicName {
    TopicName(text(TOPIC))
}

fn group() -> GroupId {
    GroupId(text("group"))
}

fn text(text: &'static str) -> StrBytes {
    StrBytes::from_static_str(text)
}
