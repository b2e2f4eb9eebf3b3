//! A member of a group: the parts of a client put together, over whatever carries its requests.

mod application;

use crate::{
    Action, Ask, Commits, Connections, Continuation, Coordinator, DeadLetterCopy, DeadLetters,
    Failure, Fetcher, Group, Metadata, Requests, Settings, Speaker, Start, View, channel_of, read,
};
use plimsoll_core::{Event, Instant};
use plimsoll_protocol::{
    Channel, Channels, Correlation, ErrorName, FetchRequest, FetchResponse, Node, PartitionIndex,
    Request, Response, Topology,
};
use std::time::Duration;

/// What carries a member's requests, and takes its news.
pub trait World<S: Speaker> {
    /// Returns the time.
    fn now(&self) -> Instant;

    /// Sends a request to a broker, whose answer comes to [`Member::handle_response`].
    fn send(&mut self, to: (Node, Channel), correlation: Correlation, request: Request<S::Dialect>);

    /// Closes connections with a broker. The news of it comes to [`Member::handle_disconnected`],
    /// later.
    fn close(&mut self, peer: Node, channels: Channels);

    /// Takes news for the application.
    fn tell(&mut self, event: Event<S::Payload>);
}

/// What a member knows of its cluster before it has asked.
#[derive(Debug)]
pub struct Cluster {
    /// The partitions that there are or can be.
    pub topology: Topology,
    /// The greatest number of brokers.
    pub brokers: u16,
    /// The broker to ask first.
    pub first: Node,
    /// The interval at which metadata is renewed.
    pub metadata_refresh: Duration,
}

/// The end of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// A departure from its group, as it was told.
    Left,
    /// A refusal after which it cannot go on: the broker's last one, where there was one.
    Refused(Option<ErrorName>),
}

/// A member of a group.
#[derive(Debug)]
pub struct Member<S: Speaker> {
    settings: Settings,
    requests: Requests<Continuation>,
    view: View<S>,
    group: Group<S>,
    start: Start<S>,
    fetcher: Fetcher<S>,
    commits: Commits<S>,
    dead_letters: DeadLetters<S>,
    /// The last refusal of what a member asks its coordinator.
    refusal: Option<ErrorName>,
    is_closing: bool,
    end: Option<End>,
}

impl<S: Speaker> Member<S> {
    /// Creates a member that has not begun.
    pub fn new(now: Instant, settings: Settings, speaker: S, cluster: Cluster) -> Self {
        let sharing = settings.behaviour.sharing;
        let (brokers, partitions) = (usize::from(cluster.brokers), cluster.topology.len());
        Self {
            settings,
            requests: Requests::new(sharing, 0),
            view: View {
                speaker,
                topology: cluster.topology,
                connections: Connections::new(sharing, brokers),
                metadata: Metadata::new(
                    now,
                    (cluster.brokers, cluster.first),
                    partitions,
                    cluster.metadata_refresh,
                    settings.retry_backoff,
                ),
                coordinator: Coordinator::new(settings.group, settings.request_timeout),
            },
            group: Group::new(settings),
            start: Start::new(settings),
            fetcher: Fetcher::new(settings, brokers, partitions),
            commits: Commits::new(settings),
            dead_letters: DeadLetters::new(settings.request_timeout),
            refusal: None,
            is_closing: false,
            end: None,
        }
    }

    /// Returns what it knows of its cluster.
    pub fn view(&self) -> &View<S> {
        &self.view
    }

    /// Returns the last refusal of what it asked its coordinator.
    pub fn refusal(&self) -> Option<ErrorName> {
        self.refusal
    }

    /// Returns how it ended; `None`: it goes on.
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// Returns the earliest deadline.
    pub fn poll_timeout(&self) -> Instant {
        self.requests
            .poll_timeout()
            .min(self.view.metadata.poll_timeout())
            .min(self.view.coordinator.poll_timeout())
            .min(self.group.poll_timeout(&self.view))
            .min(self.start.poll_timeout(&self.view))
            .min(self.fetcher.poll_timeout())
            .min(self.commits.poll_timeout(&self.view))
    }

    /// Returns whether what was fetched last of a partition could not be read.
    pub fn is_failing(&self, partition: PartitionIndex) -> bool {
        self.fetcher.is_failing(partition)
    }

