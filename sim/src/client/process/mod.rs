//! A process of a member: it takes what arrives to the part of the client that it concerns, and
//! carries out what the parts want. It alone sees the world.

mod turn;

use super::application::Application;
use super::first_broker;
use super::late::Late;
use super::speaker::LeanSpeaker;
use crate::env::Env;
use crate::protocol::{
    Correlation, FetchResponse, Lean, Node, Request, Response, SCENARIO_GROUP, Value,
};
use crate::recipes::SubjectSpec;
use crate::sink::HandlerCall;
use plimsoll_client::{
    Ask, Behaviour, Commits, Connections, Continuation, Coordinator, DeadLetters, Failure, Fetcher,
    Group, Metadata, Requests, Settings, Start, channel_of, read,
};
use plimsoll_core::{Event, Instant, Outcome, TopicPartition};
use plimsoll_oracle::{MemberId, TraceEvent};
use plimsoll_scenarios::scenario::{Consumers, Moment};
use plimsoll_scenarios::{Purpose, Rng};

type Action = plimsoll_client::Action<LeanSpeaker>;
type View = plimsoll_client::View<LeanSpeaker>;

/// A process of a member.
pub(super) struct Process {
    id: MemberId,
    node: Node,
    settings: Settings,
    requests: Requests<Continuation>,
    view: View,
    group: Group<LeanSpeaker>,
    start: Start<LeanSpeaker>,
    fetcher: Fetcher<LeanSpeaker>,
    commits: Commits<LeanSpeaker>,
    dead_letters: DeadLetters<LeanSpeaker>,
    application: Application,
    late: Late,
    /// Whether it was asked to stop.
    stopping: bool,
    ended: bool,
}

impl Process {
    /// Creates a process that has not started.
    pub(super) fn new(
        env: &Env<'_>,
        id: MemberId,
        spec: SubjectSpec,
        starts: u32,
        first_correlation: u32,
    ) -> Self {
        let (node, topology) = (env.member_node(id), env.topology.clone());
        let (brokers, partitions) = (env.brokers().count(), topology.len());
        let consumers = &env.plan.settings.consumers;
        let settings = settings(consumers, id, spec.behaviour);
        let mut config = consumers.config;
        let process = u64::from(id.0) << 32 | u64::from(starts);
        config.jitter_seed = Rng::substream(env.plan.seed, Purpose::Jitter, process).next_u64();
        Self {
            id,
            node,
            settings,
            requests: Requests::new(first_correlation),
            view: View {
                speaker: LeanSpeaker { member: id },
                topology,
                connections: Connections::new(brokers),
                metadata: Metadata::new(
                    env.now(),
                    first_broker(env.plan, node),
                    partitions,
                    consumers.metadata_refresh,
                    settings.retry_backoff,
                ),
                coordinator: Coordinator::new(settings.group, settings.request_timeout),
            },
            group: Group::new(settings),
            start: Start::new(settings),
            fetcher: Fetcher::new(settings, brokers, partitions),
            commits: Commits::new(settings),
            dead_letters: DeadLetters::new(settings.request_timeout),
            application: Application::new(
                (spec.build)(&config),
                spec.polling,
                consumers.poll_deadline,
            ),
            late: Late::new(env.plan.seed, process),
            stopping: false,
            ended: false,
        }
    }

    /// Returns whether it ended by itself.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Returns the number that the next request would have.
    pub(super) fn next_correlation(&self) -> u32 {
        self.requests.next_correlation()
    }

    /// Returns whether it fetches this partition now.
    pub(super) fn owns(&self, partition: TopicPartition) -> bool {
        let index = self.view.topology.index(partition);
        index.is_some_and(|index| self.fetcher.is_assigned(index))
    }

    /// Returns the number of partitions that it fetches now.
    pub(super) fn owned(&self) -> usize {
        self.fetcher.assigned().len()
    }

    /// Returns the earliest deadline.
    #[inline]
    pub(super) fn next_timeout(&self) -> Instant {
        self.requests
            .poll_timeout()
            .min(self.view.metadata.poll_timeout())
            .min(self.view.coordinator.poll_timeout())
            .min(self.group.poll_timeout(&self.view))
            .min(self.start.poll_timeout(&self.view))
            .min(self.fetcher.poll_timeout())
            .min(self.commits.poll_timeout(&self.view))
            .min(self.application.poll_timeout())
            .min(self.late.poll_timeout())
    }
}

