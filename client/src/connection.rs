//! Connections with brokers, and the requests on them: which wait for an answer, until when, and
//! where the client goes on with it.

use crate::{AnyBroker, Behaviour};
use plimsoll_core::Instant;
use plimsoll_protocol::{
    BrokerSet, Channel, Channels, Correlation, Dialect, ErrorName, Node, Request, Sharing,
};
use std::cmp::Reverse;
use std::time::Duration;

/// `reconnect.backoff.ms` and `reconnect.backoff.max.ms` (librdkafka's defaults): the pause after
/// a broken connection doubles until a broker answers again.
const RECONNECT_BACKOFF: (Duration, Duration) =
    (Duration::from_millis(100), Duration::from_secs(10));

/// A request to a broker; `T` is the point at which the client goes on with the answer.
#[derive(Debug)]
pub struct Ask<D: Dialect, T> {
    /// The broker.
    pub to: Node,
    /// Longest wait for the answer.
    pub timeout: Duration,
    /// What is asked.
    pub request: Request<D>,
    /// Where the client goes on.
    pub then: T,
}

/// Why a request came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// An error that the broker answered.
    Refused(ErrorName),
    /// A broken connection: the request may have been done all the same.
    Lost,
    /// A connection that the client closed because a request on it had no answer in time, this one
    /// or another: all on it get `__TIMED_OUT` (`rd_kafka_broker_timeout_scan`, which hands that to
    /// `rd_kafka_broker_fail`; in Sarama the error of the first, `Broker.responseReceiver`).
    TimedOut,
}

impl Failure {
    /// Returns whether a client looks for its coordinator again: the one that it asked is not the
    /// coordinator, or cannot be reached.
    pub(crate) const fn loses_coordinator(self) -> bool {
        use ErrorName as E;
        matches!(
            self,
            Self::Lost
                | Self::TimedOut
                | Self::Refused(E::NotCoordinator | E::CoordinatorNotAvailable)
        )
    }
}

/// Returns the channel on which a request goes.
#[inline]
pub fn channel_of<D: Dialect>(request: &Request<D>) -> Channel {
    match request {
        Request::Fetch(_) => Channel::Fetch,
        Request::ApiVersions
        | Request::JoinGroup(_)
        | Request::SyncGroup { .. }
        | Request::Heartbeat(_)
        | Request::LeaveGroup { .. }
        | Request::OffsetCommit { .. }
        | Request::OffsetFetch { .. } => Channel::Coordinator,
        _ => Channel::Data,
    }
}

/// A client's knowledge of its connections with brokers.
#[derive(Debug)]
pub struct Connections {
    sharing: Sharing,
    prefers: AnyBroker,
    /// The brokers that hold a fetch back, or may do so for long.
    blocked: BrokerSet,
    /// The brokers that have answered, not about the group alone, since a connection with them broke.
    up: BrokerSet,
    /// The time at which each broker was last asked something, not about the group alone.
    used: Vec<Instant>,
    /// What is known of each channel, by broker: the same of those that share a connection.
    brokers: Vec<[Connection; Channel::COUNT]>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Connection {
    /// Number of times that it broke since the broker last answered on it.
    failures: u32,
    /// Earliest time of the next try.
    not_before: Instant,
}

impl Connections {
    /// Creates connections of which none has broken yet.
    pub fn new(behaviour: &Behaviour, brokers: usize) -> Self {
        Self {
            sharing: behaviour.sharing,
            prefers: behaviour.any_broker,
            blocked: BrokerSet::default(),
            up: BrokerSet::default(),
            used: vec![Instant::ZERO; brokers],
            brokers: vec![Default::default(); brokers],
        }
    }

    /// Returns the time until which a client that has the choice avoids a broker, for what goes on
    /// this channel; `None`: it need not.
    #[inline]
    pub fn backs_off(&self, peer: Node, channel: Channel, now: Instant) -> Option<Instant> {
        let connection = self.brokers.get(usize::from(peer.0))?[channel as usize];
        (connection.not_before > now).then_some(connection.not_before)
    }

    /// Returns whether a connection with a broker broke, or could not be made, on which it has not
    /// answered since.
    #[inline]
    pub fn are_broken(&self, peer: Node) -> bool {
        let mut connections = self.brokers.get(usize::from(peer.0)).into_iter().flatten();
        connections.any(|connection| connection.failures > 0)
    }

