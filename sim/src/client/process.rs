//! A process of a member: what arrives there, and which part of the client it concerns.

use super::action::{Action, Continuation};
use super::answer::read;
use super::application::{Application, Callback};
use super::commits::Commits;
use super::connection::{Ask, Connections, Failure, Requests, channel_of};
use super::coordinator::Coordinator;
use super::dead_letters::DeadLetters;
use super::fetcher::Fetcher;
use super::group::Group;
use super::metadata::{Metadata, first_broker};
use super::start::Start;
use super::view::View;
use crate::env::Env;
use crate::protocol::{Correlation, Node, Request, Response};
use crate::recipes::SubjectSpec;
use crate::sink::HandlerCall;
use plimsoll_core::{CommitId, CommitOutcome, Instant, Outcome, TopicPartition};
use plimsoll_oracle::{MemberId, TraceEvent};
use plimsoll_scenarios::scenario::Consumers;
use std::time::Duration;

/// A process of a member.
pub struct Process {
    pub(super) id: MemberId,
    node: Node,
    request_timeout: Duration,
    pub(super) requests: Requests<Continuation>,
    pub(super) view: View,
    pub(super) group: Group,
    pub(super) start: Start,
    pub(super) fetcher: Fetcher,
    pub(super) commits: Commits,
    pub(super) dead_letters: DeadLetters,
    pub(super) application: Application,
    ended: bool,
}

/// Returns `settings.consumers`, for as long as the plan lives.
pub fn settings<'a>(env: &Env<'a>) -> &'a Consumers {
    &env.plan.settings.consumers
}

impl Process {
    /// Creates a process that has not started.
    pub fn new(
        env: &Env<'_>,
        id: MemberId,
        spec: SubjectSpec,
        starts: u32,
        first_correlation: u32,
    ) -> Self {
        let node = env.member_node(id);
        let settings = settings(env);
        let (timeout, backoff) = (settings.request_timeout, settings.retry_backoff);
        let topology = env.topology.clone();
        Self {
            id,
            node,
            request_timeout: timeout,
            requests: Requests::new(first_correlation),
            view: View {
                connections: Connections::new(env.brokers().count()),
                metadata: Metadata::new(
                    env.now(),
                    first_broker(env.plan, node),
                    topology.len(),
                    settings.metadata_refresh,
                    backoff,
                ),
                coordinator: Coordinator::new(timeout),
                topology,
            },
            group: Group::new(),
            start: Start::new(timeout, backoff),
            fetcher: Fetcher::new(env),
            commits: Commits::new(settings.static_ids.then_some(id.0), timeout),
            dead_letters: DeadLetters::new(timeout),
            application: Application::new(env, id, spec, starts),
            ended: false,
        }
    }

    /// Returns whether it ended by itself.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Returns the number that the next request would have.
    pub fn next_correlation(&self) -> u32 {
        self.requests.next_correlation()
    }

    /// Returns whether it fetches this partition now.
    pub fn owns(&self, partition: TopicPartition) -> bool {
        let index = self.view.topology.index(partition);
        index.is_some_and(|index| self.fetcher.is_assigned(index))
    }

    /// Returns the number of partitions that it fetches now.
    pub fn owned(&self) -> usize {
        self.fetcher.assigned().len()
    }

    /// Returns the earliest deadline.
    #[inline]
    pub fn next_timeout(&self) -> Instant {
        self.requests
            .poll_timeout()
            .min(self.view.metadata.poll_timeout())
            .min(self.view.coordinator.poll_timeout())
            .min(self.group_due())
            .min(self.start.poll_timeout())
            .min(self.fetcher.retry_at())
            .min(self.application.next_timeout())
    }

    /// Begins with what librdkafka calls bootstrap: metadata, then the coordinator, then the group.
    pub fn start(&mut self, env: &mut Env<'_>) {
        let View {
            metadata,
            connections,
            ..
        } = &mut self.view;
        metadata.handle_timeout(env.now(), connections);
        self.carry_out(env);
    }

    /// Asks the subject to stop.
    pub fn stop(&mut self, env: &mut Env<'_>) {
        self.application.shut_down();
        self.run_application(env);
    }

