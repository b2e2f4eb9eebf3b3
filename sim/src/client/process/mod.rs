//! A process of a member: it takes what arrives to the part of the client that it concerns, and
//! carries out what the parts want. It alone sees the world.

mod perform;
mod turn;

use super::application::Application;
use super::first_broker;
use super::late::Late;
use super::speaker::LeanSpeaker;
use crate::env::Env;
use crate::program::Program;
use crate::protocol::{
    Channel, Channels, Correlation, FetchResponse, Node, Response, SCENARIO_GROUP, Value,
};
use crate::recipes::SubjectSpec;
use crate::sink::HandlerCall;
use plimsoll_client::{
    Behaviour, Commits, Connections, Continuation, Coordinator, DeadLetters, Failure, Fetcher,
    Group, Metadata, Requests, Seams, Settings, Start, read,
};
use plimsoll_core::{Event, Instant, Outcome, TopicPartition};
use plimsoll_oracle::MemberId;
use plimsoll_scenarios::scenario::Consumers;
use plimsoll_scenarios::{Purpose, Rng};
use std::time::Duration;

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
    /// What stands at the seams of its client.
    seams: Option<Box<dyn Seams<LeanSpeaker>>>,
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
        let sharing = spec.behaviour.sharing;
        let consumers = &env.plan.settings.consumers;
        let settings = settings(consumers, id, spec.behaviour);
        let mut config = consumers.config;
        let process = u64::from(id.0) << 32 | u64::from(starts);
        config.jitter_seed = Rng::substream(env.plan.seed, Purpose::Jitter, process).next_u64();
        let (machine, own_handlers) = match env.programs {
            None => ((spec.build)(&config), None),
            Some(programs) => {
                let Program { machine, handlers } = programs.start(id, &config);
                (machine, Some(handlers))
            }
        };
        Self {
            id,
            node,
            settings,
            requests: Requests::new(sharing, first_correlation),
            view: View {
                speaker: LeanSpeaker { member: id },
                topology,
                connections: Connections::new(sharing, brokers),
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
                machine,
                own_handlers,
                spec.polling,
                consumers.poll_deadline,
            ),
            late: Late::new(env.plan.seed, process),
            seams: spec.seams.map(|stand| stand()),
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
        (from, channel): (Node, Channel),
        correlation: Correlation,
        response: Response,
    ) {
        match self.requests.take_answered(correlation) {
            Some(then) => {
                self.view.connections.handle_answer(from, channel);
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

    /// Handles the loss of connections with a broker, and of what was in flight on them.
    pub(super) fn handle_disconnected(
        &mut self,
        env: &mut Env<'_>,
        peer: Node,
        channels: Channels,
    ) {
        let now = env.now();
        self.view.connections.handle_broken(now, peer, channels);
        let before = self.requests.next_correlation();
        let was_coordinator = self.settings.behaviour.forgets_coordinator
            && channels.contains(Channel::Coordinator)
            && self.view.coordinator.node() == Some(peer);
        if was_coordinator {
            self.view.coordinator.forget();
        }
        while let Some((then, failure)) = self.requests.take_lost(peer, channels, before) {
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
        while let Some((peer, connection)) = self.requests.poll_overdue(now) {
            env.close(self.node, peer, connection);
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
        mut result: Result<Response, Failure>,
    ) {
        let answer = &mut result;
        if !self.passes(env, |seams, parts| seams.answer(parts, from, then, answer)) {
            return self.carry_out(env);
        }
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
            Continuation::StartOffsets(id, partition, log_start) => {
                let of = (id, partition, log_start);
                self.start.handle_end(now, view, of, read(result));
            }
            Continuation::ResetOffsets(partition, version, log_start) => {
                let of = (partition, version, log_start);
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
        let View {
            metadata,
            connections,
            ..
        } = &mut self.view;
        while let Some(broker) = metadata.poll_gone(connections) {
            env.close(self.node, broker, Channels::ALL);
        }
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

/// Returns the settings of a member's client. Its fetches are limited by numbers of records.
fn settings(consumers: &Consumers, id: MemberId, behaviour: Behaviour) -> Settings {
    let longest_wait = behaviour.longest_fetch_wait.unwrap_or(Duration::MAX);
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
        prefetch_bytes: u64::MAX,
        fetch_wait_max: consumers.fetch_wait_max.min(longest_wait),
        partition_fetch_bytes: consumers.prefetch.saturating_mul(Value::SIZE),
    }
}
