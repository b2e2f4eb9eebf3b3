//! Requests in flight, and connections that break.

use super::*;
use crate::protocol::Correlation;
use plimsoll_client::{Connections, Failure, Requests};

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

#[test]
fn what_is_sent_when_connections_break_goes_over_new_ones() {
    let mut requests = Requests::new(7);
    requests.add(at(0), Node(1), ms(10), 'a');
    requests.add(at(0), Node(1), ms(10), 'b');
    let before = requests.next_correlation();
    assert_eq!(requests.take_lost(Node(0), before), None);
    assert_eq!(
        requests.take_lost(Node(1), before),
        Some(('a', Failure::Lost))
    );
    requests.add(at(0), Node(1), ms(10), 'c');
    assert_eq!(
        requests.take_lost(Node(1), before),
        Some(('b', Failure::Lost))
    );
    assert_eq!(requests.take_lost(Node(1), before), None);
    assert_eq!(requests.take_answered(Correlation(9)), Some('c'));
    assert_eq!(requests.take_answered(Correlation(9)), None);
}

#[test]
fn a_broker_that_answers_too_late_is_named_once() {
    let mut requests = Requests::new(0);
    requests.add(at(0), Node(1), ms(10), 'a');
    requests.add(at(5), Node(1), ms(10), 'b');
    requests.add(at(5), Node(2), ms(10), 'c');
    requests.add(at(5), Node(3), ms(90), 'd');
    assert_eq!(requests.poll_timeout(), at(10));
    assert_eq!(requests.poll_overdue(at(9)), None);
    assert_eq!(requests.poll_overdue(at(10)), Some(Node(1)));
    assert_eq!(requests.poll_overdue(at(14)), None);
    assert_eq!(requests.poll_timeout(), at(15));
    assert_eq!(requests.poll_overdue(at(15)), Some(Node(2)));
    assert_eq!(requests.poll_timeout(), at(95));
    let before = requests.next_correlation();
    for (peer, lost) in [
        (1, ('a', Failure::TimedOut)),
        (1, ('b', Failure::TimedOut)),
        (3, ('d', Failure::Lost)),
    ] {
        assert_eq!(requests.take_lost(Node(peer), before), Some(lost));
    }
}

#[test]
fn the_pause_before_reconnecting_doubles_until_a_broker_answers() {
    let mut connections = Connections::new(2);
    assert_eq!(connections.backs_off(Node(1), at(0)), None);
    connections.handle_broken(at(0), Node(1));
    assert_eq!(connections.backs_off(Node(1), at(99)), Some(at(100)));
    assert_eq!(connections.backs_off(Node(1), at(100)), None);
    connections.handle_broken(at(100), Node(1));
    assert_eq!(connections.backs_off(Node(1), at(100)), Some(at(300)));
    assert_eq!(connections.backs_off(Node(0), at(100)), None);
    connections.handle_answer(Node(1));
    assert_eq!(connections.backs_off(Node(1), at(100)), None);
    for _ in 0..20 {
        connections.handle_broken(at(0), Node(1));
    }
    assert_eq!(connections.backs_off(Node(1), at(0)), Some(at(10_000)));
}
