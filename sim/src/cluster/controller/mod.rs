//! The controller (KRaft's active controller, which a quorum keeps alive: it never fails here).

mod topics;

use super::env::{ClusterEnv, Observation};
use super::placement::Placement;
use super::settings::ClusterSettings;
use crate::actor::Actor;
use crate::protocol::{
    AlterRefusal, BrokerSet, Channel, Channels, Correlation, Dialect, Message, Node,
    PartitionState, PerBroker, Request, Response,
};
use crate::table::DenseId;
use crate::topology::{PartitionIndex, PerPartition};
use plimsoll_core::Instant;
use std::time::Duration;

/// The controller.
#[derive(Debug)]
pub(crate) struct Controller {
    node: Node,
    session_timeout: Duration,
    placement: Placement,
    /// Partitions; `None`: it does not exist yet, or not any more.
    partitions: PerPartition<Option<PartitionState>>,
    brokers: PerBroker<Registration>,
    /// Partitions whose new state the brokers do not know yet.
    changed: Vec<PartitionIndex>,
    /// Partitions that are gone, and of which the brokers do not know yet.
    removed: Vec<PartitionIndex>,
    /// Whether all brokers learn of every in-sync set.
    publishes_in_sync: bool,
    /// The active brokers, as the brokers know them.
    published: BrokerSet,
    /// Brokers whose processes have registered, and of which the brokers do not know yet.
    registered: BrokerSet,
    /// Time of the next wakeup, not later than the earliest end of a broker's session.
    wakeup: Instant,
}

/// The controller's knowledge of a broker.
#[derive(Clone, Copy, Debug)]
struct Registration {
    incarnation: u32,
    state: BrokerState,
    /// Time of its last heartbeat.
    contact: Instant,
}

/// The state of a broker, by what it may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BrokerState {
    /// Free to lead, and to be in in-sync sets.
    Active,
    /// On its way to stop: it leads nothing any more.
    Stopping,
    /// Silent for too long, or stopped.
    Fenced,
}

impl Controller {
    /// Creates the controller of a new cluster, all brokers registered, leaders spread over them.
    pub(crate) fn new(cluster: &ClusterSettings) -> Self {
        let session_timeout = cluster.broker.broker_session_timeout;
        let brokers = (0..cluster.brokers).map(Node::from_index);
        let mut partitions = PerPartition::new(cluster.partitions, |_| None);
        for state in &cluster.initial {
            partitions[state.partition] = Some(*state);
        }
        let registration = Registration {
            incarnation: 1,
            state: BrokerState::Active,
            contact: Instant::ZERO,
        };
        Self {
            node: cluster.controller,
            session_timeout,
            placement: cluster.placement,
            partitions,
            brokers: PerBroker::new(cluster.brokers, |_| registration),
            changed: Vec::new(),
            removed: Vec::new(),
            publishes_in_sync: cluster.publishes_in_sync,
            published: brokers.fold(BrokerSet::default(), BrokerSet::with),
            registered: BrokerSet::default(),
            wakeup: Instant::ZERO + session_timeout,
        }
    }

    /// Returns the leader of a partition as the controller decided it.
    pub(crate) fn leader(&self, partition: PartitionIndex) -> Option<Node> {
        self.partition(partition)?.leader
    }

    /// Returns whether a partition exists by now.
    pub(crate) fn exists(&self, partition: PartitionIndex) -> bool {
        self.partition(partition).is_some()
    }

    /// Returns whether every partition has a leader and all its replicas in sync.
    pub(crate) fn is_healthy(&self) -> bool {
        let mut partitions = self.partitions.values().flatten();
        partitions.all(|state| state.leader.is_some() && state.in_sync == state.replicas)
    }

    /// Makes another in-sync replica the leader of a partition. Returns `false` where there is
    /// none.
    pub(crate) fn move_leader<D: Dialect>(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        partition: PartitionIndex,
    ) -> bool {
        let Some(state) = self.partition(partition) else {
            return false;
        };
        let Some(leader) = state.leader else {
            return false;
        };
        let Some(next) = self.candidate(state, state.in_sync.without(leader)) else {
            return false;
        };
        self.lead(env, partition, Some(next), state.in_sync);
        self.publish(env);
        true
    }
}

/// It runs from the beginning to the end.
impl<D: Dialect, E: ClusterEnv<D>> Actor<D, E> for Controller {
    fn start(&mut self, _env: &mut E) {}

    fn stop(&mut self, _env: &mut E) {}

    fn crash(&mut self, _env: &mut E) {}

