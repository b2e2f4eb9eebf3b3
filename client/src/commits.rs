//! Commits: stamped with the membership of the moment at which they are sent.
//!
//! librdkafka keeps a commit until it has an outcome, and tells nothing before. It sends the same
//! bytes again, up to twice (`rd_kafka_handle_OffsetCommit`), and then, or where it knows no
//! coordinator, keeps the commit until it has one, once and for no longer than a session, and
//! stamps it anew (`rd_kafka_cgrp_op_handle_OffsetCommit`, `rd_kafka_cgrp_defer_offset_commit`).
//! Meanwhile it fetches no new partition and does not join again (`wait_commit_cnt` in
//! `rd_kafka_assignment_serve`). Sarama sends a commit once, and only as a member; Java sends one
//! anew until its time is over, as a member alone.

use crate::resend::{pause_after, resend_pause};
use crate::{
    Action, Ask, CommitRetries, Continuation, Failure, Membership, Settings, Speaker, View,
};
use plimsoll_core::{CommitId, CommitOffset, CommitOutcome, Instant, NextOffset, TopicPartition};
use plimsoll_protocol::{
    CommittedOffset, ErrorName, Generation, GroupMemberId, Node, OffsetCommitResponse,
    PartitionIndex, Request, Sender,
};
use std::collections::VecDeque;

/// The stamp of a commit: its member and generation.
pub type Stamp = (GroupMemberId, Generation);

/// The commits of a client.
#[derive(Debug)]
pub struct Commits<S: Speaker> {
    settings: Settings,
    /// The commits without an outcome, oldest first. A consumer has one or two.
    outstanding: Vec<Outstanding<S>>,
    actions: VecDeque<Action<S>>,
}

/// A commit without an outcome.
#[derive(Debug)]
struct Outstanding<S: Speaker> {
    id: CommitId,
    offsets: Vec<CommittedOffset<S::Dialect>>,
    stamp: Stamp,
    /// Number of times that these bytes were sent again, or in Java the commit.
    resends: u32,
    /// Whether it has waited for a coordinator: it does so once.
    was_deferred: bool,
    /// The time after which it is not sent anew.
    until: Instant,
    state: State,
}

impl<S: Speaker> Outstanding<S> {
    /// Returns the partitions of which it carries an offset.
    fn carried(&self, view: &View<S>) -> Vec<TopicPartition> {
        let offsets = self.offsets.iter();
        offsets
            .map(|offset| view.topology.partition(offset.partition))
            .collect()
    }
}

/// The state of a commit, by what it waits for.
#[derive(Clone, Copy, Debug)]
enum State {
    /// Its answer.
    Sent,
    /// The time at which its bytes are sent again. Where the coordinator is not known by then, they
    /// wait for it in the queue of its connection, without a limit: "retries += was_sent"
    /// (`rd_kafka_buf_retry`), and a request that waits was not sent.
    Resend(Instant),
    /// A coordinator, until this time.
    Deferred(Instant),
    /// The time at which it is sent anew, and a coordinator by then.
    Anew(Instant),
}

