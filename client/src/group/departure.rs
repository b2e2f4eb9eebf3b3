//! The end of a membership: the group lets the member go, or it leaves.

use super::{Forgets, Group, NO_GENERATION, Phase};
use crate::{Action, Continuation, Failure, Membership, Speaker, View};
use plimsoll_core::{Event, Instant, TopicPartition};
use plimsoll_protocol::{ErrorName, Leaving, Node, Request};

impl<S: Speaker> Group<S> {
    /// Takes the news that a commit of these partitions was refused because the group has let the
    /// member go (`rd_kafka_cgrp_op_handle_OffsetCommit`).
    ///
    /// An application answers a revocation once its last commit is accepted, which no commit is any
    /// more; and librdkafka does not tell the loss before it has the answer. So that the two do not
    /// wait for each other, Plimsoll's client tells the loss of what is being given up
    /// (`PollThread::dismissed`).
    pub fn handle_commit_refused(
        &mut self,
        now: Instant,
        view: &View<S>,
        error: ErrorName,
        carried: &[TopicPartition],
    ) {
        if self.settings.behaviour.is_polled() {
            return self.handle_commit_refused_in_java(now, view, error);
        }
        match error {
            ErrorName::UnknownMemberId if self.phase == Phase::Syncing => {
                self.member = None;
                self.dismissed = true;
            }
            ErrorName::UnknownMemberId => self.lose_all(now, view, Forgets::Member),
            // "A new generation id can be received soon after this error."
            _ if self.is_rebalancing() => {}
            _ if matches!(self.phase, Phase::Joining | Phase::Syncing) => {}
            _ => self.lose_all(now, view, Forgets::Generation),
        }
        if let Some((rebalance, given_up)) = self.rebalance.giving_up() {
            let given_up = given_up.iter();
            let partitions: Vec<TopicPartition> = given_up
                .map(|index| view.topology.partition(*index))
                .collect();
            if partitions
                .iter()
                .any(|partition| carried.contains(partition))
            {
                self.actions.push_back(Action::Tell(Event::Lost {
                    rebalance,
                    partitions,
                }));
            }
        }
    }

    /// Ends the membership upon a refusal which says that it is over. Returns whether the failure
    /// is such a refusal.
    pub(super) fn ends_upon(&mut self, now: Instant, view: &View<S>, failure: Failure) -> bool {
        match failure {
            Failure::Refused(ErrorName::UnknownMemberId) => {
                self.lose_all(now, view, Forgets::Member);
            }
            Failure::Refused(ErrorName::IllegalGeneration) => {
                self.lose_all(now, view, Forgets::Generation);
            }
            Failure::Refused(ErrorName::FencedInstanceId) => self.actions.push_back(Action::End),
            _ => return false,
        }
        true
    }

    /// Loses what the application still has of a membership whose end was noted while it owed an
    /// answer.
    pub(super) fn lose_dismissed(&mut self, now: Instant, view: &View<S>) {
        let forgets = match self.member {
            None => Forgets::Member,
            Some(_) => Forgets::Generation,
        };
        self.lose_all(now, view, forgets);
    }

    /// Ends the membership, and with it every claim to partitions.
    ///
    /// While the application owes an answer, librdkafka takes note of the end and does not tell it
    /// (`rd_kafka_cgrp_revoke_all_rejoin_maybe`: "already in progress, skipping"). After the
    /// answer, its next heartbeat is refused, or its session is over.
    pub(super) fn lose_all(&mut self, now: Instant, view: &View<S>, forgets: Forgets) {
        if self.phase == Phase::Leaving {
            return;
        }
        let behaviour = self.settings.behaviour;
        if forgets == Forgets::Member {
            self.member = None;
        }
        if forgets == Forgets::Generation || behaviour.membership != Membership::Served {
            self.generation = NO_GENERATION;
        }
        if self.is_rebalancing() && behaviour.awaits_answers {
            self.dismissed = true;
            return;
        }
        self.dismissed = false;
        self.phase = Phase::Unjoined;
        self.attempt += 1;
        self.counted = None;
        self.lacks_topics = false;
        self.session_ends = false;
        self.join_at = match self.rebalance.is_cooperative() && !self.rebalance.owns_any() {
            // "Current assignment is empty": nothing is given up, which would hasten the join.
            true => self.next_join(now),
            false => now,
        };
        self.actions.push_back(Action::ForgetStart);
        self.rebalance.handle_lost();
        self.join_if_needed(now, view);
    }