    /// Returns how gladly the client asks a broker what every broker can answer: of two, it asks the
    /// one of which this is more.
    pub(crate) fn preference(&self, now: Instant, peer: Node) -> impl Ord + use<> {
        let is_up = self.up.contains(peer);
        let is_free = !self.blocked.contains(peer);
        let used = self.used.get(usize::from(peer.0));
        let idle = used.map(|used| now.saturating_since(*used).as_secs());
        match self.prefers {
            AnyBroker::LastUsed if is_up => (true, is_free, Reverse(idle)),
            AnyBroker::LastUsed => (false, true, Reverse(None)),
            AnyBroker::Connected => (is_up, is_free, Reverse(None)),
            AnyBroker::LeastLoaded => (true, is_free, Reverse(None)),
        }
    }

    /// Notes that a request is sent.
    #[inline]
    pub fn handle_request<D: Dialect>(
        &mut self,
        now: Instant,
        (peer, channel): (Node, Channel),
        request: &Request<D>,
    ) {
        if channel == Channel::Coordinator {
            return;
        }
        if let Some(used) = self.used.get_mut(usize::from(peer.0)) {
            *used = now;
        }
        if let Request::Fetch(fetch) = request
            && self.prefers.avoids(fetch.max_wait)
        {
            self.blocked = self.blocked.with(peer);
        }
    }

    /// Notes that a fetch was answered, or lost.
    #[inline]
    pub(super) fn handle_fetched(&mut self, peer: Node) {
        self.blocked = self.blocked.without(peer);
    }

    /// Notes that connections with a broker broke, or could not be made.
    pub fn handle_broken(&mut self, now: Instant, peer: Node, channels: Channels) {
        let Some(connections) = self.brokers.get_mut(usize::from(peer.0)) else {
            return;
        };
        if channels.contains(Channel::Data) {
            self.up = self.up.without(peer);
        }
        let (first, longest) = RECONNECT_BACKOFF;
        for channel in channels.iter() {
            let connection = &mut connections[channel as usize];
            let pause = first * (1 << connection.failures.min(10));
            connection.failures += 1;
            connection.not_before = now + pause.min(longest);
        }
    }

    /// Forgets what was known of the connections with a broker.
    pub(super) fn forget(&mut self, peer: Node) {
        if let Some(connections) = self.brokers.get_mut(usize::from(peer.0)) {
            *connections = Default::default();
            self.up = self.up.without(peer);
        }
    }

    /// Notes that a broker answered on a channel.
    #[inline]
    pub fn handle_answer(&mut self, peer: Node, channel: Channel) {
        let Some(connections) = self.brokers.get_mut(usize::from(peer.0)) else {
            return;
        };
        if channel != Channel::Coordinator {
            self.up = self.up.with(peer);
        }
        if connections[channel as usize].failures > 0 {
            for shared in self.sharing.connection(channel).iter() {
                connections[shared as usize] = Connection::default();
            }
        }
    }
}

/// The requests of one process that wait for answers, oldest first.
#[derive(Debug)]
pub struct Requests<T> {
    sharing: Sharing,
    next: u32,
    in_flight: Vec<InFlight<T>>,
    /// The earliest deadline; [`Instant::FAR_FUTURE`]: none.
    due: Instant,
}

#[derive(Debug)]
struct InFlight<T> {
    correlation: Correlation,
    peer: Node,
    channel: Channel,
    deadline: Instant,
    /// Whether its connection was closed because a request on it was overdue.
    timed_out: bool,
    then: T,
}

impl<T> Requests<T> {
    /// Creates an empty list of requests, which will be numbered from `first`.
    pub fn new(sharing: Sharing, first: u32) -> Self {
        Self {
            sharing,
            next: first,
            in_flight: Vec::new(),
            due: Instant::FAR_FUTURE,
        }
    }

    /// Returns the number of the next request.
    pub fn next_correlation(&self) -> u32 {
        self.next
    }

