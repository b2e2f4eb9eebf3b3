//! What goes wrong, as the caller says.

use super::cluster::{ServedCluster, broker_at};
use crate::protocol::{GroupIndex, Node, Request};
use crate::topology::PartitionIndex;
use crate::wire::Edge;
use plimsoll_codec::Wire;
use plimsoll_core::Instant;
use plimsoll_oracle::{BrokerId, ErrorName, RequestKind};
use plimsoll_scenarios::Rng;
use std::time::Duration;

/// Requests of clients to which something happens.
#[derive(Clone, Debug)]
pub struct Faulty {
    /// Their kind.
    pub request: RequestKind,
    /// The broker that gets them; `None`: any.
    pub broker: Option<BrokerId>,
    /// The group that they are about; `None`: any, or none.
    pub group: Option<String>,
    /// The client id of those that send them; `None`: any.
    pub client_id: Option<String>,
    /// The number of them, from the next one on.
    pub count: u32,
}

/// A share of the requests of clients, answered with an error until that is ended.
#[derive(Clone, Debug)]
pub struct Failing {
    /// The number by which it is ended.
    pub number: u32,
    /// Their kind.
    pub request: RequestKind,
    /// The broker that gets them; `None`: any.
    pub broker: Option<BrokerId>,
    /// The one partition for which they fail, of those that name it; `None`: they fail as a whole.
    pub partition: Option<(String, i32)>,
    /// The client id of those that never fail; `None`: there are none.
    pub spared: Option<&'static str>,
    /// The error.
    pub error: ErrorName,
    /// The share of them, 0 to 1.
    pub share: f64,
    /// The source of the choice among them.
    pub rng: Rng,
}

/// Something that a fault is about and that the cluster has not got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown(pub &'static str);

/// Faults that wait for requests.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    errors: Vec<(Faulty, ErrorName)>,
    losses: Vec<Faulty>,
    failing: Vec<Begun>,
}

/// What [`ServedCluster::begin_failing`] began.
#[derive(Debug)]
struct Begun {
    failing: Failing,
    partition: Option<PartitionIndex>,
    /// Whether it has answered any request.
    used: bool,
}

impl Waiting {
    /// Returns the error with which a broker is to answer a request, without looking at it, and the
    /// one partition for which it is; `None`: all of it.
    pub(super) fn error(
        &mut self,
        edge: &Edge,
        to: Node,
        client_id: Option<&str>,
        request: &Request<Wire>,
    ) -> Option<(ErrorName, Option<PartitionIndex>)> {
        let mut failing = self.failing.iter_mut();
        let failing = failing.find_map(|begun| begun.error(to, client_id, request));
        if failing.is_some() {
            return failing;
        }
        let mut errors = self.errors.iter();
        let place = errors.position(|(faulty, _)| faulty.is(edge, to, client_id, request))?;
        let (faulty, error) = &mut self.errors[place];
        let error = *error;
        faulty.count -= 1;
        self.errors.retain(|(faulty, _)| faulty.count > 0);
        Some((error, None))
    }

    /// Returns whether the answer to a request is to be lost.
    pub(super) fn loses(
        &mut self,
        edge: &Edge,
        to: Node,
        client_id: Option<&str>,
        request: &Request<Wire>,
    ) -> bool {
        let mut losses = self.losses.iter_mut();
        let Some(faulty) = losses.find(|faulty| faulty.is(edge, to, client_id, request)) else {
            return false;
        };
        faulty.count -= 1;
        self.losses.retain(|faulty| faulty.count > 0);
        true
    }
}

/// Takes those parts out of a request that are about a partition, where others are left. Returns
/// their places.
pub(super) fn take_parts(request: &mut Request<Wire>, of: PartitionIndex) -> Vec<usize> {
    let Request::Parts(parts) = request else {
        return Vec::new();
    };
    let places = parts.iter().enumerate();
    let places: Vec<usize> = places
        .filter_map(|(place, part)| part.names(of).then_some(place))
        .collect();
    if places.len() == parts.len() {
        return Vec::new();
    }
    parts.retain(|part| !part.names(of));
    places
}

impl Faulty {
    fn is(&self, edge: &Edge, to: Node, client_id: Option<&str>, request: &Request<Wire>) -> bool {
        let sends = self.client_id.is_none() || self.client_id.as_deref() == client_id;
        let is_there = self.broker.is_none_or(|broker| broker == broker_at(to));
        let is_of = |name: &String| {
            let group = group_of(request);
            group.is_some() && group == edge.group(name)
        };
        let asks = request.kind() == Some(self.request);
        is_there && sends && asks && self.group.as_ref().is_none_or(is_of)
    }
}

