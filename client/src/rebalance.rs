//! Rebalances as the application sees them: what it is told, what it answers, and what follows.
//!
//! The application is told one thing at a time, when it polls, and may take its time to answer.
//! librdkafka waits for the answer: from the moment at which there is something to tell
//! (`rd_kafka_rebalance_op`, join states `wait-assign-call` and `wait-unassign-call`) it fetches
//! nothing, and begins no other rebalance, not even where all is lost
//! (`rd_kafka_cgrp_revoke_all_rejoin_maybe`). It has no number for what it waits for: an answer is
//! one whatever it was given to.

use crate::Behaviour;
use plimsoll_core::{Assignment, RebalanceId, TopicPartition};
use plimsoll_protocol::{PartitionIndex, Topology};

/// The partitions of which the application was told, and what it is to be told next.
#[derive(Debug)]
pub struct Rebalance {
    behaviour: Behaviour,
    cooperative: bool,
    /// The partitions of which the application was told, in order; or, where assignments are answered
    /// before it is told, those that were assigned.
    owned: Vec<PartitionIndex>,
    /// Cooperative: partitions to start once others are given up.
    added: Vec<PartitionIndex>,
    /// Cooperative: whether to join again once those are started.
    rejoin: bool,
    /// Partitions whose positions became known while the application was told of something else; or
    /// of all assignments, where these are answered before.
    late: Vec<Assignment>,
    /// The assignments of which the application was told after they were answered, and that it has
    /// not taken yet, without what it was to give up since.
    told: Vec<(RebalanceId, Vec<TopicPartition>)>,
    /// A rebalance of which the application will learn when it polls.
    pending: Option<Callback>,
    /// A rebalance that the application has not answered.
    unanswered: Option<(RebalanceId, Callback)>,
    /// Number of rebalances of which the application was told.
    count: u32,
    /// Whether the fetcher was told that it holds.
    holding: bool,
}

/// News of a rebalance for the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Callback {
    /// Partitions that it gets.
    Assigned(Vec<Assignment>),
    /// Partitions that it is to give up.
    Revoked(Vec<PartitionIndex>),
    /// Partitions that are gone.
    Lost(Vec<PartitionIndex>),
}

/// The next step of the group.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing, before the application answers or the group rebalances.
    Wait,
    /// A join.
    Join,
    /// The start of new partitions.
    Start(Vec<PartitionIndex>),
}

impl Rebalance {
    /// Creates the state of a member without partitions.
    pub(crate) fn new(cooperative: bool, behaviour: Behaviour) -> Self {
        Self {
            behaviour,
            cooperative,
            owned: Vec::new(),
            added: Vec::new(),
            rejoin: false,
            late: Vec::new(),
            told: Vec::new(),
            pending: None,
            unanswered: None,
            count: 0,
            holding: false,
        }
    }

    /// Returns whether the application is in the middle of a rebalance, or about to be.
    #[inline]
    pub fn is_under_way(&self) -> bool {
        self.pending.is_some() || self.unanswered.is_some()
    }

    /// Returns whether an assignment is answered before the application is told of it.
    pub(crate) fn answers_at_once(&self) -> bool {
        self.behaviour.assigns_within.is_some()
    }

    /// Returns whether the client does nothing more about its membership before the application
    /// has answered (`RD_KAFKA_CGRP_JOIN_STATE_WAIT_ASSIGN_CALL`). Sarama cancels its claims'
    /// context, and waits for nothing.
    #[inline]
    pub(crate) fn blocks(&self) -> bool {
        self.is_under_way() && self.behaviour.awaits_answers
    }

    /// Returns whether the fetcher is to hold from now on, or to go on, where that changed.
    #[inline]
    pub(crate) fn poll_hold(&mut self) -> Option<bool> {
        let holds = self.blocks();
        (holds != self.holding).then(|| {
            self.holding = holds;
            holds
        })
    }

    /// Returns whether the application owes an answer.
    #[inline]
    pub fn awaits_answer(&self) -> bool {
        self.unanswered.is_some()
    }

    /// Returns whether there is something to tell the application. Sarama's claims learn of a loss
    /// before they have answered what came before.
    #[inline]
    pub fn has_callback(&self) -> bool {
        match self.pending {
            Some(Callback::Lost(_)) => true,
            Some(_) => self.unanswered.is_none(),
            None => self.answers_at_once() && !self.late.is_empty(),
        }
    }

