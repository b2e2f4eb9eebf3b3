//! The parts of clients one by one, without a world: what goes in, and which actions come out.

mod accumulator;
mod application;
mod commits;
mod coordinator;
mod fetcher;
mod group;
mod metadata;
mod rebalance;
mod resends;
mod sarama;
mod start;

use super::{P0, P1, P2, SCENARIO, ms};
use crate::client::action::{Action, Continuation};
use crate::client::connection::{Ask, Connections};
use crate::client::coordinator::Coordinator;
use crate::client::metadata::Metadata;
use crate::client::view::View;
use crate::cluster::Placement;
use crate::protocol::{BrokerSet, Channels, ClusterMetadata, Node, PartitionState, Sharing};
use crate::topology::{PartitionIndex, Topology, topology_of};
use plimsoll_core::{Instant, NextOffset};
use plimsoll_scenarios::{Plan, Scenario, Settings};

/// The time at which most tests take place.
const NOW: Instant = Instant::from_millis(10_000);

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

/// Returns a plan with three brokers and four partitions; `more` continues `[consumers]`.
fn plan(more: &str) -> Plan {
    let scenario = Scenario::parse("test.toml", &format!("{SCENARIO}{more}"));
    Plan::draw(&scenario.expect("a scenario"), 7)
}

fn settings(more: &str) -> Settings {
    Settings::clone(&plan(more).settings)
}

/// Returns what a client knows that has heard nothing.
fn ignorance() -> View {
    let topology = topology_of(&plan(""));
    View {
        metadata: Metadata::new(
            Instant::ZERO,
            (3, Node(0)),
            topology.len(),
            ms(30_000),
            ms(100),
        ),
        connections: Connections::new(Sharing::GroupApart, 3),
        coordinator: Coordinator::new(ms(5_000)),
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
    let placement = Placement::by_number(3, 3);
    PartitionState {
        leader: Some(Node(leader)),
        leader_epoch,
        ..placement.place(partition)
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
