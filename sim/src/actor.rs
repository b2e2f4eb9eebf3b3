//! What takes part in a run.

use crate::protocol::{Channel, Channels, Dialect, Message, Node};
use plimsoll_core::Instant;

/// A process at a node: it gets messages and timers, and sends messages. `E` is the world that it
/// sees.
pub(crate) trait Actor<D: Dialect, E> {
    /// Starts its process, for the first time or again.
    fn start(&mut self, env: &mut E);

    /// Asks its process to stop; later `is_running` becomes false.
    fn stop(&mut self, env: &mut E);

    /// Kills its process at once.
    fn crash(&mut self, env: &mut E);

    /// Handles a message.
    fn handle_message(&mut self, env: &mut E, from: Node, channel: Channel, message: Message<D>);

    /// Handles the loss of connections with a peer, those of these channels.
    fn handle_disconnected(&mut self, env: &mut E, peer: Node, channels: Channels);

    /// Does what is due, at the moment of `next_timeout` or an earlier one.
    fn handle_timeout(&mut self, env: &mut E);

    /// Returns the earliest deadline.
    fn next_timeout(&self) -> Option<Instant>;

    /// Returns whether its process runs (it may be paused).
    fn is_running(&self) -> bool;
}
