//! The producer: every message of the plan, at its time, to its partition.

use crate::channel::Sender;
use crate::error::ChaosError;
use crate::log::Log;
use crate::names::Names;
use crate::recorder::Clock;
use crate::tail::MESSAGE;
use plimsoll_core::Offset;
use plimsoll_oracle::TraceEvent;
use plimsoll_scenarios::Plan;
use plimsoll_scenarios::scenario::{Acks, Message, Producer};
use rdkafka::ClientConfig;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer as _};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// The pause before another attempt to send to a partition that the producer does not know yet.
const TRY_AGAIN: Duration = Duration::from_millis(100);

/// The longest wait for the reader of the topics to find a message that was acknowledged without
/// an offset.
const READ: Duration = Duration::from_secs(30);

/// Makes a producer with the settings of the plan; it goes straight to the brokers.
///
/// # Errors
/// Where librdkafka refuses.
pub(crate) fn producer(settings: &Producer, bootstrap: &str) -> Result<FutureProducer, ChaosError> {
    let acks = match settings.acks {
        Acks::None => "0",
        Acks::Leader => "1",
        Acks::All => "all",
    };
    let millis = |time: Duration| time.as_millis().max(1).to_string();
    ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("client.id", "plimsoll-producer")
        .set("acks", acks)
        .set("enable.idempotence", settings.idempotence.to_string())
        .set("request.timeout.ms", millis(settings.request_timeout))
        .set("retry.backoff.ms", millis(settings.retry_backoff))
        .set("message.timeout.ms", millis(settings.delivery_timeout))
        .set("linger.ms", "0")
        .set("topic.metadata.refresh.interval.ms", "1000")
        .set("reconnect.backoff.max.ms", "500")
        .create()
        .map_err(|error| ChaosError::Internal(format!("cannot make a producer: {error}")))
}

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
    pub producer: FutureProducer,
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
            let Some(delivery) = self.send(message).await else {
                let message = message.id;
                self.observed(TraceEvent::ProduceFailed { message });
                continue;
            };
            let (workload, message) = (self.clone(), *message);
            deliveries.spawn(async move {
                let delivered = delivery.await.ok().and_then(Result::ok);
                let event = match delivered {
                    Some(place) => TraceEvent::Acknowledged {
                        message: message.id,
                        partition: message.partition,
                        offset: workload.offset(&message, place.offset).await,
                    },
                    None => TraceEvent::ProduceFailed {
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

    /// Returns where an acknowledged message stands. Of one that an idempotent producer sent twice,
    /// because the first answer was lost, the second answer does not tell: then the reader of the
    /// topics does, or the message is missing.
    async fn offset(&self, message: &Message, told: i64) -> Offset {
        if let Ok(offset) = u64::try_from(told) {
            return Offset::new(offset);
        }
        let read = self.log.wait_for_message(message.id, READ).await;
        read.unwrap_or_else(|| self.log.end(message.partition))
    }

    /// Hands a message to librdkafka; returns `None` where that is not possible within its time.
    async fn send(&self, message: &Message) -> Option<DeliveryFuture> {
        let topic = self.names.topic(message.partition.topic);
        let id = message.id.0.to_string();
        let key = message.key.map(|key| format!("key-{key}"));
        let value = format!("{id:<width$}", width = message.bytes as usize);
        let headers = OwnedHeaders::new().insert(Header {
            key: MESSAGE,
            value: Some(&id),
        });
        let give_up = tokio::time::Instant::now() + self.plan.settings.producer.delivery_timeout;
        loop {
            let mut record = FutureRecord::to(topic)
                .partition(message.partition.partition as i32)
                .payload(&value)
                .headers(headers.clone());
            if let Some(key) = &key {
                record = record.key(key);
            }
            match self.producer.send_result(record) {
                Ok(delivery) => return Some(delivery),
                Err((error, _)) => {
                    let passing = matches!(
                        error.rdkafka_error_code(),
                        Some(RDKafkaErrorCode::UnknownPartition | RDKafkaErrorCode::QueueFull)
                    );
                    if !passing || tokio::time::Instant::now() > give_up {
                        tracing::warn!(%error, "message {id} cannot be produced");
                        return None;
                    }
                    tokio::time::sleep(TRY_AGAIN).await;
                }
            }
        }
    }
}

/// Drops what librdkafka still holds, at the end of a run.
pub(crate) fn close(producer: &FutureProducer) {
    producer.purge(rdkafka::producer::PurgeConfig::default().queue().inflight());
}
