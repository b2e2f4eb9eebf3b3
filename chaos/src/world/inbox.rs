//! The receiving end of the world's channel: whatever the parts of a run report, in one order.

use crate::channel::{Reply, Sender};
use crate::error::ChaosError;
use crate::leaders::News;
use crate::log::StoredMessage;
use crate::{course, faults, processes, proxy, sink, tail, workload};
use plimsoll_oracle::MemberId;
use plimsoll_scenarios::schedule::FaultIndex;
use tokio::sync::mpsc;

/// What the world takes in.
#[derive(Debug)]
pub(crate) enum Event {
    Proxy(proxy::Report),
    Sink(sink::Report),
    Process(processes::Report),
    Tail(tail::Read),
    /// A copy in the dead-letter topic was acknowledged.
    Copied(Copied),
    Workload(workload::Report),
    Leader(News),
    Brokers(faults::Report),
    Course(course::Report),
    /// A member's own start.
    Start(MemberId),
    /// The timer of a fault.
    Timer(FaultIndex),
    /// The time by which a member must have asked to join the group.
    JoinDeadline(()),
}

/// The last copy of what a member wrote to the dead-letter topic, whose acknowledgement waits.
#[derive(Debug)]
pub(crate) struct Copied {
    pub member: MemberId,
    /// The copy, if the reader of the topics has seen it in time.
    pub copy: Option<StoredMessage>,
    pub noted: Reply<()>,
}

/// The receiving end. It makes the sending ends.
#[derive(Debug)]
pub(crate) struct Inbox {
    sender: mpsc::UnboundedSender<Event>,
    events: mpsc::UnboundedReceiver<Event>,
}

impl Inbox {
    /// Makes an empty channel.
    pub(crate) fn new() -> Self {
        let (sender, events) = mpsc::unbounded_channel();
        Self { sender, events }
    }

    /// Makes a sending end for one part of the run.
    pub(crate) fn sender<T: 'static>(&self, event: fn(T) -> Event) -> Sender<T> {
        let sender = self.sender.clone();
        Sender::new(move |what| {
            // Fails where the run is over, and with it the world.
            let _ = sender.send(event(what));
        })
    }

    /// Waits for the next event.
    pub(super) async fn next(&mut self) -> Result<Event, ChaosError> {
        let closed = || ChaosError::Internal("the channel into the world was closed".into());
        self.events.recv().await.ok_or_else(closed)
    }
}
