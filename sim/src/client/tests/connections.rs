//! Requests in flight, and connections that break.

use super::*;
use crate::protocol::{Channel, Correlation, Sharing};
use plimsoll_client::{Behaviour, Connections, Failure, Requests};

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

#[test]
fn what_is_sent_when_connections_break_goes_over_new_ones() {
    let mut requests = Requests::new(Sharing::GroupApart, 7);
    let one = (Node(1), Channel::Data);
    requests.add(at(0), one, ms(10), 'a');
    requests.add(at(0), one, ms(10), 'b');
    let before = requests.next_correlation();
    let mut lost = |peer| requests.take_lost(Node(peer), Channels::ALL, before);
    assert_eq!(lost(0), None);
    assert_eq!(lost(1), Some(('a', Failure::Lost)));
    requests.add(at(0), one, ms(10), 'c');
    let mut lost = |peer| requests.take_lost(Node(peer), Channels::ALL, before);
    assert_eq!(lost(1), Some(('b', Failure::Lost)));
    assert_eq!(lost(1), None);
    assert_eq!(requests.take_answered(Correlation(9)), Some('c'));
    assert_eq!(requests.take_answered(Correlation(9)), None);
}

#[test]
fn a_broker_that_answers_too_late_is_named_once() {
    let mut requests = Requests::new(Sharing::GroupApart, 0);
    for (sent, peer, timeout, then) in [(0, 1, 10, 'a'), (5, 1, 10, 'b'), (5, 2, 10, 'c')] {
        requests.add(at(sent), (Node(peer), Channel::Data), ms(timeout), then);
    }
    requests.add(at(5), (Node(3), Channel::Data), ms(90), 'd');
    let connection = Sharing::GroupApart.connection(Channel::Data);
    assert_eq!(requests.poll_timeout(), at(10));
    assert_eq!(requests.poll_overdue(at(9)), None);
    assert_eq!(requests.poll_overdue(at(10)), Some((Node(1), connection)));
    assert_eq!(requests.poll_overdue(at(14)), None);
    assert_eq!(requests.poll_timeout(), at(15));
    assert_eq!(requests.poll_overdue(at(15)), Some((Node(2), connection)));
    assert_eq!(requests.poll_timeout(), at(95));
    let before = requests.next_correlation();
    for (peer, lost) in [
        (1, ('a', Failure::TimedOut)),
        (1, ('b', Failure::TimedOut)),
        (3, ('d', Failure::Lost)),
    ] {
        let taken = requests.take_lost(Node(peer), Channels::ALL, before);
        assert_eq!(taken, Some(lost));
    }
}

#[test]
fn a_request_that_times_out_takes_with_it_what_shares_its_connection_alone() {
    const FETCH: Channel = Channel::Fetch;
    const GROUP: Channel = Channel::Coordinator;
    for (sharing, late, lost) in [
        (Sharing::GroupApart, FETCH, "fd"),
        (Sharing::GroupApart, Channel::Data, "fd"),
        (Sharing::GroupApart, GROUP, "g"),
        (Sharing::All, FETCH, "fgd"),
    ] {
        let mut requests = Requests::new(sharing, 0);
        for (channel, then) in [(FETCH, 'f'), (GROUP, 'g'), (Channel::Data, 'd')] {
            let timeout = if channel == late { ms(10) } else { ms(90) };
            requests.add(at(0), (Node(1), channel), timeout, then);
        }
        requests.add(at(0), (Node(2), late), ms(90), 'x');
        let (peer, closed) = requests.poll_overdue(at(10)).expect("one is overdue");
        assert_eq!((peer, closed), (Node(1), sharing.connection(late)));
        let before = requests.next_correlation();
        let taken = std::iter::from_fn(|| requests.take_lost(peer, closed, before));
        let (taken, failures): (String, Vec<Failure>) = taken.unzip();
        assert_eq!(taken, lost, "{sharing:?} {late:?}");
        assert!(failures.iter().all(|failure| *failure == Failure::TimedOut));
        assert_eq!(requests.poll_timeout(), at(90), "what is left has its time");
    }
}

