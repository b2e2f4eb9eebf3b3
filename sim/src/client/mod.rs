//! The simulated clients: the producer, and the members of the group.
//!
//! A [`Member`] is a process that can die; what lives in it is a [`process`], a client in the
//! manner of librdkafka with the subject on top of it. One room each: [`connection`]s and the
//! requests on them, [`metadata`], the [`coordinator`] lookup, the [`group`] (join, sync, heartbeat,
//! leave), [`rebalance`]s as the application sees them, the [`start`] positions of what was
//! assigned, the [`fetcher`], [`commits`], [`dead_letters`], and the [`application`] itself.

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
mod member;
mod metadata;
mod process;
mod producer;
mod rebalance;
mod start;
#[cfg(test)]
mod tests;
mod view;

pub use member::Member;
pub use producer::Producer;
