//! Bytes that no client of good will sends.

mod common;

use common::{PATIENCE, broker, client, partition, produce, record};
use kafka_broker::{Broker, Options};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Sends bytes and waits until the broker has hung up; returns what it said before.
async fn send(address: &str, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut said = Vec::new();
    // A reset is a way of hanging up too.
    let ended = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut said)).await;
    assert!(ended.is_ok(), "the broker kept the connection");
    said
}

fn frame(body: &[u8]) -> Vec<u8> {
    let mut frame = i32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
    frame.extend(body);
    frame
}

async fn assert_alive(broker: &Broker) {
    let client = client(broker).await;
    let orders = partition(&client, "orders", 0).await;
    produce(&orders, vec![record(None, Some("v"), 1)]).await;
}

#[tokio::test]
async fn malformed_bytes_end_their_connection_and_nothing_else() {
    let broker = broker(Options::default()).await;
    let metadata = [0, 3, 0, 1, 0, 0, 0, 9, 0xff, 0xff];
    let forged_count = [&metadata[..], &i32::MAX.to_be_bytes()].concat();
    let negative_text = [&metadata[..], &[0, 0, 0, 1, 0x80, 0]].concat();
    let cases: Vec<Vec<u8>> = vec![
        Vec::new(),
        vec![0],
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        vec![0xff; 64],
        i32::MAX.to_be_bytes().to_vec(),
        (-1i32).to_be_bytes().to_vec(),
        frame(&[]),
        frame(&[0, 3]),
        frame(&metadata),
        frame(&forged_count),
        frame(&negative_text),
        // A kind that does not exist, and one that is not supported.
        frame(&[0x7f, 0xff, 0, 0, 0, 0, 0, 1, 0xff, 0xff]),
        frame(&[0, 24, 0, 0, 0, 0, 0, 1, 0xff, 0xff]),
        // Fetch in a version that does not exist.
        frame(&[0, 1, 0, 99, 0, 0, 0, 1, 0xff, 0xff]),
    ];
    for address in [broker.plaintext_address().unwrap(), broker.iam_address().unwrap()] {
        for case in &cases {
            send(&address, case).await;
        }
    }
    for case in &cases {
        let said = send(&broker.plaintext_address().unwrap(), case).await;
        assert_eq!(said, b"", "{case:?}");
    }
    assert_alive(&broker).await;
}

#[tokio::test]
async fn an_unknown_version_of_api_versions_is_answered_with_the_known_ones() {
    let broker = broker(Options::default()).await;
    let asked = frame(&[0, 18, 0, 99, 0, 0, 0, 5, 0xff, 0xff, 0]);
    let said = send(&broker.plaintext_address().unwrap(), &asked).await;
    // Length, correlation, UNSUPPORTED_VERSION, and more than twenty ranges of six bytes.
    assert_eq!(said[4..10], [0, 0, 0, 5, 0, 35]);
    let count = u32::from_be_bytes(said[10..14].try_into().unwrap()) as usize;
    assert!(count > 20);
    assert_eq!(said.len(), 14 + count * 6);
}

#[tokio::test]
async fn requests_on_one_connection_are_answered_in_order() {
    let broker = broker(Options::default()).await;
    let requests: Vec<u8> =
        (0..50u8).flat_map(|correlation| frame(&[0, 18, 0, 0, 0, 0, 0, correlation, 0xff, 0xff])).collect();
    let mut said = &send(&broker.plaintext_address().unwrap(), &requests).await[..];
    for correlation in 0..50u8 {
        let size = u32::from_be_bytes(said[..4].try_into().unwrap()) as usize;
        assert_eq!(said[7], correlation);
        said = &said[4 + size..];
    }
    assert!(said.is_empty());
}
