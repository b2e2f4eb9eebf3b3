//! A member of the group: one process with its client and its subject.

use super::process::Process;
use crate::env::Env;
use crate::protocol::{Channel, Correlation, Node, Response};
use crate::recipes::SubjectSpec;
use crate::sink::HandlerCall;
use plimsoll_core::{Instant, Outcome, TopicPartition};
use plimsoll_oracle::MemberId;

/// A member of the group: one process with its client and its subject.
pub struct Member {
    id: MemberId,
    spec: SubjectSpec,
    process: Option<Box<Process>>,
    /// The first number of the next process's requests.
    next_correlation: u32,
    /// How many processes there were.
    starts: u32,
}

impl Member {
    /// A member whose process does not run.
    pub fn new(_env: &Env<'_>, id: MemberId, spec: SubjectSpec) -> Self {
        Self {
            id,
            spec,
            process: None,
            next_correlation: 0,
            starts: 0,
        }
    }

    /// Whether its process runs (it may be paused).
    pub fn is_running(&self) -> bool {
        self.process.is_some()
    }

    /// Whether it fetches this partition now.
    pub fn owns(&self, partition: TopicPartition) -> bool {
        self.process.as_ref().is_some_and(|p| p.owns(partition))
    }

    /// How many partitions it fetches now.
    pub fn owned(&self) -> usize {
        self.process.as_ref().map_or(0, |p| p.owned())
    }

    /// The earliest deadline.
    pub fn next_timeout(&self) -> Option<Instant> {
        let at = self.process.as_ref()?.next_timeout();
        (at < Instant::FAR_FUTURE).then_some(at)
    }

    /// The process starts, for the first time or again, with no memory of earlier ones.
    pub fn start(&mut self, env: &mut Env<'_>) {
        let first = self.next_correlation;
        let mut process = Box::new(Process::new(env, self.id, self.spec, self.starts, first));
        self.starts += 1;
        process.start(env);
        self.process = Some(process);
    }

    /// The process is asked to stop (SIGTERM); later it ends by itself, and says so in the trace.
    pub fn stop(&mut self, env: &mut Env<'_>) {
        self.with_process(|process| process.stop(env));
    }

    /// The process dies at once.
    pub fn crash(&mut self) {
        self.end();
    }

    /// A response arrived.
    pub fn handle_response(
        &mut self,
        env: &mut Env<'_>,
        from: Node,
        _channel: Channel,
        correlation: Correlation,
        response: Response,
    ) {
        self.with_process(|process| process.handle_response(env, from, correlation, response));
    }

    /// The connections with a broker are gone.
    pub fn handle_disconnected(&mut self, env: &mut Env<'_>, peer: Node) {
        self.with_process(|process| process.handle_disconnected(env, peer));
    }

    /// A handler came back.
    pub fn handle_processed(&mut self, env: &mut Env<'_>, call: HandlerCall, outcome: Outcome) {
        self.with_process(|process| process.handle_processed(env, call, outcome));
    }

    /// The moment of `next_timeout` has come, or an earlier one.
    pub fn handle_timeout(&mut self, env: &mut Env<'_>) {
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
