//! A broker.

use super::connections::{Connections, Reply};
use super::coordinator::Coordinator;
use super::env::ClusterEnv;
use super::fetch::Parked;
use super::fetcher::Fetcher;
use super::observations;
#[cfg(feature = "wire")]
use super::producers::ProducerState;
use super::reader::Readers;
use super::replica::Replica;
use super::settings::ClusterSettings;
use crate::actor::Actor;
#[cfg(feature = "wire")]
use crate::protocol::LogEntry;
use crate::protocol::{
    BrokerSet, Channel, Channels, Correlation, Dialect, Message, Node, PartitionState, PerBroker,
    Request, Response,
};
use crate::table::DenseId;
use crate::topology::{PartitionIndex, PartitionSet, PerPartition};
use plimsoll_core::{Instant, NextOffset};
use plimsoll_scenarios::scenario::BrokerSettings;
use std::collections::BTreeMap;
use std::time::Duration;

/// Time after which a stopping broker asks the controller again, once it has its first answer
/// (`BrokerLifecycleManager`).
const SHUTDOWN_RETRY: Duration = Duration::from_millis(50);

/// A broker.
#[derive(Debug)]
pub(crate) struct Broker<D: Dialect> {
    pub(super) node: Node,
    pub(super) settings: BrokerSettings,
    min_insync: u32,
    /// The partitions of `__consumer_offsets`.
    pub(super) offsets: PartitionSet,
    pub(super) controller: Node,
    /// The partitions that existed when the cluster began.
    initial: Vec<PartitionState>,
    life: Life,
    /// Number of its process, from 1.
    incarnation: u32,
    /// The time of its process's last start, and how long that had run by then: the first one is older
    /// than the cluster's beginning.
    started: (Instant, Duration),
    heartbeat_at: Instant,
    pub(super) replicas: PerPartition<Replica<D>>,
    /// The brokers that may be in in-sync sets.
    pub(super) active: BrokerSet,
    /// Fetchers, by leader.
    pub(super) fetchers: PerBroker<Fetcher>,
    pub(super) connections: Connections<D>,
    /// Partitions in which writes wait, or waited a moment ago.
    pub(super) awaiting: PartitionSet,
    /// Fetches that wait for records.
    pub(super) parked: Vec<Parked>,
    /// The nodes that fetch from it.
    pub(super) readers: Readers,
    /// Coordinators, by the partitions of `__consumer_offsets` that this broker leads.
    pub(super) coordinators: BTreeMap<PartitionIndex, Coordinator<D>>,
    /// Time of the next look for followers that lag.
    pub(super) lag_check_at: Instant,
    /// Time at which to send proposals again that were not answered.
    pub(super) propose_again_at: Instant,
    correlations: u32,
    /// Time of the next wakeup, not later than the earliest deadline.
    wakeup: Instant,
}

/// The stage of a broker's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    /// Not running.
    Down,
    /// Running, but not admitted by the controller yet: it serves no requests.
    Registering,
    /// Admitted, and waiting for the metadata. It opens its ports with them (`BrokerServer.startup`
    /// enables request processing last): no client is ever told that there are no topics.
    CatchingUp,
    /// Serving.
    Running,
    /// Serving, and waiting for leave to stop.
    Stopping,
}

impl<D: Dialect> Broker<D> {
    /// Creates the broker at `node`, not running.
    pub(crate) fn new(cluster: &ClusterSettings, node: Node) -> Self {
        let brokers = (0..cluster.brokers).map(Node::from_index);
        Self {
            node,
            settings: cluster.broker.clone(),
            min_insync: cluster.min_insync,
            offsets: cluster.offsets.clone(),
            controller: cluster.controller,
            initial: cluster.initial.clone(),
            life: Life::Down,
            incarnation: 0,
            started: (Instant::ZERO, cluster.ages[node.index()]),
            heartbeat_at: Instant::ZERO,
            replicas: PerPartition::new(cluster.partitions, |_| Replica::default()),
            active: brokers.fold(BrokerSet::default(), BrokerSet::with),
            fetchers: PerBroker::new(cluster.brokers, |_| Fetcher::default()),
            connections: Connections::default(),
            awaiting: PartitionSet::default(),
            parked: Vec::new(),
            readers: Readers::default(),
            coordinators: BTreeMap::new(),
            lag_check_at: Instant::FAR_FUTURE,
            propose_again_at: Instant::FAR_FUTURE,
            correlations: 0,
            wakeup: Instant::FAR_FUTURE,
        }
    }