#[test]
fn what_waits_behind_another_request_of_its_connection_has_the_time_of_that_too() {
    for (sharing, overdue) in [(Sharing::All, 90), (Sharing::GroupApart, 15)] {
        let mut requests = Requests::new(sharing, 0);
        requests.add(at(0), (Node(1), Channel::Fetch), ms(90), 'f');
        requests.add(at(5), (Node(1), Channel::Data), ms(10), 'd');
        assert_eq!(requests.poll_overdue(at(overdue - 1)), None);
        let connection = sharing.connection(Channel::Data);
        assert_eq!(
            requests.poll_overdue(at(overdue)),
            Some((Node(1), connection))
        );
        // Other brokers, and what comes after the connection is closed, are as ever.
        requests.add(at(100), (Node(1), Channel::Data), ms(10), 'd');
        requests.add(at(100), (Node(2), Channel::Data), ms(10), 'd');
        assert_eq!(requests.poll_timeout(), at(110));
    }
}

#[test]
fn the_pause_before_reconnecting_doubles_until_a_broker_answers() {
    const DATA: Channel = Channel::Data;
    let mut connections = Connections::new(&Behaviour::LIBRDKAFKA, 2);
    assert_eq!(connections.backs_off(Node(1), DATA, at(0)), None);
    connections.handle_broken(at(0), Node(1), Channels::ALL);
    assert_eq!(connections.backs_off(Node(1), DATA, at(99)), Some(at(100)));
    assert_eq!(connections.backs_off(Node(1), DATA, at(100)), None);
    connections.handle_broken(at(100), Node(1), Channels::ALL);
    assert_eq!(connections.backs_off(Node(1), DATA, at(100)), Some(at(300)));
    assert_eq!(connections.backs_off(Node(0), DATA, at(100)), None);
    // What one connection answers says nothing of the other.
    connections.handle_answer(Node(1), Channel::Fetch);
    assert_eq!(connections.backs_off(Node(1), DATA, at(100)), None);
    let group = connections.backs_off(Node(1), Channel::Coordinator, at(100));
    assert_eq!(group, Some(at(300)));
    assert!(connections.are_broken(Node(1)));
    connections.handle_answer(Node(1), Channel::Coordinator);
    assert!(!connections.are_broken(Node(1)));
    for _ in 0..20 {
        connections.handle_broken(at(0), Node(1), Channels::ALL);
    }
    assert_eq!(
        connections.backs_off(Node(1), DATA, at(0)),
        Some(at(10_000))
    );
}

#[test]
fn what_shares_a_connection_travels_on_one_channel() {
    const KINDS: [RequestKind; 4] = [
        RequestKind::Metadata,
        RequestKind::ListOffsets,
        RequestKind::Fetch,
        RequestKind::JoinGroup,
    ];
    const OF_LIBRDKAFKA: [Channel; 4] = [
        Channel::Fetch,
        Channel::Fetch,
        Channel::Fetch,
        Channel::Coordinator,
    ];
    for (behaviour, channels) in [
        (Behaviour::SARAMA_1_61, [Channel::Fetch; 4]),
        (Behaviour::LIBRDKAFKA, OF_LIBRDKAFKA),
    ] {
        probe::reset();
        let spec = SubjectSpec {
            build: probe::build,
            polling: Polling::Always,
            behaviour,
            seams: None,
        };
        let mut bench = Bench::of(spec, "").joined();
        let member = bench.env.member_node(MEMBER);
        let asked = bench.requests();
        let travels_on = KINDS.map(|kind| {
            let is_such =
                |asked: &&Asked| asked.from == member && asked.request.kind() == Some(kind);
            asked.iter().find(is_such).expect("one of each").channel
        });
        assert_eq!(travels_on, channels, "{behaviour:?}");
    }
}
