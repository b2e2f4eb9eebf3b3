//! Membership of the group (librdkafka: `rdkafka_cgrp.c`): [`join`] and sync, the heartbeats of a
//! [`session`], here what rebalances lead to, and its end in [`departure`]. [`sarama`] has what
//! Sarama does otherwise, and [`java`] what Java does.

mod departure;
mod java;
mod join;
mod sarama;
mod session;
mod topics;

use crate::assignor::Assignments;
use crate::rebalance::Next;
use crate::resend::Resend;
use crate::{
    Action, Ask, AssignmentOf, Callback, Continuation, Rebalance, Settings, Speaker, Stamp, View,
};
use java::Polls;
use plimsoll_core::{Assignment, Instant, RebalanceId, Start};
use plimsoll_protocol::{
    Assignor, Generation, GroupMemberId, Node, PartitionIndex, Request, Sender, VotedProtocol,
};
use sarama::Retries;
pub(crate) use sarama::{METADATA_BACKOFF, METADATA_RETRIES};
use session::Beat;
use std::collections::VecDeque;
use std::time::Duration;

/// Stands for no generation.
const NO_GENERATION: Generation = -1;

/// A client's knowledge of its membership.
#[derive(Debug)]
pub struct Group<S: Speaker> {
    settings: Settings,
    phase: Phase,
    /// Number that increases with each attempt at membership: answers to earlier ones mean nothing
    /// any more.
    attempt: u32,
    member: Option<GroupMemberId>,
    generation: Generation,
    /// The generation of the last sync, which gave the partitions that it has.
    synced: Generation,
    /// The generation that this member got into last.
    joined: Generation,
    /// Whether the group has let the member go, and the application is not told before it has
    /// answered what it was told before.
    dismissed: bool,
    /// The application's last answer, as long as what follows it waits for commits.
    answered: Option<Answered>,
    /// Number of partitions when the generation began, of a member that joins again when there are
    /// more.
    counted: Option<usize>,
    /// Earliest time of the next join.
    join_at: Instant,
    /// Time of the last join.
    asked_at: Instant,
    /// What the refusal of that join adds to the interval to the next one.
    join_backoff: Duration,
    /// The sync of the last attempt that got so far.
    sync: Option<Sync<S>>,
    /// Whether partitions were lost because their topic did not exist: the client joins again when
    /// it does.
    lacks_topics: bool,
    /// What Sarama may still try again.
    retries: Retries,
    /// Whether Java's application polls, and what waits for that.
    polls: Polls<S>,
    /// Whether Sarama's session ends as soon as the application has answered.
    session_ends: bool,
    heartbeat_at: Instant,
    /// The heartbeat without an outcome: no other one is sent meanwhile, not in the next generation
    /// either (`RD_KAFKA_CGRP_F_HEARTBEAT_IN_TRANSIT`).
    beat: Option<Beat>,
    /// End of the session, if no heartbeat is answered until then; of a close, if no commit is.
    session_until: Instant,
    rebalance: Rebalance,
    actions: VecDeque<Action<S>>,
}

/// The content of a sync, and when it is sent.
#[derive(Debug)]
struct Sync<S: Speaker> {
    /// The member, as it was when the join was answered: what is sent again are the same bytes
    /// (`rd_kafka_buf_retry`), whatever a commit learned of the membership since.
    sender: Sender,
    /// The protocol of the generation, where the library says it.
    protocol: Option<VotedProtocol<S::Dialect>>,
    /// What the member gives out, as the group's leader.
    assignments: Assignments<AssignmentOf<S>>,
    resend: Resend,
}

/// The standing of a client with its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
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

/// The part of a membership that a client forgets when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Forgets {
    /// Its id: the group does not know it.
    Member,
    /// Its generation: the group is in another one.
    Generation,
    /// Neither: it was given another id.
    Nothing,
}

/// An answer of the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answered {
    Assignment,
    Revocation,
    Loss,
}