    fn handle_message(&mut self, env: &mut E, from: Node, _channel: Channel, message: Message<D>) {
        match message {
            Message::Request(
                correlation,
                Request::BrokerHeartbeat {
                    incarnation,
                    wants_shutdown,
                },
            ) => self.handle_heartbeat(env, from, correlation, incarnation, wants_shutdown),
            Message::Request(
                correlation,
                Request::AlterPartition {
                    partition,
                    leader_epoch,
                    partition_epoch,
                    in_sync,
                },
            ) => {
                let altered =
                    self.alter_partition(from, partition, leader_epoch, partition_epoch, in_sync);
                self.respond(env, from, correlation, Response::AlterPartition(altered));
                if altered == Err(AlterRefusal::Stale) {
                    // It may be that only the answer to an earlier proposal was lost: a broker
                    // reads the outcome in the metadata log.
                    let partitions = self.partition(partition).into_iter().collect();
                    self.send_update(env, from, partitions, Vec::new());
                } else if self.publishes_in_sync && altered.is_ok() {
                    self.changed.push(partition);
                    self.publish(env);
                }
            }
            Message::Request(correlation, Request::Admin(request)) => {
                let response = self.handle_admin(env, *request);
                self.respond(env, from, correlation, response.into());
            }
            _ => debug_assert!(false, "no request for the controller"),
        }
    }

    /// Does nothing: a broker that is silent is noticed by the end of its session.
    fn handle_disconnected(&mut self, _env: &mut E, _peer: Node, _channels: Channels) {}

    fn handle_timeout(&mut self, env: &mut E) {
        let now = env.now();
        self.wakeup = Instant::FAR_FUTURE;
        for node in self.brokers.ids() {
            let broker = &mut self.brokers[node];
            if broker.state == BrokerState::Fenced {
                continue;
            }
            let expires = broker.contact + self.session_timeout;
            if expires <= now {
                broker.state = BrokerState::Fenced;
                self.depose(env, node);
            } else {
                self.wakeup = self.wakeup.min(expires);
            }
        }
        self.publish(env);
    }

    fn next_timeout(&self) -> Option<Instant> {
        (self.wakeup < Instant::FAR_FUTURE).then_some(self.wakeup)
    }

    fn is_running(&self) -> bool {
        true
    }
}

/// Brokers.
impl Controller {
    fn handle_heartbeat<D: Dialect>(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        from: Node,
        correlation: Correlation,
        incarnation: u32,
        wants_shutdown: bool,
    ) {
        let broker = &mut self.brokers[from];
        if incarnation < broker.incarnation {
            return;
        }
        if incarnation > broker.incarnation {
            // `DUPLICATE_BROKER_REGISTRATION`: as long as the old process may live, the new one
            // has to wait (`ClusterControlManager.registerBroker`); it asks again.
            if broker.state != BrokerState::Active {
                broker.incarnation = incarnation;
                self.registered = self.registered.with(from);
                self.admit(env, from, correlation);
            }
            return;
        }
        broker.contact = env.now();
        match (wants_shutdown, broker.state) {
            (false, BrokerState::Active | BrokerState::Stopping) => {}
            (false, BrokerState::Fenced) => self.admit(env, from, correlation),
            (true, BrokerState::Active) => {
                broker.state = BrokerState::Stopping;
                self.depose(env, from);
                self.publish(env);
                self.answer_heartbeat(env, from, correlation, false);
            }
            (true, BrokerState::Stopping | BrokerState::Fenced) => {
                broker.state = BrokerState::Fenced;
                self.answer_heartbeat(env, from, correlation, true);
            }
        }
    }

    /// Admits a broker that registers, or comes back after it was fenced: it gets the whole
    /// metadata.
    fn admit<D: Dialect>(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        node: Node,
        correlation: Correlation,
    ) {
        let broker = &mut self.brokers[node];
        broker.state = BrokerState::Active;
        broker.contact = env.now();
        self.wakeup = self.wakeup.min(broker.contact + self.session_timeout);
        for partition in self.partitions.ids() {
            if let Some(state) = self.partition(partition)
                && state.leader.is_none()
                && state.in_sync.contains(node)
            {
                self.lead(env, partition, Some(node), state.in_sync);
            }
        }
        // The answer comes first: what follows it is meant for this incarnation.
        self.answer_heartbeat(env, node, correlation, false);
        let all = self.partitions.values().flatten().copied().collect();
        let gone = self
            .partitions
            .ids()
            .filter(|partition| !self.exists(*partition));
        self.send_update(env, node, all, gone.collect());
        self.publish(env);
    }