    /// Returns both ends of a partition as its leader has them: log start and high watermark.
    pub(crate) fn log_ends(&self, partition: PartitionIndex) -> (NextOffset, NextOffset) {
        let replica = self.replicas.get(partition);
        let ends = replica.map(|replica| (replica.log.start(), replica.high_watermark()));
        let (log_start, log_end) = ends.unwrap_or_default();
        (NextOffset::new(log_start), NextOffset::new(log_end))
    }

    /// Returns the broker's node.
    #[cfg(feature = "wire")]
    pub(crate) fn node(&self) -> Node {
        self.node
    }

    /// Returns whether the broker leads a partition.
    #[cfg(feature = "wire")]
    pub(crate) fn leads(&self, partition: PartitionIndex) -> bool {
        let replica = self.replicas.get(partition);
        replica.is_some_and(Replica::is_leader)
    }

    /// Returns what a partition's log holds, where the broker is one of its replicas.
    #[cfg(feature = "wire")]
    pub(crate) fn hosted(&self, partition: PartitionIndex) -> Option<&[LogEntry<D>]> {
        let replica = self.replicas.get(partition)?;
        let is_here = replica.state?.replicas.contains(self.node);
        is_here.then(|| replica.log.all())
    }

    /// Returns the producers that a partition's log knows, where the broker is one of its replicas.
    #[cfg(feature = "wire")]
    pub(crate) fn producers(
        &self,
        partition: PartitionIndex,
    ) -> Option<impl Iterator<Item = ProducerState>> {
        let replica = self.replicas.get(partition)?;
        let is_here = replica.state?.replicas.contains(self.node);
        is_here.then(|| replica.log.producers())
    }

    /// Compares the log of a partition that it leads with what could be read in the run.
    pub(crate) fn compare_log(&self, env: &mut impl ClusterEnv<D>, partition: PartitionIndex) {
        if let Some(replica) = self.replicas.get(partition) {
            observations::compared(env, partition, &replica.log, replica.leader_epoch());
        }
    }

    /// Returns the coordinator of the groups in a partition of `__consumer_offsets`, if this broker
    /// leads that.
    pub(crate) fn coordinator(&self, offsets: PartitionIndex) -> Option<&Coordinator<D>> {
        self.coordinators.get(&offsets)
    }
}

impl<D: Dialect, E: ClusterEnv<D>> Actor<D, E> for Broker<D> {
    /// Starts the process: for the first time, or with the log that an earlier one left.
    fn start(&mut self, env: &mut E) {
        self.incarnation += 1;
        self.lag_check_at = Instant::FAR_FUTURE;
        self.propose_again_at = Instant::FAR_FUTURE;
        self.wakeup = Instant::FAR_FUTURE;
        let now = env.now();
        if self.incarnation == 1 {
            // The cluster has been up for a while when a run begins.
            self.life = Life::Running;
            self.started.0 = now;
            self.heartbeat_at = self.next_beat(now, self.settings.broker_heartbeat_interval);
            self.wake_by(self.heartbeat_at);
            let states = std::mem::take(&mut self.initial);
            self.handle_metadata(env, states);
        } else {
            self.life = Life::Registering;
            self.started = (now, Duration::ZERO);
            self.send_heartbeat(env);
        }
    }

    /// Kills the process at once; its log stays.
    fn crash(&mut self, env: &mut E) {
        let now = env.now();
        self.replicas
            .values_mut()
            .for_each(|replica| replica.crash(now));
        self.end_process();
    }

    /// Stops the process cleanly: leaderships move away first; then `is_running` becomes false.
    fn stop(&mut self, env: &mut E) {
        match self.life {
            Life::Running => {
                self.life = Life::Stopping;
                self.send_heartbeat(env);
            }
            Life::Registering | Life::CatchingUp => self.shut_down(),
            Life::Down | Life::Stopping => {}
        }
    }

