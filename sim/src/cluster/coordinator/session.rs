//! Sessions: members that live, that leave, and that were silent for too long.

use super::group::Group;
use crate::protocol::{Dialect, GroupMemberId, GroupState, Leaving, Left, Sender};
use plimsoll_core::Instant;
use plimsoll_oracle::ErrorName;

impl<D: Dialect> Group<D> {
    /// Renews the session of a member that lives (`classicGroupHeartbeat`).
    pub(super) fn heartbeat(&mut self, now: Instant, sender: Sender) -> Result<(), ErrorName> {
        let index = self.find_sender(sender)?;
        self.members[index].renew_session(now);
        match self.state {
            GroupState::PreparingRebalance => Err(ErrorName::RebalanceInProgress),
            // While the leader assigns, members may wait as if nothing were going on.
            GroupState::CompletingRebalance | GroupState::Stable => Ok(()),
            GroupState::Empty => Err(ErrorName::UnknownMemberId),
        }
    }

    /// Lets members leave, and tells of each whether it did (`classicGroupLeaveToClassicGroup`).
    /// Unlike one that is silent, a member that leaves does not end the initial delay
    /// (`maybeCompleteJoinPhase`).
    pub(super) fn leave(&mut self, now: Instant, members: &[Leaving]) -> Vec<Left> {
        let members = members.iter();
        let answers = members.map(|member| match self.let_go(*member) {
            Ok(()) => Ok(*member),
            Err(error) => Err((*member, error)),
        });
        let answers: Vec<Left> = answers.collect();
        if answers.iter().any(Result::is_ok) {
            self.go_on_without(now);
        }
        answers
    }

    /// Takes out a member that leaves. A tool need not know the id of a static one (KIP-345).
    fn let_go(&mut self, leaving: Leaving) -> Result<(), ErrorName> {
        let Leaving { member, instance } = leaving;
        let index = match (member, instance) {
            (GroupMemberId::EMPTY, Some(instance)) => self.find_instance(instance),
            (GroupMemberId::EMPTY, None) => None,
            _ => {
                if let Some(index) = self.pending.iter().position(|(id, _)| *id == member) {
                    self.pending.remove(index);
                    return Ok(());
                }
                Some(self.find_known(member, instance)?)
            }
        };
        self.take_out(index.ok_or(ErrorName::UnknownMemberId)?);
        Ok(())
    }

    /// Goes on without members that left. They do not end the initial delay
    /// (`GroupMetadataManager.maybeCompleteJoinPhase`: not where the group was empty before).
    fn go_on_without(&mut self, now: Instant) {
        match self.state {
            GroupState::Stable | GroupState::CompletingRebalance => self.prepare_rebalance(now),
            GroupState::PreparingRebalance if self.initial.is_none() => {
                self.complete_join_if_all_joined(now);
            }
            GroupState::PreparingRebalance | GroupState::Empty => {}
        }
    }

    /// Does what is due at deadlines that have come.
    pub(super) fn expire(&mut self, now: Instant) {
        let pending = self.pending.len();
        self.pending.retain(|(_, expires)| *expires > now);
        if self.pending.len() < pending {
            self.complete_join_if_all_joined(now);
        }
        while let Some(index) = self.members.iter().position(|m| m.expires <= now) {
            let member = &mut self.members[index];
            if member.is_kept_alive() {
                // Its session begins anew with the answer.
                member.expires = Instant::FAR_FUTURE;
            } else {
                self.remove(now, index);
            }
        }
        if self.join_deadline <= now {
            self.expire_join(now);
        }
        if self.sync_deadline <= now {
            self.expire_sync(now);
        }
    }

    /// Returns the earliest deadline.
    pub(super) fn next_deadline(&self) -> Instant {
        let members = self.members.iter().map(|member| member.expires);
        let pending = self.pending.iter().map(|(_, expires)| *expires);
        let phases = [self.join_deadline, self.sync_deadline];
        members
            .chain(pending)
            .chain(phases)
            .min()
            .unwrap_or(Instant::FAR_FUTURE)
    }

    /// Takes a member out; the others have to rebalance.
    fn remove(&mut self, now: Instant, index: usize) {
        self.take_out(index);
        match self.state {
            GroupState::Stable | GroupState::CompletingRebalance => self.prepare_rebalance(now),
            GroupState::PreparingRebalance => self.complete_join_if_all_joined(now),
            GroupState::Empty => {}
        }
    }

    /// Completes the phase of joining if, with a member gone, none is missing any more. Unlike one
    /// that joins, a member whose session ends also ends the initial delay
    /// (`removeMemberAndUpdateClassicGroup`).
    fn complete_join_if_all_joined(&mut self, now: Instant) {
        if self.state == GroupState::PreparingRebalance && self.have_all_joined() {
            self.complete_join(now);
        }
    }
}
