//! What happens to connections without a fault of the network.

use super::observing::{commit, commit_answered, commit_response};
use super::*;
use kafka_protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, HeartbeatRequest, HeartbeatResponse, MetadataRequest,
    MetadataResponse, OffsetCommitResponse,
};

#[tokio::test]
async fn each_member_has_its_own_listeners() {
    let mut rig = Rig::start().await;
    let other = MemberId(1);
    assert_ne!(
        rig.proxy.bootstraps()[MEMBER],
        rig.proxy.bootstraps()[other]
    );
    assert_eq!(rig.proxy.bootstraps().get(MemberId(2)), None);
    let mut client = Client::connect(&rig.proxy.bootstraps()[other]).await;
    client.send(&commit(), 9).await;
    rig.broker.request().await;
    let seen = rig.watcher.seen.borrow().clone();
    assert_eq!(seen, [(other, Seen::CommitSent { broker: 0 })]);
}

#[tokio::test]
async fn requests_may_follow_each_other_without_waiting() {
    let mut rig = Rig::start().await;
    let mut client = rig.client().await;
    for _ in 0..10 {
        client.send(&commit(), 9).await;
        client.send(&HeartbeatRequest::default(), 4).await;
    }
    for _ in 0..10 {
        rig.broker.request().await.answer(&commit_response([0, 0]));
        let beat = rig.broker.request().await;
        beat.answer(&HeartbeatResponse::default());
    }
    for _ in 0..10 {
        let _: OffsetCommitResponse = client.receive(9).await;
        let _: HeartbeatResponse = client.receive(4).await;
    }
    assert_eq!(rig.watcher.seen().len(), 20);
}

#[tokio::test]
async fn an_api_versions_request_of_the_future_is_answered_with_what_there_is() {
    let mut rig = Rig::start().await;
    let mut client = rig.client().await;
    client.correlation += 1;
    let request = request_frame(&ApiVersionsRequest::default(), 4, client.correlation);
    client.write(request.with_version(5).bytes()).await;
    let arrived = rig.broker.request().await;
    assert_eq!((arrived.key(), arrived.version()), (18, i16::MAX));
    arrived.answer_as(&ApiVersionsResponse::default().with_error_code(35), 0);
    let response: ApiVersionsResponse = client.receive(0).await;
    assert_eq!(response.error_code, 35);
}

#[tokio::test]
async fn what_cannot_be_read_passes_unchanged() {
    let mut rig = Rig::start().await;
    let mut client = rig.client().await;
    // Kafka has no such API; metadata of no such version; a commit without a body; no header.
    let header = |key: i16, version: i16| [&key.to_be_bytes()[..], &version.to_be_bytes()].concat();
    let requests = [
        [&header(999, 7)[..], &[0, 0, 0, 1, 1, 2, 3]].concat(),
        [&header(3, 99)[..], &[0, 0, 0, 2, 255, 255, 0, 3]].concat(),
        [&header(8, 9)[..], &[0, 0, 0, 3]].concat(),
        vec![1, 2, 3],
    ];
    for request in &requests {
        let frame = Frame::response(&[], request);
        client.write(frame.bytes()).await;
        assert_eq!(rig.broker.request().await.frame, frame);
    }
    client.send(&MetadataRequest::default(), 12).await;
    let arrived = rig.broker.request().await;
    for response in [
        &[0, 0, 0, 1, 9, 9][..],
        &[0, 0, 0, 2, 9],
        &[0, 0, 0, 3],
        &[9],
    ] {
        let frame = Frame::response(&[], response);
        let sent = arrived.connection.send(Some(frame.bytes().to_vec()));
        sent.expect("the connection is open");
        let received = within(Frame::read(&mut client.reader)).await;
        assert_eq!(received.expect("a frame"), Some(frame));
    }
    arrived.answer(&MetadataResponse::default());
    let _: MetadataResponse = client.receive(12).await;
    assert_eq!(rig.watcher.seen(), [Seen::CommitSent { broker: 0 }]);
}