    /// Returns whether there is something that [`poll_event`](Self::poll_event) tells.
    pub fn has_event(&self) -> bool {
        let rebalance = self.group.rebalance();
        rebalance.has_callback() || !rebalance.is_under_way() && self.fetcher.has_records()
    }
}

/// What arrives.
impl<S: Speaker> Member<S> {
    /// Begins with what librdkafka calls bootstrap: metadata, then the coordinator, then the group.
    pub fn start(&mut self, world: &mut impl World<S>) {
        self.view.handle_metadata_timeout(world.now());
        self.carry_out(world);
    }

    /// Handles a response.
    pub fn handle_response(
        &mut self,
        world: &mut impl World<S>,
        (from, channel): (Node, Channel),
        correlation: Correlation,
        response: Response<S::Dialect>,
    ) {
        if let Some(then) = self.requests.take_answered(correlation) {
            self.view.connections.handle_answer(from, channel);
            self.go_on(world, from, then, Ok(response));
        }
    }

    /// Handles the loss of connections with a broker, and of what was in flight on them.
    pub fn handle_disconnected(
        &mut self,
        world: &mut impl World<S>,
        peer: Node,
        channels: Channels,
    ) {
        let now = world.now();
        self.view.connections.handle_broken(now, peer, channels);
        let before = self.requests.next_correlation();
        let was_coordinator = self.settings.behaviour.forgets_coordinator
            && channels.contains(Channel::Coordinator)
            && self.view.coordinator.node() == Some(peer);
        if was_coordinator {
            self.view.coordinator.forget();
        }
        while let Some((then, failure)) = self.requests.take_lost(peer, channels, before) {
            self.go_on(world, peer, then, Err(failure));
        }
        if was_coordinator {
            self.view.coordinator.find(now);
            self.carry_out(world);
        }
    }

    /// Does what is due: some deadline may have passed.
    pub fn handle_timeout(&mut self, world: &mut impl World<S>) {
        let now = world.now();
        while let Some((peer, connection)) = self.requests.poll_overdue(now) {
            world.close(peer, connection);
        }
        if self.view.metadata.poll_timeout() <= now {
            self.view.handle_metadata_timeout(now);
            self.carry_out(world);
        }
        if self.view.coordinator.poll_timeout() <= now {
            self.view.coordinator.find(now);
            self.carry_out(world);
        }
        if self.group.poll_timeout(&self.view) <= now {
            self.group.handle_timeout(now, &self.view);
            self.carry_out(world);
        }
        if self.start.poll_timeout(&self.view) <= now {
            self.start.advance(now, &self.view);
            self.carry_out(world);
        }
        if self.fetcher.poll_timeout() <= now {
            self.fetcher.fetch_all(now, &self.view);
            self.carry_out(world);
        }
        if self.commits.poll_timeout(&self.view) <= now {
            self.advance_commits(now);
            self.carry_out(world);
        }
    }

