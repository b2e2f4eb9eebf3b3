//! The simulated Kafka cluster: brokers and the controller.
//!
//! A broker is one state machine, cut into rooms by what it does: [`broker`] sends each request to
//! the room that answers it, [`connections`] keep the order of answers, a [`replica`] is one
//! partition's log with what the broker is to it, [`replication`] moves records between brokers.
//! What the trace says of it is in [`observations`].

mod broker;
mod connections;
mod controller;
mod coordinator;
mod fetch;
mod fetcher;
mod log;
mod metadata;
mod observations;
mod placement;
mod produce;
mod reader;
mod replica;
mod replication;
pub(crate) mod shared;
#[cfg(test)]
mod tests;

pub(crate) use broker::Broker;
pub(crate) use controller::Controller;