impl<S: Speaker> Commits<S> {
    /// Creates the state before any commit.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            outstanding: Vec::new(),
            actions: VecDeque::new(),
        }
    }

    /// Returns whether no commit holds up what follows a change of the assignment
    /// (`rd_kafka_assignment_serve`); none does in Sarama.
    #[inline]
    pub fn is_settled(&self) -> bool {
        self.outstanding.is_empty() || !self.settings.behaviour.awaits_commits
    }

    /// Sends a commit, stamped with the membership of this moment, with the leader epoch of the
    /// record before each offset.
    ///
    /// librdkafka sends it also outside of the group (`rd_kafka_cgrp_offsets_commit`), with what is
    /// left of its membership; without a coordinator it waits for one, as Java does. Sarama's fails
    /// on the spot.
    ///
    /// While a join is in flight the broker looks at it only after the join
    /// (`SocketServer` answers the requests of a connection one by one).
    pub fn commit(
        &mut self,
        now: Instant,
        view: &View<S>,
        stamp: Option<Stamp>,
        (id, offsets): (CommitId, &[CommitOffset]),
        epoch_before: impl Fn(PartitionIndex, NextOffset) -> Option<u32>,
    ) {
        let coordinator = view.coordinator.node();
        let state = match self.settings.behaviour.commit_retries {
            CommitRetries::Never if coordinator.is_none() => {
                return self.refuse(id);
            }
            CommitRetries::Never | CommitRetries::SameBytes => {
                State::Deferred(now + self.settings.session_timeout)
            }
            CommitRetries::Anew(_) => State::Anew(now),
        };
        let Some(stamp) = stamp else {
            return self.refuse(id);
        };
        let offsets = offsets.iter().filter_map(|offset| {
            let partition = view.topology.index(offset.partition)?;
            let epoch = epoch_before(partition, offset.next);
            Some(CommittedOffset {
                partition,
                next: offset.next,
                metadata: view.speaker.metadata(offset.founding_partitions, epoch),
            })
        });
        self.outstanding.push(Outstanding {
            id,
            offsets: offsets.collect(),
            stamp,
            resends: 0,
            was_deferred: coordinator.is_none(),
            until: match self.settings.behaviour.commit_retries {
                CommitRetries::Anew(time) => now + time,
                CommitRetries::Never | CommitRetries::SameBytes => Instant::FAR_FUTURE,
            },
            state,
        });
        if let Some(to) = coordinator {
            self.send(to, self.outstanding.len() - 1);
        }
    }

    /// Handles what became of a commit that was sent.
    pub fn handle_answer(
        &mut self,
        now: Instant,
        view: &View<S>,
        id: CommitId,
        answer: Result<OffsetCommitResponse, Failure>,
    ) {
        let mut outstanding = self.outstanding.iter();
        let Some(index) = outstanding.position(|commit| commit.id == id) else {
            return;
        };
        let retries = self.settings.behaviour.commit_retries;
        let failure = match answer {
            Ok(OffsetCommitResponse { refused, .. }) => match refused.last() {
                None => return self.end(index, CommitOutcome::Ok),
                Some((_, error)) => {
                    let refused_all = refused.len() == self.outstanding[index].offsets.len();
                    let failure = Failure::Refused(*error);
                    if !refused_all && retries == CommitRetries::SameBytes {
                        // "If all partitions failed use error code from last partition as the
                        // global error": only then is there anything to do.
                        self.actions.push_back(Action::CommitFailed(failure));
                        return self.end(index, CommitOutcome::Failed);
                    }
                    failure
                }
            },
            Err(failure) => failure,
        };
        self.actions.push_back(Action::CommitFailed(failure));
        match self.settings.behaviour.membership {
            Membership::Served => self.handle_failure(now, view, index, failure),
            Membership::Looped { .. } => self.handle_failure_in_sarama(index, failure),
            Membership::Polled => self.handle_failure_in_java(now, view, index, failure),
        }
    }

    /// Handles a failure as librdkafka does (`rd_kafka_handle_OffsetCommit_error`,
    /// `rd_kafka_err_action`, `rd_kafka_cgrp_op_handle_OffsetCommit`).
    fn handle_failure(&mut self, now: Instant, view: &View<S>, index: usize, failure: Failure) {
        use ErrorName as E;
        let commit = &self.outstanding[index];
        let outcome = outcome_of(failure);
        match failure {
            // `__TRANSPORT` and what the wrong broker says: "mark coordinator dead, refresh and
            // retry".
            Failure::Lost | Failure::Refused(E::NotCoordinator | E::CoordinatorNotAvailable) => {
                self.actions.push_back(Action::LoseCoordinator);
                self.send_again_or_defer(now, index, outcome);
            }
            // `__TIMED_OUT` is not deferred.
            Failure::TimedOut
            | Failure::Refused(
                E::CoordinatorLoadInProgress | E::UnknownTopicOrPartition | E::RequestTimedOut,
            ) => {
                if !self.send_again(now, index) {
                    self.end(index, outcome);
                }
            }
            Failure::Refused(E::FencedInstanceId) => {
                self.end(index, outcome);
                self.actions.push_back(Action::End);
            }
            Failure::Refused(error @ (E::UnknownMemberId | E::IllegalGeneration)) => {
                let carried = commit.carried(view);
                // The commit still counts as outstanding then: what follows from its end comes
                // after what follows from the error.
                self.actions.push_back(Action::NotAMember(error, carried));
                self.end(index, outcome);
            }
            Failure::Refused(_) => self.end(index, outcome),
        }
    }

    /// Handles an error of a commit as Sarama does (`offsetManager.handleResponse`): upon most of
    /// them it looks for the coordinator, and one that is fenced ends its session.
    fn handle_failure_in_sarama(&mut self, index: usize, failure: Failure) {
        use ErrorName as E;
        self.end(index, outcome_of(failure));
        let action = match failure {
            // "nothing wrong but we didn't commit, we'll get it next time round"
            Failure::Refused(E::CoordinatorLoadInProgress) => return,
            Failure::Refused(E::FencedInstanceId) => Action::EndSession,
            _ => Action::LoseCoordinator,
        };
        self.actions.push_back(action);
    }

    /// Handles an error of a commit as Java does (`OffsetCommitResponseHandler` of
    /// `ConsumerCoordinator`). What is retriable is sent anew; a request that timed out has its
    /// connection closed, so that it counts as lost (`NetworkClient.handleTimedOutRequests`).
    fn handle_failure_in_java(
        &mut self,
        now: Instant,
        view: &View<S>,
        index: usize,
        failure: Failure,
    ) {
        use ErrorName as E;
        let outcome = outcome_of(failure);
        match failure {
            Failure::Lost
            | Failure::TimedOut
            | Failure::Refused(
                E::NotCoordinator | E::CoordinatorNotAvailable | E::RequestTimedOut,
            ) => {
                self.actions.push_back(Action::LoseCoordinator);
                self.send_anew(now, index, outcome);
            }
            Failure::Refused(E::CoordinatorLoadInProgress | E::UnknownTopicOrPartition) => {
                self.send_anew(now, index, outcome);
            }
            Failure::Refused(E::FencedInstanceId) => {
                self.end(index, outcome);
                self.actions.push_back(Action::End);
            }
            Failure::Refused(
                error @ (E::UnknownMemberId | E::IllegalGeneration | E::RebalanceInProgress),
            ) => {
                let carried = self.outstanding[index].carried(view);
                self.actions.push_back(Action::NotAMember(error, carried));
                self.end(index, outcome);
            }
            Failure::Refused(_) => self.end(index, outcome),
        }
    }

    /// Lets a commit be sent anew after a pause, as long as its time is not over
    /// (`ConsumerCoordinator.commitOffsetsSync`).
    fn send_anew(&mut self, now: Instant, index: usize, outcome: CommitOutcome) {
        let commit = &mut self.outstanding[index];
        if commit.until <= now {
            return self.end(index, outcome);
        }
        let pause = pause_after(commit.resends, self.settings.retry_backoff);
        commit.resends += 1;
        commit.state = State::Anew((now + pause).min(commit.until));
    }

    /// Forgets every commit, and what was to be told of any: the process leaves.
    pub fn forget_all(&mut self) {
        self.outstanding.clear();
        self.actions.clear();
    }

    fn send_again_or_defer(&mut self, now: Instant, index: usize, outcome: CommitOutcome) {
        if self.send_again(now, index) {
            return;
        }
        let commit = &mut self.outstanding[index];
        if std::mem::replace(&mut commit.was_deferred, true) {
            return self.end(index, outcome);
        }
        commit.state = State::Deferred(now + self.settings.session_timeout);
    }

    /// Lets the same bytes be sent again after a pause; returns whether that may be.
    fn send_again(&mut self, now: Instant, index: usize) -> bool {
        let commit = &mut self.outstanding[index];
        let Some(pause) = resend_pause(self.settings.retry_backoff, commit.resends) else {
            return false;
        };
        commit.resends += 1;
        commit.state = State::Resend(now + pause);
        true
    }

    fn end(&mut self, index: usize, outcome: CommitOutcome) {
        let commit = self.outstanding.remove(index);
        self.actions
            .push_back(Action::EndCommit(commit.id, outcome));
    }

    /// Ends a commit that is not sent, of which observers see nothing: neither does a proxy in front
    /// of real brokers.
    fn refuse(&mut self, id: CommitId) {
        self.actions
            .push_back(Action::EndCommit(id, CommitOutcome::Failed));
    }

    fn send(&mut self, to: Node, index: usize) {
        let commit = &mut self.outstanding[index];
        commit.state = State::Sent;
        let (member, generation) = commit.stamp;
        self.actions.push_back(Action::Ask(Ask {
            to,
            timeout: self.settings.request_timeout,
            request: Request::OffsetCommit {
                sender: Sender {
                    group: self.settings.group,
                    generation,
                    member,
                    instance: self.settings.instance,
                },
                offsets: commit.offsets.clone(),
            },
            then: Continuation::OffsetCommit(commit.id),
        }));
        self.actions.push_back(Action::CommitSent);
    }
}