    /// Returns the partitions that the application is giving up, and has not answered.
    pub(super) fn giving_up(&self) -> Option<(RebalanceId, &[PartitionIndex])> {
        match &self.unanswered {
            Some((id, Callback::Revoked(partitions))) => Some((*id, partitions)),
            _ => None,
        }
    }

    /// Returns whether a member keeps its partitions while it joins.
    #[inline]
    pub(crate) fn is_cooperative(&self) -> bool {
        self.cooperative
    }

    /// Returns whether the application was told of any partition that it still has.
    pub(crate) fn owns_any(&self) -> bool {
        !self.owned.is_empty()
    }

    /// Returns whether the member joins again after the assignment (`rkcg_rebalance_rejoin`).
    pub(crate) fn rejoins(&self) -> bool {
        self.rejoin
    }

    /// Returns the partitions with which a member joins (KIP-429).
    pub(crate) fn brings(&self) -> Vec<PartitionIndex> {
        match self.cooperative {
            true => self.owned.clone(),
            false => Vec::new(),
        }
    }

    /// Begins another rebalance: eager members give everything up before they join.
    pub(crate) fn begin(&mut self) -> Next {
        self.forget_next();
        if self.cooperative {
            return self.prepare_join();
        }
        if self.owned.is_empty() {
            return Next::Join;
        }
        self.call(Callback::Revoked(self.owned.clone()));
        Next::Wait
    }

    /// Lets a cooperative member join again, once its application has had the turn that some clients
    /// give it.
    fn prepare_join(&mut self) -> Next {
        if !self.behaviour.prepares_joins || self.owned.is_empty() {
            return Next::Join;
        }
        self.call(Callback::Revoked(Vec::new()));
        Next::Wait
    }

    /// Takes the partitions that the sync gave to this member.
    pub(crate) fn handle_assignment(&mut self, mut partitions: Vec<PartitionIndex>) -> Next {
        partitions.sort_unstable();
        let mut revoked = self.owned.clone();
        revoked.retain(|partition| !partitions.contains(partition));
        partitions.retain(|partition| !self.owned.contains(partition));
        self.rejoin = !revoked.is_empty();
        if revoked.is_empty() {
            return self.start_or_tell(partitions);
        }
        // Only the cooperative protocol comes here with partitions in hand (KIP-429).
        self.added = partitions;
        self.call(Callback::Revoked(revoked));
        Next::Wait
    }

    /// Takes partitions whose positions are known: the application will get them.
    pub(crate) fn handle_started(&mut self, assignments: Vec<Assignment>) {
        match self.late.is_empty() {
            true => self.late = assignments,
            false => self.late.extend(assignments),
        }
        if !self.answers_at_once() && !self.is_under_way() {
            self.tell_late();
        }
    }

    /// Tells the application of partitions whose positions became known meanwhile.
    fn tell_late(&mut self) {
        let late = std::mem::take(&mut self.late);
        self.call(Callback::Assigned(late));
    }

    /// Takes the loss of everything that the application owns. In Sarama it overtakes what the
    /// application was not told yet; librdkafka does not come here before that is answered.
    pub(crate) fn handle_lost(&mut self) {
        debug_assert!(!self.blocks(), "the application answers first");
        self.forget_next();
        self.pending = None;
        let knows = matches!(self.unanswered, Some((_, Callback::Lost(_))));
        if !self.owned.is_empty() && !knows {
            self.pending = Some(Callback::Lost(self.owned.clone()));
        }
    }

    /// Takes what the application says to an assignment of which it was told after that was answered.
    /// Returns the partitions that it may begin with; `None`: it was told of no such assignment.
    pub(crate) fn handle_taken(&mut self, rebalance: RebalanceId) -> Option<Vec<TopicPartition>> {
        let place = self.told.iter().position(|(told, _)| *told == rebalance)?;
        Some(self.told.remove(place).1)
    }

    /// Takes the answer to an assignment; `false` where that is not what the application was asked
    /// last.
    pub(crate) fn handle_assign_answer(&mut self, rebalance: RebalanceId) -> bool {
        let answered = self.unanswered.take_if(|(id, callback)| {
            *id == rebalance && matches!(callback, Callback::Assigned(_))
        });
        answered.is_some()
    }