    /// Handles a response.
    pub fn handle_response(
        &mut self,
        env: &mut Env<'_>,
        from: Node,
        correlation: Correlation,
        response: Response,
    ) {
        match self.requests.take_answered(correlation) {
            Some(then) => {
                self.view.connections.handle_answer(from);
                self.go_on(env, from, then, Ok(response));
                self.run_application(env);
            }
            None => {
                if let Response::Fetch(response) = response {
                    env.cluster.recycle_response(response);
                }
            }
        }
    }

    /// Handles the loss of the connections with a broker, and of what was in flight on them.
    pub fn handle_disconnected(&mut self, env: &mut Env<'_>, peer: Node) {
        self.view.connections.handle_broken(env.now(), peer);
        let before = self.requests.next_correlation();
        let was_coordinator = self.view.coordinator.node() == Some(peer);
        if was_coordinator {
            self.view.coordinator.forget();
        }
        while let Some(then) = self.requests.take_lost(peer, before) {
            self.go_on(env, peer, then, Err(Failure::Lost));
        }
        if was_coordinator {
            self.find_coordinator(env);
        }
        self.run_application(env);
    }

    /// Handles the result of a handler.
    pub fn handle_processed(&mut self, env: &mut Env<'_>, call: HandlerCall, outcome: Outcome) {
        self.application.processed(env.now(), call, outcome);
        self.run_application(env);
    }

    /// Does what is due: some deadline may have passed.
    pub fn handle_timeout(&mut self, env: &mut Env<'_>) {
        let now = env.now();
        while let Some(peer) = self.requests.poll_overdue(now) {
            env.cut(self.node, peer);
        }
        let View {
            metadata,
            connections,
            ..
        } = &mut self.view;
        metadata.handle_timeout(now, connections);
        self.carry_out(env);
        if self.view.coordinator.poll_timeout() <= now {
            self.find_coordinator(env);
        }
        self.group_timeout(env);
        self.start.handle_timeout(now, &self.view);
        self.carry_out(env);
        if self.fetcher.retry_at() <= now {
            self.fetch_all(env);
        }
        self.check_poll_deadline(env);
        self.application.timeout(now);
        self.run_application(env);
    }

    /// Ends the process, and says so in the trace.
    pub(super) fn end(&mut self, env: &mut Env<'_>) {
        self.requests.forget_all();
        self.ended = true;
        env.observe(TraceEvent::MemberStopped { member: self.id });
    }

    /// Goes on with a request that was answered, or lost.
    fn go_on(
        &mut self,
        env: &mut Env<'_>,
        from: Node,
        then: Continuation,
        result: Result<Response, Failure>,
    ) {
        let now = env.now();
        match then {
            Continuation::Fetch => match read(result) {
                Ok(response) => self.fetched(env, from, response),
                Err(_) => self.fetch_failed(env, from),
            },
            Continuation::Heartbeat(attempt) => self.heartbeat_answered(env, attempt, read(result)),
            Continuation::OffsetCommit(commit) => self.commits.handle_answer(commit, read(result)),
            Continuation::Metadata => {
                if self.view.metadata.handle_answer(now, read(result)) {
                    self.metadata_updated(env);
                }
            }
            Continuation::DeadLetter(copy) => self.dead_letters.handle_answer(copy, read(result)),
            Continuation::FindCoordinator => {
                let View {
                    coordinator,
                    connections,
                    ..
                } = &mut self.view;
                if coordinator.handle_answer(now, connections, read(result)) {
                    self.coordinator_found(env);
                }
            }
            Continuation::JoinGroup(attempt) => self.join_answered(env, attempt, read(result)),
            Continuation::SyncGroup(attempt) => self.sync_answered(env, attempt, read(result)),
            Continuation::LeaveGroup => self.left(env),
            Continuation::OffsetFetch(id) => {
                self.start
                    .handle_committed(now, &self.view, id, read(result));
            }
            Continuation::StartOffsets(id, partition) => {
                let of = (id, partition);
                self.start.handle_ends(now, &self.view, of, read(result));
            }
            Continuation::ResetOffsets(partition, version) => {
                self.reset_offsets_answered(env, partition, version, read(result));
            }
        }
        self.carry_out(env);
    }

    fn metadata_updated(&mut self, env: &mut Env<'_>) {
        self.find_coordinator(env);
        self.start.advance(&self.view);
        self.carry_out(env);
        self.forget_dead_leaders(env);
        self.fetch_all(env);
        self.check_partition_count(env);
    }

