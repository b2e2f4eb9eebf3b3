//! The seams of a client: where its parts meet each other, the brokers and the application.
//!
//! In production nothing stands there, and nothing is asked: the [`Seams`] of a
//! [`Member`](crate::Member) are `()` then. What is to show how a client breaks does, from outside:
//! it sees what passes, and may change it, keep it back, or do more to the [`Parts`] than it asks
//! for.

use crate::{
    Action, Ask, Callback, Commits, Continuation, Failure, Fetcher, Group, Speaker, Start, View,
};
use plimsoll_core::{Command, Instant, RebalanceId};
use plimsoll_protocol::{Node, Response};

/// A request of a client with the point at which it goes on, in the dialect of a speaker.
pub type AskOf<S> = Ask<<S as Speaker>::Dialect, Continuation>;

/// The outcome of a request, in the dialect of a speaker.
pub type AnswerOf<S> = Result<Response<<S as Speaker>::Dialect>, Failure>;

/// The parts of a member's client, between two things that pass.
#[derive(Debug)]
pub struct Parts<'a, S: Speaker> {
    /// The time.
    pub now: Instant,
    /// What the client knows of its cluster.
    pub view: &'a mut View<S>,
    /// Its membership.
    pub group: &'a mut Group<S>,
    /// Where partitions start.
    pub start: &'a mut Start<S>,
    /// What is fetched.
    pub fetcher: &'a mut Fetcher<S>,
    /// Its commits.
    pub commits: &'a mut Commits<S>,
}

/// What stands at the seams of a member's client: everything passes it, one by one. Each of its
/// functions returns whether that goes on.
pub trait Seams<S: Speaker> {
    /// Returns whether nothing stands there: then it is asked nothing else.
    fn is_absent(&self) -> bool {
        false
    }

    /// Lets a command of the application pass to the client.
    fn command(&mut self, _parts: &mut Parts<'_, S>, _command: &mut Command<S::Payload>) -> bool {
        true
    }

    /// Lets the news of a rebalance pass to the application.
    fn callback(
        &mut self,
        _parts: &mut Parts<'_, S>,
        _rebalance: RebalanceId,
        _callback: &mut Callback,
    ) -> bool {
        true
    }

    /// Lets pass what a part wants done.
    fn action(&mut self, _parts: &mut Parts<'_, S>, _action: &mut Action<S>) -> bool {
        true
    }

    /// Lets a request pass to its broker.
    fn request(&mut self, _parts: &mut Parts<'_, S>, _ask: &mut AskOf<S>) -> bool {
        true
    }

    /// Lets pass what became of a request, to the part that goes on with it.
    fn answer(
        &mut self,
        _parts: &mut Parts<'_, S>,
        _from: Node,
        _then: Continuation,
        _answer: &mut AnswerOf<S>,
    ) -> bool {
        true
    }
}

/// Nothing.
impl<S: Speaker> Seams<S> for () {
    #[inline]
    fn is_absent(&self) -> bool {
        true
    }
}

/// What may stand there, as that is known only when it runs.
impl<S: Speaker, T: Seams<S> + ?Sized> Seams<S> for Option<Box<T>> {
    #[inline]
    fn is_absent(&self) -> bool {
        self.is_none()
    }

    fn command(&mut self, parts: &mut Parts<'_, S>, command: &mut Command<S::Payload>) -> bool {
        self.as_mut()
            .is_none_or(|seams| seams.command(parts, command))
    }

    fn callback(
        &mut self,
        parts: &mut Parts<'_, S>,
        rebalance: RebalanceId,
        callback: &mut Callback,
    ) -> bool {
        self.as_mut()
            .is_none_or(|seams| seams.callback(parts, rebalance, callback))
    }

    fn action(&mut self, parts: &mut Parts<'_, S>, action: &mut Action<S>) -> bool {
        self.as_mut()
            .is_none_or(|seams| seams.action(parts, action))
    }

    fn request(&mut self, parts: &mut Parts<'_, S>, ask: &mut AskOf<S>) -> bool {
        self.as_mut().is_none_or(|seams| seams.request(parts, ask))
    }

    fn answer(
        &mut self,
        parts: &mut Parts<'_, S>,
        from: Node,
        then: Continuation,
        answer: &mut AnswerOf<S>,
    ) -> bool {
        self.as_mut()
            .is_none_or(|seams| seams.answer(parts, from, then, answer))
    }
}
