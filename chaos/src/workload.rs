//! The producer: every message of the plan, at its time, to its partition.

use crate::channel::Sender;
use crate::log::Log;
use crate::names::Names;
use crate::producer::{Delivery, Producer};
use crate::recorder::Clock;
use plimsoll_core::Offset;
use plimsoll_oracle::TraceEvent;
use plimsoll_scenarios::Plan;
use plimsoll_scenarios::scenario::Message;
use plimsoll_serve::produce::NewRecord;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// The longest wait for the reader of the topics to find a message that was acknowledged without
/// an offset.
const READ: Duration = Duration::from_secs(30);

/// What the workload reports.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Report {
    /// What became of a message.
    Observed(TraceEvent),
    /// Whether every message so far is acknowledged or given up, and no more must come.
    Produced(bool),
}

/// The messages of a plan, and what it takes to produce them.
#[derive(Clone)]
pub(crate) struct Workload {
    pub plan: Arc<Plan>,
    pub names: Arc<Names>,
    pub log: Arc<Log>,
    pub clock: Clock,
    pub producer: Arc<Producer>,
    pub reports: Sender<Report>,
}

impl Workload {
    /// Produces the whole workload, and reports when every message is acknowledged or given up;
    /// then produces more messages for as long as the run goes on.
    pub(crate) async fn produce(self) {
        let probes = self.plan.probes();
        let (always, later) = probes.messages.split_at(probes.always);
        self.deliver(&[&self.plan.messages, always].concat()).await;
        self.reports.send(Report::Produced(true));
        for message in later {
            self.clock.sleep_until(message.at).await;
            self.reports.send(Report::Produced(false));
            self.deliver(&[*message]).await;
            self.reports.send(Report::Produced(true));
        }
    }

    /// Produces messages, each at its time; returns when every one is acknowledged or given up.
    async fn deliver(&self, messages: &[Message]) {
        let mut deliveries = JoinSet::new();
        for message in messages {
            self.clock.sleep_until(message.at).await;
            let delivery = self.send(message);
            let (workload, message) = (self.clone(), *message);
            deliveries.spawn(async move {
                let event = match delivery.await {
                    Ok(told) => TraceEvent::Acknowledged {
                        message: message.id,
                        partition: message.partition,
                        offset: workload.offset(&message, told).await,
                    },
                    Err(_) => TraceEvent::ProduceFailed {
                        message: message.id,
                    },
                };
                workload.observed(event);
            });
        }
        while deliveries.join_next().await.is_some() {}
    }

    fn observed(&self, event: TraceEvent) {
        self.reports.send(Report::Observed(event));
    }

    /// Returns where an acknowledged message stands. Where no answer tells, as of one that an
    /// idempotent producer sent twice, the reader of the topics does, or the message is missing.
    async fn offset(&self, message: &Message, told: Option<Offset>) -> Offset {
        if let Some(offset) = told {
            return offset;
        }
        let read = self.log.wait_for_message(message.id, READ).await;
        read.unwrap_or_else(|| self.log.end(message.partition))
    }

    /// Begins to produce a message.
    fn send(&self, message: &Message) -> Delivery {
        let partition = message.partition;
        let topic = self.names.topic(partition.topic);
        let record = NewRecord::of(message);
        self.producer.send(topic, partition.partition, record)
    }
}
