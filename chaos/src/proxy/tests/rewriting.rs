use super::super::rewrite::Addresses;
use super::super::versions;
use super::*;
use crate::options::Reach;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::metadata_response::MetadataResponseBroker;
use kafka_protocol::messages::{
    ApiKey, ApiVersionsResponse, BrokerId, DescribeClusterResponse, FindCoordinatorResponse,
    MetadataResponse, ProduceResponse, produce_response,
};

/// Rewrites a response for a member that finds nodes 0 to 2 at ports 2000 to 2002.
fn rewritten<T: Encodable + Decodable>(key: ApiKey, response: &T, version: i16) -> T {
    let addresses = Addresses::new(&Reach::default(), [(0, 2000), (1, 2001), (2, 2002)]);
    let body = encoded(response, version);
    let body = addresses.rewrite(key, version, body).expect("readable");
    let mut body = body.expect("it has addresses");
    let rewritten = T::decode(&mut body, version).expect("readable still");
    assert!(body.is_empty());
    rewritten
}

#[test]
fn metadata_tells_of_the_members_own_listeners() {
    for version in 0..=12 {
        let brokers = [2, 9].map(|node| {
            MetadataResponseBroker::default()
                .with_node_id(BrokerId(node))
                .with_host(name("kafka-2"))
                .with_port(9092)
        });
        let response = MetadataResponse::default().with_brokers(brokers.to_vec());
        let mut expected = response.clone();
        expected.brokers[0].host = name("127.0.0.1");
        expected.brokers[0].port = 2002;
        assert_eq!(rewritten(ApiKey::Metadata, &response, version), expected);
    }
}

#[test]
fn coordinators_are_at_the_members_own_listeners() {
    for version in 0..=6 {
        let response = FindCoordinatorResponse::default();
        let (response, expected) = if version < 4 {
            let response = response
                .with_node_id(BrokerId(2))
                .with_host(name("kafka-2"))
                .with_port(9092);
            let expected = response.clone();
            (
                response,
                expected.with_host(name("127.0.0.1")).with_port(2002),
            )
        } else {
            let found = Coordinator::default()
                .with_key(name("group"))
                .with_node_id(BrokerId(2))
                .with_host(name("kafka-2"))
                .with_port(9092);
            let none = Coordinator::default()
                .with_node_id(BrokerId(-1))
                .with_port(-1)
                .with_error_code(15);
            let own = found.clone().with_host(name("127.0.0.1")).with_port(2002);
            (
                response
                    .clone()
                    .with_coordinators(vec![found, none.clone()]),
                response.with_coordinators(vec![own, none]),
            )
        };
        assert_eq!(
            rewritten(ApiKey::FindCoordinator, &response, version),
            expected
        );
    }
}

#[test]
fn clusters_are_described_by_the_members_own_listeners() {
    let broker = DescribeClusterBroker::default()
        .with_broker_id(BrokerId(1))
        .with_host(name("kafka-1"))
        .with_port(9092);
    let response = DescribeClusterResponse::default().with_brokers(vec![broker]);
    let own = rewritten(ApiKey::DescribeCluster, &response, 1);
    assert_eq!(&*own.brokers[0].host, "127.0.0.1");
    assert_eq!(own.brokers[0].port, 2001);

    let controllers = response.with_endpoint_type(2);
    assert_eq!(
        rewritten(ApiKey::DescribeCluster, &controllers, 1),
        controllers
    );
}

#[test]
fn a_produce_response_tells_where_the_leader_went() {
    let node = produce_response::NodeEndpoint::default()
        .with_node_id(BrokerId(2))
        .with_host(name("kafka-2"))
        .with_port(9092);
    let response = ProduceResponse::default().with_node_endpoints(vec![node]);
    let own = rewritten(ApiKey::Produce, &response, 12);
    assert_eq!(&*own.node_endpoints[0].host, "127.0.0.1");
    assert_eq!(own.node_endpoints[0].port, 2002);
}

