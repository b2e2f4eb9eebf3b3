//! A Kafka client as a state machine: answers and time go in, requests come out.
//!
//! It has no I/O, no clock, no randomness and no threads: a simulator drives it, and whatever has
//! sockets. Its parts are the [`Group`] (join, sync, heartbeat, leave) with its [`Rebalance`]s as
//! the application sees them, the [`Start`] positions of what was assigned, the [`Fetcher`], the
//! [`Commits`] and the [`DeadLetters`]. What they all may read is the [`View`]: the [`Metadata`],
//! the [`Coordinator`] and the [`Connections`] with brokers. The parts of a producer are metadata
//! and the [`Accumulator`] of messages.
//!
//! A part knows neither the world nor the other parts: things are handed to it (`handle_*`), and it
//! leaves [`Action`]s (`poll_action`, `poll_timeout`). A request carries the point at which its part
//! goes on ([`Continuation`]); an answer is [`read`] as the type that is taken there. A [`Member`]
//! is the parts put together: it carries out what they want in its [`World`], and lets what passes
//! between them be seen and changed at its [`Seams`].
//!
//! It behaves like a real client ([`Behaviour`]), and speaks through a [`Speaker`], which knows how
//! to write and read what brokers only carry.

pub mod accumulator;
mod action;
mod answer;
mod assignor;
mod behaviour;
mod commits;
mod connection;
mod coordinator;
mod dead_letters;
mod epochs;
mod fetcher;
mod group;
mod member;
mod metadata;
mod rebalance;
mod resend;
mod seams;
mod settings;
mod speaker;
mod start;
#[cfg(test)]
mod tests;
mod view;

pub use accumulator::Accumulator;
pub use action::{Action, Continuation, DeadLetterCopy};
pub use answer::{Answer, Connected, Joined, read};
pub use behaviour::{AnyBroker, Behaviour, CommitRetries, Membership, StartRetries, Validation};
pub use commits::{Commits, Stamp};
pub use connection::{Ask, Connections, Failure, Requests, channel_of};
pub use coordinator::Coordinator;
pub use dead_letters::DeadLetters;
pub use fetcher::Fetcher;
pub use group::Group;
pub use member::{Cluster, End, Member, Observation, World};
pub use metadata::{Metadata, Renewal};
pub use rebalance::{Callback, Rebalance};
pub use seams::{AnswerOf, AskOf, Parts, Seams};
pub use settings::Settings;
pub use speaker::{
    AssignmentOf, BatchOf, MetadataOf, Owned, RecordsOf, Speaker, SubscriptionOf, Unreadable,
};
pub use start::{Start, end_of};
pub use view::View;