    /// Takes the answer to a revocation or a loss, and returns which one is answered.
    pub(crate) fn handle_revoke_answer(&mut self, rebalance: RebalanceId) -> Option<Callback> {
        let (_, callback) = self.unanswered.take_if(|(id, callback)| {
            *id == rebalance && !matches!(callback, Callback::Assigned(_))
        })?;
        if let Callback::Revoked(gone) | Callback::Lost(gone) = &callback {
            self.owned.retain(|owned| !gone.contains(owned));
        }
        Some(callback)
    }

    /// Returns what follows an assignment that was answered.
    pub(crate) fn after_assignment(&mut self) -> Next {
        self.start(Vec::new())
    }

    /// Returns what follows a revocation that was answered.
    pub(crate) fn after_revocation(&mut self) -> Next {
        if self.rejoin {
            let added = std::mem::take(&mut self.added);
            self.start_or_tell(added)
        } else {
            Next::Join
        }
    }

    /// Takes what the application is told at this moment; `None` where a loss has become moot: an
    /// earlier revocation may have been answered in between.
    pub(crate) fn poll_callback(&mut self, topology: &Topology) -> Option<(RebalanceId, Callback)> {
        let Some(mut callback) = self.pending.take() else {
            return self.poll_late();
        };
        self.count += 1;
        match &mut callback {
            Callback::Assigned(assignments) => {
                let new = assignments.iter();
                let new = new.filter_map(|assignment| topology.index(assignment.partition));
                self.own(new);
            }
            Callback::Revoked(given_up) => self.forget_late(topology, given_up),
            Callback::Lost(gone) => {
                gone.retain(|index| self.owned.contains(index));
                if gone.is_empty() {
                    return None;
                }
                self.forget_late(topology, gone);
            }
        }
        let id = RebalanceId(self.count);
        self.unanswered = Some((id, callback.clone()));
        Some((id, callback))
    }

    /// Takes partitions that were assigned, and answered, before.
    fn poll_late(&mut self) -> Option<(RebalanceId, Callback)> {
        if !self.answers_at_once() || self.late.is_empty() {
            return None;
        }
        self.count += 1;
        let id = RebalanceId(self.count);
        let late = std::mem::take(&mut self.late);
        let partitions = late.iter().map(|assignment| assignment.partition);
        self.told.push((id, partitions.collect()));
        Some((id, Callback::Assigned(late)))
    }

    /// Forgets what was to be told, or taken, of partitions that are given up.
    fn forget_late(&mut self, topology: &Topology, given_up: &[PartitionIndex]) {
        let stays = |partition: TopicPartition| {
            let index = topology.index(partition);
            index.is_none_or(|index| !given_up.contains(&index))
        };
        self.late.retain(|assignment| stays(assignment.partition));
        for (_, told) in &mut self.told {
            told.retain(|partition| stays(*partition));
        }
    }

    fn own(&mut self, partitions: impl Iterator<Item = PartitionIndex>) {
        self.owned.extend(partitions);
        self.owned.sort_unstable();
    }

    /// Forgets what was to follow the rebalance that is under way.
    fn forget_next(&mut self) {
        self.added.clear();
        if !self.answers_at_once() {
            self.late.clear();
        }
        self.rejoin = false;
    }

    fn call(&mut self, callback: Callback) {
        debug_assert!(!self.is_under_way(), "one callback at a time");
        self.pending = Some(callback);
    }

    /// Starts what a cooperative member gets, or tells it that it gets nothing: "the protocol
    /// dictates this should occur even if the new assignment set is empty"
    /// (`rd_kafka_cgrp_incr_unassign_done`, `rd_kafka_cgrp_handle_assignment_cooperative`). Where
    /// it owns nothing either, that would change nothing.
    fn start_or_tell(&mut self, partitions: Vec<PartitionIndex>) -> Next {
        let is_told = self.cooperative && self.owns_any() && self.behaviour.tells_of_nothing;
        if partitions.is_empty() && is_told {
            self.call(Callback::Assigned(Vec::new()));
            return Next::Wait;
        }
        self.start(partitions)
    }

    fn start(&mut self, partitions: Vec<PartitionIndex>) -> Next {
        if !partitions.is_empty() {
            if self.answers_at_once() {
                self.own(partitions.iter().copied());
            }
            Next::Start(partitions)
        } else if !self.late.is_empty() && !self.answers_at_once() {
            self.tell_late();
            Next::Wait
        } else if std::mem::take(&mut self.rejoin) {
            self.prepare_join()
        } else {
            Next::Wait
        }
    }
}
