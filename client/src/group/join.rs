//! Joining: how a client gets into a generation, and which partitions it gets there.

use super::{Forgets, Group, NO_GENERATION, Phase, Sync};
use crate::assignor::{self, Assignments, Joining};
use crate::resend::{Resend, is_retriable};
use crate::{
    Action, AssignmentOf, Continuation, Failure, Joined, Membership, Owned, Speaker, View,
};
use plimsoll_core::Instant;
use plimsoll_protocol::{
    Assignor, ErrorName, Generation, GroupMemberId, JoinGroupRequest, JoinGroupResponse, Node,
    PartitionIndex, ProtocolType, Request, SyncGroupResponse,
};
use std::time::Duration;

/// What a coordinator's refusal of a join adds to that interval, once (`rd_interval_backoff` in
/// `rd_kafka_cgrp_handle_JoinGroup`; a join that was lost adds nothing).
const REFUSED_BACKOFF: Duration = Duration::from_secs(1);

/// What librdkafka adds to the timeout of requests that wait for other members.
const GRACE: Duration = Duration::from_secs(3);

impl<S: Speaker> Group<S> {
    /// Joins, if that is what the client waits for and nothing stands in the way. A topic that does
    /// not exist does: the join is "postponed until up-to-date metadata is available"
    /// (`rd_kafka_cgrp_join`).
    pub(super) fn join_if_needed(&mut self, now: Instant, view: &View<S>) {
        if self.phase == Phase::Unjoined
            && self.join_at <= now
            && !self.is_rebalancing()
            && !self.waits_for_poll()
            && !view.metadata.topics_are_gone()
            && let Some(coordinator) = view.coordinator.node()
        {
            self.join(now, view, coordinator);
        }
    }

    fn join(&mut self, now: Instant, view: &View<S>, coordinator: Node) {
        let settings = &self.settings;
        let owned = Owned {
            partitions: self.rebalance.brings(),
            since: self.owned_since(),
        };
        let request = JoinGroupRequest {
            group: settings.group,
            member: self.member,
            requires_id: true,
            skips_assignment: false,
            client: Default::default(),
            instance: settings.instance,
            session_timeout: settings.session_timeout,
            rebalance_timeout: settings.poll_deadline,
            protocol_type: Some(ProtocolType::CONSUMER),
            subscription: view.speaker.subscription(settings.assignor, owned),
        };
        let timeout = match settings.behaviour.is_polled() {
            true => self.join_timeout_in_java(),
            false => settings.session_timeout.max(settings.poll_deadline) + GRACE,
        };
        self.phase = Phase::Joining;
        self.dismissed = false;
        self.attempt += 1;
        self.asked_at = now;
        self.join_backoff = Duration::ZERO;
        let then = Continuation::JoinGroup(self.attempt);
        let request = Request::JoinGroup(Box::new(request));
        self.ask(coordinator, timeout, then, request);
    }

    /// Returns the generation with which a member says what it owns: the one of its last sync, also
    /// where that is over (`rd_kafka_sticky_assignor_on_assignment_cb` keeps it, and
    /// `rd_kafka_sticky_assignor_get_metadata` writes it). librdkafka's other assignors write -1
    /// (`rd_kafka_assignor_get_metadata_with_empty_userdata`).
    fn owned_since(&self) -> Generation {
        match self.settings.assignor {
            Assignor::CooperativeSticky => self.synced,
            Assignor::Range | Assignor::RoundRobin => NO_GENERATION,
        }
    }

    /// Returns the earliest time of a join that nothing hastens.
    pub(super) fn next_join(&self, now: Instant) -> Instant {
        let interval = self.settings.behaviour.join_interval;
        now.max(self.asked_at + interval + self.join_backoff)
    }

