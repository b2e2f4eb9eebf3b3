//! The parts of clients one by one, without a world: what goes in, and which actions come out.

mod accumulator;
mod assignors;
mod commits;
mod coordinator;
mod departures;
mod fetcher;
mod group;
mod java;
mod member;
mod metadata;
mod plain;
mod rebalance;
mod resends;
mod sarama;
mod start;

use crate::{
    Ask, Behaviour, Connections, Continuation, Coordinator, Failure, Metadata, Renewal, Settings,
};
use plain::Plain;
use plimsoll_core::{Instant, NextOffset};
use plimsoll_protocol::{
    Assignor, BrokerSet, Channels, ClusterMetadata, GroupIndex, Node, PartitionIndex,
    PartitionState, ReplicaOrder, TopicSize, Topology,
};
use std::time::Duration;

type Action = crate::Action<Plain>;
type Fetcher = crate::Fetcher<Plain>;
type Group = crate::Group<Plain>;
type View = crate::View<Plain>;
type Commits = crate::Commits<Plain>;
type DeadLetters = crate::DeadLetters<Plain>;
type Start = crate::Start<Plain>;
type Request = plimsoll_protocol::Request<Plain>;

/// The partitions of the topic.
const P0: PartitionIndex = PartitionIndex(0);
const P1: PartitionIndex = PartitionIndex(1);
const P2: PartitionIndex = PartitionIndex(2);

/// The time at which most tests take place.
const NOW: Instant = Instant::from_millis(10_000);

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Returns the settings of a member of librdkafka that is assigned eagerly.
fn settings() -> Settings {
    Settings {
        behaviour: Behaviour::LIBRDKAFKA,
        group: GroupIndex::FIRST,
        instance: None,
        assignor: Assignor::Range,
        session_timeout: ms(10_000),
        heartbeat: ms(3_000),
        poll_deadline: ms(20_000),
        request_timeout: ms(5_000),
        retry_backoff: ms(100),
        prefetch: 500,
        prefetch_bytes: u64::MAX,
        records_at_once: u32::MAX,
        fetch_wait_max: ms(500),
        partition_fetch_bytes: 1 << 20,
    }
}

/// Returns the same of a client that behaves otherwise.
fn like(behaviour: Behaviour) -> Settings {
    Settings {
        behaviour,
        ..settings()
    }
}

/// Returns the settings of a cooperative member.
fn cooperative() -> Settings {
    Settings {
        assignor: Assignor::CooperativeSticky,
        ..settings()
    }
}

/// Returns the partitions of topics with these numbers of them.
fn topology_of(topics: &[u32]) -> Topology {
    let sizes = topics.iter().map(|partitions| TopicSize {
        partitions: *partitions,
        capacity: *partitions,
    });
    Topology::new(sizes, 1)
}

/// Returns what a client knows that has heard nothing.
fn ignorance() -> View {
    let topology = topology_of(&[4]);
    View {
        speaker: Plain,
        metadata: Metadata::new(
            Instant::ZERO,
            (3, Node(0)),
            topology.len(),
            Renewal::After(ms(30_000)),
            ms(100),
        ),
        connections: Connections::new(&Behaviour::LIBRDKAFKA, 3),
        coordinator: Coordinator::new(GroupIndex::FIRST, ms(5_000)),
        topology,
    }
}

/// Returns what a client knows that has heard of every leader, and that broker 0 coordinates.
fn knowledge() -> View {
    let mut view = ignorance();
    let leaders = view.topology.all().map(|index| info(index, index.0 % 3, 0));
    let leaders = leaders.collect();
    view.metadata.handle_answer(at(0), Ok(told_of(leaders)));
    view.handle_coordinator(at(0), Ok(Node(0)));
    view
}

fn info(partition: PartitionIndex, leader: u16, leader_epoch: u32) -> PartitionState {
    let replicas = BrokerSet(0b111);
    PartitionState {
        partition,
        replicas,
        order: ReplicaOrder::new(replicas.iter().collect::<Vec<_>>().into_iter()),
        leader: Some(Node(leader)),
        leader_epoch,
        in_sync: replicas,
        partition_epoch: 0,
    }
}

/// Returns metadata of partitions, while all brokers live.
fn told_of(partitions: Vec<PartitionState>) -> ClusterMetadata {
    ClusterMetadata {
        partitions,
        alive: BrokerSet(0b111),
    }
}

/// Returns the actions that a part leaves, as text without what is inside of requests, and without
/// those that hold the fetcher.
fn told(mut poll: impl FnMut() -> Option<Action>) -> Vec<String> {
    let mut actions = Vec::new();
    while let Some(action) = poll() {
        actions.push(match action {
            Action::Hold(_) => continue,
            Action::Ask(Ask { to, then, .. }) => format!("ask {} {then:?}", to.0),
            Action::AskAny(_, _, then) => format!("ask any {then:?}"),
            Action::Say(to, request) => format!("say {} {request:?}", to.0),
            other => format!("{other:?}"),
        });
    }
    actions
}

/// Returns the continuations of the requests among the actions that a part leaves.
fn asked(poll: impl FnMut() -> Option<Action>) -> Vec<(Node, Continuation)> {
    let actions = std::iter::from_fn(poll);
    let asks = actions.filter_map(|action| match action {
        Action::Ask(ask) => Some((ask.to, ask.then)),
        _ => None,
    });
    asks.collect()
}