/// Time and actions.
impl<S: Speaker> Commits<S> {
    /// Sends what waits for its time or a coordinator, and ends what has waited for too long
    /// (`rd_kafka_cgrp_timeout_scan`: `__WAIT_COORD`). What was deferred is stamped anew, and comes
    /// behind what waits for the connection alone.
    pub fn advance(&mut self, now: Instant, view: &View<S>, stamp: Option<Stamp>) {
        let coordinator = view.coordinator.node();
        let is_over = |commit: &Outstanding<S>| match commit.state {
            State::Deferred(at) => at <= now && coordinator.is_none(),
            State::Anew(_) => commit.until <= now,
            State::Sent | State::Resend(_) => false,
        };
        while let Some(index) = self.outstanding.iter().position(is_over) {
            self.end(index, CommitOutcome::Unknown);
        }
        let Some(to) = coordinator else {
            return;
        };
        for index in 0..self.outstanding.len() {
            if matches!(self.outstanding[index].state, State::Resend(at) if at <= now) {
                self.send(to, index);
            }
        }
        for index in 0..self.outstanding.len() {
            let commit = &mut self.outstanding[index];
            if let State::Deferred(_) = commit.state {
                commit.stamp = stamp.unwrap_or(commit.stamp);
                commit.resends = 0;
                self.send(to, index);
            }
        }
        self.send_due_anew(now, to, stamp);
    }

