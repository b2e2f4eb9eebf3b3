//! What takes part in a run.

use crate::env::Env;
use crate::protocol::{Channel, Message, Node};
use plimsoll_core::Instant;

/// A process at a node: it gets messages and timers, and sends messages.
pub(crate) trait Actor {
    /// Starts its process, for the first time or again.
    fn start(&mut self, env: &mut Env<'_>);

    /// Asks its process to stop; later `is_running` becomes false.
    fn stop(&mut self, env: &mut Env<'_>);

    /// Kills its process at once.
    fn crash(&mut self, env: &mut Env<'_>);

    /// Handles a message.
    fn handle_message(&mut self, env: &mut Env<'_>, from: Node, channel: Channel, message: Message);

    /// Handles the loss of the connections with a peer.
    fn handle_disconnected(&mut self, env: &mut Env<'_>, peer: Node);

    /// Does what is due, at the moment of `next_timeout` or an earlier one.
    fn handle_timeout(&mut self, env: &mut Env<'_>);

    /// Returns the earliest deadline.
    fn next_timeout(&self) -> Option<Instant>;

    /// Returns whether its process runs (it may be paused).
    fn is_running(&self) -> bool;
}
