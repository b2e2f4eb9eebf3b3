//! Where the group's coordinator is.

use super::connection::Failure;
use super::process::{Continuation, Process, settings};
use crate::env::Env;
use crate::protocol::{Channel, Node, Request};
use plimsoll_core::Instant;
use std::time::Duration;

/// The pause between two lookups (librdkafka's interval while it waits for a coordinator).
const QUERY_INTERVAL: Duration = Duration::from_millis(500);

/// What a client knows of its group's coordinator.
#[derive(Debug)]
pub struct Coordinator {
    node: Option<Node>,
    /// Time of the next lookup; not while one is in flight.
    due: Instant,
    /// Earliest time of the next lookup.
    not_before: Instant,
    in_flight: bool,
}

impl Coordinator {
    /// Creates the state before any lookup.
    pub fn new() -> Self {
        Self {
            node: None,
            due: Instant::FAR_FUTURE,
            not_before: Instant::ZERO,
            in_flight: false,
        }
    }

    /// Returns the broker, where it is known.
    #[inline]
    pub fn node(&self) -> Option<Node> {
        self.node
    }

    /// Returns when to look the coordinator up.
    #[inline]
    pub fn due(&self) -> Instant {
        self.due
    }

    /// Forgets the broker, which is not the coordinator any more, or cannot be reached.
    pub fn forget(&mut self) {
        self.node = None;
    }
}

impl Process {
    /// Looks the coordinator up, as soon as the backoff allows.
    pub(super) fn find_coordinator(&mut self, env: &mut Env<'_>) {
        let now = env.now();
        let coordinator = &mut self.coordinator;
        if coordinator.in_flight || coordinator.node.is_some() {
            coordinator.due = Instant::FAR_FUTURE;
            return;
        }
        if coordinator.not_before > now {
            coordinator.due = coordinator.not_before;
            return;
        }
        coordinator.due = Instant::FAR_FUTURE;
        coordinator.not_before = now + QUERY_INTERVAL;
        coordinator.in_flight = true;
        let requests = &self.requests;
        self.metadata
            .avoid(|broker| requests.backs_off(broker, now).is_some());
        self.requests.send(
            env,
            self.metadata.broker(),
            Channel::Data,
            settings(env).request_timeout,
            Continuation::FindCoordinator,
            Request::FindCoordinator,
        );
    }

    /// Handles the answer to a lookup.
    pub(super) fn coordinator_answered(
        &mut self,
        env: &mut Env<'_>,
        result: Result<Node, Failure>,
    ) {
        self.coordinator.in_flight = false;
        match result {
            // The coordinator died, and the broker that was asked does not know yet.
            Ok(node) if self.requests.backs_off(node, env.now()).is_some() => {
                self.find_coordinator(env);
            }
            Ok(node) => {
                self.coordinator.node = Some(node);
                self.coordinator_found(env);
            }
            Err(_) => {
                self.metadata.rotate();
                self.find_coordinator(env);
            }
        }
    }

    /// Looks for another coordinator: this one says that it is not, or does not answer.
    pub(super) fn coordinator_lost(&mut self, env: &mut Env<'_>) {
        self.coordinator.forget();
        self.find_coordinator(env);
    }

    fn coordinator_found(&mut self, env: &mut Env<'_>) {
        self.join_if_needed(env);
        self.heartbeat_if_due(env);
        self.advance_start(env);
    }
}
