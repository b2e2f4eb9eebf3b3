//! The producer of the workload.

use crate::env::Env;
use crate::protocol::{Channel, Correlation, Node, Response};
use plimsoll_core::Instant;

/// The producer of the workload.
#[derive(Debug)]
pub struct Producer {}

impl Producer {
    /// A producer that has sent nothing.
    pub fn new(_env: &Env<'_>) -> Self {
        Self {}
    }

    /// Gets the message at this index of `plan.messages`, to be sent.
    pub fn produce(&mut self, _env: &mut Env<'_>, _message: usize) {
        unimplemented!()
    }

    /// Whether every message that it got is acknowledged or given up.
    pub fn is_done(&self) -> bool {
        unimplemented!()
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

    /// The moment of `next_timeout` has come, or an earlier one.
    pub fn handle_timeout(&mut self, _env: &mut Env<'_>) {
        unimplemented!()
    }

    /// The earliest deadline.
    pub fn next_timeout(&self) -> Option<Instant> {
        unimplemented!()
    }
}
