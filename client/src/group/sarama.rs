//! What Sarama does with errors of the group, where it differs from librdkafka
//! (`consumer_group.go`; from 1.61 on also `consumer_group_session.go`).

use super::{Forgets, Group, Phase};
use crate::{Action, Failure, Speaker, View};
use plimsoll_core::Instant;
use plimsoll_protocol::ErrorName;
use std::time::Duration;

/// `Consumer.Group.Rebalance.Retry.Max`: the number of further tries of a join and its sync.
const REJOINS: u32 = 4;

/// `Consumer.Group.Rebalance.Retry.Backoff`.
const REJOIN_BACKOFF: Duration = Duration::from_secs(2);

/// `Metadata.Retry.Max`: the number of heartbeats in a row that may come to nothing, and of further
/// questions for the offset of a claim.
pub(crate) const METADATA_RETRIES: u32 = 3;

/// `Metadata.Retry.Backoff`.
pub(crate) const METADATA_BACKOFF: Duration = Duration::from_millis(250);

/// The pause of the recipe's loop before it calls `Consume` again, which returned an error.
const CONSUME_PAUSE: Duration = Duration::from_secs(1);

/// The tries that are left.
#[derive(Debug)]
pub(super) struct Retries {
    rejoins: u32,
    heartbeats: u32,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            rejoins: REJOINS,
            heartbeats: METADATA_RETRIES,
        }
    }
}

impl<S: Speaker> Group<S> {
    /// Begins a session (`newConsumerGroupSession`), whose loop sends its first heartbeat at once.
    pub(super) fn begin_session_in_sarama(&mut self, now: Instant) {
        self.retries = Retries::default();
        self.beat = None;
        self.heartbeat_at = now;
    }

    /// Handles a join or a sync that came to nothing (`consumerGroup.newSession`, from 1.61 on
    /// `joinSync`): it is tried again some times, and then `Consume` returns the error, and is
    /// called again.
    pub(super) fn fail_in_sarama(&mut self, now: Instant, view: &View<S>, failure: Failure) {
        use ErrorName as E;
        self.phase = Phase::Unjoined;
        let is_tried_again = match failure {
            Failure::Refused(E::UnknownMemberId | E::IllegalGeneration) => {
                // With partitions in hand they are lost (`lostHeldAssignment`).
                return match self.rebalance.owns_any() {
                    true => self.lose_all(now, view, Forgets::Member),
                    false => {
                        self.member = None;
                        self.join_at = now;
                        self.join_if_needed(now, view);
                    }
                };
            }
            Failure::Refused(
                E::NotCoordinator | E::RebalanceInProgress | E::CoordinatorLoadInProgress,
            ) => true,
            Failure::Refused(E::CoordinatorNotAvailable) => {
                self.settings.behaviour.follows_coordinator()
            }
            Failure::Refused(_) | Failure::Lost | Failure::TimedOut => false,
        };
        // Before it tries again it looks for the coordinator (`client.RefreshCoordinator`). One
        // that cannot be reached is forgotten with the metadata that `Consume` asks for.
        if is_tried_again || !matches!(failure, Failure::Refused(_)) {
            self.actions.push_back(Action::LoseCoordinator);
        }
        self.join_at = match self.retries.rejoins.checked_sub(1) {
            Some(left) if is_tried_again => {
                self.retries.rejoins = left;
                now + REJOIN_BACKOFF
            }
            _ => {
                self.retries.rejoins = REJOINS;
                now + CONSUME_PAUSE
            }
        };
    }

    /// Handles what became of a heartbeat (`consumerGroupSession.heartbeatLoop`).
    pub(super) fn handle_heartbeat_in_sarama(
        &mut self,
        now: Instant,
        view: &View<S>,
        answer: Result<(), Failure>,
    ) {
        use ErrorName as E;
        let follows = self.settings.behaviour.follows_coordinator();
        match answer {
            Ok(()) => {
                self.retries.heartbeats = METADATA_RETRIES;
                self.check_partition_count(now, view);
            }
            Err(Failure::Refused(E::RebalanceInProgress)) => {
                self.retries.heartbeats = METADATA_RETRIES;
                self.begin_rebalance(now, view);
            }
            // Its claims end, and it joins with the id that it has.
            Err(Failure::Refused(E::UnknownMemberId | E::IllegalGeneration)) => {
                self.lose_all(now, view, Forgets::Generation);
            }
            // From 1.61 on: "the group has moved to another coordinator, which keeps the
            // generation, so find it and carry on heartbeating". Before, this ended the loop as any
            // error.
            Err(Failure::Refused(E::NotCoordinator | E::CoordinatorNotAvailable))
                if follows && self.retries.heartbeats > 0 =>
            {
                self.retries.heartbeats -= 1;
                self.actions.push_back(Action::LoseCoordinator);
                self.heartbeat_at = now + METADATA_BACKOFF;
            }
            // It connects anew to the same coordinator, without a pause.
            Err(Failure::Lost | Failure::TimedOut) if self.retries.heartbeats > 0 => {
                self.retries.heartbeats -= 1;
                self.heartbeat_at = now;
                self.heartbeat_if_due(now, view);
            }
            Err(_) => self.end_loop(now, view),
        }
    }

    /// Ends the session for a reason other than a heartbeat. Where it has no claims yet it could not
    /// begin (`newConsumerGroupSession`): `Consume` returns the error, and is called again.
    pub fn end_session(&mut self, now: Instant, view: &View<S>) {
        let has_begun = self.rebalance.owns_any() || self.rebalance.is_under_way();
        if self.phase != Phase::Joined || has_begun {
            return self.end_loop(now, view);
        }
        self.actions.push_back(Action::ForgetStart);
        self.rejoin(now + CONSUME_PAUSE, now, view);
    }

    /// Ends the loop of heartbeats, and with it the session: all claims return, and the member
    /// joins again with the id that it has. No heartbeat goes out meanwhile.
    fn end_loop(&mut self, now: Instant, view: &View<S>) {
        if self.phase != Phase::Joined {
            return;
        }
        self.heartbeat_at = Instant::FAR_FUTURE;
        // An assignment is answered first; where a session ends already, it is the same end.
        self.session_ends = self.rebalance.is_under_way();
        self.begin_rebalance(now, view);
    }
}
