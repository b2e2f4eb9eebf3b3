//! Writes copies of messages that could not be handled into the dead-letter topic.

use super::context::log;
use super::outbox::Outbox;
use crate::Message;
use plimsoll_core::{AssignmentEpoch, Event, Record, TopicPartition};
use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use std::time::Duration;

/// The longest time that a write waits for room in the producer's queue.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(5);

/// Writes dead letters: idempotent, acknowledged by all in-sync replicas.
pub(super) struct DeadLetters {
    config: ClientConfig,
    producer: FutureProducer<ProducerContext>,
    outbox: Outbox,
}

#[derive(Clone, Debug)]
struct ProducerContext;

impl ClientContext for ProducerContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(target: "librdkafka", %error, reason, "the producer of dead letters reports an error");
    }
}

impl DeadLetters {
    pub(super) fn new(config: ClientConfig, outbox: Outbox) -> KafkaResult<Self> {
        Ok(Self {
            producer: config.create_with_context(ProducerContext)?,
            config,
            outbox,
        })
    }

    /// Writes a copy, and tells the driver the outcome. Must be called in a tokio runtime.
    pub(super) fn write(
        &mut self,
        topic: String,
        partition: TopicPartition,
        epoch: AssignmentEpoch,
        record: Record<Message>,
    ) {
        self.replace_broken_producer();
        let (producer, outbox) = (self.producer.clone(), self.outbox.clone());
        tokio::spawn(async move {
            let written = write(&producer, &topic, &record.payload).await;
            if let Err(error) = &written {
                let offset = record.offset.get();
                tracing::error!(
                    %error, topic, partition = partition.partition, offset,
                    "a dead letter was not written, and is tried again"
                );
            }
            outbox.tell(Event::DeadLettered {
                partition,
                epoch,
                offset: record.offset,
                acknowledged: written.is_ok(),
            });
        });
    }

    /// Replaces the producer if it is broken: an idempotent one can end up with an error after
    /// which only a new one helps.
    fn replace_broken_producer(&mut self) {
        let Some((code, reason)) = self.producer.client().fatal_error() else {
            return;
        };
        tracing::error!(%code, reason, "the producer of dead letters has failed; making a new one");
        match self.config.create_with_context(ProducerContext) {
            Ok(producer) => self.producer = producer,
            // The next dead letter, which this one becomes soon, tries again.
            Err(error) => tracing::error!(%error, "cannot make a new producer of dead letters"),
        }
    }
}

async fn write(
    producer: &FutureProducer<ProducerContext>,
    topic: &str,
    message: &Message,
) -> KafkaResult<()> {
    let mut record: FutureRecord<'_, [u8], [u8]> =
        FutureRecord::to(topic).headers(headers(message));
    if let Some(key) = message.key() {
        record = record.key(key);
    }
    if let Some(payload) = message.payload() {
        record = record.payload(payload);
    }
    match producer.send(record, QUEUE_TIMEOUT).await {
        Ok(_) => Ok(()),
        Err((error, _)) => Err(error),
    }
}

/// Returns the message's own headers, then those of the dead letter.
fn headers(message: &Message) -> OwnedHeaders {
    let own = message.headers().fold(OwnedHeaders::new(), |headers, own| {
        headers.insert(Header {
            key: own.name,
            value: own.value,
        })
    });
    let partition = message.partition().to_string();
    let offset = message.offset().to_string();
    let attempts = message.attempt().to_string();
    let ours = [
        ("plimsoll-topic", message.topic()),
        ("plimsoll-partition", &partition),
        ("plimsoll-offset", &offset),
        ("plimsoll-error", message.last_error().unwrap_or("unknown")),
        ("plimsoll-attempts", &attempts),
    ];
    ours.into_iter().fold(own, |headers, (key, value)| {
        headers.insert(Header {
            key,
            value: Some(value),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Batch;
    use plimsoll_core::Offset;
    use rdkafka::message::Headers;

    #[test]
    fn a_dead_letter_names_its_origin_and_keeps_its_headers() {
        let mut batch = Batch::new("orders".into(), 3);
        batch.push(Offset::new(7), None, Some(b"apple"), None);
        batch.push_header("trace", Some(b"1"));
        batch.push_header("empty", None);
        let record = batch.into_records().remove(0);
        let message = record.payload.for_attempt(2, Some("no stock".into()));
        let headers = headers(&message);
        let found: Vec<(&str, Option<&[u8]>)> = headers.iter().map(|h| (h.key, h.value)).collect();
        let expected: [(&str, Option<&[u8]>); 7] = [
            ("trace", Some(b"1")),
            ("empty", None),
            ("plimsoll-topic", Some(b"orders")),
            ("plimsoll-partition", Some(b"3")),
            ("plimsoll-offset", Some(b"7")),
            ("plimsoll-error", Some(b"no stock")),
            ("plimsoll-attempts", Some(b"2")),
        ];
        assert_eq!(found, expected);
    }
}
