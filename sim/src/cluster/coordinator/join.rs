//! Joining: the members of the next generation (`classicGroupJoin` and what follows from it).

use super::action::{Change, Replacement};
use super::group::{Group, InitialDelay, Member};
use super::snapshot::Profile;
use crate::cluster::connections::Reply;
use crate::protocol::{
    Dialect, GroupMemberId, GroupState, JoinError, JoinGroupRequest, JoinGroupResponse,
    JoinedMember, Protocols, Response,
};
use plimsoll_core::Instant;
use plimsoll_oracle::ErrorName;
use std::time::Duration;

/// Longest wait of a new member's first JoinGroup (`classicGroupNewMemberJoinTimeoutMs`).
const NEW_MEMBER_TIMEOUT: Duration = Duration::from_secs(300);

impl<D: Dialect> Group<D> {
    /// Lets a member join that has no id; it gets this one (`classicGroupJoinNewMember`).
    pub(super) fn join_new(
        &mut self,
        now: Instant,
        reply: Reply,
        request: JoinGroupRequest<D>,
        id: GroupMemberId,
    ) {
        if !self.supports(&request) {
            return self.refuse(reply, ErrorName::InconsistentGroupProtocol);
        }
        let Some(instance) = request.instance else {
            // `classicGroupJoinNewDynamicMember`. Old clients do not know of it.
            if !request.requires_id {
                return self.add_member(now, reply, request, id);
            }
            // KIP-394: a client that goes away before it learned its id leaves no member behind.
            self.pending.push((id, now + request.session_timeout));
            let required = JoinError::MemberIdRequired(id);
            return self.answer(reply, Response::JoinGroup(Err(required)));
        };
        match self.find_instance(instance) {
            Some(index) => self.replace_static_member(now, reply, request, index, id),
            None => self.add_member(now, reply, request, id),
        }
    }

    /// Lets a member join that says its id (`classicGroupJoinExistingMember`).
    pub(super) fn join_known(
        &mut self,
        now: Instant,
        reply: Reply,
        request: JoinGroupRequest<D>,
        id: GroupMemberId,
    ) {
        if !self.supports(&request) {
            return self.refuse(reply, ErrorName::InconsistentGroupProtocol);
        }
        if let Some(index) = self.pending.iter().position(|(pending, _)| *pending == id) {
            self.pending.remove(index);
            return self.add_member(now, reply, request, id);
        }
        let index = match self.find_known(id, request.instance) {
            Ok(index) => index,
            Err(error) => return self.refuse(reply, error),
        };
        let is_unchanged = self.members[index].profile.matches(&request);
        let is_leader = self.leader == Some(id);
        match self.state {
            // The member may not have got the answer to its earlier request.
            GroupState::CompletingRebalance if is_unchanged => self.answer_current(reply, index),
            // The leader rejoins for reasons that its metadata does not show.
            GroupState::Stable if is_unchanged && !is_leader => self.answer_current(reply, index),
            GroupState::Empty => self.refuse(reply, ErrorName::UnknownMemberId),
            GroupState::PreparingRebalance
            | GroupState::CompletingRebalance
            | GroupState::Stable => {
                self.update_member(reply, request, index);
                self.rebalance_or_complete(now);
            }
        }
    }

    fn add_member(
        &mut self,
        now: Instant,
        reply: Reply,
        request: JoinGroupRequest<D>,
        id: GroupMemberId,
    ) {
        if let Some(initial) = &mut self.initial {
            initial.member_added = true;
        }
        if self.members.is_empty() {
            self.protocol_type = request.protocol_type;
        }
        let profile = Profile::new(id, request);
        let mut member = Member::new(profile, now + NEW_MEMBER_TIMEOUT);
        member.is_new = true;
        member.join = Some(reply);
        self.members.push(member);
        self.leader.get_or_insert(id);
        self.rebalance_or_complete(now);
    }

    fn update_member(&mut self, reply: Reply, request: JoinGroupRequest<D>, index: usize) {
        let member = &mut self.members[index];
        member.profile.rebalance_timeout = request.rebalance_timeout;
        member.profile.session_timeout = request.session_timeout;
        member.profile.subscription = request.subscription;
        member.join = Some(reply);
    }