/// Returns the group that a request is about.
fn group_of(request: &Request<Wire>) -> Option<GroupIndex> {
    match request {
        Request::JoinGroup(join) => Some(join.group),
        Request::SyncGroup { sender, .. }
        | Request::Heartbeat(sender)
        | Request::OffsetCommit { sender, .. } => Some(sender.group),
        Request::FindCoordinator { group }
        | Request::LeaveGroup { group, .. }
        | Request::OffsetFetch { group, .. } => Some(*group),
        _ => None,
    }
}

impl Begun {
    fn error(
        &mut self,
        to: Node,
        client_id: Option<&str>,
        request: &Request<Wire>,
    ) -> Option<(ErrorName, Option<PartitionIndex>)> {
        let failing = &mut self.failing;
        let hits = failing.broker.is_none_or(|broker| broker == broker_at(to))
            && request.kind() == Some(failing.request)
            && self.partition.is_none_or(|of| request.names(of))
            && (failing.spared.is_none() || client_id != failing.spared)
            && failing.rng.chance(failing.share);
        self.used |= hits;
        hits.then_some((failing.error, self.partition))
    }
}

/// Faults. Each call is about brokers that the cluster has, or says which it has not.
impl ServedCluster {
    /// Kills a broker's process; its logs stay.
    ///
    /// # Errors
    /// Where there is no such broker.
    pub fn crash(&mut self, now: Instant, broker: BrokerId) -> Result<(), Unknown> {
        let node = self.node_of(broker)?;
        self.change(now, |cluster| cluster.world.crash(node));
        Ok(())
    }

    /// Starts a broker that does not run; one that is stopping starts again when it has stopped.
    ///
    /// # Errors
    /// Where there is no such broker.
    pub fn start(&mut self, now: Instant, broker: BrokerId) -> Result<(), Unknown> {
        let node = self.node_of(broker)?;
        self.change(now, |cluster| cluster.world.start(node));
        Ok(())
    }

    /// Stops a broker: its leaderships move away first.
    ///
    /// # Errors
    /// Where there is no such broker.
    pub fn stop(&mut self, now: Instant, broker: BrokerId) -> Result<(), Unknown> {
        let node = self.node_of(broker)?;
        self.change(now, |cluster| cluster.world.stop(node));
        Ok(())
    }

    /// Makes a broker stand still. It accepts connections, as its kernel does that for it.
    ///
    /// # Errors
    /// Where there is no such broker.
    pub fn pause(&mut self, now: Instant, broker: BrokerId) -> Result<(), Unknown> {
        let node = self.node_of(broker)?;
        self.change(now, |cluster| cluster.world.pause(node));
        Ok(())
    }

    /// Lets a broker go on that stands still.
    ///
    /// # Errors
    /// Where there is no such broker.
    pub fn resume(&mut self, now: Instant, broker: BrokerId) -> Result<(), Unknown> {
        let node = self.node_of(broker)?;
        self.change(now, |cluster| {
            cluster.world.resume(node);
            cluster.go_on(node);
        });
        Ok(())
    }

    /// Cuts a broker off from the other brokers and the controller; clients reach it. Once more
    /// changes nothing.
    ///
    /// # Errors
    /// Where there is no such broker.
    pub fn isolate(&mut self, now: Instant, broker: BrokerId) -> Result<(), Unknown> {
        let node = self.node_of(broker)?;
        self.change(now, |cluster| cluster.world.isolate(node));
        Ok(())
    }

    /// Cuts a broker off from all: from the other brokers and the controller, and from clients,
    /// whose requests and answers wait. To do so again changes nothing.
    ///
    /// # Errors
    /// Where there is no such broker.
    pub fn cut_off(&mut self, now: Instant, broker: BrokerId) -> Result<(), Unknown> {
        let node = self.node_of(broker)?;
        self.change(now, |cluster| {
            cluster.world.isolate(node);
            cluster.cut_off.insert(node);
        });
        Ok(())
    }

    /// Ends what [`isolate`](Self::isolate) or [`cut_off`](Self::cut_off) began.
    ///
    /// # Errors
    /// Where there is no such broker.
    pub fn reunite(&mut self, now: Instant, broker: BrokerId) -> Result<(), Unknown> {
        let node = self.node_of(broker)?;
        self.change(now, |cluster| cluster.reach(node));
        Ok(())
    }

    /// Delays everything that a broker sends (zero: no more).
    ///
    /// # Errors
    /// Where there is no such broker.
    pub fn throttle(
        &mut self,
        now: Instant,
        broker: BrokerId,
        by: Duration,
    ) -> Result<(), Unknown> {
        let node = self.node_of(broker)?;
        self.change(now, |cluster| {
            cluster.world.env.network.throttle(node, by);
            cluster.world.env.delays[node] = by;
        });
        Ok(())
    }