impl<S: Speaker> Group<S> {
    /// Creates the state of a client that is not in the group.
    pub fn new(settings: Settings) -> Self {
        let is_cooperative = settings.assignor == Assignor::CooperativeSticky;
        Self {
            settings,
            phase: Phase::Unjoined,
            attempt: 0,
            member: None,
            generation: NO_GENERATION,
            synced: NO_GENERATION,
            joined: NO_GENERATION,
            dismissed: false,
            answered: None,
            counted: None,
            join_at: Instant::ZERO,
            asked_at: Instant::ZERO,
            join_backoff: Duration::ZERO,
            sync: None,
            lacks_topics: false,
            retries: Retries::default(),
            polls: Polls::default(),
            session_ends: false,
            heartbeat_at: Instant::FAR_FUTURE,
            beat: None,
            session_until: Instant::FAR_FUTURE,
            rebalance: Rebalance::new(is_cooperative, settings.behaviour),
            actions: VecDeque::new(),
        }
    }

    /// Returns what a commit is stamped with. librdkafka stamps it also outside of the group, with
    /// an empty id or with generation -1, which an empty group takes
    /// (`ClassicGroup.validateOffsetCommit`); Sarama does not, and Java not even while it joins.
    pub fn stamp(&self) -> Option<Stamp> {
        if self.settings.behaviour.commits_outside {
            return Some((self.member.unwrap_or(GroupMemberId::EMPTY), self.generation));
        }
        let member = self.member?;
        let is_member = match self.settings.behaviour.is_polled() {
            true => self.is_stable(),
            false => self.generation != NO_GENERATION,
        };
        is_member.then_some((member, self.generation))
    }

    /// Returns what a request of the member begins with.
    fn sender(&self, member: GroupMemberId) -> Sender {
        Sender {
            group: self.settings.group,
            generation: self.generation,
            member,
            instance: self.settings.instance,
        }
    }

    /// Returns the generation that gave the partitions which the client has.
    pub fn synced(&self) -> Generation {
        self.synced
    }

    /// Returns the number of its attempts at membership.
    #[cfg(test)]
    pub(crate) fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Returns what the application knows of rebalances, and is to learn.
    #[inline]
    pub fn rebalance(&self) -> &Rebalance {
        &self.rebalance
    }
}

/// Rebalances.
impl<S: Speaker> Group<S> {
    /// Begins a rebalance. While the application is in the middle of an earlier callback nothing
    /// happens: the next heartbeat will say it again.
    fn begin_rebalance(&mut self, now: Instant, view: &View<S>) {
        if self.phase != Phase::Joined || self.is_rebalancing() {
            return;
        }
        if self.waits_for_poll() {
            return self.rejoin_at_poll();
        }
        self.forget_start();
        match self.rebalance.begin() {
            // Nothing was given up, which would hasten it (`rd_kafka_cgrp_group_is_rebalancing`).
            Next::Join if self.rebalance.is_cooperative() => {
                self.rejoin(self.next_join(now), now, view);
            }
            next => self.go_on(now, view, next),
        }
    }

    /// Forgets what was assigned and is not started yet: it was never the application's. Where its
    /// assignment is answered already, it is the member's until that gives it up.
    fn forget_start(&mut self) {
        if !self.rebalance.answers_at_once() {
            self.actions.push_back(Action::ForgetStart);
        }
    }

    /// Goes on with new metadata.
    pub fn handle_metadata(&mut self, now: Instant, view: &View<S>) {
        self.rejoin_for_topics(now, view);
        self.join_if_needed(now, view);
        self.check_partition_count(now, view);
    }

    /// Joins again, not before `at`.
    fn rejoin(&mut self, at: Instant, now: Instant, view: &View<S>) {
        self.lacks_topics = false;
        self.session_ends = false;
        self.dismissed = false;
        self.phase = Phase::Unjoined;
        self.join_at = at;
        self.join_if_needed(now, view);
    }