    /// Handles what became of a join (`rd_kafka_cgrp_handle_JoinGroup`).
    pub fn handle_join(
        &mut self,
        now: Instant,
        view: &View<S>,
        attempt: u32,
        answer: Result<Joined<S::Dialect>, Failure>,
    ) {
        if !self.is_current(Phase::Joining, attempt) {
            return;
        }
        if self.waits_for_poll() {
            return self.keep_for_poll(attempt, answer);
        }
        match answer {
            Ok(Joined::MemberId(member)) => self.take_member_id(now, view, member),
            Ok(Joined::Generation(answer)) => self.sync(now, view, *answer),
            Err(failure) if self.settings.behaviour.is_looped() => {
                self.fail_in_sarama(now, view, failure);
            }
            Err(failure) if self.settings.behaviour.is_polled() => {
                self.fail_in_java(now, view, failure);
            }
            Err(failure) => self.fail_join(now, failure),
        }
    }

    /// Takes the id with which to join again (KIP-394). A cooperative member that gets a new one
    /// was forgotten by its coordinator: then what it owns is lost.
    fn take_member_id(&mut self, now: Instant, view: &View<S>, member: GroupMemberId) {
        self.member = Some(member);
        if self.rebalance.owns_any() {
            self.lose_all(now, view, Forgets::Nothing);
        } else {
            self.phase = Phase::Unjoined;
            self.join_if_needed(now, view);
        }
    }

    /// Handles a join that came to nothing. An error that no other join would mend (the assignors
    /// of the members do not fit, the session timeout is out of bounds) is told to the application,
    /// by `rd_kafka_consumer_err`, and the client joins again all the same: neither Plimsoll's
    /// consumer nor the recipes end upon an error that is not fatal.
    fn fail_join(&mut self, now: Instant, failure: Failure) {
        use ErrorName as E;
        self.phase = Phase::Unjoined;
        if matches!(failure, Failure::Refused(_)) {
            self.join_backoff = REFUSED_BACKOFF;
        }
        match failure {
            Failure::Refused(E::FencedInstanceId) => return self.actions.push_back(Action::End),
            // What a cooperative member owns is lost only when it gets another id
            // (`MEMBER_ID_REQUIRED`). A static one joins by its name, so that no answer gives it
            // one first: it never learns that it lost anything.
            Failure::Refused(E::UnknownMemberId) => self.member = None,
            _ if failure.loses_coordinator() => self.actions.push_back(Action::LoseCoordinator),
            _ => {}
        }
        self.join_at = self.next_join(now);
    }

    /// Enters a new generation. Its leader computes the assignment.
    fn sync(&mut self, now: Instant, view: &View<S>, answer: JoinGroupResponse<S::Dialect>) {
        self.member = Some(answer.member);
        if view.coordinator.node().is_none() {
            // Lost since the join went out. librdkafka lets a sync wait for the next one.
            match self.settings.behaviour.membership {
                Membership::Served => {}
                Membership::Looped { .. } => return self.fail_in_sarama(now, view, Failure::Lost),
                Membership::Polled => return self.fail_in_java(now, view, Failure::Lost),
            }
        }
        self.generation = answer.generation;
        let last = std::mem::replace(&mut self.joined, answer.generation);
        // In a generation without this member others may have had what it still owns.
        let was_left_out = self.rebalance.owns_any() && answer.generation > last + 1;
        if was_left_out
            && self.settings.behaviour.checks_generations
            && self.settings.instance.is_some()
        {
            return self.actions.push_back(Action::End);
        }
        self.phase = Phase::Syncing;
        let partitions: Vec<_> = view.metadata.workload(&view.topology).collect();
        let leads = answer.leader == answer.member;
        let counts = leads || self.settings.behaviour.all_count_partitions;
        self.counted = counts.then_some(partitions.len());
        let assignments = match leads {
            true => assign(view, &answer, &partitions),
            false => Vec::new(),
        };
        self.sync = Some(Sync {
            sender: self.sender(answer.member),
            protocol: answer
                .protocol
                .filter(|_| self.settings.behaviour.names_protocol),
            assignments,
            resend: Resend::new(now, self.settings.session_timeout + GRACE),
        });
        self.sync_if_due(now, view);
    }

