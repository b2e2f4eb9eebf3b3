//! Where the group's coordinator is.

use super::action::{Action, Continuation};
use super::connection::{Connections, Failure};
use crate::protocol::{GroupIndex, Node, Request};
use plimsoll_core::Instant;
use std::collections::VecDeque;
use std::time::Duration;

/// The pause between two lookups (librdkafka's interval while it waits for a coordinator).
const QUERY_INTERVAL: Duration = Duration::from_millis(500);

/// What a client knows of its group's coordinator.
#[derive(Debug)]
pub(super) struct Coordinator {
    node: Option<Node>,
    /// Time of the next lookup; not while one is in flight.
    due: Instant,
    /// Earliest time of the next lookup.
    not_before: Instant,
    in_flight: bool,
    request_timeout: Duration,
    actions: VecDeque<Action>,
}

impl Coordinator {
    /// Creates the state before any lookup.
    pub(super) fn new(request_timeout: Duration) -> Self {
        Self {
            node: None,
            due: Instant::FAR_FUTURE,
            not_before: Instant::ZERO,
            in_flight: false,
            request_timeout,
            actions: VecDeque::new(),
        }
    }

    /// Returns the broker, where it is known.
    #[inline]
    pub(super) fn node(&self) -> Option<Node> {
        self.node
    }

    /// Forgets the broker, which is not the coordinator any more, or cannot be reached.
    pub(super) fn forget(&mut self) {
        self.node = None;
    }

    /// Looks for another coordinator: this one says that it is not, or does not answer.
    pub(super) fn lose(&mut self, now: Instant) {
        self.forget();
        self.find(now);
    }

    /// Looks the coordinator up if it is not known, as soon as the backoff allows.
    pub(super) fn find(&mut self, now: Instant) {
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
            Request::FindCoordinator {
                group: GroupIndex::SCENARIO,
            },
            Continuation::FindCoordinator,
        ));
    }

    /// Handles the answer to a lookup. Returns whether the coordinator is known now.
    pub(super) fn handle_answer(
        &mut self,
        now: Instant,
        connections: &Connections,
        answer: Result<Node, Failure>,
    ) -> bool {
        self.in_flight = false;
        match answer {
            // The coordinator died, and the broker that was asked does not know yet.
            Ok(node) if connections.backs_off(node, now).is_some() => self.find(now),
            Ok(node) => self.node = Some(node),
            Err(_) => {
                self.actions.push_back(Action::TryAnotherBroker);
                self.find(now);
            }
        }
        self.node.is_some()
    }

    /// Takes what is to be done next.
    #[inline]
    pub(super) fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Returns when to look the coordinator up.
    #[inline]
    pub(super) fn poll_timeout(&self) -> Instant {
        self.due
    }
}
