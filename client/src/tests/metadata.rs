//! Metadata: when it is asked for, and which news count.

use super::*;
use plimsoll_protocol::{Channel, FetchRequest, Request};

/// Lets the next request fail, and returns the pause before the one after it.
fn pause_after_failure(metadata: &mut Metadata, connections: &Connections) -> u64 {
    let now = metadata.poll_timeout();
    metadata.handle_timeout(now, connections);
    assert!(metadata.poll_action().is_some());
    assert_eq!(metadata.poll_timeout(), Instant::FAR_FUTURE, "in flight");
    assert!(!metadata.handle_answer(now, Err(Failure::Lost)));
    metadata.poll_timeout().as_nanos() / 1_000_000 - now.as_nanos() / 1_000_000
}

#[test]
fn pauses_double_up_to_a_second_until_there_is_news() {
    let View {
        mut metadata,
        connections,
        ..
    } = ignorance();
    let pauses: Vec<u64> = (0..6)
        .map(|_| pause_after_failure(&mut metadata, &connections))
        .collect();
    assert_eq!(pauses, [100, 200, 400, 800, 1_000, 1_000]);
    let now = metadata.poll_timeout();
    metadata.handle_timeout(now, &connections);
    metadata.handle_answer(now, Ok(told_of(vec![info(P0, 1, 0)])));
    assert_eq!(metadata.poll_timeout(), now + ms(30_000));
    metadata.want(now);
    assert_eq!(
        metadata.poll_timeout(),
        now + ms(100),
        "news end the pauses"
    );
}

#[test]
fn one_broker_after_the_other_is_asked_and_none_that_cannot_be_reached() {
    let View {
        mut metadata,
        mut connections,
        ..
    } = ignorance();
    connections.handle_broken(at(0), Node(0), Channels::ALL);
    metadata.handle_timeout(at(0), &connections);
    assert_eq!(metadata.poll_action(), Some(Node(1)));
    assert_eq!(metadata.poll_action(), None);
    metadata.handle_answer(at(0), Err(Failure::Lost));
    metadata.handle_timeout(at(99), &connections);
    assert_eq!(metadata.poll_action(), None, "not before the pause is over");
    for broker in 0..3 {
        connections.handle_broken(at(99), Node(broker), Channels::ALL);
    }
    metadata.handle_timeout(at(100), &connections);
    assert!(
        metadata.poll_action().is_some(),
        "where none can be reached, one of them is asked all the same"
    );
}

#[test]
fn a_broker_that_is_behind_tells_no_news() {
    let mut metadata = knowledge().metadata;
    metadata.handle_answer(at(1), Ok(told_of(vec![info(P0, 2, 5)])));
    metadata.handle_answer(at(2), Ok(told_of(vec![info(P0, 1, 4)])));
    assert_eq!(metadata.leader(P0), Some((Node(2), 5)));
}

#[test]
fn a_broker_that_is_named_no_more_is_gone_once_and_new_when_it_comes_back() {
    let View {
        mut metadata,
        mut connections,
        ..
    } = ignorance();
    let named = |alive| ClusterMetadata {
        alive: BrokerSet(alive),
        ..ClusterMetadata::default()
    };
    metadata.handle_answer(at(1), Ok(named(0b111)));
    assert_eq!(metadata.poll_gone(&mut connections), None);
    for _ in 0..9 {
        connections.handle_broken(at(1), Node(0), Channels::ALL);
    }
    metadata.handle_answer(at(2), Ok(named(0b110)));
    assert_eq!(metadata.poll_gone(&mut connections), Some(Node(0)));
    assert_eq!(metadata.poll_gone(&mut connections), None);
    let asked = metadata.choose_broker(at(20_000), &connections);
    assert_ne!(asked, Node(0), "it is asked no more");
    metadata.handle_answer(at(3), Ok(named(0b111)));
    assert_eq!(metadata.poll_gone(&mut connections), None);
    assert!(!connections.are_broken(Node(0)));
}

/// Lets a broker answer, and a fetch wait there that was sent at `now`.
fn fetch(connections: &mut Connections, now: Instant, broker: Node, max_wait: u64) {
    let request = Request::<Plain>::Fetch(Box::new(FetchRequest {
        max_wait: ms(max_wait),
        ..FetchRequest::default()
    }));
    connections.handle_request(now, (broker, Channel::Fetch), &request);
    connections.handle_answer(broker, Channel::Fetch);
}

#[test]
fn librdkafka_asks_behind_the_fetch_that_it_sent_last() {
    let View {
        mut metadata,
        mut connections,
        ..
    } = ignorance();
    let mut chosen = |at_ms, connections: &_| metadata.choose_broker(at(at_ms), connections);
    assert_eq!(chosen(1, &connections), Node(0), "it is connected to none");
    fetch(&mut connections, at(1), Node(1), 500);
    assert_eq!(chosen(1, &connections), Node(1));
    fetch(&mut connections, at(2_500), Node(2), 500);
    assert_eq!(chosen(2_500, &connections), Node(2), "1 is idle since 2 s");
    fetch(&mut connections, at(2_600), Node(1), 500);
    assert_eq!(chosen(2_700, &connections), Node(2), "as idle, in seconds");
    // A wait of a second is avoided, unless all wait so long.
    fetch(&mut connections, at(9_000), Node(2), 1_000);
    assert_eq!(chosen(9_000, &connections), Node(1));
    fetch(&mut connections, at(9_000), Node(1), 1_000);
    assert_eq!(chosen(9_000, &connections), Node(1));
    connections.handle_fetched(Node(2));
    assert_eq!(chosen(9_000, &connections), Node(2));
    // A connection that broke does not count.
    connections.handle_broken(at(9_000), Node(2), Channels::ALL);
    assert_eq!(chosen(9_900, &connections), Node(1));
}

#[test]
fn java_and_sarama_avoid_brokers_from_which_they_fetch() {
    let chosen = |behaviour, fetched: &[u16]| {
        let mut metadata = ignorance().metadata;
        let mut connections = Connections::new(&behaviour, 3);
        connections.handle_answer(Node(2), Channel::Data);
        for broker in fetched {
            fetch(&mut connections, at(1), Node(*broker), 500);
        }
        metadata.choose_broker(at(1), &connections)
    };
    assert_eq!(chosen(Behaviour::JAVA, &[0, 1]), Node(2));
    assert_eq!(
        chosen(Behaviour::JAVA, &[2]),
        Node(2),
        "the only connection"
    );
    assert_eq!(chosen(Behaviour::SARAMA_1_61, &[2]), Node(0));
    assert_eq!(chosen(Behaviour::SARAMA_1_61, &[0, 2]), Node(1));
}

#[test]
fn a_beat_does_not_move_with_what_is_asked_for_between() {
    let connections = Connections::new(&Behaviour::LIBRDKAFKA, 3);
    let beat = Renewal::Beat {
        interval: ms(3_000),
        next: at(3_000),
    };
    let mut metadata = Metadata::new(at(60), (3, Node(0)), 1, beat, ms(100));
    for (asked, next) in [(60, 3_000), (2_900, 3_000), (3_000, 6_000), (9_000, 12_000)] {
        metadata.want(at(asked));
        metadata.handle_timeout(at(asked), &connections);
        metadata.handle_answer(at(asked), Ok(told_of(Vec::new())));
        assert_eq!(metadata.poll_timeout(), at(next), "asked at {asked} ms");
    }
}
