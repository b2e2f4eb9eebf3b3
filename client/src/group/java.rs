//! What Java's consumer does otherwise than librdkafka about its membership (Kafka 4.3.1:
//! `AbstractCoordinator`, `ConsumerCoordinator`, `Heartbeat`).
//!
//! Whatever leads to a join happens inside of `poll()` (`ConsumerCoordinator.poll`,
//! `AbstractCoordinator.ensureActiveGroup`), and the answer to one is read there too: the thread
//! for heartbeats rests while a join is in flight
//! (`AbstractCoordinator.MemberState.hasNotJoinedGroup`). That thread tells the coordinator that the
//! member lives whatever the application does, also in its listener, and leaves the group when the
//! application has not polled for too long.

use super::{Forgets, Group, NO_GENERATION, Phase};
use crate::resend::pause_after;
use crate::{Action, Failure, Joined, Speaker, View};
use plimsoll_core::Instant;
use plimsoll_protocol::ErrorName;
use std::time::Duration;

/// What is added to the rebalance timeout for the answer to a join
/// (`AbstractCoordinator.JOIN_GROUP_TIMEOUT_LAPSE`).
const JOIN_LAPSE: Duration = Duration::from_secs(5);

type JoinResult<S> = Result<Joined<<S as Speaker>::Dialect>, Failure>;

/// The polls of Java's application, and what waits for the next one.
#[derive(Debug)]
pub(super) struct Polls<S: Speaker> {
    /// Whether it polls at this moment.
    now: bool,
    /// Whether a rebalance is to begin (`AbstractCoordinator.rejoinNeeded`).
    rejoins: bool,
    /// What became of a join, by the number of the attempt.
    answer: Option<(u32, JoinResult<S>)>,
    /// Number of heartbeats in a row that failed (`Heartbeat.heartbeatAttempts`).
    failed_beats: u32,
}

impl<S: Speaker> Default for Polls<S> {
    fn default() -> Self {
        Self {
            now: true,
            rejoins: false,
            answer: None,
            failed_beats: 0,
        }
    }
}

impl<S: Speaker> Group<S> {
    /// Notes whether the application polls, and does what has waited for that. Returns whether
    /// that is news, in a client that waits for it: Java's alone.
    #[inline]
    pub fn handle_polling(&mut self, now: Instant, view: &View<S>, polls: bool) -> bool {
        if !self.settings.behaviour.is_polled() {
            return false;
        }
        let is_news = polls != std::mem::replace(&mut self.polls.now, polls);
        if is_news && polls {
            self.begin_poll(now, view);
        }
        is_news
    }

    fn begin_poll(&mut self, now: Instant, view: &View<S>) {
        if let Some((attempt, answer)) = self.polls.answer.take() {
            self.handle_join(now, view, attempt, answer);
        }
        if std::mem::take(&mut self.polls.rejoins) {
            self.begin_rebalance(now, view);
        }
        self.join_if_needed(now, view);
    }

    /// Returns whether nothing leads to a join before the application polls.
    #[inline]
    pub(super) const fn waits_for_poll(&self) -> bool {
        self.settings.behaviour.is_polled() && !self.polls.now
    }

    /// Lets a rebalance begin with the next poll (`AbstractCoordinator.requestRejoin`).
    pub(super) fn rejoin_at_poll(&mut self) {
        self.polls.rejoins = true;
    }

    /// Keeps what became of a join for the next poll.
    pub(super) fn keep_for_poll(&mut self, attempt: u32, answer: JoinResult<S>) {
        self.polls.answer = Some((attempt, answer));
    }

    /// Returns for how long the answer to a join is awaited
    /// (`AbstractCoordinator.sendJoinGroupRequest`).
    pub(super) fn join_timeout_in_java(&self) -> Duration {
        let rebalance = self.settings.poll_deadline + JOIN_LAPSE;
        rebalance.max(self.settings.request_timeout)
    }

