//! Requests in flight.

use super::*;
use crate::client::connection::Requests;
use crate::protocol::{Channel, Correlation};

#[test]
fn what_is_sent_when_connections_break_goes_over_new_ones() {
    let mut bench = Bench::new(Polling::Always, "");
    let node = bench.env.member_node(MEMBER);
    let mut requests = Requests::new(&bench.env, node, 7);
    let send = |bench: &mut Bench, requests: &mut Requests<char>, purpose| {
        let (channel, request) = (Channel::Data, Request::Metadata);
        requests.send(&mut bench.env, Node(1), channel, ms(10), purpose, request);
    };
    send(&mut bench, &mut requests, 'a');
    send(&mut bench, &mut requests, 'b');
    let before = requests.next_correlation();
    assert_eq!(requests.take_lost(Node(0), before), None);
    assert_eq!(requests.take_lost(Node(1), before), Some('a'));
    send(&mut bench, &mut requests, 'c');
    assert_eq!(requests.take_lost(Node(1), before), Some('b'));
    assert_eq!(requests.take_lost(Node(1), before), None);
    assert_eq!(requests.take_answered(Correlation(9)), Some('c'));
    assert_eq!(requests.take_answered(Correlation(9)), None);
}
