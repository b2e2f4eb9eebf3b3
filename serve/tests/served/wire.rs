//! Clients: of Kafka's protocol, in frames, and of HTTP.

use bytes::Bytes;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::{GroupId, OffsetCommitRequest, TopicName};
use kafka_protocol::protocol::{Request, StrBytes};
use plimsoll_codec::frames::Head;
use plimsoll_serve::{Options, Served, serve};
use serde_json::Value;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

/// ApiVersions v0, request 7, of a client without a name.
pub(crate) const API_VERSIONS: [u8; 14] = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 255, 255];

/// Metadata v0, request 8, of all topics.
pub(crate) const METADATA: [u8; 18] = [0, 0, 0, 14, 0, 3, 0, 0, 0, 0, 0, 8, 255, 255, 0, 0, 0, 0];

pub(crate) fn served(brokers: u16) -> Served {
    let mut options = Options::default();
    options.cluster.brokers = brokers;
    serve(options).expect("there are free ports")
}

pub(crate) fn connect(cluster: &Served, broker: usize) -> TcpStream {
    let stream = TcpStream::connect(&cluster.brokers()[broker].1).expect("it listens");
    let timeout = Some(Duration::from_secs(30));
    stream.set_read_timeout(timeout).expect("a timeout");
    stream
}

/// Sends a request, and returns the answer without its length.
pub(crate) fn ask(stream: &mut TcpStream, request: &[u8]) -> Vec<u8> {
    stream.write_all(request).expect("it is read");
    answer(stream).expect("an answer")
}

/// Reads an answer; `None`: the connection was closed.
pub(crate) fn answer(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    match stream.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("no answer came"),
        Err(_) => return None,
    }
    let mut frame = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut frame).expect("a whole frame");
    Some(frame)
}

/// Waits until something is so.
pub(crate) fn eventually(mut is_so: impl FnMut() -> bool) -> bool {
    (0..600).any(|_| {
        let is_so = is_so();
        if !is_so {
            thread::sleep(Duration::from_millis(50));
        }
        is_so
    })
}

/// Asks over HTTP, in one line such as `GET /cluster`. Returns status and body.
pub(crate) fn http(cluster: &Served, request: &str) -> (u16, String) {
    let address = cluster.http().expect("HTTP is served");
    let mut stream = TcpStream::connect(address).expect("it listens");
    let head = "HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    write!(stream, "{request} {head}").expect("it is read");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    (status.expect("a status"), body.trim_end().to_owned())
}

/// Asks for a fault over HTTP, which must be done. Returns what is answered.
pub(crate) fn done(cluster: &Served, path: &str) -> Value {
    let (status, body) = http(cluster, &format!("POST {path}"));
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).expect("JSON")
}

/// Returns what happened so far, of this kind.
pub(crate) fn events(cluster: &Served, kind: &str) -> Vec<Value> {
    let (status, trace) = http(cluster, "GET /trace");
    assert_eq!(status, 200, "{trace}");
    let entries = trace
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    entries
        .filter(|entry: &Value| entry["event"] == kind)
        .collect()
}

/// Commits the next offset of `t/0` for a group without members. Returns the error of the answer;
/// `None`: the connection was closed.
pub(crate) fn commit(stream: &mut TcpStream, group: &'static str, next: i64) -> Option<i16> {
    let offset = OffsetCommitRequestPartition::default().with_committed_offset(next);
    let topic = OffsetCommitRequestTopic::default()
        .with_name(TopicName(StrBytes::from_static_str("t")))
        .with_partitions(vec![offset]);
    let request = OffsetCommitRequest::default()
        .with_group_id(GroupId(StrBytes::from_static_str(group)))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![topic]);
    stream
        .write_all(&frame(&request, "tool", 7))
        .expect("it is read");
    let answer = head("tool").read::<OffsetCommitRequest>(7, answer(stream)?.into());
    Some(answer.expect("an answer").topics[0].partitions[0].error_code)
}

/// Asks, and reads the answer.
pub(crate) fn call<R: Request>(stream: &mut TcpStream, request: &R, version: i16) -> R::Response {
    let answer = ask(stream, &frame(request, "tool", version));
    let read = head("tool").read::<R>(version, answer.into());
    read.expect("an answer")
}

/// Makes the frame of a request, with its length.
pub(crate) fn frame<R: Request>(request: &R, client: &'static str, version: i16) -> Bytes {
    let frame = head(client).frame(request, version);
    frame.expect("the version has room for it")
}

fn head(client: &'static str) -> Head {
    Head {
        correlation: 0,
        client_id: StrBytes::from_static_str(client),
    }
}