/// What arrives.
impl Process {
    /// Begins with what librdkafka calls bootstrap: metadata, then the coordinator, then the group.
    pub(super) fn start(&mut self, env: &mut Env<'_>) {
        self.view.handle_metadata_timeout(env.now());
        self.carry_out(env);
    }

    /// Asks the subject to stop.
    pub(super) fn stop(&mut self, env: &mut Env<'_>) {
        self.stopping = true;
        self.application.tell(Event::Shutdown);
        self.run_application(env);
    }

    /// Handles a response.
    pub(super) fn handle_response(
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
    pub(super) fn handle_disconnected(&mut self, env: &mut Env<'_>, peer: Node) {
        let now = env.now();
        self.view.connections.handle_broken(now, peer);
        let before = self.requests.next_correlation();
        let was_coordinator = self.settings.behaviour.forgets_coordinator
            && self.view.coordinator.node() == Some(peer);
        if was_coordinator {
            self.view.coordinator.forget();
        }
        while let Some((then, failure)) = self.requests.take_lost(peer, before) {
            self.go_on(env, peer, then, Err(failure));
        }
        if was_coordinator {
            self.view.coordinator.find(now);
            self.carry_out(env);
        }
        self.run_application(env);
    }

    /// Handles the result of a handler.
    pub(super) fn handle_processed(
        &mut self,
        env: &mut Env<'_>,
        call: HandlerCall,
        outcome: Outcome,
    ) {
        let waits = self.group.rebalance().awaits_answer();
        let result = Event::Processed {
            partition: call.partition,
            epoch: call.epoch,
            offset: call.offset,
            attempt: call.attempt,
            outcome,
        };
        self.application.handle_processed(env.now(), waits, result);
        self.run_application(env);
    }

    /// Does what is due: some deadline may have passed.
    pub(super) fn handle_timeout(&mut self, env: &mut Env<'_>) {
        let now = env.now();
        while let Some(peer) = self.requests.poll_overdue(now) {
            env.close(self.node, peer);
        }
        if self.view.metadata.poll_timeout() <= now {
            self.view.handle_metadata_timeout(now);
            self.carry_out(env);
        }
        if self.view.coordinator.poll_timeout() <= now {
            self.view.coordinator.find(now);
            self.carry_out(env);
        }
        if self.group.poll_timeout(&self.view) <= now {
            self.group.handle_timeout(now, &self.view);
            self.carry_out(env);
        }
        if self.start.poll_timeout(&self.view) <= now {
            self.start.advance(now, &self.view);
            self.carry_out(env);
        }
        if self.fetcher.poll_timeout() <= now {
            self.fetcher.fetch_all(now, &self.view);
            self.carry_out(env);
        }
        if self.commits.poll_timeout(&self.view) <= now {
            self.advance_commits(now);
            self.carry_out(env);
        }
        if self.application.take_missed_poll_deadline(now) {
            self.group.handle_missed_poll(now, &self.view);
            self.carry_out(env);
        }
        self.application.handle_timeout(now);
        while let Some(result) = self.late.poll(now) {
            self.application.tell(result);
        }
        self.run_application(env);
    }

    /// Goes on with a request that was answered, or lost.
    fn go_on(
        &mut self,
        env: &mut Env<'_>,
        from: Node,
        then: Continuation,
        result: Result<Response, Failure>,
    ) {
        let (now, view) = (env.now(), &self.view);
        match then {
            Continuation::Fetch => match read::<_, Box<FetchResponse>>(result) {
                Ok(mut response) => {
                    self.fetcher.handle_fetched(now, view, from, &mut response);
                    env.cluster.recycle_response(response);
                }
                Err(Failure::Refused(error)) => {
                    self.fetcher.handle_refused(now, view, from, error);
                }
                Err(Failure::Lost | Failure::TimedOut) => {
                    self.fetcher.handle_failed(now, view, from);
                }
            },
            Continuation::Metadata => {
                if self.view.metadata.handle_answer(now, read(result)) {
                    self.metadata_updated(env);
                } else if self.view.metadata.topics_are_gone() {
                    self.group.handle_topics_gone(now, &self.view);
                }
            }
            Continuation::FindCoordinator => {
                if self.view.handle_coordinator(now, read(result)) {
                    self.coordinator_found(env);
                }
            }
            Continuation::Connection => {
                let coordinator = &mut self.view.coordinator;
                if coordinator.handle_connection(now, from, read(result)) {
                    self.coordinator_found(env);
                }
            }
            Continuation::JoinGroup(attempt) => {
                self.group.handle_join(now, view, attempt, read(result));
            }
            Continuation::SyncGroup(attempt) => {
                self.group.handle_sync(now, view, attempt, read(result));
            }
            Continuation::Heartbeat(attempt) => {
                self.group
                    .handle_heartbeat(now, view, attempt, read(result));
            }
            Continuation::LeaveGroup => self.group.handle_left(),
            Continuation::OffsetFetch(id) => {
                self.start.handle_committed(now, view, id, read(result));
            }
            Continuation::StartOffsets(id, partition) => {
                let of = (id, partition);
                self.start.handle_ends(now, view, of, read(result));
            }
            Continuation::ResetOffsets(partition, version) => {
                let of = (partition, version);
                self.fetcher.handle_range(now, view, of, read(result));
            }
            Continuation::OffsetCommit(commit) => {
                self.commits.handle_answer(now, view, commit, read(result));
            }
            Continuation::DeadLetter(copy) => self.dead_letters.handle_answer(copy, read(result)),
        }
        self.carry_out(env);
    }

    fn metadata_updated(&mut self, env: &mut Env<'_>) {
        let now = env.now();
        self.view.coordinator.find(now);
        self.carry_out(env);
        self.start.advance(now, &self.view);
        self.carry_out(env);
        self.fetcher.handle_metadata(now, &self.view);
        self.carry_out(env);
        self.group.handle_metadata(now, &self.view);
    }

    fn coordinator_found(&mut self, env: &mut Env<'_>) {
        let now = env.now();
        self.group.handle_coordinator(now, &self.view);
        self.carry_out(env);
        self.start.advance(now, &self.view);
        self.advance_commits(now);
    }

    fn advance_commits(&mut self, now: Instant) {
        let stamp = self.group.stamp();
        self.commits.advance(now, &self.view, stamp);
    }
}

/// What the parts want.
impl Process {
    /// Does what the parts want. A part of which others want something comes before them: what an
    /// action leads to is done before the next action.
    fn carry_out(&mut self, env: &mut Env<'_>) {
        while let Some(action) = self.poll_action() {
            self.perform(env, action);
        }
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
                let (channel, correlation) = (channel_of(&request), self.requests.number());
                env.request(self.node, to, channel, correlation, request);
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
            Action::EndDeadLetter(copy, acknowledged) => {
                self.end_dead_letter(env, copy, acknowledged);
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
    fn ask(&mut self, env: &mut Env<'_>, ask: Ask<Lean, Continuation>) {
        let kind = || ask.request.kind().map(Moment::Sent);
        env.moments.note(self.id, kind);
        let channel = channel_of(&ask.request);
        let correlation = self.requests.add(env.now(), ask.to, ask.timeout, ask.then);
        env.request(self.node, ask.to, channel, correlation, ask.request);
    }

    fn observe_failed_commit(&self, env: &mut Env<'_>, failure: Failure) {
        let member = self.id;
        env.observe(match failure {
            Failure::Lost | Failure::TimedOut => TraceEvent::CommitUnknown { member },
            Failure::Refused(error) => TraceEvent::CommitRefused { member, error },
        });
    }

    /// Goes on after a change of the assignment, unless a commit is outstanding: librdkafka waits
    /// for it (`rd_kafka_assignment_serve`).
    fn settle(&mut self, now: Instant) {
        if self.commits.is_settled() {
            self.fetcher.start_held_back(now, &self.view);
            self.group.handle_settled(now, &self.view);
        }
    }
}

/// Returns the settings of a member's client. Its fetches are limited by numbers of records.
fn settings(consumers: &Consumers, id: MemberId, behaviour: Behaviour) -> Settings {
    Settings {
        behaviour,
        group: SCENARIO_GROUP,
        instance: consumers.instance(id.0),
        assignor: consumers.assignor,
        session_timeout: consumers.session_timeout,
        heartbeat: consumers.heartbeat,
        poll_deadline: consumers.poll_deadline,
        request_timeout: consumers.request_timeout,
        retry_backoff: consumers.retry_backoff,
        prefetch: consumers.prefetch,
        fetch_wait_max: consumers.fetch_wait_max,
        partition_fetch_bytes: consumers.prefetch.saturating_mul(Value::SIZE),
    }
}
