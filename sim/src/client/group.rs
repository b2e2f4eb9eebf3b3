//! Membership of the group: join, sync, heartbeat, leave (librdkafka: `rdkafka_cgrp.c`).

use super::action::Continuation;
use super::answer::Joined;
use super::assignor;
use super::connection::Failure;
use super::process::{Process, settings};
use crate::env::Env;
use crate::protocol::{Generation, GroupMemberId, JoinGroupRequest, JoinGroupResponse, Request};
use crate::topology::PartitionIndex;
use plimsoll_core::Instant;
use plimsoll_oracle::ErrorName;
use plimsoll_scenarios::scenario::Assignor;
use std::time::Duration;

/// Stands for no generation.
const NO_GENERATION: Generation = -1;

/// What librdkafka adds to the timeout of requests that wait for other members.
const GRACE: Duration = Duration::from_secs(3);

/// What a client knows of its membership.
#[derive(Debug)]
pub struct Group {
    pub(super) phase: Phase,
    /// Number that increases with each attempt at membership: answers to earlier ones mean nothing
    /// any more.
    pub(super) attempt: u32,
    pub(super) member: Option<GroupMemberId>,
    pub(super) generation: Generation,
    /// The partitions of which the application was told, in order.
    pub(super) owned: Vec<PartitionIndex>,
    /// Cooperative: partitions to start once others are given up.
    pub(super) added: Vec<PartitionIndex>,
    /// Cooperative: whether to join again once those are started.
    pub(super) rejoin: bool,
    /// Number of partitions when this member, as the group's leader, gave them out.
    leads: Option<usize>,
    /// Earliest time of the next join.
    pub(super) join_at: Instant,
    heartbeat_at: Instant,
    heartbeat_in_flight: bool,
    /// End of the session, if no heartbeat is answered until then.
    session_until: Instant,
}

/// Where a client stands with its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// About to join, for the first time or again.
    Unjoined,
    /// With a JoinGroup in flight. Now and in the next phase no heartbeats are sent.
    Joining,
    /// With a SyncGroup in flight.
    Syncing,
    /// In a generation.
    Joined,
    /// Leaving: the process ends then.
    Leaving,
}

impl Group {
    /// Creates the state of a client that is not in the group.
    pub fn new() -> Self {
        Self {
            phase: Phase::Unjoined,
            attempt: 0,
            member: None,
            generation: NO_GENERATION,
            owned: Vec::new(),
            added: Vec::new(),
            rejoin: false,
            leads: None,
            join_at: Instant::ZERO,
            heartbeat_at: Instant::FAR_FUTURE,
            heartbeat_in_flight: false,
            session_until: Instant::FAR_FUTURE,
        }
    }

    /// Returns what a commit is stamped with, where the client is in the group.
    pub fn identity(&self) -> Option<(GroupMemberId, Generation)> {
        let member = self.member?;
        (self.generation != NO_GENERATION).then_some((member, self.generation))
    }

    /// Ends the membership, and keeps its member id.
    pub(super) fn reset(&mut self, now: Instant) {
        self.phase = Phase::Unjoined;
        self.attempt += 1;
        self.generation = NO_GENERATION;
        self.added.clear();
        self.rejoin = false;
        self.leads = None;
        self.join_at = now;
    }

    fn is_current(&self, phase: Phase, attempt: u32) -> bool {
        self.phase == phase && self.attempt == attempt
    }
}

/// Time.
impl Process {
    /// Returns the group's earliest deadline.
    #[inline]
    pub(super) fn group_due(&self) -> Instant {
        let group = &self.group;
        let can_send = self.view.coordinator.node().is_some();
        match group.phase {
            Phase::Unjoined if can_send && !self.application.is_rebalancing() => group.join_at,
            Phase::Joined if can_send && !group.heartbeat_in_flight => {
                group.session_until.min(group.heartbeat_at)
            }
            Phase::Joined => group.session_until,
            _ => Instant::FAR_FUTURE,
        }
    }

    /// Does what is due.
    pub(super) fn group_timeout(&mut self, env: &mut Env<'_>) {
        if self.group.phase == Phase::Joined && self.group.session_until <= env.now() {
            // The coordinator has expelled us by now, or will have when it can be reached
            // (`rd_kafka_cgrp_session_timeout_check`).
            self.lose_all(env, true);
        }
        self.join_if_needed(env);
        self.heartbeat_if_due(env);
    }
}

/// Join.
impl Process {
    /// Joins, if that is what it waits for and nothing stands in the way.
    pub(super) fn join_if_needed(&mut self, env: &mut Env<'_>) {
        let group = &self.group;
        if group.phase == Phase::Unjoined
            && group.join_at <= env.now()
            && !self.application.is_rebalancing()
            && self.view.coordinator.node().is_some()
        {
            self.join(env);
        }
    }

