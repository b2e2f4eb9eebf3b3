//! The simulated Kafka cluster: brokers and the controller.
//!
//! A broker is one state machine, cut into rooms by what it does: [`broker`] sends each request to
//! the room that answers it, [`connections`] keep the order of answers, a [`replica`] is one
//! partition's log with what the broker is to it, [`replication`] moves records between brokers.
//! What it sees of the world around it is in [`env`], what an observer is told of its
//! logs in [`observations`].

mod broker;
mod connections;
mod controller;
mod coordinator;
mod env;
mod epochs;
mod fetch;
mod fetcher;
mod log;
mod metadata;
mod observations;
mod placement;
mod positions;
mod produce;
mod producers;
mod reader;
mod replica;
mod replication;
mod settings;
mod shared;
#[cfg(test)]
mod tests;
mod times;

pub(crate) use broker::Broker;
pub(crate) use controller::Controller;
pub(crate) use coordinator::Coordinator;
pub(crate) use env::{ClusterEnv, Observation};
pub(crate) use placement::Placement;
pub(crate) use settings::ClusterSettings;
pub(crate) use shared::Shared;
