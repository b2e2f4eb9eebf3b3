//! The way of the harness' own clients to the brokers.

use super::Shared;
use bytes::Bytes;
use plimsoll_core::{Instant, Offset};
use plimsoll_oracle::{BrokerId, TraceEvent};
use plimsoll_scenarios::scenario::Message;
use plimsoll_scenarios::schedule::{Done, FaultIndex};
use plimsoll_serve::inside::{Answer, Host};
use plimsoll_sim::served::{ConnectionId, Report, in_plan};
use tokio::sync::mpsc;

impl Host for Shared {
    async fn connect(&self, broker: BrokerId) -> Option<(ConnectionId, mpsc::Receiver<Answer>)> {
        self.with(|world| world.connect(in_plan(broker), None))
    }

    fn receive(&self, connection: ConnectionId, frame: Bytes) {
        self.with(|world| world.receive(connection, frame));
    }

    fn disconnect(&self, connection: ConnectionId) {
        self.with(|world| world.disconnect(connection));
    }

    async fn report(&self) -> Option<Report> {
        Some(self.with(|world| world.brokers.report()))
    }

    async fn sleep_until(&self, at: Instant) {
        self.clock.sleep_until(Some(at)).await;
    }

    async fn produced(&self, message: &Message, stored: Option<i64>) {
        self.with(|world| {
            let event = match stored.map(u64::try_from) {
                Some(told) => TraceEvent::Acknowledged {
                    message: message.id,
                    partition: message.partition,
                    // Where no answer tells, as far as it can be read.
                    offset: told.map_or_else(|_| world.place_of(message), Offset::new),
                },
                None => TraceEvent::ProduceFailed {
                    message: message.id,
                },
            };
            world.observe(event);
        });
    }

    async fn done(&self, fault: FaultIndex, done: Done) {
        self.with(|world| world.done(fault, done));
    }
}