    fn join(&mut self, env: &mut Env<'_>) {
        let settings = settings(env);
        let owned = match settings.assignor {
            Assignor::CooperativeSticky => self.group.owned.clone(),
            Assignor::Range | Assignor::RoundRobin => Vec::new(),
        };
        let request = JoinGroupRequest {
            member: self.group.member,
            instance: self.instance(env),
            session_timeout: settings.session_timeout,
            rebalance_timeout: settings.poll_deadline,
            assignor: settings.assignor,
            owned,
        };
        self.group.phase = Phase::Joining;
        self.group.attempt += 1;
        let timeout = settings.session_timeout.max(settings.poll_deadline) + GRACE;
        let purpose = Continuation::JoinGroup(self.group.attempt);
        self.ask_coordinator(env, timeout, purpose, Request::JoinGroup(Box::new(request)));
    }

    /// Returns `group.instance.id`, where members are static.
    pub(super) fn instance(&self, env: &Env<'_>) -> Option<u32> {
        settings(env).static_ids.then_some(self.id.0)
    }

    /// Handles what became of a join.
    pub(super) fn join_answered(
        &mut self,
        env: &mut Env<'_>,
        attempt: u32,
        answer: Result<Joined, Failure>,
    ) {
        if !self.group.is_current(Phase::Joining, attempt) {
            return;
        }
        match answer {
            Ok(Joined::MemberId(member)) => {
                self.group.member = Some(member);
                self.group.phase = Phase::Unjoined;
                self.join_if_needed(env);
            }
            Ok(Joined::Generation(answer)) => self.sync(env, *answer),
            Err(failure) => self.membership_failed(env, failure),
        }
    }

    /// Enters a new generation. Its leader computes the assignment.
    fn sync(&mut self, env: &mut Env<'_>, answer: JoinGroupResponse) {
        let settings = settings(env);
        self.group.member = Some(answer.member);
        self.group.generation = answer.generation;
        self.group.phase = Phase::Syncing;
        self.group.leads = None;
        let mut assignments = Vec::new();
        if answer.leader == answer.member {
            let partitions = self.view.metadata.workload(&env.topology);
            self.group.leads = Some(partitions.len());
            let (assignor, members) = (settings.assignor, &answer.members);
            assignments = assignor::assign(assignor, &env.topology, members, &partitions);
        }
        let request = Request::SyncGroup {
            generation: answer.generation,
            member: answer.member,
            assignments,
        };
        let timeout = settings.session_timeout + GRACE;
        let then = Continuation::SyncGroup(self.group.attempt);
        self.ask_coordinator(env, timeout, then, request);
    }

    /// Handles what became of a sync.
    pub(super) fn sync_answered(
        &mut self,
        env: &mut Env<'_>,
        attempt: u32,
        answer: Result<Vec<PartitionIndex>, Failure>,
    ) {
        if !self.group.is_current(Phase::Syncing, attempt) {
            return;
        }
        match answer {
            Ok(partitions) => self.synced(env, partitions),
            Err(Failure::Refused(ErrorName::RebalanceInProgress)) => {
                // Another member joined in between.
                self.group.phase = Phase::Unjoined;
                self.group.join_at = env.now();
                self.join_if_needed(env);
            }
            Err(failure) => self.membership_failed(env, failure),
        }
    }

    fn membership_failed(&mut self, env: &mut Env<'_>, failure: Failure) {
        use ErrorName as E;
        let join_at = env.now() + settings(env).retry_backoff;
        self.group.phase = Phase::Unjoined;
        match failure {
            Failure::Refused(E::FencedInstanceId) => return self.end(env),
            Failure::Refused(E::UnknownMemberId) => self.lose_all(env, true),
            Failure::Refused(E::IllegalGeneration) => self.lose_all(env, false),
            Failure::Refused(E::NotCoordinator | E::CoordinatorNotAvailable) | Failure::Lost => {
                self.coordinator_lost(env);
            }
            Failure::Refused(_) => {}
        }
        if self.group.phase == Phase::Unjoined {
            self.group.join_at = join_at;
        }
    }

    /// Takes the partitions that the group's leader gave to this member.
    fn synced(&mut self, env: &mut Env<'_>, partitions: Vec<PartitionIndex>) {
        let settings = settings(env);
        let group = &mut self.group;
        group.phase = Phase::Joined;
        group.heartbeat_in_flight = false;
        group.heartbeat_at = env.now() + settings.heartbeat;
        group.session_until = env.now() + settings.session_timeout;
        self.assigned(env, partitions);
    }