    /// Sends what is due with the stamp of this moment, and ends it where there is none: the client
    /// is no member (`AbstractCoordinator.generationIfStable`).
    fn send_due_anew(&mut self, now: Instant, to: Node, stamp: Option<Stamp>) {
        let is_due = |c: &Outstanding<S>| matches!(c.state, State::Anew(at) if at <= now);
        while let Some(index) = self.outstanding.iter().position(is_due) {
            match stamp {
                Some(stamp) => {
                    self.outstanding[index].stamp = stamp;
                    self.send(to, index);
                }
                None => self.end(index, CommitOutcome::Failed),
            }
        }
    }

    /// Takes what is to be done next.
    #[inline]
    pub fn poll_action(&mut self) -> Option<Action<S>> {
        self.actions.pop_front()
    }

    /// Returns the earliest deadline.
    #[inline]
    pub fn poll_timeout(&self, view: &View<S>) -> Instant {
        let can_send = view.coordinator.node().is_some();
        let deadlines = self.outstanding.iter().map(|commit| match commit.state {
            State::Resend(at) | State::Anew(at) if can_send => at,
            State::Deferred(until) => until,
            State::Anew(_) => commit.until,
            State::Sent | State::Resend(_) => Instant::FAR_FUTURE,
        });
        deadlines.min().unwrap_or(Instant::FAR_FUTURE)
    }
}

/// Returns what a failure lets the application know.
const fn outcome_of(failure: Failure) -> CommitOutcome {
    match failure {
        Failure::Lost | Failure::TimedOut | Failure::Refused(ErrorName::RequestTimedOut) => {
            CommitOutcome::Unknown
        }
        Failure::Refused(_) => CommitOutcome::Failed,
    }
}
