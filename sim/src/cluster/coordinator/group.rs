//! A classic group (`ClassicGroup`): its members, and what each state lets them do.

use super::action::{Action, Change};
use super::snapshot::{GroupSnapshot, Profile};
use crate::cluster::connections::Reply;
use crate::protocol::{
    Dialect, Generation, GroupMemberId, GroupState, JoinError, ProtocolName, ProtocolType,
    Response, Sender,
};
use plimsoll_core::Instant;
use plimsoll_oracle::ErrorName;
use std::collections::VecDeque;
use std::time::Duration;

/// A classic group.
#[derive(Debug)]
pub(super) struct Group<D: Dialect> {
    pub(super) state: GroupState,
    pub(super) generation: Generation,
    /// What its members are; `None`: it never had any.
    pub(super) protocol_type: Option<ProtocolType>,
    /// The protocol for which the members voted; `None`: it has none.
    pub(super) protocol: Option<ProtocolName<D>>,
    pub(super) leader: Option<GroupMemberId>,
    /// Members, in the order in which they joined.
    pub(super) members: Vec<Member<D>>,
    /// Ids that were given out (KIP-394) and have not joined yet, with the times at which they end.
    pub(super) pending: Vec<(GroupMemberId, Instant)>,
    /// Time at which the phase of joining ends, with the members that are there.
    pub(super) join_deadline: Instant,
    /// The delay in which a group that was empty gathers its first members.
    pub(super) initial: Option<InitialDelay>,
    /// Time at which members that did not sync are removed.
    pub(super) sync_deadline: Instant,
    pub(super) actions: VecDeque<Action<D>>,
    /// `group.initial.rebalance.delay.ms`.
    pub(super) initial_delay: Duration,
}

/// `group.initial.rebalance.delay.ms` at work.
#[derive(Clone, Copy, Debug)]
pub(super) struct InitialDelay {
    pub(super) delay: Duration,
    /// Time by which the delay may still be extended.
    pub(super) remaining: Duration,
    /// Whether a member joined since the delay began.
    pub(super) member_added: bool,
}

/// A member, with what is going on between it and the coordinator.
#[derive(Debug)]
pub(super) struct Member<D: Dialect> {
    pub(super) profile: Profile<D>,
    /// The end of its session.
    pub(super) expires: Instant,
    /// Whether it joined, and has never been in a generation.
    pub(super) is_new: bool,
    /// Its JoinGroup that waits.
    pub(super) join: Option<Reply>,
    /// Its SyncGroup that waits.
    pub(super) sync: Option<Reply>,
    /// Whether it has joined this generation, and not synced yet.
    pub(super) owes_sync: bool,
}

impl<D: Dialect> Group<D> {
    /// Creates a group without members.
    pub(super) fn new(initial_delay: Duration) -> Self {
        Self {
            state: GroupState::Empty,
            generation: 0,
            protocol_type: None,
            protocol: None,
            leader: None,
            members: Vec::new(),
            pending: Vec::new(),
            join_deadline: Instant::FAR_FUTURE,
            initial: None,
            sync_deadline: Instant::FAR_FUTURE,
            actions: VecDeque::new(),
            initial_delay,
        }
    }

    /// Returns its generation, if it is stable with `members` members, each of which has its
    /// assignment.
    pub(super) fn stable_generation(&self, members: usize) -> Option<Generation> {
        let settled = match members {
            0 => self.state == GroupState::Empty,
            _ => self.state == GroupState::Stable,
        };
        let is_stable = settled
            && self.members.len() == members
            && self.pending.is_empty()
            && self.members.iter().all(|member| !member.owes_sync);
        is_stable.then_some(self.generation)
    }

    /// Checks whether a commit may be written (`ClassicGroup.validateOffsetCommit`); the owner of
    /// its partitions, and whether offsets go backwards, is not looked at. Returns whether the
    /// group is rebalancing.
    pub(super) fn accept_commit(
        &mut self,
        now: Instant,
        sender: Sender,
    ) -> Result<bool, ErrorName> {
        if sender.generation < 0 && self.state == GroupState::Empty {
            return Ok(false);
        }
        let index = self.find_sender(sender)?;
        if self.state == GroupState::CompletingRebalance {
            return Err(ErrorName::RebalanceInProgress);
        }
        self.members[index].renew_session(now);
        Ok(self.state == GroupState::PreparingRebalance)
    }

