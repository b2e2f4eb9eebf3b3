//! Heartbeats: how a client stays in its generation, and learns that there is to be another.

use super::{Group, Phase};
use crate::client::action::{Action, Continuation};
use crate::client::connection::Failure;
use crate::client::view::View;
use crate::protocol::Request;
use plimsoll_core::Instant;
use plimsoll_oracle::ErrorName;

impl Group {
    /// Sends a heartbeat, if one is due, none is in flight and the coordinator is known.
    pub(super) fn heartbeat_if_due(&mut self, now: Instant, view: &View) {
        let is_due =
            self.phase == Phase::Joined && !self.heartbeat_in_flight && self.heartbeat_at <= now;
        let (true, Some(member), Some(coordinator)) =
            (is_due, self.member, view.coordinator.node())
        else {
            return;
        };
        self.heartbeat_in_flight = true;
        self.heartbeat_at = now + self.settings.heartbeat;
        let request = Request::Heartbeat {
            generation: self.generation,
            member,
        };
        let then = Continuation::Heartbeat(self.attempt);
        self.ask(coordinator, self.settings.session_timeout, then, request);
    }

    /// Handles what became of a heartbeat (`rd_kafka_cgrp_handle_Heartbeat`).
    pub(crate) fn handle_heartbeat(
        &mut self,
        now: Instant,
        view: &View,
        attempt: u32,
        answer: Result<(), Failure>,
    ) {
        use ErrorName as E;
        if !self.is_current(Phase::Joined, attempt) {
            return;
        }
        self.heartbeat_in_flight = false;
        let session_until = now + self.settings.session_timeout;
        match answer {
            Ok(()) => {
                self.session_until = session_until;
                self.check_partition_count(now, view);
            }
            Err(Failure::Refused(E::RebalanceInProgress)) => {
                self.session_until = session_until;
                self.begin_rebalance(now, view);
            }
            Err(Failure::Refused(E::UnknownMemberId)) => self.lose_all(now, view, true),
            Err(Failure::Refused(E::IllegalGeneration)) => self.lose_all(now, view, false),
            Err(Failure::Refused(E::FencedInstanceId)) => self.actions.push_back(Action::End),
            Err(
                Failure::Refused(E::NotCoordinator | E::CoordinatorNotAvailable) | Failure::Lost,
            ) => self.actions.push_back(Action::LoseCoordinator),
            // The next heartbeat may go better.
            Err(Failure::Refused(_)) => {}
        }
    }

    /// Rebalances, as the group's leader, when topics have more partitions than were given out.
    /// Java's rule (`ConsumerCoordinator.rejoinNeededOrPending`); other members learn of it by
    /// their heartbeats.
    pub(crate) fn check_partition_count(&mut self, now: Instant, view: &View) {
        if self.phase == Phase::Joined
            && let Some(count) = self.leads
            && count != view.metadata.workload(&view.topology).len()
        {
            self.begin_rebalance(now, view);
        }
    }
}
