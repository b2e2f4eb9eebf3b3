//! A member of the group: one process with its client and its subject.

use crate::env::Env;
use crate::protocol::{Channel, Correlation, Node, Response};
use crate::recipes::{Payload, SubjectSpec};
use crate::sink::HandlerCall;
use plimsoll_core::{Instant, Machine, Outcome, TopicPartition};
use plimsoll_scenarios::MemberId;

/// A member of the group: one process with its client and its subject.
pub struct Member {
    id: MemberId,
    spec: SubjectSpec,
    machine: Option<Box<dyn Machine<Payload>>>,
}

impl Member {
    /// A member whose process does not run.
    pub fn new(_env: &Env<'_>, id: MemberId, spec: SubjectSpec) -> Self {
        Self {
            id,
            spec,
            machine: None,
        }
    }

    /// Whether its process runs (it may be paused).
    pub fn is_running(&self) -> bool {
        let _ = (self.id, &self.spec);
        self.machine.is_some()
    }

    /// Whether it fetches this partition now.
    pub fn owns(&self, _partition: TopicPartition) -> bool {
        unimplemented!()
    }

    /// How many partitions it fetches now.
    pub fn owned(&self) -> usize {
        unimplemented!()
    }

    /// The process starts, for the first time or again, with no memory of earlier ones.
    pub fn start(&mut self, _env: &mut Env<'_>) {
        unimplemented!()
    }

    /// The process is asked to stop (SIGTERM); later it ends by itself, and says so in the trace.
    pub fn stop(&mut self, _env: &mut Env<'_>) {
        unimplemented!()
    }

    /// The process dies at once.
    pub fn crash(&mut self) {
        self.machine = None;
    }

    /// A response arrived.
    pub fn handle_response(
        &mut self,
        _env: &mut Env<'_>,
        _from: Node,
        _channel: Channel,
        _correlation: Correlation,
        _response: Response,
    ) {
        unimplemented!()
    }

    /// The connections with a broker are gone.
    pub fn handle_disconnected(&mut self, _env: &mut Env<'_>, _peer: Node) {
        unimplemented!()
    }

    /// A handler came back.
    pub fn handle_processed(&mut self, _env: &mut Env<'_>, _call: HandlerCall, _outcome: Outcome) {
        unimplemented!()
    }

    /// The moment of `next_timeout` has come, or an earlier one.
    pub fn handle_timeout(&mut self, _env: &mut Env<'_>) {
        unimplemented!()
    }

    /// The earliest deadline.
    pub fn next_timeout(&self) -> Option<Instant> {
        unimplemented!()
    }
}
