//! Every supported request, whole and mangled.

use bytes::{BufMut as _, Bytes, BytesMut};
use kafka_protocol::messages::ApiKey;

use super::*;
use crate::samples;

fn all() -> impl Iterator<Item = (ApiKey, i16)> {
    versions::SUPPORTED.iter().flat_map(|&(api, min, max)| (min..=max).map(move |version| (api, version)))
}

#[test]
fn every_supported_request_has_the_described_shape() {
    for (api, version) in all() {
        let request =
            Request::open(samples::request(api, version)).unwrap_or_else(|error| panic!("{api:?} {version}: {error}"));
        assert_eq!((request.api, request.version), (api, version));
        assert_eq!(request.correlation, 7);
        assert_eq!(request.client_id, "tester");
    }
}

#[test]
fn a_cut_off_request_is_refused_and_surplus_bytes_are_ignored() {
    for (api, version) in all() {
        let whole = samples::request(api, version);
        for length in 0..whole.len() {
            assert!(Request::open(whole.slice(..length)).is_err(), "{api:?} {version} of {length} bytes");
        }
        let mut longer = BytesMut::from(&whole[..]);
        longer.put_u8(0);
        assert!(Request::open(longer.freeze()).is_ok(), "{api:?} {version}");
    }
}

#[test]
fn changed_bytes_are_refused_or_decoded_but_never_fatal() {
    for (api, version) in all() {
        let whole = samples::request(api, version);
        for at in 0..whole.len() {
            for value in [0x00, 0x01, 0x7f, 0x80, 0xff] {
                let mut changed = BytesMut::from(&whole[..]);
                changed[at] = value;
                if let Ok(request) = Request::open(changed.freeze()) {
                    decode(&request);
                }
            }
        }
    }
}

/// Decodes as the broker would; the outcome does not matter.
fn decode(request: &Request) {
    use kafka_protocol::messages::{
        CreateTopicsRequest, FetchRequest, MetadataRequest, OffsetCommitRequest, ProduceRequest,
    };
    match request.api {
        ApiKey::Produce => drop(request.body::<ProduceRequest>()),
        ApiKey::Fetch => drop(request.body::<FetchRequest>()),
        ApiKey::Metadata => drop(request.body::<MetadataRequest>()),
        ApiKey::CreateTopics => drop(request.body::<CreateTopicsRequest>()),
        ApiKey::OffsetCommit => drop(request.body::<OffsetCommitRequest>()),
        _ => {}
    }
}

#[test]
fn a_forged_count_is_refused_before_memory_is_reserved_for_it() {
    let mut forged = BytesMut::from(&samples::request(ApiKey::Metadata, 1)[..]);
    let count = forged.len() - samples::body(ApiKey::Metadata, 1).len();
    forged[count..count + 4].copy_from_slice(&i32::MAX.to_be_bytes());
    let error = Request::open(forged.freeze()).unwrap_err();
    assert!(matches!(error, FrameError::Shape { .. }), "{error}");
}

#[test]
fn unknown_requests_and_versions_are_refused() {
    let unknown = Bytes::from_static(&[0x7f, 0, 0, 0, 0, 0, 0, 1]);
    assert!(matches!(Request::open(unknown), Err(FrameError::UnknownApi(0x7f00))));
    // AddPartitionsToTxn, known to the protocol and not to this broker.
    let transaction = Bytes::from_static(&[0, 24, 0, 0, 0, 0, 0, 1]);
    assert!(matches!(Request::open(transaction), Err(FrameError::UnknownApi(24))));
    let newer = Bytes::from_static(&[0, 1, 0, 99, 0, 0, 0, 1]);
    assert!(matches!(Request::open(newer), Err(FrameError::Version { .. })));
    let newer_versions = Bytes::from_static(&[0, 18, 0, 99, 0, 0, 0, 5, 1, 2, 3]);
    let request = Request::open(newer_versions).unwrap();
    assert!(!request.supported);
    assert_eq!((request.version, request.correlation), (0, 5));
}

#[tokio::test]
async fn frames_are_read_one_after_the_other_within_the_limit() {
    let mut bytes: &[u8] = &[0, 0, 0, 2, 1, 2, 0, 0, 0, 0];
    let first = read_frame(&mut bytes, 10).await.unwrap();
    assert_eq!(first.as_deref(), Some(&[1, 2][..]));
    let second = read_frame(&mut bytes, 10).await.unwrap();
    assert_eq!(second.as_deref(), Some(&[][..]));
    assert!(read_frame(&mut bytes, 10).await.unwrap().is_none());
    for wrong in [&[0, 0, 0, 11][..], &[0xff, 0, 0, 0], &[0, 0, 0, 2, 1], &[0, 0]] {
        let mut wrong = wrong;
        assert!(read_frame(&mut wrong, 10).await.is_err(), "{wrong:?}");
    }
}
