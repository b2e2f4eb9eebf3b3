//! Where the group's coordinator is.
//!
//! A coordinator is one once a connection with it is made. librdkafka sends nothing before: in the
//! state `wait-broker-transport` commits are deferred and nothing joins, and it goes on asking
//! which broker coordinates (`rd_kafka_cgrp_serve`). A connection is made when its first request,
//! ApiVersions, is answered (`rd_kafka_broker_connect_up`). Here only a connection with a broker
//! that has not answered since its connections broke is made so: to make the others costs events
//! and shows nothing.

use crate::{Action, Ask, Connected, Connections, Continuation, Failure, Speaker};
use plimsoll_core::Instant;
use plimsoll_protocol::{Channel, GroupIndex, Node, Request};
use std::collections::VecDeque;
use std::time::Duration;

/// The pause between two lookups in librdkafka, which does not grow (`rd_kafka_cgrp_serve`; after a
/// query `rd_kafka_cgrp_coord_query` begins the interval anew, with a jitter).
const QUERY_INTERVAL: Duration = Duration::from_millis(500);

/// The pause before the next lookup while a connection with the coordinator is made
/// (`rd_kafka_cgrp_serve`).
const CONNECTING_INTERVAL: Duration = Duration::from_secs(1);

/// The longest wait for the first answer on a connection (the default of
/// `api.version.request.timeout.ms`).
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);

/// A client's knowledge of its group's coordinator.
#[derive(Debug)]
pub struct Coordinator<S: Speaker> {
    group: GroupIndex,
    node: Option<Node>,
    /// The broker that is the coordinator, as another one says, and with which a connection is
    /// being made.
    connecting: Option<Node>,
    /// Time of the next lookup; not while one is in flight.
    due: Instant,
    /// Earliest time of the next lookup.
    not_before: Instant,
    in_flight: bool,
    request_timeout: Duration,
    actions: VecDeque<Action<S>>,
}

impl<S: Speaker> Coordinator<S> {
    /// Creates the state before any lookup.
    pub fn new(group: GroupIndex, request_timeout: Duration) -> Self {
        Self {
            group,
            node: None,
            connecting: None,
            due: Instant::FAR_FUTURE,
            not_before: Instant::ZERO,
            in_flight: false,
            request_timeout,
            actions: VecDeque::new(),
        }
    }

    /// Returns the broker, where it is known and can be reached.
    #[inline]
    pub fn node(&self) -> Option<Node> {
        self.node
    }

    /// Forgets the broker, which is not the coordinator any more, or cannot be reached.
    pub fn forget(&mut self) {
        self.node = None;
        self.connecting = None;
    }

    /// Looks for another coordinator: this one says that it is not, or does not answer.
    pub fn lose(&mut self, now: Instant) {
        self.forget();
        self.find(now);
    }

    /// Looks the coordinator up if it is not known, as soon as the backoff allows.
    pub fn find(&mut self, now: Instant) {
        self.due = Instant::FAR_FUTURE;
        if self.in_flight || self.node.is_some() {
            return;
        }
        if self.not_before > now {
            self.due = self.not_before;
            return;
        }
        self.not_before = now + QUERY_INTERVAL;
        self.in_flight = true;
        self.actions.push_back(Action::AskAny(
            self.request_timeout,
            Request::FindCoordinator { group: self.group },
            Continuation::FindCoordinator,
        ));
    }

    /// Handles the answer to a lookup. Returns whether the coordinator can be asked now.
    pub fn handle_answer(
        &mut self,
        now: Instant,
        connections: &Connections,
        answer: Result<Node, Failure>,
    ) -> bool {
        self.in_flight = false;
        match answer {
            // The coordinator died, and the broker that was asked does not know yet.
            Ok(node)
                if connections
                    .backs_off(node, Channel::Coordinator, now)
                    .is_some() =>
            {
                self.find(now)
            }
            Ok(node) if connections.are_broken(node) => self.connect(now, node),
            Ok(node) => {
                self.connecting = None;
                self.node = Some(node);
            }
            Err(_) => {
                self.actions.push_back(Action::TryAnotherBroker);
                self.find(now);
            }
        }
        self.node.is_some()
    }

    fn connect(&mut self, now: Instant, node: Node) {
        self.due = now + CONNECTING_INTERVAL;
        if self.connecting.replace(node) == Some(node) {
            return;
        }
        self.actions.push_back(Action::Ask(Ask {
            to: node,
            timeout: CONNECTION_TIMEOUT,
            request: Request::ApiVersions,
            then: Continuation::Connection,
        }));
    }

    /// Handles what became of a connection with a broker. Returns whether the coordinator can be
    /// asked now.
    pub fn handle_connection(
        &mut self,
        now: Instant,
        broker: Node,
        answer: Result<Connected, Failure>,
    ) -> bool {
        if self.connecting != Some(broker) {
            return false;
        }
        self.connecting = None;
        match answer {
            Ok(Connected) => {
                self.due = Instant::FAR_FUTURE;
                self.node = Some(broker);
            }
            Err(_) => self.find(now),
        }
        self.node.is_some()
    }

    /// Takes what is to be done next.
    #[inline]
    pub fn poll_action(&mut self) -> Option<Action<S>> {
        self.actions.pop_front()
    }

    /// Returns when to look the coordinator up.
    #[inline]
    pub fn poll_timeout(&self) -> Instant {
        self.due
    }
}
