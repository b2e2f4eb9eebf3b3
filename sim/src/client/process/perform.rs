//! What the parts want, done one by one.

use super::{Action, LeanSpeaker, Process};
use crate::client::lane_of;
use crate::env::Env;
use crate::protocol::{Lean, Request};
use plimsoll_client::{Ask, Continuation, Failure, Parts, Seams, channel_of};
use plimsoll_core::{Event, Instant};
use plimsoll_oracle::TraceEvent;
use plimsoll_scenarios::scenario::Moment;

impl Process {
    /// Does what the parts want. A part of which others want something comes before them: what an
    /// action leads to is done before the next action.
    pub(super) fn carry_out(&mut self, env: &mut Env<'_>) {
        while let Some(mut action) = self.poll_action() {
            if self.passes(env, |seams, parts| seams.action(parts, &mut action)) {
                self.perform(env, action);
            }
        }
    }

    /// Lets something pass a seam of the client. Returns whether it does.
    #[inline]
    pub(super) fn passes(
        &mut self,
        env: &Env<'_>,
        seam: impl FnOnce(&mut dyn Seams<LeanSpeaker>, &mut Parts<'_, LeanSpeaker>) -> bool,
    ) -> bool {
        let Some(seams) = &mut self.seams else {
            return true;
        };
        let mut parts = Parts {
            now: env.now(),
            view: &mut self.view,
            group: &mut self.group,
            start: &mut self.start,
            fetcher: &mut self.fetcher,
            commits: &mut self.commits,
        };
        seam(seams.as_mut(), &mut parts)
    }

    #[inline]
    fn poll_action(&mut self) -> Option<Action> {
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

    fn perform(&mut self, env: &mut Env<'_>, action: Action) {
        let now = env.now();
        match action {
            Action::Ask(ask) => self.ask(env, ask),
            Action::AskAny(timeout, request, then) => {
                let to = self.view.choose_broker(now);
                let ask = Ask {
                    to,
                    timeout,
                    request,
                    then,
                };
                self.ask(env, ask);
            }
            Action::Say(to, request) => {
                let sharing = self.settings.behaviour.sharing;
                let lane = lane_of(sharing, channel_of(&request), &request);
                env.request(self.node, to, lane, self.requests.number(), request);
            }
            Action::Poll(broker) => {
                let request = env.cluster.fetch_request();
                let ask = self.fetcher.poll_request(broker, request);
                self.ask(env, ask);
            }
            Action::TryAnotherBroker => self.view.metadata.try_another_broker(),
            Action::RefreshMetadata => self.view.refresh_metadata(now),
            Action::WantMetadata => self.view.metadata.want(now),
            Action::LoseCoordinator => self.view.coordinator.lose(now),
            Action::Hold(holds) => self.fetcher.hold(now, &self.view, holds),
            Action::EndSession => self.group.end_session(now, &self.view),
            Action::Start(id, partitions) => self.start.begin(now, &self.view, id, partitions),
            Action::ForgetStart => self.start.forget(),
            Action::Assign(assignments) => self.group.handle_started(assignments),
            Action::Tell(event) => self.application.tell(event),
            Action::OutOfRange(partition, position) => env.observe(TraceEvent::OutOfRange {
                member: self.id,
                partition: self.view.topology.partition(partition),
                position,
            }),
            Action::CommitSent => env.observe(TraceEvent::CommitSent { member: self.id }),
            Action::CommitFailed(failure) => self.observe_failed_commit(env, failure),
            Action::EndCommit(commit, outcome) => {
                let event = Event::CommitFinished { commit, outcome };
                self.application.tell(event);
                self.late.handle_committed(now, commit, outcome);
                self.settle(now);
            }
            Action::NotAMember(error, carried) => {
                self.group
                    .handle_commit_refused(now, &self.view, error, &carried);
                self.settle(now);
            }
            Action::EndDeadLetter(copy, answer) => {
                self.end_dead_letter(env, copy, answer.is_ok());
            }
            Action::End => {
                self.requests.forget_all();
                self.ended = true;
                let member = self.id;
                env.observe(match self.stopping {
                    true => TraceEvent::MemberStopped { member },
                    // A simulated process has no status.
                    false => TraceEvent::MemberExited {
                        member,
                        status: None,
                    },
                });
            }
        }
    }

    #[inline]
    fn ask(&mut self, env: &mut Env<'_>, mut ask: Ask<Lean, Continuation>) {
        if !self.passes(env, |seams, parts| seams.request(parts, &mut ask)) {
            return;
        }
        let kind = || ask.request.kind().map(Moment::Sent);
        env.moments.note(self.id, kind);
        let channel = channel_of(&ask.request);
        let lane = lane_of(self.settings.behaviour.sharing, channel, &ask.request);
        let to = (ask.to, channel);
        let correlation = self.requests.add(env.now(), to, ask.timeout, ask.then);
        env.request(self.node, ask.to, lane, correlation, ask.request);
    }

    fn observe_failed_commit(&self, env: &mut Env<'_>, failure: Failure) {
        let member = self.id;
        env.observe(match failure {
            Failure::Lost | Failure::TimedOut => TraceEvent::CommitUnknown { member },
            Failure::Refused(error) => TraceEvent::CommitRefused { member, error },
        });
    }

    /// Goes on after a change of the assignment, or leaves, unless a commit is outstanding:
    /// librdkafka waits for it (`rd_kafka_assignment_serve`, `rd_kafka_cgrp_try_terminate`).
    pub(super) fn settle(&mut self, now: Instant) {
        if !self.commits.is_settled() {
            return;
        }
        if self.application.is_closed() {
            self.requests.forget_all();
            self.commits.forget_all();
            return self.group.leave(&self.view);
        }
        self.fetcher.start_held_back(now, &self.view);
        self.group.handle_settled(now, &self.view);
    }
}
