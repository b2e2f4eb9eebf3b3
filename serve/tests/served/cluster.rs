//! A cluster over TCP, and its faults.

use crate::wire::{API_VERSIONS, METADATA, answer, ask, call, connect, eventually, served};
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::{DescribeClusterRequest, DescribeConfigsRequest, MetadataRequest};
use plimsoll_serve::{BrokerId, Clients, Direction, Event, Options, serve};
use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

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
fn the_handle_holds_and_cuts_and_ends_the_cluster_when_it_is_dropped() {
    let cluster = served(1);
    let mut stream = connect(&cluster, 0);
    let held = cluster.hold(Clients::default(), Direction::Responses);
    let slow = cluster.delay(Clients::default(), Duration::from_millis(1));
    stream.write_all(&API_VERSIONS).unwrap();
    assert!(cluster.end(held) && cluster.end(slow) && !cluster.end(held));
    assert!(answer(&mut stream).is_some());
    assert_eq!(cluster.cut(Clients::default()), 1);
    assert_eq!(answer(&mut stream), None);
    let first = cluster.trace(0).into_iter().next().expect("it has begun");
    assert_eq!(first.event, Event::BrokerUp { broker: 1 });
    let address = cluster.brokers()[0].1.clone();
    drop(cluster);
    assert!(TcpStream::connect(address).is_err(), "it listens");
}

#[test]
fn brokers_tell_the_racks_in_which_they_stand() {
    let mut options = Options::default();
    options.cluster.brokers = 3;
    options.cluster.racks = vec!["east".into(), "west".into()];
    let cluster = serve(options).expect("there are free ports");
    let mut stream = connect(&cluster, 1);
    let metadata = call(&mut stream, &MetadataRequest::default(), 1);
    let racks = metadata.brokers.iter().map(|broker| broker.rack.as_deref());
    assert!(racks.eq([Some("east"), Some("west"), Some("east")]));
    let described = call(&mut stream, &DescribeClusterRequest::default(), 0);
    let racks = described
        .brokers
        .iter()
        .map(|broker| broker.rack.as_deref());
    assert!(racks.eq([Some("east"), Some("west"), Some("east")]));
    let second = DescribeConfigsResource::default()
        .with_resource_type(4)
        .with_resource_name("2".into());
    let request = DescribeConfigsRequest::default().with_resources(vec![second]);
    let configs = call(&mut stream, &request, 1).results.remove(0).configs;
    let mut rack = configs
        .iter()
        .filter(|config| &*config.name == "broker.rack");
    assert_eq!(
        rack.next().and_then(|rack| rack.value.as_deref()),
        Some("west")
    );
}
