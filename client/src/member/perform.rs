//! What the parts of a member want, done one by one.

use super::{End, Member, Observation, World};
use crate::{
    Action, Ask, AskOf, Continuation, DeadLetterCopy, Failure, Parts, Seams, Speaker, channel_of,
};
use plimsoll_core::{Assignment, Event, Instant};
use plimsoll_protocol::{Node, PartitionIndex, Request};

impl<S: Speaker, At: Seams<S>> Member<S, At> {
    /// Does what the parts want. A part of which others want something comes before them: what an
    /// action leads to is done before the next action.
    pub(super) fn carry_out(&mut self, world: &mut impl World<S>) {
        while let Some(mut action) = self.poll_action() {
            if self.passes(world, |at, parts| at.action(parts, &mut action)) {
                self.perform(world, action);
            }
        }
    }

    /// Lets something pass a seam. Returns whether it does.
    #[inline]
    pub(super) fn passes(
        &mut self,
        world: &impl World<S>,
        seam: impl FnOnce(&mut At, &mut Parts<'_, S>) -> bool,
    ) -> bool {
        if self.seams.is_absent() {
            return true;
        }
        let mut parts = Parts {
            now: world.now(),
            view: &mut self.view,
            group: &mut self.group,
            start: &mut self.start,
            fetcher: &mut self.fetcher,
            commits: &mut self.commits,
        };
        seam(&mut self.seams, &mut parts)
    }

    #[inline]
    fn poll_action(&mut self) -> Option<Action<S>> {
        if let Some(to) = self.view.metadata.poll_action() {
            return Some(Action::Ask(Ask {
                to,
                timeout: self.settings.request_timeout,
                request: Request::Metadata,
                then: Continuation::Metadata,
            }));
        }
        if let action @ Some(_) = self.fetcher.poll_action() {
            return action;
        }
        if let action @ Some(_) = self.view.coordinator.poll_action() {
            return action;
        }
        if let action @ Some(_) = self.start.poll_action() {
            return action;
        }
        if let action @ Some(_) = self.group.poll_action() {
            return action;
        }
        if let action @ Some(_) = self.commits.poll_action() {
            return action;
        }
        self.dead_letters.poll_action()
    }

    /// Does what a part wants.
    fn perform(&mut self, world: &mut impl World<S>, action: Action<S>) {
        let now = world.now();
        match action {
            Action::Ask(ask) => self.ask(world, ask),
            Action::AskAny(timeout, request, then) => {
                let to = self.view.choose_broker(now);
                let ask = Ask {
                    to,
                    timeout,
                    request,
                    then,
                };
                self.ask(world, ask);
            }
            Action::Say(to, request) => {
                let (channel, correlation) = (channel_of(&request), self.requests.number());
                world.send((to, channel), correlation, request);
            }
            Action::Poll(broker) => self.fetch(world, broker),
            Action::TryAnotherBroker => self.view.metadata.try_another_broker(),
            Action::RefreshMetadata => self.view.refresh_metadata(now),
            Action::WantMetadata => self.view.metadata.want(now),
            Action::LoseCoordinator => self.view.coordinator.lose(now),
            Action::Hold(holds) => self.fetcher.hold(now, &self.view, holds),
            Action::EndSession => self.group.end_session(now, &self.view),
            Action::Start(id, partitions) => self.begin_start(now, id, partitions),
            Action::ForgetStart => self.start.forget(),
            Action::Assign(assignments, epochs) => self.assign(assignments, epochs),
            Action::WentBack(index, from, to) => {
                let partition = self.view.topology.partition(index);
                world.observe(Observation::PositionReset {
                    partition,
                    from,
                    to,
                });
            }
            Action::Tell(event) => world.tell(event),
            Action::OutOfRange(partition, position) => {
                let partition = self.view.topology.partition(partition);
                world.observe(Observation::OutOfRange {
                    partition,
                    position,
                });
            }
            Action::CommitSent => world.observe(Observation::CommitSent),
            Action::CommitFailed(failure) => {
                if let Failure::Refused(error) = failure {
                    self.refusal = Some(error);
                }
                world.observe(Observation::CommitFailed(failure));
            }
            Action::EndCommit(commit, outcome) => {
                world.tell(Event::CommitFinished { commit, outcome });
                self.settle(now);
            }
            Action::NotAMember(error, carried) => {
                self.group
                    .handle_commit_refused(now, &self.view, error, &carried);
                self.settle(now);
            }
            Action::EndDeadLetter(copy, answer) => {
                if answer.is_ok() {
                    world.observe(Observation::DeadLetterWritten(&copy));
                }
                world.tell(end_of_letter(&copy, answer));
            }
            Action::End => self.finish(world),
        }
    }

    /// Asks a broker for what is to be fetched from it.
    fn fetch(&mut self, world: &mut impl World<S>, broker: Node) {
        let request = world.fetch_request();
        let ask = self.fetcher.poll_request(broker, request);
        self.ask(world, ask);
    }

    /// Looks up where partitions start that were assigned, and goes on with the membership meanwhile
    /// where the assignment is answered before.
    fn begin_start(&mut self, now: Instant, id: u32, partitions: Vec<PartitionIndex>) {
        self.start.begin(now, &self.view, id, partitions);
        if self.group.answer_at_once() {
            self.settle(now);
        }
    }

    /// Hands the group the partitions whose starts are known, and the fetcher the leader epochs below
    /// these starts.
    fn assign(&mut self, assignments: Vec<Assignment>, epochs: Vec<Option<u32>>) {
        for (assignment, epoch) in assignments.iter().zip(epochs) {
            if let Some(index) = self.view.topology.index(assignment.partition) {
                let position = assignment.committed.unwrap_or_default();
                self.fetcher.begin(index, position, epoch);
            }
        }
        self.group.handle_started(assignments);
    }

    /// Ends the process.
    fn finish(&mut self, world: &mut impl World<S>) {
        self.requests.forget_all();
        self.end = Some(match self.is_closing {
            true => End::Left,
            false => End::Refused(self.refusal),
        });
        world.observe(Observation::Ended);
    }

    /// Sends a request, unless something at the seams keeps it back.
    #[inline]
    fn ask(&mut self, world: &mut impl World<S>, mut ask: AskOf<S>) {
        if !self.passes(world, |at, parts| at.request(parts, &mut ask)) {
            return;
        }
        world.note_request(&ask.request);
        let (now, to) = (world.now(), (ask.to, channel_of(&ask.request)));
        let connections = &mut self.view.connections;
        connections.handle_request(now, to, &ask.request);
        let correlation = self.requests.add(now, to, ask.timeout, ask.then);
        world.send(to, correlation, ask.request);
    }

    /// Goes on after a change of the assignment, or leaves, unless a commit is outstanding:
    /// librdkafka waits for it (`rd_kafka_assignment_serve`, `rd_kafka_cgrp_try_terminate`).
    pub(super) fn settle(&mut self, now: Instant) {
        if !self.commits.is_settled() {
            return;
        }
        if self.is_closing {
            self.requests.forget_all();
            self.commits.forget_all();
            return self.group.leave(&self.view);
        }
        self.fetcher.start_held_back(now, &self.view);
        self.group.handle_settled(now, &self.view);
    }
}

/// Returns what the application learns of the copy of a record.
fn end_of_letter<P>(copy: &DeadLetterCopy<P>, answer: Result<(), Failure>) -> Event<P> {
    let (partition, epoch, offset) = (copy.partition, copy.epoch, copy.record.offset);
    match answer {
        Err(Failure::Refused(error)) if REFUSALS.contains(&error.code()) => {
            Event::DeadLetterRefused {
                partition,
                epoch,
                offset,
            }
        }
        answer => Event::DeadLettered {
            partition,
            epoch,
            offset,
            acknowledged: answer.is_ok(),
        },
    }
}

/// Kafka's numbers of the errors with which a write would be refused each time, until the topic or
/// the rights to it change: `MESSAGE_TOO_LARGE`, `INVALID_TOPIC_EXCEPTION`,
/// `RECORD_LIST_TOO_LARGE`, `TOPIC_AUTHORIZATION_FAILED`, `CLUSTER_AUTHORIZATION_FAILED`,
/// `POLICY_VIOLATION`, `INVALID_RECORD`.
const REFUSALS: [i16; 7] = [10, 17, 18, 29, 31, 44, 87];
