//! Joining: how a client gets into a generation, and which partitions it gets there.

use super::{Group, Phase};
use crate::client::action::{Action, Continuation};
use crate::client::answer::Joined;
use crate::client::assignor;
use crate::client::connection::Failure;
use crate::client::view::View;
use crate::protocol::{JoinGroupRequest, JoinGroupResponse, Request};
use crate::topology::PartitionIndex;
use plimsoll_core::Instant;
use plimsoll_oracle::ErrorName;
use std::time::Duration;

/// What librdkafka adds to the timeout of requests that wait for other members.
const GRACE: Duration = Duration::from_secs(3);

impl Group {
    /// Joins, if that is what the client waits for and nothing stands in the way.
    pub(super) fn join_if_needed(&mut self, now: Instant, view: &View) {
        if self.phase == Phase::Unjoined
            && self.join_at <= now
            && !self.rebalance.is_under_way()
            && view.coordinator.node().is_some()
        {
            self.join(view);
        }
    }

    fn join(&mut self, view: &View) {
        let settings = &self.settings;
        let request = JoinGroupRequest {
            member: self.member,
            instance: settings.instance,
            session_timeout: settings.session_timeout,
            rebalance_timeout: settings.poll_deadline,
            assignor: settings.assignor,
            owned: self.rebalance.brings(),
        };
        let timeout = settings.session_timeout.max(settings.poll_deadline) + GRACE;
        self.phase = Phase::Joining;
        self.attempt += 1;
        let then = Continuation::JoinGroup(self.attempt);
        self.ask(view, timeout, then, Request::JoinGroup(Box::new(request)));
    }

    /// Handles what became of a join.
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
            Ok(Joined::MemberId(member)) => {
                self.member = Some(member);
                self.phase = Phase::Unjoined;
                self.join_if_needed(now, view);
            }
            Ok(Joined::Generation(answer)) if view.coordinator.node().is_some() => {
                self.sync(view, &answer);
            }
            // Meanwhile another request has found the coordinator gone: there is none to sync with,
            // and the generation will be over when another is known.
            Ok(Joined::Generation(answer)) => {
                self.member = Some(answer.member);
                self.fail(now, view, Failure::Lost);
            }
            Err(failure) => self.fail(now, view, failure),
        }
    }

    /// Enters a new generation. Its leader computes the assignment.
    fn sync(&mut self, view: &View, answer: &JoinGroupResponse) {
        self.member = Some(answer.member);
        self.generation = answer.generation;
        self.phase = Phase::Syncing;
        self.leads = None;
        let mut assignments = Vec::new();
        if answer.leader == answer.member {
            let partitions = view.metadata.workload(&view.topology);
            self.leads = Some(partitions.len());
            let (assignor, members) = (self.settings.assignor, &answer.members);
            assignments = assignor::assign(assignor, &view.topology, members, &partitions);
        }
        let request = Request::SyncGroup {
            generation: answer.generation,
            member: answer.member,
            assignments,
        };
        let timeout = self.settings.session_timeout + GRACE;
        self.ask(
            view,
            timeout,
            Continuation::SyncGroup(self.attempt),
            request,
        );
    }

    /// Handles what became of a sync: the partitions that the group's leader gave to this member.
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
                self.heartbeat_in_flight = false;
                self.heartbeat_at = now + self.settings.heartbeat;
                self.session_until = now + self.settings.session_timeout;
                let next = self.rebalance.handle_assignment(partitions);
                self.go_on(now, view, next);
            }
            Err(Failure::Refused(ErrorName::RebalanceInProgress)) => {
                // Another member joined in between.
                self.phase = Phase::Unjoined;
                self.join_at = now;
                self.join_if_needed(now, view);
            }
            Err(failure) => self.fail(now, view, failure),
        }
    }

    /// Handles a join or a sync that came to nothing.
    fn fail(&mut self, now: Instant, view: &View, failure: Failure) {
        use ErrorName as E;
        self.phase = Phase::Unjoined;
        match failure {
            Failure::Refused(E::FencedInstanceId) => return self.actions.push_back(Action::End),
            Failure::Refused(E::UnknownMemberId) => self.lose_all(now, view, true),
            Failure::Refused(E::IllegalGeneration) => self.lose_all(now, view, false),
            Failure::Refused(E::NotCoordinator | E::CoordinatorNotAvailable) | Failure::Lost => {
                self.actions.push_back(Action::LoseCoordinator);
            }
            Failure::Refused(_) => {}
        }
        if self.phase == Phase::Unjoined {
            self.join_at = now + self.settings.retry_backoff;
        }
    }
}