    /// Takes partitions whose positions are known: the application will get them.
    pub fn handle_started(&mut self, assignments: Vec<Assignment>) {
        self.rebalance.handle_started(assignments);
    }

    /// Takes what the application is told at this moment; `None` where that has become moot.
    pub fn poll_callback(
        &mut self,
        now: Instant,
        view: &View<S>,
    ) -> Option<(RebalanceId, Callback)> {
        let callback = self.rebalance.poll_callback(&view.topology);
        if callback.is_none() {
            self.join_if_needed(now, view);
        }
        callback
    }

    /// Answers an assignment for the application, where that is told of it later. Returns whether it
    /// did.
    pub(crate) fn answer_at_once(&mut self) -> bool {
        let answers = self.rebalance.answers_at_once();
        if answers {
            self.answered = Some(Answered::Assignment);
        }
        answers
    }

    /// Takes what the application says to an assignment, and leaves of its starts those that still
    /// count; `false` where it was told of no such assignment, or was told of something else since.
    pub fn handle_assign_answer(
        &mut self,
        rebalance: RebalanceId,
        starts: &mut Vec<Start>,
    ) -> bool {
        if let Some(taken) = self.rebalance.handle_taken(rebalance) {
            starts.retain(|start| taken.contains(&start.partition));
            return true;
        }
        let is_answer = self.rebalance.handle_assign_answer(rebalance);
        if is_answer {
            self.answered = Some(Answered::Assignment);
        }
        is_answer
    }