    fn handle_message(&mut self, env: &mut E, from: Node, channel: Channel, message: Message<D>) {
        self.reach_partitions(env);
        match message {
            Message::Request(..) if !self.is_open() => env.cut(self.node, from),
            Message::Request(correlation, request) => {
                self.take_request(env, (from, channel), correlation, request);
            }
            Message::Response(correlation, response) => {
                self.handle_response(env, from, correlation, response);
            }
            // Meant for an earlier process.
            Message::MetadataUpdate { .. } if self.life == Life::Registering => {}
            Message::MetadataUpdate {
                partitions,
                removed,
                active,
                registered,
            } => {
                if self.life == Life::CatchingUp {
                    self.life = Life::Running;
                }
                self.active = active;
                self.forget_followers(registered);
                self.remove_partitions(env, &removed);
                self.handle_metadata(env, partitions);
            }
        }
        self.handle_waiting_requests(env);
    }

    fn handle_disconnected(&mut self, env: &mut E, peer: Node, channels: Channels) {
        self.connections.disconnect(peer, channels);
        if channels.contains(Channel::Fetch) {
            self.forget_reader(env, peer);
        }
        if peer == self.controller {
            self.lose_proposals(env.now());
        } else if self.fetchers.contains(peer) {
            self.fetch_failed(env, peer);
        }
    }

    fn handle_timeout(&mut self, env: &mut E) {
        let now = env.now();
        if self.life == Life::Down || self.wakeup > now {
            return;
        }
        // Every deadline that is left, or is new, lowers it again.
        self.wakeup = Instant::FAR_FUTURE;
        if self.heartbeat_at <= now {
            self.send_heartbeat(env);
        }
        self.wake_by(self.heartbeat_at);
        self.expire_parked(env);
        self.expire_waiting(env);
        self.retry_fetches(env);
        self.check_lag(env);
        self.propose_again(env);
        self.expire_groups(env);
        self.handle_waiting_requests(env);
    }

    #[inline]
    fn next_timeout(&self) -> Option<Instant> {
        (self.wakeup < Instant::FAR_FUTURE).then_some(self.wakeup)
    }

    fn is_running(&self) -> bool {
        self.life != Life::Down
    }
}