    /// Numbers a request that goes to `peer` now, and remembers what to go on with.
    #[inline]
    pub fn add(
        &mut self,
        now: Instant,
        (peer, channel): (Node, Channel),
        timeout: Duration,
        then: T,
    ) -> Correlation {
        let correlation = self.number();
        let deadline = match self.sharing {
            Sharing::All => self.behind_others(peer, now + timeout),
            Sharing::GroupApart => now + timeout,
        };
        self.due = self.due.min(deadline);
        self.in_flight.push(InFlight {
            correlation,
            peer,
            channel,
            deadline,
            timed_out: false,
            then,
        });
        correlation
    }

    /// Numbers a request to which no answer is awaited.
    #[inline]
    pub fn number(&mut self) -> Correlation {
        let correlation = Correlation(self.next);
        self.next += 1;
        correlation
    }

    /// Takes the request that was answered, and returns what to go on with; `None`: it was given
    /// up, or an earlier process sent it.
    #[inline]
    pub fn take_answered(&mut self, correlation: Correlation) -> Option<T> {
        let found = self
            .in_flight
            .binary_search_by_key(&correlation, |request| request.correlation);
        let (then, _) = self.take(found.ok()?);
        Some(then)
    }

    /// Takes the next request that was lost with these connections to `peer`, and returns what to
    /// go on with, and why. Call it until it returns `None`, with the `next_correlation` of the
    /// moment at which they broke: what is sent while losses are handled goes over new connections.
    pub fn take_lost(
        &mut self,
        peer: Node,
        channels: Channels,
        before: u32,
    ) -> Option<(T, Failure)> {
        let mut requests = self.in_flight.iter();
        let index = requests.position(|request| {
            request.peer == peer
                && channels.contains(request.channel)
                && request.correlation.0 < before
        })?;
        let (then, timed_out) = self.take(index);
        let failure = match timed_out {
            true => Failure::TimedOut,
            false => Failure::Lost,
        };
        Some((then, failure))
    }

    /// Returns a broker that has left a request unanswered for too long, and the connection on
    /// which it has, once. That is to be closed, as clients do (librdkafka: `socket.max.fails` is 1
    /// in `rd_kafka_broker_timeout_scan`, which knows one broker's thread, and so one connection;
    /// Sarama: `Broker.responseReceiver` reads no more after `Net.ReadTimeout`, and its callers
    /// close the `Broker`): all on it has timed out, and the news comes back like that of any
    /// broken connection.
    pub fn poll_overdue(&mut self, now: Instant) -> Option<(Node, Channels)> {
        if self.due > now {
            return None;
        }
        let mut requests = self.in_flight.iter();
        let late = requests.find(|late| late.deadline <= now)?;
        let (peer, connection) = (late.peer, self.sharing.connection(late.channel));
        for request in &mut self.in_flight {
            if request.peer == peer && connection.contains(request.channel) {
                request.deadline = Instant::FAR_FUTURE;
                request.timed_out = true;
            }
        }
        self.due = self.earliest();
        Some((peer, connection))
    }

    /// Forgets everything that is in flight.
    pub fn forget_all(&mut self) {
        self.in_flight.clear();
        self.due = Instant::FAR_FUTURE;
    }

    /// Returns the earliest deadline; [`Instant::FAR_FUTURE`] where nothing is in flight.
    #[inline]
    pub fn poll_timeout(&self) -> Instant {
        self.due
    }

    #[inline]
    fn take(&mut self, index: usize) -> (T, bool) {
        let request = self.in_flight.remove(index);
        if request.deadline == self.due {
            self.due = self.earliest();
        }
        (request.then, request.timed_out)
    }

    /// Returns the deadline of a request that goes behind those that are in flight to a broker, on
    /// the one connection with it.
    ///
    /// In Sarama the time of an answer begins when those before it have come
    /// (`Broker.responseReceiver`: `readFull` sets a new read deadline), so that what waits behind
    /// a join does not close the connection beneath it. In librdkafka it begins when the request
    /// is sent (`rd_kafka_broker_bufq_timeout_scan`).
    fn behind_others(&self, peer: Node, deadline: Instant) -> Instant {
        let others = self.in_flight.iter();
        let before = others.filter(|other| other.peer == peer && !other.timed_out);
        before
            .map(|other| other.deadline)
            .fold(deadline, Instant::max)
    }

    fn earliest(&self) -> Instant {
        let deadlines = self.in_flight.iter().map(|request| request.deadline);
        deadlines.min().unwrap_or(Instant::FAR_FUTURE)
    }
}