    /// Takes the answer to a revocation or a loss. Returns the partitions that the application gave
    /// up, if it was asked to.
    pub fn handle_revoke_answer(&mut self, rebalance: RebalanceId) -> Vec<PartitionIndex> {
        match self.rebalance.handle_revoke_answer(rebalance) {
            Some(Callback::Revoked(given_up)) => {
                self.answered = Some(Answered::Revocation);
                given_up
            }
            Some(_) => {
                self.answered = Some(Answered::Loss);
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// Goes on after the application's answer: no commit is outstanding
    /// (`rd_kafka_cgrp_assignment_done`).
    pub fn handle_settled(&mut self, now: Instant, view: &View<S>) {
        if self.lose_after_answer(now, view) {
            return;
        }
        match self.answered.take() {
            Some(Answered::Assignment) if self.session_ends => self.end_session(now, view),
            Some(Answered::Assignment) => {
                let next = self.rebalance.after_assignment();
                self.go_on(now, view, next);
            }
            Some(Answered::Revocation) if self.phase == Phase::Joined => {
                let next = self.rebalance.after_revocation();
                self.go_on(now, view, next);
            }
            Some(Answered::Loss) => {
                self.rejoin_for_topics(now, view);
                self.join_if_needed(now, view);
            }
            Some(Answered::Revocation) | None => {}
        }
    }

    /// Returns whether partitions that the application gave up hold up the next join: a commit is
    /// outstanding (`wait-unassign-to-complete`, `wait-incr-unassign-to-complete`). No heartbeat
    /// goes out then (`rd_kafka_cgrp_join_state_serve`: "FIXME: I think we might have to send
    /// heartbeats").
    fn is_unassigning(&self) -> bool {
        let gave_up = matches!(self.answered, Some(Answered::Revocation | Answered::Loss));
        gave_up && self.settings.behaviour.awaits_commits
    }

    /// Returns whether a rebalance is in progress that no other one interrupts
    /// (`RD_KAFKA_CGRP_REBALANCING`), as far as that is not told by the phase.
    fn is_rebalancing(&self) -> bool {
        let rejoins = self.answered == Some(Answered::Assignment) && self.rebalance.rejoins();
        self.rebalance.is_under_way() || self.is_unassigning() || rejoins
    }

    /// Does what follows a step of a rebalance.
    fn go_on(&mut self, now: Instant, view: &View<S>, next: Next) {
        match next {
            Next::Wait => {}
            Next::Join => self.rejoin(now, now, view),
            Next::Start(partitions) => {
                self.actions
                    .push_back(Action::Start(self.attempt, partitions));
            }
        }
    }
}

/// Time and actions.
impl<S: Speaker> Group<S> {
    /// Goes on with a coordinator that was found.
    pub fn handle_coordinator(&mut self, now: Instant, view: &View<S>) {
        if self.settings.behaviour.is_polled() && self.phase == Phase::Joined {
            // `heartbeat.resetSessionTimeout()` in `FindCoordinatorResponseHandler`.
            self.renew_session(now);
        }
        self.advance(now, view);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant, view: &View<S>) {
        if self.phase == Phase::Leaving && self.session_until <= now {
            return self.actions.push_back(Action::End);
        }
        let is_steady = self.phase == Phase::Joined && !self.stands_still();
        if self.settings.behaviour.is_polled() {
            self.check_session_in_java(now, view);
        } else if is_steady && self.session_until <= now {
            // The coordinator has expelled us by now, or will have when it can be reached
            // (`rd_kafka_cgrp_session_timeout_check`, in the join state "steady" alone).
            self.lose_all(now, view, Forgets::Member);
        }
        self.advance(now, view);
    }

    /// Sends what is due and can be sent. A heartbeat that waits in the queue of the connection
    /// comes before what enters that queue now.
    fn advance(&mut self, now: Instant, view: &View<S>) {
        self.heartbeat_again_if_due(now, view);
        self.join_if_needed(now, view);
        self.sync_if_due(now, view);
        self.heartbeat_if_due(now, view);
    }

    /// Takes what is to be done next.
    #[inline]
    pub fn poll_action(&mut self) -> Option<Action<S>> {
        if let Some(holds) = self.rebalance.poll_hold() {
            return Some(Action::Hold(holds));
        }
        self.actions.pop_front()
    }

    /// Returns the earliest deadline.
    #[inline]
    pub fn poll_timeout(&self, view: &View<S>) -> Instant {
        let can_send = view.coordinator.node().is_some();
        let beat = self.beat.as_ref();
        let again = beat.map_or(Instant::FAR_FUTURE, |beat| {
            beat.resend.poll_timeout(can_send)
        });
        again.min(self.next_step(view, can_send))
    }

    /// Returns when the phase has its next step.
    #[inline]
    fn next_step(&self, view: &View<S>, can_send: bool) -> Instant {
        match self.phase {
            Phase::Unjoined
                if can_send
                    && !self.is_rebalancing()
                    && !self.waits_for_poll()
                    && !view.metadata.topics_are_gone() =>
            {
                self.join_at
            }
            Phase::Syncing => {
                let sync = self.sync.as_ref();
                sync.map_or(Instant::FAR_FUTURE, |sync| {
                    sync.resend.poll_timeout(can_send)
                })
            }
            Phase::Joined => {
                let stands_still = self.stands_still();
                let skips = self.is_unassigning() || self.dismissed && stands_still;
                let heartbeat = match can_send && !skips {
                    true => self.next_heartbeat(),
                    false => Instant::FAR_FUTURE,
                };
                // Without a coordinator Java looks for one already.
                let looks = self.settings.behaviour.is_polled() && !can_send;
                match stands_still || looks {
                    true => heartbeat,
                    false => heartbeat.min(self.session_until),
                }
            }
            Phase::Leaving => self.session_until,
            _ => Instant::FAR_FUTURE,
        }
    }

    /// Returns whether the client is in no state in which it looks at the end of its session
    /// ("steady").
    fn stands_still(&self) -> bool {
        self.rebalance.blocks() || self.is_unassigning()
    }

    /// Asks the coordinator.
    fn ask(
        &mut self,
        to: Node,
        timeout: Duration,
        then: Continuation,
        request: Request<S::Dialect>,
    ) {
        self.actions.push_back(Action::Ask(Ask {
            to,
            timeout,
            request,
            then,
        }));
    }

    fn is_current(&self, phase: Phase, attempt: u32) -> bool {
        self.phase == phase && self.attempt == attempt
    }
}
