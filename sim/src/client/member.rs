//! A member of the group: one process with its client and its subject.

use super::process::Process;
use crate::env::Env;
use crate::protocol::{Channel, Correlation, Node, Response};
use crate::recipes::SubjectSpec;
use crate::sink::HandlerCall;
use plimsoll_core::{Instant, Outcome, TopicPartition};
use plimsoll_oracle::MemberId;

/// A member of the group: one process with its client and its subject.
pub(crate) struct Member {
    id: MemberId,
    spec: SubjectSpec,
    process: Option<Box<Process>>,
    /// The first number of the next process's requests.
    next_correlation: u32,
    /// Number of processes so far.
    starts: u32,
}

impl Member {
    /// Creates a member that does not run.
    pub(crate) fn new(_env: &Env<'_>, id: MemberId, spec: SubjectSpec) -> Self {
        Self {
            id,
            spec,
            process: None,
            next_correlation: 0,
            starts: 0,
        }
    }

    /// Returns whether its process runs (it may be paused).
    pub(crate) fn is_running(&self) -> bool {
        self.process.is_some()
    }

    /// Returns whether it fetches this partition now.
    pub(crate) fn owns(&self, partition: TopicPartition) -> bool {
        self.process.as_ref().is_some_and(|p| p.owns(partition))
    }

    /// Returns the number of partitions that it fetches now.
    pub(crate) fn owned(&self) -> usize {
        self.process.as_ref().map_or(0, |p| p.owned())
    }

    /// Returns the earliest deadline.
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        let at = self.process.as_ref()?.next_timeout();
        (at < Instant::FAR_FUTURE).then_some(at)
    }

    /// Starts a process, for the first time or again, with no memory of earlier ones.
    pub(crate) fn start(&mut self, env: &mut Env<'_>) {
        let first = self.next_correlation;
        let mut process = Box::new(Process::new(env, self.id, self.spec, self.starts, first));
        self.starts += 1;
        process.start(env);
        self.process = Some(process);
    }

    /// Asks the process to stop (SIGTERM); later it ends by itself, and says so in the trace.
    pub(crate) fn stop(&mut self, env: &mut Env<'_>) {
        self.with_process(|process| process.stop(env));
    }

    /// Kills the process at once.
    pub(crate) fn crash(&mut self) {
        self.end();
    }

    /// Handles a response.
    pub(crate) fn handle_response(
        &mut self,
        env: &mut Env<'_>,
        from: Node,
        _channel: Channel,
        correlation: Correlation,
        response: Response,
    ) {
        self.with_process(|process| process.handle_response(env, from, correlation, response));
    }

    /// Handles the loss of the connections with a broker.
    pub(crate) fn handle_disconnected(&mut self, env: &mut Env<'_>, peer: Node) {
        self.with_process(|process| process.handle_disconnected(env, peer));
    }

    /// Handles the result of a handler.
    pub(crate) fn handle_processed(
        &mut self,
        env: &mut Env<'_>,
        call: HandlerCall,
        outcome: Outcome,
    ) {
        self.with_process(|process| process.handle_processed(env, call, outcome));
    }

    /// Does what is due, at the moment of `next_timeout` or an earlier one.
    pub(crate) fn handle_timeout(&mut self, env: &mut Env<'_>) {
        self.with_process(|process| process.handle_timeout(env));
    }

    #[inline]
    fn with_process(&mut self, handle: impl FnOnce(&mut Process)) {
        if let Some(process) = &mut self.process {
            handle(process);
            if process.has_ended() {
                self.end();
            }
        }
    }

    fn end(&mut self) {
        if let Some(process) = self.process.take() {
            self.next_correlation = process.next_correlation();
        }
    }
}
