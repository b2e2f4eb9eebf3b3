//! Heartbeats: how a client stays in its generation, and learns that there is to be another.

use super::{Forgets, Group, Phase};
use crate::client::action::{Action, Continuation};
use crate::client::connection::{Failure, resend_pause};
use crate::client::view::View;
use crate::protocol::{Node, Request, Sender};
use plimsoll_core::Instant;
use plimsoll_oracle::ErrorName;

/// A heartbeat without an outcome.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beat {
    sender: Sender,
    /// End of its time, however often it is sent (`rd_kafka_buf_set_abs_timeout`).
    until: Instant,
    resends: u32,
    /// Time at which to send it again; [`Instant::FAR_FUTURE`]: its answer is awaited.
    again_at: Instant,
}

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

    /// Returns when a heartbeat is sent next, or again.
    pub(super) fn next_heartbeat(&self) -> Instant {
        self.beat.map_or(self.heartbeat_at, |beat| beat.again_at)
    }

    /// Sends a heartbeat, or one that timed out again, if that is due and the coordinator is known.
    pub(super) fn heartbeat_if_due(&mut self, now: Instant, view: &View) {
        // The time of one that waits for a coordinator is over (`rd_kafka_buf_retry`: "Absolute
        // timeout, check for expiry").
        self.beat = self
            .beat
            .filter(|beat| beat.again_at == Instant::FAR_FUTURE || beat.until > now);
        let is_due = self.phase == Phase::Joined && self.next_heartbeat() <= now;
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
        let beat = match self.beat {
            Some(beat) => beat,
            None => {
                self.heartbeat_at = now + self.settings.heartbeat;
                self.first_beat(now, self.sender(member))
            }
        };
        self.send_heartbeat(now, coordinator, beat);
    }

    fn first_beat(&self, now: Instant, sender: Sender) -> Beat {
        let timeout = match self.settings.library.is_sarama() {
            // `Net.ReadTimeout`.
            true => self.settings.request_timeout,
            // `rd_kafka_HeartbeatRequest`.
            false => self.settings.session_timeout,
        };
        Beat {
            sender,
            until: now + timeout,
            resends: 0,
            again_at: Instant::FAR_FUTURE,
        }
    }

    /// Sends a heartbeat, for the rest of its time, or for the limit of any request
    /// (`rd_kafka_buf_calc_timeout`: "limited by socket.timeout.ms").
    fn send_heartbeat(&mut self, now: Instant, to: Node, beat: Beat) {
        let left = beat.until.saturating_since(now);
        let timeout = left.min(self.settings.request_timeout);
        let then = Continuation::Heartbeat(self.attempt);
        self.beat = Some(Beat {
            again_at: Instant::FAR_FUTURE,
            ..beat
        });
        self.ask(to, timeout, then, Request::Heartbeat(beat.sender));
    }

    /// Lets the same heartbeat be sent again after a pause, as long as `rd_kafka_buf_retry` does.
    fn retry_heartbeat(&mut self, now: Instant, beat: Beat) {
        if beat.until > now
            && let Some(pause) = resend_pause(self.settings.retry_backoff, beat.resends)
        {
            self.beat = Some(Beat {
                resends: beat.resends + 1,
                again_at: now + pause,
                ..beat
            });
        }
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
        let beat = self.beat.take();
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
            // `rd_kafka_err_action` says retry, and no refresh.
            Err(Failure::TimedOut | Failure::Refused(E::RequestTimedOut)) => {
                if let Some(beat) = beat {
                    self.retry_heartbeat(now, beat);
                }
            }
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
