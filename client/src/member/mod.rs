//! A member of a group: the parts of a client put together, over whatever carries its requests.

mod application;
mod perform;
mod world;

pub use world::{Observation, World};

use crate::{
    AnswerOf, Commits, Connections, Continuation, Coordinator, DeadLetters, Failure, Fetcher,
    Group, Metadata, Renewal, Requests, Seams, Settings, Speaker, Start, View, read,
};
use plimsoll_core::Instant;
use plimsoll_protocol::{
    Channel, Channels, Correlation, ErrorName, FetchResponse, Node, Response, Topology,
};
use std::time::Duration;

/// A member's knowledge of its cluster before it has asked.
#[derive(Debug)]
pub struct Cluster {
    /// The partitions that there are or can be.
    pub topology: Topology,
    /// The greatest number of brokers.
    pub brokers: u16,
    /// The broker to ask first.
    pub first: Node,
    /// The moment of the first request.
    pub first_at: Instant,
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

/// A member of a group, and what stands `At` its seams: nothing, unless that is named.
#[derive(Debug)]
pub struct Member<S: Speaker, At = ()> {
    settings: Settings,
    requests: Requests<Continuation>,
    view: View<S>,
    group: Group<S>,
    start: Start<S>,
    fetcher: Fetcher<S>,
    commits: Commits<S>,
    dead_letters: DeadLetters<S>,
    seams: At,
    /// The last refusal of what a member asks its coordinator.
    refusal: Option<ErrorName>,
    is_closing: bool,
    end: Option<End>,
}

impl<S: Speaker> Member<S> {
    /// Creates a member that has not begun.
    pub fn new(now: Instant, settings: Settings, speaker: S, cluster: Cluster) -> Self {
        Self::with_seams(now, settings, speaker, cluster, (), 0)
    }
}

impl<S: Speaker, At: Seams<S>> Member<S, At> {
    /// Creates a member that has not begun, with what stands at its seams. Its requests are
    /// numbered from `first_correlation` on.
    pub fn with_seams(
        now: Instant,
        settings: Settings,
        speaker: S,
        cluster: Cluster,
        seams: At,
        first_correlation: u32,
    ) -> Self {
        let sharing = settings.behaviour.sharing;
        let (brokers, partitions) = (usize::from(cluster.brokers), cluster.topology.len());
        let interval = cluster.metadata_refresh;
        let renewal = match settings.behaviour.renews_in_beat {
            true => Renewal::Beat {
                interval,
                next: now + interval,
            },
            false => Renewal::After(interval),
        };
        Self {
            settings,
            requests: Requests::new(sharing, first_correlation),
            view: View {
                speaker,
                topology: cluster.topology,
                connections: Connections::new(&settings.behaviour, brokers),
                metadata: Metadata::new(
                    cluster.first_at,
                    (cluster.brokers, cluster.first),
                    partitions,
                    renewal,
                    settings.retry_backoff,
                ),
                coordinator: Coordinator::new(settings.group, settings.request_timeout),
            },
            group: Group::new(settings),
            start: Start::new(settings),
            fetcher: Fetcher::new(settings, brokers, partitions),
            commits: Commits::new(settings),
            dead_letters: DeadLetters::new(settings.request_timeout),
            seams,
            refusal: None,
            is_closing: false,
            end: None,
        }
    }

    /// Returns what it knows of its cluster.
    pub fn view(&self) -> &View<S> {
        &self.view
    }

    /// Returns what it fetches.
    pub fn fetcher(&self) -> &Fetcher<S> {
        &self.fetcher
    }

    /// Returns the last refusal of what it asked its coordinator.
    pub fn refusal(&self) -> Option<ErrorName> {
        self.refusal
    }

    /// Returns how it ended; `None`: it goes on.
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// Returns the number that its next request would have.
    pub fn next_correlation(&self) -> u32 {
        self.requests.next_correlation()
    }

    /// Returns the earliest deadline.
    #[inline]
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
}

/// What arrives.
impl<S: Speaker, At: Seams<S>> Member<S, At> {
    /// Begins with what librdkafka calls bootstrap: metadata, then the coordinator, then the group.
    pub fn start(&mut self, world: &mut impl World<S>) {
        self.view.handle_metadata_timeout(world.now());
        self.carry_out(world);
    }

    /// Handles a response. Returns whether it was still awaited.
    pub fn handle_response(
        &mut self,
        world: &mut impl World<S>,
        (from, channel): (Node, Channel),
        correlation: Correlation,
        response: Response<S::Dialect>,
    ) -> bool {
        let Some(then) = self.requests.take_answered(correlation) else {
            if let Response::Fetch(response) = response {
                world.recycle(response);
            }
            return false;
        };
        self.view.connections.handle_answer(from, channel);
        self.go_on(world, from, then, Ok(response));
        true
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

    /// Handles that the application has not polled for longer than it may.
    pub fn handle_missed_poll(&mut self, world: &mut impl World<S>) {
        self.group.handle_missed_poll(world.now(), &self.view);
        self.carry_out(world);
    }

    /// Goes on with a request that was answered, or lost.
    fn go_on(
        &mut self,
        world: &mut impl World<S>,
        from: Node,
        then: Continuation,
        mut result: AnswerOf<S>,
    ) {
        if matches!(then, Continuation::Fetch) {
            self.view.connections.handle_fetched(from);
        }
        let answer = &mut result;
        if !self.passes(world, |at, parts| at.answer(parts, from, then, answer)) {
            return self.carry_out(world);
        }
        let (now, view) = (world.now(), &self.view);
        match then {
            Continuation::Fetch => self.handle_poll(world, from, read(result)),
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
            Continuation::Proof(partition, version, leader_epoch) => {
                let of = (partition, version, leader_epoch);
                self.fetcher.handle_proof(now, view, of, read(result));
            }
            Continuation::OffsetCommit(commit) => {
                self.commits.handle_answer(now, view, commit, read(result));
            }
            Continuation::DeadLetter(copy) => self.dead_letters.handle_answer(copy, read(result)),
        }
        self.carry_out(world);
    }

    /// Goes on with what became of the poll of a broker.
    fn handle_poll(
        &mut self,
        world: &mut impl World<S>,
        from: Node,
        answer: Result<Box<FetchResponse<S::Dialect>>, Failure>,
    ) {
        let (now, view) = (world.now(), &self.view);
        match answer {
            Ok(mut response) => {
                self.fetcher.handle_fetched(now, view, from, &mut response);
                world.recycle(response);
            }
            Err(Failure::Refused(error)) => self.fetcher.handle_refused(now, view, from, error),
            Err(Failure::Lost | Failure::TimedOut) => self.fetcher.handle_failed(now, view, from),
        }
    }

    /// Goes on with metadata that is news.
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

    /// Goes on with a coordinator that was found, or can be reached.
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