    /// Closes the connections of all clients with this client id; of all with `None`. Returns the
    /// number of them.
    pub fn cut(&mut self, now: Instant, client_id: Option<&str>) -> usize {
        let mut closed = 0;
        self.change(now, |cluster| closed = cluster.close_all_of(client_id));
        closed
    }

    /// Makes another in-sync replica the leader of a partition. Returns `false` where there is
    /// none.
    ///
    /// # Errors
    /// Where there is no such partition.
    pub fn move_leader(
        &mut self,
        now: Instant,
        topic: &str,
        partition: i32,
    ) -> Result<bool, Unknown> {
        let partition = self
            .edge
            .partition(topic, partition)
            .ok_or(Unknown("partition"))?;
        Ok(self.move_leader_of(now, partition))
    }

    /// Makes the broker of another in-sync replica the coordinator of a group. Returns `false`
    /// where there is none.
    ///
    /// # Errors
    /// Where there is no such group.
    pub fn move_coordinator(&mut self, now: Instant, group: &str) -> Result<bool, Unknown> {
        let group = self.edge.group(group).ok_or(Unknown("group"))?;
        let offsets = self.world.env.shared.offsets_of(group);
        Ok(self.move_leader_of(now, offsets))
    }

    fn move_leader_of(&mut self, now: Instant, partition: PartitionIndex) -> bool {
        let mut moved = false;
        self.change(now, |cluster| {
            let world = &mut cluster.world;
            moved = world.controller.move_leader(&mut world.env, partition);
        });
        moved
    }

    /// Answers requests with an error, without looking at them.
    pub fn fail(&mut self, requests: Faulty, error: ErrorName) {
        if requests.count > 0 {
            self.waiting.errors.push((requests, error));
        }
    }

    /// Answers a share of requests with an error, until [`end_failing`](Self::end_failing).
    ///
    /// # Errors
    /// Where there is no such partition.
    pub fn begin_failing(&mut self, failing: Failing) -> Result<(), Unknown> {
        let named = failing.partition.as_ref();
        let partition = named.map(|(topic, partition)| {
            let found = self.edge.partition(topic, *partition);
            found.ok_or(Unknown("partition"))
        });
        self.waiting.failing.push(Begun {
            partition: partition.transpose()?,
            failing,
            used: false,
        });
        Ok(())
    }

    /// Ends what [`begin_failing`](Self::begin_failing) began with this number. Returns whether it
    /// has answered any request.
    pub fn end_failing(&mut self, number: u32) -> bool {
        let mut begun = self.waiting.failing.iter();
        let place = begun.position(|begun| begun.failing.number == number);
        place.is_some_and(|place| self.waiting.failing.remove(place).used)
    }

    /// Lets a group rebalance. Returns `false` where it is not stable.
    ///
    /// # Errors
    /// Where there is no such group.
    pub fn rebalance(&mut self, now: Instant, group: &str) -> Result<bool, Unknown> {
        let group = self.edge.group(group).ok_or(Unknown("group"))?;
        let mut begins = false;
        self.change(now, |cluster| {
            let world = &mut cluster.world;
            let offsets = world.env.shared.offsets_of(group);
            if let Some(coordinator) = world.controller.leader(offsets) {
                let broker = &mut world.brokers[coordinator];
                begins = broker.rebalance_group(&mut world.env, group);
                world.settle(coordinator);
            }
        });
        Ok(begins)
    }

    /// Does what requests ask, and closes their connections in place of the answers.
    pub fn lose_response(&mut self, requests: Faulty) {
        if requests.count > 0 {
            self.waiting.losses.push(requests);
        }
    }

    /// Loses no answer any more.
    pub fn lose_no_response(&mut self) {
        self.waiting.losses.clear();
    }

    /// Ends all faults: every broker runs, nothing is delayed, and no request fails any more.
    pub fn heal(&mut self, now: Instant) {
        self.waiting = Waiting::default();
        self.change(now, |cluster| {
            for node in cluster.world.brokers.ids() {
                cluster.world.env.network.throttle(node, Duration::ZERO);
                cluster.world.env.delays[node] = Duration::ZERO;
                cluster.reach(node);
                cluster.world.resume(node);
                cluster.go_on(node);
                cluster.world.start(node);
            }
        });
    }

    /// Lets brokers and clients reach a broker again, with what waited.
    fn reach(&mut self, node: Node) {
        self.world.reunite(node);
        if self.cut_off.remove(&node) {
            // Those of brokers that are still cut off are held once more.
            self.world.env.said.extend(self.held.drain(..));
            self.go_on(node);
        }
    }
}
