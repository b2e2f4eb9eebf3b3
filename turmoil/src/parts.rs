//! What a process is made of.

use crate::Sink;
use plimsoll::{Config, Core, HandlerError, Message};
use plimsoll_client::{Action, AnswerOf, AskOf, Callback, Continuation, Seams};
use plimsoll_core::{Command, Consumer, Event, Instant, Machine, RebalanceId};
use plimsoll_native::WireSpeaker;
use plimsoll_protocol::Node;
use std::pin::Pin;

/// What stands at the seams of a client; `None`: nothing does.
pub type AtTheSeams = Option<Box<dyn Seams<WireSpeaker> + Send>>;

/// The parts of a client that stand beside a seam.
type Met<'a> = plimsoll_client::Parts<'a, WireSpeaker>;

/// A handler at work.
pub type Handling = Pin<Box<dyn Future<Output = Result<(), HandlerError>> + Send>>;

/// The parts of a member's process, made each time that one starts. A part that is not the one of
/// [`PRODUCTION`](Self::PRODUCTION) is on trial.
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    /// Makes the core.
    pub core: fn(Config) -> Box<dyn Core + Send>,
    /// Makes what stands at the seams of the client.
    pub seams: fn() -> AtTheSeams,
    /// Handles a message.
    pub handler: fn(Sink, Message) -> Handling,
}

impl Parts {
    /// What runs in production, with a handler that calls the sink and ends as that says.
    pub const PRODUCTION: Self = Self {
        core: |config| Box::new(Consumer::new(config)),
        seams: || None,
        handler: |sink, message| Box::pin(async move { sink.write(&message).await }),
    };
}

impl Default for Parts {
    fn default() -> Self {
        Self::PRODUCTION
    }
}

/// What stands at the seams of a client, of which only that is known.
pub(crate) struct AnySeams(pub(crate) AtTheSeams);

impl Seams<WireSpeaker> for AnySeams {
    fn is_absent(&self) -> bool {
        self.0.is_absent()
    }

    fn command(&mut self, parts: &mut Met<'_>, command: &mut Command<Message>) -> bool {
        self.0.command(parts, command)
    }

    fn callback(&mut self, parts: &mut Met<'_>, of: RebalanceId, callback: &mut Callback) -> bool {
        self.0.callback(parts, of, callback)
    }

    fn action(&mut self, parts: &mut Met<'_>, action: &mut Action<WireSpeaker>) -> bool {
        self.0.action(parts, action)
    }

    fn request(&mut self, parts: &mut Met<'_>, ask: &mut AskOf<WireSpeaker>) -> bool {
        self.0.request(parts, ask)
    }

    fn answer(
        &mut self,
        parts: &mut Met<'_>,
        from: Node,
        then: Continuation,
        answer: &mut AnswerOf<WireSpeaker>,
    ) -> bool {
        self.0.answer(parts, from, then, answer)
    }
}

/// A core of which only that is known.
pub(crate) struct AnyCore(pub(crate) Box<dyn Core + Send>);

impl Core for AnyCore {
    fn consumer(&self) -> &Consumer<Message> {
        self.0.consumer()
    }
}

impl Machine<Message> for AnyCore {
    fn handle_event(&mut self, now: Instant, event: Event<Message>) {
        self.0.handle_event(now, event);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.0.handle_timeout(now);
    }

    fn poll_command(&mut self) -> Option<Command<Message>> {
        self.0.poll_command()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.0.poll_timeout()
    }
}