    /// Sends the sync, if that is due, or gives it up when its time is over.
    pub(super) fn sync_if_due(&mut self, now: Instant, view: &View<S>) {
        let Some(sync) = self.sync.as_mut().filter(|_| self.phase == Phase::Syncing) else {
            return;
        };
        if sync.resend.is_over(now) {
            return self.fail_sync(now, view, Failure::TimedOut);
        }
        if sync.resend.is_due(now)
            && let Some(coordinator) = view.coordinator.node()
        {
            let timeout = sync.resend.send(now, self.settings.request_timeout);
            let request = Request::SyncGroup {
                sender: sync.sender,
                protocol: sync.protocol.clone(),
                assignments: sync.assignments.clone(),
            };
            let then = Continuation::SyncGroup(self.attempt);
            self.ask(coordinator, timeout, then, request);
        }
    }

    /// Handles what became of a sync: the partitions that the group's leader gave to this member
    /// (`rd_kafka_cgrp_handle_SyncGroup`).
    pub fn handle_sync(
        &mut self,
        now: Instant,
        view: &View<S>,
        attempt: u32,
        answer: Result<SyncGroupResponse<S::Dialect>, Failure>,
    ) {
        if !self.is_current(Phase::Syncing, attempt) {
            return;
        }
        // What makes no sense says no more than what is lost.
        let assigned = answer.and_then(|answer| {
            let assigned = view.speaker.assigned(answer.assignment);
            assigned.ok_or(Failure::Lost)
        });
        match assigned {
            Ok(partitions) => {
                self.phase = Phase::Joined;
                self.synced = self.generation;
                self.begin_session(now);
                let next = self.rebalance.handle_assignment(partitions);
                self.go_on(now, view, next);
            }
            Err(failure) if self.settings.behaviour.is_looped() => {
                self.fail_in_sarama(now, view, failure);
            }
            Err(failure) if self.settings.behaviour.is_polled() => {
                self.fail_in_java(now, view, failure);
            }
            Err(failure) => {
                let backoff = self.settings.retry_backoff;
                let sync = self.sync.as_mut().filter(|_| is_retriable(failure));
                if !sync.is_some_and(|sync| sync.resend.send_again(now, backoff)) {
                    self.fail_sync(now, view, failure);
                }
            }
        }
    }

    /// Handles a sync that came to nothing (`rd_kafka_cgrp_handle_SyncGroup_memberstate`).
    fn fail_sync(&mut self, now: Instant, view: &View<S>, failure: Failure) {
        use ErrorName as E;
        self.phase = Phase::Unjoined;
        if self.rebalance.owns_any() && self.ends_upon(now, view, failure) {
            return;
        }
        match failure {
            Failure::Refused(E::FencedInstanceId) => return self.actions.push_back(Action::End),
            Failure::Refused(E::UnknownMemberId) => self.member = None,
            Failure::Refused(E::IllegalGeneration) => self.generation = NO_GENERATION,
            _ if failure.loses_coordinator() => self.actions.push_back(Action::LoseCoordinator),
            _ => {}
        }
        self.join_at = self.next_join(now);
    }
}

/// Gives partitions to the members of a generation, as its leader: to none where it does not know
/// the protocol for which they voted.
fn assign<S: Speaker>(
    view: &View<S>,
    answer: &JoinGroupResponse<S::Dialect>,
    partitions: &[PartitionIndex],
) -> Assignments<AssignmentOf<S>> {
    let voted = answer.protocol.as_ref();
    let Some(assignor) = voted.and_then(|(_, name)| view.speaker.assignor(name)) else {
        return Vec::new();
    };
    let joined = answer.members.iter().map(|joined| Joining {
        member: joined.member,
        instance: joined.instance,
        owned: view.speaker.owned(&joined.subscription),
    });
    let joined: Vec<Joining> = joined.collect();
    let assigned = assignor::assign(assignor, &view.topology, &joined, partitions).into_iter();
    let said = assigned.map(|(member, own)| (member, view.speaker.assignment(own)));
    said.collect()
}
