//! Heartbeats: how a client stays in its generation, and learns that there is to be another.

use super::{Group, Phase};
use crate::resend::{Resend, is_retriable};
use crate::{Action, Continuation, Failure, Membership, Speaker, View};
use plimsoll_core::Instant;
use plimsoll_protocol::{ErrorName, Request, Sender};

/// A heartbeat without an outcome.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beat {
    sender: Sender,
    pub(super) resend: Resend,
}

impl<S: Speaker> Group<S> {
    /// Begins the time of a generation: the first heartbeat is due an interval later.
    pub(super) fn begin_session(&mut self, now: Instant) {
        self.heartbeat_at = now + self.settings.heartbeat;
        self.renew_session(now);
        if self.settings.behaviour.is_looped() {
            self.begin_session_in_sarama(now);
        }
    }

    /// Begins the time anew after which a client takes its session for over. Sarama has no such
    /// time: it learns from its coordinator, or when it cannot reach it.
    pub(super) fn renew_session(&mut self, now: Instant) {
        self.session_until = match self.settings.behaviour.is_looped() {
            true => Instant::FAR_FUTURE,
            false => now + self.settings.session_timeout,
        };
    }

    /// Returns when a heartbeat is due; while one has no outcome none is.
    pub(super) fn next_heartbeat(&self) -> Instant {
        match self.beat {
            None => self.heartbeat_at,
            Some(_) => Instant::FAR_FUTURE,
        }
    }

    /// Sends a heartbeat, if that is due and the coordinator is known.
    pub(super) fn heartbeat_if_due(&mut self, now: Instant, view: &View<S>) {
        let is_due = self.phase == Phase::Joined && self.next_heartbeat() <= now;
        if !is_due || self.is_unassigning() || view.coordinator.node().is_none() {
            return;
        }
        if self.dismissed {
            if !self.stands_still() {
                // It would be refused, and change nothing before.
                self.lose_dismissed(now, view);
            }
            return;
        }
        if let Some(member) = self.member {
            let time = match self.settings.behaviour.membership {
                // `rd_kafka_HeartbeatRequest`.
                Membership::Served => self.settings.session_timeout,
                // `Net.ReadTimeout`, and `request.timeout.ms`.
                Membership::Looped { .. } | Membership::Polled => self.settings.request_timeout,
            };
            self.heartbeat_at = now + self.settings.heartbeat;
            self.beat = Some(Beat {
                sender: self.sender(member),
                resend: Resend::new(now, time),
            });
            self.heartbeat_again_if_due(now, view);
        }
    }

    /// Sends the heartbeat that waits in the queue of the coordinator's connection, if that is due,
    /// or forgets it when its time is over. It goes out wherever the member stands by then, as it
    /// was written.
    pub(super) fn heartbeat_again_if_due(&mut self, now: Instant, view: &View<S>) {
        let Some(beat) = &mut self.beat else {
            return;
        };
        if beat.resend.is_over(now) {
            return self.end_beat(now);
        }
        if beat.resend.is_due(now)
            && let Some(coordinator) = view.coordinator.node()
        {
            let timeout = beat.resend.send(now, self.settings.request_timeout);
            let request = Request::Heartbeat(beat.sender);
            let then = Continuation::Heartbeat(self.attempt);
            self.ask(coordinator, timeout, then, request);
        }
    }

    /// Forgets the heartbeat that had no outcome. What was due meanwhile is left out
    /// (`rd_kafka_cgrp_heartbeat`: "Skip heartbeat if we have one in transit"); Sarama's ticker
    /// keeps one tick.
    fn end_beat(&mut self, now: Instant) {
        self.beat = None;
        while self.heartbeat_at <= now && !self.settings.behaviour.is_looped() {
            self.heartbeat_at += self.settings.heartbeat;
        }
    }

    /// Handles what became of a heartbeat (`rd_kafka_cgrp_handle_Heartbeat`).
    pub fn handle_heartbeat(
        &mut self,
        now: Instant,
        view: &View<S>,
        attempt: u32,
        answer: Result<(), Failure>,
    ) {
        use ErrorName as E;
        if self.settings.behaviour.is_looped() {
            if self.is_current(Phase::Joined, attempt) {
                self.beat = None;
                self.handle_heartbeat_in_sarama(now, view, answer);
            }
            return;
        }
        let beat = self.beat;
        self.end_beat(now);
        if self.settings.behaviour.is_polled() {
            // "if the generation has changed, then ignore this error"
            if self.is_current(Phase::Joined, attempt) {
                self.handle_heartbeat_in_java(now, view, answer);
            }
            return;
        }
        // "discarding outdated request": up to the join state "wait-sync". Later it counts,
        // whatever generation it was sent in.
        if self.phase != Phase::Joined {
            return;
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
            Err(failure) if self.ends_upon(now, view, failure) => {}
            Err(
                Failure::Refused(E::NotCoordinator | E::CoordinatorNotAvailable) | Failure::Lost,
            ) => self.actions.push_back(Action::LoseCoordinator),
            Err(failure) if is_retriable(failure) => {
                let backoff = self.settings.retry_backoff;
                self.beat = beat.and_then(|mut beat| {
                    let goes_again = beat.resend.send_again(now, backoff);
                    goes_again.then_some(beat)
                });
            }
            // The next heartbeat may go better.
            Err(Failure::Refused(_) | Failure::TimedOut) => {}
        }
    }
}