    /// Handles a join or a sync that came to nothing (`AbstractCoordinator.joinGroupIfNeeded`,
    /// `JoinGroupResponseHandler`, `SyncGroupResponseHandler`): none is sent again as it was. An
    /// error that is fatal is thrown by `poll()`, and the application polls again.
    pub(super) fn fail_in_java(&mut self, now: Instant, view: &View<S>, failure: Failure) {
        self.phase = Phase::Unjoined;
        self.join_at = now + self.settings.retry_backoff;
        // `resetStateOnResponseError`, and no pause: what is left is lost
        // (`ConsumerCoordinator.onJoinPrepare`).
        if self.ends_upon(now, view, failure) {
            return;
        }
        match failure {
            Failure::Refused(ErrorName::RebalanceInProgress) => {
                self.join_at = now;
                self.join_if_needed(now, view);
            }
            _ if failure.loses_coordinator() => self.actions.push_back(Action::LoseCoordinator),
            _ => {}
        }
    }

    /// Handles what became of a heartbeat of this generation (`HeartbeatResponseHandler`,
    /// `HeartbeatThread`).
    pub(super) fn handle_heartbeat_in_java(
        &mut self,
        now: Instant,
        view: &View<S>,
        answer: Result<(), Failure>,
    ) {
        match answer {
            Ok(()) => {
                self.receive_heartbeat(now);
                self.check_partition_count(now, view);
            }
            // "it is valid to continue heartbeating while the group is rebalancing"
            Err(Failure::Refused(ErrorName::RebalanceInProgress)) => {
                self.receive_heartbeat(now);
                self.begin_rebalance(now, view);
            }
            Err(failure) if self.ends_upon(now, view, failure) => {}
            Err(failure) => {
                let pause = pause_after(self.polls.failed_beats, self.settings.retry_backoff);
                self.polls.failed_beats += 1;
                self.heartbeat_at = now + pause;
                if failure.loses_coordinator() {
                    self.actions.push_back(Action::LoseCoordinator);
                }
            }
        }
    }

    /// Notes a heartbeat that was answered (`Heartbeat.receiveHeartbeat`).
    fn receive_heartbeat(&mut self, now: Instant) {
        self.polls.failed_beats = 0;
        self.renew_session(now);
    }

    /// Looks for the coordinator again where the session has ended without an answer: "we should
    /// probably make sure the coordinator is still healthy" (`HeartbeatThread.run`). The member
    /// goes on until it is refused.
    pub(super) fn check_session_in_java(&mut self, now: Instant, view: &View<S>) {
        let is_over = self.phase == Phase::Joined && self.session_until <= now;
        if is_over && view.coordinator.node().is_some() {
            self.renew_session(now);
            self.actions.push_back(Action::LoseCoordinator);
        }
    }

    /// Handles the refusal of a commit (`OffsetCommitResponseHandler`): the membership is over, or
    /// the group rebalances.
    pub(super) fn handle_commit_refused_in_java(
        &mut self,
        now: Instant,
        view: &View<S>,
        error: ErrorName,
    ) {
        match error {
            ErrorName::RebalanceInProgress => self.begin_rebalance(now, view),
            // "the consumer member's generation is already stale, meaning it has already
            // participated another rebalance"
            _ if matches!(self.phase, Phase::Joining | Phase::Syncing) => {}
            ErrorName::UnknownMemberId => self.lose_all(now, view, Forgets::Member),
            _ => self.lose_all(now, view, Forgets::Generation),
        }
    }

    /// Loses what the application still has, once it has answered what it was told before: the
    /// membership ended meanwhile, which its `poll()` sees next
    /// (`ConsumerCoordinator.onJoinPrepare`: "since generation/memberID has been reset"). Returns
    /// whether that was so.
    pub(super) fn lose_after_answer(&mut self, now: Instant, view: &View<S>) -> bool {
        let is_due = self.settings.behaviour.is_polled() && self.dismissed;
        if is_due && self.answered.take().is_some() {
            self.lose_dismissed(now, view);
        }
        is_due
    }

    /// Returns whether the member knows that it belongs to a generation, and stands between no join
    /// and its sync (`AbstractCoordinator.generationIfStable`).
    pub(super) fn is_stable(&self) -> bool {
        self.phase == Phase::Joined && self.generation != NO_GENERATION
    }
}