fn offers(apis: &[(i16, i16, i16)]) -> Vec<ApiVersion> {
    let offer = |(key, min, max): &(i16, i16, i16)| {
        ApiVersion::default()
            .with_api_key(*key)
            .with_min_version(*min)
            .with_max_version(*max)
    };
    apis.iter().map(offer).collect()
}

fn narrowed(response: &ApiVersionsResponse, sent_as: i16, asked_as: i16) -> ApiVersionsResponse {
    let body = versions::narrow(encoded(response, sent_as), asked_as);
    let mut body = body.expect("readable");
    let narrowed = ApiVersionsResponse::decode(&mut body, sent_as).expect("readable still");
    assert!(body.is_empty());
    narrowed
}

#[test]
fn only_versions_that_can_be_read_are_offered() {
    let broker = [
        (0, 0, 13),
        (1, 4, 18),
        (3, 0, 13),
        (8, 2, 10),
        (11, 0, 99),
        (9, 1, 10),
        (18, 0, 5),
        (68, 0, 1),
        (78, 1, 1),
        (1000, 0, 3),
    ];
    let member = [
        (0, 0, 12),
        (1, 4, 12),
        (3, 0, 12),
        (8, 2, 9),
        (11, 0, 9),
        (9, 1, 10),
        (18, 0, 4),
        (1000, 0, 3),
    ];
    for version in 0..=4 {
        let response = ApiVersionsResponse::default().with_api_keys(offers(&broker));
        let narrowed = narrowed(&response, version, version);
        assert_eq!(narrowed.api_keys, offers(&member));
    }
}

#[test]
fn a_broker_that_does_not_know_the_version_answers_in_the_first_one() {
    let response = ApiVersionsResponse::default()
        .with_error_code(35)
        .with_api_keys(offers(&[(18, 0, 5)]));
    let narrowed = narrowed(&response, 0, 5);
    assert_eq!(narrowed.error_code, 35);
    assert_eq!(narrowed.api_keys, offers(&[(18, 0, 4)]));
}

#[test]
fn what_cannot_be_read_is_not_rewritten() {
    let addresses = Addresses::new(&Reach::default(), [(1, 2001)]);
    let shorter = Bytes::from_static(&[0, 0, 0, 0, 2, 0]);
    let whole = encoded(&MetadataResponse::default(), 12);
    let longer = Bytes::from([&whole[..], &[0]].concat());
    for body in [shorter, longer] {
        assert!(addresses.rewrite(ApiKey::Metadata, 12, body).is_err());
    }
}

/// Subjects in containers find nothing at 127.0.0.1.
#[tokio::test]
async fn members_elsewhere_are_told_the_host_that_they_reach() {
    let reach = Reach {
        listen: "0.0.0.0".parse().expect("an address"),
        advertised: "localhost".into(),
    };
    let broker = BrokerAddress {
        index: 0,
        node_id: 1,
        address: "127.0.0.1:9".into(),
    };
    let unread = Sender::new(drop);
    let access = plimsoll_access::Access::default();
    let proxy = Proxy::open(1, &[broker], &access, &reach, &unread).await;
    let proxy = proxy.expect("a port");
    let told = proxy.bootstraps()[MemberId(0)].clone();
    let port = told.strip_prefix("localhost:").expect("the host");
    // Each address of this machine is one at which it listens.
    let there = TcpStream::connect(format!("127.0.0.1:{port}")).await;
    there.expect("it listens");
    assert_eq!(reach.at(80), "localhost:80");
    let six = Reach {
        advertised: "fd00::1".into(),
        ..reach
    };
    assert_eq!(six.at(80), "[fd00::1]:80");
    let port: u16 = port.parse().expect("a port");
    let addresses = Addresses::new(&six, [(1, port)]);
    let found = FindCoordinatorResponse::default()
        .with_node_id(BrokerId(1))
        .with_host(name("kafka-1"));
    let body = addresses.rewrite(ApiKey::FindCoordinator, 3, encoded(&found, 3));
    let mut body = body.expect("readable").expect("it has an address");
    let found = FindCoordinatorResponse::decode(&mut body, 3).expect("readable");
    assert_eq!((&*found.host, found.port), ("fd00::1", i32::from(port)));
}
