//! Brokers in a dialect with batches of many records, in a world without plan, sink and trace.

use crate::actor::Actor;
use crate::cluster::{Broker, ClusterEnv, ClusterSettings, Observation, Placement, Shared};
use crate::protocol::batched::{Batched, Records, Text};
use crate::protocol::{
    Channel, CommittedOffset, Correlation, FetchPosition, FetchRequest, FetchResponse, GroupIndex,
    GroupMemberId, LogEntry, Message, NO_EPOCH, Node, PRODUCE_TIMEOUT_MS, PartitionState,
    PerBroker, Positions, Request, Response, Sender,
};
use crate::topology::PartitionIndex;
use plimsoll_core::{Instant, NextOffset, Offset};
use plimsoll_oracle::ErrorName;
use plimsoll_scenarios::scenario::{Acks, BrokerSettings};
use std::collections::VecDeque;
use std::time::Duration;

pub(super) const CLIENT: Node = Node(4);

/// The partition of the records, which broker 0 leads.
pub(super) const P: PartitionIndex = PartitionIndex(0);

/// Another one, which broker 0 leads too.
pub(super) const Q: PartitionIndex = PartitionIndex(2);

/// The group's partition, which broker 1 leads.
pub(super) const OFFSETS: PartitionIndex = PartitionIndex(1);

/// A network without latency, at the first moment.
#[derive(Default)]
pub(super) struct World {
    pub(super) messages: VecDeque<(Node, Node, Channel, Message<Batched>)>,
    shared: Shared<Batched>,
    /// The first offsets and the ends of the entries that became readable.
    replicated: Vec<(PartitionIndex, u64, u64)>,
}

impl ClusterEnv<Batched> for World {
    fn now(&self) -> Instant {
        Instant::ZERO
    }

    fn send(&mut self, from: Node, to: Node, channel: Channel, message: Message<Batched>) {
        self.messages.push_back((from, to, channel, message));
    }

    fn cut(&mut self, a: Node, b: Node) {
        panic!("{a:?} and {b:?}");
    }

    fn observe(&mut self, observation: Observation<'_, Batched>) {
        match observation {
            Observation::Replicated { partition, entry } => {
                let entry = (partition, entry.offset.get(), entry.end());
                self.replicated.push(entry);
            }
            other => panic!("{other:?}"),
        }
    }

    fn shared(&mut self) -> &mut Shared<Batched> {
        &mut self.shared
    }
}

pub(super) struct Cluster {
    pub(super) brokers: PerBroker<Broker<Batched>>,
    pub(super) world: World,
    group: GroupIndex,
}

impl Cluster {
    pub(super) fn new() -> Self {
        let placement = Placement {
            brokers: 3,
            replication: 3,
            offsets: OFFSETS,
            coordinator: Node(1),
        };
        let of_q = PartitionState {
            partition: Q,
            ..placement.place(P)
        };
        let settings = ClusterSettings {
            partitions: 3,
            offsets: [OFFSETS].into_iter().collect(),
            initial: vec![placement.place(P), placement.place(OFFSETS), of_q],
            ..ClusterSettings::new(placement, 2, BrokerSettings::default())
        };
        let mut shared = Shared::new(3);
        let group = shared.register_group(OFFSETS);
        let mut cluster = Self {
            brokers: PerBroker::new(3, |node| Broker::new(&settings, node)),
            world: World {
                shared,
                ..World::default()
            },
            group,
        };
        for broker in cluster.brokers.values_mut() {
            broker.start(&mut cluster.world);
        }
        assert!(cluster.run().is_none());
        cluster
    }

    /// Delivers messages until none is left. Returns the answer that the client got.
    pub(super) fn run(&mut self) -> Option<Response<Batched>> {
        self.run_to(CLIENT).pop()
    }

    /// Delivers messages until none is left. Returns the answers that a node got.
    pub(super) fn run_to(&mut self, node: Node) -> Vec<Response<Batched>> {
        let mut answers = Vec::new();
        while let Some((from, to, channel, message)) = self.world.messages.pop_front() {
            if let Some(broker) = self.brokers.get_mut(to) {
                broker.handle_message(&mut self.world, from, channel, message);
            } else if let Message::Response(_, response) = message
                && to == node
            {
                answers.push(response);
            }
        }
        answers
    }

    pub(super) fn ask(&mut self, to: Node, request: Request<Batched>) -> Response<Batched> {
        self.send(CLIENT, to, request);
        self.run().expect("an answer")
    }

    /// Sends a request, always under the same number.
    pub(super) fn send(&mut self, from: Node, to: Node, request: Request<Batched>) {
        let message = Message::Request(Correlation(1), request);
        self.world.send(from, to, Channel::Data, message);
    }

    fn produce(&mut self, batch: Records) -> Result<u64, ErrorName> {
        match self.ask(Node(0), produce(P, batch)) {
            Response::Produce(result) => result.map(Offset::get),
            other => panic!("{other:?}"),
        }
    }

    fn fetch(&mut self, offset: u64) -> FetchResponse<Batched> {
        match self.ask(Node(0), fetch(P, offset, Duration::ZERO)) {
            Response::Fetch(response) => *response,
            other => panic!("{other:?}"),
        }
    }
}

pub(super) fn produce(partition: PartitionIndex, batch: Records) -> Request<Batched> {
    Request::Produce {
        partition,
        batch,
        acks: Acks::All,
        timeout_ms: PRODUCE_TIMEOUT_MS,
    }
}