#[tokio::test]
async fn large_frames_pass() {
    let mut rig = Rig::start().await;
    let mut client = rig.client().await;
    let big = Frame::response(&[3, 231, 0, 0, 0, 0, 0, 1], &vec![7; 50 << 20]);
    let writing = client.write(big.bytes());
    let reading = rig.broker.request();
    let ((), arrived) = tokio::join!(writing, reading);
    assert!(arrived.frame == big, "it changed on its way");
}

#[tokio::test]
async fn what_is_not_kafkas_protocol_is_refused() {
    let mut rig = Rig::start().await;
    let mut client = rig.client().await;
    client.write(b"\xffGET / HTTP/1.1\r\n\r\n").await;
    client.is_closed().await;
    rig.broker.closed().await;
    // The listener still accepts connections.
    let mut client = rig.client().await;
    client.send(&HeartbeatRequest::default(), 4).await;
    rig.broker.request().await;
}

#[tokio::test]
async fn a_member_notices_a_broker_that_is_gone_or_refuses() {
    let mut rig = Rig::start().await;
    let mut client = rig.client().await;
    client.send(&commit(), 9).await;
    rig.broker.request().await.close();
    client.is_closed().await;
    let lost = [Seen::CommitSent { broker: 0 }, Seen::CommitUnanswered];
    assert_eq!(rig.watcher.seen(), lost);

    let unused = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = unused.local_addr().expect("an address").to_string();
    drop(unused);
    let brokers = [BrokerAddress {
        index: 0,
        node_id: 1,
        address,
    }];
    let proxy = Proxy::start(1, &brokers, &rig.watcher.reports()).await;
    let proxy = proxy.expect("listeners");
    Client::connect(&proxy.bootstraps()[MEMBER])
        .await
        .is_closed()
        .await;
}

#[tokio::test]
async fn what_a_member_sent_before_it_died_arrives_and_is_seen_to_be_accepted() {
    let mut rig = Rig::start().await;
    let mut client = rig.client().await;
    client.send(&commit(), 9).await;
    client.send(&commit(), 9).await;
    drop(client);
    let lost = rig.watcher.saw(4).await;
    assert_eq!(lost[2..], [Seen::CommitUnanswered, Seen::CommitUnanswered]);
    for _ in 0..2 {
        rig.broker.request().await.answer(&commit_response([0, 0]));
    }
    let seen = rig.watcher.saw(6).await;
    assert_eq!(
        seen[4..],
        [commit_answered([0, 0]), commit_answered([0, 0])]
    );
    rig.broker.closed().await;
}

#[tokio::test]
async fn a_refusal_that_reaches_no_member_is_not_told() {
    let mut rig = Rig::start().await;
    let mut client = rig.client().await;
    client.send(&commit(), 9).await;
    let arrived = rig.broker.request().await;
    drop(client);
    assert_eq!(rig.watcher.saw(2).await[1..], [Seen::CommitUnanswered]);
    let not_coordinator = 16;
    let response = commit_response([not_coordinator, 0]);
    arrived.answer(&response);
    let accepted = commit_answered([not_coordinator, 0]).without_refusals();
    assert_eq!(rig.watcher.saw(3).await[2..], [accepted]);
}

#[tokio::test]
async fn all_ends_when_the_proxy_is_shut_down_or_dropped() {
    let mut rig = Rig::start().await;
    let mut client = rig.client().await;
    client.send(&commit(), 9).await;
    rig.broker.request().await;
    within(rig.proxy.shut_down()).await;
    client.is_closed().await;
    rig.broker.closed().await;
    let address = rig.proxy.bootstraps()[MEMBER].clone();
    assert!(TcpStream::connect(&address).await.is_err());
    assert_eq!(Arc::strong_count(&rig.watcher), 1);

    let rig = Rig::start().await;
    let mut client = rig.client().await;
    drop(rig.proxy);
    client.is_closed().await;
}
