//! Receivers' answers, and their failures to answer.

use super::receiver::{Manner, Receiver, status};
use super::{Outcome, Reason, failed, local_client, send};
use std::time::{Duration, Instant};

/// Far more than reading the rest of an answer may take, on a busy machine too.
const SOON: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_message_is_posted_with_its_headers() {
    let receiver = Receiver::start(status("204 No Content")).await;
    assert_eq!(send(&local_client(None), &receiver.url()).await, Outcome::Done(204));
    let requests = receiver.requests();
    let (head, body) = requests[0].split_once("\r\n\r\n").expect("a head and a body");
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("POST /hooks?a=b HTTP/1.1"));
    let lines: Vec<_> = lines.map(str::to_ascii_lowercase).collect();
    for line in [
        format!("host: 127.0.0.1:{}", receiver.port),
        format!("user-agent: booking/{}", env!("CARGO_PKG_VERSION")),
        "content-type: application/json".to_owned(),
        "content-length: 7".to_owned(),
        "webhook-id: msg_0_1".to_owned(),
        "webhook-timestamp: 1777662000".to_owned(),
        "webhook-signature: v1,aa== v1a,aa==".to_owned(),
    ] {
        assert!(lines.contains(&line), "{line} is not in {lines:?}");
    }
    assert_eq!((lines.len(), body), (7, "{\"a\":1}"));
}

#[tokio::test]
async fn the_status_alone_determines_the_outcome() {
    let body = "HTTP/1.1 500 Sorry\r\nContent-Length: 2\r\n\r\nOK".as_bytes().to_vec();
    let receiver = Receiver::start(Manner::Answer(body)).await;
    let outcome = send(&local_client(None), &receiver.url()).await;
    let expected = Outcome::Failed { status: Some(500), reason: Reason::Status, retry_after: None };
    assert_eq!(outcome, expected);
    let receiver = Receiver::start(status("410 Gone")).await;
    assert_eq!(send(&local_client(None), &receiver.url()).await, Outcome::Gone);
    let receiver = Receiver::start(status("503 Busy\r\nRetry-After: 30")).await;
    let retry_after = Some(Duration::from_secs(30));
    let expected = Outcome::Failed { status: Some(503), reason: Reason::Status, retry_after };
    assert_eq!(send(&local_client(None), &receiver.url()).await, expected);
}

#[tokio::test]
async fn a_connection_is_reused() {
    let receiver = Receiver::start(status("200 OK")).await;
    let client = local_client(None);
    for _ in 0..5 {
        assert_eq!(send(&client, &receiver.url()).await, Outcome::Done(200));
    }
    assert_eq!((receiver.connections(), receiver.requests().len()), (1, 5));
}

/// Closed without an answer: the next message must not fail for it.
#[tokio::test]
async fn a_closed_connection_is_replaced() {
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec();
    let receiver = Receiver::start(Manner::AnswerAndClose(answer)).await;
    let client = local_client(None);
    for count in 1..=3 {
        assert_eq!(send(&client, &receiver.url()).await, Outcome::Done(200));
        assert_eq!(receiver.connections(), count);
    }
}

#[tokio::test]
async fn an_endless_body_delays_no_message() {
    let receiver = Receiver::start(Manner::Endless).await;
    let client = local_client(None);
    let began = Instant::now();
    for count in 1..=2 {
        assert_eq!(send(&client, &receiver.url()).await, Outcome::Done(200));
        assert_eq!(receiver.connections(), count, "what is left in a connection spoils it");
    }
    assert!(began.elapsed() < SOON);
}

/// A body that is announced and never comes, on a connection that stays open.
#[tokio::test]
async fn a_missing_body_is_not_waited_for() {
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfew".to_vec();
    let receiver = Receiver::start(Manner::Answer(answer)).await;
    let began = Instant::now();
    assert_eq!(send(&local_client(None), &receiver.url()).await, Outcome::Done(200));
    assert!(began.elapsed() < SOON);
}

#[tokio::test]
async fn an_answer_with_too_long_a_head_is_refused() {
    let long = format!("200 OK\r\nx: {}", "y".repeat(64 * 1_024));
    let many = format!("200 OK{}", "\r\nx: y".repeat(1_000));
    for line in [long, many] {
        let receiver = Receiver::start(status(&line)).await;
        let outcome = send(&local_client(None), &receiver.url()).await;
        assert_eq!(outcome, failed(Reason::AnswerTooLarge));
    }
}

#[tokio::test]
async fn an_answer_that_is_not_http_is_refused() {
    for answer in ["SSH-2.0-OpenSSH_9.6\r\n\r\n", "220 mail.example ESMTP\r\n", "\0\0\0\0"] {
        let receiver = Receiver::start(Manner::AnswerAndClose(answer.into())).await;
        let outcome = send(&local_client(None), &receiver.url()).await;
        assert_eq!(outcome, failed(Reason::BrokenAnswer), "{answer:?}");
    }
    let receiver = Receiver::start(Manner::Close).await;
    assert_eq!(send(&local_client(None), &receiver.url()).await, failed(Reason::BrokenAnswer));
}

#[tokio::test]
async fn a_receiver_that_stalls_or_drips_times_out() {
    for manner in [Manner::Stall, Manner::Drip] {
        let receiver = Receiver::start(manner).await;
        let mut client = local_client(None);
        client.within = Duration::from_millis(300);
        let began = Instant::now();
        assert_eq!(send(&client, &receiver.url()).await, failed(Reason::Timeout));
        assert!(began.elapsed() >= client.within && began.elapsed() < SOON);
        assert_eq!(receiver.requests().len(), 1);
    }
}