    /// Goes on with a request that was answered, or lost.
    fn go_on(
        &mut self,
        world: &mut impl World<S>,
        from: Node,
        then: Continuation,
        result: Result<Response<S::Dialect>, Failure>,
    ) {
        let (now, view) = (world.now(), &self.view);
        match then {
            Continuation::Fetch => match read::<_, Box<FetchResponse<S::Dialect>>>(result) {
                Ok(mut response) => self.fetcher.handle_fetched(now, view, from, &mut response),
                Err(Failure::Refused(error)) => {
                    self.fetcher.handle_refused(now, view, from, error);
                }
                Err(Failure::Lost | Failure::TimedOut) => {
                    self.fetcher.handle_failed(now, view, from);
                }
            },
            Continuation::Metadata => {
                if self.view.metadata.handle_answer(now, read(result)) {
                    self.handle_metadata(world);
                } else if self.view.metadata.topics_are_gone() {
                    self.group.handle_topics_gone(now, &self.view);
                }
            }
            Continuation::FindCoordinator => {
                if self.view.handle_coordinator(now, read(result)) {
                    self.handle_coordinator(world);
                }
            }
            Continuation::Connection => {
                let coordinator = &mut self.view.coordinator;
                if coordinator.handle_connection(now, from, read(result)) {
                    self.handle_coordinator(world);
                }
            }
            Continuation::JoinGroup(attempt) => {
                let answer = noted(&mut self.refusal, read(result));
                self.group.handle_join(now, view, attempt, answer);
            }
            Continuation::SyncGroup(attempt) => {
                let answer = noted(&mut self.refusal, read(result));
                self.group.handle_sync(now, view, attempt, answer);
            }
            Continuation::Heartbeat(attempt) => {
                let answer = noted(&mut self.refusal, read(result));
                self.group.handle_heartbeat(now, view, attempt, answer);
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
        self.carry_out(world);
    }

    fn handle_metadata(&mut self, world: &mut impl World<S>) {
        let now = world.now();
        let View {
            metadata,
            connections,
            ..
        } = &mut self.view;
        while let Some(broker) = metadata.poll_gone(connections) {
            world.close(broker, Channels::ALL);
        }
        self.view.coordinator.find(now);
        self.carry_out(world);
        self.start.advance(now, &self.view);
        self.carry_out(world);
        self.fetcher.handle_metadata(now, &self.view);
        self.carry_out(world);
        self.group.handle_metadata(now, &self.view);
    }

    fn handle_coordinator(&mut self, world: &mut impl World<S>) {
        let now = world.now();
        self.group.handle_coordinator(now, &self.view);
        self.carry_out(world);
        self.start.advance(now, &self.view);
        self.advance_commits(now);
    }

    fn advance_commits(&mut self, now: Instant) {
        let stamp = self.group.stamp();
        self.commits.advance(now, &self.view, stamp);
    }
}

/// Notes a refusal of the coordinator's.
fn noted<T>(refusal: &mut Option<ErrorName>, answer: Result<T, Failure>) -> Result<T, Failure> {
    if let Err(Failure::Refused(error)) = &answer {
        *refusal = Some(*error);
    }
    answer
}

/// What the parts want.
impl<S: Speaker> Member<S> {
    /// Does what the parts want. A part of which others want something comes before them: what an
    /// action leads to is done before the next action.
    fn carry_out(&mut self, world: &mut impl World<S>) {
        while let Some(action) = self.poll_action() {
            self.perform(world, action);
        }
    }

    fn poll_action(&mut self) -> Option<Action<S>> {
        if let Some(to) = self.view.metadata.poll_action() {
            return Some(Action::Ask(Ask {
                to,
                timeout: self.settings.request_timeout,
                request: Request::Metadata,
                then: Continuation::Metadata,
            }));
        }
        let action = self.fetcher.poll_action();
        let action = action.or_else(|| self.view.coordinator.poll_action());
        let action = action.or_else(|| self.start.poll_action());
        let action = action.or_else(|| self.group.poll_action());
        let action = action.or_else(|| self.commits.poll_action());
        action.or_else(|| self.dead_letters.poll_action())
    }

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
            Action::Poll(broker) => {
                let request = Box::<FetchRequest>::default();
                let ask = self.fetcher.poll_request(broker, request);
                self.ask(world, ask);
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
            Action::Tell(event) => world.tell(event),
            Action::OutOfRange(..) | Action::CommitSent => {}
            Action::CommitFailed(failure) => {
                if let Failure::Refused(error) = failure {
                    self.refusal = Some(error);
                }
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
            Action::EndDeadLetter(copy, answer) => world.tell(end_of_letter(&copy, answer)),
            Action::End => {
                self.requests.forget_all();
                self.end = Some(match self.is_closing {
                    true => End::Left,
                    false => End::Refused(self.refusal),
                });
            }
        }
    }

    fn ask(&mut self, world: &mut impl World<S>, ask: Ask<S::Dialect, Continuation>) {
        let to = (ask.to, channel_of(&ask.request));
        let correlation = self.requests.add(world.now(), to, ask.timeout, ask.then);
        world.send(to, correlation, ask.request);
    }

    /// Goes on after a change of the assignment, or leaves, unless a commit is outstanding:
    /// librdkafka waits for it (`rd_kafka_assignment_serve`, `rd_kafka_cgrp_try_terminate`).
    fn settle(&mut self, now: Instant) {
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
