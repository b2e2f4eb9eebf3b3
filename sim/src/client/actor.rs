//! The clients as actors.

use super::{Member, Producer};
use crate::actor::Actor;
use crate::env::Env;
use crate::protocol::{Channel, Message, Node};
use plimsoll_core::Instant;

impl Actor for Member {
    fn start(&mut self, env: &mut Env<'_>) {
        Member::start(self, env);
    }

    fn stop(&mut self, env: &mut Env<'_>) {
        Member::stop(self, env);
    }

    fn crash(&mut self, _env: &mut Env<'_>) {
        Member::crash(self);
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
            self.handle_response(env, from, channel, correlation, response);
        }
    }

    fn handle_disconnected(&mut self, env: &mut Env<'_>, peer: Node) {
        Member::handle_disconnected(self, env, peer);
    }

    fn handle_timeout(&mut self, env: &mut Env<'_>) {
        Member::handle_timeout(self, env);
    }

    fn next_timeout(&self) -> Option<Instant> {
        Member::next_timeout(self)
    }

    fn is_running(&self) -> bool {
        Member::is_running(self)
    }
}

/// The producer belongs to the harness: it runs from the beginning to the end.
impl Actor for Producer {
    fn start(&mut self, _env: &mut Env<'_>) {}

    fn stop(&mut self, _env: &mut Env<'_>) {}

    fn crash(&mut self, _env: &mut Env<'_>) {}

    #[inline]
    fn handle_message(
        &mut self,
        env: &mut Env<'_>,
        from: Node,
        channel: Channel,
        message: Message,
    ) {
        if let Message::Response(correlation, response) = message {
            self.handle_response(env, from, channel, correlation, response);
        }
    }

    fn handle_disconnected(&mut self, env: &mut Env<'_>, peer: Node) {
        Producer::handle_disconnected(self, env, peer);
    }

    fn handle_timeout(&mut self, env: &mut Env<'_>) {
        Producer::handle_timeout(self, env);
    }

    fn next_timeout(&self) -> Option<Instant> {
        Producer::next_timeout(self)
    }

    fn is_running(&self) -> bool {
        true
    }
}
