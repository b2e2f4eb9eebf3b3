use super::*;
use kafka_protocol::messages::{ApiKey, HeartbeatRequest, HeartbeatResponse};

async fn read(mut bytes: &[u8]) -> std::io::Result<Option<Frame>> {
    Frame::read(&mut bytes).await
}

#[tokio::test]
async fn frames_are_read_as_they_were_written() {
    let frame = request_frame(&HeartbeatRequest::default(), 4, 7);
    let mut stream: &[u8] = &[frame.bytes(), frame.bytes()].concat();
    for _ in 0..2 {
        let read = Frame::read(&mut stream).await.expect("a frame");
        assert_eq!(read.as_ref(), Some(&frame));
    }
    assert_eq!(Frame::read(&mut stream).await.expect("the end"), None);
}

#[tokio::test]
async fn a_connection_that_ends_within_a_frame_is_broken() {
    let frame = request_frame(&HeartbeatRequest::default(), 4, 7);
    for length in 1..frame.bytes().len() {
        let error = read(&frame.bytes()[..length]).await.expect_err("too short");
        assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
    }
}

#[tokio::test]
async fn lengths_that_cannot_be_are_refused() {
    for length in [-1, i32::MIN, (1 << 30) + 1] {
        let bytes = length.to_be_bytes();
        let error = read(&bytes).await.expect_err("no such length");
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    }
}

#[test]
fn headers_are_found_in_front_of_bodies() {
    for version in [3, 4] {
        let request = HeartbeatRequest::default().with_generation_id(5);
        let frame = request_frame(&request, version, 7);
        let header = frame.request_header().expect("a header");
        assert_eq!((header.key, header.version), (12, version));
        assert_eq!(header.correlation, 7);
        let body = frame.request_body(ApiKey::Heartbeat, version);
        assert_eq!(body.expect("a body"), encoded(&request, version));

        let response = HeartbeatResponse::default().with_error_code(27);
        let frame = response_frame(&response, version, 8);
        assert_eq!(frame.correlation(), Some(8));
        let parts = frame.response_parts(ApiKey::Heartbeat, version);
        let (header, body) = parts.expect("two parts");
        assert_eq!(body, encoded(&response, version));
        assert_eq!(Frame::response(&header, &body), frame);
    }
}

#[test]
fn what_is_too_short_has_no_header() {
    let frame = Frame::response(&[], &[0, 1, 0]);
    assert_eq!(frame.request_header(), None);
    assert_eq!(frame.correlation(), None);
    assert!(frame.response_parts(ApiKey::Heartbeat, 0).is_err());
}

/// A subject whose settings want TLS would wait for ever.
#[tokio::test]
async fn tls_is_no_frame() {
    let mut hello: &[u8] = &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01];
    let error = Frame::read(&mut hello).await.expect_err("it is none");
    assert!(error.to_string().contains("it speaks TLS"), "{error}");
}
