//! A process of a member: what arrives there, and which part of the client it concerns.

use super::application::Application;
use super::connection::{Failure, Requests};
use super::coordinator::Coordinator;
use super::dead_letters::DeadLetterCopy;
use super::fetcher::Fetcher;
use super::group::Group;
use super::metadata::Metadata;
use super::start::Starting;
use crate::env::Env;
use crate::protocol::{Channel, Correlation, JoinError, LogEnds, Node, Request, Response};
use crate::recipes::SubjectSpec;
use crate::sink::HandlerCall;
use crate::topology::{PartitionIndex, Topology};
use plimsoll_core::{CommitId, Instant, Outcome, TopicPartition};
use plimsoll_oracle::{ErrorName, MemberId, TraceEvent};
use plimsoll_scenarios::scenario::Consumers;

/// A process of a member.
pub struct Process {
    pub(super) id: MemberId,
    pub(super) requests: Requests<Continuation>,
    pub(super) metadata: Metadata,
    pub(super) coordinator: Coordinator,
    pub(super) group: Group,
    /// Partitions that were assigned, and whose positions are not known yet.
    pub(super) starting: Option<Starting>,
    pub(super) fetcher: Fetcher,
    pub(super) application: Application,
    topology: Topology,
    ended: bool,
}

/// What a request is for: the point at which the client goes on when it is answered, or lost.
#[derive(Clone, Copy, Debug)]
pub enum Continuation {
    Metadata,
    FindCoordinator,
    /// This one and the next two carry the attempt at membership to which they belong.
    JoinGroup(u32),
    SyncGroup(u32),
    Heartbeat(u32),
    LeaveGroup,
    OffsetCommit(CommitId),
    /// This one and the next carry the number of the assignment to which they belong.
    OffsetFetch(u32),
    StartOffsets(u32, PartitionIndex),
    /// The ends of a partition whose position was out of range, with the fetch's version.
    ResetOffsets(PartitionIndex, u32),
    Fetch,
    DeadLetter(DeadLetterCopy),
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
        let (refresh, backoff) = (settings.metadata_refresh, settings.retry_backoff);
        Self {
            id,
            requests: Requests::new(env, node, first_correlation),
            metadata: Metadata::new(env, node, refresh, backoff),
            coordinator: Coordinator::new(),
            group: Group::new(),
            starting: None,
            fetcher: Fetcher::new(env),
            application: Application::new(env, id, spec, starts),
            topology: env.topology.clone(),
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
        let index = self.topology.index(partition);
        index.is_some_and(|index| self.fetcher.is_assigned(index))
    }

    /// Returns the number of partitions that it fetches now.
    pub fn owned(&self) -> usize {
        self.fetcher.assigned().len()
    }

    /// Returns the earliest deadline.
    #[inline]
    pub fn next_timeout(&self) -> Instant {
        let starting = self.starting.as_ref();
        self.requests
            .next_deadline()
            .min(self.metadata.due())
            .min(self.coordinator.due())
            .min(self.group_due())
            .min(starting.map_or(Instant::FAR_FUTURE, |starting| starting.retry_at))
            .min(self.fetcher.retry_at())
            .min(self.application.next_timeout())
    }

