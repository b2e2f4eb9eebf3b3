//! Syncing: the leader's assignment reaches the members (`classicGroupSync`).

use super::action::Change;
use super::group::Group;
use super::snapshot::GroupSnapshot;
use crate::cluster::connections::Reply;
use crate::protocol::{
    Dialect, Generation, GroupMemberId, GroupState, Response, Sender, SyncGroupResponse,
    VotedProtocol,
};
use plimsoll_core::Instant;
use plimsoll_oracle::ErrorName;

impl<D: Dialect> Group<D> {
    /// Takes a member's question for its assignment; the leader brings the assignments of all.
    pub(super) fn sync(
        &mut self,
        reply: Reply,
        sender: Sender,
        believed: Option<&VotedProtocol<D>>,
        assignments: Vec<(GroupMemberId, D::Assignment)>,
    ) {
        let index = match self.check_sync(sender, believed) {
            Ok(index) => index,
            Err(error) => return self.answer(reply, Response::SyncGroup(Err(error))),
        };
        self.members[index].owes_sync = false;
        if self.members.iter().all(|member| !member.owes_sync) {
            self.sync_deadline = Instant::FAR_FUTURE;
        }
        if self.state == GroupState::Stable {
            return self.assign(reply, index);
        }
        self.members[index].sync = Some(reply);
        if self.leader == Some(sender.member) {
            let snapshot = self.snapshot_with(assignments);
            self.write(Change::Assignment(sender.generation), snapshot);
        }
    }

    fn check_sync(
        &self,
        sender: Sender,
        believed: Option<&VotedProtocol<D>>,
    ) -> Result<usize, ErrorName> {
        if self.state == GroupState::Empty {
            return Err(ErrorName::UnknownMemberId);
        }
        let index = self.find_sender(sender)?;
        if self.is_inconsistent(believed) {
            return Err(ErrorName::InconsistentGroupProtocol);
        }
        match self.state {
            GroupState::PreparingRebalance => Err(ErrorName::RebalanceInProgress),
            _ => Ok(index),
        }
    }

    /// Returns the group's state with new assignments, which its members get once they are
    /// replicated.
    fn snapshot_with(
        &self,
        mut assignments: Vec<(GroupMemberId, D::Assignment)>,
    ) -> GroupSnapshot<D> {
        let mut snapshot = self.snapshot();
        for profile in &mut snapshot.members {
            let mut of_all = assignments.iter_mut();
            let own = of_all.find(|(member, _)| *member == profile.id);
            profile.assignment = own
                .map(|(_, assignment)| std::mem::take(assignment))
                .unwrap_or_default();
        }
        snapshot
    }

    /// Hands out the leader's assignment once it is replicated, or refuses it where it is not known
    /// to be. Members may have joined or left meanwhile: then the assignment is forgotten.
    pub(super) fn assignment_written(
        &mut self,
        now: Instant,
        generation: Generation,
        written: Result<Option<&GroupSnapshot<D>>, ErrorName>,
    ) {
        if self.state != GroupState::CompletingRebalance || generation != self.generation {
            return;
        }
        let snapshot = match written {
            Ok(snapshot) => snapshot,
            Err(error) => {
                self.refuse_all_syncs(now, error);
                return self.prepare_rebalance(now);
            }
        };
        let profiles = snapshot.map_or(&[][..], |snapshot| &snapshot.members);
        self.state = GroupState::Stable;
        for index in 0..self.members.len() {
            let member = &mut self.members[index];
            let mut profiles = profiles.iter();
            let assigned = profiles.find(|profile| profile.id == member.profile.id);
            member.profile.assignment = assigned
                .map(|profile| profile.assignment.clone())
                .unwrap_or_default();
            if let Some(reply) = member.sync.take() {
                member.renew_session(now);
                self.assign(reply, index);
            }
        }
    }

    /// Tells a member its assignment.
    fn assign(&mut self, reply: Reply, index: usize) {
        let response = SyncGroupResponse {
            protocol: self.voted(),
            assignment: self.members[index].profile.assignment.clone(),
        };
        self.answer(reply, Response::SyncGroup(Ok(response)));
    }

    /// Refuses all members their assignment (`resetAndPropagateAssignmentWithError`).
    pub(super) fn refuse_all_syncs(&mut self, now: Instant, error: ErrorName) {
        for index in 0..self.members.len() {
            let member = &mut self.members[index];
            member.profile.assignment = D::Assignment::default();
            if let Some(reply) = member.sync.take() {
                member.renew_session(now);
                self.answer(reply, Response::SyncGroup(Err(error)));
            }
        }
    }

    /// Removes members that have not synced in time (KAFKA-13288).
    pub(super) fn expire_sync(&mut self, now: Instant) {
        self.sync_deadline = Instant::FAR_FUTURE;
        let mut any = false;
        while let Some(index) = self.members.iter().position(|member| member.owes_sync) {
            self.take_out(index);
            any = true;
        }
        if any {
            self.prepare_rebalance(now);
        }
    }

    /// Releases all members from syncing: a new rebalance begins.
    pub(super) fn clear_sync_debts(&mut self) {
        self.sync_deadline = Instant::FAR_FUTURE;
        for member in &mut self.members {
            member.owes_sync = false;
        }
    }
}