    /// Sends a request to the coordinator, which is known.
    pub(super) fn ask_coordinator(
        &mut self,
        env: &mut Env<'_>,
        timeout: Duration,
        purpose: Continuation,
        request: Request,
    ) {
        if let Some(node) = self.view.coordinator.node() {
            self.send(env, node, timeout, purpose, request);
        } else {
            debug_assert!(false, "asked an unknown coordinator");
        }
    }
}

/// Heartbeats.
impl Process {
    /// Sends a heartbeat, if one is due, none is in flight and the coordinator is known.
    pub(super) fn heartbeat_if_due(&mut self, env: &mut Env<'_>) {
        let group = &mut self.group;
        let is_due = group.phase == Phase::Joined
            && !group.heartbeat_in_flight
            && group.heartbeat_at <= env.now();
        let (true, Some(member), Some(_)) = (is_due, group.member, self.view.coordinator.node())
        else {
            return;
        };
        let settings = settings(env);
        group.heartbeat_in_flight = true;
        group.heartbeat_at = env.now() + settings.heartbeat;
        let request = Request::Heartbeat {
            generation: group.generation,
            member,
        };
        let purpose = Continuation::Heartbeat(group.attempt);
        self.ask_coordinator(env, settings.session_timeout, purpose, request);
    }

    /// Handles what became of a heartbeat (`rd_kafka_cgrp_handle_Heartbeat`).
    pub(super) fn heartbeat_answered(
        &mut self,
        env: &mut Env<'_>,
        attempt: u32,
        result: Result<(), Failure>,
    ) {
        use ErrorName as E;
        if !self.group.is_current(Phase::Joined, attempt) {
            return;
        }
        self.group.heartbeat_in_flight = false;
        let session_until = env.now() + settings(env).session_timeout;
        match result {
            Ok(()) => {
                self.group.session_until = session_until;
                self.check_partition_count(env);
            }
            Err(Failure::Refused(E::RebalanceInProgress)) => {
                self.group.session_until = session_until;
                self.rebalance(env);
            }
            Err(Failure::Refused(E::UnknownMemberId)) => self.lose_all(env, true),
            Err(Failure::Refused(E::IllegalGeneration)) => self.lose_all(env, false),
            Err(Failure::Refused(E::FencedInstanceId)) => self.end(env),
            Err(
                Failure::Refused(E::NotCoordinator | E::CoordinatorNotAvailable) | Failure::Lost,
            ) => self.coordinator_lost(env),
            // The next heartbeat may go better.
            Err(Failure::Refused(_)) => {}
        }
    }

    /// Rebalances, as the group's leader, when topics have more partitions than were given out.
    /// Java's rule (`ConsumerCoordinator.rejoinNeededOrPending`); other members learn of it by
    /// their heartbeats.
    pub(super) fn check_partition_count(&mut self, env: &mut Env<'_>) {
        if self.group.phase == Phase::Joined
            && let Some(count) = self.group.leads
            && count != self.view.metadata.workload(&env.topology).len()
        {
            self.rebalance(env);
        }
    }
}

/// Leave.
impl Process {
    /// Leaves the group when the application polled too late, so that others can have its
    /// partitions (KIP-62; static members stay, KIP-345). The application learns of it when it
    /// polls again.
    pub(super) fn check_poll_deadline(&mut self, env: &mut Env<'_>) {
        if !self.application.take_missed_poll_deadline(env.now()) {
            return;
        }
        if let (Some(member), Some(node), None) = (
            self.group.member,
            self.view.coordinator.node(),
            self.instance(env),
        ) {
            let request = Request::LeaveGroup { member };
            self.say(env, node, request);
        }
        self.lose_all(env, true);
    }

    /// Leaves the group and ends: the application is done. Static members do not leave: their
    /// partitions wait for their return.
    pub(super) fn close(&mut self, env: &mut Env<'_>) {
        self.fetcher.unassign_all();
        self.start.forget();
        self.requests.forget_all();
        self.group.phase = Phase::Leaving;
        self.group.attempt += 1;
        match (
            self.group.member,
            self.view.coordinator.node(),
            self.instance(env),
        ) {
            (Some(member), Some(_), None) => {
                let timeout = settings(env).request_timeout;
                let request = Request::LeaveGroup { member };
                self.ask_coordinator(env, timeout, Continuation::LeaveGroup, request);
            }
            _ => self.end(env),
        }
    }

    /// Ends the process: the coordinator let it go, or cannot be reached.
    pub(super) fn left(&mut self, env: &mut Env<'_>) {
        self.end(env);
    }
}