/// Returns a fetch of 100 bytes at most, which waits this long for the first.
pub(super) fn fetch(
    partition: PartitionIndex,
    offset: u64,
    max_wait: Duration,
) -> Request<Batched> {
    let position = FetchPosition {
        partition,
        offset,
        leader_epoch: 0,
        last_fetched_epoch: NO_EPOCH,
        high_watermark: 0,
        log_start: 0,
        max_bytes: 100,
    };
    Request::Fetch(Box::new(FetchRequest {
        max_wait,
        min_bytes: 1,
        max_bytes: 1_000,
        positions: Positions::from_iter([position]),
        ..FetchRequest::default()
    }))
}

/// Returns what makes commits of a partition by a client that is no member.
pub(super) fn commit(
    cluster: &Cluster,
    partition: PartitionIndex,
) -> impl Fn(u64) -> Request<Batched> + use<> {
    let group = cluster.group;
    move |next| Request::OffsetCommit {
        sender: Sender {
            group,
            generation: -1,
            member: GroupMemberId::EMPTY,
            instance: None,
        },
        offsets: vec![CommittedOffset {
            partition,
            next: NextOffset::new(next),
            metadata: Text("anything".to_owned()),
        }],
    }
}

/// Returns what the group has committed.
pub(super) fn committed(cluster: &mut Cluster) -> Vec<(PartitionIndex, u64)> {
    let fetch = Request::OffsetFetch {
        group: cluster.group,
        partitions: None,
        require_stable: true,
    };
    match cluster.ask(Node(1), fetch) {
        Response::OffsetFetch(Ok(offsets)) => {
            let offsets = offsets.iter();
            offsets
                .map(|offset| (offset.partition, offset.next.get()))
                .collect()
        }
        other => panic!("{other:?}"),
    }
}

fn bounds(entries: &[LogEntry<Batched>]) -> Vec<(u64, u64)> {
    let entries = entries.iter();
    entries
        .map(|entry| (entry.offset.get(), entry.end()))
        .collect()
}

#[test]
fn batches_are_replicated_and_read_as_a_whole() {
    let mut cluster = Cluster::new();
    assert_eq!(cluster.produce(Records::plain(3)), Ok(0));
    assert_eq!(cluster.produce(Records::plain(1)), Ok(3));
    assert_eq!(cluster.produce(Records::plain(5)), Ok(4));
    let entries = [(0, 3), (3, 4), (4, 9)];
    assert_eq!(cluster.world.replicated, entries.map(|(a, b)| (P, a, b)));
    for broker in cluster.brokers.values() {
        assert_eq!(bounds(broker.replicas[P].log.all()), entries);
    }
    let answer = cluster.fetch(6);
    assert_eq!(bounds(&answer.entries), entries[2..]);
    assert_eq!(answer.partitions[0].high_watermark, 9);
    assert_eq!(bounds(&cluster.fetch(2).entries), entries);
    assert_eq!(cluster.fetch(9).partitions, []);
}

/// Followers ask for 1 MiB at most, and this client for 100 bytes.
#[test]
fn a_batch_above_the_limit_of_a_fetch_is_read_as_a_whole() {
    let mut cluster = Cluster::new();
    assert_eq!(cluster.produce(Records::plain(1_500_000)), Ok(0));
    assert_eq!(cluster.produce(Records::plain(1)), Ok(1_500_000));
    assert_eq!(cluster.brokers[Node(2)].replicas[P].log.end(), 1_500_001);
    assert_eq!(bounds(&cluster.fetch(0).entries), [(0, 1_500_000)]);
}

#[test]
fn a_batch_that_is_sent_again_is_answered_with_where_it_lies() {
    let mut cluster = Cluster::new();
    assert_eq!(cluster.produce(Records::stamped(3, 7, 0, 0)), Ok(0));
    assert_eq!(cluster.produce(Records::stamped(2, 8, 4, 0)), Ok(3));
    assert_eq!(cluster.produce(Records::stamped(2, 7, 0, 3)), Ok(5));
    assert_eq!(cluster.produce(Records::stamped(3, 7, 0, 0)), Ok(0));
    let out_of_order = Err(ErrorName::OutOfOrderSequenceNumber);
    assert_eq!(cluster.produce(Records::stamped(1, 7, 0, 6)), out_of_order);
    let fenced = Err(ErrorName::InvalidProducerEpoch);
    assert_eq!(cluster.produce(Records::stamped(1, 8, 3, 2)), fenced);
    assert_eq!(cluster.brokers[Node(2)].replicas[P].log.end(), 7);
}

#[test]
fn metadata_of_commits_comes_back_as_it_was() {
    let mut cluster = Cluster::new();
    let offset = CommittedOffset {
        partition: P,
        next: NextOffset::new(4),
        metadata: Text("anything".to_owned()),
    };
    let commit = Request::OffsetCommit {
        sender: Sender {
            group: cluster.group,
            generation: -1,
            member: GroupMemberId::EMPTY,
            instance: None,
        },
        offsets: vec![offset.clone()],
    };
    let answer = cluster.ask(Node(1), commit);
    assert!(matches!(answer, Response::OffsetCommit(answer) if answer == Default::default()));
    let fetch = Request::OffsetFetch {
        group: cluster.group,
        partitions: None,
        require_stable: true,
    };
    match cluster.ask(Node(1), fetch) {
        Response::OffsetFetch(Ok(offsets)) => assert_eq!(offsets, [offset]),
        other => panic!("{other:?}"),
    }
}
