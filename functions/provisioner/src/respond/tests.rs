//! The PUT against a listener on this machine.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// Answers one connection after the other with these statuses and keeps the requests' texts.
async fn receiver(statuses: Vec<u16>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/answer?X-Amz-Signature=secret", listener.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&requests);
    tokio::spawn(async move {
        for status in statuses {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut text = Vec::new();
            let mut buffer = [0; 4096];
            while !text.ends_with(b"}") {
                let read = stream.read(&mut buffer).await.unwrap();
                assert_ne!(read, 0, "the request ended early");
                text.extend_from_slice(&buffer[..read]);
            }
            kept.lock().unwrap().push(String::from_utf8(text).unwrap());
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, requests)
}

fn soon() -> Deadline {
    Deadline::now() + Duration::from_secs(10)
}

#[tokio::test]
async fn the_body_is_put_with_an_empty_content_type() {
    let (url, requests) = receiver(vec![200]).await;
    HttpResponder::default().put(&url, "{\"Status\":\"SUCCESS\"}", soon()).await.unwrap();
    let requests = requests.lock().unwrap();
    let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
    let head = head.to_lowercase();
    assert!(head.starts_with("put /answer?x-amz-signature=secret http/1.1"), "{head}");
    assert!(head.lines().any(|line| line.trim_end() == "content-type:"), "{head}");
    assert!(head.lines().any(|line| line == "content-length: 20"), "{head}");
    assert!(!head.contains("transfer-encoding"), "a pre-signed PUT takes no chunks: {head}");
    assert_eq!(body, "{\"Status\":\"SUCCESS\"}");
}

#[tokio::test]
async fn a_failing_receiver_is_tried_again() {
    let (url, requests) = receiver(vec![503, 500, 200]).await;
    HttpResponder::default().put(&url, "{}", soon()).await.unwrap();
    assert_eq!(requests.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn a_refusing_receiver_is_not_and_the_url_stays_secret() {
    let (url, requests) = receiver(vec![403]).await;
    let error = HttpResponder::default().put(&url, "{}", soon()).await.unwrap_err();
    assert!(error.contains("403") && !error.contains("secret"), "{error}");
    assert_eq!(requests.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn nobody_there_ends_at_the_deadline() {
    let closed = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/?secret", closed.local_addr().unwrap());
    drop(closed);
    let started = Instant::now();
    let deadline = Deadline::now() + Duration::from_millis(500);
    let error = HttpResponder::default().put(&url, "{}", deadline).await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(5));
    assert!(error.contains("not reached") && !error.contains("secret"), "{error}");
}

#[test]
fn only_https_and_this_machine() {
    for good in ["https://x.s3.amazonaws.com/a?b", "http://127.0.0.1:8080/x", "http://localhost/x", "http://[::1]:1?x"]
    {
        assert_eq!(check(good), Ok(()), "{good}");
    }
    for bad in [
        "http://example.com/",
        "http://127.0.0.1.example.com/",
        "http://localhost:80@example.com/",
        "ftp://localhost/",
        "",
    ] {
        assert!(check(bad).is_err(), "{bad}");
    }
}
