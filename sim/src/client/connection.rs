//! Requests in flight: which wait for an answer, until when, and what the answer is for.

use crate::env::Env;
use crate::protocol::{Channel, Correlation, Node, Request};
use plimsoll_core::Instant;
use plimsoll_oracle::ErrorName;
use std::time::Duration;

/// `reconnect.backoff.ms` and `reconnect.backoff.max.ms` (librdkafka's defaults): the pause after
/// a broken connection doubles until a broker answers again.
const RECONNECT_BACKOFF: (Duration, Duration) =
    (Duration::from_millis(100), Duration::from_secs(10));

/// The requests of one process that wait for answers, oldest first; `T` says what each is for.
#[derive(Debug)]
pub struct Requests<T> {
    node: Node,
    next: u32,
    in_flight: Vec<InFlight<T>>,
    /// Connections, by broker.
    connections: Vec<Connection>,
}

/// What a client knows of its connections with a broker.
#[derive(Clone, Copy, Debug, Default)]
struct Connection {
    /// Number of times that they broke since the broker last answered.
    failures: u32,
    /// Earliest time of the next try.
    not_before: Instant,
}

#[derive(Debug)]
struct InFlight<T> {
    correlation: Correlation,
    peer: Node,
    deadline: Instant,
    purpose: T,
}

/// Why a request came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// An error that the broker answered.
    Refused(ErrorName),
    /// No answer in time, or a broken connection: the request may have been done all the same.
    Lost,
}

impl<T> Requests<T> {
    /// Creates an empty list of requests, which will be numbered from `first`.
    pub fn new(env: &Env<'_>, node: Node, first: u32) -> Self {
        Self {
            node,
            next: first,
            in_flight: Vec::new(),
            connections: vec![Connection::default(); env.brokers().count()],
        }
    }

    /// Returns the time until which a client that has the choice avoids a broker; `None`: it need
    /// not.
    #[inline]
    pub fn backs_off(&self, peer: Node, now: Instant) -> Option<Instant> {
        let connection = self.connections.get(usize::from(peer.0))?;
        (connection.not_before > now).then_some(connection.not_before)
    }

    /// Notes that the connections with a broker broke, or could not be made.
    pub fn connection_broke(&mut self, peer: Node, now: Instant) {
        if let Some(connection) = self.connections.get_mut(usize::from(peer.0)) {
            let (first, longest) = RECONNECT_BACKOFF;
            let pause = first * (1 << connection.failures.min(10));
            connection.failures += 1;
            connection.not_before = now + pause.min(longest);
        }
    }

    /// Returns the number of the next request.
    pub fn next_correlation(&self) -> u32 {
        self.next
    }

    /// Returns the earliest deadline; [`Instant::FAR_FUTURE`] where nothing is in flight.
    #[inline]
    pub fn next_deadline(&self) -> Instant {
        let deadlines = self.in_flight.iter().map(|request| request.deadline);
        deadlines.min().unwrap_or(Instant::FAR_FUTURE)
    }

    /// Sends a request and remembers what it is for.
    #[inline]
    pub fn send(
        &mut self,
        env: &mut Env<'_>,
        peer: Node,
        channel: Channel,
        timeout: Duration,
        purpose: T,
        request: Request,
    ) {
        let correlation = self.send_and_forget(env, peer, channel, request);
        self.in_flight.push(InFlight {
            correlation,
            peer,
            deadline: env.now() + timeout,
            purpose,
        });
    }

    /// Sends a request to which no answer is awaited.
    pub fn send_and_forget(
        &mut self,
        env: &mut Env<'_>,
        peer: Node,
        channel: Channel,
        request: Request,
    ) -> Correlation {
        let correlation = Correlation(self.next);
        self.next += 1;
        env.request(self.node, peer, channel, correlation, request);
        correlation
    }

    /// Takes the request that was answered, and returns what it was for; `None`: it was given up,
    /// or an earlier process sent it.
    #[inline]
    pub fn take_answered(&mut self, correlation: Correlation) -> Option<T> {
        let mut requests = self.in_flight.iter();
        let index = requests.position(|request| request.correlation == correlation)?;
        let InFlight { peer, purpose, .. } = self.in_flight.remove(index);
        if let Some(connection) = self.connections.get_mut(usize::from(peer.0)) {
            *connection = Connection::default();
        }
        Some(purpose)
    }

    /// Takes the next request that was lost with the connections to `peer`, and returns what it
    /// was for. Call it until it returns `None`, with the `next_correlation` of the moment at which
    /// they broke: what is sent while losses are handled goes over new connections.
    pub fn take_lost(&mut self, peer: Node, before: u32) -> Option<T> {
        let mut requests = self.in_flight.iter();
        let index =
            requests.position(|request| request.peer == peer && request.correlation.0 < before)?;
        Some(self.in_flight.remove(index).purpose)
    }

    /// Breaks the connections with brokers that have left a request unanswered for too long, as
    /// clients do (librdkafka: `socket.max.fails` is 1). What was on them is lost, and the news
    /// comes back like that of any broken connection.
    pub fn cut_overdue(&mut self, env: &mut Env<'_>) {
        let now = env.now();
        while let Some(late) = self.in_flight.iter().find(|late| late.deadline <= now) {
            let peer = late.peer;
            env.cut(self.node, peer);
            for request in &mut self.in_flight {
                if request.peer == peer {
                    request.deadline = Instant::FAR_FUTURE;
                }
            }
        }
    }

    /// Forgets everything that is in flight.
    pub fn forget_all(&mut self) {
        self.in_flight.clear();
    }
}
