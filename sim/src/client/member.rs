//! A member of the group: one process with its client and its subject.

use super::process::Process;
use crate::actor::Actor;
use crate::env::Env;
use crate::protocol::{Channel, Channels, Lean, Message, Node, Sharing};
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

    /// Returns which of its requests share a connection with a broker.
    pub(crate) fn sharing(&self) -> Sharing {
        self.spec.behaviour.sharing
    }

    /// Returns whether it fetches this partition now.
    pub(crate) fn owns(&self, partition: TopicPartition) -> bool {
        self.process.as_ref().is_some_and(|p| p.owns(partition))
    }

    /// Returns the number of partitions that it fetches now.
    pub(crate) fn owned(&self) -> usize {
        self.process.as_ref().map_or(0, |p| p.owned())
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

impl Actor<Lean, Env<'_>> for Member {
    /// Starts a process, for the first time or again, with no memory of earlier ones.
    fn start(&mut self, env: &mut Env<'_>) {
        let first = self.next_correlation;
        let mut process = Box::new(Process::new(env, self.id, self.spec, self.starts, first));
        self.starts += 1;
        process.start(env);
        self.process = Some(process);
    }

    /// Asks the process to stop (SIGTERM); later it ends by itself, and says so in the trace.
    fn stop(&mut self, env: &mut Env<'_>) {
        self.with_process(|process| process.stop(env));
    }

    fn crash(&mut self, _env: &mut Env<'_>) {
        self.end();
    }

    #[inline]
    fn handle_message(
        &mut self,
        env: &mut Env<'_>,
        from: Node,
        channel: Channel,
        message: Message,
    ) {
        if let Message::Response(correlation, response) = message {
            let from = (from, channel);
            self.with_process(|process| process.handle_response(env, from, correlation, response));
        }
    }

    fn handle_disconnected(&mut self, env: &mut Env<'_>, peer: Node, channels: Channels) {
        self.with_process(|process| process.handle_disconnected(env, peer, channels));
    }

    fn handle_timeout(&mut self, env: &mut Env<'_>) {
        self.with_process(|process| process.handle_timeout(env));
    }

    fn next_timeout(&self) -> Option<Instant> {
        let at = self.process.as_ref()?.next_timeout();
        (at < Instant::FAR_FUTURE).then_some(at)
    }

    fn is_running(&self) -> bool {
        self.process.is_some()
    }
}