    /// Lets a static member that comes back without its id (KIP-345) take over where it left.
    fn replace_static_member(
        &mut self,
        now: Instant,
        reply: Reply,
        request: JoinGroupRequest<D>,
        index: usize,
        new: GroupMemberId,
    ) {
        let old = self.members[index].profile.id;
        let leader = self.leader.unwrap_or(old);
        let skips_assignment = request.skips_assignment;
        self.rename_member(index, new);
        self.members[index].renew_session(now);
        self.update_member(reply, request, index);
        match self.state {
            // With another protocol its assignment would not be understood.
            GroupState::Stable if self.select_protocol() == self.protocol => {
                let replacement = Replacement {
                    old,
                    new,
                    leader,
                    skips_assignment,
                };
                self.write(Change::StaticMember(replacement), self.snapshot());
            }
            // Its old id may be on its way to the leader, and the new one would get nothing.
            GroupState::CompletingRebalance => self.prepare_rebalance(now),
            GroupState::Stable | GroupState::PreparingRebalance | GroupState::Empty => {
                self.rebalance_or_complete(now);
            }
        }
    }

    /// Gives a static member another id; requests under the old one are fenced, and so are those that
    /// wait (`ClassicGroup.replaceStaticMember`).
    fn rename_member(&mut self, index: usize, id: GroupMemberId) {
        let member = &mut self.members[index];
        let old = std::mem::replace(&mut member.profile.id, id);
        let (join, sync) = (member.join.take(), member.sync.take());
        if self.leader == Some(old) {
            self.leader = Some(id);
        }
        if let Some(reply) = join {
            let fenced = JoinError::Ended(ErrorName::FencedInstanceId, old);
            self.answer(reply, Response::JoinGroup(Err(fenced)));
        }
        if let Some(reply) = sync {
            self.answer(reply, Response::SyncGroup(Err(ErrorName::FencedInstanceId)));
        }
    }

    /// Answers a static member under its new id, which is replicated or is not known to be.
    pub(super) fn replacement_written(
        &mut self,
        now: Instant,
        replacement: Replacement,
        result: Result<(), ErrorName>,
    ) {
        let Some(index) = self.find(replacement.new) else {
            return;
        };
        if let Err(error) = result {
            let join = self.members[index].join.take();
            self.rename_member(index, replacement.old);
            self.members[index].renew_session(now);
            if let Some(reply) = join {
                self.refuse(reply, error);
            }
            return;
        }
        // A rebalance that began meanwhile answers it when all have joined.
        if self.state == GroupState::Stable
            && let Some(reply) = self.members[index].join.take()
        {
            let mut response = self.current(index);
            response.skip_assignment =
                replacement.skips_assignment && response.leader == replacement.new;
            if !replacement.skips_assignment {
                // Without KIP-814, which librdkafka lacks, a leader is not told that it leads: it
                // would assign anew.
                response.leader = replacement.leader;
                response.members.clear();
            }
            self.answer(reply, Response::JoinGroup(Ok(Box::new(response))));
        }
    }

    /// Begins a rebalance, or completes the one that waits for members.
    pub(super) fn rebalance_or_complete(&mut self, now: Instant) {
        if self.state != GroupState::PreparingRebalance {
            self.prepare_rebalance(now);
        } else if self.initial.is_none() && self.have_all_joined() {
            self.complete_join(now);
        }
    }

    /// Begins a rebalance, where the group is stable: as upon a join of its leader. Returns whether
    /// it was.
    pub(super) fn rebalance(&mut self, now: Instant) -> bool {
        let is_stable = self.state == GroupState::Stable;
        if is_stable {
            self.prepare_rebalance(now);
        }
        is_stable
    }

