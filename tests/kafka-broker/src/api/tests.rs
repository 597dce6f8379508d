//! Every supported request in every version against a real cluster: the answer encodes and decodes.

use bytes::{Buf as _, Bytes};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::{Decodable, HeaderVersion, Message};
use kafka_protocol::records::Compression;

use super::*;
use crate::samples;
use crate::{Options, cluster::Cluster};

struct Fixture {
    cluster: Cluster,
    _directory: tempfile::TempDir,
}

fn fixture() -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    Fixture { cluster: Cluster::open(directory.path(), Options::default()).unwrap(), _directory: directory }
}

async fn ask(cluster: &Cluster, frame: Bytes) -> Bytes {
    let caller = Caller { host: "localhost".to_owned(), port: 9092, peer: "/127.0.0.1".to_owned() };
    let request = Request::open(frame).unwrap();
    handle(cluster, &caller, &request).await.unwrap().unwrap()
}

fn read<T: Decodable + HeaderVersion + Message>(mut frame: Bytes, version: i16) -> T {
    assert_eq!(frame.get_i32() as usize, frame.remaining());
    let header = ResponseHeader::decode(&mut frame, T::header_version(version)).unwrap();
    assert_eq!(header.correlation_id, 7);
    let response = T::decode(&mut frame, version).unwrap();
    assert!(!frame.has_remaining());
    response
}

#[tokio::test]
async fn every_supported_version_is_answered_in_its_own_form() {
    let fixture = fixture();
    let cluster = &fixture.cluster;
    for &(api, min, max) in versions::SUPPORTED {
        if sasl::is_part_of_login(api) {
            continue;
        }
        for version in min..=max {
            // What earlier requests deleted is there again.
            if cluster.topics.get(samples::TOPIC).is_none() && api != ApiKey::CreateTopics {
                cluster.topics.create(samples::TOPIC, 1, Default::default()).unwrap();
            }
            if api == ApiKey::CreateTopics {
                cluster.topics.delete(samples::TOPIC).unwrap();
            }
            let answer = ask(cluster, samples::request(api, version)).await;
            macro_rules! check {
                ($($api:ident => $response:ty),* $(,)?) => {
                    match api {
                        $(ApiKey::$api => drop(read::<$response>(answer, version)),)*
                        other => panic!("no check for {other:?}"),
                    }
                };
            }
            check!(
                Produce => ProduceResponse, Fetch => FetchResponse,
                ListOffsets => ListOffsetsResponse, Metadata => MetadataResponse,
                OffsetCommit => OffsetCommitResponse, OffsetFetch => OffsetFetchResponse,
                FindCoordinator => FindCoordinatorResponse, JoinGroup => JoinGroupResponse,
                Heartbeat => HeartbeatResponse, LeaveGroup => LeaveGroupResponse,
                SyncGroup => SyncGroupResponse, DescribeGroups => DescribeGroupsResponse,
                ListGroups => ListGroupsResponse, ApiVersions => ApiVersionsResponse,
                CreateTopics => CreateTopicsResponse, DeleteTopics => DeleteTopicsResponse,
                DeleteRecords => DeleteRecordsResponse, InitProducerId => InitProducerIdResponse,
                CreatePartitions => CreatePartitionsResponse,
                DescribeConfigs => DescribeConfigsResponse, DeleteGroups => DeleteGroupsResponse,
                IncrementalAlterConfigs => IncrementalAlterConfigsResponse,
            );
        }
    }
}

async fn produce_code(cluster: &Cluster, records: Bytes) -> i16 {
    let mut frame = bytes::BytesMut::new();
    kafka_protocol::protocol::Encodable::encode(
        &RequestHeader::default()
            .with_request_api_key(ApiKey::Produce as i16)
            .with_request_api_version(9)
            .with_correlation_id(7),
        &mut frame,
        2,
    )
    .unwrap();
    kafka_protocol::protocol::Encodable::encode(&samples::produce(records), &mut frame, 9).unwrap();
    let response: ProduceResponse = read(ask(cluster, frame.freeze()).await, 9);
    response.responses[0].partition_responses[0].error_code
}

#[tokio::test]
async fn unsound_batches_are_refused_with_the_right_code() {
    let fixture = fixture();
    let cluster = &fixture.cluster;
    let good = samples::batch(&[1, 2], Compression::None);
    assert_eq!(produce_code(cluster, good.clone()).await, ResponseError::UnknownTopicOrPartition.code());
    cluster.topics.create(samples::TOPIC, 1, Default::default()).unwrap();
    assert_eq!(produce_code(cluster, good.clone()).await, 0);

    let mut flipped = good.to_vec();
    *flipped.last_mut().unwrap() ^= 1;
    let mut old = good.to_vec();
    old[16] = 1;
    let twice = [good.to_vec(), good.to_vec()].concat();
    // An attribute changed with its checksum: a batch that claims to be a transaction's.
    let mut transactional = good.to_vec();
    transactional[22] |= 0b1_0000;
    let crc = crc32c::crc32c(&transactional[21..]);
    transactional[17..21].copy_from_slice(&crc.to_be_bytes());
    // More records than there are.
    let mut counted = good.to_vec();
    counted[23..27].copy_from_slice(&2i32.to_be_bytes());
    counted[57..61].copy_from_slice(&3i32.to_be_bytes());
    let crc = crc32c::crc32c(&counted[21..]);
    counted[17..21].copy_from_slice(&crc.to_be_bytes());
    let large = samples::batch(&vec![0; 20_000], Compression::None);
    let refused = [
        (flipped, ResponseError::CorruptMessage),
        (good[..good.len() - 1].to_vec(), ResponseError::CorruptMessage),
        (Vec::new(), ResponseError::CorruptMessage),
        (old, ResponseError::UnsupportedForMessageFormat),
        (twice, ResponseError::InvalidRecord),
        (transactional, ResponseError::InvalidRecord),
        (counted, ResponseError::InvalidRecord),
        (large.to_vec(), ResponseError::MessageTooLarge),
    ];
    for (records, code) in refused {
        assert_eq!(produce_code(cluster, Bytes::from(records)).await, code.code(), "{code:?}");
    }
    let log = cluster.topics.log(samples::TOPIC, 0).unwrap();
    assert_eq!(log.bounds().next, 2, "nothing refused is stored");
}

#[tokio::test]
async fn an_idempotent_producers_repeated_batch_is_stored_once() {
    let fixture = fixture();
    let cluster = &fixture.cluster;
    cluster.topics.create(samples::TOPIC, 1, Default::default()).unwrap();
    let batch = |sequence| samples::producer_batch(&[1, 2], Compression::None, 40, 0, sequence);
    assert_eq!(produce_code(cluster, batch(0)).await, 0);
    assert_eq!(produce_code(cluster, batch(2)).await, 0);
    assert_eq!(produce_code(cluster, batch(0)).await, 0, "answered as before");
    assert_eq!(produce_code(cluster, batch(6)).await, ResponseError::OutOfOrderSequenceNumber.code());
    let log = cluster.topics.log(samples::TOPIC, 0).unwrap();
    assert_eq!(log.bounds().next, 4);
}
