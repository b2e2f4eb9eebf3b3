//! Connections from outside: nodes that are not known in advance, and are given again.

use super::batches::{self, CLIENT, Cluster, P};
use crate::actor::Actor;
use crate::protocol::batched::{Batched, Records};
use crate::protocol::{Channel, Channels, Correlation, Message, Node, Request, Response};
use std::time::Duration;

/// A node far beyond those that spoke before.
const STRANGER: Node = Node(700);

fn produce() -> Request<Batched> {
    batches::produce(P, Records::plain(1))
}

/// Returns a fetch that waits for the next record.
fn fetch(offset: u64) -> Request<Batched> {
    batches::fetch(P, offset, Duration::from_secs(1))
}

#[test]
fn a_node_that_was_not_known_in_advance_is_served_as_any_other() {
    let mut cluster = Cluster::new();
    cluster.send(STRANGER, Node(0), fetch(0));
    assert!(cluster.run().is_none(), "there is nothing to read yet");
    cluster.send(CLIENT, Node(0), produce());
    let mut of_stranger = 0;
    while let Some((from, to, channel, message)) = cluster.world.messages.pop_front() {
        match cluster.brokers.get_mut(to) {
            Some(broker) => broker.handle_message(&mut cluster.world, from, channel, message),
            None if to == STRANGER => {
                assert!(
                    matches!(&message, Message::Response(_, Response::Fetch(response))
                    if response.entries.len() == 1)
                );
                of_stranger += 1;
            }
            None => {}
        }
    }
    assert_eq!(of_stranger, 1);
}

#[test]
fn a_node_that_is_given_again_gets_no_answer_of_its_life_before() {
    for first in [produce(), fetch(0)] {
        let mut cluster = Cluster::new();
        let message = Message::Request(Correlation(1), first);
        let leader = &mut cluster.brokers[Node(0)];
        leader.handle_message(&mut cluster.world, STRANGER, Channel::Data, message);
        leader.handle_disconnected(&mut cluster.world, STRANGER, Channels::ALL);
        // Another client, which happens to number its requests alike; it waits as well.
        let end = leader.replicas[P].log.end();
        let message = Message::Request(Correlation(1), fetch(end));
        leader.handle_message(&mut cluster.world, STRANGER, Channel::Data, message);
        cluster.send(CLIENT, Node(0), produce());
        let mut answers = Vec::new();
        while let Some((from, to, channel, message)) = cluster.world.messages.pop_front() {
            match cluster.brokers.get_mut(to) {
                Some(broker) => broker.handle_message(&mut cluster.world, from, channel, message),
                None if to == STRANGER => answers.push(message),
                None => {}
            }
        }
        assert!(
            matches!(&answers[..], [Message::Response(_, Response::Fetch(_))]),
            "{answers:?}"
        );
    }
}