    fn coordinator_found(&mut self, env: &mut Env<'_>) {
        self.join_if_needed(env);
        self.heartbeat_if_due(env);
        self.start.advance(&self.view);
        self.carry_out(env);
    }
}

/// Actions.
impl Process {
    /// Does what the parts want. A part that others want something of comes before them: what an
    /// action leads to is done before the next action.
    pub(super) fn carry_out(&mut self, env: &mut Env<'_>) {
        while let Some(action) = self.poll_action() {
            self.perform(env, action);
        }
    }

    fn poll_action(&mut self) -> Option<Action> {
        if let Some(broker) = self.view.metadata.poll_action() {
            return Some(Action::Ask(Ask {
                to: broker,
                timeout: self.request_timeout,
                request: Request::Metadata,
                then: Continuation::Metadata,
            }));
        }
        None.or_else(|| self.view.coordinator.poll_action())
            .or_else(|| self.start.poll_action())
            .or_else(|| self.commits.poll_action())
            .or_else(|| self.dead_letters.poll_action())
    }

    fn perform(&mut self, env: &mut Env<'_>, action: Action) {
        let now = env.now();
        match action {
            Action::Ask(ask) => self.ask(env, ask),
            Action::AskAny(timeout, request, then) => {
                let View {
                    metadata,
                    connections,
                    ..
                } = &mut self.view;
                let to = metadata.choose_broker(now, connections);
                self.ask(
                    env,
                    Ask {
                        to,
                        timeout,
                        request,
                        then,
                    },
                );
            }
            Action::TryAnotherBroker => self.view.metadata.try_another_broker(),
            Action::RefreshMetadata => self.view.refresh_metadata(now),
            Action::LoseCoordinator => self.view.coordinator.lose(now),
            Action::Assign(assignments) => {
                self.application.call(Callback::Assigned(assignments));
            }
            Action::CommitSent => env.observe(TraceEvent::CommitSent { member: self.id }),
            Action::EndCommit(commit, result) => self.end_commit(env, commit, result),
            Action::EndDeadLetter(copy, acknowledged) => {
                if acknowledged {
                    env.observe(TraceEvent::DeadLettered {
                        member: self.id,
                        partition: copy.partition,
                        offset: copy.offset,
                        message: copy.message,
                    });
                }
                self.application.dead_lettered(copy, acknowledged);
            }
            Action::End => self.end(env),
        }
    }

    fn end_commit(&mut self, env: &mut Env<'_>, commit: CommitId, result: Result<(), Failure>) {
        let member = self.id;
        let outcome = match result {
            Ok(()) => CommitOutcome::Ok,
            Err(Failure::Lost) => {
                env.observe(TraceEvent::CommitUnknown { member });
                CommitOutcome::Unknown
            }
            Err(Failure::Refused(error)) => {
                env.observe(TraceEvent::CommitRefused { member, error });
                CommitOutcome::Failed
            }
        };
        self.application.commit_finished(commit, outcome);
    }

    fn ask(&mut self, env: &mut Env<'_>, ask: Ask<Continuation>) {
        let channel = channel_of(&ask.request);
        let correlation = self.requests.add(env.now(), ask.to, ask.timeout, ask.then);
        env.request(self.node, ask.to, channel, correlation, ask.request);
    }

    pub(super) fn send(
        &mut self,
        env: &mut Env<'_>,
        to: Node,
        timeout: Duration,
        then: Continuation,
        request: Request,
    ) {
        self.ask(
            env,
            Ask {
                to,
                timeout,
                request,
                then,
            },
        );
    }

    pub(super) fn say(&mut self, env: &mut Env<'_>, to: Node, request: Request) {
        let (channel, correlation) = (channel_of(&request), self.requests.number());
        env.request(self.node, to, channel, correlation, request);
    }

    pub(super) fn find_coordinator(&mut self, env: &mut Env<'_>) {
        self.view.coordinator.find(env.now());
        self.carry_out(env);
    }

    pub(super) fn coordinator_lost(&mut self, env: &mut Env<'_>) {
        self.view.coordinator.lose(env.now());
        self.carry_out(env);
    }

    pub(super) fn refresh_metadata(&mut self, env: &mut Env<'_>) {
        self.view.refresh_metadata(env.now());
        self.carry_out(env);
    }
}