    /// Begins with what librdkafka calls bootstrap: metadata, then the coordinator, then the group.
    pub fn start(&mut self, env: &mut Env<'_>) {
        self.fetch_metadata(env);
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
            Some(purpose) => {
                self.answered(env, from, purpose, Ok(response));
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
        self.requests.connection_broke(peer, env.now());
        let before = self.requests.next_correlation();
        let was_coordinator = self.coordinator.node() == Some(peer);
        if was_coordinator {
            self.coordinator.forget();
        }
        while let Some(purpose) = self.requests.take_lost(peer, before) {
            self.answered(env, peer, purpose, Err(Failure::Lost));
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
        self.requests.cut_overdue(env);
        if self.metadata.due() <= now {
            self.fetch_metadata(env);
        }
        if self.coordinator.due() <= now {
            self.find_coordinator(env);
        }
        self.group_timeout(env);
        if self
            .starting
            .as_ref()
            .is_some_and(|starting| starting.retry_at <= now)
        {
            self.advance_start(env);
        }
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

    /// Goes on with a request that was answered, or came to nothing.
    fn answered(
        &mut self,
        env: &mut Env<'_>,
        from: Node,
        purpose: Continuation,
        result: Result<Response, Failure>,
    ) {
        use Response as R;
        let result = match result {
            Ok(R::Failed(error)) => Err(Failure::Refused(error)),
            other => other,
        };
        match (purpose, result) {
            (Continuation::Fetch, Ok(R::Fetch(response))) => self.fetched(env, from, response),
            (Continuation::Fetch, _) => self.fetch_failed(env, from),
            (Continuation::Heartbeat(attempt), result) => {
                let result = unpack(result, |r| match r {
                    R::Heartbeat(result) => Some(result),
                    _ => None,
                });
                self.heartbeat_answered(env, attempt, result);
            }
            (Continuation::OffsetCommit(commit), result) => {
                let result = unpack(result, |r| match r {
                    R::OffsetCommit(result) => Some(result),
                    _ => None,
                });
                self.commit_answered(env, commit, result);
            }
            (Continuation::Metadata, Ok(R::Metadata(leaders))) => {
                self.metadata.update(env.now(), &leaders);
                self.metadata_updated(env);
            }
            (Continuation::Metadata, _) => self.metadata.failed(env.now()),
            (Continuation::DeadLetter(copy), result) => {
                let result = unpack(result, |r| match r {
                    R::Produce(result) => Some(result),
                    _ => None,
                });
                self.dead_letter_answered(env, copy, result);
            }
            (purpose, result) => self.group_answered(env, purpose, result),
        }
    }

    /// Goes on with a request that is about the group, or about positions.
    fn group_answered(
        &mut self,
        env: &mut Env<'_>,
        purpose: Continuation,
        result: Result<Response, Failure>,
    ) {
        use Response as R;
        match (purpose, result) {
            (Continuation::FindCoordinator, result) => {
                let result = unpack(result, |r| match r {
                    R::FindCoordinator(result) => Some(result),
                    _ => None,
                });
                self.coordinator_answered(env, result);
            }
            (Continuation::JoinGroup(attempt), Ok(R::JoinGroup(result))) => match result {
                Ok(joined) => self.joined(env, attempt, *joined),
                Err(JoinError::MemberIdRequired(id)) => self.member_id_given(env, attempt, id),
                Err(JoinError::Other(error)) => {
                    self.join_failed(env, attempt, Failure::Refused(error));
                }
            },
            (Continuation::JoinGroup(attempt), Err(failure)) => {
                self.join_failed(env, attempt, failure)
            }
            (Continuation::SyncGroup(attempt), Ok(R::SyncGroup(Ok(partitions)))) => {
                self.synced(env, attempt, partitions);
            }
            (Continuation::SyncGroup(attempt), Ok(R::SyncGroup(Err(error)))) => {
                self.sync_failed(env, attempt, Failure::Refused(error));
            }
            (Continuation::SyncGroup(attempt), Err(failure)) => {
                self.sync_failed(env, attempt, failure)
            }
            (Continuation::LeaveGroup, Ok(R::LeaveGroup(Ok(()) | Err(_))) | Err(_)) => {
                self.left(env)
            }
            (Continuation::OffsetFetch(start), result) => {
                let result = unpack(result, |r| match r {
                    R::OffsetFetch(result) => Some(result),
                    _ => None,
                });
                self.committed_offsets_answered(env, start, result);
            }
            (Continuation::StartOffsets(start, partition), result) => {
                self.start_offsets_answered(env, start, partition, log_ends(result));
            }
            (Continuation::ResetOffsets(partition, version), result) => {
                self.reset_offsets_answered(env, partition, version, log_ends(result));
            }
            (purpose, result) => {
                debug_assert!(false, "{purpose:?} was answered by {result:?}");
            }
        }
    }
}

/// Metadata.
impl Process {
    /// Asks for metadata, if it is due.
    pub(super) fn fetch_metadata(&mut self, env: &mut Env<'_>) {
        let now = env.now();
        if self.metadata.due() > now {
            return;
        }
        let requests = &self.requests;
        self.metadata
            .avoid(|broker| requests.backs_off(broker, now).is_some());
        self.metadata.sent(now);
        let (broker, timeout) = (self.metadata.broker(), settings(env).request_timeout);
        self.requests.send(
            env,
            broker,
            Channel::Data,
            timeout,
            Continuation::Metadata,
            Request::Metadata,
        );
    }

    /// Asks for new metadata as soon as the backoff allows: something is wrong with what is known.
    pub(super) fn refresh_metadata(&mut self, env: &mut Env<'_>) {
        self.metadata.want_refresh(env.now());
        self.fetch_metadata(env);
    }

    fn metadata_updated(&mut self, env: &mut Env<'_>) {
        if self.coordinator.node().is_none() {
            self.find_coordinator(env);
        }
        self.advance_start(env);
        self.forget_dead_leaders(env);
        self.fetch_all(env);
        self.check_partition_count(env);
    }
}

fn unpack<T>(
    result: Result<Response, Failure>,
    pick: impl FnOnce(Response) -> Option<Result<T, ErrorName>>,
) -> Result<T, Failure> {
    match pick(result?) {
        Some(result) => result.map_err(Failure::Refused),
        None => {
            debug_assert!(false, "a response of another kind than the request");
            Err(Failure::Lost)
        }
    }
}

fn log_ends(result: Result<Response, Failure>) -> Result<LogEnds, Failure> {
    unpack(result, |response| match response {
        Response::ListOffsets(result) => Some(result),
        _ => None,
    })
}
