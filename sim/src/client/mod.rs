//! The simulated clients: the producer, and the members of the group.
//!
//! A [`Member`] is a process that can die; what lives in it is a [`process`], a client in the
//! manner of librdkafka with the subject on top of it. Its parts are the [`group`] (join, sync,
//! heartbeat, leave) with its [`rebalance`]s as the application sees them, the [`start`] positions
//! of what was assigned, the [`fetcher`], [`commits`], [`dead_letters`] and the [`application`].
//! What they all may read is the [`view`]: the [`metadata`], the [`coordinator`] and the
//! [`connection`]s with brokers. The [`Producer`] is a process of its own kind; its parts are
//! metadata and the [`accumulator`] of messages.
//!
//! A part knows neither the world nor the other parts: things are handed to it (`handle_*`), and it
//! leaves [`action`]s (`poll_action`, `poll_timeout`), which its process carries out. A request
//! carries the point at which its part goes on; an [`answer`] is read as the type that is taken
//! there.

mod accumulator;
mod action;
mod answer;
mod application;
mod assignor;
mod commits;
mod connection;
mod coordinator;
mod dead_letters;
mod fetcher;
mod group;
mod late;
mod member;
mod metadata;
mod process;
mod producer;
mod rebalance;
mod resend;
mod start;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use member::Member;
pub(crate) use producer::Producer;
