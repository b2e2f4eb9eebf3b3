//! Clients in the brokers' process: they speak Kafka's protocol to them without a network, so that
//! no fault of one hits them. They produce a plan's messages, and do what tools do for its faults.
//!
//! Where the brokers are, and what time it is there, is the [`Host`]'s: of [`serve`](crate::serve)
//! with its thread and the wall clock, or of a backend in simulated time.

mod client;
mod producer;
mod tools;

pub use client::OwnClient;
pub use producer::Producer;
pub use tools::{TOOL, carry_out, create_topics};

use bytes::Bytes;
use plimsoll_core::Instant;
use plimsoll_oracle::BrokerId;
use plimsoll_scenarios::scenario::Message;
use plimsoll_scenarios::schedule::{Done, FaultIndex};
use plimsoll_sim::served::{ConnectionId, Report};
use tokio::sync::mpsc;

/// The host of these clients, as brokers are told.
pub const HOST: &str = "127.0.0.1";

/// The end of a frame that a broker was sent.
#[derive(Debug)]
pub enum Answer {
    /// The answer to it, without a length in front of it.
    Frame(Bytes),
    /// A frame that has no answer.
    Done,
}

/// The owner of the brokers, which takes in what was done to them. Brokers have their Kafka ids.
pub trait Host: Clone + Send + Sync + 'static {
    /// Connects with a broker. Returns the connection and where its answers come out, one for each
    /// frame; `None`: it does not listen.
    fn connect(
        &self,
        broker: BrokerId,
    ) -> impl Future<Output = Option<(ConnectionId, mpsc::Receiver<Answer>)>> + Send;

    /// Sends a frame, without a length in front of it.
    fn receive(&self, connection: ConnectionId, frame: Bytes);

    /// Ends a connection.
    fn disconnect(&self, connection: ConnectionId);

    /// Returns what the cluster knows; `None`: it has ended.
    fn report(&self) -> impl Future<Output = Option<Report>> + Send;

    /// Waits until a moment of the plan.
    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> + Send;

    /// Takes in what became of a message: it is stored, at this offset, which is negative where no
    /// answer tells it; or it was given up.
    fn produced(&self, message: &Message, stored: Option<i64>) -> impl Future<Output = ()> + Send;

    /// Takes in that what a fault does is done.
    fn done(&self, fault: FaultIndex, done: Done) -> impl Future<Output = ()> + Send;
}