impl<D: Dialect> Broker<D> {
    /// Returns whether the broker accepts connections.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.life, Life::Running | Life::Stopping)
    }

    /// Does what a request asks that arrived on a connection which its client had closed before.
    pub(crate) fn handle_late_request(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        from: Node,
        channel: Channel,
        correlation: Correlation,
        request: Request<D>,
    ) {
        if self.is_open() {
            self.reach_partitions(env);
            let reply = Reply::to_closed(from, channel, correlation);
            self.handle_request(env, reply, request);
            self.handle_waiting_requests(env);
        }
    }

    /// Makes room for partitions that were created since: what it is asked may name them before the
    /// controller tells of them.
    #[inline]
    fn reach_partitions(&mut self, env: &mut impl ClusterEnv<D>) {
        let partitions = env.shared().partitions();
        if self.replicas.len() < partitions {
            self.replicas.grow(partitions);
        }
    }

    /// Returns `min.insync.replicas` of a partition.
    #[inline]
    pub(super) fn min_insync(
        &self,
        env: &mut impl ClusterEnv<D>,
        partition: PartitionIndex,
    ) -> u32 {
        let own = env.shared().min_insync(partition);
        own.unwrap_or(self.min_insync)
    }

    /// Returns the next moment of a beat that began with its process.
    pub(super) fn next_beat(&self, now: Instant, period: Duration) -> Instant {
        let (started, age) = self.started;
        let age = (age + now.saturating_since(started)).as_nanos();
        let since_last = age.checked_rem(period.as_nanos()).unwrap_or_default() as u64;
        now + period.saturating_sub(Duration::from_nanos(since_last))
    }

    /// Makes `handle_timeout` happen at `at` or before.
    #[inline]
    pub(super) fn wake_by(&mut self, at: Instant) {
        self.wakeup = self.wakeup.min(at);
    }

    /// Answers a request, unless its connection is gone.
    #[inline]
    pub(super) fn reply(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        reply: Reply,
        response: Response<D>,
    ) {
        let response = match reply.part {
            None => response,
            Some(part) => match self.connections.gather(reply, part, response) {
                Some(all) => Response::Parts(all),
                None => return,
            },
        };
        if self.connections.finish(reply) {
            env.respond(
                self.node,
                reply.node,
                reply.channel,
                reply.correlation,
                response,
            );
        }
    }

    /// Sends a request to another broker or to the controller.
    pub(super) fn request(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        to: Node,
        channel: Channel,
        request: Request<D>,
    ) -> Correlation {
        self.correlations += 1;
        let correlation = Correlation(self.correlations);
        let message = Message::Request(correlation, request);
        env.send(self.node, to, channel, message);
        correlation
    }

    /// Does what a request asks.
    #[inline]
    pub(super) fn handle_request(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        reply: Reply,
        request: Request<D>,
    ) {
        match request {
            Request::Fetch(request) => self.handle_fetch(env, reply, request),
            Request::Produce {
                partition,
                batch,
                acks,
                timeout_ms,
            } => self.handle_produce(env, reply, partition, batch, (acks, timeout_ms)),
            Request::ApiVersions => self.reply(env, reply, Response::ApiVersions),
            Request::Metadata => self.handle_metadata_request(env, reply),
            Request::FindCoordinator { group } => self.handle_find_coordinator(env, reply, group),
            Request::Offsets(request) => self.handle_offsets(env, reply, request),
            Request::Parts(parts) => self.handle_parts(env, reply, parts),
            Request::BrokerHeartbeat { .. } | Request::AlterPartition { .. } => {
                debug_assert!(false, "meant for the controller");
                self.connections.finish(reply);
            }
            request => self.handle_group_request(env, reply, request),
        }
    }

    /// Works at the parts of a request side by side: what one waits for does not keep the others.
    fn handle_parts(&mut self, env: &mut impl ClusterEnv<D>, reply: Reply, parts: Vec<Request<D>>) {
        self.connections.expect_parts(reply, parts.len());
        for (part, request) in (0..).zip(parts) {
            self.handle_request(env, reply.of_part(part), request);
        }
    }

    #[inline]
    fn handle_response(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        from: Node,
        correlation: Correlation,
        response: Response<D>,
    ) {
        match response {
            Response::Fetch(response) => {
                self.handle_fetch_response(env, from, correlation, response);
            }
            Response::AlterPartition(result) => self.handle_altered(env, correlation, result),
            Response::BrokerHeartbeat { should_shutdown } => {
                self.handle_heartbeat_response(env, should_shutdown);
            }
            _ => debug_assert!(false, "brokers ask nothing else"),
        }
    }

    fn send_heartbeat(&mut self, env: &mut impl ClusterEnv<D>) {
        let heartbeat = Request::BrokerHeartbeat {
            incarnation: self.incarnation,
            wants_shutdown: self.life == Life::Stopping,
        };
        self.request(env, self.controller, Channel::Data, heartbeat);
        self.heartbeat_at = env.now() + self.settings.broker_heartbeat_interval;
        self.wake_by(self.heartbeat_at);
    }

    fn handle_heartbeat_response(&mut self, env: &mut impl ClusterEnv<D>, should_shutdown: bool) {
        match self.life {
            Life::Registering => self.life = Life::CatchingUp,
            Life::Stopping if should_shutdown => self.shut_down(),
            Life::Stopping => {
                self.heartbeat_at = self.heartbeat_at.min(env.now() + SHUTDOWN_RETRY);
                self.wake_by(self.heartbeat_at);
            }
            Life::CatchingUp | Life::Running | Life::Down => {}
        }
    }

    fn shut_down(&mut self) {
        self.replicas.values_mut().for_each(Replica::shut_down);
        self.end_process();
    }

    fn end_process(&mut self) {
        self.life = Life::Down;
        self.fetchers.values_mut().for_each(Fetcher::reset);
        self.connections.disconnect_all();
        self.awaiting.clear();
        self.parked.clear();
        for node in self.readers.nodes() {
            self.readers.forget(node, &mut self.replicas);
        }
        self.coordinators.clear();
        self.wakeup = Instant::FAR_FUTURE;
    }
}
