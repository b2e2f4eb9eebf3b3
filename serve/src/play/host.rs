//! The way of a scenario's own clients to the thread that has the cluster.

use crate::control::{Command, Control};
use crate::inside::{Answer, HOST, Host};
use crate::trace::Event;
use crate::world::World;
use bytes::Bytes;
use plimsoll_core::Instant;
use plimsoll_oracle::BrokerId;
use plimsoll_scenarios::scenario::Message;
use plimsoll_scenarios::schedule::{Done, FaultIndex};
use plimsoll_sim::served::{ConnectionId, Report};
use tokio::sync::{mpsc, oneshot};
use tokio::time;

/// The thread that has the cluster, as the scenario's own clients know it.
#[derive(Clone)]
pub(super) struct PlayHost {
    control: Control,
    /// The beginning of the plan.
    began: time::Instant,
}

impl PlayHost {
    /// Makes the way to a thread, for a plan that begins now.
    pub(super) fn new(control: Control) -> Self {
        Self {
            control,
            began: time::Instant::now(),
        }
    }

    /// Notes what happened.
    pub(super) fn note(&self, event: Event) {
        let note = |world: &mut World, now| world.note(now, event);
        self.control.send(Command::Call(Box::new(note)));
    }
}

impl Host for PlayHost {
    async fn connect(&self, broker: BrokerId) -> Option<(ConnectionId, mpsc::Receiver<Answer>)> {
        let (reply, connected) = oneshot::channel();
        self.control.send(Command::Connect {
            broker,
            client_host: HOST.into(),
            is_own: true,
            reply,
        });
        connected.await.ok()
    }

    fn receive(&self, connection: ConnectionId, frame: Bytes) {
        self.control.send(Command::Received(connection, frame));
    }

    fn disconnect(&self, connection: ConnectionId) {
        self.control.send(Command::Disconnected(connection));
    }

    async fn report(&self) -> Option<Report> {
        self.control.call(|world, _| world.cluster.report()).await
    }

    async fn sleep_until(&self, at: Instant) {
        time::sleep_until(self.began + at.since_start()).await;
    }

    async fn produced(&self, message: &Message, stored: Option<i64>) {
        let (message, partition) = (message.id, message.partition);
        let Some(offset) = stored else {
            return;
        };
        let tell = move |world: &mut World, now| {
            world.acknowledged(now, message, partition, offset.max(0));
        };
        self.control.call(tell).await;
    }

    async fn done(&self, fault: FaultIndex, done: Done) {
        let tell = move |world: &mut World, now| world.done(now, fault, done);
        self.control.call(tell).await;
    }
}