    /// Takes a broker's leaderships, and takes it out of all in-sync sets in which another stays.
    fn depose<D: Dialect>(&mut self, env: &mut impl ClusterEnv<D>, node: Node) {
        for partition in self.partitions.ids() {
            let Some(state) = self.partition(partition) else {
                continue;
            };
            if !state.in_sync.contains(node) {
                continue;
            }
            let mut in_sync = state.in_sync.without(node);
            if in_sync.is_empty() {
                in_sync = state.in_sync;
            }
            let leader = match state.leader {
                Some(leader) if leader == node => self.candidate(state, in_sync.without(node)),
                other => other,
            };
            self.lead(env, partition, leader, in_sync);
        }
    }

    fn is_active(&self, node: Node) -> bool {
        self.brokers[node].state == BrokerState::Active
    }

    fn answer_heartbeat<D: Dialect>(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        to: Node,
        correlation: Correlation,
        should_shutdown: bool,
    ) {
        let response = Response::BrokerHeartbeat { should_shutdown };
        self.respond(env, to, correlation, response);
    }

    fn respond<D: Dialect>(
        &self,
        env: &mut impl ClusterEnv<D>,
        to: Node,
        correlation: Correlation,
        response: Response<D>,
    ) {
        env.respond(self.node, to, Channel::Data, correlation, response);
    }
}

/// Partitions.
impl Controller {
    fn partition(&self, partition: PartitionIndex) -> Option<PartitionState> {
        self.partitions.get(partition).copied().flatten()
    }

    /// Returns the preferred broker of those that may lead: never one that is not in sync.
    fn candidate(&self, state: PartitionState, among: BrokerSet) -> Option<Node> {
        let mut replicas = state.order.of(state.replicas);
        replicas.find(|broker| among.contains(*broker) && self.is_active(*broker))
    }

    /// Decides a partition's leader and in-sync set.
    fn lead<D: Dialect>(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        partition: PartitionIndex,
        leader: Option<Node>,
        in_sync: BrokerSet,
    ) {
        let Some(state) = &mut self.partitions[partition] else {
            return;
        };
        if (state.leader, state.in_sync) == (leader, in_sync) {
            return;
        }
        state.in_sync = in_sync;
        state.partition_epoch += 1;
        self.changed.push(partition);
        if state.leader == leader {
            return;
        }
        state.leader = leader;
        state.leader_epoch += 1;
        let epoch = state.leader_epoch;
        if let Some(leader) = leader {
            env.observe(Observation::LeaderChanged {
                partition,
                leader,
                epoch,
            });
        }
    }

    /// Decides on a new in-sync set for which a leader asks
    /// (`ReplicationControlManager.alterPartition`).
    ///
    /// Only the leader learns the outcome: in-sync sets mean nothing to the other brokers until one
    /// of them leads, and then it gets the whole state.
    fn alter_partition(
        &mut self,
        from: Node,
        partition: PartitionIndex,
        leader_epoch: u32,
        partition_epoch: u32,
        in_sync: BrokerSet,
    ) -> Result<(), AlterRefusal> {
        let is_eligible = in_sync.iter().all(|broker| self.is_active(broker));
        let known = self.partitions.get_mut(partition).and_then(Option::as_mut);
        let known = known.filter(|state| {
            state.leader == Some(from)
                && state.leader_epoch == leader_epoch
                && state.partition_epoch == partition_epoch
        });
        let state = known.ok_or(AlterRefusal::Stale)?;
        if !is_eligible {
            return Err(AlterRefusal::Ineligible);
        }
        state.in_sync = in_sync;
        state.partition_epoch += 1;
        Ok(())
    }

    fn active(&self) -> BrokerSet {
        let brokers = self.brokers.ids().filter(|broker| self.is_active(*broker));
        brokers.fold(BrokerSet::default(), BrokerSet::with)
    }

    /// Tells all brokers that live what has changed, in one message each.
    fn publish<D: Dialect>(&mut self, env: &mut impl ClusterEnv<D>) {
        let active = self.active();
        let is_same = self.published == active && self.registered.is_empty();
        if self.changed.is_empty() && self.removed.is_empty() && is_same {
            return;
        }
        self.published = active;
        self.changed.dedup();
        let changed = self.changed.drain(..);
        let states: Vec<_> = changed
            .filter_map(|partition| self.partitions[partition])
            .collect();
        let removed = std::mem::take(&mut self.removed);
        for node in self.brokers.ids() {
            if self.brokers[node].state != BrokerState::Fenced {
                self.send_update(env, node, states.clone(), removed.clone());
            }
        }
        self.registered = BrokerSet::default();
    }

    fn send_update<D: Dialect>(
        &self,
        env: &mut impl ClusterEnv<D>,
        to: Node,
        partitions: Vec<PartitionState>,
        removed: Vec<PartitionIndex>,
    ) {
        let active = self.active();
        let update = Message::MetadataUpdate {
            partitions,
            removed,
            active,
            registered: self.registered,
        };
        env.send(self.node, to, Channel::Data, update);
    }
}