    /// Asks all members to join again.
    pub(super) fn prepare_rebalance(&mut self, now: Instant) {
        if self.state == GroupState::CompletingRebalance {
            self.refuse_all_syncs(now, ErrorName::RebalanceInProgress);
        }
        self.clear_sync_debts();
        let was_empty = self.state == GroupState::Empty;
        self.state = GroupState::PreparingRebalance;
        if was_empty {
            let delay = self.initial_delay;
            self.initial = Some(InitialDelay {
                delay,
                remaining: self.rebalance_timeout().saturating_sub(delay),
                member_added: false,
            });
            self.join_deadline = now + delay;
        } else if self.have_all_joined() {
            self.complete_join(now);
        } else {
            self.join_deadline = now + self.rebalance_timeout();
        }
    }

    /// Ends the time to join, or extends it while members come
    /// (`tryCompleteInitialRebalanceElseSchedule`).
    pub(super) fn expire_join(&mut self, now: Instant) {
        self.join_deadline = Instant::FAR_FUTURE;
        match &mut self.initial {
            Some(initial) if initial.member_added && initial.remaining > Duration::ZERO => {
                let next = self.initial_delay.min(initial.remaining);
                *initial = InitialDelay {
                    delay: next,
                    remaining: initial.remaining.saturating_sub(initial.delay),
                    member_added: false,
                };
                self.join_deadline = now + next;
            }
            _ => self.complete_join(now),
        }
    }

    pub(super) fn have_all_joined(&self) -> bool {
        self.pending.is_empty() && self.members.iter().all(|member| member.join.is_some())
    }

    /// Makes a generation of the members that have joined (`completeClassicGroupJoin`).
    pub(super) fn complete_join(&mut self, now: Instant) {
        let is_missing =
            |member: &Member<D>| member.join.is_none() && member.profile.instance.is_none();
        while let Some(index) = self.members.iter().position(is_missing) {
            self.take_out(index);
        }
        if !self.members.is_empty() && !self.elect_joined_leader() {
            // Only static members, none of which has rejoined: until their sessions end.
            self.join_deadline = now + self.rebalance_timeout();
            return;
        }
        self.join_deadline = Instant::FAR_FUTURE;
        self.initial = None;
        self.generation += 1;
        self.protocol = self.select_protocol();
        self.clear_sync_debts();
        if self.members.is_empty() {
            self.state = GroupState::Empty;
            self.leader = None;
            return self.write(Change::Empty, self.snapshot());
        }
        self.state = GroupState::CompletingRebalance;
        for index in 0..self.members.len() {
            let member = &mut self.members[index];
            member.renew_session(now);
            member.is_new = false;
            member.owes_sync = true;
            if let Some(reply) = member.join.take() {
                self.answer_current(reply, index);
            }
        }
        self.sync_deadline = now + self.rebalance_timeout();
    }

    /// Keeps the leader if it has joined again; otherwise the first member that has joined leads.
    fn elect_joined_leader(&mut self) -> bool {
        let has_joined = |member: &&Member<D>| member.join.is_some();
        let mut joined = self.members.iter().filter(has_joined);
        if joined.clone().any(|m| self.leader == Some(m.profile.id)) {
            return true;
        }
        match joined.next() {
            Some(member) => {
                self.leader = Some(member.profile.id);
                true
            }
            None => false,
        }
    }

    /// Answers a JoinGroup with the generation as it is.
    fn answer_current(&mut self, reply: Reply, index: usize) {
        let response = Box::new(self.current(index));
        self.answer(reply, Response::JoinGroup(Ok(response)));
    }

    /// Returns the generation as a member learns of it.
    fn current(&self, index: usize) -> JoinGroupResponse<D> {
        let member = self.members[index].profile.id;
        let leader = self.leader.unwrap_or(member);
        let members = match &self.protocol {
            Some(protocol) if leader == member => {
                let profiles = self.members.iter().map(|member| &member.profile);
                let joined = profiles.map(|profile| JoinedMember {
                    member: profile.id,
                    instance: profile.instance,
                    subscription: profile.subscription.under(protocol),
                });
                joined.collect()
            }
            _ => Vec::new(),
        };
        JoinGroupResponse {
            generation: self.generation,
            protocol: self.voted(),
            member,
            leader,
            skip_assignment: false,
            members,
        }
    }

    fn refuse(&mut self, reply: Reply, error: ErrorName) {
        self.answer(reply, Response::JoinGroup(Err(JoinError::Other(error))));
    }
}
