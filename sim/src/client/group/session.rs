//! Heartbeats: how a client stays in its generation, and learns that there is to be another.

use super::{Forgets, Group, Phase};
use crate::client::action::{Action, Continuation};
use crate::client::connection::Failure;
use crate::client::view::View;
use crate::protocol::Request;
use plimsoll_core::Instant;
use plimsoll_oracle::ErrorName;

impl Group {
    /// Begins the time of a generation: the first heartbeat is due an interval later.
    pub(super) fn begin_session(&mut self, now: Instant) {
        self.heartbeat_at = now + self.settings.heartbeat;
        self.renew_session(now);
        if self.settings.library.is_sarama() {
            self.begin_session_in_sarama(now);
        }
    }

    /// Begins the time anew after which a client takes its session for over. Sarama has no such
    /// time: it learns from its coordinator, or when it cannot reach it.
    fn renew_session(&mut self, now: Instant) {
        self.session_until = match self.settings.library.is_sarama() {
            true => Instant::FAR_FUTURE,
            false => now + self.settings.session_timeout,
        };
    }

    /// Sends a heartbeat, if one is due, none is in flight and the coordinator is known.
    pub(super) fn heartbeat_if_due(&mut self, now: Instant, view: &View) {
        let is_due =
            self.phase == Phase::Joined && !self.heartbeat_in_flight && self.heartbeat_at <= now;
        if self.is_unassigning() {
            return;
        }
        if is_due && self.dismissed && view.coordinator.node().is_some() {
            if !self.stands_still() {
                // It would be refused, and change nothing before.
                let forgets = match self.member {
                    None => Forgets::Member,
                    Some(_) => Forgets::Generation,
                };
                self.lose_all(now, view, forgets);
            }
            return;
        }
        let (true, Some(member), Some(coordinator)) =
            (is_due, self.member, view.coordinator.node())
        else {
            return;
        };
        self.heartbeat_in_flight = true;
        self.heartbeat_at = now + self.settings.heartbeat;
        let request = Request::Heartbeat(self.sender(member));
        let then = Continuation::Heartbeat(self.attempt);
        let timeout = match self.settings.library.is_sarama() {
            // `Net.ReadTimeout`.
            true => self.settings.request_timeout,
            false => self.settings.session_timeout,
        };
        self.ask(coordinator, timeout, then, request);
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
        if self.settings.library.is_sarama() {
            return self.handle_heartbeat_in_sarama(now, view, answer);
        }
        match answer {
            Ok(()) => {
                self.renew_session(now);
                self.check_partition_count(now, view);
            }
            Err(Failure::Refused(E::RebalanceInProgress)) => {
                self.renew_session(now);
                self.begin_rebalance(now, view);
            }
            Err(Failure::Refused(E::UnknownMemberId)) => {
                self.lose_all(now, view, Forgets::Member);
            }
            Err(Failure::Refused(E::IllegalGeneration)) => {
                self.lose_all(now, view, Forgets::Generation);
            }
            Err(Failure::Refused(E::FencedInstanceId)) => self.actions.push_back(Action::End),
            Err(
                Failure::Refused(E::NotCoordinator | E::CoordinatorNotAvailable) | Failure::Lost,
            ) => self.actions.push_back(Action::LoseCoordinator),
            // The next heartbeat may go better.
            Err(Failure::Refused(_)) => {}
        }
    }

    /// Rebalances when topics have more partitions than when the generation began. librdkafka's
    /// members all do so, each by its own metadata (`rd_kafka_cgrp_metadata_update_check`: "going
    /// against the KIP"); the coordinator gives one that does not lead back what it had, until its
    /// leader joins too. In Sarama only the leader does (`consumerGroup.loopCheckPartitionNumbers`).
    pub(crate) fn check_partition_count(&mut self, now: Instant, view: &View) {
        if self.phase == Phase::Joined
            && let Some(count) = self.counted
            && count != view.metadata.workload(&view.topology).len()
        {
            self.begin_rebalance(now, view);
        }
    }
}