    /// Returns the index of a member of this generation that sent a request.
    pub(super) fn find_sender(&self, sender: Sender) -> Result<usize, ErrorName> {
        let index = self.find_known(sender.member, sender.instance)?;
        if sender.generation != self.generation {
            return Err(ErrorName::IllegalGeneration);
        }
        Ok(index)
    }

    /// Returns the index of a member by both of its ids (`ClassicGroup.validateMember`). The id of
    /// a static one must be the id that joined last under its name: an older process is fenced.
    pub(super) fn find_known(
        &self,
        member: GroupMemberId,
        instance: Option<u32>,
    ) -> Result<usize, ErrorName> {
        if let Some(instance) = instance {
            return match self.find_instance(instance) {
                None => Err(ErrorName::UnknownMemberId),
                Some(index) if self.members[index].profile.id != member => {
                    Err(ErrorName::FencedInstanceId)
                }
                Some(index) => Ok(index),
            };
        }
        self.find(member).ok_or(ErrorName::UnknownMemberId)
    }

    /// Returns the index of a static member by its name.
    pub(super) fn find_instance(&self, instance: u32) -> Option<usize> {
        let mut profiles = self.members.iter().map(|member| &member.profile);
        profiles.position(|profile| profile.instance == Some(instance))
    }

    pub(super) fn find(&self, id: GroupMemberId) -> Option<usize> {
        self.members
            .iter()
            .position(|member| member.profile.id == id)
    }

    /// Returns how long a rebalance waits: as long as the most patient member.
    pub(super) fn rebalance_timeout(&self) -> Duration {
        let members = self.members.iter();
        let timeouts = members.map(|member| member.profile.rebalance_timeout);
        timeouts.max().unwrap_or_default()
    }

    /// Takes a member out, without any consequence for the rebalance. Its JoinGroup is refused
    /// (`ClassicGroup.completeJoinFuture`); a SyncGroup that waits is never answered
    /// (`ClassicGroup.remove`).
    pub(super) fn take_out(&mut self, index: usize) {
        let mut member = self.members.remove(index);
        self.refuse_join(&mut member, ErrorName::UnknownMemberId);
        if self.leader == Some(member.profile.id) {
            self.leader = self.members.first().map(|next| next.profile.id);
        }
    }

    /// Refuses the members that wait, which must look for the new coordinator: the broker lost the
    /// group's partition.
    pub(super) fn abandon(&mut self) {
        for mut member in std::mem::take(&mut self.members) {
            self.refuse_join(&mut member, ErrorName::NotCoordinator);
            self.refuse_sync(&mut member, ErrorName::NotCoordinator);
        }
    }

    /// Ends the join of a member that is no more: it has no id then.
    pub(super) fn refuse_join(&mut self, member: &mut Member<D>, error: ErrorName) {
        if let Some(reply) = member.join.take() {
            let ended = JoinError::Ended(error, GroupMemberId::EMPTY);
            self.answer(reply, Response::JoinGroup(Err(ended)));
        }
    }

    pub(super) fn refuse_sync(&mut self, member: &mut Member<D>, error: ErrorName) {
        if let Some(reply) = member.sync.take() {
            self.answer(reply, Response::SyncGroup(Err(error)));
        }
    }

    pub(super) fn answer(&mut self, reply: Reply, response: Response<D>) {
        self.actions.push_back(Action::Reply(reply, response));
    }

    pub(super) fn write(&mut self, change: Change, snapshot: GroupSnapshot<D>) {
        self.actions.push_back(Action::Write(change, snapshot));
    }
}

impl<D: Dialect> Member<D> {
    /// Creates a member of a generation, of which nothing is awaited.
    pub(super) fn new(profile: Profile<D>, expires: Instant) -> Self {
        Self {
            profile,
            expires,
            is_new: false,
            join: None,
            sync: None,
            owes_sync: false,
        }
    }

    /// Begins its session anew.
    pub(super) fn renew_session(&mut self, now: Instant) {
        self.expires = now + self.profile.session_timeout;
    }

    /// Returns whether the coordinator owes it an answer, which keeps its session alive
    /// (`hasSatisfiedHeartbeat`).
    pub(super) fn is_kept_alive(&self) -> bool {
        !self.is_new && (self.join.is_some() || self.sync.is_some())
    }
}
