//! A cluster over TCP, and its faults.

use plimsoll_oracle::BrokerId;
use plimsoll_serve::{Options, Served, serve};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

/// ApiVersions v0, request 7, of a client without a name.
const API_VERSIONS: [u8; 14] = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 255, 255];

/// Metadata v0, request 8, of all topics.
const METADATA: [u8; 18] = [0, 0, 0, 14, 0, 3, 0, 0, 0, 0, 0, 8, 255, 255, 0, 0, 0, 0];

fn served(brokers: u16) -> Served {
    let mut options = Options::default();
    options.cluster.brokers = brokers;
    serve(options).expect("there are free ports")
}

fn connect(cluster: &Served, broker: usize) -> TcpStream {
    let stream = TcpStream::connect(&cluster.brokers()[broker].1).expect("it listens");
    let timeout = Some(Duration::from_secs(30));
    stream.set_read_timeout(timeout).expect("a timeout");
    stream
}

/// Sends a request, and returns the answer without its length.
fn ask(stream: &mut TcpStream, request: &[u8]) -> Vec<u8> {
    stream.write_all(request).expect("it is read");
    answer(stream).expect("an answer")
}

/// Reads an answer; `None`: the connection was closed.
fn answer(stream: &mut TcpStream) -> Option<Vec<u8>> {
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

#[test]
fn requests_are_answered_in_order() {
    let cluster = served(1);
    let mut stream = connect(&cluster, 0);
    stream.write_all(&API_VERSIONS).unwrap();
    stream.write_all(&METADATA).unwrap();
    assert_eq!(answer(&mut stream).unwrap()[..4], [0, 0, 0, 7]);
    assert_eq!(answer(&mut stream).unwrap()[..4], [0, 0, 0, 8]);
}

#[test]
fn what_is_no_frame_closes_its_connection_and_nothing_else() {
    let cluster = served(1);
    let mut other = connect(&cluster, 0);
    let http = b"GET / HTTP/1.1\r\n\r\n";
    for damaged in [&[255_u8; 8][..], &[0, 0, 0, 2, 0, 18], http] {
        let mut stream = connect(&cluster, 0);
        stream.write_all(damaged).unwrap();
        assert_eq!(answer(&mut stream), None);
        assert_eq!(ask(&mut other, &API_VERSIONS)[..4], [0, 0, 0, 7]);
    }
}

#[test]
fn a_broker_that_crashes_closes_its_port_until_it_starts_again() {
    let cluster = served(3);
    let mut stream = connect(&cluster, 1);
    ask(&mut stream, &API_VERSIONS);
    let broker = BrokerId(2);
    let crashed = cluster.call(move |cluster, now| cluster.crash(now, broker));
    assert_eq!(crashed, Ok(()));
    assert_eq!(answer(&mut stream), None);
    let address = &cluster.brokers()[1].1;
    let refused = || TcpStream::connect(address).is_err();
    assert!(eventually(refused), "it listens");
    let started = cluster.call(move |cluster, now| cluster.start(now, broker));
    assert_eq!(started, Ok(()));
    // Its old session has to end first (`DUPLICATE_BROKER_REGISTRATION`).
    assert!(eventually(|| !refused()), "it does not listen");
    ask(&mut connect(&cluster, 1), &API_VERSIONS);
}

#[test]
fn a_client_that_does_not_read_is_not_read() {
    let cluster = served(1);
    let mut stream = connect(&cluster, 0);
    let timeout = Some(Duration::from_millis(500));
    stream.set_write_timeout(timeout).unwrap();
    // The kernel keeps some megabytes in both directions.
    let sent = (0..4_000_000).find(|_| stream.write_all(&API_VERSIONS).is_err());
    assert!(sent.is_some(), "all of it was read");
}

#[test]
fn faults_and_state_are_served_over_http() {
    let cluster = served(2);
    let ask = |request: &str| {
        let mut stream = TcpStream::connect(cluster.http().unwrap()).unwrap();
        let head = "HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        write!(stream, "{request} {head}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let is_told = |text: &str| ask("GET /cluster").contains(text);
    let is_done = |request: &str| ask(request).starts_with("HTTP/1.1 200");
    assert!(is_told(r#"{"id":2,"state":"serving"}"#));
    assert!(is_done("POST /brokers/2/pause"));
    assert!(is_told(r#"{"id":2,"state":"paused"}"#));
    assert!(is_done("POST /heal"));
    assert!(is_told(r#"{"id":2,"state":"serving"}"#));
    assert!(ask("POST /brokers/7/crash").starts_with("HTTP/1.1 404"));
    let nonsense = ask("POST /fail?request=Nonsense&error=NOT_COORDINATOR");
    assert!(nonsense.starts_with("HTTP/1.1 400"), "{nonsense}");
    assert!(is_done("POST /lose-response?request=Metadata"));
    let mut stream = connect(&cluster, 0);
    stream.write_all(&METADATA).unwrap();
    assert_eq!(answer(&mut stream), None, "the answer is lost");
}

/// Waits until something is so.
fn eventually(is_so: impl Fn() -> bool) -> bool {
    (0..600).any(|_| {
        let is_so = is_so();
        if !is_so {
            thread::sleep(Duration::from_millis(50));
        }
        is_so
    })
}
