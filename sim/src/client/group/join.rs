//! Joining: how a client gets into a generation, and which partitions it gets there.

use super::{Forgets, Group, NO_GENERATION, Phase, Sync};
use crate::client::action::{Action, Continuation};
use crate::client::answer::Joined;
use crate::client::assignor;
use crate::client::connection::Failure;
use crate::client::view::View;
use crate::protocol::{
    Generation, GroupIndex, GroupMemberId, JoinGroupRequest, JoinGroupResponse, Node, ProtocolType,
    Request, Subscription,
};
use crate::recipes::Library;
use crate::topology::PartitionIndex;
use plimsoll_core::Instant;
use plimsoll_oracle::ErrorName;
use plimsoll_scenarios::scenario::Assignor;
use std::time::Duration;

/// Shortest time from a join to the next one (`rd_kafka_cgrp_join_state_serve`: `rd_interval` of
/// `rkcg_join_intvl`), unless the next one follows an answer of the application or the gift of a
/// member id (`rd_interval_reset`).
const JOIN_INTERVAL: Duration = Duration::from_secs(1);

/// What a coordinator's refusal of a join adds to that interval, once (`rd_interval_backoff` in
/// `rd_kafka_cgrp_handle_JoinGroup`; a join that was lost adds nothing).
const REFUSED_BACKOFF: Duration = Duration::from_secs(1);

/// Number of times that librdkafka sends a SyncGroup again to a coordinator that still loads
/// (`RD_KAFKA_REQUEST_DEFAULT_RETRIES`).
const SYNC_RETRIES: u32 = 2;

/// What librdkafka adds to the timeout of requests that wait for other members.
const GRACE: Duration = Duration::from_secs(3);

impl Group {
    /// Joins, if that is what the client waits for and nothing stands in the way. A topic that does
    /// not exist does: the join is "postponed until up-to-date metadata is available"
    /// (`rd_kafka_cgrp_join`).
    pub(super) fn join_if_needed(&mut self, now: Instant, view: &View) {
        if self.phase == Phase::Unjoined
            && self.join_at <= now
            && !self.is_rebalancing()
            && !view.metadata.topics_are_gone()
            && let Some(coordinator) = view.coordinator.node()
        {
            self.join(now, coordinator);
        }
    }

    fn join(&mut self, now: Instant, coordinator: Node) {
        let settings = &self.settings;
        let request = JoinGroupRequest {
            group: GroupIndex::SCENARIO,
            member: self.member,
            requires_id: true,
            skips_assignment: false,
            client: (),
            instance: settings.instance,
            session_timeout: settings.session_timeout,
            rebalance_timeout: settings.poll_deadline,
            protocol_type: Some(ProtocolType::CONSUMER),
            subscription: Subscription {
                assignor: settings.assignor,
                owned: self.rebalance.brings(),
                owned_since: self.owned_since(),
            },
        };
        let timeout = settings.session_timeout.max(settings.poll_deadline) + GRACE;
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
        match self.settings.library {
            Library::Librdkafka => now.max(self.asked_at + JOIN_INTERVAL + self.join_backoff),
            Library::Sarama160 | Library::Sarama161 => now,
        }
    }

    /// Handles what became of a join (`rd_kafka_cgrp_handle_JoinGroup`).
    pub(crate) fn handle_join(
        &mut self,
        now: Instant,
        view: &View,
        attempt: u32,
        answer: Result<Joined, Failure>,
    ) {
        if !self.is_current(Phase::Joining, attempt) {
            return;
        }
        match answer {
            Ok(Joined::MemberId(member)) => self.take_member_id(now, view, member),
            Ok(Joined::Generation(answer)) => self.sync(now, view, &answer),
            Err(failure) if self.settings.library.is_sarama() => {
                self.fail_in_sarama(now, view, failure);
            }
            Err(failure) => self.fail_join(now, failure),
        }
    }