    /// Leaves the group when the application polled too late, so that others can have its
    /// partitions (KIP-62; static members stay, KIP-345). The application learns of it when it
    /// polls again.
    pub fn handle_missed_poll(&mut self, now: Instant, view: &View<S>) {
        if let Some((node, request)) = self.departure(view) {
            self.actions.push_back(Action::Say(node, request));
        }
        self.lose_all(now, view, Forgets::Member);
        if self.dismissed {
            // "Don't send heartbeats if max.poll.interval.ms was exceeded"
            // (`rd_kafka_cgrp_heartbeat`): only the end of the session shows it.
            self.heartbeat_at = Instant::FAR_FUTURE;
        }
    }

    /// Stays in the group no longer: the application is done. No heartbeat goes out any more, and
    /// no join (`rd_kafka_cgrp_unsubscribe`, with which a close begins). What follows is that it
    /// [leaves](Self::leave), once no commit is outstanding.
    pub fn close(&mut self, now: Instant) {
        self.phase = Phase::Leaving;
        self.attempt += 1;
        let limit = self.settings.behaviour.close_limit;
        self.session_until = limit.map_or(Instant::FAR_FUTURE, |limit| now + limit);
    }

    /// Leaves the group: the application is done, and the process ends then. Static members do not
    /// leave: their partitions wait for their return.
    pub fn leave(&mut self, view: &View<S>) {
        self.phase = Phase::Leaving;
        self.attempt += 1;
        self.session_until = Instant::FAR_FUTURE;
        let departure = self.departure(view);
        if let Some((node, request)) = departure.filter(|_| !self.forgets_to_leave()) {
            let timeout = self.settings.behaviour.leave_timeout;
            let timeout = timeout.unwrap_or(self.settings.request_timeout);
            let then = Continuation::LeaveGroup;
            self.ask(node, timeout, then, request);
        } else {
            self.actions.push_back(Action::End);
        }
    }

    /// Returns whether the client ends without a word to the group
    /// ([`leaves_without_partitions`](crate::Behaviour::leaves_without_partitions)). Before it got
    /// into a generation it has no assignor, and leaves as an eager member does
    /// (`rd_kafka_cgrp_rebalance_protocol`); so does one whose application owes an answer, which
    /// counts as that to a full revocation (`rd_kafka_cgrp_handle_assign_op`).
    fn forgets_to_leave(&self) -> bool {
        self.rebalance.is_cooperative()
            && self.joined != NO_GENERATION
            && !self.rebalance.owns_any()
            && !self.rebalance.blocks()
            && !self.settings.behaviour.leaves_without_partitions
    }

    /// Returns the request with which the member leaves, and where that goes; `None` where it is
    /// static, or there is nothing to leave.
    fn departure(&self, view: &View<S>) -> Option<(Node, Request<S::Dialect>)> {
        if self.settings.instance.is_some() {
            return None;
        }
        let (member, node) = (self.member?, view.coordinator.node()?);
        let leaving = Leaving {
            member,
            instance: None,
        };
        let request = Request::LeaveGroup {
            group: self.settings.group,
            members: vec![leaving],
        };
        Some((node, request))
    }

    /// Ends the process: the coordinator let it go, or cannot be reached.
    pub fn handle_left(&mut self) {
        self.actions.push_back(Action::End);
    }
}