    /// Takes the id with which to join again (KIP-394). A cooperative member that gets a new one
    /// was forgotten by its coordinator: then what it owns is lost.
    fn take_member_id(&mut self, now: Instant, view: &View, member: GroupMemberId) {
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
            Failure::Refused(E::NotCoordinator | E::CoordinatorNotAvailable)
            | Failure::Lost
            | Failure::TimedOut => {
                self.actions.push_back(Action::LoseCoordinator);
            }
            Failure::Refused(_) => {}
        }
        self.join_at = self.next_join(now);
    }

    /// Enters a new generation. Its leader computes the assignment.
    fn sync(&mut self, now: Instant, view: &View, answer: &JoinGroupResponse) {
        self.member = Some(answer.member);
        let Some(coordinator) = view.coordinator.node() else {
            // Lost since the join went out: a sync would be lost too.
            return self.handle_sync_failure(now, view, Failure::Lost);
        };
        self.generation = answer.generation;
        let last = std::mem::replace(&mut self.joined, answer.generation);
        // In a generation without this member others may have had what it still owns.
        let was_left_out = self.rebalance.owns_any() && answer.generation > last + 1;
        if was_left_out && self.settings.checks_generations && self.settings.instance.is_some() {
            return self.actions.push_back(Action::End);
        }
        self.phase = Phase::Syncing;
        self.sync = Sync {
            sender: Some(self.sender(answer.member)),
            ..Sync::default()
        };
        // librdkafka does not say it: its SyncGroup ends at version 3.
        if self.settings.library.is_sarama() {
            self.sync.protocol = answer.protocol;
        }
        let partitions = view.metadata.workload(&view.topology);
        let leads = answer.leader == answer.member;
        let counts = leads || !self.settings.library.is_sarama();
        self.counted = counts.then_some(partitions.len());
        if leads && let Some((_, assignor)) = answer.protocol {
            let (topology, members) = (&view.topology, &answer.members);
            self.sync.assignments = assignor::assign(assignor, topology, members, &partitions);
        }
        self.ask_to_sync(coordinator);
    }

    fn ask_to_sync(&mut self, coordinator: Node) {
        let Some(sender) = self.sync.sender else {
            return;
        };
        let request = Request::SyncGroup {
            sender,
            protocol: self.sync.protocol,
            assignments: self.sync.assignments.clone(),
        };
        let timeout = self.settings.session_timeout + GRACE;
        let then = Continuation::SyncGroup(self.attempt);
        self.ask(coordinator, timeout, then, request);
    }

    /// Sends a sync again whose coordinator was still loading, if that is due.
    pub(super) fn sync_if_due(&mut self, now: Instant, view: &View) {
        if self.phase == Phase::Syncing
            && self.sync.again_at <= now
            && let Some(coordinator) = view.coordinator.node()
        {
            self.sync.again_at = Instant::FAR_FUTURE;
            self.ask_to_sync(coordinator);
        }
    }

    /// Handles what became of a sync: the partitions that the group's leader gave to this member
    /// (`rd_kafka_cgrp_handle_SyncGroup`).
    pub(crate) fn handle_sync(
        &mut self,
        now: Instant,
        view: &View,
        attempt: u32,
        answer: Result<Vec<PartitionIndex>, Failure>,
    ) {
        if !self.is_current(Phase::Syncing, attempt) {
            return;
        }
        match answer {
            Ok(partitions) => {
                self.phase = Phase::Joined;
                self.synced = self.generation;
                self.beat = None;
                self.begin_session(now);
                let next = self.rebalance.handle_assignment(partitions);
                self.go_on(now, view, next);
            }
            Err(Failure::Refused(ErrorName::CoordinatorLoadInProgress))
                if self.sync.retries < SYNC_RETRIES && !self.settings.library.is_sarama() =>
            {
                let pause = self.settings.retry_backoff * (1 << self.sync.retries);
                self.sync.retries += 1;
                self.sync.again_at = now + pause;
            }
            Err(failure) => self.handle_sync_failure(now, view, failure),
        }
    }

    fn handle_sync_failure(&mut self, now: Instant, view: &View, failure: Failure) {
        match self.settings.library {
            Library::Librdkafka => self.fail_sync(now, view, failure),
            Library::Sarama160 | Library::Sarama161 => self.fail_in_sarama(now, view, failure),
        }
    }

    /// Handles a sync that came to nothing (`rd_kafka_cgrp_handle_SyncGroup_memberstate`).
    fn fail_sync(&mut self, now: Instant, view: &View, failure: Failure) {
        use ErrorName as E;
        self.phase = Phase::Unjoined;
        match failure {
            Failure::Refused(E::FencedInstanceId) => return self.actions.push_back(Action::End),
            Failure::Refused(E::UnknownMemberId | E::IllegalGeneration)
                if self.rebalance.owns_any() =>
            {
                let forgets = match failure {
                    Failure::Refused(E::UnknownMemberId) => Forgets::Member,
                    _ => Forgets::Generation,
                };
                return self.lose_all(now, view, forgets);
            }
            Failure::Refused(E::UnknownMemberId) => self.member = None,
            Failure::Refused(E::IllegalGeneration) => self.generation = NO_GENERATION,
            Failure::Refused(E::NotCoordinator | E::CoordinatorNotAvailable)
            | Failure::Lost
            | Failure::TimedOut => {
                self.actions.push_back(Action::LoseCoordinator);
            }
            Failure::Refused(_) => {}
        }
        self.join_at = self.next_join(now);
    }
}
